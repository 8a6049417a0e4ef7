#!/usr/bin/perl
# servoyctl: each command, by one front end and by two that share nothing, what it says
# and how it ends; when it is called wrongly, refused, interrupted, kept waiting or lied to.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Encode ();
use JSON::PP ();
use SVB::Administered;
use SVB::Authority;
use SVB::Balancer;
use SVB::Ctl;
use SVB::Fleet;
use SVB::Httpd;
use SVB::Ports;
use SVB::Proc;
use SVB::Temp;
use SVB::Users;
use SVB::Wait;
use Test::More;
use Time::HiRes qw(time);

my $fleet = SVB::Fleet->start(2);
my $desk = SVB::Administered->new($fleet);
my ($httpd, $manager) = ($desk->httpd, $desk->manager);
my $url = $httpd->url . '/servoy-manager';
my $ctl = SVB::Ctl->new(SERVOY_MANAGER => $url, SERVOY_FLEET => 'servoy');
my @private = ('--url', $httpd->url . '/private-manager');
my $dir = SVB::Temp->dir('files');

# Another front end of the same nodes, which knows nothing of the first.
my $authority = SVB::Authority->new;
my $second = SVB::Httpd->new(tls => 1, authority => $authority, conf => join '',
    manager_location('ServoyManagerActions on'),
    proxy('servoy', $fleet->members('http'), 'ServoyCatchUp off'),
    "ProxyPass / balancer://servoy/\n", tls_host())->start;
my $both = SVB::Ctl->new(SERVOY_FLEET => 'servoy',
    SERVOY_MANAGER => "$url\n " . $second->url . '/servoy-manager');

sub ends_with { return $ctl->ends_with(@_) }
sub second_state { my ($route) = @_; return $second->manager->node('servoy', $route)->{state} }
# Until it has asked so often.
sub looks {
    my ($front, $times) = @_;
    $front->mark;
    wait_for(sub {
        $times <= (() = $front->access_log =~ m{/servoy-manager\?format=json}g)
    }, 20, 'it to look');
    return;
}

sub logout { my ($user) = @_; return $user->get('/logout') }

# What it says once a minute is waited for while all else is tried.
my $patient = SVB::Ctl->new(SERVOY_MANAGER => $httpd->url . '/quiet-manager')
    ->begin(qw(--fleet turns wait t60));
my $patient_since = time;

subtest 'looking' => sub {
    $desk->calm;
    my $user = $desk->user_of('servoy1');
    ends_with(0, qr/^servoy1: ready, 1 web clients, 0 smart clients$/, 'state', 'state', 'servoy1');
    my $run = ends_with(0, qr/^NODE  +STATE  +WEB  +SMART  +IN FLIGHT  +SINCE  +REASON$/m, 'list',
        'list');
    like $run->out, qr/^servoy1 +ready +1 +0 +\d+ +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +\S/m, 'a node';
    is scalar(() = $run->out =~ /^/mg), 3, '... each in a line';
    ends_with(0, qr/^NODE.*\nservoy2 .*\n\z/, 'list NODE', 'list', 'servoy2');
    my $all = SVB::Ctl->new(SERVOY_MANAGER => $url)->run('list');
    is_deeply [ sort $all->out =~ /^fleet (\w+):$/mg ], [qw(configured other servoy turns)],
        'all fleets';
    $run = $ctl->run('--json', 'list');
    is $run->json->{exit}, 0, 'list, in JSON';
    is_deeply [ map { $_->{route} } @{ $run->json->{front_ends}[0]{fleets}[0]{nodes} } ],
        [qw(servoy1 servoy2)], '... as the manager has it';
    $run = $ctl->run('state', '--json', 'servoy1');
    is_deeply [ @{ $run->json->{sum} }{qw(state safe_to_stop)} ], [ 'ready', JSON::PP::false ],
        'state, in JSON';
    is $run->json->{sum}{clients}{web}, 1, '... with its clients';
    is $run->json->{front_ends}[0]{node}{route}, 'servoy1', '... and the node itself';
    is $desk->states, 'ready ready', 'none of that changes anything';
    ends_with(0, qr/^servoy1: ready/, 'with actions off, too', '--url',
        $httpd->url . '/quiet-manager', 'state', 'servoy1');
};

