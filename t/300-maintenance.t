#!/usr/bin/perl
# Nodes in maintenance mode: a new client whom one refuses is served elsewhere, whom it
# knows stays, and after a while it is tried again. It is known by what its 503 says, so
# that HEAD, which gets no text, finds it out only where every 503 is taken for it.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP ();
use List::Util qw(uniq);
use SVB::Balancer;
use SVB::Curl;
use SVB::Fleet;
use SVB::Httpd;
use SVB::Maintenance;
use SVB::Users;
use SVB::Wait;
use Test::More;
use Time::HiRes qw(time);

my @routes = qw(servoy1 servoy2 servoy3);
my $fleet = SVB::Fleet->start(3);
my ($one, $two) = $fleet->nodes;
my $httpd = SVB::Httpd->new(conf => join '', front_lines(),
    balancer('keep',      $fleet->members('ajp')),
    balancer('sockets',   $fleet->members('http', 'upgrade=websocket')),
    balancer('own',       $fleet->members('ajp')),
    balancer('briefly',   $fleet->members('ajp'), 'ServoyMaintenance on 4s'),
    balancer('resource',  $fleet->members('ajp'), 'ServoyMaintenance on 1s'))->start;
my $manager = $httpd->manager;

# servoy1 and servoy2 refuse; each way in which one can ask has a balancer of its
# own, where nobody knows that yet.
my %client = (
    'HTTP/1.0' => sub {
        my ($at, $method, $target) = @_;
        return $at->browser->request($method, $target, version => '1.0');
    },
    'HTTP/1.1' => sub {
        my ($at, $method, $target) = @_;
        return $at->browser->request($method, $target);
    },
    'h2c'         => sub { return curl($_[0]->url, '--http2-prior-knowledge', @_) },
    'h2 over TLS' => sub { return curl('https://127.0.0.1:' . $_[0]->tls_port, '--http2', @_) },
    'TLS'         => sub { return curl('https://127.0.0.1:' . $_[0]->tls_port, '--http1.1', @_) },
);

sub curl {
    my ($url, $option, $at, $method, $target) = @_;
    return SVB::Curl->get("$url$target", $option, $method eq 'HEAD' ? '--head' : ());
}

