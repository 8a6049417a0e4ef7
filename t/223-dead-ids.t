#!/usr/bin/perl
# Ids that nobody has any more, or never had: on a node that takes no new clients they
# are a new client's, once the table would know them.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SVB::Balancer;
use SVB::Fleet;
use SVB::Httpd;
use SVB::Users;
use SVB::Wait qw(:DEFAULT poll);
use Test::More;

my $fleet = SVB::Fleet->start(2);
my ($one, $two) = $fleet->nodes;
my $pages = $fleet->members('ajp');
my @url = ('ServoyNode * url=http://%r.example.com');

# The table of "old" is as old as a session can be after a few seconds, that of the
# others is not while this runs.
my @brief = ('ServoySessionTimeout 4s', 'ServoyLaunchTimeout 4s');
my $httpd = SVB::Httpd->new(conf => join '', "Header always set X-How \"%{SERVOY_HOW}e\"\n",
    manager_location('ServoyManagerActions on'),
    balancer('old',   $pages, @brief),
    balancer('full',  $pages, @brief, 'ServoyNode servoy1 maxclients=1'),
    balancer('young', $pages),
    balancer('alone', $one->member('ajp'), @brief),
    balancer('launches', $pages, @brief, @url),
    balancer('fresh', $pages, @url))->start;
my $manager = $httpd->manager;

# Ten people with an id of last week, each a browser of its own.
sub come_back {
    my ($prefix, $make) = @_;
    my @users = map {
        my $user = $httpd->browser;
        $user->set_cookie(JSESSIONID => $make->($_));
        my $r = $user->get("$prefix$page");
        { node => $r->node, how => $r->header('X-How'), new => $r->header('X-Session-New') }
    } 1 .. 10;
    return join ' ', map { "$_->{node}-$_->{how}" } @users;
}

my $dead = sub { fresh_id('servoy1') };
my $made_up = sub { "madeup$_[0].servoy1" };
my $elsewhere = join ' ', ('servoy2-elected') x 10;
my $there = join ' ', ('servoy1-route') x 10;

# Until it has been up for longer than a session of theirs lasts.
poll(sub { $manager->json->{uptime_s} > 5 }, 20);

subtest 'a node that is drained' => sub {
    my $user = user_of($httpd, 'servoy1', '/old');
    $manager->act('old', 'servoy1', 'drain');
    is come_back('/old', $dead), $elsewhere, 'who comes with a dead id is new';
    is come_back('/old', $made_up), $elsewhere, '... and who has made one up';
    is $user->get("/old$page")->node, 'servoy1', 'who is there stays there';
    $user->get('/old/logout');
    wait_ok(sub { $manager->node('old', 'servoy1')->{safe_to_stop} }, 15,
        'and the node is safe to stop when he has gone');
};

subtest 'a node that takes new clients' => sub {
    $manager->act('old', 'servoy1', 'enable');
    is come_back('/old', $dead), $there, 'is where the id says';
};

subtest 'a table that would not know' => sub {
    $manager->act('young', 'servoy1', 'drain');
    is come_back('/young', $dead), $there, 'the route decides: a session may be there';
};

subtest 'nobody else takes them' => sub {
    $manager->act('old', $_, 'drain') for qw(servoy1 servoy2);
    is come_back('/old', $dead), $there, 'all nodes are drained: the route decides';
    $manager->act('alone', 'servoy1', 'drain');
    is come_back('/alone', $dead), $there, 'there is no other node';
};

subtest 'a node that is full' => sub {
    my $user = user_of($httpd, 'servoy1', '/full');
    is come_back('/full', $made_up), $elsewhere, 'made-up ids get nobody in';
    is $manager->node('full', 'servoy1')->{clients}{web}, 1, 'it has the one that it may';
    is $user->get("/full$page")->node, 'servoy1', '... who is served there';
};

sub launched_at {
    my ($prefix, $cookie) = @_;
    my $user = $httpd->browser;
    $user->set_cookie(SERVOYLAUNCH => $cookie) if $cookie;
    my $to = $user->get("$prefix$jnlp")->header('Location') // 'none';
    return $to =~ m{^http://(\w+)\.} ? $1 : $to;
}

subtest 'launch cookies' => sub {
    my $known = $httpd->browser;
    wait_for(sub {
        $known->forget_cookies;
        return $known->get("/launches$jnlp")->header('Location') =~ m{//servoy1\.};
    }, 10, 'a launch on servoy1');
    $manager->act($_, 'servoy1', 'drain') for qw(launches fresh);
    my @made_up = map { sprintf '%016x.servoy1', 4711 + $_ } 1 .. 5;
    is_deeply [ map { launched_at('/launches', $_) } @made_up ], [ ('servoy2') x 5 ],
        'made-up ones do not lead to a node that is drained';
    like $known->get("/launches$jnlp")->header('Location'), qr{//servoy1\.},
        'the one of a client that is counted there does';
    wait_ok(sub { $manager->node('launches', 'servoy1')->{safe_to_stop} }, 20,
        'and the node is safe to stop after ServoyLaunchTimeout');
    is launched_at('/fresh', $made_up[0]), 'servoy1', 'a table that would not know: the route';
};

done_testing;
