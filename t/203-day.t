#!/usr/bin/perl
# A day in miniature, with all kinds of users at once. Whatever happens to them, to their
# nodes and to httpd, the manager counts for each node, kind by kind, the sessions that
# the node itself has, and those are the ones that the script knows of.
#
# A session times out after 20 seconds here, and five after its last window has closed.
# Everybody at work does something at each turn of the script, and while it waits.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use List::Util qw(sum0);
use SVB::Day;
use SVB::Fleet;
use SVB::Wait qw(:DEFAULT patience);
use Test::More;
use Time::HiRes qw(time);

srand 1844;
my ($session, $window) = map { int patience($_) } 20, 5;
my $fleet = SVB::Fleet->start(3, session_seconds => $session, window_seconds => $window);
my ($one, $two, $three) = $fleet->nodes;
my $day = SVB::Day->new(fleet => $fleet, session => $session, window => $window,
    launch => $session)->start;
my ($httpd, $traffic) = ($day->httpd, $day->traffic);

sub pick { my (@from) = @_; return $from[ rand @from ] }

sub web_at_work { return grep { !$_->{ng} } $day->at_work }

# Those whose windows count, and can therefore be closed.
sub proven { return grep { $_->is_proven } $day->at_work }

# The first one of each node's.
sub one_each {
    my (@users) = @_;
    my %first;
    $first{ $_->{home} } //= $_ for @users;
    return map { $first{ $_->name } // () } $fleet->nodes;
}

my (@silent, @in_window, $many);

subtest 'morning: users arrive' => sub {
    $traffic->robot;
    $day->arrive('page') for 1 .. 9;
    $traffic->rest;
    $day->arrive($_, ng => 1) for qw(page form oauth) x 3;
    # an open window will be the only sign of life of three
    for (1 .. 10) {
        @in_window = one_each(grep { $_->{ng} } $day->at_work);
        $day->arrive('page', ng => 1) if @in_window < 3;
    }
    is scalar(@in_window), 3, 'an NGClient on each node';
    $_->{quiet} = 1 for @in_window;
    ($many) = grep { $_->{ng} } $day->at_work;
    $many->open_window for 1, 2;
    $traffic->$_ for qw(launch ask_launch launch rest robot);
    $day->agree('they are there');
    # and these will not be heard of again, and not say goodbye
    @silent = one_each(web_at_work());
    is scalar(@silent), 3, 'three leave their desks, one on each node';
    $_->{quiet} = 1 for @silent;
};

subtest 'logins, logouts, windows' => sub {
    $day->turn;
    my @web = web_at_work();
    my @ng = grep { $_ != $many } proven();
    $_->login for @web[ 0 .. 2 ], @ng[ 0, 1 ];
    $web[1]->login for 1 .. 3;
    $day->agree('five log in, two of them from within a window, one again and again');
    $_->logout for @web[ 2, 3 ], $ng[2];
    is scalar($many->open_windows), 3, 'one has three windows';
    $many->close_one;
    $ng[3]->close_all;
    $ng[0]->hang_up;
    $day->agree('three log out, one of them from within a window; others close theirs');
    $_->come_back for @web[ 2, 3 ], $ng[2];
    wait_for(sub { $day->work; $ng[3]->is_gone }, 20, 'the node to end the session');
    is $ng[3]->open_window, 'reload', 'a window of before is opened again: it has to reload';
    $ng[3]->come_back;
    is scalar($ng[3]->open_windows), 1, '... and is back';
};

subtest 'a busy day' => sub {
    my @ways = (
        sub { $day->arrive('page') },
        sub { $day->arrive(pick(qw(page form oauth)), ng => 1) },
        sub { pick($day->at_work)->visit },
        sub { pick(web_at_work())->login },
        sub { pick(web_at_work())->logout },
        sub { pick(grep { $_->{ng} } $day->at_work)->open_window },
        sub { my $user = pick(proven()); $user->close_one if $user },
        sub { my $user = pick(proven()); $user->leave if $user },
        sub { my $user = pick(proven()); $user->login if $user },
        sub { my $user = pick(grep { $_->is_gone } $day->users); $user->come_back if $user },
        sub { $traffic->launch },
        sub { $traffic->launch_again },
    );
    for my $part (1, 2) {
        $day->turn;
        for (1 .. 24) {
            pick(@ways)->();
            $traffic->others;
        }
        $day->agree("part $part");
        is $day->states, 'ready ready ready', 'nodes are what they were';
    }
};

sub is_there { my ($user) = @_; return !grep { !$_->ping('there?', 10) } $user->open_windows }

sub web_count { return sum0 map { $_->{clients}{web} } $day->manager->nodes('servoy') }

subtest 'httpd restarts gracefully' => sub {
    my $before = web_count();
    $httpd->graceful;
    is web_count(), $before, 'no count is lost';
    $day->turn;
    $day->agree('users go on');
    $day->arrive('page') for 1 .. 4;
    pick(web_at_work())->$_ for qw(login logout);
    $day->agree('others come and go');
    is scalar(grep { is_there($_) } @in_window), 3, 'windows of before are open';
};

# Those of a node that is not there any more: a browser with a window opens it again.
sub come_again {
    my (@users) = @_;
    for my $user (@users) {
        my $again = $user->{ng} ? $user->open_window : 'reload';
        $day->odd($user->name . ": a dead session's window is $again") if $again ne 'reload';
        $user->come_back;
    }
    return;
}

subtest 'a node is killed' => sub {
    $two->kill;
    my @theirs = $day->lose($two);
    $day->agree('its users are gone with it');
    my ($away, @back) = grep { !$_->{quiet} } @theirs;
    cmp_ok scalar(@back), '>=', 2, 'some of them come again: ' . @back . ' of ' . @theirs;
    ok $away, '... and some do not';
    come_again(@back);
    is scalar(grep { $_->{home} eq $two->name } @back), 0, 'they get new sessions elsewhere';
    $day->turn;
    $day->arrive('page') for 1 .. 3;
    $two->start;
    wait_ok(sub { $day->arrive('page')->{home} eq $two->name }, 20,
        'it is started again, and gets new users');
    $day->agree('with it');
};

subtest 'a node is restarted, and nobody notices' => sub {
    $three->restart;
    my @back = grep { !$_->{quiet} } $day->lose($three);
    cmp_ok scalar(@back), '>=', 2, 'its users come again, and get new sessions: ' . @back;
    come_again(@back);
    $day->turn;
    $day->is_sound('everybody goes on');
};

subtest 'the windows of a node are closed' => sub {
    my ($left) = grep { $_->{session} } @in_window;
    wait_for(sub { $day->work; time > $left->{seen} + $session + 4 }, $session + 10,
        'the session timeout to pass');
    my $name = $one->name;
    is $left->{home}, $name, 'one has been in a window all the while, on the node not touched';
    ok is_there($left), '... and is, without a request for longer than a session lasts';
    $day->act($name, 'drain');
    my @web = grep { !$_->{ng} } $day->on($name);
    $_->logout->visit for @web;
    is scalar(grep { $_->{home} eq $name } @web), 0,
        'drained: those who log out get their next session elsewhere: ' . @web;
    $day->agree('its Web Clients have left');
    is scalar(grep { $_->lives } @silent), 0, 'those who were silent since the morning are gone';

    $day->act($name, 'disable');
    my @ng = ($left, grep { $_->{ng} } $day->on($name));
    is scalar(grep { !is_there($_) } @ng), 0, 'disabled: its windows are open';
    $day->act($name, 'close');
    my %codes;
    for my $ws (map { $_->open_windows } @ng) {
        $ws->recv(10);
        $codes{ $ws->close_code // 'none' }++;
    }
    is join(' ', keys %codes), '1001', 'closed: they end';
    come_again(map { $_->ends } @ng);
    is scalar(grep { $_->{home} eq $name || !$_->open_windows } @ng), 0,
        'whose they were is at work elsewhere: ' . @ng;
    $left->{quiet} = 0;
    $day->agree('without windows');
    $day->act($name, 'enable');
    wait_ok(sub { $day->arrive('page')->{home} eq $name }, 20, 'enabled: it gets new users');
    $traffic->launch for 1 .. 3;
    $day->agree('and Smart Clients are launched');
};

subtest 'httpd crashes while a node is drained' => sub {
    my $name = $three->name;
    $day->act($name, 'drain');
    my $until = time + 1.2;
    $day->turn;
    wait_for(sub { $day->work; time > $until }, 10, 'that to be on the disk');
    $day->crash;
    is $day->states, 'ready ready draining', 'a second later it is drained after a crash';
    $_->reconnect for grep { $_->{ng} } $day->at_work;
    $day->turn;
    $day->is_sound('all users go on where they were');
    my @new = map { $day->arrive('page', ng => $_ % 2) } 1 .. 4;
    is scalar(grep { $_->{home} eq $name } @new), 0, 'new ones get to other nodes';
    $day->agree('who was not heard of again is forgotten', $session + 10);
    wait_for(sub { $day->work; $day->manager->json->{uptime_s} > $session + 1 }, $session + 10,
        'the table to know every session');
    is scalar(grep { $traffic->made_up($name) eq $name } 1 .. 5), 0,
        'nobody gets there with an id of last week';
    cmp_ok scalar($day->on($name)), '>=', 2, 'it has users: ' . $day->on($name);
    $traffic->launch for 1 .. 3;
    is $traffic->smart($name), 0, 'nor by a launch';
    $day->agree('two kinds of them');
};

subtest 'a node is drained and stopped' => sub {
    my $name = $three->name;
    wait_for(sub { $day->work; !grep { $_->{ng} && !$_->is_proven } $day->on($name) }, 20,
        'windows to count');
    my @theirs = $day->on($name);
    $_->leave for @theirs;
    $day->safe_ok($three);
    $three->stop;
    $day->agree('it is stopped');
    $_->come_back for @theirs;
    is scalar(grep { $_->{home} eq $name } @theirs), 0, 'its users come back to other nodes';
    $three->start;
    wait_ok(sub { $day->states eq 'ready ready draining' }, 20, 'started: it is still drained');
    $day->arrive('page') for 1 .. 3;
    is scalar($day->on($name)), 0, 'nobody gets there';
    $day->act($name, 'enable');
    wait_ok(sub { $day->arrive('page', ng => 1)->{home} eq $name }, 20,
        'enabled: it gets new users');
    $traffic->launch for 1 .. 3;
    $day->agree('as in the morning');
};

subtest 'evening: all leave' => sub {
    my @rest = $day->at_work;
    $_->leave for @rest[ 0 .. @rest / 2 ];
    $day->agree('half of all');
    $_->leave for $day->at_work;
    $day->agree('the others, too', $session + 10);
    wait_ok(sub { !grep { $_->{in_flight} || $_->{clients}{web} }
        $day->manager->nodes('servoy') }, $session + 10, 'nobody is left, and nothing in flight');
    my $all = $day->manager->json;
    is $all->{table}{clients}, sum0(map { $_->{clients}{smart} } @{ $all->{fleets}[0]{nodes} }),
        'the table holds Smart Clients alone';
};

$httpd->stop;
$fleet->stop;
done_testing;
