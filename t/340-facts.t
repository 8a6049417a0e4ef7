#!/usr/bin/perl
# What the page can tell besides how things are now: who was refused, where the clients of
# a dead node went, when a drained one will be empty, what an administrator did, how it
# was an hour ago; and what of this outlives the server.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use List::Util qw(sum0);
use SVB::Balancer;
use SVB::Httpd;
use SVB::Node;
use SVB::Temp;
use SVB::Users;
use SVB::Wait;
use Test::More;
use Time::HiRes qw(time);
use Time::Local qw(timegm);

my @nodes = SVB::Node->start_all(map { SVB::Node->new(name => "servoy$_") } 1 .. 3);
my ($one, $two, $three) = @nodes;
my $ajp = join '', map { $_->member('ajp', 'retry=600') } @nodes;
my @urls = map { 'ServoyNode ' . $_->route . ' url=' . $_->url } @nodes;
my $other = SVB::Node->new(name => 'elsewhere')->start;

my $httpd = SVB::Httpd->new(conf => join '', "ServoyPersist on\n",
    manager_location('ServoyManagerActions on'),
    balancer('gone', dead_member('g1', 'retry=600') . dead_member('g2', 'retry=600'),
        'ServoyNode g1 url=http://127.0.0.1:9'),
    balancer('strict', dead_member('s1', 'retry=600') . $two->member('ajp'),
        'ProxySet nofailover=On'),
    balancer('moving', $ajp, @urls),
    balancer('short', $two->member('ajp') . $three->member('ajp'),
        'ServoySessionTimeout 15s'),
    balancer('plain', $two->member('ajp') . $three->member('ajp')),
    balancer('misnamed', $other->member('ajp') =~ s/route=elsewhere/route=here/r))->start;
my $manager = $httpd->manager;

