#!/usr/bin/perl
# What nodes and users do is what the manager counts: sessions that begin, change
# their id, end, time out or were only claimed.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use List::Util qw(sum0 uniq);
use SVB::Balancer;
use SVB::Fleet;
use SVB::Httpd;
use SVB::Node;
use SVB::Temp;
use SVB::Users;
use SVB::Wait;
use Test::More;
use Time::HiRes qw(time);

my $assumed_least = 256;    # SVB_ASSUMED_LEAST

# Two nodes with a jvmRoute, two without.
my ($one, $two, $plain1, $plain2) = map { SVB::Node->new(@$_) }
    [ name => 'servoy1' ], [ name => 'servoy2' ], [ name => 'plain1', route => '' ],
        [ name => 'plain2', route => '' ];
SVB::Node->start_all($one, $two, $plain1, $plain2);
my ($fleet, $plain) = map { SVB::Fleet->of(@$_) } [ $one, $two ], [ $plain1, $plain2 ];

# And one that sets whatever cookies the request asks for.
my $puppet = SVB::Httpd->new(servoy => 0, conf => <<'END')->start;
Header set X-Node puppet
Header add Set-Cookie "expr=%{req:X-Set-1}" "expr=-n req('X-Set-1')"
Header add Set-Cookie "expr=%{req:X-Set-2}" "expr=-n req('X-Set-2')"
END
SVB::Temp->write_file($puppet->root . '/htdocs/page', "done\n");

# Other routes than the nodes' own, or any where they have none.
sub routed {
    my ($members, @routes) = @_;
    return $members =~ s/(BalancerMember "\S+")(?: route=\S+)?/"$1 route=" . shift @routes/ger;
}

my $frame = <<'END' . manager_location();
Header always set X-How "%{SERVOY_HOW}e"
ProxyPreserveHost On
Timeout 100
END
my $count = balancer('count', $fleet->members('ajp'));
my $plain_members = $plain->members('ajp');
my $puppet_member = 'BalancerMember "' . $puppet->url . '" route=puppet';
my $sockets = $fleet->members('http', 'upgrade=websocket');
my $held = balancer('held', $plain1->member('http', 'upgrade=websocket'),
    'ServoySessionTimeout 40s');

my $httpd = SVB::Httpd->new(conf => join '', $frame, $count, $held,
    balancer('idle',      $fleet->members('ajp')),
    balancer('login',     $fleet->members('ajp')),
    balancer('logout',    $fleet->members('ajp')),
    balancer('says',      $puppet_member),
    balancer('names',     $puppet_member, 'ServoySessionCookie SID JSESSIONID'),
    balancer('other',     $fleet->members('ajp'), 'ServoySessionCookie SID'),
    balancer('path',      $fleet->members('ajp')),
    balancer('brief',     $fleet->members('ajp'), 'ServoySessionTimeout 2s'),
    balancer('sockets',   $sockets),
    balancer('learned',   $plain_members),
    balancer('halfway',   routed($plain_members, 'p1', 'p2')),
    balancer('unlearned', $plain_members, 'ServoyLearnSessions off'),
    balancer('wrong',     routed($fleet->members('ajp'), 'other1', 'other2')))->start;
# another of these nodes, for what concerns a whole server
my $quiet = SVB::Httpd->new(conf => $frame . $held . $count)->start;
my $manager = $httpd->manager;

# Node and reason for one request with this session id that leaves no trace: an error
# teaches nothing.
sub would_be_served {
    my ($name, $id) = @_;
    return how(ask_as($httpd, $id, "/$name/status/404"));
}

# The id of a session that a node has given to somebody who came to it directly.
sub session_on { my ($node) = @_; return $node->client->get($page)->header('X-Session') }

# The puppet sets these cookies for a user; the answer.
sub says {
    my ($name, $user, @cookies) = @_;
    my $i = 0;
    return $user->get("/$name/page", headers => [ map { 'X-Set-' . ++$i . ": $_" } @cookies ]);
}

# WebSockets that are to stay open for longer than ServoySessionTimeout.
sub hold_open {
    my ($at) = @_;
    my ($user) = users($at, 1, '/held');
    my $ws = $user->websocket('/held/websocket/1/main/1');
    is $ws->response->status, 101, 'a WebSocket is opened, to be looked at again at the end';
    return { user => $user, ws => $ws, until => time + 47, at => $at };
}
my $socket = hold_open($httpd);
my $old_socket = hold_open($quiet);
$quiet->graceful;

