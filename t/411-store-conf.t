# conf/servoy-redis.conf and conf/servoy-shared.conf, as they are but for addresses, names
# and paths: a real store with its one user, who may do what rounds need and nothing
# else, and an httpd that starts with them.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SVB::ConfigTest;
use SVB::Httpd;
use SVB::Redis;
use SVB::Rounds;
use SVB::Shipped;
use SVB::Temp;
use Test::More;

my $dir = SVB::Temp->dir('secrets');

my $redis = SVB::Redis->start(conf => sub {
    my ($self) = @_;
    return shipped('servoy-redis.conf',
        'bind 127.0.0.1 10.0.0.5' => 'bind 127.0.0.1',
        'port 6379' => 'port ' . $self->port,
        '#unixsocket /run/redis/redis.sock' => 'unixsocket ' . $self->socket,
        '#unixsocketperm 770' => 'unixsocketperm 777',
        '/var/lib/redis' => $self->dir,
        '/run/redis/redis-server.pid' => $self->dir . '/pid',
        '/var/log/redis/redis-server.log' => $self->dir . '/log.too');
});

sub rounds {
    return SVB::Rounds->with(host => '127.0.0.1', port => $redis->port, user => 'svb',
        password => 'change-me', @_);
}

my %everything = (prefix => 'svb:{servoy}', front_end => 'a', batches => ['x'],
    logs => { a => '0-0', b => '0-0' }, admin => { v => 1, x => undef },
    heartbeats => { a => 'y', z => undef }, want_survey => 1, want_keep => 1, want_fresh_log => 1);

subtest 'what rounds need' => sub {
    for my $admin (0, 1) {
        my $r = rounds()->do(%everything, want_admin => $admin);
        ok $r->{ok}, "want_admin $admin" or diag $r->{error};
    }
    my $r = SVB::Rounds->with(path => $redis->socket, user => 'svb', password => 'change-me')
        ->do(%everything);
    ok $r->{ok}, 'by the socket' or diag $r->{error};
    my $db = rounds(db => 1)->do(%everything);
    ok $db->{ok}, 'in another database' or diag $db->{error};
};

subtest 'and nothing else' => sub {
    like rounds()->do(%everything, prefix => 'svb:{other}')->{error}, qr/NOPERM/, 'other keys';
    like rounds(user => undef, password => undef)->do(%everything)->{error}, qr/NOAUTH/,
        'without a password';
    like rounds(user => 'default')->do(%everything)->{error}, qr/WRONGPASS/, 'the default user';
    my @not = ([qw(KEYS *)], ['FLUSHALL'], [qw(CONFIG GET *)], [qw(DEL svb:{servoy}:fe)],
        [qw(GET svb:{servoy}:x)], [ 'EVAL', 'return 1', 0 ], [qw(ACL LIST)], [qw(SUBSCRIBE x)],
        ['INFO'], ['MONITOR'], [qw(SCAN 0)], ['SHUTDOWN']);
    local @$redis{qw(user password)} = ('svb', 'change-me');
    for my $command (@not) {
        ok !eval { $redis->do(@$command); 1 }, "@$command";
        like $@, qr/NOPERM/;
    }
};

subtest 'as it says of itself' => sub {
    my $conf = shipped('servoy-redis.conf');
    my $told = SVB::Redis->start(conf => sub {
        my ($self, $usual) = @_;
        my ($memory) = $conf =~ /(^save .*^maxmemory-policy \w+$)/ms;
        return $usual =~ s/^(?:save|appendonly).*\n//mgr . $memory;
    });
    my %is = map { my ($name) = $_; ($name => $told->do(qw(CONFIG GET), $name)->[1]) }
        qw(save appendonly maxmemory maxmemory-policy);
    is_deeply \%is, { save => '', appendonly => 'no', maxmemory => 256 << 20,
        'maxmemory-policy' => 'noeviction' }, 'no disk, and nothing is thrown away';
    $told->do(qw(CONFIG SET maxmemory 1mb));
    my $r = SVB::Rounds->with(host => '127.0.0.1', port => $told->port, timeout => 1000)
        ->do(batches => [ ('x' x 4096) x 500 ]);
    like $r->{error}, qr/XADD: "OOM.*its memory is full: raise maxmemory/, 'full: it is said';
};

subtest 'httpd' => sub {
    my %file = (key => '00112233445566778899aabbccddeeff', password => 'change-me');
    for my $name (sort keys %file) {
        SVB::Temp->write_file("$dir/$name", "$file{$name}\n");
        chmod 0600, "$dir/$name";
    }
    my $lines = shipped('servoy-shared.conf',
        '10.0.0.5:6379' => '127.0.0.1:' . $redis->port,
        '/etc/apache2/servoy-store.password' => "$dir/password",
        '/etc/apache2/servoy.key' => "$dir/key",
        '/run/redis/redis.sock' => $redis->socket);
    my $httpd = SVB::Httpd->new(redis => 1);
    accepted($lines . good(), 'is content', $httpd);
    my $socket = $lines =~ s/^(ServoySharedStore redis)/#$1/mr =~ s/^#(ServoySharedStore unix)/$1/mr;
    isnt $socket, $lines, 'what is switched off, switched on';
    accepted($socket . good(), '... is good as well', $httpd);
    my $running = SVB::Httpd->new(redis => 1, conf => $lines . good())->start;
    unlike $running->error_log, qr/servoy_balancer:(?:warn|error|crit)/, 'runs with it';
    $running->stop;
};

done_testing;
