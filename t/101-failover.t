#!/usr/bin/perl
# What becomes of the clients of a node that is gone: killed, frozen, or never
# there. Members on a port that refuses connections stand in for dead nodes where
# a question needs a configuration of its own.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(sha1_hex);
use JSON::PP ();
use List::Util qw(sum0 uniq);
use SVB::Balancer;
use SVB::Fleet;
use SVB::Httpd;
use SVB::Users;
use SVB::Wait;
use Test::More;
use Time::HiRes qw(time);

my @routes = qw(servoy1 servoy2 servoy3);
my $fleet = SVB::Fleet->start(3);
my ($one, $two, $three) = $fleet->nodes;

# Member lines; a dead one as 'servoy1' => 'dead', others with their settings.
sub members {
    my ($scheme, %settings) = @_;
    return join '', map {
        my $settings = $settings{ $_->route } // '';
        $settings =~ s/^dead\s*// ? dead_member($_->route, $settings, $scheme)
            : $_->member($scheme, $settings)
    } $fleet->nodes;
}

sub groups {
    my (%of) = @_;
    return map { "ServoyNode $_ group=$of{$_}" } sort keys %of;
}

# The whole configuration; order turns the members of each balancer round.
my $frame = <<'END' . manager_location();
Header always set X-How "%{SERVOY_HOW}e"
ProxyPreserveHost On
END
my $main = join '',
    balancer('spread',   members('ajp', servoy1 => 'dead')),
    balancer('heavy',    members('ajp', servoy1 => 'dead', servoy3 => 'loadfactor=3'));
my $root = <<"END";
<Proxy "balancer://main">
@{[ $fleet->members('ajp', 'retry=1') ]}
ProxySet lbmethod=servoy
ServoyFleet main
</Proxy>
<Proxy "balancer://sockets">
@{[ $fleet->members('http', 'upgrade=websocket retry=1') ]}
ProxySet lbmethod=servoy
ServoyFleet main
</Proxy>
ProxyPass "/websocket/" "balancer://sockets/websocket/"
ProxyPass "/" "balancer://main/"
END
my $special = join '',
    balancer('group',     members('ajp', servoy1 => 'dead'),
        groups(servoy1 => 'a', servoy2 => 'b', servoy3 => 'a')),
    balancer('groupgone', members('ajp', servoy1 => 'dead', servoy3 => 'dead'),
        groups(servoy1 => 'a', servoy2 => 'b', servoy3 => 'a')),
    balancer('nogroup',   members('ajp', servoy1 => 'dead'), groups(servoy2 => 'b')),
    balancer('redirect',
        members('ajp', servoy1 => 'dead redirect=servoy2', servoy3 => 'redirect=servoy2'),
        groups(servoy1 => 'a', servoy2 => 'b', servoy3 => 'a')),
    balancer('redirectgone', members('ajp', servoy1 => 'dead redirect=servoy2', servoy2 => 'dead')),
    balancer('stayput',   members('ajp', servoy1 => 'dead'), 'ProxySet nofailover=On'),
    balancer('twoajp',    members('ajp', servoy1 => 'dead'), 'ServoyFleet two'),
    balancer('twohttp',   members('http', servoy1 => 'dead'), 'ServoyFleet two'),
    balancer('halfajp',   members('ajp', servoy1 => 'dead retry=600'), 'ServoyFleet half'),
    balancer('halfhttp',  members('http'), 'ServoyFleet half'),
    balancer('groupnew',  members('ajp', servoy1 => 'dead'),
        groups(servoy1 => 'a', servoy2 => 'b', servoy3 => 'a')),
    balancer('stayback',  members('ajp', map { $_ => 'retry=1' } @routes),
        'ProxySet nofailover=On'),
    balancer('third',     members('ajp', servoy1 => 'dead retry=0', servoy2 => 'dead retry=0')),
    balancer('thirdhttp', members('http', servoy1 => 'dead retry=0', servoy2 => 'dead retry=0')),
    balancer('thirdstick', members('ajp', servoy1 => 'dead retry=0', servoy2 => 'dead retry=0'),
        'ProxySet stickysession=JSESSIONID|jsessionid'),
    balancer('thirdnew',  members('ajp', servoy1 => 'dead', servoy2 => 'dead')),
    balancer('thirdold',  members('ajp', servoy1 => 'dead', servoy2 => 'dead')),
    balancer('drain',     members('ajp', servoy1 => 'dead', servoy2 => 'status=+N')),
    balancer('drainall',
        members('ajp', servoy1 => 'dead', servoy2 => 'status=+N', servoy3 => 'status=+N')),
    balancer('again',     members('ajp', servoy1 => 'dead retry=0')),
    balancer('once',      members('ajp', servoy1 => 'dead')),
    balancer('postajp',   members('ajp', servoy1 => 'dead retry=0')),
    balancer('posthttp',  members('http', servoy1 => 'dead retry=0')),
    balancer('ping',      members('ajp', map { $_ => 'ping=1 retry=1' } @routes)),
    balancer('timeout',   members('http', map { $_ => 'timeout=1' } @routes));

