#!/usr/bin/perl
# What a request costs in httpd, above a bare ProxyPass (a launch: above a bare Redirect),
# in instructions from its first byte to its last, by callgrind. One process (prefork)
# before light AJP nodes; what goes on meanwhile, such as probes, is not in it.
#
#   perl t/bench/cost.pl                      # the usual: this build of the module
#   perl t/bench/cost.pl other.so .build/mod_servoy_balancer.so
#
# sticky: a user who has a session. new: one without. launch: a Smart Client's. Beside
# the module stands what would do it otherwise: mod_proxy_balancer (byrequests,
# stickysession), and for launches mod_rewrite with a random map.
#
# Needs valgrind, and measures nothing without. REQUESTS=n of each (200), MEMBERS="2 64".

use v5.32;
use warnings;

use Cwd qw(abs_path);
use FindBin;
use lib "$FindBin::Bin/../lib";

use List::Util qw(sum0);
use SVB::FrontEnd;
use SVB::Httpd;
use SVB::LightNodes;
use SVB::Temp;
use SVB::Users qw($jnlp);

my $count = $ENV{REQUESTS} // 200;
my @sizes = split ' ', $ENV{MEMBERS} // '2 64 256';
my $least = 50;     # requests until all is as it will be

if (!grep { -x "$_/valgrind" } split /:/, $ENV{PATH}) {
    say 'not measured: valgrind is not installed';
    exit;
}
my ($most) = sort { $b <=> $a } @sizes;
my $nodes = SVB::LightNodes->new('ajp', $most);

sub conf {
    my ($name, $members, $load) = @_;
    return SVB::FrontEnd->conf($name, nodes => $nodes, members => $members,
        launch => $load eq 'launch');
}

my %ask = (
    sticky => sub { [ '/page', 200, ['Cookie: JSESSIONID=0A1B2C3D4E5F60718293A4B5C6D7E8F9.n1'] ] },
    new    => sub { [ '/new', 200, [] ] },
    launch => sub { [ $jnlp, 302, [] ] },
);

# A front end, asked so many times: instructions in all of it.
sub run {
    my ($module, $conf, $load, $number) = @_;
    local $ENV{SVB_MODULE} = abs_path($module) if $module;
    my $dir = SVB::Temp->dir('callgrind');
    chmod 01777, $dir;         # the children are another user's
    my $httpd = SVB::Httpd->new(mpm => 'prefork', processes => 1, servoy => $module ? 1 : 0,
        modules => [qw(alias rewrite)], log_level => 'warn',
        under => [ qw(valgrind --quiet --tool=callgrind --toggle-collect=ap_process_async_request),
            "--callgrind-out-file=$dir/out.%p", '--trace-children=yes' ],
        conf => "MaxKeepAliveRequests 0\nKeepAliveTimeout 60\n$conf")->start;
    sleep 2;     # the first round of probes is over
    my $client = $httpd->client(timeout => 60, keepalive => 1, cookies => 0);
    my ($target, $status, $headers) = @{ $ask{$load}->() };
    for (1 .. $number) {
        my $r = $client->get($target, headers => $headers);
        $r->status == $status or die "$load: ", $r->status, ' ', $r->error, "\n";
    }
    undef $client;
    $httpd->stop;
    return sum0 map { SVB::Temp->read_file($_) =~ /^(?:summary|totals): (\d+)/m ? $1 : 0 }
        glob "$dir/out.*";
}

sub per_request {
    my @what = @_;
    return (run(@what, $least + $count) - run(@what, $least)) / $count;
}

my @modules = @ARGV ? @ARGV : $ENV{SVB_MODULE} // '.build/mod_servoy_balancer.so';
printf "%-7s %7s %9s", 'load', 'members', 'stock';
printf '  %s', $_ for @modules;
say "\n" . ' ' x 16 . 'thousands of instructions above bare';
for my $load (split ' ', $ENV{LOADS} // 'sticky new launch') {
    my $bare = per_request(undef, conf('bare', 1, $load), $load);
    printf "%-7s %7s %9.1f\n", $load, 'bare', $bare / 1000;
    for my $members (@sizes) {
        my @cost = (per_request(undef, conf('balancer', $members, $load), $load),
            map { per_request($_, conf('servoy', $members, $load), $load) } @modules);
        printf "%-7s %7d %9.1f", $load, $members, ($cost[0] - $bare) / 1000;
        printf '  %*.1f', length $modules[ $_ - 1 ], ($cost[$_] - $bare) / 1000 for 1 .. $#cost;
        say '';
    }
}
