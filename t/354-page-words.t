#!/usr/bin/perl
# What the manager's page shows of nodes that are being left, because an administrator or
# the node itself wants it: how many are left, until when, and when it is safe to stop;
# never of one that is dead.

use v5.32;
use utf8;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SVB::PageDesk;
use SVB::Users;
use SVB::Wait;
use Test::More;

binmode $_, ':utf8' for Test::More->builder->output, Test::More->builder->failure_output;

my $desk = SVB::PageDesk->start('ServoySessionTimeout 20min', 'ServoyMaintenance on 60s');
my ($one, $two) = $desk->fleet->nodes;
my $time = qr/\d\d:\d\d:\d\d/;

sub of_one {
    my ($state) = @_;
    return sub { $_->{fleets}[0]{nodes}[0]{state} eq $state };
}

subtest 'draining' => sub {
    $desk->calm;
    my $page = $desk->page;
    my @users = $desk->come($page, 4);
    $desk->act('servoy1', 'drain');
    my $is = $page->follows('one drains', of_one('draining'), sub { word($_, 'servoy1') eq 'draining' });
    like $is->{rows}{servoy1}{why}, qr/^\d+ s, drained by \S+ from 127\.0\.0\.1$/, '... by whom';
    is_deeply $is->{rows}{servoy1}{buttons}, ['Back to work'], '... its button';
    ok !(grep { $_->{key} =~ /servoy1/ } grep { $_->{key} !~ /^one_left/ } @{ $is->{cards} }), '... no card';
    (pop @users)->get('/logout');
    $is = $page->shows('how many are left of how many, and until when', sub {
        $_->{rows}{servoy1}{users} =~ /^3 left of 4 if nobody else comes back, empty by $time at the latest/ }, 20);
    my ($until) = $is->{rows}{servoy1}{users} =~ /by ($time)/;
    my $iso = $desk->manager->node('servoy', 'servoy1')->{empty_by} // '';
    like $iso, qr/:\Q@{[ $until ? substr($until, 3) : '?' ]}\EZ$/, '... as JSON has it';
    $page->looks_ok('draining');

    my $slow = $users[0]->start(GET => '/slow?session=1&ms=8000');
    $page->shows('one has a request open', sub { $_->{rows}{servoy1}{users} =~ /1 with a window or request open/ }, 20);
    $slow->finish;

    $_->get('/logout') for @users;
    $is = $page->follows('all have left', sub { $_->{fleets}[0]{nodes}[0]{safe_to_stop} },
        sub { $_->{rows}{servoy1}{users} =~ /^0 Safe to stop/ });
    $page->shows('... since when', sub { $_->{rows}{servoy1}{users} =~ /^0 Safe to stop since $time$/ }, 20);
    $page->looks_ok('safe-to-stop');

    $one->kill;
    $is = $page->follows('it is stopped', of_one('error'), sub { word($_, 'servoy1') eq 'down' });
    unlike $is->{text}, qr/safe to stop/i, 'a dead node is not safe to stop: it is down';
    is_deeply $is->{rows}{servoy1}{buttons}, ['Take out…'], '... with another button';
    $page->clean_ok('draining');
    $page->close;
};

subtest 'maintenance' => sub {
    $desk->calm;
    my $page = $desk->page;
    $desk->come($page, 2);
    $desk->act('servoy1', 'maintenance');
    my $is = $page->follows('by an administrator', of_one('maintenance'), sub { word($_, 'servoy1') eq 'maintenance' });
    like $is->{rows}{servoy1}{users}, qr/^2 left/;
    is_deeply $is->{rows}{servoy1}{buttons}, ['Back to work'], '... its button';
    $page->looks_ok('maintenance');
    $page->click('#servoy1 .act button');
    $page->shows('back to work', sub { word($_, 'servoy1') eq 'ready' && $_->{note} =~ /^servoy1 is back to work; was maintenance/ });
    $one->maintenance(1);
    wait_for(sub { users($desk->httpd, 1);
        $desk->manager->node('servoy', 'servoy1')->{state} eq 'maintenance' }, 20, 'it is found out');
    $is = $page->follows('by itself', of_one('maintenance'), sub { word($_, 'servoy1') eq 'maintenance' });
    like $is->{rows}{servoy1}{why}, qr/503/, '... with what it says';
    $page->clean_ok('maintenance');
    $page->close;
};

subtest 'disabled' => sub {
    $desk->calm;
    my $page = $desk->page;
    $desk->come($page, 2);
    $page->click('#servoy1 .fold');
    $page->click('tr.more .buttons a:text("Take out…")');
    $page->shows('what it costs', sub { $_->{question} =~ /^Disable servoy1\? 2 users must start again\. 1 node is left for new users\./ });
    $page->click('.question button');
    my $is = $page->shows('it is taken out', sub { word($_, 'servoy1') eq 'disabled' && $_->{note} =~ /^servoy1 is taken out; was ready/ });
    is_deeply $is->{rows}{servoy1}{buttons}, ['Back to work'], '... its button';
    $page->looks_ok('disabled');
    $desk->act('servoy2', 'disable');
    $page->shows('and the other one', sub { $_->{verdict} =~ /^▲ No node takes new users\./ });
    $page->looks_ok('all-disabled');
    $page->close;
};

my @delays = SVB::ManagerPage->delays;
note "shown after @{[ map { sprintf '%.1f', $_ } @delays ]} seconds";
cmp_ok $delays[ @delays / 2 ], '<', 2, 'what happens is shown within two seconds';

$desk->stop;
done_testing;
