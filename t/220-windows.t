#!/usr/bin/perl
# NGClients: counted by the windows they live by, as their node counts them, and
# remembered when that is over.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SVB::Balancer;
use SVB::Fleet;
use SVB::Httpd;
use SVB::Node;
use SVB::Users;
use SVB::Wait;
use Test::More;
use Time::HiRes qw(time);

my $start = '/solutions/crm/index.html';
my $gone = 3;       # seconds after its last window, for nodes and for us

# Two nodes with a jvmRoute, two without, whose members have a route all the same.
my @nodes = map { SVB::Node->new(@$_, window_seconds => $gone) }
    [ name => 'servoy1' ], [ name => 'servoy2' ], [ name => 'plain1', route => '' ],
        [ name => 'plain2', route => '' ];
SVB::Node->start_all(@nodes);
my ($routed, $plain) = map { SVB::Fleet->of(@$_) } [ @nodes[ 0, 1 ] ], [ @nodes[ 2, 3 ] ];
my @brief = ("ServoyWindowTimeout ${gone}s", 'ServoyCatchUp off');

my $httpd = SVB::Httpd->new(threads => 32, conf => join '',
    "Header always set X-How \"%{SERVOY_HOW}e\"\nProxyPreserveHost On\n",
    manager_location('ServoyManagerActions on'),
    map { balancer(@$_) }
        [ 'routed', $routed->members('http', 'upgrade=websocket'), @brief ],
        [ 'plain',  $plain->members('http', [ map { "route=$_ upgrade=websocket" }
            qw(plain1 plain2) ]), @brief ],
        [ 'slow',   $routed->members('http', 'upgrade=websocket') ],
        [ 'off',    $routed->members('http', 'upgrade=websocket'), 'ServoyWindowTimeout off' ],
        [ 'other',  $routed->members('http', 'upgrade=websocket'), @brief,
            'ServoyWindowMatch ^/nowhere/' ])->start;
my $manager = $httpd->manager;

sub clients { return $manager->fleet($_[0])->{clients} }
sub windowed { return clients($_[0])->{windowed} }

# An NGClient: its page, and one window.
sub ng {
    my ($name, $number) = @_;
    my $user = $httpd->browser;
    my $r = $user->get("/$name$start");
    $user->{home} = $r->node;
    $user->{ws} = $user->websocket("/$name/websocket/$number/main/1");
    is +($user->{ws}->recv_json(10) // {})->{node}, $user->{home}, 'its window is where it is';
    return $user;
}

sub poll_while {
    my ($step) = @_;
    1 while $step->() && select undef, undef, undef, 0.2;
    return;
}

subtest 'a drained node is empty when its node says so' => sub {
    for my $case ([ 'routed', $routed ], [ 'plain', $plain ]) {
        my ($name, $fleet) = @$case;
        my @users = map { ng($name, $_) } 1 .. 4;
        my $route = $users[0]{home};
        wait_for(sub { windowed($name) >= 4 }, 20, 'four windowed clients');
        $manager->act($name, $route, 'drain');
        $_->{ws}->close for @users;
        wait_for(sub { !$fleet->node($route)->active_windowed }, 20, 'the node to have ended them');
        my $empty = time;
        wait_ok(sub { $manager->node($name, $route)->{safe_to_stop} }, 20, "$name: safe to stop");
        cmp_ok time - $empty, '<', 5, '... within 5 s of when the node itself is empty';
        $manager->act($name, $route, 'enable');
    }
};

for my $name (qw(routed plain)) {
    subtest "counted with its windows: $name" => sub {
        my @users = map { ng($name, $_) } 1 .. 4;
        is clients($name)->{web}, 4, 'four users are web clients';
        is windowed($name), 0, 'whose windows have not proved anything yet';
        wait_ok(sub { windowed($name) == 4 }, 20, 'but have when they stay open');
        is clients($name)->{web}, 4, 'which are the same four';

        my $second = $users[0]->websocket("/$name/websocket/9/main/2");
        $users[0]{ws}->close;
        $users[1]{ws}->close;
        wait_ok(sub { clients($name)->{web} == 3 }, 20, 'one closes its only window, and is gone');
        ok $second->ping('x', 5), 'one that has another is not';
        is windowed($name), 3;
        my $r = $users[1]->get("/$name/echo");
        is $r->node, $users[1]{home}, 'who is gone would still be where it was';
        is $r->header('X-How'), 'known';

        # Requests do not keep a client that has closed its windows.
        $users[2]{ws}->abort;
        wait_ok(sub { $users[2]->get("/$name/echo"); windowed($name) == 2 }, 20,
            'requests do not keep one without windows windowed');
        $_->{ws}->close for @users[ 0, 3 ];
        $second->close;
    };
}

subtest 'who comes back to a drained node' => sub {
    for my $name (qw(routed plain)) {
        my ($gone, $stays) = map { ng($name, $_) } 1 .. 2;
        my ($other) = grep { $_->{home} ne $gone->{home} } map { ng($name, $_) } 3 .. 4;
        wait_for(sub { windowed($name) >= 4 }, 20, 'windowed clients');
        $manager->act($name, $gone->{home}, 'drain');
        my $before = clients($name)->{web};
        $gone->{ws}->close;
        wait_for(sub { clients($name)->{web} < $before }, 20, 'one to be gone');
        my $r = $gone->get("/$name$start");
        isnt $r->node, $gone->{home}, "$name: whose client its node has ended begins elsewhere";
        is $r->header('X-How'), 'elected';
        is $stays->get("/$name/echo")->node, $stays->{home}, 'who has a window stays';
        $manager->act($name, $gone->{home}, 'enable');
        $_->{ws}->close for $stays, $other;
    }
};

subtest 'a session that its node does not know' => sub {
    for my $name (qw(routed plain)) {
        my $before = clients($name)->{web};
        my $id = fresh_id($name eq 'routed' ? 'servoy1' : undef);
        my $ws = $httpd->browser(cookies => 0)->websocket("/$name/websocket/1/main/1",
            headers => ["Cookie: JSESSIONID=$id"]);
        is $ws->response->status, 101, "$name: is let in";
        $ws->recv(10);
        is $ws->recv(10), undef, '... and closed';
        is $ws->close_code, 1003, '... with 1003';
        is clients($name)->{web}, $before, 'that makes nobody a client';
    }
};

subtest 'other settings' => sub {
    my @users = map { ng($_, 1) } qw(slow off other);
    wait_ok(sub { windowed('slow') == 1 }, 20, 'by default');
    is windowed('off'), 0, 'ServoyWindowTimeout off: a web client as any other';
    is windowed('other'), 0, 'a WebSocket that ServoyWindowMatch does not match: likewise';
    $_->{ws}->close for @users;
    my $until = time + $gone + 3;
    poll_while(sub { time < $until });
    is_deeply [ map { clients($_)->{web} } qw(slow off other) ], [ 1, 1, 1 ],
        'and each is there for as long as that says';
};

$httpd->stop;
done_testing;
