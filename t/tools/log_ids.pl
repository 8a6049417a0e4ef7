#!/usr/bin/perl
# Log ids: each is used for one message; the man page has all that are logged
# at level notice or worse, with their levels, and none that is not there.
#
#   log_ids.pl [tree]    say what is wrong; exit 1 if anything is
use strict;
use warnings;

my $tree = $ARGV[0] // '.';
my %word = (
    EMERG => 'emerg', ALERT => 'alert', CRIT => 'crit', ERR => 'error', WARNING => 'warn',
    NOTICE => 'notice', INFO => 'info', DEBUG => 'debug');
my $wrong = 0;

sub wrong { print "@_\n"; $wrong = 1; return }

sub slurp {
    my ($file) = @_;
    open my $in, '<', $file or die "$file: $!\n";
    local $/ = undef;
    return scalar <$in>;
}

# The layout is clang-format's: an id may be on the line behind SVB_LOGNO, and
# the level some lines before it. Both are in one statement.
my (%places, %levels);
for my $file (sort glob "$tree/*.c $tree/src/*.c $tree/src/*/*.c") {
    my $text = slurp($file);
    while ($text =~ /\bSVB_LOGNO\s*\(\s*(\w+)\s*\)/g) {
        my ($id, $before) = ($1, substr $text, 0, $-[0]);
        my $line = 1 + ($before =~ tr/\n//);
        push @{ $places{$id} }, "$file:$line";
        my ($statement) = $before =~ /([^;{}]*)\z/;
        $levels{$id}{ $word{$1} } = 1
            while $statement =~ /\bAPLOG_(EMERG|ALERT|CRIT|ERR|WARNING|NOTICE|INFO|DEBUG)\b/g;
        wrong("$file:$line: id $id is not four digits") if $id !~ /\A\d{4}\z/;
        wrong("$file:$line: no level stands before id $id") if !$levels{$id};
    }
}
for my $id (sort keys %places) {
    wrong("id $id is used more than once: @{ $places{$id} }") if @{ $places{$id} } > 1;
}

my %told;
my $page = 'conf/man/mod_servoy_balancer.8.pod';
my $manual = slurp("$tree/$page");
for ($manual =~ /^=item B<(SVB\d.*)$/mg) {
    my ($ids, $levels) = split /> /;
    my @ids = $ids =~ /SVB(\d+)/g;
    $told{$_}++ for @ids;
    my %is = map { $_ => 1 } map { keys %{ $levels{$_} // {} } } @ids;
    my ($is, $says) = map { join ', ', sort @$_ } [ keys %is ], [ $levels =~ /\w+/g ];
    wrong("$page: the level of $ids is $is, not $says") if $is ne $says;
}
for my $id (sort { $a <=> $b } keys %told) {
    wrong("$page: id $id is in the list more than once") if $told{$id} > 1;
}
for my $id ($manual =~ /SVB(\d+)/g) {
    wrong("$page: there is no message with id $id") if !$places{$id};
}
for my $id (sort keys %places) {
    my @grave = grep { !/\A(?:info|debug)\z/ } keys %{ $levels{$id} // {} };
    wrong("$page: id $id (@grave) is not in the list") if @grave && !$told{$id};
}
exit $wrong;
