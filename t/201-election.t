#!/usr/bin/perl
# Who gets a new client, by what the nodes really hold: sessions that come and go,
# clients that nobody has answered yet, Smart Clients, limits, and nodes that have
# just come up.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use List::Util qw(sum0 uniq);
use SVB::Balancer;
use SVB::Fleet;
use SVB::Httpd;
use SVB::Users;
use SVB::Wait;
use Test::More;

my $fleet = SVB::Fleet->start(3);
my ($one, $two, $three) = $fleet->nodes;

my $pair = $one->member('ajp') . $two->member('ajp');
my @urls = $fleet->urls;

my $httpd = SVB::Httpd->new(conf => join '', <<'END', manager_location(),
ProxyPreserveHost On
Header always set X-How "%{SERVOY_HOW}e"
Header always set X-Route "%{SERVOY_ROUTE}e"
<Location "/balancer-manager">
SetHandler balancer-manager
Require local
</Location>
ProxyPass "/balancer-manager" "!"
END
    balancer('plain',    $fleet->members('ajp')),
    balancer('weighted', $fleet->members('ajp', [ '', 'loadfactor=2', '' ])),
    balancer('pending',  $fleet->members('ajp', [ '', 'loadfactor=2', '' ])),
    balancer('licence',  $pair, 'ServoyNode servoy1 maxclients=2'),
    balancer('full',     $pair, 'ServoyNode * maxclients=1'),
    balancer('smartfull', $pair, 'ServoyNode servoy1 maxclients=1', @urls[0, 1]),
    balancer('slow',     $fleet->members('ajp', 'retry=1'), 'ServoySlowStart 2min',
        'ServoyCatchUp off'),
    balancer('quick',    $fleet->members('ajp', 'retry=1'), 'ServoyCatchUp off'),
    (map { balancer("catch$_", $fleet->members('ajp'), "ServoyCatchUp $_") } qw(1 2 off)),
    balancer('catch',    $fleet->members('ajp')),
    balancer('catchset', $fleet->members('ajp', [ '', '', 'lbset=1' ])),
    balancer('standby',  $fleet->members('ajp', [ '', '', 'status=+H' ])),
    balancer('standin',  dead_member('servoy1') . $three->member('ajp', 'status=+H')),
    balancer('spare',    $fleet->members('ajp', [ '', '', 'status=+R' ])),
    balancer('sets',     $fleet->members('ajp', [ 'lbset=1', 'lbset=0', 'lbset=1' ])),
    balancer('pages',    $fleet->members('ajp'), 'ServoyFleet both'),
    balancer('sockets',  $fleet->members('http', 'upgrade=websocket'), 'ServoyFleet both'),
    balancer('launch',   $fleet->members('ajp'), @urls),
    balancer('weigh',    $fleet->members('ajp'), @urls),
    balancer('briefly',  $fleet->members('ajp'), 'ServoyLaunchTimeout 2s', @urls),
    balancer('proxied',  $fleet->members('ajp'), 'ServoyLaunch proxy'),
    balancer('drained',  $pair, 'ServoySessionTimeout 3s', 'ServoyLaunchTimeout 3s', @urls[0, 1]),
    balancer('drain',    $one->member('ajp', 'status=+N') . $two->member('ajp'),
        'ServoySessionTimeout 3s', 'ServoyLaunchTimeout 3s', @urls[0, 1]))->start;

my $manager = $httpd->manager;

# Where that many new users get: node by node.
sub spread {
    my ($name, $number) = @_;
    my $on = homes(users($httpd, $number, "/$name"));
    return join ' ', map { "$_ $on->{$_}" } sort keys %$on;
}

# Users who have had a session on a node for some time, and come this way now.
sub settle {
    my ($name, $node, $number) = @_;
    my @users = map { $httpd->browser } 1 .. $number;
    for my $user (@users) {
        $user->set_cookie(JSESSIONID => $node->client->get($page)->cookie('JSESSIONID'));
        # for such clients there is no room before httpd's first tick
        wait_for(sub { $user->get("/$name/echo")->header('X-How') eq 'known' }, 10,
            'a session to be taken in');
    }
    return @users;
}

