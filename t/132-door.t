#!/usr/bin/perl
# Balancing at the door: with ServoyStart redirect, a web client that begins is sent to
# its node's direct URL, counted as a Smart Client is, and is that node's alone from
# then on. Whoever has a session here is proxied as ever.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SVB::Balancer;
use SVB::Curl;
use SVB::Fleet;
use SVB::Httpd;
use SVB::Launch;
use SVB::Users;
use SVB::Wait;
use Test::More;

my $fleet = SVB::Fleet->start(2);
my ($one, $two) = $fleet->nodes;
my @urls = $fleet->urls;
my @names = names($fleet);
my $app1 = 'http://app1.example.com';
my @first = ($one->member('ajp'), "ServoyNode servoy1 url=$app1", 'ServoyStart redirect');
my $gone = dead_member('servoy1', 'retry=600');
my $start = '/solutions/crm/index.html';
my $door = 'ServoyStart redirect';

my $httpd = SVB::Httpd->new(tls => 1, modules => ['http2'], conf => join '',
    balancer('plain',     $fleet->members('ajp'), @urls, $door),
    balancer('dry',       $fleet->members('ajp'), @urls, $door),
    balancer('counts',    $fleet->members('ajp'), @urls, $door, 'ServoyLaunchTimeout 3s'),
    balancer('stick',     $fleet->members('ajp'), @names, $door),
    balancer('stickset',  $fleet->members('ajp'), @names, $door,
        'ProxySet stickysession=JSESSIONID|jsessionid'),
    balancer('drain',     $fleet->members('ajp', [ '', 'status=+N' ]), @names, $door),
    balancer('off',       $fleet->members('ajp', [ '', 'status=+D' ]), @names, $door),
    balancer('alldrain',  $fleet->members('ajp', [ ('status=+N') x 2 ]), @names, $door),
    balancer('half',      $fleet->members('ajp'), $names[0], $door),
    balancer('none',      $fleet->members('ajp'), $door, 'ServoyLaunch proxy'),
    balancer('proxied',   $fleet->members('ajp'), @urls),
    balancer('match',     @first, 'ServoyStartMatch "^/(?:begin|echo)/"'),
    balancer('nocookie',  $fleet->members('ajp'), @names, $door, 'ServoyLaunchCookie off'),
    balancer('prefix',    $one->member('ajp'), $door,
        'ServoyNode * url=https://App1.example.com:8443/desk%20top/%r/'),
    balancer('nocanon',   @first, 'ProxyPass "/nocanon/" "balancer://nocanon/" nocanon'),
    balancer('encoded',   @first, 'ProxyPass "/encoded/" "balancer://encoded/" mapping=encoded'),
    balancer('canonical', @first),
    balancer('gone',      $gone, "ServoyNode servoy1 url=$app1", $door),
    balancer('moves',     $fleet->members('ajp', [ ('retry=600') x 2 ]), @names, $door),
    balancer('maint',     $fleet->members('ajp'), @names, $door, 'ServoyMaintenance on 60s'),
    manager_location('ServoyManagerActions on'), tls_host(),
    "Protocols h2 h2c http/1.1\n")->start;
my $manager = $httpd->manager;
my $at = SVB::Launch->new(httpd => $httpd, fleet => $fleet);

# A start as a browser asks for it, at the door of that name.
sub begin {
    my ($client, $name, %option) = @_;
    return launch($client, $name, target => $start, %option);
}

# A user with a session on that node, which it has from the node's own pages.
sub user_on {
    my ($name, $node) = @_;
    my $user = $httpd->client;
    $user->get($fleet->node($node - 1)->url . $page);
    $user->set_cookie(JSESSIONID => $user->cookie('JSESSIONID'));
    return $user;
}

