#!/usr/bin/perl
# What a request costs in httpd: instructions from its first byte to its last, by
# callgrind, of one process (prefork) before two real nodes. What goes on meanwhile, such
# as probes, is not in it.
#
#   perl t/bench/requests.pl                     # lbmethod=byrequests, and this module
#   perl t/bench/requests.pl other.so .build/mod_servoy_balancer.so
#
# Needs valgrind, and measures nothing without. REQUESTS=n of each kind (200).

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use List::Util qw(sum0);
use SVB::Fleet;
use SVB::Httpd;
use SVB::Temp;
use SVB::Users qw($page);

my $count = $ENV{REQUESTS} // 200;

if (!grep { -x "$_/valgrind" } split /:/, $ENV{PATH}) {
    say 'not measured: valgrind is not installed';
    exit;
}
my $fleet = SVB::Fleet->start(2);

# Instructions within requests that were counted in this folder's files.
sub collected {
    my ($dir) = @_;
    return sum0 map { SVB::Temp->read_file($_) =~ /^(?:summary|totals): (\d+)/m ? $1 : 0 }
        glob "$dir/out.*";
}

# A front end, what is asked of it, counted: instructions per request.
sub measure {
    my ($module, $scheme, $ask) = @_;
    local $ENV{SVB_MODULE} = $module if $module;
    my $dir = SVB::Temp->dir('callgrind');
    chmod 01777, $dir;         # the children are another user's
    my $httpd = SVB::Httpd->new(mpm => 'prefork', processes => 1,
        servoy => $module ? 1 : 0,
        under => [ qw(valgrind --quiet --tool=callgrind --toggle-collect=ap_process_async_request),
            "--callgrind-out-file=$dir/out.%p", '--trace-children=yes' ],
        conf => $fleet->conf(scheme => $scheme, lbmethod => $module ? 'servoy' : 'byrequests'))
        ->start;
    my $number = $ask->($httpd);
    $httpd->stop;
    return collected($dir) / $number;
}

# The same user again and again; the first of them is one more, which counts little.
sub known {
    my ($httpd) = @_;
    my $user = $httpd->client(timeout => 60);
    $user->get($page)->status == 200 or die "no page\n" for 0 .. $count;
    return $count + 1;
}

sub new_ones {
    my ($httpd) = @_;
    $httpd->client(timeout => 60)->get($page)->status == 200 or die "no page\n" for 1 .. $count;
    return $count;
}

my @modules = @ARGV ? @ARGV : $ENV{SVB_MODULE} // '.build/mod_servoy_balancer.so';
my %kinds = ('known user' => \&known, 'new client' => \&new_ones);
for my $scheme (qw(ajp http)) {
    for my $kind (sort keys %kinds) {
        my $stock = measure(undef, $scheme, $kinds{$kind});
        printf "%-4s %-10s %8.0f instructions  byrequests\n", $scheme, $kind, $stock;
        for my $module (@modules) {
            my $ours = measure($module, $scheme, $kinds{$kind});
            printf "%-4s %-10s %8.0f instructions  %+5.1f %%  %s\n", $scheme, $kind, $ours,
                100 * ($ours / $stock - 1), $module;
        }
    }
}
$fleet->stop;