sub time_of {
    my ($text) = @_;
    my @t = ($text // '') =~ /^(\d+)-(\d+)-(\d+)T(\d+):(\d+):(\d+)Z$/ or return 0;
    return timegm(@t[5, 4, 3, 2], $t[1] - 1, $t[0]);
}

sub events { my ($kind) = @_; return grep { $_->{kind} eq $kind } @{ $manager->json->{events} } }

subtest 'who was refused' => sub {
    my $before = $manager->json->{refused};
    is $httpd->browser->get("/gone$_")->status, 503, "$_: nobody can serve" for $page, '/x', $jnlp;
    is ask_as($httpd, 'AB.s1', '/strict/echo')->status, 503, 'nor may another, by nofailover=';
    is $httpd->browser->get("/plain$page")->status, 200, 'elsewhere one is served';
    is $httpd->browser->get('/plain/status?code=503')->status, 503, 'a node says 503 itself'
        if $httpd->browser->get('/plain/status?code=204')->status == 204;
    my $all = $manager->json;
    my %refused = map { $_->{name} => [ $_->{refused}, $_->{recent}{refused} ] } @{ $all->{fleets} };
    is_deeply \%refused, { gone => [ 3, 3 ], strict => [ 1, 1 ], moving => [ 0, 0 ],
        short => [ 0, 0 ], plain => [ 0, 0 ], misnamed => [ 0, 0 ] }, 'counted by fleet';
    is $all->{refused} - $before, 4, 'and in all';
    like $manager->metrics, qr/^servoy_refused_total\{fleet="gone"\} 3$/m, 'and in the metrics';
};

subtest 'a node dies' => sub {
    wait_for(sub { $manager->node('moving', 'servoy1')->{since} }, 10, 'it to be seen as ready');
    my @users = users($httpd, 9, '/moving');
    is_deeply homes(@users), { servoy1 => 3, servoy2 => 3, servoy3 => 3 }, 'three users each';
    my $is = $manager->node('moving', 'servoy1');
    is_deeply [ @$is{qw(before had moved recent_errors host)} ],
        [ '', 0, [], 0, '127.0.0.1' ], 'nothing has happened to it';
    my @its = grep { $_->{home} eq 'servoy1' } @users;
    $one->kill;
    my %to;
    for my $user (@its) {
        my $r = $user->get($user->{page});
        is $r->status, 200, 'its user is served';
        $to{ $r->node }++;
        $user->get($user->{page});
    }
    wait_ok(sub { $manager->node('moving', 'servoy1')->{state} eq 'error'
        && grep { $_->{fleet} eq 'moving' && $_->{to} eq 'error' } events('state') }, 10, 'it is in error');
    $is = $manager->node('moving', 'servoy1');
    is $is->{before}, 'ready', 'it was ready';
    is $is->{had}, 3, 'with three clients';
    is_deeply { map { $_->{to} => $_->{clients} } @{ $is->{moved} } }, \%to, 'that went where they are';
    cmp_ok $is->{recent_errors}, '>', 0, 'errors of late';
    is $manager->fleet('moving')->{recent}{moved}, 3, 'three have moved in the fleet';
    my ($event) = grep { $_->{fleet} eq 'moving' && $_->{to} eq 'error' } events('state');
    like $event->{reason}, qr/^connection refused by ajp:.*; it has lost 3 clients$/,
        'the event says how many that were';
    like $manager->metrics, qr/^servoy_events_total\{state="error"\} [1-9]/m, 'and is counted';
    $one->start;
    wait_ok(sub { $manager->node('moving', 'servoy1')->{state} eq 'ready' }, 10, 'it is back');
    $is = $manager->node('moving', 'servoy1');
    is_deeply [ @$is{qw(before had moved)} ], [ 'error', 0, [] ], 'that was its last state';
};

subtest 'when it will be empty' => sub {
    my $user = user_of($httpd, 'servoy2', '/short');
    my $is = $manager->node('short', 'servoy2');
    $manager->act('short', 'servoy2', 'drain');
    wait_ok(sub { ($is = $manager->node('short', 'servoy2'))->{empty_by} }, 10,
        'it is known when it is empty');
    my $by = time_of($is->{empty_by});
    cmp_ok $by, '<=', time + 17, 'not later than its client lives';
    cmp_ok $by, '>=', time + 2, 'nor earlier';
    is_deeply [ @$is{qw(held idle empty_since)} ], [ 0, 0, undef ], 'nothing is open; it has clients';
    like $is->{said}, qr/^drained by \S+ from 127\.0\.0\.1$/, 'and who has said so';
    my $slow = $user->start(GET => '/short/slow?ms=4000');
    wait_ok(sub { ($is = $manager->node('short', 'servoy2'))->{held} == 1 }, 10, 'a request is open');
    is $is->{empty_by}, undef, 'so nobody can tell';
    $slow->finish;
    wait_ok(sub { ($is = $manager->node('short', 'servoy2'))->{held} == 0 && $is->{empty_by} }, 10,
        'it is over');
    $by = time_of($is->{empty_by});
    wait_ok(sub { ($is = $manager->node('short', 'servoy2'))->{safe_to_stop}
        && $is->{empty_since} }, 40, 'it is empty');
    note sprintf 'foretold for %+d s of when it was', $by - time_of($is->{empty_since});
    cmp_ok time_of($is->{empty_since}), '<=', $by + 3, 'as was foretold';
    is $is->{empty_by}, undef, 'and nobody is waited for';
    $manager->act('short', 'servoy2', 'enable');
    is $manager->node('short', 'servoy2')->{empty_since}, undef, 'it takes clients again';
};

subtest 'what an administrator did' => sub {
    $manager->act('plain', 'servoy2', 'loadfactor', value => 2);
    $manager->act('plain', 'servoy2', $_) for qw(forget close reset drain enable drain drain);
    my @actions = map { $_->{reason} } grep { $_->{fleet} eq 'plain' } events('action');
    my $who = qr/by \S+ from 127\.0\.0\.1$/;
    my @done = ('drained', 'enabled', 'counters set to zero', 'WebSockets closed',
        'clients forgotten', 'loadfactor 2.00 set');
    is_deeply [ map { s/ $who//r } @actions ], \@done, 'all of it, and who; a change of state is one by itself';
    is scalar(grep { /$who/ } @actions), scalar @done, 'by whom';
    is scalar(grep { $_->{fleet} eq 'plain' && $_->{to} eq 'draining'
        && $_->{reason} =~ /^drained $who/ } events('state')), 2, 'two drains that changed its state';
    $manager->act('plain', 'servoy2', 'enable');
};

subtest 'sessions in another route' => sub {
    is $manager->node('misnamed', 'here')->{other_route}, '', 'none so far';
    $httpd->browser->get("/misnamed$page");
    is $manager->node('misnamed', 'here')->{other_route}, 'elsewhere', 'its jvmRoute is another';
};

sub history {
    my ($of, $step) = @_;
    my $fleet = (grep { $_->{name} eq 'plain' }
        @{ $httpd->browser->get("/servoy-manager?format=json&history=$of")->json->{fleets} })[0];
    my ($node) = grep { $_->{route} eq 'servoy3' } @{ $fleet->{nodes} };
    is $node->{history}{step_s}, $step, "$of: a sample every $step s" if $step;
    return @{ $node->{history}{clients} };
}

subtest 'history' => sub {
    ok !exists $manager->node('plain', 'servoy3')->{history}, 'only for those who ask';
    is $httpd->browser->get('/servoy-manager?format=json&history=year')->status, 400, 'no other';
    my $user = user_of($httpd, 'servoy3', '/plain');
    my $clients = $manager->node('plain', 'servoy3')->{clients}{web};
    my $n = history('hour', 30);
    cmp_ok $n, '>=', 1, 'of the hour';
    cmp_ok scalar(history('week', 600)), '>=', 1, 'of the week';
    wait_ok(sub { (history('hour'))[-1] == $clients }, 40, 'a sample is taken of what there is');
    $n = () = history('hour');

    $httpd->stop;
    $httpd->start;
    my @kept = history('hour');
    cmp_ok scalar @kept, '>=', $n, 'it outlives a restart';
    is $kept[$n - 1], $clients, '... with what was sampled';
    is $manager->fleet('gone')->{refused}, 3, 'as does what was refused';
    is scalar(grep { $_->{reason} eq 'server started' } events('server')), 1, 'the start is an event';
    $httpd->graceful;
    is scalar(grep { $_->{reason} eq 'configuration read anew' } events('server')), 1, 'and so is a graceful restart';
    is $manager->fleet('gone')->{refused}, 3, 'it changes nothing';
};

subtest 'history after a crash' => sub {
    my $path = (glob $httpd->root . '/logs/*.state.1 ' . $httpd->root . '/*/*.state.1')[0];
    my @before = history('hour');
    wait_for(sub { -s $path && -s $path =~ s/1\z/2/r }, 100, 'what is written while it runs');
    $httpd->crash;
    $httpd->start;
    my @kept = history('hour');
    cmp_ok scalar @kept, '>=', scalar @before, 'what was is there';
    is_deeply [ @kept[0 .. $#before - 1] ], [ @before[0 .. $#before - 1] ], '... as it was';
    is $manager->fleet('gone')->{refused}, 3, 'as is what was refused';
};

$httpd->stop;
$_->stop for @nodes, $other;
done_testing;
