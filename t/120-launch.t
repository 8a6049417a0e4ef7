#!/usr/bin/perl
# Launches of the Smart Client: what the answer is, which node it names, and that
# it names the target byte for byte as the client wrote it.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SVB::Curl;
use SVB::Fleet;
use SVB::Httpd;
use SVB::Ports;
use SVB::Temp;
use SVB::Wait;
use Test::More;

my $fleet = SVB::Fleet->start(2);
my ($one, $two) = $fleet->nodes;
my $refusing = SVB::Ports->take;
my $page = '/servoy-webclient/ss/s/crm';
my $jnlp = '/servoy-client/crm.jnlp';
my $app1 = 'http://app1.example.com';

# One balancer for each question, each a fleet of its own under a prefix of its
# own: /plain/echo is the nodes' /echo by way of balancer://plain. Among the lines
# there may be a ProxyPass to have instead.
sub balancer {
    my ($name, $members, @lines) = @_;
    my $text = join "\n", $members, 'ProxySet lbmethod=servoy', "ServoyFleet $name", grep { !/^ProxyPass/ } @lines;
    my ($pass) = grep { /^ProxyPass/ } @lines, "ProxyPass \"/$name/\" \"balancer://$name/\"";
    return "<Proxy \"balancer://$name\">\n$text\n</Proxy>\n" . ($pass eq 'ProxyPass: none' ? '' : "$pass\n");
}

# Member lines of both nodes, with settings for each.
sub members {
    my (@more) = @_;
    return join '', map { $_->member('ajp', shift @more) } $fleet->nodes;
}

my @urls = map { sprintf 'ServoyNode %s url=%s', $_->route, $_->url } $fleet->nodes;
my @names = map { sprintf 'ServoyNode %s url=http://app%d.example.com', $_->route, $_->route =~ /(\d)/ } $fleet->nodes;
my @first = ($one->member('ajp'), "ServoyNode servoy1 url=$app1");
my $gone = "BalancerMember \"ajp://127.0.0.1:$refusing\" route=servoy1 retry=600";

my $conf = join '',
    balancer('plain',     members(), @urls),
    balancer('dry',       members(), @urls),
    balancer('counts',    members(), @urls),
    balancer('stick',     members(), @names),
    balancer('stickset',  members(), @names, 'ProxySet stickysession=JSESSIONID|jsessionid'),
    balancer('drain',     members('', 'status=+N'), @names),
    balancer('off',       members('', 'status=+D'), @names),
    balancer('alldrain',  members('status=+N', 'status=+N'), @names),
    balancer('alloff',    members('status=+D', 'status=+S'), @names),
    balancer('gone',      $gone, "ServoyNode servoy1 url=$app1"),
    balancer('goneproxy', $gone, "ServoyNode servoy1 url=$app1", 'ServoyLaunch proxy'),
    balancer('gonerewrite', $gone, "ServoyNode servoy1 url=$app1", 'ServoyLaunch rewrite'),
    balancer('document',  $gone, "ServoyNode servoy1 url=$app1"),
    balancer('documents', $gone, "ServoyNode servoy1 url=$app1", 'ServoyLaunch proxy'),
    balancer('file',      members('status=+D', 'status=+D'), @names),
    balancer('moves',     members('retry=600', 'retry=600'), @names),
    balancer('proxied',   members(), 'ServoyLaunch proxy', @urls),
    balancer('proxiedset', members(), 'ServoyLaunch proxy', 'ProxySet stickysession=JSESSIONID|jsessionid'),
    balancer('rewrite',   members(), 'ServoyLaunch rewrite', @urls),
    balancer('half',      members(), $names[0]),
    balancer('match',     @first, 'ServoyLaunchMatch "^/(?:start|echo)/.+\.jnlp$"'),
    balancer('nocookie',  members(), @names, 'ServoyLaunchCookie off'),
    balancer('cookie',    members(), @names, 'ServoyLaunchCookie MYLAUNCH'),
    balancer('nojsession', members(), @names, 'ServoySessionCookie SID'),
    balancer('port',      $one->member('ajp'), 'ServoyNode * url=https://App1.example.com:8443/desk%20top/%r/'),
    balancer('six',       $one->member('ajp'), 'ServoyNode * url=http://[2001:DB8::1]:8080'),
    balancer('canonical', @first),
    balancer('nocanon',   @first, 'ProxyPass "/nocanon/" "balancer://nocanon/" nocanon'),
    balancer('encoded',   @first, 'ProxyPass "/encoded/" "balancer://encoded/" mapping=encoded'),
    balancer('rewritten', @first, 'ProxyPass: none'),
    balancer('inner',     @first, 'ProxyPass "/inner/" "balancer://inner/deep/er/"',
        'ServoyLaunchMatch "^/deep/er/servoy-client/.+\.jnlp$"'),
    balancer('located',   @first, 'ProxyPass: none'),
    <<'END';
