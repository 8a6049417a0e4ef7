#!/usr/bin/perl
# What is concluded from connections: a node that is killed, one that stands still for
# a while and for good, one that is restarted, one of whose members alone is gone. For
# each what the page says of it, and what its own users and new ones get.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP ();
use List::Util qw(uniq);
use SVB::Balancer;
use SVB::Fleet;
use SVB::Httpd;
use SVB::Node;
use SVB::Users;
use SVB::Wait;
use Test::More;
use Time::HiRes qw(time);
use Time::Local qw(timegm);

# Ids without a route, so that what is forgotten of them is lost.
my @nodes = SVB::Node->start_all(map { SVB::Node->new(name => "plain$_", route => '') } 1, 2);
my ($one, $two) = @nodes;

sub members {
    my ($scheme, %first) = @_;
    return join '', $first{dead} // $one->member($scheme, 'route=n1 retry=600'),
        $two->member($scheme, 'route=n2 retry=600');
}

my @urls = map { "ServoyNode n$_ url=" . $nodes[$_ - 1]->url } 1, 2;
my $httpd = SVB::Httpd->new(conf => join '', "Header always set X-How \"%{SERVOY_HOW}e\"\n",
    manager_location('ServoyManagerActions on'),
    (map { balancer($_, members('ajp'), @urls, 'ServoyLaunchTimeout 300s') } qw(killed still again)),
    balancer('stillhttp', members('http'), @urls),
    balancer('frozen', members('ajp'), 'ServoyForget 3s'),
    balancer('kept',   members('ajp'), 'ServoyForget 300s'),
    balancer('halfajp', members('ajp', dead => dead_member('n1', 'retry=600')), 'ServoyFleet half'),
    balancer('halfhttp', members('http'), 'ServoyFleet half'))->start;
my $manager = $httpd->manager;

