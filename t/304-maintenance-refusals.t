#!/usr/bin/perl
# Nodes in maintenance mode: bodies, what is not served elsewhere, launches, spares; and
# what nodes are told of their state.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(sha1_hex);
use List::Util qw(sum0 uniq);
use SVB::Balancer;
use SVB::Fleet;
use SVB::Httpd;
use SVB::Maintenance;
use SVB::Node;
use SVB::Users;
use SVB::Wait;
use Test::More;

my @routes = qw(servoy1 servoy2 servoy3);
my $fleet = SVB::Fleet->start(3);
my ($one, $two, $three) = $fleet->nodes;
# One that sends users with dead sessions away while it is drained.
my $valve = SVB::Node->new(name => 'valve1',
    valves => '<Valve className="org.apache.catalina.valves.LoadBalancerDrainingValve"/>')->start;

# One that refuses everybody, for whatever they ask.
my $puppet = SVB::Httpd->new(servoy => 0, modules => ['alias'], conf => <<'END')->start;
Header always set X-Node puppet
RedirectMatch 503 "^/"
ErrorDocument 503 "Server in maintenance mode"
END
my $puppet_member = 'BalancerMember "' . $puppet->url . "\" route=puppet\n";

my $httpd = SVB::Httpd->new(conf => join '', front_lines(),
    balancer('body',      $fleet->members('ajp')),
    (map { my $scheme = $_;
        map { balancer("refused$scheme$_", $puppet_member . $two->member($scheme)) }
            qw(short empty longest) } qw(ajp http)),
    (map { balancer("large$_", $fleet->members($_)) } qw(ajp http)),
    balancer('largeecho', $puppet_member . $two->member('http')),
    (map { balancer("offer$_", $fleet->members($_)) } qw(ajp http)),
    balancer('off',       $fleet->members('ajp'), 'ServoyMaintenance off'),
    balancer('allajp',    $fleet->members('ajp')),
    balancer('allhttp',   $fleet->members('http')),
    balancer('override',  $fleet->members('ajp')),
    balancer('overhttp',  $fleet->members('http')),
    "<LocationMatch \"^/over\">\nProxyErrorOverride On\n</LocationMatch>\n",
    balancer('launch',    $fleet->members('ajp'), 'ServoyLaunch proxy'),
    balancer('redirect',  $fleet->members('ajp'), 'ServoyNode * url=http://%r.example.com'),
    balancer('spare',
        $fleet->members('ajp', { servoy2 => 'status=+R', servoy3 => 'status=+H' })),
    balancer('act',       $fleet->members('ajp', { servoy2 => 'status=+N' })),
    balancer('full',      $fleet->members('ajp'), 'ServoyNode servoy1 maxclients=1'),
    balancer('valves',    $valve->member('ajp') . $two->member('ajp'),
        'ProxyPass "/" "balancer://valves/"'))->start;
my $manager = $httpd->manager;

subtest 'POST: served elsewhere' => sub {
    in_maintenance($fleet, $one);
    my $path = fresh_page();
    my $r = $httpd->browser->post("/body$path", 'a=b');
    is short($r), '200 servoy2', 'a POST that would start a client';
    is asked($fleet, $path), '1 1 0', '... is sent twice, and no more: it was refused';
    is $manager->node('body', 'servoy1')->{state}, 'maintenance', '... which tells of it';
    $r = ask_as($httpd, fresh_id('servoy1'), '/body' . ($path = fresh_page()), method => 'POST',
        body => 'a=b');
    # an id names its node, so it is not kept for another
    is short($r), '503 servoy1', 'with yesterday\'s cookie: the node\'s own 503';
    like $r->body, qr/^Server in maintenance mode\s*$/, '... in its words';
    is asked($fleet, $path), '1 0 0', '... it is sent once';
    is $manager->node('body', 'servoy1')->{maintenance_hits}, 2, 'both refusals are counted';
    is $manager->node('body', 'servoy1')->{errors}, 0, 'the node is not in error';

    my %body = (short => 'a=b&c=d', empty => '',
        longest => join('', map { chr($_ * 31 % 256) } 1 .. 65_536));
    for my $scheme (qw(ajp http)) {
        for my $what (sort keys %body) {
            $two->reset_requests;
            $r = $httpd->browser->post("/refused$scheme$what/echo", $body{$what});
            is short($r), '200 servoy2', "$scheme, $what: another node takes it" or next;
            is $r->json->{sha1}, sha1_hex($body{$what}), '... with its body';
            is $two->requests->{'/echo'}, 1, '... once';
            is $manager->node("refused$scheme$what", 'puppet')->{maintenance_hits}, 1,
                '... having been refused';
        }
    }
};

