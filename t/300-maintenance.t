#!/usr/bin/perl
# Nodes in maintenance mode: whom they refuse is served elsewhere, whom they know
# stays. And nodes that die in the middle of a request.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP ();
use List::Util qw(sum0 uniq);
use SVB::Curl;
use SVB::Fleet;
use SVB::Httpd;
use SVB::Node;
use SVB::Temp;
use SVB::Wait;
use Test::More;
use Time::HiRes qw(time);

my @routes = qw(servoy1 servoy2 servoy3);
my $fleet = SVB::Fleet->start(3);
my ($one, $two, $three) = $fleet->nodes;
# One that sends users with dead sessions away while it is drained.
my $valve = SVB::Node->new(name => 'valve1',
    valves => '<Valve className="org.apache.catalina.valves.LoadBalancerDrainingValve"/>')->start;

# One that refuses everybody, with headers and in words of its own.
my $puppet = SVB::Httpd->new(servoy => 0, modules => ['alias'], conf => <<'END')->start;
Header always set X-Node puppet
Header always set X-Refused yes
Header always set Retry-After 77
Header always set ETag '"refused"'
Header always set Cache-Control max-age=77
Header always add Set-Cookie "JSESSIONID=0EF0EF.puppet; Path=/"
Header always add Set-Cookie "REFUSED=yes; Path=/"
RedirectMatch 503 "^/servoy-webclient/"
<Location "/servoy-webclient/quiet">
ErrorDocument 503 "come back later"
</Location>
<Location "/servoy-webclient/says">
ErrorDocument 503 "SERVER IN MAINTENANCE MODE, says Servoy"
</Location>
<Location "/servoy-webclient/long">
ErrorDocument 503 /files/long
</Location>
<Location "/servoy-webclient/deep">
ErrorDocument 503 /files/deep
</Location>
END
my $long = 'All is well. ' x 20_000;
my $deep = ('x' x 8000) . ' Server in maintenance mode ' . ('y' x 100_000);
mkdir $puppet->root . '/htdocs/files';
SVB::Temp->write_file($puppet->root . '/htdocs/files/long', $long);
SVB::Temp->write_file($puppet->root . '/htdocs/files/deep', $deep);

# One balancer for each question, each a fleet of its own under a prefix of its
# own, so that what one knows of a node is nothing to the others.
sub balancer {
    my ($name, $members, @lines) = @_;
    my $text = join "\n", $members, 'ProxySet lbmethod=servoy', "ServoyFleet $name", @lines;
    return "<Proxy \"balancer://$name\">\n$text\n</Proxy>\nProxyPass \"/$name/\" \"balancer://$name/\"\n";
}

sub members {
    my ($scheme, %settings) = @_;
    return join '', map { $_->member($scheme, $settings{ $_->route }) } $fleet->nodes;
}

my $with_puppet = 'BalancerMember "' . $puppet->url . "\" route=puppet\n" . $two->member('http');
my $frame = <<'END';
Header always set X-How "%{SERVOY_HOW}e"
ProxyPreserveHost On
<Location "/servoy-manager">
SetHandler servoy-manager
ServoyManagerActions on
Require local
</Location>
END

my @dying = qw(dieajp diehttp diekept diehead dieflush diepostajp dieposthttp diesession);
my $httpd = SVB::Httpd->new(conf => join '', $frame,
    balancer('keep',      members('ajp')),
    balancer('sockets',   members('http', map { $_ => 'upgrade=websocket' } @routes)),
    balancer('briefly',   members('ajp'), 'ServoyMaintenance on 4s'),
    balancer('resource',  members('ajp'), 'ServoyMaintenance on 1s'),
    balancer('own',       members('ajp')),
    balancer('yesterday', members('ajp')),
    balancer('yesterhttp', members('http')),
    balancer('stayput',   members('ajp'), 'ProxySet nofailover=On'),
    (map { balancer("puppet$_", $with_puppet) } qw(1 2 3 4 5 6 7)),
    balancer('body',      members('ajp')),
    balancer('allajp',    members('ajp')),
    balancer('allhttp',   members('http')),
    balancer('leak',      members('ajp')),
    balancer('off',       members('ajp'), 'ServoyMaintenance off'),
    balancer('override',  members('ajp')),
    balancer('overhttp',  members('http')),
    "<LocationMatch \"^/over\">\nProxyErrorOverride On\n</LocationMatch>\n",
    balancer('launch',    members('ajp'), 'ServoyLaunch proxy'),
    balancer('redirect',  members('ajp'), 'ServoyNode * url=http://%r.example.com'),
    balancer('spare',     members('ajp', servoy2 => 'status=+R', servoy3 => 'status=+H')),
    balancer('act',       members('ajp', servoy2 => 'status=+N')),
    balancer('full',      members('ajp'), 'ServoyNode servoy1 maxclients=1'),
    balancer('killsajp',  members('ajp')),
    balancer('killshttp', members('http')),
    (map { balancer($_, members(/ajp|session|flush/ ? 'ajp' : 'http')) } @dying),
    balancer('valves',    $valve->member('ajp') . $two->member('ajp')) =~ s/^ProxyPass.*\n//mr,
    "ProxyPass \"/\" \"balancer://valves/\"\n")->start;

