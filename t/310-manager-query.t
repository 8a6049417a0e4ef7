#!/usr/bin/perl
# How the manager is asked for a format: by the query, else by Accept; and for a part of
# what it knows.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SVB::Balancer;
use SVB::Httpd;
use Test::More;

my $httpd = SVB::Httpd->new(conf => manager_location() . <<'END')->start;
<Proxy "balancer://servoy">
BalancerMember ajp://127.0.0.1:1 route=servoy1
BalancerMember ajp://127.0.0.1:2 route=servoy2
BalancerMember ajp://127.0.0.1:3
ProxySet lbmethod=servoy
</Proxy>
<Proxy "balancer://other">
BalancerMember ajp://127.0.0.1:1 route=servoy1
BalancerMember "ajp://127.0.0.1:4" "route=a <b>&c"
ProxySet lbmethod=servoy
ServoyFleet other
</Proxy>
ProxyPass "/other/" "balancer://other/"
ProxyPass "/" "balancer://servoy/"
END

my ($html, $json, $prometheus) = ('text/html', 'application/json', 'text/plain; version=0.0.4');
my $refused = $json;

# The query, the status, how the media type begins.
my @cases = (
    ['',                                     200, $html],
    ['?',                                    200, $html],
    ['?format=html',                         200, $html],
    ['?format=json',                         200, $json],
    ['?format=prometheus',                   200, $prometheus],
    ['?sort=users&format=json&only=trouble', 200, $json],
    ['?&&format=json&',                      200, $json],
    ['?format=%6As%6fn',                     200, $json],         # the same URL as with json
    ['?f%6Frmat=json',                       200, $json],
    ['?format=json&format=html',             200, $json],         # the first counts
    ['?format=xml&format=json',              400, $refused],
    ['?format',                              200, $html],         # asks for none
    ['?format=',                             400, $refused],
    ['?format=JSON',                         400, $refused],
    ['?format=json%00',                      400, $refused],
    ['?format=json%0a',                      400, $refused],
    ['?format=json%2',                       400, $refused],
    ['?format=%ff',                          400, $refused],
    ['?format=json+',                        400, $refused],
    ['?%=1&format=json',                     200, $json],
        # others' names are others' business
    ['?other=%&format=json',                 200, $json],
);

for my $case (@cases) {
    my ($query, $status, $type) = @$case;
    my $r = $httpd->client->get("/servoy-manager$query");
    my $all = join ' ', $r->status, substr $r->header('Content-Type'), 0, length $type;
    is $all, "$status $type", "'$query'";
    is_deeply $r->json, { error => 'format= must be html, json or prometheus.' }, '... and why'
        if $status != 200;
}

# What browsers and scrapers send. All there is to it is in t/unit/manager/check_accept.c.
my @accepts = (
    ['*/*',                                                                 $html],
    ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',     $html],
    ['application/json',                                                    $json],
    ['application/json, text/html;q=0.1',                                   $html],
    ['text/plain;version=0.0.4;q=1,*/*;q=0.1',                              $prometheus],
    ['application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;'
        . 'q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',                $prometheus],
    ['application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,'
        . 'application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;'
        . 'escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1', $prometheus],
);

for my $case (@accepts) {
    my ($accept, $type) = @$case;
    my $r = $httpd->client->get('/servoy-manager', headers => ["Accept: $accept"]);
    is substr($r->header('Content-Type'), 0, length $type), $type, $accept;
    $r = $httpd->client->get('/servoy-manager?format=json', headers => ["Accept: $accept"]);
    is $r->header('Content-Type'), $json, '... but ?format= counts first';
}

# The query, and what is left: the routes of each fleet.
my @parts = (
    ['fleet=servoy',              { servoy => [ 'servoy1', 'servoy2', '' ] }],
    ['fleet=other',           { other => [ 'servoy1', 'a <b>&c' ] }],
    ['fleet=other&node=a+%3Cb%3E%26c', { other => ['a <b>&c'] }],
    ['node=servoy1',              { servoy => ['servoy1'], other => ['servoy1'] }],
    ['node=servoy2',              { servoy => ['servoy2'] }],
    ['fleet=servoy&node=servoy2', { servoy => ['servoy2'] }],
    ['fleet=servoy&fleet=x',      { servoy => [ 'servoy1', 'servoy2', '' ] }],
    ['fleet=x',                   'There is no fleet "x".'],
    ['fleet=',                    'There is no fleet "".'],
    ['fleet=%ff',                 'There is no fleet "".'],
    ['fleet=Servoy',              'There is no fleet "Servoy".'],
    ['node=x',                    'There is no node "x".'],
    ['node=',                     'There is no node "".'],
    ['node=servoy1%00',           'There is no node "".'],
    ['node=%3Cscript%3E%22%0d',   'There is no node "".'],
    ['node=%3Cscript%3E%22',      'There is no node "<script>"".'],
    ['fleet=servoy&node=a+%3Cb%3E%26c', 'There is no node "a <b>&c" in the fleet "servoy".'],
    ['fleet=x&node=servoy1',      'There is no node "servoy1" in the fleet "x".'],
);

for my $case (@parts) {
    my ($query, $left) = @$case;
    my $r = $httpd->client->get("/servoy-manager?format=json&$query");
    my %all = map { my $fleet = $_; $fleet->{name} => [ map { $_->{route} } @{ $fleet->{nodes} } ] }
        @{ $r->json->{fleets} // [] };
    is $r->status, ref $left ? 200 : 404, "$query: status";
    unlike $r->body, qr/[<>]/, '... nothing of it is HTML';
    is_deeply ref $left ? \%all : $r->json->{error}, $left, '... what is left, or why nothing';

    $r = $httpd->client->get("/servoy-manager?format=prometheus&$query");
    my ($metrics, %routes) = $r->body;
    push @{ $routes{$1} }, $2 while $metrics =~ /^servoy_node_up\{fleet="([^"]+)",node="([^"]+)"/mg;
    for my $list (values %routes) { s{^balancer://.*}{} for @$list }
    is_deeply \%routes, ref $left ? $left : {}, '... the same in metrics';
    like $r->header('Content-Type'), qr{^text/plain}, '... as text';

    $r = $httpd->client->get("/servoy-manager?$query");
    is $r->status, ref $left ? 200 : 404, '... and on the page';
    unlike $r->body, qr/<script>"|<b>&c/, '... where nothing of it is HTML';
    like $r->body, qr/^There is no such (?:fleet|node)\.$/, '... in short' if !ref $left;
}

done_testing;
