#!/usr/bin/perl
# Requests that do not succeed, and what is not concluded from them: pages that are
# slower than timeout=, members with no free connection, answers that are none.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use List::Util qw(sum0 uniq);
use SVB::Balancer;
use SVB::Fleet;
use SVB::Httpd;
use SVB::Relay;
use SVB::Users;
use SVB::Wait;
use Test::More;

my $fleet = SVB::Fleet->start(2);
my ($one, $two) = $fleet->nodes;
my $relay = SVB::Relay->new($one);
my $header = "Header always set X-How \"%{SERVOY_HOW}e\"\n" . manager_location();

sub states {
    my ($httpd, $name) = @_;
    return join ' ', map { $_->{state} } $httpd->manager->nodes($name);
}

# Those users have their sessions still, each where it was.
sub all_stay {
    my ($name, @users) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my @lost = grep { my $r = $_->get($_->{page});
        ($r->node // '') ne $_->{home} || $r->header('X-Count') != ++$_->{count} } @users;
    return is scalar(@lost), 0, $name;
}

sub asked { my ($path) = @_; return sum0 map { $_->requests->{$path} // 0 } $one, $two }

my $slow = SVB::Httpd->new(conf => join '', $header,
    (map { balancer("slow$_", $fleet->members($_, 'timeout=1')) } qw(ajp http)),
    (map { balancer("busy$_", $fleet->members($_, 'max=1 acquire=100')) } qw(ajp http)),
    )->start;

for my $scheme (qw(ajp http)) {
    subtest "$scheme: a page that is slower than timeout=" => sub {
        $fleet->calm;
        my $name = "slow$scheme";
        my @users = users($slow, 8, "/$name");
        for my $method (qw(GET POST)) {
            $_->reset_requests for $one, $two;
            my $r = $users[0]->request($method, "/$name/slow?ms=3000");
            is $r->status, 504, "$method: the user is told";
            is asked('/slow'), 1, '... it is run once';
            is states($slow, $name), 'ready ready', '... and says nothing about the node';
        }
        $_->reset_requests for $one, $two;
        my $new = $slow->browser;
        is $new->get("/$name/slow?ms=3000&session=1")->status, 504, 'a new client: told, too';
        is asked('/slow'), 1, '... it is run once';
        is states($slow, $name), 'ready ready', '... nothing is said about the nodes';
        all_stay('all users keep their sessions', @users);
        is sum0(map { $_->{clients}{web} } $slow->manager->nodes($name)), 8, 'and count';
    };

    subtest "$scheme: all connections of a member are busy" => sub {
        $fleet->calm;
        my $name = "busy$scheme";
        my @users = users($slow, 6, "/$name");
        my %at;
        push @{ $at{ $_->{home} } }, $_ for @users;
        my @held = map { $_->start(GET => "/$name/slow?ms=6000&flush=1") }
            map { my $user = $_; map { $user->{home} eq 'servoy1' ? $user : () } 1 .. 2 }
            $at{servoy1}[0];
        wait_for(sub { $one->requests->{'/slow'} }, 10, 'they are at work');
        my @got = map { my $r = $slow->browser->get("/$name$page"); $r->node // $r->status } 1 .. 12;
        is_deeply [ grep { !/^servoy/ } @got ], [], 'every new client is served';
        my $r = $at{servoy1}[1]->get("/$name$page");
        like $r->status . ' ' . ($r->node // 'none'), qr/^(?:200 servoy1|503 none)$/,
            'nobody is moved: its node when one is free in time, or 503';
        $at{servoy1}[1]{count}++ if $r->status == 200;
        is states($slow, $name), 'ready ready', 'neither node is in error';
        is scalar(grep { $_->{status} =~ /Err/ } map { @{ $_->{members} } }
            $slow->manager->nodes($name)), 0, '... nor for mod_proxy';
        cmp_ok $slow->manager->node($name, 'servoy1')->{clients}{web}, '>=', 3, 'all count';
        $_->finish for @held;
        all_stay('all users keep their sessions', @users);
    };
}
$slow->stop;

for my $mpm (qw(event worker prefork)) {
    my $httpd = SVB::Httpd->new(mpm => $mpm, conf => join '', $header,
        (map { balancer($_, $relay->member('route=servoy1')
            . $two->member('http')) } 'spoilt', 'new'),
        balancer('grouped', $relay->member('route=servoy1') . $two->member('http'),
            map { "ServoyNode servoy$_ group=g" } 1, 2))->start;

    subtest "$mpm: an answer that is none" => sub {
        $fleet->calm;
        my @users = users($httpd, 4, '/spoilt');
        my ($user) = grep { $_->{home} eq 'servoy1' } @users;
        for my $how (qw(cut garbled)) {
            my $path = "/$how/$mpm";
            my $r = $user->get("/spoilt$path");
            is $r->status, 502, "$how: the user is told";
            is $relay->asked($path), 2, '... after its node was asked once more';
            is $two->requests->{$path} // 0, 0, '... and no other';
            is $user->post("/spoilt$path/post", 'a=b')->status, 502, '... a POST: told';
            is $relay->asked("$path/post"), 1, '... and sent once';
            is states($httpd, 'spoilt'), 'ready ready', '... nothing is said about the node';
        }
        my $r = $user->get("/spoilt/echo/once/$mpm");
        is $r->status . ' ' . ($r->node // ''), '200 servoy1', 'once only: its node answers then';
        all_stay('all users keep their sessions', @users);
    };

    subtest "$mpm: to new clients" => sub {
        $fleet->calm;
        for my $how (qw(cut garbled)) {
            my $path = "/echo/$how/$mpm";
            my @met = map { my $r = $httpd->browser->get("/new$path"); $r->node // $r->status } 1 .. 6;
            is_deeply [ uniq @met ], ['servoy2'], "$how: served by another";
            my $asked = $relay->asked($path);
            cmp_ok $asked, '<=', 6, '... once';
            my @post = map { $httpd->browser->post("/new$path/post", 'a=b')->status } 1 .. 4;
            is $relay->asked("$path/post"), scalar(grep { $_ == 502 } @post),
                '... a POST is sent to one node only';
        }
        is states($httpd, 'new'), 'ready ready', 'nothing is said about the node';
    };

    subtest "$mpm: nodes that share sessions" => sub {
        $fleet->calm;
        my ($user) = grep { $_->{home} eq 'servoy1' } users($httpd, 4, '/grouped');
        my $r = $user->get("/grouped/echo/cut/$mpm-group");
        is $r->status . ' ' . ($r->node // ''), '200 servoy2', 'the other serves it';
    };
    $httpd->stop;
}

$_->stop for $relay, $fleet;
done_testing;