subtest 'a redirect' => sub {
    $fleet->calm;
    my $r = begin($httpd->client, 'plain', target => "$start?argument=a%7Cb");
    is $r->status, 302;
    my $node = $at->named($r);
    ok $node, 'to a node' or diag $r->head;
    is $r->header('Location'), $fleet->node($node - 1)->url . "$start?argument=a%7Cb", 'Location';
    is $r->header('Cache-Control'), 'no-store', 'Cache-Control';
    is scalar $r->headers('Set-Cookie'), 1, 'one cookie';
    like $r->header('Set-Cookie'),
        qr/^SERVOYLAUNCH=[!-~]+\.servoy$node; Path=\/; HttpOnly; SameSite=Lax$/, '... of launches';
    is_deeply [ map { $_->requests->{$start} } $fleet->nodes ], [ undef, undef ],
        'no node has seen it';
    wait_ok(sub { $httpd->access_log =~ /argument=a%7Cb.* route=servoy$node how=launch / }, 5,
        'variables for the log');
    my $user = $httpd->client;
    my $page = begin($user, 'plain', follow => 1);
    is $page->status, 200, 'what it leads to';
    like $page->body, qr/data-socket=/, '... is the application';
};

subtest 'by TLS the cookie is Secure' => sub {
    my $r = SVB::Curl->get('https://127.0.0.1:' . $httpd->tls_port . "/plain$start", '--http1.1');
    is $r->status, 302 or diag $r->error;
    like $r->header('Set-Cookie'), qr/; Secure$/;
};

subtest 'HTTP/2' => sub {
    my @ways = ([ $httpd->url, '--http2-prior-knowledge' ],
        [ 'https://127.0.0.1:' . $httpd->tls_port, '--http2' ]);
    for (@ways) {
        my ($url, $option) = @$_;
        my $r = SVB::Curl->get("$url/canonical/solutions/a%7cb/index.html?x=%C3%A9&y", $option);
        is $r->version . ' ' . $r->status, '2 302', $url or diag $r->error;
        is $r->header('Location'), "$app1/solutions/a%7cb/index.html?x=%C3%A9&y";
        is $r->header('Cache-Control'), 'no-store';
    }
};

for my $mpm (qw(worker prefork)) {
    subtest "the same with $mpm" => sub {
        my $front = SVB::Httpd->new(mpm => $mpm, conf => balancer('mpm', $fleet->members('ajp'),
            @names, $door))->start;
        my %named;
        for my $n (1 .. 4) {
            my $user = $front->client;
            my $head = $at->named(begin($user, 'mpm', method => 'HEAD'));
            my $get = $at->named(begin($user, 'mpm'));
            is $get, $head, "HEAD and GET ($n)";
            is $at->named(begin($user, 'mpm')), $get, 'and again';
            $named{$get}++;
        }
        shared(\%named, 4, 'in turn');
        $front->stop;
    };
}

subtest 'a HEAD changes nothing' => sub {
    my $user = $httpd->client(cookies => 0);
    begin($user, 'dry');
    my $counted = sub {
        return join ' ', map { my $what = $_; $manager->total('dry', $what) }
            qw(elected sticky launches);
    };
    my $before = $counted->();
    my %got;
    for my $n (1 .. 4) {
        my $head = begin($user, 'dry', method => 'HEAD');
        is $head->status . $head->body, '302', 'HEAD';
        is $counted->(), $before, 'nothing is counted';
        my $get = $at->named(begin($user, 'dry'));
        is $get, $at->named($head), "the GET after it gets the same node ($n)";
        $before = $counted->();
        $got{$get}++;
    }
    shared(\%got, 4, 'the GETs take turns');
};

