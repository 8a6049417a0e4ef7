#!/usr/bin/perl
# Before there is a session: whoever is on the way to one comes back to the node that
# knows of it. And where ids carry no route, the cookie is what names the node.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SVB::Balancer;
use SVB::Fleet;
use SVB::Httpd;
use SVB::Node;
use SVB::Temp;
use SVB::Users;
use SVB::Wait;
use Test::More;

my @nodes = map { SVB::Node->new(@$_) } [ name => 'servoy1' ], [ name => 'servoy2' ],
    map { [ name => $_, route => '', contexts => ['second'] ] } qw(plain1 plain2 plain3);
SVB::Node->start_all(@nodes);
my ($fleet, $plain) = map { SVB::Fleet->of(@$_) } [ @nodes[ 0, 1 ] ], [ @nodes[ 2 .. 4 ] ];
my $pages = $fleet->members('ajp');
my $routes = [ map { "route=$_" } qw(plain1 plain2 plain3) ];

# Two that set whatever cookies the request asks for.
my @puppets = map {
    my $puppet = SVB::Httpd->new(servoy => 0, conf => <<"END")->start;
Header set X-Node $_
Header add Set-Cookie "expr=%{req:X-Set-1}" "expr=-n req('X-Set-1')"
Header add Set-Cookie "expr=%{req:X-Set-2}" "expr=-n req('X-Set-2')"
END
    SVB::Temp->write_file($puppet->root . '/htdocs/page', "done\n");
    $puppet
} qw(p1 p2);

my $frame = join '', "Header always set X-How \"%{SERVOY_HOW}e\"\nProxyPreserveHost On\n",
    manager_location('ServoyManagerActions on');
my $httpd = SVB::Httpd->new(tls => 1, conf => join '', $frame,
    balancer('login',  $pages),
    balancer('busy',   $pages),
    balancer('own',    $pages, 'ServoyRouteCookie NODE', 'ServoySessionTimeout 5min'),
    balancer('off',    $pages, 'ServoyRouteCookie off'),
    balancer('plain',  $plain->members('ajp', $routes)),
    balancer('puppets', join("\n", map { 'BalancerMember "' . $_->url . '"' } @puppets)),
    proxy('root', $plain->members('ajp', $routes)), "ProxyPass / balancer://root/\n",
    tls_host('ProxyPass /login/ balancer://login/', 'ProxyPass / balancer://root/'))->start;
my $manager = $httpd->manager;

# Another front end, which has seen none of them.
my $other = SVB::Httpd->new(conf => $frame . balancer('plain', $plain->members('ajp', $routes))
    . balancer('login', $pages))->start;

sub set_cookies { return grep { /^SERVOYROUTE=/ } $_[0]->headers('Set-Cookie') }

subtest 'a login by somebody else\'s word' => sub {
    my %on;
    for my $n (1 .. 20) {
        my $user = $httpd->browser;
        my $start = $user->get('/login/oauth/start?solution=crm');
        users($httpd, 1, '/login') for 1 .. $n % 3;       # others come meanwhile
        my ($state) = $start->header('Location') =~ /[?&]state=(\w+)/;
        my $back = $user->get("/login/oauth/callback?state=$state");
        $on{ $back->status . ' ' . ($back->node eq $start->node ? 'same' : 'other') }++;
        $on{ $back->header('X-How') }++;
    }
    is_deeply \%on, { '302 same' => 20, cookie => 20 }, 'twenty of twenty come back to their node';
};

subtest 'a login form' => sub {
    my $user = $httpd->browser;
    my $form = $user->get('/login/solution/secure/index.html');
    like $form->body, qr/<form/, 'the form';
    is $form->cookie('JSESSIONID'), undef, 'which begins no session';
    users($httpd, 1, '/login');
    my $r = $user->post('/login/solution/secure/index.html', 'user=a');
    is $r->node, $form->node, 'is posted to the node that sent it';
    ok $r->cookie('JSESSIONID'), 'where the session begins';
    is $user->get('/login/echo')->header('X-How'), 'known', 'by which it goes on';
};