my $httpd = SVB::Httpd->new(conf => $main . $special . $frame . $root)->start;
# another front end of the same nodes, its members the other way round
my $reversed = ($main . $root) =~ s/((?:BalancerMember .*\n)+)/join '', reverse split m{^}m, $1/ger;
my $other = SVB::Httpd->new(conf => $frame . $reversed, expect => qr/exit signal Killed/)->start;

my $manager = $httpd->manager;

# Node and reason.
sub served {
    my ($balancer, $route) = @_;
    return how(ask_as($httpd, fresh_id($route), "/$balancer/echo"));
}

# How a number of requests by different clients of that node are served.
sub all_served {
    my ($balancer, $route, $count) = @_;
    return join ', ', sort +uniq(map { served($balancer, $route) } 1 .. $count);
}

# The same for new clients: nodes only.
sub all_new {
    my ($balancer, $count) = @_;
    return join ', ', sort +uniq(map { $_->{home} } users($httpd, $count, "/$balancer"));
}

subtest 'a node is killed' => sub {
    my @users = users($httpd, 9);
    my @lost = grep { $_->{home} eq 'servoy1' } @users;
    is scalar(@lost), 3, 'three of nine users are on servoy1';
    my $pending = $lost[0]->start(GET => '/slow?ms=60000&flush=1');
    is $pending->head(20)->status, 200, 'a long answer begins';
    $one->kill;
    isnt $pending->finish(20)->error, '', 'and breaks off when the node is killed';
    for my $user (@lost) {
        my $r = $user->get($page);
        is $r->status, 200, 'a user of it asks: served';
        like $r->node, qr/^servoy[23]$/, 'by another node';
        is $r->header('X-How'), 'failover';
        is $r->header('X-Session-New'), 1, 'as a new client there, for sessions are not shared';
        $user->{home} = $r->node;
    }
    my ($wrong, $how) = (0, '');
    for my $count (2 .. 5) {
        for my $user (@users) {
            my $r = $user->get($page);
            $wrong++ if $r->node ne $user->{home} || $r->header('X-Count') != $count;
            $how = $r->header('X-How') if $r->header('X-How') !~ /^(?:route|known)$/;
        }
    }
    is $wrong, 0, 'all nine go on where they are now, those of other nodes as if nothing had been';
    is $how, '', 'and that is no failover any more';

    my $dead = $manager->node('main', 'servoy1');
    cmp_ok $dead->{errors}, '>=', 1, 'servoy1 has had an error';
    is $dead->{failed_over_from}, 3, 'three requests had to go elsewhere';
    is $manager->total('main', 'failed_over_to'), 3, 'three came from elsewhere';
    is $dead->{in_flight}, 0, 'nothing is in flight there';
    my %on;
    $on{ $_->{home} }++ for users($httpd, 8);
    is $on{servoy1}, undef, 'new users avoid it';
    ok $on{servoy2} >= 2 && $on{servoy3} >= 2, 'and are spread over the others';
};

