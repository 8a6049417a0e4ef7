package SVB::Wire;

# A TCP proxy whose line can be made bad, and good again, while it runs.
#
#   my $wire = SVB::Wire->to($redis->port);
#   $wire->port;
#   $wire->be('good');
#   $wire->be('late 200');       # each piece 200 ms late, in both directions
#   $wire->be('silent');         # nothing passes, nothing is closed (a black hole)
#   $wire->be('cut');            # connections are cut, and new ones at once
#   $wire->be('refuse');         # cut, and nobody listens
#   $wire->be('trickle 1 1000'); # answers come 1 byte in 1000 ms
#   $wire->be('short 100');      # after 100 bytes of answers it is cut
#   $wire->be('say HEX');        # instead of the server, as often as something is asked
#   $wire->connections;          # how many there have been
#   $wire->stop
#
# A process of its own. be() returns when it is so.

use v5.32;
use warnings;

use SVB::Ports;
use SVB::Proc;
use SVB::Temp;
use SVB::Wait;

my $program = <<'END';
use IO::Select;
use IO::Socket::IP;
use Time::HiRes qw(time);
my ($port, $to, $dir) = @ARGV;
$SIG{PIPE} = 'IGNORE';
my ($listener, @lines, $order, $count) = (undef, (), '', 0);
my ($how, @with) = ('good');
sub put { my ($file, $text) = @_;
    open my $out, '>', "$dir/$file.new" or die; print $out $text; close $out;
    rename "$dir/$file.new", "$dir/$file" or die }
sub listen_or_not {
    if ($how eq 'refuse') { close $listener if $listener; undef $listener }
    else { $listener //= IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => $port,
        Listen => 128, ReuseAddr => 1) or die }
}
sub hang_up { my ($line) = @_; close $_ for grep { $_ } @$line{qw(client server)};
    $line->{gone} = 1 }
# Bytes on their way: [when they are due, where to, what].
sub later { my ($line, $where, $bytes, $to_client) = @_;
    if ($how eq 'trickle' && $to_client) {
        my $at = $line->{free} && $line->{free} > time ? $line->{free} : time;
        for my $piece ($bytes =~ /(.{1,$with[0]})/gs) {
            push @{ $line->{due} }, [ $at += $with[1] / 1000, $where, $piece ];
        }
        $line->{free} = $at;
        return;
    }
    push @{ $line->{due} }, [ time + ($how eq 'late' ? $with[0] / 1000 : 0), $where, $bytes ];
}
sub pass { my ($line, $from, $to, $to_client) = @_;
    my $n = sysread $line->{$from}, my $bytes, 65536;
    return if !defined $n && $!{EAGAIN};
    if (!$n) { hang_up($line); return }
    return if $how eq 'silent';
    if ($how eq 'say') { syswrite $line->{client}, pack 'H*', $with[0]; return }
    if ($how eq 'short' && $to_client) {
        $bytes = substr $bytes, 0, $with[0] - $line->{said};
        $line->{said} += length $bytes;
        syswrite $line->{client}, $bytes;
        hang_up($line) if $line->{said} >= $with[0];
        return;
    }
    later($line, $to, $bytes, $to_client);
}
sub send_due { my ($line) = @_;
    while ($line->{due} && @{ $line->{due} } && $line->{due}[0][0] <= time && !$line->{gone}) {
        my (undef, $where, $bytes) = @{ $line->{due}[0] };
        my $n = syswrite $line->{$where}, $bytes;
        if (!defined $n) { hang_up($line) if !$!{EAGAIN}; return }
        if ($n < length $bytes) { $line->{due}[0][2] = substr $bytes, $n; return }
        shift @{ $line->{due} };
    }
}
listen_or_not();
put(state => '');
while (1) {
    if (open my $in, '<', "$dir/order") {
        my $new = <$in> // '';
        if ($new ne $order) {
            $order = $new;
            (undef, $how, @with) = split ' ', $order;
            if ($how =~ /^(?:cut|refuse)$/) { hang_up($_) for @lines }
            $_->{said} = 0 for @lines;
            listen_or_not();
            put(state => $order);
        }
    }
    my $select = IO::Select->new($listener // ());
    @lines = grep { !$_->{gone} } @lines;
    $select->add(grep { $_ } @$_{qw(client server)}) for @lines;
    my %ready = map { $_ => 1 } $select->count ? $select->can_read(0.002)
        : select undef, undef, undef, 0.002;
    if ($listener && $ready{$listener} && (my $client = $listener->accept)) {
        put(count => ++$count);
        my $server = $how =~ /^(?:cut|say)$/ ? undef
            : IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $to);
        if ($server || $how eq 'say') {
            $_->blocking(0) for grep { $_ } $client, $server;
            push @lines, { client => $client, server => $server, said => 0 };
        }
    }
    for my $line (@lines) {
        pass($line, 'client', 'server', 0) if !$line->{gone} && $ready{ $line->{client} };
        pass($line, 'server', 'client', 1)
            if !$line->{gone} && $line->{server} && $ready{ $line->{server} };
        send_due($line) if !$line->{gone};
    }
}
END

sub to {
    my ($class, $to) = @_;
    my $dir = SVB::Temp->dir('wire');
    my $self = bless { port => SVB::Ports->take, dir => $dir, orders => 0 }, $class;
    $self->{proc} = SVB::Proc->spawn(name => 'wire', out => "$dir/output",
        cmd => [ $^X, '-e', $program, $self->{port}, $to, $dir ]);
    wait_for(sub { -e "$dir/state" }, 20, 'the wire to listen');
    return $self;
}

sub port { $_[0]{port} }

sub be {
    my ($self, $how) = @_;
    my $order = ++$self->{orders} . " $how";
    SVB::Temp->write_file("$self->{dir}/order.new", $order);
    rename "$self->{dir}/order.new", "$self->{dir}/order" or die "order: $!\n";
    wait_for(sub { SVB::Temp->read_file("$self->{dir}/state") eq $order }, 20,
        "the wire to be $how");
    return $self;
}

sub connections { my ($self) = @_; return 0 + (SVB::Temp->read_file("$self->{dir}/count") || 0) }

sub stop { my ($self) = @_; return $self->{proc}->stop(15) }

1;
