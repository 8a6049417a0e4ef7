#!/usr/bin/perl
# The nodes of tests as NGClients see them: windows that keep a session alive, clients
# that are disposed of when their windows are gone, logins, and what a node answers
# besides: REST, while it starts, and as a second application.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SVB::Fleet;
use SVB::Node;
use SVB::Wait qw(:DEFAULT patience);
use Test::More;

my $page = '/servoy-webclient/ss/s/crm';
my $start = '/solutions/crm/index.html';
my $login_seconds = int patience(2);
my $fleet = SVB::Fleet->of(SVB::Node->start_all(
    SVB::Node->new(name => 'servoy1', session_seconds => int patience(2),
        window_seconds => int patience(5)),
    SVB::Node->new(name => 'servoy2', contexts => ['second'],
        java => ["-Ddemo.loginSeconds=$login_seconds"])));
my ($one, $two) = $fleet->nodes;

# '2 1 3': windowed clients, other ones, and open windows of a node.
sub kinds {
    my ($node, @context) = @_;
    return join ' ', map { $node->$_(@context) } qw(active_windowed active_web open_windows);
}

# An NGClient of a node, with a window open.
sub ngclient {
    my ($node) = @_;
    my $user = $node->client;
    my ($path) = $user->get($start)->body =~ /data-socket="([^"]+)"/;
    my $ws = $user->websocket($path);
    ($ws->recv_json // {})->{event} eq 'open' or die "no window at $path\n";
    return ($user, $ws);
}

sub id { my ($user) = @_; return $user->cookie('JSESSIONID') }
sub has { my ($node, $user) = @_; return scalar grep { $_ eq id($user) } @{ $node->sessions } }

# When somebody without a window has timed out, longer than the session timeout is over.
sub session_timeout_passes {
    my $guest = $one->client;
    $guest->get($page);
    wait_ok(sub { !has($one, $guest) }, 10, 'meanwhile, a session without a window times out');
    return;
}

subtest 'a window keeps its session' => sub {
    my $user = $one->client;
    $user->get($start);
    is kinds($one), '0 1 0', 'a page, no window yet: a session as others';
    my $ws = $user->websocket('/websocket/1/main/1');
    is $ws->recv_json->{event}, 'open';
    is kinds($one), '1 0 1', 'a window';
    session_timeout_passes();
    is kinds($one), '1 0 1', '... the one with a window does not';
    my $other = $user->websocket('/websocket/2/main/1');
    is $other->recv_json->{session}, id($user);
    is kinds($one), '1 0 2', 'two clients of a browser are one session';
    $ws->close;
    wait_ok(sub { kinds($one) eq '1 0 1' }, 5, 'one window is closed');
    session_timeout_passes();
    $other->close;
    wait_ok(sub { kinds($one) eq '1 0 0' }, 5, 'so is the last');
    session_timeout_passes();
    is kinds($one), '1 0 0', 'the session timeout is nothing to a client that had a window';

    my ($id, $asked, $r) = (id($user), 0);
    wait_ok(sub {
        $r = $user->get($page);
        return 1 if $r->header('X-Session-New');
        $asked += !defined $r->cookie('JSESSIONID');
        return 0;
    }, 10, 'it is disposed of, whatever pages it asks for');
    cmp_ok $asked, '>', 1, "... it had asked for $asked, and heard nothing of it";
    isnt id($user), $id, 'the next one begins a new session';
    is kinds($one), '0 1 0', 'which had no window so far';
};

subtest 'time is counted from the last window' => sub {
    my ($back, $window) = ngclient($one);
    my ($login, $asked) = ngclient($one);
    my ($lost, $cut) = ngclient($one);
    my $before = id($login);
    $login->get('/login');
    isnt id($login), $before, 'a client logs in, and has another id';
    $_->close for $window, $asked;
    wait_for(sub { $one->open_windows == 1 }, 5, 'windows to be closed');
    my $again = $back->websocket('/websocket/1/main/2?lastServerMessageNumber=3');
    is $again->recv_json->{event}, 'open', 'a window comes back';
    $cut->abort;
    wait_ok(sub { !has($one, $login) }, 10, 'the client that logged in is disposed of');
    wait_ok(sub { !has($one, $lost) }, 10, 'so is one that hung up, later');
    ok has($one, $back), 'the one that came back lives on';
    is $again->ping('there?'), 1, 'with its window';
    $back->get('/logout');
    wait_ok(sub { $one->active_windowed == 0 }, 5, 'until it logs out');
    is $one->open_windows, 0, 'a window without a session is none';
    $again->close;
};

