package SVB::Ports;

# Free TCP ports on 127.0.0.1 that stay ours until this program ends.
#
#   my $port = SVB::Ports->take;
#
# A port taken and never listened on is one that refuses connections. Ports come
# from below the range the kernel uses for outgoing connections, so that nothing
# slips onto the port of a server that is down for a while; a registry of files
# keeps parallel programs of this library apart.

use v5.32;
use warnings;

use Fcntl qw(:flock);
use File::Spec;
use IO::Socket::IP;

my $owner = $$;
my %taken;      # port => file

sub take {
    my ($class) = @_;
    my $dir = _registry();
    open my $lock, '>', "$dir/lock" or die "$dir/lock: $!\n";
    flock $lock, LOCK_EX or die "$dir/lock: $!\n";
    my ($low, $high) = _range();
    for (1 .. 2000) {
        my $port = $low + int rand($high - $low);
        my $file = "$dir/$port";
        next if _is_reserved($file) || !_is_free($port);
        open my $out, '>', $file or die "$file: $!\n";
        print $out $$;
        close $out;
        $taken{$port} = $file;
        return $port;
    }
    die "no free port between $low and $high\n";
}

# Whether something listens there.
sub is_open {
    my ($class, $port) = @_;
    my $socket = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $port, Timeout => 1);
    return defined $socket;
}

sub _registry {
    my $dir = File::Spec->tmpdir . "/svb-ports-$<";
    mkdir $dir, 0700;
    -d $dir && -O $dir or die "$dir is not a folder of ours\n";
    return $dir;
}

sub _range {
    my $first_outgoing = 32768;
    if (open my $in, '<', '/proc/sys/net/ipv4/ip_local_port_range') {
        ($first_outgoing) = <$in> =~ /(\d+)/;
    }
    return $first_outgoing > 14000 ? (10240, $first_outgoing - 1) : (10240, 60000);
}

sub _is_reserved {
    my ($file) = @_;
    open my $in, '<', $file or return 0;
    my $pid = <$in>;
    return $pid && (kill(0, $pid) || $!{EPERM});
}

sub _is_free {
    my ($port) = @_;
    # without SO_REUSEADDR: a port with connections in TIME_WAIT is not free
    return defined IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => $port, Listen => 1);
}

END {
    if ($$ == $owner) {
        local ($?, $!);
        unlink values %taken;
    }
}

1;