sub node { my ($fleet, $name) = @_; return $manager->node($fleet, $name // 'n1') }

sub clients { my ($fleet) = @_; return node($fleet)->{clients} }

# The node's state becomes this one, and what the page says of it is complete.
sub becomes {
    my ($fleet, $state, $reason, $began) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    wait_ok(sub { node($fleet)->{state} eq $state }, 10, "$fleet: $state");
    note sprintf '%s is %s after %.1f s', $fleet, $state, time - $began;
    my $is = node($fleet);
    like $is->{reason}, $reason, '... for a reason';
    my @t = $is->{since} =~ /^(\d+)-(\d+)-(\d+)T(\d+):(\d+):(\d+)Z$/;
    my $since = timegm(@t[5, 4, 3, 2], $t[1] - 1, $t[0]);
    ok $since >= int $began && $since <= time, "... since just now ($is->{since})";
    is scalar(grep { $_->{fleet} eq $fleet && $_->{node} eq 'n1' && $_->{to} eq $state
        && $_->{time} eq $is->{since} } @{ $manager->json->{events} }), 1, '... an event';
    my $logged = () = $httpd->error_log =~ /SVB0094: fleet $fleet, node n1: $state, was/g;
    is $logged, 1, '... which is logged once';
    return $is;
}

# Users of the node, with the sessions that they have there, and Smart Clients.
sub population {
    my ($fleet) = @_;
    my @users = grep { $_->{home} eq 'plain1' } users($httpd, 6, "/$fleet");
    is scalar(@users), 3, 'three of six users are there';
    $_->{session} = $_->get($_->{page})->header('X-Session') for @users;
    return @users;
}

sub launched { my ($fleet) = @_; $httpd->browser->get("/$fleet/servoy-client/crm.jnlp") for 1 .. 4 }

sub homes_of_new {
    my ($fleet) = @_;
    return join ' ', uniq map { $_->{home} } users($httpd, 6, "/$fleet");
}

sub still_there {
    my ($name, @users) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my @seen = map { my $r = $_->get($_->{page}); join ' ', $r->node // $r->status,
        ($r->header('X-Session') // '') eq $_->{session} ? 'same' : 'another' } @users;
    return is_deeply [ uniq @seen ], ['plain1 same'], $name;
}

subtest 'killed' => sub {
    my @users = population('killed');
    $httpd->mark;
    $one->kill;
    my $began = time;
    my $is = becomes('killed', 'error', qr{^connection refused by ajp://127\.0\.0\.1:\d+$}, $began);
    is $is->{until}, undef, 'it is asked again all the time';
    is_deeply $is->{clients}, { web => 0, smart => 0, windowed => 0 }, 'its clients are gone';
    is homes_of_new('killed'), 'plain2', 'no new client meets it';
    is_deeply [ uniq map { $_->get($_->{page})->node } @users ], ['plain2'], 'its own move';
    $manager->act('killed', 'n1', 'drain');
    is node('killed')->{safe_to_stop}, JSON::PP::false(), 'a dead node is not safe to stop';
    $manager->act('killed', 'n1', 'enable');
    $httpd->mark;
    $began = time;
    $one->start;
    becomes('killed', 'ready', qr/./, $began);
};

# In all fleets at once: it is the same node.
subtest 'it stands still for five seconds' => sub {
    my %users = map { $_ => [ population($_) ] } qw(still stillhttp kept frozen);
    launched('still');
    my $smart = clients('still')->{smart};
    cmp_ok $smart, '>', 0, 'Smart Clients';
    $httpd->mark;
    my $began = time;
    $one->freeze;
    my $is = becomes('still', 'silent', qr{^no answer from ajp://127\.0\.0\.1:\d+$}, $began);
    like $is->{until}, qr/^\d{4}-.*Z$/, 'its clients are kept until then';
    is $is->{safe_to_stop}, JSON::PP::false(), 'it is not safe to stop';
    is homes_of_new('still'), 'plain2', 'no new client meets it';
    is_deeply [ map { $httpd->browser->get('/still/servoy-client/crm.jnlp')->header('Location') =~
        m{^http://127\.0\.0\.1:(\d+)}; $1 == $two->http_port ? 'two' : 'one' } 1 .. 4 ],
        [ ('two') x 4 ], 'nor a launch';
    wait_ok(sub { !clients('frozen')->{web} }, 20, 'after ServoyForget its clients are forgotten');
    wait_for(sub { time - $began > 5 }, 6, 'five seconds');
    is_deeply clients('still'), { web => 3, smart => $smart, windowed => 0 }, 'before, all are kept';
    is clients($_)->{web}, 3, "$_: all are kept" for qw(stillhttp kept);
    $httpd->mark;
    $began = time;
    $one->thaw;
    becomes('still', 'ready', qr/./, $began);
    still_there("$_: its users keep their sessions", @{ $users{$_} }) for qw(still stillhttp kept);
    is_deeply clients('still'), { web => 3, smart => $smart, windowed => 0 }, 'and count, as its Smart Clients do';
};

subtest 'restarted' => sub {
    population('again');
    launched('again');
    $httpd->mark;
    $one->kill;
    $one->start;
    my $restarted = time;
    wait_ok(sub { $httpd->error_log =~ /SVB0094: fleet again, node n1: ready, was error/ }, 10,
        'although nobody asked meanwhile, it was noticed');
    note sprintf 'after %.1f s', time - $restarted;
    is_deeply clients('again'), { web => 0, smart => 0, windowed => 0 }, 'its clients do not count any more';
};

subtest 'one of its members alone is gone' => sub {
    my $is = node('half');
    is $is->{state}, 'degraded', 'degraded';
    like $is->{reason}, qr{^balancer://halfajp|connection refused by ajp://}, '... by which one';
    is_deeply { map { $_->{balancer} => $_->{up} ? 1 : 0 } @{ $is->{members} } },
        { 'balancer://halfajp' => 0, 'balancer://halfhttp' => 1 }, '... of its members';
    like $manager->metrics, qr/^servoy_node_up\{[^}]*fleet="half",node="n1"[^}]*\} 0$/m,
        'the metrics do not say that it is up';
    is homes_of_new($_), 'plain2', "$_: new clients go to a whole node" for qw(halfajp halfhttp);
    $manager->act('half', 'n2', 'drain');
    is homes_of_new('halfhttp'), 'plain1', 'where there is none, to it';
    my @users = grep { $_->{home} eq 'plain1' } users($httpd, 3, '/halfhttp');
    $_->{session} = $_->get($_->{page})->header('X-Session') for @users;
    my $before = clients('half')->{web};
    $manager->act('half', 'n2', 'enable');
    users($httpd, 3, '/halfajp');
    is clients('half')->{web}, $before, 'nobody is forgotten';
    still_there('its users keep their sessions', @users);
};

$httpd->stop;
$_->stop for @nodes;
done_testing;