for my $mpm (qw(event worker prefork)) {
    subtest "a new client never sees the 503: $mpm" => sub {
        in_maintenance($fleet, $one, $two);
        my $h2 = $mpm ne 'prefork';     # mod_http2 does not go with that
        my @ways = ('HTTP/1.0', 'HTTP/1.1', $h2 ? ('h2c', 'h2 over TLS') : 'TLS');
        my @cases;
        for my $scheme (qw(ajp http)) {
            for my $way (@ways) {
                push @cases, map { { scheme => $scheme, way => $way, method => $_ } } qw(GET HEAD);
            }
        }
        $cases[$_]{name} = "case$_" for 0 .. $#cases;
        my $tls = <<'END';
<VirtualHost *:@TLS_PORT@>
SSLEngine on
SSLCertificateFile "@CERT@"
SSLCertificateKeyFile "@KEY@"
</VirtualHost>
END
        my $front = SVB::Httpd->new(mpm => $mpm, tls => 1, modules => $h2 ? ['http2'] : [],
            conf => join '', front_lines(),
            (map { balancer($_->{name}, $fleet->members($_->{scheme}),
                $_->{method} eq 'HEAD' ? 'ServoyMaintenanceMatch .' : ()) } @cases),
            (map { balancer("words$_", $fleet->members($_)) } qw(ajp http)),
                (map { balancer("kept$_", $fleet->members($_)) } qw(ajp http)),
                $tls, $h2 ? "Protocols h2 h2c http/1.1\n" : '')->start;
        my %lines;
        for my $case (@cases) {
            my ($name, $path) = ($case->{name}, fresh_page());
            my $label = "$case->{scheme}, $case->{way}, $case->{method}";
            my $r = $client{ $case->{way} }->($front, $case->{method}, "/$name$path");
            is short($r), '200 servoy3', "$label: served by the node that takes it";
            is asked($fleet, $path), '1 1 1', '... each node was asked once';
            my @cookies = $r->headers('Set-Cookie');
            is scalar(@cookies), 1, '... one cookie';
            like $cookies[0], qr/^JSESSIONID=\w+\.servoy3;/, '... of the node that served';
            # curl puts the head there for HEAD
            my $body = $r->body =~ s/\A\Q${\ $r->head }\E\r?\n//r;
            $case->{method} eq 'GET'
                ? like($body, qr/Web Client on servoy3.*<\/html>\s*\z/s, '... its page, whole')
                                     : is($body, '', '... no body');
            like $r->version, $case->{way} =~ /^h2/ ? qr/^2/ : qr/^1/, '... by that protocol';
            is_deeply [ map { $front->manager->node($name, $_)->{state} } @routes ],
                [qw(maintenance maintenance ready)],
                '... those who refused are in maintenance';
            is join(' ', map { $front->manager->node($name, $_)->{maintenance_hits} } @routes),
                '1 1 0', '... and counted so';
            is join(' ', map { $front->manager->node($name, $_)->{clients}{web} } @routes), '0 0 1',
                '... the client is counted where it is';
            my @errors = grep { $_->{errors} || grep { $_->{status} =~ /Err/ } @{ $_->{members} } }
                map { $front->manager->node($name, $_) } @routes;
            is scalar(@errors), 0, '... nobody is in error';
            $lines{"/$name$path"} = 1;
        }
        for my $scheme (qw(ajp http)) {
            my $browser = $front->client(timeout => 30, keepalive => 1);
            my $path = fresh_page();
            my $first = $browser->start(GET => "/kept$scheme$path");
            is short($first->finish), '200 servoy3', "$scheme: a browser that keeps its connection";
            my $second = $browser->start(GET => "/kept$scheme$path");
            is $second->finish->header('X-Count'), 2, '... goes on in its session';
            ok $second->socket == $first->socket, '... on the same connection';
            $lines{"/kept$scheme$path"} = 2;
        }
        my %passed;
        for my $scheme (qw(ajp http)) {
            for my $way (@ways) {
                my $path = fresh_page();
                my $label = "$scheme, $way, HEAD where it takes words";
                my $r = $client{$way}->($front, HEAD => "/words$scheme$path");
                is short($r), '503 servoy1', "$label: the first one's 503 is passed on";
                is scalar(my @cookies = $r->headers('Set-Cookie')), 0, '... it began nothing';
                is asked($fleet, $path), '1 0 0', '... nobody else was asked';
                $passed{"/words$scheme$path"} = 1;
                # so that the next is elected there as well
                $front->manager->act("words$scheme", $_, 'drain') for qw(servoy2 servoy3);
            }
            is_deeply [ map { $front->manager->node("words$scheme", $_)->{state} } @routes ],
                [qw(ready draining draining)], "$scheme: by that nobody is in maintenance";
            is $front->manager->total("words$scheme", 'maintenance_hits'), 0,
                '... nor was it counted so';
            is $front->manager->web("words$scheme"), '0 0 0', '... and there are no clients';
        }
        $front->stop;
        my %logged;
        my $log = $front->access_log;
        $logged{$2}{$1}++
            while $log =~ m{"(?:GET|HEAD) (/(?:case|kept|words)\S+) HTTP[^"]*" (\d+) }g;
        is_deeply $logged{200}, \%lines, 'one line in the access log for each request';
        is_deeply $logged{503}, \%passed, 'none with a 503 but those that were passed on';
        is_deeply [ sort keys %logged ], [ 200, 503 ], 'and no other';
    };
}

# The lines that tell that servoy1 of this fleet has changed so.
sub told {
    my ($name, $change) = @_;
    return grep { /\[servoy_balancer:notice\].*SVB0094: fleet $name, node servoy1: \Q$change\E/ }
        split /^/, $httpd->error_log;
}

