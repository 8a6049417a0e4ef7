#!/usr/bin/perl
# The ways in which administrators put balancers to use: virtual hosts, prefixes,
# rewriting, stickysession, balancer-manager, restarts, MPMs. In each of them users
# stay, new ones spread, and those of a dead node move.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use List::Util qw(sum0 uniq);
use SVB::Fleet;
use SVB::Httpd;
use SVB::Ports;
use SVB::Wait;
use Test::More;

my $page = '/servoy-webclient/ss/s/crm';
my $fleet = SVB::Fleet->start(3);
# the third is added at run time
my ($one, $two, $three) = $fleet->nodes;

my $method = 'ProxySet lbmethod=servoy';
my $launch_urls = join '', map { sprintf "ServoyNode %s url=http://%s.example.com\n", ($_->route) x 2 } $one, $two;
sub pair { my ($scheme, $more) = @_; return $one->member($scheme, $more) . $two->member($scheme, $more) }

# --- the setups, each on a port of its own ---

my @setup = (
    { name => 'main server', port => 0, fleet => 'servoy' },
    { name => 'virtual host, balancer of the main server', port => 1, fleet => 'servoy' },
    { name => 'another virtual host, the same balancer', port => 2, fleet => 'servoy' },
    { name => 'balancer inside a virtual host', port => 3, fleet => 'inside' },
    { name => 'prefix', port => 4, prefix => '/app', fleet => 'servoy' },
    { name => 'RewriteRule [P]', port => 5, fleet => 'servoy' },
    { name => 'ProxyPassMatch', port => 6, fleet => 'servoy' },
    { name => 'stickysession=', port => 7, fleet => 'sticky' },
    { name => 'ProxyPass in a Location', port => 8, fleet => 'servoy' },
    { name => 'ProxyPass nocanon', port => 9, fleet => 'servoy' },
    { name => 'lbmethod as a ProxyPass parameter', port => 10, fleet => 'param' },
);

my $conf = <<"END";
Header always set X-How "%{SERVOY_HOW}e"
ProxyPreserveHost On
<Proxy "balancer://servoy">
@{[ pair('ajp', 'retry=1') ]}$method
$launch_urls
</Proxy>
<Proxy "balancer://sockets">
@{[ pair('http', 'upgrade=websocket retry=1') ]}$method
</Proxy>
<Proxy "balancer://sticky">
@{[ pair('ajp', 'retry=1') ]}$method stickysession=JSESSIONID|jsessionid
ServoyFleet sticky
</Proxy>
<Proxy "balancer://param">
@{[ pair('ajp', 'retry=1') ]}
</Proxy>
<Proxy "balancer://managed">
@{[ pair('http') ]}$method growth=3
ServoyFleet managed
ServoyNode servoy3 url=http://third.example.com
</Proxy>
<Proxy "balancer://even">
@{[ pair('ajp') ]}$method
ServoyFleet even
</Proxy>
ProxyPass "/managed/" "balancer://managed/"
ProxyPass "/even/" "balancer://even/"
<Location "/servoy-manager">
SetHandler servoy-manager
Require local
</Location>
<Location "/balancer-manager">
SetHandler balancer-manager
Require local
</Location>
ProxyPass "/balancer-manager" "!"
ProxyPass "/websocket/" "balancer://sockets/websocket/"

