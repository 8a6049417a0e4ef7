#!/usr/bin/perl
# The way to the store is bad, in each way that it can be: no user notices, the front end
# says so, stops and restarts as ever, and is equal to the others again when that is over.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SVB::Balancer;
use SVB::Fleet;
use SVB::Fronts;
use SVB::Redis;
use SVB::Users;
use SVB::Wait qw(wait_for wait_ok patience);
use SVB::Wire;
use Test::More;
use Time::HiRes qw(time);

my $fleet = SVB::Fleet->start(2);
my $store = SVB::Redis->start;
my $wire = SVB::Wire->to($store->port);
# The others have time, so that they lose nothing on a busy machine either.
my $fronts = SVB::Fronts->start(2, fleet => $fleet, store => $store, words => 'timeout=1s',
    conf => balancer('spare', $fleet->members('http')));
my $bad = $fronts->add('bad', port => $wire->port, words => '');
my $good = $fronts->front('fe1');
$fronts->together;

# A node that nobody is on: it is safe to stop as long as all is known.
$good->manager->act('spare', 'servoy1', 'drain');
sub is_safe { return $_[0]->manager->node('spare', 'servoy1')->{safe_to_stop} }
$fronts->each_says(10, 'connected: safe to stop', \&is_safe);

my @users = $fronts->users(15);
my $all = 15;
$fronts->equal(2, 'fifteen users', $all);

# Seconds that requests take at an httpd: of users whom it knows, of whom it may know,
# and of new ones; and how many of them failed.
sub ask {
    my ($name, $result) = @_;
    my $user = rand() < 0.3 ? $fronts->front($name)->browser : $users[ rand @users ];
    my $begun = time;
    my $r = $fronts->at($user, $name)->get($page);
    push @{ $result->{took} }, time - $begun;
    $result->{failed}++ if $r->status != 200 || $user->{home} && $r->node ne $user->{home};
    $all++ if !$user->{home};
    $user->{home} //= $r->node;
    return;
}

# The p99, in milliseconds.
sub p99 {
    my @took = sort { $a <=> $b } @{ $_[0]{took} };
    return 1000 * $took[ @took * 0.99 ];
}

# Through both alternately, so that a busy machine is one for both.
sub compare {
    my ($text) = @_;
    my ($there, $here) = ({ failed => 0 }, { failed => 0 });
    for (1 .. 100) {
        ask(bad => $there);
        ask(fe1 => $here);
    }
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    note sprintf '%s: p99 %.1f ms, without trouble %.1f ms', $text, p99($there), p99($here);
    is $there->{failed}, 0, "$text: no request fails, nobody changes his node";
    return cmp_ok p99($there), '<=', 2 * p99($here) + patience(40), '... nor is one slower';
}

compare('good');

my %is_lost_with = (
    'late 300'     => qr/no answer within 100 ms/,
    'silent'       => qr/no answer within 100 ms/,
    'trickle 1 1000' => qr/no answer within 100 ms/,
    'short 100'    => qr/the connection was closed|reset/,
    'cut'          => qr/the connection was closed|reset/,
    'refuse'       => qr/cannot connect: .*refused/,
    'say 2d4e4f0d0a' => qr/AUTH|XREAD|XADD|HGET|"NO"/,     # -NO, whatever is asked
);

for my $how (sort keys %is_lost_with) {
    subtest $how => sub {
        $bad->mark;
        $wire->be($how);
        compare($how);
        wait_ok(sub { $bad->error_log =~ /SVB0130/ }, 10, 'it says that the store is lost');
        my ($line) = $bad->error_log =~ /(SVB0130.*)/;
        like $line, $is_lost_with{$how}, '... and why';
        my $json = $bad->manager->json->{store};
        is $json->{state}, 'lost', '... in JSON, too';
        ok !is_safe($bad), 'no node is safe to stop';
        # Where it had told something that was lost on the way, they wait until it is gone.
        wait_ok(sub { is_safe($good) }, 20, '... but for those who see all');
        if ($how eq 'silent') {
            my $begun = time;
            $bad->reload;
            cmp_ok time - $begun, '<=', patience(4), 'a graceful restart waits for nobody';
            cmp_ok $bad->manager->json->{table}{clients}, '>=', 15, '... and forgets nobody';
        }
        $wire->be('good');
        wait_ok(sub { $bad->error_log =~ /SVB0131/ }, 10, 'it says that it is back');
        $fronts->equal(2, 'all count the same again', $all);
        wait_ok(sub { is_safe($bad) }, 10, 'safe to stop');
        my @lines = $bad->error_log =~ /SVB013[01]/g;
        is scalar(@lines), 2, 'each was said once';
        unlike $good->error_log, qr/SVB0130/, 'the others did not notice';
    };
}

subtest 'stopped while the store is' => sub {
    $wire->be('silent');
    wait_for(sub { $fronts->is_lost('bad') }, 10, 'the loss');
    my $begun = time;
    kill TERM => $bad->pid;
    wait_for(sub { !$bad->alive }, 20, 'its end');
    my $took = time - $begun;
    note sprintf 'it ended after %.2f s', $took;
    cmp_ok $took, '<=', patience(2), 'it ends within two seconds';
    unlike $bad->error_log, qr/AH00045|AH00046/, '... by itself';
    $bad->stop;
};

done_testing;
