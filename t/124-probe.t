#!/usr/bin/perl
# Launches are not redirected to nodes that are not there, although no request ever
# fails that would tell of it: killed ones, hanging ones, ones that never were.
#
# A kill and a freeze take six seconds each, so that all who want to know something
# about them watch the same ones: several fronts, each with several balancers.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP ();
use SVB::Balancer;
use SVB::Fleet;
use SVB::Httpd;
use SVB::Mock;
use SVB::Ports;
use SVB::Proc;
use SVB::Users;
use SVB::Wait qw(wait_for wait_ok patience);
use Test::More;
use Time::HiRes qw(sleep time);

my $fleet = SVB::Fleet->start(2);
my ($one, $two) = $fleet->nodes;
my $closed = SVB::Ports->take;

# No launch may be sent to a node that died longer ago.
my $too_late = patience(5);

# --- the fronts ---

# A fact on the lines that give the nodes their direct URLs.
sub named_so {
    my ($fact) = @_;
    return map { "ServoyNode servoy$_ url=http://app$_.example.com $fact" } 1, 2
}

my @names = named_so('');
my $dead = dead_member('servoy1', 'retry=600');

# What every front has: plain; down, whose servoy1 never was; and a beacon of the
# process that asks, for nobody launches there.
my $common = join '', balancer('plain', $fleet->members('ajp', 'retry=1'), @names),
    balancer('down', $dead . $two->member('ajp'), @names), balancer('beacon', $dead, $names[0]),
    manager_location();

my $special = join '',
    balancer('http',   $fleet->members('http'), @names),
    balancer('pages',  $fleet->members('ajp'), 'ServoyFleet both', @names),
    balancer('sockets', $fleet->members('http'), 'ServoyFleet both'),
    balancer('off',    $fleet->members('ajp'), named_so('probe=off')),
    balancer('proxied', $fleet->members('ajp'), 'ServoyLaunch proxy', named_so('probe=url')),
    balancer('rewrite', $fleet->members('ajp'), 'ServoyLaunch rewrite', @names),
    balancer('rewriteurl', $fleet->members('ajp'), 'ServoyLaunch rewrite',
        map { "$_ probe=url" } $fleet->urls),
    balancer('strict', $fleet->members('ajp'), 'ProxySet nofailover=On', @names),
    balancer('drain',  $fleet->members('ajp', [ 'status=+N' ]), @names),
    balancer('taken',  $fleet->members('ajp', [ 'status=+D' ]), @names),
    balancer('solo',   $one->member('ajp', 'retry=0'), $names[0]),
    balancer('url',    $fleet->members('ajp'),
        "ServoyNode servoy1 url=http://127.0.0.1:$closed probe=url",
        'ServoyNode servoy2 url=' . $two->url . ' probe=url'),
    balancer('idle',   mock('idle', 'http', ''), $names[0]),
    balancer('busy',   mock('busy', 'http', ''), $names[0]),
    balancer('vouched', mock('vouched', 'ajp', 'hcmethod=TCP hcinterval=500ms'), $names[0]),
    balancer('copied', mock('copied', 'ajp', ''), $names[0]),
    balancer('unasked', mock('unasked', 'http', ''), 'ServoyLaunch proxy', $names[0]),
    balancer('unprobed', mock('unprobed', 'http', ''), "$names[0] probe=off"),
    balancer('out',    mock('out', 'http', 'status=+D'), $names[0]),
    <<'END';
<VirtualHost *:@PORT1@>
    ServerName other.example.com
    ProxyPass "/again/" "balancer://copied/"
    <Proxy "balancer://copied">
        ServoyLaunchCookie OTHER
    </Proxy>
</VirtualHost>
END