subtest 'one client, many children, one node' => sub {
    for my $id (map { fresh_id('servoy1') } 1 .. 3) {
        my $target = ask_as($httpd, $id, '/echo')->node;
        like $target, qr/^servoy[23]$/, 'the node for one client of servoy1';
        $httpd->mark;
        my ($pids, @elsewhere) = (0);
        for (1 .. 30) {
            my @pending = map {
                $httpd->browser(cookies => 0)->start(GET => '/echo/many',
                    headers => ["Cookie: JSESSIONID=$id"])
            } 1 .. 6;
            push @elsewhere, grep { $_ ne $target } map { $_->finish->node // 'none' } @pending;
            $pids = uniq $httpd->access_log =~ m{/echo/many.*pid=(\d+)}g;
            last if $pids >= 2;
        }
        is_deeply \@elsewhere, [], 'all its requests go there, at once and one by one';
        is $pids, 2, 'from either child';
        is ask_as($other, $id, '/echo')->node, $target, 'from another front end as well';
    }
};

subtest 'the clients of a dead node are spread over the others' => sub {
    my @ids = map { sprintf '%032X.servoy1', $_ * 7919 } 1 .. 60;
    my (%on, %heavy, @moved);
    for my $id (@ids) {
        my $node = ask_as($httpd, $id, '/spread/echo')->node;
        $on{$node}++;
        push @moved, $id if ask_as($other, $id, '/spread/echo')->node ne $node;
        $heavy{ ask_as($httpd, $id, '/heavy/echo')->node }++;
    }
    is_deeply [ sort keys %on ], [qw(servoy2 servoy3)];
    ok $on{servoy2} >= 18 && $on{servoy3} >= 18, 'evenly' or diag explain \%on;
    is_deeply \@moved, [], 'alike at every front end, whatever the order of the members';
    ok $heavy{servoy3} >= 36 && $heavy{servoy2} >= 6, 'by loadfactor, 1 : 3'
        or diag explain \%heavy;
};

subtest 'WebSockets go where the page goes' => sub {
    my @users = users($httpd, 4);
    for my $user (@users) {
        my $hello = $user->websocket('/websocket/1/main/1')->recv_json(30);
        is $hello->{node}, $user->{home}, 'the node of the page';
        is $hello->{session}, $user->cookie('JSESSIONID'), 'and its session';
    }
    my ($same, %nodes) = (0);
    for my $id (map { fresh_id('servoy1') } 1 .. 8) {
        my $node = ask_as($httpd, $id, '/echo')->node;
        my $ws = $httpd->browser(cookies => 0)->websocket('/websocket/1/main/1',
            headers => ["Cookie: JSESSIONID=$id"]);
        $same += ($ws->recv_json(30) // {})->{node} eq $node;
        $nodes{$node}++;
        $ws->abort;
    }
    is $same, 8, 'of a dead node: page and WebSocket of a client move to the same one';
    is scalar(keys %nodes), 2, 'though not all to one';
    my $ws = $users[0]->websocket('/websocket/1/main/1');
    $ws->recv_json(30);
    wait_ok(sub { $manager->node('main', $users[0]{home})->{in_flight} >= 1 }, 10,
        'an open WebSocket is in flight');
    $ws->close;
    undef $_ for @users;
    wait_ok(sub { $manager->total('main', 'in_flight') == 0 }, 15, 'until it is closed');
};

subtest 'the node comes back' => sub {
    my @users = users($httpd, 4);
    my $id = fresh_id('servoy1');
    my $moved = $httpd->browser;
    $moved->set_cookie(JSESSIONID => $id);
    my $home = $moved->get($page)->node;
    isnt $home, 'servoy1';
    $one->start;
    wait_ok(sub { (ask_as($httpd, fresh_id('servoy1'), '/echo')->node // '') eq 'servoy1' }, 15,
        'clients of its route reach it again');
    wait_ok(sub { ($httpd->browser->get($page)->node // '') eq 'servoy1' }, 15, 'so do new ones');
    is $manager->node('main', 'servoy1')->{state}, 'ready', 'it is shown as up';
    is $moved->get($page)->node, $home, 'a client that has moved stays where it is';
    is $moved->get($page)->header('X-Count'), 3, 'in its session there';
    is scalar(grep { $_->get($page)->node ne $_->{home} } @users), 0, 'and all others too';

    $three->kill;
    # not the first member: that one mod_proxy_balancer looks after itself
    is served('stayback', 'servoy3'), 'status 503 route',
        'nofailover=On: clients of another wait for it';
    $three->start;
    wait_ok(sub { served('stayback', 'servoy3') eq 'servoy3 route' }, 15,
        'and are served when it is back');
    my @status = map { $_->get($page)->status } @users, map { $httpd->browser } 1 .. 4;
    is_deeply [ uniq @status ], [200],
        'a restart that nobody noticed: idle connections are no trap';
};

subtest 'group= : the nodes that share sessions' => sub {
    is all_served('group', 'servoy1', 12), 'servoy3 failover', 'the other node of the group';
    is all_served('groupgone', 'servoy1', 6), 'servoy2 failover',
        'all of the group are down: any other';
    is all_served('nogroup', 'servoy1', 12), 'servoy2 failover, servoy3 failover',
        'a node without a group: any';
    is all_new('groupnew', 8), 'servoy2, servoy3', 'new clients know no groups';
    is $manager->node('group', 'servoy1')->{group}, 'a', 'shown in JSON';
};

subtest 'redirect= : the node that stands in' => sub {
    is all_served('redirect', 'servoy1', 12), 'servoy2 failover', 'before the group';
    is all_served('redirect', 'servoy3', 3), 'servoy3 route', 'only where it has to';
    is all_served('redirectgone', 'servoy1', 4), 'servoy3 failover',
        'that one is down too: any other';
};

subtest 'nofailover=On' => sub {
    my @answers = map { ask_as($httpd, fresh_id('servoy1'), '/stayput/echo') } 1 .. 3;
    is_deeply [ map { $_->status } @answers ], [ 503, 503, 503 ],
        'a client of a dead node is refused';
    is scalar(grep { ($_->header('Retry-After') // '') =~ /^[1-9]\d*$/ } @answers), 3,
        'and told when to come again';
    is all_served('stayput', 'servoy2', 3), 'servoy2 route', 'those of others are served';
    is all_new('stayput', 6), 'servoy2, servoy3', 'so are new ones';
    is $manager->total('stayput', 'failed_over_to'), 0, 'nobody moved';
};

subtest 'two of three dead: the third serves everybody' => sub {
    is all_served('thirdold', 'servoy1', 1), 'servoy3 failover',
        'an old client is the first to find out';
    is all_new('thirdnew', 1), 'servoy3', 'a new client is the first to find out';
    for my $balancer (qw(thirdold thirdnew third thirdhttp thirdstick)) {
        is all_served($balancer, 'servoy1', 4), 'servoy3 failover',
            "$balancer: clients of the first";
        is all_served($balancer, 'servoy2', 4), 'servoy3 failover', "$balancer: of the second";
        is all_served($balancer, 'servoy3', 4), 'servoy3 route', "$balancer: of the third";
        is all_new($balancer, 6), 'servoy3', "$balancer: new ones";
    }
};

subtest 'a draining node takes over only what nobody else can' => sub {
    is all_served('drain', 'servoy1', 8), 'servoy3 failover', 'another is there';
    is all_served('drainall', 'servoy1', 8), 'servoy2 failover, servoy3 failover',
        'all are draining: any';
};

subtest 'counters' => sub {
    # as requests are meant for a node and go to another, not as attempts are made
    all_served('again', 'servoy1', 5);
    all_served('again', 'servoy2', 4);
    my $dead = $manager->node('again', 'servoy1');
    is $dead->{errors}, 5, 'retry=0: each request tries the dead node';
    is $dead->{failed_over_from}, 5, 'and goes elsewhere';
    is $manager->total('again', 'failed_over_to'), 5;
    is $dead->{sticky}, 0, 'the dead node has served nobody';
    my @sticky = map { $manager->node('again', $_)->{sticky} } qw(servoy2 servoy3);
    is_deeply \@sticky, [ 4, 0 ], 'others serve their own';
    is $manager->total('again', 'elected'), 0, 'nobody is new';
    is $manager->node('again', 'servoy2')->{errors} + $manager->node('again', 'servoy3')->{errors},
        0, 'nor in error';

    all_served('once', 'servoy1', 5);
    $dead = $manager->node('once', 'servoy1');
    is $dead->{errors}, 1, 'by default only the first request tries it';
    is $dead->{state}, 'error', 'it is shown as down';
    is $dead->{failed_over_from}, 5, 'though all go elsewhere';
    is $manager->total('once', 'failed_over_to'), 5;
    is $manager->node('once', 'servoy2')->{failed_over_from}, 0;

    my %before = map { $_ => $manager->node('third', $_) } @routes;
    all_served('third', 'servoy1', 6);
    my %after = map { $_ => $manager->node('third', $_) } @routes;
    my $more = sub { my ($route, $what) = @_; $after{$route}{$what} - $before{$route}{$what} };
    is $more->('servoy1', 'failed_over_from'), 6,
        'where two nodes have to be tried: one failover a request';
    is $more->('servoy3', 'failed_over_to'), 6, 'to the node that serves it';
    is $more->('servoy2', 'failed_over_to'), 0, 'and not to the one that does not';
    is $more->('servoy3', 'errors'), 0;

    %before = map { $_ => $manager->node('third', $_) } @routes;
    all_new('third', 6);
    %after = map { $_ => $manager->node('third', $_) } @routes;
    is $more->('servoy3', 'elected'), 6, 'six new clients: six elections';
    is $more->('servoy1', 'elected') + $more->('servoy2', 'elected'), 0,
        'none of a node that did not get them';
};

subtest 'a node with two members' => sub {
    my $shown = sub { join ' ', map { $_->{status} =~ /Err/ ? 'down' : 'up' }
        @{ $manager->node($_[0], 'servoy1')->{members} } };
    my $refused = qr/^connection refused by ajp:/;
    served('twoajp', 'servoy1');
    is $shown->('two'), 'down up', 'one of them failed';
    wait_ok(sub { $manager->node('two', 'servoy1')->{state} eq 'error' }, 5,
        'both are asked then: none is there, so the node is down');
    is_deeply [ map { $_->{up} } @{ $manager->node('two', 'servoy1')->{members} } ],
        [ JSON::PP::false(), JSON::PP::false() ], '... each is shown so';
    like $manager->node('two', 'servoy1')->{reason}, $refused, '... and why';
    served('twohttp', 'servoy1');
    is $shown->('two'), 'down down', 'both have failed';
    is $manager->node('two', 'servoy1')->{state}, 'error', 'the node is down as before';
    is $manager->node('two', 'servoy1')->{errors}, 2, 'errors are added up';

    served('halfajp', 'servoy1');
    is $shown->('half'), 'down up', 'another one of which one failed';
    wait_ok(sub { $manager->node('half', 'servoy1')->{state} eq 'degraded' }, 5,
        'both are asked: the other is there');
    is_deeply [ map { $_->{up} } @{ $manager->node('half', 'servoy1')->{members} } ],
        [ JSON::PP::false(), JSON::PP::true() ], '... as is shown';
    like $manager->node('half', 'servoy1')->{reason}, $refused, '... and what is the matter';
    is served('halfhttp', 'servoy1'), 'servoy1 route', 'it serves its clients by that';
    is all_new('halfhttp', 6), 'servoy2, servoy3', 'new ones go to whole nodes';
    is $shown->('half'), 'down up', 'nothing more has failed';
    is $manager->node('half', 'servoy1')->{errors}, 1;
};

subtest 'POST: once, and with its body' => sub {
    $fleet->calm;
    my %body = (short => 'a=b&c=d', long => join('', map { chr($_ * 31 % 256) } 1 .. 200_000),
        empty => '');
    for my $scheme (qw(ajp http)) {
        for my $size (sort keys %body) {
            my $path = "/echo/$scheme-$size";
            my $r = $httpd->browser(cookies => 0)->post("/post$scheme$path", $body{$size},
                headers => [ 'Cookie: JSESSIONID=' . fresh_id('servoy1') ]);
            is $r->status, 200, "$scheme, $size: another node takes it" or next;
            is $r->json->{sha1}, sha1_hex($body{$size}), 'with its body';
            is sum0(map { $_->requests->{$path} // 0 } $fleet->nodes), 1, 'exactly once';
        }
        my $r = $httpd->browser(cookies => 0)->post("/post$scheme/echo",
            "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n",
            headers => [ 'Transfer-Encoding: chunked',
                'Cookie: JSESSIONID=' . fresh_id('servoy1') ]);
        is $r->status, 200, "$scheme, chunked";
        is $r->status == 200 && $r->json->{sha1}, sha1_hex('hello world'), 'with its body';
        is $manager->node("post$scheme", 'servoy1')->{errors}, 4,
            'each had tried the dead node first';
    }
};

subtest 'a node that hangs' => sub {
    is all_served('ping', 'servoy2', 1), 'servoy2 route', 'before';
    $two->freeze;
    my $started = time;
    like served('ping', 'servoy2'), qr/^servoy[13] failover$/, 'ping: the client moves';
    cmp_ok time - $started, '<', 8, 'soon';
    is $manager->total('ping', 'failed_over_to'), 1;
    is scalar(grep { !/^servoy[13]$/ } split /, /, all_new('ping', 4)), 0,
        'new clients are served by others';
    $started = time;
    my $r = $httpd->browser(cookies => 0)->post('/timeout/echo/timeout', 'a=b',
        headers => [ 'Cookie: JSESSIONID=' . fresh_id('servoy2') ]);
    cmp_ok $r->status, '>=', 500, 'timeout: the request fails, for the node may have acted on it';
    cmp_ok time - $started, '<', 8, 'soon';
    is $manager->node('timeout', 'servoy2')->{errors}, 1, 'as an error of that node';
    is sum0(map { $_->requests->{'/echo/timeout'} // 0 } $one, $three), 0,
        'it is not sent to another';
    is all_served('timeout', 'servoy3', 2), 'servoy3 route', 'others go on';
    $two->thaw;
    wait_ok(sub { served('ping', 'servoy2') eq 'servoy2 route' }, 15,
        'it wakes up: its clients go to it again');
    wait_ok(sub {
        !$manager->total('ping', 'in_flight') && !$manager->total('timeout', 'in_flight')
    }, 15, 'nothing is in flight');
};

subtest 'a child of httpd is killed' => sub {
    my @pending = map { $other->client(timeout => 60)->start(GET => '/slow?ms=60000') } 1 .. 6;
    wait_ok(sub { $other->manager->total('main', 'in_flight') == 6 }, 15, 'six requests in flight');
    my @before = $other->children;
    kill KILL => $before[0];
    wait_ok(sub {
        my @now = $other->children;
        @now == @before && !grep { $_ == $before[0] } @now
    }, 15,
        'another child takes its place');
    kill KILL => $before[1];
    cmp_ok $_->finish(20)->status, '==', 0, 'a request is lost' for @pending;
    wait_ok(sub { $other->manager->total('main', 'in_flight') == 0 }, 30,
        'nothing is in flight any more');
    is $other->client->get($page)->status, 200, 'and all goes on';
};

$_->stop for $httpd, $other;
$fleet->stop;
done_testing;
