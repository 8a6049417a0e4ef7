#!/usr/bin/perl
# ServoyLaunch rewrite: in the JNLP of a node, codebase becomes its direct URL and
# href the URL by which the client has asked; every other byte is the node's, and
# what cannot be rewritten passes as it is. Files come from Tomcat's own servlet for
# files, with its validators; FilesFilter.java says what a query changes of them.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Encode qw(encode);
use IO::Compress::Gzip qw(gzip);
use IO::Uncompress::Gunzip qw(gunzip);
use SVB::Curl;
use SVB::Httpd;
use SVB::Node;
use SVB::Temp;
use SVB::Wait;
use Test::More;

my $type = 'application/x-java-jnlp-file';
my $evil = 'evil.example.net';
my %direct = (servoy1 => 'http://app1.example.com', servoy2 => 'https://app2.example.com:8443/desk');

# --- what the nodes serve ---

# Texts in which {C:x} and {H:x} are the values of codebase and href, {+C} and {+H}
# the places of attributes that are not there.
my $inside = "\n  <information>\n    <title>caf\xc3\xa9 &amp; co</title>\n  </information>\n</jnlp>\n";
my $root = '<jnlp spec="1.0+" codebase="{C:http://127.0.0.1:8080/}" href="{H:crm.jnlp}">';
my $utf16 = "<?xml version=\"1.0\" encoding=\"UTF-16\"?>\n$root<information>\x{e9}\x{4e2d}\x{1f600}</information></jnlp>";
my %text = (
    plain => qq{<?xml version="1.0" encoding="UTF-8"?>\n$root$inside},
    localhost => qq{<jnlp codebase="{C:http://localhost/}" href="{H:http://LOCALHOST:81/files/crm.jnlp?a}">$inside},
    relative => qq{<jnlp codebase="{C:.}" href="{H:/other.jnlp}">$inside},
    single => qq{<jnlp codebase='{C:http://127.0.0.1/}' spec='1.0+'  href = '{H:a"b}' >$inside},
    swapped => qq{<jnlp\r\n\thref="{H:crm.jnlp}"\r\n\tspec="1.0+" codebase\r\n=\r\n'{C:http://127.0.0.1}'\r\n>$inside},
    bare => qq{<jnlp{+C}{+H}>$inside},
    empty_root => qq{<jnlp{+C}{+H}/>},
    no_codebase => qq{<jnlp{+C} spec="1.0+" href="{H:crm.jnlp}" xcodebase="a" codebasex="b">$inside},
    no_href => qq{<jnlp{+H} spec="1.0+" codebase="{C:}">$inside},
    bom => qq{\xef\xbb\xbf$root$inside},
    doctype => qq{<?xml version="1.0"?>\n<!DOCTYPE jnlp SYSTEM "http://$evil/jnlp.dtd" [\n<!ENTITY e "<x/>">\n]>\n}
        . "<!-- <jnlp codebase=\"x\" href='y'> -->\n<?jnlp codebase=\"x\"?>\n$root&e;$inside\n<!-- end -->\n\n",
    nested => "$root\n<jnlp codebase=\"http://$evil/\" href=\"z\"/><![CDATA[<jnlp codebase=\"x\">]]>"
        . '<jar href="lib/a.jar"/><property name="codebase" value=" href=\'\'"/></jnlp>',
    latin1 => qq{<?xml version="1.0" encoding="iso-8859-1"?>$root<a>\xe9\xff</a></jnlp>},
    utf16le => "\xff\xfe" . encode('UTF-16LE', $utf16),
    utf16be => "\xfe\xff" . encode('UTF-16BE', $utf16),
    echo => qq{<jnlp codebase="{C:http://\@HOST\@/}" href="{H:http://\@HOST\@/x.jnlp}">$inside},
    large => padded(1024 * 1024),
    of_2k => padded(2048),
);

# Those that pass as they are, and the reason that the log gives.
my %passing = (
    unclosed => [ qq{<jnlp codebase="http://127.0.0.1/" href="x"><a></jnlp>}, qr/cannot be parsed: .*line 1/ ],
    cut_short => [ qq{<jnlp codebase="http://127.0.0.1/" href="x">\n<a/>\n}, qr/cannot be parsed: .*line 3/ ],
    twice => [ qq{<jnlp codebase="a" codebase="b"/>}, qr/cannot be parsed/ ],
    no_utf8 => [ qq{<jnlp codebase="a">\xe9</jnlp>}, qr/cannot be parsed/ ],
    html => [ qq{<html><body codebase="x">error</body></html>}, qr/root element <html>, not <jnlp>/ ],
    words => [ "Sorry, no such solution.\n", qr/cannot be parsed/ ],
    empty => [ '', qr/is empty/ ],
    encoding => [ qq{<?xml version="1.0" encoding="IBM037"?><jnlp/>}, qr/an encoding not known here \(IBM037\)/ ],
    codebase => [ qq{<jnlp codebase="http://updates.example.org/" href="x"/>}, qr/a codebase with a host of its own \("updates\.example\.org"\)/ ],
    href => [ qq{<jnlp codebase="." href="//updates.example.org/x"/>}, qr/a href with a host of its own \("updates\.example\.org"\)/ ],
    hidden => [ qq{<jnlp codebase="http://127.0.0.1\@updates.example.&#111;rg/"/>}, qr/own \("updates\.example\.org"\)/ ],
    file => [ qq{<jnlp codebase="file:/opt/x"/>}, qr/a codebase with a host of its own \(""\)/ ],
    over_1m => [ untouched(padded(1024 * 1024 + 1)), qr/is larger than limit= allows/ ],
);

# A JNLP of so many bytes.
sub padded {
    my ($size) = @_;
    my $text = "$root<!-- -->$inside";
    return $text =~ s/(?<=<!--) /' ' x ($size - length(untouched($text)) + 1)/er;
}