subtest 'a session is a client' => sub {
    my @before = map { $_->active_sessions } $one, $two;
    is $manager->web('count'), '0 0', 'at first there are none';
    my @users = users($httpd, 6, '/count');
    is $manager->web('count'), '3 3', 'six sessions, six clients';
    is $one->active_sessions - $before[0], 3, 'as many as the node has';
    is $two->active_sessions - $before[1], 3;
    my (%how, $strayed);
    for my $user ((@users) x 4) {
        my $r = $user->get("/count$page");
        $how{ $r->header('X-How') }++;
        $strayed++ if $r->node ne $user->{home};
    }
    is_deeply \%how, { known => 24 }, 'they are recognised';
    is $strayed, undef, 'and stay where they are';
    is $manager->web('count'), '3 3', 'each is counted once, however many requests it makes';
    is_deeply $manager->fleet('count')->{clients}, { web => 6, smart => 0, windowed => 0 },
        'the fleet has their sum';
    wait_ok(sub { $manager->pending == 0 }, 5, 'nobody is left pending');
};

subtest 'a request without a session is nobody' => sub {
    for my $path ('/resources/x.js', '/echo', '/status/404', '/status/500', '/nowhere') {
        my $r = $httpd->browser->get("/idle$path");
        is $r->header('X-How'), 'elected', "$path: a node is elected for it";
        is $r->cookie('JSESSIONID'), undef, 'which starts no session';
    }
    is $httpd->browser->head('/idle/resources/x.js')->status, 200, 'HEAD';
    is $httpd->browser->post('/idle/echo', 'x')->status, 200, 'POST';
    is $manager->web('idle'), '0 0', 'no clients';
    wait_ok(sub { $manager->pending == 0 }, 5, 'nor pending ones');

    my $slow = $httpd->browser->start(GET => '/idle/slow?ms=2000');
    wait_ok(sub { $one->requests->{'/slow'} || $two->requests->{'/slow'} }, 10,
        'one that takes a while');
    is $manager->pending, 1, 'may become a client as long as it lasts';
    is $manager->web('idle'), '0 0', 'but is none';
    is $slow->finish->status, 200;
    wait_ok(sub { $manager->pending == 0 }, 5, 'it has not become one');
    is $manager->web('idle'), '0 0';
};

subtest 'a login that changes the id' => sub {
    my ($user) = users($httpd, 1, '/login');
    my ($count, $first) = ($manager->web('login'), $user->cookie('JSESSIONID'));
    like $count, qr/^(?:1 0|0 1)$/, 'one client';
    for (1 .. 3) {
        my $before = $user->cookie('JSESSIONID');
        $user->get('/login/login');
        isnt $user->cookie('JSESSIONID'), $before, 'it logs in';
        is $manager->web('login'), $count, 'and is still one client';
        is would_be_served('login', $before), "$user->{home} known",
            'its old id is remembered: it may be another application\'s';
        is would_be_served('login', $user->cookie('JSESSIONID')), "$user->{home} known",
            'the new one is known';
    }
    is $user->get("/login$page")->header('X-Session'), $user->cookie('JSESSIONID'),
        'the session goes on';
    is $manager->web('login'), $count;
    $user->forget_cookies;
    $user->set_cookie(JSESSIONID => $first);
    $user->get("/login$page");
    is sum0(split / /, $manager->web('login')), 2,
        'whoever comes with an id that is void now gets a new session: a client more';
};

subtest 'logout' => sub {
    my @users = users($httpd, 4, '/logout');
    is $manager->web('logout'), '2 2';
    my ($gone) = grep { $_->{home} eq 'servoy1' } @users;
    my $id = $gone->cookie('JSESSIONID');
    $gone->get('/logout/logout');
    is $manager->web('logout'), '1 2', 'a client less, at once';
    is would_be_served('logout', $id), 'servoy1 known', 'its id is remembered';
    $gone->get('/logout/logout');
    is $manager->web('logout'), '1 2', 'who logs out twice leaves once';
    is $gone->get("/logout$page")->header('X-Session-New'), 1, 'it starts again';
    is $manager->web('logout'), '2 2', 'and is counted again';
    $_->get('/logout/logout') for @users;
    is $manager->web('logout'), '0 0', 'all leave';
    wait_ok(sub { $manager->pending == 0 }, 5, 'none is left pending');
};