# name => SVB::Httpd
my %front = (
    event   => SVB::Httpd->new(ports => 2, modules => ['proxy_hcheck'], conf => $common . $special),
    worker  => SVB::Httpd->new(mpm => 'worker', conf => $common),
    prefork => SVB::Httpd->new(mpm => 'prefork', conf => $common),
    # whose asking process is killed together with the node
    orphan  => SVB::Httpd->new(conf => $common, expect => qr/exit signal Killed/),
    # whose asking process hangs from then on
    stalled => SVB::Httpd->new(conf => $common),
);
my $httpd = $front{event};

# --- what a test asks ---

# 1 or 2, whom a launch is redirected to; or its status.
sub launch {
    my ($front, $name, %option) = @_;
    my $r = $option{r} // $front->browser(cookies => 0)->request($option{method} // 'GET',
        "/$name$jnlp",
        headers => $option{cookie} ? ["Cookie: SERVOYLAUNCH=$option{cookie}"] : []);
    return ($r->header('Location') // '') =~ m{^http://app([12])\.example\.com/} ? $1
        : ($r->header('Location') // '') =~ m{^\Q${\ $two->url}\E/} ? 2
        : $r->header('Location') // $r->status;
}

sub state_of {
    my ($name, $front) = @_;
    return ($front // $httpd)->manager->node($name, 'servoy1')->{state}
}

# The value of the launch cookie of a client that servoy1 has.
sub cookie_of {
    my ($front, $name) = @_;
    for (1 .. 8) {
        my $r = $front->browser->get("/$name$jnlp");
        return $r->cookie('SERVOYLAUNCH') if launch($front, $name, r => $r) eq 1;
    }
    die "no launch at $name went to servoy1\n";
}

# The lines that tell that servoy1 is in that state now.
sub told {
    my ($front, $state, $name) = @_;
    return grep { /servoy_balancer:notice\].*SVB0094: fleet \Q$name\E, node servoy1: $state, was / }
        split /^/, $front->error_log;
}

my $refused = qr/: connection refused by ajp:\/\/127\.0\.0\.1:\d+(?:; it has lost \d+ clients?)?$/;

# The process of a front that asks the nodes.
sub asker {
    my ($front) = @_;
    my $found = $front->wait_log(qr/SVB0094: fleet beacon, node servoy1: error, /, 20);
    my ($pid) = $found =~ /\[pid (\d+)/;
    return $pid;
}

# Launches at all of these [ front, balancer ], with and without a cookie of servoy1,
# for a while after its end began: the last one that is sent there must not be late.
# Nothing else happens meanwhile, but requests to a mock.
sub watch {
    my ($began, $cookies, @where) = @_;
    my %last = map { ("@$_" => 0) } @where;
    my %sent;
    while (time < $began + patience(6)) {
        for (@where) {
            my ($front, $name) = @$_;
            for my $how ([ HEAD => $cookies->{"@$_"} ], [ HEAD => '' ], [ 'GET' ], [ 'GET' ]) {
                my $now = time - $began;
                my $sent = launch($front{$front}, $name, method => $how->[0], cookie => $how->[1]);
                $last{"@$_"} = $now if $sent eq 1;
                $sent{"$name $sent"}++;
            }
        }
        $httpd->browser->get('/busy/');
        sleep 0.02;
    }
    # its clients may go nowhere else there
    delete $sent{'strict 503'};
    is join(', ', sort grep { !/ [12]$/ } keys %sent), '',
        'every launch is sent to one of the nodes';
    for (map { "@$_" } @where) {
        ok $last{$_} < $too_late, sprintf 'the last launch to it: %.1f s after it died (%s)',
            $last{$_}, $_;
    }
    return;
}

sub metric {
    my ($what, $name) = @_;
    my $text = $httpd->manager->metrics;
    my ($labels) = $what =~ s/\{(.*)\}// ? ",$1" : '';
    return $text =~ /^$what\{fleet="$name",node="servoy1"\Q$labels\E\} (\S+)$/m ? $1 : 'none';
}

# --- never there ---

subtest 'a node that is down from the start gets no launch' => sub {
    for my $name (sort keys %front) {
        $front{$name}->start;
        my %sent;
        for (1 .. 3) {
            $sent{ launch($front{$name}, 'down', method => $_) }++ for qw(HEAD GET GET);
        }
        is_deeply \%sent, { 2 => 9 }, "$name: not even the first one" or diag explain \%sent;
        is $front{$name}->manager->node('down', 'servoy2')->{launches}, 6, 'the living has them';
        is state_of('down', $front{$name}), 'error', 'state';
        my @lines = told($front{$name}, 'error', 'down');
        is scalar @lines, 1, 'it is told' or diag @lines;
        like $lines[0] // '', $refused;
    }
    is launch($httpd, 'beacon'), 503, 'nowhere to go';
};

subtest 'a direct URL that nobody listens at' => sub {
    my %sent;
    $sent{ launch($httpd, 'url') }++ for 1 .. 4;
    is_deeply \%sent, { 2 => 4 }, 'gets no launches';
    is state_of('url'), 'degraded', 'although the member answers';
    is $httpd->manager->node('url', 'servoy1')->{reason},
        "connection refused by http://127.0.0.1:$closed", 'as is said';
    is $httpd->client->get("/url$page", headers => ['Cookie: JSESSIONID=' . '0' x 32 . '.servoy1'])
        ->node, 'servoy1',
        'and serves its clients';
    # an answer of the member says nothing about the direct URL
    my $until = time + 2.5;
    %sent = ();
    while (time < $until) {
        $httpd->client->get("/url$page",
            headers => ['Cookie: JSESSIONID=' . '0' x 32 . '.servoy1']);
        $sent{ launch($httpd, 'url', method => 'HEAD') }++;
        $sent{ launch($httpd, 'url') }++;
        sleep 0.05;
    }
    is_deeply [ keys %sent ], [2], 'nor while they are served' or diag explain \%sent;
    is state_of('url'), 'degraded', 'it is what it was';
    is scalar(told($httpd, 'degraded', 'url')), 1, 'which was told once';
    is scalar(told($httpd, 'ready', 'url')), 0, 'so it is not told to be back';
};

# --- killed ---

my @everywhere = map { [ $_, 'plain' ] } sort keys %front;
my @special = map { [ event => $_ ] } qw(http pages sockets strict drain);
# draining nodes are elected by nobody: somebody else's cookie
my %cookie = map { ("@$_" => cookie_of($front{ $_->[0] }, $_->[1] eq 'drain' ? 'plain' : $_->[1])) }
    @everywhere, @special;

my $user = user_of($httpd, 'servoy1', '/plain');
my $session = $user->cookie('JSESSIONID');
cookie_of($httpd, 'off');
my $strict_user = user_of($httpd, 'servoy1', '/strict');

subtest 'a node is killed' => sub {
    my %asker = map { ($_ => asker($front{$_})) } qw(orphan stalled);
    cmp_ok $httpd->manager->node('plain', 'servoy1')->{clients}{$_}, '>', 0, "$_ clients before"
        for qw(web smart);
    is launch($httpd, $_->[1], cookie => $cookie{"@$_"}, method => 'HEAD'), 1,
        "$_->[1]: a client of it" for @special;
    $_->mark for values %front;
    my %asked = map {
        my $name = $_;
        map { ("$name $_" => asked($name, $_)) } qw(connection cping)
    } mocks();
    kill KILL => $asker{orphan};
    SVB::Proc->freeze($asker{stalled});
    my $began = time;
    $one->kill;
    watch($began, \%cookie, @everywhere, @special);
    my $seconds = time - $began;
    $asked{$_} = asked(split / /) - $asked{$_} for keys %asked;
    kill CONT => $asker{stalled};
    my ($pid) = map { /\[pid (\d+)/ } told($front{stalled}, 'error', 'plain');
    isnt $pid, $asker{stalled}, 'found out by a launch where nobody else asks any more';
    is scalar(grep { $_ == $asker{orphan} } $front{orphan}->children), 0,
        'the asking process of one of them is gone';

    subtest 'how often nodes were asked meanwhile' => sub {
        my $often = sub {
            my ($what, $least, $most, $why) = @_;
            ok $asked{$what} >= $least && $asked{$what} <= $most, sprintf '%s: %d in %.1f s', $why,
                $asked{$what}, $seconds;
        };
        # about four times a second, whatever else happens
        my ($least, $most) = ($seconds / patience(1), 4 * $seconds + 3);
        $often->('idle connection', $least, $most, 'no traffic');
        $often->('busy connection', $least, $most, 'with traffic');
        cmp_ok asked('busy', 'request'), '>', 10, 'which there was';
        $often->('copied cping', $least, $most,
            'a balancer of several virtual hosts: not more often');
        $often->('vouched cping', $least, $most, 'one that passes its health checks');
        $often->('vouched connection', 5, 5 * $seconds, 'which there were');
        $often->('unasked connection', $least, $most, 'one whose launches are not redirected');
        $often->("$_ connection", 0, 0, "$_: never") for qw(unprobed out);
        $often->('idle cping', 0, 0, 'no AJP where it is not spoken');
    };
};

subtest 'what is said of it' => sub {
    for my $name (sort keys %front) {
        is state_of('plain', $front{$name}), 'error', "$name: state";
        my @lines = told($front{$name}, 'error', 'plain');
        is scalar @lines, 1, 'it is told once' or diag @lines;
        like $lines[0] // '', qr/was ready$refused/;
        is_deeply $front{$name}->manager->node('plain', 'servoy1')->{clients},
            { web => 0, smart => 0, windowed => 0 }, 'it has no clients any more';
    }
    is state_of($_), 'error', "$_: state" for qw(http both strict drain solo rewrite rewriteurl);
    is $httpd->manager->node('both', 'servoy1')->{clients}{smart}, 0,
        'by either balancer of a fleet';
    is metric('servoy_node_up', 'plain'), 0, 'metric: up';
    is metric('servoy_node_state{state="error"}', 'plain'), 1, 'metric: state';
    is metric('servoy_node_clients{kind="web"}', 'plain'), 0, 'metric: clients';
    is $httpd->manager->node('plain', 'servoy2')->{state}, 'ready', 'the other one lives';
    is $httpd->manager->node('plain', 'servoy1')->{errors}, 0, 'no request had to fail for it';
};

subtest 'those whom nobody asks' => sub {
    is state_of('off'), 'ready', 'off: nobody knows';
    is scalar(told($httpd, $_, 'off')), 0, 'nor says so' for qw(error degraded silent);
    is state_of('taken'), 'disabled', 'a node that was taken out stays so';
    is scalar(told($httpd, 'error', 'taken')), 0, 'and is not complained about';
    my %sent;
    $sent{ launch($httpd, 'off') }++ for 1 .. 4;
    ok $sent{1}, 'probe=off: launches go on' or diag explain \%sent;
};

subtest 'those whose launches are not redirected' => sub {
    for my $name ((qw(proxied rewrite)) x 2) {
        my $r = $httpd->client->get("/$name$jnlp");
        is $r->status . ' ' . ($r->node // ''), '200 servoy2', "$name: another serves them";
        is $httpd->manager->node($name, 'servoy1')->{errors}, 0, 'nobody had to find out';
    }
    # Nobody knows about its direct URL, whose name has no address.
    is state_of('proxied'), 'degraded', 'proxied: one of those that are asked does not answer';
    like $httpd->manager->node('proxied', 'servoy1')->{reason}, qr/^connection refused by ajp:/,
        'which is named';
};

subtest 'its clients' => sub {
    my $launcher = $httpd->client;
    $launcher->set_cookie(SERVOYLAUNCH => $cookie{'event plain'});
    is launch($httpd, 'plain', r => $launcher->head("/plain$jnlp")), 2, 'HEAD';
    is $launcher->cookie('SERVOYLAUNCH'), $cookie{'event plain'}, 'changes nothing';
    is launch($httpd, 'plain', r => $launcher->get("/plain$jnlp")), 2, 'GET';
    isnt $launcher->cookie('SERVOYLAUNCH'), $cookie{'event plain'}, 'the launch cookie moves';
    is launch($httpd, 'plain', r => $user->get("/plain$jnlp", cookies => 1)), 2,
        'a launch by one with a session there';
    my %nodes;
    $nodes{ $httpd->client->get("/plain$page")->node // 'none' }++ for 1 .. 4;
    is_deeply \%nodes, { servoy2 => 4 }, 'new web clients go to the other one';
    is $httpd->manager->node('plain', 'servoy1')->{errors}, 0, 'at once';
    my $r = $user->get("/plain$page");
    is $r->node, 'servoy2', 'one of its own fails over';
    isnt $r->header('X-Session'), $session, 'to a new session';
    cmp_ok $httpd->manager->node('plain', 'servoy1')->{errors}, '>', 0, 'after trying to reach it';
};

subtest 'nofailover=On' => sub {
    is launch($httpd, 'strict'), 2, 'new launches go elsewhere';
    # the cookie of one that was not launched elsewhere meanwhile
    my $r = $httpd->client->get("/strict$jnlp",
        headers => ["Cookie: SERVOYLAUNCH=$cookie{'event strict'}"]);
    is launch($httpd, 'strict', r => $r), 503, 'one of its clients gets nothing else';
    is $r->header('Set-Cookie'), undef;
    like $r->header('Retry-After') // '', qr/^[1-9]\d*$/, 'Retry-After';
    is launch($httpd, 'strict', r => $strict_user->get("/strict$jnlp")), 503,
        'nor does one with a session';
};

subtest 'no node is left' => sub {
    for my $method (qw(GET HEAD)) {
        my $r = $httpd->client->request($method, "/solo$jnlp");
        is $r->status, 503, $method;
        like $r->header('Retry-After') // '', qr/^[1-9]\d{0,4}$/, 'Retry-After';
        is $r->header('Content-Type'), 'text/html; charset=utf-8';
        like $r->body, $method eq 'GET' ? qr{<h1>.*cannot be started.*</h1>.*</html>}s : qr/^$/,
            'page';
    }
    is $httpd->manager->node('solo', 'servoy1')->{errors}, 0, 'launches do not knock';
    is $httpd->client->get("/solo$page")->status, 503, 'a new web client';
    cmp_ok $httpd->manager->node('solo', 'servoy1')->{errors}, '>', 0,
        'tries its luck there, for lack of another';
};

subtest 'it comes back' => sub {
    $one->start;
    for my $name (sort keys %front) {
        my $front = $front{$name};
        wait_ok(sub { launch($front, 'plain') eq 1 }, 20, "$name: launches");
        isnt state_of('plain', $front), 'error', 'state';
        my @lines = told($front, 'ready', 'plain');
        is scalar @lines, 1, 'which is told once' or diag @lines;
        like $lines[0] // '', qr/was error: answers, and takes new clients$/;
    }
    wait_ok(sub { launch($httpd, 'solo') eq 1 }, 20, 'where there was no other');
    wait_ok(sub { state_of($_) ne 'error' }, 20, $_)
        for qw(http both strict drain solo rewrite rewriteurl);
    is metric('servoy_node_up', 'http'), 1, 'metric';
    is state_of('down'), 'error', 'the one that never was stays away';
    is scalar(told($httpd, 'ready', $_)), 0 for qw(down beacon);
};

# --- frozen ---

subtest 'a node hangs' => sub {
    $user = user_of($httpd, 'servoy1', '/plain');
    $session = $user->cookie('JSESSIONID');
    my $other = user_of($httpd, 'servoy1', '/pages');
    my @where = map { [ event => $_ ] } qw(plain pages sockets strict drain);
    push @where, [ worker => 'plain' ], [ prefork => 'plain' ];
    %cookie =
        map { ("@$_" => cookie_of($front{ $_->[0] }, $_->[1] eq 'drain' ? 'plain' : $_->[1])) }
        @where;
    my $before = $httpd->manager->node('plain', 'servoy1')->{clients};
    cmp_ok $before->{$_}, '>', 0, "$_ clients before" for qw(web smart);
    $_->mark for values %front;
    is $user->get("/plain$page")->header('X-Session'), $session, 'it answers';
    my $began = time;
    $one->freeze;
    watch($began, \%cookie, @where);

    is state_of('plain', $front{$_}), 'silent', "$_: state" for qw(event worker prefork);
    is metric('servoy_node_up', 'plain'), 0, 'metric';
    is metric('servoy_node_state{state="silent"}', 'plain'), 1, 'metric: state';
    is state_of('both'), 'silent', "the ajp member's word counts in a fleet with others";
    is state_of('http'), 'ready', 'where there are only others, its kernel answers for it';
    my @lines = told($httpd, 'silent', 'plain');
    is scalar @lines, 1, 'it is told once' or diag @lines;
    like $lines[0] // '', qr{was ready: no answer from ajp://127\.0\.0\.1:\d+; it has \d+ clients$};
    my $after = $httpd->manager->node('plain', 'servoy1')->{clients};
    cmp_ok $after->{web}, '>=', $before->{web}, 'its web clients still count';
    cmp_ok $after->{smart}, '>=', $before->{smart}, 'and its smart clients';
    is $httpd->manager->node('plain', 'servoy1')->{safe_to_stop}, JSON::PP::false(),
        'so it is not safe to stop';
    my %nodes;
    $nodes{ $httpd->browser->get("/plain$page")->node // 'none' }++ for 1 .. 4;
    is_deeply \%nodes, { servoy2 => 4 }, 'new web clients go to the other one';

    my $pending = $user->start(GET => "/plain$page");
    my $waiting = $other->start(GET => "/pages$page");
    wait_for(sub { $httpd->manager->node('plain', 'servoy1')->{in_flight} >= 1 }, 20,
        'the request of one of its clients to be under way');
    is state_of('plain'), 'silent', 'whatever it is thought to be';
    $one->thaw;
    my $r = $pending->finish(30);
    is $r->node, 'servoy1', 'who is served when it is thawed';
    is $r->header('X-Session'), $session, 'in the same session';
    is $waiting->finish(30)->node, 'servoy1', 'as others are';
    my ($how) = map { / how=(\w+)/ } wait_for(sub {
        (grep { m{"GET /pages/servoy-webclient/} } split /^/, $httpd->access_log)[-1] }, 10,
            'the access log');
    like $how, qr/^(?:known|route)$/, 'for it is their node, and no other has failed over to it';
    wait_ok(sub { state_of('plain', $front{$_}) eq 'ready' }, 20, "$_: it is back")
        for qw(event worker prefork);
    wait_ok(sub { launch($httpd, 'plain') eq 1 }, 20, 'and gets launches');
    is scalar(told($httpd, 'ready', 'plain')), 1, 'which is told';
    is $user->get("/plain$page")->header('X-Session'), $session, 'its user stays';
};

subtest 'hanging first, then gone' => sub {
    cmp_ok $httpd->manager->node('plain', 'servoy1')->{clients}{web}, '>', 0, 'it has clients';
    $one->freeze;
    wait_ok(sub { state_of('plain') eq 'silent' }, 20, 'it hangs');
    cmp_ok $httpd->manager->node('plain', 'servoy1')->{clients}{web}, '>', 0, 'and has them still';
    $one->kill;
    wait_ok(sub { $httpd->manager->node('plain', 'servoy1')->{clients}{web} == 0 }, 20,
        'gone: it has none');
    is state_of('plain'), 'error';
};

$_->stop for values %front;
$fleet->stop;
done_testing;
