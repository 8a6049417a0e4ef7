# Front ends that share a store, and do not agree: about whether a node is there, about
# the format they talk in, about whose word is the later one; and a store that loses what
# it was given.

use v5.32;
use warnings;

use Cwd qw(abs_path);
use FindBin;
use IO::Socket::IP;
use lib "$FindBin::Bin/lib";

use SVB::Balancer;
use SVB::Httpd;
use SVB::LightNodes;
use SVB::Ports;
use SVB::Redis;
use SVB::Temp;
use SVB::Wait qw(wait_for poll);
use Test::More;

my $redis = SVB::Redis->start;
my $nodes = SVB::LightNodes->new('http', 3);
my $key = SVB::Temp->write_file(SVB::Temp->dir('key') . '/key', '0123456789abcdef' x 2 . "\n");
chmod 0600, $key;

# A front end; n0 is at an address that another one may not have. Each test has a
# prefix of its own.
sub front {
    my ($name, $shared, %option) = @_;
    my $members = ($option{first} // 'BalancerMember ' . $nodes->url(0) . ' route=n0') . "\n"
        . 'BalancerMember ' . $nodes->url(1) . " route=n1\n" . ($option{more} // '');
    return SVB::Httpd->new(redis => 1, %{ $option{httpd} // {} }, conf => join '', <<"END",
ServoySharedStore redis://127.0.0.1:@{[ $redis->port ]}/0 name=$shared
ServoySharedKey $key
ServoyFrontEnd $name
@{[ $option{lines} // '' ]}
@{[ manager_location('ServoyManagerActions on') ]}
END
        proxy('servoy', $members, $option{inside} // ''), qq{ProxyPass "/" "balancer://servoy/"\n});
}

# How another front end is seen by one: its state, or ''.
sub state_of {
    my ($httpd, $name) = @_;
    my ($front) = grep { $_->{name} eq $name } @{ $httpd->manager->json->{front_ends} };
    return $front ? $front->{state} : '';
}

# As much time as two of another's heartbeats take to come: what was heard before is done.
sub rounds_pass {
    my ($httpd, $name) = @_;
    my $seen = sub {
        my ($front) = grep { $_->{name} eq $name } @{ $httpd->manager->json->{front_ends} };
        return $front->{seen};
    };
    for (1, 2) {
        my $before = $seen->();
        wait_for(sub { $seen->() ne $before }, 10, "a heartbeat of $name");
    }
    return;
}

sub together {
    my (%front) = @_;
    for my $one (keys %front) {
        for my $other (grep { $_ ne $one } keys %front) {
            wait_for(sub { state_of($front{$one}, $other) eq 'here' }, 20, "$one to see $other");
        }
    }
    return;
}

# The batches that stand in a front end's log, oldest first.
sub batches {
    my ($shared, $name) = @_;
    return map { $_->[1][1] } @{ $redis->do('XRANGE', "svb:{$shared}:log:$name", '-', '+') };
}

# Records of a batch, as [ node's route, kind ]; see src/share/batch.h.
sub records {
    my ($bytes) = @_;
    my ($header, $asked, $named) = unpack 'x4 V x26 v v', $bytes;
    my @names = unpack '(C/a)*', substr $bytes, 40, $header - 40;
    my @routes = @names[ map { $asked + 2 * $_ + 1 } 0 .. $named - 1 ];
    my $records = substr $bytes, $header, length($bytes) - $header - 8;
    return map { [ $routes[ $_->[0] ] // '', $_->[1] ] }
        map { [ unpack 'x8 v C', $_ ] } unpack '(a16)*', $records;
}

sub has_told {
    my ($shared, $name, $route, $kind) = @_;
    return scalar grep { $_->[0] eq $route && $_->[1] == $kind }
        map { records($_) } batches($shared, $name);
}

subtest 'one that cannot reach a node does not speak for the others' => sub {
    my $port = SVB::Ports->take;
    my $a = front('a', 'hints', first => "BalancerMember http://127.0.0.1:$port route=n0")->start;
    my $b = front('b', 'hints')->start;
    together(a => $a, b => $b);
    ok poll(sub { has_told('hints', 'a', 'n0', 16) }, 10), 'it tells of what refuses';
    is $a->nodes('servoy')->{n0}{state}, 'error', '... and goes by it';
    ok poll(sub { $b->manager->metrics =~ /^servoy_store_records_total\{direction="in"\} [1-9]/m },
        10), '... which the other hears';
    rounds_pass($b, 'a');
    is $b->nodes('servoy')->{n0}{state}, 'ready', 'the other asks for itself';
    unlike $b->error_log, qr/SVB0094.*n0: error/, '... and was never of another mind';
    ok !has_told('hints', 'b', 'n0', 16), '... and tells nobody';
    $_->stop for $a, $b;
};

subtest 'a node dies, and is there again' => sub {
    my $port = SVB::Ports->take;
    my $member = "BalancerMember http://127.0.0.1:$port route=n0";
    my $a = front('a', 'again', first => $member)->start;
    my $b = front('b', 'again', first => $member)->start;
    together(a => $a, b => $b);
    wait_for(sub { $_->nodes('servoy')->{n0}{state} eq 'error' }, 10, 'its death') for $a, $b;
    my $node = IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => $port, Listen => 64,
        ReuseAddr => 1) or die "no socket: $@\n";
    ok poll(sub { has_told('again', 'a', 'n0', 17) || has_told('again', 'b', 'n0', 17) }, 10),
        'who sees it tells the others';
    ok poll(sub { !grep { $_->nodes('servoy')->{n0}{state} eq 'error' } $a, $b }, 5), 'all see it';
    $_->stop for $a, $b;
};

subtest 'the word of a front end that was stopped while the store was away' => sub {
    my $dir = SVB::Temp->dir('state');
    my @own = (lines => "ServoyPersist $dir/state");
    my $a = front('a', 'words', @own)->start;
    my $b = front('b', 'words')->start;
    together(a => $a, b => $b);
    $a->manager->act('servoy', 'n0', 'drain');
    ok poll(sub { $b->nodes('servoy')->{n0}{state} eq 'draining' }, 5), 'a drain is known';
    $a->manager->act('servoy', 'n0', 'enable');
    ok poll(sub { $b->nodes('servoy')->{n0}{state} eq 'ready' }, 5), '... and its end';
    $a->manager->act('servoy', 'n1', 'drain');
    ok poll(sub { $b->nodes('servoy')->{n1}{state} eq 'draining' }, 5), '... and that of another node';
    $redis->freeze;
    wait_for(sub { $_->manager->json->{store}{state} eq 'lost' }, 10, 'the loss') for $a, $b;
    $a->manager->act('servoy', 'n0', 'drain');
    $a->manager->act('servoy', 'n1', 'enable');
    $a->stop;
    $redis->thaw;
    wait_for(sub { $b->manager->json->{store}{state} eq 'connected' }, 10, 'its return');
    $a->start;
    together(a => $a, b => $b);
    ok poll(sub { $b->nodes('servoy')->{n0}{state} eq 'draining' }, 10), 'the later word holds';
    ok poll(sub { $b->nodes('servoy')->{n1}{state} eq 'ready' }, 10), '... that of enabling, too';
    is_deeply [ map { $a->nodes('servoy')->{$_}{state} } qw(n0 n1) ], [qw(draining ready)],
        '... also where it was said';
    $_->stop for $a, $b;
};

subtest 'a front end that reads a later format as well' => sub {
    my $root = abs_path("$FindBin::Bin/..");
    my $built = "$root/.build/format2/mod_servoy_balancer.so";
    my $log = SVB::Temp->dir('make') . '/log';
    is system("make -C '$root' -f Makefile.apxs B=.build/format2 LTO= OPT='-O1 -DSVB_BATCH_FORMAT=2'"
            . " .build/format2/mod_servoy_balancer.so >$log 2>&1"), 0, 'it is built'
        or diag SVB::Temp->read_file($log);
    my $old = front('old', 'formats');
    my $new = do {
        local $ENV{SVB_MODULE} = $built;
        front('new', 'formats')->start;
    };
    $old->start;
    my $written = sub { my @all = batches('formats', 'new'); substr $all[-1] // '', 0, 4 };
    my $count = sub { my ($httpd) = @_; $httpd->manager->json->{table}{clients} };
    together(old => $old, new => $new);
    $new->client->get('/new') for 1 .. 3;
    ok poll(sub { $written->() eq 'svb1' }, 10), 'what both read is written';
    ok poll(sub { $count->($old) >= 3 && $count->($old) == $count->($new) }, 10), '... and read';
    $old->stop;
    ok poll(sub { $new->client->get('/new'); $written->() eq 'svb2' }, 30), 'alone it writes the later';
    $old->start;
    together(old => $old, new => $new);
    ok poll(sub { $new->client->get('/new'); $written->() eq 'svb1' }, 20),
        '... until the other is back';
    ok poll(sub { $count->($old) == $count->($new) && $count->($new) > 3 }, 20),
        '... who knows all in the end';
    unlike $old->error_log, qr/SVB0133/, 'and was never called incompatible';
    $_->stop for $old, $new;
};

# While nobody is heard of, each takes the others to do as it does: of four new clients
# here, four more are thought to be at the other one, also where an election takes the long
# way (here: by a standby).
subtest 'what others may have elected counts, however the election goes' => sub {
    my $own = join "\n", map { "ServoyNode n$_ maxclients=4" } 0, 1;
    my %standby = (more => 'BalancerMember ' . $nodes->url(2) . ' route=n2 status=+H', inside => $own);
    my $a = front('a', 'long', %standby)->start;
    my $b = front('b', 'long', %standby)->start;
    together(a => $a, b => $b);
    $redis->freeze;
    wait_for(sub { $a->manager->json->{store}{state} eq 'lost' }, 10, 'the loss');
    my $lost = time;
    poll(sub { time > $lost + 2 }, 10);    # from two seconds on others are cut off
    $a->client->get('/new') for 1 .. 4;
    my $of = $a->nodes('servoy');
    is $of->{n0}{clients}{web} + $of->{n1}{clients}{web}, 4, 'four clients';
    is_deeply [ map { $of->{$_}{state} } qw(n0 n1) ], [qw(full full)], 'of whom each is thought '
        . 'to have a twin';
    $redis->thaw;
    ok poll(sub { $a->nodes('servoy')->{n0}{state} eq 'ready' }, 10), 'it has none';
    $_->stop for $a, $b;
};

subtest 'a store that loses what it was given' => sub {
    my $a = front('a', 'gaps')->start;
    my $b = front('b', 'gaps')->start;
    together(a => $a, b => $b);
    my $gaps = sub { $b->manager->json->{store}{gaps} };
    wait_for(sub {
        my $before = $gaps->();
        $a->client->get('/new');
        wait_for(sub { batches('gaps', 'a') }, 10, 'a log');
        rounds_pass($b, 'a');
        $redis->do('DEL', 'svb:{gaps}:log:a');
        poll(sub { $gaps->() > $before }, 3);
        return $b->error_log =~ /SVB0138/;
    }, 90, 'the warning');
    my @warned = $b->error_log =~ /(SVB0138.*)/g;
    is @warned, 1, 'it is told once';
    like $warned[0], qr/noeviction/, '... with what to do';
    $_->stop for $a, $b;
};

done_testing;