subtest 'cookies that end a session, or do not' => sub {
    my $number = 0;
    for ([ 0, 'Max-Age=0' ], [ 0, 'Max-Age=-1' ], [ 0, 'Expires=Thu, 01 Jan 1970 00:00:10 GMT' ],
        [ 0, 'Expires=Thu, 01-Jan-1970 00:00:10 GMT' ],
        [ 0, 'Max-Age=0; Expires=Fri, 01 Jan 2100 00:00:00 GMT' ],
        [ 0, '' ], [ 1, 'Max-Age=60' ], [ 1, 'Expires=Fri, 01 Jan 2100 00:00:00 GMT' ],
        [ 1, 'Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:10 GMT' ]) {
        my ($stays, $attributes) = @$_;
        my $user = $httpd->browser;
        my $id = 'A' . ++$number . '.puppet';
        says('says', $user, "JSESSIONID=$id; Path=/");
        is $manager->web('says'), 1, 'a session';
        my $value = $stays ? "$id; Path=/; $attributes" : length $attributes
            ? "gone; Path=/; $attributes" : '; Path=/';
        says('says', $user, "JSESSIONID=$value");
        is $manager->web('says'), $stays, ($stays ? 'lasts with ' : 'ends with ')
            . ($attributes || 'an empty value');
        says('says', $user, 'JSESSIONID=; Max-Age=0; Path=/');
    }
    my $user = $httpd->browser;
    says('says', $user, 'JSESSIONID=B1.puppet; Path=/');
    says('says', $user, 'OTHER=; Max-Age=0', 'jsessionid=; Max-Age=0');
    is $manager->web('says'), 1, 'other cookies that end are no matter';
    says('says', $user, 'JSESSIONID=; Max-Age=0; Path=/', 'JSESSIONID=B2.puppet; Path=/');
    is $manager->web('says'), 1, 'a session that ends while another begins';
    is $user->get('/says/page')->header('X-How'), 'known';
    says('says', $user, 'JSESSIONID=; Max-Age=0; Path=/');
    is $manager->web('says'), 0;
};

subtest 'several names, several cookies' => sub {
    my @users = map { $httpd->browser } 1 .. 3;
    says('names', $users[0], 'SID=C1.puppet; Path=/');
    says('names', $users[1], 'JSESSIONID=C2.puppet; Path=/');
    is $manager->web('names'), 2, 'a session by either name';
    says('names', $users[2], 'SID=C3.puppet; Path=/', 'JSESSIONID=C4.puppet; Path=/');
    is $manager->web('names'), 3, 'both in one answer: one client';
    says('names', $users[0], 'JSESSIONID=C5.puppet; Path=/');
    is $manager->web('names'), 3, 'one after the other: one client';
    is_deeply [ uniq map { $_->get('/names/page')->header('X-How') } (@users) x 2 ], ['known'],
        'all are recognised';
    is $manager->web('names'), 3;
    says('names', $httpd->browser, 'sid=C6.puppet; Path=/', 'SID2=C7.puppet; Path=/');
    is $manager->web('names'), 3, 'other names are other cookies';

    users($httpd, 2, '/other');
    is $manager->web('other'), '0 0',
        'JSESSIONID is another name where ServoySessionCookie says so';

    my ($user) = grep { $_->{home} eq 'servoy2' } users($httpd, 2, '/count');
    my $id = $user->cookie('JSESSIONID');
    my $before = $manager->web('count');
    is how(ask_as($httpd, fresh_id() . ".servoy1; JSESSIONID=$id", '/count/echo')), 'servoy2 known',
        'of several cookies in a request, the one that is known counts';
    is how(ask_as($httpd, fresh_id() . ".servoy1; JSESSIONID=\"$id\"", '/count/echo')),
        'servoy2 known', 'in quotes as well';
    is $manager->web('count'), $before, 'the others are not taken for clients';
};

subtest 'the id as a path parameter' => sub {
    my $user = $httpd->browser(cookies => 0);
    my $r = $user->get("/path$page");
    my ($id, $home, $before) = ($r->header('X-Session'), $r->node, $manager->web('path'));
    is sum0(split / /, $before), 1, 'a client that sends no cookies';
    for my $name (qw(jsessionid jsessionid JSESSIONID jSessionId)) {
        is $user->get("/path/echo;$name=$id")->header('X-How'), 'known',
            "recognised by its path: $name";
    }
    $r = $user->get("/path$page;jsessionid=$id");
    is $r->node, $home, 'it stays on its node';
    is $r->header('X-Count'), 2, 'in its session';
    is $manager->web('path'), $before, 'counted once';
    $user->get("/path/logout;jsessionid=$id");
    is $manager->web('path'), '0 0', 'until it logs out';

    $id = session_on($two);
    is $user->get("/path/echo;jsessionid=$id")->header('X-How'), 'route',
        'one that was there before';
    is $manager->web('path'), '0 1', 'is counted as soon as its node has served it';
};

