#!/usr/bin/perl
# The ways in which administrators put balancers to use: virtual hosts, prefixes,
# rewriting, stickysession, balancer-manager, restarts, MPMs. In each of them users
# stay, new ones spread, and those of a dead node move.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use List::Util qw(sum0 uniq);
use SVB::Balancer;
use SVB::Fleet;
use SVB::Httpd;
use SVB::Setup;
use SVB::Users;
use SVB::Wait;
use Test::More;

my $fleet = SVB::Fleet->start(2);
my (undef, $two) = $fleet->nodes;

my $method = 'ProxySet lbmethod=servoy';
my $urls = join "\n", map { "ServoyNode $_ url=http://$_.example.com" } qw(servoy1 servoy2);

# --- the setups, each on a port of its own ---

my $conf = <<"END";
Header always set X-How "%{SERVOY_HOW}e"
ProxyPreserveHost On
<Proxy "balancer://servoy">
@{[ $fleet->members('ajp', 'retry=1') ]}$method
$urls
</Proxy>
<Proxy "balancer://sockets">
@{[ $fleet->members('http', 'upgrade=websocket retry=1') ]}$method
</Proxy>
<Proxy "balancer://sticky">
@{[ $fleet->members('ajp', 'retry=1') ]}$method stickysession=JSESSIONID|jsessionid
ServoyFleet sticky
</Proxy>
<Proxy "balancer://param">
@{[ $fleet->members('ajp', 'retry=1') ]}
</Proxy>
@{[ manager_location() ]}
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
@{[ $fleet->members('ajp', 'retry=1') ]}$method
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

my $httpd = SVB::Httpd->new(conf => $conf, modules => ['rewrite'], ports => 11)->start;
my $manager = $httpd->manager;

my @setup = map { SVB::Setup->new(httpd => $httpd, %$_) } (
    { name => 'main server', port => 0 },
    { name => 'virtual host, balancer of the main server', port => 1 },
    { name => 'another virtual host, the same balancer', port => 2 },
    { name => 'balancer inside a virtual host', port => 3 },
    { name => 'prefix', port => 4, prefix => '/app' },
    { name => 'RewriteRule [P]', port => 5 },
    { name => 'ProxyPassMatch', port => 6 },
    { name => 'stickysession=', port => 7 },
    { name => 'ProxyPass in a Location', port => 8 },
    { name => 'ProxyPass nocanon', port => 9 },
    { name => 'lbmethod as a ProxyPass parameter', port => 10 },
);


for my $setup (@setup) {
    subtest $setup->name . ': users stay, new ones spread' => sub { $setup->check_stay_and_spread };
}

subtest 'the manager is not proxied in any of them' => sub {
    for my $setup (@setup) {
        my $r = $setup->browser->get('/servoy-manager?format=json');
        is $r->status, 200, $setup->name;
        is $r->node, undef;
    }
};