<VirtualHost *:\@PORT0\@>
ProxyPass "/" "balancer://servoy/"
</VirtualHost>
<VirtualHost *:\@PORT1\@>
ProxyPass "/" "balancer://servoy/"
</VirtualHost>
<VirtualHost *:\@PORT2\@>
ProxyPass "/websocket/" "balancer://sockets/websocket/"
ProxyPass "/" "balancer://servoy/"
</VirtualHost>
<VirtualHost *:\@PORT3\@>
<Proxy "balancer://inside">
@{[ pair('ajp', 'retry=1') ]}$method
ServoyFleet inside
</Proxy>
ProxyPass "/" "balancer://inside/"
</VirtualHost>
<VirtualHost *:\@PORT4\@>
ProxyPass "/app/" "balancer://servoy/"
ProxyPassReverse "/app/" "balancer://servoy/"
ProxyPassReverse "/app/" "/"
ProxyPassReverseCookiePath "/" "/app/"
</VirtualHost>
<VirtualHost *:\@PORT5\@>
RewriteEngine On
RewriteRule "^/(.*)\$" "balancer://servoy/\$1" [P]
</VirtualHost>
<VirtualHost *:\@PORT6\@>
ProxyPassMatch "^/((?:servoy-|solution|echo|log|resources).*)\$" "balancer://servoy/\$1"
</VirtualHost>
<VirtualHost *:\@PORT7\@>
ProxyPass "/" "balancer://sticky/"
</VirtualHost>
<VirtualHost *:\@PORT8\@>
<Location "/">
ProxyPass "balancer://servoy/"
</Location>
</VirtualHost>
<VirtualHost *:\@PORT9\@>
ProxyPass "/" "balancer://servoy/" nocanon
</VirtualHost>
<VirtualHost *:\@PORT10\@>
ProxyPass "/" "balancer://param/" lbmethod=servoy
</VirtualHost>
END

my $httpd = SVB::Httpd->new(conf => $conf, modules => ['rewrite'], ports => scalar @setup)->start;

