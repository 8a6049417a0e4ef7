#!/usr/bin/perl
# The nodes that all other tests build on, by themselves: real Tomcats that behave
# as Servoy does. Reached directly, and over AJP by an httpd without our module.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(sha1_hex);
use SVB::Authority;
use SVB::Curl;
use SVB::Fleet;
use SVB::Httpd;
use SVB::Node;
use SVB::Wait;
use SVB::WebStart;
use Test::More;

my $page = '/servoy-webclient/ss/s/crm';
my $fleet = SVB::Fleet->start(2);
my ($one, $two) = $fleet->nodes;

subtest 'web client' => sub {
    my $user = $one->client;
    my $first = $user->get($page);
    is $first->status, 200;
    is $first->node, 'servoy1';
    is $first->header('X-Session-New'), 1;
    is $first->header('X-Count'), 1;
    like $first->cookie('JSESSIONID'), qr/^[0-9A-F]{32}\.servoy1$/, 'the id ends in the route';
    is $first->header('X-Session'), $first->cookie('JSESSIONID');
    like $first->body, qr/Web Client on servoy1/;
    my $second = $user->get('/servoy-webclient/');
    is $second->header('X-Session-New'), 0;
    is $second->header('X-Count'), 2;
    is $second->cookie('JSESSIONID'), undef, 'no second cookie';
    is $user->post($page, 'a=b')->header('X-Count'), 3, 'POST';
    is $one->client->get($page)->header('X-Count'), 1, 'another client is another session';
    is $one->active_sessions, 2;
    is_deeply $two->sessions, [], 'none on the other node';
    is $one->requests->{$page}, 3;
    is $one->reset_requests->{$page}, 3;
    is $one->requests->{$page}, undef, 'counters start again';
};

subtest 'cookies off: session in the path' => sub {
    my $user = $one->client(cookies => 0);
    my ($link) = $user->get($page)->body =~ /href="(\Q$page\E;jsessionid=[^"]+)"/;
    ok $link, 'links carry the id' or return;
    is $user->get($link)->header('X-Count'), 2;
    is $user->get($page)->header('X-Count'), 1, 'without it: a new client';
    my $foreign = $link =~ s/\.servoy1$/.servoy2/r;
    is $two->client(cookies => 0)->get($foreign)->header('X-Session-New'), 1,
        'another node does not know it';
};

subtest 'NGClient: page, static resources, WebSocket' => sub {
    my $user = $one->client;
    my $static = $user->get('/resources/x.js');
    is $static->status, 200;
    is $static->cookie('JSESSIONID'), undef, 'resources are stateless';
    for my $path ('/solutions/crm/index.html', '/solution/crm/index.html') {
        my $r = $user->get($path);
        is $r->status, 200, $path;
        like $r->body, qr{src="/resources/x\.js"};
        unlike $r->body, qr{(?:src|href)="(?:https?:)?//}, 'no outside resources';
    }
    is $user->get('/solutions/crm/other.html')->status, 404;
    is $user->get('/solutions/crm/index.html')->header('X-Count'), 3;

    my ($path) = $user->get('/solutions/crm/index.html')->body =~ /data-socket="([^"]+)"/;
    my $ws = $user->websocket($path);
    is $ws->response->status, 101;
    my $hello = $ws->recv_json;
    is $hello->{event}, 'open';
    is $hello->{node}, 'servoy1';
    is $hello->{session}, $user->cookie('JSESSIONID'), 'bound to the HTTP session';
    is "/websocket/$hello->{client}/$hello->{window}/$hello->{windownr}", $path;
    for my $text ('hello', 'x' x 126, "caf\xc3\xa9 " . 'y' x 4000) {
        $ws->send($text);
        my $echo = $ws->recv_json;
        utf8::encode(my $got = $echo->{text});
        is $got, $text, length($text) . ' bytes echoed';
        is $echo->{node}, 'servoy1';
    }
    ok $ws->ping('are you there'), 'ping';
    $ws->close;
    is $ws->close_code, 1000, 'closed in order';
    $ws = $user->websocket($path);
    is $ws->recv_json->{event}, 'open', 'another one';
    $ws->send('close');
    is $ws->recv, undef;
    ok $ws->closed, 'the node closes when told to';
};

subtest 'login and logout' => sub {
    my $user = $one->client;
    my $before = $user->get($page)->header('X-Session');
    my $r = $user->get('/login');
    is $r->header('X-Session-Before'), $before;
    like $r->cookie('JSESSIONID'), qr/^(?!\Q$before\E)\w{32}\.servoy1$/, 'login: another id';
    is $user->get($page)->header('X-Count'), 3, 'the same session';
    ok !(grep { $_ eq $before } @{ $one->sessions }), 'the old id is gone';
    my $active = $one->active_sessions;
    is $user->get('/logout')->cookie('JSESSIONID'), '', 'logout: the cookie expires';
    is $user->cookie('JSESSIONID'), undef;
    is $one->active_sessions, $active - 1;
    is $user->get($page)->header('X-Session-New'), 1;
};

