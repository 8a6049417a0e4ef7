package SVB::Shipped;

# The files of conf/, exactly as they are but for what a test has to replace.
#
#   my $text = shipped('servoy.conf', 'app1.internal' => '127.0.0.1', ...);
#
# Each replacement must apply; it does so everywhere.

use v5.32;
use warnings;

use Exporter qw(import);
use File::Basename qw(dirname);
use SVB::Temp;

our @EXPORT = qw(shipped);

my $folder = dirname(__FILE__) . '/../../../conf';

sub shipped {
    my ($file, @replace) = @_;
    my $text = SVB::Temp->read_file("$folder/$file");
    while (my ($from, $to) = splice @replace, 0, 2) {
        $text =~ s/\Q$from\E/$to/g or die "conf/$file: no $from\n";
    }
    return $text;
}

1;
