#!/usr/bin/perl
# Tests of the whole again, with a module that AddressSanitizer and
# UndefinedBehaviorSanitizer watch (make sanitized). Those that send what is
# strange, and those in which memory changes hands; the library makes a test fail
# when a sanitizer complains.
use strict;
use warnings;
use FindBin;
use Test::More;

my $module = "$FindBin::Bin/../.build/san/mod_servoy_balancer.so";
ok -e $module, 'there is a sanitized module' or BAIL_OUT('say: make -f Makefile.apxs sanitized');

for my $name (qw(100-routing 120-launch 121-launch-hostile 123-rewrite 301-actions)) {
    my $file = "$FindBin::Bin/$name.t";
    local @ENV{qw(SVB_SANITIZE SVB_PATIENCE)} = (1, 3);
    my $output = qx{"$^X" -I"$FindBin::Bin/lib" "$file" 2>&1};
    my $status = $?;
    ok $status == 0 && $output =~ /^1\.\.[1-9]/m, $name or diag $output;
}
done_testing;
