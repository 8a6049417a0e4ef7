#!/usr/bin/perl
# Launches that no node can take, those whose node is dead, and requests for them
# that are none.


use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use List::Util qw(sum0);
use SVB::Balancer;
use SVB::Curl;
use SVB::Fleet;
use SVB::Httpd;
use SVB::Launch;
use SVB::Temp;
use SVB::Users;
use SVB::Wait;
use Test::More;

my $fleet = SVB::Fleet->start(2);
my ($one) = $fleet->nodes;
my $app1 = 'http://app1.example.com';
my @urls = $fleet->urls;
my @names = names($fleet);
my $gone = dead_member('servoy1', 'retry=600');

my $httpd = SVB::Httpd->new(modules => ['http2'], conf => join '',
    balancer('plain',     $fleet->members('ajp'), @urls),
    balancer('stick',     $fleet->members('ajp'), @names),
    balancer('alldrain',  $fleet->members('ajp', [ 'status=+N', 'status=+N' ]), @names),
    balancer('alloff',    $fleet->members('ajp', [ 'status=+D', 'status=+S' ]), @names),
    balancer('gone',      $gone, "ServoyNode servoy1 url=$app1"),
    balancer('goneproxy', $gone, "ServoyNode servoy1 url=$app1", 'ServoyLaunch proxy'),
    balancer('gonerewrite', $gone, "ServoyNode servoy1 url=$app1", 'ServoyLaunch rewrite'),
    balancer('document',  $gone, "ServoyNode servoy1 url=$app1"),
    balancer('documents', $gone, "ServoyNode servoy1 url=$app1", 'ServoyLaunch proxy'),
    balancer('file',      $fleet->members('ajp', [ 'status=+D', 'status=+D' ]), @names),
    balancer('moves',     $fleet->members('ajp', [ 'retry=600', 'retry=600' ]), @names),
    balancer('proxied',   $fleet->members('ajp'), 'ServoyLaunch proxy', @urls),
    balancer('rewrite',   $fleet->members('ajp'), 'ServoyLaunch rewrite', @urls),
    manager_location(), <<'END');
<LocationMatch "^/documents?/">
    ErrorDocument 503 "<p>Closed for today"
</LocationMatch>
<Location "/file/">
    ErrorDocument 503 /closed.html
</Location>
Protocols h2c http/1.1
END
SVB::Temp->write_file($httpd->root . '/htdocs/closed.html', '<p>Closed in a file');
$httpd->start;
my $manager = $httpd->manager;
my $at = SVB::Launch->new(httpd => $httpd, fleet => $fleet);

# Until a node that was started again is known to be there, wherever it counts.
sub wait_known {
    my ($route) = @_;
    wait_for(sub {
        my $json = $httpd->client->get('/servoy-manager?format=json')->json;
        return !grep { $_->{state} eq 'error' && $_->{route} eq $route }
            map { @{ $_->{nodes} } } grep { $_->{name} !~ /^(?:gone|document)/ }
                @{ $json->{fleets} };
    }, 20, "$route to be known as ready");
    return;
}

# What a user reads whom no node can take.
sub is_page {
    my ($r, $why) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    subtest "the page: $why" => sub {
        is $r->status, 503;
        like $r->header('Retry-After') // '', qr/^[1-9]\d{0,4}$/, 'Retry-After';
        is $r->header('Content-Type'), 'text/html; charset=utf-8', 'Content-Type';
        is $r->header('Cache-Control'), 'no-store', 'Cache-Control';
        is $r->header('X-Content-Type-Options'), 'nosniff';
        is $r->header('Location'), undef, 'leads nowhere';
        is $r->header('Set-Cookie'), undef, 'and sets no cookie';
        like $r->body, qr{^<!DOCTYPE html>\s*<html lang="en">.*</html>\s*$}s, 'one whole HTML page';
        like $r->body, qr{<title>[^<]*cannot be started just now</title>}, 'with a title';
        like $r->body =~ s{<(style|head).*</\1>}{}sr,
            qr{<h1>[^<]+</h1>\s*<p>[^<]*try again[^<]*</p>}s, 'and a text';
        unlike $r->body, qr/<script|https?:|Apache|servoy|crm|zz42/i,
            'nothing from outside, from the request or of ours';
    };
    return;
}

