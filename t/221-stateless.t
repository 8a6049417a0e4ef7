#!/usr/bin/perl
# Requests that begin no client, as of REST: spread by what nodes have to do, counted
# nowhere, and evidence of nothing.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use List::Util qw(max min);
use SVB::Balancer;
use SVB::Fleet;
use SVB::Httpd;
use SVB::Users;
use SVB::Wait;
use Test::More;

my $fleet = SVB::Fleet->start(3);
my $pages = $fleet->members('ajp');
my $rest = '/servoy-service/rest_ws/crm/orders';

my $httpd = SVB::Httpd->new(threads => 32, conf => join '',
    "Header always set X-How \"%{SERVOY_HOW}e\"\n",
    manager_location('ServoyManagerActions on'),
    balancer('spread', $pages),
    balancer('weighed', $fleet->members('ajp', { servoy1 => 'loadfactor=2' })),
    balancer('own',  $pages, 'ServoyStateless ^/echo'),
    balancer('none', $pages, 'ServoyStateless none'),
    balancer('full', $pages, 'ServoyNode * maxclients=1'),
    balancer('down', $pages))->start;
my $manager = $httpd->manager;

sub ask {
    my ($target, $method, %option) = @_;
    return $httpd->browser->request($method // 'GET', $target, %option);
}

# How often each node was asked, by sixty of them.
sub sixty {
    my (@request) = @_;
    my %on;
    $on{ ask(@request)->node // 'none' }++ for 1 .. 60;
    return \%on;
}

subtest 'spread by requests, not by clients' => sub {
    my @users = users($httpd, 2, '/spread');
    is_deeply sixty("/spread$rest"), { map { $_ => 20 } qw(servoy1 servoy2 servoy3) },
        'sixty of them, in turn, although clients are 1/1/0';
    is_deeply sixty('/spread/echo', 'OPTIONS'), { map { $_ => 20 } qw(servoy1 servoy2 servoy3) },
        'OPTIONS likewise';
    is $manager->fleet('spread')->{clients}{web}, 2, 'nobody is counted for them';
    is $manager->pending, 0, 'nor was anybody about to be';
    is $manager->total('spread', 'elected'), 2, 'nobody was elected';
    my $r = ask("/spread$rest");
    is $r->header('X-How'), 'stateless', 'they say what they are';
    is $r->header('Set-Cookie'), undef, 'and leave no cookie';
    is homes(users($httpd, 1, '/spread'))->{servoy3}, 1, 'the next user goes where the fewest are';
};

subtest 'the busy get fewer' => sub {
    my @slow = map { ask_later('/weighed/slow?ms=4000', 'servoy2') } 1 .. 4;
    wait_for(sub { $manager->node('weighed', 'servoy2')->{in_flight} == 4 }, 10, 'one to be busy');
    is sixty("/weighed$rest")->{servoy2}, undef, 'a node that has four requests gets none';
    $_->finish for @slow;
    my @open = map { $httpd->browser->start(OPTIONS => '/weighed/slow?ms=3000') } 1 .. 8;
    wait_ok(sub {
        join(' ', map { $_->{in_flight} } $manager->nodes('weighed')) eq '4 2 2'
    }, 10, 'loadfactor counts');
    $_->finish for @open;
};

sub ask_later {
    my ($target, $route) = @_;
    return $httpd->browser(cookies => 0)->start(GET => $target,
        headers => [ 'Cookie: JSESSIONID=' . fresh_id($route) ]);
}

subtest 'with an id they stick' => sub {
    my ($user) = users($httpd, 1, '/spread');
    my $id = $user->cookie('JSESSIONID');
    is how(ask_as($httpd, $id, "/spread$rest")), "$user->{home} known" for 1 .. 4;
    is how(ask_as($httpd, fresh_id('servoy2'), "/spread$rest")), 'servoy2 route' for 1 .. 4;
    is $manager->fleet('spread')->{clients}{web}, 4, 'a made-up id does not become a client by it';
};

subtest 'a 503 of REST says nothing about its node' => sub {
    for my $text ('Server in maintenance mode', 'busy') {
        my $r = ask("/spread$rest?status=503&text=" . $text =~ s/ /+/gr);
        is $r->status, 503, "its own 503 passes: $text";
    }
    ask("/spread$rest?status=$_") for (500, 403, 404) x 6;
    is_deeply [ map { $_->{state} } $manager->nodes('spread') ], [ ('ready') x 3 ],
        'all nodes are as ready as before';
};

subtest 'who takes them' => sub {
    users($httpd, 3, '/full');
    is_deeply [ map { $_->{state} } $manager->nodes('full') ], [ ('full') x 3 ], 'all are full';
    is ask("/full$rest")->status, 200, 'which keeps no request away that begins nobody';
    $manager->act('down', 'servoy1', 'drain');
    $manager->act('down', 'servoy2', 'disable');
    is_deeply sixty("/down$rest"), { servoy3 => 60 }, 'one that is drained or disabled gets none';
};

subtest 'ServoyStateless' => sub {
    is ask('/own/echo')->header('X-How'), 'stateless', 'other paths';
    is ask('/own/%65cho')->header('X-How'), 'stateless', '... decoded';
    is ask('/own/echo;v=1?x=y')->header('X-How'), 'stateless', '... without parameters and query';
    is ask("/own$rest")->header('X-How'), 'elected', 'instead of the default';
    is ask("/none$rest")->header('X-How'), 'elected', 'none';
    is ask('/none/echo', 'OPTIONS')->header('X-How'), 'stateless', 'OPTIONS begins nobody anyway';
};

$httpd->stop;
done_testing;