sub browser { return $httpd->client(timeout => 30, @_) }

sub fresh_id { state $number = 0; return sprintf '%016X', ++$number }

# A page of the Web Client that nobody has asked for yet.
sub fresh_page { state $number = 0; return '/servoy-webclient/' . ($_[0] // 'ss') . '/p' . ++$number }

# How often each of the three nodes was asked for a path.
sub asked {
    my ($path) = @_;
    return join ' ', map { $_->requests->{$path} // 0 } $fleet->nodes;
}

sub facts {
    my ($name, $route, $at) = @_;
    my $all = ($at // $httpd)->client(timeout => 30)->get('/servoy-manager?format=json')->json;
    my ($found) = grep { $_->{name} eq $name } @{ $all->{fleets} };
    my ($node) = grep { $_->{route} eq $route } @{ $found->{nodes} };
    return $node;
}

sub act {
    my ($name, $route, $action) = @_;
    my $manager = browser(headers => ['Accept: application/json']);
    my $nonce = $manager->get('/servoy-manager')->json->{nonce};
    my $r = $manager->post('/servoy-manager', "fleet=$name&node=$route&action=$action&nonce=$nonce",
        headers => ['Content-Type: application/x-www-form-urlencoded']);
    return $r->status == 200 || die "$action: " . $r->status . ' ' . $r->body;
}

# Status and node of an answer.
sub short {
    my ($r) = @_;
    return join ' ', $r->status || $r->error, $r->node // '-';
}

# One request of a browser with a session id of its own choice.
sub ask {
    my ($name, $path, $id, %option) = @_;
    my $method = delete $option{method} // 'GET';
    return browser(cookies => 0)->request($method, "/$name$path", headers => ["Cookie: JSESSIONID=$id"], %option);
}

# A node refuses new clients from now on; the others do not.
sub in_maintenance {
    my (@nodes) = @_;
    $fleet->calm;
    $_->maintenance(1) for @nodes;
    return;
}

# A user with a session on servoy1, the first to come to that balancer.
sub user_of_one {
    my ($name) = @_;
    my $user = browser();
    my $r = $user->get("/$name" . fresh_page());
    is $r->node, 'servoy1', 'a user has a session on servoy1';
    return $user;
}

# --- whom a node refuses ---

# servoy1 and servoy2 refuse; each way in which one can ask has a balancer of its
# own, where nobody knows that yet.
my %client = (
    'HTTP/1.0' => sub {
        my ($at, $method, $target) = @_;
        return $at->client(timeout => 30)->request($method, $target, version => '1.0');
    },
    'HTTP/1.1' => sub {
        my ($at, $method, $target) = @_;
        return $at->client(timeout => 30)->request($method, $target);
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
        in_maintenance($one, $two);
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
            conf => join '', $frame, (map { balancer($_->{name}, members($_->{scheme})) } @cases),
                (map { balancer("kept$_", members($_)) } qw(ajp http)),
                $tls, $h2 ? "Protocols h2 h2c http/1.1\n" : '')->start;
        my %lines;
        for my $case (@cases) {
            my ($name, $path) = ($case->{name}, fresh_page());
            my $label = "$case->{scheme}, $case->{way}, $case->{method}";
            my $r = $client{ $case->{way} }->($front, $case->{method}, "/$name$path");
            is short($r), '200 servoy3', "$label: served by the node that takes it";
            is asked($path), '1 1 1', '... each node was asked once';
            my @cookies = $r->headers('Set-Cookie');
            is scalar(@cookies), 1, '... one cookie';
            like $cookies[0], qr/^JSESSIONID=\w+\.servoy3;/, '... of the node that served';
            my $body = $r->body =~ s/\A\Q${\ $r->head }\E\r?\n//r;       # curl puts the head there for HEAD
            $case->{method} eq 'GET' ? like($body, qr/Web Client on servoy3.*<\/html>\s*\z/s, '... its page, whole')
                                     : is($body, '', '... no body');
            like $r->version, $case->{way} =~ /^h2/ ? qr/^2/ : qr/^1/, '... by that protocol';
            is_deeply [ map { facts($name, $_, $front)->{state} } @routes ], [qw(maintenance maintenance ready)],
                '... those who refused are in maintenance';
            is join(' ', map { facts($name, $_, $front)->{maintenance_hits} } @routes), '1 1 0', '... and counted so';
            is join(' ', map { facts($name, $_, $front)->{clients}{web} } @routes), '0 0 1',
                '... the client is counted where it is';
            my @errors = grep { $_->{errors} || grep { $_->{status} =~ /Err/ } @{ $_->{members} } }
                map { facts($name, $_, $front) } @routes;
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
        $front->stop;
        my %logged;
        $logged{$_}++ for $front->access_log =~ m{"(?:GET|HEAD) (/(?:case|kept)\S+) HTTP[^"]*" 200 }g;
        is_deeply \%logged, \%lines, 'one line in the access log for each request';
        is scalar(() = $front->access_log =~ m{" 503 }g), 0, 'none with a 503';
    };
}

subtest 'no header of the refused answer is seen' => sub {
    $fleet->calm;
    for my $case ([ puppet1 => fresh_page('says') ], [ puppet2 => fresh_page('quiet') ], [ puppet3 => fresh_page('long') ]) {
        my ($name, $path) = @$case;
        my $user = browser();
        my $r = $user->get("/$name$path");
        is $r->status, 200, "$path: served";
        is_deeply [ $r->headers('X-Node') ], ['servoy2'], '... by the other node, which alone is named';
        is $r->header($_), undef, "... no $_" for qw(X-Refused Retry-After ETag);
        is $r->header('Cache-Control'), 'no-store', "... that node's Cache-Control";
        like $r->header('Content-Type'), qr{^text/html}, '... and Content-Type';
        is_deeply [ map { s/=.*//sr } $r->headers('Set-Cookie') ], ['JSESSIONID'], '... and cookie';
        like $user->cookie('JSESSIONID'), qr/\.servoy2$/;
        is facts($name, 'puppet')->{clients}{web}, 0, '... whoever was refused is no client there';
        is facts($name, 'puppet')->{maintenance_hits}, 1, '... it was asked';
    }
    # All three refuse, each with a session of its own.
    my $r = browser()->get('/leak/status/503?session=1&text=later');
    is asked('/status/503'), '1 1 1', 'three nodes that refuse: each is asked once';
    is $r->status, 503, 'the last one\'s answer is seen';
    is scalar(@{ [ $r->headers($_) ] }), 1, "... with one $_" for qw(X-Node Set-Cookie X-Session X-Count);
    like $r->header('Set-Cookie'), qr/\.${\ $r->node };/, '... all of the same node';
    like $r->body, qr/^later\s*$/, '... and its text once';
};

# --- whom it knows ---

subtest 'the node keeps the clients it has' => sub {
    $fleet->calm;
    my $user = user_of_one('keep');
    my $page_user = user_of_one('sockets');
    $one->maintenance(1);
    my $path = fresh_page();
    my @new = map { browser() } 1 .. 9;
    my @nodes = map { $_->get("/keep$path")->node // '-' } @new;
    is_deeply [ sort +uniq(@nodes) ], [qw(servoy2 servoy3)], 'new clients are served by others';
    my ($asked) = split / /, asked($path);
    is $asked, 1, 'it was asked once, by the first of them';
    is facts('keep', 'servoy1')->{maintenance_hits}, 1, 'one was refused';
    is facts('keep', 'servoy1')->{state}, 'maintenance', 'it is in maintenance';
    like $httpd->error_log, qr/\[servoy_balancer:notice\].*SVB0090.*balancer:\/\/keep.*servoy1/, 'which the log tells';
    for my $count (2 .. 5) {
        my $r = $user->get('/keep' . fresh_page());
        is short($r) . ' ' . $r->header('X-Count'), "200 servoy1 $count", 'its own client goes on there';
    }
    my $r = $user->post('/keep' . fresh_page(), 'a=b');
    is short($r) . ' ' . $r->header('X-Count'), '200 servoy1 6', 'so does its POST';
    $r = $user->get('/keep/login');
    is short($r) . ' ' . $r->header('X-Count'), '200 servoy1 7', 'and its login';
    $r = $user->get('/keep' . fresh_page());
    is short($r) . ' ' . $r->header('X-Count'), '200 servoy1 8', 'and what follows';
    is facts('keep', 'servoy1')->{clients}{web}, 1, 'it is counted there';
    is facts('keep', 'servoy1')->{safe_to_stop}, JSON::PP::false(), 'so it is not safe to stop';
    like facts('keep', 'servoy1')->{members}[0]{status}, qr/^Init Ok$/, 'for mod_proxy all is well';
    is short($user->get('/keep/logout')), '200 servoy1', 'the client leaves';
    is facts('keep', 'servoy1')->{safe_to_stop}, JSON::PP::true(), 'then it is safe to stop';
    wait_ok(sub { $httpd->error_log =~ /SVB0062.*fleet keep, node servoy1/ }, 15, 'and the log says so');

    my $refused = sub { browser()->get('/sockets' . fresh_page()); facts('sockets', 'servoy1')->{maintenance_hits} };
    wait_ok($refused, 10, 'by HTTP as well, a new client was refused');
    my $ws = $page_user->websocket('/sockets/websocket/1/main/1');
    is +($ws->recv_json(30) // {})->{node}, 'servoy1', '... and the client it has opens a WebSocket';
    $ws->close;
};

subtest 'a 503 to a client the table knows is the application\'s own' => sub {
    $fleet->calm;
    my $user = user_of_one('own');
    for my $text ('later', 'Server in maintenance mode') {
        $one->reset_requests;
        my $r = $user->get('/own/status/503?text=' . $text =~ s/ /%20/gr);
        is short($r), '503 servoy1', "$text: it is seen";
        like $r->body, qr/^\Q$text\E\s*$/, '... as it is';
        is asked('/status/503'), '1 0 0', '... one node was asked, once';
    }
    is $user->head('/own/status/503')->status, 503, 'HEAD';
    is facts('own', 'servoy1')->{state}, 'ready', 'that is no maintenance';
    is facts('own', 'servoy1')->{maintenance_hits}, 0, 'and nobody was refused';
    in_maintenance($one);
    my $refused = sub { browser()->get('/own' . fresh_page()); facts('own', 'servoy1')->{state} eq 'maintenance' };
    wait_ok($refused, 10, 'while the node is known to be in maintenance');
    is short($user->get('/own/status/503?text=later')), '503 servoy1', '... neither';
};

# --- the retry time ---

subtest 'after the retry time one new client tries it' => sub {
    $fleet->calm;
    my @first = map { browser() } 1 .. 2;
    $_->get('/briefly' . fresh_page()) for @first;
    $one->maintenance(1);
    my $hits = sub { return facts('briefly', 'servoy1')->{maintenance_hits} };
    my @statuses;
    wait_for(sub { push @statuses, browser()->get('/briefly' . fresh_page())->status; $hits->() }, 20, 'a refusal');
    my $refused = time;
    for my $round (1 .. 2) {
        my ($early, $path) = (fresh_page(), fresh_page());
        # as many as come within the first half
        while (time < $refused + 1.5) {
            push @statuses, browser()->get("/briefly$early")->status;
        }
        is +(split / /, asked($early))[0], 0, "round $round: within the retry time it is left alone";
        wait_for(sub { time > $refused + 4.2 }, 10, 'the retry time to pass');
        my $begun = time;
        my @pending = map { browser()->start(GET => "/briefly$path") } 1 .. 12;
        push @statuses, map { $_->finish->status } @pending;
        my $took = time - $begun;
        $refused = time;
        my ($tries) = split / /, asked($path);
        cmp_ok $tries, '>=', 1, 'after it, of twelve at once one tries it';
        cmp_ok $tries, '<=', 1 + int $took / 4, '... and no other' or diag "in $took s";
        is $hits->(), $round + 1, '... it is refused';
        is facts('briefly', 'servoy1')->{state}, 'maintenance', '... the maintenance goes on';
    }
    is_deeply [ uniq @statuses ], [200], 'all were served';

    $one->maintenance(0);
    my $back = fresh_page();
    wait_ok(sub { push @statuses, browser()->get("/briefly$back")->status; facts('briefly', 'servoy1')->{state} eq 'ready' },
        20, 'it takes new clients again: the next to try it ends the maintenance');
    is +(split / /, asked($back))[0], 1, '... by being served there';
    like $httpd->error_log, qr/\[servoy_balancer:notice\].*SVB0071.*servoy1/, '... which the log tells';
    is_deeply [ uniq @statuses ], [200], '... and all the others were served';
    is $hits->(), 3, '... none was refused any more';
    wait_ok(sub { (browser()->get('/briefly' . fresh_page())->node // '') eq 'servoy1' }, 10, 'more follow');
};

subtest 'a request without a session does not end the maintenance' => sub {
    in_maintenance($one);
    my $hits = sub { return facts('resource', 'servoy1')->{maintenance_hits} };
    wait_for(sub { browser()->get('/resource' . fresh_page()); $hits->() }, 20, 'a refusal');
    # What needs no session is served by the node, maintenance or not.
    wait_ok(sub { browser()->get('/resource/resources/x.js'); $one->requests->{'/resources/x.js'} }, 20,
        'the node serves what needs no session');
    is facts('resource', 'servoy1')->{state}, 'maintenance', '... and is in maintenance still';
    my @status;
    wait_ok(sub { push @status, browser()->get('/resource' . fresh_page())->status; $hits->() >= 2 }, 20,
        'the next new client that tries it is refused');
    is_deeply [ uniq @status ], [200], '... and all are served';
};

# --- yesterday's cookies ---

subtest 'yesterday\'s cookie' => sub {
    for my $name (qw(yesterday yesterhttp)) {
        in_maintenance($one);
        my ($path, $id) = (fresh_page(), fresh_id() . '.servoy1');
        my $user = browser();
        $user->set_cookie(JSESSIONID => $id);
        my $r = $user->get("/$name$path");
        like short($r), qr/^200 servoy[23]$/, "$name: whose session is dead is served by another node";
        is +(split / /, asked($path))[0], 1, '... after its own has refused it, in Servoy\'s words';
        is sum0(split / /, asked($path)), 2, '... no other was asked for nothing';
        is facts($name, 'servoy1')->{state}, 'maintenance', '... which is how the maintenance was found out';
        is facts($name, 'servoy1')->{maintenance_hits}, 1;
        my $home = $r->node;
        $r = $user->get("/$name" . fresh_page());
        is join(' ', $r->node, $r->header('X-Count'), $r->header('X-How')), "$home 2 known", '... it goes on where it is now';
        $r = ask($name, $path = fresh_page(), fresh_id() . '.servoy1', method => 'HEAD');
        is $r->status, 200, '... HEAD, of a node that is known to be in maintenance: another';
        cmp_ok +(split / /, asked($path))[0], '<=', 1, '... its own was asked once at most';
    }
    is facts('yesterday', 'servoy1')->{clients}{web}, 0, 'none of them is a client of that node';

    in_maintenance($one);
    $_->maintenance(1) for $two, $three;
    my $r = ask('yesterday', my $path = fresh_page(), fresh_id() . '.servoy1');
    is $r->status, 503, 'all nodes in maintenance: a 503';
    is scalar(grep { $_ > 1 } split / /, asked($path)), 0, '... no node was asked twice';
};

subtest 'yesterday\'s cookie where clients must not move' => sub {
    # nofailover=On is about sessions that would be lost. This one is lost already.
    in_maintenance($one);
    my $r = ask('stayput', my $path = fresh_page(), fresh_id() . '.servoy1');
    is +(split / /, asked($path))[0], 1, 'its node refuses it';
    like short($r), qr/^200 servoy[23]$/, 'another serves it: it is a new client';
};

subtest 'yesterday\'s cookie: what a 503 says' => sub {
    $fleet->calm;
    my $served = sub { my ($name, $path) = @_; return short(ask($name, $path, fresh_id() . '.puppet')) };
    my $quiet = fresh_page('quiet');
    my $r = ask('puppet4', $quiet, fresh_id() . '.puppet');
    is short($r), '503 puppet', 'a node not known to be in maintenance, a 503 in other words: the application\'s own';
    is $r->body, 'come back later', '... as it is';
    is $r->header('Retry-After'), 77, '... with its headers';
    is asked($quiet), '0 0 0', '... nobody else was asked';
    is facts('puppet4', 'puppet')->{state}, 'ready';
    $r = ask('puppet4', fresh_page('long'), fresh_id() . '.puppet');
    is short($r), '503 puppet', 'a long one';
    ok $r->body eq $long, '... comes whole' or diag length $r->body;
    is $served->('puppet4', fresh_page('says')), '200 servoy2', 'Servoy\'s words, in whatever case: another node';
    is facts('puppet4', 'puppet')->{state}, 'maintenance';
    is $served->('puppet4', fresh_page('quiet')), '200 servoy2', 'then any 503 will do';
    $r = ask('puppet5', fresh_page('deep'), fresh_id() . '.puppet');
    is short($r), '200 servoy2', 'Servoy\'s words at the end of the first 8 KiB';
    unlike $r->body, qr/xxx|yyy/, '... nothing of them is seen';

    is short(browser()->get('/puppet6' . fresh_page('quiet'))), '200 servoy2', 'once a new client was refused';
    is $served->('puppet6', fresh_page('quiet')), '200 servoy2', '... yesterday\'s cookie needs no words';

    act('puppet7', 'puppet', 'maintenance');
    is $served->('puppet7', fresh_page('quiet')), '200 servoy2', 'nor does it where an administrator knows';
};

# --- what is not served elsewhere ---

subtest 'POST: the node\'s own 503' => sub {
    in_maintenance($one);
    my $path = fresh_page();
    my $r = browser()->post("/body$path", 'a=b');
    is short($r), '503 servoy1', 'a POST that would start a client';
    like $r->body, qr/^Server in maintenance mode\s*$/, '... gets what the node says';
    is asked($path), '1 0 0', '... and is sent once';
    $r = ask('body', $path, fresh_id() . '.servoy1', method => 'POST', body => 'a=b');
    is short($r), '503 servoy1', 'with yesterday\'s cookie as well';
    is asked($path), '2 0 0';
    like facts('body', 'servoy1')->{state}, qr/^(?:ready|maintenance)$/, 'the node is not in error';
};

subtest 'ServoyMaintenance off' => sub {
    in_maintenance($one);
    my $path = fresh_page();
    my $r = browser()->get("/off$path");
    is short($r), '503 servoy1', 'a new client sees the 503';
    like $r->body, qr/^Server in maintenance mode\s*$/, '... as it is';
    is asked($path), '1 0 0', '... nobody else is asked';
    is facts('off', 'servoy1')->{state}, 'ready', 'the node is like any other';
    is short(ask('off', fresh_page(), fresh_id() . '.servoy1')), '503 servoy1', 'yesterday\'s cookie';
};

subtest 'all nodes in maintenance' => sub {
    for my $scheme (qw(ajp http)) {
        in_maintenance($fleet->nodes);
        my $path = fresh_page();
        my $begun = time;
        my $r = browser()->get("/all$scheme$path");
        cmp_ok time - $begun, '<', 2, "$scheme: an answer within two seconds";
        is $r->status, 503, '... the 503';
        like $r->node, qr/^servoy\d$/, '... of a node';
        like $r->body, qr/^Server in maintenance mode\s*$/, '... in its own words';
        is asked($path), '1 1 1', '... each was asked, once';
        is join(' ', map { facts("all$scheme", $_)->{state} } @routes), 'maintenance maintenance maintenance',
            '... all are known to be in maintenance now';
        is join(' ', map { facts("all$scheme", $_)->{maintenance_hits} } @routes), '1 1 1', '... each refusal is counted';
        for my $method (qw(GET HEAD)) {
            $path = fresh_page();
            $begun = time;
            $r = browser()->request($method, "/all$scheme$path");
            cmp_ok time - $begun, '<', 2, "$method, now that it is known: soon";
            is $r->status, 503, '... the 503';
            like $r->node // '-', qr/^servoy\d$/, '... of a node';
            is sum0(split / /, asked($path)), 1, '... one node was asked, once';
        }
        $begun = time;
        my @pending = map { browser()->start(GET => "/all$scheme" . fresh_page()) } 1 .. 20;
        is_deeply [ uniq map { $_->finish->status } @pending ], [503], 'twenty at once';
        cmp_ok time - $begun, '<', 5, '... soon';
        $three->maintenance(0);
        act("all$scheme", 'servoy3', 'enable');
        is short(browser()->get("/all$scheme" . fresh_page())), '200 servoy3', 'one is enabled: it serves';
    }
};

subtest 'ProxyErrorOverride' => sub {
    for my $name (qw(override overhttp)) {
        $fleet->calm;
        my $user = user_of_one($name);
        $one->maintenance(1);
        my ($r, @paths);
        wait_for(sub {
            push @paths, fresh_page();
            $r = browser()->get("/$name$paths[-1]");
            return $r->status != 200 || facts($name, 'servoy1')->{maintenance_hits};
        }, 20, 'a refusal');
        like short($r), qr/^200 servoy[23]$/, "$name: a new client that was refused is served by another node";
        is asked($paths[-1]) =~ /^1 (?:0 1|1 0)$/, 1, '... each asked once';
        is scalar(my @all = $r->headers('X-Node')), 1, '... nothing is seen of the refusal';
        is scalar(@all = $r->headers('Set-Cookie')), 1;
        like short(ask($name, fresh_page(), fresh_id() . '.servoy1')), qr/^200 servoy[23]$/,
            'yesterday\'s cookie, the maintenance being known';
        $one->reset_requests;
        $r = $user->get("/$name/status/503");
        is $r->status, 503, 'a 503 to a client it knows';
        is asked('/status/503'), '1 0 0', '... nobody else is asked';
        like $r->body, qr/temporarily unable to service/, '... httpd\'s page in its place, as configured';
        $two->maintenance(1);
        $three->maintenance(1);
        is browser()->get("/$name" . fresh_page())->status, 503, 'all refuse: a 503';
    }
};

subtest 'launches' => sub {
    my $jnlp = '/servoy-client/crm.jnlp';
    in_maintenance($one);
    my $user = browser();
    my $r = $user->get("/launch$jnlp");
    like short($r), qr/^200 servoy[23]$/, 'proxied: a launch that was refused is served by another node';
    is +(split / /, asked($jnlp))[0], 1, '... after one node refused it';
    is_deeply [ map { s/=.*//sr } $r->headers('Set-Cookie') ], ['SERVOYLAUNCH'], '... one cookie';
    like $user->cookie('SERVOYLAUNCH'), qr/\.${\ $r->node }$/, '... of that node';
    is join(' ', map { facts('launch', $_)->{clients}{smart} } 'servoy1', $r->node), '0 1', '... it is counted there';
    is short($user->get("/launch$jnlp")), '200 ' . $r->node, '... the next goes there too';

    browser()->get('/redirect' . fresh_page());
    is facts('redirect', 'servoy1')->{state}, 'maintenance', 'once it is known';
    my @to = map { (browser()->get("/redirect$jnlp")->header('Location') // '') =~ m{^http://(\w+)\.} } 1 .. 4;
    is_deeply [ sort +uniq(@to) ], [qw(servoy2 servoy3)], 'redirected: not to a node in maintenance';
};

subtest 'hot standby and hot spare step in for a node in maintenance' => sub {
    in_maintenance($one);
    my $r = browser()->get('/spare' . fresh_page());
    like short($r), qr/^200 servoy[23]$/, 'whoever is refused is served by one of them';
    is_deeply [ uniq map { browser()->get('/spare' . fresh_page())->status } 1 .. 4 ], [200], '... and so are the next';
};

# --- what nodes are told ---

subtest 'AJP_JK_LB_ACTIVATION' => sub {
    $fleet->calm;
    my $activation = sub {
        my ($name, $route) = @_;
        my $r = ask($name, '/echo', fresh_id() . ".$route");
        return join ' ', $r->node, $r->json->{attributes}{JK_LB_ACTIVATION} // '-';
    };
    is $activation->('act', 'servoy1'), 'servoy1 -', 'a node that is ready: nothing is said';
    is $activation->('act', 'servoy2'), 'servoy2 DIS', 'a draining one';
    my @new = map { browser()->get('/act/echo')->json } 1 .. 4;
    is_deeply [ uniq map { $_->{attributes}{JK_LB_ACTIVATION} // '-' } @new ], ['-'], 'nor of new clients';
    is scalar(grep { $_->{node} eq 'servoy2' } @new), 0, '... which a draining one does not get';
    act('act', 'servoy2', 'enable');
    is $activation->('act', 'servoy2'), 'servoy2 -', 'enabled';
    act('act', 'servoy2', 'maintenance');
    is $activation->('act', 'servoy2'), 'servoy2 DIS', 'in maintenance, an administrator said';
    act('act', 'servoy2', 'enable');

    my $user = user_of_one('full');
    is $user->get('/full/echo')->json->{attributes}{JK_LB_ACTIVATION}, 'DIS', 'a node that is full';
    $user->get('/full/logout');
    is $activation->('full', 'servoy1'), 'servoy1 -', '... and one with room again';

    in_maintenance($one);
    like short(ask('act', fresh_page(), fresh_id() . '.servoy1')), qr/^200 servoy[23]$/, 'one is refused';
    is $activation->('act', 'servoy1'), 'servoy1 DIS', 'in maintenance, a refusal told';
};

subtest 'Tomcat\'s LoadBalancerDrainingValve' => sub {
    $fleet->calm;
    my $page = fresh_page();
    my $alive = $valve->client->get($page)->header('X-Session');
    my $dead = fresh_id() . '.valve1';
    my $user = browser();
    $user->set_cookie(JSESSIONID => $dead);
    is short($user->get($page)), '200 valve1', 'a node that is ready starts a session for whose session is dead';

    act('valves', 'valve1', 'drain');
    my $living = browser();
    $living->set_cookie(JSESSIONID => $alive);
    my $r = $living->get($page);
    is short($r) . ' ' . $r->header('X-Count'), '200 valve1 2', 'draining: a living session stays';
    is $user->get($page)->node, 'valve1', '... and another';

    $user = browser();
    $user->set_cookie(JSESSIONID => $dead);
    $r = $user->get($page);
    is $r->status, 307, 'a dead one: the node sends its user away';
    is $user->cookie('JSESSIONID'), undef, '... without the cookie';
    $r = $user->get($page);
    is short($r) . ' ' . $r->header('X-Session-New'), '200 servoy2 1', '... to another node';
    $user = browser();
    $user->set_cookie(JSESSIONID => fresh_id() . '.valve1');
    is short($user->get($page, follow => 2)), '200 servoy2', 'as a browser does it';
};

# --- nodes that die ---

subtest 'a node dies in the middle of a request' => sub {
    $fleet->calm;
    my $slow = '/slow?ms=4000&';
    my $with_session = user_of_one('diesession');
    my $kept = browser(keepalive => 1);
    is short($kept->get('/diekept/echo')), '200 servoy1', 'the first request of a connection';
    my $cookie = 'Cookie: JSESSIONID=' . fresh_id() . '.servoy1';
    my %pending = (
        dieajp      => browser()->start(GET => "/dieajp${slow}dieajp"),
        diehttp     => browser()->start(GET => "/diehttp${slow}diehttp"),
        diekept     => $kept->start(GET => "/diekept${slow}diekept", headers => [$cookie]),
        diehead     => browser()->start(HEAD => "/diehead${slow}diehead"),
        dieflush    => browser()->start(GET => "/dieflush${slow}dieflush&flush=1"),
        diepostajp  => browser()->start(POST => "/diepostajp${slow}diepostajp", body => 'a=b'),
        dieposthttp => browser()->start(POST => "/dieposthttp${slow}dieposthttp", body => 'a=b'),
        diesession  => $with_session->start(GET => "/diesession${slow}diesession&session=1"),
    );
    wait_for(sub { ($one->requests->{'/slow'} // 0) == @dying }, 3.5, 'all to be in progress on servoy1');
    is $pending{dieflush}->head->status, 200, 'one answer has begun';
    $one->kill;
    my %answer = map { $_ => $pending{$_}->finish(30) } @dying;
    my %asked;
    for my $node ($two, $three) {
        $asked{$_}++ for $node->access_log =~ m{/slow\?ms=4000&(\w+)}g;
    }
    my %ways = (dieajp => 'GET by AJP', diehttp => 'GET by HTTP', diehead => 'HEAD',
        diekept => 'GET by HTTP, not the first on its connection', diesession => 'GET with a session');
    for my $name (sort keys %ways) {
        like short($answer{$name}), qr/^200 servoy[23]$/, "$ways{$name}: served by another node";
        is $asked{$name}, 1, '... which was asked once';
    }
    is $answer{diesession}->header('X-Session-New'), 1, 'who had a session has a new one there';
    is $with_session->get('/diesession/echo')->node, $answer{diesession}->node, '... and stays';
    for my $name (qw(diepostajp dieposthttp)) {
        cmp_ok $answer{$name}->status, '>=', 500, "$name: a POST fails";
        is $asked{$name}, undef, '... and is not sent again';
    }
    ok length $answer{dieflush}->error, 'an answer that has begun is cut off';
    is $asked{dieflush}, undef, '... and not begun again';
    my $lines = sub { scalar(() = $httpd->access_log =~ m{/slow\?ms=4000&(\w+)}g) };
    wait_ok(sub { $lines->() == @dying }, 10, 'one line in the access log for each');
    wait_ok(sub { !grep { my $name = $_; grep { facts($name, $_)->{in_flight} } @routes } @dying }, 20,
        'nothing is in flight any more');
    is $lines->(), scalar @dying, '... and no more lines';
    $one->start;
};

subtest 'a request that kills its nodes' => sub {
    for my $name (qw(killsajp killshttp)) {
        $fleet->calm;
        my $pending = browser()->start(GET => "/$name/slow?ms=4000&$name");
        my @killed;
        for my $nth (qw(first second)) {
            my $node = wait_for(sub { (grep { $_->alive && $_->requests->{'/slow'} } $fleet->nodes)[0] }, 10, 'a node to be asked');
            push @killed, $node;
            $node->kill;
        }
        cmp_ok $pending->finish(30)->status, '>=', 500, "$name: is given up when the second is dead";
        my ($left) = grep { $_->alive } $fleet->nodes;
        is $left->requests->{'/slow'}, undef, '... the third is not asked';
        is scalar(@killed), 2;
    }
};

$_->stop for $httpd, $puppet, $valve, $fleet;
done_testing;
