#!/usr/bin/perl
# ServoyLaunch rewrite: in the JNLP of a node, codebase becomes its direct URL and
# href the URL by which the client has asked; every other byte is the node's, and
# what cannot be rewritten passes as it is. Files come from Tomcat's own servlet for
# files, with its validators; FilesFilter.java says what a query changes of them.


use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SVB::Balancer;
use SVB::Curl;
use SVB::Httpd;
use SVB::JnlpFiles;
use SVB::Rewrite;
use SVB::Temp;
use Test::More;

my ($dir, $other_dir) = map { SVB::Temp->dir('files') } 1 .. 2;
my $fleet = SVB::Rewrite->start_nodes($dir, $other_dir);
my ($one) = $fleet->nodes;
my $type = 'application/x-java-jnlp-file';
my $evil = 'evil.example.net';

sub both {
    my ($scheme, $more) = @_;
    return $fleet->members($scheme, $more // 'retry=0');
}

sub vhost {
    my ($port, $name, @lines) = @_;
    return join "\n", "<VirtualHost *:\@PORT$port\@>", "ServerName $name", 'ProxyPreserveHost On',
        @lines,
        rewriting("name$port", both('http'), "ProxyPass \"/\" \"balancer://name$port/\"")
        . "</VirtualHost>\n";
}

my $solo = $one->member('ajp', 'retry=0');
my $httpd = SVB::Httpd->new(ports => 4, tls => 1, modules => [qw(rewrite http2)], conf => join '',
    rewriting('ajp', both('ajp')),
    rewriting('http', both('http')),
    rewriting('nocanon', both('http'), 'ProxyPass "/nocanon/" "balancer://nocanon/" nocanon'),
    rewriting('encoded', both('ajp'),
        'ProxyPass "/encoded/" "balancer://encoded/" mapping=encoded'),
    rewriting('encodedhttp', both('http'),
        'ProxyPass "/encodedhttp/" "balancer://encodedhttp/" mapping=encoded'),
    rewriting('moved', both('http'), 'ProxyPass "/moved/" "balancer://moved/"'),
    rewriting('urls', $solo, 'ServoyNode * url=https://App1.example.com:8443/desk%20top/%r/'),
    rewriting('six', $solo, 'ServoyNode * url=http://[2001:DB8::1]:8080'),
    rewriting('small', $solo, 'ServoyLaunch rewrite limit=2K'),
    <<'CONF', tls_host(),
Protocols h2 h2c http/1.1
AllowEncodedSlashes NoDecode
RewriteEngine on
RewriteRule "^/go/(.+)$" "balancer://moved/files/$1.jnlp" [P]
<Directory "@ROOT@/htdocs">
    RewriteEngine on
    RewriteRule "^inner/(.+)$" "/ajp/files/$1.jnlp"
</Directory>
CONF
    vhost(1, 'desk.example.com', 'ServerAlias www.example.com *.wild.example.com',
        'UseCanonicalName Off'),
    vhost(2, 'desk.example.com:8888', 'ServerAlias www.example.com', 'UseCanonicalName On'),
    vhost(3, 'https://desk.example.com:443', 'ServerAlias www.example.com',
        'UseCanonicalName Off'))->start;
my $at = SVB::Rewrite->new(httpd => $httpd, fleet => $fleet);
my $front = 'http://localhost:' . $httpd->port;
my $front_tls = 'https://localhost:' . $httpd->tls_port;

subtest 'root attributes, and not a byte more' => sub {
    for my $file (sort grep { $_ ne 'echo' } keys %text) {
        for my $name (qw(ajp http)) {
            my $r = $at->launch($name, "/files/$file.jnlp");
            is_rewritten($r, $text{$file}, "$front/$name/files/$file.jnlp", "$file, $name") or next;
            is $r->header('Content-Length'), length $r->body, 'Content-Length';
            has_own_validators($r, $file);
            is $r->header('Content-Type'), $type, 'Content-Type';
        }
        is $one->client->get("/files/$file.jnlp")->body, untouched($text{$file}),
            "$file, at the node" if $file !~ /utf16|large/;
    }
    unlike $httpd->error_log, qr/SVB0052/, 'there is nothing to say about these';
};

subtest 'what passes as it is' => sub {
    for my $file (sort keys %passing) {
        for my $name (qw(ajp http)) {
            $httpd->mark;
            my $r = $at->launch($name, "/files/$file.jnlp");
            is $r->body, $passing{$file}[0] if $file ne 'over_1m';
            $at->is_passed($r, "/files/$file.jnlp", "$file, $name", $passing{$file}[1]);
            # mod_proxy_ajp itself does without, now and then
            is $r->header('Content-Length'), length $passing{$file}[0], 'Content-Length'
                if $name eq 'http';
        }
    }
};

subtest 'limit=' => sub {
    is length untouched($text{of_2k}), 2048;
    is_rewritten($at->launch('small', '/files/of_2k.jnlp'), $text{of_2k},
        "$front/small/files/of_2k.jnlp", 'what is just allowed');
    $httpd->mark;
    SVB::Temp->write_file("$dir/over_2k.jnlp", untouched($text{of_2k}) . "\n");
    $at->is_passed($at->launch('small', '/files/over_2k.jnlp'), '/files/over_2k.jnlp',
        'a byte more', qr/is larger than limit= allows/);
};

subtest 'direct URLs with port, prefix, and IPv6' => sub {
    is_rewritten($at->launch('urls', '/files/plain.jnlp'), $text{plain},
        "$front/urls/files/plain.jnlp", 'port and prefix',
        'https://app1.example.com:8443/desk%20top/servoy1');
    is_rewritten($at->launch('six', '/files/plain.jnlp'), $text{plain},
        "$front/six/files/plain.jnlp", 'IPv6',
        'http://[2001:db8::1]:8080');
};

# --- href ---

# What is sent => what stands in href; undef: the same.
my %target = (
    '/files/plain.jnlp' => undef,
    '/files/plain.jnlp?' => undef,
    '/files/plain.jnlp?method=open&argument=1&a=%26amp;%7C' => undef,
    '/files/plain.jnlp?m=open&a=a|b|c' => '/files/plain.jnlp?m=open&a=a%7Cb%7Cc',
    '/files/%70lain.jnlp?a=%c3%a9+%20' => undef,
    "/files/plain.jnlp?it's=%27" => undef,
    '/files/plain.jnlp;jsessionid=0A.x?a=<">{}' =>
    '/files/plain.jnlp;jsessionid=0A.x?a=%3C%22%3E%7B%7D',
    '/files/./plain.jnlp' => undef,
    '/files/plain.jnlp?url=http://evil.example.net/@&b=%0d%0a' => undef,
);

for my $name (qw(ajp http nocanon encoded encodedhttp)) {
    subtest "href is the URL as the client wrote it: $name" => sub {
        for my $sent (sort keys %target) {
            next if $sent =~ m{/\./} && $name =~ /nocanon|encoded/;     # the node's business
            my $href = $target{$sent} // $sent;
            is_rewritten($at->launch($name, $sent), $text{plain}, "$front/$name$href", $sent);
        }
    };
}

subtest 'a target that was rewritten on the way' => sub {
    is_rewritten($at->launch('go', '/plain?a=b|c'), $text{plain}, "$front/go/plain?a=b%7Cc",
        'href is what was asked for');
    is_rewritten($at->launch('inner', '/plain?a'), $text{plain}, "$front/inner/plain?a",
        'by an internal redirect');
};

subtest 'deep links reach the application' => sub {
    for my $name (qw(ajp http nocanon encoded encodedhttp)) {
        my $r = $at->launch($name, '/servoy-client/dev/crm.jnlp?m=open&a=a|b%7Cc&u=caf%C3%A9');
        is $r->status, 200, $name;
        like $r->body,
            qr{(?x) <argument>method=open</argument>\s+ <argument>argument=a\|b\|c</argument>\s+
                <argument>u=caf\xc3\xa9<}, 'arguments';
        my $direct = SVB::Rewrite->direct($r->node);
        my $href = "$front/$name/servoy-client/dev/crm.jnlp?m=open&amp;a=a%7Cb%7Cc&amp;u=caf%C3%A9";
        like $r->body,
            qr{^<jnlp spec="1.0\+" codebase="\Q$direct\E" href="\Q$href\E">}m,
            'codebase and href';
        is $r->header('Content-Type'), "$type;charset=UTF-8";
        is $r->header('Cache-Control'), 'no-store', "the node's own no-store stays";
    }
};

# Which vhost, what is asked, under which name it is answered.
sub names {
    my ($at1, $at3) = map { 'http' . ($_ == 3 ? 's' : '') . '://desk.example.com'
        . ($_ == 1 ? ':' . $httpd->port(1) : '') } 1, 3;
    my $at2 = 'http://desk.example.com:8888';
    return (
        [ 1, 'Host: desk.example.com' => 'http://desk.example.com' ],
        [ 1, 'Host: desk.example.com:8443' => 'http://desk.example.com:8443' ],
        [ 1, 'Host: DESK.example.COM:80' => 'http://desk.example.com' ],
        [ 1, 'Host: www.example.com:81' => 'http://www.example.com:81' ],
        [ 1, 'Host: a.wild.example.com' => 'http://a.wild.example.com' ],
        [ 1, 'Host: wild.example.com' => $at1 ],
        [ 1, "Host: $evil" => $at1 ],
        [ 1, "Host: $evil:80" => $at1 ],
        [ 1, "Host: desk.example.com.$evil" => $at1 ],
        [ 1, 'Host: 127.0.0.1:' . $httpd->port(1) => $at1 ],
        [ 1, 'Host: [::1]:80' => $at1 ],
        [ 1, 'Host: localhost' => $at1 ],
        [ 1, '' => $at1 ],
        [ 1, "http://$evil Host: desk.example.com" => $at1 ],
        [ 1, "http://$evil:99 Host: $evil" => $at1 ],
        [ 1, "http://www.example.com:99 Host: $evil" => 'http://www.example.com:99' ],
        [ 1, "https://www.example.com Host: www.example.com" => 'http://www.example.com' ],
        map({ [ 2, $_ => $at2 ] } 'Host: desk.example.com', 'Host: www.example.com:81',
            "Host: $evil", '', "http://$evil Host: $evil"),
        [ 3, 'Host: desk.example.com' => 'https://desk.example.com' ],
        [ 3, 'Host: www.example.com:8443' => 'https://www.example.com:8443' ],
        [ 3, "Host: $evil" => $at3 ],
        [ 3, '' => $at3 ],
    );
}

subtest 'the name of the front end' => sub {
    for (names()) {
        my ($n, $asked, $url) = @$_;
        my ($absolute, $host) = $asked =~ /^(http\S*)?\s*(.*)$/;
        my $target = '/files/plain.jnlp?a&b';
        my $r = $at->answers($n, ($host ? '1.1' : '1.0'),
            [ GET => ($absolute // '') . $target, $host || () ]);
        is_rewritten($r, $text{plain}, "$url$target", "$n: $asked") or next;
        $r = $at->answers($n, ($host ? '1.1' : '1.0'),
            [ GET => '/servoy-client/crm.jnlp', $host || () ]) if !$absolute;
        my $direct = SVB::Rewrite->direct($r->node);
        like $r->body, qr{<jnlp spec="1.0\+" codebase="\Q$direct\E" href="\Q$url\E/},
            'codebase of that Host';
    }
};

subtest 'forged headers that the node believes' => sub {
    my @forged = (
        [ 'X-Forwarded-Host', "X-Forwarded-Host: $evil" ],
            [ 'X-Forwarded-Host', "X-Forwarded-Host: $evil:666, desk.example.com" ],
        [ 'Forwarded', "Forwarded: for=1.2.3.4;host=\"$evil:80\";proto=https" ],
        [ 'Forwarded', "Forwarded: host=$evil" ],
        [ 'Host', "Host: $evil" ], [ 'Host', "Host: $evil:8080" ],
    );
    for (@forged) {
        my ($header, $line) = @$_;
        my $host = $line =~ /^Host/ ? $line : 'Host: desk.example.com';
        my $url = $line =~ /^Host/ ? 'http://desk.example.com:' . $httpd->port(1)
            : 'http://desk.example.com';
        my $target = "/files/echo.jnlp?host=$header";
        my $own = $one->client->get($target, headers => [ grep { !/^Host/ } $line ],
            $line =~ /^Host: (.*)/ ? (host => $1) : ());
        like $own->body, qr/codebase="http:\/\/\Q$evil\E/, "$line: the node believes it";
        my $r = $at->answers(1, '1.1',
            [ GET => $target, $host, grep { $_ ne $host } $line, "X-Forwarded-Proto: https" ]);
        is_rewritten($r, $text{echo}, "$url$target", $line);
        unlike $r->head . $r->body, qr/\Q$evil\E/;
    }
};

subtest 'https and HTTP/2' => sub {
    my $target = '/files/plain.jnlp?a=%7c&b';
    my @ways = (
        [ 'https', $httpd->tls_port, $front_tls, '--http1.1', 1.1 ],
            [ 'h2', $httpd->tls_port, $front_tls, '--http2', 2 ],
        [ 'h2c', $httpd->port, $front, '--http2-prior-knowledge', 2 ],
        [ 'h2c by upgrade', $httpd->port, $front, '--http2', 2 ],
    );
    for (@ways) {
        my ($name, $port, $url, $option, $version) = @$_;
        my $scheme = $url =~ s/:.*//r;
        my @get = ("$scheme://127.0.0.1:$port/ajp$target", $option);
        my $r = SVB::Curl->get(@get);
        is $r->version, $version, $name or diag $r->error;
        is_rewritten($r, $text{plain}, "$url/ajp$target", 'rewritten');
        has_own_validators($r, $name);
        like $r->header('Set-Cookie') // '', $scheme eq 'https' ? qr/^SERVOYLAUNCH=.*; Secure/
            : qr/^SERVOYLAUNCH=(?!.*Secure)/, 'the cookie';
        my @same = ('-H', 'Cookie: SERVOYLAUNCH=' . $r->cookie('SERVOYLAUNCH'));
        my $r304 = SVB::Curl->get(@get, @same, '-H', 'If-None-Match: ' . $r->header('ETag'));
        is $r304->status . $r304->body, 304, 'not modified';
        my $part = SVB::Curl->get(@get, @same, '--range', '5-9');
        is $part->status . $part->body, 206 . substr($r->body, 5, 5), 'a range';
        my $head = SVB::Curl->get(@get, @same, '--head');
        is $head->status, 200, 'HEAD';
        my $named = SVB::Curl->get(@get, '-H', "Host: $evil:99");
        is_rewritten($named, $text{plain}, "$url/ajp$target", 'for an unknown Host');
        # more than curl 8.14 can take after an Upgrade, whoever answers
        next if $name eq 'h2c by upgrade';
        my $large = SVB::Curl->get("$scheme://127.0.0.1:$port/http/files/over_1m.jnlp", $option);
        $at->is_passed($large, '/files/over_1m.jnlp', 'a large one passes');
    }
};

$httpd->stop;
done_testing;
