#!/usr/bin/perl
# conf/servoy-node.sh: an administrator's actions from a shell.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SVB::Administered;
use SVB::Fleet;
use SVB::Ports;
use SVB::Proc;
use SVB::Temp;
use SVB::Wait;
use Test::More;
use Time::HiRes qw(time);

my $script = $ENV{SVB_NODE_SCRIPT} // "$FindBin::Bin/../conf/servoy-node.sh";
my $fleet = SVB::Fleet->start(2);
my $desk = SVB::Administered->new($fleet);
my ($httpd, $manager) = ($desk->httpd, $desk->manager);

my $said_file = SVB::Temp->dir('said') . '/said';

sub begin_script {
    my ($args, %env) = @_;
    unlink $said_file;
    return SVB::Proc->spawn(name => 'servoy-node.sh', cmd => [ $script, @$args ], out => $said_file,
        env => { SERVOY_FLEET => undef, SERVOY_CURL => undef, http_proxy => undef, no_proxy => '*',
            %env });
}

# Exit code and what it said.
sub script {
    my ($args, %env) = @_;
    my $proc = begin_script($args, %env);
    my $status = $proc->wait(60) // $proc->kill;
    return ($status >> 8 || $status, SVB::Temp->read_file($said_file));
}

sub ends_with {
    my ($code, $args, $said, $name, %env) = @_;
    my ($got, $text) = script($args, %env);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return ok($got == $code && $text =~ $said, "$name: $code") || diag "exit code $got:\n$text";
}

