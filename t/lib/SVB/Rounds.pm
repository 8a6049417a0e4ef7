package SVB::Rounds;

# Rounds with a store, by the provider that httpd uses, without httpd: a process of
# .build/tools/redis_exchange (SVB_SANITIZE=1: .build/san; SVB_ROUNDS: that program, say
# one with another hiredis).
#
#   my $rounds = SVB::Rounds->with(host => '127.0.0.1', port => $redis->port);
#   my $r = $rounds->do(batches => ['abc'], logs => { b => '0-0' }, want_survey => 1);
#   $r->{ok}; $r->{error}; $r->{took};          # microseconds
#   $r->{batches}                               # [ [ front end, id, bytes ], … ]
#   $r->{written}; $r->{version}; $r->{admin}; $r->{heartbeats} ; $r->{last}; $r->{time}
#   $rounds->checked;                           # 'ready', or what check() says
#   $rounds->stop;                              # its wait status
#
# with: host (undef: no address is known), port, path, db, user, password, tls, cafile,
# name (of the host, for TLS), timeout (milliseconds, 100). do: batches, a list of bytes;
# logs; admin, heartbeats, hashes whose values may be undef: to be removed; front_end,
# prefix, keep_from, want_…; brief (without the bytes of batches, from then on).

use v5.32;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use IPC::Open2;
use JSON::PP;
use SVB::Proc;

my $tree = abs_path(dirname(__FILE__) . '/../../..');

sub program {
    return $ENV{SVB_ROUNDS} if $ENV{SVB_ROUNDS};
    return "$tree/" . ($ENV{SVB_SANITIZE} ? '.build/san' : '.build') . '/tools/redis_exchange';
}

sub with {
    my ($class, %option) = @_;
    $option{timeout} = 1000 * ($option{timeout} // 100);
    my $self = bless {}, $class;
    $self->{pid} = open2($self->{from}, $self->{to}, program(),
        map { defined $option{$_} ? "$_=$option{$_}" : () } sort keys %option);
    chomp($self->{checked} = readline $self->{from});
    return $self;
}

sub checked { $_[0]{checked} }

sub _hex { return unpack 'H*', $_[0] }

sub do {
    my ($self, %round) = @_;
    my @words = map { 'batch=' . _hex($_) } @{ delete $round{batches} // [] };
    my $logs = delete $round{logs} // {};
    push @words, map { "log=$_:$logs->{$_}" } sort keys %$logs;
    for my $hash (qw(admin heartbeats)) {
        my $fields = delete $round{$hash} // {};
        my $name = $hash =~ s/s$//r;
        push @words, map { "$name=$_" . (defined $fields->{$_} ? ':' . _hex($fields->{$_}) : '') }
            sort keys %$fields;
    }
    push @words, map { "$_=$round{$_}" } sort keys %round;
    print { $self->{to} } "@words\n" or die "it has ended\n";
    $self->{to}->flush;
    my $line = readline $self->{from};
    defined $line or die 'it has ended: ' . $self->stop . "\n";
    my $result = decode_json($line);
    for my $bytes (\$result->{version},
        map { \$_->[-1] } map { @{ $result->{$_} } } qw(batches admin heartbeats)) {
        $$bytes = pack 'H*', $$bytes if defined $$bytes;
    }
    return $result;
}

sub stop {
    my ($self) = @_;
    close $self->{to};
    close $self->{from};
    local $?;
    waitpid $self->{pid}, 0;
    return $?;
}

sub DESTROY { my ($self) = @_; local ($?, $!, $@); close $self->{to}; waitpid $self->{pid}, 0; return }

1;
