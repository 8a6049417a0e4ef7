#!/usr/bin/perl
# ServoyLaunch rewrite and HTTP: encodings, conditions, ranges, HEAD, connections, and
# answers that are none of its business.


use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Uncompress::Gunzip qw(gunzip);
use SVB::Httpd;
use SVB::JnlpFiles;
use SVB::Rewrite;
use SVB::Temp;
use Test::More;

my ($dir, $other_dir) = map { SVB::Temp->dir('files') } 1 .. 2;
my $fleet = SVB::Rewrite->start_nodes($dir, $other_dir);
my ($one) = $fleet->nodes;
my $type = 'application/x-java-jnlp-file';

sub both {
    my ($scheme, $more) = @_;
    return $fleet->members($scheme, $more // 'retry=0');
}

my $solo = $one->member('ajp', 'retry=0');
my $httpd = SVB::Httpd->new(modules => ['deflate'], conf => join '',
    rewriting('ajp', both('ajp')),
    rewriting('http', both('http')),
    rewriting('solo', $solo),
    rewriting('solohttp', $one->member('http', 'retry=0')),
    rewriting('any', both('http'), 'ServoyLaunchMatch "^/"'),
    rewriting('nourl', $solo, 'ServoyNode * maxclients=0'),
    rewriting('deflated', $solo),
    <<'CONF')->start;
<Location "/deflated/">
    SetOutputFilter DEFLATE
</Location>
CONF
my $startup = $httpd->error_log;
my $at = SVB::Rewrite->new(httpd => $httpd, fleet => $fleet);
my $front = 'http://localhost:' . $httpd->port;

# --- encodings ---

subtest 'compressed by the node' => sub {
    for my $name (qw(solo solohttp)) {
        for my $coding (qw(gzip x-gzip GZip)) {
            my $target = "/files/gzip_good.jnlp?Content-Encoding=$coding";
            is $one->client->get($target)->header('Content-Encoding'), $coding,
                'so it is at the node';
            my $r = $at->launch($name, $target, headers => ['Accept-Encoding: gzip']);
            is_rewritten($r, $text{plain}, "$front/$name$target", "$coding, $name");
            is $r->header('Content-Encoding'), undef, 'not any more';
            has_own_validators($r, $coding);
        }
        $httpd->mark;
        my $r = $at->launch($name, '/files/gzip_unclosed.jnlp?Content-Encoding=gzip');
        same($r, 200, $passing{unclosed}[0], 'one that is not well-formed, inflated');
        is $r->header('Content-Encoding'), undef;
        $at->logged($r, qr/cannot be parsed/, 'not well-formed');
        $httpd->mark;
        $r = $at->launch($name, '/files/gzip_over_1m.jnlp?Content-Encoding=gzip');
        same($r, 200, $noise, 'one that is too large, inflated');
        is $r->header('Content-Encoding'), undef;
        $at->logged($r, qr/is larger than limit=/, 'too large');
        for my $coding ('br', 'deflate', 'gzip, gzip') {
            $httpd->mark;
            my $target = '/files/gzip_good.jnlp?Content-Encoding=' . $coding =~ s/ /%20/r;
            $at->is_passed($at->launch($name, $target), $target, $coding,
                qr/is compressed in a way that is not undone/);
        }
        is_rewritten($at->launch($name, '/files/plain.jnlp?Content-Encoding=identity'),
            $text{plain},
            "$front/$name/files/plain.jnlp?Content-Encoding=identity", 'identity');
        for my $file (qw(broken bomb)) {
            $r = $at->launch($name, "/files/gzip_$file.jnlp?Content-Encoding=gzip");
            ok $r->error || $r->status == 500, "a $file one is no whole JNLP" or diag $r->head,
                escaped($r->body);
        }
    }
};

subtest 'compressed by the front end' => sub {
    my $target = '/files/plain.jnlp?a|b';
    my $href = "$front/deflated/files/plain.jnlp?a%7Cb";
    for (1 .. 2) {
        my $r = $at->launch('deflated', $target, headers => ['Accept-Encoding: gzip']);
        is $r->header('Content-Encoding'), 'gzip', 'for who accepts it';
        gunzip(\$r->body => \my $text);
        is $text, rewritten($text{plain}, SVB::Rewrite->direct('servoy1'), $href), 'the text';
    }
    my $r = $at->launch('deflated', $target);
    is_rewritten($r, $text{plain}, $href, 'not for others');
    is $r->header('Content-Encoding'), undef;
    $r = $at->launch('deflated', '/files/gzip_good.jnlp?Content-Encoding=gzip',
        headers => ['Accept-Encoding: gzip']);
    gunzip(\$r->body => \my $text);
    is $text,
        rewritten($text{plain}, SVB::Rewrite->direct('servoy1'),
            "$front/deflated/files/gzip_good.jnlp?Content-Encoding=gzip"),
            'one that the node has compressed';
    is $at->launch('deflated', $target, headers => [ 'Accept-Encoding: gzip', 'If-None-Match: *' ])
        ->status, 304, 'not modified';
};

# --- answers that are none of its business ---

subtest 'other answers' => sub {
    my @other = (
        [ any => '/files/page.html' ], [ any => '/status/500?text=%3Cjnlp/%3E' ],
            [ any => '/status/404' ],
        [ ajp => '/files/none.jnlp' ], [ ajp => '/files/plain.jnlp?status=404' ],
        [ http => '/files/plain.jnlp?status=500' ],
        [ http => '/files/plain.jnlp?status=203' ],
    );
    for (@other) {
        my ($name, $target) = @$_;
        my $r = $at->launch($name, $target);
        isnt $r->node, undef, "$name$target";
        $at->is_passed($r, $target, 'as it is');
    }
    is $at->launch('any', '/files/page.html', method => 'HEAD')->header('Content-Length'),
        length untouched($text{plain}), 'HEAD, too';
    my $r = $at->launch('nourl', '/files/plain.jnlp');
    $at->is_passed($r, '/files/plain.jnlp', 'a node without a direct URL');
    like $startup, qr/balancer:\/\/nourl: .*no direct URL/, 'is warned about';
    unlike $startup, qr/balancer:\/\/(?!nourl).*no direct URL/, 'others are not';
};

subtest 'what the node is asked' => sub {
    my @withheld = ('Accept-Encoding: gzip', 'If-Match: "x"',
        'If-Modified-Since: Sun, 13 Sep 2020 12:26:40 GMT', 'If-None-Match: "x"',
        'If-Unmodified-Since: Sun, 13 Sep 2020 12:26:40 GMT', 'If-Range: "x"', 'Range: bytes=0-1',
        'Request-Range: bytes=0-1');
    my $seen = $at->launch('any', '/echo/x.jnlp?a|b',
        headers => [ @withheld, 'User-Agent: javaws', 'Accept: x/y' ])->json;
    is_deeply [ grep { exists $seen->{headers}{ lc s/:.*//r } } @withheld ], [],
        'no conditions and ranges of a text that it does not have';
    is_deeply $seen->{headers}{ $_->[0] }, [ $_->[1] ],
        "$_->[0] is as it was" for [ 'user-agent', 'javaws' ], [ 'accept', 'x/y' ];
    is $seen->{query}, 'a%7Cb', 'a query that a Tomcat accepts';
};

subtest 'a POST is the node\'s' => sub {
    my $r = $at->launch('ajp', '/files/plain.jnlp', method => 'POST', body => 'a=b');
    is $r->status, 200;
    is $r->body, untouched($text{plain}), 'unchanged';
    is $at->launch('http', '/servoy-client/crm.jnlp', method => 'POST', body => 'a')->status, 405,
        'what it says';
};

# --- conditions, ranges, HEAD ---

for my $name (qw(solo solohttp)) {
    subtest "validators and conditions: $name" => sub {
        my $own = $one->client->get('/files/plain.jnlp');
        my ($own_tag, $own_date) = map { $own->header($_) // 'none' } qw(ETag Last-Modified);
        is $one->client->get('/files/plain.jnlp', headers => ["If-None-Match: $own_tag"])->status,
            304, 'the node has conditions';
        my $get = sub { $at->launch($name, '/files/plain.jnlp', headers => \@_) };
        my $whole = $get->();
        my $tag = $whole->header('ETag');
        isnt $tag, $own_tag;
        is $get->()->header('ETag'), $tag, 'the ETag stays' for 1 .. 2;
        isnt $at->launch($name, '/files/plain.jnlp?a')->header('ETag'), $tag,
            'but not for another text';
        my %answer = (
            "If-None-Match: $tag" => 304, "If-None-Match: W/$tag" => 304,
                "If-None-Match: \"x\", $tag" => 304, 'If-None-Match: *' => 304,
            "If-None-Match: $own_tag" => 200, 'If-None-Match: "x"' => 200,
            "If-Match: $tag" => 200, 'If-Match: *' => 200, 'If-Match: "x"' => 412,
            "If-Match: $own_tag" => 412,
            "If-Modified-Since: $own_date" => 200,
            'If-Modified-Since: Sat, 01 Jan 2050 00:00:00 GMT' => 200,
            "If-None-Match: $own_tag\nIf-Modified-Since: $own_date" => 200,
            "If-None-Match: $tag\nIf-Modified-Since: $own_date" => 304,
            "If-Match: $tag\nIf-None-Match: $tag" => 304,
            "If-None-Match: *\nIf-Modified-Since: Sat, 01 Jan 2050 00:00:00 GMT" => 304,
            "If-Unmodified-Since: $own_date" => 200, 'Accept-Encoding: gzip, br' => 200,
        );
        for my $headers (sort keys %answer) {
            my $r = $get->(split /\n/, $headers);
            my $shown = $headers =~ s/\n/, /gr;
            is $r->status, $answer{$headers}, $shown;
            is $r->header('ETag'), $tag, 'ETag';
            $answer{$headers} == 200
                ? is_rewritten($r, $text{plain}, "$front/$name/files/plain.jnlp", 'the whole text')
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
        my $whole = $at->launch($name, '/files/plain.jnlp');
        my ($body, $tag) = ($whole->body, $whole->header('ETag'));
        my $size = length $body;
        my %part = ('0-9' => [ 0, 10 ], '-7' => [ $size - 7, 7 ], '30-' => [ 30, $size - 30 ],
            "0-$size" => [ 0, $size ], '44-44' => [ 44, 1 ]);
        for my $range (sort keys %part) {
            my ($from, $length) = @{ $part{$range} };
            my $r = $at->launch($name, '/files/plain.jnlp', headers => ["Range: bytes=$range"]);
            same($r, 206, substr($body, $from, $length), $range);
            is $r->header('Content-Range'),
                sprintf('bytes %d-%d/%d', $from, $from + $length - 1, $size);
            is $r->header('ETag'), $tag, 'ETag';
        }
        my %answer = ("bytes=0-4\nIf-Range: $tag" => 206, "bytes=0-4\nIf-Range: \"x\"" => 200,
            "bytes=${size}9-" => 416,
            "bytes=0-4\nIf-Range: "
            . $one->client->get('/files/plain.jnlp')->header('Last-Modified') => 200,
            "bytes=0-4\nIf-None-Match: $tag" => 304, "bytes=0-4\nIf-Match: \"x\"" => 412);
        for my $range (sort keys %answer) {
            my $r = $at->launch($name, '/files/plain.jnlp',
                headers => [ split /\n/, "Range: $range" ]);
            is $r->status, $answer{$range}, $range =~ s/\n/, /gr;
            is $r->body, $body if $answer{$range} == 200;
        }
    };

    subtest "headers that tell of the node's text: $name" => sub {
        my $target =
            '/files/plain.jnlp?Content-MD5=x&Digest=x&Repr-Digest=x&Content-Digest=x'
            . '&Expires=Thu,%2001%20Jan%202099%2000:00:00%20GMT&X-Kept=yes';
        my $r = $at->launch($name, $target);
        is_rewritten($r, $text{plain}, "$front/$name$target", 'rewritten');
        is $r->header($_), undef, $_ for qw(Content-MD5 Digest Repr-Digest Content-Digest Expires);
        is $r->header('X-Kept'), 'yes', 'others stay';
        my %cache = ('max-age=600' => 'private, no-cache', 'public' => 'private, no-cache',
            'no-cache' => 'private, no-cache',
            'no-store' => 'no-store', 'private,%20No-Store' => 'private, No-Store');
        is $at->launch($name, "/files/plain.jnlp?Cache-Control=$_")->header('Cache-Control'),
            $cache{$_}, "Cache-Control: $_" for sort keys %cache;
    };

    subtest "HEAD: $name" => sub {
        for my $target ('/files/plain.jnlp', '/files/unclosed.jnlp',
            '/files/gzip_good.jnlp?Content-Encoding=gzip', '/servoy-client/crm.jnlp') {
            my $r = $at->launch($name, $target, method => 'HEAD',
                headers => [ 'If-None-Match: *', 'Range: bytes=0-1' ]);
            is $r->status, 200, $target;
            is $r->header($_), undef, "no $_"
                for qw(Content-Length ETag Last-Modified Set-Cookie Content-Range);
            like $r->header('Content-Type'), qr/^\Q$type\E/, 'Content-Type';
            is $r->header('Cache-Control'), $target =~ /servoy-client/ ? 'no-store'
                : 'private, no-cache', 'Cache-Control';
            is $r->node, 'servoy1', 'from the node';
        }
    };
}

subtest 'connections go on' => sub {
    my $path = '/solohttp/files/plain.jnlp';
    my $tag = $at->launch('solohttp', '/files/plain.jnlp')->header('ETag');
    my @requests = ([ GET => $path ], [ HEAD => $path ], [ GET => $path, "If-None-Match: $tag" ],
        [ GET => $path, 'Range: bytes=0-9' ],
        [ GET => $path, 'If-Match: "x"' ], [ GET => $path =~ s/plain/unclosed/r ],
        [ GET => $path =~ s/plain/none/r ],
        [ GET => $path =~ s/plain/over_1m/r ],
        [ GET => $path =~ s/plain/gzip_good/r . '?Content-Encoding=gzip' ], [ GET => $path ]);
    my @answers = $at->answers(0, '1.1', @requests);
    is_deeply [ map { $_->status } @answers ], [ 200, 200, 304, 206, 412, 200, 404, 200, 200, 200 ],
        'each request has its answer';
    is_rewritten($answers[$_], $text{plain}, "$front$path", "number $_") for 0, $#answers;
    is $answers[5]->body, $passing{unclosed}[0];
    is $answers[4]->body, '';
};

$httpd->stop;
done_testing;
