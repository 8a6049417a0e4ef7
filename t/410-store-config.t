# ServoySharedStore, ServoySharedKey and ServoyFrontEnd: what is wrong with them is said in
# the configuration test and at a start, in which words; passwords are in none of them.
# And restarts: what takes a stop and start stays as it was.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SVB::ConfigTest;
use SVB::Httpd;
use SVB::Temp;
use Test::More;

my $dir = SVB::Temp->dir('secrets');

sub secret {
    my ($name, $text, $mode) = @_;
    my $file = SVB::Temp->write_file("$dir/$name", $text);
    chmod $mode // 0600, $file;
    return $file;
}

my $hex = '00112233445566778899aabbccddeeff';
my $key = secret('key', "$hex\n");
my $password = secret('password', "geheim\n");
my $key_line = "ServoySharedKey $key\n";

my $with = SVB::Httpd->new(redis => 1);
my $without = SVB::Httpd->new;

# A configuration with these lines in front.
sub conf { return join '', map({ "$_\n" } @_), good() }

sub store { return conf("ServoySharedStore $_[0]", "ServoySharedKey $key", @_[ 1 .. $#_ ]) }

# Refused: by the configuration test and at a start, in the same words.
sub refused {
    my ($conf, $name, @patterns) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my ($httpd) = ref $patterns[0] eq 'SVB::Httpd' ? shift @patterns : $with;
    my ($code, $output) = $httpd->configtest($conf);
    my @missing = grep { $output !~ $_ } @patterns;
    ok $code && !@missing, $name or diag "exit code $code, not said: @missing\n$output";
    unlike $output, qr/geheim|$hex/, "$name: no secret in it";
    return;
}

subtest 'what is allowed' => sub {
    accepted(store($_), $_, $with) for 'redis://10.0.0.5:6379/0', 'redis://store.internal',
        '"redis://[2001:db8::1]:6379/3"', 'unix:/run/redis/redis.sock', 'redis:10.0.0.5:6379',
        'redis:store', "redis://a user=svb passwordfile=$password name=prod timeout=100ms",
        "redis://a passwordfile=$password", 'redis://a timeout=10ms', 'redis://a timeout=1s';
    accepted(store('redis://a', 'ServoyFrontEnd fe1'), 'with a name', $with);
    accepted(conf('ServoySharedStore off'), 'off', $without);
    accepted(conf('ServoyFrontEnd fe1'), 'a name alone', $without);
    accepted(conf("ServoySharedKey $key", 'ServoySharedStore redis://a'), 'in any order', $with);
    accepted(conf('ServoySharedStore redis://no.such.name.invalid', "ServoySharedKey $key"),
        'names are not looked up', $with);
    my $relative = SVB::Httpd->new(redis => 1);
    SVB::Temp->write_file($relative->root . '/conf/key', $hex);
    chmod 0600, $relative->root . '/conf/key';
    accepted(conf('ServoySharedStore redis://a', 'ServoySharedKey conf/key'),
        'paths below ServerRoot', $relative);
};

subtest 'the URL' => sub {
    refused(store('memcache:a:11211'), 'memcache',
        qr/on line \d+/, qr/ServoySharedStore: "memcache" .*memcached keeps no log.*use Redis/);
    refused(store('redis://svb:geheim@10.0.0.5'), 'a password in it',
        qr/"redis:\/\/\.\.\.\@10\.0\.0\.5".*user= and passwordfile=/);
    refused(store('ftp://a'), 'another scheme', qr/"ftp".*expected redis:/);
    refused(store('redis://a:70000'), 'the port', qr/"70000".*1 to 65535/);
    refused(store('redis://a/one'), 'the database', qr/"one".*number of a database/);
    refused(store('redis://::1'), 'IPv6 without brackets', qr/IPv6.*brackets/);
    refused(store('off redis://a'), 'off and more', qr/behind off/);
    refused(store('redis://a timeout=5ms'), 'too short', qr/timeout=5ms.*10ms to 1s/);
    refused(store('redis://a timeout=5s'), 'too long', qr/timeout=5s.*10ms to 1s/);
    refused(store('redis://a name=a/b'), 'a name', qr/name=a\/b.*1 to 63 letters/);
    refused(store('redis://a nam=b'), 'an unknown key', qr/nam=b.*expected user=, passwordfile=.*did you mean name=\?/);
    refused(store('redis://a name=b name=c'), 'twice', qr/name=c.*said twice/);
    refused(store('redis://a password=geheim'), 'password=', qr/passwordfile=/);
    refused(store('redis://a user=svb'), 'a user without a password',
        qr/user= needs passwordfile=/);
};

subtest 'TLS' => sub {
    my ($code, $output) = $with->configtest(store('rediss://a'));
    if ($code) {
        like $output, qr/SVB0120: ServoySharedStore rediss:\/\/a:6379\/0: .*hiredis \d.*has no TLS/,
            'none: it is said';
        like $output, qr/stunnel.*unix:/, '... and what to do';
    }
    else {
        refused(store("rediss://a cafile=$key"), 'what is no certificate', qr/SVB0120.*cafile=/);
    }
    refused(store('rediss://a cafile=/nowhere/ca'), 'no such file',
        qr{/nowhere/ca: cannot be read: });
    refused(store('rediss://a certfile=' . $key), 'a certificate alone', qr/go together/);
    my $open = secret('open-key', 'x', 0644);
    refused(store("rediss://a certfile=$key keyfile=$open"), 'a key for everybody',
        qr/open-key: others.*a key: chmod 600/);
    refused(store("redis://a cafile=$key"), 'files without TLS', qr/for rediss:/);
};

subtest 'files of secrets' => sub {
    for my $mode (0644, 0640, 0604, 0660, 0602) {
        my $file = secret('open', "geheim\n", $mode);
        my $octal = sprintf '%04o', $mode;
        refused(store("redis://a passwordfile=$file"), "a password of mode $octal",
            qr/ServoySharedStore: \Q$file\E: others than its owner.*a password: chmod 600/);
        SVB::Temp->write_file($file, $hex);
        refused(conf('ServoySharedStore redis://a', "ServoySharedKey $file"), "a key of mode $octal",
            qr/ServoySharedKey: \Q$file\E: others than its owner.*a key: chmod 600/);
    }
    refused(store("redis://a passwordfile=$dir/none"), 'no such file',
        qr/on line \d+/, qr/\Q$dir\E\/none: cannot be read: /);
    refused(store("redis://a passwordfile=$dir"), 'a folder', qr/\Q$dir\E: is not a file/);
    refused(store('redis://a passwordfile=' . secret('lines', "geheim\nx\n")), 'two lines',
        qr/should hold a password, in one line/);
    refused(store('redis://a passwordfile=' . secret('empty', '')), 'nothing', qr/should hold a/);
    my %keys = (short => '0011', long => $hex . '00', text => 'z' x 32, empty => '',
        lines => "$hex\n$hex\n", binary => "\0" x 16);
    for my $name (sort keys %keys) {
        refused(conf('ServoySharedStore redis://a',
            'ServoySharedKey ' . secret("key-$name", $keys{$name})), "a key: $name",
            qr/ServoySharedKey: \S*key-$name: should hold a key/);
    }
    refused(conf("ServoySharedKey $dir/none"), 'no such key', qr/ServoySharedKey: .*cannot be read/);
};

subtest 'what belongs together' => sub {
    refused(conf('ServoySharedStore redis://a'), 'no key',
        qr/servoy_balancer:error\]/, qr/SVB0120: ServoySharedStore redis:\/\/a:6379\/0: needs/,
        qr/ServoySharedKey.*openssl rand -hex 16/);
    refused(store('redis://a'), 'no provider', $without,
        qr/SVB0120: .*needs mod_servoy_redis: LoadModule servoy_redis_module/);
    my $first = SVB::Httpd->new(redis => 1, preamble => 'LoadModule servoy_redis_module '
        . ($ENV{SVB_SANITIZE} ? "$FindBin::Bin/../.build/san" : "$FindBin::Bin/../.build") . '/mod_servoy_redis.so');
    $first->{redis} = 0;
    accepted(store('redis://a'), 'the provider first, then the module', $first);
    my ($code, $output) = $without->configtest(conf("ServoySharedKey $key"));
    ok !$code, 'a key alone is no error';
    like $output, qr/servoy_balancer:warn\].*SVB0121: ServoySharedKey does nothing/, '... but told';
    refused(store('redis://a', 'ServoyFrontEnd fe1 fe2'), 'two names', qr/ServoyFrontEnd takes one/);
    for my $line ('ServoySharedStore redis://a', "ServoySharedKey $key", 'ServoyFrontEnd a') {
        refused("<VirtualHost *:\@PORT\@>\n$line\n</VirtualHost>\n" . good(),
            "not in a virtual host: $line", qr/outside of all sections/);
    }
};

subtest 'a start is refused as well' => sub {
    my $httpd = SVB::Httpd->new(redis => 1, conf => conf('ServoySharedStore redis://a'));
    like $httpd->start_fails, qr/SVB0120: .*needs ServoySharedKey/, 'no key';
    $httpd = SVB::Httpd->new(redis => 1, conf => store("redis://a passwordfile=$dir/none"));
    like $httpd->start_fails, qr/cannot be read/, 'no password';
};

subtest 'restarts' => sub {
    my @line = ("redis://127.0.0.1:1 passwordfile=$password", 'ServoyFrontEnd fe1');
    my $httpd = SVB::Httpd->new(redis => 1, conf => store(@line))->start;
    my $told = qr/SVB0122: .*takes a stop and start: it stays as it was \((.*)\)$/m;
    unlike $httpd->error_log, qr/SVB012/, 'a start: nothing to say';
    $httpd->graceful for 1 .. 2;
    unlike $httpd->error_log, qr/SVB012/, 'nor at a restart with the same';
    secret('password', "another\n");
    $httpd->reconfigure(store("redis://127.0.0.1:1/0 timeout=50ms passwordfile=$password",
        $line[1]));
    unlike $httpd->error_log, qr/SVB012/, 'nor where it is reached in another way';

    my $was = qr{^redis://127\.0\.0\.1:1/0, name=servoy, ServoyFrontEnd fe1$};
    my $other = secret('other', 'f' x 32);
    my %change = (
        'another place'  => store('redis://127.0.0.2:1', $line[1]),
        'another name'   => store("$line[0] name=x", $line[1]),
        'another key'    => conf("ServoySharedStore $line[0]", "ServoySharedKey $other", $line[1]),
        'another front end' => store($line[0], 'ServoyFrontEnd fe2'),
        'none'           => good(),
    );
    for my $name (sort keys %change) {
        $httpd->mark->reconfigure($change{$name});
        my ($kept) = $httpd->error_log =~ $told;
        like $kept // '', $was, "$name: kept as it was";
    }
    $httpd->{conf} = store(@line);
    $httpd->mark->reconfigure(store(@line));
    unlike $httpd->error_log, qr/SVB0122/, 'as it was: nothing to say';
    $httpd->reconfigure($change{none});
    $httpd->stop;
    $httpd->mark->start;
    unlike $httpd->error_log, qr/SVB0122/, 'a stop and start takes what is new';
    $httpd->mark->reconfigure(store(@line));
    like $httpd->error_log, qr/SVB0122: .*\(off\)$/m, 'off stays off, too';
    $httpd->stop;
};

is_deeply [ map { $_->complaints } $with, $without ], [], 'no configuration test crashed';

done_testing;