subtest 'a window of a dead session' => sub {
    my $gone = $one->client;
    $gone->get($start);
    my $id = id($gone);
    $gone->get('/logout');
    my %how = (
        'a session of before'            => [ '', "Cookie: JSESSIONID=$id" ],
        'one of before, in the path'     => [ ";jsessionid=$id" ],
        'one that never was'             => [ '', 'Cookie: JSESSIONID=' . '0' x 32 . '.servoy1' ],
        'none'                           => [''],
    );
    for my $name (sort keys %how) {
        my ($suffix, @headers) = @{ $how{$name} };
        my $ws = $one->client->websocket("/websocket/1/main/1$suffix", headers => \@headers);
        is $ws->response->status, 101, $name;
        is $ws->response->cookie('JSESSIONID'), undef, '... gets no cookie';
        my $message = $ws->recv_json;
        is "$message->{event} $message->{node}", 'reload servoy1', '... is told to reload';
        is $ws->recv, undef;
        is $ws->close_code, 1003, '... and that it cannot be accepted';
    }
    is kinds($one), '0 0 0', 'nobody is there';
};

subtest 'shared sessions' => sub {
    my $cluster = SVB::Fleet->start(2, replicated => 1, window_seconds => 1);
    my ($first, $second) = $cluster->nodes;
    my ($user) = ngclient($first);
    $user->get($start);
    is kinds($second), '1 0 0', 'the other node knows of a client, and has no window of its';
    $first->kill;
    is $user->get($second->url . $start)->header('X-Count'), 3, 'it goes there';
    my $ws = $user->websocket($second->url . '/websocket/1/main/1');
    is $ws->recv_json->{session}, id($user);
    is kinds($second), '1 0 1', 'its window comes back';
    $ws->close;
    wait_ok(sub { kinds($second) eq '0 0 0' }, 10, 'and goes: it is disposed of');
    $cluster->stop;
};

subtest 'login form' => sub {
    my $user = $one->client;
    my $form = '/solution/secure/index.html';
    my $r = $user->get($form);
    is $r->status, 200;
    like $r->header('Content-Type'), qr{^text/html};
    like $r->body, qr{<form method="post" action="\Q$form\E">}, 'a form';
    is $r->cookie('JSESSIONID'), undef, '... and no session';
    is kinds($one), '0 0 0';
    $r = $user->post_form($form, { username => 'me', password => 'secret' });
    is $r->status, 200;
    is $r->header('X-Session-New'), 1, 'what is posted begins the session';
    is $r->cookie('JSESSIONID'), $r->header('X-Session');
    like $r->body, qr/data-socket=/, '... and the client';
    is $user->get($form)->header('X-Count'), 2, 'who has a session gets no form';
    is $one->client->post_form('/solutions/crm/index.html', {})->header('X-Count'), 1,
        'any solution may be posted to';
    $one->maintenance(1);
    is $one->client->$_($form)->status, 503, "refused in maintenance: $_" for qw(get post);
    $one->maintenance(0);
};