subtest 'probes' => sub {
    my $user = $one->client;
    my $slow = $user->get('/slow?ms=300');
    cmp_ok $slow->seconds, '>', 0.25, 'slow';
    my $pending = $user->start(GET => '/slow?ms=60000&flush=1');
    is $pending->head->status, 200, 'slow, head first';
    $pending->abort;
    is $user->get("/status/$_")->status, $_, "status $_" for 200, 204, 304, 404, 500, 503;
    is $user->get('/status/503?text=busy')->body, "busy\n";
    is $user->cookie('JSESSIONID'), undef, 'no session';
    is $user->get('/status/503?session=1')->status, 503;
    ok $user->cookie('JSESSIONID'), 'but on demand';

    my $seen = $user->post('/echo/a%20b%2Fc;p=1?x=%7C&y', 'body',
        headers => ['X-Two: 1', 'x-two: 2'])->json;
    is $seen->{node}, 'servoy1';
    is $seen->{method}, 'POST';
    is $seen->{uri}, '/echo/a%20b%2Fc;p=1', 'URI as sent';
    is $seen->{query}, 'x=%7C&y';
    is $seen->{scheme}, 'http';
    ok !$seen->{secure};
    is_deeply $seen->{headers}{'x-two'}, [1, 2];
    is_deeply $seen->{headers}{host}, [ '127.0.0.1:' . $one->http_port ];
    is $seen->{remoteAddr}, '127.0.0.1';
    is $seen->{length}, 4;
    is $seen->{sha1}, sha1_hex('body');
    is $seen->{requestedSession}, $user->cookie('JSESSIONID');
    ok $seen->{requestedSessionValid};
    is $seen->{attributes}{JK_LB_ACTIVATION}, undef;
    is $user->get('/echo?x=|')->status, 400, 'Tomcat refuses a raw | over HTTP';
};

subtest 'launch' => sub {
    my $user = $one->client;
    my $r = $user->get('/servoy-client/dev/crm.jnlp?m=open&a=1%7C2&color=%26red',
        host => 'desk.example.com:81');
    is $r->status, 200;
    is $r->header('Content-Type') =~ s/;.*//r, 'application/x-java-jnlp-file';
    is $user->cookie('JSESSIONID'), undef, 'no session';
    like $r->body, qr{codebase="http://desk\.example\.com:81/"}, 'codebase from Host';
    like $r->body, qr{href="servoy-client/dev/crm\.jnlp\?m=open&amp;a=1%7C2&amp;color=%26red"};
    is_deeply [ $r->body =~ m{<argument>(.*?)</argument>}g ],
        [ 'solution=crm', 'profile=dev', 'method=open', 'argument=1|2', 'color=&amp;red' ];
    is $user->head('/servoy-client/crm.jnlp')->status, 200, 'HEAD';
    is $user->get('/servoy-client/')->status, 404;

    my $run = SVB::WebStart->new->launch(
        $one->url . '/servoy-client/crm.jnlp?method=open&argument=1%7C2&color=red');
    is $run->{status}, 0, 'Java Web Start runs it' or diag $run->{output};
    is $run->{node}, '127.0.0.1:' . $one->http_port;
    my $arguments = [ 'solution=crm', 'method=open', 'argument=1|2', 'color=red' ];
    is_deeply $run->{args}, $arguments;
    is_deeply $one->reports, [ { node => $run->{node}, args => $arguments } ], 'the node was told';
    is_deeply $two->reports, [];
};

subtest 'maintenance' => sub {
    my $user = $one->client;
    $user->get('/solutions/crm/index.html');
    ok !$one->maintenance, 'off at first';
    ok $one->maintenance(1), 'on';
    for my $path ($page, '/solutions/crm/index.html', '/servoy-client/crm.jnlp', '/login') {
        my $r = $one->client->get($path);
        is $r->status, 503, "a new client is refused: $path";
        is $r->body, "Server in maintenance mode\n";
        is $r->cookie('JSESSIONID'), undef;
    }
    my $stale = $one->client;
    $stale->set_cookie(JSESSIONID => '0' x 32 . '.servoy1');
    is $stale->get($page)->status, 503, 'a session that is gone does not count';
    is $user->get($page)->status, 200, 'one with a session is served on';
    is $user->get('/solutions/crm/index.html')->header('X-Count'), 3;
    is $user->websocket('/websocket/1/main/1')->recv_json->{event}, 'open';
    is $user->get('/servoy-client/crm.jnlp')->status, 503, 'not with a launch, though';
    is $one->client->get('/resources/x.js')->status, 200;
    is $two->client->get($page)->status, 200, 'the other node is not touched';
    ok !$one->maintenance(0), 'off';
    is $one->client->get($page)->status, 200;
};

