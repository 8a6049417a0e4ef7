#!/usr/bin/perl
# The demo: three real nodes and an httpd with the module in front of them, until
# Ctrl-C or for DEMO_SECONDS. Usage: make -f Makefile.apxs demo

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SVB::Fleet;
use SVB::Httpd;
use SVB::Proc;
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
    say 'Starting three nodes (each a Tomcat) and an httpd …';
    my $fleet = SVB::Fleet->start(3, window_seconds => 60);
    my $httpd = SVB::Httpd->new(conf => $fleet->conf(manager => 'ServoyManagerActions on'))->start;
    explain($fleet, $httpd);
    watch($fleet, $httpd);
    $httpd->stop;
    return;
}

sub explain {
    my ($fleet, $httpd) = @_;
    my $front = $httpd->url;
    my ($one) = $fleet->nodes;
    my $nodes = join '', map { sprintf "    %-8s  %s  pid %d\n", $_->name, $_->url, $_->pid }
        $fleet->nodes;
    my ($config, $log) = map { $httpd->root . "/$_" } 'conf/httpd.conf', 'logs/error_log';
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
        "httpd's configuration and log, while this runs:\n\n",
        table(map { [ $httpd->root . "/$_" ] } 'conf/httpd.conf', 'logs/error_log');
    say $ENV{DEMO_SECONDS} ? "Runs for $ENV{DEMO_SECONDS} seconds; Ctrl-C ends it sooner."
                           : 'Ctrl-C ends the demo.';
    return;
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
    my ($fleet, $httpd) = @_;
    my $end = $ENV{DEMO_SECONDS} ? time + $ENV{DEMO_SECONDS} : undef;
    my %down;
    while (!defined $end || time < $end) {
        $httpd->alive or die "httpd ended:\n" . $httpd->log_tail;
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
