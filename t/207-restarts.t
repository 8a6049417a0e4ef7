#!/usr/bin/perl
# What survives graceful and hard restarts: counts, counters and clients, also when
# members change.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use List::Util qw(uniq);
use SVB::Kept;
use SVB::Users;
use SVB::Wait;
use Test::More;
use Time::HiRes qw(time);

my ($fleet, $nameless) = start_fleets();
my ($one, $two, $three) = $fleet->nodes;
my @routes = map { $_->route } $fleet->nodes;

subtest 'graceful restart' => sub {
    begin();
    my $httpd = httpd()->start;
    my @users = (users($httpd, 6), users($httpd, 4, '/learned'));
    launches($httpd, 2);
    is wrong(known => @users), '', 'users';
    my $before = summary($httpd);
    my $uptime = $httpd->manager->json->{uptime_s};
    my @old = $httpd->children;
    # what the first generation has still to do
    my @late = (slow_start($httpd, 6), slow_start($httpd, 6, '/learned'));
    my $long = $users[0]->start(GET => '/slow?ms=6000');
    wait_for(sub { total($httpd, 'in_flight') == 3 }, 10, 'three requests in flight');
    $before = summary($httpd);
    $httpd->mark->graceful;
    is_deeply summary($httpd), $before, 'clients and counters are what they were';
    is total($httpd, 'in_flight'), 3, 'requests in flight are counted still';
    cmp_ok $httpd->manager->json->{uptime_s}, '>=', $uptime, 'time goes on';
    is scalar(grep { /SVB008\d/ } split /^/, $httpd->error_log), 0, 'no file has to do with it';
    ok !-e file_of($httpd), 'none is written';
    is wrong(known => @users), '', 'users stay';
    ok !$httpd->client->start(GET => '/echo')->finish->error, 'new requests are served meanwhile';
    is_deeply [ map { slow_end($_) } @late ], [ 200, 200 ],
        'the first generation ends its requests';
    is $long->finish(20)->status, 200;
    wait_ok(sub { total($httpd, 'in_flight') == 0 }, 20, 'then nothing is in flight');
    wait_ok(sub {
        my %is = map { $_ => 1 } $httpd->children;
        !grep { $is{$_} } @old
    }, 20, 'and it is gone');
    is wrong(known => @late), '', 'clients whose sessions it learned are known to the second';
    counts_agree($httpd, 'all are counted');
    is $httpd->manager->json->{table}{clients}, total($httpd, 'web') + total($httpd, 'smart'),
        'nobody else is';
    $httpd->graceful for 1 .. 3;
    is wrong(known => @users, @late), '', 'three more restarts: users stay';
    counts_agree($httpd, 'and are counted');
    $httpd->stop;
};

subtest 'hard restart' => sub {
    begin();
    my $httpd = httpd()->start;
    my @users = (users($httpd, 6), users($httpd, 4, '/learned'));
    launches($httpd, 2);
    $users[0]->start(GET => '/slow?ms=60000');
    wait_for(sub { total($httpd, 'in_flight') == 1 }, 10, 'a request in flight');
    my $before = summary($httpd);
    $httpd->mark->restart;
    is_deeply summary($httpd), $before, 'clients and counters are what they were';
    wait_ok(sub { total($httpd, 'in_flight') == 0 }, 20,
        'a request that was cut off is not in flight any more');
    ok !-e file_of($httpd), 'no file is written';
    is wrong(known => @users), '', 'users stay';
    $httpd->{conf} = conf(server => 'ServoyClientTable 3000');
    SVB::HttpdConf->write($httpd, 'httpd.conf');
    $httpd->restart;
    is $httpd->manager->json->{table}{capacity}, 3000, 'with a table of another size';
    is wrong(known => @users), '', 'they stay as well';
    counts_agree($httpd, 'and are counted');
    $httpd->stop;
};

subtest 'members change' => sub {
    begin();
    my $httpd = httpd(conf => conf(nodes => [ $one, $two ]))->start;
    my @users = (users($httpd, 6), users($httpd, 2, '/learned'));
    my $before = summary($httpd);
    my $ours = sub { my $all = summary($httpd); return { map { $_ => $all->{$_} } keys %$before } };

    $httpd->reconfigure(conf(nodes => [ $two, $one ]));
    is_deeply $ours->(), $before, 'reordered: clients and counters are what they were';
    is wrong(known => @users), '', 'users stay';
    $before = summary($httpd);
    $httpd->reconfigure(conf(nodes => [ $three, $two, $one ]));
    is_deeply $ours->(), $before, 'one is added, in front of the others: the same';
    is wrong(known => @users), '', 'users stay';
    my @new = users($httpd, 3);
    is_deeply [ uniq map { $_->{home} } @new ], ['servoy3'], 'new users go to the new node';
    counts_agree($httpd, 'all are counted');

    $before = summary($httpd);
    delete $before->{servoy1};
    $httpd->reconfigure(conf(nodes => [ $two, $three ]));
    is_deeply $ours->(), $before, 'one is removed: the others keep what they had';
    my @of = map {
        my $home = $_;
        [ grep { $_->{home} eq $home && $_->{page} eq $page } @users, @new ]
    } @routes;
    is_deeply [ map { scalar @$_ } @of ], [ 3, 3, 3 ], 'three users on each';
    is wrong(known => @{ $of[1] }, @{ $of[2] }), '', 'and theirs stay';
    my $r = $of[0][0]->get($page);
    like $r->node, qr/^servoy[23]$/, 'a user of the one that was removed gets to another';
    @{ $of[0][0] }{qw(home count)} = ($r->node, 1);
    $httpd->reconfigure(conf(nodes => [ $one, $two, $three ]));
    is wrong(known => map { @$_ } @of), '',
        'it is back: so are its other users, and the one who moved stays';

    $httpd->stop;
    $httpd->{conf} = conf(nodes => [ $three, $two ]);
    $httpd->start;
    is wrong(known => @{ $of[1] }, @{ $of[2] }), '',
        'stop, and start without it: the users of others stay';
    $httpd->stop;
    $httpd->{conf} = conf(nodes => [ $two, $one, $three ]);
    $httpd->start;
    is wrong(known => map { @$_ } @of), '', 'and start with it: its users as well';
    $httpd->stop;
};

subtest 'members and size change at once' => sub {
    begin();
    my $httpd = httpd()->start;
    my @users = (users($httpd, 6), users($httpd, 2, '/learned'));
    $httpd->reconfigure(conf(nodes => [ $three, $one ], server => 'ServoyClientTable 777'));
    is wrong(known => grep { $_->{home} ne 'servoy2' } @users), '',
        'users of the nodes that are left stay';
    $httpd->reconfigure(conf(nodes => [ $two, $three, $one ]));
    is wrong(known => @users), '', 'and all of them, when it is back';
    counts_agree($httpd, 'counts are right');
    $httpd->stop;
};

$_->stop for $fleet, $nameless;
done_testing;
