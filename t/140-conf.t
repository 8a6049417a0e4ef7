# The files of conf/, exactly as they are but for names, ports, secrets and paths:
# real nodes started from server.xml, an httpd that includes servoy.conf,
# servoy-websocket.conf and servoy-windows.conf, and what their comments promise.

use v5.32;
use warnings;
use utf8;

use FindBin;
use Test::More;

use SVB::Curl;
use SVB::Httpd;
use SVB::Node;
use SVB::Ports;
use SVB::Shipped;
use SVB::Temp;
use SVB::Users qw($page);
use SVB::Wait;

my $shipped = "$FindBin::Bin/../conf";
my $outside = '192.0.2.7';      # where a user comes from who is not on this machine
my $public = 'servoy.example.com';

sub slurp { my ($path) = @_; return SVB::Temp->read_file($path) }

# A node whose server.xml is the shipped one, around the Host of the other tests.
package ShippedNode {
    our @ISA = ('SVB::Node');

    sub _configure {
        my ($self, @more) = @_;
        $self->SUPER::_configure(@more);
        $self->{direct_port} //= SVB::Ports->take;
        my $file = "$self->{base}/conf/server.xml";
        my ($host) = main::slurp($file) =~ m{(<Host .*</Host>)}s or die 'no Host';
        my $xml = main::shipped('server.xml',
            '<!-- Realm and Host: as they are. -->' => $host,
            '<Server>' => '<Server port="-1">',
            'address="10.0.0.11" port="8009"' => qq(address="127.0.0.1" port="$self->{ajp_port}"),
            'address="10.0.0.11" port="8080"' => qq(address="127.0.0.1" port="$self->{http_port}"),
            'port="8081"' => qq(port="$self->{direct_port}"),
            '10\.0\.0\.5' => '127\.0\.0\.1',
            'change-me-1' => $self->{secret},
            'jvmRoute="servoy1"' => qq(jvmRoute="$self->{route}"),
        );
        SVB::Temp->write_file($file, $xml);
        return;
    }

    sub direct {
        my ($self, %option) = @_;
        return SVB::Client->new(url => "http://127.0.0.1:$self->{direct_port}", %option);
    }
}

my ($one, $two) = my @nodes = map { ShippedNode->new(name => "servoy$_") } 1, 2;

# Both files with the nodes' addresses; the texts, in the order of inclusion.
sub files {
    my ($log) = @_;
    return (
        shipped('servoy-websocket.conf',
            'app1.internal:8080' => '127.0.0.1:' . $one->http_port,
            'app2.internal:8080' => '127.0.0.1:' . $two->http_port),
        shipped('servoy.conf',
            'app1.internal:8009' => '127.0.0.1:' . $one->ajp_port,
            'app2.internal:8009' => '127.0.0.1:' . $two->ajp_port,
            'change-me-1' => $one->secret, 'change-me-2' => $two->secret,
            '/var/log/apache2/servoy_access.log' => $log));
}

# A virtual host that includes the files. Options: edit, a sub that changes the
# texts in $_; lines, put before the includes; port; more, after the virtual host.
# An address in X-Test-Client counts as the user's.
sub virtual_host {
    my (%option) = @_;
    return sub {
        my ($httpd) = @_;
        my @texts = files($httpd->root . '/logs/servoy_access.log');
        my @paths = map { $httpd->root . "/conf/$_" } 'servoy-websocket.conf', 'servoy.conf';
        for (0, 1) {
            $option{edit}->() for $option{edit} ? $texts[$_] : ();
            SVB::Temp->write_file($paths[$_], $texts[$_]);
        }
        my $port = $option{port} // '@PORT@';
        my $lines = $option{lines} // '';
        return <<"END";
RemoteIPHeader X-Test-Client
RemoteIPInternalProxy 127.0.0.1
<VirtualHost 127.0.0.1:$port>
    ServerName $public
    $lines
    Include "$paths[0]"
    Include "$paths[1]"
</VirtualHost>
END
    };
}

