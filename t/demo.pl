#!/usr/bin/perl
# The demo: three real nodes and an httpd with the module in front of them, until
# Ctrl-C or for DEMO_SECONDS. With FRONTS=2, or more, so many httpds, and a store by
# which they share what they know. Usage: make -f Makefile.apxs demo

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SVB::Fleet;
use SVB::Httpd;
use SVB::Proc;
use SVB::Redis;
use SVB::Temp;
use Time::HiRes qw(time);

$| = 1;
my $stopping = 0;
$SIG{$_} = \&stop for qw(INT TERM HUP);

my $ok = eval { run(); 1 };
my $reason = $@;
if (!$ok) {
    SVB::Proc->end_all;
    print STDERR "\n$reason\nThe demo failed; everything it had started is stopped.\n";
    exit 1;
}
stop();

sub run {
    my $fronts = $ENV{FRONTS} || 1;
    $fronts =~ /^[1-9]$/ or die "FRONTS=$fronts: from 1 to 9\n";
    say 'Starting three nodes (each a Tomcat) and ',
        $fronts > 1 ? "$fronts httpds, with a store …" : 'an httpd …';
    my $fleet = SVB::Fleet->start(3, window_seconds => 60);
    my $store = $fronts > 1 ? SVB::Redis->start : undef;
    my @httpds = map { front($fleet, $store, "fe$_") } 1 .. $fronts;
    explain($fleet, $store, @httpds);
    watch($fleet, @httpds);
    $_->alive ? $_->stop : $_->kill for @httpds;
    return;
}

# An httpd, and where there is a store what it needs for that.
sub front {
    my ($fleet, $store, $name) = @_;
    my $conf = $fleet->conf(manager => 'ServoyManagerActions on');
    return SVB::Httpd->new(conf => $conf)->start if !$store;
    state $key = SVB::Temp->write_file(SVB::Temp->dir('key') . '/key',
        join('', map { sprintf '%02x', rand 256 } 1 .. 16));
    chmod 0600, $key;
    my $url = 'redis://127.0.0.1:' . $store->port;
    return SVB::Httpd->new(redis => 1, conf => <<"END")->start;
ServoySharedStore $url name=demo
ServoySharedKey $key
ServoyFrontEnd $name
$conf
END
}

sub explain {
    my ($fleet, $store, $httpd, @others) = @_;
    my $front = $httpd->url;
    my ($one) = $fleet->nodes;
    my $pid = $one->pid;
    print "\nOpen in a browser (on this machine; all of it listens on 127.0.0.1 only):\n\n",
        table(
            [ "$front/servoy-manager",                    'the manager: nodes and their clients' ],
            [ "$front/servoy-webclient/ss/s/crm",         'Web Client: stays on its node' ],
            [ "$front/solutions/crm/index.html",          'NGClient: so does its WebSocket' ],
            [ "$front/servoy-client/crm.jnlp?m=open&a=1", 'launch of a Smart Client' ]),
        "Each private window is a client of its own; the manager counts it. Or in a shell:\n\n",
        table(
            [ "for i in 1 2 3 4 5 6; do curl -sI '$front/servoy-webclient/' | grep X-Node; done" ],
            [ "curl -si '$front/servoy-client/crm.jnlp?m=open' | grep Location" ]),
        "The nodes, as clients reach them directly:\n\n",
        table(map { [ $_->name . '  ' . $_->url, 'pid ' . $_->pid ] } $fleet->nodes),
        "Things to try, with the manager open:\n\n",
        table(
            [ "curl '@{[ $one->url ]}/admin/maintenance?on=1'",
                'servoy1 takes no new clients; its own stay (over: on=0)' ],
            [ "kill -9 $pid",    'servoy1 dies: its clients go elsewhere' ],
            [ "kill -STOP $pid", 'servoy1 hangs (over: kill -CONT)' ],
            [ 'drain a node in the manager', 'new clients go elsewhere until it is safe to stop' ],
            [ 'disable it, and close', 'its NGClients connect again, elsewhere' ]),
        $store ? explain_fronts($store, $httpd, @others) : (),
        "httpd's configuration and log, while this runs:\n\n",
        table(map { my $root = $_->root; map { ["$root/$_"] } 'conf/httpd.conf', 'logs/error_log' }
            $httpd, @others);
    say $ENV{DEMO_SECONDS} ? "Runs for $ENV{DEMO_SECONDS} seconds; Ctrl-C ends it sooner."
                           : 'Ctrl-C ends the demo.';
    return;
}

# What is there to see with several.
sub explain_fronts {
    my ($store, @httpds) = @_;
    my ($first, $second) = @httpds;
    my ($pid, $other) = ($store->pid, $second->pid);
    return "The front ends, each with its manager, and the store:\n\n",
        table(map({ [ $_->url . '/servoy-manager', 'pid ' . $_->pid ] } @httpds),
            [ 'redis://127.0.0.1:' . $store->port, "pid $pid" ]),
        "With the managers of two of them side by side:\n\n",
        table(
            [ "curl -s -o /dev/null @{[ $first->url ]}/servoy-webclient/",
                'a user at one: both count him' ],
            [ 'drain a node in one manager', 'the other does not elect it either' ],
            [ "kill -STOP $pid",  'the store hangs: users notice nothing, the page says so' ],
            [ "kill -CONT $pid",  '... and soon all counts are equal again' ],
            [ "kill $other",      'a front end dies: the other knows its users' ]);
}

# Indented rows of one or two columns, and an empty line.
sub table {
    my (@rows) = @_;
    my ($width) = sort { $b <=> $a } map { length $_->[0] } @rows;
    return join('', map { @$_ > 1 ? sprintf "    %-*s   %s\n", $width, @$_ : "    $_->[0]\n" }
        @rows) . "\n";
}

# Until the time is over: tells what dies, and starts nodes again on Enter.
sub watch {
    my ($fleet, @httpds) = @_;
    my $end = $ENV{DEMO_SECONDS} ? time + $ENV{DEMO_SECONDS} : undef;
    my (%down, %gone);
    while (!defined $end || time < $end) {
        $_->alive || $gone{$_}++ or say 'The front end at ', $_->url, ' has ended.' for @httpds;
        grep({ $_->alive } @httpds) or die "httpd ended:\n" . $httpds[0]->log_tail;
        for my $node (grep { !$_->alive && !$down{ $_->name }++ } $fleet->nodes) {
            say $node->name, ' is down.', -t STDIN ? ' Press Enter to start it again.' : '';
        }
        next if !enter_pressed();
        for my $node (grep { !$_->alive } $fleet->nodes) {
            $node->start;
            delete $down{ $node->name };
            say $node->name, ' is up again, pid ', $node->pid, '.';
        }
    }
    return;
}

# Whether Enter was pressed within a fraction of a second, which passes anyway.
sub enter_pressed {
    my $bits = '';
    vec($bits, fileno STDIN, 1) = 1 if -t STDIN;
    return 0 if select($bits, undef, undef, 0.3) <= 0;
    return sysread STDIN, my $line, 1024;
}

# At the end, and whenever a signal comes.
sub stop {
    return if $stopping++;
    $SIG{$_} = 'IGNORE' for qw(INT TERM HUP);
    say "\nStopping …";
    SVB::Proc->end_all;
    say 'Everything is stopped.';
    exit 0;
}
