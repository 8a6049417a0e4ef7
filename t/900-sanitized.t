#!/usr/bin/perl
# Tests of the whole again, with a module that AddressSanitizer and
# UndefinedBehaviorSanitizer watch (make sanitized). Those that send what is
# strange, and those in which memory changes hands; the library makes a test fail
# when a sanitizer complains.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SVB::Proc;
use SVB::Temp;
use Test::More;

my $module = "$FindBin::Bin/../.build/san/mod_servoy_balancer.so";
ok -e $module, 'there is a sanitized module' or BAIL_OUT('say: make -f Makefile.apxs sanitized');

my @names = qw(100-routing 120-launch 121-launch-hostile 123-rewrite 126-launch-target
    127-launch-refused 128-rewrite-http 129-rewrite-nodes 301-actions 306-safe-to-stop
    307-actions-survive 308-node-script 309-close 310-manager-query 362-server-status 400-rounds);
my $dir = SVB::Temp->dir('said');

sub start {
    my ($name) = @_;
    return SVB::Proc->spawn(name => $name, out => "$dir/$name", death => 'TERM',
        env => { SVB_SANITIZE => 1, SVB_PATIENCE => 3 },
        cmd => [ $^X, "-I$FindBin::Bin/lib", "$FindBin::Bin/$name.t" ]);
}

# Two at a time: much of it is waiting.
my @running = map { start($_) } @names[ 0, 1 ];
for my $i (0 .. $#names) {
    my $status = $running[$i]->wait(600) // $running[$i]->stop;
    push @running, start($names[ @running ]) if @running < @names;
    my $output = SVB::Temp->read_file("$dir/$names[$i]");
    ok $status == 0 && $output =~ /^1\.\.[1-9]/m, $names[$i] or diag $output;
}
done_testing;
