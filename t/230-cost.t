#!/usr/bin/perl
# What a request costs does not creep up again: in instructions, which are the same on a
# busy machine, above a bare ProxyPass (a launch: a Redirect). t/bench/cost.pl measures it
# beside others. Each bound is a fifth above what was reached.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SVB::Cost;
use Test::More;

my %bounds = (
    sticky => { 2 => 8_600,  64 => 8_600 },
    new    => { 2 => 12_200, 64 => 15_200 },
    launch => { 64 => 14_200 },
);

my $cost = SVB::Cost->new(members => 64, requests => 60);

for my $load (sort keys %bounds) {
    my $bare = $cost->of('bare', $load);
    for my $members (sort { $a <=> $b } keys %{ $bounds{$load} }) {
        my $above = $cost->of('servoy', $load, members => $members) - $bare;
        my $bound = $bounds{$load}{$members};
        note sprintf '%s, %d members: %d', $load, $members, $above;
        cmp_ok($above, '<=', $bound, "$load, $members members: at most $bound instructions");
        cmp_ok($above, '>', $bound / 3, '... and it was the module that was measured');
    }
}

done_testing;
