#!/usr/bin/perl
# Why did this user land there? The access log, the error log and the page's events tell
# it together, by the logs of conf/servoy.conf at debug: the same client in all lines of
# one user, the same id in all lines of one request, the same node in the event. With
# SVB_SHOW=file the lines are written there.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SVB::Balancer;
use SVB::ConfLogs;
use SVB::Fleet;
use SVB::Httpd;
use SVB::Temp;
use SVB::Users qw($page $jnlp);
use SVB::Wait;
use Test::More;

my $fleet = SVB::Fleet->start(2);
my $members = $fleet->members('ajp', [ 'retry=600', 'retry=600 loadfactor=2' ]);
my @more = map { dead_member("old$_", 'status=+D') } 1 .. 30;
my @url = ('ServoyNode * url=http://%r.example.com probe=off');
my $httpd = SVB::Httpd->new(log_level => 'info servoy_balancer:debug', conf => join "\n",
    SVB::ConfLogs->lines, 'ProxyPreserveHost On', manager_location('ServoyManagerActions on'),
    balancer('many', $members . join('', @more), @url), proxy('servoy', $members, @url),
    'ProxyPass / balancer://servoy/')->start;
my $manager = $httpd->manager;

# The access log's line of the last request that has been answered so far, and the error
# log's lines of the same id.
my $seen = 0;
sub told {
    my @lines;
    wait_for(sub { @lines = grep { $_->{request} !~ /servoy-manager/ }
        SVB::ConfLogs->lines_of($httpd); @lines > $seen }, 20, 'the access log');
    $seen = @lines;
    my $line = $lines[-1];
    return ($line, grep { index($_, "[id $line->{id}]") >= 0 } split /\n/, $httpd->error_log);
}

my $anybody = $httpd->browser;
my $other = $httpd->browser;
my %name;

subtest 'a user who begins' => sub {
    $anybody->get($page);
    my ($line, @lines) = told();
    is "$line->{how} $line->{route}", 'elected servoy2', 'the larger node is elected';
    like $line->{client}, qr/^[0-9a-f]{12}$/, 'the client has a name from its first request on';
    $name{user} = $line->{client};
    my ($why) = grep { /SVB0032/ } @lines;
    like $why, qr/servoy2 \(ajp:\S+\) chosen: elected servoy2 \(0 for 2\.0\); servoy1 0\s*$/,
        'the whole election' or diag "@lines";
    $other->get($page);
    ($line, @lines) = told();
    like +(grep { /SVB0032/ } @lines)[0], qr/elected servoy1 \(0 for 1\.0\); servoy2 1 for 2\.0\s*$/,
        'the next one';
    $name{other} = $line->{client};
    isnt $name{other}, $name{user}, 'two people behind one address are two clients';
};

subtest 'and goes on' => sub {
    for my $way (
        [ 'by cookie'    => sub { $anybody->get($page) } ],
        [ 'by path'      => sub { $httpd->client(cookies => 0, timeout => 30)
            ->get("$page;jsessionid=" . $anybody->cookie('JSESSIONID')) } ],
        [ 'by WebSocket' => sub {
            my $ws = $anybody->websocket('/websocket/1/main/1');
            $ws->recv_json(30);
            $ws->close;
        } ],
        [ 'not modified' => sub { $anybody->head($page) } ],
    ) {
        my ($name, $ask) = @$way;
        $ask->();
        my ($line) = told();
        is "$line->{how} $line->{client}", "known $name{user}", $name;
    }
};

subtest 'the name is of no use' => sub {
    for my $id ($name{user}, "$name{user}.servoy9") {
        $httpd->client(timeout => 30, cookies => 0)
            ->get($page, headers => ["Cookie: JSESSIONID=$id"]);
        my ($line) = told();
        is $line->{how}, 'elected', 'nobody is known by it';
        isnt $line->{client}, $name{user}, '... or called so';
    }
    my $cookie = $anybody->cookie('JSESSIONID');
    is index($cookie, substr $name{user}, 0, 6), -1, 'nor is it a part of the id';
};

