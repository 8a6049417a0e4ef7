package SVB::Relay;

# Somebody between httpd and a node's HTTP port, who spoils some answers: what a node
# does to a connection when its application fails badly, which no page of one can do.
#
#   my $relay = SVB::Relay->new($node);
#   $relay->member('route=servoy1')  # a BalancerMember line
#   $relay->asked('/cut/x')          # how often
#   $relay->stop
#
# Whose path has /cut in it, is cut off without an answer; /garbled: gets an answer
# that is none; /once: the same as /cut, but for the first time only. All else passes.

use v5.32;
use warnings;

use SVB::Ports;
use SVB::Proc;
use SVB::Temp;
use SVB::Wait;

my $program = <<'END';
use IO::Select;
use IO::Socket::IP;
my ($port, $to, $out) = @ARGV;
$SIG{CHLD} = 'IGNORE';
my $listener = IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => $port, Listen => 64,
    ReuseAddr => 1) or die;
open my $log, '>>', $out or die;
syswrite $log, "ready\n";
while (my $client = $listener->accept) {
    next if fork;
    my ($head, %peer) = '';
    while ($head !~ /\r\n\r\n/) {
        sysread $client, $head, 65536, length $head or exit;
    }
    my ($path) = $head =~ m{^\S+ (\S+)};
    syswrite $log, "$path\n";
    open my $before, '<', $out or die;
    my $times = grep { $_ eq "$path\n" } <$before>;
    exit if $path =~ m{/cut} || ($path =~ m{/once} && $times == 1);
    if ($path =~ m{/garbled}) {
        syswrite $client, "HTTP/1.1 200 OK\r\nno header this is\r\n\r\nok";
        exit;
    }
    my $node = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $to) or exit;
    syswrite $node, $head;
    %peer = ($client => $node, $node => $client);
    my $select = IO::Select->new($client, $node);
    while (1) {
        for my $socket ($select->can_read) {
            sysread $socket, my $bytes, 65536 or exit;
            syswrite $peer{$socket}, $bytes;
        }
    }
}
END

sub new {
    my ($class, $node) = @_;
    my $self = bless { port => SVB::Ports->take }, $class;
    $self->{log} = SVB::Temp->dir('relay') . '/log';
    $self->{proc} = SVB::Proc->spawn(name => 'relay', out => "$self->{log}.output",
        cmd => [ $^X, '-e', $program, $self->{port}, $node->http_port, $self->{log} ]);
    wait_for(sub { -s $self->{log} }, 20, 'the relay to listen');
    return $self;
}

# No connection is used twice, for it passes the first request only.
sub member {
    my ($self, $more) = @_;
    return "BalancerMember \"http://127.0.0.1:$self->{port}\" disablereuse=on $more\n";
}

sub asked {
    my ($self, $path) = @_;
    return scalar grep { $_ eq $path } split /\n/, SVB::Temp->read_file($self->{log});
}

sub stop { my ($self) = @_; return $self->{proc}->stop(15) }

1;
