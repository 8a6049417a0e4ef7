#!/usr/bin/perl
# The same of each MPM: users stay, new ones spread, those of a dead node move;
# WebSockets, launches, the manager.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use List::Util qw(uniq);
use SVB::Balancer;
use SVB::Fleet;
use SVB::Httpd;
use SVB::Setup;
use SVB::Users;
use SVB::Wait;
use Test::More;

my $fleet = SVB::Fleet->start(2);
my $pages = $fleet->members('ajp');
my $urls = join "\n", map { "ServoyNode $_ url=http://$_.example.com" } qw(servoy1 servoy2);
my $conf = join '', <<'END', manager_location(),
Header always set X-How "%{SERVOY_HOW}e"
ProxyPreserveHost On
END
    balancer('dead', $pages . dead_member('servoy3')),
    balancer('sockets', $fleet->members('http', 'upgrade=websocket'), 'ServoyFleet servoy',
        'ProxyPass "/websocket/" "balancer://sockets/websocket/"'),
    balancer('servoy', $pages, $urls, 'ProxyPass "/" "balancer://servoy/"');

for my $mpm (qw(event worker prefork)) {
    subtest "MPM $mpm" => sub {
        # of prefork enough that nobody waits for a new child
        my @processes = $mpm eq 'prefork' ? (processes => 12) : ();
        my $server = SVB::Httpd->new(mpm => $mpm, conf => $conf, @processes)->start;
        my $setup = SVB::Setup->new(httpd => $server);
        my $manager = $server->manager;
        $setup->check_stay_and_spread;
        my @pending = map { $setup->browser->start(GET => '/slow?ms=2000&session=1') } 1 .. 8;
        wait_ok(sub { $manager->total('servoy', 'in_flight') == 8 }, 10, 'eight in flight at once');
        my %on;
        $on{ $_->finish(30)->node }++ for @pending;
        # as many as there are processes may decide at the same moment
        ok $on{servoy1} >= 2 && $on{servoy2} >= 2, 'new clients that come at once are spread'
            or diag explain \%on;
        is $manager->total('servoy', 'in_flight'), 0, 'and none is in flight then'
            if wait_for(sub { $manager->total('servoy', 'in_flight') == 0 }, 10, 'their end');

        my $dead = SVB::Setup->new(httpd => $server, prefix => '/dead');
        my $id = fresh_id('servoy3');
        my @headers = (headers => ["Cookie: JSESSIONID=$id"]);
        my @many = map { $dead->visit($dead->browser(cookies => 0), '/echo', @headers) } 1 .. 3;
        push @many, map { $_->finish(30) }
            map { $dead->browser(cookies => 0)->start(GET => '/dead/echo', @headers) } 1 .. 9;
        is scalar(uniq map { $_->node // $_->status } @many), 1,
            'a client of a dead node: all its requests to one';
        is $many[0]->header('X-How'), 'failover', 'as a failover';
        is_deeply [ grep { !/^(?:failover|known)$/ } map { $_->header('X-How') } @many ], [],
            'that may be remembered';
        my $before = $manager->node('dead', 'servoy3')->{failed_over_from};
        $dead->served('servoy3') for 1 .. 12;
        is $manager->node('dead', 'servoy3')->{failed_over_from} - $before, 12,
            'counted over all children';

        my $ws = $setup->browser->websocket('/websocket/1/main/1',
            headers => ['Cookie: JSESSIONID=AA.servoy2']);
        is +($ws->recv_json(30) // {})->{node}, 'servoy2', 'WebSocket';
        $ws->close;

        my $user = $setup->browser;
        my $home = $setup->visit($user)->node;
        my $r = $setup->visit($user, '/servoy-client/crm.jnlp?m=a&a=1%7C2');
        is $r->status, 302, 'launch';
        is $r->header('Location'), "http://$home.example.com/servoy-client/crm.jnlp?m=a&a=1%7C2";

        $r = $server->client(timeout => 30)->get('/servoy-manager');
        is $r->status, 200, 'manager';
        like $r->header('Content-Type'), qr{^text/html};
        like $r->body, qr/servoy1.*servoy2/s;
        is $manager->json->{module}, 'mod_servoy_balancer/0.1.0';
        $server->stop;
    };
}

$fleet->stop;
done_testing;
