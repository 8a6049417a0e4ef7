#!/usr/bin/perl
# Balancing at the door, with a real browser: it asks the front end once, ends up on a
# node, and has its session and its WebSocket there, without the front end.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SVB::Balancer;
use SVB::Chromium;
use SVB::Fleet;
use SVB::Httpd;
use SVB::Wait;
use Test::More;

my $fleet = SVB::Fleet->start(2);
my @urls = $fleet->urls;
my $start = '/solutions/crm/index.html';
my $httpd = SVB::Httpd->new(conf => join '',
    balancer('door', $fleet->members('ajp'), @urls, 'ServoyStart redirect'),
    manager_location())->start;
my $manager = $httpd->manager;
# Cookies do not tell ports apart: the front end has another name than the nodes.
my $front = 'http://localhost:' . $httpd->port;

my $browser = SVB::Chromium->start or plan skip_all => 'no chromium here';

sub text { my ($id) = @_; return $browser->js("document.getElementById('$id').textContent") }

my ($node, $session, $origin);

subtest 'it ends up on a node' => sub {
    $browser->open("$front/door$start?a=b");
    $origin = $browser->js('location.origin');
    ($node) = grep { $_->url eq $origin } $fleet->nodes;
    ok $node, 'its address is a direct URL' or diag $origin;
    is $browser->js('location.pathname + location.search'), "$start?a=b", 'with path and query';
    is text('node'), $node->route, 'the page is that node\'s';
    is $manager->total('door', 'launches'), 1, 'counted';
    is $httpd->nodes('door')->{ $node->route }{clients}{smart}, 1, 'as a Smart Client';
    is $manager->web('door'), '0 0', 'and not as a web client';
};

subtest 'its session works there' => sub {
    $session = text('session');
    like $session, qr/^\w+\.\Q${\ $node->route}\E$/, 'it has one';
    ok $browser->wait_js('document.getElementById("state").textContent === "open"', 20),
        'its WebSocket is open';
    $browser->js('document.getElementById("say").click()');
    ok $browser->wait_js('/hello 1/.test(document.getElementById("log").textContent)', 20),
        'and is answered';
    is text('socketnode'), $node->route, '... by the same node';
    is $node->open_windows, 1, 'the node has a window';
    $browser->open("$origin$start?again");
    is text('session'), $session, 'the next page is in the same session';
};

subtest 'the front end is out of it' => sub {
    my @lines = grep { m{/door/} } split /^/, $httpd->access_log;
    is scalar @lines, 1, 'it was asked once' or diag @lines;
    $httpd->stop;
    $browser->open("$origin$start?alone");
    is text('session'), $session, 'and is not needed any more';
    ok $browser->wait_js('document.getElementById("state").textContent === "open"', 20),
        '... for the WebSocket either';
    $httpd->start;
};

subtest 'with a name in common' => sub {
    $browser->open($httpd->url . "/door$start?port");
    is $browser->js('location.origin'), $httpd->url, 'the session names its node: it is proxied';
    is text('session'), $session, '... to there';
};

subtest 'who comes back to the door' => sub {
    $browser->open("$front/door$start?later");
    is $browser->js('location.origin'), $origin, 'gets the same node';
    is text('session'), $session, 'and the session that it has there';
    is $httpd->nodes('door')->{ $node->route }{clients}{smart}, 1, 'as the one client that it is';
};

$browser->stop;
$httpd->stop;
done_testing;
