#!/usr/bin/env perl
# Licensed under the Apache License, Version 2.0; see LICENSE.
#
# Checks Prometheus text exposition 0.0.4 on stdin: the syntax, and the rules
# that "promtool check metrics" has. Says what is wrong, line by line, and exits
# with 1; with nothing to say it exits with 0.
#
#     curl -s 'http://localhost/servoy-manager?format=prometheus' |
#         check_metrics.pl

use strict;
use warnings;

my (%help, %type, %series, %ended, @wrong);
my $current = '';    # the family that the lines belong to
my $samples = 0;

sub wrong { push @wrong, "line $.: $_[0]"; return }

# The family a sample belongs to: histograms and summaries have suffixes.
sub family_of {
    my ($name) = @_;
    return $name if exists $type{$name};
    if ($name =~ /^(.*)_(?:bucket|sum|count)$/ && exists $type{$1}
        && $type{$1} =~ /^(?:histogram|summary)$/) {
        return $1;
    }
    return $name;
}

sub enter {
    my ($family) = @_;
    return if $family eq $current;
    $ended{$current} = 1;
    wrong("family $family is not in one piece") if $ended{$family};
    $current = $family;
    return;
}

sub check_help {
    my ($name, $text) = @_;
    wrong("second HELP for $name") if defined $help{$name};
    wrong("HELP for $name is empty") if $text !~ /\S/;
    wrong("HELP for $name has a bad escape")
        if $text !~ /^(?:[^\\]|\\[\\n])*$/;
    $help{$name} = $text;
    return enter($name);
}

sub check_type {
    my ($name, $kind) = @_;
    wrong("second TYPE for $name") if defined $type{$name};
    wrong("unknown type '$kind' of $name")
        if $kind !~ /^(?:counter|gauge|histogram|summary|untyped)$/;
    wrong("counter $name does not end in _total")
        if $kind eq 'counter' && $name !~ /_total$/;
    wrong("$kind $name ends in _total")
        if $kind ne 'counter' && $name =~ /_total$/;
    wrong("$kind $name ends like part of a histogram")
        if $kind =~ /^(?:counter|gauge)$/ && $name =~ /_(?:bucket|sum|count)$/;
    wrong("$name is not in lower_snake_case") if $name !~ /^[a-z][a-z0-9_]*$/;
    wrong("$name names its type") if $name =~ /_(?:gauge|counter|summary)\b/;
    wrong("$name uses an abbreviated or non-base unit")
        if $name =~ /_(?:ms|msecs?|milliseconds|secs|minutes|hours|days
                        |kb|kib|mb|mib|gb|kilobytes|megabytes|percent)(?:_|$)/x;
    wrong("TYPE of $name comes after its samples") if $series{"\0$name"};
    $type{$name} = $kind;
    return enter($name);
}

# Returns the labels in a canonical order, or undef.
sub labels_of {
    my ($text) = @_;
    my %label;
    while (length $text) {
        if ($text !~ s/^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\[\\"n])*)"//) {
            wrong("bad label at: $text");
            return;
        }
        my ($name, $value) = ($1, $2);
        wrong("label $name is there twice") if exists $label{$name};
        wrong("label $name is reserved") if $name =~ /^__/;
        my $copy = $value;
        wrong("label $name is not valid UTF-8") if !utf8::decode($copy);
        wrong("label $name has a control character") if $value =~ /[\0-\x1f]/;
        $label{$name} = $value;
        last if $text eq '';
        if ($text !~ s/^,//) {
            wrong("no comma at: $text");
            return;
        }
    }
    return join ',', map { "$_=\"$label{$_}\"" } sort keys %label;
}

sub check_sample {
    my ($name, $labels, $value, $time) = @_;
    my $family = family_of($name);
    enter($family);
    wrong("sample of $name without TYPE") if !defined $type{$family};
    wrong("sample of $name without HELP") if !defined $help{$family};
    wrong("bad value '$value' of $name")
        if $value !~ /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/
        && $value !~ /^(?:NaN|[+-]?Inf)$/;
    wrong("counter $name is negative")
        if ($type{$family} // '') eq 'counter' && $value =~ /^-/;
    wrong("bad timestamp '$time'") if defined $time && $time !~ /^-?\d+$/;
    my $canonical = labels_of($labels // '');
    if (defined $canonical) {
        wrong("second sample of $name\{$canonical}")
            if $series{"$name\{$canonical}"}++;
    }
    $series{"\0$family"} = 1;
    $samples++;
    return;
}

binmode STDIN;
my $last = "\n";
while (my $line = <STDIN>) {
    $last = $line;
    chomp $line;
    my $name = qr/[a-zA-Z_:][a-zA-Z0-9_:]*/;
    if ($line eq '') {
        next;
    }
    elsif ($line =~ /^# HELP ($name) (.*)$/) {
        check_help($1, $2);
    }
    elsif ($line =~ /^# TYPE ($name) (\S+)$/) {
        check_type($1, $2);
    }
    elsif ($line =~ /^#\s*(?:HELP|TYPE)\b/) {
        wrong("malformed: $line");
    }
    elsif ($line =~ /^#/) {
        next;
    }
    elsif ($line =~ /^($name)(?:\{((?:[^"\}]|"(?:[^"\\]|\\.)*")*)\})?
                     [ ](\S+)(?:[ ](\S+))?$/x) {
        check_sample($1, $2, $3, $4);
    }
    else {
        wrong("not a sample: $line");
    }
}
wrong('no newline at the end') if $last !~ /\n\z/;
wrong('there is nothing') if !%type && !$samples;
for my $family (sort keys %type) {
    wrong("TYPE of $family without HELP") if !defined $help{$family};
}
for my $family (sort keys %help) {
    wrong("HELP of $family without TYPE") if !defined $type{$family};
}
print STDERR "$_\n" for @wrong;
exit(@wrong ? 1 : 0);
