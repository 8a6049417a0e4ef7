#!/usr/bin/perl
# A hundred nodes on the manager's page: how much goes over the wire, how many elements
# there are, how long the server takes; and names that would rather be scripts.

use v5.32;
use utf8;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use List::Util qw(min);
use SVB::Balancer;
use SVB::Browser;
use SVB::Httpd;
use SVB::LightNodes;
use SVB::ManagerPage;
use SVB::Temp;
use Test::More;

binmode $_, ':utf8' for Test::More->builder->output, Test::More->builder->failure_output;

my $many = 100;
my $limit = 100_000;
my $tools = "$FindBin::Bin/../.build/tools";
my $nodes = SVB::LightNodes->new('http', $many);
my $browser = SVB::Browser->start;

sub front {
    my (@balancers) = @_;
    return SVB::Httpd->new(modules => [qw(filter deflate)], conf => join '',
        manager_location('ServoyManagerActions on'), @balancers)->start;
}

sub elements { $_[0]->eval('document.getElementsByTagName("*").length') }

my $httpd = front(balancer('servoy', $nodes->members($many)));

subtest 'a hundred nodes' => sub {
    $httpd->browser->get('/servoy/new') for 1 .. 3 * $many;
    my $page = SVB::ManagerPage->open($browser, $httpd);
    my $is = $page->look;
    is scalar keys %{ $is->{rows} }, $many, 'all are there';
    like $is->{verdict}, qr/All 100 nodes serve\. 300 users\./;
    my ($whole) = $page->asked;
    note "the page: $whole->{bytes} bytes";
    is $whole->{encoding}, 'gzip', 'the page comes compressed';
    cmp_ok $page->bytes, '<', $limit, '... in less than 100 kB';
    my $refreshed = 'performance.getEntriesByType("resource").filter(e => e.initiatorType == "fetch" && e.responseEnd).length';
    $page->until_ok("$refreshed > 2", 40, 'it is refreshed');
    my @json = grep { $_->{type} eq 'Fetch' && $_->{bytes} } $page->asked;
    note 'refreshed: ', join ', ', map { $_->{bytes} } @json;
    is scalar(grep { $_->{encoding} ne 'gzip' } @json), 0, '... compressed, too';
    is scalar(grep { $_->{bytes} >= $limit } @json), 0, '... each less than 100 kB';

    my $all = elements($page);
    note "$all elements";
    cmp_ok $all, '<', 30 * $many + 300, 'elements are few';
    is $page->eval('document.querySelectorAll("tr.more").length'), 0, '... of what is folded, none';
    $page->click('#n50 .fold');
    $page->until_ok('document.querySelector("tr.more")', 20, 'one is unfolded');
    cmp_ok elements($page), '<', $all + 150, '... and has no more than it needs';
    cmp_ok elements($page), '>', $all + 20;
    $page->click('.live button');       # looking takes longer than it should be without news
    $page->looks_ok('hundred');
    $page->close;

    $httpd->mark;
    $httpd->browser->get('/servoy-manager') for 1 .. 10;
    my @took = $httpd->access_log =~ m{"GET /servoy-manager HTTP\S* 200 \d+ (\d+)}g;
    note "the server took @took microseconds";
    cmp_ok min(@took), '<', 50_000, 'less than 50 ms of the server\'s time';
};

subtest 'members more, elements not' => sub {
    my $single = front(balancer('servoy', $nodes->members(20)));
    my $double = front(balancer('servoy', $nodes->members(20)),
        balancer('sockets', $nodes->members(20), 'ServoyFleet servoy'));
    my @counts = map {
        my $page = SVB::ManagerPage->open($browser, $_);
        $page->until_ok('document.querySelectorAll("tr.row time").length == 20', 20, 'twenty nodes, and since when');
        elements($page);
    } $single, $double;
    is $counts[1], $counts[0], 'what is folded has no elements';
    $_->stop for $single, $double;
};

# What a tool writes of a sample, as it would come from the server, with its script.
sub sample {
    my ($name) = @_;
    my $dir = SVB::Temp->dir('sample');
    SVB::Temp->write_file("$dir/page.html", scalar qx("$tools/show_page" html $name on));
    SVB::Temp->write_file("$dir/page.json", scalar qx("$tools/show_page" view $name on));
    chomp(my $policy = qx("$tools/show_page" csp));
    return <<"END";
RewriteCond %{QUERY_STRING} view=page
RewriteRule ^/$name\$ "$dir/page.json" [L]
RewriteRule ^/$name\$ "$dir/page.html" [L]
<Directory "$dir">
Header always set Content-Security-Policy "$policy"
SetOutputFilter DEFLATE
</Directory>
END
}

subtest 'samples' => sub {
    my $shown = SVB::Httpd->new(modules => [qw(filter deflate mime rewrite)], conf => join '',
        "TypesConfig /dev/null\nAddType text/html .html\nAddType application/json .json\nRewriteEngine On\n",
        map { sample($_) } qw(hundred hostile usual empty))->start;
    for my $name (qw(hundred hostile usual empty)) {
        my $page = $browser->open($shown->url . "/$name");
        $page->until_ok('document.querySelector(".live").textContent.includes("live")', 20, "$name: its script runs");
        my ($whole) = $page->asked;
        note "$name: $whole->{bytes} bytes";
        cmp_ok $whole->{bytes}, '<', $limit, '... less than 100 kB' if $name eq 'hundred';
        is_deeply [ $page->barriers ], [], '... nothing keeps anybody out';
        $page->screenshot("sample-$name");
        $page->size(390);
        ok !$page->scrolls_sideways, '... nor is it too wide on a phone';
        $page->screenshot("sample-$name-390");
        $page->clean_ok($name);
        $page->close;
    }
    $shown->stop;
};

$browser->stop;
$httpd->stop;
done_testing;
