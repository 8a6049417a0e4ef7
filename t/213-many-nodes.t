#!/usr/bin/perl
# More nodes than there is room for at once: those that no configuration has any more
# make room for others, when they have no clients and no child can use them any more;
# and where there is no room, that is said.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SVB::Balancer;
use SVB::Fleet;
use SVB::Httpd;
use SVB::Users;
use SVB::Wait;
use Test::More;

my $room = 2048;

my $fleet = SVB::Fleet->start(1);
my ($node) = $fleet->nodes;

# A fleet of so many nodes that nobody asks anything, and one of ours behind them that
# comes first.
sub crowd {
    my ($name, $count, @lines) = @_;
    my $members = join '', map { "BalancerMember \"ajp://127.0.0.1:$_\" route=n$_ ping=3 lbset=1\n" }
        1 .. $count;
    return manager_location('ServoyManagerActions on')
        . balancer('many', $members . $fleet->members('ajp', 'ping=3'), "ServoyFleet $name",
            'ServoyLaunch proxy', 'ServoyNode * probe=off', @lines);
}

sub httpd {
    my (@conf) = @_;
    return SVB::Httpd->new(log_level => 'notice servoy_balancer:warn', conf => join '', @conf)
        ->start;
}

# A new user, and what there is to say against it: nothing where it has its session
# and is counted.
sub served {
    my ($httpd, $name) = @_;
    my ($user) = users($httpd, 1, '/many');
    return $user->{home} if $user->{home} !~ /^servoy1$/;
    my $known = eval {
        wait_for(sub { $httpd->manager->node($name, 'servoy1')->{clients}{web} == 1 }, 10,
            'it is counted');
    };
    return $known ? '' : 'not counted';
}

subtest 'one configuration after the other' => sub {
    my $httpd = httpd(crowd(f1 => 1000));
    is served($httpd, 'f1'), '', 'the first fleet';
    $httpd->manager->act('f1', 'n7', 'drain');
    $httpd->manager->act('f1', 'servoy1', 'drain');
    my $events = sub {
        return grep { $_->{node} eq 'servoy1' && $_->{to} eq 'draining' }
            @{ $httpd->manager->json->{events} };
    };
    wait_ok(sub { $events->() }, 10, 'what happens to it is an event');
    $httpd->reload(crowd("f$_" => 1000)) for 2 .. 5;
    is served($httpd, 'f5'), '', 'the fifth, of as many others: new users are served';
    my ($event) = $events->();
    is $event && $event->{fleet}, 'f1', 'events are still those of the first';
    my $five = $httpd->manager->node('f5', 'servoy1');
    is "$five->{state} $five->{elected}", 'ready 1', 'what has become of another node is new';
    is $httpd->manager->node('f5', 'n7')->{state}, 'ready', 'and so is that of its neighbour';
    unlike $httpd->error_log, qr/servoy_balancer:(?:warn|error|crit)\]/, 'nothing to complain about';

    $httpd->reload(crowd(f1 => 1000));
    is $httpd->manager->node('f1', 'servoy1')->{state}, 'draining',
        'a node with clients has kept its record, and what was done to it';
    is $httpd->manager->node('f1', 'n7')->{state}, 'draining',
        'so has one that only an administrator had to do with: others were used before it';
    $httpd->stop;
};

subtest 'a child from before is at work still' => sub {
    my $httpd = httpd(crowd(f1 => 1000));
    my $long = $httpd->browser->start(GET => '/many/slow?ms=60000');
    wait_for(sub { $httpd->manager->node('f1', 'servoy1')->{in_flight} == 1 }, 10, 'it is');
    my %old = map { $_ => 1 } $httpd->children;
    $httpd->reconfigure(crowd(f2 => 1000));
    wait_for(sub { 1 == grep { $old{$_} } $httpd->children }, 20, 'the others to end');
    is served($httpd, 'f2'), '', 'there is room for the second fleet';
    $httpd->mark->reconfigure(crowd(f3 => 1000));
    my $line = $httpd->wait_log(qr/SVB0025/, 5);
    like $line, qr/servoy_balancer:error\]/, 'not for the third: that is said';
    like $line, $_ for qr/\b$room\b/, qr/\b955 of 1001\b/, qr/\bfleet f3\b/, qr/\bnode \w+/,
        qr/restart/;
    is scalar(() = $httpd->error_log =~ /SVB002[56]/g), 1, 'once';
    $httpd->restart;
    is served($httpd, 'f3'), '', 'after a restart that ends it there is room';
    $httpd->stop;
};

subtest 'more than fit' => sub {
    my $tester = SVB::Httpd->new(conf => crowd(f1 => $room));
    my ($code, $output) = $tester->configtest;
    ok $code, 'configuration test';
    my @said = grep { /SVB0019/ } split /\n/, $output;
    is scalar @said, 1, 'told once' or diag $output;
    like $said[0] // '', $_ for qr/servoy_balancer:error\]/, qr/\b@{[ $room + 1 ]} nodes\b/,
        qr/\b$room\b/;
    like $tester->start_fails, qr/SVB0019/, 'a start';
    my $full = SVB::Httpd->new(conf => crowd(f1 => $room - 1)
            . balancer('again', $fleet->members('ajp'), 'ServoyFleet f1', 'ServoyLaunch proxy'));
    ($code, $output) = $full->configtest;
    is $code, 0, 'as many as fit, and one of them twice' or diag $output;
    unlike $output, qr/SVB0019/;
};

subtest 'added at run time' => sub {
    my $extra = SVB::Fleet->start(1)->node(0);
    my $httpd = httpd("<Location /balancer-manager>\nSetHandler balancer-manager\n</Location>\n",
        crowd(f1 => $room - 1, 'ProxySet growth=3'));
    is served($httpd, 'f1'), '', 'as many as there is room for';
    my $page = $httpd->balancer_manager;
    my $add = sub { $page->set('many', undef, b_nwrkr => $_[0], b_wyes => 1) };
    $add->($extra->url);
    users($httpd, 10, '/many');    # each child learns of it with its next request
    my $line = eval { $httpd->wait_log(qr/SVB0026/, 10) } // '';
    like $line, qr/servoy_balancer:error\]/, 'one more: that is said';
    like $line, $_ for qr{balancer://many}, qr/\Q${\ $extra->url }\E/, qr/\b$room\b/;
    users($httpd, 20, '/many');
    $add->('http://127.0.0.1:1');
    users($httpd, 20, '/many');
    wait_ok(sub { 2 == (() = $httpd->error_log =~ /SVB0026/g) }, 10, 'of each');
    sleep 2;
    is scalar(() = $httpd->error_log =~ /SVB0026/g), 2, 'once';
    $httpd->stop;
    $extra->stop;
};

$fleet->stop;
done_testing;
