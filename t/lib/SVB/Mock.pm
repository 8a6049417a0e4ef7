package SVB::Mock;

# Nodes that are none, and note who comes: pages, pings, connections without a word.
#
#   my $member = mock('idle', 'http', 'retry=0');   # a BalancerMember line for a new
#                           # one, whose route is servoy1
#   asked('idle', 'cping')  # how often: connection, cping, request
#   mocks()                 # the names of all

use v5.32;
use warnings;

use Exporter qw(import);
use SVB::Ports;
use SVB::Proc;
use SVB::Temp;
use SVB::Wait;

our @EXPORT = qw(mock asked mocks);

my $program = <<'END';
use IO::Select;
use IO::Socket::IP;
my ($port, $out) = @ARGV;
open my $log, '>>', $out or die;
$log->autoflush;
$SIG{PIPE} = 'IGNORE';
my $listener = IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => $port, Listen => 64,
    ReuseAddr => 1) or die;
print $log "ready\n";
my $select = IO::Select->new($listener);
my %got;
while (1) {
    for my $socket ($select->can_read) {
        if ($socket == $listener) {
            my $client = $listener->accept or next;
            $select->add($client);
            $got{$client} = '';
        }
        elsif (!sysread $socket, $got{$socket}, 4096, length $got{$socket}) {
            print $log "connection\n" if !length $got{$socket};
            $select->remove($socket);
            delete $got{$socket};
            close $socket;
        }
        elsif ($got{$socket} =~ /^\x12\x34\x00\x01\x0a\z/) {
            print $log "cping\n";
            syswrite $socket, "AB\0\1\x09";
        }
        elsif ($got{$socket} =~ /\r\n\r\n\z/) {
            print $log "request\n";
            syswrite $socket, "HTTP/1.1 200 OK\r\nX-Node: mock\r\nContent-Length: 2\r\n\r\nok";
            $got{$socket} = "\n";
        }
    }
}
END

my %mock;       # processes by name

sub mock {
    my ($name, $scheme, $more) = @_;
    my $port = SVB::Ports->take;
    my $log = _log_of($name);
    $mock{$name} = SVB::Proc->spawn(name => $name, cmd => [ $^X, '-e', $program, $port, $log ],
        out => "$log.output");
    wait_for(sub { -s $log }, 20, "$name to listen");
    return "BalancerMember \"$scheme://127.0.0.1:$port\" route=servoy1 $more\n";
}

sub asked {
    my ($name, $what) = @_;
    return scalar grep { $_ eq $what } split /\n/, SVB::Temp->read_file(_log_of($name));
}

sub mocks { return sort keys %mock }

sub _log_of {
    my ($name) = @_;
    state $dir = SVB::Temp->dir('mocks');
    return "$dir/$name";
}

1;
