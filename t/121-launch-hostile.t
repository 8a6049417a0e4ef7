#!/usr/bin/perl
# Launches, and starts at the door, that someone means ill with: whatever the request says, a Location and the
# codebase of a rewritten JNLP name a configured direct URL, its href the front end,
# nothing gets into the headers, nothing crashes.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SVB::Curl;
use SVB::Fleet;
use SVB::Httpd;
use Test::More;

my $fleet = SVB::Fleet->start(2);
my %url = (servoy1 => 'http://app1.example.com', servoy2 => 'https://app2.example.com:8443/desk');
my $direct = join '|', map { quotemeta } values %url;
my $jnlp = '/servoy-client/crm.jnlp';

# Each setup is a virtual host on a port of its own. The greedy ones take nearly
# everything for a launch, so that it gets as far as it can.
my @setups = (
    { name => 'canonical' },
    { name => 'nocanon', pass => 'nocanon' },
    { name => 'encoded', pass => 'mapping=encoded' },
    { name => 'canonical-greedy', greedy => 1 },
    { name => 'nocanon-greedy', pass => 'nocanon', greedy => 1 },
    { name => 'encoded-greedy', pass => 'mapping=encoded', greedy => 1 },
    { name => 'rewritten-greedy', rewrite => 1, greedy => 1 },
    { name => 'nodecode-greedy', slashes => 'NoDecode', greedy => 1 },
    { name => 'jnlp-greedy', jnlp => 1, greedy => 1 },
    { name => 'jnlp-nocanon-greedy', jnlp => 1, pass => 'nocanon', greedy => 1 },
    { name => 'jnlp-encoded-greedy', jnlp => 1, pass => 'mapping=encoded', greedy => 1 },
    # the same by the door, which takes them for starts of web clients
    { name => 'door-greedy', door => 1, greedy => 1 },
    { name => 'door-nocanon-greedy', door => 1, pass => 'nocanon', greedy => 1 },
    { name => 'door-encoded-greedy', door => 1, pass => 'mapping=encoded', greedy => 1 },
);
my @jnlp = grep { $setups[$_]{jnlp} } 0 .. $#setups;     # their nodes hear of every Host