subtest 'it is counted as a Smart Client' => sub {
    my %named;
    $named{ 'servoy' . $at->named(begin($httpd->client(cookies => 0), 'counts')) }++ for 1 .. 6;
    shared(\%named, 6, 'in turn');
    is $manager->smart('counts'), "$named{servoy1} $named{servoy2}", 'so many are there';
    is $manager->web('counts'), '0 0', '... and no web client';
    is $manager->total('counts', $_), 6, $_ for qw(launches elected);
    my $user = $httpd->client;
    my $node = $at->named(begin($user, 'counts'));
    is $at->named(begin($user, 'counts')), $node, 'who comes again gets the same node';
    is $manager->total('counts', 'elected'), 7, '... and is not elected again';
    wait_ok(sub { $manager->smart('counts') eq '0 0' }, 15, 'until ServoyLaunchTimeout is over');
};

subtest 'who has a session here is proxied' => sub {
    for my $name (qw(stick stickset)) {
        for my $node (1, 2) {
            my $user = user_on($name, $node);
            my $id = $user->cookie('JSESSIONID');
            my $r = begin($user, $name);
            is $r->status, 200, "$name: node $node";
            is $r->node, "servoy$node", '... by its node';
            is $r->header('X-Session'), $id, '... in its session';
            is $user->get("/$name$page")->node, "servoy$node", 'and so it goes on';
        }
        my $r = begin($httpd->client(cookies => 0), $name,
            target => "$start;jsessionid=" . fresh_id('servoy2'));
        is $r->node, 'servoy2', "$name: an id in the path";
    }
    is $manager->total('stick', 'launches'), 0, 'none of them is counted as one that was sent on';
    my $r = begin($httpd->client(cookies => 0), 'stick',
        headers => ['Cookie: JSESSIONID=' . '0' x 32 . '.servoy9']);
    is $r->status, 302, 'an id that names no node';
    my $user = $httpd->client(cookies => 0);
    $r = begin($user, 'stick', headers => [ 'Cookie: SERVOYROUTE=servoy2' ]);
    is $r->status, 302, 'a route cookie of a node that it can be sent to';
};

subtest 'what begins nothing is proxied' => sub {
    my $user = $httpd->client(cookies => 0);
    for my $path ('/echo', '/servoy-service/rest_ws/crm/orders', '/solutions/', '/resources/x.js',
        '/solution', '/websolutions/crm/index.html') {
        isnt begin($user, 'plain', target => $path)->status, 302, $path;
    }
    for my $path ('/solutions/crm', '/solution/crm/index.html', '/servoy-webclient',
        '/servoy-webclient/ss/s/crm', '/solutions/crm/index.html;x=y', '/%73olutions/crm/') {
        is begin($user, 'plain', target => $path)->status, 302, $path;
    }
    for my $method (qw(POST PUT OPTIONS)) {
        my $r = begin($user, 'plain', method => $method, body => 'a=b');
        isnt $r->status, 302, $method;
        like $r->node, qr/^servoy/, '... is proxied';
    }
    is begin($user, 'proxied')->status, 200, 'ServoyStart proxy is the default';
    is begin($user, 'match', target => '/begin/x')->status, 302, 'ServoyStartMatch';
    is begin($user, 'match', target => '/echo/x')->status, 302;
    is begin($user, 'match')->status, 200, '... and then not the default';
    is launch($user, 'plain')->status, 302, 'launches are launches';
};

subtest 'Location to the letter' => sub {
    my $location = sub { begin($httpd->client(cookies => 0), $_[0], target => $_[1])->header('Location') };
    my $path = '/solutions/cr%C3%A9m/index.html?a=%7c&b=x|y';
    my $sent = $path =~ s/\|/%7C/r;
    is $location->($_, $path), "$app1$sent", $_ for qw(canonical nocanon encoded);
    is $location->('prefix', $path), "https://app1.example.com:8443/desk%20top/servoy1$sent",
        'port and prefix';
    my $r = begin($httpd->client, 'canonical', target => '//solutions/x/',
        headers => ['X-Forwarded-Host: evil.example.net', 'Forwarded: host=evil.example.net'],
        host => 'evil.example.net');
    like $r->header('Location'), qr{^\Q$app1\E/}, 'never a host that is not configured';
    is begin($httpd->client, 'canonical', target => "$start?a\x01b")->status, 400, 'a control character';
};

