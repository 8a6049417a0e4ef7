#!/usr/bin/perl
# What new clients meet at a node, and what is concluded from it: nothing from a page
# that answers 503 of its own, maintenance from the words of it, suspicion from errors
# where others begin sessions.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP ();
use List::Util qw(sum0 uniq);
use SVB::Balancer;
use SVB::Fleet;
use SVB::Httpd;
use SVB::Wait;
use Test::More;
use Time::HiRes qw(time);

my $fleet = SVB::Fleet->start(2);
my ($one, $two) = $fleet->nodes;
my $page = '/servoy-webclient/ss/s/crm';
my $words = 'Server in maintenance mode';

my $frame = manager_location() . <<'END_CONF';
Header always set X-How "%{SERVOY_HOW}e"
<LocationMatch "^/over">
ProxyErrorOverride On
</LocationMatch>
END_CONF

my @posts = qw(form h2c short long sparing chunked put);
my @breaks = map { ("ajp$_", "http$_") } 403, 404, 500;
my $httpd = SVB::Httpd->new(conf => join '', $frame,
    balancer('own',   $fleet->members('ajp')),
    balancer('ownhttp', $fleet->members('http')),
    (map { balancer($_, $fleet->members(/^ajp/ ? 'ajp' : 'http'), 'ServoyMaintenance on 2s') } @breaks),
    (map { balancer("post$_", $fleet->members(/^(?:long|put)$/ ? 'http' : 'ajp')) } @posts),
    balancer('starts', $fleet->members('http')),
    balancer('known',  $fleet->members('ajp')),
    balancer('unmet',  $fleet->members('ajp'), 'ServoyMaintenance on 2s'),
    balancer('over',   $fleet->members('ajp'), 'ServoyMaintenance on 60s', 'ServoySessionTimeout 2s'),
    balancer('overown', $fleet->members('http')))->start;

sub browser { my ($at, @more) = @_; return $at->client(timeout => 30, @more) }