subtest 'a new id' => sub {
    my $user = $httpd->browser;
    $user->get($page);
    my ($before) = told();
    $user->get('/login');
    my ($line, @lines) = told();
    is $line->{client}, $before->{client}, 'a login is the request of whom it came from';
    my ($next) = join("\n", @lines) =~ /SVB0159: \S+ client $line->{client} goes on as (\w+)/;
    ok $next, 'the log tells what it is called from then on';
    $user->get($page);
    is +(told())[0]{client}, $next, '... and it is';
};

subtest 'a Smart Client' => sub {
    my $user = $httpd->browser;
    my @names = map { $user->get($jnlp); (told())[0]{client} } 1, 2;
    like $names[0], qr/^[0-9a-f]{12}$/, 'a launch';
    is $names[1], $names[0], 'the next one of the same browser';
};

subtest 'who stands for election' => sub {
    $httpd->browser->get($page), told() for 1 .. 12;
    $manager->act('servoy', 'servoy1', 'forget');
    $httpd->browser->get($page), told() for 1 .. 8;
    wait_ok(sub { $httpd->error_log =~
        /elected servoy2 \(\d+ for 2\.0\); servoy1 braked$/m }, 10, 'who is not to be flooded');
    $manager->act('servoy', 'servoy2', 'drain');
    $httpd->browser->get($page);
    my ($line, @lines) = told();
    like "@lines", qr/elected servoy1 \(\d+ for 1\.0\); servoy2 draining/, 'who takes nobody';
    $manager->act('servoy', 'servoy2', 'enable');
    $httpd->browser->get("/many$page");
    ($line, @lines) = told();
    my ($why) = grep { /SVB0032/ } @lines;
    like $why, qr/; old\d+ disabled; .*; and 11 more\s*$/, 'of many the first';
    cmp_ok length $why, '<', 1500, '... in a line of some length';
};

# --- the one whose way is shown ---

subtest 'its node is down' => sub {
    $fleet->node('servoy2')->kill;
    my $r = $anybody->get($page);
    is $r->status . ' ' . $r->node, '200 servoy1', 'another takes over';
    my ($line, @lines) = told();
    is "$line->{how} $line->{route} $line->{client}", "failover servoy1 $name{user}",
        'the access log: who, where to, and that it is a failover';
    my ($moved) = grep { /SVB0031: .* node servoy2 cannot serve its client, servoy1/ } @lines;
    ok $moved, 'the error log, by the id: from where' or diag "@lines";
    my ($state, $event);
    wait_for(sub {
        ($state) = grep { /SVB0094: fleet servoy, node servoy2: error/ } split /\n/,
            $httpd->error_log;
        ($event) = grep { $_->{fleet} eq 'servoy' && $_->{node} eq 'servoy2'
            && $_->{to} eq 'error' } @{ $manager->json->{events} // [] };
        return $state && $event;
    }, 20, 'the event');
    ok $event->{reason}, 'the event: since when, and why' or diag explain $event;
    like $state, qr/\Q$event->{reason}\E/, '... the same as in the log';
    if (my $file = $ENV{SVB_SHOW}) {
        SVB::Temp->write_file($file, join "\n", $line->{line}, @lines, $state,
            join(' ', map { "$_=$event->{$_}" } sort keys %$event), '');
    }

    my $lost = $httpd->browser;
    $lost->set_cookie(JSESSIONID => $anybody->cookie('JSESSIONID'));
    $fleet->node('servoy1')->kill;
    is $lost->get($page)->status, 503, 'nobody is left';
    ($line, @lines) = told();
    is $line->{status}, 503;
    like $line->{client}, qr/^[0-9a-f]{12}$/, 'whose it was';
    like "@lines", qr/SVB003[01]/, '... and what was tried';
};

done_testing;
