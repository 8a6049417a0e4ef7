#!/usr/bin/perl
# Who can have the manager do something: an administrator, by whatever name and proxy the
# page is reached, and a script; not a page of somebody else's in the same browser, however
# it goes about it. Nobody by a GET.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SVB::Balancer;
use SVB::Client;
use SVB::Curl;
use SVB::Httpd;
use SVB::Proc;
use SVB::Temp;
use SVB::Wait;
use Test::More;

my $form = 'application/x-www-form-urlencoded';
my $passwords = SVB::Temp->write_file(SVB::Temp->dir('conf') . '/passwords', join '',
    map { "$_:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n" } qw(admin viewer));        # secret
my $login = "AuthType Basic\nAuthName manager\nAuthUserFile \"$passwords\"\n";
my $fleet = balancer('servoy', dead_member('servoy1'), 'ServoyLaunch proxy');
my @auth = qw(auth_basic authn_core authn_file authz_user http2);

my $httpd = SVB::Httpd->new(ports => 3, modules => \@auth, conf => <<"END")->start;
Protocols h2c http/1.1
$fleet
<Location /servoy-manager>
    SetHandler servoy-manager
    ServoyManagerActions on
    Require local
</Location>
<Location /private-manager>
    SetHandler servoy-manager
    ServoyManagerActions on
    $login
    Require valid-user
</Location>
<Location /half-manager>
    SetHandler servoy-manager
    ServoyManagerActions on
    $login
    <Limit POST>
        Require valid-user
    </Limit>
</Location>
<VirtualHost *:\@PORT0@>
    ServerName servoy.example.com
    ServerAlias www.example.com *.servoy.example.org
</VirtualHost>
<VirtualHost *:\@PORT1@>
    ServerName servoy.example.com
    ServerAlias *
    ServerAlias *.*
</VirtualHost>
<VirtualHost *:\@PORT2@>
    ServerName https://servoy.example.com:8443
    ServerAlias proxy.internal
</VirtualHost>
END
my $manager = $httpd->manager;
my $port = $httpd->port;
my $value = 1;          # each action sets another loadfactor

