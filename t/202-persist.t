#!/usr/bin/perl
# What survives: counts, counters and clients over a stop and start (ServoyPersist),
# over graceful and hard restarts, and over the death of children and the parent.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(sha1_hex);
use List::Util qw(sum0 uniq);
use POSIX qw(mkfifo);
use SVB::Fleet;
use SVB::Httpd;
use SVB::Temp;
use SVB::Wait qw(:DEFAULT poll);
use Test::More;
use Time::HiRes qw(time);

my $page = '/servoy-webclient/ss/s/crm';
my $launch = '/servoy-client/crm.jnlp';
my $default = 'servoy_balancer.state';
my $fleet = SVB::Fleet->start(3);
my $nameless = SVB::Fleet->start(2, route => '');
my ($one, $two, $three) = $fleet->nodes;
my @routes = map { $_->route } $fleet->nodes;

# Two fleets: nodes with a jvmRoute at /, nodes without one at /learned. Options:
# server (lines); nodes (of the first fleet); settings (route => text for its
# member); lines (for the first fleet's balancer).
sub conf {
    my (%option) = @_;
    my $members = join '', map { $_->member('ajp', $option{settings}{ $_->route }) }
        @{ $option{nodes} // [ $fleet->nodes ] };
    return <<"END";
Header always set X-How "%{SERVOY_HOW}e"
ProxyPreserveHost On
@{[ $option{server} // '' ]}
<Proxy "balancer://servoy">
${members}ProxySet lbmethod=servoy
ServoyNode * url=http://%r.example.com
@{[ $option{lines} // '' ]}
</Proxy>
<Proxy "balancer://learned">
@{[ $nameless->members('ajp') ]}ProxySet lbmethod=servoy
ServoyFleet learned
ServoyLaunch proxy
</Proxy>
<Location "/servoy-manager">
SetHandler servoy-manager
Require local
</Location>
ProxyPass "/learned/" "balancer://learned/"
ProxyPass "/" "balancer://servoy/"
END
}

# --- what httpd says of itself ---

sub json { return $_[0]->client(timeout => 30)->get('/servoy-manager?format=json')->json }

# A node without a route is known by its member.
sub facts {
    my ($httpd) = @_;
    my %facts;
    for my $fleet (@{ json($httpd)->{fleets} }) {
        $facts{ $_->{route} || $_->{members}[0]{worker} } = $_ for @{ $fleet->{nodes} };
    }
    return \%facts;
}

my @kept = qw(elected sticky launches failed_over_from failed_over_to maintenance_hits errors);

# All of it that is to survive.
sub summary {
    my ($httpd) = @_;
    my $facts = facts($httpd);
    return { map {
        my $node = $facts->{$_};
        $_ => join ' ', "web $node->{clients}{web}", "smart $node->{clients}{smart}", map { "$_ $node->{$_}" } @kept
    } keys %$facts };
}

sub total {
    my ($httpd, $what) = @_;
    return sum0 map { $_->{$what} // $_->{clients}{$what} } values %{ facts($httpd) };
}

sub key_of { my ($node) = @_; return $node->route || 'ajp://127.0.0.1:' . $node->ajp_port }

my @nodes = ($fleet->nodes, $nameless->nodes);
my %base;

# Sessions of other tests are none of this one's.
sub begin {
    %base = map { key_of($_) => $_->active_sessions } @nodes;
    return;
}

sub counts_agree {
    my ($httpd, $name) = @_;
    my ($counted, $held);
    poll(sub {
        my $facts = facts($httpd);
        $counted = join ', ', map { key_of($_) . ' ' . ($facts->{ key_of($_) }{clients}{web} // '-') } @nodes;
        $held = join ', ', map { key_of($_) . ' ' . ($_->active_sessions - $base{ key_of($_) }) } @nodes;
        return $counted eq $held;
    }, 25);
    return is $counted, $held, $name;
}

# --- users ---

# New ones; each has its home.
sub users {
    my ($httpd, $count, $prefix) = @_;
    my @users = map { $httpd->client(timeout => 30) } 1 .. $count;
    for my $user (@users) {
        $user->{page} = ($prefix // '') . $page;
        my $r = $user->get($user->{page});
        $user->{home} = $r->node // 'status ' . $r->status;
        $user->{count} = 1;
    }
    return @users;
}

# Each asks once more: where something is not as it should be, 'who: what', else ''.
sub wrong {
    my ($how, @users) = @_;
    return join '; ', map {
        my $r = $_->get($_->{page});
        my $got = join ' ', $r->node // 'status ' . $r->status, map { $r->header($_) // '-' } qw(X-Count X-How);
        my $wanted = join ' ', $_->{home}, ++$_->{count}, $how;
        $got eq $wanted ? () : "$got, not $wanted";
    } @users;
}

# Asks until the table knows the user, which is at home all the while. What is
# wrong, or ''.
sub becomes_known {
    my ($user) = @_;
    my ($how, $where) = ('', '');
    poll(sub {
        my $r = $user->get($user->{page});
        $how = $r->header('X-How') // 'status ' . $r->status;
        $where = join ' ', $r->node // 'no node', 'request', $r->header('X-Count') // '-';
        $user->{lost} = $where ne "$user->{home} request " . ++$user->{count};
        return $how eq 'known' || $user->{lost};
    }, 20);
    return $user->{lost} ? "$how, $where, not $user->{home} request $user->{count}" : $how eq 'known' ? '' : $how;
}

sub launches {
    my ($httpd, $count) = @_;
    my @users = map { $httpd->client(timeout => 30) } 1 .. $count;
    for my $user (@users) {
        ($user->{home}) = ($user->get($launch)->header('Location') // '') =~ m{^http://(\w+)\.};
    }
    return @users;
}

# A new client whose session starts only after so many seconds.
sub slow_start {
    my ($httpd, $seconds, $prefix) = @_;
    my $user = $httpd->client(timeout => 60);
    $user->{page} = ($prefix // '') . $page;
    my $ms = $seconds * 1000;
    $user->{pending} = $user->start(GET => ($prefix // '') . "/slow?session=1&ms=$ms");
    return $user;
}

sub slow_end {
    my ($user) = @_;
    my $r = $user->{pending}->finish;
    $user->{home} = $r->node // 'status ' . $r->status;
    $user->{count} = 1;
    return $r->status;
}

# --- the file ---

sub text { my ($path) = @_; return SVB::Temp->read_file($path) }
sub run_dir { return $_[0]->root . '/run' }
sub file_of { return run_dir($_[0]) . "/$default" }

# The error log's first line that matches, '' where there is none after five seconds.
sub said { my ($httpd, $pattern) = @_; return eval { $httpd->wait_log($pattern, 5) } // '' }

# Names in the runtime folder that have to do with us.
sub files { my ($httpd) = @_; return join ' ', sort map { s{.*/}{}r } glob run_dir($httpd) . '/*state*' }

# Client counts by node as the file has them: see src/memory/save.h.
sub saved_counts {
    my ($path) = @_;
    my $bytes = text($path);
    my ($magic, $version, $nodes) = unpack 'a8 V V', $bytes;
    die "$path: not a saved state\n" if $magic ne 'svb-save' || $version != 1;
    my ($start, $size) = (40, 192);
    my @route = map { (unpack 'Z64 Z64', substr $bytes, $start + $size * $_)[1] } 0 .. $nodes - 1;
    my %count = map { $_ => 0 } @route;
    for (my $at = $start + $size * $nodes; $at < length($bytes) - 16; $at += 16) {
        my ($node, $kind) = unpack 'x8 v C', substr $bytes, $at, 16;
        $count{ $route[$node] }++ if $kind != 2;
    }
    return \%count;
}

sub sum_of { return sha1_hex(text($_[0])) }
sub identity { my @stat = stat $_[0]; return "$stat[0]:$stat[1]" }
sub mode { my @stat = stat $_[0]; return @stat ? sprintf '%04o', $stat[2] & 07777 : 'none' }

sub httpd { return SVB::Httpd->new(conf => conf(), @_) }

# --- stop and start ---

for my $mpm (qw(event worker prefork)) {
    subtest "stop and start, $mpm" => sub {
        begin();
        # servoy3 is off in the first run, so one of its clients has to move
        my $httpd = httpd(mpm => $mpm, conf => conf(settings => { servoy3 => 'status=+D' }))->start;
        like said($httpd, qr/SVB0080/), qr/\[servoy_balancer:info\].*\Q${\ file_of($httpd)}\E/,
            'no file: an info line that names it';
        my @users = users($httpd, 6);
        my @learned = users($httpd, 4, '/learned');
        my @launched = launches($httpd, 3);
        my $moved = $httpd->client(timeout => 30);
        $moved->set_cookie(JSESSIONID => 'FEDCBA9876543210.servoy3');
        $moved->{home} = $moved->get('/echo')->node;
        like $moved->{home}, qr/^servoy[12]$/, 'a client of a node that is off moves';
        is wrong(known => @users, @learned), '', 'users are known';
        like $learned[0]->cookie('JSESSIONID'), qr/^[^.]+$/, 'some by an id without a route';
        my $before = summary($httpd);
        my %web = map { $_ => (facts($httpd)->{$_})->{clients}{web} } @routes;
        is total($httpd, 'web'), 11, 'eleven HTTP sessions';
        is total($httpd, 'smart'), 3, 'three Smart Clients';
        is files($httpd), '', 'no file while the server runs';
        $httpd->stop;
        is files($httpd), $default, 'the file of the default name, and nothing else';
        is mode(file_of($httpd)), '0600', 'for its owner alone';
        my $counts = saved_counts(file_of($httpd));
        is_deeply { map { $_ => $counts->{$_} } @routes }, \%web, 'it holds the clients that were counted';

        $httpd->{conf} = conf();
        $httpd->mark->start;
        like said($httpd, qr/SVB0082/), qr/\[servoy_balancer:info\].*\Q${\ file_of($httpd)}\E/, 'read again';
        is_deeply summary($httpd), $before, 'clients and counters are what they were';
        is json($httpd)->{table}{clients}, 14, 'so is the total';
        is wrong(known => @users, @learned), '', 'all users are known, and stay where they were';
        my $r = $moved->get('/echo');
        is $r->node . ' ' . $r->header('X-How'), "$moved->{home} known", 'so does the one that had moved';
        is scalar(grep { ($_->get($launch)->header('Location') // '') !~ m{^http://$_->{home}\.} } @launched), 0,
            'and those who launch again';
        is total($httpd, 'smart'), 3, 'they are counted once';
        my ($new) = users($httpd, 1);
        is $new->{home}, 'servoy3', 'a new client goes where the fewest are';
        $httpd->stop;
        is scalar(grep { /SVB008[13]/ } split /^/, $httpd->error_log), 0, 'no complaints';
    };
}

subtest 'the file is replaced as a whole' => sub {
    begin();
    my $httpd = httpd()->start;
    my @users = users($httpd, 3);
    $httpd->stop;
    my $old = identity(file_of($httpd));
    my $sum = sum_of(file_of($httpd));
    open my $reader, '<:raw', file_of($httpd) or die $!;

    my $elsewhere = SVB::Temp->write_file($httpd->root . '/elsewhere', 'precious');
    symlink $elsewhere, file_of($httpd) . '.new' or die $!;
    $httpd->start;
    push @users, users($httpd, 3);
    $httpd->stop;
    isnt identity(file_of($httpd)), $old, 'another file has the name';
    is sha1_hex(do { local $/; scalar <$reader> }), $sum, 'who reads the old one has all of it';
    is sum0(values %{ saved_counts(file_of($httpd)) }), 6, 'the new one has six clients';
    is files($httpd), $default, 'no temporary file stays, nor one that was left';
    ok !-l file_of($httpd), 'it is no link';
    is text($elsewhere), 'precious', 'a link under the temporary name was not followed';

    mkdir file_of($httpd) . '.new' or die $!;
    $sum = sum_of(file_of($httpd));
    $httpd->start;
    push @users, users($httpd, 2);
    $httpd->stop;
    is sum_of(file_of($httpd)), $sum, 'where it cannot be written, the old one stays';
    rmdir file_of($httpd) . '.new';
    $httpd->mark->start;
    is total($httpd, 'web'), 6, 'and is good';
    $httpd->stop;
};

subtest 'a graceful stop saves what its last requests learn' => sub {
    begin();
    my $httpd = httpd()->start;
    my @users = users($httpd, 3);
    my $late = slow_start($httpd, 3, '/learned');
    wait_for(sub { total($httpd, 'in_flight') == 1 }, 10, 'the slow request');
    $httpd->{proc}->signal('WINCH');
    is slow_end($late), 200, 'a request in progress is served';
    is $httpd->{proc}->wait(20), 0, 'then the server ends';
    $httpd->stop;
    $httpd->start;
    is wrong(known => @users, $late), '', 'all are known after the start';
    counts_agree($httpd, 'and counted');
    $httpd->stop;
};

subtest 'ServoyPersist <path>' => sub {
    my $dir = SVB::Temp->dir('kept');
    for my $case ([ "$dir/a file.state", "$dir/a file.state" ], [ 'sub/x', undef ], [ './x.state', undef ]) {
        my ($path, $full) = @$case;
        begin();
        my $httpd = httpd(conf => conf(server => "ServoyPersist \"$path\""));
        mkdir run_dir($httpd) . '/sub';
        $full //= run_dir($httpd) . "/$path";
        $httpd->start;
        my @users = users($httpd, 3);
        $httpd->stop;
        is mode($full), '0600', "$path: written";
        ok !-e file_of($httpd), '... and not the default one';
        $httpd->start;
        is wrong(known => @users), '', '... and read';
        $httpd->stop;
    }
};

subtest 'ServoyPersist off' => sub {
    begin();
    my $httpd = httpd()->start;
    my @users = users($httpd, 3);
    $httpd->stop;
    my $sum = sum_of(file_of($httpd));
    my $old = identity(file_of($httpd));
    $httpd->{conf} = conf(server => 'ServoyPersist off');
    $httpd->mark->start;
    is total($httpd, 'web'), 0, 'a file that is there is not read';
    is wrong(route => @users), '', 'its clients have their routes';
    is total($httpd, 'web'), 3, 'and are counted again';
    $httpd->stop;
    is sum_of(file_of($httpd)), $sum, 'nor written';
    is identity(file_of($httpd)), $old, 'nor replaced';
    is scalar(grep { /SVB008\d/ } split /^/, $httpd->error_log), 0, 'nothing is said';
    unlink file_of($httpd);
    $httpd->start->stop;
    is files($httpd), '', 'no file comes into being';
};

subtest 'expired clients are not restored' => sub {
    begin();
    my $httpd = httpd()->start;
    my @users = users($httpd, 4);
    my @learned = users($httpd, 2, '/learned');
    launches($httpd, 2);
    my $seen = time;
    $httpd->stop;
    is sum0(values %{ saved_counts(file_of($httpd)) }), 6, 'six sessions are in the file';
    wait_for(sub { time > $seen + 3.5 }, 10, 'them to get old');
    $httpd->{conf} = conf(lines => 'ServoySessionTimeout 2');
    $httpd->mark->start;
    my %web = map { $_ => facts($httpd)->{$_}{clients}{web} } @routes;
    is_deeply \%web, { map { $_ => 0 } @routes }, 'sessions not heard of for ServoySessionTimeout are gone';
    is total($httpd, 'smart'), 2, 'Smart Clients live longer';
    is wrong(known => @learned), '', 'so do sessions of a fleet with a longer timeout';
    like said($httpd, qr/SVB0082/), qr/\b4 clients are gone/, 'the log tells how many are gone';
    is wrong(route => @users), '', 'whoever comes back is served by the route';
    is total($httpd, 'web'), 6, 'and counted again';
    $httpd->stop;
};

# --- files that cannot be used ---

subtest 'a file that cannot be used' => sub {
    begin();
    my $httpd = httpd(processes => 1)->start;
    my @users = (users($httpd, 6), users($httpd, 2, '/learned'));
    my $file = file_of($httpd);
    $httpd->stop;
    my $good = text($file);
    my $half = length($good) / 2;
    my $target = SVB::Temp->write_file($httpd->root . '/target', $good);
    chmod 0600, $target;
    my $put = sub {
        my ($text, $mode) = @_;
        unlink $file;
        SVB::Temp->write_file($file, $text);
        chmod $mode // 0600, $file;
    };
    my $flip = sub { my ($at) = @_; my $text = $good; substr($text, $at, 1) ^.= "\x04"; return $put->($text) };
    my @cases = (
        [ 'damaged in its head',        sub { $flip->(30) },                          qr/damaged/ ],
        [ 'damaged in a node',          sub { $flip->(40 + 128 + 20) },               qr/damaged/ ],
        [ 'damaged in a client',        sub { $flip->(length($good) - 16 - 40) },     qr/damaged/ ],
        [ 'damaged at the end',         sub { $flip->(length($good) - 1) },           qr/damaged/ ],
        [ 'with zeros in the middle',   sub { my $text = $good; substr $text, $half, 64, "\0" x 64; $put->($text) },
            qr/damaged/ ],
        [ 'empty',                      sub { $put->('') },                           qr/empty/ ],
        [ 'cut off early',              sub { $put->(substr $good, 0, 9) },           qr/cut short/ ],
        [ 'cut off in the middle',      sub { $put->(substr $good, 0, $half) },       qr/cut short|length/ ],
        [ 'without its last byte',      sub { $put->(substr $good, 0, -1) },          qr/cut short|length/ ],
        [ 'without a client',           sub { my $text = $good; substr $text, -32, 16, ''; $put->($text) },
            qr/damaged|as many/ ],
        [ 'with more behind it',        sub { $put->($good . 'x' x 16) },             qr/damaged|as many/ ],
        [ 'foreign',                    sub { $put->("127.0.0.1 localhost\n" x 50) }, qr/not written by/ ],
        [ 'of another version',         sub { my $text = $good; substr $text, 8, 1, "\2"; $put->($text) },
            qr/version 2/ ],
        [ 'readable by all',            sub { $put->($good, 0644) },                  qr/others/ ],
        [ 'writable by the group',      sub { $put->($good, 0620) },                  qr/others/ ],
        [ 'a link',                     sub { unlink $file; symlink $target, $file }, qr/regular/ ],
        [ 'a named pipe',               sub { unlink $file; mkfifo $file, 0600 },     qr/regular/ ],
        [ 'a folder',                   sub { unlink $file; mkdir $file, 0700 },      qr/regular/ ],
    );
    push @cases, [ 'somebody else\'s', sub { $put->($good); chown((getpwnam 'www-data')[2], 0, $file) }, qr/belongs/ ]
        if $> == 0;
    for my $case (@cases) {
        my ($name, $make, $why) = @$case;
        subtest $name => sub {
            $make->();
            my $was = -p $file ? undef : [ identity($file), sum_of($file) ];
            is +($httpd->configtest)[0], 0, 'a configuration test passes';
            is files($httpd), $default, 'and touches nothing';
            ok eval { $httpd->mark->start }, 'the server starts' or return diag $@;
            my $line = said($httpd, qr/SVB0081/);
            like $line, qr/\[servoy_balancer:warn\].*\Q$file\E/, 'a warning names the file';
            like $line, qr/\Q$file\E: .*$why/, 'and tells why';
            my ($aside) = grep { !/\Q$default\E$/ } glob run_dir($httpd) . '/*state*';
            like $aside // '', qr/^\Q$file\E\.bad-/, 'it is set aside';
            is_deeply [ identity($aside), sum_of($aside) ], $was, 'as it was' if $was;
            like $line, qr/\Q$aside\E/, 'the line tells under which name';
            is total($httpd, 'web') + total($httpd, 'elected'), 0, 'the table and the counters start empty';
            is +(users($httpd, 1))[0]{home} =~ /^servoy[123]$/, 1, 'users are served';
            $httpd->stop;
            is mode($file), '0600', 'the next stop writes a good one';
            is sum0(values %{ saved_counts($file) }), 1, 'with what was there';
            -d $aside ? rmdir $aside : unlink $aside;
        };
        unlink $file;
    }
    is sum_of($target), sha1_hex($good), 'what a link pointed to is left alone';
    $put->($good);
    $httpd->mark->start;
    is wrong(known => @users), '', 'the good one is read all the same';
    $httpd->stop;
};

subtest 'two bad files in one second' => sub {
    my $httpd = httpd(processes => 1);
    for my $n (1 .. 2) {
        SVB::Temp->write_file(file_of($httpd), "bad $n");
        $httpd->start->kill;
    }
    my @aside = sort map { text($_) } glob run_dir($httpd) . '/*.bad-*';
    is_deeply \@aside, [ 'bad 1', 'bad 2' ], 'both are kept';
};

subtest 'a folder that cannot be written' => sub {
    my $httpd = httpd();
    my @cases = ([ 'not there', run_dir($httpd) . '/missing/state' ],
        [ 'no folder', run_dir($httpd) . '/file/state' ]);
    SVB::Temp->write_file(run_dir($httpd) . '/file', '');
    if ($> != 0) {
        mkdir run_dir($httpd) . '/closed', 0555;
        push @cases, [ 'closed', run_dir($httpd) . '/closed/state' ];
    }
    for my $case (@cases) {
        my ($name, $path) = @$case;
        $httpd->{conf} = conf(server => "ServoyPersist $path");
        $httpd->mark->start;
        is scalar(users($httpd, 2)), 2, "$name: the server serves";
        $httpd->stop;       # fails the test unless it ends well
        my ($line) = grep { /SVB0083/ } split /^/, $httpd->error_log;
        like $line // 'no line', qr/\[servoy_balancer:error\].*\Q$path\E/, '... and says that nothing is saved';
    }
};

# --- restarts ---

subtest 'graceful restart' => sub {
    begin();
    my $httpd = httpd()->start;
    my @users = (users($httpd, 6), users($httpd, 4, '/learned'));
    launches($httpd, 2);
    is wrong(known => @users), '', 'users';
    my $before = summary($httpd);
    my $uptime = json($httpd)->{uptime_s};
    my @old = $httpd->children;
    # what the first generation has still to do
    my @late = (slow_start($httpd, 6), slow_start($httpd, 6, '/learned'));
    my $long = $users[0]->start(GET => '/slow?ms=6000');
    wait_for(sub { total($httpd, 'in_flight') == 3 }, 10, 'three requests in flight');
    $before = summary($httpd);
    $httpd->mark->graceful;
    is_deeply summary($httpd), $before, 'clients and counters are what they were';
    is total($httpd, 'in_flight'), 3, 'requests in flight are counted still';
    cmp_ok json($httpd)->{uptime_s}, '>=', $uptime, 'time goes on';
    is scalar(grep { /SVB008\d/ } split /^/, $httpd->error_log), 0, 'no file has to do with it';
    is files($httpd), '', 'none is written';
    is wrong(known => @users), '', 'users stay';
    ok !$httpd->client->start(GET => '/echo')->finish->error, 'new requests are served meanwhile';
    is_deeply [ map { slow_end($_) } @late ], [ 200, 200 ], 'the first generation ends its requests';
    is $long->finish(20)->status, 200;
    wait_ok(sub { total($httpd, 'in_flight') == 0 }, 20, 'then nothing is in flight');
    wait_ok(sub { my %is = map { $_ => 1 } $httpd->children; !grep { $is{$_} } @old }, 20, 'and it is gone');
    is wrong(known => @late), '', 'clients whose sessions it learned are known to the second';
    counts_agree($httpd, 'all are counted');
    is json($httpd)->{table}{clients}, total($httpd, 'web') + total($httpd, 'smart'), 'nobody else is';
    $httpd->graceful for 1 .. 3;
    is wrong(known => @users, @late), '', 'three more restarts: users stay';
    counts_agree($httpd, 'and are counted');
    $httpd->stop;
};

subtest 'hard restart' => sub {
    begin();
    my $httpd = httpd()->start;
    my @users = (users($httpd, 6), users($httpd, 4, '/learned'));
    launches($httpd, 2);
    $users[0]->start(GET => '/slow?ms=60000');
    wait_for(sub { total($httpd, 'in_flight') == 1 }, 10, 'a request in flight');
    my $before = summary($httpd);
    $httpd->mark->restart;
    is_deeply summary($httpd), $before, 'clients and counters are what they were';
    wait_ok(sub { total($httpd, 'in_flight') == 0 }, 20, 'a request that was cut off is not in flight any more');
    is files($httpd), '', 'no file is written';
    is wrong(known => @users), '', 'users stay';
    $httpd->{conf} = conf(server => 'ServoyClientTable 3000');
    SVB::HttpdConf->write($httpd, 'httpd.conf');
    $httpd->restart;
    is json($httpd)->{table}{capacity}, 3000, 'with a table of another size';
    is wrong(known => @users), '', 'they stay as well';
    counts_agree($httpd, 'and are counted');
    $httpd->stop;
};

subtest 'ServoyClientTable changes' => sub {
    begin();
    my $httpd = httpd(processes => 2)->start;
    my @users = (users($httpd, 9), users($httpd, 4, '/learned'));
    launches($httpd, 2);
    for my $size (200_000, 500, 65536) {
        my $what = "$size clients";
        my ($active, $leaves) = users($httpd, 2);
        my @late = (slow_start($httpd, 5), slow_start($httpd, 5, '/learned'));
        my $long = $users[0]->start(GET => '/slow?ms=5000');
        wait_for(sub { total($httpd, 'in_flight') == 3 }, 10, 'three requests in flight');
        is wrong(known => $active, $leaves), '', "$what: two users who have been active just now";
        my $before = summary($httpd);
        $httpd->reconfigure(conf(server => "ServoyClientTable $size"));
        is_deeply summary($httpd), $before, 'clients and counters are what they were';
        # one of them goes, one gets another id: the table of before must not bring that back
        $leaves->get('/logout');
        my $before_login = $active->cookie('JSESSIONID');
        $active->get('/login');
        isnt $active->cookie('JSESSIONID'), $before_login, 'one gets a new id, one goes';
        $active->{count}++;
        is json($httpd)->{table}{capacity}, $size, 'the table has its new size';
        is wrong(known => @users, $active), '', 'users stay';
        is total($httpd, 'smart'), 2, 'Smart Clients are counted';
        is total($httpd, 'in_flight'), 3, 'so are requests in flight';
        is_deeply [ map { slow_end($_) } @late ], [ 200, 200 ], 'the old generation ends its requests';
        is $long->finish(20)->status, 200;
        wait_ok(sub { total($httpd, 'in_flight') == 0 }, 20, 'nothing is in flight');
        is becomes_known($late[1]), '', 'a session without a route that the old generation learned is known at once';
        counts_agree($httpd, 'counts are right, with a session of which nothing was heard since');
        is becomes_known($late[0]), '', 'that one is known as well';
        push @users, $active, grep { !$_->{lost} } @late;
    }
    $httpd->graceful;
    is wrong(known => @users), '', 'another restart without a change: users stay';
    counts_agree($httpd, 'counts are right');
    my $before = summary($httpd);
    $httpd->stop;
    $httpd->{conf} = conf(server => 'ServoyClientTable 300');
    $httpd->start;
    is_deeply summary($httpd), $before, 'stop, and start with another size: clients and counters are what they were';
    is wrong(known => @users), '', 'users stay';
    $httpd->stop;
};

# A later restart of another kind must not undo what happened since the change.
subtest 'ServoyClientTable changes, and another restart soon after' => sub {
    begin();
    my $httpd = httpd()->start;
    my @users = users($httpd, 6);
    my $seen = time;
    is wrong(known => @users), '', 'users, active just before the change';
    $httpd->reconfigure(conf(server => 'ServoyClientTable 1000'));
    wait_for(sub { time > $seen + 4 }, 10, 'the new table to be the only one in use');
    $_->get('/logout') for @users[ 0, 1 ];
    $users[2]->get('/login');
    $users[2]{count}++;
    counts_agree($httpd, 'two log out, one logs in');
    $httpd->graceful;
    my ($marker) = users($httpd, 1);
    # nothing tells from outside when the periodic work has been done: watch for six of its turns
    my ($restarted, $most) = (time, 0);
    wait_for(sub {
        my $web = total($httpd, 'web');
        $most = $web if $web > $most;
        return $most > 5 || time > $restarted + 6;
    }, 20, 'the periodic work to be done');
    is $most, 5, 'another restart: who is gone stays gone' or note explain summary($httpd);
    counts_agree($httpd, 'counts are right');
    is wrong(known => @users[ 2 .. 5 ], $marker), '', 'the others stay';
    $httpd->stop;
};

subtest 'members change' => sub {
    begin();
    my $httpd = httpd(conf => conf(nodes => [ $one, $two ]))->start;
    my @users = (users($httpd, 6), users($httpd, 2, '/learned'));
    my $before = summary($httpd);
    my $ours = sub { my $all = summary($httpd); return { map { $_ => $all->{$_} } keys %$before } };

    $httpd->reconfigure(conf(nodes => [ $two, $one ]));
    is_deeply $ours->(), $before, 'reordered: clients and counters are what they were';
    is wrong(known => @users), '', 'users stay';
    $before = summary($httpd);
    $httpd->reconfigure(conf(nodes => [ $three, $two, $one ]));
    is_deeply $ours->(), $before, 'one is added, in front of the others: the same';
    is wrong(known => @users), '', 'users stay';
    my @new = users($httpd, 3);
    is_deeply [ uniq map { $_->{home} } @new ], ['servoy3'], 'new users go to the new node';
    counts_agree($httpd, 'all are counted');

    $before = summary($httpd);
    delete $before->{servoy1};
    $httpd->reconfigure(conf(nodes => [ $two, $three ]));
    is_deeply $ours->(), $before, 'one is removed: the others keep what they had';
    my @of = map { my $home = $_; [ grep { $_->{home} eq $home && $_->{page} eq $page } @users, @new ] } @routes;
    is_deeply [ map { scalar @$_ } @of ], [ 3, 3, 3 ], 'three users on each';
    is wrong(known => @{ $of[1] }, @{ $of[2] }), '', 'and theirs stay';
    my $r = $of[0][0]->get($page);
    like $r->node, qr/^servoy[23]$/, 'a user of the one that was removed gets to another';
    @{ $of[0][0] }{qw(home count)} = ($r->node, 1);
    $httpd->reconfigure(conf(nodes => [ $one, $two, $three ]));
    is wrong(known => map { @$_ } @of), '', 'it is back: so are its other users, and the one who moved stays';

    $httpd->stop;
    $httpd->{conf} = conf(nodes => [ $three, $two ]);
    $httpd->start;
    is wrong(known => @{ $of[1] }, @{ $of[2] }), '', 'stop, and start without it: the users of others stay';
    $httpd->stop;
    $httpd->{conf} = conf(nodes => [ $two, $one, $three ]);
    $httpd->start;
    is wrong(known => map { @$_ } @of), '', 'and start with it: its users as well';
    $httpd->stop;
};

subtest 'members and size change at once' => sub {
    begin();
    my $httpd = httpd()->start;
    my @users = (users($httpd, 6), users($httpd, 2, '/learned'));
    $httpd->reconfigure(conf(nodes => [ $three, $one ], server => 'ServoyClientTable 777'));
    is wrong(known => grep { $_->{home} ne 'servoy2' } @users), '', 'users of the nodes that are left stay';
    $httpd->reconfigure(conf(nodes => [ $two, $three, $one ]));
    is wrong(known => @users), '', 'and all of them, when it is back';
    counts_agree($httpd, 'counts are right');
    $httpd->stop;
};

# --- deaths ---

subtest 'children are killed' => sub {
    begin();
    my $httpd = httpd(expect => qr/exit signal Killed/)->start;
    my @users = (users($httpd, 6), users($httpd, 2, '/learned'));
    launches($httpd, 1);
    for my $round (1 .. 2) {
        my @cut = map { $_->start(GET => '/slow?ms=60000') } @users[ 0 .. 3 ];
        # new clients, in the midst of an election or before their first answer
        my @new = map { $httpd->client->start(GET => '/slow?ms=60000') } 1 .. 4;
        wait_for(sub { total($httpd, 'in_flight') == 8 }, 20, 'eight requests in flight');
        my @before = $httpd->children;
        kill KILL => @before;
        wait_for(sub {
            my @now = $httpd->children;
            my %was = map { $_ => 1 } @before;
            @now == @before && !grep { $was{$_} } @now;
        }, 20, 'other children');
        is scalar(grep { $_->finish(20)->error } @cut, @new), 8, "round $round: eight requests are cut off";
        wait_ok(sub { total($httpd, 'in_flight') == 0 }, 40, 'nothing is in flight any more');
        counts_agree($httpd, 'counts are right');
        is total($httpd, 'smart'), 1;
        is wrong(known => @users), '', 'users stay';
    }
    # while clients come and go as fast as they can
    my @storm;
    for my $round (1 .. 3) {
        my @pending;
        for (1 .. 20) {
            my $user = $httpd->client(timeout => 20);
            $user->{pending} = $user->start(GET => $page);
            push @pending, $user;
        }
        kill KILL => ($httpd->children)[0];
        $_->{pending}->finish for @pending;
        push @storm, @pending;
    }
    my ($counted, $saved);
    wait_ok(sub { total($httpd, 'in_flight') == 0 }, 40, 'killed while clients come: nothing is in flight in the end');
    my @known = grep { defined $_->cookie('JSESSIONID') } @storm;
    is scalar(grep { ($_->get($page)->header('X-How') // '') ne 'known' } @known), 0,
        'whoever got a session is known: ' . scalar @known;
    wait_ok(sub {
        my $web = total($httpd, 'web');
        $web >= @users + @known && $web <= @users + @storm;
    }, 20, 'and counted');
    $counted = { map { $_ => facts($httpd)->{$_}{clients}{web} } @routes };
    $httpd->stop;
    $saved = saved_counts(file_of($httpd));
    is_deeply { map { $_ => $saved->{$_} } @routes }, $counted, 'the counts are those of the clients in the table';
};

subtest 'the parent is killed' => sub {
    begin();
    my $httpd = httpd()->start;
    my @lost = users($httpd, 3);
    $httpd->kill;
    is files($httpd), '', 'no file comes of it';
    $httpd->mark->start;
    ok said($httpd, qr/SVB0080/), 'the next start is an empty one';
    is total($httpd, 'web'), 0;
    is wrong(route => @lost), '', 'its clients are found by their routes';
    $httpd->stop;
    my $sum = sum_of(file_of($httpd));
    $httpd->start;
    my @more = users($httpd, 3);
    $httpd->kill;
    is sum_of(file_of($httpd)), $sum, 'a file from before stays as it was';
    $httpd->mark->start;
    is total($httpd, 'web'), 3, 'and is what the next start knows';
    is wrong(known => @lost), '', 'clients of then are known';
    is wrong(route => @more), '', 'those of later have their routes';
    counts_agree($httpd, 'all are counted');
    $httpd->stop;

    for my $round (1 .. 5) {
        $httpd->mark->start;
        $httpd->{proc}->signal('TERM');
        # at some time in its end, as far as can be while it writes
        my $end = time + 0.02 * $round;
        wait_for(sub { -e file_of($httpd) . '.new' || time > $end }, 5) if $round % 2;
        $httpd->kill;
        $httpd->mark->start;
        is scalar(grep { /SVB0081/ } split /^/, $httpd->error_log), 0, "round $round: killed at its end: a good file";
        is total($httpd, 'web'), 6, 'with all clients';
        $httpd->stop;
        is files($httpd), $default, 'and no other';
    }
};

# --- too many clients ---

subtest 'a table that is far too small' => sub {
    begin();
    my $httpd = httpd(conf => conf(server => 'ServoyClientTable 8'))->start;
    my @users = users($httpd, 40);
    is scalar(grep { $_->{home} =~ /^servoy/ } @users), 40, 'forty users for a table of eight';
    my $table = json($httpd)->{table};
    is $table->{capacity}, 8;
    cmp_ok $table->{clients}, '<=', 32, 'not all of them fit';
    cmp_ok $table->{evicted}, '>=', 40 - $table->{clients}, 'those who were dropped are counted';
    my $metrics = $httpd->client->get('/servoy-manager?format=prometheus')->body;
    my ($evicted) = $metrics =~ /^servoy_client_table_evictions_total (\d+)$/m;
    is $evicted, json($httpd)->{table}{evicted}, 'in the metrics as well';
    like $metrics, qr/^servoy_client_table_capacity 8$/m;
    my $wrong = 0;
    for my $user (@users, @users) {
        my $r = $user->get($page);
        $wrong++ if $r->node ne $user->{home} || $r->header('X-Count') != ++$user->{count};
    }
    is $wrong, 0, 'all are served by their nodes';
    cmp_ok json($httpd)->{table}{clients}, '<=', 32, 'the table does not grow';
    my $log = sub { grep { /\[servoy_balancer:warn\].*ServoyClientTable/ } split /^/, $httpd->error_log };
    wait_ok($log, 10, 'the log tells that clients were dropped, and which directive helps');
    my ($told, $evicted_then) = (time, json($httpd)->{table}{evicted});
    wait_for(sub { push @users, users($httpd, 1); time > $told + 6 }, 30, 'more to come');
    cmp_ok json($httpd)->{table}{evicted}, '>', $evicted_then, 'more are dropped all the time';
    my $lines = () = $log->();
    cmp_ok $lines, '<=', 3, 'and the log does not tell each time';
    $httpd->reconfigure(conf(server => 'ServoyClientTable 1000'));
    is scalar(grep { $_->get($page)->node ne $_->{home} } @users), 0, 'a table that is large enough';
    wait_ok(sub { total($httpd, 'web') == @users }, 20, 'has them all');
    $httpd->stop;
    $httpd->{conf} = conf(server => 'ServoyClientTable 8');
    $httpd->mark->start;
    my $clients = json($httpd)->{table}{clients};
    ok $clients > 8 && $clients <= 32, 'stop, and start with the small one: it takes as many as it can';
    is scalar(grep { $_->get($page)->node ne $_->{home} } @users), 0, 'and users stay';
    $httpd->stop;
};

$_->stop for $fleet, $nameless;
done_testing;