subtest 'OAuth' => sub {
    my $state_of = sub {
        my ($user, $node) = @_;
        my $r = $user->get($node->url . '/oauth/start?solution=crm');
        is $r->status, 302, 'the user is sent away, to say who they are';
        my ($state) = ($r->header('Location') // '')
            =~ m{^https://idp\.example\.com/authorize\?\S*\bstate=(\w+)};
        ok $state, '... with a state';
        is $r->cookie('JSESSIONID'), undef, '... and no session';
        return $state;
    };
    my $user = $one->client;
    wait_ok(sub { kinds($one) eq '0 0 0' }, 10, 'nobody is there');
    my $state = $state_of->($user, $one);
    isnt $state_of->($user, $one), $state, 'each time another one';
    is kinds($one), '0 0 0', 'nobody is there still';
    for my $wrong ("state=$state", 'state=no', '') {
        my $r = $two->client->get("/oauth/callback?$wrong");
        is $r->status . ' ' . $r->body, "400 unknown state\n", "at another node: '$wrong'";
        is $r->cookie('JSESSIONID'), undef;
    }
    my $r = $user->get("/oauth/callback?state=$state&code=1");
    is $r->status . ' ' . $r->header('Location'), '302 /solution/crm/index.html',
        'at the node itself it comes in';
    is $r->header('X-Session-New'), 1, '... and has a session';
    is $r->cookie('JSESSIONID'), $r->header('X-Session');
    is $user->get($r->header('Location'))->header('X-Count'), 2, '... for its start page';
    is $user->get("/oauth/callback?state=$state")->status, 400, 'a state is good for once';

    my $poster = $two->client;
    $r = $poster->post_form('/oauth/callback', { state => $state_of->($poster, $two), code => 1 });
    is $r->status . ' ' . $r->header('X-Count'), '302 1', 'or as a form, at the other node';
    my $late = $state_of->($poster, $two);
    my $mark = time;
    wait_for(sub { time > $mark + $login_seconds }, 5, 'the state to be too old');
    is $poster->get("/oauth/callback?state=$late")->status, 400, 'too late';
    like $poster->get('/second/oauth/start?solution=a%26b')->header('Location'),
        qr{redirect_uri=http%3A%2F%2F127\.0\.0\.1%3A\d+%2Fsecond%2Foauth%2Fcallback$},
        'where to come back to';
};

subtest 'REST' => sub {
    my $user = $one->client;
    my $rest = '/servoy-service/rest_ws/crm/orders';
    for my $method (qw(GET POST PUT DELETE PATCH OPTIONS)) {
        my $r = $user->request($method => "$rest/7?a=b", body => 'x');
        is $r->status, 200, $method;
        is_deeply $r->json, { node => 'servoy1', method => $method, solution => 'crm',
            form => 'orders', rest => '/7', length => 1 }, '... is answered';
    }
    is $user->head($rest)->status, 200, 'HEAD';
    my $r = $user->post("$rest?status=503", 'x');
    is $r->status . ' ' . $r->body, "503 too many clients\n", 'a 503 of its own';
    is $user->get("$rest?status=404&text=none")->body, "none\n", 'or anything else';
    is $user->get('/servoy-service/rest_ws/crm')->status, 404, 'no form';
    is id($user), undef, 'never a session';
    $one->maintenance(1);
    is $user->get($rest)->status, 200, 'it is not refused in maintenance';
    $one->maintenance(0);
};

subtest 'a node that is starting' => sub {
    my $user = $two->client;
    $user->get($start);
    $two->starting(1);
    my $rest = '/servoy-service/rest_ws/crm/orders';
    for my $path ($page, $start, '/servoy-client/crm.jnlp', '/oauth/start?solution=crm', $rest) {
        my $r = $two->client->get($path);
        is $r->status . ' ' . $r->body, "503 System is inaccessible. Try again later.\n", $path;
    }
    is $user->get($start)->header('X-Count'), 2, 'who has a session is served';
    $two->starting(0);
    is $two->client->get($start)->status, 200, 'it is up';
    $two->refusal(status => 500, text => 'no & nothing');
    is $two->client->get($start)->body, "no & nothing\n", 'any other answer instead';
    $fleet->calm;
    is $two->client->get($start)->status, 200, 'all is calm';
};

subtest 'a second application' => sub {
    my $user = $two->client;
    my ($web, $there) = map { $two->active_web($_) } '', 'second';
    my $first = $user->get($start);
    my $second = $user->get("/second$start");
    like $second->header('Set-Cookie'), qr{^JSESSIONID=\w+\.servoy2; Path=/second;}, 'cookie';
    isnt $second->cookie('JSESSIONID'), $first->cookie('JSESSIONID'), 'another session';
    is $user->get($start)->header('X-Count'), 2, 'each has its own';
    is $user->get("/second$start")->header('X-Count'), 2;
    is $two->active_web - $web, 1, 'counted where it is';
    is $two->active_web('second') - $there, 1;
    is $two->active_sessions('second'), 1;
    is_deeply $two->sessions('second'), [ $second->cookie('JSESSIONID') ];
    my ($path) = $second->body =~ m{data-socket="(/second/websocket/[^"]+)"};
    like $second->body, qr{src="/second/resources/x\.js"};
    my $ws = $user->websocket($path);
    is $ws->recv_json->{session}, $second->cookie('JSESSIONID'), 'windows';
    is kinds($two, 'second'), '1 0 1';
    is $two->active_windowed, 0;
    like $user->get("/second$page")->body, qr{href="/second/login"}, 'links';
    $user->get('/second/logout');
    is $two->active_sessions('second'), 0, 'a logout is from one of them';
    is $user->get($start)->header('X-Count'), 3;
    is $two->client->get('/second/admin/sessions', headers => ['X-Forwarded-For: 192.0.2.1'])
        ->status, 404, 'and nothing of /admin there either';
};

$fleet->stop;
done_testing;
