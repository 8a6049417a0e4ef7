#!/usr/bin/perl
# What mod_proxy's balancer-manager changes at run time: nodes drained, disabled,
# renamed, added; and a graceful restart after that.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use List::Util qw(uniq);
use SVB::Balancer;
use SVB::Fleet;
use SVB::Httpd;
use SVB::Setup;
use SVB::Wait;
use Test::More;

my $fleet = SVB::Fleet->start(3);
# the third is added at run time
my ($one, $two, $three) = $fleet->nodes;
my $pair = SVB::Fleet->of($one, $two);
my $urls = join "\n", map { "ServoyNode $_ url=http://$_.example.com" } qw(servoy1 servoy2);

my $httpd = SVB::Httpd->new(ports => 2, conf => join '', <<'END', manager_location(),
Header always set X-How "%{SERVOY_HOW}e"
ProxyPreserveHost On
<Location "/balancer-manager">
SetHandler balancer-manager
Require local
</Location>
ProxyPass "/balancer-manager" "!"
<VirtualHost *:@PORT1@>
ProxyPass "/" "balancer://servoy/"
</VirtualHost>
END
    proxy('servoy', $pair->members('ajp', 'retry=1'), $urls),
    balancer('managed', $pair->members('http'), 'ProxySet growth=3',
        'ServoyNode servoy3 url=http://third.example.com'),
    balancer('even', $pair->members('ajp')),
    balancer('failing', $pair->members('ajp'), 'ProxySet failonstatus=500'))->start;
my $manager = $httpd->manager;

my $setup = SVB::Setup->new(httpd => $httpd, port => 1);
my ($managed, $even, $failing)
    = map { SVB::Setup->new(httpd => $httpd, prefix => $_) } '/managed', '/even', '/failing';

sub set { return $httpd->balancer_manager->set('managed', @_) }

subtest 'balancer-manager drains and disables a node' => sub {
    my @users = map { $managed->browser } 1 .. 4;
    $_->{home} = $managed->visit($_)->node for @users;
    my ($user) = grep { $_->{home} eq 'servoy1' } @users;
    set($one->url, w_status_N => 1);
    is $manager->node('managed', 'servoy1')->{state}, 'draining', 'seen at once';
    is_deeply $managed->spread(8), { servoy2 => 8 }, 'no new clients';
    is $managed->visit($user)->header('X-Count'), 2, 'its own stay';
    set($one->url, w_status_N => 0, w_status_D => 1);
    is $manager->node('managed', 'servoy1')->{state}, 'disabled';
    is $managed->visit($user)->node, 'servoy2', 'disabled: they move';
    set($one->url, w_status_D => 0);
    is $manager->node('managed', 'servoy1')->{state}, 'ready';
    cmp_ok $managed->spread(8)->{servoy1} // 0, '>', 0, 'enabled: new clients again';
    set($one->url, w_lf => 3);
    is $manager->node('managed', 'servoy1')->{loadfactor}, 3, 'another loadfactor';
    set($one->url, w_lf => 1);
};

subtest 'balancer-manager changes a route' => sub {
    $managed->always('servoy1', 'servoy1 route', 'before');
    set($one->url, w_wr => 'moved.one');
    $managed->always('servoy1', qr/ elected$/, 'the old route is none any more, in every child');
    $managed->always('moved.one', 'servoy1 route', 'the new one is');
    $managed->always('servoy2', 'servoy2 route', 'others are what they were');
    is_deeply [ sort map { $_->{route} } @{ $manager->fleet('managed')->{nodes} } ],
        [qw(moved.one servoy2)], 'JSON';
    set($one->url, w_wr => 'servoy1');
    $managed->always('servoy1', 'servoy1 route', 'and back');
    $managed->always('moved.one', qr/ elected$/, 'in every child');
};