subtest 'acting' => sub {
    $desk->calm;
    ends_with(0, qr/^servoy1: draining, 0 web clients, 0 smart clients; drained by /, 'drain',
        'drain', 'servoy1');
    is $desk->states, 'draining ready', '... done';
    my $date = qr/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/;
    ends_with(0, qr{^$date  servoy/servoy1  ready -> draining  drained by }m, 'events', 'events');
    my $run = ends_with(0, qr/servoy1/, 'events NODE', 'events', 'servoy1');
    unlike $run->out, qr/servoy2/, '... and no other';
    $run = $ctl->run('events', '--json');
    ok scalar(grep { $_->{to} eq 'draining' } @{ $run->json->{front_ends}[0]{events} }),
        '... in JSON';
    ends_with(0, qr/^servoy1: ready/, 'enable', 'enable', 'servoy1');
    ends_with(0, qr/^servoy1: maintenance/, 'maintenance', 'maintenance', 'servoy1');
    ends_with(0, qr/^servoy1: disabled/, 'disable', 'disable', 'servoy1');
    is $desk->states, 'disabled ready', '... done';
    like $ctl->run('events', 'servoy1')->out,
        qr/ -> draining .* -> ready .* -> maintenance .* -> disabled [^\n]*\n\z/s,
        'events, the latest last';
    my $window = $desk->user_of('servoy2')->websocket('/websocket/1/main/1');
    $window->recv_json(30);
    ends_with(0, qr/^servoy2: ready.*not disabled: who was there comes back/s, 'close', 'close',
        'servoy2');
    ok !defined $window->recv(5) && $window->closed, '... the window is closed';
    ends_with(0, qr/^servoy2: draining/, 'another fleet', qw(--fleet other drain servoy2));
    is $desk->states, 'disabled ready', '... is another one\'s';
    $run = $ctl->run('drain', 'servoy2', '--json');
    is_deeply [ @{ $run->json }{qw(command node fleet exit)} ], [qw(drain servoy2 servoy 0)],
        'in JSON';
    is $run->json->{sum}{state}, 'draining', '... it tells what the node is now';
};

subtest 'waiting' => sub {
    $desk->calm;
    my $user = $desk->user_of('servoy1');
    my $begun = time;
    ends_with(1, qr/^servoy1: draining, 1 web.*still has clients after 1 s$/ms, 'drain, in vain',
        qw(drain servoy1 --wait=1));
    cmp_ok time - $begun, '<', 15, '... in the time it was given, about';
    ends_with(1, qr/still has clients/, 'wait, in vain', qw(wait servoy1 1s));
    ends_with(1, qr/still has clients after 0 s/, 'no time at all', qw(wait servoy1 0));
    my $run = $ctl->run(qw(wait servoy1 0 --json));
    is_deeply [ @{ $run->json }{qw(exit message)} ], [ 1, 'servoy1 still has clients after 0 s' ],
        '... in JSON';
    my $wait = $ctl->begin(qw(drain servoy1 --wait));
    looks($httpd, 3);
    ok $wait->proc->alive, 'it waits';
    $httpd->graceful;
    $desk->act('maintenance');
    wait_for(sub { $wait->out =~ /^servoy1: maintenance, 1 web/m }, 20, 'it to say so');
    logout($user);
    is $wait->end->code, 0, 'until the last has left, a restart notwithstanding';
    like $wait->out, qr/^servoy1: safe to stop$/m;
    ends_with(0, qr/^servoy1: safe to stop$/, 'wait for what is over', qw(wait servoy1));
    $user = $desk->user_of('servoy2');
    $wait = $ctl->begin(qw(drain servoy2 --wait=1h));
    wait_for(sub { $desk->states =~ /draining$/ }, 20, 'it to drain');
    $fleet->node('servoy2')->stop;
    $user->get($page);
    is $wait->end->code, 0, 'a node that dies has nobody left' or diag $wait->out, $wait->err;
    $fleet->calm;
    $desk->calm;
    $user = $desk->user_of('servoy1');
    $wait = $ctl->begin(qw(drain servoy1 --wait=1h --then=disable));
    wait_for(sub { $desk->states =~ /^draining/ }, 20, 'it to drain');
    looks($httpd, 2);
    $desk->act('enable');
    is $wait->end->code, 3, 'a node that somebody takes back is not waited for';
    like $wait->err, qr/servoy1 takes new clients again at /, '... it says so';
    is $desk->states, 'ready ready', '... and leaves it so';
};

