#!/usr/bin/perl
# Our section of mod_status's page, and nothing amiss where there is no mod_status.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SVB::Balancer;
use SVB::Httpd;
use SVB::LightNodes;
use SVB::Users;
use SVB::Wait;
use Test::More;

my $nodes = SVB::LightNodes->new('http', 2);
my $location = qq(<Location "/server-status">\nSetHandler server-status\nRequire local\n</Location>\n);
my $conf = $location . manager_location()
    . balancer('servoy', $nodes->members(2) . dead_member('a<b>&"c'), 'ProxyPass "/" "balancer://servoy/"')
        =~ s{^ProxyPass "/"}{ProxyPass "/server-status" "!"\nProxyPass "/"}mr;
my $httpd = SVB::Httpd->new(modules => ['status'], conf => $conf)->start;

# The page's own key and value lines, as those read them that split at the first ": ".
sub lines {
    my $r = $httpd->client->get('/server-status?auto');
    is $r->status, 200, '?auto';
    return map { /^([^:]+):(?: (.*))?$/ ? [ $1, $2 ] : () } split /\n/, $r->body;
}

my $before = SVB::Httpd->new(modules => ['status'], conf => $location, servoy => 0)->start;
my %usual = map { /^([^:]+):/ ? ($1 => 1) : () } split /\n/,
    $before->client->get('/server-status?auto')->body;

$httpd->client->get('/') for 1 .. 6;

subtest '?auto' => sub {
    my @lines = lines();
    my %value = map { $_->[0] => $_->[1] } @lines;
    is scalar keys %value, scalar @lines, 'no key is there twice';
    my @ours = grep { /Servoy/ } map { $_->[0] } @lines;
    is_deeply [ grep { !/^ServoyNode\[\d+\]\w+$/ } @ours ], [], 'ours are called so';
    is join(' ', map { $value{"ServoyNode[$_]Node"} } 0 .. 2), 'n0 n1 a<b>&"c', 'a node each';
    is join(' ', map { $value{"ServoyNode[$_]Fleet"} } 0 .. 2), 'servoy servoy servoy', 'its fleet';
    is $value{'ServoyNode[0]State'}, 'ready', 'its state';
    is $value{'ServoyNode[0]Up'}, 1, 'up';
    my %node = map { $_->{route} => $_ } $httpd->manager->nodes('servoy');
    is $value{'ServoyNode[1]Elected'}, $node{n1}{elected}, 'counts as the manager has them';
    cmp_ok $value{'ServoyNode[0]Elected'}, '>', 0, '... and something to count';
    is_deeply [ grep { !exists $value{$_} } keys %usual ], [], 'nothing of others is missing';
    wait_ok(sub {
        my %now = map { $_->[0] => $_->[1] } lines();
        return $now{'ServoyNode[2]State'} =~ /^(?:error|silent)$/ && !$now{'ServoyNode[2]Up'};
    }, 15, 'a node that is down');
};

subtest 'HTML' => sub {
    my $body = $httpd->client->get('/server-status')->body;
    my ($section) = $body =~ m{(<h1>Servoy Nodes</h1>.*?</table>)}s;
    ok $section, 'a section' or return diag $body;
    is scalar(() = $section =~ /<tr><td>/g), 3, 'a line per node';
    like $section, qr{<td>servoy</td><td>n0</td><td>ready</td><td>[\dTZ:-]*</td><td>\d+</td>}, 'such';
    like $section, qr{<td>a&lt;b&gt;&amp;&quot;c</td><td>(?:error|silent)</td>}, 'escaped';
    $body = $httpd->client->get('/server-status?notable')->body;
    like $body, qr{<h1>Servoy Nodes</h1>\s*<p>servoy n0: ready}, 'without tables';
    unlike $body =~ s/.*<h1>Servoy Nodes//sr =~ s/<hr.*//sr, qr/<t[drh]/, '... none of ours';
};

subtest 'many ask at once' => sub {
    my @pending = map { $httpd->browser->start(GET => '/server-status?auto') } 1 .. 10;
    is_deeply [ grep { $_ != 200 } map { $_->finish->status } @pending ], [], 'all are answered';
};

subtest 'no balancer of ours' => sub {
    my $without = SVB::Httpd->new(modules => ['status'], conf => $location)->start;
    unlike $without->client->get('/server-status')->body, qr/Servoy/, 'no section';
    unlike $without->client->get('/server-status?auto')->body, qr/Servoy/, '... nor lines';
};

subtest 'no mod_status' => sub {
    my $without = SVB::Httpd->new(without => ['status'], conf => $conf)->start;
    is $without->client->get('/servoy-manager?format=json')->status, 200, 'all else works';
};

done_testing;
