#!/usr/bin/perl
# When a node is safe to stop, and who is told.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SVB::Administered;
use SVB::Fleet;
use SVB::Users;
use SVB::Wait;
use Test::More;

my $fleet = SVB::Fleet->start(2);
my ($one) = $fleet->nodes;
my $desk = SVB::Administered->new($fleet);
my ($httpd, $manager) = ($desk->httpd, $desk->manager);

subtest 'safe to stop' => sub {
    $desk->calm;
    my $safe = sub {
        my ($name) = @_;
        $manager->node($name // 'servoy', 'servoy1')->{safe_to_stop} ? 'yes' : 'no'
    };
    my $told = sub {
        my ($name) = @_;
        return scalar(() = $httpd->error_log
            =~ /\[servoy_balancer:notice\].*SVB0062: fleet $name, node servoy1\b/g);
    };
    is $safe->(), 'no', 'a node that takes new clients is not';
    my $user = $desk->user_of('servoy1');
    $desk->wait_turn;
    $httpd->mark;
    $desk->act('drain');
    is $safe->(), 'no', 'nor is one that has a client';
    my $pending = $httpd->browser;
    $pending->set_cookie(JSESSIONID => 'ABCDEF.servoy1');
    $pending->get($page);
    $desk->wait_turn;
    is $told->('servoy'), 0, 'the log is silent';
    $_->get('/logout') for $user, $pending;
    is $safe->(), 'yes', 'they leave: it is safe, at once';
    wait_ok(sub { $told->('servoy') }, 15, 'the log tells');
    like $httpd->browser->get('/servoy-manager')->body, qr/safe to stop/i, 'the page as well';
    $desk->wait_turn;
    is $told->('servoy'), 1, 'once';
    $user = $desk->user_of('servoy1');
    is $safe->(), 'no', 'somebody comes who has a session there after all: not safe';
    $desk->wait_turn;
    $user->get('/logout');
    wait_ok(sub { $told->('servoy') == 2 }, 15, 'that is over: the log tells again');

    $desk->calm;
    my @slow = map { $httpd->browser->start(GET => '/slow?session=1&ms=4000') } 1 .. 2;
    wait_for(sub { $one->requests->{'/slow'} }, 10, 'a request of a new client on servoy1');
    $desk->act('drain');
    is $safe->(), 'no', 'a client that is just about to be one';
    is_deeply [ map { $_->finish->status } @slow ], [ 200, 200 ];

    $httpd->mark;
    my $launched;
    wait_for(sub {
        $launched = ($httpd->browser->get('/other/servoy-client/crm.jnlp')->header('Location')
            // '') =~ m{^http://(\w+)};
        return $manager->node('other', 'servoy1')->{clients}{smart};
    }, 10, 'a Smart Client on servoy1');
    $desk->act('drain', fleet => 'other');
    is $safe->('other'), 'no', 'a Smart Client';
    wait_ok(sub { $safe->('other') eq 'yes' }, 20, 'until ServoyLaunchTimeout has passed');
    wait_ok(sub { $told->('other') }, 15, 'the log tells');
    $desk->act('disable', fleet => 'other');
    is $safe->('other'), 'yes', 'a disabled node without clients';
    $desk->act('maintenance', fleet => 'other');
    is $safe->('other'), 'yes', 'or one in maintenance';
    $desk->act('enable', fleet => 'other');
    is $safe->('other'), 'no', 'not one that was enabled';
};

$_->stop for $httpd, $fleet;
done_testing;