subtest 'sessions time out' => sub {
    my @users = users($httpd, 3, '/brief');
    is $manager->web('brief'), '2 1', 'three users';
    my $began = time;
    wait_ok(sub {
        $users[0]->get("/brief$page");
        $manager->web('brief') eq '1 0'
    }, 15, 'who is not heard of is gone');
    cmp_ok time - $began, '>=', 2, 'not before ServoySessionTimeout';
    is $users[0]->get("/brief$page")->header('X-How'), 'known', 'who goes on stays';
    my $r = $users[1]->get("/brief$page");
    is $r->node . ' ' . $r->header('X-How'), 'servoy2 route', 'somebody comes back after that';
    is $r->header('X-Count'), 2, 'to a session that its node still has';
    is $manager->web('brief'), '1 1', 'and is counted again';
    wait_ok(sub { $manager->web('brief') eq '0 0' }, 15, 'until all are gone');
};

subtest 'WebSockets' => sub {
    my ($user) = users($httpd, 1, '/sockets');
    my $before = $manager->web('sockets');
    my $ws = $user->websocket('/sockets/websocket/1/main/1');
    is $ws->response->status, 101;
    is $manager->web('sockets'), $before, 'of a known client: nobody new';
    $ws->close;
    $user->get('/sockets/logout');
    is $manager->web('sockets'), '0 0';

    my $id = session_on($two);
    $ws = $httpd->browser(cookies => 0)->websocket('/sockets/websocket/1/main/1',
        headers => ["Cookie: JSESSIONID=$id"]);
    is $ws->response->status, 101, 'of a session that was there before';
    is $manager->web('sockets'), '0 0', 'not counted yet: it may be a dead one';
    wait_ok(sub { $manager->web('sockets') eq '0 1' }, 20, 'but when it stays open');
    is would_be_served('sockets', $id), 'servoy2 known';
    $ws->close;
    is $manager->web('sockets'), '0 1', 'it goes on without a WebSocket';

    $ws = $httpd->browser->websocket('/sockets/websocket/nothing/here');
    is $ws->response->status, 404, 'refused';
    $id = fresh_id('servoy1');
    $httpd->browser(cookies => 0)->websocket('/sockets/websocket/nothing',
        headers => ["Cookie: JSESSIONID=$id"]);
    is $manager->web('sockets'), '0 1', 'and so not counted';

    $ws = $httpd->browser->websocket('/sockets/websocket/1/main/1');
    is +($ws->recv_json // {})->{session}, undef, 'without any session';
    is $manager->web('sockets'), '0 1', 'nobody';
    wait_ok(sub { $manager->pending == 0 }, 5, 'nor somebody who is about to be');
    $ws->close;
};

subtest 'nodes without jvmRoute: sessions are learned' => sub {
    for my $name (qw(learned halfway)) {
        my @users = users($httpd, 6, "/$name");
        is $manager->web($name), '3 3', "$name: six users, on both nodes";
        my ($strayed, %how);
        for my $turn (2 .. 4) {
            for my $user (@users) {
                my $r = $user->get("/$name$page");
                $strayed++ if $r->node ne $user->{home} || $r->header('X-Count') != $turn;
                $how{ $r->header('X-How') }++;
            }
        }
        is $strayed, undef, 'each stays on its node and in its session';
        is_deeply \%how, { known => 18 };
        is $manager->web($name), '3 3', 'counted once';
        $_->get("/$name/login") for @users;
        is scalar(grep { $_->get("/$name$page")->node eq $_->{home} } @users), 6,
            'after a login, too';
        is $manager->web($name), '3 3';
        $users[0]->get("/$name/logout");
        is sum0(split / /, $manager->web($name)), 5, 'a logout is noticed';
    }
    my $id = fresh_id();
    my $first = how(ask_as($httpd, $id, '/learned/echo'));
    like $first, qr/^plain[12] elected$/, 'an id that nobody knows: a node is elected';
    is how(ask_as($httpd, $id, '/learned/echo')), $first =~ s/elected/known/r,
        'and has it from then on' for 1 .. 3;
    is how(ask_as($httpd, "$id.p2", '/halfway/echo')), 'plain2 route',
        'where members have routes, they count';
};

subtest 'ServoyLearnSessions off' => sub {
    my ($user) = users($httpd, 1, '/unlearned');
    my @answers = map { $user->get("/unlearned$page") } 1 .. 4;
    is_deeply [ sort +uniq(map { $_->node } @answers) ], [qw(plain1 plain2)],
        'without jvmRoute a user strays';
    is_deeply [ uniq map { $_->header('X-How') } @answers ], ['elected'];
    my $id = fresh_id();
    unlike how(ask_as($httpd, $id, '/unlearned/echo')), qr/known/, 'nobody is remembered'
        for 1 .. 3;
};

subtest 'a jvmRoute that is not its member\'s route=' => sub {
    my $warnings = sub { return grep { /SVB0070/ } split /^/, $httpd->error_log };
    is scalar($warnings->()), 0, 'no warning where they are the same, or where there is none';
    my @users = users($httpd, 2, '/wrong');
    my @lines = $warnings->();
    is scalar(@lines), 2, 'a warning for each node';
    like $lines[0], qr{\[servoy_balancer:warn\].*SVB0070.*balancer://wrong.*"servoy1".*"other1"},
        'that names the routes';
    like $lines[1], qr/SVB0070.*"servoy2".*"other2"/;
    unlike "@lines", qr/[0-9A-F]{16}/, 'and no session id';
    push @users, users($httpd, 6, '/wrong');
    $_->get('/wrong/login') for @users;
    is scalar($warnings->()), 2, 'not again for each session';
    is $manager->web('wrong'), '4 4', 'the clients are counted';
    is scalar(grep { $_->get("/wrong$page")->node eq $_->{home} } @users), 8,
        'and stick by learning';
};

subtest 'forged ids' => sub {
    my @users = users($quiet, 2, '/count');
    is $quiet->manager->web('count'), '1 1', 'two users';
    my $forger = $quiet->client(timeout => 30, cookies => 0, keepalive => 1);
    # room for assumptions is made by the first tick
    wait_for(sub {
        $forger->get('/count/echo', headers => [ 'Cookie: JSESSIONID=' . fresh_id('servoy1') ]);
        $quiet->manager->web('count') =~ /^[2-9] 1$/;
    }, 10, 'a client to be assumed');
    my (%answers, $most);
    for my $i (1 .. 1000) {
        my $r = $forger->get('/count/echo',
            headers => [ 'Cookie: JSESSIONID=' . fresh_id('servoy1') ]);
        $answers{ $r->status . ' ' . ($r->node // '') . ' ' . ($r->header('X-How') // '') }++;
    }
    is_deeply \%answers, { '200 servoy1 route' => 1000 },
        'a thousand ids with the route of a node are routed';
    my ($first, $second) = split / /, $quiet->manager->web('count');
    cmp_ok $first, '<=', 1 + $assumed_least, 'but no more are counted than the bound allows';
    cmp_ok $first, '>', 1, 'though some are';
    is $second, 1;
    for my $id (map { fresh_id() } 1 .. 300) {
        $forger->get('/count/status/404', headers => ["Cookie: JSESSIONID=$id.servoy2"]);
        $forger->get('/count/echo', headers => ["Cookie: JSESSIONID=$id.nowhere"]);
    }
    is $quiet->manager->web('count'), "$first 1",
        'none that a node refuses, nor with another route';
    users($quiet, 3, '/count');
    is $quiet->manager->web('count'), "$first 4", 'real users are counted all the same';
    is $users[0]->get("/count$page")->header('X-How'), 'known', 'and known';
    wait_ok(sub { $quiet->manager->pending == 0 }, 5, 'nobody is pending');
};

subtest 'a WebSocket held open for longer than ServoySessionTimeout' => sub {
    for my $case ([ 'in an ordinary child', $socket ],
        [ 'in a child that ends gracefully', $old_socket ]) {
        my ($where, $ws) = @$case;
        wait_for(sub { time >= $ws->{until} }, 60, 'the session timeout');
        my $still_open = $ws->{ws}->ping('x', 10);
        ok $still_open, "$where: it is still open";
        is sum0(split / /, $ws->{at}->manager->web('held')), 1, 'and so is its client counted';
        $ws->{ws}->close;
    }
};

$_->stop for $httpd, $quiet, $puppet;
done_testing;
