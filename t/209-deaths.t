#!/usr/bin/perl
# What survives the death of children of httpd, and that of their parent.

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
my @routes = map { $_->route } $fleet->nodes;

subtest 'children are killed' => sub {
    begin();
    my $httpd = httpd(expect => qr/exit signal Killed/)->start;
    my @users = (users($httpd, 6), users($httpd, 2, '/learned'));
    launches($httpd, 1);
    for my $round (1 .. 2) {
        my @cut = map { $_->start(GET => '/slow?ms=60000') } @users[ 0 .. 3 ];
        # new clients, in the midst of an election or before their first answer
        my @new = map { $httpd->client->start(GET => '/slow?ms=60000') } 1 .. 4;
        wait_for(sub { total($httpd, 'in_flight') == 8 }, 20, 'eight requests in flight');
        my @before = $httpd->children;
        kill KILL => @before;
        wait_for(sub {
            my @now = $httpd->children;
            my %was = map { $_ => 1 } @before;
            @now == @before && !grep { $was{$_} } @now;
        }, 20, 'other children');
        is scalar(grep { $_->finish(20)->error } @cut, @new), 8,
            "round $round: eight requests are cut off";
        wait_ok(sub { total($httpd, 'in_flight') == 0 }, 40, 'nothing is in flight any more');
        counts_agree($httpd, 'counts are right');
        is total($httpd, 'smart'), 1;
        is wrong(known => @users), '', 'users stay';
    }
    # while clients come and go as fast as they can
    my @storm;
    for my $round (1 .. 3) {
        my @pending;
        for (1 .. 20) {
            my $user = $httpd->client(timeout => 20);
            $user->{pending} = $user->start(GET => $page);
            push @pending, $user;
        }
        kill KILL => ($httpd->children)[0];
        $_->{pending}->finish for @pending;
        push @storm, @pending;
    }
    my ($counted, $saved);
    wait_ok(sub { total($httpd, 'in_flight') == 0 }, 40,
        'killed while clients come: nothing is in flight in the end');
    my @known = grep { defined $_->cookie('JSESSIONID') } @storm;
    is scalar(grep { ($_->get($page)->header('X-How') // '') ne 'known' } @known), 0,
        'whoever got a session is known: ' . scalar @known;
    wait_ok(sub {
        my $web = total($httpd, 'web');
        $web >= @users + @known && $web <= @users + @storm;
    }, 20, 'and counted');
    $counted = { map { $_ => facts($httpd)->{$_}{clients}{web} } @routes };
    $httpd->stop;
    $saved = saved_counts(file_of($httpd));
    is_deeply { map { $_ => $saved->{$_} } @routes }, $counted,
        'the counts are those of the clients in the table';
};

subtest 'the parent is killed' => sub {
    begin();
    my $httpd = httpd()->start;
    my @lost = users($httpd, 3);
    $httpd->kill;
    is files($httpd), join(' ', map { "$default.$_" } qw(1 2 nodes)),
        'it leaves what it had written by then';
    $httpd->mark->start;
    ok said($httpd, qr/SVB0088/), 'of which the next start tells';
    is total($httpd, 'web'), 0, 'no clients: that was right after its start';
    is wrong(route => @lost), '', 'they are found by their routes';
    $httpd->stop;
    my $sum = sum_of(file_of($httpd));
    $httpd->start;
    my @more = users($httpd, 3);
    $httpd->kill;
    ok !-e file_of($httpd), 'a file from before is set aside';
    is sum_of(file_of($httpd) . '.1'), $sum, '... and stays as it was';
    $httpd->mark->start;
    is total($httpd, 'web'), 3, 'and is what the next start knows';
    is wrong(known => @lost), '', 'clients of then are known';
    is wrong(route => @more), '', 'those of later have their routes';
    counts_agree($httpd, 'all are counted');
    $httpd->stop;

    for my $round (1 .. 5) {
        $httpd->mark->start;
        $httpd->{proc}->signal('TERM');
        # at some time in its end, as far as can be while it writes
        my $end = time + 0.02 * $round;
        wait_for(sub { -e file_of($httpd) . '.new' || time > $end }, 5) if $round % 2;
        $httpd->kill;
        $httpd->mark->start;
        is scalar(grep { /SVB0081/ } split /^/, $httpd->error_log), 0,
            "round $round: killed at its end: a good file";
        is total($httpd, 'web'), 6, 'with all clients';
        $httpd->stop;
        is files($httpd), $default, 'and no other';
    }
};

$_->stop for $fleet, $nameless;
done_testing;