subtest 'a node without a direct URL' => sub {
    my (%status, @users);
    for (1 .. 6) {
        my $user = $httpd->client;
        my $r = begin($user, 'half');
        $status{ $r->status }++;
        is $r->status == 200 ? $r->node : 'servoy' . ($at->named($r) // 0),
            $r->status == 200 ? 'servoy2' : 'servoy1', $r->status == 200 ? 'proxied' : 'redirected';
        push @users, $user if $r->status == 200;
    }
    shared(\%status, 6, 'both get their share');
    is $manager->smart('half'), "$status{302} 0", 'who is sent on is counted';
    is $manager->web('half'), "0 $status{200}", 'who is proxied is a web client as ever';
    is $manager->pending, 0, 'and nobody is waited for';
    is $_->get("/half$start")->node, 'servoy2', 'it stays' for @users;
    my %none;
    $none{ begin($httpd->client, 'none')->node }++ for 1 .. 4;
    shared(\%none, 4, 'none has one: as without a door');
};

subtest 'on the way to a session at a node without a direct URL' => sub {
    my $user = $httpd->client;
    $user->set_cookie(SERVOYROUTE => 'servoy2');
    is begin($user, 'half')->node, 'servoy2', 'it goes back there' for 1 .. 3;
};

subtest 'nodes that take no new clients' => sub {
    my %named;
    $named{ $at->named(begin($httpd->client, 'drain')) // 'none' }++ for 1 .. 4;
    is_deeply \%named, { 1 => 4 }, 'draining: nobody new';
    is begin(user_on('drain', 2), 'drain')->node, 'servoy2', 'but those that it has';
    is $at->named(begin($httpd->client, 'off')), 1, 'disabled' for 1 .. 2;
    my $r = begin($httpd->client, 'alldrain');
    is $r->status, 503, 'all of them: nobody can be taken';
    like $r->header('Retry-After'), qr/^[1-9]\d*$/, 'Retry-After';
    is $r->header('Cache-Control'), 'no-store';
    is $r->header('Location'), undef;
    is $r->header('Set-Cookie'), undef;
    $manager->act('maint', 'servoy1', 'maintenance');
    %named = ();
    $named{ $at->named(begin($httpd->client, 'maint')) // 'none' }++ for 1 .. 4;
    is_deeply \%named, { 2 => 4 }, 'in maintenance';
};

subtest 'ServoyLaunchCookie off' => sub {
    my $r = begin($httpd->client, 'nocookie');
    is $r->status, 302;
    is $r->header('Set-Cookie'), undef, 'no cookie';
};

subtest 'dead nodes' => sub {
    is begin($httpd->client, 'gone')->status, 503, 'one that nobody has asked for anything';
    my $user = $httpd->client;
    for (1 .. 8) {
        $user = $httpd->client;
        last if ($at->named(begin($user, 'moves')) // 0) == 1;
    }
    $one->kill;
    wait_ok(sub { $httpd->nodes('moves')->{servoy1}{state} eq 'error' }, 20,
        'the node is known to be dead, without any traffic');
    is $at->named(begin($user, 'moves')), 2, 'who was there gets another one';
    is $at->named(begin($httpd->client, 'moves')), 2, 'so does who is new' for 1 .. 3;
    my $session = $httpd->client;
    $session->set_cookie(JSESSIONID => fresh_id('servoy1'));
    is begin($session, 'moves')->node, 'servoy2', 'a session of its is taken over, not sent on';
    $one->start;
    wait_ok(sub { $httpd->nodes('moves')->{servoy1}{state} ne 'error' }, 20, 'it is back');
    my %named;
    $named{ $at->named(begin($httpd->client, 'moves')) // 'none' }++ for 1 .. 4;
    ok $named{1}, 'and takes new ones' or diag explain \%named;
};

$httpd->stop;
done_testing;