# A launch by somebody without cookies, or by the browser given: the node.
sub launch {
    my ($name, $user) = @_;
    return ($user // $httpd->browser)->get("/$name$jnlp")->header('X-Route');
}

subtest 'the node with the fewest clients' => sub {
    my @users = users($httpd, 9, '/plain');
    is $manager->web('plain'), '3 3 3', 'nine users, three on each';
    $_->get('/plain/logout') for grep { $_->{home} eq 'servoy2' } @users;
    is $manager->web('plain'), '3 0 3', 'all of servoy2 log out';
    is spread('plain', 3), 'servoy2 3', 'the next three get there';
    $httpd->browser->get('/plain/resources/x.js') for 1 .. 7;
    is spread('plain', 3), 'servoy1 1 servoy2 1 servoy3 1',
        'then all in turn, whatever else is asked for';
    is $manager->web('plain'), '4 4 4';

    users($httpd, 8, '/weighted');
    is $manager->web('weighted'), '2 4 2', 'twice as many where loadfactor=2';
    my ($user) = settle('weighted', $two, 1);
    is $manager->web('weighted'), '2 5 2',
        'who has come by the route of his session counts as well';
    is spread('weighted', 3), 'servoy1 1 servoy2 1 servoy3 1';
    $user->get('/weighted/logout');
    is spread('weighted', 1), 'servoy2 1', 'until he logs out';
};

subtest 'new clients that nobody has answered yet' => sub {
    $_->reset_requests for $fleet->nodes;
    my @waiting = map { $httpd->browser->start(GET => '/pending/slow?ms=8000&session=1') } 1 .. 16;
    wait_ok(sub { sum0(map { $_->requests->{'/slow'} // 0 } $fleet->nodes) == 16 }, 10,
        'sixteen at once, and no node has answered');
    is $manager->pending, 16, 'they are pending';
    is $manager->web('pending'), '0 0 0', 'none is a client so far';
    my @got = map { $_->requests->{'/slow'} // 0 } $fleet->nodes;
    # two children may decide at the very same moment
    ok abs($got[0] - 4) <= 1 && abs($got[1] - 8) <= 1 && abs($got[2] - 4) <= 1,
        'by loadfactor all the same: 4, 8, 4'
        or diag "@got";
    my @answers = map { $_->finish } @waiting;
    is $manager->web('pending'), "@got", 'all become clients';
    is $manager->total('pending', 'elected'), 16, 'of one election each';

    $_->reset_requests for $fleet->nodes;
    @waiting = map { $httpd->browser->start(GET => '/pending/slow?ms=1500') } 1 .. 8;
    wait_for(sub { sum0(map { $_->requests->{'/slow'} // 0 } $fleet->nodes) == 8 }, 10, 'requests');
    $_->finish for @waiting;
    is $manager->web('pending'), "@got", 'those that start no session do not';
    wait_ok(sub { $manager->pending == 0 }, 5, 'nobody is pending any more');
    users($httpd, 4, '/pending');
    is $manager->web('pending'), '5 10 5', 'and the next four make it even';
};

subtest 'maxclients= : no more than a node may hold' => sub {
    my @users = users($httpd, 6, '/licence');
    is $manager->web('licence'), '2 4', 'two on the node that may hold two, all others elsewhere';
    is $manager->node('licence', 'servoy1')->{state}, 'full';
    is $manager->node('licence', 'servoy1')->{maxclients}, 2;
    is $manager->node('licence', 'servoy2')->{state}, 'ready';
    my @own = grep { $_->{home} eq 'servoy1' } @users;
    is_deeply [ map {
        my $r = $_->get("/licence$page");
        $r->node . ' ' . $r->header('X-How')
    } @own ],
        [ ('servoy1 known') x 2 ], 'its own clients are served';
    my ($old) = settle('licence', $one, 1);
    is $old->get("/licence$page")->node, 'servoy1', 'even one whom nobody knew of';
    is $manager->web('licence'), '3 4';
    $_->get('/licence/logout') for $old, $own[0];
    is $manager->node('licence', 'servoy1')->{state}, 'ready', 'two log out: there is room for one';
    is spread('licence', 3), 'servoy1 1 servoy2 2';
    is $manager->node('licence', 'servoy1')->{state}, 'full', 'that was it';

    is launch('smartfull'), 'servoy1', 'a Smart Client';
    is $manager->node('smartfull', 'servoy1')->{state}, 'full', 'counts';
    is spread('smartfull', 2), 'servoy2 2';
    is launch('smartfull'), 'servoy2';
};

subtest 'all are full' => sub {
    my @users = users($httpd, 2, '/full');
    is $manager->web('full'), '1 1';
    is_deeply [ map { $_->{state} } $manager->nodes('full') ], [qw(full full)];
    is_busy($httpd->browser->get("/full$page"), 'a third user is refused');
    is_busy($httpd->browser->post("/full$page", 'a=b'), 'POST likewise');
    is_busy($httpd->browser->get("/full$jnlp"), 'and a launch');
    is $manager->web('full'), '1 1', 'nobody is counted for that';
    is_deeply [ uniq map { $_->get("/full$page")->header('X-How') } @users ], ['known'],
        'the others are served';
    $users[1]->get('/full/logout');
    is $httpd->browser->get("/full$page")->node, $users[1]{home}, 'one logs out: the next has room';
};

subtest 'ServoyCatchUp: a node that is empty beside others that are not' => sub {
    my %got;
    for my $name (qw(catch1 catch2 catch catchoff)) {
        settle($name, $_, 15) for $one, $two;
        is $manager->web($name), '15 15 0',
            "$name: fifteen users each on two nodes, a third is empty";
        my ($joined) = spread($name, 15) =~ /servoy3 (\d+)/;
        $got{$name} = $joined;
        is sum0(split / /, $manager->web($name)), 45;
    }
    is $got{catchoff}, 15, 'off: all fifteen new ones go there';
    cmp_ok $got{catch2}, '<=', 12, '2: at most two thirds of them and two';
    cmp_ok $got{catch2}, '>=', 8, 'nor is it left out';
    is $got{catch}, $got{catch2}, 'the default';
    cmp_ok $got{catch1}, '<=', 7, '1: at most a third of them and two';
    cmp_ok $got{catch1}, '>=', 4, 'nor is it left out';

    settle('catchset', $one, 12);
    is spread('catchset', 9), 'servoy2 9', 'a half is its part where a third is of another lbset';
};

subtest 'standby, spare and lbset come before the count' => sub {
    users($httpd, 4, "/$_") for qw(standby spare sets);
    is $manager->web('standby'), '2 2 0', 'a hot standby gets nobody while others can';
    is $manager->node('standby', 'servoy3')->{state}, 'standby';
    is $manager->web('spare'), '2 2 0', 'nor does a hot spare';
    is $manager->node('spare', 'servoy3')->{state}, 'spare';
    is $manager->web('sets'), '0 4 0', 'nor a member of a later lbset';
    is spread('standin', 3), 'servoy3 3', 'a standby takes all when nobody else can';
    is $manager->web('standin'), '0 3', 'and they are counted';
};

subtest 'two balancers of one fleet' => sub {
    my @users = users($httpd, 6, '/pages');
    my $both = $manager->fleet('both');
    is_deeply $both->{balancers}, [ 'balancer://pages', 'balancer://sockets' ],
        'AJP and HTTP members';
    is_deeply [ map { $_->{route} } @{ $both->{nodes} } ], [qw(servoy1 servoy2 servoy3)],
        'each node is there once';
    is_deeply [ map { scalar @{ $_->{members} } } @{ $both->{nodes} } ], [ 2, 2, 2 ],
        'with two members';
    is $manager->web('both'), '2 2 2', 'a client is counted once';
    is_deeply $both->{clients}, { web => 6, smart => 0, windowed => 0 };
    for my $user (@users) {
        my $ws = $user->websocket('/sockets/websocket/1/main/1');
        is +($ws->recv_json // {})->{session}, $user->cookie('JSESSIONID'),
            'its WebSocket gets to its session';
        $ws->close;
    }
    is $manager->web('both'), '2 2 2', 'and is no client more';
    $_->get('/sockets/logout') for grep { $_->{home} eq 'servoy3' } @users;
    is $manager->web('both'), '2 2 0', 'a logout by way of the other balancer';
    is spread('sockets', 1), 'servoy3 1', 'one balancer knows';
    is spread('pages', 1), 'servoy3 1', 'what the other does';
    is $manager->web('both'), '2 2 2';
    my ($user) = users($httpd, 1, '/sockets');
    is $user->get("/pages$page")->header('X-How'), 'known', 'and whom it has met';
};

subtest 'Smart Clients are counted' => sub {
    is $manager->smart('launch'), '0 0 0';
    my $user = $httpd->browser;
    my $r = $user->get("/launch$jnlp");
    is $r->status, 302;
    my $home = $r->header('X-Route');
    is sum0(split / /, $manager->smart('launch')), 1, 'a launch: one';
    is $manager->node('launch', $home)->{clients}{smart}, 1, 'on the node that it was sent to';
    is launch('launch', $user), $home, 'the same browser, with its launch cookie' for 1 .. 3;
    is sum0(split / /, $manager->smart('launch')), 1, 'is still one';
    is $manager->node('launch', $home)->{launches}, 4, 'though four launches';
    is $user->head("/launch$jnlp")->status, 302, 'HEAD with the cookie';
    is $httpd->browser->head("/launch$jnlp")->status, 302, 'and without';
    is sum0(split / /, $manager->smart('launch')), 1, 'is none';
    is $manager->total('launch', 'launches'), 4;
    launch('launch') for 1 .. 2;
    is $manager->smart('launch'), '1 1 1', 'two other browsers: one on each node';
    launch('launch') for 1 .. 3;
    is $manager->smart('launch'), '2 2 2';
    is $manager->web('launch'), '0 0 0', 'no web clients';
    is $httpd->browser->post("/launch$jnlp", '')->status, 405;
    is $manager->smart('launch'), '2 2 2', 'nor is POST a launch';

    my ($both) = users($httpd, 1, '/launch');
    my $before = $manager->web('launch');
    is launch('launch', $both), $both->{home}, 'a web client launches on its node';
    is sum0(split / /, $manager->smart('launch')), 7, 'and has one of either kind';
    is $manager->web('launch'), $before;
    is $both->get("/launch$page")->header('X-How'), 'known';
    launch('launch', $both);
    is sum0(split / /, $manager->smart('launch')), 7;
    is $manager->web('launch'), $before;
};

subtest 'Smart Clients weigh like others' => sub {
    my $cookie = sub {
        my ($number, $route) = @_;
        return sprintf 'SERVOYLAUNCH=%016x.%s', $number, $route
    };
    for my $number (1 .. 3) {
        $httpd->browser->get("/weigh$jnlp",
            headers => [ 'Cookie: ' . $cookie->($number, 'servoy1') ]);
    }
    is $manager->smart('weigh'), '3 0 0', 'three on one node';
    is spread('weigh', 6), 'servoy2 3 servoy3 3', 'new web clients get to the others';
    is spread('weigh', 3), 'servoy1 1 servoy2 1 servoy3 1', 'until they have as many';
    settle('weigh', $three, 2);
    is $manager->web('weigh'), '1 4 6';
    is_deeply [ sort map { launch('weigh') } 1 .. 4 ], [qw(servoy1 servoy1 servoy2 servoy2)],
        'launches, too, go where there are fewest of either kind';
    is $manager->smart('weigh'), '5 2 0';
};

subtest 'ServoyLaunchTimeout' => sub {
    my $loyal = $httpd->browser;
    launch('briefly', $loyal);
    launch('briefly') for 1 .. 2;
    is sum0(split / /, $manager->smart('briefly')), 3;
    wait_ok(sub { launch('briefly', $loyal); sum0(split / /, $manager->smart('briefly')) == 1 }, 15,
        'two are gone after it; who launches again is not');
    my $home = launch('briefly', $loyal);
    is $manager->node('briefly', $home)->{clients}{smart}, 1;
    wait_ok(sub { $manager->smart('briefly') eq '0 0 0' }, 15, 'until it does not');
    is launch('briefly', $loyal), $home, 'its cookie leads to the same node even so';
    is sum0(split / /, $manager->smart('briefly')), 1, 'and it is counted again';
};

subtest 'ServoyLaunch proxy' => sub {
    my $user = $httpd->browser;
    my $r = $user->get("/proxied$jnlp");
    is $r->status, 200;
    like $r->body, qr/<jnlp/, 'the node answers a launch';
    like $r->cookie('SERVOYLAUNCH') // '', qr/^[0-9a-f]{16}\.\Q${\ $r->node }\E$/,
        'with a launch cookie';
    is sum0(split / /, $manager->smart('proxied')), 1, 'a Smart Client';
    is $manager->node('proxied', $r->node)->{clients}{smart}, 1, 'on that node';
    is $user->get("/proxied$jnlp")->node, $r->node, 'launched again';
    is sum0(split / /, $manager->smart('proxied')), 1, 'it is the same one';
    $user->head("/proxied$jnlp");
    $httpd->browser->head("/proxied$jnlp");
    is sum0(split / /, $manager->smart('proxied')), 1, 'HEAD is none';
    is $httpd->browser->get('/proxied/servoy-client/a/b/c.jnlp')->status, 404,
        'one that the node refuses';
    is sum0(split / /, $manager->smart('proxied')), 1, 'is none either';
    $httpd->browser->get("/proxied$jnlp") for 1 .. 2;
    is $manager->smart('proxied'), '1 1 1', 'others are sent to other nodes';
    is $manager->web('proxied'), '0 0 0';
};

subtest 'safe_to_stop' => sub {
    ok !$manager->node('drain', 'servoy2')->{safe_to_stop}, 'a node that takes new clients is not';
    is $manager->node('drain', 'servoy1')->{state}, 'draining';
    ok $manager->node('drain', 'servoy1')->{safe_to_stop}, 'a draining one without clients is';
    my $drain = sub {
        $httpd->balancer_manager->set('drain', 'ajp://127.0.0.1:' . $one->ajp_port,
            w_status_N => $_[0]);
    };
    # Once the table would know them, nobody gets to a node that is being drained.
    my $come = sub { my ($get) = @_; $drain->(0); my @got = $get->(); $drain->(1); return @got };
    my ($user) = $come->(sub { settle('drain', $one, 1) });
    is $manager->web('drain'), '1 0', 'it has a client';
    ok !$manager->node('drain', 'servoy1')->{safe_to_stop}, 'not then';
    $user->get('/drain/logout');
    ok $manager->node('drain', 'servoy1')->{safe_to_stop}, 'but as soon as it has logged out';

    $come->(sub { settle('drain', $one, 1) });
    ok !$manager->node('drain', 'servoy1')->{safe_to_stop}, 'another client, that stays away';
    wait_ok(sub { $manager->node('drain', 'servoy1')->{safe_to_stop} }, 15,
        'not before its session has timed out');
    is $manager->web('drain'), '0 0';

    $come->(sub {
        $httpd->browser->get("/drain$jnlp",
            headers => ['Cookie: SERVOYLAUNCH=0123456789abcdef.servoy1'])
    });
    is $manager->smart('drain'), '1 0', 'a Smart Client';
    ok !$manager->node('drain', 'servoy1')->{safe_to_stop}, 'matters as well';
    wait_ok(sub { $manager->node('drain', 'servoy1')->{safe_to_stop} }, 15,
        'for as long as ServoyLaunchTimeout');

    my @users = users($httpd, 2, '/drained');
    my ($on_one) = grep { $_->{home} eq 'servoy1' } @users;
    $httpd->balancer_manager->set('drained', 'ajp://127.0.0.1:' . $one->ajp_port, w_status_N => 1);
    is $manager->node('drained', 'servoy1')->{state}, 'draining', 'drained by balancer-manager';
    ok !$manager->node('drained', 'servoy1')->{safe_to_stop};
    is spread('drained', 2), 'servoy2 2', 'it gets nobody';
    is $on_one->get("/drained$page")->header('X-How'), 'known', 'its client is served';
    $on_one->get('/drained/logout');
    ok $manager->node('drained', 'servoy1')->{safe_to_stop}, 'and leaves';
    $httpd->balancer_manager->set('drained', 'ajp://127.0.0.1:' . $one->ajp_port, w_status_N => 0);
    ok !$manager->node('drained', 'servoy1')->{safe_to_stop}, 'in use again';
    is spread('drained', 1), 'servoy1 1';
};

subtest 'ServoySlowStart: a node that has just come up' => sub {
    is $manager->node('slow', 'servoy1')->{state}, 'ready',
        'at the start of httpd there is no slow start';
    is spread($_, 6), 'servoy1 2 servoy2 2 servoy3 2' for qw(slow quick);
    $one->kill;
    for my $name (qw(slow quick)) {
        $httpd->browser(cookies => 0)->get("/$name/status/404",
            headers => ['Cookie: JSESSIONID=0.servoy1']);
        wait_ok(sub { $manager->node($name, 'servoy1')->{state} eq 'error'
            && $manager->web($name) eq '0 2 2' }, 10, "$name: it is down");
    }
    my $down = time;
    $one->start;
    wait_for(sub { time > $down + 1 }, 5, 'the retry time of a second to pass');
    # nobody has looked at the page meanwhile: one of these users finds the node up
    my %first = map { $_ => [ users($httpd, 40, "/$_") ] } qw(slow quick);
    is $manager->node('slow', 'servoy1')->{state}, 'slowstart', 'it starts slowly';
    is $manager->node('quick', 'servoy1')->{state}, 'ready', 'where that is wanted';
    my %got = map {
        my $name = $_;
        $name => scalar grep { $_->{home} eq 'servoy1' } @{ $first{$name} }
    } keys %first;
    cmp_ok $got{slow}, '>=', 1, 'it gets some of the next forty users';
    cmp_ok $got{slow}, '<=', 6, 'but far fewer than its share';
    cmp_ok $got{quick}, '>=', 13, 'which it gets without slow start';
};

$_->stop for $httpd;
done_testing;