subtest 'the cookie' => sub {
    my $form = '/solution/secure/index.html';
    my $r = $httpd->browser->get("/login$form");
    is_deeply [ set_cookies($r) ], [ 'SERVOYROUTE=' . $r->node
        . '; Path=/; Max-Age=1800; HttpOnly; SameSite=Lax' ], 'what it says';
    my $user = $httpd->browser;
    $r = $user->get("/login$form");
    my $seen = $user->get('/login/echo', headers => [ 'Cookie: A=1; SERVOYROUTE=' . $r->node
        . '; B="2; 3", SERVOYROUTE=x' ], cookies => 0)->json;
    is join('|', @{ $seen->{headers}{cookie} }), 'A=1; B="2; 3"', 'the nodes do not get to see it';
    $seen = $user->get('/login/echo')->json;
    is $seen->{headers}{cookie}, undef, 'nor an empty header where there is no other';
    my $tls = qx(curl -sk --max-time 20 -o /dev/null -D - https://127.0.0.1:@{[ $httpd->tls_port ]}/login$form);
    like $tls, qr/^Set-Cookie: SERVOYROUTE=servoy[12]; Path=\/; Max-Age=1800; HttpOnly; Secure; SameSite=None\r$/m,
        'over TLS it comes along with a POST from elsewhere';
    like join(' ', $httpd->browser->get("/own$form")->headers('Set-Cookie')),
        qr/^NODE=servoy[12]; Path=\/; Max-Age=300;/, 'another name, another time';
    is $httpd->browser->get("/off$form")->header('Set-Cookie'), undef, 'off';
};

subtest 'who gets none' => sub {
    for my $case ([ 'a session', $page ], [ 'no page', '/echo' ], [ 'an error', '/status/404' ],
        [ 'a launch', '/servoy-client/crm.jnlp' ], [ 'a script', '/resources/x.js' ]) {
        my ($what, $path) = @$case;
        my $r = $httpd->browser->get("/login$path");
        is_deeply [ set_cookies($r) ], [], "$what (" . $r->status . ')';
    }
    is_deeply [ set_cookies($httpd->browser->head('/login/solution/secure/index.html')) ], [],
        'HEAD';
    is_deeply [ set_cookies(ask_as($httpd, fresh_id('servoy1'), '/login/solution/secure/index.html')) ],
        [], 'who has a route already';
};

subtest 'the weakest word' => sub {
    my $ask = sub {
        my ($cookie) = @_;
        return how($httpd->browser->get('/busy/echo', headers => ["Cookie: $cookie"]));
    };
    is $ask->('SERVOYROUTE=servoy2'), 'servoy2 cookie' for 1 .. 3;
    is $ask->('SERVOYROUTE=servoy2; JSESSIONID=' . fresh_id('servoy1')), 'servoy1 route',
        'an id comes before it';
    like $ask->("SERVOYROUTE=$_"), qr/ elected$/, "of no use: '$_'"
        for '', 'servoy9', '../servoy2', 'a' x 3000, 'servoy2.servoy2';
    $manager->act('busy', 'servoy2', 'drain');
    is $ask->('SERVOYROUTE=servoy2'), 'servoy1 elected', 'its node takes no new clients';
    is $manager->fleet('busy')->{clients}{web}, 1, 'nobody is counted for it';
    wait_ok(sub { $manager->pending == 0 }, 5, 'or left pending');
};

# 0.1: 9 of 9 lost their session.
subtest 'a second application on the same host' => sub {
    my @users = map { $httpd->browser } 1 .. 9;
    my %kept;
    for my $user (@users) {
        my $first = $user->get($page);
        my $second = $user->get("/second$page");
        $kept{elsewhere}++ if $second->node ne $first->node;
        my ($a, $b) = ($user->get($page), $user->get("/second$page"));
        $kept{both}++ if $a->header('X-Count') == 2 && $b->header('X-Count') == 2
            && $a->node eq $first->node && $b->node eq $second->node;
    }
    is_deeply \%kept, { both => 9 }, 'both sessions of nine users go on, each on one node';
    my @active = map { $_->active_sessions + $_->active_sessions('second') } $plain->nodes;
    is $manager->web('root'), join(' ', @active), 'each is counted as its node counts it';
};

# 0.1: 6 of 9 lost their session.
subtest 'a login that takes back a cookie of another path' => sub {
    my %on;
    for my $n (1 .. 9) {
        my $user = $httpd->browser;
        my $says = sub {
            my $i = 0;
            return $user->get('/puppets/page', headers => [ map { 'X-Set-' . ++$i . ": $_" } @_ ]);
        };
        my $home = $says->("JSESSIONID=A$n; Path=/")->node;
        my $login = $n % 2 ? $says->("JSESSIONID=B$n; Path=/", 'JSESSIONID=; Max-Age=0; Path=/old')
                           : $says->('JSESSIONID=; Max-Age=0; Path=/old', "JSESSIONID=B$n; Path=/");
        $user->forget_cookies;
        $user->set_cookie(JSESSIONID => "B$n");
        my $r = $says->();
        $on{ ($login->node eq $home && $r->node eq $home) . ' ' . $r->header('X-How') }++;
    }
    is_deeply \%on, { '1 known' => 9 }, 'nine of nine stay';
    is $manager->fleet('puppets')->{clients}{web}, 9, 'and are nine';
};

subtest 'another front end' => sub {
    my @users = users($httpd, 6, '/plain');
    is_deeply [ map { $_->cookie('SERVOYROUTE') } @users ], [ map { $_->{home} } @users ],
        'where an id has no route, the cookie is set with it';
    my @there = map {
        $other->browser(cookies => 0)->get("/plain$page", headers => [
            "Cookie: JSESSIONID=" . $_->cookie('JSESSIONID') . '; SERVOYROUTE=' . $_->{home} ])
    } @users;
    is_deeply [ map { $_->node . ' ' . $_->header('X-Count') } @there ],
        [ map { "$_->{home} 2" } @users ], 'and tells another front end where they are';
    is $there[0]->header('X-How'), 'route', 'as a route in the id would';
};

$_->stop for $httpd, $other, @puppets;
done_testing;
