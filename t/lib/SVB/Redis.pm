package SVB::Redis;

# A real store: redis-server, or valkey-server, of the test's own, on a port of
# 127.0.0.1 and on a unix socket.
#
#   my $redis = SVB::Redis->start(conf => "requirepass secret\n");
#   $redis->port; $redis->socket; $redis->pid; $redis->version;     # '7.0.15'
#   $redis->do(qw(XLEN svb:{servoy}:log:a));  # the answer: text, a list, undef; dies of an
#                                             # error
#   $redis->flush;
#   $redis->freeze; $redis->thaw;             # SIGSTOP, SIGCONT
#   $redis->stop; $redis->kill; $redis->again # the last starts it anew on the same port
#
# start: conf, lines at the end of its configuration, or a sub that is given the
# usual ones and returns all; user, password: by which do() introduces itself; program.
# SVB_REDIS names another program than the first of valkey-server and redis-server
# that is there.

use v5.32;
use warnings;

use Carp qw(croak);
use IO::Socket::IP;
use IO::Socket::UNIX;
use SVB::Ports;
use SVB::Proc;
use SVB::Temp;
use SVB::Wait;

sub program {
    state $found = $ENV{SVB_REDIS} // (programs())[0]
        // die "neither redis-server nor valkey-server here: set SVB_REDIS\n";
    return $found;
}

# All that are here, for tests that try each.
sub programs {
    my %seen;
    return grep { -x && !$seen{s{.*/}{}r}++ }
        map { my $dir = $_; map { "$dir/$_" } qw(redis-server valkey-server) }
        split /:/, "$ENV{PATH}:/usr/bin:/usr/local/bin";
}

sub start {
    my ($class, %option) = @_;
    my $self = bless { program => program(), conf => '', port => SVB::Ports->take,
        dir => SVB::Temp->dir('redis'), %option }, $class;
    chmod 0777, $self->{dir};
    return $self->again;
}

sub port    { $_[0]{port} }
sub socket  { "$_[0]{dir}/socket" }
sub dir     { $_[0]{dir} }
sub pid     { $_[0]{proc}->pid }
sub alive   { $_[0]{proc}->alive }
sub log     { SVB::Temp->read_file("$_[0]{dir}/log") }
sub version { my ($self) = @_; return $self->{version} //= $self->_info('(?:redis|valkey)_version') }

sub again {
    my ($self) = @_;
    my $usual = <<"END";
bind 127.0.0.1
port $self->{port}
dir $self->{dir}
unixsocket $self->{dir}/socket
unixsocketperm 777
save ""
appendonly no
daemonize no
END
    my $conf = $self->{conf};
    my $file = SVB::Temp->write_file("$self->{dir}/redis.conf",
        ref $conf ? $conf->($self, $usual) : $usual . $conf);
    $self->{proc} = SVB::Proc->spawn(name => 'redis', out => "$self->{dir}/log",
        cmd => [ $self->{program}, $file ]);
    my $up = eval {
        wait_for(sub {
            $self->alive or die "it has ended\n";
            return eval { ($self->do('PING') // '') eq 'PONG' }
                || ($@ =~ /NOPERM|NOAUTH|WRONGPASS/);
        }, 20, 'the store');
    };
    $up or die "the store did not start: $@" . $self->log;
    return $self;
}

sub freeze { my ($self) = @_; return SVB::Proc->freeze($self->pid) }
sub thaw   { my ($self) = @_; return CORE::kill(CONT => $self->pid) }
sub stop   { my ($self) = @_; $self->thaw; return $self->{proc}->stop(10) }
sub kill   { my ($self) = @_; return $self->{proc}->kill }
sub flush  { my ($self) = @_; return $self->do('FLUSHALL') }

sub _info {
    my ($self, $name) = @_;
    my ($value) = $self->do('INFO') =~ /^(?:$name):(\S+)/m;
    return $value;
}

# --- a small client ---

# On a connection of its own each time.
sub do {
    my ($self, @command) = @_;
    my $socket = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $self->{port},
        Timeout => 5) or die "no store: $!\n";
    local $SIG{ALRM} = sub { die "no answer of the store\n" };
    alarm 10 * patience();
    my @auth = map { $_ // () } @$self{qw(user password)};
    if (@auth) {
        _send($socket, 'AUTH', @auth);
        _receive($socket);
    }
    _send($socket, @command);
    my $reply = _receive($socket);
    alarm 0;
    return $reply;
}

sub patience { return SVB::Wait::patience(1) }

sub _send {
    my ($socket, @words) = @_;
    print {$socket} '*', scalar @words, "\r\n", map { '$' . length() . "\r\n$_\r\n" } @words;
    $socket->flush;
    return;
}

sub _receive {
    my ($socket) = @_;
    my $line = <$socket> // die "the store has hung up\n";
    my ($kind, $text) = $line =~ /^(.)(.*)\r\n\z/ or die "what is $line\n";
    return $text if $kind eq '+' || $kind eq ':';
    croak $text if $kind eq '-';
    return undef if $text < 0;
    if ($kind eq '$') {
        read $socket, my $bytes, $text + 2;
        return substr $bytes, 0, $text;
    }
    return [ map { _receive($socket) } 1 .. $text ];
}

1;
