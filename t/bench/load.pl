#!/usr/bin/perl
# What front ends cost before light nodes: processor time, throughput and latency, by wrk.
# All that are compared are there at the same time and are asked in turn, in one round
# from the first to the last, in the next one backwards; printed are medians over rounds,
# ratios being taken within a round.
#
#   perl t/bench/load.pl          # 12 minutes
#   PARTS=load LOADS=sticky MEMBERS="2 16" FRONTS="balancer servoy" perl t/bench/load.pl
#
# PARTS of "load table memory probes start processes":
#   load       LOADS (sticky: users with sessions; new: users without; launch: Smart
#              Clients', which are redirected) at MEMBERS ("2 16 64 256") of FRONTS (see
#              SVB::FrontEnd; those that speak HTTP to the nodes are compared with
#              'balancer http'; launches, of which no node hears, only of those that can
#              answer them so), in ROUNDS (5) of SECONDS (1) with CONNECTIONS (16)
#   table      sticky with a million clients in the table, and with a thousand
#   memory     of all processes, 3 nodes, default table
#   probes     processor time while nobody asks for anything
#   start      and stop, with TABLES ("1000000 16000000") clients
#   processes  the table alone, looked up by one process, and by two
#
# Needs wrk for load and table. What is not installed is named and not measured.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use List::Util qw(max sum0);
use SVB::FrontEnd;
use SVB::Httpd;
use SVB::LightNodes;
use SVB::Proc;
use SVB::Temp;
use SVB::Users qw($jnlp);
use Time::HiRes qw(sleep time);
use Time::Local qw(timelocal);

my $programs = "$FindBin::Bin/../../.build/bench";
my $rounds = $ENV{ROUNDS} // 5;
my $seconds = $ENV{SECONDS} // 1;
my $connections = $ENV{CONNECTIONS} // 16;
my @sizes = split ' ', $ENV{MEMBERS} // '2 16 64 256';
my %nodes;      # by what they speak

sub median { my @sorted = sort { $a <=> $b } @_; return $sorted[ @sorted / 2 ] }

sub nodes {
    my ($scheme) = @_;
    return $nodes{$scheme} //= SVB::LightNodes->new($scheme, max(@sizes, 16));
}

# Those of the names that are there; the others are named.
sub installed {
    my @names = @_;
    my %missing = map { $_ => SVB::FrontEnd->missing($_) } @names;
    say "not measured: $_, as $missing{$_} is not installed" for grep { $missing{$_} } @names;
    return grep { !$missing{$_} } @names;
}

sub wrk_is_there {
    return 1 if SVB::Proc->which('wrk');
    say 'not measured: wrk is not installed';
    return 0;
}

# --- wrk ---

# Requests of this many users, any of whom may come next; as Lua for wrk.
my %script = (
    sticky => sub {
        my ($members, $clients) = @_;
        return <<"END";
local text = "GET /page HTTP/1.1\\r\\nHost: localhost\\r\\n"
    .. "Cookie: JSESSIONID=%032X.n%d; ROUTE=n%d\\r\\n\\r\\n"
request = function()
    local user = math.random($clients) - 1
    return string.format(text, user, user % $members, user % $members)
end
END
    },
    new    => sub { 'wrk.path = "/new"' },
    launch => sub { qq(wrk.path = "$jnlp") },
);

sub script {
    my ($load, @about) = @_;
    return SVB::Temp->write_file(SVB::Temp->dir('wrk') . "/$load.lua", $script{$load}->(@about));
}

my %unit = (us => 0.001, ms => 1, s => 1000);
sub ms { my ($text) = @_; my ($n, $u) = $text =~ /([\d.]+)(\w+)/; return $n * $unit{$u} }

# One look at a front end: { cpu, rate, p50, p99 }, microseconds a request, a second, ms.
sub measure {
    my ($front, $script, $for) = @_;
    my $before = $front->microseconds;
    my $said = qx(wrk -t1 -c$connections -d${for}s --latency -s $script ${\ $front->url } 2>&1);
    my $spent = $front->microseconds - $before;
    my ($count) = $said =~ /(\d+) requests in/ or die "wrk: $said";
    die $front->name, ": $said" if $said =~ /Non-2xx|Socket errors/;
    return { cpu => $spent / $count, rate => $said =~ /Requests\/sec:\s+([\d.]+)/,
        map { ("p$_" => ms($said =~ /^\s+$_%\s+(\S+)/m)) } 50, 99 };
}

