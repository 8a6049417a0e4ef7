#!/usr/bin/perl
# Restarts with a client table of another size, and a table that is far too small.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SVB::Kept;
use SVB::Users;
use SVB::Wait;
use Test::More;
use Time::HiRes qw(time);

my ($fleet, $nameless) = start_fleets();

subtest 'ServoyClientTable changes' => sub {
    begin();
    my $httpd = httpd(processes => 2)->start;
    my @users = (users($httpd, 9), users($httpd, 4, '/learned'));
    launches($httpd, 2);
    for my $size (200_000, 500, 65536) {
        my $what = "$size clients";
        my ($active, $leaves) = users($httpd, 2);
        my @late = (slow_start($httpd, 5), slow_start($httpd, 5, '/learned'));
        my $long = $users[0]->start(GET => '/slow?ms=5000');
        wait_for(sub { total($httpd, 'in_flight') == 3 }, 10, 'three requests in flight');
        is wrong(known => $active, $leaves), '', "$what: two users who have been active just now";
        my $before = summary($httpd);
        $httpd->reconfigure(conf(server => "ServoyClientTable $size"));
        is_deeply summary($httpd), $before, 'clients and counters are what they were';
        # one of them goes, one gets another id: the table of before must not bring that back
        $leaves->get('/logout');
        my $before_login = $active->cookie('JSESSIONID');
        $active->get('/login');
        isnt $active->cookie('JSESSIONID'), $before_login, 'one gets a new id, one goes';
        $active->{count}++;
        is $httpd->manager->json->{table}{capacity}, $size, 'the table has its new size';
        is wrong(known => @users, $active), '', 'users stay';
        is total($httpd, 'smart'), 2, 'Smart Clients are counted';
        is total($httpd, 'in_flight'), 3, 'so are requests in flight';
        is_deeply [ map { slow_end($_) } @late ], [ 200, 200 ],
            'the old generation ends its requests';
        is $long->finish(20)->status, 200;
        wait_ok(sub { total($httpd, 'in_flight') == 0 }, 20, 'nothing is in flight');
        is becomes_known($late[1]), '',
            'a session without a route that the old generation learned is known at once';
        counts_agree($httpd, 'counts are right, with a session of which nothing was heard since');
        is becomes_known($late[0]), '', 'that one is known as well';
        push @users, $active, grep { !$_->{lost} } @late;
    }
    $httpd->graceful;
    is wrong(known => @users), '', 'another restart without a change: users stay';
    counts_agree($httpd, 'counts are right');
    my $before = summary($httpd);
    $httpd->stop;
    $httpd->{conf} = conf(server => 'ServoyClientTable 300');
    $httpd->start;
    is_deeply summary($httpd), $before,
        'stop, and start with another size: clients and counters are what they were';
    is wrong(known => @users), '', 'users stay';
    $httpd->stop;
};

# A later restart of another kind must not undo what happened since the change.
subtest 'ServoyClientTable changes, and another restart soon after' => sub {
    begin();
    my $httpd = httpd()->start;
    my @users = users($httpd, 6);
    my $seen = time;
    is wrong(known => @users), '', 'users, active just before the change';
    $httpd->reconfigure(conf(server => 'ServoyClientTable 1000'));
    wait_for(sub { time > $seen + 4 }, 10, 'the new table to be the only one in use');
    $_->get('/logout') for @users[ 0, 1 ];
    $users[2]->get('/login');
    $users[2]{count}++;
    counts_agree($httpd, 'two log out, one logs in');
    $httpd->graceful;
    my ($marker) = users($httpd, 1);
    # nothing tells from outside when the periodic work has been done: watch for six of its turns
    my ($restarted, $most) = (time, 0);
    wait_for(sub {
        my $web = total($httpd, 'web');
        $most = $web if $web > $most;
        return $most > 5 || time > $restarted + 6;
    }, 20, 'the periodic work to be done');
    is $most, 5, 'another restart: who is gone stays gone' or note explain summary($httpd);
    counts_agree($httpd, 'counts are right');
    is wrong(known => @users[ 2 .. 5 ], $marker), '', 'the others stay';
    $httpd->stop;
};

subtest 'a table that is far too small' => sub {
    begin();
    my $httpd = httpd(conf => conf(server => 'ServoyClientTable 8'))->start;
    my @users = users($httpd, 40);
    is scalar(grep { $_->{home} =~ /^servoy/ } @users), 40, 'forty users for a table of eight';
    my $table = $httpd->manager->json->{table};
    is $table->{capacity}, 8;
    cmp_ok $table->{clients}, '<=', 32, 'not all of them fit';
    cmp_ok $table->{evicted}, '>=', 40 - $table->{clients}, 'those who were dropped are counted';
    my $metrics = $httpd->client->get('/servoy-manager?format=prometheus')->body;
    my ($evicted) = $metrics =~ /^servoy_client_table_evictions_total (\d+)$/m;
    is $evicted, $httpd->manager->json->{table}{evicted}, 'in the metrics as well';
    like $metrics, qr/^servoy_client_table_capacity 8$/m;
    my $wrong = 0;
    for my $user (@users, @users) {
        my $r = $user->get($page);
        $wrong++ if $r->node ne $user->{home} || $r->header('X-Count') != ++$user->{count};
    }
    is $wrong, 0, 'all are served by their nodes';
    cmp_ok $httpd->manager->json->{table}{clients}, '<=', 32, 'the table does not grow';
    my $log = sub { grep { /\[servoy_balancer:warn\].*ServoyClientTable/ } split /^/,
        $httpd->error_log };
    wait_ok($log, 10, 'the log tells that clients were dropped, and which directive helps');
    my ($told, $evicted_then) = (time, $httpd->manager->json->{table}{evicted});
    wait_for(sub { push @users, users($httpd, 1); time > $told + 6 }, 30, 'more to come');
    cmp_ok $httpd->manager->json->{table}{evicted}, '>', $evicted_then,
        'more are dropped all the time';
    my $lines = () = $log->();
    cmp_ok $lines, '<=', 3, 'and the log does not tell each time';
    $httpd->reconfigure(conf(server => 'ServoyClientTable 1000'));
    is scalar(grep { $_->get($page)->node ne $_->{home} } @users), 0,
        'a table that is large enough';
    wait_ok(sub { total($httpd, 'web') == @users }, 20, 'has them all');
    $httpd->stop;
    $httpd->{conf} = conf(server => 'ServoyClientTable 8');
    $httpd->mark->start;
    my $clients = $httpd->manager->json->{table}{clients};
    ok $clients > 8 && $clients <= 32,
        'stop, and start with the small one: it takes as many as it can';
    is scalar(grep { $_->get($page)->node ne $_->{home} } @users), 0, 'and users stay';
    $httpd->stop;
};

$_->stop for $fleet, $nameless;
done_testing;