sub vhost {
    my ($n) = @_;
    my %setup = %{ $setups[$n] };
    my $members = $fleet->members('ajp', 'retry=0');
    my $facts = join "\n", map { "ServoyNode $_ url=$url{$_}" } sort keys %url;
    my $pass = $setup{rewrite}
        ? "RewriteEngine on\nRewriteRule ^(.*)\$ balancer://$setup{name}\$1 [P]"
        : "ProxyPass / balancer://$setup{name}/ " . ($setup{pass} // '');
    my $slashes = $setup{slashes} // 'On';
    my $greedy = $setup{door} ? "ServoyStart redirect\nServoyStartMatch jnlp\nServoyLaunchMatch ^-"
        : $setup{greedy} ? 'ServoyLaunchMatch jnlp' : '';
    my $launch = $setup{jnlp} ? 'rewrite' : 'redirect';
    return <<"END";
<VirtualHost *:\@PORT$n\@>
    ServerName $setup{name}.example.com
    AllowEncodedSlashes $slashes
    <Proxy "balancer://$setup{name}">
        $members
        ProxySet lbmethod=servoy
        ServoyFleet $setup{name}
        ServoyLaunch $launch
        $facts
        $greedy
    </Proxy>
    $pass
    ${\ ($setup{jnlp} ? 'ProxyPreserveHost On' : '')}
    ${\ ($setup{greedy} ? 'MergeSlashes off' : '')}
</VirtualHost>
END
}

my $httpd = SVB::Httpd->new(ports => scalar @setups, modules => [qw(rewrite http2)],
    conf => join('', map { vhost($_) } 0 .. $#setups)
    . "LimitRequestLine 20000\nProtocols h2c http/1.1\n",
    log_level => 'info servoy_balancer:debug')->start;
my %children = map { $_ => 1 } $httpd->children;
my $fronts = join '|', map { quotemeta front($_) } @jnlp;

# A setup by its ServerName.
sub front { my ($n) = @_; return "http://$setups[$n]{name}.example.com:" . $httpd->port($n) }

# --- what an answer must not be ---

my %known = map { $_ => 1 }
    qw(date server location cache-control set-cookie content-length content-type
    connection allow retry-after vary upgrade transfer-encoding content-language keep-alive
    accept-ranges last-modified etag content-range x-content-type-options x-node x-session
    x-session-new x-session-before x-count);
my $sensible = qr/^(?:200|206|302|304|400|403|404|405|412|413|414|431)$/;

# What is wrong with the raw bytes that came back, '' where nothing is.
sub wrong { my ($raw, $n) = @_; return shown(wrong_bytes($raw, $n)) }

sub wrong_bytes {
    my ($raw, $n) = @_;
    my ($head, $body) = $raw =~ /^(.*?)\r\n\r\n(.*)$/s
        or return $raw eq '' ? 'no answer' : 'no head';
    my ($first, @lines) = split /\r\n/, $head;
    my ($status) = $first =~ m{^HTTP/1\.1 (\d{3})(?: [ -~]*)?$} or return "status line: $first";
    $status =~ $sensible or return "status $status";
    for my $line (@lines) {
        my ($name, $value) = $line =~ /^([A-Za-z-]+): ([\t -~]*)$/ or return "header line: $line";
        return "header: $line" if !$known{ lc $name };
        my $wrong = $line =~ /^Location:/i ? wrong_location($value) : $line =~ /^Set-Cookie:/i
            ? wrong_cookie($value) : '';
        return $wrong if $wrong;
        return "evil in a header: $line" if $line =~ /^(?!Location:)[^:]+:.*(?:evil|inject)/i;
    }
    my %count;
    $count{ lc((/^([^:]+)/)[0]) }++ for @lines;
    $count{$_} and $count{$_} > 1 and return "$count{$_} $_ headers"
        for qw(location content-length cache-control);
    my ($length) = $head =~ /^Content-Length: (\d+)\r?$/mi;
    my $is_jnlp = $head =~ m{^Content-Type: application/x-java-jnlp-file\b}mi;
    $body = dechunked($body) // return 'chunks' if $head =~ /^Transfer-Encoding: chunked\r?$/mi;
    return "more than one answer: $body" if defined $length && length $body > $length || !$is_jnlp
        && $body =~ m{HTTP/1\.\d \d{3}};
    return wrong_jnlp($body) if $setups[ $n // 0 ]{jnlp} && $is_jnlp && $status == 200
        && length $body;
    return 'no Location' if $status == 302 && !$count{location};
    return "Location with $status" if $status != 302 && $count{location};
    return 'not no-store' if $status == 302 && $head !~ /^Cache-Control: no-store\r?$/mi;
    return '';
}

# A body that came in chunks, if there is nothing but these.
sub dechunked {
    my ($rest) = @_;
    my $body = '';
    while ($rest =~ s/^([0-9a-f]+)\r\n//i) {
        my $size = hex $1;
        return $rest eq "\r\n" ? $body : undef if !$size;
        $body .= substr $rest, 0, $size, '';
        $rest =~ s/^\r\n// or return undef;
    }
    return undef;
}

# A JNLP of our nodes, codebase and href captured. What their escaping lets through
# of the request's characters may be no XML: then it is none of our business, and no
# launcher's either.
my $text = qr/(?:[^<>&"\x00-\x08\x0b\x0c\x0e-\x1f]|&(?:amp|lt|gt|quot|apos|#\d+);)*/;
my $whole = join '\s*', '^<\?xml version="1\.0" encoding="UTF-8"\?>',
    qq{<jnlp spec="1\\.0\\+" codebase="($text)" href="($text)">}, '<information>',
    "<title>$text</title>", '<vendor>demo</vendor>', '</information>',
    '<security><all-permissions/></security>', '<resources>',
    '<j2se version="1\.8\+"/>', '<jar href="lib/democlient\.jar" main="true"/>', '</resources>',
    '<application-desc main-class="svb\.client\.DemoClient">',
    "(?:<argument>$text</argument>\\s*)*</application-desc>", '</jnlp>$';

my $plain = qr{[A-Za-z0-9\-_.!~*():@=+\$,;/?\[\]]};

sub wrong_jnlp {
    my ($body) = @_;
    my ($codebase, $href) = $body =~ $whole
        or return $body =~ /[\x00-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf]/ ? '' : "JNLP: $body";
    return "codebase $codebase" if !grep { $_ eq $codebase } values %url;
    return "href $href"
        if $href !~ m{^(?:$fronts)(?:/(?:$plain|&amp;|&apos;|%[0-9A-Fa-f]{2})*)$};
    return $href =~ /^[^?]*[\[\]]/ ? "brackets in the path of $href" : '';
}

# Is it what every other client gets for that target: Location, or JNLP?
sub is_as_ever {
    my ($n, $raw, $location, $target) = @_;
    return scalar grep { "$_$target" eq ($location // '') } values %url if !$setups[$n]{jnlp};
    return $raw =~ m{^HTTP/1\.1 (?:206|304|412) } || $raw =~ m{ href="\Q${\ front($n)}$target\E">};
}

sub wrong_location {
    my ($value) = @_;
    my ($url, $rest) = $value =~ m{^($direct)(/.*)$} or return "Location: $value";
    # as sloppy parsers read it: up to the first of / \ ? #, the part after an @
    my ($authority) = $value =~ m{^https?:[/\\]*([^/\\?#]*)};
    return "authority $authority" if $authority !~ /^app(?:1\.example\.com|2\.example\.com:8443)$/;
    return "bytes in $value"
        if $rest !~ m{^(?:[A-Za-z0-9\-_.!~*'():@&=+\$,;/?\[\]]|%[0-9A-Fa-f]{2})*$};
    return "brackets or ? in the path of $value" if $rest =~ /^[^?]*[\[\]]/;
    return '';
}

sub wrong_cookie {
    my ($value) = @_;
    return $value
        =~ /^SERVOYLAUNCH=[A-Za-z0-9._-]{1,100}\.servoy[12]; Path=\/; HttpOnly; SameSite=Lax$/
        || $value =~ /^JSESSIONID=[0-9A-F]{32}\.servoy[12]; Path=\/; HttpOnly$/ ? ''
        : "Set-Cookie: $value";
}

# Sends these bytes to a setup; the raw answer, its status and its Location.
sub send_raw {
    my ($n, $bytes) = @_;
    my $client = SVB::Client->new(url => $httpd->url($n));
    my $raw = $client->raw($bytes);
    my ($status) = $raw =~ m{^HTTP/1\.1 (\d{3})};
    my ($location) = $raw =~ /^Location: (.*?)\r$/mi;
    return ($raw, $status // 0, $location);
}

sub shown {
    my ($text) = @_;
    $text =~ s/([^ -~])/sprintf '\x%02x', ord $1/ge;
    return length $text > 100 ? substr($text, 0, 90) . '... (' . length($text) . ' bytes)' : $text;
}

# --- request targets ---

my $evil = 'evil.example.net';
my @targets = (
    # encoded line ends and what they might bring
    map({ ("/servoy-client/a${_}X-Injected:%201.jnlp", "$jnlp?a=${_}X-Injected:%201",
        "$jnlp;a=${_}X-Injected:%201") }
        '%0d%0a', '%0D%0A%0D%0A', '%0a', '%0d', '%00', '%00%0d%0a', '%e5%98%8a%e5%98%8d',
            '%25%30%64%25%30%61',
        '%250d%250a', '%09', '%7f', '%1b', '%c0%8d%c0%8a'),
    "/servoy-client/crm.jnlp%0d%0aSet-Cookie:%20injected=1",
    "/servoy-client/crm.jnlp%0d%0a%0d%0aHTTP/1.1%20200%20OK",
    # another host
    "//$evil$jnlp", "///$evil$jnlp", "////$evil$jnlp", "/%2f$evil$jnlp", "/%2F%2F$evil$jnlp",
    "%2f%2f$evil$jnlp",
    "/\@$evil$jnlp", "\@$evil$jnlp", "/%40$evil$jnlp", ":80\@$evil$jnlp", "/:80\@$evil$jnlp",
    ".$evil$jnlp", "/.$evil$jnlp",
    "/\\$evil$jnlp", "\\\\$evil$jnlp", "/\\/$evil$jnlp", "/%5c$evil$jnlp", "/%5C%5C$evil$jnlp",
    "\\$evil$jnlp",
    "/servoy-client/\\..\\..\\$evil/x.jnlp", "/servoy-client/%5c%2e%2e%5c$evil/x.jnlp",
    "/servoy-client//$evil/x.jnlp", "/servoy-client/\@$evil/x.jnlp",
    "/servoy-client/http://$evil/x.jnlp",
    "/http://$evil$jnlp", "/http:$evil$jnlp", "/https:/$evil$jnlp", "/javascript:alert(1)//$jnlp",
    "$jnlp?\@$evil", "$jnlp?//$evil/", "$jnlp?\\\\$evil", "$jnlp?url=http://$evil/",
    "$jnlp#\@$evil/", "$jnlp%23\@$evil/x.jnlp",
    "$jnlp;\@$evil/x.jnlp", "$jnlp?a=#\@$evil/",
    # ways out of the folder
    "/servoy-client/../$evil.jnlp", "/servoy-client/../..$jnlp", "/..$jnlp", "/../..$jnlp",
    "/..;$jnlp", "/..;/..;$jnlp",
    "/servoy-client/..;/$evil.jnlp", "/;/servoy-client/crm.jnlp",
    "/servoy-client/%2e%2e/%2e%2e/x.jnlp",
    "/servoy-client/.%2e/x.jnlp", "/servoy-client/%252e%252e/x.jnlp",
    "/servoy-client/..%2f..%2fx.jnlp",
    "/servoy-client/..%5c..%5cx.jnlp", "/servoy-client/..%00/x.jnlp",
    "/.;x=1/servoy-client/crm.jnlp", "/./$jnlp", "/;//$evil$jnlp", "/.;//$evil$jnlp",
    # escapes that are none, overlong and broken UTF-8
    '/servoy-client/%.jnlp', '/servoy-client/%g0.jnlp', '/servoy-client/%0.jnlp',
    '/servoy-client/crm.jnlp%', "$jnlp?%", "$jnlp?%0",
    '/servoy-client/%u000d%u000a.jnlp', '/servoy-client/%c0%af.jnlp', "/%c0%af%c0%af$evil$jnlp",
    '/servoy-client/%e0%80%af.jnlp',
    '/servoy-client/%f0%80%80%af.jnlp', '/servoy-client/%ed%a0%80.jnlp',
    '/servoy-client/%ff%fe.jnlp', "/servoy-client/\xff\xfe.jnlp",
    "/servoy-client/\xc0\xaf.jnlp", "/\xef\xbc\x8f\xef\xbc\x8f$evil$jnlp",
    "/servoy-client/\xe2\x80\xa8.jnlp", "$jnlp?\xc4\x8d\xc4\x8a",
    # bytes that end or break something
    "/servoy-client/a\tb.jnlp", "$jnlp?a\tb", "/servoy-client/a\x00b.jnlp", "$jnlp?a\x00b",
    "/servoy-client/a\x01b.jnlp",
    "/servoy-client/a\x0bb.jnlp", "/servoy-client/a\x7fb.jnlp", "$jnlp?a\x1b[2J",
    "/servoy-client/a b.jnlp", "$jnlp?a b",
    "/servoy-client/a\rX-Injected: 1.jnlp", "$jnlp?a\rX-Injected: 1", "$jnlp?a\nX-Injected: 1",
    '/servoy-client/"><script>alert(1)</script>.jnlp', "$jnlp?\"><script>alert(1)</script>",
    "/servoy-client/{}|^`[].jnlp", "$jnlp?{}|^`[]",
    "/servoy-client/%h%r.jnlp", "$jnlp?%h%r%s%n", '/servoy-client/$1%{HTTP_HOST}.jnlp',
    # long ones
    '/servoy-client/' . 'a' x 8000 . '.jnlp', "$jnlp?" . 'a' x 15000, "$jnlp?" . '"' x 7000,
    "/servoy-client/" . '%7c' x 2600 . '.jnlp',
    '/servoy-client' . '/..;' x 2000 . '/x.jnlp', '/servoy-client' . '/a' x 4000 . '.jnlp',
    "$jnlp" . ';a=b' x 2000, '/' x 4000 . "$evil$jnlp",
    '/servoy-client/' . '%2f' x 2600 . '.jnlp', "$jnlp?" . 'a' x 25000,
    # other forms of a request target
    "http://$evil$jnlp", "https://$evil$jnlp", "http://$evil:80$jnlp?x", "HTTP://$evil$jnlp",
    "http://app1.example.com\@$evil$jnlp",
    "http://$evil\\$jnlp", "http:///$evil$jnlp", "http:/$evil$jnlp", "http:$evil$jnlp",
    "ftp://$evil$jnlp", "x://$evil$jnlp", "http://[::1]$jnlp",
    "http://$evil\@app1.example.com$jnlp", "http://$evil?$jnlp", "http://$evil#$jnlp",
    "balancer://canonical$jnlp",
    "proxy:balancer://canonical$jnlp", "proxy:http://$evil$jnlp", "/proxy:http://$evil$jnlp",
    "http://$evil//other$jnlp",
    '*', '', 'servoy-client/crm.jnlp', "?$jnlp", "#$jnlp", "//", "///x.jnlp", ':', '%', '@', '\\',
);

for my $n (0 .. $#setups) {
    subtest "targets: $setups[$n]{name}" => sub {
        my %status;
        for my $target (@targets) {
            for my $method (qw(GET HEAD)) {
                my ($raw, $status) = send_raw($n,
                    "$method $target HTTP/1.1\r\nHost: desk.example.com\r\n"
                    . "Connection: close\r\n\r\n");
                $status{$status}++;
                # httpd does not decode this, and finds no launch in it; a Tomcat does
                my $is_odd = $target =~ /;.*%00/ && ($setups[$n]{pass} // '') eq 'mapping=encoded';
                my $wrong = wrong($raw, $is_odd ? 0 : $n);
                is $wrong, '', "$method " . shown($target) if $wrong || $method eq 'GET';
            }
        }
        my ($got, $least) = $setups[$n]{jnlp} ? (200, @targets / 2)
            : (302, @targets / ($setups[$n]{greedy} ? 1 : 2));
        cmp_ok $status{$got} // 0, '>=', $least, 'many of them are launches'
            or diag explain \%status;
        note join ', ', map { "$_: $status{$_}" } sort keys %status;
    };
}

# What some of them come to, behind the direct URL; undef: refused.
subtest 'some of them to the letter' => sub {
    my %comes_to = (
        "//$evil$jnlp" => "/$evil$jnlp",
        "/;//$evil$jnlp" => "/;//$evil$jnlp",
        "/\@$evil$jnlp" => "/\@$evil$jnlp",
        "/\\$evil$jnlp" => "/%5C$evil$jnlp",
        "/%5c$evil$jnlp" => "/%5c$evil$jnlp",
        "/:80\@$evil$jnlp" => "/:80\@$evil$jnlp",
        "/..;$jnlp" => "/..;$jnlp",
        "$jnlp?a=%0d%0aX-Injected:%201" => "$jnlp?a=%0d%0aX-Injected:%201",
        "/servoy-client/a%0d%0aX-Injected:%201.jnlp" =>
        "/servoy-client/a%0d%0aX-Injected:%201.jnlp",
        "/servoy-client/a%250d%250a.jnlp" => "/servoy-client/a%250d%250a.jnlp",
        "/servoy-client/\xc0\xaf.jnlp" => '/servoy-client/%C0%AF.jnlp',
        "$jnlp?\"><script>" => "$jnlp?%22%3E%3Cscript%3E",
        "http://$evil$jnlp?a" => "$jnlp?a",
        "https://$evil:81$jnlp" => $jnlp,
        "$jnlp?" . '"' x 7000 => "$jnlp?" . '%22' x 7000,
        (map { $_ => undef } "\@$evil$jnlp", ":80\@$evil$jnlp", ".$evil$jnlp", "\\\\$evil$jnlp",
            "/../..$jnlp",
            "$jnlp?a\x00b", "$jnlp?a\tb", "$jnlp?a\x7fb", "$jnlp?a\rb", "http://a\@$evil$jnlp",
            "$jnlp#\@$evil/"),
    );
    for my $n (3, 4, 5) {
        for my $target (sort keys %comes_to) {
            my $rest = $comes_to{$target};
            my ($raw, $status, $location) = send_raw($n,
                "GET $target HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
            if (defined $rest) {
                ok +(grep { "$_$rest" eq ($location // '') } values %url),
                    "$setups[$n]{name}: " . shown($target)
                    or diag "$status ", shown($location // '');
            }
            else { is $status, 400, "$setups[$n]{name}: refused: " . shown($target) }
        }
    }
};

# --- headers ---

subtest 'forged headers' => sub {
    my @forged = map { [ "Host: $_" ] } $evil, "$evil:80", "app1.example.com\@$evil", "$evil/x?",
        "$evil#", '[::1]', '', "$evil.",
        "app1.example.com, $evil", "$evil\\", "\xff$evil", "a\tb", "a b", "..", "-$evil",
        "%0d%0aX-Injected:1", 'x' x 8000, "localhost:99999";
    push @forged, map { [ 'Host: desk.example.com', split /\n/ ] } "Host: $evil",
        "X-Forwarded-Host: $evil",
        "X-Forwarded-Host: $evil\nX-Forwarded-Proto: https\nX-Forwarded-Port: 666\n"
            . "X-Forwarded-Server: $evil",
        "Forwarded: host=$evil;proto=https", "X-Forwarded-Prefix: //$evil",
        "X-Original-URL: http://$evil/", "X-Rewrite-URL: //$evil/",
        "X-Host: $evil", "Origin: http://$evil", "Referer: http://$evil/\@",
        "Upgrade-Insecure-Requests: 1", "X-Forwarded-Scheme: https",
        "Location: http://$evil/", "X-Folded: a\n X-Injected: 1", "X-Servoy: a\rX-Injected: 1",
        "Connection: Location, Host, Set-Cookie",
        "Via: 1.1 $evil", "Range: bytes=0-1", "If-None-Match: *", "Expect: 100-continue",
        "TE: trailers", "Accept: text/html\nAccept-Language: $evil";
    for my $n (0 .. 2, 6, $jnlp[0]) {
        for my $headers (@forged) {
            my $bytes = join "\r\n", "GET $jnlp?a HTTP/1.1", @$headers, 'Connection: close', '', '';
            my ($raw, $status, $location) = send_raw($n, $bytes);
            my $name = "$setups[$n]{name}: " . shown(join ' | ', @$headers);
            is wrong($raw, $n), '', $name;
            ok $status == 400 || is_as_ever($n, $raw, $location, "$jnlp?a"),
                "$name: refused, or as ever";
        }
    }
    for my $request ("GET $jnlp HTTP/1.0\r\n\r\n", "GET $jnlp HTTP/1.0\r\nHost: $evil\r\n\r\n",
        "GET http://$evil$jnlp HTTP/1.0\r\n\r\n") {
        for my $n (0, $jnlp[0]) {
            my ($raw, $status, $location) = send_raw($n, $request);
            is wrong($raw, $n), '', "$setups[$n]{name}: " . shown($request);
            ok is_as_ever($n, $raw, $location, $jnlp), 'a launch';
        }
    }
    for my $request ("GET $jnlp\r\n\r\n", "GET $jnlp HTTP/1.1\r\n\r\n",
        "GET $jnlp HTTP/1.1\nHost: a\nX: b\rX-Injected: 1\n\n",
        "GET\t$jnlp HTTP/1.1\r\nHost: a\r\n\r\n", "GET  $jnlp HTTP/1.1\r\nHost: a\r\n\r\n",
        " GET $jnlp HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET $jnlp HTTP/1.1 HTTP/1.1\r\nHost: a\r\n\r\n",
        "get $jnlp HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "CONNECT $evil:80 HTTP/1.1\r\nHost: $evil\r\nConnection: close\r\n\r\n",
        "TRACE $jnlp HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n") {
        my ($raw, $status, $location) = send_raw(0, $request);
        is $location, undef, 'leads nowhere: ' . shown($request);
        unlike $raw, qr/^X-Injected/m;
    }
};

subtest 'a body is no request' => sub {
    my $inner = "GET /servoy-client/inner.jnlp HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    for my $n (0 .. 2, $jnlp[0]) {
        for my $headers ('Content-Length: ' . length($inner), "Transfer-Encoding: chunked") {
            my $body = $headers =~ /chunked/
                ? sprintf("%x\r\n%s\r\n0\r\n\r\n", length $inner, $inner) : $inner;
            my ($raw) = send_raw($n,
                "GET $jnlp HTTP/1.1\r\nHost: a\r\nConnection: close\r\n$headers\r\n\r\n$body");
            is wrong($raw, $n), '', "$setups[$n]{name}: $headers";
            unlike $raw, qr/inner/, 'one answer';
        }
        my ($raw) = send_raw($n,
            "GET $jnlp HTTP/1.1\r\nHost: a\r\nContent-Length: ${\ length $inner}\r\n\r\n$inner"
            . "GET /servoy-client/next.jnlp HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        unlike $raw, qr/inner/, 'nor on a connection that goes on';
        like $raw, $setups[$n]{jnlp} ? qr/ href="\S*next\.jnlp">/
            : qr/^Location: \S*next\.jnlp\r$/m, 'which does';
    }
};

# --- cookies ---

subtest 'cookies' => sub {
    my $hex = '0123456789abcdef';
    my @values = ("$hex.servoy9", "$hex.servoy", "$hex.servoy11", "$hex.Servoy1", "$hex.", "$hex",
        '.servoy9', '...', '', '=', '"', '""', '"\\"',
        "$hex%0d%0aSet-Cookie:%20injected=1.servoy9", "$hex\\r\\nX-Injected: 1.servoy1",
        "${hex}%0d%0aX-Injected:1.servoy1",
        "$hex\"><script>.servoy1", "\"$hex; Domain=$evil.servoy1\"",
        "$hex.servoy1; Domain=$evil; Path=/x", "$hex.servoy1, injected=1",
        "$hex, SERVOYLAUNCH=injected.servoy2", "\xff\xfe$hex\xff.servoy1", "$hex\xff.servoy1",
        "caf\xc3\xa9.servoy2", "${hex}evil.servoy1", "$hex.evil.servoy1",
        "$hex$hex$hex.servoy1", "$hex.servoy1.servoy9", "$hex.servoy9.servoy2",
        '../../../etc/passwd.servoy1', "$hex/servoy1", "$hex.servoy1/../..",
        "http://$evil/.servoy1", "$hex.app1.example.com", "\@$evil.servoy1", "//$evil",
        '%s%n%x.servoy1', '$(id).servoy1', "$hex.%73ervoy1", "$hex." . 'x' x 7000,
        'x' x 7000 . '.servoy2', '.' x 7000,
        join('; ', map { "SERVOYLAUNCH=$_.servoy" . (9 + $_) } 1 .. 200), 'a;' x 3000, '"' x 5000,
        '=;' x 2000,
        "$hex.balancer://x", "{$hex}.servoy1", "$hex.*", "$hex.servoy1\t", "$hex\t.servoy1",
        "NaN.servoy1", "-1.servoy1");
    my @refused = ("$hex\x00.servoy1", "$hex\x01.servoy1", "$hex\rX-Injected: 1.servoy1",
        "$hex\x7f.servoy1");
    for my $n (0 .. 2, $jnlp[0]) {
        for my $value (@values, @refused) {
            my ($raw, $status, $location) = send_raw($n,
                "GET $jnlp HTTP/1.1\r\nHost: a\r\nCookie: SERVOYLAUNCH=$value\r\n"
                . "Connection: close\r\n\r\n");
            is wrong($raw, $n), '', "$setups[$n]{name}: " . shown($value);
            is $status, 400, 'refused' if grep { $_ eq $value } @refused;
            ok $status == 400 || is_as_ever($n, $raw, $location, $jnlp), 'refused, or as ever';
        }
        next if $setups[$n]{jnlp};
        for my $route (1, 2) {
            my ($raw, $status, $location) = send_raw($n, "GET $jnlp HTTP/1.1\r\nHost: a\r\n"
                . "Cookie: SERVOYLAUNCH=\xff\"%0d<script>.servoy9; "
                . "SERVOYLAUNCH=$hex.servoy$route\r\nConnection: close\r\n\r\n");
            is $location, $url{"servoy$route"} . $jnlp, 'a good one after a bad one counts';
        }
    }
    my ($raw) = send_raw(0, "GET $jnlp HTTP/1.1\r\nHost: a\r\n"
        . "Cookie: SERVOYLAUNCH=x.servoy9\r\n" x 90 . "Connection: close\r\n\r\n");
    is wrong($raw), '', 'many Cookie headers';
};

# --- HTTP/2 ---

# httpd decodes the path of a request that upgrades to h2c before it comes to us.
subtest 'HTTP/2' => sub {
    my @paths = ("/servoy-client/a%0d%0aX-Injected:%201.jnlp", "$jnlp?a=%0d%0aX-Injected:%201",
        "//$evil$jnlp", "/\@$evil$jnlp", "/%5c$evil$jnlp",
        "/%2f$evil$jnlp", "/servoy-client/x%3Fb=c.jnlp", "/servoy-client/x%23b.jnlp",
        "/servoy-client/a%00b.jnlp", "/servoy-client/%2e%2e/..$jnlp",
        "/servoy-client/%ff%fe.jnlp", "/servoy-client/a%09b.jnlp",
        "/servoy-client/a%20HTTP/1.1%0d%0aHost:%20$evil/b.jnlp");
    for my $n (0 .. $#setups) {
        for my $option ('--http2-prior-knowledge', '--http2') {
            for my $path (@paths) {
                my $r = SVB::Curl->get($httpd->url($n) . $path, $option, '-H', "Host: $evil");
                my $location = $r->header('Location');
                my $wrong = defined $location ? wrong_location($location) : $r->status == 302
                    ? 'no Location' : '';
                $wrong ||= "status $r->{status} $r->{error}" if $r->status !~ $sensible;
                $wrong ||= 'a header' if $r->head =~ /^x-injected/mi;
                $wrong ||= wrong_jnlp($r->body) if $setups[$n]{jnlp}
                    && ($r->header('Content-Type') // '') =~ /jnlp/ && $r->status == 200;
                is $wrong, '', "$setups[$n]{name} $option " . shown($path) if $wrong || !$n;
            }
        }
    }
};

subtest 'afterwards' => sub {
    is_deeply { map { $_ => 1 } $httpd->children }, \%children, 'no child has ended';
    my $client = SVB::Client->new(url => $httpd->url);
    ok +(grep { "$_$jnlp" eq ($client->get($jnlp)->header('Location') // '') } values %url),
        'launches go on' for 1 .. 4;
    is $client->get('/servoy-webclient/')->status, 200, 'pages, too';
    is_deeply [ map { shown($_) } grep { !/^\[\w{3} \w{3} .*\]/ || /[^ -~\t]/ } split /\n/,
        $httpd->error_log ], [],
        'no line of the log is made up';
};

$httpd->stop;
done_testing;
