#!/usr/bin/perl
# Which of our files include which: only downward, as drawn here.
#
#   front door          mod_servoy_balancer.c
#   what httpd asks     launch, maintenance, manager, watchdog   (not each other)
#   the method          lbmethod, view, answer, checks, persist, rewind, probe, rewrite
#   a request           learn, decide; smart, elect; request; front
#   state               admin; members; table; shm
#   configuration       model; config; value
#   pure                svb_*
use strict;
use warnings;

my @layers = (
    [qr/^mod_servoy_balancer$/],
    [qr/^mod_svb_(launch|maintenance|manager|watchdog)$/],
    [qr/^mod_svb_(lbmethod|view|answer|checks|persist|rewind|probe|rewrite)$/],
    [qr/^mod_svb_(learn|decide)$/],
    [qr/^mod_svb_(smart|elect)$/],
    [qr/^mod_svb_request$/],
    [qr/^mod_svb_front$/],
    [qr/^mod_svb_admin$/],
    [qr/^mod_svb_members$/],
    [qr/^mod_svb_table$/],
    [qr/^mod_svb_shm$/],
    [qr/^mod_svb_model$/],
    [qr/^mod_svb_config$/],
    [qr/^mod_svb_value$/],
    [qr/^mod_svb$/],
    [qr/^svb_/],
);

sub layer {
    my ($name) = @_;
    for my $i (0 .. $#layers) {
        return $i if $name =~ $layers[$i][0];
    }
    die "$name is in no layer: draw it in $0\n";
}

my $wrong = 0;
for my $file (@ARGV) {
    my ($name) = $file =~ m{([^/]+)\.[ch]$} or next;
    open my $in, '<', $file or die "$file: $!\n";
    while (<$in>) {
        my ($header) = /^#include "([^"]+)\.h"/ or next;
        next if $header eq $name || $header eq 'mod_servoy_balancer';
        my ($from, $to) = (layer($name), layer($header));
        next if $to > $from || ($from == $to && $from == $#layers);
        print "$file:$.: $name must not include $header\n";
        $wrong = 1;
    }
}
exit $wrong;
