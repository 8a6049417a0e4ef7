#!/usr/bin/perl
# The action close: the WebSockets that are open to a node end, in all children of all
# generations, and nothing else does. Their clients come back, elsewhere once the node
# is disabled.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use IPC::Open2;
use JSON::PP ();
use List::Util qw(max uniq);
use POSIX ();
use SVB::Balancer;
use SVB::Fleet;
use SVB::Httpd;
use SVB::Temp;
use SVB::Users;
use SVB::Wait qw(wait_for wait_ok poll patience);
use SVB::Windows;
use Test::More;
use Time::HiRes qw(sleep time);

my $fleet = SVB::Fleet->start(2);
my $pages = $fleet->members('ajp');
my $sockets = $fleet->members('http', 'upgrade=websocket');
my $ws = $sockets =~ s{http://}{ws://}gr =~ s/ upgrade=websocket//gr;
my $host = "ProxyPass /websocket/ balancer://sockets/websocket/\nProxyPass / balancer://servoy/\n";
my $conf = join '', "ProxyPreserveHost On\n", manager_location('ServoyManagerActions on'),
    proxy('sockets', $sockets, 'ServoyFleet servoy'),
    proxy('servoy', $pages, 'ServoyLaunch proxy'), $host;

sub open_windows { return SVB::Windows->open($_[0], $fleet, @_[ 1 .. $#_ ]) }

# Until all connections of before have ended, those of nodes included.
sub is_idle {
    my ($manager) = @_;
    return poll(sub { !$manager->total('servoy', 'in_flight') }, 10);
}

# --- each MPM ---

for my $mpm (qw(event worker prefork)) {
    subtest "MPM $mpm" => sub {
        my @sizes = $mpm eq 'prefork' ? (processes => 40) : (processes => 3);
        my $httpd = SVB::Httpd->new(mpm => $mpm, conf => $conf, @sizes,
            log_level => 'info servoy_balancer:debug')->start;
        my $manager = $httpd->manager;
        my $one = open_windows($httpd, servoy1 => 12);
        my $two = open_windows($httpd, servoy2 => 8);
        is $one->homes . ' ' . $two->homes, 'servoy1 servoy2', 'windows of both nodes';
        my $download = user_of($httpd, 'servoy1')->start(GET => '/slow?ms=2500&flush=1');
        is $download->head->status, 200, 'a download from servoy1 has begun';

        $manager->act('servoy', 'servoy1', 'disable');
        is $one->alive, 12, 'disabled: its windows stay open';
        $manager->act('servoy', 'servoy1', 'close');
        my $took = $one->come_back(5);
        is scalar(@$took), 12, 'closed: all come back';
        cmp_ok max(@$took, 0), '<', patience(2), '... within two seconds';
        is $one->homes, 'servoy2', '... elsewhere';
        is $one->codes, '1001', '... as they were told that the server goes away';
        note sprintf '%s: closed after %.3f to %.3f s, back after %.3f to %.3f s', $mpm,
            ($one->after)[ 0, -1 ], @$took[ 0, -1 ];
        is $two->alive, 8, 'the other node\'s windows are what they were';
        my $r = $download->finish(10);
        is $r->status . ' ' . $r->error . $r->body, "200 slow 2500\n", 'the download is whole';
        $_->abort for $one, $two;
        is_idle($manager);
        cmp_ok scalar(uniq $httpd->access_log =~ m{GET /websocket/.* 101 .*pid=(\d+)}g), '>=', 2,
            'they were in several children';
        my $log = $httpd->error_log;
        is scalar(() = $log =~ /SVB0066: .*servoy1/g), 12, 'the log has each of them, once';
        is scalar(() = $log =~ /SVB0066: .*servoy2/g), 0, '... and no other';
        like $log, qr/SVB0065: fleet servoy, node servoy1: close by user - from 127\.0\.0\.1/,
            '... and who it was';

        # children of before a restart keep their windows, and hear of it all the same
        $manager->act('servoy', 'servoy1', 'enable');
        my @old = map { open_windows($httpd, $_ => 4) } qw(servoy1 servoy2);
        my %before = map { $_ => 1 } $httpd->children;
        $httpd->graceful;
        poll(sub { grep { !$before{$_} } $httpd->children }, 10);
        my @new = map { open_windows($httpd, $_ => 4) } qw(servoy1 servoy2);
        sleep 1.5;      # what ends with a graceful restart has ended by now
        is scalar(grep { $_->alive == 4 } @old, @new), 4, 'windows of two generations';
        ok scalar(grep { $before{$_} } $httpd->children), 'old children are there';
        $manager->act('servoy', 'servoy1', $_) for qw(disable close);
        my @times = map { @{ $_->come_back(5) } } $old[0], $new[0];
        is scalar(@times) . ' ' . join(' ', map { $_->homes } $old[0], $new[0]),
            '8 servoy2 servoy2', 'servoy1 is closed: both are elsewhere';
        cmp_ok max(0, map { $_->after } $old[0], $new[0]), '<', patience(0.9), '... at once';
        is $old[1]->alive . ' ' . $new[1]->alive, '4 4', 'those of servoy2 stay';
        $_->abort for @old, @new;
        wait_ok(sub { !grep { $before{$_} } $httpd->children }, 15, 'the old children end');
        $httpd->stop;
    };
}

# --- what else there is ---

$conf = balancer('ws', $ws, 'ServoyFleet servoy',
    'ProxyPass /ws/ balancer://ws/websocket/') . $conf . tls_host($host);
my $httpd = SVB::Httpd->new(conf => $conf, tls => 1, processes => 2,
    threads => 24, modules => ['proxy_wstunnel'], log_level => 'info servoy_balancer:debug')->start;
my $manager = $httpd->manager;
my @handshake = ('Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: MTIzNDU2Nzg5MDEyMzQ1Ng==');

subtest 'closed, but not disabled' => sub {
    my $windows = open_windows($httpd, servoy1 => 3);
    $manager->act('servoy', 'servoy1', 'close');
    is scalar(@{ $windows->come_back(5) }), 3, 'they come back';
    is $windows->homes, 'servoy1', '... to the same node';
    sleep 0.5;
    is $windows->alive, 3, '... and stay';
    $manager->act('servoy', 'servoy1', 'close') for 1 .. 3;
    is scalar(@{ $windows->come_back(5) }), 3, 'closed three times: once';
    is $manager->node('servoy', 'servoy1')->{state}, 'ready', 'it is ready all the while';
    $windows->abort;
    is_idle($manager);
    my $r = $manager->post(fleet => 'servoy', node => 'servoy1', action => 'close');
    is $r->status . ' ' . $r->json->{route}, '200 servoy1', 'nothing to close is no error';
    is $manager->post(fleet => 'servoy', node => 'servoy1', action => 'close', value => 1)->status,
        400, 'it takes no value';
};

subtest 'a request for a window on its way' => sub {
    my $user = user_of($httpd, 'servoy1');
    $fleet->node('servoy1')->freeze;
    my $pending = $user->start(GET => '/websocket/1/main/1', headers => [@handshake]);
    wait_for(sub { $manager->node('servoy', 'servoy1')->{in_flight} }, 10, 'it to be sent');
    $manager->act('servoy', 'servoy1', $_) for qw(disable close);
    $fleet->node('servoy1')->thaw;
    is $pending->finish(10)->status, 101, 'its window opens';
    my $begun = time;
    $pending->drain(5);
    ok !$pending->error && time - $begun < 2, '... and is closed' or diag $pending->error;
    $manager->act('servoy', 'servoy1', 'enable');
};

subtest 'a node that is frozen' => sub {
    my $windows = open_windows($httpd, servoy1 => 2);
    $fleet->node('servoy1')->freeze;
    $manager->act('servoy', 'servoy1', $_) for qw(disable close);
    my $took = $windows->come_back(5);
    $fleet->node('servoy1')->thaw;
    is scalar(@$took) . ' ' . $windows->homes, '2 servoy2', 'its users are elsewhere';
    cmp_ok max(@$took, 0), '<', patience(2), '... as fast';
    $windows->abort;
    $manager->act('servoy', 'servoy1', 'enable');
    is_idle($manager);
};

subtest 'members by ws://' => sub {
    my $check = sub {
        my ($code, $how) = @_;
        my $one = open_windows($httpd, servoy1 => 3, path => '/ws/1/main/1');
        my $two = open_windows($httpd, servoy2 => 3, path => '/ws/1/main/1');
        is $one->homes . ' ' . $two->homes, 'servoy1 servoy2', "$how: windows of both";
        $manager->act('servoy', 'servoy1', $_) for qw(disable close);
        is scalar(@{ $one->come_back(5) }) . ' ' . $one->homes, '3 servoy2',
            '... are closed, and come back elsewhere';
        is $one->codes, $code, '... as they were told';
        is $two->alive, 3, '... the others stay';
        $_->abort for $one, $two;
        $manager->act('servoy', 'servoy1', 'enable');
        is_idle($manager);
    };
    $check->('1001', 'mod_proxy_http');
    $httpd->reload("ProxyWebsocketFallbackToProxyHttp Off\n$conf");
    $check->('none', 'mod_proxy_wstunnel alone');
};

# A session that is alive; nodes close windows that have none.
sub session_on {
    my ($route) = @_;
    return $fleet->node($route)->client->get($page)->header('X-Session');
}

# --- TLS ---

# A window by TLS, as openssl sees it: what has come so far, and whether it is over.
sub tls_window {
    my ($route) = @_;
    my $pid = open2(my $out, my $in, 'sh', '-c', 'exec openssl s_client -quiet -connect "$0" 2>/dev/null',
        '127.0.0.1:' . $httpd->tls_port);
    syswrite $in, join "\r\n", 'GET /websocket/1/main/1 HTTP/1.1', 'Host: localhost', @handshake,
        'Cookie: JSESSIONID=' . session_on($route), '', '';
    my $window = { pid => $pid, in => $in, out => $out, got => '', over => 0 };
    return $window;
}

sub tls_read {
    my ($window) = @_;
    vec(my $bits = '', fileno $window->{out}, 1) = 1;
    while (!$window->{over} && select(my $ready = $bits, undef, undef, 0.02)) {
        $window->{over} = !sysread $window->{out}, $window->{got}, 4096, length $window->{got};
    }
    return $window;
}

subtest 'TLS' => sub {
    my @windows = map { tls_window($_) } qw(servoy1 servoy2);
    wait_ok(sub { !grep { tls_read($_)->{got} !~ /"node"/ } @windows }, 10, 'two windows');
    $manager->act('servoy', 'servoy1', 'close');
    my $begun = time;
    wait_ok(sub { tls_read($windows[0])->{over} }, 5, 'closed: servoy1\'s ends');
    cmp_ok time - $begun, '<', patience(0.9), '... at once';
    like $windows[0]{got}, qr/\x88\x02\x03\xe9\z/, '... after a close frame';
    ok !tls_read($windows[1])->{over}, 'servoy2\'s does not';
    for my $window (@windows) {
        kill TERM => $window->{pid};
        waitpid $window->{pid}, 0;
    }
    is_idle($manager);
};

# --- under load ---

my $dir = SVB::Temp->dir('notes');
my $parent = $$;

# A process that takes turns until it is told to end, and what it has counted.
sub fork_worker {
    my ($name, $turn) = @_;
    my $pid = fork // die "fork: $!\n";
    return { pid => $pid, name => $name } if $pid;
    my $ended = 0;
    $SIG{TERM} = sub { $ended = 1 };
    my %notes;
    eval { $turn->(\%notes) while !$ended && getppid() == $parent; 1 } or $notes{"died: $@"}++;
    SVB::Temp->write_file("$dir/$name", JSON::PP->new->encode(\%notes));
    POSIX::_exit(0);
}

sub notes_of {
    my ($worker) = @_;
    kill TERM => $worker->{pid};
    wait_for(sub { waitpid($worker->{pid}, POSIX::WNOHANG()) == $worker->{pid} }, 30, 'its end');
    return JSON::PP->new->decode(SVB::Temp->read_file("$dir/$worker->{name}"));
}

sub random_text { return join '', map { chr 97 + rand 26 } 1 .. 1 + rand 3000 }

# Says something, and hears the same: 'same', 'other', or undef at the end.
sub echo {
    my ($socket) = @_;
    my $text = random_text();
    $socket->send($text);
    my $heard = $socket->recv_json(10) // return undef;
    return ($heard->{text} // '') eq $text ? 'same' : 'other';
}

# Windows of servoy1 that come and go, in each of the ways they can end.
sub coming_and_going {
    my ($notes) = @_;
    my $window = $httpd->browser->websocket('/websocket/1/main/1',
        headers => ['Cookie: JSESSIONID=' . session_on('servoy1')]);
    $notes->{ 'status ' . $window->response->status }++;
    my $heard = $window->recv_json(10) && 'same';
    for (1 .. 1 + rand 3) {
        sleep rand 0.3 if rand > 0.6;
        $heard &&= echo($window);
    }
    $notes->{"heard $_"}++ for grep { defined } $heard;
    my $end = !$window->closed ? 'hangs' : 'closed with ' . ($window->close_code // 'nothing');
    $notes->{$end}++ if !defined $heard;
    my $way = int rand 3;
    if    ($way == 0) { $window->close(5) }
    elsif ($way == 1) { $window->send('close') && $window->recv(5); $window->abort }
    else              { $window->abort }
}

sub staying {
    my ($notes) = @_;
    state $window = do {
        my $new = $httpd->browser->websocket('/websocket/1/main/1',
            headers => ['Cookie: JSESSIONID=' . session_on('servoy2')]);
        $new->recv_json(10);
        $new;
    };
    $notes->{ 'heard ' . (echo($window) // 'nothing') }++;
}

# Pages of both nodes, by connections that stay open.
sub asking {
    my ($notes) = @_;
    state $clients = [ map { $httpd->client(timeout => 30, keepalive => 1, cookies => 0) } 1 .. 4 ];
    for my $i (0 .. $#$clients) {
        my $route = 'servoy' . ($i % 2 + 1);
        my $text = random_text();
        my $r = $clients->[$i]->post('/echo', $text, headers => ["Cookie: JSESSIONID=AA.$route"]);
        my $well = $r->status == 200 && !$r->error && $r->node eq $route
            && $r->json->{node} eq $route;
        $notes->{ $well ? 'well' : join ' ', $r->status, $r->error, $r->node // '-' }++;
    }
}

subtest 'under load' => sub {
    $httpd->mark;
    my @workers = ((map { fork_worker("going$_", \&coming_and_going) } 1 .. 3),
        fork_worker('staying', \&staying), fork_worker('asking', \&asking));
    my ($end, $closes) = (time + 5, 0);
    my $nonce = $manager->nonce;
    while (time < $end) {
        my $r = $manager->post(fleet => 'servoy', node => 'servoy1', action => 'close',
            nonce => $nonce);
        $closes++ if $r->status == 200;
        sleep 0.02;
    }
    my %of = map { $_->{name} => notes_of($_) } @workers;
    cmp_ok $closes, '>', 20, 'servoy1 was closed again and again';
    my %going;
    for my $notes (@of{qw(going1 going2 going3)}) {
        $going{$_} += $notes->{$_} for keys %$notes;
    }
    note join ', ', "$closes times", map { "$_: $going{$_}" } sort keys %going;
    cmp_ok $going{'status 101'} // 0, '>', 60, 'many windows came';
    cmp_ok $going{'closed with 1001'} // 0, '>', 10, '... and were closed, many of them';
    is_deeply [ grep { !/^(?:status 101|heard same|closed with (?:1001|nothing))$/ }
        sort keys %going ], [], '... and nothing else befell them' or diag explain \%going;
    is_deeply [ keys %{ $of{staying} } ], ['heard same'], 'a window of servoy2 was left alone'
        or diag explain $of{staying};
    is_deeply [ keys %{ $of{asking} } ], ['well'], 'so was whoever asked for pages'
        or diag explain $of{asking};
    is_idle($manager);
    my $closed = () = $httpd->error_log =~ /SVB0066: .*servoy1/g;
    cmp_ok $closed, '>=', $going{'closed with 1001'} // 0, 'the log has those that were closed';
    is scalar(() = $httpd->error_log =~ /SVB006[78]/g), 0, '... and none that could not be';
    my $windows = open_windows($httpd, servoy1 => 20);
    is $windows->alive, 20, 'and as many windows as ever can be opened';
    $manager->act('servoy', 'servoy1', 'close');
    is scalar(@{ $windows->come_back(8) }), 20, '... and closed';
    $windows->abort;
};

$_->stop for $httpd, $fleet;
done_testing;