# Rounds of them all; the looks by front end.
sub compare {
    my ($script, @fronts) = @_;
    my @looks = map { [] } @fronts;
    measure($_, $script, 1) for @fronts;
    for my $round (1 .. $rounds) {
        my @order = $round % 2 ? 0 .. $#fronts : reverse 0 .. $#fronts;
        push @{ $looks[$_] }, measure($fronts[$_], $script, $seconds) for @order;
    }
    return @looks;
}

sub over_rounds { my ($what, $looks) = @_; return median(map { $_->{$what} } @$looks) }

# How one stands to another, round by round.
sub ratio {
    my ($looks, $others) = @_;
    return median(map { $looks->[$_]{cpu} / $others->[$_]{cpu} } 0 .. $#$looks);
}

# --- a table that has clients ---

# httpd's lines for a table of that capacity, which begins with so many clients.
sub table {
    my ($capacity, $clients, $members) = @_;
    my $file = SVB::Temp->dir('state') . '/state';
    system("$programs/save $capacity $clients $file $members >/dev/null") == 0
        or die "$programs/save: $?\n";
    return "ServoyClientTable $capacity\nServoyPersist $file\n";
}

my $manager = "<Location /servoy-manager>\nSetHandler servoy-manager\n</Location>\n";

sub has_clients {
    my ($front, $clients) = @_;
    my $there = sum0(split ' ', $front->httpd->manager->web('servoy'));
    return if abs($there - $clients) <= $clients / 1000;
    die "there are $there clients in the table instead of $clients\n";
}

# --- parts ---

sub start_all {
    my ($load, $members, @names) = @_;
    return map {
        SVB::FrontEnd->start($_, nodes => nodes(SVB::FrontEnd->speaks($_)), members => $members,
            launch => $load eq 'launch',
            conf => /^servoy/ ? table(1_000_000, 1000, $members) : '')
    } @names;
}

sub print_load {
    my ($load, $members, $fronts, $looks) = @_;
    my %by_name = map { ($fronts->[$_]->name => $looks->[$_]) } 0 .. $#$fronts;
    for my $i (0 .. $#$fronts) {
        my $name = $fronts->[$i]->name;
        my $stock = $by_name{ SVB::FrontEnd->speaks($name) eq 'http' && $load ne 'launch'
            ? 'balancer http' : 'balancer' };
        printf "%-7s %7d %-14s %7.1f %7s %9.0f %7.2f %7.2f\n", $load, $members, $name,
            over_rounds(cpu => $looks->[$i]),
            $stock ? sprintf('%.3f', ratio($looks->[$i], $stock)) : '-',
            map { over_rounds($_ => $looks->[$i]) } qw(rate p50 p99);
    }
    return;
}

sub part_load {
    return if !wrk_is_there();
    my @fronts = installed(split /\s*,\s*/, $ENV{FRONTS}
        // 'bare, balancer, servoy, mod_jk, balancer http, servoy http, haproxy, nginx');
    printf "%-7s %7s %-14s %7s %7s %9s %7s %7s\n", 'load', 'members', '', 'us/req', '/stock',
        'req/s', 'p50 ms', 'p99 ms';
    my @loads = split ' ', $ENV{LOADS} // 'sticky new launch';
    for my $members (@sizes) {
        for my $load (@loads) {
            my @names = $load eq 'launch' ? grep { !/http$|mod_jk/ } @fronts : @fronts;
            my @started = start_all($load, $members, @names);
            my $script = script($load, $members, 1000);
            print_load($load, $members, \@started, [ compare($script, @started) ]);
            $_->stop for @started;
        }
    }
    return;
}

sub part_table {
    return if !wrk_is_there();
    my $members = 16;
    my (@fronts, @looks);
    my @sizes = (1000, 1_000_000);
    for my $clients (@sizes) {
        push @fronts, SVB::FrontEnd->start('servoy', nodes => nodes('ajp'), members => $members,
            conf => table(1_000_000, $clients, $members) . $manager);
        has_clients($fronts[-1], $clients);
    }
    my @scripts = map { script('sticky', $members, $_) } @sizes;
    measure($fronts[$_], $scripts[$_], 1) for 0, 1;
    for my $round (1 .. 2 * $rounds) {
        push @{ $looks[$_] }, measure($fronts[$_], $scripts[$_], $seconds)
            for $round % 2 ? (0, 1) : (1, 0);
    }
    has_clients($fronts[$_], $sizes[$_]) for 0, 1;
    $_->stop for @fronts;
    printf "sticky, %d clients in the table: %.1f us a request; %d: %.1f us; ratio %.3f\n",
        map({ ($sizes[$_], over_rounds(cpu => $looks[$_])) } 0, 1), ratio($looks[1], $looks[0]);
    return;
}

sub part_memory {
    my (%private, %shared);
    for my $name (qw(balancer servoy)) {
        my $front = SVB::FrontEnd->start($name, nodes => nodes('ajp'), members => 3);
        my $client = $front->httpd->client(keepalive => 0, cookies => 0);
        $client->get('/new') for 1 .. 200;
        my $memory = $front->memory;
        $shared{$name} = $memory->{shared};
        $private{$name} = $memory->{total} - $memory->{shared};
        $front->stop;
    }
    printf "memory, 3 nodes: balancer %.1f MiB shared, %.1f of its processes' own; "
        . "servoy %+.1f, %+.1f\n", $shared{balancer} / 1024, $private{balancer} / 1024,
        ($shared{servoy} - $shared{balancer}) / 1024,
        ($private{servoy} - $private{balancer}) / 1024;
    return;
}

sub part_probes {
    my $for = 4;
    for my $members (@sizes) {
        my @fronts = map { SVB::FrontEnd->start($_, nodes => nodes('ajp'), members => $members,
            servoy => '') } qw(balancer servoy);
        sleep 1;        # let both come to rest
        my @before = map { $_->microseconds } @fronts;
        sleep $for;
        my @spent = map { ($fronts[$_]->microseconds - $before[$_]) / $for / 10_000 } 0, 1;
        printf "idle, %3d members: balancer %.2f %% of a processor, "
            . "servoy with its probes %.2f %%\n", $members, @spent;
        $_->stop for @fronts;
    }
    return;
}

# When httpd said that it had begun.
sub began {
    my ($httpd) = @_;
    my ($line) = grep { /resuming normal operations/ } split /^/, $httpd->error_log;
    my ($day, $h, $m, $s, $year) = $line =~ /^\[\w+ \w+ (\d+) (\d+):(\d+):([\d.]+) (\d+)\]/;
    my (undef, undef, undef, undef, $month) = localtime;
    return timelocal(int $s, $m, $h, $day, $month, $year) + $s - int $s;
}

# Seconds that a start and a stop take.
sub start_and_stop {
    my ($name, $conf) = @_;
    my $from = time;
    my $httpd = SVB::FrontEnd->start($name, nodes => nodes('ajp'), members => 8,
        conf => $conf)->httpd;
    my $start = began($httpd) - $from;
    sleep 0.5;          # children that have just begun end more slowly
    $from = time;
    kill TERM => $httpd->pid;
    sleep 0.002 while $httpd->alive;
    my $stop = time - $from;
    $httpd->stop;
    return ($start, $stop);
}

sub part_start {
    my @all = ([ 'balancer', '', 'no table' ], map { [ 'servoy', $_, "$_ clients" ] }
        split ' ', $ENV{TABLES} // '1000000 16000000');
    for my $one (@all) {
        my ($name, $clients, $words) = @$one;
        my @times = map { [ start_and_stop($name, $clients ? table($clients, $clients, 8) : '') ] }
            1 .. 3;
        printf "start %.2f s, stop %.2f s: %s, %s\n", (map {
            my $i = $_;
            median(map { $_->[$i] } @times)
        } 0, 1), $name, $words;
    }
    return;
}

sub part_processes {
    my %rate;
    for (1 .. 3) {
        my @rows = grep { $_->[0] == 1_000_000 } map { [ split ] } grep { /^\s*\d/ }
            qx($programs/table 1000000);
        push @{ $rate{ $_->[3] } }, $_->[-2] for @rows;
    }
    printf "table of a million, looked up by 1 process: %.1f million a second, by 2: x %.2f\n",
        median(@{ $rate{1} }), median(map { $rate{2}[$_] / $rate{1}[$_] } 0 .. 2);
    return;
}

my %part = (load => \&part_load, table => \&part_table, memory => \&part_memory,
    probes => \&part_probes, start => \&part_start, processes => \&part_processes);

-x "$programs/$_" or die "not built: make -f Makefile.apxs programs\n" for qw(save table);
$| = 1;
for my $name (split ' ', $ENV{PARTS} // 'load table memory probes start processes') {
    ($part{$name} // die "no part $name\n")->();
}
