#!/usr/bin/perl
# What the manager has counted when httpd restarts gracefully, a child of it dies, a
# node does not answer for a while or is killed.

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

my $fleet = SVB::Fleet->start(2);
my ($one, $two) = $fleet->nodes;
my $frame = <<'END' . manager_location();
Header always set X-How "%{SERVOY_HOW}e"
ProxyPreserveHost On
Timeout 100
END
my $httpd = SVB::Httpd->new(conf => join '', $frame,
    balancer('dies',  $fleet->members('ajp', 'retry=1')),
    balancer('hangs', $fleet->members('ajp', 'retry=1 ping=1')))->start;
# others of these nodes, for what concerns a whole server
my $reloaded = SVB::Httpd->new(conf => $frame
    . balancer('count', $fleet->members('ajp'), $fleet->urls))->start;
my $bereft = SVB::Httpd->new(conf => $frame . balancer('count', $fleet->members('ajp')),
    expect => qr/exit signal Killed/)->start;
my $manager = $httpd->manager;

# Node and reason for one request with this session id that leaves no trace: an error
# teaches nothing.
sub would_be_served {
    my ($name, $id) = @_;
    return how(ask_as($httpd, $id, "/$name/status/404"));
}

# The id of a session that a node has given to somebody who came to it directly.
sub session_on { my ($node) = @_; return $node->client->get($page)->header('X-Session') }

subtest 'graceful restarts' => sub {
    my @users = users($reloaded, 5, '/count');
    my $id = session_on($two);
    my $old = $reloaded->client(cookies => 0);
    $old->get('/count/echo', headers => ["Cookie: JSESSIONID=$id"]);
    $reloaded->client->get('/count/servoy-client/crm.jnlp') for 1 .. 3;
    my $clients = sub { return [ map { $_->{clients} } $reloaded->manager->nodes('count') ] };
    my $before = $clients->();
    is sum0(map { $_->{web} } @$before), 6, 'six web clients' or diag explain $before;
    is sum0(map { $_->{smart} } @$before), 3, 'three smart ones';
    my $conf = $reloaded->{conf};
    for my $step ([ 'a graceful restart', sub { $reloaded->graceful } ],
        [ 'one with a larger table',
            sub { $reloaded->reconfigure("ServoyClientTable 100000\n$conf") } ],
        [ 'one with a smaller table',
            sub { $reloaded->reconfigure("ServoyClientTable 500\n$conf") } ]) {
        $step->[1]->();
        is_deeply $clients->(), $before, "$step->[0] changes no count";
        is_deeply [ uniq map { $_->get("/count$page")->header('X-How') } @users ], ['known'],
            'all are recognised';
        is $old->get('/count/status/404', headers => ["Cookie: JSESSIONID=$id"])->header('X-How'),
            'known';
    }
    $users[0]->get('/count/logout');
    is sum0(map { $_->{web} } @{ $clients->() }), 5, 'and counting goes on';
};

subtest 'a child of httpd dies while a new client waits' => sub {
    $_->reset_requests for $one, $two;
    my $waiting = $bereft->client(timeout => 30);
    my $slow = $waiting->start(GET => '/count/slow?ms=20000&session=1');
    wait_ok(sub { $one->requests->{'/slow'} || $two->requests->{'/slow'} }, 10,
        'its first request is under way');
    is $bereft->manager->pending, 1, 'it is pending';
    kill KILL => $bereft->children;
    is $slow->finish->status, 0, 'the children are killed';
    wait_for(sub { $bereft->client(timeout => 2)->get('/count/resources/x.js')->status == 200 }, 20,
        'new children');
    is $bereft->manager->web('count'), '0 0', 'it has not become a client';
    cmp_ok $bereft->manager->pending, '<=', 1, 'and pending it is for a short time only';
    wait_ok(sub { !sum0 map { $_->{in_flight} } $bereft->manager->nodes('count') }, 30,
        'nothing is in flight');
    is $waiting->get("/count$page")->status, 200, 'it tries again';
    is sum0(split / /, $bereft->manager->web('count')), 1, 'and is one client';
};

subtest 'a node that does not answer for a while' => sub {
    my @users = users($httpd, 6, '/hangs');
    is $manager->web('hangs'), '3 3', 'six users';
    $two->freeze;
    like how(ask_as($httpd, fresh_id('servoy2'), '/hangs/echo')), qr/^servoy1 failover$/,
        'a request does not get through';
    is $manager->web('hangs'), '4 3', 'whoever asks moves; it keeps the others';
    wait_ok(sub { $manager->node('hangs', 'servoy2')->{state} eq 'silent' }, 10, 'it is silent');
    is $manager->web('hangs'), '4 3', 'its sessions may be there still';
    $two->thaw;
    wait_ok(sub { $manager->node('hangs', 'servoy2')->{state} eq 'ready' }, 20,
        'it is up again, though nobody has asked');
    like would_be_served('hangs', fresh_id('servoy2')), qr/^servoy2/, 'and served for';
    is $manager->web('hangs'), '4 3', 'its clients have been counted all the time';
    for my $user (grep { $_->{home} eq 'servoy2' } @users) {
        my $r = $user->get("/hangs$page");
        is $r->node, 'servoy2', 'one comes back';
        is $r->header('X-Count'), 2, 'to its session';
        is $r->header('X-How'), 'known', 'as one that is known';
        is $manager->web('hangs'), '4 3', 'and is counted as before';
    }
    is_deeply [ uniq map { $_->get("/hangs$page")->header('X-How') } @users ], ['known'],
        'all are known';
};

subtest 'a node that is killed' => sub {
    my @users = users($httpd, 6, '/dies');
    my $moved = fresh_id('servoy1');
    is how(ask_as($httpd, $moved, '/dies/echo')), 'servoy1 route', 'a client of servoy1';
    is $manager->web('dies'), '4 3', 'and six more users';
    $one->kill;
    is how(ask_as($httpd, $moved, '/dies/echo')), 'servoy2 failover', 'killed: it moves';
    wait_ok(sub { $manager->web('dies') eq '0 4' }, 5,
        'the node is asked at once, and has no clients any more; the other has one more');
    is how(ask_as($httpd, $moved, '/dies/echo')), 'servoy2 known', 'where it is known now';
    $one->start;
    wait_ok(sub { would_be_served('dies', fresh_id('servoy1')) =~ /^servoy1/ }, 20,
        'the node is back');
    is how(ask_as($httpd, $moved, '/dies/echo')), 'servoy2 known',
        'who has moved stays, although its id names the other node';
    is $manager->web('dies'), '0 4', 'and is still counted there';
    my @returned = grep { $_->{home} eq 'servoy1' } @users;
    is_deeply [ uniq map { $_->get("/dies$page")->node } @returned ], ['servoy1'],
        'its other users come back';
    is $manager->web('dies'), '3 4', 'and are counted again';
    is_deeply [ uniq map { $_->get("/dies$page")->header('X-How') } @users ], ['known'];
};

$_->stop for $httpd, $reloaded, $bereft;
done_testing;
