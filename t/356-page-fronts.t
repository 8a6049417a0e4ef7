#!/usr/bin/perl
# What the manager's page shows of several front ends: all well, one missing, the store
# lost; each within two seconds.

use v5.32;
use utf8;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SVB::Browser;
use SVB::Fleet;
use SVB::Fronts;
use SVB::ManagerPage;
use SVB::Wait;
use Test::More;

binmode $_, ':utf8' for Test::More->builder->output, Test::More->builder->failure_output;

my $fleet = SVB::Fleet->start(2);
my $fronts = SVB::Fronts->start(3, fleet => $fleet);
my $store = $fronts->store;
my $browser = SVB::Browser->start;
my $page = SVB::ManagerPage->open($browser, $fronts->front('fe1'));

sub card_says {
    my ($key, %expect) = @_;
    my $card = $page->card($key);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    ok $card, "... a card: $key" or return;
    like $card->{$_} // '', $expect{$_}, "... its $_" for sort keys %expect;
    return;
}

subtest 'all is well' => sub {
    $fronts->users(6);
    my $is = $page->shows('all users, whoever has seen them', sub { $_->{verdict} =~ /^✓ All 2 nodes serve\. 6 users\./ });
    is $is->{title}, 'localhost at fe1', 'which one it is';
    like $is->{fronts}, qr/^3 front ends, all within 0\.\d s; this is fe1\./, 'a line of all';
    is_deeply $is->{cards}, [], 'no card';
    $page->looks_ok('fronts');
};

subtest 'one is missing' => sub {
    $fronts->kill('fe3');
    my $is_it = sub {
        my ($state) = @_;
        return sub { grep { $_->{name} eq 'fe3' && $_->{state} eq $state } @{ $_->{front_ends} } };
    };
    $page->follows('it lags', $is_it->('lagging'),
        sub { $_->{verdict} =~ /^! Front end fe3 lags/ && $_->{fronts} =~ /fe3 is lagging/ });
    my $is = $page->follows('it is gone', $is_it->('gone'), sub { $_->{fronts} =~ /fe3 is gone/ });
    like $is->{verdict}, qr/^! Front end fe3 is (?:gone|missing)/, 'the sentence';
    like $is->{title}, qr/^! 1 front end · localhost at fe1$/, 'the title';
    card_says(qr/^front_end/, what => qr/fe3/, users => qr/./, itself => qr/./, todo => qr/./);
    $page->looks_ok('front-end-gone');
    $fronts->replace('fe3');
    $page->follows('it is back', sub { !grep { $_->{state} ne 'here' } @{ $_->{front_ends} } },
        sub { !@{ $_->{cards} } });
};

subtest 'the store is lost' => sub {
    $fronts->front('fe1')->manager->act('servoy', 'servoy1', 'drain');
    $store->freeze;
    my $is = $page->follows('it is', sub { $_->{store}{state} eq 'lost' },
        sub { $_->{verdict} =~ /^▲ The shared store is lost\./ });
    like $is->{title}, qr/^▲ store lost/, 'the title';
    card_says(qr/^store/, what => qr{redis://}, users => qr/./, itself => qr/./, todo => qr/./);
    unlike $is->{text}, qr/Safe to stop since/, 'nothing is safe to stop';
    $page->looks_ok('store-lost');
    $store->thaw;
    $page->follows('it is there again', sub { $_->{store}{state} eq 'connected' },
        sub { $_->{title} !~ /store lost/ && $_->{fronts} =~ /all within/ });
};

my @delays = SVB::ManagerPage->delays;
note "shown after @{[ map { sprintf '%.1f', $_ } @delays ]} seconds";
cmp_ok $delays[ @delays / 2 ], '<', 2, 'what happens is shown within two seconds';

$browser->stop;
$_->stop for $fronts->all, $fleet;
done_testing;
