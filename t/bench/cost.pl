#!/usr/bin/perl
# What a request costs in httpd, above a bare ProxyPass (a launch: above a bare Redirect),
# in instructions: SVB::Cost says how, and what the loads are. Beside the module stands
# what would do it otherwise: mod_proxy_balancer (byrequests, stickysession), and for
# launches mod_rewrite with a random map.
#
#   perl t/bench/cost.pl                      # the usual: this build of the module
#   perl t/bench/cost.pl other.so .build/mod_servoy_balancer.so
#
# Needs valgrind, and measures nothing without. REQUESTS=n of each (200), MEMBERS="2 64",
# LOADS="sticky new".

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use List::Util qw(max);
use SVB::Cost;

if (my $package = SVB::Cost->missing) {
    say "not measured: $package is not installed";
    exit;
}
my @sizes = split ' ', $ENV{MEMBERS} // '2 64 256';
my $cost = SVB::Cost->new(members => max(@sizes), requests => $ENV{REQUESTS} // 200);
my @modules = @ARGV ? @ARGV : $ENV{SVB_MODULE} // '.build/mod_servoy_balancer.so';

printf "%-7s %7s %9s", 'load', 'members', 'stock';
printf '  %s', $_ for @modules;
say "\n" . ' ' x 16 . 'thousands of instructions above bare';
for my $load (split ' ', $ENV{LOADS} // 'sticky new launch') {
    my $bare = $cost->of('bare', $load);
    printf "%-7s %7s %9.1f\n", $load, 'bare', $bare / 1000;
    for my $members (@sizes) {
        printf "%-7s %7d %9.1f", $load, $members,
            ($cost->of('balancer', $load, members => $members) - $bare) / 1000;
        printf '  %*.1f', length,
            ($cost->of('servoy', $load, members => $members, module => $_) - $bare) / 1000
            for @modules;
        say '';
    }
}