subtest 'through an httpd: AJP, and HTTP for WebSockets' => sub {
    my $httpd = SVB::Httpd->new(servoy => 0, conf => $fleet->conf(
        lbmethod => 'byrequests', extra => 'SetEnv AJP_JK_LB_ACTIVATION DIS'))->start;
    my (%nodes, @users);
    for (1 .. 4) {
        push @users, $httpd->client;
        $nodes{ $users[-1]->get($page)->node }++;
    }
    is_deeply \%nodes, { servoy1 => 2, servoy2 => 2 }, 'new clients go round';
    for my $user (@users) {
        my ($route) = $user->cookie('JSESSIONID') =~ /\.(\w+)$/;
        my $r = $user->get($page);
        is $r->node, $route, 'a client stays';
        is $r->header('X-Count'), 2;
        my $hello = $user->websocket('/websocket/1/main/1')->recv_json;
        is $hello->{node}, $route, 'its WebSocket goes there too';
        is $hello->{session}, $user->cookie('JSESSIONID');
    }
    my $body = join '', map { chr($_ % 256) } 1 .. 100_000;
    my $seen = $users[0]->post('/echo/a%20b?x=|', $body, host => 'desk.example.com')->json;
    is $seen->{uri}, '/echo/a%20b';
    is $seen->{query}, 'x=|', 'AJP carries a raw |';
    is $seen->{serverName}, 'desk.example.com', 'and the host';
    is $seen->{sha1}, sha1_hex($body), 'and a body';
    is $seen->{attributes}{JK_LB_ACTIVATION}, 'DIS', 'and an attribute';
    is $users[0]->get('/admin/sessions')->status, 404, 'but nothing of /admin';
    $httpd->reconfigure($fleet->conf(lbmethod => 'byrequests', scheme => 'http'));
    is $users[0]->get($page)->header('X-Count'), 3, 'HTTP members';
    is $users[0]->get('/admin/sessions')->status, 404, 'nor there';

    $httpd->reconfigure($fleet->conf(lbmethod => 'byrequests') =~ s/secret=\w+/secret=wrong/gr);
    is $users[0]->get($page)->status, 403, 'AJP with a wrong secret';
    $httpd->stop;
};

subtest 'an httpd that is not well is noticed' => sub {
    my $httpd = SVB::Httpd->new(mpm => 'event', servoy => 0, conf => "Nonsense on\n",
        expect => qr/exit signal Segm/);
    my ($code, $output) = $httpd->configtest;
    is $code, 1, 'configtest';
    like $output, qr/Invalid command 'Nonsense'/;
    like $httpd->start_fails, qr/Invalid command 'Nonsense'/, 'a start that is refused';
    is +($httpd->configtest(''))[0], 0, 'a good configuration';
    $httpd->{conf} = '';
    $httpd->start;
    my @children = $httpd->children;
    is scalar @children, 2;
    kill SEGV => $children[0];
    ok $httpd->wait_log(qr/exit signal Segm/, 10), 'a child that crashed';
    {
        local $httpd->{expect};
        is scalar(() = $httpd->complaints), 1, 'is a reason to complain';
    }
    is scalar(() = $httpd->complaints), 0, 'unless it was expected';
    wait_ok(sub { $httpd->children == 2 }, 10, 'it is replaced');
    $httpd->stop;
    ok !SVB::Ports->is_open($httpd->port), 'stopped';
};

