#!/usr/bin/perl
# What the manager's page shows of nodes in trouble, real ones: in one sentence, in a card
# with what it is, what it did to users, what happens by itself and what can be done, and
# in the node's row; within two seconds, without anybody's doing. No state of it keeps
# anybody out, in any width and light.

use v5.32;
use utf8;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SVB::Balancer;
use SVB::Browser;
use SVB::Fleet;
use SVB::Httpd;
use SVB::ManagerPage;
use SVB::Users qw(:DEFAULT);
use SVB::Wait;
use Test::More;

binmode $_, ':utf8' for Test::More->builder->output, Test::More->builder->failure_output;

my $fleet = SVB::Fleet->start(3);
my ($one, $two, $three) = $fleet->nodes;
my $browser = SVB::Browser->start;

# Who comes first, a request or a probe.
my $reason = qr/(?:connection refused by|a request could not be sent to)/;

# A front end of one fleet, servoy.
sub front {
    my ($members, $more, @lines) = @_;
    return SVB::Httpd->new(conf => join '', manager_location('ServoyManagerActions on'),
        "ServoyFrontEnd fe1\nHeader always set X-How \"%{SERVOY_HOW}e\"\n", $more,
        balancer('servoy', $members, @lines, 'ProxyPass "/" "balancer://servoy/"'))->start;
}

sub page { my ($httpd, @more) = @_; return SVB::ManagerPage->open($browser, $httpd, @more) }

# Of the JSON: the states of the nodes are these.
sub states {
    my ($states) = @_;
    return sub { $states eq join ' ', map { $_->{state} } @{ $_->{fleets}[0]{nodes} } };
}

sub row_says {
    my ($is, $route, %expect) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    like $is->{rows}{$route}{$_} // '', $expect{$_}, "... $route: $_" for sort keys %expect;
    return;
}

sub card_says {
    my ($page, $key, %expect) = @_;
    my $card = $page->card($key);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    ok $card, "... a card: $key" or return;
    like $card->{$_} // '', $expect{$_}, "... its $_" for sort keys %expect;
    return;
}