subtest 'pushing out' => sub {
    $desk->calm;
    my $window = $desk->user_of('servoy1')->websocket('/websocket/1/main/1');
    $window->recv_json(30);
    my $begun = time;
    ends_with(0, qr/^servoy1: disabled, \d web/, 'drain --then=disable',
        qw(drain servoy1 --wait=2 --then=disable));
    cmp_ok time - $begun, '>=', 2, '... when the time is up';
    ok !defined $window->recv(5) && $window->closed, '... the window is closed';
    $desk->calm;
    my $slow = $desk->user_of('servoy1')->start(GET => '/slow?ms=2500&flush=1');
    is $slow->head->status, 200, 'a download';
    ends_with(0, qr/^servoy1: disabled/, '... is waited for',
        qw(drain servoy1 --wait=0 --then=disable));
    is $slow->finish->body, "slow 2500\n", '... and is whole';
    $desk->calm;
    ends_with(0, qr/^servoy1: safe to stop$/, 'of an empty node',
        qw(drain --then=disable servoy1 --wait=1m));
    is $desk->states, 'draining ready', '... nobody has to be pushed';
    $desk->calm;
};

subtest 'called wrongly' => sub {
    my $before = $desk->states;
    my @wrong = ([], ['halt', 'servoy1'], ['drain'], [qw(drain servoy1 servoy2)],
        [qw(drain servoy1 --wait=soon)], [qw(drain servoy1 --wait=-1)],
        [qw(drain --wait 2h servoy1)],
        [qw(wait servoy1 1week)], [qw(wait servoy1 999999999999h)], [qw(enable servoy1 --wait)],
        [qw(drain servoy1 --then=disable)], [qw(drain servoy1 --wait --then=disable)],
        [qw(drain servoy1 --wait=1 --then=stop)], ['drain', ''], [qw(drain servoy1 --force)],
        [qw(drain servoy1 --jso)], ['drain', "servoy\xff"], [qw(--url ftp://host/ list)],
        [qw(--url http:///x list)], ['--url', "http://127.0.0.1/x\noutput=/tmp/x", 'list'],
        ['--url', 'http://127.0.0.1/"x', 'list'], ['--url', 'http://127.0.0.1/x?y', 'list'],
        ['--url', '', 'list'], [qw(--user admin:secret list)], [qw(--password-file x list)],
        [qw(--user admin --password-file /nowhere list)], [qw(--curl-config /nowhere list)],
        # Whoever runs this at a terminal would be asked.
        open(my $tty, '<', '/dev/tty') ? () : [qw(--user admin list)]);
    for my $words (@wrong) {
        my $run = ends_with(2, qr/^(?:servoyctl: .+\n)+\z/, join(' ', @$words) =~ s/[^ -~]/?/gr,
            @$words);
        is $run->out, '', '... on standard error';
    }
    my $run = ends_with(2, qr/a password/, 'a password in a URL', '--url',
        'http://a:secret@host/', 'list');
    unlike $run->err, qr/secret/, '... which is not repeated';
    my $file = SVB::Temp->write_file("$dir/open", "secret\n");
    chmod 0644, $file;
    ends_with(2, qr/chmod 600/, 'a password for all to read', '--user', 'admin',
        '--password-file', $file, 'list');
    SVB::Ctl->new(SERVOY_MANAGER => $url)->ends_with(2,
        qr/fleets configured, other, servoy have a node servoy1: say --fleet/, 'which fleet?',
        'drain', 'servoy1');
    is $desk->states, $before, 'none of that has changed anything';
    ends_with(0, qr/^usage: servoyctl/, '--help', '--help');
    my ($version) = SVB::Temp->read_file("$FindBin::Bin/../mod_servoy_balancer.h")
        =~ /_VERSION "([^"]+)"/;
    ends_with(0, qr/mod_servoy_balancer \Q$version\E$/, '--version is the module\'s', '--version');
};

subtest 'names that are none, or odd' => sub {
    my $before = $desk->states;
    for my $name ('servoy3', 'servoy', 'servoy1 ', '*', '.*', '$(id)', '`id`', "'; id", '../..',
        '%s%n', "servoy1\n", "a\e[2Jb", "\xe2\x80\xae1yovres", 'x' x 5000, 'servoy1&action=enable',
        '@/etc/passwd', '"', '\\')
    {
        for my $command (qw(drain state)) {
            my $title = "$command " . substr $name =~ s/[^ -~]/?/gr, 0, 30;
            my $run = ends_with(4, qr/knows no node/, $title, $command, '--', $name);
            unlike $run->err, qr/[\x00-\x09\x0b-\x1f\x7f]|\xe2\x80\xae/, '... shown as it may be';
        }
    }
    ends_with(4, qr/knows no node -servoy1/, 'one that begins like an option', 'drain', '--',
        '-servoy1');
    ends_with(4, qr/nobody/, 'an unknown fleet', qw(--fleet nobody drain servoy1));
    ends_with(4, qr/nobody/, '... to look at', qw(--fleet nobody list));
    ends_with(4, qr/servoy3/, 'no such node to list', qw(list servoy3));
    ends_with(4, qr/servoy3/, 'nor to tell of', qw(events servoy3));
    is $desk->states, $before, 'none of that has changed anything';
};

subtest 'unreachable, refused' => sub {
    my $refusing = SVB::Ports->take;
    my $none = "http://127.0.0.1:$refusing/servoy-manager";
    my @commands = ([qw(drain servoy1 --wait)], [qw(wait servoy1)], [qw(enable servoy1)],
        [qw(disable servoy1)], [qw(maintenance servoy1)], [qw(close servoy1)], [qw(state servoy1)],
        ['list'], ['events']);
    my $before = $desk->states;
    for my $words (@commands) {
        ends_with(3, qr/^servoyctl: \Q$none\E cannot be reached: curl: /, "@$words: no server",
            '--url', $none, @$words);
        ends_with(3, qr/answers 401/, '... it wants a password', @private, @$words);
    }
    ends_with(3, qr/answers 403.*ServoyManagerActions/, "$_: actions are off", '--url',
        $httpd->url . '/quiet-manager', $_, 'servoy1')
        for qw(drain enable disable maintenance close);
    ends_with(3, qr/answers 404/, 'no manager there', '--url', $httpd->url . '/status/404', 'list');
    ends_with(3, qr/is no manager/, 'but a page', '--url', $httpd->url . $page, 'list');
    my $run = ends_with(3, qr/\Q$none\E cannot be reached/, 'one of two: nothing is changed',
        '--url', $url, '--url', $none, 'drain', 'servoy1');
    is $desk->states, $before;
    $run = ends_with(3, qr/\Q$none\E cannot be reached/, 'to look at: the other', '--url', $none,
        '--url', $url, 'state', 'servoy1');
    like $run->out, qr/^servoy1: ready/, '... is shown';
    $run = $ctl->run('--url', $none, 'drain', 'servoy1', '--json');
    is $run->json->{exit}, 3, 'in JSON';
    like $run->json->{front_ends}[0]{error}, qr/^cannot be reached/;
    my $path = SVB::Temp->dir('path');
    symlink $_, "$path/" . s{.*/}{}r for '/usr/bin/env', $^X;
    SVB::Ctl->new(SERVOY_MANAGER => $url, PATH => $path)->ends_with(3,
        qr/install the package curl/, 'no curl here', 'list');
};

subtest 'passwords' => sub {
    my $file = SVB::Temp->write_file("$dir/password", "secret\nnot this\n");
    my $wrong = SVB::Temp->write_file("$dir/wrong", 'se"cr\\et');
    my $netrc = SVB::Temp->write_file("$dir/netrc",
        "machine 127.0.0.1 login admin password secret\n");
    my $conf = SVB::Temp->write_file("$dir/curl", "user = \"admin:secret\"\n");
    chmod 0600, $file, $wrong, $netrc, $conf;
    $desk->calm;
    ends_with(0, qr/^servoy1: draining.*drained by admin from/, 'from a file', @private, '--user',
        'admin', '--password-file', $file, 'drain', 'servoy1');
    ends_with(0, qr/^servoy1: ready/, 'from a netrc file', @private, '--netrc-file', $netrc,
        'enable', 'servoy1');
    ends_with(0, qr/^servoy1: ready/, '~/.netrc', @private, '--curl-config', $conf, 'state',
        'servoy1');
    SVB::Temp->write_file("$dir/.netrc", SVB::Temp->read_file($netrc));
    SVB::Ctl->new(SERVOY_FLEET => 'servoy', HOME => $dir)->ends_with(0, qr/^servoy1: ready/,
        '... as curl has it', @private, '--netrc', 'state', 'servoy1');
    ends_with(3, qr/answers 401/, 'a wrong one', @private, '--user', 'admin', '--password-file',
        $wrong, 'drain', 'servoy1');
    is $desk->states, 'ready ready', '... changes nothing';

    my $asked = "@private --user admin --fleet servoy state servoy1";
    my $said = qx(echo secret | script -qec '${\ SVB::Ctl->file } $asked' /dev/null 2>&1);
    like $said, qr/Password of admin: \s*servoy1: ready/, 'asked for at a terminal';

    # Neither it nor curl has it where others can read it.
    my $user = $desk->user_of('servoy1');
    $httpd->mark;
    my $run = $ctl->begin(@private, '--user', 'admin', '--password-file', $file, 'drain',
        'servoy1', '--wait=1m');
    wait_for(sub { $httpd->access_log =~ /POST/ }, 20, 'it to drain');
    SVB::Proc->freeze($_) for $httpd->children;
    wait_for(sub { SVB::Proc->children_of($run->proc->pid) }, 20, 'curl to wait');
    my @pids = ($run->proc->pid, SVB::Proc->children_of($run->proc->pid));
    my @texts = map { SVB::Temp->read_file($_) }
        map { ("/proc/$_/cmdline", "/proc/$_/environ") } @pids;
    kill CONT => $httpd->children;
    ok scalar(grep { /curl/ } @texts), 'while curl runs';
    is scalar(grep { /secret/ } @texts), 0, '... nobody reads a password in the list of processes';
    logout($user);
    is $run->end->code, 0;
};

subtest 'TLS' => sub {
    my $at = 'https://127.0.0.1:' . $second->tls_port . '/servoy-manager';
    ends_with(3, qr/cannot be reached: curl: .*certificate/s, 'nobody vouches for it', '--url', $at,
        'list');
    ends_with(0, qr/^servoy1 +ready/m, '--insecure', '--url', $at, '--insecure', 'list');
    ends_with(0, qr/^servoy1: draining/, '--cacert', '--url', $at, '--cacert', $authority->file,
        'drain', 'servoy1');
    is second_state('servoy1'), 'draining', '... done';
    $second->manager->act('servoy', 'servoy1', 'enable');
};

subtest 'two front ends that share nothing' => sub {
    $desk->calm;
    my @users = ($desk->user_of('servoy1'), map { user_of($second, 'servoy1') } 1 .. 2);
    my $there = $second->url . '/servoy-manager';
    $both->ends_with(0,
        qr/^servoy1: ready, 3 web clients \(\Q$url\E 1, \Q$there\E 2\), 0 smart/,
        'their clients are added up, and shown apart', 'state', 'servoy1');
    my $run = $both->run('list');
    like $run->out, qr/^\Q$_\E:\nNODE/m, 'a list of each' for $url, $there;
    is $both->run(qw(state servoy1 --json))->json->{sum}{clients}{web}, 3, 'in JSON, too';
    $second->manager->act('servoy', 'servoy1', 'drain');
    $both->ends_with(0, qr/^servoy1: ready at \Q$url\E, draining at \Q$there\E, 3 web/,
        'where they differ', 'state', 'servoy1');
    my $wait = $both->begin(qw(drain servoy1 --wait=5min));
    wait_for(sub { $desk->states . second_state('servoy1') eq 'draining readydraining' }, 20,
        'it is said to each');
    logout($users[0]);
    wait_for(sub { $manager->node('servoy', 'servoy1')->{safe_to_stop} }, 20, 'one to be content');
    looks($second, 3);
    ok $wait->proc->alive, 'it waits for the other';
    logout($_) for @users[1, 2];
    is $wait->end->code, 0, 'until all say so';
    $both->ends_with(0, qr/^servoy1: ready, 0 web/, 'enable', 'enable', 'servoy1');
    is $desk->states . ' ' . second_state('servoy1'), 'ready ready ready', '... both';
    $both->ends_with(3, qr/quiet-manager answers 403/, 'one takes no actions', '--url', $there,
        '--url', $httpd->url . '/quiet-manager', 'drain', 'servoy1');
    is second_state('servoy1'), 'ready', '... so nothing is said to the other';
};

subtest 'interrupted' => sub {
    for my $signal (qw(INT TERM HUP)) {
        $desk->calm;
        my $user = $desk->user_of('servoy1');
        my $run = $ctl->begin(qw(drain servoy1 --wait));
        $httpd->mark;
        wait_for(sub { $httpd->access_log =~ /POST/ && $desk->states eq 'draining ready' }, 20,
            'it to drain');
        # As a terminal does it: to curl as well.
        kill "-$signal", $run->proc->pid;
        is $run->end(20)->code, 130, "$signal: 130";
        like $run->err, qr/interrupted\n.*servoy1: draining, 1 web clients.*enable brings it back/s,
            '... it says how it leaves the node';
        is $desk->states, 'draining ready', '... which is true';
    }
    my $run = $ctl->begin(qw(wait servoy1 --json));
    looks($httpd, 2);
    $run->proc->signal('TERM');
    is $run->end(20)->code, 130, 'in JSON';
    is $run->json->{sum}{state}, 'draining', '... as well';
};

subtest 'by the clock' => sub {
    $desk->calm;
    my $user = $desk->user_of('servoy1');
    ends_with(0, qr/draining/, 'drain', 'drain', 'servoy1');
    my $begun = time;
    my $run = $ctl->begin(qw(wait servoy1 5));
    looks($httpd, 2);
    SVB::Proc->freeze($_) for $httpd->children;
    is $run->end(40)->code, 1, 'a front end that hangs does not stop the clock';
    my $took = time - $begun;
    kill CONT => $httpd->children;
    cmp_ok $took, '>=', 5, '... five seconds';
    cmp_ok $took, '<', 5 + 10, '... and not much more';
    like $run->err, qr/asked again for 60 s/, '... and it says so';
};

# A server that answers what it is told, in turn; and notes what it was asked.
my $liar = <<'END';
use IO::Socket::IP;
my ($port, $out, @answers) = @ARGV;
my $listener = IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => $port, Listen => 8,
    ReuseAddr => 1) or die;
open my $log, '>>', $out or die;
syswrite $log, "ready\n";
while (my $client = $listener->accept) {
    my $text = '';
    while ($text !~ /\r\n\r\n/ || ($text =~ /^Content-Length: (\d+)/mi
        && length($text =~ s/.*?\r\n\r\n//sr) < $1)) {
        sysread $client, $text, 65536, length $text or last;
    }
    syswrite $log, $text . "\n";
    open my $in, '<', @answers > 1 ? shift @answers : $answers[0] or die;
    local $/;
    syswrite $client, scalar <$in>;
    close $client;
}
END

# Those that are told apart by what they answer: what was asked stands in $said.
sub lied_to {
    my ($answers, @words) = @_;
    my ($port, $log) = (SVB::Ports->take, SVB::Temp->dir('liar') . '/log');
    my $n = 0;
    my @files = map {
        my ($status, $type, $body) = @$_;
        SVB::Temp->write_file("$log." . $n++, "HTTP/1.1 $status\r\nContent-Type: $type\r\n"
            . 'Content-Length: ' . length($body) . "\r\nConnection: close\r\n\r\n$body")
    } @$answers;
    my $proc = SVB::Proc->spawn(name => 'liar', cmd => [ $^X, '-e', $liar, $port, $log, @files ],
        out => "$log.output");
    wait_for(sub { -s $log }, 20, 'it to listen');
    my $run = SVB::Ctl->new(SERVOY_MANAGER => "http://127.0.0.1:$port/m")->run(@words);
    $proc->stop;
    return ($run, SVB::Temp->read_file($log));
}

sub says {
    my (%with) = @_;
    my $node = { route => 'servoy1', state => $with{state} // 'ready',
        reason => $with{reason} // '', clients => { web => 0, smart => 0 }, in_flight => 0,
        safe_to_stop => JSON::PP::false, members => [] };
    my $json = { module => 'mod_servoy_balancer/9', nonce => $with{nonce} // 'one',
        actions => JSON::PP::true, fleets => [ { name => 'servoy', nodes => [$node] } ] };
    return [ '200 OK', 'application/json', JSON::PP->new->utf8->encode($json) ];
}

subtest 'a nonce that is out of date' => sub {
    my $stale = [ '403 Forbidden', 'text/plain', "The nonce is old: press again.\n" ];
    my $done = [ '200 OK', 'application/json', '{}' ];
    my ($run, $log) = lied_to([ says(), $stale, says(nonce => 'two'), $done,
        says(state => 'draining') ], 'drain', 'servoy1');
    is $run->code, 0, 'is taken anew, once' or diag $run->err;
    is_deeply [ $log =~ /nonce=(\w+)/g ], [qw(one two)], '... and used';
    unlike $log, qr/^(?:Origin|Referer):/mi, 'and it sends no Origin';
    ($run, $log) = lied_to([ says(), $stale, says(nonce => 'two'), $stale ], 'drain', 'servoy1');
    is $run->code, 3, 'refused again: refused';
    like $run->err, qr/answers 403: The nonce is old: press again\.$/m, '... in its own words';
    is scalar(() = $log =~ /^POST/mg), 2, '... asked twice';
    ($run, $log) = lied_to([ says(), $stale, says() ], 'drain', 'servoy1');
    is scalar(() = $log =~ /^POST/mg), 1, 'refused with the nonce of now: not asked again';
};

subtest 'what servers say' => sub {
    my ($run) = lied_to([ says(reason => "a\e]0;x\a\n\x{202e}b\x{fc}", state => "rea\edy") ],
        'state', 'servoy1');
    is Encode::decode('UTF-8', $run->out), "servoy1: rea\\x{1b}dy, 0 web clients, 0 smart clients; "
        . "a\\x{1b}]0;x\\x{7}\\x{a}\\x{202e}b\x{fc}\n", 'is shown as it may be';
    for my $text ('', '{', '[]', '{"module": "x", "fleets": {}}', '{"module": "x", "fleets": [1]}',
        '{"module": "x", "fleets": [{"name": "servoy", "nodes": [{}]}]}', '[' x 100000, "\xff\xfe")
    {
        ($run) = lied_to([ [ '200 OK', 'application/json', $text ] ], 'state', 'servoy1');
        is $run->code, 3, 'no manager says: ' . substr $text =~ s/[^ -~]/?/gr, 0, 60;
        like $run->err, qr/is no manager of mod_servoy_balancer$/m;
    }
    my $there = 'https://other.example.com/m';
    ($run) = lied_to([ [ "302 Found\r\nLocation: $there", 'text/html', '' ] ], 'state', 'servoy1');
    like $run->err, qr/answers 302, and means \Q$there\E/, 'it is elsewhere';
    ($run) = lied_to([ says(), [ '500 Oh', 'text/html', "<h1>\e[31m</h1>" ] ], 'drain', 'servoy1');
    unlike $run->err, qr/h1|\e/, 'no page of HTML is shown';
    is $run->code, 3;
};

subtest 'once a minute' => sub {
    my $line = qr/t60: ready, 0 web clients, 0 smart clients\n/;
    like $patient->out, qr/\A$line/, 'who waits hears soon how things stand';
    wait_ok(sub { $patient->out =~ /\A$line$line/ }, 90, '... and again');
    cmp_ok time - $patient_since, '>=', 59, '... after a minute';
    like $patient->out, qr/\A$line$line\z/, '... and no more often';
    $patient->proc->signal('TERM');
    is $patient->end->code, 130;
};

$_->stop for $httpd, $second, $fleet;
done_testing;