subtest 'freeze, kill, stop and start' => sub {
    $two->freeze;
    like $two->client(timeout => 0.5)->get($page)->error, qr/timeout/, 'frozen';
    $two->thaw;
    is $two->client->get($page)->status, 200, 'thawed';
    $two->kill;
    ok !$two->alive, 'killed';
    like $two->client->get($page)->error, qr/refused/;
    my $port = $two->http_port;
    my $user = $two->start->client;
    is $two->http_port, $port, 'started again on the same ports';
    $user->get($page);
    is $two->active_sessions, 1, 'sessions of before are gone';
    my $pending = $user->start(GET => '/slow?ms=300');
    wait_for(sub { ($two->requests->{'/slow'} // 0) == 1 }, 5, 'the request');
    is $two->stop >> 8, 143, 'stopped by SIGTERM';
    $two->restart;
    is $two->active_sessions, 0, 'after an orderly restart too';
};

subtest 'sessions time out, but not under an open WebSocket; other options' => sub {
    my $node = SVB::Node->new(name => 'plain', route => '', session_seconds => 1,
        codebase => 'http://front.example.com:8080')->start;
    my $user = $node->client;
    like $user->get('/solutions/crm/index.html')->cookie('JSESSIONID'), qr/^[0-9A-F]{32}$/,
        'no jvmRoute';
    my $ws = $user->websocket('/websocket/1/main/1');
    is $ws->recv_json->{event}, 'open';
    $node->client->get($page);
    is $node->active_sessions, 2;
    wait_ok(sub { $node->active_sessions == 1 }, 10, 'the one without a WebSocket times out');
    is_deeply $node->sessions, [ $user->cookie('JSESSIONID') ], 'the other does not';
    $ws->close;
    wait_ok(sub { $node->active_sessions == 0 }, 10, 'until it is closed');
    like $node->client->get('/servoy-client/crm.jnlp')->body,
        qr{codebase="http://front\.example\.com:8080"},
        'codebase as configured';
    $node->kill;
};

# What a curl gets that checks certificates, and trusts this authority if any.
sub strict_curl {
    my ($url, $ca) = @_;
    return SVB::Curl->get($url, '--no-insecure', $ca ? ('--cacert', $ca->file) : ());
}

subtest 'HTTPS, with certificates of an authority' => sub {
    is $one->tls_port, undef, 'none unless asked for';
    my ($ca, $stranger) = map { SVB::Authority->new } 1 .. 2;
    my $node = SVB::Node->new(name => 'secure', tls => $ca)->start;
    my $httpd = SVB::Httpd->new(servoy => 0, tls => 1, authority => $ca,
        conf => <<"END")->start;
<VirtualHost *:\@TLS_PORT\@>
    SSLEngine on
    SSLCertificateFile \@CERT\@
    SSLCertificateKeyFile \@KEY\@
    ProxyPass / ${\ $node->url}/
</VirtualHost>
END
    for my $server ($node->tls_url, 'https://127.0.0.1:' . $httpd->tls_port) {
        for my $url ($server, $server =~ s/127\.0\.0\.1/localhost/r) {
            is strict_curl("$url$page", $ca)->node, 'secure', "$url is trusted with the authority";
            like strict_curl("$url$page")->error, qr/certificate problem/, 'not without it';
            like strict_curl("$url$page", $stranger)->error, qr/certificate problem/,
                'nor with another';
        }
    }
    my $seen = strict_curl($node->tls_url . '/echo', $ca)->json;
    is $seen->{scheme}, 'https';
    ok $seen->{secure}, 'the node knows';
    is $node->client->get($page)->status, 200, 'HTTP is there, too';
    $node->restart;
    is strict_curl($node->tls_url . $page, $ca)->status, 200, 'and HTTPS after a restart';
    $httpd->stop;

    my $user = SVB::WebStart->new(trust => $ca);
    is $user->shortcut, undef, 'no launch yet';
    for my $target ('/servoy-client/crm.jnlp', '/servoy-client/dev/crm.jnlp?m=open&a=%7C') {
        my $run = $user->launch($node->tls_url . $target);
        is $run->{status}, 0, "Java Web Start trusts it: $target" or diag $run->{output};
        is $run->{node}, '127.0.0.1:' . $node->tls_port, 'the codebase is https';
        is $user->shortcut, $node->tls_url . $target, 'and what it may be launched by again';
    }
    is scalar @{ $node->reports }, 2, 'the node was told, over https';
    my $run = $user->launch($user->shortcut);
    is_deeply $run->{args}, [ 'solution=crm', 'profile=dev', 'method=open', 'argument=|' ],
        'launched again';
    $run = SVB::WebStart->new(trust => $stranger)
        ->launch($node->tls_url . '/servoy-client/crm.jnlp');
    isnt $run->{status}, 0, 'a user who trusts another authority does not get it';
    like $run->{output}, qr/certificate cannot be verified/;
    is scalar @{ $node->reports }, 3, 'nor does it run';
    $node->kill;
};

subtest 'shared sessions' => sub {
    my $cluster = SVB::Fleet->start(2, replicated => 1);
    my ($first, $second) = $cluster->nodes;
    my $user = $first->client;
    is $user->get($page)->header('X-Count'), 1;
    is $user->get($page)->header('X-Count'), 2;
    my $id = $user->cookie('JSESSIONID');
    like $id, qr/\.servoy1$/;
    wait_ok(sub { $second->active_sessions == 1 }, 10, 'the other node has it too');
    $first->kill;
    my $moved = $user->get($second->url . $page);
    is $moved->node, 'servoy2';
    is $moved->header('X-Count'), 3, 'and goes on with it';
    is $user->cookie('JSESSIONID'), $id =~ s/1$/2/r, 'under another route';
    is $user->get($second->url . $page)->header('X-Count'), 4;
    $first->start;
    $cluster->wait_shared;
    is $first->active_sessions, 1, 'a node that comes back has it';
    is $user->get($first->url . $page)->header('X-Count'), 5;
    $cluster->stop;
};

done_testing;