subtest 'no node can take a launch' => sub {
    my $query = '?zz42=%3Cscript%3E&"zz42<b>';
    my $refused = sub {
        my ($name, $why, %option) = @_;
        is_page(launch($httpd->client, $name, target => "$jnlp$query",
            headers => ['Referer: http://zz42/'], %option), $why);
        my $head = $httpd->client
            ->raw("HEAD /$name$jnlp HTTP/1.1\r\nHost: zz42\r\nConnection: close\r\n\r\n");
        like $head, qr{^HTTP/1\.1 503 (?s:.*)\r\n\r\n\z}, 'HEAD: no body';
        like $head, qr/^$_\r$/mi,
            "HEAD: $_" for 'Retry-After: \d+', 'Cache-Control: no-store',
            'Content-Type: text/html; charset=utf-8';
        unlike $head, qr/^(?:Location|Set-Cookie):|zz42/mi;
    };
    $refused->('alloff', 'all switched off');
    $refused->('alldrain', 'all draining');
    $refused->('gone', 'one that is down, and nobody has asked it for anything');
    is $httpd->client->get("/gone$page")->status, 503, 'nor could it serve';
    $refused->('gone', 'and then');
    # here it is mod_proxy that finds out
    for my $name (qw(goneproxy gonerewrite)) {
        $refused->($name, "$name, the first time");
        $refused->($name, "$name, in error");
        unlike $httpd->client->get("/$name$page")->body, qr/cannot be started/,
            'other requests have an answer of their own';
    }
    my $cookie = $at->launcher_on('stick', 2)->cookie('SERVOYLAUNCH');
    is $at->named(launch($httpd->client, 'alldrain', headers => ["Cookie: SERVOYLAUNCH=$cookie"])),
        2, 'those that a draining node has are not refused';
    is sum0(map { $manager->total($_, 'launches') } qw(alloff alldrain gone)), 1,
        'none of the others is counted';

    my $user = $httpd->client(keepalive => 1);
    is launch($user, 'alloff', method => $_)->status, 503, "$_ on a connection that is kept"
        for qw(GET HEAD GET);
    is launch($user, 'plain')->status, 302, 'for the next request';
    my $r = SVB::Curl->get($httpd->url . "/alloff$jnlp", '--http2-prior-knowledge');
    is $r->version . ' ' . $r->status, '2 503', 'HTTP/2';
    like $r->body, qr/cannot be started/;
};

subtest 'ErrorDocument 503 comes first' => sub {
    my %said = (document => 'Closed for today', documents => 'Closed for today',
        file => 'Closed in a file');
    for my $name (sort keys %said) {
        for my $n (1, 2) {
            my $r = launch($httpd->client, $name);
            is $r->status, 503, "$name ($n)";
            is $r->body, "<p>$said{$name}";
            like $r->header('Retry-After') // '', qr/^[1-9]\d*$/, 'Retry-After';
            is $r->header('Set-Cookie'), undef;
        }
    }
};

subtest 'the cookie of a dead node moves' => sub {
    my $user = $at->launcher_on('moves', 1);
    my $session = $at->user_on('moves', 1);
    $one->kill;
    wait_ok(sub { $httpd->nodes('moves')->{servoy1}{state} eq 'error' }, 20,
        'the node is known to be dead, without any traffic');
    my $old = $user->cookie('SERVOYLAUNCH');
    is $at->named(launch($user, 'moves', method => 'HEAD')), 2, 'HEAD';
    is $user->cookie('SERVOYLAUNCH'), $old, 'which changes nothing' ;
    is $at->named(launch($user, 'moves')), 2, 'GET';
    isnt $user->cookie('SERVOYLAUNCH'), $old, 'with another cookie';
    is $at->named(launch($httpd->client, 'moves')), 2, 'new launches, too' for 1 .. 2;
    is $at->named(launch($session, 'moves')), 2, 'and those with a session there';
    $one->start;
    # no request has failed, so mod_proxy's retry=600 plays no part
    wait_known('servoy1');
    is $at->named(launch($user, 'moves')), 2, 'it stays on its new node';
    my %named;
    $named{ $at->named(launch($httpd->client, 'moves')) // 'none' }++ for 1 .. 4;
    ok $named{1}, 'new ones go to the old one again' or diag explain \%named;
};

subtest 'other methods are not allowed' => sub {
    $fleet->calm;
    for my $method (qw(POST PUT DELETE PATCH OPTIONS PROPFIND)) {
        my $r = launch($httpd->client, 'plain', method => $method, body => 'a=b');
        is $r->status, 405, $method;
        is $r->header('Allow'), 'GET, HEAD', 'Allow';
        is $r->header('Location'), undef;
        is $r->header('Set-Cookie'), undef;
    }
    is_deeply [ map { $_->requests->{$jnlp} } $fleet->nodes ], [ undef, undef ],
        'no node has seen them';
    my $user = $httpd->client(keepalive => 1, cookies => 0);
    is launch($user, 'plain', method => 'POST', body => "GET / HTTP/1.1\r\n\r\n")->status, 405;
    is launch($user, 'plain')->status, 302, 'the body is not taken for a request';
    is $httpd->client->post("/plain$page", 'a=b')->status, 200, 'elsewhere they are';
};

for my $name (qw(proxied rewrite)) {
    subtest "ServoyLaunch $name: other methods go to the node" => sub {
        $fleet->calm;
        my $r = launch($httpd->client, $name, method => 'POST', body => 'a=b');
        like $r->node, qr/^servoy[12]$/, 'which answers';
        isnt $r->status, 302;
        my $seen = 0;
        $seen += $_->requests->{$jnlp} // 0 for $fleet->nodes;
        is $seen, 1;
    };
}

$httpd->stop;
done_testing;
