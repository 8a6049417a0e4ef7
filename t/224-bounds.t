#!/usr/bin/perl
# What nobody has confirmed, launches, made-up ids and requests of new clients, is
# counted, but shuts no door and takes nobody's place; maxclients= holds in failover.

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

my $fleet = SVB::Fleet->start(3);
my ($one) = $fleet->nodes;
my $pages = $fleet->members('ajp');
my @plain = map { $_ =~ s/ route=\w+//r } split /(?<=\n)/, $fleet->members('ajp');
my @url = ('ServoyNode * url=http://%r.example.com maxclients=5');
my $frame = join '', "Header always set X-How \"%{SERVOY_HOW}e\"\n",
    manager_location('ServoyManagerActions on');

my $httpd = SVB::Httpd->new(threads => 32, expect => qr/SVB0033/, conf => join '', $frame,
    balancer('launches', $pages, @url),
    balancer('ids',      $pages, @url),
    balancer('slow',     $pages, @url),
    balancer('sessions', $pages, @url),
    balancer('over',     $pages, 'ServoyNode servoy2 maxclients=4', 'ServoyNode servoy1 group=a',
        'ServoyNode servoy3 group=b'))->start;
my $manager = $httpd->manager;

sub states { return join ' ', map { $_->{state} } $manager->nodes($_[0]) }

# A user who comes now gets a session, wherever.
sub gets_in {
    my ($name) = @_;
    my $r = $httpd->browser->get("/$name$page");
    return join ' ', $r->status, $r->header('X-How') // '?', $r->header('X-Session-New') // '?';
}

subtest 'launches' => sub {
    $httpd->mark;
    $httpd->browser->get("/launches$jnlp") for 1 .. 30;
    is states('launches'), 'full full full', 'thirty launches make three nodes of five full';
    is gets_in('launches'), '200 elected 1', 'a user gets in all the same';
    is gets_in('launches'), '200 elected 1', '... and another';
    is scalar(() = $httpd->error_log =~ /SVB0033/g), 1, 'the log tells, once a minute';
    like $httpd->error_log, qr{SVB0033: balancer://launches: every node is full, but not by},
        '... what it is';
};

subtest 'made-up ids' => sub {
    ask_as($httpd, fresh_id("servoy$_"), '/ids/echo') for map { (1 .. 3) } 1 .. 5;
    is states('ids'), 'full full full';
    is gets_in('ids'), '200 elected 1', 'a user gets in all the same';
};

subtest 'requests that are held up' => sub {
    my @slow = map { $httpd->browser->start(GET => '/slow/slow?session=0&ms=3000') } 1 .. 15;
    wait_for(sub { states('slow') eq 'full full full' }, 10, 'all full by them');
    is gets_in('slow'), '200 elected 1', 'a user gets in all the same';
    $_->finish for @slow;
};

subtest 'sessions' => sub {
    is gets_in('sessions'), '200 elected 1' for 1 .. 15;
    is states('sessions'), 'full full full', 'sessions that the nodes have begun';
    is_busy($httpd->browser->get("/sessions$page"), 'shut the door');
    $httpd->browser->get("/sessions$jnlp") for 1 .. 5;
    is_busy($httpd->browser->get("/sessions$page"), 'launches do not open it');
};

subtest 'failover' => sub {
    my @users = users($httpd, 18, '/over');
    is $manager->node('over', 'servoy2')->{state}, 'full', 'one node is full';
    my ($full) = grep { $_->{home} eq 'servoy2' } @users;
    my $before = $manager->node('over', 'servoy2')->{clients}{web};
    $manager->act('over', 'servoy1', 'disable');
    my @moved = grep { $_->{home} eq 'servoy1' } @users;
    cmp_ok scalar @moved, '>=', 5, 'users of another have to go';
    is_deeply [ map { $_->get($_->{page})->node } @moved ], [ ('servoy3') x @moved ],
        'none of them to the full one';
    is $manager->node('over', 'servoy2')->{clients}{web}, $before, '... which has as many as before';
    is $full->get($full->{page})->node, 'servoy2', 'its own are served';
    $manager->act('over', 'servoy3', 'disable');
    is_deeply [ map { $_->get($_->{page})->node } @moved ], [ ('servoy2') x @moved ],
        'when nobody else is left, the full one takes them';
};

$httpd->stop;

# Seven launches for each place in a table, and users who stick by it alone.
subtest 'a table that is too small for them' => sub {
    my $small = SVB::Httpd->new(conf => join '', $frame, "ServoyClientTable 64\n",
        balancer('table', join('', @plain), 'ServoyLaunch redirect',
            'ServoyNode * url=http://launch.example.com'))->start;
    my @users = users($small, 20, '/table');
    $small->browser->get("/table$jnlp") for 1 .. 450;
    is_deeply [ map { $_->get($_->{page})->node } @users ], [ map { $_->{home} } @users ],
        'nobody has lost his place to a launch';
    my $all = $small->manager->json;
    my ($named) = grep { $_->{name} eq 'table' } @{ $all->{fleets} };
    cmp_ok $named->{clients}{smart}, '<=', 32 + 16, 'launches have half of the room, or hardly more';
    is $named->{clients}{web}, 20, 'users are counted';
    $small->stop;
};

done_testing;