subtest 'a large POST: the node\'s own 503' => sub {
    in_maintenance($fleet, $one);
    my $large = join '', map { chr($_ * 31 % 256) } 1 .. 65_537;
    my $path = fresh_page();
    my $r = $httpd->browser->post("/largehttp$path", $large);
    is short($r), '503 servoy1', 'one that would start a client';
    like $r->body, qr/^Server in maintenance mode\s*$/, '... gets what the node says';
    is asked($fleet, $path), '1 0 0', '... and is sent once';
    my $node = $manager->node('largehttp', 'servoy1');
    is $node->{state}, 'maintenance', '... which is noted all the same';
    is $node->{maintenance_hits}, 1, '... and counted';
    is $node->{errors}, 0, 'the node is not in error';
    like short($httpd->browser->post('/largehttp' . fresh_page(), $large)),
        qr/^200 servoy[23]$/, 'so that the next goes elsewhere at once';
    is short($httpd->browser->post('/largeecho/echo', $large)), '503 puppet', 'another one';
    $r = $httpd->browser->post('/largeecho/echo', $large);
    is short($r) . ' ' . $r->json->{sha1}, '200 servoy2 ' . sha1_hex($large),
        '... and the next, with its body';

    # AJP sends a packet of it, and more when the node asks for more. It did not.
    in_maintenance($fleet, $one);
    $path = fresh_page();
    is short($httpd->browser->post("/largeajp$path", $large)), '200 servoy2',
        'where no more than a part had been sent: served elsewhere';
    is asked($fleet, $path), '1 1 0', '... after it was refused';
};

# What mod_proxy does not take up changes nothing.
subtest 'an offer to speak HTTP/2' => sub {
    for my $scheme (qw(ajp http)) {
        in_maintenance($fleet, $one);
        my $path = fresh_page();
        my $r = $httpd->browser->get("/offer$scheme$path", headers => [ 'Upgrade: h2c',
            'Connection: Upgrade, HTTP2-Settings', 'HTTP2-Settings: AAMAAABkAAQAAP__' ]);
        is short($r), '200 servoy2', "$scheme: served elsewhere";
        is asked($fleet, $path), '1 1 0', '... after a refusal';
        is $manager->node("offer$scheme", 'servoy1')->{state}, 'maintenance', '... which is noted';
    }
};

subtest 'ServoyMaintenance off' => sub {
    in_maintenance($fleet, $one);
    my $path = fresh_page();
    my $r = $httpd->browser->get("/off$path");
    is short($r), '503 servoy1', 'a new client sees the 503';
    like $r->body, qr/^Server in maintenance mode\s*$/, '... as it is';
    is asked($fleet, $path), '1 0 0', '... nobody else is asked';
    is $manager->node('off', 'servoy1')->{state}, 'ready', 'the node is like any other';
    is short(ask_as($httpd, fresh_id('servoy1'), '/off' . fresh_page())), '503 servoy1',
        'yesterday\'s cookie';
};

