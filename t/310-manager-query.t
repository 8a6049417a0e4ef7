#!/usr/bin/perl
# How the manager is asked for a format: by the query, else by Accept.

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
ProxySet lbmethod=servoy
</Proxy>
ProxyPass "/" "balancer://servoy/"
END

my ($html, $json, $prometheus) = ('text/html', 'application/json', 'text/plain; version=0.0.4');
my $refused = 'text/plain; charset=utf-8';

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
    is $r->body, "format= must be html, json or prometheus.\n", '... and why' if $status != 200;
}

done_testing;
