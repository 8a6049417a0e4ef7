#!/usr/bin/perl
# The store stands still, ends, is emptied or is another one: nobody's place is forgotten
# meanwhile, and when it is back all front ends know what each of them has seen.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SVB::Balancer;
use SVB::Fleet;
use SVB::Fronts;
use SVB::Redis;
use SVB::Users;
use SVB::Wait;
use Test::More;
use Time::HiRes qw(time);

my $fleet = SVB::Fleet->start(2);
my ($one, $two) = $fleet->nodes;
my $store = SVB::Redis->start;
my $members = $fleet->members('http');
my $fronts = SVB::Fronts->start(3, fleet => $fleet, store => $store,
    conf => balancer('brief', $members, 'ServoySessionTimeout 3s')
        . balancer('spare', $members));
my $all = 0;

sub come { my (@names) = @_; $all += @names; return map { users($fronts->front($_), 1) } @names }
sub brief { return $_[0]->manager->fleet('brief')->{clients}{web} }
sub node { return $_[0]->manager->node('spare', $_[1]) }
sub is_safe { return node($_[0], 'servoy2')->{safe_to_stop} }
sub lost {
    $fronts->each_says(10, 'all say that it is lost', sub {
        return $_[0]->manager->json->{store}{state} eq 'lost' && $_[0]->error_log =~ /SVB0130/ });
    $fronts->each_says(1, '... no node is safe to stop', sub { !is_safe($_[0]) });
    return;
}
sub back {
    my ($text) = @_;
    # It is tried every second; then there are two.
    $fronts->equal(1 + 2, $text, $all);
    $fronts->each_says(10, '... it is there again, and safe is safe', sub {
        return $_[0]->manager->json->{store}{state} eq 'connected' && is_safe($_[0]) });
    return;
}

my @users = come(qw(fe1 fe2 fe3) x 4);
$fronts->front('fe1')->manager->act('spare', 'servoy2', 'drain');
$fronts->equal(2, 'twelve users', $all);
$fronts->each_says(10, 'a node that is safe to stop', \&is_safe);

subtest 'it stands still' => sub {
    my @brief = map { users($fronts->front($_), 1, '/brief') } qw(fe1 fe1 fe2 fe3);
    $fronts->each_says(2, 'four who stay for three seconds', sub { brief($_[0]) == 4 });
    my $begun = time;
    $_->mark for $fronts->all;
    $store->freeze;
    lost();
    come(qw(fe1 fe2 fe2 fe3));
    $fronts->front('fe2')->manager->act('spare', 'servoy1', 'disable');
    like $fronts->front('fe2')->error_log,
        qr/SVB0065: .*disable by user .* \(here; shared when the store is back\)/,
        'a word holds here, and the log says so';
    is node($fronts->front('fe2'), 'servoy1')->{state}, 'disabled', '... it does';
    is node($fronts->front('fe1'), 'servoy1')->{state}, 'ready', '... and nowhere else';
    wait_for(sub { time > $begun + 6 }, 20, 'three seconds, twice');
    is brief($_), 4, 'nobody is forgotten meanwhile' for $fronts->all;
    $store->thaw;
    back('all know whom each has seen');
    $fronts->each_says(2, 'the word is heard', sub { node($_[0], 'servoy1')->{state} eq 'disabled' });
    $fronts->each_says(12, 'who is still away ends now', sub { brief($_[0]) == 0 });
    $fronts->front('fe3')->manager->act('spare', 'servoy1', 'enable');
    $fronts->each_says(2, 'all hear each other', sub { node($_[0], 'servoy1')->{state} eq 'ready' });
};

subtest 'a node is restarted while the store is away' => sub {
    $_->mark for $fronts->all;
    my @here = grep { $_->{home} eq 'servoy1' } @users;
    my $stay = $fronts->front('fe1')->manager->node('servoy', 'servoy2')->{clients}{web};
    $store->stop;
    lost();
    $one->kill;
    my @at = (qw(fe1 fe2 fe3)) x 4;
    for my $user (@here) {
        my $r = $fronts->at($user, shift @at)->get($page);
        is how($r), 'servoy2 failover', 'a user of it goes on elsewhere';
        $user->{home} = $r->node;
    }
    $one->start;
    $store->again;
    my $begun = time;
    $all = $stay + @here;
    # Nobody from before is on the node that was restarted.
    $fronts->equal(1 + 2, 'another store, with nothing in it: all count the same', $all);
    note sprintf 'equal after %.2f s', time - $begun;
    for my $user (@here) {
        is how($fronts->roam($user)->get($page)), "$user->{home} known", 'who had moved stays';
    }
    back('they are equal');
};

subtest 'emptied' => sub {
    come(qw(fe1));
    $store->flush;
    come(qw(fe2 fe3));
    my $begun = time;
    $fronts->equal(2, 'nothing is missed', $all);
    note sprintf 'equal after %.2f s', time - $begun;
    come(qw(fe3));
    $fronts->equal(2, '... nor what comes then', $all);
    $fronts->front('fe2')->manager->act('spare', 'servoy1', 'drain');
    $fronts->each_says(2, 'a word is heard', sub { node($_[0], 'servoy1')->{state} eq 'draining' });
    $store->flush;
    my $late = $fronts->add('fe4');
    wait_ok(sub { node($late, 'servoy1')->{state} eq 'draining' }, 10,
        'who comes after it was emptied once more hears what was said');
    $fronts->equal(3, '... and who is there', $all);
    $fronts->remove('fe4');
};

subtest 'killed again and again' => sub {
    for my $time (1 .. 3) {
        $store->kill;
        come(qw(fe1 fe3));
        $store->again;
        come(qw(fe2));
    }
    back('nothing is missed');
};

done_testing;