# One as the node has it.
sub untouched {
    my ($text) = @_;
    return utf16($text, sub { $_[0] =~ s/\{[CH]:([^}]*)\}|\{\+[CH]\}/$1 \/\/ ''/ger });
}

# And as it is to come to the client.
sub rewritten {
    my ($text, $codebase, $href) = @_;
    my %value = (C => $codebase, H => $href =~ s/&/&amp;/gr =~ s/'/&apos;/gr);
    my %name = (C => 'codebase', H => 'href');
    return utf16($text, sub { $_[0] =~ s/\{([CH]):[^}]*\}|\{\+([CH])\}/$1 ? $value{$1} : " $name{$2}=\"$value{$2}\""/ger });
}

sub utf16 {
    my ($text, $change) = @_;
    my $encoding = $text =~ /^\xff\xfe/ ? 'UTF-16LE' : $text =~ /^\xfe\xff/ ? 'UTF-16BE' : return $change->($text);
    return encode($encoding, $change->(Encode::decode($encoding, $text)));
}

my ($dir, $other_dir) = map { SVB::Temp->dir('files') } 1 .. 2;
for my $in ($dir, $other_dir) {
    SVB::Temp->write_file("$in/$_.jnlp", untouched($text{$_})) for keys %text;
    SVB::Temp->write_file("$in/$_.jnlp", $passing{$_}[0]) for keys %passing;
    SVB::Temp->write_file("$in/page.html", untouched($text{plain}));
    utime 1_600_000_000, 1_600_000_000, glob "$in/*";
}
# These are at the first node only.
my $noise = '<jnlp><!--' . join('', map { sprintf '%08x', rand 2**32 } 1 .. 140_000) . '--></jnlp>';
my %packed = map { $_->[0] => packed($_->[1]) } [ good => untouched($text{plain}) ], [ unclosed => $passing{unclosed}[0] ],
    [ over_1m => $noise ], [ bomb => $passing{over_1m}[0] ];
$packed{broken} = substr $packed{good}, 0, length($packed{good}) / 2;
SVB::Temp->write_file("$dir/gzip_$_.jnlp", $packed{$_}) for keys %packed;

sub packed {
    my ($text) = @_;
    gzip(\$text => \my $packed) or die;
    return $packed;
}

my ($one, $two) = SVB::Node->start_all(SVB::Node->new(name => 'servoy1', files => $dir),
    SVB::Node->new(name => 'servoy2', files => $other_dir));
my %node = (servoy1 => $one, servoy2 => $two);

# --- the front end ---

my $match = 'ServoyLaunchMatch "^/(?:servoy-client|files)/.+\.jnlp$"';

# A balancer for itself, under a prefix of its own unless a line says otherwise.
sub balancer {
    my ($name, $members, @lines) = @_;
    my ($pass) = grep { /^ProxyPass/ } @lines, "ProxyPass \"/$name/\" \"balancer://$name/\"";
    my @own = grep { !/^ProxyPass/ } @lines;
    unshift @own, 'ServoyLaunch rewrite' if !grep { /^ServoyLaunch / } @own;
    unshift @own, $match if !grep { /^ServoyLaunchMatch / } @own;
    push @own, map { "ServoyNode $_ url=$direct{$_}" } grep { $members =~ /route=$_\b/ } sort keys %direct
        if !grep { /^ServoyNode / } @own;
    my $text = join "\n", $members, 'ProxySet lbmethod=servoy', "ServoyFleet $name", @own;
    return "<Proxy \"balancer://$name\">\n$text\n</Proxy>\n" . ($pass eq 'ProxyPass: none' ? '' : "$pass\n");
}

