#!/usr/bin/perl
# What an administrator says at one front end holds at all of them, in their numbers:
# a node that is drained, forgotten, closed, weighed, and as full as maxclients= allows.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use List::Util qw(max);
use SVB::Balancer;
use SVB::Fleet;
use SVB::Fronts;
use SVB::Users;
use SVB::Wait;
use SVB::Windows;
use Test::More;
use Time::HiRes qw(sleep time);

my $fleet = SVB::Fleet->start(2, contexts => ['full']);
my ($one, $two) = $fleet->nodes;
my $fronts = SVB::Fronts->start(3, fleet => $fleet, httpd => { threads => 32, processes => 3 },
    conf => balancer('full', $one->member('http'), 'ProxyPass "/full/" "balancer://full/full/"',
        'ServoyNode servoy1 maxclients=50', 'ServoyCatchUp off'));

sub node { my ($name, $route) = @_; return $fronts->front($name)->manager->node('servoy', $route) }
sub act { my ($name, @what) = @_; return $fronts->front($name)->manager->act('servoy', @what) }
sub is_everywhere {
    my ($field, $value, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return $fronts->each_says(2, $name,
        sub { $_[0]->manager->node('servoy', 'servoy1')->{$field} eq $value });
}

subtest 'drain' => sub {
    my @users = $fronts->users(6);
    $fronts->equal(2, 'six users', 6);
    act(fe1 => 'servoy1', 'drain');
    sleep 0.5 * SVB::Wait::patience(1);     # what is promised: not a wait for something
    my %on = %{ homes($fronts->users(12)) };
    is_deeply \%on, { servoy2 => 12 }, 'half a second later, nobody elects it any more';
    for my $name ($fronts->names) {
        my $node = node($name, 'servoy1');
        is $node->{state}, 'draining', "$name: draining";
        like $node->{reason}, qr/somebody from 127\.0\.0\.1 at fe1/, '... and who said so, and where';
    }
    wait_ok(sub {
        return 1 == grep { $_->{node} eq 'servoy1' && $_->{to} eq 'draining'
            && $_->{reason} =~ /somebody from 127\.0\.0\.1 at fe1/ }
            @{ $fronts->front('fe3')->manager->json->{events} };
    }, 5, 'an event at another front end says so as well');
    $fronts->equal(2, 'all count the same', 18);
    my @on = grep { $_->{home} eq 'servoy1' } @users;
    is how($fronts->at($on[0], 'fe2')->get($page)), 'servoy1 known', 'its own users stay';
    is node($_, 'servoy1')->{safe_to_stop} ? 'yes' : 'no', 'no', "$_: not safe to stop"
        for $fronts->names;
    for my $user (@on) {
        $fronts->roam($user)->get('/logout');
    }
    is_everywhere(safe_to_stop => 1, 'when they have left, safe to stop at all');
    like $fronts->front('fe1')->error_log, qr/SVB0065: .*drain by user - .* \(at all front ends\)/,
        'the log says where the word holds';
};

subtest 'from another' => sub {
    act(fe3 => 'servoy1', 'enable');
    is_everywhere(state => 'ready', 'enabled at one, ready at all');
    is homes($fronts->users(9))->{servoy1} // 0, 9, 'who elect it again';
    act(fe2 => 'servoy1', 'loadfactor', value => 2.5);
    is_everywhere(loadfactor => 2.5, 'a weight');
    act(fe1 => 'servoy1', 'loadfactor', value => 1);
    is_everywhere(loadfactor => 1, '... and another one');
    act(fe1 => 'servoy1', 'maintenance');
    act(fe2 => 'servoy1', 'enable');
    is_everywhere(state => 'ready', 'the last word counts');
    $fronts->add('fe4');
    $fronts->together;
    act(fe1 => 'servoy1', 'disable');
    is_everywhere(state => 'disabled', 'one who has come later hears it, too');
    $fronts->replace('fe4');
    wait_ok(sub { node('fe4', 'servoy1')->{state} eq 'disabled' }, 5,
        'and one who comes when it was said');
    act(fe4 => 'servoy1', 'enable');
    is_everywhere(state => 'ready', 'who may speak as well');
    $fronts->remove('fe4');
};

subtest 'forget' => sub {
    $fronts->equal(2, 'all count the same');
    my $of = sub { node($_[0], 'servoy1')->{clients}{web} };
    cmp_ok $of->('fe2'), '>=', 9, 'some are there';
    my $other = node('fe2', 'servoy2')->{clients}{web};
    act(fe3 => 'servoy1', 'forget');
    $fronts->each_says(2, 'forgotten at one, at all',
        sub { !$_[0]->manager->node('servoy', 'servoy1')->{clients}{web} });
    is node('fe1', 'servoy2')->{clients}{web}, $other, 'those of the other node are still there';
};

subtest 'close' => sub {
    my @windows = map { SVB::Windows->open($fronts->front($_), $fleet, 'servoy1', 3) }
        $fronts->names;
    is join(' ', map { $_->homes } @windows), 'servoy1 servoy1 servoy1', 'windows by each';
    act(fe2 => 'servoy1', $_) for qw(disable close);
    for my $i (0 .. 2) {
        is scalar(@{ $windows[$i]->come_back(8) }), 3, "fe@{[ $i + 1 ]}: all were closed";
        is $windows[$i]->homes, 'servoy2', '... and are elsewhere';
    }
    act(fe1 => 'servoy1', 'enable');
    is_everywhere(state => 'ready', 'enabled');
    sleep 0.5;
    is join(' ', map { $_->alive } @windows), '3 3 3', 'what was closed once stays open now';
    $_->abort for @windows;
};

subtest 'maxclients=50, five users a second at three front ends' => sub {
    my %page = map { $_ => $fronts->front($_) } $fronts->names;
    my @status;
    my $come = sub {
        my ($i) = @_;
        my $r = $fronts->front('fe' . ($i % 3 + 1))->browser->get("/full$page");
        push @status, $r->status;
    };
    $come->($_) for 1 .. 40;
    wait_for(sub {
        !grep { $_->manager->fleet('full')->{clients}{web} != 40 } $fronts->all
    }, 5, 'forty');
    my ($begun, $most) = (time, 0);
    for my $i (41 .. 65) {
        my $early = $begun + ($i - 40) * 0.2 - time;
        sleep $early if $early > 0;
        $come->($i);
        $most = max $most, $one->active_sessions('full');
    }
    cmp_ok $most, '<=', 53, "never more than 53 on the node: $most";
    cmp_ok $most, '>=', 50, '... nor less than there may be';
    cmp_ok scalar(grep { $_ == 503 } @status), '>=', 12, 'all others were turned away';
    $fronts->each_says(2, 'all say that it is full',
        sub { $_[0]->manager->node('full', 'servoy1')->{state} eq 'full' });
};

done_testing;
