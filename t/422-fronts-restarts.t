#!/usr/bin/perl
# A front end dies and comes back with nothing, is restarted, or its children are killed
# in the middle of traffic: soon it counts as the others do, and nobody changes his node.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SVB::Fleet;
use SVB::Fronts;
use SVB::Users;
use SVB::Wait;
use Test::More;
use Time::HiRes qw(sleep time);

my $fleet = SVB::Fleet->start(2);
my $fronts = SVB::Fronts->start(3, fleet => $fleet,
    httpd => { processes => 2, expect => qr/exit signal Killed/ });
my @users = $fronts->users(30);
$fronts->equal(2, 'thirty users', 30);

# All of them, by one front end or any: is each where he was, with his session?
sub stays {
    my ($text, $name) = @_;
    my @strayed;
    for my $user (@users) {
        defined $name ? $fronts->at($user, $name) : $fronts->roam($user);
        my $r = $user->get($page);
        my $count = $r->header('X-Count') // 0;
        push @strayed, how($r) . " ($user->{home}) count $count"
            if ($r->node // '') ne $user->{home} || $count != ++$user->{count};
    }
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return is_deeply \@strayed, [], $text;
}

subtest 'killed, and started with nothing' => sub {
    $fronts->kill('fe2');
    push @users, users($fronts->front('fe1'), 3), users($fronts->front('fe3'), 3);
    stays('its users are known at the others', 'fe3');
    my $fe2 = $fronts->replace('fe2');
    my $begun = time;
    $fronts->equal(2, 'started anew: right within two seconds', 36);
    note sprintf 'it counted right after %.2f s', time - $begun;
    my %how;
    for my $user (@users) {
        my $r = $fronts->at($user, 'fe2')->get($page);
        $user->{count}++;
        $how{ how($r) eq "$user->{home} known" ? 'known' : how($r) }++;
    }
    is_deeply \%how, { known => 36 }, 'it knows all';
    $fronts->equal(2, '... and counts nobody twice', 36);
    $_->get('/logout') for my @left = splice @users, 0, 2;
    $fronts->equal(2, 'what it tells is heard', 34);
};

subtest 'killed by a crash, its memory left behind' => sub {
    my $fe3 = $fronts->front('fe3');
    $fe3->crash;
    push @users, users($fronts->front('fe1'), 2);
    $fe3->start;
    $fronts->equal(2 + 1, 'started again: right', 36);
    stays('nobody has changed his node', 'fe3');
    push @users, users($fe3, 2);
    $fronts->equal(2, 'what it tells after that is heard', 38);
};

subtest 'graceful restart' => sub {
    my $fe1 = $fronts->front('fe1');
    $fe1->graceful;
    push @users, users($fronts->front('fe2'), 3), users($fe1, 3);
    $fronts->equal(2, 'it goes on with what it knows, and hears what is new', 44);
    $_->graceful for $fronts->all;
    push @users, $fronts->users(6);
    $fronts->equal(3, 'all of them at once', 50);
    stays('nobody has changed his node');
    unlike $_->error_log, qr/SVB013[24]/, 'it is the one it was' for $fronts->all;
};

subtest 'all children are killed in the middle of traffic' => sub {
    my $fe1 = $fronts->front('fe1');
    my ($begun, $answered) = (0, 0);
    for my $time (1 .. 8) {
        my @children = $fe1->children;
        my @under_way = map { $fe1->browser->start(GET => '/slow?session=1&ms=20') } 1 .. 8;
        push @users, users($fronts->front('fe2'), 2);
        kill KILL => @children;
        $begun += @under_way;
        $answered += grep { $_->finish->status == 200 } @under_way;
        push @users, users($fronts->front('fe3'), 2);
        wait_for(sub { $fe1->browser->get('/echo')->status == 200 }, 20, 'new children');
        push @users, users($fe1, 2);
    }
    # mod_watchdog's next child takes over within ten seconds.
    $fronts->equal(20, 'afterwards all count the same');
    my $all = $fronts->clients('fe2');
    note "$answered of $begun requests were answered, $all clients";
    # Whose answer never came does not know of his session, and perhaps nobody does.
    cmp_ok $all, '>=', @users + $answered, '... all who were answered';
    cmp_ok $all, '<=', @users + $begun, '... and nobody else';
    stays('nobody has changed his node');
};

done_testing;