subtest 'all nodes in maintenance' => sub {
    for my $scheme (qw(ajp http)) {
        in_maintenance($fleet, $fleet->nodes);
        my $path = fresh_page();
        my $begun = time;
        my $r = $httpd->browser->get("/all$scheme$path");
        cmp_ok time - $begun, '<', 2, "$scheme: an answer within two seconds";
        is $r->status, 503, '... the 503';
        like $r->node, qr/^servoy\d$/, '... of a node';
        like $r->body, qr/^Server in maintenance mode\s*$/, '... in its own words';
        is asked($fleet, $path), '1 1 1', '... each was asked, once';
        is join(' ', map { $manager->node("all$scheme", $_)->{state} } @routes),
            'maintenance maintenance maintenance',
            '... all are known to be in maintenance now';
        is join(' ', map { $manager->node("all$scheme", $_)->{maintenance_hits} } @routes), '1 1 1',
            '... each refusal is counted';
        for my $method (qw(GET HEAD)) {
            $path = fresh_page();
            $begun = time;
            $r = $httpd->browser->request($method, "/all$scheme$path");
            cmp_ok time - $begun, '<', 2, "$method, now that it is known: soon";
            is $r->status, 503, '... the 503';
            like $r->node // '-', qr/^servoy\d$/, '... of a node';
            is sum0(split / /, asked($fleet, $path)), 1, '... one node was asked, once';
        }
        $begun = time;
        my @pending = map { $httpd->browser->start(GET => "/all$scheme" . fresh_page()) } 1 .. 20;
        is_deeply [ uniq map { $_->finish->status } @pending ], [503], 'twenty at once';
        cmp_ok time - $begun, '<', 5, '... soon';
        $three->maintenance(0);
        $manager->act("all$scheme", 'servoy3', 'enable');
        is short($httpd->browser->get("/all$scheme" . fresh_page())), '200 servoy3',
            'one is enabled: it serves';
    }
};

subtest 'ProxyErrorOverride' => sub {
    for my $name (qw(override overhttp)) {
        $fleet->calm;
        my $user = user_of_one($httpd, $name);
        $one->maintenance(1);
        my ($r, @paths);
        wait_for(sub {
            push @paths, fresh_page();
            $r = $httpd->browser->get("/$name$paths[-1]");
            return $r->status != 200;
        }, 20, 'a refusal');
        # what the node says is not to be had: it is an error like any other
        is short($r), '503 -', "$name: a new client that was refused sees a 503";
        is asked($fleet, $paths[-1]), '1 0 0', '... nobody else is asked';
        like $r->body, qr/temporarily unable to service/, '... in httpd\'s words';
        unlike $r->body, qr/maintenance mode/, '... nothing is seen of the node\'s';
        is $r->header('Set-Cookie'), undef, '... and it has no session';
        is short(ask_as($httpd, fresh_id('servoy1'), "/$name" . ($paths[0] = fresh_page()))),
            '503 -', 'with yesterday\'s cookie as well';
        is asked($fleet, $paths[0]), '1 0 0';
        my $node = $manager->node($name, 'servoy1');
        is $node->{state}, 'ready', 'that is no maintenance';
        is $node->{maintenance_hits}, 0, '... nor counted so';
        is $node->{errors}, 0, '... nor an error of the connection';
        like $node->{members}[0]{status}, qr/^Init Ok$/, '... for mod_proxy neither';
        $one->reset_requests;
        $r = $user->get("/$name/status/503");
        is $r->status, 503, 'a 503 to a client it knows';
        is asked($fleet, '/status/503'), '1 0 0', '... nobody else is asked';
        like $r->body, qr/temporarily unable to service/,
            '... httpd\'s page in its place, as configured';
        $two->maintenance(1);
        $three->maintenance(1);
        is $httpd->browser->get("/$name" . fresh_page())->status, 503, 'all refuse: a 503';
    }
};