subtest 'servoy-node.sh' => sub {
    $desk->calm;
    my $url = $httpd->url . '/servoy-manager';
    ok -x $script, 'it can be run';
    my $user = $desk->user_of('servoy1');
    ends_with(0, [ 'state', $url, 'servoy1' ], qr/^servoy1: ready, 1 web clients, 0 smart clients$/,
        'state');
    ends_with(0, [ 'state', $url, 'servoy2' ], qr/^servoy2: ready, 0 web clients, 0 smart clients$/,
        'of the last node');
    is $desk->states, 'ready ready', 'which changes nothing';

    my $begun = time;
    ends_with(1, [ 'drain', $url, 'servoy1', 1 ],
        qr/servoy1: draining, 1 web clients.*still has clients/s, 'drain, in vain');
    cmp_ok time - $begun, '<', 15, '... in the time that it was given, about';
    is $desk->states, 'draining ready', '... the node is draining';
    ends_with(0, [ 'drain', $url, 'servoy1', 0 ], qr/servoy1: draining, 1 web clients/,
        'drain, without waiting');
    my $waiting = begin_script([ 'drain', $url, 'servoy1', 60 ]);
    $httpd->mark;
    wait_for(sub { 3 <= (() = $httpd->access_log =~ /GET \S+format=json/g) }, 20,
        'it to look a few times');
    ok $waiting->alive, 'drain waits';
    $user->get('/logout');
    is $waiting->wait(20), 0, '... until the client has left';
    like(SVB::Temp->read_file($said_file), qr/^servoy1: safe to stop$/m, '... and says so');
    ends_with(0, [ 'drain', $url, 'servoy1' ], qr/^servoy1: safe to stop$/m, 'drain what is empty');
    ends_with(0, [ 'state', $url, 'servoy1' ], qr/^servoy1: draining, 0 web clients/, 'state');
    ends_with(0, [ 'enable', $url, 'servoy1' ], qr/^servoy1: ready/, 'enable');
    is $desk->states, 'ready ready', '... it is enabled';

    ends_with(0, [ 'stop', $url, 'servoy1' ], qr/^servoy1: safe to stop$/m, 'stop what is empty');
    is $desk->states, 'draining ready', '... drains it, no more';
    $desk->act('enable');
    my $window = $desk->user_of('servoy1')->websocket('/websocket/1/main/1');
    is +($window->recv_json(30) // {})->{node}, 'servoy1', 'a window';
    $begun = time;
    ends_with(0, [ 'stop', $url, 'servoy1', 2 ], qr/^servoy1: disabled, \d web clients/,
        'stop, with a window open');
    cmp_ok time - $begun, '>=', 2, '... when the time is up';
    ok !defined $window->recv(5) && $window->closed, '... the window is closed';
    is $desk->states, 'disabled ready', '... the node is disabled';
    $desk->calm;
    my $slow = $desk->user_of('servoy1')->start(GET => '/slow?ms=2500&flush=1');
    is $slow->head->status, 200, 'a download';
    ends_with(0, [ 'stop', $url, 'servoy1', 0 ], qr/^servoy1: disabled, /,
        'stop, without waiting for users');
    is $slow->finish->body, "slow 2500\n", '... the download is whole';
    $desk->calm;
    $window = $desk->user_of('servoy1')->websocket('/websocket/1/main/1');
    $window->recv_json(30);
    ends_with(0, [ 'close', $url, 'servoy1' ], qr/^servoy1: ready, /, 'close');
    ok !defined $window->recv(5) && $window->closed, '... the window is closed';
    $desk->calm;

    ends_with(0, [ 'drain', $url, 'servoy2', 5 ], qr/^servoy2: safe to stop$/m, 'another fleet',
        SERVOY_FLEET => 'other');
    is $desk->states . ' ' . $manager->node('other', 'servoy2')->{state}, 'ready ready draining',
        '... its node alone';
    ends_with(0, [ 'state', $url, 'servoy2' ], qr/^servoy2: ready/,
        '... the first fleet\'s is another');
    ends_with(0, [ 'enable', $url, 'servoy2' ], qr/^servoy2: ready/, '...',
        SERVOY_FLEET => 'other');

    ends_with(2, [], qr/servoy-node\.sh drain/, 'no arguments');
    ends_with(2, [ 'drain', $url ], qr/servoy-node\.sh drain/, 'too few');
    ends_with(2, [ 'halt', $url, 'servoy1' ], qr/servoy-node\.sh drain/, 'an unknown action');
    ends_with(2, [ 'drain', $url, 'servoy1', 'soon' ], qr/servoy-node\.sh drain/,
        'a time that is none');
    ends_with(2, [ 'drain', $url, 'servoy1', '-1' ], qr/servoy-node\.sh drain/,
        'a time below zero');

    my $refusing = SVB::Ports->take;
    my $private = $httpd->url . '/private-manager';
    for my $action (qw(drain stop close enable state)) {
        ends_with(3, [ $action, "http://127.0.0.1:$refusing/servoy-manager", 'servoy1' ], qr/curl/,
            "$action: no server");
        ends_with(3, [ $action, $private, 'servoy1' ], qr/401/, '... it wants a password');
    }
    ends_with(3, [ $_, $httpd->url . '/quiet-manager', 'servoy1' ], qr/403/, "$_: actions are off")
        for qw(drain stop close enable);
    ends_with(0, [ 'state', $httpd->url . '/quiet-manager', 'servoy1' ], qr/^servoy1: ready/,
        '... state needs none');
    ends_with(3, [ 'state', $httpd->url . '/status/404', 'servoy1' ], qr/404/, 'no manager there');
    ends_with(0, [ 'drain', $private, 'servoy1', 5 ], qr/safe to stop/, 'with a password',
        SERVOY_CURL => '--user admin:secret');
    is $desk->states, 'draining ready';
    like $httpd->error_log, qr/drain by user admin/;

    ends_with(4, [ $_, $url, 'servoy3' ], qr/servoy3/, "$_: an unknown node")
        for qw(drain stop close enable state);
    ends_with(4, [ 'state', $url, 'servoy' ], qr/no node servoy /,
        'the beginning of a name is none');
    ends_with(4, [ 'state', $url, 'servoy1' ], qr/nobody/, 'an unknown fleet',
        SERVOY_FLEET => 'nobody');
    is $desk->states, 'draining ready', 'none of that has changed anything';
    ends_with(0, [ 'enable', $url, 'servoy1' ], qr/^servoy1: ready/, 'enable');
};

$_->stop for $httpd, $fleet;
done_testing;
