# The directives that the module knows, its man pages and README: none of them tells of
# another one, or of another place. And the packages are of this version.

use v5.32;
use warnings;

use Cwd qw(abs_path);
use FindBin;
use Test::More;

use SVB::Httpd;
use SVB::Temp;

my $tree = abs_path("$FindBin::Bin/..");
sub text { SVB::Temp->read_file("$tree/$_[0]") }

my $source = text('src/config/mod_directives.c');
my @known = sort $source =~ /AP_INIT_\w+\("(Servoy\w+)"/g;
cmp_ok scalar @known, '>', 20, 'the module knows directives';

my ($reference, $handbook) = map { text("conf/man/$_.pod") }
    qw(mod_servoy_balancer.8 servoy-operation.7);
my %place = $reference =~ /^=item B<(Servoy\w+)[^\n]*>\n\nContext: (\w+); default: \S/mg;
is_deeply [ sort keys %place ], \@known, 'the manual tells of each';
my %is_known = map { $_ => 1 } @known;
is_deeply [ grep { !$is_known{$_} } map { /\b(Servoy[A-Z]\w+)/g } $reference, $handbook,
    text('README') ], [], 'and neither it nor the others of any that is not there';

# What httpd says where one stands that belongs elsewhere.
my %elsewhere = (
    balancer => [ '%s x', qr/belongs into its <Proxy/ ],
    location => [ '%s x', qr/belongs into the <Location>/ ],
    server => [ "<Location />\n%s x\n</Location>", qr/belongs outside of all sections/ ]);
for my $name (sort keys %place) {
    my ($conf, $said) = @{ $elsewhere{ $place{$name} } };
    my ($code, $output) = SVB::Httpd->new(conf => sprintf $conf, $name)->configtest;
    like $output, $said, "$name: $place{$name}";
}

my ($smallest) = $reference =~ m{^(    <Proxy "balancer://servoy">\n.*?^    </Location>\n)}ms;
is join(' ', SVB::Httpd->new(conf => $smallest)->configtest), "0 Syntax OK\n",
    'the configuration of the synopsis is good';

my ($version) = text('mod_servoy_balancer.h') =~ /VERSION "(.*)"/;
like text('debian/changelog'), qr/^\S+ \(\Q$version\E(?:\+\d+)?-\d+\) /, "Debian packages of $version";
like text('conf/rpm/mod_servoy_balancer.spec'), qr/^Version: +\Q$version\E$/m, 'and the RPM';

done_testing;