subtest 'virtual hosts share what they share' => sub {
    my ($here, $there) = @setup[1, 2];
    my $before = $manager->total('servoy', 'elected');
    my %on;
    for my $setup ($here, $there) {
        my $on = $setup->spread(3);
        $on{$_} += $on->{$_} for keys %$on;
    }
    is_deeply \%on, { servoy1 => 3, servoy2 => 3 }, 'the users of both are spread as one';
    is $manager->total('servoy', 'elected') - $before, 6, 'and counted as one';
    is $manager->total('inside', 'elected') + $manager->total('sticky', 'elected'), 16,
        'apart from those of other fleets';

    my $user = $here->browser;
    my $home = $here->visit($user)->node;
    is $user->get($httpd->url(2) . $page)->node, $home, 'a user of one is known in the other';
    is $user->get($httpd->url(3) . $page)->node, $home, 'or its route is';

    my $all = $manager->fleet('servoy');
    is_deeply [ sort @{ $all->{balancers} } ],
        [qw(balancer://param balancer://servoy balancer://sockets)],
        'JSON: each balancer once';
    is_deeply [ map { $_->{route} } @{ $all->{nodes} } ], [qw(servoy1 servoy2)], 'each node once';
    is_deeply [ map { scalar @{ $_->{members} } } @{ $all->{nodes} } ], [ 3, 3 ],
        'and each of its members once';
};

subtest 'AJP for pages, HTTP for WebSockets: one fleet' => sub {
    for my $setup (@setup[0, 1, 2]) {
        for my $user (map { $setup->browser } 1 .. 4) {
            my $home = $setup->visit($user, '/solutions/crm/index.html')->node;
            my $ws = $user->websocket('/websocket/1/main/1');
            my $hello = $ws->recv_json(30) // {};
            is $hello->{node}, $home, $setup->name . ": $home";
            is $hello->{session}, $user->cookie('JSESSIONID');
            $ws->close;
        }
    }
};

subtest 'prefix: cookies, redirects, launches' => sub {
    my $setup = $setup[4];
    my $user = $setup->browser;
    like join("\n", $setup->visit($user)->headers('Set-Cookie')),
        qr{^JSESSIONID=\S+\.servoy[12]; Path=/app/;}, 'cookie path';
    my $r = $setup->visit($user, '/resources');
    is $r->status, 302;
    is $r->header('Location'), $httpd->url(4) . '/app/resources/', 'a redirect of the node';
    $r = $setup->visit($user, '/servoy-client/crm.jnlp?a=1');
    is $r->status, 302;
    my ($route) = $user->cookie('JSESSIONID') =~ /\.(\w+)$/;
    is $r->header('Location'), "http://$route.example.com/servoy-client/crm.jnlp?a=1",
        'a launch: the path of the node';
};

subtest 'stickysession=: counted as ever' => sub {
    my $setup = $setup[7];
    my %before = map { $_ => $manager->node('sticky', $_) } qw(servoy1 servoy2);
    is $setup->served('servoy2'), 'servoy2 route', 'found by mod_proxy_balancer' for 1 .. 3;
    my $user = $setup->browser(cookies => 0);
    is $user->get('/echo;jsessionid=' . fresh_id() . '.servoy1')->header('X-How'), 'route',
        'in the path as well';
    $setup->visit($setup->browser);
    my $more = sub {
        my ($what) = @_;
        return [ map { $manager->node('sticky', $_)->{$what} - $before{$_}{$what} }
            qw(servoy1 servoy2) ];
    };
    is_deeply $more->('sticky'), [ 1, 3 ], 'sticky requests';
    is sum0(@{ $more->('elected') }), 1, 'elections';
    is $manager->total('sticky', 'failed_over_from'), 0, 'no failover';
};

subtest 'launches in each setup' => sub {
    for my $setup (@setup[0 .. 2, 4 .. 6, 8, 9]) {
        my $r = $setup->visit($setup->browser, '/servoy-client/crm.jnlp?m=x');
        is $r->status, 302, $setup->name;
        like $r->header('Location') // '',
            qr{^http://servoy[12]\.example\.com/servoy-client/crm\.jnlp\?m=x$};
    }
};

subtest 'a node is killed: in every setup its users move' => sub {
    my %users;
    for my $setup (@setup) {
        my $on = $users{ $setup->port } = [];
        for (1 .. 20) {
            my $user = $setup->browser;
            push @$on, $user if $setup->visit($user)->node eq 'servoy2';
            last if @$on == 2;
        }
        is scalar @$on, 2, $setup->name . ': two users on servoy2';
    }
    my $before = $manager->node('sticky', 'servoy2');
    $two->kill;
    for my $setup (@setup) {
        my @how;
        for my $user (@{ $users{ $setup->port } }) {
            my $r = $setup->visit($user);
            push @how, $r->header('X-How');
            is join(' ', $r->status, $r->node // '-', $r->header('X-Session-New') // '-'),
                '200 servoy1 1',
                $setup->name . ': a user moves';
            $r = $setup->visit($user);
            is join(' ', $r->node // '-', $r->header('X-Count') // '-'), 'servoy1 2',
                'once and for good';
        }
        is_deeply [ uniq @how ], ['failover'], 'as a failover';
        is_deeply $setup->spread(3), { servoy1 => 3 }, 'new users too are served';
    }
    is $manager->node('sticky', 'servoy2')->{failed_over_from} - $before->{failed_over_from}, 2,
        'stickysession=: counted as ever';
    is $manager->node('sticky', 'servoy2')->{state}, 'error';
    $two->start;
    wait_ok(sub { $_->served('servoy2') eq 'servoy2 route' }, 15, $_->name . ': it is back')
        for @setup;
};

$_->stop for $httpd, $fleet;
done_testing;