# What is switched off in the files switched on, every line of it.
sub all_on { s/^(\s*)#(?=[^\s#])/$1/mg; return }

sub troubles {
    my ($httpd) = @_;
    return join '', grep { /\[\w*:(?:warn|error|crit|alert|emerg)\]|has no effect/ } split /^/,
        $httpd->error_log;
}

# What the manager says about a node.
sub shown {
    my ($httpd, $route) = @_;
    return $httpd->manager->node('servoy', $route);
}

sub state_of { my ($httpd, $route) = @_; return shown($httpd, $route)->{state} }

# Another session id each time: the table may remember that one has moved.
my $yesterdays = 0;
sub yesterday { my ($route) = @_; return sprintf '0A1B%04X.%s', $yesterdays++, $route }

# A new user on this node: one who comes with a session id of yesterday.
sub user_on {
    my ($httpd, $route) = @_;
    my $user = $httpd->client;
    $user->set_cookie(JSESSIONID => yesterday($route));
    my $r = $user->get($page);
    is $r->node, $route, "a user on $route" or diag $r->error, $httpd->log_tail;
    return $user;
}

SVB::Node->start_all(@nodes);

# /websocket/echo shows what a WebSocket's request brings to the node.
my $echo_too = 'ProxyPass "/websocket/echo" "balancer://servoy-websocket/echo"';
my $httpd = SVB::Httpd->new(modules => ['remoteip'], conf => virtual_host(lines => $echo_too));
my $servoy_log = $httpd->root . '/logs/servoy_access.log';

subtest 'the files are good as they are' => sub {
    my ($code, $output) = $httpd->configtest;
    is $code, 0, 'httpd -t';
    is $output, "Syntax OK\n", 'has nothing else to say';
    $httpd->start;
    is troubles($httpd), '', 'nor has a start';
    my $left = join '', map { s/^\s*#.*\n//mgr } files('log');
    unlike $left, qr/internal|change-me/, 'nothing was left to replace';
};

subtest 'pages stick, over AJP' => sub {
    my @users = map { $httpd->client } 1 .. 6;
    my %on;
    for my $user (@users) {
        my $r = $user->get($page);
        is $r->status, 200;
        $on{ $r->node }++;
        my ($route) = $user->cookie('JSESSIONID') =~ /\.(\w+)$/;
        is $route, $r->node, 'the jvmRoute of server.xml';
        for my $count (2 .. 4) {
            my $again = $user->get($page);
            is $again->node, $route, 'the same node';
            is $again->header('X-Count'), $count, 'the same session';
        }
    }
    is_deeply \%on, { servoy1 => 3, servoy2 => 3 }, 'new ones spread';
    my @lines;
    wait_ok(sub {
        @lines = split /^/, slurp($servoy_log);
        @lines == 24
    }, 10, 'the access log has them all');
    my $served = qr{ 200 \d+ \d+ fleet=servoy route=servoy\d};
    is scalar(grep { m{$served how=elected worker=ajp://127.0.0.1:\d+ client=[0-9a-f]{12} id=} } @lines), 6;
    is scalar(grep { m{$served how=known worker=ajp://127.0.0.1:\d+ client=[0-9a-f]{12} id=} } @lines), 18;
    my $ids = join '|', map { $_->cookie('JSESSIONID') =~ s/\..*//r } @users;
    ok !(grep { /$ids/ } @lines), 'but no session id';
};

subtest 'WebSockets go to the node that has the session' => sub {
    for my $route (qw(servoy1 servoy2 servoy1)) {
        my $user = user_on($httpd, $route);
        my ($path) = $user->get('/solutions/crm/index.html')->body =~ /data-socket="([^"]+)"/;
        my $ws = $user->websocket($path);
        is $ws->response->status, 101;
        my $hello = $ws->recv_json;
        is $hello->{node}, $route;
        is $hello->{session}, $user->cookie('JSESSIONID');
        $ws->send('x' x 4000);
        is length $ws->recv_json->{text}, 4000, 'and carry what they should';
        is shown($httpd, $route)->{in_flight}, 1, 'in flight as long as they are open';
        is $user->get($page)->node, $route, 'pages go there still';
        $ws->close;
    }
    wait_ok(sub { my @lines = slurp($servoy_log) =~
        m{ 101 \S+ \d+ fleet=servoy route=servoy\d how=known worker=http://}g; @lines == 3 }, 10,
        'the log says so');
};

subtest 'README' => sub {
    my $readme = slurp("$shipped/../README");
    my ($smallest) = $readme =~ m{^(    <Proxy "balancer://servoy">\n.*?^    </Location>\n)}ms;
    my ($code, $output) = SVB::Httpd->new(conf => $smallest)->configtest;
    is "$code $output", "0 Syntax OK\n", 'its configuration is good';
};

my @forged = ('Forwarded: for=6.6.6.6;host=evil.example;proto=https',
    'X-Forwarded-Host: evil.example',
    'x-forwarded-host: evil2.example', 'X-Forwarded-Proto: https', 'X-Forwarded-Scheme: https',
    'X-Forwarded-For: 127.0.0.1', 'X-Forwarded-Port: 666', 'X-Forwarded-Prefix: /evil',
    'X-Forwarded-Server: evil.example', 'X-Forwarded-Ssl: on', 'X-Real-IP: 6.6.6.6');

subtest 'what a client may not claim' => sub {
    my $user = $httpd->client(headers => [ "X-Test-Client: $outside", @forged ]);
    my $seen = $user->get('/echo', host => "$public:8443")->json;
    my %headers = %{ $seen->{headers} };
    is_deeply [ grep { /^(?:x-)?forwarded|^x-real/ } sort keys %headers ], [],
        'by AJP the node gets none of it';
    unlike join(' ', map { @$_ } values %headers), qr/evil|6\.6\.6\.6|666/;
    is_deeply $headers{host}, ["$public:8443"], 'Host is as sent';
    is "$seen->{scheme} $seen->{serverName}:$seen->{serverPort}", "http $public:8443",
        'so the node knows its name';
    is $seen->{remoteAddr}, $outside, 'and who asks';

    $seen = $user->get('/websocket/echo', host => "$public:8443")->json;
    %headers = %{ $seen->{headers} };
    unlike join(' ', map { @$_ } values %headers), qr/evil|6\.6\.6\.6|666/, 'nor by HTTP';
    is_deeply $headers{host}, ["$public:8443"];
    is_deeply $headers{'x-forwarded-proto'}, ['http'], 'but the real scheme';
    ok !$seen->{secure};
    is $seen->{remoteAddr}, $outside, 'the real address, by the valve of server.xml';

    $seen = $one->client->get('/echo', headers => [ 'X-Forwarded-Proto: https' ])->json;
    is $seen->{scheme}, 'https', 'that valve believes httpd';
};

subtest 'the manager' => sub {
    my $r = $httpd->client->get('/servoy-manager');
    is $r->status, 200, 'for this machine';
    is $r->node, undef, 'not proxied';
    like $r->body, qr/servoy2/;
    for my $path ('/servoy-manager', '/servoy-manager?format=json',
        '/servoy-manager?format=prometheus') {
        my $refused = $httpd->client(headers => [ "X-Test-Client: $outside",
            'X-Forwarded-For: 127.0.0.1' ])->get($path);
        is $refused->status, 403, "not for others: $path";
        unlike $refused->body, qr/servoy\d/;
    }
    my ($fleet, @more) = @{ $httpd->manager->json->{fleets} };
    is_deeply \@more, [], 'one fleet';
    is_deeply $fleet->{balancers}, [ 'balancer://servoy-websocket', 'balancer://servoy' ],
        'of both balancers';
    is_deeply [ map { scalar @{ $_->{members} } } @{ $fleet->{nodes} } ], [ 2, 2 ],
        'two nodes, two ways to each';
};

subtest 'launches' => sub {
    my $user = user_on($httpd, 'servoy2');
    my $r = $user->get('/servoy-client/crm.jnlp?m=open&a=1|2');
    is $r->status, 302;
    is $r->header('Location'), 'https://app2.example.com/servoy-client/crm.jnlp?m=open&a=1%7C2',
        'the direct URL';
    like $user->cookie('SERVOYLAUNCH'), qr/\.servoy2$/;
    wait_ok(sub { slurp($servoy_log) =~ / 302 .* route=servoy2 how=launch / }, 10, 'in the log');
};

subtest 'the direct connector of server.xml' => sub {
    my $seen = $one->direct->get('/echo?x=1|2', host => 'app1.internal:8081')->json;
    is $seen->{query}, 'x=1|2', 'takes a bare |';
    is "$seen->{scheme} $seen->{serverName}:$seen->{serverPort}", 'https app1.example.com:443',
        'knows its outside';
    ok $seen->{secure};
    is $two->client->get('/echo?x=1|2')->status, 400, 'one without relaxedQueryChars does not';
};

subtest 'a node that hangs is found out by a ping' => sub {
    my $user = user_on($httpd, 'servoy1');
    $httpd->mark;
    $one->freeze;
    my $r = $user->get($page, timeout => 30);
    is $r->status, 200;
    is $r->node, 'servoy2', 'its user is served by the other';
    cmp_ok $r->seconds, '<', 10 * ($ENV{SVB_PATIENCE} || 1), 'after two pings'
        or diag $r->seconds, ' s ', $r->error, "\n", $httpd->error_log;
    $one->thaw;
    wait_ok(sub {
        my $back = $httpd->client(cookies => 0,
            headers => ['Cookie: JSESSIONID=' . yesterday('servoy1')]);
        ($back->get('/echo')->node // '') eq 'servoy1';
    }, 20, 'and tried again after ten');
};

subtest 'draining by configuration' => sub {
    my $stays = user_on($httpd, 'servoy1');
    my $elected = shown($httpd, 'servoy1')->{elected};
    cmp_ok $elected, '>', 0;
    $httpd->reload(virtual_host(edit => sub { s/(BalancerMember .*route=servoy1)/$1 status=+N/ }));
    is state_of($httpd, 'servoy1'), 'draining', 'the manager shows it';
    is shown($httpd, 'servoy1')->{elected}, $elected, 'and counts on over a restart';
    is $stays->get($page)->node, 'servoy1', 'who is there stays';
    is $httpd->client->get($page)->node, 'servoy2', 'others go elsewhere' for 1 .. 4;
    my $dead = $httpd->client;
    $dead->set_cookie(JSESSIONID => '0123456789ABCDEF0123456789ABCDEF.servoy1');
    is $dead->get($page)->status, 307, 'whose session is dead is sent away by the node';
    is $dead->get($page)->node, 'servoy2', '... and begins elsewhere';
    $httpd->reload(virtual_host());
    is state_of($httpd, 'servoy1'), 'ready', 'over';
    is $stays->get($page)->header('X-Count'), 3;
};

subtest 'a wrong secret' => sub {
    my $before = () = $one->access_log =~ / 403 /g;
    $httpd->reload(virtual_host(edit => sub { s/secret=\w+/secret=wrong/g }));
    my $r = $httpd->client(cookies => 0)->get($page, headers => ['Cookie: JSESSIONID=x.servoy1']);
    is $r->status, 403;
    wait_ok(sub {
        my $now = () = $one->access_log =~ / 403 /g;
        $now == $before + 1
    }, 5, 'of the node');
    wait_ok(sub { slurp($servoy_log) =~ m{ 403 .* route=servoy1 how=route worker=ajp://} }, 10,
        'in the log');
    $httpd->stop;
};

subtest 'what is switched off can be switched on' => sub {
    my ($override) = shipped('servoy.properties') =~ /^servoy\.jnlpCodebaseOverride=(\S+)$/m;
    is $override, 'https://app1.example.com', 'servoy.properties';
    $one->{codebase} = $override;
    $one->restart;

    my $httpd = SVB::Httpd->new(modules => [qw(remoteip proxy_hcheck)],
        conf => virtual_host(edit => \&all_on));
    my ($code, $output) = $httpd->configtest;
    is "$code $output", "0 Syntax OK\n", 'httpd -t';
    $httpd->start;
    is troubles($httpd), '', 'a start';
    my $user = user_on($httpd, 'servoy1');
    my $r = $user->get('/servoy-client/crm.jnlp');
    is $r->status, 200, 'ServoyLaunch proxy';
    like $r->body, qr{codebase="\Q$override\E"}, 'with the codebase of servoy.properties';

    is $httpd->client(headers => ["X-Test-Client: $outside"])->get('/balancer-manager')->status,
        403, 'balancer-manager is not for all';
    my $admin = $httpd->client(headers => [ 'Referer: ' . $httpd->url . '/balancer-manager' ]);
    my @links = $admin->get('/balancer-manager')->body
        =~ /href="[^"?]*\?([^"]*&amp;w=[^"]*|b=[^"]*w=[^"]*)"/g;
    is scalar @links, 4, 'it has all members' or diag $admin->get('/balancer-manager')->body;
    for my $link (grep { /:(?:${\ $one->ajp_port}|${\ $one->http_port})\b/ } @links) {
        $admin->post('/balancer-manager', ($link =~ s/&amp;/&/gr) . '&w_status_N=1',
            headers => ['Content-Type: application/x-www-form-urlencoded']);
    }
    is state_of($httpd, 'servoy1'), 'draining', 'and drains a node';
    is $httpd->client->get($page)->node, 'servoy2', 'nobody new there' for 1 .. 3;
    is $user->get($page)->node, 'servoy1';
    $httpd->reload;
    is state_of($httpd, 'servoy1'), 'ready', 'until the next restart';

    $one->kill;
    wait_ok(sub { state_of($httpd, 'servoy1') eq 'error' }, 20,
        'health checks find a dead node by themselves');
    $r = $user->get($page);
    is $r->status, 503, 'nofailover=On';
    like $r->header('Retry-After') // '', qr/^\d+$/;
    $httpd->stop;
};

subtest 'in an https virtual host' => sub {
    my $httpd = SVB::Httpd->new(modules => ['remoteip'], tls => 1,
        conf => virtual_host(port => '@TLS_PORT@', lines => join "\n", 'SSLEngine on',
            'SSLCertificateFile "@CERT@"', 'SSLCertificateKeyFile "@KEY@"', $echo_too));
    is +($httpd->configtest)[1], "Syntax OK\n", 'httpd -t';
    $httpd->start;
    is troubles($httpd) =~ s/.*\[ssl:warn\].*\n//gr, '', 'a start, but for our certificate';
    my $front = 'https://127.0.0.1:' . $httpd->tls_port;
    for my $path ('/echo', '/websocket/echo') {
        my $r = SVB::Curl->get("$front$path", '-H', 'Cookie: JSESSIONID=x.servoy2', '-H',
            "Host: $public",
            '-H', 'X-Forwarded-Proto: http', '-H', "X-Test-Client: $outside");
        my $seen = $r->json;
        is "$seen->{scheme} $seen->{serverName}:$seen->{serverPort}", "https $public:443",
            "$path: the node knows it";
        ok $seen->{secure};
        is $seen->{remoteAddr}, $outside;
    }
    my $r = SVB::Curl->get("$front/servoy-client/crm.jnlp", '-H', 'Cookie: JSESSIONID=x.servoy2');
    is $r->header('Location'), 'https://app2.example.com/servoy-client/crm.jnlp',
        'a launch stays with https';
    like $r->header('Set-Cookie'), qr/; Secure/;
    $httpd->stop;
};

# Directive and value, once for each MPM.
sub sizes {
    my ($mpm) = @_;
    my $text = slurp("$shipped/servoy-windows.conf");
    my $other = $mpm eq 'worker' ? 'event' : 'worker';
    $text =~ s{<IfModule mpm_${other}_module>.*?</IfModule>}{}s;
    return { $text =~ /^\s*(\w+)\s+(\d+)$/mg };
}

subtest "servoy-windows.conf, $_" => sub {
    my ($mpm) = $_;
    my $size = sizes($mpm);
    cmp_ok $size->{ThreadsPerChild}, '<', 1024, 'as many as a child can keep alive';
    cmp_ok $size->{ThreadsPerChild}, '<=', $size->{ThreadLimit};
    cmp_ok $size->{ThreadsPerChild} * $size->{ServerLimit}, '>=', $size->{MaxRequestWorkers},
        'places for all';
    my $httpd = SVB::Httpd->new(mpm => $mpm, modules => ['remoteip'], conf => sub {
        qq(Include "$shipped/servoy-windows.conf"\n) . virtual_host()->(@_)
    });
    is +($httpd->configtest)[1], "Syntax OK\n", 'httpd -t has nothing to say';
    $httpd->start;
    is troubles($httpd), '', 'nor has a start';
    wait_ok(sub {
        my $threads = () = map { glob "/proc/$_/task/*" } $httpd->children;
        $threads >= $size->{StartServers} * $size->{ThreadsPerChild}
    }, 20, 'the sizes count');
    my $user = user_on($httpd, 'servoy2');
    my ($path) = $user->get('/solutions/crm/index.html')->body =~ /data-socket="([^"]+)"/;
    my $ws = $user->websocket($path);
    is $ws->recv_json->{node}, 'servoy2', 'a WebSocket';
    is $user->get($page)->node, 'servoy2', 'and a page';
    $ws->close;
    $httpd->stop;
} for qw(worker event);

# Two processes with ten threads each, and windows in all but one of them that nobody
# needs to read pages. With event a page would wait for a window to close, when it was
# asked for on a connection that is kept by the process which is full.
subtest "servoy-windows.conf, $_: processes full of windows do not keep readers waiting" => sub {
    my ($mpm) = $_;
    my $text = slurp("$shipped/servoy-windows.conf")
        =~ s/12000/20/gr =~ s/^(Thread\w+ +)500$/${1}10/gmr
        =~ s/^( *ServerLimit|StartServers) .*/$1 2/gmr =~ s/^(MinSpareThreads) .*/$1 1/mr
        =~ s/^(KeepAliveTimeout) .*/$1 30/mr;
    my $httpd = SVB::Httpd->new(mpm => $mpm, modules => ['remoteip'], conf => sub {
        $text . virtual_host()->(@_)
    })->start;
    my $user = user_on($httpd, 'servoy2');
    my ($path) = $user->get('/solutions/crm/index.html')->body =~ /data-socket="([^"]+)"/;
    my @readers = map { $httpd->client(timeout => 5, keepalive => 1) } 1 .. 6;
    is_deeply [ map { $_->get($page)->status } @readers ], [ (200) x 6 ], 'some read pages';
    my @windows = map { $user->websocket($path) } 1 .. ($mpm eq 'event' ? 19 : 13);
    is_deeply [ grep { $_->response->status != 101 } @windows ], [], 'others open windows';
    is_deeply [ map { $_->get($page)->status } @readers ], [ (200) x 6 ], 'more pages';
    $_->close for @windows;
    $httpd->stop;
} for qw(worker event);

$_->kill for grep { $_->alive } @nodes;
done_testing;
