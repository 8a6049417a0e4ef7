#!/usr/bin/perl
# Nodes that die in the middle of a request.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SVB::Balancer;
use SVB::Fleet;
use SVB::Httpd;
use SVB::Maintenance;
use SVB::Users;
use SVB::Wait qw(:DEFAULT poll);
use Test::More;

my @routes = qw(servoy1 servoy2 servoy3);
my $fleet = SVB::Fleet->start(3);
my ($one, $two, $three) = $fleet->nodes;
my @dying = qw(dieajp diehttp diekept diehead dieflush diepostajp dieposthttp diesession);
my $httpd = SVB::Httpd->new(conf => join '', front_lines(),
    balancer('killsajp',  $fleet->members('ajp')),
    balancer('killshttp', $fleet->members('http')),
    (map { balancer($_, $fleet->members(/ajp|session|flush/ ? 'ajp' : 'http')) } @dying))->start;
my $manager = $httpd->manager;

subtest 'a node dies in the middle of a request' => sub {
    $fleet->calm;
    my $slow = '/slow?ms=6000&';
    my $with_session = user_of_one($httpd, 'diesession');
    my $kept = $httpd->browser(keepalive => 1);
    is short($kept->get('/diekept/echo')), '200 servoy1', 'the first request of a connection';
    my $cookie = 'Cookie: JSESSIONID=' . fresh_id('servoy1');
    my %pending = (
        dieajp      => $httpd->browser->start(GET => "/dieajp${slow}dieajp"),
        diehttp     => $httpd->browser->start(GET => "/diehttp${slow}diehttp"),
        diekept     => $kept->start(GET => "/diekept${slow}diekept", headers => [$cookie]),
        diehead     => $httpd->browser->start(HEAD => "/diehead${slow}diehead"),
        dieflush    => $httpd->browser->start(GET => "/dieflush${slow}dieflush&flush=1"),
        diepostajp  => $httpd->browser->start(POST => "/diepostajp${slow}diepostajp",
            body => 'a=b'),
        dieposthttp => $httpd->browser->start(POST => "/dieposthttp${slow}dieposthttp",
            body => 'a=b'),
        diesession  => $with_session->start(GET => "/diesession${slow}diesession&session=1"),
    );
    wait_for(sub { ($one->requests->{'/slow'} // 0) == @dying }, 5.5,
        'all to be in progress on servoy1');
    is $pending{dieflush}->head->status, 200, 'one answer has begun';
    $one->kill;
    my %answer = map { $_ => $pending{$_}->finish(30) } @dying;
    my %ways = (dieajp => 'GET by AJP', diehttp => 'GET by HTTP', diehead => 'HEAD',
        diekept => 'GET by HTTP, not the first on its connection',
        diesession => 'GET with a session');
    # a node's log has a request a moment after its answer
    my %asked;
    poll(sub {
        %asked = ();
        $asked{$_}++ for map { $_->access_log =~ m{/slow\?ms=6000&(\w+)}g } $two, $three;
        return !grep { !$asked{$_} } keys %ways;
    }, 10);
    for my $name (sort keys %ways) {
        like short($answer{$name}), qr/^200 servoy[23]$/, "$ways{$name}: served by another node";
        is $asked{$name}, 1, '... which was asked once';
    }
    is $answer{diesession}->header('X-Session-New'), 1, 'who had a session has a new one there';
    is $with_session->get('/diesession/echo')->node, $answer{diesession}->node, '... and stays';
    for my $name (qw(diepostajp dieposthttp)) {
        cmp_ok $answer{$name}->status, '>=', 500, "$name: a POST fails";
        is $asked{$name}, undef, '... and is not sent again';
    }
    ok length $answer{dieflush}->error, 'an answer that has begun is cut off';
    is $asked{dieflush}, undef, '... and not begun again';
    my $lines = sub { scalar(() = $httpd->access_log =~ m{/slow\?ms=6000&(\w+)}g) };
    wait_ok(sub { $lines->() == @dying }, 10, 'one line in the access log for each');
    wait_ok(sub { !grep {
        my $name = $_;
        grep { $manager->node($name, $_)->{in_flight} } @routes
    } @dying }, 20,
        'nothing is in flight any more');
    is $lines->(), scalar @dying, '... and no more lines';
    $one->start;
};

subtest 'a request that kills its nodes' => sub {
    for my $name (qw(killsajp killshttp)) {
        $fleet->calm;
        my $pending = $httpd->browser->start(GET => "/$name/slow?ms=4000&$name");
        my @killed;
        for my $nth (qw(first second)) {
            my $node =
                wait_for(sub { (grep { $_->alive && $_->requests->{'/slow'} } $fleet->nodes)[0] },
                    10, 'a node to be asked');
            push @killed, $node;
            $node->kill;
        }
        cmp_ok $pending->finish(30)->status, '>=', 500,
            "$name: is given up when the second is dead";
        my ($left) = grep { $_->alive } $fleet->nodes;
        is $left->requests->{'/slow'}, undef, '... the third is not asked';
        is scalar(@killed), 2;
    }
};

$_->stop for $httpd, $fleet;
done_testing;