# What the nodes answer to those who have no session; (0) for one.
sub refuse {
    my ($node, $status, $text, $how) = @_;
    my $query = join '&', "status=$status", 'text=' . ($text // '') =~ s/ /%20/gr, 'how=' . ($how // '');
    return $node->client(cookies => 0)->get("/admin/refusal?$query")->json;
}

sub calm {
    $fleet->calm;
    refuse($_, 0) for $fleet->nodes;
    return;
}

sub node_of { my ($name, $route, $at) = @_; return ($at // $httpd)->nodes($name)->{$route} }

sub states {
    my ($name, $at) = @_;
    my $nodes = ($at // $httpd)->nodes($name);
    return join ' ', map { $nodes->{$_}{state} } qw(servoy1 servoy2);
}

sub asked { my ($path) = @_; return join ' ', map { $_->requests->{$path} // 0 } $fleet->nodes }

sub short { my ($r) = @_; return join ' ', $r->status || $r->error, $r->node // '-' }

# A client with a session at that node.
sub user_of {
    my ($name, $route, $at) = @_;
    my $user;
    wait_for(sub {
        $user = browser($at // $httpd);
        return ($user->get("/$name$page")->node // '') eq $route;
    }, 20, "a client of $route at $name");
    return $user;
}

# ------------------------------------------------------- a page that answers 503

my @offer = ('Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__');

subtest 'a page that answers 503 of its own says nothing about its node' => sub {
    for my $name (qw(own ownhttp)) {
        calm();
        my @users = map { user_of($name, $_) } qw(servoy1 servoy2);
        my $target = "/$name/status/503?text=busy";
        my %ask = (
            GET       => sub { browser($httpd)->get($target) },
            HEAD      => sub { browser($httpd)->head($target) },
            POST      => sub { browser($httpd)->post($target, 'a=b') },
            'HTTP/1.0' => sub { browser($httpd)->request(GET => $target, version => '1.0') },
            'h2c offered' => sub { browser($httpd)->request(GET => $target, headers => \@offer) },
            'a session' => sub { $users[ $_[0] % 2 ]->get($target) },
        );
        $_->reset_requests for $fleet->nodes;
        my %seen;
        for my $number (1 .. 25) {
            for my $kind (sort keys %ask) {
                my $r = $ask{$kind}->($number);
                $seen{$kind}{ $r->status . ($kind eq 'HEAD' ? '' : ' ' . $r->body =~ s/\s+$//r) }++;
            }
        }
        for my $kind (sort keys %ask) {
            is_deeply $seen{$kind}, { $kind eq 'HEAD' ? 503 : '503 busy' => 25 }, "$name: $kind: each sees it";
        }
        is sum0(split / /, asked('/status/503')), 150, '... each ran once';
        is states($name), 'ready ready', '... no node has changed its state';
        is_deeply [ uniq map { $_->get("/$name$page")->header('X-How') } @users ], ['known'],
            '... its clients are where they were';
    }
};

# -------------------------------------------------------------------- suspicion

my %hint = (403 => qr/secret=/, 404 => qr/deployed/, 500 => qr/started/);

for my $name (@breaks) {
    subtest "$name: a node answers that to all new clients" => sub {
        my ($status) = $name =~ /(\d+)/;
        calm();
        # the other has clients, and this one none: it looks best
        my $old = user_of($name, 'servoy1');
        my @crowd = map { browser($httpd) } 1 .. 9;
        my @homes = map { $_->get("/$name$page")->node } @crowd;
        $crowd[$_]->get("/$name/logout") for grep { $homes[$_] eq 'servoy1' } 0 .. 8;
        # ... and nobody has come for a while
        my $came = time;
        wait_for(sub { time > $came + 1.5 }, 5, 'a while to pass');
        refuse($one, $status, 'broken');
        my @met = map { browser($httpd)->get("/$name$page")->status } 1 .. 14;
        my $wrong = grep { $_ != 200 } @met;
        cmp_ok $wrong, '<=', 3, 'at most three users meet it' or diag "@met";
        cmp_ok $wrong, '>=', 1, '... somebody has to';
        my $node = node_of($name, 'servoy1');
        is $node->{state}, 'suspect', 'it is suspect';
        like $node->{reason} // '', qr/^3 new clients in a row got $status/, '... and why';
        ok $node->{until}, '... until then';
        my $line = eval { $httpd->wait_log(qr/SVB0095.*$name.*servoy1/, 10) } // '';
        like $line, qr/:warn\].*answers $status to new clients/, 'a warning names the status';
        like $line, $hint{$status}, '... and what that often means';
        is short($old->get("/$name$page")), '200 servoy1', 'its client is served there';

        $_->reset_requests for $fleet->nodes;
        my ($begun, @later) = time;
        wait_for(sub { push @later, browser($httpd)->get("/$name$page")->status; time > $begun + 5 }, 30, 'five seconds');
        my $took = time - $begun;
        my $failed = grep { $_ != 200 } @later;
        cmp_ok $failed, '>=', 1, 'one tries it when the retry time is over';
        cmp_ok $failed, '<=', 1 + $took / 2, '... and the next when another is';
        is $failed, $one->requests->{$page} // 0, '... nobody else went there';
        is node_of($name, 'servoy1')->{state}, 'suspect', '... it stays suspect';

        refuse($one, 0);
        wait_ok(sub { browser($httpd)->get("/$name$page"); node_of($name, 'servoy1')->{state} eq 'ready' }, 20,
            'it is mended: the next to try finds that out');
    };
}

subtest 'an error where nobody has begun a session says nothing' => sub {
    calm();
    user_of('unmet', $_) for qw(servoy1 servoy2);
    for (1 .. 20) {
        browser($httpd)->get("/unmet/status/$_") for 403, 404, 500;
    }
    is states('unmet'), 'ready ready', 'sixty of them, and both nodes are as they were';
};

# ---------------------------------------- maintenance, found out by any request

my %post = (
    form    => [ { body => 'a=b' } ],
    h2c     => [ { headers => \@offer } ],
    short   => [ { body => 'x' x 60_000 } ],
    long    => [ { body => 'x' x 70_000 }, 503 ],
    sparing => [ { body => 'x' x 70_000 } ],     # by AJP the node refuses it before it has got 64 KiB
    chunked => [ { headers => ['Transfer-Encoding: chunked'], body => join('', map { "1000\r\n" . 'y' x 4096 . "\r\n" } 1 .. 5) . "0\r\n\r\n" } ],
    put     => [ { body => 'a=b' } ],
);

for my $kind (@posts) {
    subtest "maintenance, and the first to come: $kind" => sub {
        calm();
        $one->maintenance(1);
        my ($option, $expect) = @{ $post{$kind} };
        my $method = $kind eq 'h2c' ? 'GET' : $kind eq 'put' ? 'PUT' : 'POST';
        my $path = "/begin/$kind";
        my $r;
        wait_for(sub {
            $r = browser($httpd)->request($method, "/post$kind$path", %$option);
            return ($one->requests->{$path} // 0) > 0;
        }, 20, 'one that is sent to it');
        if ($expect) {
            is short($r), '503 servoy1', 'it is passed on: it cannot be sent again';
        }
        else {
            is short($r), '200 servoy2', 'served by the other node';
            is eval { $r->json->{length} }, length($option->{body} // '') - ($kind eq 'chunked' ? 45 : 0), '... which got all of it';
        }
        is +(split / /, asked($path))[0], 1, 'it was asked once';
        my $node = node_of("post$kind", 'servoy1');
        is $node->{state}, 'maintenance', '... which was noted';
        like $node->{reason} // '', qr/503/, '... with a reason';
        my @next = map { short(browser($httpd)->request($method, "/post$kind$path", %$option)) } 1 .. 4;
        is_deeply [ uniq @next ], ['200 servoy2'], 'the next are not sent there';
    };
}

subtest 'a node that is starting: "System is inaccessible"' => sub {
    calm();
    refuse($one, 503, 'The System Is Inaccessible, come back later');
    my @met = map { short(browser($httpd)->get("/starts$page")) } 1 .. 6;
    is_deeply [ uniq @met ], ['200 servoy2'], 'nobody sees it';
    is $one->requests->{$page}, 1, '... one was sent there';
    is node_of('starts', 'servoy1')->{state}, 'maintenance', '... it counts as maintenance';
};

subtest 'the words, to a client whom the table knows' => sub {
    calm();
    my $user = user_of('known', 'servoy1');
    $_->reset_requests for $fleet->nodes;
    for my $method (qw(GET POST PUT)) {
        my $r = $user->request($method, '/known/status/503?text=' . $words =~ s/ /%20/gr, body => 'a=b');
        is short($r), '503 servoy1', "$method: passed on";
        like $r->body, qr/^$words\s*$/, '... as it is';
    }
    is asked('/status/503'), '3 0', '... each ran once';
    is states('known'), 'ready ready', '... and nothing has changed';
};

# -------------------------------------------------------------- ProxyErrorOverride

subtest 'ProxyErrorOverride: a node that fails new clients' => sub {
    calm();
    my $begun = time;
    user_of('over', $_) for qw(servoy1 servoy2);
    wait_for(sub { time > $begun + 4 }, 10, 'the table to be older than a session can be');
    user_of('over', 'servoy2');
    refuse($one, 503, $words);
    my @met = map { browser($httpd)->get("/over$page") } 1 .. 14;
    my @wrong = grep { $_->status != 200 } @met;
    cmp_ok scalar(@wrong), '<=', 3, 'at most three see the error page' or diag join ' ', map { $_->status } @met;
    is scalar(grep { $_->body =~ /\Q$words/ } @met), 0, '... httpd\'s own';
    like node_of('over', 'servoy1')->{state}, qr/^(?:suspect|maintenance)$/, 'then new clients go elsewhere';
    my @old = map { browser($httpd, headers => [ sprintf 'Cookie: JSESSIONID=%016X.servoy1', $_ ]) } 1 .. 5;
    is_deeply [ uniq map { short($_->get("/over$page")) } @old ], ['200 servoy2'], 'and so do yesterday\'s cookies';
};

subtest 'ProxyErrorOverride: an application\'s own 500' => sub {
    calm();
    for (1 .. 6) {
        is browser($httpd)->get('/overown/status/500')->status, 500, 'it is seen';
        is sum0(split / /, asked('/status/500')), $_, '... and ran once';
    }
    is states('overown'), 'ready ready', 'no node is in error';
};

# ---------------------------------------------------------------------- settings

my $told = SVB::Httpd->new(conf => join '', $frame,
    balancer('busy', $fleet->members('ajp'), 'ServoyMaintenanceMatch "(?i)back in a moment"'),
    balancer('any',  $fleet->members('http'), 'ServoyMaintenanceMatch .', 'ServoyMaintenance on 1s'),
    balancer('anyhead', $fleet->members('ajp'), 'ServoyMaintenanceMatch .'),
    balancer('trusted', $fleet->members('ajp'), 'ServoySuspect off'),
    balancer('strict',  $fleet->members('ajp'), 'ServoySuspect 1'))->start;

subtest 'ServoyMaintenanceMatch' => sub {
    calm();
    user_of('busy', 'servoy2', $told);
    refuse($one, 503, $words);
    my $r;
    wait_for(sub { $r = browser($told)->get("/busy$page"); ($r->node // '') eq 'servoy1' }, 20, 'one sent there');
    is $r->status, 503, 'other words are set: Servoy\'s mean nothing';
    is states('busy', $told), 'ready ready', '... to anybody';
    refuse($one, 503, 'BACK IN A MOMENT');
    $_->reset_requests for $fleet->nodes;
    my @met;
    wait_for(sub { push @met, browser($told)->get("/busy$page"); $one->requests->{$page} }, 20, 'one sent there');
    is_deeply [ uniq map { short($_) } @met ], ['200 servoy2'], 'the words that are set: nobody sees them';
    is states('busy', $told), 'maintenance ready', '... and it is in maintenance';

    for my $text ('anything', '') {
        calm();
        refuse($one, 503, $text, 'end');
        @met = map { short(browser($told)->get("/any$page")) } 1 .. 3;
        is_deeply [ uniq @met ], ['200 servoy2'], "\".\": every 503, \"$text\"";
        is states('any', $told), 'maintenance ready', '... is maintenance';
        is short(browser($told)->head("/anyhead$page")), '200 servoy2', '... HEAD\'s as well';
    }
};

subtest 'ServoySuspect' => sub {
    calm();
    for my $name (qw(trusted strict)) {
        user_of($name, $_, $told) for qw(servoy1 servoy2);
    }
    refuse($one, 404);
    for (1 .. 12) {
        browser($told)->get("/$_$page") for qw(trusted strict);
    }
    is states('trusted', $told), 'ready ready', 'off: never';
    is states('strict', $told), 'suspect ready', '1: at once';
};

calm();
$_->stop for $httpd, $told;
done_testing;