<Location "/located/">
    ProxyPass "balancer://located/"
</Location>
<LocationMatch "^/documents?/">
    ErrorDocument 503 "<p>Closed for today"
</LocationMatch>
<Location "/file/">
    ErrorDocument 503 /closed.html
</Location>
AllowEncodedSlashes NoDecode
RewriteEngine on
RewriteRule "^/rewritten/(.*)$" "balancer://rewritten/$1" [P]
ProxyPreserveHost On
<Location "/servoy-manager">
    SetHandler servoy-manager
</Location>
<VirtualHost *:@TLS_PORT@>
    SSLEngine on
    SSLCertificateFile "@CERT@"
    SSLCertificateKeyFile "@KEY@"
    RewriteEngine on
    RewriteOptions Inherit
</VirtualHost>
Protocols h2 h2c http/1.1
END

my $httpd = SVB::Httpd->new(conf => $conf, tls => 1, modules => [qw(rewrite http2)],
    log_level => 'info');
SVB::Temp->write_file($httpd->root . '/htdocs/closed.html', '<p>Closed in a file');
$httpd->start;

# --- what a test asks ---

sub launch {
    my ($client, $name, %option) = @_;
    my $target = delete $option{target} // $jnlp;
    return $client->request(delete $option{method} // 'GET', "/$name$target", %option);
}

# 1 or 2: the node that a Location names, in whatever way; undef for none.
sub named {
    my ($response) = @_;
    my $location = $response->header('Location') // return undef;
    return $1 if $location =~ m{^http://app([12])\.example\.com/};
    my ($authority) = $location =~ m{^(http://[^/]+)/};
    return (grep { $fleet->node($_ - 1)->url eq ($authority // '') } 1, 2)[0];
}

# A fleet's nodes in the manager's JSON, by route.
sub nodes { my ($name) = @_; return $httpd->nodes($name) }

sub total {
    my ($name, $counter) = @_;
    my $sum = 0;
    $sum += $_->{$counter} for values %{ nodes($name) };
    return $sum;
}

# Until a node that was started again is known to be there, wherever it counts.
sub wait_known {
    my ($route) = @_;
    wait_for(sub {
        my $json = $httpd->client->get('/servoy-manager?format=json')->json;
        return !grep { $_->{state} eq 'error' && $_->{route} eq $route }
            map { @{ $_->{nodes} } } grep { $_->{name} !~ /^(?:gone|document)/ } @{ $json->{fleets} };
    }, 20, "$route to be known as ready");
    return;
}

# Whether both nodes got their share of new ones, give or take one: whose turn it
# is depends on what was elected before, and when.
sub shared {
    my ($count, $expected, $name) = @_;
    my ($least, $most) = (sort { $a <=> $b } values %$count)[0, -1];
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $all = 0;
    $all += $_ for values %$count;
    return ok(keys %$count == 2 && !$count->{none} && $all == $expected && $most - $least <= 2, $name)
        || diag explain $count;
}

# A browser with a session on that node.
sub user_on {
    my ($name, $node) = @_;
    for (1 .. 8) {
        my $user = $httpd->client;
        return $user if ($user->get("/$name$page")->node // '') eq $fleet->node($node - 1)->name;
    }
    die "no user got to node $node\n";
}

# A browser with a launch cookie for that node.
sub launcher_on {
    my ($name, $node) = @_;
    for (1 .. 8) {
        my $user = $httpd->client;
        return $user if (named(launch($user, $name)) // 0) == $node;
    }
    die "no launch went to node $node\n";
}

# What the access log says about the last request (it is written after the answer).
sub logged {
    my ($pattern) = @_;
    return wait_for(sub { (grep { /$pattern/ } split /^/, $httpd->access_log)[-1] }, 5, "$pattern in the access log");
}

# --- redirects ---

subtest 'a redirect' => sub {
    my $user = $httpd->client;
    $fleet->calm;
    my $r = launch($user, 'plain', target => '/servoy-client/demo.jnlp?argument=a%7Cb');
    is $r->status, 302;
    my $node = named($r);
    ok $node, 'to a node' or diag $r->head;
    is $r->header('Location'), $fleet->node($node - 1)->url . '/servoy-client/demo.jnlp?argument=a%7Cb', 'Location';
    is $r->header('Cache-Control'), 'no-store', 'Cache-Control';
    my @cookies = $r->headers('Set-Cookie');
    is scalar @cookies, 1, 'one cookie';
    my ($pair, @attributes) = split /; */, $cookies[0];
    like $pair, qr/^SERVOYLAUNCH=[!#-+\--:<-\[\]-~]+$/, 'by its name, of bytes that may stand in one';
    is_deeply [ sort map { lc } @attributes ], [ sort map { lc } qw(HttpOnly Path=/ SameSite=Lax) ], 'its attributes';
    is $r->header('Retry-After'), undef;
    is_deeply [ map { $_->requests->{'/servoy-client/demo.jnlp'} } $fleet->nodes ], [ undef, undef ],
        'no node has seen it';
    like logged(qr{argument=a%7Cb}), qr/worker=ajp:\S+\s+route=servoy$node how=launch /, 'variables for the log';
    my $followed = launch($httpd->client(cookies => 0), 'plain', follow => 1);
    is $followed->status, 200, 'what it leads to';
    is $followed->header('Content-Type') =~ s/;.*//r, 'application/x-java-jnlp-file';
    my $url = $fleet->node($followed->node =~ s/servoy//r - 1)->url;
    like $followed->body, qr{codebase="\Q$url\E/"}, 'the client will talk to the node';
};

subtest 'by TLS the cookie is Secure' => sub {
    my $r = SVB::Curl->get('https://127.0.0.1:' . $httpd->tls_port . "/plain$jnlp", '--http1.1');
    is $r->status, 302 or diag $r->error;
    my ($pair, @attributes) = split /; */, $r->header('Set-Cookie') // '';
    is_deeply [ sort map { lc } @attributes ], [ sort map { lc } qw(HttpOnly Path=/ SameSite=Lax Secure) ];
};

subtest 'HTTP/2' => sub {
    my @ways = (
        [ 'h2c', $httpd->url, '--http2-prior-knowledge', '%7c', qr/^(?!.*secure)/i ],
        # the upgrading request's path is decoded by httpd, so it is encoded anew
        [ 'h2c by upgrade', $httpd->url, '--http2', '%7C', qr/^(?!.*secure)/i ],
        [ 'TLS', 'https://127.0.0.1:' . $httpd->tls_port, '--http2', '%7c', qr/secure/i ],
    );
    for (@ways) {
        my ($name, $url, $option, $bar, $cookie) = @$_;
        my $r = SVB::Curl->get("$url/canonical/servoy-client/a%7cb/crm.jnlp?x=%C3%A9&y", $option);
        is $r->version, 2, $name or diag $r->error;
        is $r->status, 302;
        is $r->header('Location'), "$app1/servoy-client/a${bar}b/crm.jnlp?x=%C3%A9&y";
        like $r->header('Set-Cookie') // '', $cookie;
        is $r->header('Cache-Control'), 'no-store';
        my $head = SVB::Curl->get("$url/canonical$jnlp", $option, '--head');
        is $head->status, 302, 'HEAD';
        is $head->header('Location'), "$app1$jnlp";
    }
};

# --- HEAD and counting ---

# All that is counted about a fleet's nodes.
sub counted {
    my ($name) = @_;
    my $nodes = nodes($name);
    return { map { my $node = $nodes->{$_};
        $_ => { map { $_ => $node->{$_} } qw(elected sticky launches failed_over_from failed_over_to errors clients
            in_flight last_change) } } keys %$nodes };
}

subtest 'a HEAD changes nothing' => sub {
    my $user = $httpd->client(cookies => 0);
    launch($user, 'dry');
    my $before = counted('dry');
    my %seen;
    $seen{ named(launch($user, 'dry', method => 'HEAD')) // 'none' }++ for 1 .. 8;
    is scalar keys %seen, 1, 'repeated, it names one node' or diag explain \%seen;
    ok !$seen{none};
    is_deeply counted('dry'), $before, 'nothing is counted, no turn is taken';
    my %got;
    for my $n (1 .. 6) {
        my $head = named(launch($user, 'dry', method => 'HEAD'));
        my $get = named(launch($user, 'dry'));
        is $get, $head, "the GET after it gets the same node ($n)";
        $got{$get}++;
    }
    shared(\%got, 6, 'the GETs take turns');
    my $r = launch($httpd->client, 'dry', method => 'HEAD');
    is $r->status, 302;
    is $r->header('Cache-Control'), 'no-store';
    is $r->body, '';
};

subtest 'a GET counts' => sub {
    my $user = $httpd->client(cookies => 0);
    my %named;
    $named{ 'servoy' . named(launch($user, 'counts')) }++ for 1 .. 5;
    my $nodes = nodes('counts');
    is $nodes->{$_}{launches}, $named{$_}, "$_: launches" for sort keys %named;
    is $nodes->{$_}{elected}, $named{$_}, "$_: elected" for sort keys %named;
    launch($user, 'counts', method => 'HEAD') for 1 .. 3;
    launch($user, 'counts', method => 'POST') for 1 .. 3;
    is total('counts', 'launches'), 5, 'HEAD and POST do not';
    is total('counts', 'elected'), 5;
    # a web client is elected with the same weights
    my %pages;
    $pages{ $httpd->client->get("/counts$page")->node }++ for 1 .. 5;
    shared({ map { $_ => $named{$_} + $pages{$_} } keys %named }, 10, 'launches and web clients are spread together');
};

# --- which node ---

subtest 'a launch cookie leads to the same node again' => sub {
    for my $node (1, 2) {
        my $user = launcher_on('stick', $node);
        my $elected = total('stick', 'elected');
        my %named;
        $named{ named(launch($user, 'stick')) // 'none' }++ for 1 .. 6;
        is_deeply \%named, { $node => 6 }, "node $node";
        is total('stick', 'elected'), $elected, 'no elections';
        is named(launch($user, 'stick', method => 'HEAD')), $node, 'HEAD';
        is named(launch($user, 'stick', target => "/servoy-client/dev/crm.jnlp?m=open&a=1")), $node, 'a deep link';
        my $quoted = $user->cookie('SERVOYLAUNCH');
        my $r = launch($httpd->client, 'stick', headers => ["Cookie: other=x; SERVOYLAUNCH=\"$quoted\"; z=1"]);
        is named($r), $node, 'quoted, among others';
    }
};

subtest 'a session leads to its node' => sub {
    for my $node (1, 2) {
        my $user = user_on('stick', $node);
        is named(launch($user, 'stick')), $node, "node $node";
        is named(launch($user, 'stick')), $node, 'and again';
        my $id = $user->cookie('JSESSIONID');
        my $r = launch($httpd->client(cookies => 0), 'stick', target => "$jnlp;jsessionid=$id?a=1");
        is named($r), $node, 'a session in the path too';
        is $r->header('Location'), "http://app$node.example.com$jnlp;jsessionid=$id?a=1", 'where it stays';
    }
    my %named;
    for (1 .. 4) {
        my $r = launch($httpd->client, 'nojsession', headers => ['Cookie: JSESSIONID=' . '0' x 32 . '.servoy1']);
        $named{ named($r) // 'none' }++;
    }
    shared(\%named, 4, 'not a cookie that is no session');
};

for my $name ('stick', 'stickset') {
    subtest "launch cookie and session on different nodes ($name)" => sub {
        my $user = user_on($name, 1);
        $user->set_cookie(SERVOYLAUNCH => launcher_on($name, 2)->cookie('SERVOYLAUNCH'));
        for (1 .. 3) {
            is named(launch($user, $name)), 2, 'the launch cookie counts for launches';
            is $user->get("/$name$page")->node, 'servoy1', 'the session for all else';
        }
        is named(launch($user, $name, method => 'HEAD')), 2;
        my $other = user_on($name, 2);
        $other->set_cookie(SERVOYLAUNCH => launcher_on($name, 1)->cookie('SERVOYLAUNCH'));
        is named(launch($other, $name)), 1, 'the other way round';
        is $other->get("/$name$page")->node, 'servoy2';
    };
}

subtest 'a launch cookie is no session' => sub {
    my $cookie = launcher_on('stick', 1)->cookie('SERVOYLAUNCH');
    my %pages;
    for (1 .. 4) {
        my $user = $httpd->client;
        $user->set_cookie(SERVOYLAUNCH => $cookie);
        $pages{ $user->get("/stick$page")->node }++;
    }
    shared(\%pages, 4, 'pages of new clients go where they would');
};

subtest 'a node that is drained or switched off' => sub {
    my $cookie = launcher_on('stick', 2)->cookie('SERVOYLAUNCH');
    my %named;
    $named{ named(launch($httpd->client, 'drain')) // 'none' }++ for 1 .. 4;
    is_deeply \%named, { 1 => 4 }, 'draining: no new launches';
    my $user = $httpd->client;
    $user->set_cookie(SERVOYLAUNCH => $cookie);
    is named(launch($user, 'drain')), 2, 'but those of clients that it has';
    for (1 .. 2) {
        is named(launch($user, 'off')), 1, 'disabled: the client moves';
    }
    isnt $user->cookie('SERVOYLAUNCH'), $cookie, 'and is told so';
    is named(launch($user, 'stick')), 1, 'for good';
};

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
        like $r->body =~ s{<(style|head).*</\1>}{}sr, qr{<h1>[^<]+</h1>\s*<p>[^<]*try again[^<]*</p>}s, 'and a text';
        unlike $r->body, qr/<script|https?:|Apache|servoy|crm|zz42/i, 'nothing from outside, from the request or of ours';
    };
    return;
}

subtest 'no node can take a launch' => sub {
    my $query = '?zz42=%3Cscript%3E&"zz42<b>';
    my $refused = sub {
        my ($name, $why, %option) = @_;
        is_page(launch($httpd->client, $name, target => "$jnlp$query", headers => ['Referer: http://zz42/'], %option), $why);
        my $head = $httpd->client->raw("HEAD /$name$jnlp HTTP/1.1\r\nHost: zz42\r\nConnection: close\r\n\r\n");
        like $head, qr{^HTTP/1\.1 503 (?s:.*)\r\n\r\n\z}, 'HEAD: no body';
        like $head, qr/^$_\r$/mi, "HEAD: $_" for 'Retry-After: \d+', 'Cache-Control: no-store', 'Content-Type: text/html; charset=utf-8';
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
        unlike $httpd->client->get("/$name$page")->body, qr/cannot be started/, 'other requests have an answer of their own';
    }
    my $cookie = launcher_on('stick', 2)->cookie('SERVOYLAUNCH');
    is named(launch($httpd->client, 'alldrain', headers => ["Cookie: SERVOYLAUNCH=$cookie"])), 2,
        'those that a draining node has are not refused';
    is total('alloff', 'launches') + total('alldrain', 'launches') + total('gone', 'launches'), 1, 'none of the others is counted';

    my $user = $httpd->client(keepalive => 1);
    is launch($user, 'alloff', method => $_)->status, 503, "$_ on a connection that is kept" for qw(GET HEAD GET);
    is launch($user, 'plain')->status, 302, 'for the next request';
    my $r = SVB::Curl->get($httpd->url . "/alloff$jnlp", '--http2-prior-knowledge');
    is $r->version . ' ' . $r->status, '2 503', 'HTTP/2';
    like $r->body, qr/cannot be started/;
};

subtest 'ErrorDocument 503 comes first' => sub {
    my %said = (document => 'Closed for today', documents => 'Closed for today', file => 'Closed in a file');
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
    my $user = launcher_on('moves', 1);
    my $session = user_on('moves', 1);
    $one->kill;
    wait_ok(sub { nodes('moves')->{servoy1}{state} eq 'error' }, 20, 'the node is known to be dead, without any traffic');
    my $old = $user->cookie('SERVOYLAUNCH');
    is named(launch($user, 'moves', method => 'HEAD')), 2, 'HEAD';
    is $user->cookie('SERVOYLAUNCH'), $old, 'which changes nothing' ;
    is named(launch($user, 'moves')), 2, 'GET';
    isnt $user->cookie('SERVOYLAUNCH'), $old, 'with another cookie';
    is named(launch($httpd->client, 'moves')), 2, 'new launches, too' for 1 .. 2;
    is named(launch($session, 'moves')), 2, 'and those with a session there';
    $one->start;
    # no request has failed, so mod_proxy's retry=600 plays no part
    wait_known('servoy1');
    is named(launch($user, 'moves')), 2, 'it stays on its new node';
    my %named;
    $named{ named(launch($httpd->client, 'moves')) // 'none' }++ for 1 .. 4;
    ok $named{1}, 'new ones go to the old one again' or diag explain \%named;
};

# --- other methods, other kinds of launch ---

subtest 'other methods are not allowed' => sub {
    $fleet->calm;
    for my $method (qw(POST PUT DELETE PATCH OPTIONS PROPFIND)) {
        my $r = launch($httpd->client, 'plain', method => $method, body => 'a=b');
        is $r->status, 405, $method;
        is $r->header('Allow'), 'GET, HEAD', 'Allow';
        is $r->header('Location'), undef;
        is $r->header('Set-Cookie'), undef;
    }
    is_deeply [ map { $_->requests->{$jnlp} } $fleet->nodes ], [ undef, undef ], 'no node has seen them';
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

subtest 'ServoyLaunch proxy' => sub {
    my $user = $httpd->client(cookies => 0);
    my $r = launch($user, 'proxied', target => "$jnlp?m=open&a=1%7C2");
    is $r->status, 200;
    is $r->header('Location'), undef;
    like $r->header('Content-Type'), qr{^application/x-java-jnlp-file};
    like $r->body, qr{<argument>argument=1\|2</argument>}, "the node's own answer";
    like logged(qr{/proxied.*1%7C2}), qr/route=servoy[12] how=launch /, 'is logged as a launch';
    is total('proxied', 'launches'), 1, 'and counted';
    my $web = user_on('proxied', 2);
    is launch($web, 'proxied')->node, 'servoy2', "the session's node";
    my $cookie = launcher_on('stick', 1)->cookie('SERVOYLAUNCH');
    $web->set_cookie(SERVOYLAUNCH => $cookie);
    is launch($web, 'proxied')->node, 'servoy1', 'the launch cookie comes first';
    my $elected = total('proxied', 'elected');
    launch($user, 'proxied', method => 'HEAD') for 1 .. 3;
    is total('proxied', 'elected'), $elected, 'a HEAD elects nobody';
    my %nodes;
    for my $n (1 .. 4) {
        my $head = launch($user, 'proxied', method => 'HEAD');
        my $get = launch($user, 'proxied');
        is $get->node, $head->node, "a GET gets the node of the HEAD before it ($n)";
        $nodes{ $get->node }++;
    }
    shared(\%nodes, 4, 'the GETs take turns');
    is total('proxied', 'launches'), 7, 'only they count';
};

subtest 'ServoyLaunch proxy with stickysession=' => sub {
    my $user = user_on('proxiedset', 2);
    is launch($user, 'proxiedset')->node, 'servoy2', "the session's node";
    $user->set_cookie(SERVOYLAUNCH => launcher_on('stick', 1)->cookie('SERVOYLAUNCH'));
    is launch($user, 'proxiedset')->node, 'servoy1', 'the launch cookie comes first there too';
    is $user->get("/proxiedset$page")->node, 'servoy2';
    is nodes('proxiedset')->{servoy1}{launches}, 1, 'counted where it went';
};

subtest 'a node without a direct URL' => sub {
    like $httpd->error_log, qr{servoy_balancer:warn\].*balancer://half: .*route=servoy2.*no direct URL},
        'is warned about';
    unlike $httpd->error_log, qr{balancer://half: .*route=servoy1.*no direct URL}, 'the other is not';
    my (%status, %node);
    for (1 .. 4) {
        my $r = launch($httpd->client, 'half');
        $status{ $r->status }++;
        is $r->status == 200 ? $r->node : 'servoy' . (named($r) // 0), $r->status == 200 ? 'servoy2' : 'servoy1',
            $r->status == 200 ? 'proxied' : 'redirected';
    }
    shared(\%status, 4, 'both get their share');
    my $nodes = nodes('half');
    is_deeply { map { $_ => $nodes->{$_}{launches} } keys %$nodes }, { servoy1 => $status{302}, servoy2 => $status{200} },
        'and are counted';
    is launch($httpd->client, 'half', method => 'POST')->status, 405, 'other methods are refused all the same';
};

subtest 'ServoyLaunchMatch' => sub {
    my $user = $httpd->client(cookies => 0);
    my $status = sub { launch($user, $_[0], target => $_[1])->status };
    is $status->('match', '/start/crm.jnlp'), 302, 'a launch';
    is $status->('match', '/echo/x/crm.jnlp?a=1'), 302;
    is $status->('match', '/echo/crm.jnlp/x'), 200, 'none';
    is $status->('match', $jnlp), 200, 'the default does not hold any more';
    my %default = ('/servoy-client/crm.jnlp' => 302, '/servoy-client/dev/crm.jnlp' => 302,
        '/%73ervoy-client/crm%2Ejnlp' => 302, '/servoy-client;v=1/crm.jnlp;jsessionid=x' => 302,
        '/servoy-client/crm.jnlp;a=b/' => 404, '/servoy-client/.jnlp' => 404, '/servoy-client/crm.JNLP' => 404,
        '/servoy-client/crm.html' => 404, '/servoy-client/' => 404, '/echo/servoy-client/crm.jnlp' => 200,
        '/echo?/servoy-client/crm.jnlp' => 200);
    is $status->('canonical', $_), $default{$_}, "default: $_" for sort keys %default;
};

subtest 'ServoyLaunchCookie' => sub {
    my $theirs = launcher_on('stick', 1)->cookie('SERVOYLAUNCH');
    my $spread = sub {
        my ($name, $header) = @_;
        my %named;
        $named{ named(launch($httpd->client, $name, headers => ["Cookie: $header"])) // 'none' }++ for 1 .. 4;
        return \%named;
    };
    is launch($httpd->client, 'nocookie')->header('Set-Cookie'), undef, 'off: none is set';
    shared($spread->('nocookie', "SERVOYLAUNCH=$theirs"), 4, 'and none is heeded');
    shared($spread->('nocookie', "off=$theirs"), 4, 'by whatever name');
    is named(launch(user_on('nocookie', 2), 'nocookie')), 2, 'sessions still are';

    my $user = $httpd->client;
    my $r = launch($user, 'cookie');
    like $r->header('Set-Cookie'), qr/^MYLAUNCH=/, 'another name';
    my $node = named($r);
    is named(launch($user, 'cookie')), $node, 'leads back' for 1 .. 3;
    shared($spread->('cookie', "SERVOYLAUNCH=$theirs"), 4, 'the default one does not');
    shared($spread->('cookie', "mylaunch=$theirs"), 4, 'nor another case');
};

# --- the target, byte for byte ---

# What is sent => what stands in Location; undef: the same.
my %target = (
    '/servoy-client/servoy_client.jnlp' => undef,
    '/servoy-client/dev/crm.jnlp' => undef,
    '/servoy-client/crm.jnlp?method=open&argument=1&name=value' => undef,
    '/servoy-client/crm.jnlp?m=open&a=a|b|c' => '/servoy-client/crm.jnlp?m=open&a=a%7Cb%7Cc',
    '/servoy-client/crm.jnlp?m=open&a=a%7Cb%7cc' => undef,
    '/servoy-client/a|b.jnlp' => '/servoy-client/a%7Cb.jnlp',
    '/servoy-client/a%7cb.jnlp' => undef,
    '/servoy-client/caf%C3%A9.jnlp?a=%c3%a9%E2%82%AC' => undef,
    "/servoy-client/caf\xc3\xa9.jnlp?a=\xe2\x82\xac" => '/servoy-client/caf%C3%A9.jnlp?a=%E2%82%AC',
    '/servoy-client/latin%E9.jnlp?a=%e9' => undef,
    '/servoy-client/my%20crm.jnlp?a=a+b%20c' => undef,
    '/servoy-client/a%2Bb+c.jnlp' => undef,
    '/servoy-client/%63rm%2ejnlp' => undef,
    '/servoy-client/100%25/50%2525.jnlp?a=100%25' => undef,
    '/servoy-client/a%23b.jnlp?c=%23' => undef,
    '/servoy-client/dev;v=1/crm.jnlp;jsessionid=0A1B.x?a=;b' => undef,
    '/servoy-client/crm.jnlp?' => undef,
    '/servoy-client/crm.jnlp??a=?b' => undef,
    '/servoy-client/crm.jnlp?url=http://other.example.com/../x%2F..&b=%0d%0a' => undef,
    "/servoy-client/crm-_.!~*'():@&=+\$,.jnlp?-_.!~*'():@&=+\$,/" => undef,
    '/servoy-client/crm.jnlp?a[]=1&b={2}&c=^`&d="<>' => '/servoy-client/crm.jnlp?a[]=1&b=%7B2%7D&c=%5E%60&d=%22%3C%3E',
    '/servoy-client/[a]{b}.jnlp' => '/servoy-client/%5Ba%5D%7Bb%7D.jnlp',
    '/servoy-client/crm.jnlp?a=100%' => '/servoy-client/crm.jnlp?a=100%25',
    '/servoy-client/crm.jnlp?a=%zz%u20ac' => '/servoy-client/crm.jnlp?a=%25zz%25u20ac',
    '/servoy-client/crm.jnlp?a=' . 'x' x 8000 => undef,
    '/servoy-client/' . 'y' x 4000 . '/crm.jnlp' => undef,
    '/servoy-client/a%2Fb/crm.jnlp' => undef,
    '/servoy-client/a%2fb%2F/crm.jnlp?x=%2F' => undef,
    '/servoy-client/a%3Fb.jnlp?a=%3F' => undef,
);

for my $name (qw(canonical nocanon encoded rewritten located)) {
    subtest "the target as the client wrote it: $name" => sub {
        my $user = $httpd->client(cookies => 0);
        for my $sent (sort keys %target) {
            # mod_rewrite's own: it refuses an encoded question mark
            next if $name eq 'rewritten' && $sent =~ /%3F.*\?/;
            my $r = launch($user, $name, target => $sent);
            my $shown = length $sent > 80 ? substr($sent, 0, 40) . '...' : $sent =~ s/([^ -~])/sprintf '\x%02x', ord $1/ger;
            is $r->header('Location'), $app1 . ($target{$sent} // $sent), $shown or diag $r->status;
        }
    };
}

subtest 'direct URLs with port and prefix, ProxyPass to a folder' => sub {
    my $user = $httpd->client(cookies => 0);
    my $location = sub { launch($user, $_[0], target => $_[1])->header('Location') };
    my $path = '/servoy-client/d%C3%A9v/crm.jnlp?a=%7c';
    is $location->('port', $path), "https://app1.example.com:8443/desk%20top/servoy1$path";
    like $location->('six', $path), qr{^http://\[2001:db8::1\]:8080\Q$path\E$}i, 'IPv6';
    is $location->('inner', $path), "$app1/deep/er$path", 'the path as the node would see it';
    is launch($user, 'inner', target => '/../servoy-client/crm.jnlp')->header('Location'), undef, 'and nothing else';
};

subtest 'ProxyPass "/" and a configuration as in the README' => sub {
    my $front = SVB::Httpd->new(conf => $fleet->conf)->start;
    my $user = $front->client;
    my $r = $user->get('/servoy-client/dev/crm.jnlp?a=b%7Cc');
    my $node = named($r);
    ok $node;
    is $r->header('Location'), $fleet->node($node - 1)->url . '/servoy-client/dev/crm.jnlp?a=b%7Cc';
    is named($user->get($jnlp)), $node;
    is $front->client->get('/servoy-manager')->status, 200, 'the manager is not proxied';
    $front->stop;
};

for my $mpm (qw(worker prefork)) {
    subtest "the same with $mpm" => sub {
        my $front = SVB::Httpd->new(mpm => $mpm, conf => $fleet->conf)->start;
        my %named;
        for my $n (1 .. 4) {
            my $user = $front->client;
            my $head = named($user->head($jnlp));
            my $get = named($user->get($jnlp));
            is $get, $head, "HEAD and GET ($n)";
            is named($user->get($jnlp)), $get, 'and again';
            $named{$get}++;
        }
        shared(\%named, 4, 'in turn');
        is $front->client->post($jnlp)->status, 405;
        $front->stop;
    };
}

$httpd->stop;
done_testing;
