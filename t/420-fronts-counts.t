#!/usr/bin/perl
# Three front ends that share what they know, before the same nodes: whoever roams over
# them is counted once at each, and what one learns the others know a moment later.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use List::Util qw(sum0);
use SVB::Fleet;
use SVB::Fronts;
use SVB::Users;
use SVB::Wait;
use Test::More;
use Time::HiRes qw(sleep time);

my $fleet = SVB::Fleet->start(2);
my ($one, $two) = $fleet->nodes;
my $fronts = SVB::Fronts->start(3, fleet => $fleet);

sub sessions { return sum0 map { $_->alive ? $_->active_sessions : 0 } $fleet->nodes }

subtest 'users who roam' => sub {
    my (@users, %how, $strayed);
    for my $begun (1 .. 300) {
        my ($user) = $fronts->roam($fronts->front('fe1')->browser);
        $user->{home} = $user->get($page)->node;
        push @users, $user;
        # Those of a while ago are on their way.
        for my $other (@users > 30 ? map { $users[ rand @users - 30 ] } 1, 2 : ()) {
            my $r = $fronts->roam($other)->get($page);
            $how{ $r->header('X-How') }++;
            $strayed++ if ($r->node // '') ne $other->{home};
        }
    }
    $fronts->equal(1, 'at rest: each is counted once, at each', 300);
    is $strayed, undef, 'nobody was sent elsewhere';
    note join ', ', map { "$_: $how{$_}" } sort keys %how;
    ok $how{known} > 0.9 * sum0(values %how), '... and nearly all were known where they came';
    is $fronts->counts('fe3'), join('; ',
        map { $_->name . ': web ' . $_->active_sessions } $one, $two), 'as the nodes count';
    my @on = map { $_->active_sessions } $one, $two;
    cmp_ok abs($on[0] - $on[1]), '<=', 30, "spread evenly: @on";
};

subtest 'how soon the others know' => sub {
    my @took;
    my $patience = SVB::Wait::patience(1);
    for my $turn (0 .. 29) {
        my ($at, @others) = map { 'fe' . (($turn + $_) % 3 + 1) } 0 .. 2;
        my $before = $fronts->clients($at);
        wait_for(sub { !grep { $fronts->clients($_) != $before } @others }, 5, 'rest');
        $fronts->at($fronts->front($at)->browser, $at)->get($page);
        my $begun = time;
        for my $other (@others) {
            wait_for(sub { $fronts->clients($other) > $before }, 10, 'a new user');
            push @took, time - $begun;
        }
    }
    @took = sort { $a <=> $b } @took;
    note sprintf 'known elsewhere after %.3f s (median), %.3f s (p99)',
        @took[ @took / 2, @took * 0.99 ];
    cmp_ok $took[ @took / 2 ], '<=', $patience / 2, 'half of them within half a second at most';
    cmp_ok $took[ @took * 0.99 ], '<=', $patience * 1.5, '... all soon';
};

subtest 'a user leaves at another front end' => sub {
    my ($user) = users($fronts->front('fe1'), 1);
    my $all = sessions();
    $fronts->equal(2, 'there is one more', $all);
    is $fronts->at($user, 'fe2')->get('/logout')->status, 200, 'who logs out by another one';
    $fronts->equal(2, 'and is gone everywhere', $all - 1);
    is sessions(), $all - 1, '... as at the node';
    ($user) = users($fronts->front('fe2'), 1);
    $fronts->equal(2, 'another one', $all);
    is $fronts->at($user, 'fe3')->get('/login')->status, 200, 'who gets another id by another';
    users($fronts->front('fe3'), 1);
    $fronts->equal(2, 'is still one, when another has come behind him', $all + 1);
    my $r = $fronts->at($user, 'fe1')->get($page);
    is how($r), "$user->{home} known", '... whom each of them knows';
};

subtest 'a node dies' => sub {
    my @ids = map { fresh_id('servoy1') } 1 .. 6;
    is ask_as($fronts->front('fe1'), $_, '/echo')->node, 'servoy1', 'a client of servoy1' for @ids;
    $one->kill;
    is how(ask_as($fronts->front('fe1'), $_, '/echo')), 'servoy2 failover',
        'one front end sends him elsewhere' for @ids;
    my ($user) = users($fronts->front('fe1'), 1);
    wait_for(sub { $fronts->clients('fe2') == $fronts->clients('fe1') }, 10, 'him at the others');
    $one->start;
    is how(ask_as($fronts->front($_ % 2 ? 'fe2' : 'fe3'), $ids[$_], '/echo')), 'servoy2 known',
        '... where the others find him, though his node is back' for 0 .. $#ids;
};

done_testing;
