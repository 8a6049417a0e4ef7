#!/usr/bin/perl
# Which node a request goes to while all nodes are up: session ids and their
# routes, elections, and what mod_proxy's member settings do to both.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SVB::Balancer;
use SVB::Fleet;
use SVB::Httpd;
use SVB::Temp;
use SVB::Users;
use SVB::Wait;
use Test::More;

# The valve acts on nothing but JK_LB_ACTIVATION=DIS.
my $fleet = SVB::Fleet->start(3,
    valves => '<Valve className="org.apache.catalina.valves.LoadBalancerDrainingValve"/>');
my (undef, $two, $three) = $fleet->nodes;
my $gone = dead_member('servoy1');

# Member lines with other routes than the nodes' own.
sub members_routed {
    my (@routes) = @_;
    return $fleet->members('ajp') =~ s/route=\S+/'route=' . shift @routes/ger;
}

my $conf = join '',
    balancer('plain',    $fleet->members('ajp')),
    balancer('http',     $fleet->members('http')),
    balancer('dots',     members_routed('eu.s1', 's1', 'us.s1.b')),
    balancer('names',    $fleet->members('ajp'), 'ServoySessionCookie SID JSESSIONID'),
    balancer('other',    $fleet->members('ajp'), 'ServoySessionCookie SID'),
    balancer('vars',     $fleet->members('ajp'), 'ServoyFleet desk'),
    balancer('stay',     $fleet->members('ajp')),
    balancer('weighted',
        $fleet->members('ajp', [ 'loadfactor=1', 'loadfactor=2', 'loadfactor=1' ])),
    balancer('parallel', $fleet->members('ajp')),
    balancer('busy',     $fleet->members('ajp')),
    balancer('drain',    $fleet->members('ajp', [ 'status=+N' ])),
    balancer('drained',  $fleet->members('ajp', [ 'status=+N', 'status=+N', 'status=+N' ])),
    balancer('off',      $fleet->members('ajp', [ 'status=+D', 'status=+S' ])),
    balancer('alloff',   $fleet->members('ajp', [ 'status=+D', 'status=+S', 'status=+D' ])),
    balancer('goneall',  $gone),
    balancer('standby',  $fleet->members('ajp', [ '', '', 'status=+H' ])),
    balancer('standin',  $gone . $three->member('ajp', 'status=+H')),
    balancer('spare',    $fleet->members('ajp', [ '', '', 'status=+R' ])),
    balancer('sparein',  $gone . $two->member('ajp') . $three->member('ajp', 'status=+R')),
    balancer('sets',     $fleet->members('ajp', [ 'lbset=1', 'lbset=0', 'lbset=1' ])),
    balancer('nextset',  dead_member('servoy1', 'lbset=0') . $two->member('ajp', 'lbset=2')
        . $three->member('ajp', 'lbset=1')),
    balancer('gonedrain', dead_member('servoy1', 'status=+N') . $two->member('ajp')
        . $three->member('ajp'));

my $httpd = SVB::Httpd->new(conf => <<"END")->start;
ProxyPass "/raw/" "balancer://plain/" nocanon
Header always set X-Fleet "%{SERVOY_FLEET}e"
Header always set X-Route "%{SERVOY_ROUTE}e"
Header always set X-How "%{SERVOY_HOW}e"
LogFormat "%U fleet=%{SERVOY_FLEET}e route=%{SERVOY_ROUTE}e how=%{SERVOY_HOW}e \\
balancer=%{BALANCER_NAME}e worker=%{BALANCER_WORKER_NAME}e \\
worker_route=%{BALANCER_WORKER_ROUTE}e" variables
CustomLog "\@ROOT\@/logs/variables" variables
ProxyPreserveHost On
$conf
@{[ manager_location() ]}
END

my $manager = $httpd->manager;

