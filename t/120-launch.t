#!/usr/bin/perl
# Launches of the Smart Client: what the answer is, and which node it names.


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
my ($one) = $fleet->nodes;
my $app1 = 'http://app1.example.com';
my @urls = $fleet->urls;
my @names = names($fleet);
my @first = ($one->member('ajp'), "ServoyNode servoy1 url=$app1");

my $httpd = SVB::Httpd->new(tls => 1, modules => ['http2'], conf => join '',
    balancer('plain',     $fleet->members('ajp'), @urls),
    balancer('dry',       $fleet->members('ajp'), @urls),
    balancer('counts',    $fleet->members('ajp'), @urls),
    balancer('stick',     $fleet->members('ajp'), @names),
    balancer('stickset',  $fleet->members('ajp'), @names,
        'ProxySet stickysession=JSESSIONID|jsessionid'),
    balancer('drain',     $fleet->members('ajp', [ '', 'status=+N' ]), @names),
    balancer('off',       $fleet->members('ajp', [ '', 'status=+D' ]), @names),
    balancer('proxied',   $fleet->members('ajp'), 'ServoyLaunch proxy', @urls),
    balancer('proxiedset', $fleet->members('ajp'), 'ServoyLaunch proxy',
        'ProxySet stickysession=JSESSIONID|jsessionid'),
    balancer('half',      $fleet->members('ajp'), $names[0]),
    balancer('match',     @first, 'ServoyLaunchMatch "^/(?:start|echo)/.+\.jnlp$"'),
    balancer('nocookie',  $fleet->members('ajp'), @names, 'ServoyLaunchCookie off'),
    balancer('cookie',    $fleet->members('ajp'), @names, 'ServoyLaunchCookie MYLAUNCH'),
    balancer('nojsession', $fleet->members('ajp'), @names, 'ServoySessionCookie SID'),
    balancer('canonical', @first),
    manager_location(), tls_host(), "Protocols h2 h2c http/1.1\n")->start;
my $manager = $httpd->manager;
my $at = SVB::Launch->new(httpd => $httpd, fleet => $fleet);

# What the access log says about the last request (it is written after the answer).
sub logged {
    my ($pattern) = @_;
    return wait_for(sub { (grep { /$pattern/ } split /^/, $httpd->access_log)[-1] }, 5,
        "$pattern in the access log");
}

# --- redirects ---