# --- whom it knows ---

subtest 'the node keeps the clients it has' => sub {
    $fleet->calm;
    my $user = user_of_one($httpd, 'keep');
    my $page_user = user_of_one($httpd, 'sockets');
    $one->maintenance(1);
    my $path = fresh_page();
    my @new = map { $httpd->browser } 1 .. 9;
    my @nodes = map { $_->get("/keep$path")->node // '-' } @new;
    is_deeply [ sort +uniq(@nodes) ], [qw(servoy2 servoy3)], 'new clients are served by others';
    my ($asked) = split / /, asked($fleet, $path);
    is $asked, 1, 'it was asked once, by the first of them';
    is $manager->node('keep', 'servoy1')->{maintenance_hits}, 1, 'one was refused';
    is $manager->node('keep', 'servoy1')->{state}, 'maintenance', 'it is in maintenance';
    is scalar(told('keep', 'maintenance, was ready: 503 with the words of maintenance')), 1,
        'which the log tells';
    for my $count (2 .. 5) {
        my $r = $user->get('/keep' . fresh_page());
        is short($r) . ' ' . $r->header('X-Count'), "200 servoy1 $count",
            'its own client goes on there';
    }
    my $r = $user->post('/keep' . fresh_page(), 'a=b');
    is short($r) . ' ' . $r->header('X-Count'), '200 servoy1 6', 'so does its POST';
    $r = $user->get('/keep/login');
    is short($r) . ' ' . $r->header('X-Count'), '200 servoy1 7', 'and its login';
    $r = $user->get('/keep' . fresh_page());
    is short($r) . ' ' . $r->header('X-Count'), '200 servoy1 8', 'and what follows';
    is $manager->node('keep', 'servoy1')->{clients}{web}, 1, 'it is counted there';
    is $manager->node('keep', 'servoy1')->{safe_to_stop}, JSON::PP::false(),
        'so it is not safe to stop';
    like $manager->node('keep', 'servoy1')->{members}[0]{status}, qr/^Init Ok$/,
        'for mod_proxy all is well';
    is short($user->get('/keep/logout')), '200 servoy1', 'the client leaves';
    is $manager->node('keep', 'servoy1')->{safe_to_stop}, JSON::PP::true(),
        'then it is safe to stop';
    wait_ok(sub { $httpd->error_log =~ /SVB0062.*fleet keep, node servoy1/ }, 15,
        'and the log says so');

    my $refused = sub {
        $httpd->browser->get('/sockets' . fresh_page());
        $manager->node('sockets', 'servoy1')->{maintenance_hits}
    };
    wait_ok($refused, 10, 'by HTTP as well, a new client was refused');
    my $ws = $page_user->websocket('/sockets/websocket/1/main/1');
    is +($ws->recv_json(30) // {})->{node}, 'servoy1',
        '... and the client it has opens a WebSocket';
    $ws->close;
};

subtest 'a 503 to a client the table knows is the application\'s own' => sub {
    $fleet->calm;
    my $user = user_of_one($httpd, 'own');
    for my $text ('later', 'Server in maintenance mode') {
        $one->reset_requests;
        my $r = $user->get('/own/status/503?text=' . $text =~ s/ /%20/gr);
        is short($r), '503 servoy1', "$text: it is seen";
        like $r->body, qr/^\Q$text\E\s*$/, '... as it is';
        is asked($fleet, '/status/503'), '1 0 0', '... one node was asked, once';
    }
    is $user->head('/own/status/503')->status, 503, 'HEAD';
    is $manager->node('own', 'servoy1')->{state}, 'ready', 'that is no maintenance';
    is $manager->node('own', 'servoy1')->{maintenance_hits}, 0, 'and nobody was refused';
    in_maintenance($fleet, $one);
    my $refused = sub {
        $httpd->browser->get('/own' . fresh_page());
        $manager->node('own', 'servoy1')->{state} eq 'maintenance'
    };
    wait_ok($refused, 10, 'while the node is known to be in maintenance');
    is short($user->get('/own/status/503?text=later')), '503 servoy1', '... neither';
};

# --- the retry time ---

subtest 'after the retry time one new client tries it' => sub {
    $fleet->calm;
    my @first = map { $httpd->browser } 1 .. 2;
    $_->get('/briefly' . fresh_page()) for @first;
    $one->maintenance(1);
    my $hits = sub { return $manager->node('briefly', 'servoy1')->{maintenance_hits} };
    my @statuses;
    wait_for(sub {
        push @statuses, $httpd->browser->get('/briefly' . fresh_page())->status;
        $hits->()
    }, 20, 'a refusal');
    my $refused = time;
    for my $round (1 .. 2) {
        my ($early, $path) = (fresh_page(), fresh_page());
        # as many as come within the first half
        while (time < $refused + 1.5) {
            push @statuses, $httpd->browser->get("/briefly$early")->status;
        }
        is +(split / /, asked($fleet, $early))[0], 0,
            "round $round: within the retry time it is left alone";
        # which ends with a second
        wait_for(sub { time > $refused + 5.2 }, 10, 'the retry time to pass');
        my $begun = time;
        my @pending = map { $httpd->browser->start(GET => "/briefly$path") } 1 .. 12;
        push @statuses, map { $_->finish->status } @pending;
        my $took = time - $begun;
        $refused = time;
        my ($tries) = split / /, asked($fleet, $path);
        cmp_ok $tries, '>=', 1, 'after it, of twelve at once one tries it';
        cmp_ok $tries, '<=', 1 + int $took / 4, '... and no other' or diag "in $took s";
        is $hits->(), $round + 1, '... it is refused';
        is $manager->node('briefly', 'servoy1')->{state}, 'maintenance',
            '... the maintenance goes on';
    }
    is_deeply [ uniq @statuses ], [200], 'all were served';

    $one->maintenance(0);
    my $back = fresh_page();
    wait_ok(sub {
        push @statuses, $httpd->browser->get("/briefly$back")->status;
        $manager->node('briefly', 'servoy1')->{state} eq 'ready'
    },
        20, 'it takes new clients again: the next to try it ends the maintenance');
    is +(split / /, asked($fleet, $back))[0], 1, '... by being served there';
    is scalar(told('briefly', 'ready, was maintenance:')), 1, '... which the log tells';
    is scalar(told('briefly', 'maintenance, was ready:')), 1, '... as it told its beginning, once';
    is_deeply [ uniq @statuses ], [200], '... and all the others were served';
    is $hits->(), 3, '... none was refused any more';
    wait_ok(sub { ($httpd->browser->get('/briefly' . fresh_page())->node // '') eq 'servoy1' }, 10,
        'more follow');
};

subtest 'a request without a session does not end the maintenance' => sub {
    in_maintenance($fleet, $one);
    my $hits = sub { return $manager->node('resource', 'servoy1')->{maintenance_hits} };
    wait_for(sub { $httpd->browser->get('/resource' . fresh_page()); $hits->() }, 20, 'a refusal');
    # What needs no session is served by the node, maintenance or not.
    wait_ok(sub {
        $httpd->browser->get('/resource/resources/x.js');
        $one->requests->{'/resources/x.js'}
    }, 20,
        'the node serves what needs no session');
    is $manager->node('resource', 'servoy1')->{state}, 'maintenance',
        '... and is in maintenance still';
    my @status;
    wait_ok(sub {
        push @status, $httpd->browser->get('/resource' . fresh_page())->status;
        $hits->() >= 2
    }, 20,
        'the next new client that tries it is refused');
    is_deeply [ uniq @status ], [200], '... and all are served';
};

$_->stop for $httpd, $fleet;
done_testing;
