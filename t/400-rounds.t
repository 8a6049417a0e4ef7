# Rounds of the provider with a real store: what is written comes back, what is wrong is
# said, and no round takes longer than its deadline, whatever the line or the store does.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SVB::Authority;
use SVB::Ports;
use SVB::Redis;
use SVB::Rounds;
use SVB::Temp;
use SVB::Wait;
use SVB::Wire;
use Test::More;

my $slack = 150_000 * ($ENV{SVB_PATIENCE} // 1);   # microseconds that a busy machine may add

my $redis = SVB::Redis->start;
my $wire = SVB::Wire->to($redis->port);

sub direct { return SVB::Rounds->with(host => '127.0.0.1', port => $redis->port, @_) }
sub wired  { return SVB::Rounds->with(host => '127.0.0.1', port => $wire->port, @_) }

# A round that went well.
sub good {
    my ($r, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    ok $r->{ok} && !defined $r->{error}, $name or diag $r->{error};
    return $r;
}

# One that did not, with these words, and within its time.
sub bad {
    my ($r, $name, $words, $most) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    ok !$r->{ok}, $name;
    like $r->{error} // '', $words, "$name: $words";
    cmp_ok $r->{took}, '<', ($most // 100_000) + $slack, "$name: in time";
    is_deeply [ map { scalar @$_ } @$r{qw(batches admin heartbeats last)} ], [ 0, 0, 0, 0 ],
        "$name: nothing else comes of it";
    return $r;
}

subtest 'what is written is read' => sub {
    $redis->flush;
    my $a = direct();
    my $b = direct();
    is $a->checked, 'ready', 'check() has nothing to say';
    my @batches = ("one\0\r\n\xff", '', 'x' x 70_000);
    my $r = good($a->do(front_end => 'a', batches => \@batches), 'three batches');
    is $r->{written}, 3, 'are taken';
    cmp_ok $r->{took}, '>', 0, 'took some time';

    $r = good($b->do(front_end => 'b', logs => { a => '0-0', none => '0-0' }), 'read');
    is_deeply [ map { [ @$_[ 0, 2 ] ] } @{ $r->{batches} } ], [ map { [ a => $_ ] } @batches ],
        'in order, every byte of them';
    my @ids = map { $_->[1] } @{ $r->{batches} };
    $r = good($b->do(logs => { a => $ids[1] }), 'read on');
    is_deeply [ map { $_->[1] } @{ $r->{batches} } ], [ $ids[2] ], 'what is later';
    is_deeply good($b->do(logs => { a => $ids[2] }), 'and again')->{batches}, [], 'nothing more';

    good($a->do(batches => ['y']), 'one more') for 1 .. 40;
    is scalar @{ $b->do(logs => { a => $ids[2] })->{batches} }, 32, 'at most 32 at a time';
    $redis->do('XADD', 'svb:{x}:log:a', '*', 'other', 'field') for 1 .. 2;
    my ($last) = map { $_->[0] } @{ $redis->do(qw(XREVRANGE svb:{x}:log:a + - COUNT 2)) }[1];
    $r = good($b->do(logs => { a => $last }), 'an entry that holds no batch');
    is_deeply [ map { $_->[2] } @{ $r->{batches} } ], [''], 'is read past';
    is $_->stop, 0, 'ends' for $a, $b;
};

subtest 'what administrators set, and heartbeats' => sub {
    $redis->flush;
    my $a = direct();
    my $r = good($a->do, 'nothing there');
    is $r->{version}, undef, 'no version';
    good($a->do(admin => { v => '17', 'fleet/one' => "drain\n", two => '' }), 'two words');
    $r = good($a->do, 'the version');
    is $r->{version}, '17';
    is_deeply $r->{admin}, [], 'and no more';
    $r = good($a->do(want_admin => 1), 'all');
    is $r->{version}, '17';
    is_deeply { map { @$_ } @{ $r->{admin} } }, { 'fleet/one' => "drain\n", two => '' };
    good($a->do(admin => { two => undef, v => '18' }), 'one goes');
    $r = $a->do(want_admin => 1);
    is_deeply [ $r->{version}, $r->{admin} ], [ '18', [ [ 'fleet/one' => "drain\n" ] ] ];

    $r = good($a->do(front_end => 'a', heartbeats => { a => "a\0b" }, want_survey => 1), 'survey');
    is_deeply $r->{heartbeats}, [ [ a => "a\0b" ] ];
    cmp_ok abs($r->{time} / 1e6 - time), '<', 5, "the store's time";
    $r = good($a->do(heartbeats => { a => 'c', b => 'd', z => undef }), 'written, removed');
    $r = $a->do(heartbeats => { b => undef }, want_survey => 1);
    is_deeply $r->{heartbeats}, [ [ a => 'c' ] ], 'the rest';

    good($a->do(front_end => 'a', batches => ['one']), 'a log');
    my ($id) = map { $_->[0] } @{ $redis->do(qw(XREVRANGE svb:{x}:log:a + -)) };
    $r = $a->do(want_survey => 1, logs => { a => $id, b => '5-5' });
    is_deeply $r->{last}, [ [ a => $id ], [ b => '0-0' ] ], 'the last id of each log';
};

subtest 'how long a log lives' => sub {
    $redis->flush;
    my $a = direct();
    good($a->do(batches => ['x']), 'written');
    is $redis->do(qw(TTL svb:{x}:log:a)), -1, 'for ever, until more is said';
    good($a->do(want_keep => 1), 'kept');
    cmp_ok $redis->do(qw(TTL svb:{x}:log:a)), '>', 290, 'five minutes';
    my ($id) = map { $_->[0] } @{ $redis->do(qw(XREVRANGE svb:{x}:log:a + -)) };
    good($a->do(batches => [ ('y') x 300 ], keep_from => (split /-/, $id)[0] + 60_000_000),
        'old entries may go');
    cmp_ok $redis->do(qw(XLEN svb:{x}:log:a)), '<', 301, 'and some do';
    $redis->do('XADD', 'svb:{x}:log:a', '99999999999999-0', 'b', 'of tomorrow');
    my $r = good($a->do(batches => ['z'], want_fresh_log => 1, want_survey => 1,
        logs => { a => '0-0' }), 'a fresh log');
    is_deeply [ map { $_->[2] } @{ $r->{batches} } ], ['z'], 'what was there is gone';
    cmp_ok +(split /-/, $r->{last}[0][1])[0], '<', 99999999999999, 'and its ids';
};

subtest 'the prefix is in one slot of a cluster, and nobody else\'s' => sub {
    $redis->flush;
    my $a = direct();
    good($a->do(prefix => 'svb:{p}', batches => ['x'], admin => { v => 1 },
        heartbeats => { a => 1 }), 'written');
    is_deeply [ sort @{ $redis->do(qw(KEYS *)) } ],
        [ sort 'svb:{p}:log:a', 'svb:{p}:admin', 'svb:{p}:fe' ];
};

subtest 'a unix socket, another database' => sub {
    $redis->flush;
    my $unix = SVB::Rounds->with(path => $redis->socket, db => 3);
    good($unix->do(batches => ['x']), 'written');
    like $redis->do('INFO', 'keyspace'), qr/db3:keys=1/, 'there';
    is $redis->do('DBSIZE'), 0, 'and nowhere else';
    my $none = SVB::Rounds->with(path => $redis->dir . '/nobody');
    bad($none->do, 'nobody there', qr{/nobody: cannot connect: .*No such file});
    bad(direct(db => 99)->do(batches => ['x']), 'no such database',
        qr/SELECT: ".*out of range": it has fewer databases/);
    is $redis->do('DBSIZE'), 0, 'nothing was written elsewhere';
};

subtest 'users and passwords' => sub {
    my $closed = SVB::Redis->start(password => 'geh"eim',
        conf => "requirepass \"geh\\\"eim\"\nuser svb on >pw ~svb:{x}:* +\@all -xadd\n");
    my $to = sub { SVB::Rounds->with(host => '127.0.0.1', port => $closed->port, @_) };
    good($to->(password => 'geh"eim')->do(batches => ['x']), 'the password');
    good($to->(user => 'default', password => 'geh"eim')->do, 'the default user');
    bad($to->()->do, 'no password', qr/NOAUTH.*: it wants a password: give passwordfile=/);
    bad($to->(password => 'x')->do, 'a wrong one', qr/AUTH: "WRONGPASS.*what passwordfile= holds/);
    bad($to->(user => 'no', password => 'x')->do, 'a wrong user', qr/WRONGPASS/);
    my $svb = $to->(user => 'svb', password => 'pw');
    good($svb->do(want_survey => 1), 'what the user may');
    bad($svb->do(batches => ['x']), 'what not', qr/XADD: "NOPERM.*servoy-redis\.conf/);
    good($svb->do(want_survey => 1), 'and again what it may');
    bad($svb->do(prefix => 'svb:{y}'), 'keys of others', qr/NOPERM/);
    bad(direct(password => 'x')->do, 'one that nobody asks for',
        qr/AUTH: ".*without any password configured.*": it has no password/);
};

subtest 'TLS' => sub {
    my $none = SVB::Rounds->with(host => '127.0.0.1', port => $redis->port, tls => 1);
    if ($none->checked ne 'ready') {
        like $none->checked, qr/^rediss: hiredis \d+\.\d+\.\d+,.*has no TLS: let stunnel.*unix:$/,
            'hiredis has none: it is said';
        return;
    }
    my $authority = SVB::Authority->new;
    my $dir = SVB::Temp->dir('tls');
    my ($cert, $key) = $authority->issue($dir);
    chmod 0644, $cert, $key;
    my $port = SVB::Ports->take;
    my $secure = SVB::Redis->start(conf => "tls-port $port\ntls-cert-file $cert\n"
        . "tls-key-file $key\ntls-ca-cert-file @{[ $authority->file ]}\ntls-auth-clients no\n");
    my $to = sub {
        return SVB::Rounds->with(host => '127.0.0.1', port => $port, tls => 1, timeout => 1000,
            cafile => $authority->file, @_);
    };
    for my $name ('localhost', '127.0.0.1') {
        my $rounds = $to->(name => $name);
        $secure->flush;
        good($rounds->do(batches => [ ('x' x 60_000) x 5 ], want_survey => 1), "to $name") for 1, 2;
        is scalar @{ good($rounds->do(logs => { a => '0-0' }), 'read')->{batches} }, 10,
            'every batch';
    }
    bad($to->(name => 'other.host')->do, 'a certificate of another host',
        qr/TLS: the certificate: .*[Hh]ostname/, 1_000_000);
    bad($to->(name => '127.0.0.2')->do, '... of another address', qr/TLS: the certificate: IP/,
        1_000_000);
    bad($to->(cafile => SVB::Authority->new->file, name => 'localhost')->do,
        'of an authority that is not trusted', qr/TLS: the certificate: /, 1_000_000);
    bad($to->(name => 'localhost', port => $redis->port)->do, 'no TLS there', qr/TLS: /,
        1_000_000);
    my $hidden = SVB::Wire->to($port);
    my $far = $to->(name => 'localhost', port => $hidden->port, timeout => 100);
    good($far->do, 'over a wire');
    $hidden->be('trickle 1 1000');
    bad($far->do, 'that trickles', qr/no answer within 100 ms/) for 1, 2;
    $hidden->be('silent');
    bad($far->do, 'that is silent', qr/TLS: no answer within 100 ms/) for 1, 2;
    $hidden->be('good');
    good($far->do, 'good again');
};

subtest 'the deadline' => sub {
    $redis->flush;
    my $direct = direct();
    my $wired = wired();
    $_->do(batches => ['x']) for $direct, $wired;
    my $count = $wire->connections;
    $wired->do for 1 .. 5;
    is $wire->connections, $count, 'one connection for all rounds';

    $redis->freeze;
    my @took;
    for my $which (1 .. 5) {
        my $r = bad($direct->do(batches => ['y']), "stopped, $which",
            qr/XADD: no answer within 100 ms/);
        cmp_ok $r->{took}, '>=', 99_000, 'not before its time';
        push @took, $r->{took};
    }
    cmp_ok +(sort { $a <=> $b } @took)[0], '<', 110_000 * ($ENV{SVB_PATIENCE} // 1),
        'sharp, where the machine lets it';
    $redis->thaw;
    wait_ok(sub { $direct->do(batches => ['z'])->{ok} }, 10, 'it goes on');

    $wire->be('trickle 1 1000');
    bad($wired->do(want_survey => 1), 'a byte a second', qr/no answer within 100 ms/);
    $wire->be('trickle 1 1');
    bad($wired->do(want_survey => 1, logs => { a => '0-0' }), 'a byte a millisecond',
        qr/no answer within 100 ms/);
    $wire->be('silent');
    bad($wired->do, 'a black hole', qr/no answer within 100 ms/);
    $wire->be('late 200');
    bad($wired->do, 'late', qr/no answer within 100 ms/);
    my $patient = wired(timeout => 1000);
    good($patient->do, 'late, but with patience');
    $wire->be('good');
    good($wired->do, 'good again');
};

subtest 'cut, refused, closed' => sub {
    my $wired = wired();
    good($wired->do, 'good');
    $wire->be('cut');
    bad($wired->do, 'cut', qr/closed|reset|Broken pipe/i, 0) for 1 .. 2;
    $wire->be('refuse');
    bad($wired->do, 'refused', qr/127\.0\.0\.1:\d+: cannot connect: Connection refused/, 0)
        for 1 .. 2;
    $wire->be('good');
    good($wired->do(batches => ['x']), 'back');
    $wire->be('short 10');
    bad($wired->do(want_survey => 1), 'cut in the middle of an answer', qr/closed|reset/i, 0);
    $wire->be('good');
    good($wired->do(want_survey => 1), 'back');
    bad(SVB::Rounds->with(port => $redis->port)->do, 'a name without an address',
        qr/the\.host: no address is known for that name/, 0);
};

subtest 'what is given up is closed' => sub {
    my $wired = wired();
    my $open = sub { return scalar(() = glob "/proc/$wired->{pid}/fd/*") };
    good($wired->do, 'good');
    my $before = $open->();
    for my $how ('cut', 'refuse', 'short 3', 'say 3a310d0a') {
        $wire->be($how);
        $wired->do for 1 .. 10;
    }
    $wire->be('good');
    good($wired->do, 'good again');
    is $open->(), $before, 'as many files are open as before';
};

subtest 'several addresses of a name' => sub {
    my $some = SVB::Rounds->with(host => '127.0.0.2,127.0.0.3,127.0.0.1', port => $redis->port);
    good($some->do, 'the first ones refuse: the last is found in the same round');
};

subtest 'killed and started again; emptied' => sub {
    my $direct = direct();
    good($direct->do(batches => ['x']), 'before');
    $redis->kill;
    bad($direct->do, 'killed', qr/closed|reset|refused|Broken pipe/i, 0) for 1 .. 2;
    $redis->again;
    good($direct->do(batches => ['y']), 'the first round after it');
    $redis->flush;
    my $r = good($direct->do(logs => { a => '99-9' }, want_survey => 1), 'emptied');
    is_deeply $r->{last}, [ [ a => '0-0' ] ], 'is seen';
};

subtest 'a large log over a slow line: less at a time' => sub {
    $redis->flush;
    my $a = direct();
    good($a->do(batches => [ ('z' x 60_000) ]), 'written') for 1 .. 32;
    $wire->be('trickle 16384 1');
    my $wired = wired();
    my ($read, $id, $failed) = (0, '0-0', 0);
    for (1 .. 60) {
        my $r = $wired->do(logs => { a => $id });
        $failed++ if !$r->{ok};
        $read += @{ $r->{batches} };
        $id = $r->{batches}[-1][1] if @{ $r->{batches} };
        last if $read == 32;
    }
    is $read, 32, "all is read in the end, with $failed rounds that failed";
    $wire->be('good');
};

subtest 'many long logs: more than a round may bring' => sub {
    $redis->flush;
    my @fe = map { "f$_" } 1 .. 20;
    my $a = direct(timeout => 1000);
    for my $fe (@fe) {
        good($a->do(front_end => $fe, batches => [ ('z' x 65_000) x 32 ]), "$fe writes");
    }
    my %at = map { $_ => '0-0' } @fe;
    my ($read, $rounds, $failed) = (0, 0, 0);
    while ($read < 20 * 32 && $rounds < 40) {
        my $r = $a->do(logs => \%at, brief => 1);
        $rounds++;
        $failed++ if !$r->{ok};
        $read += @{ $r->{batches} };
        $at{ $_->[0] } = $_->[1] for @{ $r->{batches} };
    }
    is $read, 20 * 32, "all is read, in $rounds rounds";
    cmp_ok $failed, '<=', 3, "of which few failed: $failed";
    $redis->flush;
};

subtest 'what no store would say' => sub {
    my %says = (
        'text'               => "HTTP/1.1 400 Bad Request\r\n\r\n",
        'nothing of RESP'    => "\0\0\0\0",
        'an endless line'    => '+' . 'x' x 60_000,
        'a large array'      => "*2147483647\r\n",
        'a larger one'       => "*99999999999999999999\r\n",
        'arrays in arrays'   => "*1\r\n" x 3000,
        'large arrays in it' => "*150000\r\n" x 9,
        'a huge string'      => "\$2147483000\r\nabc",
        'a negative one'     => "\$-5\r\n",
        'a number'           => ":12\r\n" x 20,
        'OK'                 => "+OK\r\n" x 20,
        'nil'                => "\$-1\r\n" x 20,
        'nil lists'          => "*-1\r\n" x 20,
        'empty lists'        => "*0\r\n" x 20,
        'strings'            => "\$3\r\nabc\r\n" x 20,
        'maps of RESP3'      => "%1\r\n+a\r\n+b\r\n" x 20,
        'doubles of RESP3'   => ",1.5\r\n#t\r\n_\r\n" x 8,
        'errors'             => "-ERR \e[31m\"evil\"\x80\r\n" x 20,
        'a log of another'   => "*1\r\n*2\r\n\$1\r\nx\r\n*0\r\n",
        'an entry without id' => "*1\r\n*2\r\n\$13\r\nsvb:{x}:log:b\r\n*1\r\n*2\r\n\$1\r\nx\r\n*0\r\n",
        'out of order' => "*1\r\n*2\r\n\$13\r\nsvb:{x}:log:b\r\n*1\r\n*2\r\n\$3\r\n0-0\r\n*0\r\n",
        'numbers that do not fit' =>
            "*1\r\n*2\r\n\$13\r\nsvb:{x}:log:b\r\n*1\r\n*2\r\n\$22\r\n99999999999999999999-1\r\n*0\r\n",
    );
    my $wired = wired();
    for my $name (sort keys %says) {
        $wire->be('say ' . unpack 'H*', $says{$name});
        my $r = bad($wired->do(logs => { b => '0-0' }, want_survey => 1, want_admin => 1), $name,
            qr/XREAD|HGETALL|TIME|XREVRANGE|closed/);
        unlike $r->{error}, qr/[^ -~]|"evil"/, "$name: its bytes are not repeated";
    }
    $wire->be('good');
    good($wired->do(logs => { b => '0-0' }, want_survey => 1), 'good again');
};

subtest 'an answer without an end' => sub {
    $redis->flush;
    $redis->do('XADD', 'svb:{x}:log:b', '*', 'b', 'x' x 9_000_000) for 1 .. 2;
    my $r = bad(direct(timeout => 1000)->do(logs => { b => '0-0' }), 'more than 16 MB',
        qr/XREAD is larger than 16 MB/, 1_000_000);
    $redis->flush;
    $redis->do('HSET', 'svb:{x}:fe', map { ("f$_" => '') } $_ * 10_000 .. $_ * 10_000 + 9_999)
        for 0 .. 11;
    bad(direct(timeout => 1000)->do(want_survey => 1), 'too many fields',
        qr/HGETALL makes no sense \(too many parts\)/, 1_000_000);
    $redis->flush;
};

done_testing;
