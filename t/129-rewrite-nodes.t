#!/usr/bin/perl
# ServoyLaunch rewrite and nodes: launch cookies and counting, nodes that die, also in
# the middle of a JNLP; without mod_deflate, and with other MPMs.


use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SVB::Balancer;
use SVB::Httpd;
use SVB::JnlpFiles;
use SVB::Rewrite;
use SVB::Temp;
use SVB::Wait;
use Test::More;

my ($dir, $other_dir) = map { SVB::Temp->dir('files') } 1 .. 2;
my $fleet = SVB::Rewrite->start_nodes($dir, $other_dir);
my ($one) = $fleet->nodes;

sub both {
    my ($scheme, $more) = @_;
    return $fleet->members($scheme, $more // 'retry=0');
}

my $solo = $one->member('ajp', 'retry=0');
my $httpd = SVB::Httpd->new(conf => join '',
    rewriting('solo', $solo),
    rewriting('twin', both('ajp')),
    rewriting('counts', both('ajp')),
    rewriting('moves', both('ajp', 'retry=600')),
    rewriting('dies', both('http', 'retry=0')),
    rewriting('diesajp', both('ajp', 'retry=0')),
    manager_location())->start;
my $at = SVB::Rewrite->new(httpd => $httpd, fleet => $fleet);
my $front = 'http://localhost:' . $httpd->port;

subtest 'the launch cookie, counting, ETags of different nodes' => sub {
    my %tag;
    for my $route (qw(servoy1 servoy2)) {
        my $user = $at->launcher_on('twin', $route);
        my $before = $at->counted('twin');
        for my $target ('/files/plain.jnlp', '/files/plain.jnlp',
            '/servoy-client/dev/crm.jnlp?a=1') {
            is $at->launch('twin', $target, client => $user)->node, $route,
                "$target: the same node";
        }
        my $r = $at->launch('twin', '/files/plain.jnlp', client => $user);
        is_rewritten($r, $text{plain}, "$front/twin/files/plain.jnlp", 'with its codebase');
        $tag{$route} = $r->header('ETag');
        my ($launches, $elected, $smart) = @{ $before->{$route} };
        is_deeply $at->counted('twin')->{$route}, [ $launches + 4, $elected, $smart ],
            'one client, however often it comes';
        is $at->launch('twin', '/files/plain.jnlp', client => $user, method => 'HEAD')->node,
            $route, 'HEAD';
    }
    isnt $tag{servoy1}, $tag{servoy2}, 'each node has its own ETag';
    my $user = $at->launcher_on('twin', 'servoy2');
    is $at->launch('twin', '/files/plain.jnlp', client => $user,
        headers => ["If-None-Match: $tag{servoy1}"])->status, 200,
        'which does not hold at the other';
    is $at->launch('twin', '/files/plain.jnlp', client => $user,
        headers => ["If-None-Match: $tag{servoy2}"])->status, 304, 'but there';
};

subtest 'a GET counts, a HEAD does not' => sub {
    my %got;
    for my $n (1 .. 4) {
        my $before = $at->counted('counts');
        my @head = map { $at->launch('counts', '/files/plain.jnlp', method => 'HEAD')->node }
            1 .. 2;
        is_deeply $at->counted('counts'), $before, 'HEAD changes nothing';
        my $r = $at->launch('counts', '/files/plain.jnlp');
        is_deeply \@head, [ ($r->node) x 2 ], 'the GET after it gets the same node';
        my @cookies = $r->headers('Set-Cookie');
        like "@cookies",
            qr/^SERVOYLAUNCH=[0-9a-f]{16}\.\Q${\ $r->node}\E; Path=\/; HttpOnly; SameSite=Lax$/,
            'one cookie';
        $got{ $r->node }++;
        $_++ for @{ $before->{ $r->node } };
        is_deeply $at->counted('counts'), $before, 'and counts once';
    }
    is_deeply \%got, { servoy1 => 2, servoy2 => 2 }, 'in turn';
    my $tag = $at->launch('counts', '/files/plain.jnlp')->header('ETag');
    my $sum = sub { my $now = $at->counted('counts'); $now->{servoy1}[0] + $now->{servoy2}[0] };
    my $before = $sum->();
    my $r = $at->launch('counts', '/files/plain.jnlp', headers => ['If-None-Match: *']);
    is $r->status, 304;
    like $r->header('Set-Cookie'), qr/^SERVOYLAUNCH=/, 'a 304 is a launch as well';
    is $sum->(), $before + 1;
};

subtest 'the node of the launch cookie is dead' => sub {
    my $user = $at->launcher_on('moves', 'servoy1');
    my $old = $user->cookie('SERVOYLAUNCH');
    $one->kill;
    my $head = $at->launch('moves', '/files/plain.jnlp', client => $user, method => 'HEAD');
    is $head->status . $head->node, '200servoy2', 'HEAD';
    is $user->cookie('SERVOYLAUNCH'), $old, 'which changes nothing';
    my $r = $at->launch('moves', '/files/plain.jnlp', client => $user);
    is $r->node, 'servoy2', 'GET: the other node';
    is_rewritten($r, $text{plain}, "$front/moves/files/plain.jnlp", 'with its codebase');
    like $user->cookie('SERVOYLAUNCH'), qr/\.servoy2$/, 'and a cookie for it';
    is $at->launch('moves', '/files/plain.jnlp', client => $user)->node, 'servoy2',
        'where it stays';
    is $at->launch('solo', '/files/plain.jnlp')->status, 503, 'there is no other: 503';
    $one->start;
    wait_ok(sub { $at->launch('solo', '/files/plain.jnlp')->status == 200 }, 20,
        'until it is there again');
};

# Half of a JNLP has come when its node dies, or all of it, but for the end.
for (qw(dies=half dies=whole diesajp=half)) {
    my ($name, $how) = split /=/;
    subtest "a node dies in the middle of it: $_" => sub {
        my $target = "/files/plain.jnlp?servoy1=$how";
        my $user = $at->launcher_on($name, 'servoy1');
        $one->reset_requests;
        my $pending = $user->start(GET => "/$name$target");
        wait_for(sub { $one->requests->{'/files/plain.jnlp'} }, 10,
            'the request to come to the node');
        $one->kill;
        my $r = $pending->finish(20);
        isnt $r->error, 'timeout', 'the client is told';
        ok $r->error || $r->status =~ /^5/ || $r->body
            eq rewritten($text{plain}, SVB::Rewrite->direct('servoy2'), "$front/$name$target"),
            'no half of it looks whole' or diag $r->head, $r->body;
        $r = $at->launch($name, $target, client => $user);
        is_rewritten($r, $text{plain}, "$front/$name$target", 'the next time it is whole');
        is $r->node, 'servoy2', 'from the other node';
        $one->start;
        wait_for(sub { $at->launch('solo', '/files/plain.jnlp')->status == 200 }, 20,
            'the node to be back');
    };
}

# mod_proxy_ajp takes what there is for all.
subtest 'a node ends an answer before its end' => sub {
    $httpd->mark;
    my $r = $at->launch('diesajp', '/files/plain.jnlp?servoy1=cut',
        client => $at->launcher_on('diesajp', 'servoy1'));
    ok $r->error || $r->body eq substr(untouched($text{plain}), 0, length($r->body)),
        'nothing is made of it' or diag $r->body;
    $at->logged($r, qr/cannot be parsed/, 'that') if !$r->error;
};

$httpd->stop;

# --- other servers ---

subtest 'without mod_deflate' => sub {
    my $plain = SVB::Httpd->new(conf => rewriting('solo', $solo))->start;
    my $target = '/files/gzip_good.jnlp?Content-Encoding=gzip';
    my $r = $plain->client->get("/solo$target", headers => ['Accept-Encoding: gzip']);
    $at->is_passed($r, $target, 'gzip passes as it is');
    like $plain->wait_log(qr/SVB0052/, 5),
        qr/balancer:\/\/solo: .* node servoy1 .*compressed .*load mod_deflate/,
        'and the log says why';
    $plain->stop;
};

for my $mpm (qw(worker prefork)) {
    subtest "the same with $mpm" => sub {
        my $other = SVB::Httpd->new(mpm => $mpm,
            conf => rewriting('root', both('ajp'), 'ProxyPass "/" "balancer://root/"'))->start;
        my $url = 'http://localhost:' . $other->port;
        my $user = $other->client(keepalive => 1);
        my $head = $user->head('/files/plain.jnlp');
        my $r = $user->get('/files/plain.jnlp?a|b');
        is $r->node, $head->node, 'HEAD and GET';
        is_rewritten($r, $text{plain}, "$url/files/plain.jnlp?a%7Cb", 'rewritten');
        is $user->get('/files/plain.jnlp?a|b',
            headers => [ 'If-None-Match: ' . $r->header('ETag') ])->status, 304, 'not modified';
        $at->is_passed($user->get('/files/over_1m.jnlp'), '/files/over_1m.jnlp', 'a large one');
        is_rewritten($user->get('/files/large.jnlp'), $text{large}, "$url/files/large.jnlp",
            'one that is just not too large');
        $other->stop;
    };
}

done_testing;
