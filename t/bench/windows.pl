#!/usr/bin/perl
# What an open WebSocket costs in a front end that does nothing with it: memory and
# threads, above what the front end has taken before the first one. Each of so many users
# comes to a page, which begins a session, and opens a window; all windows stay open and
# idle, while others load pages.
#
#   perl t/bench/windows.pl
#   WINDOWS=10000 FRONTS="servoy http" MPMS="worker event" perl t/bench/windows.pl
#
# WINDOWS ("1000 5000"); FRONTS ("balancer http, servoy http, haproxy, nginx", see
# SVB::FrontEnd); MPMS ("worker") of httpd, which is sized by conf/servoy-windows.conf as
# it is. What is not installed is named and not measured.
#
# s: seconds until all were open. answered: windows that brought a message back, once
# all were. MiB: PSS of all processes after that; KiB: of it a window, above what there was
# before the first one. threads: of all processes; the kernel has 16 KiB for each besides.
# pages: of 500 that were loaded beside the windows (each on a new connection), how many
# came, and the median and the slowest of them in milliseconds.

use v5.32;
use warnings;

use Cwd qw(abs_path);
use FindBin;
use lib "$FindBin::Bin/../lib";

use IPC::Open2;
use SVB::Client;
use SVB::FrontEnd;
use SVB::LightNodes;
use SVB::Temp;
use Time::HiRes qw(time);

my $tree = abs_path("$FindBin::Bin/../..");
my $members = 16;
my $pages = 500;
my $nodes = SVB::LightNodes->new('http', $members);

sub start {
    my ($name, $mpm, $windows) = @_;
    return SVB::FrontEnd->start($name, nodes => $nodes, members => $members, mpm => $mpm,
        words => 'upgrade=websocket', connections => $windows + 1000,
        conf => "Include $tree/conf/servoy-windows.conf\n");
}

# Those that are asked for once all windows are open: how many came, seconds of each.
sub load_pages {
    my ($front) = @_;
    my $client = SVB::Client->new(url => $front->url, timeout => 5, cookies => 0);
    my ($came, @took) = (0);
    for (1 .. $pages) {
        my $from = time;
        $came += $client->get('/new')->status == 200;
        push @took, time - $from;
    }
    @took = sort { $a <=> $b } @took;
    return ($came, $took[ @took / 2 ] * 1000, $took[-1] * 1000);
}

sub measure {
    my ($name, $mpm, $windows) = @_;
    my $front = start($name, $mpm, $windows);
    load_pages($front);
    my $before = $front->memory->{total};
    my $from = time;
    my $pid = open2(my $said, my $ask, "$tree/.build/tools/windows", $front->port, $windows);
    my ($open) = <$said> =~ /^open (\d+)/;
    my $took = time - $from;
    my @pages = load_pages($front);
    syswrite $ask, "\n";
    my ($answered) = <$said> =~ /^answered (\d+)/;
    my $after = $front->memory->{total};
    printf "%7d %-14s %-6s %6d %5.1f %8d %6.0f %6.1f %7d  %d/%d %.1f %.0f\n", $windows, $name,
        $mpm, $open, $took, $answered, $after / 1024, ($after - $before) / $windows,
        $front->threads, $pages[0], $pages, @pages[ 1, 2 ];
    close $ask;
    waitpid $pid, 0;
    $front->stop;
    return;
}

$| = 1;
my @fronts = split /\s*,\s*/, $ENV{FRONTS} // 'balancer http, servoy http, haproxy, nginx';
my @mpms = split ' ', $ENV{MPMS} // 'worker';
printf "%7s %-14s %-6s %6s %5s %8s %6s %6s %7s  %s\n", 'windows', '', 'MPM', 'open', 's',
    'answered', 'MiB', 'KiB', 'threads', 'pages';
for my $windows (split ' ', $ENV{WINDOWS} // '1000 5000') {
    for my $name (@fronts) {
        my $missing = SVB::FrontEnd->missing($name);
        if ($missing) {
            say "not measured: $name, as $missing is not installed";
            next;
        }
        for my $mpm ($name =~ /http$/ ? @mpms : '-') {
            eval { measure($name, $mpm, $windows); 1 }
                or print "not measured: $name with $windows windows: $@";
        }
    }
}