# A browser at one of the setups, or at another httpd; it knows its prefix.
sub browser {
    my ($setup, %option) = @_;
    my $server = $setup->{httpd} // $httpd;
    my $user = SVB::Client->new(url => $server->url($setup->{port} // 0), timeout => 30, %option);
    $user->{prefix} = $setup->{prefix} // '';
    return $user;
}

sub visit {
    my ($user, $path, %option) = @_;
    return $user->get($user->{prefix} . ($path // $page), %option);
}

sub fresh_id { state $number = 0; return sprintf '%016X', ++$number }

# Node and reason for one request with a session id that no node knows.
sub served {
    my ($setup, $route) = @_;
    my $r = visit(browser($setup, cookies => 0), '/echo', headers => [ 'Cookie: JSESSIONID=' . fresh_id() . ".$route" ]);
    return join ' ', $r->node // 'status ' . $r->status, $r->header('X-How') // '?';
}

# That many new users: node => how many.
sub spread {
    my ($setup, $count) = @_;
    my %on;
    $on{ visit(browser($setup))->node // 'none' }++ for 1 .. $count;
    return \%on;
}

sub status_json { return ($_[0] // $httpd)->client(timeout => 30)->get('/servoy-manager?format=json')->json }

sub fleet_facts {
    my ($name, $server) = @_;
    my ($found) = grep { $_->{name} eq $name } @{ status_json($server)->{fleets} };
    return $found;
}

sub facts {
    my ($name, $route, $server) = @_;
    my ($node) = grep { $_->{route} eq $route } @{ fleet_facts($name, $server)->{nodes} };
    return $node;
}

sub total {
    my ($name, $what, $server) = @_;
    return sum0 map { $_->{$what} } @{ fleet_facts($name, $server)->{nodes} };
}

# New users spread, users stay, by cookie or in the path.
sub check_stay_and_spread {
    my ($setup) = @_;
    my @users = map { browser($setup, keepalive => $_ % 2) } 1 .. 6;
    my (%on, %how);
    for my $user (@users) {
        my $r = visit($user);
        is $r->status, 200, 'a new user' or return;
        $user->{home} = $r->node;
        $on{ $r->node }++;
        $how{ $r->header('X-How') }++;
    }
    is_deeply \%on, { servoy1 => 3, servoy2 => 3 }, 'new users are spread';
    is_deeply \%how, { elected => 6 }, 'by elections of ours';
    my $wrong = 0;
    %how = ();
    for my $count (2 .. 6) {
        for my $user (@users) {
            my $r = $count % 3 ? visit($user) : $user->post("$user->{prefix}$page", 'a=b');
            $wrong++ if ($r->node // '') ne $user->{home} || ($r->header('X-Count') // 0) != $count;
            $how{ $r->header('X-How') =~ s/^known$/route/r }++;
        }
    }
    is $wrong, 0, 'users stay';
    is_deeply \%how, { route => 30 }, 'because of their sessions';
    for my $user (map { browser($setup, cookies => 0) } 1 .. 2) {
        my $r = visit($user);
        my ($link) = $r->body =~ /href="(\Q$page\E;jsessionid=[^"]+)"/;
        is visit($user, $link)->header('X-Count'), 2, 'without cookies as well: ' . $r->node;
    }
    return;
}

for my $setup (@setup) {
    subtest "$setup->{name}: users stay, new ones spread" => sub { check_stay_and_spread($setup) };
}

subtest 'the manager is not proxied in any of them' => sub {
    for my $setup (@setup) {
        my $r = browser($setup)->get('/servoy-manager?format=json');
        is $r->status, 200, $setup->{name};
        is $r->node, undef;
    }
};

subtest 'virtual hosts share what they share' => sub {
    my ($here, $there) = @setup[1, 2];
    my $before = total('servoy', 'elected');
    my %on;
    for my $setup ($here, $there) {
        my $on = spread($setup, 3);
        $on{$_} += $on->{$_} for keys %$on;
    }
    is_deeply \%on, { servoy1 => 3, servoy2 => 3 }, 'the users of both are spread as one';
    is total('servoy', 'elected') - $before, 6, 'and counted as one';
    is total('inside', 'elected') + total('sticky', 'elected'), 16, 'apart from those of other fleets';

    my $user = browser($here);
    my $home = visit($user)->node;
    is $user->get($httpd->url(2) . $page)->node, $home, 'a user of one is known in the other';
    is $user->get($httpd->url(3) . $page)->node, $home, 'or its route is';

    my $all = fleet_facts('servoy');
    is_deeply [ sort @{ $all->{balancers} } ], [qw(balancer://param balancer://servoy balancer://sockets)],
        'JSON: each balancer once';
    is_deeply [ map { $_->{route} } @{ $all->{nodes} } ], [qw(servoy1 servoy2)], 'each node once';
    is_deeply [ map { scalar @{ $_->{members} } } @{ $all->{nodes} } ], [ 3, 3 ], 'and each of its members once';
};

subtest 'AJP for pages, HTTP for WebSockets: one fleet' => sub {
    for my $setup (@setup[0, 1, 2]) {
        for my $user (map { browser($setup) } 1 .. 4) {
            my $home = visit($user, '/solutions/crm/index.html')->node;
            my $ws = $user->websocket('/websocket/1/main/1');
            my $hello = $ws->recv_json(30) // {};
            is $hello->{node}, $home, "$setup->{name}: $home";
            is $hello->{session}, $user->cookie('JSESSIONID');
            $ws->close;
        }
    }
};

subtest 'prefix: cookies, redirects, launches' => sub {
    my $setup = $setup[4];
    my $user = browser($setup);
    like join("\n", visit($user)->headers('Set-Cookie')), qr{^JSESSIONID=\S+\.servoy[12]; Path=/app/;}, 'cookie path';
    my $r = visit($user, '/resources');
    is $r->status, 302;
    is $r->header('Location'), $httpd->url(4) . '/app/resources/', 'a redirect of the node';
    $r = visit($user, '/servoy-client/crm.jnlp?a=1');
    is $r->status, 302;
    my ($route) = $user->cookie('JSESSIONID') =~ /\.(\w+)$/;
    is $r->header('Location'), "http://$route.example.com/servoy-client/crm.jnlp?a=1", 'a launch: the path of the node';
};

subtest 'stickysession=: counted as ever' => sub {
    my $setup = $setup[7];
    my %before = map { $_ => facts('sticky', $_) } qw(servoy1 servoy2);
    is served($setup, 'servoy2'), 'servoy2 route', 'found by mod_proxy_balancer' for 1 .. 3;
    my $user = browser($setup, cookies => 0);
    is $user->get('/echo;jsessionid=' . fresh_id() . '.servoy1')->header('X-How'), 'route', 'in the path as well';
    visit(browser($setup));
    my $more = sub {
        my ($what) = @_;
        return [ map { facts('sticky', $_)->{$what} - $before{$_}{$what} } qw(servoy1 servoy2) ];
    };
    is_deeply $more->('sticky'), [ 1, 3 ], 'sticky requests';
    is sum0(@{ $more->('elected') }), 1, 'elections';
    is total('sticky', 'failed_over_from'), 0, 'no failover';
};

subtest 'launches in each setup' => sub {
    for my $setup (@setup[0 .. 2, 4 .. 6, 8, 9]) {
        my $r = visit(browser($setup), '/servoy-client/crm.jnlp?m=x');
        is $r->status, 302, $setup->{name};
        like $r->header('Location') // '', qr{^http://servoy[12]\.example\.com/servoy-client/crm\.jnlp\?m=x$};
    }
};

subtest 'a node is killed: in every setup its users move' => sub {
    my %users;
    for my $setup (@setup) {
        my $on = $users{ $setup->{port} } = [];
        for (1 .. 20) {
            my $user = browser($setup);
            push @$on, $user if visit($user)->node eq 'servoy2';
            last if @$on == 2;
        }
        is scalar @$on, 2, "$setup->{name}: two users on servoy2";
    }
    my $before = facts('sticky', 'servoy2');
    $two->kill;
    for my $setup (@setup) {
        my @how;
        for my $user (@{ $users{ $setup->{port} } }) {
            my $r = visit($user);
            push @how, $r->header('X-How');
            is join(' ', $r->status, $r->node // '-', $r->header('X-Session-New') // '-'), '200 servoy1 1',
                "$setup->{name}: a user moves";
            $r = visit($user);
            is join(' ', $r->node // '-', $r->header('X-Count') // '-'), 'servoy1 2', 'once and for good';
        }
        is_deeply [ uniq @how ], ['failover'], 'as a failover';
        is_deeply spread($setup, 3), { servoy1 => 3 }, 'new users too are served';
    }
    is facts('sticky', 'servoy2')->{failed_over_from} - $before->{failed_over_from}, 2, 'stickysession=: counted as ever';
    is facts('sticky', 'servoy2')->{state}, 'error';
    $two->start;
    wait_ok(sub { served($_, 'servoy2') eq 'servoy2 route' }, 15, "$_->{name}: it is back") for @setup;
};

# --- balancer-manager ---

# Makes one change of mod_proxy's balancer-manager.
sub manage {
    my ($worker, %fields) = @_;
    my $user = $httpd->client(timeout => 30);
    my $referer = 'Referer: ' . $httpd->url . '/balancer-manager';
    my ($nonce) = $user->get('/balancer-manager')->body =~ /b=managed[^"]*nonce=([0-9a-f-]+)/ or die 'no nonce';
    my %all = (b => 'managed', nonce => $nonce, %fields);
    $all{w} = $worker if $worker;
    my $r = $user->post('/balancer-manager', join('&', map { "$_=$all{$_}" } sort keys %all),
        headers => [ $referer, 'Content-Type: application/x-www-form-urlencoded' ]);
    die 'balancer-manager: ' . $r->status if $r->status != 200;
    return;
}

# In every child: so many requests that each will have had some.
sub always {
    my ($setup, $route, $wanted, $name) = @_;
    my %got;
    $got{ served($setup, $route) }++ for 1 .. 16;
    my ($bad) = grep { ref $wanted ? !/$wanted/ : $_ ne $wanted } keys %got;
    is $bad, undef, $name;
    return;
}

subtest 'balancer-manager drains and disables a node' => sub {
    my $managed = { prefix => '/managed' };
    my @users = map { browser($managed) } 1 .. 4;
    $_->{home} = visit($_)->node for @users;
    my ($user) = grep { $_->{home} eq 'servoy1' } @users;
    manage($one->url, w_status_N => 1);
    is facts('managed', 'servoy1')->{state}, 'draining', 'seen at once';
    is_deeply spread($managed, 8), { servoy2 => 8 }, 'no new clients';
    is visit($user)->header('X-Count'), 2, 'its own stay';
    manage($one->url, w_status_N => 0, w_status_D => 1);
    is facts('managed', 'servoy1')->{state}, 'disabled';
    is visit($user)->node, 'servoy2', 'disabled: they move';
    manage($one->url, w_status_D => 0);
    is facts('managed', 'servoy1')->{state}, 'ready';
    cmp_ok spread($managed, 8)->{servoy1} // 0, '>', 0, 'enabled: new clients again';
    manage($one->url, w_lf => 3);
    is facts('managed', 'servoy1')->{loadfactor}, 3, 'another loadfactor';
    manage($one->url, w_lf => 1);
};

subtest 'balancer-manager changes a route' => sub {
    my $managed = { prefix => '/managed' };
    always($managed, 'servoy1', 'servoy1 route', 'before');
    manage($one->url, w_wr => 'moved.one');
    always($managed, 'servoy1', qr/ elected$/, 'the old route is none any more, in every child');
    always($managed, 'moved.one', 'servoy1 route', 'the new one is');
    always($managed, 'servoy2', 'servoy2 route', 'others are what they were');
    is_deeply [ sort map { $_->{route} } @{ fleet_facts('managed')->{nodes} } ], [qw(moved.one servoy2)], 'JSON';
    manage($one->url, w_wr => 'servoy1');
    always($managed, 'servoy1', 'servoy1 route', 'and back');
    always($managed, 'moved.one', qr/ elected$/, 'in every child');
};

subtest 'balancer-manager adds a member' => sub {
    my $managed = { prefix => '/managed' };
    always($managed, 'servoy3', qr/ elected$/, 'before: a foreign route');
    manage(undef, b_nwrkr => $three->url, b_wyes => 1);
    always($managed, 'servoy3', qr/^servoy[12] elected$/, 'added, but disabled and without a route');
    manage($three->url, w_wr => 'servoy3', w_status_D => 0);
    always($managed, 'servoy3', 'servoy3 route', 'clients of its route reach it, in every child');
    is facts('managed', 'servoy3')->{url}, 'http://third.example.com', 'JSON: what was known of it beforehand';
    is facts('managed', 'servoy3')->{state}, 'ready';
    my %on = %{ spread($managed, 12) };
    cmp_ok $on{servoy3} // 0, '>=', 4, 'new clients reach it' or diag explain \%on;
    my ($user) = grep { visit($_)->node eq 'servoy3' } map { browser($managed) } 1 .. 30;
    is visit($user)->header('X-Count'), 2, 'and stay';
    my $before = facts('managed', 'servoy3')->{sticky};
    always($managed, 'servoy3', 'servoy3 route', 'some more');
    is facts('managed', 'servoy3')->{sticky}, $before + 16, 'counted';
    manage($three->url, w_status_D => 1);
    is visit($user)->header('X-How'), 'failover', 'disabled again: its users move';
};

subtest 'a graceful restart changes nothing' => sub {
    my $setup = $setup[1];
    my @users = map { browser($setup) } 1 .. 4;
    $_->{home} = visit($_)->node for @users;
    my $even = { prefix => '/even' };
    my $first = spread($even, 3);
    my $pending = browser($setup)->start(GET => '/slow?ms=3000');
    wait_ok(sub { total('servoy', 'in_flight') == 1 }, 10, 'a request is in flight');
    my $before = fleet_facts('servoy');
    my $children = join ' ', $httpd->children;
    $httpd->graceful;
    my $after = fleet_facts('servoy');
    for my $counter (qw(elected sticky launches failed_over_from failed_over_to errors in_flight)) {
        is_deeply [ map { $_->{$counter} } @{ $after->{nodes} } ], [ map { $_->{$counter} } @{ $before->{nodes} } ],
            "$counter as before";
    }
    is $pending->finish(30)->status, 200, 'the request comes to its end';
    wait_ok(sub { total('servoy', 'in_flight') == 0 }, 10, 'and is no longer in flight');
    is scalar(grep { visit($_)->node ne $_->{home} } @users), 0, 'users stay';
    wait_ok(sub { !grep { " $children " =~ / $_ / } $httpd->children }, 20, 'the old children have gone');
    is scalar(grep { visit($_)->header('X-Count') != 3 } @users), 0, 'users stay, in their sessions';
    my $second = spread($even, 3);
    is $first->{$_} + $second->{$_}, 3, "new ones are spread as if nothing had been: $_" for qw(servoy1 servoy2);
    always({ prefix => '/managed' }, 'servoy1', 'servoy1 route', 'where a member had been added as well');
    my $url = status_json()->{fleets}[0]{nodes}[0]{url};
    is $url, 'http://servoy1.example.com', 'facts are there';
};
$httpd->stop;

# --- MPMs ---

my $dead = SVB::Ports->take;
my $core = <<"END";
Header always set X-How "%{SERVOY_HOW}e"
ProxyPreserveHost On
<Proxy "balancer://dead">
@{[ pair('ajp') ]}BalancerMember "ajp://127.0.0.1:$dead" route=servoy3
$method
ServoyFleet dead
</Proxy>
<Proxy "balancer://servoy">
@{[ pair('ajp') ]}$method
$launch_urls
</Proxy>
<Proxy "balancer://sockets">
@{[ pair('http', 'upgrade=websocket') ]}$method
</Proxy>
<Location "/servoy-manager">
SetHandler servoy-manager
Require local
</Location>
ProxyPass "/dead/" "balancer://dead/"
ProxyPass "/websocket/" "balancer://sockets/websocket/"
ProxyPass "/" "balancer://servoy/"
END

for my $mpm (qw(event worker prefork)) {
    subtest "MPM $mpm" => sub {
        # of prefork enough that nobody waits for a new child
        my @processes = $mpm eq 'prefork' ? (processes => 12) : ();
        my $server = SVB::Httpd->new(mpm => $mpm, conf => $core, @processes)->start;
        my $setup = { httpd => $server };
        check_stay_and_spread($setup);
        my @pending = map { browser($setup)->start(GET => '/slow?ms=2000&session=1') } 1 .. 8;
        wait_ok(sub { total('servoy', 'in_flight', $server) == 8 }, 10, 'eight in flight at once');
        my %on;
        $on{ $_->finish(30)->node }++ for @pending;
        # as many as there are processes may decide at the same moment
        ok $on{servoy1} >= 2 && $on{servoy2} >= 2, 'new clients that come at once are spread' or diag explain \%on;
        is total('servoy', 'in_flight', $server), 0, 'and none is in flight then'
            if wait_for(sub { total('servoy', 'in_flight', $server) == 0 }, 10, 'their end');

        my $dead = { httpd => $server, prefix => '/dead' };
        my $id = fresh_id() . '.servoy3';
        my @headers = (headers => ["Cookie: JSESSIONID=$id"]);
        my @many = map { visit(browser($dead, cookies => 0), '/echo', @headers) } 1 .. 3;
        push @many, map { $_->finish(30) } map { browser($dead, cookies => 0)->start(GET => '/dead/echo', @headers) } 1 .. 9;
        is scalar(uniq map { $_->node // $_->status } @many), 1, 'a client of a dead node: all its requests to one';
        is $many[0]->header('X-How'), 'failover', 'as a failover';
        is_deeply [ grep { !/^(?:failover|known)$/ } map { $_->header('X-How') } @many ], [], 'that may be remembered';
        my $before = facts('dead', 'servoy3', $server)->{failed_over_from};
        served($dead, 'servoy3') for 1 .. 12;
        is facts('dead', 'servoy3', $server)->{failed_over_from} - $before, 12, 'counted over all children';

        my $ws = browser($setup)->websocket('/websocket/1/main/1', headers => ['Cookie: JSESSIONID=AA.servoy2']);
        is +($ws->recv_json(30) // {})->{node}, 'servoy2', 'WebSocket';
        $ws->close;

        my $user = browser($setup);
        my $home = visit($user)->node;
        my $r = visit($user, '/servoy-client/crm.jnlp?m=a&a=1%7C2');
        is $r->status, 302, 'launch';
        is $r->header('Location'), "http://$home.example.com/servoy-client/crm.jnlp?m=a&a=1%7C2";

        $r = $server->client(timeout => 30)->get('/servoy-manager');
        is $r->status, 200, 'manager';
        like $r->header('Content-Type'), qr{^text/html};
        like $r->body, qr/servoy1.*servoy2/s;
        is status_json($server)->{module}, 'mod_servoy_balancer/0.1.0';
        $server->stop;
    };
}

$fleet->stop;
done_testing;