# Node and reason for one request with this Cookie header (or none) and path. An
# @ in either stands for a fresh id.
sub served {
    my ($balancer, $cookies, $path) = @_;
    my @headers = map { 'Cookie: ' . s/\@/fresh_id()/ger }
        ref $cookies ? @$cookies : $cookies // ();
    $path = ($path // '/echo') =~ s/\@/fresh_id()/ger;
    my $r = $httpd->browser(cookies => 0)->get("/$balancer$path", headers => \@headers);
    return how($r);
}

# Where that many new users end up: node => how many.
sub spread {
    my ($balancer, $count) = @_;
    my %none = map { $_->name => 0 } $fleet->nodes;
    return { %none, %{ homes(users($httpd, $count, "/$balancer")) } };
}

# One more or less, where it should be any at all.
sub within {
    my ($got, $wanted, $name) = @_;
    my ($bad) = grep { abs($got->{$_} - $wanted->{$_}) > ($wanted->{$_} ? 1 : 0) }
        sort keys %$wanted;
    my $total = 0;
    $total += $_ for values %$wanted;
    my $seen = 0;
    $seen += $got->{$_} for keys %$wanted;
    ok !$bad && $seen == $total, $name
        or diag join ', ', map { "$_: $got->{$_}, wanted about " . ($wanted->{$_} // 0) }
        sort keys %$got;
    return;
}

subtest 'the route in a session id' => sub {
    for my $n (1 .. 3) {
        my $there = "servoy$n route";
        is served('plain', "JSESSIONID=\@.servoy$n"), $there, "cookie of servoy$n";
        is served('plain', "JSESSIONID=\"\@.servoy$n\""), $there, 'in quotes';
        is served('plain', undef, "/echo;jsessionid=\@.servoy$n"), $there, 'path parameter';
        is served('plain', undef, "/echo;JSESSIONID=\@.servoy$n"), $there, 'in capitals';
        is served('plain', undef, "/echo;jSessionId=\@.servoy$n"), $there, 'in any case';
        is served('http', "JSESSIONID=\@.servoy$n"), $there, 'members by HTTP';
    }
    for my $n (1 .. 3) {
        my $there = "servoy$n route";
        is served('plain', "a=1; JSESSIONID=\@.servoy$n; b=2"), $there, 'among other cookies';
        is served('plain', "a=1;JSESSIONID=\@.servoy$n;b=2"), $there, 'without spaces';
        is served('plain', [ 'a=1', "JSESSIONID=\@.servoy$n", 'b=2' ]), $there,
            'in a Cookie header of its own';
        is served('plain',
            "XJSESSIONID=\@.servoy1; JSESSIONID=\@.servoy$n; JSESSIONIDX=\@.servoy2"), $there,
            'among cookies with similar names';
        is served('plain', undef, "/echo;jsessionid=\@.servoy$n?x=y.servoy1"), $there,
            'before a query';
        is served('plain', undef, "/echo;jsessionid=\@.servoy$n;v=2"), $there,
            'before another parameter';
        is served('plain', undef, "/echo;v=2;jsessionid=\@.servoy$n"), $there,
            'after another parameter';
        is served('plain', undef, "/echo;jsessionid=\@.servoy$n/more/path"), $there,
            'in the midst of the path';
    }
    is served('plain', undef, '/echo/a%3Fb;jsessionid=@.servoy2'), 'servoy2 route',
        'behind an encoded ? in the path';
    is served('plain', undef, '/echo/a%23b;jsessionid=@.servoy3'), 'servoy3 route',
        'behind an encoded #';
    is served('plain', undef, '/echo/a%20b%3Bc;jsessionid=@.servoy1'), 'servoy1 route',
    'behind others';
    is served('raw', undef, "/echo/a%3Fb;jsessionid=\@.servoy$_?x=y"), "servoy$_ route",
        'ProxyPass nocanon' for 1 .. 3;
    like $httpd->browser(cookies => 0)->get('/plain/echo;jsessionid=AB.servoy2')->body,
        qr/"requestedSession":\s*"AB\.servoy2"/,
        'the path parameter reaches the node';
};

subtest 'several ids: the first that names a node' => sub {
    is served('plain', 'JSESSIONID=@.servoy3; JSESSIONID=@.servoy2'), 'servoy3 route',
        'two of ours';
    is served('plain', 'JSESSIONID=@.servoy2; JSESSIONID=@.servoy3'), 'servoy2 route', 'in turn';
    is served('plain', 'JSESSIONID=@.elsewhere; JSESSIONID=@.servoy2'), 'servoy2 route',
        'a foreign one first';
    is served('plain', 'JSESSIONID=@; JSESSIONID=@.servoy3'), 'servoy3 route',
        'one without a route first';
    is served('plain', 'JSESSIONID=; JSESSIONID=@.servoy1'), 'servoy1 route', 'an empty one first';
    is served('plain', 'JSESSIONID="@.elsewhere; JSESSIONID=@.servoy2'), 'servoy2 route',
        'one with half a quote first';
    is served('plain', 'JSESSIONID=@.servoy3', '/echo;jsessionid=@.servoy1'), 'servoy3 route',
        'cookie before path parameter';
    is served('plain', 'JSESSIONID=@.elsewhere', '/echo;jsessionid=@.servoy1'), 'servoy1 route',
        'path parameter where the cookie is a foreign one';
    is served('off', 'JSESSIONID=@.servoy1; JSESSIONID=@.servoy3'), 'servoy3 route',
        'the first names a node that cannot serve';
};

subtest 'the longest suffix that is a route' => sub {
    is served('dots', 'JSESSIONID=@.eu.s1'), 'servoy1 route', 'eu.s1, though s1 is one as well';
    is served('dots', 'JSESSIONID=@.s1'), 'servoy2 route', 's1';
    is served('dots', 'JSESSIONID=@.us.s1'), 'servoy2 route', 'us.s1 is none, s1 is';
    is served('dots', 'JSESSIONID=@.x.y.us.s1.b'), 'servoy3 route', 'an id with dots of its own';
    is served('dots', undef, '/echo;jsessionid=@.x.eu.s1'), 'servoy1 route', 'in the path';
    like served('dots', 'JSESSIONID=@.s1.b'), qr/ elected$/, 'not a part in the middle';
    like served('dots', 'JSESSIONID=@.b'), qr/ elected$/, 'not a part of a route';
};

subtest 'what names no node is a new client' => sub {
    my %cookie = (
        'no cookie'             => undef,
        'an id without a route' => 'JSESSIONID=@',
        'a foreign route'       => 'JSESSIONID=@.elsewhere',
        'a route that goes on'  => 'JSESSIONID=@.servoy22',
        'a route cut short'     => 'JSESSIONID=@.servoy',
        'more before the route' => 'JSESSIONID=@.xservoy2',
        'a route in capitals'   => 'JSESSIONID=@.SERVOY2',
        'text behind the route' => 'JSESSIONID=@.servoy2.',
        'no dot'                => 'JSESSIONID=servoy2',
        'an empty cookie'       => 'JSESSIONID=',
        'another cookie'        => 'SESSION=@.servoy2',
        'its name in lower case' => 'jsessionid=@.servoy2',
        'a very long id'        => 'JSESSIONID=' . 'A.' x 3000,
    );
    my %path = (
        'a query'                       => '/echo?JSESSIONID=@.servoy2',
        'a query in lower case'         => '/echo?jsessionid=@.servoy2',
        'a query that looks like a path' => '/echo?x;jsessionid=@.servoy2',
        'a path segment'                => '/echo/jsessionid=@.servoy2',
        'another path parameter'        => '/echo;sessionid=@.servoy2',
    );
    # SERVOY_HOW tells, whichever node it was
    my $how = sub { served(@_) =~ s/^servoy[123] //r };
    is $how->('plain', $cookie{$_}), 'elected', $_ for sort keys %cookie;
    is $how->('plain', undef, $path{$_}), 'elected', $_ for sort keys %path;
    is $how->('raw', undef, $path{$_}), 'elected', "$_, ProxyPass nocanon" for sort keys %path;
};

subtest 'ServoySessionCookie' => sub {
    is served('names', 'JSESSIONID=@.servoy2'), 'servoy2 route', 'one name of two';
    is served('names', 'SID=@.servoy3'), 'servoy3 route', 'the other';
    is served('names', 'JSESSIONID=@.servoy1; SID=@.servoy3'), 'servoy1 route',
        'both: in the order of the header';
    is served('names', undef, '/echo;sid=@.servoy1'), 'servoy1 route', 'as path parameter';
    is served('names', undef, '/echo;jsessionid=@.servoy3'), 'servoy3 route', 'both of them';
    like served('other', 'JSESSIONID=@.servoy2', '/echo;jsessionid=@.servoy2'), qr/ elected$/,
        'a name that is not listed';
    is served('other', 'SID=@.servoy1'), 'servoy1 route', 'the one that is';
};

subtest 'variables for logs' => sub {
    my $r = $httpd->browser(cookies => 0)->get('/vars/echo/1',
        headers => ['Cookie: JSESSIONID=A1.servoy2']);
    is $r->header('X-Fleet'), 'desk', 'SERVOY_FLEET in a header';
    is $r->header('X-Route'), 'servoy2', 'SERVOY_ROUTE';
    my $elected = $httpd->browser->get('/vars/echo/2')->node;
    my ($port) = map { $_->ajp_port } $fleet->node($elected);
    $httpd->browser(cookies => 0)->get('/vars/echo/3;jsessionid=A2.servoy3');
    my $log = wait_for(sub {
        my @lines = SVB::Temp->read_file($httpd->root . '/logs/variables') =~ m{^(/vars/.*)$}mg;
        return @lines >= 3 && \@lines;
    }, 10, 'three lines in the log');
    is_deeply [ sort @$log ], [
        "/vars/echo/1 fleet=desk route=servoy2 how=route balancer=balancer://vars"
            . ' worker=ajp://127.0.0.1:' . $two->ajp_port . ' worker_route=servoy2',
        "/vars/echo/2 fleet=desk route=$elected how=elected balancer=balancer://vars"
            . " worker=ajp://127.0.0.1:$port worker_route=$elected",
        "/vars/echo/3;jsessionid=A2.servoy3 fleet=desk route=servoy3 how=route"
            . ' balancer=balancer://vars worker=ajp://127.0.0.1:' . $three->ajp_port
            . ' worker_route=servoy3',
    ], 'SERVOY_* and BALANCER_* in a log';
};

subtest 'a client stays on its node, whichever child serves it' => sub {
    my @users = map { $httpd->browser(keepalive => $_ % 2) } 1 .. 6;
    my @home = map { $_->get("/stay$page")->node } @users;
    my ($count, $wrong, %asked) = (1, 0);
    my @ways = (
        sub { $_[0]->get("/stay$page") },
        sub { $_[0]->post("/stay$page", 'a=b' x 100) },
        sub { $_[0]->get("/stay$page", version => '1.0') },
        sub {
            $_[0]->post("/stay$page", "5\r\nhello\r\n0\r\n\r\n",
                headers => ['Transfer-Encoding: chunked'])
        },
        sub { $_[0]->get("/stay/solutions/crm/index.html") },
    );
    $httpd->mark;
    my %pids;
    # until every child has had its share
    for my $round (1 .. 60) {
        $count++;
        for my $i (0 .. $#users) {
            my $r = $ways[ $round % @ways ]->($users[$i]);
            $wrong++ if ($r->node // '') ne $home[$i] || ($r->header('X-Count') // 0) != $count;
        }
        %pids = map { $_ => 1 } $httpd->access_log =~ m{"\w+ /stay.*pid=(\d+)}g;
        last if $round >= 55 && keys %pids >= 2;
    }
    is $wrong, 0, 'each request of six users reaches the session on its node';
    cmp_ok scalar(keys %pids), '>=', 2, 'more than one child took part';
    wait_ok(sub { $manager->node('stay', 'servoy1')->{in_flight} == 0 }, 10,
        'nothing is in flight in the end');
    my %homes = map { $_ => 1 } @home;
    my $sticky = 0;
    $sticky += $manager->node('stay', $_)->{sticky} for keys %homes;
    is $sticky, ($count - 1) * @users, 'the sticky requests are counted';
};

subtest 'one connection, several clients' => sub {
    my $proxy = $httpd->browser(keepalive => 1, cookies => 0);     # as another proxy in front of us
    my @got = map {
        my $r = $proxy->get('/plain/echo',
            headers => ["Cookie: JSESSIONID=AA$_.servoy" . ($_ % 3 + 1)]);
        $r->node;
    } 1 .. 9;
    is_deeply \@got, [ map { 'servoy' . ($_ % 3 + 1) } 1 .. 9 ], 'each to its own node';
    my $raw = $httpd->browser
        ->raw("GET /plain/echo HTTP/1.0\r\nCookie: JSESSIONID=AB1.servoy3\r\n\r\n");
    like $raw, qr/^X-Node: servoy3\r$/m, 'HTTP/1.0 without Host';
};

subtest 'new clients are spread by loadfactor' => sub {
    within spread('weighted', 40), { servoy1 => 10, servoy2 => 20, servoy3 => 10 }, '1 : 2 : 1';
    is $manager->node('weighted', 'servoy2')->{loadfactor}, 2, 'loadfactor in JSON';
    my %elected = map { $_ => $manager->node('weighted', $_)->{elected} }
        qw(servoy1 servoy2 servoy3);
    within \%elected, { servoy1 => 10, servoy2 => 20, servoy3 => 10 }, 'and elections';
};

subtest 'requests of a client do not count as new clients' => sub {
    my $user = $httpd->browser;
    my $home = $user->get("/busy$page")->node;
    $user->get("/busy$page") for 1 .. 20;
    my $on = spread('busy', 8);
    $on->{$home}++;
    within $on, { servoy1 => 3, servoy2 => 3, servoy3 => 3 }, 'the busiest client counts as one';
};

subtest 'new clients that come at once' => sub {
    my @pending = map { $httpd->browser->start(GET => '/parallel/slow?ms=400&session=1') } 1 .. 12;
    my %on = map { $_->name => 0 } $fleet->nodes;
    $on{ $_->finish(30)->node }++ for @pending;
    within \%on, { servoy1 => 4, servoy2 => 4, servoy3 => 4 }, 'see each other';
};

subtest 'draining (+N): keeps its clients, gets no new ones' => sub {
    is served('drain', 'JSESSIONID=@.servoy2'), 'servoy2 route';
    my $user = user_of($httpd, 'servoy1', '/plain');
    my $r = $user->get("/drain$page");
    is $r->node, 'servoy1', 'its client stays';
    is $r->header('X-Count'), 2, 'in the same session';
    within spread('drain', 12), { servoy1 => 0, servoy2 => 6, servoy3 => 6 },
        'new clients go to the others';
    is $manager->node('drain', 'servoy1')->{elected}, 0, 'it was never elected';
    is $manager->node('drain', 'servoy1')->{state}, 'draining';

    is_busy $httpd->browser->get("/drained$page"), 'all are draining: a new client is refused';
    is served('drained', 'JSESSIONID=@.elsewhere'), 'status 503 (null)',
        'one with a foreign id as well';
    is user_of($httpd, 'servoy3', '/plain')->get("/drained$page")->header('X-Count'), 2,
        'clients they have are served';
};

subtest 'a draining node is told so (JK_LB_ACTIVATION), and no other' => sub {
    my ($first, $second) = (user_of($httpd, 'servoy1', '/plain'),
        user_of($httpd, 'servoy2', '/plain'));
    my $activation = sub {
        my ($user, $balancer) = @_;
        my $r = $user->get("/$balancer/echo");
        return join ' ', $r->node // '-', 'status', $r->status if $r->status != 200;
        my $seen = $r->json;
        return join ' ', $seen->{node}, $seen->{attributes}{JK_LB_ACTIVATION} // 'none';
    };
    is $activation->($first, 'drain'), 'servoy1 DIS', 'the draining node';
    is $activation->($second, 'drain'), 'servoy2 none', 'another of the same balancer';
    is $activation->($first, 'plain'), 'servoy1 none', 'the same node where it does not drain';
    is $activation->($second, 'off'), 'servoy3 none', 'one that takes over';
    like $activation->($httpd->browser, 'drain'), qr/ none$/, 'a new client';
    is $activation->(user_of($httpd, 'servoy3', '/plain'), 'standby'), 'servoy3 none',
        'a standby takes new clients';
    like $activation->($first, 'gonedrain'), qr/^servoy[23] none$/,
        'not the second node tried, after a draining one refused the connection';

    my $shared = $httpd->browser(keepalive => 1, cookies => 0);
    my @seen = map {
        my $r = $shared->get('/drain/echo',
            headers => [ 'Cookie: JSESSIONID=' . $_->cookie('JSESSIONID') ]);
        $r->body =~ /"JK_LB_ACTIVATION":\s*(\w+|"\w+")/ ? $1 : $r->status
    } $first, $second, $first, $second;
    is_deeply \@seen, [qw("DIS" null "DIS" null)], 'clients on one connection are kept apart';

    my $stale = $httpd->browser;
    $stale->set_cookie(JSESSIONID => fresh_id() . '.servoy1');
    my $r = $stale->get("/drain$page");
    is $r->status, 307, 'a dead session: Tomcat\'s LoadBalancerDrainingValve answers';
    is $r->node, 'servoy1', 'on the draining node';
    is $stale->cookie('JSESSIONID'), undef, 'and ends the cookie';
    like $stale->get("/drain$page")->node, qr/^servoy[23]$/,
        'so that the user gets to another node';
};

subtest 'disabled (+D) and stopped (+S): neither old clients nor new ones' => sub {
    my %before = map { $_ => $manager->node('off', $_) } qw(servoy1 servoy2 servoy3);
    within spread('off', 5), { servoy1 => 0, servoy2 => 0, servoy3 => 5 }, 'new clients';
    is served('off', 'JSESSIONID=@.servoy1'), 'servoy3 failover', 'a client of the disabled node';
    is served('off', 'JSESSIONID=@.servoy2'), 'servoy3 failover', 'a client of the stopped node';
    is served('off', 'JSESSIONID=@.servoy3'), 'servoy3 route', 'a client of the one left';
    is $manager->node('off', 'servoy1')->{state}, 'disabled';
    is $manager->node('off', 'servoy2')->{state}, 'stopped';
    is $manager->node('off', 'servoy1')->{errors} + $manager->node('off', 'servoy2')->{errors}, 0,
        'they are not even tried';
    my %after = map { $_ => $manager->node('off', $_) } keys %before;
    my $more = sub { $after{ $_[0] }{ $_[1] } - $before{ $_[0] }{ $_[1] } };
    is $more->('servoy1', 'failed_over_from'), 1, 'counted where it left';
    is $more->('servoy2', 'failed_over_from'), 1;
    is $more->('servoy3', 'failed_over_to'), 2, 'and where it came';
    is $more->('servoy3', 'sticky'), 1, 'unlike the one that stayed';
    is_busy $httpd->browser->get("/alloff$page"), 'all off: a new client';
    is_busy user_of($httpd, 'servoy2', '/plain')->get("/alloff$page"), 'all off: an old client';
};

subtest 'hot standby (+H)' => sub {
    within spread('standby', 8), { servoy1 => 4, servoy2 => 4, servoy3 => 0 },
        'no new clients while others can';
    is served('standby', 'JSESSIONID=@.servoy3'), 'servoy3 route', 'but it keeps those it has';
    is $manager->node('standby', 'servoy3')->{state}, 'standby';
    within spread('standin', 3), { servoy1 => 0, servoy2 => 0, servoy3 => 3 },
        'new clients when no other can';
    is served('standin', 'JSESSIONID=@.servoy1'), 'servoy3 failover',
        'and those of the node that is gone';
};

subtest 'hot spare (+R)' => sub {
    within spread('spare', 8), { servoy1 => 4, servoy2 => 4, servoy3 => 0 },
        'no new clients while all others can';
    is served('spare', 'JSESSIONID=@.servoy3'), 'servoy3 route', 'but it keeps those it has';
    is $manager->node('spare', 'servoy3')->{state}, 'spare';
    served('sparein', 'JSESSIONID=@.servoy1');      # the first to find out that servoy1 is gone
    my $on = spread('sparein', 12);
    is $on->{servoy2} + $on->{servoy3}, 12, 'one of them gone: nobody is turned away';
    cmp_ok $on->{servoy3}, '>=', 4, 'the spare takes its place';
    cmp_ok $on->{servoy2}, '>=', 4, 'beside the other';
};

subtest 'lbset' => sub {
    within spread('sets', 4), { servoy1 => 0, servoy2 => 4, servoy3 => 0 },
        'the lowest set takes all new clients';
    is served('sets', "JSESSIONID=\@.servoy$_"), "servoy$_ route", 'clients of any set stay'
        for 1, 3;
    within spread('nextset', 4), { servoy1 => 0, servoy2 => 0, servoy3 => 4 },
        'then the next that can';
};

subtest 'no node at all' => sub {
    is_busy $httpd->browser->get("/goneall$page"), 'refused connection';
    is_busy $httpd->browser->get("/goneall$page"), 'and known to be down';
    is_busy $httpd->browser(cookies => 0)->get('/goneall/echo',
        headers => ['Cookie: JSESSIONID=A9.servoy1']), 'an old client';
    is $manager->node('goneall', 'servoy1')->{state}, 'error';
    my $user = $httpd->browser;
    $user->get("/plain$page");
    my $own = $user->get('/plain/status/503');
    is $own->status, 503, 'a 503 that a node answers itself';
    is $own->header('Retry-After'), undef, 'passes as it is';
    is $manager->node('plain', $own->node)->{state}, 'ready', 'and is nothing against the node';
    is $manager->node('plain', $own->node)->{errors}, 0, 'and no error';
};

$httpd->stop;
$fleet->stop;
done_testing;