subtest 'balancer-manager adds a member' => sub {
    $managed->always('servoy3', qr/ elected$/, 'before: a foreign route');
    set(undef, b_nwrkr => $three->url, b_wyes => 1);
    $managed->always('servoy3', qr/^servoy[12] elected$/,
        'added, but disabled and without a route');
    set($three->url, w_wr => 'servoy3', w_status_D => 0);
    $managed->always('servoy3', 'servoy3 route', 'clients of its route reach it, in every child');
    is $manager->node('managed', 'servoy3')->{url}, 'http://third.example.com',
        'JSON: what was known of it beforehand';
    is $manager->node('managed', 'servoy3')->{state}, 'ready';
    my %on = %{ $managed->spread(12) };
    cmp_ok $on{servoy3} // 0, '>=', 4, 'new clients reach it' or diag explain \%on;
    my ($user) = grep { $managed->visit($_)->node eq 'servoy3' } map { $managed->browser } 1 .. 30;
    is $managed->visit($user)->header('X-Count'), 2, 'and stay';
    my $before = $manager->node('managed', 'servoy3')->{sticky};
    $managed->always('servoy3', 'servoy3 route', 'some more');
    is $manager->node('managed', 'servoy3')->{sticky}, $before + 16, 'counted';
    set($three->url, w_status_D => 1);
    is $managed->visit($user)->header('X-How'), 'failover', 'disabled again: its users move';
};

sub busy {
    my ($balancer) = @_;
    return join ' ', map { $_->{busy} } map { @{ $_->{members} } } $manager->nodes($balancer);
}

subtest 'what mod_proxy_balancer keeps account of' => sub {
    my $user = $managed->browser;
    my $home = $managed->visit($user)->node;
    is busy('managed'), '0 0 0', 'nobody is busy';
    my $pending = $user->start(GET => '/managed/slow?ms=3000');
    wait_ok(sub { busy('managed') eq ($home eq 'servoy1' ? '1 0 0' : '0 1 0') }, 10,
        'a request is on its way: its member is busy');
    is $pending->finish(30)->status, 200;
    wait_ok(sub { busy('managed') eq '0 0 0' }, 10, 'it is answered');
    my ($elected) = $httpd->balancer_manager->text =~ /\Q${\ $one->url}\E.*?<td>(\d+)<\/td><td>0/s;
    cmp_ok $elected, '>', 0, 'members were elected';

    $user = $failing->browser;
    $home = $failing->visit($user)->node;
    is $user->get('/failing/status/500')->status, 500, 'failonstatus=500: the answer is passed on';
    is $manager->node('failing', $home)->{state}, 'error', 'and the member is in error by it';
    isnt $failing->visit($user)->node, $home, 'its user moves';
};

subtest 'balancer-manager gives a balancer another method' => sub {
    my $user = $managed->browser;
    my $home = $managed->visit($user)->node;
    my $visits = sub { join ' ', uniq sort map { $managed->visit($user)->node } 1 .. 16 };
    is $visits->(), $home, 'before';
    set(undef, b_lbm => 'byrequests');
    is $visits->(), 'servoy1 servoy2', 'in force, in every child';
    set(undef, b_lbm => 'servoy');
    $visits->();
    $home = $managed->visit($user)->node;
    is $visits->(), $home, 'and ours is again';
};

subtest 'a graceful restart changes nothing' => sub {
    my @users = map { $setup->browser } 1 .. 4;
    $_->{home} = $setup->visit($_)->node for @users;
    my $first = $even->spread(3);
    my $pending = $setup->browser->start(GET => '/slow?ms=3000');
    wait_ok(sub { $manager->total('servoy', 'in_flight') == 1 }, 10, 'a request is in flight');
    my $before = $manager->fleet('servoy');
    my $children = join ' ', $httpd->children;
    $httpd->graceful;
    my $after = $manager->fleet('servoy');
    for my $counter (qw(elected sticky launches failed_over_from failed_over_to errors in_flight)) {
        is_deeply [ map { $_->{$counter} } @{ $after->{nodes} } ],
            [ map { $_->{$counter} } @{ $before->{nodes} } ],
            "$counter as before";
    }
    is $pending->finish(30)->status, 200, 'the request comes to its end';
    wait_ok(sub { $manager->total('servoy', 'in_flight') == 0 }, 10, 'and is no longer in flight');
    is scalar(grep { $setup->visit($_)->node ne $_->{home} } @users), 0, 'users stay';
    wait_ok(sub { !grep { " $children " =~ / $_ / } $httpd->children }, 20,
        'the old children have gone');
    is scalar(grep { $setup->visit($_)->header('X-Count') != 3 } @users), 0,
        'users stay, in their sessions';
    my $second = $even->spread(3);
    is $first->{$_} + $second->{$_}, 3, "new ones are spread as if nothing had been: $_"
        for qw(servoy1 servoy2);
    $managed->always('servoy1', 'servoy1 route', 'where a member had been added as well');
    my $url = $manager->json->{fleets}[0]{nodes}[0]{url};
    is $url, 'http://servoy1.example.com', 'facts are there';
};

$_->stop for $httpd, $fleet;
done_testing;