subtest 'launches' => sub {
    my $jnlp = '/servoy-client/crm.jnlp';
    in_maintenance($fleet, $one);
    my $user = $httpd->browser;
    my $r = $user->get("/launch$jnlp");
    like short($r), qr/^200 servoy[23]$/,
        'proxied: a launch that was refused is served by another node';
    is +(split / /, asked($fleet, $jnlp))[0], 1, '... after one node refused it';
    is_deeply [ map { s/=.*//sr } $r->headers('Set-Cookie') ], ['SERVOYLAUNCH'], '... one cookie';
    like $user->cookie('SERVOYLAUNCH'), qr/\.${\ $r->node }$/, '... of that node';
    is join(' ', map { $manager->node('launch', $_)->{clients}{smart} } 'servoy1', $r->node), '0 1',
        '... it is counted there';
    is short($user->get("/launch$jnlp")), '200 ' . $r->node, '... the next goes there too';

    $httpd->browser->get('/redirect' . fresh_page());
    is $manager->node('redirect', 'servoy1')->{state}, 'maintenance', 'once it is known';
    my @to = map { ($httpd->browser->get("/redirect$jnlp")->header('Location') // '')
        =~ m{^http://(\w+)\.} } 1 .. 4;
    is_deeply [ sort +uniq(@to) ], [qw(servoy2 servoy3)],
        'redirected: not to a node in maintenance';
};

subtest 'hot standby and hot spare step in for a node in maintenance' => sub {
    in_maintenance($fleet, $one);
    my $r = $httpd->browser->get('/spare' . fresh_page());
    like short($r), qr/^200 servoy[23]$/, 'whoever is refused is served by one of them';
    is_deeply [ uniq map { $httpd->browser->get('/spare' . fresh_page())->status } 1 .. 4 ], [200],
        '... and so are the next';
};

# --- what nodes are told ---

subtest 'AJP_JK_LB_ACTIVATION' => sub {
    $fleet->calm;
    my $activation = sub {
        my ($name, $route) = @_;
        my $r = ask_as($httpd, fresh_id() . ".$route", "/$name" . '/echo');
        return join ' ', $r->node, $r->json->{attributes}{JK_LB_ACTIVATION} // '-';
    };
    is $activation->('act', 'servoy1'), 'servoy1 -', 'a node that is ready: nothing is said';
    is $activation->('act', 'servoy2'), 'servoy2 DIS', 'a draining one';
    my @new = map { $httpd->browser->get('/act/echo')->json } 1 .. 4;
    is_deeply [ uniq map { $_->{attributes}{JK_LB_ACTIVATION} // '-' } @new ], ['-'],
        'nor of new clients';
    is scalar(grep { $_->{node} eq 'servoy2' } @new), 0, '... which a draining one does not get';
    $manager->act('act', 'servoy2', 'enable');
    is $activation->('act', 'servoy2'), 'servoy2 -', 'enabled';
    $manager->act('act', 'servoy2', 'maintenance');
    is $activation->('act', 'servoy2'), 'servoy2 DIS', 'in maintenance, an administrator said';
    $manager->act('act', 'servoy2', 'enable');

    my $user = user_of_one($httpd, 'full');
    is $user->get('/full/echo')->json->{attributes}{JK_LB_ACTIVATION}, 'DIS', 'a node that is full';
    $user->get('/full/logout');
    is $activation->('full', 'servoy1'), 'servoy1 -', '... and one with room again';

    in_maintenance($fleet, $one);
    like short(ask_as($httpd, fresh_id('servoy1'), '/act' . fresh_page())), qr/^200 servoy[23]$/,
        'one is refused';
    is $activation->('act', 'servoy1'), 'servoy1 DIS', 'in maintenance, a refusal told';
};

subtest 'Tomcat\'s LoadBalancerDrainingValve' => sub {
    $fleet->calm;
    my $page = fresh_page();
    my $alive = $valve->client->get($page)->header('X-Session');
    my $dead = fresh_id('valve1');
    my $user = $httpd->browser;
    $user->set_cookie(JSESSIONID => $dead);
    is short($user->get($page)), '200 valve1',
        'a node that is ready starts a session for whose session is dead';

    $manager->act('valves', 'valve1', 'drain');
    my $living = $httpd->browser;
    $living->set_cookie(JSESSIONID => $alive);
    my $r = $living->get($page);
    is short($r) . ' ' . $r->header('X-Count'), '200 valve1 2', 'draining: a living session stays';
    is $user->get($page)->node, 'valve1', '... and another';

    $user = $httpd->browser;
    $user->set_cookie(JSESSIONID => $dead);
    $r = $user->get($page);
    is $r->status, 307, 'a dead one: the node sends its user away';
    is $user->cookie('JSESSIONID'), undef, '... without the cookie';
    $r = $user->get($page);
    is short($r) . ' ' . $r->header('X-Session-New'), '200 servoy2 1', '... to another node';
    $user = $httpd->browser;
    $user->set_cookie(JSESSIONID => fresh_id('valve1'));
    is short($user->get($page, follow => 2)), '200 servoy2', 'as a browser does it';
};

$_->stop for $httpd, $puppet, $valve, $fleet;
done_testing;
