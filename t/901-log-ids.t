#!/usr/bin/perl
# What lint says of log ids: of this tree nothing, of made-up ones what is wrong
# in them, however the formatter has broken the lines.
use strict;
use warnings;
use Test::More;
use File::Temp;
use FindBin;

my $tool = "$FindBin::Bin/tools/log_ids.pl";
my $page = 'conf/man/mod_servoy_balancer.8.pod';

# What the tool prints of a tree with this source and these items in the man page.
sub said {
    my ($source, @rows) = @_;
    my $tree = File::Temp->newdir;
    mkdir "$tree/$_" or die "$tree/$_: $!" for qw(src src/room conf conf/man);
    my %file = (
        'src/room/mod_one.c' => $source,
        'src/mod_two.c' => qq{void two(void)\n{\n    say(APLOG_DEBUG, SVB_LOGNO(0009) "two");\n}\n},
        $page => join '', map { '=item B<' . s/ \| /> (/r . ")\n\nIt.\n\n" } @rows);
    for my $name (keys %file) {
        open my $out, '>', "$tree/$name" or die "$name: $!";
        print {$out} $file{$name};
        close $out or die "$name: $!";
    }
    my $output = qx{"$^X" "$tool" "$tree"};
    return ($? >> 8, $output =~ s/\Q$tree\E\///gr);
}

my $good = <<'C';
void one(int n)
{
    problem(
        n ? APLOG_WARNING : APLOG_ERR,
        SVB_LOGNO(
            0001) "one");
    log_it(APLOG_MARK, APLOG_INFO, 0, SVB_LOGNO(0002) "two; {three}");
}
C
my @rows = ('SVB0001 | error, warn', 'SVB0002, SVB0009 | info, debug');

is_deeply [ said($good, @rows) ], [ 0, '' ], 'nothing is wrong with what is right';
is_deeply [ said($good, $rows[0]) ], [ 0, '' ], 'what is not grave may be left out';

my @bad = (
    'twice, once broken over two lines' => [ $good =~ s/0002/0001/r, @rows ],
        qr{^id 0001 is used more than once: src/room/mod_one\.c:5 src/room/mod_one\.c:7$}m,
    'twice, both broken over two lines' => [ $good =~ s/LOGNO\(0002\)/LOGNO(\n    0001\n )/r,
        @rows ],
        qr{^id 0001 is used more than once: }m,
    'twice, in two files' => [ $good =~ s/LOGNO\(0002\)/LOGNO(\n0009)/r, @rows ],
        qr{^id 0009 is used more than once: src/mod_two\.c:3 src/room/mod_one\.c:7$}m,
    'not four digits' => [ $good =~ s/0002/12/r, @rows ],
        qr{mod_one\.c:7: id 12 is not four digits}m,
    'without a level' => [ $good =~ s/APLOG_INFO/level/r, @rows ],
        qr{mod_one\.c:7: no level stands before id 0002}m,
    'grave, and not in the man page' => [ $good, $rows[1] ],
        qr{^\Q$page\E: id 0001 \(.*\) is not in the list$}m,
    'in the man page, and nowhere else' => [ $good, @rows, 'SVB0003 | info' ],
        qr{^\Q$page\E: there is no message with id 0003$}m,
    'twice in the man page' => [ $good, @rows, $rows[0] ],
        qr{^\Q$page\E: id 0001 is in the list more than once$}m,
    'of another level there' => [ $good, 'SVB0001 | error', $rows[1] ],
        qr{^\Q$page\E: the level of SVB0001 is error, warn, not error$}m,
);
while (my ($name, $arguments, $wanted) = splice @bad, 0, 3) {
    my ($code, $output) = said(@$arguments);
    is $code, 1, "$name: found";
    like $output, $wanted, "$name: said";
}

my $output = qx{cd "$FindBin::Bin/.." && "$^X" "$tool"};
is "$? $output", '0 ', 'nothing is wrong with this tree';

done_testing;
