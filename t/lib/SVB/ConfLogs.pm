package SVB::ConfLogs;

# The logs as conf/servoy.conf has them.
#
#   conf => SVB::ConfLogs->lines . ...       # for SVB::Httpd; its log_level is yours
#   SVB::ConfLogs->lines_of($httpd);         # its access log: a hash for each line, with
#                                            # line, request, status, route, how, client, id

use v5.32;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use SVB::Temp;

my $conf = abs_path(dirname(__FILE__) . '/../../..') . '/conf/servoy.conf';

sub lines {
    my ($class) = @_;
    my ($part) = SVB::Temp->read_file($conf) =~ /^# --- logs -+\n(.*)/ms or die "$conf: no logs\n";
    $part =~ s{"/var/log/apache2/}{"\@ROOT\@/logs/}g;
    return join '', map { "$_\n" } grep { length && !/^#/ } split /\n/, $part;
}

sub text_of {
    my ($class, $httpd) = @_;
    return SVB::Temp->read_file($httpd->root . '/logs/servoy_access.log');
}

sub lines_of {
    my ($class, $httpd) = @_;
    my @lines;
    for my $line (split /\n/, $class->text_of($httpd)) {
        my ($request, $status) = $line =~ /"([^"]*)" (\d+) / or next;
        push @lines, { line => $line, request => $request, status => $status,
            $line =~ /(\w+)=(\S+)/g };
    }
    return @lines;
}

1;