subtest 'a redirect' => sub {
    my $user = $httpd->client;
    $fleet->calm;
    my $r = launch($user, 'plain', target => '/servoy-client/demo.jnlp?argument=a%7Cb');
    is $r->status, 302;
    my $node = $at->named($r);
    ok $node, 'to a node' or diag $r->head;
    is $r->header('Location'), $fleet->node($node - 1)->url
        . '/servoy-client/demo.jnlp?argument=a%7Cb', 'Location';
    is $r->header('Cache-Control'), 'no-store', 'Cache-Control';
    my @cookies = $r->headers('Set-Cookie');
    is scalar @cookies, 1, 'one cookie';
    my ($pair, @attributes) = split /; */, $cookies[0];
    like $pair, qr/^SERVOYLAUNCH=[!#-+\--:<-\[\]-~]+$/,
        'by its name, of bytes that may stand in one';
    is_deeply [ sort map { lc } @attributes ], [ sort map { lc } qw(HttpOnly Path=/ SameSite=Lax) ],
        'its attributes';
    is $r->header('Retry-After'), undef;
    is_deeply [ map { $_->requests->{'/servoy-client/demo.jnlp'} } $fleet->nodes ],
        [ undef, undef ],
        'no node has seen it';
    like logged(qr{argument=a%7Cb}), qr/worker=ajp:\S+\s+route=servoy$node how=launch /,
        'variables for the log';
    my $followed = launch($httpd->client(cookies => 0), 'plain', follow => 1);
    is $followed->status, 200, 'what it leads to';
    is $followed->header('Content-Type') =~ s/;.*//r, 'application/x-java-jnlp-file';
    my $url = $fleet->node($followed->node =~ s/servoy//r - 1)->url;
    like $followed->body, qr{codebase="\Q$url\E/"}, 'the client will talk to the node';
};

subtest 'by TLS the cookie is Secure' => sub {
    my $r = SVB::Curl->get('https://127.0.0.1:' . $httpd->tls_port . "/plain$jnlp", '--http1.1');
    is $r->status, 302 or diag $r->error;
    my ($pair, @attributes) = split /; */, $r->header('Set-Cookie') // '';
    is_deeply [ sort map { lc } @attributes ],
        [ sort map { lc } qw(HttpOnly Path=/ SameSite=Lax Secure) ];
};

subtest 'HTTP/2' => sub {
    my @ways = (
        [ 'h2c', $httpd->url, '--http2-prior-knowledge', '%7c', qr/^(?!.*secure)/i ],
        # the upgrading request's path is decoded by httpd, so it is encoded anew
        [ 'h2c by upgrade', $httpd->url, '--http2', '%7C', qr/^(?!.*secure)/i ],
        [ 'TLS', 'https://127.0.0.1:' . $httpd->tls_port, '--http2', '%7c', qr/secure/i ],
    );
    for (@ways) {
        my ($name, $url, $option, $bar, $cookie) = @$_;
        # as it is: curl itself would write %7C, where it is a newer one
        my $r = SVB::Curl->get($url, $option, '--request-target',
            '/canonical/servoy-client/a%7cb/crm.jnlp?x=%C3%A9&y');
        is $r->version, 2, $name or diag $r->error;
        is $r->status, 302;
        is $r->header('Location'), "$app1/servoy-client/a${bar}b/crm.jnlp?x=%C3%A9&y";
        like $r->header('Set-Cookie') // '', $cookie;
        is $r->header('Cache-Control'), 'no-store';
        my $head = SVB::Curl->get("$url/canonical$jnlp", $option, '--head');
        is $head->status, 302, 'HEAD';
        is $head->header('Location'), "$app1$jnlp";
    }
};

# --- HEAD and counting ---

# All that is counted about a fleet's nodes.
sub counted {
    my ($name) = @_;
    my $nodes = $httpd->nodes($name);
    return { map { my $node = $nodes->{$_};
        $_ => { map { $_ => $node->{$_} }
            qw(elected sticky launches failed_over_from failed_over_to errors clients
            in_flight last_change) } } keys %$nodes };
}

subtest 'a HEAD changes nothing' => sub {
    my $user = $httpd->client(cookies => 0);
    launch($user, 'dry');
    wait_ok(sub { !grep { $_->{last_change} eq '' } values %{ counted('dry') } }, 5,
        'their first state is noted');
    my $before = counted('dry');
    my %seen;
    $seen{ $at->named(launch($user, 'dry', method => 'HEAD')) // 'none' }++ for 1 .. 8;
    is scalar keys %seen, 1, 'repeated, it names one node' or diag explain \%seen;
    ok !$seen{none};
    is_deeply counted('dry'), $before, 'nothing is counted, no turn is taken';
    my %got;
    for my $n (1 .. 6) {
        my $head = $at->named(launch($user, 'dry', method => 'HEAD'));
        my $get = $at->named(launch($user, 'dry'));
        is $get, $head, "the GET after it gets the same node ($n)";
        $got{$get}++;
    }
    shared(\%got, 6, 'the GETs take turns');
    my $r = launch($httpd->client, 'dry', method => 'HEAD');
    is $r->status, 302;
    is $r->header('Cache-Control'), 'no-store';
    is $r->body, '';
};

subtest 'a GET counts' => sub {
    my $user = $httpd->client(cookies => 0);
    my %named;
    $named{ 'servoy' . $at->named(launch($user, 'counts')) }++ for 1 .. 5;
    my $nodes = $httpd->nodes('counts');
    is $nodes->{$_}{launches}, $named{$_}, "$_: launches" for sort keys %named;
    is $nodes->{$_}{elected}, $named{$_}, "$_: elected" for sort keys %named;
    launch($user, 'counts', method => 'HEAD') for 1 .. 3;
    launch($user, 'counts', method => 'POST') for 1 .. 3;
    is $manager->total('counts', 'launches'), 5, 'HEAD and POST do not';
    is $manager->total('counts', 'elected'), 5;
    # a web client is elected with the same weights
    my %pages;
    $pages{ $httpd->client->get("/counts$page")->node }++ for 1 .. 5;
    shared({ map { $_ => $named{$_} + $pages{$_} } keys %named }, 10,
        'launches and web clients are spread together');
};

# --- which node ---

subtest 'a launch cookie leads to the same node again' => sub {
    for my $node (1, 2) {
        my $user = $at->launcher_on('stick', $node);
        my $elected = $manager->total('stick', 'elected');
        my %named;
        $named{ $at->named(launch($user, 'stick')) // 'none' }++ for 1 .. 6;
        is_deeply \%named, { $node => 6 }, "node $node";
        is $manager->total('stick', 'elected'), $elected, 'no elections';
        is $at->named(launch($user, 'stick', method => 'HEAD')), $node, 'HEAD';
        is $at->named(launch($user, 'stick', target => "/servoy-client/dev/crm.jnlp?m=open&a=1")),
            $node, 'a deep link';
        my $quoted = $user->cookie('SERVOYLAUNCH');
        my $r = launch($httpd->client, 'stick',
            headers => ["Cookie: other=x; SERVOYLAUNCH=\"$quoted\"; z=1"]);
        is $at->named($r), $node, 'quoted, among others';
    }
};

subtest 'a session leads to its node' => sub {
    for my $node (1, 2) {
        my $user = $at->user_on('stick', $node);
        is $at->named(launch($user, 'stick')), $node, "node $node";
        is $at->named(launch($user, 'stick')), $node, 'and again';
        my $id = $user->cookie('JSESSIONID');
        my $r = launch($httpd->client(cookies => 0), 'stick', target => "$jnlp;jsessionid=$id?a=1");
        is $at->named($r), $node, 'a session in the path too';
        is $r->header('Location'), "http://app$node.example.com$jnlp;jsessionid=$id?a=1",
            'where it stays';
    }
    my %named;
    for (1 .. 4) {
        my $r = launch($httpd->client, 'nojsession',
            headers => ['Cookie: JSESSIONID=' . '0' x 32 . '.servoy1']);
        $named{ $at->named($r) // 'none' }++;
    }
    shared(\%named, 4, 'not a cookie that is no session');
};

for my $name ('stick', 'stickset') {
    subtest "launch cookie and session on different nodes ($name)" => sub {
        my $user = $at->user_on($name, 1);
        $user->set_cookie(SERVOYLAUNCH => $at->launcher_on($name, 2)->cookie('SERVOYLAUNCH'));
        for (1 .. 3) {
            is $at->named(launch($user, $name)), 2, 'the launch cookie counts for launches';
            is $user->get("/$name$page")->node, 'servoy1', 'the session for all else';
        }
        is $at->named(launch($user, $name, method => 'HEAD')), 2;
        my $other = $at->user_on($name, 2);
        $other->set_cookie(SERVOYLAUNCH => $at->launcher_on($name, 1)->cookie('SERVOYLAUNCH'));
        is $at->named(launch($other, $name)), 1, 'the other way round';
        is $other->get("/$name$page")->node, 'servoy2';
    };
}

subtest 'a launch cookie is no session' => sub {
    my $cookie = $at->launcher_on('stick', 1)->cookie('SERVOYLAUNCH');
    my %pages;
    for (1 .. 4) {
        my $user = $httpd->client;
        $user->set_cookie(SERVOYLAUNCH => $cookie);
        $pages{ $user->get("/stick$page")->node }++;
    }
    shared(\%pages, 4, 'pages of new clients go where they would');
};

subtest 'a node that is drained or switched off' => sub {
    my $cookie = $at->launcher_on('stick', 2)->cookie('SERVOYLAUNCH');
    my %named;
    $named{ $at->named(launch($httpd->client, 'drain')) // 'none' }++ for 1 .. 4;
    is_deeply \%named, { 1 => 4 }, 'draining: no new launches';
    my $user = $httpd->client;
    $user->set_cookie(SERVOYLAUNCH => $cookie);
    is $at->named(launch($user, 'drain')), 2, 'but those of clients that it has';
    for (1 .. 2) {
        is $at->named(launch($user, 'off')), 1, 'disabled: the client moves';
    }
    isnt $user->cookie('SERVOYLAUNCH'), $cookie, 'and is told so';
    is $at->named(launch($user, 'stick')), 1, 'for good';
};

subtest 'ServoyLaunch proxy' => sub {
    my $user = $httpd->client(cookies => 0);
    my $r = launch($user, 'proxied', target => "$jnlp?m=open&a=1%7C2");
    is $r->status, 200;
    is $r->header('Location'), undef;
    like $r->header('Content-Type'), qr{^application/x-java-jnlp-file};
    like $r->body, qr{<argument>argument=1\|2</argument>}, "the node's own answer";
    like logged(qr{/proxied.*1%7C2}), qr/route=servoy[12] how=launch /, 'is logged as a launch';
    is $manager->total('proxied', 'launches'), 1, 'and counted';
    my $web = $at->user_on('proxied', 2);
    is launch($web, 'proxied')->node, 'servoy2', "the session's node";
    my $cookie = $at->launcher_on('stick', 1)->cookie('SERVOYLAUNCH');
    $web->set_cookie(SERVOYLAUNCH => $cookie);
    is launch($web, 'proxied')->node, 'servoy1', 'the launch cookie comes first';
    my $elected = $manager->total('proxied', 'elected');
    launch($user, 'proxied', method => 'HEAD') for 1 .. 3;
    is $manager->total('proxied', 'elected'), $elected, 'a HEAD elects nobody';
    my %nodes;
    for my $n (1 .. 4) {
        my $head = launch($user, 'proxied', method => 'HEAD');
        my $get = launch($user, 'proxied');
        is $get->node, $head->node, "a GET gets the node of the HEAD before it ($n)";
        $nodes{ $get->node }++;
    }
    shared(\%nodes, 4, 'the GETs take turns');
    is $manager->total('proxied', 'launches'), 7, 'only they count';
};

subtest 'ServoyLaunch proxy with stickysession=' => sub {
    my $user = $at->user_on('proxiedset', 2);
    is launch($user, 'proxiedset')->node, 'servoy2', "the session's node";
    $user->set_cookie(SERVOYLAUNCH => $at->launcher_on('stick', 1)->cookie('SERVOYLAUNCH'));
    is launch($user, 'proxiedset')->node, 'servoy1', 'the launch cookie comes first there too';
    is $user->get("/proxiedset$page")->node, 'servoy2';
    is $httpd->nodes('proxiedset')->{servoy1}{launches}, 1, 'counted where it went';
};

subtest 'a node without a direct URL' => sub {
    like $httpd->error_log,
        qr{servoy_balancer:warn\].*balancer://half: .*route=servoy2.*no direct URL},
        'is warned about';
    unlike $httpd->error_log, qr{balancer://half: .*route=servoy1.*no direct URL},
        'the other is not';
    my (%status, %node);
    for (1 .. 4) {
        my $r = launch($httpd->client, 'half');
        $status{ $r->status }++;
        is $r->status == 200 ? $r->node : 'servoy' . ($at->named($r) // 0),
            $r->status == 200 ? 'servoy2' : 'servoy1',
            $r->status == 200 ? 'proxied' : 'redirected';
    }
    shared(\%status, 4, 'both get their share');
    my $nodes = $httpd->nodes('half');
    is_deeply { map { $_ => $nodes->{$_}{launches} } keys %$nodes },
        { servoy1 => $status{302}, servoy2 => $status{200} },
        'and are counted';
    is launch($httpd->client, 'half', method => 'POST')->status, 405,
        'other methods are refused all the same';
};

subtest 'ServoyLaunchMatch' => sub {
    my $user = $httpd->client(cookies => 0);
    my $status = sub { launch($user, $_[0], target => $_[1])->status };
    is $status->('match', '/start/crm.jnlp'), 302, 'a launch';
    is $status->('match', '/echo/x/crm.jnlp?a=1'), 302;
    is $status->('match', '/echo/crm.jnlp/x'), 200, 'none';
    is $status->('match', $jnlp), 200, 'the default does not hold any more';
    my %default = ('/servoy-client/crm.jnlp' => 302, '/servoy-client/dev/crm.jnlp' => 302,
        '/%73ervoy-client/crm%2Ejnlp' => 302, '/servoy-client;v=1/crm.jnlp;jsessionid=x' => 302,
        '/servoy-client/crm.jnlp;a=b/' => 404, '/servoy-client/.jnlp' => 404,
        '/servoy-client/crm.JNLP' => 404,
        '/servoy-client/crm.html' => 404, '/servoy-client/' => 404,
        '/echo/servoy-client/crm.jnlp' => 200,
        '/echo?/servoy-client/crm.jnlp' => 200);
    is $status->('canonical', $_), $default{$_}, "default: $_" for sort keys %default;
};

subtest 'ServoyLaunchCookie' => sub {
    my $theirs = $at->launcher_on('stick', 1)->cookie('SERVOYLAUNCH');
    my $spread = sub {
        my ($name, $header) = @_;
        my %named;
        $named{ $at->named(launch($httpd->client, $name, headers => ["Cookie: $header"]))
            // 'none' }++ for 1 .. 4;
        return \%named;
    };
    is launch($httpd->client, 'nocookie')->header('Set-Cookie'), undef, 'off: none is set';
    shared($spread->('nocookie', "SERVOYLAUNCH=$theirs"), 4, 'and none is heeded');
    shared($spread->('nocookie', "off=$theirs"), 4, 'by whatever name');
    is $at->named(launch($at->user_on('nocookie', 2), 'nocookie')), 2, 'sessions still are';

    my $user = $httpd->client;
    my $r = launch($user, 'cookie');
    like $r->header('Set-Cookie'), qr/^MYLAUNCH=/, 'another name';
    my $node = $at->named($r);
    is $at->named(launch($user, 'cookie')), $node, 'leads back' for 1 .. 3;
    shared($spread->('cookie', "SERVOYLAUNCH=$theirs"), 4, 'the default one does not');
    shared($spread->('cookie', "mylaunch=$theirs"), 4, 'nor another case');
};

$httpd->stop;
done_testing;
