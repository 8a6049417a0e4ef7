# The directives that the module knows, its manual and README: none of them tells of
# another one, or of another place or default. And the packages are of this version.

use v5.32;
use warnings;

use Cwd qw(abs_path);
use FindBin;
use Test::More;

use SVB::Temp;

my $tree = abs_path("$FindBin::Bin/..");
sub text { SVB::Temp->read_file("$tree/$_[0]") }

my %place = (PROXY_CONF => 'balancer', RSRC_CONF => 'server', ACCESS_CONF => 'location');
my %known;
my $source = text('src/config/mod_directives.c');
$known{$1} = $place{$2} while $source =~ /AP_INIT_\w+\(\s*"(Servoy\w+)"[^;]*?\b([A-Z]+_CONF)\b/g;
cmp_ok scalar keys %known, '>', 20, 'the module knows directives';

# name => [place, default]
my %manual;
my $page = text('conf/mod_servoy_balancer.8');
while ($page =~ /^\.It Ic (Servoy\w+).*\n\.D1 In: (\w+)\. Default: (.*)$/mg) {
    my ($name, $where, $default) = ($1, $2, $3);
    $manual{$name} = [ $where, $default =~ s/\\e/\\/gr ];
}
is_deeply { map { $_ => $manual{$_}[0] } keys %manual }, \%known,
    'the manual tells of each, and where it stands';

# Rows of a table, if it has one: | `Name arguments` | place | `default` | ... |
my $readme = text('README');
my %row;
for (grep { /^\| `Servoy/ } split /\n/, $readme) {
    my (undef, $what, $where, $default) = map { s/^ | $//gr =~ s/`|\\(?=\|)//gr } split /(?<!\\)\|/;
    $row{ $what =~ s/ .*//r } = [ $where, $default ];
}
is_deeply \%row, { map { $_ => $manual{$_} } keys %row }, 'README says the same where it does';
is_deeply [ grep { !$known{$_} } $readme =~ /\b(Servoy[A-Z]\w+)/g ], [], 'and tells of no others';
SKIP: {
    skip 'README leaves the directives to the manual', 1
        if !%row && $readme =~ /mod_servoy_balancer\(8\)/;
    is_deeply [ sort keys %row ], [ sort keys %known ], 'README tells of each';
}

my ($version) = text('mod_servoy_balancer.h') =~ /VERSION "(.*)"/;
like text('debian/changelog'), qr/^\S+ \(\Q$version\E(?:\+\d+)?-\d+\) /, "Debian packages of $version";
like text('conf/rpm/mod_servoy_balancer.spec'), qr/^Version: +\Q$version\E$/m, 'and the RPM';

done_testing;