subtest 'a node dies, another, the last, and all come back' => sub {
    my $httpd = front($fleet->members('ajp'), '');
    my @users = users($httpd, 6);
    is_deeply homes(@users), { servoy1 => 2, servoy2 => 2, servoy3 => 2 }, 'six users';
    my $page = page($httpd);
    my $is = $page->shows('all is well', sub { $_->{verdict} =~ /All 3 nodes serve\. 6 users\./ });
    is $is->{title}, 'localhost at fe1', 'the title is the server\'s';
    is_deeply $is->{cards}, [], 'no card';
    row_says($is, $_, state => qr/ready/, users => qr/^2$/, buttons => qr/ARRAY/) for qw(servoy1 servoy2);
    is_deeply $is->{rows}{servoy1}{buttons}, ['Drain…'], 'one button';
    like "@{ $is->{tiles} }", qr/^6 users 6 web/, 'the tiles';
    $page->looks_ok('ready');

    $two->kill;
    $_->get($_->{page}) for grep { $_->{home} eq 'servoy2' } @users;
    $is = $page->follows('one is down', states('ready error ready'),
        sub { $_->{verdict} =~ /servoy2 is down\. / });
    $is = $page->shows('its users have moved', sub { $_->{cards}[0]{users} =~ /2 users were moved/ });
    like $is->{verdict}, qr/^▲ servoy2 is down\. 6 users are served by 2 of 3 nodes; new users can start\.$/,
        '... in one sentence';
    like $is->{title}, qr/^▲ 1 down · localhost at fe1$/, '... in the title';
    card_says($page, qr/^error/, what => qr{^servoy2 .*: $reason ajp://127\.0\.0\.1:\d+ since \d\d:\d\d:\d\d},
        users => qr/^2 users were moved to (?:servoy[13]|servoy1 \(1\) and servoy3 \(1\)|servoy3 \(1\) and servoy1 \(1\)) and had to start again/,
        itself => qr/asked again every second/, todo => qr/Tomcat on 127\.0\.0\.1/);
    row_says($is, 'servoy2', state => qr/^▲ down$/, why => qr/^\d+ s, $reason/);
    $page->shows('... how many it had', sub { $_->{rows}{servoy2}{users} =~ /^0 2 before$/ });
    is_deeply $is->{rows}{servoy2}{buttons}, ['Take out…'], '... its button';
    is $is->{order}[0], 'servoy2', '... it comes first';
    ok $is->{rows}{servoy2}{bad}, '... and is red';
    unlike $is->{text}, qr/safe to stop/i, '... nothing of it is safe to stop';
    like $is->{tiles}[3], qr/^2 moved by failover/, '... a tile has the moved ones';
    $page->shows('... an event', sub { grep { /^\d\d:\d\d:\d\d servoy2 down, was ready: $reason/ } @{ $_->{events} } });
    $page->looks_ok('down');

    $three->kill;
    $page->follows('another one', states('ready error error'),
        sub { $_->{verdict} =~ /servoy2 and servoy3 are down/ && $_->{title} =~ /^▲ 2 down/ });
    card_says($page, qr/^one_left/, what => qr/^servoy1 is the only node that takes new users/,
        users => qr/./, itself => qr/./, todo => qr/./);
    $page->looks_ok('two-down');

    $one->kill;
    my @away = users($httpd, 4);
    is_deeply homes(@away), { 'status 503' => 4 }, 'four are turned away';
    $is = $page->follows('the last', states('error error error'),
        sub { $_->{verdict} =~ /^▲ New users are turned away \(4 in 5 minutes\)\./ });
    like $is->{title}, qr/^▲ no new users/;
    like $is->{tiles}[2], qr/^4 turned away/, '... a tile';
    card_says($page, qr/^nobody/, what => qr/No node takes new users: 3 down/, users => qr/503.*4 in 5 minutes/,
        itself => qr/first node/, todo => qr/./);
    $page->looks_ok('nobody');

    $fleet->calm;
    $is = $page->follows('they come back', states('ready ready ready'),
        sub { $_->{verdict} =~ /All 3 nodes serve\./ && !@{ $_->{cards} } });
    like join("\n", @{ $is->{events} }), qr/servoy$_ ready, was down/, "... an event of servoy$_" for 1 .. 3;
    is $is->{title}, 'localhost at fe1', '... and the title is what it was';
    $page->clean_ok('all that');
    $page->close;
    $httpd->stop;
};

subtest 'silent' => sub {
    my $httpd = front($fleet->members('ajp', 'retry=600'), '');
    users($httpd, 3);
    my $page = page($httpd);
    $one->freeze;
    my $is = $page->follows('it does not answer', states('silent ready ready'),
        sub { $_->{verdict} =~ /servoy1 .*silent/ });
    like $is->{title}, qr/^▲ 1 \w+/, '... the title says so';
    card_says($page, qr/^silent/, what => qr{no answer from ajp://}, users => qr/New users go to other nodes/,
        itself => qr/asked again every second/, todo => qr/Tomcat/);
    row_says($is, 'servoy1', state => qr/silent/, why => qr/no answer/);
    is_deeply $is->{rows}{servoy1}{buttons}, ['Take out…'], '... its button';
    unlike $is->{text}, qr/safe to stop/i, '... it is not safe to stop';
    $page->looks_ok('silent');
    $one->thaw;
    $page->follows('it answers again', states('ready ready ready'), sub { $_->{verdict} =~ /All 3 nodes serve/ });
    $page->clean_ok('silent');
    $page->close;
    $httpd->stop;
};

subtest 'suspect' => sub {
    my $httpd = front($fleet->members('ajp'), '');
    users($httpd, 3);
    my $page = page($httpd);
    $one->refusal(status => 403, text => 'no');
    wait_for(sub { users($httpd, 1); $httpd->nodes('servoy')->{servoy1}{state} eq 'suspect' }, 20, 'it is found out');
    my $is = $page->follows('it refuses new users', states('suspect ready ready'),
        sub { $_->{rows}{servoy1}{state} =~ /suspect/ });
    like $is->{verdict}, qr/^▲ servoy1 .*new users.*new users can start\.$/, '... in one sentence';
    card_says($page, qr/^suspect/, what => qr/3 new clients in a row got 403/, itself => qr/one new user tries/i,
        users => qr/New users go to other nodes/, todo => qr/secret=/);
    is_deeply $is->{rows}{servoy1}{buttons}, ['Drain…'], '... its button';
    $page->looks_ok('suspect');
    $fleet->calm;
    $page->close;
    $httpd->stop;
};

subtest 'full' => sub {
    my $httpd = front($fleet->members('ajp'), '', 'ServoyNode servoy2 maxclients=1');
    my $page = page($httpd);
    users($httpd, 5);
    my $is = $page->follows('one has its limit', states('ready full ready'),
        sub { $_->{rows}{servoy2}{state} =~ /full/ });
    like $is->{verdict}, qr/^! servoy2 is full\./, '... in one sentence';
    card_says($page, qr/^full/, what => qr/1 of 1/, users => qr/other nodes/, itself => qr/./, todo => qr/maxclients=/);
    row_says($is, 'servoy2', users => qr/^1 of 1$/);
    $page->looks_ok('full');
    $page->close;
    $httpd->stop;
};

subtest 'degraded' => sub {
    my $httpd = front($fleet->members('ajp'), balancer('sockets', dead_member('servoy1')
        . $two->member('http') . $three->member('http'), 'ServoyFleet servoy'));
    my $page = page($httpd);
    my $is = $page->follows('a member is dead', states('degraded ready ready'),
        sub { $_->{rows}{servoy1}{state} =~ /degraded/ });
    like $is->{verdict}, qr/^! servoy1 .*degraded/, '... in one sentence';
    card_says($page, qr/^degraded/, what => qr{1 of 2 members down: connection refused by ajp://127\.0\.0\.1:\d+},
        users => qr/./, itself => qr/every second/, todo => qr/connector/);
    $page->click('#servoy1 .fold');
    $page->shows('unfolded, which one', sub { $_->{text} =~ m{▲ down ajp://127\.0\.0\.1:\d+ in balancer://sockets} });
    $page->looks_ok('degraded');
    $page->close;
    $httpd->stop;
};

subtest 'jvmRoute' => sub {
    my $httpd = front($one->member('ajp') =~ s/route=servoy1/route=other1/r . $two->member('ajp'), '');
    my $page = page($httpd);
    users($httpd, 4);
    my $is = $page->follows('it is another one', sub { grep { $_->{kind} eq 'jvmroute' } @{ $_->{troubles} } },
        sub { $_->{verdict} =~ /other1 .*jvmRoute/ });
    card_says($page, qr/^jvmroute/, what => qr/^other1 .*\.servoy1/, users => qr/./, itself => qr/./,
        todo => qr/jvmRoute="other1".*route=servoy1/);
    row_says($is, 'other1', why => qr/jvmRoute is servoy1/);
    $page->looks_ok('jvmroute');
    $page->close;
    $httpd->stop;
};

subtest 'evictions' => sub {
    my $httpd = front($fleet->members('ajp'), "ServoyClientTable 8\n");
    my $page = page($httpd);
    users($httpd, 40);
    my $is = $page->follows('a table that is too small', sub { grep { $_->{kind} eq 'evictions' } @{ $_->{troubles} } },
        sub { $_->{verdict} =~ /^! The client table is too small/ });
    card_says($page, qr/^evictions/, what => qr/./, users => qr/./, itself => qr/./, todo => qr/ServoyClientTable/);
    $page->looks_ok('evictions');
    $page->close;
    $httpd->stop;
};

subtest 'reserves, and one that starts slowly' => sub {
    my $httpd = front($fleet->members('ajp', [ 'retry=0', 'status=+H', 'status=+R' ]), '', 'ServoySlowStart 300s');
    my $page = page($httpd);
    my $is = $page->shows('one serves', sub { $_->{verdict} =~ /1 of 3 nodes takes? new users/ });
    is_deeply [ map { $is->{rows}{"servoy$_"}{state} =~ /(\w+)$/ } 1 .. 3 ], [qw(ready standby spare)], '... two wait';
    is_deeply $is->{cards}, [], '... which is no trouble';
    $one->kill;
    $page->follows('it dies', sub { $_->{fleets}[0]{nodes}[0]{state} eq 'error' }, sub { $_->{verdict} =~ /servoy1 is down/ });
    $one->start;
    $is = $page->follows('it comes back', sub { $_->{fleets}[0]{nodes}[0]{state} eq 'slowstart' },
        sub { $_->{rows}{servoy1}{state} =~ /slow start/ });
    is_deeply $is->{cards}, [], '... slowly: no trouble either';
    $page->looks_ok('reserves');
    $page->close;
    $httpd->stop;
};

subtest 'nothing there yet' => sub {
    my $httpd = SVB::Httpd->new(conf => manager_location())->start;
    my $page = page($httpd);
    $page->shows('no fleet', sub { $_->{verdict} =~ /There is no fleet yet/ && $_->{text} =~ /ProxySet lbmethod=servoy/ });
    $page->looks_ok('no-fleet');
    $page->close;
    $httpd->stop;
};

my @delays = SVB::ManagerPage->delays;
note "shown after @{[ map { sprintf '%.1f', $_ } @delays ]} seconds";
cmp_ok $delays[ @delays * 3 / 4 ], '<', 2, 'what happens is shown within two seconds';

$browser->stop;
$fleet->stop;
done_testing;