sub both {
    my ($scheme, $more) = @_;
    return join '', map { $_->member($scheme, $more // 'retry=0') } $one, $two;
}

sub vhost {
    my ($port, $name, @lines) = @_;
    my $balancer = balancer("name$port", both('http'), "ProxyPass \"/\" \"balancer://name$port/\"");
    return join "\n", "<VirtualHost *:\@PORT$port\@>", "ServerName $name", 'ProxyPreserveHost On', @lines, $balancer, "</VirtualHost>\n";
}

my $solo = $one->member('ajp', 'retry=0');
my $conf = join '',
    balancer('ajp', both('ajp')),
    balancer('http', both('http')),
    balancer('nocanon', both('http'), 'ProxyPass "/nocanon/" "balancer://nocanon/" nocanon'),
    balancer('encoded', both('ajp'), 'ProxyPass "/encoded/" "balancer://encoded/" mapping=encoded'),
    balancer('encodedhttp', both('http'), 'ProxyPass "/encodedhttp/" "balancer://encodedhttp/" mapping=encoded'),
    balancer('moved', both('http'), 'ProxyPass: none'),
    balancer('urls', $solo, 'ServoyNode * url=https://App1.example.com:8443/desk%20top/%r/'),
    balancer('six', $solo, 'ServoyNode * url=http://[2001:DB8::1]:8080'),
    balancer('small', $solo, 'ServoyLaunch rewrite limit=2K'),
    balancer('solo', $solo),
    balancer('solohttp', $one->member('http', 'retry=0')),
    balancer('any', both('http'), 'ServoyLaunchMatch "^/"'),
    balancer('nourl', $solo, 'ServoyNode * maxclients=0'),
    balancer('twin', both('ajp')),
    balancer('counts', both('ajp')),
    balancer('moves', both('ajp', 'retry=600')),
    balancer('dies', both('http', 'retry=0')),
    balancer('diesajp', both('ajp', 'retry=0')),
    balancer('deflated', $solo),
    <<'CONF',
Protocols h2 h2c http/1.1
AllowEncodedSlashes NoDecode
RewriteEngine on
RewriteRule "^/go/(.+)$" "balancer://moved/files/$1.jnlp" [P]
<Directory "@ROOT@/htdocs">
    RewriteEngine on
    RewriteRule "^inner/(.+)$" "/ajp/files/$1.jnlp"
</Directory>
<Location "/deflated/">
    SetOutputFilter DEFLATE
</Location>
<Location "/servoy-manager">
    SetHandler servoy-manager
</Location>
<VirtualHost *:@TLS_PORT@>
    SSLEngine on
    SSLCertificateFile "@CERT@"
    SSLCertificateKeyFile "@KEY@"
</VirtualHost>
CONF
    vhost(1, 'desk.example.com', 'ServerAlias www.example.com *.wild.example.com', 'UseCanonicalName Off'),
    vhost(2, 'desk.example.com:8888', 'ServerAlias www.example.com', 'UseCanonicalName On'),
    vhost(3, 'https://desk.example.com:443', 'ServerAlias www.example.com', 'UseCanonicalName Off');

my $httpd = SVB::Httpd->new(conf => $conf, ports => 4, tls => 1, modules => [qw(rewrite http2 deflate)])->start;
my $startup = $httpd->error_log;
my $front = 'http://localhost:' . $httpd->port;
my $front_tls = 'https://localhost:' . $httpd->tls_port;

# --- what a test asks ---

sub launch {
    my ($name, $target, %option) = @_;
    my $client = delete $option{client} // $httpd->client(cookies => 0);
    return $client->request(delete $option{method} // 'GET', "/$name$target", %option);
}

# Is it that text with the direct URL of the node that answered, and that href?
sub is_rewritten {
    my ($r, $text, $href, $name, $codebase) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $expected = rewritten($text, $codebase // $direct{ $r->node // '' } // 'none', $href);
    return same($r, 200, $expected, $name);
}

# Not with is(): some are large, and some are not for a terminal.
sub same {
    my ($r, $status, $expected, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $length = $r->header('Content-Length') // length $expected;
    return ok($r->status == $status && $r->body eq $expected && $length == length $expected && !$r->error, $name)
        || diag join "\n", $r->error, $r->head, map { escaped($_) } $r->body, $expected;
}

sub escaped {
    my ($text) = @_;
    return substr($text, 0, 300) =~ s/([^ -~\n])/sprintf '\x%02x', ord $1/ger;
}

# Does it come as the node has it, with the headers that go with it?
sub is_passed {
    my ($r, $target, $name, $why) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $node = $node{ $r->node // '' };
    my $own = $node->client->get($target);
    my $good = same($r, $own->status, $own->body, $name);
    for my $header (qw(ETag Last-Modified Cache-Control Content-Type Content-Encoding)) {
        $good &&= is $r->header($header), $own->header($header), "$name: $header";
    }
    return $good && (!$why || logged($r, $why, $name));
}

# The line of the log that names balancer and node and why.
sub logged {
    my ($r, $why, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $line = eval { $httpd->wait_log(qr/SVB0052/, 5) };
    return like $line // 'none', qr{:warn\].*SVB0052: balancer://\w+: the JNLP of node \Q${\ $r->node}\E is passed as it is: it .*$why},
        "$name: is logged";
}

# Nothing of the node's validators.
sub has_own_validators {
    my ($r, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    like $r->header('ETag') // 'none', qr/^"[0-9a-f]{32}"$/, "$name: a strong ETag";
    is $r->header('Last-Modified'), undef, "$name: no Last-Modified";
    return is $r->header('Cache-Control'), 'private, no-cache', "$name: Cache-Control";
}

sub counted {
    my ($name) = @_;
    my $nodes = $httpd->nodes($name);
    return { map { $_ => [ @{ $nodes->{$_} }{qw(launches elected)}, $nodes->{$_}{clients}{smart} ] } keys %$nodes };
}

# A browser with the launch cookie of that node.
sub launcher_on {
    my ($name, $node) = @_;
    for (1 .. 4) {
        my $user = $httpd->client;
        return $user if launch($name, '/files/plain.jnlp', client => $user)->node eq $node;
    }
    die "no launch went to $node\n";
}

# --- texts ---

subtest 'root attributes, and not a byte more' => sub {
    for my $file (sort grep { $_ ne 'echo' } keys %text) {
        for my $name (qw(ajp http)) {
            my $r = launch($name, "/files/$file.jnlp");
            is_rewritten($r, $text{$file}, "$front/$name/files/$file.jnlp", "$file, $name") or next;
            is $r->header('Content-Length'), length $r->body, 'Content-Length';
            has_own_validators($r, $file);
            is $r->header('Content-Type'), $type, 'Content-Type';
        }
        is $one->client->get("/files/$file.jnlp")->body, untouched($text{$file}), "$file, at the node" if $file !~ /utf16|large/;
    }
    unlike $httpd->error_log, qr/SVB0052/, 'there is nothing to say about these';
};

subtest 'what passes as it is' => sub {
    for my $file (sort keys %passing) {
        for my $name (qw(ajp http)) {
            $httpd->mark;
            my $r = launch($name, "/files/$file.jnlp");
            is $r->body, $passing{$file}[0] if $file ne 'over_1m';
            is_passed($r, "/files/$file.jnlp", "$file, $name", $passing{$file}[1]);
            # mod_proxy_ajp itself does without, now and then
            is $r->header('Content-Length'), length $passing{$file}[0], 'Content-Length' if $name eq 'http';
        }
    }
};

subtest 'limit=' => sub {
    is length untouched($text{of_2k}), 2048;
    is_rewritten(launch('small', '/files/of_2k.jnlp'), $text{of_2k}, "$front/small/files/of_2k.jnlp", 'what is just allowed');
    $httpd->mark;
    SVB::Temp->write_file("$dir/over_2k.jnlp", untouched($text{of_2k}) . "\n");
    is_passed(launch('small', '/files/over_2k.jnlp'), '/files/over_2k.jnlp', 'a byte more', qr/is larger than limit= allows/);
};

subtest 'direct URLs with port, prefix, and IPv6' => sub {
    is_rewritten(launch('urls', '/files/plain.jnlp'), $text{plain}, "$front/urls/files/plain.jnlp", 'port and prefix',
        'https://app1.example.com:8443/desk%20top/servoy1');
    is_rewritten(launch('six', '/files/plain.jnlp'), $text{plain}, "$front/six/files/plain.jnlp", 'IPv6',
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
    '/files/plain.jnlp;jsessionid=0A.x?a=<">{}' => '/files/plain.jnlp;jsessionid=0A.x?a=%3C%22%3E%7B%7D',
    '/files/./plain.jnlp' => undef,
    '/files/plain.jnlp?url=http://evil.example.net/@&b=%0d%0a' => undef,
);

for my $name (qw(ajp http nocanon encoded encodedhttp)) {
    subtest "href is the URL as the client wrote it: $name" => sub {
        for my $sent (sort keys %target) {
            next if $sent =~ m{/\./} && $name =~ /nocanon|encoded/;     # the node's business
            my $href = $target{$sent} // $sent;
            is_rewritten(launch($name, $sent), $text{plain}, "$front/$name$href", $sent);
        }
    };
}

subtest 'a target that was rewritten on the way' => sub {
    is_rewritten(launch('go', '/plain?a=b|c'), $text{plain}, "$front/go/plain?a=b%7Cc", 'href is what was asked for');
    is_rewritten(launch('inner', '/plain?a'), $text{plain}, "$front/inner/plain?a", 'by an internal redirect');
};

subtest 'deep links reach the application' => sub {
    for my $name (qw(ajp http nocanon encoded encodedhttp)) {
        my $r = launch($name, '/servoy-client/dev/crm.jnlp?m=open&a=a|b%7Cc&u=caf%C3%A9');
        is $r->status, 200, $name;
        like $r->body, qr{<argument>method=open</argument>\s+<argument>argument=a\|b\|c</argument>\s+<argument>u=caf\xc3\xa9<}, 'arguments';
        like $r->body, qr{^<jnlp spec="1.0\+" codebase="\Q$direct{ $r->node }\E" href="\Q$front\E/$name/servoy-client/dev/crm.jnlp\?m=open&amp;a=a%7Cb%7Cc&amp;u=caf%C3%A9">}m,
            'codebase and href';
        is $r->header('Content-Type'), "$type;charset=UTF-8";
        is $r->header('Cache-Control'), 'no-store', "the node's own no-store stays";
    }
};

# Which vhost, what is asked, under which name it is answered.
sub names {
    my ($at1, $at3) = map { 'http' . ($_ == 3 ? 's' : '') . '://desk.example.com' . ($_ == 1 ? ':' . $httpd->port(1) : '') } 1, 3;
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
        map({ [ 2, $_ => $at2 ] } 'Host: desk.example.com', 'Host: www.example.com:81', "Host: $evil", '', "http://$evil Host: $evil"),
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
        my $r = answers($n, ($host ? '1.1' : '1.0'), [ GET => ($absolute // '') . $target, $host || () ]);
        is_rewritten($r, $text{plain}, "$url$target", "$n: $asked") or next;
        $r = answers($n, ($host ? '1.1' : '1.0'), [ GET => '/servoy-client/crm.jnlp', $host || () ]) if !$absolute;
        like $r->body, qr{<jnlp spec="1.0\+" codebase="\Q$direct{ $r->node // '' }\E" href="\Q$url\E/}, 'codebase of that Host';
    }
};

# The answers to requests that are sent in one go: [ method, target, headers ].
sub answers {
    my ($n, $version, @requests) = @_;
    my $bytes = '';
    for (0 .. $#requests) {
        my ($method, $target, @headers) = @{ $requests[$_] };
        push @headers, 'Host: localhost:' . $httpd->port if $version eq '1.1' && !grep { /^Host:/ } @headers;
        push @headers, $_ == $#requests ? 'Connection: close' : ();
        $bytes .= join "\r\n", "$method $target HTTP/$version", @headers, '', '';
    }
    my $raw = SVB::Client->new(url => $httpd->url($n))->raw($bytes);
    my @answers = map { taken(\$raw, $_->[0]) } @requests;
    is $raw, '', 'nothing more' if length $raw;
    return wantarray ? @answers : $answers[0];
}

# The next answer in that text.
sub taken {
    my ($raw, $method) = @_;
    $$raw =~ s/^(.*?\r\n)\r\n//s or return SVB::Response->new(error => 'no answer');
    my $r = SVB::Response->parse($1);
    return $r if $method eq 'HEAD' || $r->status == 304;
    if (($r->header('Transfer-Encoding') // '') eq 'chunked') {
        while ($$raw =~ s/^([0-9a-f]+)[^\n]*\n//) {
            $r->{body} .= substr $$raw, 0, hex $1, '';
            $$raw =~ s/^\r\n//;
            last if !hex $1;
        }
        return $r;
    }
    my $length = $r->header('Content-Length') // length $$raw;
    $r->{error} = 'cut short' if $length > length $$raw;
    $r->{body} = substr $$raw, 0, $length, '';
    return $r;
}

subtest 'forged headers that the node believes' => sub {
    my @forged = (
        [ 'X-Forwarded-Host', "X-Forwarded-Host: $evil" ], [ 'X-Forwarded-Host', "X-Forwarded-Host: $evil:666, desk.example.com" ],
        [ 'Forwarded', "Forwarded: for=1.2.3.4;host=\"$evil:80\";proto=https" ], [ 'Forwarded', "Forwarded: host=$evil" ],
        [ 'Host', "Host: $evil" ], [ 'Host', "Host: $evil:8080" ],
    );
    for (@forged) {
        my ($header, $line) = @$_;
        my $host = $line =~ /^Host/ ? $line : 'Host: desk.example.com';
        my $url = $line =~ /^Host/ ? 'http://desk.example.com:' . $httpd->port(1) : 'http://desk.example.com';
        my $target = "/files/echo.jnlp?host=$header";
        my $own = $one->client->get($target, headers => [ grep { !/^Host/ } $line ], $line =~ /^Host: (.*)/ ? (host => $1) : ());
        like $own->body, qr/codebase="http:\/\/\Q$evil\E/, "$line: the node believes it";
        my $r = answers(1, '1.1', [ GET => $target, $host, grep { $_ ne $host } $line, "X-Forwarded-Proto: https" ]);
        is_rewritten($r, $text{echo}, "$url$target", $line);
        unlike $r->head . $r->body, qr/\Q$evil\E/;
    }
};

subtest 'https and HTTP/2' => sub {
    my $target = '/files/plain.jnlp?a=%7c&b';
    my @ways = (
        [ 'https', $httpd->tls_port, $front_tls, '--http1.1', 1.1 ], [ 'h2', $httpd->tls_port, $front_tls, '--http2', 2 ],
        [ 'h2c', $httpd->port, $front, '--http2-prior-knowledge', 2 ], [ 'h2c by upgrade', $httpd->port, $front, '--http2', 2 ],
    );
    for (@ways) {
        my ($name, $port, $url, $option, $version) = @$_;
        my $scheme = $url =~ s/:.*//r;
        my @get = ("$scheme://127.0.0.1:$port/ajp$target", $option);
        my $r = SVB::Curl->get(@get);
        is $r->version, $version, $name or diag $r->error;
        is_rewritten($r, $text{plain}, "$url/ajp$target", 'rewritten');
        has_own_validators($r, $name);
        like $r->header('Set-Cookie') // '', $scheme eq 'https' ? qr/^SERVOYLAUNCH=.*; Secure/ : qr/^SERVOYLAUNCH=(?!.*Secure)/, 'the cookie';
        my @same = ('-H', 'Cookie: SERVOYLAUNCH=' . $r->cookie('SERVOYLAUNCH'));
        my $r304 = SVB::Curl->get(@get, @same, '-H', 'If-None-Match: ' . $r->header('ETag'));
        is $r304->status . $r304->body, 304, 'not modified';
        my $part = SVB::Curl->get(@get, @same, '--range', '5-9');
        is $part->status . $part->body, 206 . substr($r->body, 5, 5), 'a range';
        my $head = SVB::Curl->get(@get, @same, '--head');
        is $head->status, 200, 'HEAD';
        my $named = SVB::Curl->get(@get, '-H', "Host: $evil:99");
        is_rewritten($named, $text{plain}, "$url/ajp$target", 'for an unknown Host');
        my $large = SVB::Curl->get("$scheme://127.0.0.1:$port/http/files/over_1m.jnlp", $option);
        is_passed($large, '/files/over_1m.jnlp', 'a large one passes');
    }
};

# --- encodings ---

subtest 'compressed by the node' => sub {
    for my $name (qw(solo solohttp)) {
        for my $coding (qw(gzip x-gzip GZip)) {
            my $target = "/files/gzip_good.jnlp?Content-Encoding=$coding";
            is $one->client->get($target)->header('Content-Encoding'), $coding, 'so it is at the node';
            my $r = launch($name, $target, headers => ['Accept-Encoding: gzip']);
            is_rewritten($r, $text{plain}, "$front/$name$target", "$coding, $name");
            is $r->header('Content-Encoding'), undef, 'not any more';
            has_own_validators($r, $coding);
        }
        $httpd->mark;
        my $r = launch($name, '/files/gzip_unclosed.jnlp?Content-Encoding=gzip');
        same($r, 200, $passing{unclosed}[0], 'one that is not well-formed, inflated');
        is $r->header('Content-Encoding'), undef;
        logged($r, qr/cannot be parsed/, 'not well-formed');
        $httpd->mark;
        $r = launch($name, '/files/gzip_over_1m.jnlp?Content-Encoding=gzip');
        same($r, 200, $noise, 'one that is too large, inflated');
        is $r->header('Content-Encoding'), undef;
        logged($r, qr/is larger than limit=/, 'too large');
        for my $coding ('br', 'deflate', 'gzip, gzip') {
            $httpd->mark;
            my $target = '/files/gzip_good.jnlp?Content-Encoding=' . $coding =~ s/ /%20/r;
            is_passed(launch($name, $target), $target, $coding, qr/is compressed in a way that is not undone/);
        }
        is_rewritten(launch($name, '/files/plain.jnlp?Content-Encoding=identity'), $text{plain},
            "$front/$name/files/plain.jnlp?Content-Encoding=identity", 'identity');
        for my $file (qw(broken bomb)) {
            $r = launch($name, "/files/gzip_$file.jnlp?Content-Encoding=gzip");
            ok $r->error || $r->status == 500, "a $file one is no whole JNLP" or diag $r->head, escaped($r->body);
        }
    }
};

subtest 'compressed by the front end' => sub {
    my $target = '/files/plain.jnlp?a|b';
    my $href = "$front/deflated/files/plain.jnlp?a%7Cb";
    for (1 .. 2) {
        my $r = launch('deflated', $target, headers => ['Accept-Encoding: gzip']);
        is $r->header('Content-Encoding'), 'gzip', 'for who accepts it';
        gunzip(\$r->body => \my $text);
        is $text, rewritten($text{plain}, $direct{servoy1}, $href), 'the text';
    }
    my $r = launch('deflated', $target);
    is_rewritten($r, $text{plain}, $href, 'not for others');
    is $r->header('Content-Encoding'), undef;
    $r = launch('deflated', '/files/gzip_good.jnlp?Content-Encoding=gzip', headers => ['Accept-Encoding: gzip']);
    gunzip(\$r->body => \my $text);
    is $text, rewritten($text{plain}, $direct{servoy1}, "$front/deflated/files/gzip_good.jnlp?Content-Encoding=gzip"), 'one that the node has compressed';
    is launch('deflated', $target, headers => [ 'Accept-Encoding: gzip', 'If-None-Match: *' ])->status, 304, 'not modified';
};

# --- answers that are none of its business ---

subtest 'other answers' => sub {
    my @other = (
        [ any => '/files/page.html' ], [ any => '/status/500?text=%3Cjnlp/%3E' ], [ any => '/status/404' ],
        [ ajp => '/files/none.jnlp' ], [ ajp => '/files/plain.jnlp?status=404' ], [ http => '/files/plain.jnlp?status=500' ],
        [ http => '/files/plain.jnlp?status=203' ],
    );
    for (@other) {
        my ($name, $target) = @$_;
        my $r = launch($name, $target);
        isnt $r->node, undef, "$name$target";
        is_passed($r, $target, 'as it is');
    }
    is launch('any', '/files/page.html', method => 'HEAD')->header('Content-Length'), length untouched($text{plain}), 'HEAD, too';
    my $r = launch('nourl', '/files/plain.jnlp');
    is_passed($r, '/files/plain.jnlp', 'a node without a direct URL');
    like $startup, qr/balancer:\/\/nourl: .*no direct URL/, 'is warned about';
    unlike $startup, qr/balancer:\/\/(?!nourl).*no direct URL/, 'others are not';
};

subtest 'what the node is asked' => sub {
    my @withheld = ('Accept-Encoding: gzip', 'If-Match: "x"', 'If-Modified-Since: Sun, 13 Sep 2020 12:26:40 GMT', 'If-None-Match: "x"',
        'If-Unmodified-Since: Sun, 13 Sep 2020 12:26:40 GMT', 'If-Range: "x"', 'Range: bytes=0-1', 'Request-Range: bytes=0-1');
    my $seen = launch('any', '/echo/x.jnlp?a|b', headers => [ @withheld, 'User-Agent: javaws', 'Accept: x/y' ])->json;
    is_deeply [ grep { exists $seen->{headers}{ lc s/:.*//r } } @withheld ], [], 'no conditions and ranges of a text that it does not have';
    is_deeply $seen->{headers}{ $_->[0] }, [ $_->[1] ], "$_->[0] is as it was" for [ 'user-agent', 'javaws' ], [ 'accept', 'x/y' ];
    is $seen->{query}, 'a%7Cb', 'a query that a Tomcat accepts';
};

subtest 'a POST is the node\'s' => sub {
    my $r = launch('ajp', '/files/plain.jnlp', method => 'POST', body => 'a=b');
    is $r->status, 200;
    is $r->body, untouched($text{plain}), 'unchanged';
    is launch('http', '/servoy-client/crm.jnlp', method => 'POST', body => 'a')->status, 405, 'what it says';
};

# --- conditions, ranges, HEAD ---

for my $name (qw(solo solohttp)) {
    subtest "validators and conditions: $name" => sub {
        my $own = $one->client->get('/files/plain.jnlp');
        my ($own_tag, $own_date) = map { $own->header($_) // 'none' } qw(ETag Last-Modified);
        is $one->client->get('/files/plain.jnlp', headers => ["If-None-Match: $own_tag"])->status, 304, 'the node has conditions';
        my $get = sub { launch($name, '/files/plain.jnlp', headers => \@_) };
        my $whole = $get->();
        my $tag = $whole->header('ETag');
        isnt $tag, $own_tag;
        is $get->()->header('ETag'), $tag, 'the ETag stays' for 1 .. 2;
        isnt launch($name, '/files/plain.jnlp?a')->header('ETag'), $tag, 'but not for another text';
        my %answer = (
            "If-None-Match: $tag" => 304, "If-None-Match: W/$tag" => 304, "If-None-Match: \"x\", $tag" => 304, 'If-None-Match: *' => 304,
            "If-None-Match: $own_tag" => 200, 'If-None-Match: "x"' => 200,
            "If-Match: $tag" => 200, 'If-Match: *' => 200, 'If-Match: "x"' => 412, "If-Match: $own_tag" => 412,
            "If-Modified-Since: $own_date" => 200, 'If-Modified-Since: Sat, 01 Jan 2050 00:00:00 GMT' => 200,
            "If-None-Match: $own_tag\nIf-Modified-Since: $own_date" => 200, "If-None-Match: $tag\nIf-Modified-Since: $own_date" => 304,
            "If-Match: $tag\nIf-None-Match: $tag" => 304,
            "If-None-Match: *\nIf-Modified-Since: Sat, 01 Jan 2050 00:00:00 GMT" => 304,
            "If-Unmodified-Since: $own_date" => 200, 'Accept-Encoding: gzip, br' => 200,
        );
        for my $headers (sort keys %answer) {
            my $r = $get->(split /\n/, $headers);
            my $shown = $headers =~ s/\n/, /gr;
            is $r->status, $answer{$headers}, $shown;
            is $r->header('ETag'), $tag, 'ETag';
            $answer{$headers} == 200 ? is_rewritten($r, $text{plain}, "$front/$name/files/plain.jnlp", 'the whole text')
                : is $r->body, '', 'no body';
            is $r->header('Last-Modified'), undef;
            is $r->header('Cache-Control'), 'private, no-cache' if $r->status != 412;
        }
        # a client's cache may ask with the Date of what it has
        my $r = $get->();
        for (1 .. 3) {
            $r = $get->('If-Modified-Since: ' . $r->header('Date'));
            is $r->status, 200, 'If-Modified-Since: now';
        }
    };

    subtest "ranges: $name" => sub {
        my $whole = launch($name, '/files/plain.jnlp');
        my ($body, $tag) = ($whole->body, $whole->header('ETag'));
        my $size = length $body;
        my %part = ('0-9' => [ 0, 10 ], '-7' => [ $size - 7, 7 ], '30-' => [ 30, $size - 30 ], "0-$size" => [ 0, $size ], '44-44' => [ 44, 1 ]);
        for my $range (sort keys %part) {
            my ($from, $length) = @{ $part{$range} };
            my $r = launch($name, '/files/plain.jnlp', headers => ["Range: bytes=$range"]);
            same($r, 206, substr($body, $from, $length), $range);
            is $r->header('Content-Range'), sprintf('bytes %d-%d/%d', $from, $from + $length - 1, $size);
            is $r->header('ETag'), $tag, 'ETag';
        }
        my %answer = ("bytes=0-4\nIf-Range: $tag" => 206, "bytes=0-4\nIf-Range: \"x\"" => 200, "bytes=${size}9-" => 416,
            "bytes=0-4\nIf-Range: " . $one->client->get('/files/plain.jnlp')->header('Last-Modified') => 200,
            "bytes=0-4\nIf-None-Match: $tag" => 304, "bytes=0-4\nIf-Match: \"x\"" => 412);
        for my $range (sort keys %answer) {
            my $r = launch($name, '/files/plain.jnlp', headers => [ split /\n/, "Range: $range" ]);
            is $r->status, $answer{$range}, $range =~ s/\n/, /gr;
            is $r->body, $body if $answer{$range} == 200;
        }
    };

    subtest "headers that tell of the node's text: $name" => sub {
        my $target = '/files/plain.jnlp?Content-MD5=x&Digest=x&Repr-Digest=x&Content-Digest=x&Expires=Thu,%2001%20Jan%202099%2000:00:00%20GMT&X-Kept=yes';
        my $r = launch($name, $target);
        is_rewritten($r, $text{plain}, "$front/$name$target", 'rewritten');
        is $r->header($_), undef, $_ for qw(Content-MD5 Digest Repr-Digest Content-Digest Expires);
        is $r->header('X-Kept'), 'yes', 'others stay';
        my %cache = ('max-age=600' => 'private, no-cache', 'public' => 'private, no-cache', 'no-cache' => 'private, no-cache',
            'no-store' => 'no-store', 'private,%20No-Store' => 'private, No-Store');
        is launch($name, "/files/plain.jnlp?Cache-Control=$_")->header('Cache-Control'), $cache{$_}, "Cache-Control: $_" for sort keys %cache;
    };

    subtest "HEAD: $name" => sub {
        for my $target ('/files/plain.jnlp', '/files/unclosed.jnlp', '/files/gzip_good.jnlp?Content-Encoding=gzip', '/servoy-client/crm.jnlp') {
            my $r = launch($name, $target, method => 'HEAD', headers => [ 'If-None-Match: *', 'Range: bytes=0-1' ]);
            is $r->status, 200, $target;
            is $r->header($_), undef, "no $_" for qw(Content-Length ETag Last-Modified Set-Cookie Content-Range);
            like $r->header('Content-Type'), qr/^\Q$type\E/, 'Content-Type';
            is $r->header('Cache-Control'), $target =~ /servoy-client/ ? 'no-store' : 'private, no-cache', 'Cache-Control';
            is $r->node, 'servoy1', 'from the node';
        }
    };
}

subtest 'connections go on' => sub {
    my $path = '/solohttp/files/plain.jnlp';
    my $tag = launch('solohttp', '/files/plain.jnlp')->header('ETag');
    my @requests = ([ GET => $path ], [ HEAD => $path ], [ GET => $path, "If-None-Match: $tag" ], [ GET => $path, 'Range: bytes=0-9' ],
        [ GET => $path, 'If-Match: "x"' ], [ GET => $path =~ s/plain/unclosed/r ], [ GET => $path =~ s/plain/none/r ],
        [ GET => $path =~ s/plain/over_1m/r ], [ GET => $path =~ s/plain/gzip_good/r . '?Content-Encoding=gzip' ], [ GET => $path ]);
    my @answers = answers(0, '1.1', @requests);
    is_deeply [ map { $_->status } @answers ], [ 200, 200, 304, 206, 412, 200, 404, 200, 200, 200 ], 'each request has its answer';
    is_rewritten($answers[$_], $text{plain}, "$front$path", "number $_") for 0, $#answers;
    is $answers[5]->body, $passing{unclosed}[0];
    is $answers[4]->body, '';
};

# --- nodes ---

subtest 'the launch cookie, counting, ETags of different nodes' => sub {
    my %tag;
    for my $route (qw(servoy1 servoy2)) {
        my $user = launcher_on('twin', $route);
        my $before = counted('twin');
        for my $target ('/files/plain.jnlp', '/files/plain.jnlp', '/servoy-client/dev/crm.jnlp?a=1') {
            is launch('twin', $target, client => $user)->node, $route, "$target: the same node";
        }
        my $r = launch('twin', '/files/plain.jnlp', client => $user);
        is_rewritten($r, $text{plain}, "$front/twin/files/plain.jnlp", 'with its codebase');
        $tag{$route} = $r->header('ETag');
        my ($launches, $elected, $smart) = @{ $before->{$route} };
        is_deeply counted('twin')->{$route}, [ $launches + 4, $elected, $smart ], 'one client, however often it comes';
        is launch('twin', '/files/plain.jnlp', client => $user, method => 'HEAD')->node, $route, 'HEAD';
    }
    isnt $tag{servoy1}, $tag{servoy2}, 'each node has its own ETag';
    my $user = launcher_on('twin', 'servoy2');
    is launch('twin', '/files/plain.jnlp', client => $user, headers => ["If-None-Match: $tag{servoy1}"])->status, 200, 'which does not hold at the other';
    is launch('twin', '/files/plain.jnlp', client => $user, headers => ["If-None-Match: $tag{servoy2}"])->status, 304, 'but there';
};

subtest 'a GET counts, a HEAD does not' => sub {
    my %got;
    for my $n (1 .. 4) {
        my $before = counted('counts');
        my @head = map { launch('counts', '/files/plain.jnlp', method => 'HEAD')->node } 1 .. 2;
        is_deeply counted('counts'), $before, 'HEAD changes nothing';
        my $r = launch('counts', '/files/plain.jnlp');
        is_deeply \@head, [ ($r->node) x 2 ], 'the GET after it gets the same node';
        my @cookies = $r->headers('Set-Cookie');
        like "@cookies", qr/^SERVOYLAUNCH=[0-9a-f]{16}\.\Q${\ $r->node}\E; Path=\/; HttpOnly; SameSite=Lax$/, 'one cookie';
        $got{ $r->node }++;
        $_++ for @{ $before->{ $r->node } };
        is_deeply counted('counts'), $before, 'and counts once';
    }
    is_deeply \%got, { servoy1 => 2, servoy2 => 2 }, 'in turn';
    my $tag = launch('counts', '/files/plain.jnlp')->header('ETag');
    my $sum = sub { my $now = counted('counts'); $now->{servoy1}[0] + $now->{servoy2}[0] };
    my $before = $sum->();
    my $r = launch('counts', '/files/plain.jnlp', headers => ['If-None-Match: *']);
    is $r->status, 304;
    like $r->header('Set-Cookie'), qr/^SERVOYLAUNCH=/, 'a 304 is a launch as well';
    is $sum->(), $before + 1;
};

subtest 'the node of the launch cookie is dead' => sub {
    my $user = launcher_on('moves', 'servoy1');
    my $old = $user->cookie('SERVOYLAUNCH');
    $one->kill;
    my $head = launch('moves', '/files/plain.jnlp', client => $user, method => 'HEAD');
    is $head->status . $head->node, '200servoy2', 'HEAD';
    is $user->cookie('SERVOYLAUNCH'), $old, 'which changes nothing';
    my $r = launch('moves', '/files/plain.jnlp', client => $user);
    is $r->node, 'servoy2', 'GET: the other node';
    is_rewritten($r, $text{plain}, "$front/moves/files/plain.jnlp", 'with its codebase');
    like $user->cookie('SERVOYLAUNCH'), qr/\.servoy2$/, 'and a cookie for it';
    is launch('moves', '/files/plain.jnlp', client => $user)->node, 'servoy2', 'where it stays';
    is launch('solo', '/files/plain.jnlp')->status, 503, 'there is no other: 503';
    $one->start;
    wait_ok(sub { launch('solo', '/files/plain.jnlp')->status == 200 }, 20, 'until it is there again');
};

# Half of a JNLP has come when its node dies, or all of it, but for the end.
for (qw(dies=half dies=whole diesajp=half)) {
    my ($name, $how) = split /=/;
    subtest "a node dies in the middle of it: $_" => sub {
        my $target = "/files/plain.jnlp?servoy1=$how";
        my $user = launcher_on($name, 'servoy1');
        $one->reset_requests;
        my $pending = $user->start(GET => "/$name$target");
        wait_for(sub { $one->requests->{'/files/plain.jnlp'} }, 10, 'the request to come to the node');
        $one->kill;
        my $r = $pending->finish(20);
        isnt $r->error, 'timeout', 'the client is told';
        ok $r->error || $r->status =~ /^5/ || $r->body eq rewritten($text{plain}, $direct{servoy2}, "$front/$name$target"),
            'no half of it looks whole' or diag $r->head, $r->body;
        $r = launch($name, $target, client => $user);
        is_rewritten($r, $text{plain}, "$front/$name$target", 'the next time it is whole');
        is $r->node, 'servoy2', 'from the other node';
        $one->start;
        wait_for(sub { launch('solo', '/files/plain.jnlp')->status == 200 }, 20, 'the node to be back');
    };
}

# mod_proxy_ajp takes what there is for all.
subtest 'a node ends an answer before its end' => sub {
    $httpd->mark;
    my $r = launch('diesajp', '/files/plain.jnlp?servoy1=cut', client => launcher_on('diesajp', 'servoy1'));
    ok $r->error || $r->body eq substr(untouched($text{plain}), 0, length($r->body)), 'nothing is made of it' or diag $r->body;
    logged($r, qr/cannot be parsed/, 'that') if !$r->error;
};

$httpd->stop;

# --- other servers ---

subtest 'without mod_deflate' => sub {
    my $plain = SVB::Httpd->new(conf => balancer('solo', $solo))->start;
    my $target = '/files/gzip_good.jnlp?Content-Encoding=gzip';
    my $r = $plain->client->get("/solo$target", headers => ['Accept-Encoding: gzip']);
    is_passed($r, $target, 'gzip passes as it is');
    like $plain->wait_log(qr/SVB0052/, 5), qr/balancer:\/\/solo: .* node servoy1 .*compressed .*load mod_deflate/, 'and the log says why';
    $plain->stop;
};

for my $mpm (qw(worker prefork)) {
    subtest "the same with $mpm" => sub {
        my $other = SVB::Httpd->new(mpm => $mpm, conf => balancer('root', both('ajp'), 'ProxyPass "/" "balancer://root/"'))->start;
        my $url = 'http://localhost:' . $other->port;
        my $user = $other->client(keepalive => 1);
        my $head = $user->head('/files/plain.jnlp');
        my $r = $user->get('/files/plain.jnlp?a|b');
        is $r->node, $head->node, 'HEAD and GET';
        is_rewritten($r, $text{plain}, "$url/files/plain.jnlp?a%7Cb", 'rewritten');
        is $user->get('/files/plain.jnlp?a|b', headers => [ 'If-None-Match: ' . $r->header('ETag') ])->status, 304, 'not modified';
        is_passed($user->get('/files/over_1m.jnlp'), '/files/over_1m.jnlp', 'a large one');
        is_rewritten($user->get('/files/large.jnlp'), $text{large}, "$url/files/large.jnlp", 'one that is just not too large');
        $other->stop;
    };
}

done_testing;