sub browser { my ($on) = @_; return $httpd->browser(url => $httpd->url($on // 0)) }

sub curl { return SVB::Curl->get(@_) }

sub loadfactor { $manager->node('servoy', 'servoy1')->{loadfactor} }

# What a POST brings about. Options: host, on (which port), headers, field => {...}, to.
sub post {
    my (%option) = @_;
    my %field = (fleet => 'servoy', node => 'servoy1', action => 'loadfactor', value => ++$value,
        nonce => $manager->nonce, %{ $option{field} // {} });
    return browser($option{on})->post($option{to} // '/servoy-manager', SVB::Client->form(%field),
        headers => [ 'Accept: application/json', "Content-Type: $form",
            @{ $option{headers} // [] } ],
        exists $option{host} ? (host => $option{host}) : (), version => $option{version} // '1.1');
}

sub passes {
    my ($name, %option) = @_;
    my $r = post(%option);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is $r->status . ' ' . loadfactor(), "200 $value", "$name: done" or diag $r->body;
    return;
}

sub refused {
    my ($name, $why, %option) = @_;
    my $r = post(%option);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is $r->status, 403, "$name: refused";
    like $r->body, $why, '... and said why';
    isnt loadfactor(), $value, '... and nothing was done';
    is $r->header('X-Frame-Options'), 'DENY', '... in no frame';
    return $r;
}

sub origin { return headers => [ "Origin: $_[0]", @_[ 1 .. $#_ ] ] }

subtest 'the host that it is sent to' => sub {
    passes($_, host => $_) for "127.0.0.1:$port", '127.0.0.1', 'localhost', "LOCALHOST:$port",
        'localhost.', 'servoy.localhost', '[::1]', "[::1]:$port", '192.0.2.7',
        'servoy.example.com', "Servoy.Example.COM:$port", 'servoy.example.com.',
        'servoy.example.com:443', 'www.example.com', 'a.servoy.example.org';
    passes('none at all', host => undef, version => '1.0');
    refused($_, qr/no name of this virtual host.*ServerAlias/, host => $_)
        for 'evil.example', "evil.example:$port", 'example.com', 'servoy.example.com.evil.example',
        'localhost.evil.example', '127.0.0.1.evil.example', 'notlocalhost', 'servoy.example.org';
    refused('a ServerAlias of wildcards alone is no name', qr/no name/, host => 'evil.example',
        on => 1);
    passes('... its ServerName is', host => 'servoy.example.com', on => 1);
    like $httpd->error_log, qr/servoy_balancer:warn.*SVB0155: an action was refused.*"evil\.example"/, 'the log tells';
};

subtest 'DNS rebinding' => sub {
    $httpd->mark;
    my $evil = browser();
    my %as = (host => "evil.example:$port");
    my $r = $evil->get('/servoy-manager?format=json', %as);
    is $r->status, 200, 'it may look';
    is $r->json->{nonce}, '', '... but gets no nonce';
    ok !$r->json->{actions}, '... and nothing to act with';
    unlike $evil->get('/servoy-manager', %as)->body, qr/name="nonce"|<form[^>]*method="post"/i,
        'neither by the page';
    refused('with a right nonce, and all that such a page has', qr/no name/, %as,
        origin("http://evil.example:$port", 'Sec-Fetch-Site: same-origin'));
    like $httpd->error_log, qr/SVB0158: .*"evil\.example"/, 'the log tells why there are no buttons';
    is $manager->json->{nonce} =~ /^[0-9a-f]{32}$/, 1, 'others get theirs';
};

subtest 'the page that sends it' => sub {
    my $own = "127.0.0.1:$port";
    passes('its own', host => $own, origin("http://$own"));
    passes('its own, the browser says so', host => $own,
        origin("http://$own", 'Sec-Fetch-Site: same-origin'));
    passes('from the address bar', host => $own, headers => ['Sec-Fetch-Site: none']);
    passes('by name', host => "servoy.example.com:$port",
        origin("http://servoy.example.com:$port"));
    passes('by alias', host => "www.example.com:$port", origin("http://www.example.com:$port"));
    passes('localhost', host => "localhost:$port", origin("http://localhost:$port"));
    passes('IPv6', host => "[::1]:$port", origin("http://[::1]:$port"));
    passes('in capitals', host => "servoy.example.com:$port",
        origin("HTTP://SERVOY.example.com:$port"));
    refused("$_->[0]", qr/not the manager's.*\Q$_->[1]\E/s, host => $own, origin($_->[1]))
        for [ 'another site' => 'http://evil.example' ],
        [ 'by TLS' => 'https://evil.example' ],
        [ 'a sandbox, or a file' => 'null' ],
        [ 'another port of this machine' => 'http://127.0.0.1:8081' ],
        [ 'its usual port' => 'http://127.0.0.1' ],
        [ 'another address' => "http://127.0.0.2:$port" ],
        [ 'a name that begins so' => "http://127.0.0.1.evil.example:$port" ],
        [ 'a user that looks so' => "http://$own\@evil.example" ],
        [ 'nonsense' => 'servoy.example.com' ],
        [ 'an extension' => 'moz-extension://0a1b2c' ];
    refused("Sec-Fetch-Site: $_", qr/Sec-Fetch-Site: \Q$_\E/, host => $own,
        origin("http://$own", "Sec-Fetch-Site: $_")) for qw(cross-site same-site junk);
    refused('cross-site without Origin', qr/cross-site/, host => $own,
        headers => ['Sec-Fetch-Site: cross-site']);
    refused('another site that claims to be ours', qr/Origin: http/, host => $own,
        origin('http://evil.example', 'Sec-Fetch-Site: same-origin'));
    refused('a form of text', qr/not the manager's/, host => $own,
        origin('http://evil.example', 'Sec-Fetch-Mode: no-cors'));
};

# What proxies in front make of it, each as they are usually configured.
subtest 'behind a proxy' => sub {
    my $public = 'servoy.example.com';
    passes('that ends TLS and keeps Host', host => $public, origin("https://$public"));
    passes('... at another port', host => "$public:8443", origin("https://$public:8443"));
    passes('... with the port in Host', host => "$public:443", origin("https://$public"));
    passes('that leaves the port out, the browser says whose it is', host => $public,
        origin("https://$public:8443", 'Sec-Fetch-Site: same-origin'));
    refused('... does not say', qr/with its port/, host => $public,
        origin("https://$public:8443"));
    passes('that has Host be our address', host => "10.0.0.5:$port", origin("https://$public"));
    passes('... our name', on => 2, host => 'proxy.internal', origin("https://$public:8443"));
    refused('... and tells what it was asked for', qr/Origin: http/, on => 2,
        host => 'proxy.internal',
        origin('http://evil.example', 'X-Forwarded-Host: evil.example',
            'Forwarded: host=evil.example'));

    my $proxy = SVB::Httpd->new(servoy => 0, tls => 1, ports => 2, modules => ['headers'],
        conf => <<"END")->start;
<VirtualHost *:\@TLS_PORT@>
    SSLEngine on
    SSLCertificateFile "\@CERT@"
    SSLCertificateKeyFile "\@KEY@"
    ProxyPreserveHost On
    ProxyPass / http://127.0.0.1:$port/
</VirtualHost>
<VirtualHost *:\@PORT0@>
    ProxyPass / http://127.0.0.1:$port/
</VirtualHost>
END
    my $tls = $proxy->tls_port;
    my %ways = (
        'TLS, Host kept' => [ "https://servoy.example.com:$tls", 200,
            "https://127.0.0.1:$tls/servoy-manager" ],
        'TLS, Host kept, another site' => [ 'https://evil.example', 403,
            "https://127.0.0.1:$tls/servoy-manager" ],
        'another Host' => [ 'http://servoy.example.com', 200, $proxy->url . '/servoy-manager' ],
        'another Host, rebinding' => [ 'http://evil.example', 403,
            $proxy->url . '/servoy-manager' ],
    );
    for my $name (sort keys %ways) {
        my ($from, $status, $url) = @{ $ways{$name} };
        my $r = curl($url, '-H', "Origin: $from", '-H', 'Accept: application/json',
            '-H', 'Host: ' . ($from =~ s{^\w+://}{}r), '--data',
            SVB::Client->form(fleet => 'servoy', node => 'servoy1', action => 'enable',
                nonce => $manager->nonce));
        is $r->status, $status, $name or diag $r->body;
    }
};

subtest 'HTTP/2' => sub {
    my @h2 = '--http2-prior-knowledge';
    my @data = ('--data', SVB::Client->form(fleet => 'servoy', node => 'servoy1',
        action => 'enable', nonce => $manager->nonce));
    my $url = "http://127.0.0.1:$port/servoy-manager";
    my @json = ('-H', 'Accept: application/json');
    my $r = curl($url, @h2, @data, @json);
    is $r->status, 200, 'by address';
    is curl($url, @h2, @data, @json, '-H', "Host: servoy.example.com:$port", '-H',
        "Origin: http://servoy.example.com:$port")->status, 200, 'by name, its own page';
    $r = curl($url, @h2, @data, @json, '-H', 'Host: evil.example');
    is $r->status, 403, ':authority of somebody else';
    like $r->body, qr/"evil\.example"/, '... is told';
    is curl($url, @h2, @data, @json, '-H', 'Origin: https://evil.example')->status, 403,
        'another site';
};

subtest 'scripts' => sub {
    my $url = "http://127.0.0.1:$port/servoy-manager";
    my $out = SVB::Temp->dir('out');
    my $nonce = $manager->nonce;
    my $form = "fleet=servoy&node=servoy1&nonce=$nonce&action=";
    is curl($url, '--data', "${form}loadfactor&value=7", '-H', 'Accept: application/json')
        ->json->{loadfactor}, 7, 'curl';
    is curl("http://localhost:$port/servoy-manager", '--ipv4', '--data', "${form}enable")
        ->status, 303, 'curl by localhost';
    SKIP: {
        skip 'no wget', 1 if !SVB::Proc->which('wget');
        my $proc = SVB::Proc->spawn(name => 'wget', out => "$out/said", env => { no_proxy => '*' },
            cmd => [ 'wget', '--quiet', '--tries=1', '--header=Accept: application/json', '-O',
                "$out/node", "--post-data=${form}drain", $url ]);
        is $proc->wait(30), 0, 'wget';
    }
    my $script = SVB::Proc->spawn(name => 'servoy-node.sh', out => "$out/script",
        env => { SERVOY_FLEET => undef, SERVOY_CURL => undef, no_proxy => '*' },
        cmd => [ "$FindBin::Bin/../conf/servoy-node.sh", 'enable', $url, 'servoy1' ]);
    is $script->wait(30), 0, 'servoy-node.sh' or diag SVB::Temp->read_file("$out/script");
};

subtest 'whose nonce' => sub {
    my $auth = sub { return 'Authorization: Basic '
        . { admin => 'YWRtaW46c2VjcmV0', viewer => 'dmlld2VyOnNlY3JldA==' }->{ $_[0] } };
    my $nonce = sub {
        my ($path, @headers) = @_;
        return browser()->get("$path?format=json", headers => \@headers)->json->{nonce};
    };
    my %to = (to => '/private-manager');
    my $of_viewer = $nonce->('/private-manager', $auth->('viewer'));
    passes('one\'s own', %to, headers => [ $auth->('admin') ],
        field => { nonce => $nonce->('/private-manager', $auth->('admin')) });
    refused('another user\'s', qr/nonce/, %to, headers => [ $auth->('admin') ],
        field => { nonce => $of_viewer });
    refused('a user\'s, sent by nobody', qr/nonce/, field => { nonce => $of_viewer });
    passes('one that everybody may have, where only POST needs a password',
        to => '/half-manager', headers => [ $auth->('admin') ],
        field => { nonce => $nonce->('/half-manager') });
    like $httpd->error_log, qr/SVB0065: .*loadfactor \S+ by user admin from 127\.0\.0\.1/,
        'who acts is told';
};

subtest 'a GET changes nothing' => sub {
    $manager->act('servoy', 'servoy1', 'enable');
    my $settings = sub {
        my $node = $manager->node('servoy', 'servoy1');
        return join ' ', $node->{state}, $node->{loadfactor},
            map { $_->{status} } @{ $node->{members} };
    };
    my $before = $settings->();
    my $query = SVB::Client->form(fleet => 'servoy', node => 'servoy1', action => 'drain',
        nonce => $manager->nonce);
    my $to = "/servoy-manager?$query";
    is browser()->get($to)->status, 200, 'GET';
    is browser()->head($to)->status, 200, 'HEAD';
    is browser()->get($to, body => $query, headers => ["Content-Type: $form"])->status, 200,
        'GET with a body';
    is browser()->request($_ => $to)->status, 405, $_ for qw(PUT DELETE PATCH);
    is browser()->get($to, headers => [ 'X-HTTP-Method-Override: POST' ])->status, 200,
        'GET that would be a POST';
    is $settings->(), $before, 'all is as it was';
};

subtest 'headers of all answers' => sub {
    my %answers = (
        page => browser()->get('/servoy-manager'),
        json => browser()->get('/servoy-manager?format=json'),
        metrics => browser()->get('/servoy-manager?format=prometheus'),
        refused => post(host => 'evil.example'),
        back => browser()->post_form('/servoy-manager', { fleet => 'servoy', node => 'servoy1',
            action => 'enable', nonce => $manager->nonce }),
        'not allowed' => browser()->request(PUT => '/servoy-manager'),
    );
    for my $name (sort keys %answers) {
        my $r = $answers{$name};
        my @policies = $r->header('Content-Security-Policy');
        is scalar(grep { /frame-ancestors 'none'/ } @policies) . ' of ' . @policies, '1 of 1',
            "$name: in no frame";
        is $r->header('X-Frame-Options'), 'DENY', "$name: in none of an old browser";
        is $r->header('Cross-Origin-Resource-Policy'), 'same-origin',
            "$name: nobody else's script or image";
        ok !defined $r->header('Access-Control-Allow-Origin'), "$name: nobody else reads it";
    }
};

subtest 'the log is not flooded' => sub {
    my $noisy = SVB::Httpd->new(conf => $fleet . manager_location('ServoyManagerActions on'))->start;
    my $their = $noisy->manager;
    my %field = (fleet => 'servoy', node => 'servoy1', action => 'enable');
    my $nonce = $their->nonce;
    for my $i (1 .. 40) {
        my $client = $noisy->browser;
        my $send = sub {
            my ($field, %option) = @_;
            return $client->post_form('/servoy-manager', { %field, nonce => $nonce, %$field },
                %option)->status;
        };
        die if grep { $_ != 403 } $send->({}, host => "evil$i.example"),
            $send->({}, headers => ['Origin: ' . "http://evil$i.example/" x 50]),
            $send->({ nonce => 'x' x 32 });
        $client->get('/servoy-manager', host => "evil$i.example");
    }
    for my $id (qw(0155 0156 0157 0158)) {
        my @lines = grep { /SVB$id/ } split /^/, $noisy->error_log;
        is scalar @lines, 1, "SVB$id is there once";
        ok length $lines[0] < 500, '... and short';
        unlike $lines[0], qr/[\x00-\x09\x0b-\x1f]|\Q$nonce\E/, '... with nothing odd in it';
    }
    like +(grep { /SVB0157/ } split /^/, $noisy->error_log)[0], qr/servoy_balancer:info/,
        'an old nonce is no trouble';
};

subtest 'a nonce grows old' => sub {
    my ($library) = glob '/usr/lib/*/faketime/libfaketimeMT.so.1';
    plan skip_all => 'no libfaketime' if !$library;
    my $dir = SVB::Temp->dir('clock');
    chmod 0755, $dir;
    my $begin = 600 - time % 3600;      # ten minutes into an hour
    my $clock = sub {
        SVB::Temp->write_file("$dir/clock", sprintf "%+d\n", $begin + $_[0]);
        chmod 0644, "$dir/clock";
    };
    $clock->(0);
    my $aging = SVB::Httpd->new(conf => $fleet . manager_location('ServoyManagerActions on'),
        env => { LD_PRELOAD => $library, FAKETIME_TIMESTAMP_FILE => "$dir/clock",
            FAKETIME_NO_CACHE => 1, DONT_FAKE_MONOTONIC => 1 })->start;
    my $client = $aging->browser;
    my $nonce = $aging->manager->nonce;
    my $try = sub {
        return $client->post_form('/servoy-manager', { fleet => 'servoy', node => 'servoy1',
            action => 'enable', nonce => $_[0] // $nonce })->status;
    };
    is $try->(), 303, 'fresh';
    $clock->(3600);
    is $try->(), 303, 'an hour later';
    my $next = $aging->manager->nonce;
    isnt $next, $nonce, '... when there is a new one';
    is $try->($next), 303, '... which is good as well';
    $clock->(2 * 3600);
    is $try->(), 403, 'two hours later the first is not';
    is $try->($next), 303, '... the next one still is';
    is $try->($aging->manager->nonce), 303, '... and that of now';
    $aging->graceful;
    is $try->($next), 303, 'after a graceful restart, too';
    $clock->(0);
    is $try->($next), 403, 'a clock that goes back: not yet';
    my $before = $aging->manager->nonce;
    $aging->stop;
    $aging->start;
    is $try->($before), 403, 'after a stop and start it is another server\'s';
    is $try->($aging->manager->nonce), 303, '... which has its own';
};

done_testing;
