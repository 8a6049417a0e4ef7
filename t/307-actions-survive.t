#!/usr/bin/perl
# What becomes of the manager's actions over restarts, and beside what mod_proxy's
# balancer-manager does.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use List::Util qw(uniq);
use SVB::Administered;
use SVB::Fleet;
use SVB::Users;
use Test::More;

my $fleet = SVB::Fleet->start(2);
my ($one, $two) = $fleet->nodes;
my $desk = SVB::Administered->new($fleet);
my $httpd = $desk->httpd;

subtest 'actions survive' => sub {
    $desk->calm;
    my $plain = $desk->settings;
    $desk->act('drain');
    $desk->act('loadfactor', node => 'servoy2', value => 2.5);
    $desk->act('maintenance', fleet => 'other');
    $desk->act('disable', fleet => 'other', node => 'servoy2');
    $desk->act('loadfactor', fleet => 'other', node => 'servoy2', value => 7);
    $desk->act($_, fleet => 'configured', node => 'servoy2') for qw(enable drain enable);
    $desk->act('drain', fleet => 'configured');
    $desk->act('loadfactor', fleet => 'configured', value => 5);
    my $wanted = $desk->settings;
    is_deeply $wanted, {
        # servoy2 was configured as draining, servoy1 as disabled
        'servoy servoy1' => 'draining 1 Drn Ok Drn Ok', 'servoy servoy2' => 'ready 2.5 Ok Ok',
        'other servoy1' => 'maintenance 1 Ok', 'other servoy2' => 'disabled 7 Dis',
        'configured servoy1' => 'draining 5 Drn Ok', 'configured servoy2' => 'ready 1 Ok',
    }, 'all that can be set' or diag explain $wanted;
    my $check = sub {
        my ($name) = @_;
        my $now = $desk->settings;
        is $now->{$_}, $wanted->{$_}, "$name: $_" for sort keys %$wanted;
        is_deeply [ uniq map { $_->{home} } users($httpd, 4) ], ['servoy2'],
            '... new clients go where they should';
        return;
    };
    for my $round (1 .. 2) {
        $httpd->reload;
        $check->("graceful restart $round");
    }
    $httpd->restart;
    $check->('restart');
    $httpd->stop;
    $httpd->mark->start;
    $check->('stop and start');
    $httpd->reload;
    $check->('and a graceful restart after that');

    $desk->act('enable', fleet => $_->[0], node => $_->[1])
        for [qw(servoy servoy1)], [qw(other servoy1)], [qw(other servoy2)];
    $wanted = $desk->settings;
    is $wanted->{'servoy servoy1'} . ', ' . $wanted->{'other servoy1'}, 'ready 1 Ok Ok, ready 1 Ok',
        'enabled again';
    $httpd->reload;
    is_deeply $desk->settings, $wanted, '... that lasts as well: graceful restart';
    $httpd->stop;
    $httpd->mark->start;
    is_deeply $desk->settings, $wanted, '... stop and start';

    $httpd->stop;
    $httpd->{conf} = $desk->conf('ServoyPersist off');
    $httpd->mark->start;
    is_deeply $desk->settings, $plain, 'ServoyPersist off: a start is a new one';
    $desk->act('drain');
    $desk->act('loadfactor', node => 'servoy2', value => 3);
    $wanted = $desk->settings;
    $httpd->reload;
    is_deeply $desk->settings, $wanted, '... but a graceful restart is not';
    $httpd->stop;
    $httpd->mark->start;
    is_deeply $desk->settings, $plain, '... and what was set is gone with a stop';
    $httpd->stop;
    $httpd->{conf} = $desk->conf;
    unlink glob $httpd->root . '/run/servoy_balancer.state*';
    $httpd->mark->start;
};

# --- mod_proxy's own page ---

# To both members of a node of the fleet servoy.
sub in_balancer_manager {
    my ($at, $node, %field) = @_;
    my %worker = (servoy => 'ajp://127.0.0.1:' . $node->ajp_port, sockets => $node->url);
    $at->balancer_manager->set($_, $worker{$_}, %field) for sort keys %worker;
    return;
}

# What it says about the members of balancer://servoy.
sub shown_there {
    my ($at) = @_;
    my ($table) = grep { m{^[^<]*<a [^>]*>balancer://servoy</a>}i }
        split /LoadBalancer Status for/i,
        $at->balancer_manager->text;
    return join ', ',
        map { s/\s+$//r } ($table // '') =~ m{<td>((?:Init|Ok|Err|Drn|Dis)\b[^<]*)</td>}g;
}

for my $persists (0, 1) {
    subtest 'balancer-manager' . ($persists ? ', with BalancerPersist' : '') => sub {
        my $side = SVB::Administered->new($fleet, $persists ? 'BalancerPersist On' : '');
        my $front = $side->httpd;
        my $served = sub { return join ' ',
            sort +uniq(map { $front->browser->get($page)->node // '-' } 1 .. 6) };
        my $of_one = sub { return $front->client->get('/echo',
            headers => ['Cookie: JSESSIONID=ABC.servoy1'])->node };
        in_balancer_manager($front, $one, w_status_N => 1);
        is $side->states, 'draining ready', 'drained there: draining here';
        is $served->(), 'servoy2', '... new clients go elsewhere';
        is $of_one->(), 'servoy1', '... its own stay';
        in_balancer_manager($front, $one, w_status_N => 0);
        is $side->states, 'ready ready', 'no more';
        in_balancer_manager($front, $one, w_status_D => 1);
        is $side->states, 'disabled ready', 'disabled there: disabled here';
        is $of_one->(), 'servoy2', '... its clients move';
        is $side->post(action => 'enable')->json->{state}, 'ready', 'enabled here';
        is shown_there($front), 'Init Ok, Init Ok', '... enabled there';
        in_balancer_manager($front, $one, w_lf => 4);
        is $front->manager->node('servoy', 'servoy1')->{loadfactor}, 4, 'a loadfactor set there';

        is $side->post(action => 'drain')->json->{state}, 'draining', 'drained here';
        is shown_there($front), 'Init Drn Ok, Init Ok', '... draining there';
        is $side->post(action => 'loadfactor', node => 'servoy2', value => 3)->json->{loadfactor},
            3, 'a loadfactor set here';
        $side->wait_turn;
        is $side->states, 'draining ready', '... that lasts';
        in_balancer_manager($front, $one, w_status_N => 0);
        in_balancer_manager($front, $two, w_lf => 6);
        is $side->states, 'ready ready', 'undone there: ready here';
        is $front->manager->node('servoy', 'servoy2')->{loadfactor}, 6, 'changed there';
        $side->wait_turn;
        is $side->states, 'ready ready', '... it stays undone';
        is $front->manager->node('servoy', 'servoy2')->{loadfactor}, 6, '... and changed';
        in_balancer_manager($front, $two, w_status_N => 1) if $persists;
        $front->reload;
        # without BalancerPersist mod_proxy begins with its configuration
        is $side->states, $persists ? 'ready draining' : 'ready ready',
            '... after a graceful restart as well';
        is $front->manager->node('servoy', 'servoy2')->{loadfactor}, $persists ? 6 : 1,
            '... nor does it get the loadfactor of here again';
        $front->stop;
        $front->mark->start;
        is $side->states, $persists ? 'ready draining' : 'ready ready',
            '... nor after a stop and start';
        is $front->manager->node('servoy', 'servoy2')->{loadfactor}, $persists ? 6 : 1;
        $front->stop;
    };
}

$_->stop for $httpd, $fleet;
done_testing;
