#!/usr/bin/perl
# The directives: what is accepted, what is refused and with which words, what a
# start and `httpd -t` complain about, and which balancer a setting belongs to.
# Needs no nodes: a launch is redirected without any, where probe=off says that they
# are not to be asked whether they are there.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SVB::Httpd;
use SVB::Wait;
use Test::More;

my $tester = SVB::Httpd->new(modules => [qw(proxy_hcheck)], log_level => 'info');
my $long = 'x' x 64;

# --- pieces of configurations ---

sub members {
    my (@routes) = @_;
    my $port = 18000;
    return join '', map { "BalancerMember \"ajp://127.0.0.1:${\ ++$port}\" route=$_\n" } @routes;
}

# A servoy balancer of two members, servoy1 and servoy2, with these lines in it.
sub balancer {
    my ($name, @lines) = @_;
    return section($name, members('servoy1', 'servoy2'), 'ProxySet lbmethod=servoy', @lines);
}

# The same with servoy1 alone.
sub single {
    my ($name, @lines) = @_;
    return section($name, members('servoy1'), 'ProxySet lbmethod=servoy', @lines);
}

sub section {
    my ($name, @lines) = @_;
    return join "\n", "<Proxy \"balancer://$name\">", @lines, "</Proxy>\n";
}

sub urls { return map { "ServoyNode $_ url=https://$_.example.com" } @_ ? @_ : qw(servoy1 servoy2) }

# A line of ServoyNode for a node, or a template, that is not there to be asked.
sub url { my ($route, $url) = @_; return "ServoyNode $route url=$url probe=off" }

# One that gives no reason to complain.
sub good { my (@lines) = @_; return balancer('servoy', urls(), @lines) }

# --- what a configuration test says ---

# The lines of its output that complain: errors, warnings, none that just inform.
sub complaints {
    my ($output) = @_;
    return grep { /\S/ && !/^Syntax OK/ && !/:info\]/ } split /\n/, $output;
}

sub accepted {
    my ($conf, $name, $httpd) = @_;
    my ($code, $output) = ($httpd // $tester)->configtest($conf);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my @complaints = complaints($output);
    return 1 if ok(!$code && !@complaints, $name // 'accepted');
    diag $output;
    return 0;
}

# Refused or warned about; $level is 'error', 'warn' or 'syntax'.
sub complains {
    my ($level, $conf, $name, @patterns) = @_;
    my ($code, $output) = $tester->configtest($conf);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my @lines = complaints($output);
    my ($line) = $level eq 'syntax' ? join ' ', @lines
        : grep { /servoy_balancer:\Q$level\E\]/ && /$patterns[0]/ } @lines;
    my @missing = grep { ($line // '') !~ $_ } @patterns;
    my $as_told = $level eq 'warn' ? !$code : $code;
    return ok($as_told && !@missing, $name) || diag "exit code $code, not said: @missing\n$output";
}

# --- values ---

my $on_off = qr/expected On or Off/;
my $a_name = qr/letters, digits, dots, hyphens and underscores/;
my $a_time = qr/expected a time/;
my $a_url = qr/url=.*(?:must|bad|unknown placeholder|\bafter\b)/;

# directive => [ context, values that are good, { bad value => what is said } ]
my @directives = (
    [ ServoyFleet => 'balancer', [ 'crm', 'Crm_2.eu-west', substr $long, 1 ],
        { '"a b"' => $a_name, 'a/b' => $a_name, $long => $a_name,
            "caf\xc3\xa9" => $a_name, 'a"b' => $a_name } ],
    [ ServoyNode => 'balancer', [
            'servoy1 url=http://app1', 'servoy1 url=HTTPS://App1.example.com:8443/a/b',
            'servoy1 url=http://%h:8080/%r/', 'servoy1 url=http://[::1]:8080',
            'servoy1 url=http://10.0.0.1', 'servoy1 url=http://a/%20x', 'servoy1 group=eu maxclients=0',
            'servoy1 maxclients=250 url=https://a group=g', '"servoy1" "url=http://a"',
            'servoy1 probe=members', 'servoy1 probe=url', 'servoy1 url=http://a probe=off', 'servoy1 probe=OFF' ],
        {
            'servoy1' => qr/needs a route.*url=, group=, maxclients= and probe=/,
            'servoy1 url=' => $a_url, 'servoy1 url=app1.example.com' => $a_url,
            'servoy1 url=//app1.example.com' => $a_url, 'servoy1 url=/app' => $a_url,
            'servoy1 url=ftp://a' => $a_url, 'servoy1 url=javascript:alert(1)' => $a_url,
            'servoy1 url=http://' => $a_url, 'servoy1 url=http:///x' => $a_url,
            'servoy1 url=http://joe@a' => qr/userinfo/, 'servoy1 url=http://joe:pw@a/' => qr/userinfo/,
            'servoy1 url=http://a/?x=1' => qr/query/, 'servoy1 url=http://a?' => qr/query/,
            'servoy1 url=http://a/#top' => qr/fragment/,
            'servoy1 url=http://a:0' => qr/1 to 65535/, 'servoy1 url=http://a:65536' => qr/1 to 65535/,
            'servoy1 url=http://a:x' => qr/port/, 'servoy1 url=http://a:' => qr/port/,
            'servoy1 url=http://::1/' => qr/brackets/, 'servoy1 url=http://[::1' => qr/\]/,
            'servoy1 url=http://[::1]x' => qr/after '\]'/, 'servoy1 url=http://[a]/' => qr/IPv6/,
            'servoy1 url=http://a/../b' => qr/'\.\.'/, 'servoy1 url=http://a//b' => qr{'//'},
            'servoy1 "url=http://a b"' => qr/blanks/, 'servoy1 url=http://a\\b' => qr/backslash/,
            'servoy1 url=http://%x' => qr/%h.*%r/, 'servoy1 url=http://a/%zz' => qr/%h.*%r/,
            "servoy1 url=http://caf\xc3\xa9" => qr/ASCII/,
            'servoy1 maxclients=-1' => qr/0 for no limit/, 'servoy1 maxclients=' => qr/0 for no limit/,
            'servoy1 maxclients=1.5' => qr/0 for no limit/, 'servoy1 maxclients=many' => qr/0 for no limit/,
            'servoy1 maxclients=99999999999' => qr/0 for no limit/,
            'servoy1 maxclients=99999999999999999999' => qr/0 for no limit/,
            'servoy1 group=' => $a_name, 'servoy1 group=a/b' => $a_name,
            map({ ("servoy1 probe=$_" => qr/expected members, url or off/) } '', 'on', 'yes', 'member', 'urls', '1', 'off,url'),
            'servoy1 weight=3' => qr/expected url=, group=, maxclients= or probe=/,
            'servoy1 fast' => qr/expected url=, group=, maxclients= or probe=/,
            'servoy1 =3' => qr/expected url=, group=, maxclients= or probe=/,
            'servoy1 url=http://a bad=1' => qr/expected url=, group=, maxclients= or probe=/,
            '"ser voy" url=http://a' => qr/route/, '"ser;voy" url=http://a' => qr/route/,
            'servoy* url=http://a' => qr/route/, '"" url=http://a' => qr/route/,
            "$long url=http://a" => qr/route of at most 63/,
        } ],
    [ ServoySessionCookie => 'balancer', [ 'JSESSIONID', 'A B C', 'JSESSIONID_CRM' ],
        { 'a=b' => qr/name of a cookie/, '"a;b"' => qr/name of a cookie/, '"a b"' => qr/name of a cookie/,
            'ok "n,o"' => qr/name of a cookie/ } ],
    [ ServoySessionTimeout => 'balancer', [ '30', '30s', '15min', '8h' ],
        { map { $_ => $a_time } '0', '-1', 'soon', '10x', '1.5h', '15minutes', '99999999999999999999' } ],
    [ ServoyLearnSessions => 'balancer', [ 'on', 'off', 'On', 'OFF' ],
        { map { $_ => $on_off } 'maybe', '1' } ],
    [ ServoyLaunch => 'balancer', [ 'redirect', 'rewrite', 'proxy', 'Redirect', 'Rewrite limit=1',
            map { "rewrite limit=$_" } qw(1 65536 67108864 1k 512K 65536K 2m 64M) ],
        { map({ $_ => qr/expected redirect, rewrite or proxy/ } 'on', 'off', 'redirects'),
            map({ ("rewrite limit=$_" => qr/a number of bytes from 1 to 67108864, such as 65536, 512K or 2M/) } '', '0', '0K',
                '-1', '+1', '1.5M', '0x10', 'K', 'many', '1G', '1KB', '1MM', '67108865', '65537K', '65M', '99999999999999999999',
                '18446744073709551617', '17592186044417M'),
            map({ $_ => qr/expected nothing more, or, after rewrite, limit= and a number of bytes/ } 'redirect limit=1M',
                'proxy limit=1M', 'redirect on', 'rewrite 1M', 'rewrite size=1M', 'rewrite limit') } ],
    [ ServoyLaunchMatch => 'balancer', [ '^/start/', '"^/a b/(?:c|d)\.jnlp$"', '"(?i)\.JNLP$"' ],
        { map { $_ => qr/expected a regular expression/ } '(', '[a', '*x' } ],
    [ ServoyLaunchCookie => 'balancer', [ 'off', 'Off', 'MYLAUNCH', '__Host-launch' ],
        { map { $_ => qr/expected the name of a cookie, or Off/ } 'a=b', '"a b"', '"a;b"' } ],
    [ ServoyLaunchTimeout => 'balancer', [ '30', '8h' ], { map { $_ => $a_time } '0', 'x', '-8h' } ],
    [ ServoyMaintenance => 'balancer', [ 'on', 'off', 'on 10s', 'off 2min' ],
        { 'maybe' => $on_off, 'maybe 3' => $on_off, 'on 0' => $a_time, 'on soon' => $a_time } ],
    [ ServoySlowStart => 'balancer', [ '0', '30s', '5min' ], { map { $_ => $a_time } '-1', 'x', '1y' } ],
    [ ServoyCatchUp => 'balancer', [ 'off', '1', '2.5', '1000' ],
        { map { $_ => qr/expected a factor from 1 to 1000, or Off/ } '0', '0.5', '1001', '-2', 'x', '2x',
            'nan', 'inf', '0x10', '.', '1.2.3' } ],
    [ ServoyClientTable => 'server', [ '1', '65536', '1000000' ],
        { map { $_ => qr/expected a number of clients from 1/ } '0', '-1', 'x', '64k', '1.5',
            '67108865', '99999999999999999999' } ],
    [ ServoyPersist => 'server', [ 'on', 'off', 'run/clients' ],
        { map { $_ => qr/On, Off, or the path of a file/ } 'maybe', 'file' } ],
    [ ServoySharedStore => 'server', [],
        { 'nosuch:127.0.0.1:1' => qr/no such socache provider.*mod_socache_nosuch/ } ],
    [ ServoyFrontEnd => 'server', [ 'fe1', 'fe1 fe2 fe-3.example.com' ],
        { 'a/b' => $a_name, 'fe1 "b c"' => $a_name, $long => $a_name } ],
    [ ServoyManagerActions => 'location', [ 'on', 'off' ], { maybe => $on_off } ],
);

my %in_context = (
    balancer => sub {
        my ($line) = @_;
        return balancer('servoy', $line =~ /^ServoyNode .*url=/ ? 'ServoyNode servoy2 url=http://b' : urls(), $line);
    },
    server => sub { my ($line) = @_; return "$line\n" . good() },
    location => sub { my ($line) = @_; return "<Location /m>\n$line\n</Location>\n" . good() },
);

subtest 'values' => sub {
    for (@directives) {
        my ($directive, $context, $good, $bad) = @$_;
        my $place = $in_context{$context};
        subtest $directive => sub {
            for my $value (@$good) {
                accepted($place->("$directive $value"), "good: $value");
            }
            complains(syntax => $place->($directive), 'no value', qr/on line \d+/, qr/\b$directive\b/);
            complains(syntax => $place->("$directive \"\""), 'an empty value', qr/\b$directive\b/);
            for my $value (sort keys %$bad) {
                # the message quotes the word at fault, which is the last one here
                my ($word) = $value =~ /^"([^"]*)" url=/ ? $1 : $value =~ /^(\S+) url=http:..a$/ ? $1
                    : $value =~ /"([^"]*)"$/ ? $1 : $value =~ /(\S+)$/;
                $word = $1 if $value =~ /^(maybe) /;
                $word =~ s/^nosuch.*/nosuch/;
                my $shown = $word =~ /[^ -~]|\\/ || $value eq 'servoy1' ? '' : $word;
                complains(syntax => $place->("$directive $value"), "bad: $value",
                    qr/on line \d+/, qr/\b$directive\b/, qr/\Q$shown\E/, $bad->{$value});
            }
        };
    }
};

subtest 'too many values' => sub {
    complains(syntax => good('ServoyLaunch rewrite limit=1M now'), 'ServoyLaunch takes two', qr/on line \d+/, qr/\bServoyLaunch\b/);
};

subtest 'the shared store names a provider that is loaded' => sub {
    my $with = SVB::Httpd->new(modules => [qw(socache_shmcb)]);
    accepted('ServoySharedStore shmcb' . "\n" . good(), 'provider', $with);
    accepted('ServoySharedStore "shmcb:127.0.0.1:6379"' . "\n" . good(), 'provider:args', $with);
    complains(syntax => "ServoySharedStore shmcb\n" . good(), 'not loaded: the module is named',
        qr/ServoySharedStore/, qr/mod_socache_shmcb/);
};

subtest 'contexts' => sub {
    my $not_here = qr/not allowed (?:here|in)|cannot occur within/;
    for (@directives) {
        my ($directive, $context, $good) = @$_;
        my $line = "$directive " . ($good->[0] // 'shmcb');
        my %at = (
            'the main server'    => "$line\n",
            'a <VirtualHost>'    => "<VirtualHost *:\@PORT\@>\n$line\n</VirtualHost>\n",
            'a <Location>'       => "<Location />\n$line\n</Location>\n",
            'a <Directory>'      => "<Directory />\n$line\n</Directory>\n",
            'a <Proxy>'          => section('servoy', $line),
        );
        delete $at{'a <Proxy>'} if $context ne 'server';
        delete $at{'the main server'} if $context eq 'server';
        delete @at{'a <Location>', 'a <Directory>'} if $context eq 'location';
        for my $where (sort keys %at) {
            complains(syntax => $at{$where} . good(), "$directive: not in $where",
                qr/\b$directive\b/, $not_here);
        }
    }
};

# --- startup errors and warnings ---

# name => { level, conf (a list of texts), said (patterns), fine: name => conf }
my %problem = (
    'two members with one route' => {
        level => 'error',
        conf => section('servoy', members(qw(servoy1 servoy2 servoy1)), 'ProxySet lbmethod=servoy', urls()),
        said => [ qr/SVB\d+/, qr{balancer://servoy: }, qr{BalancerMember ajp://127\.0\.0\.1:18001 route=servoy1},
            qr{BalancerMember ajp://127\.0\.0\.1:18003 route=servoy1}, qr/same route/ ],
        fine => {
            'in two balancers of a fleet' => good() . balancer('sockets'),
            'routes that differ in case' => section('servoy', members(qw(servoy1 Servoy1)),
                'ProxySet lbmethod=servoy', urls(qw(servoy1 Servoy1))),
            'in a balancer of another method' => good()
                . section('other', members(qw(a a)), 'ProxySet lbmethod=byrequests'),
        },
    },
    'balancers that contradict each other: url' => {
        level => 'error',
        conf => good() . balancer('sockets', 'ServoyNode servoy2 url=https://other.example.com'),
        said => [ qr/SVB\d+/, qr{balancer://sockets: }, qr{ServoyNode servoy2 url=https://other\.example\.com},
            qr{ServoyNode servoy2 url=https://servoy2\.example\.com}, qr/contradicts/, qr/\burl\b/ ],
        fine => {
            'the same twice' => good() . balancer('sockets', urls()),
            'in another fleet' => good() . balancer('sockets', 'ServoyFleet other',
                urls('servoy1'), 'ServoyNode servoy2 url=https://other.example.com'),
        },
    },
    'balancers that contradict each other: group' => {
        level => 'error',
        conf => good('ServoyNode servoy1 group=a') . balancer('sockets', 'ServoyNode servoy1 group=b'),
        said => [ qr{balancer://sockets: }, qr/ServoyNode servoy1 group=b/, qr/contradicts/, qr/ServoyNode servoy1/,
            qr/\bgroup\b/ ],
        fine => {
            'facts that complete each other' => good('ServoyNode servoy1 group=a')
                . balancer('sockets', 'ServoyNode servoy1 maxclients=7', 'ServoyNode servoy2 group=b'),
        },
    },
    'balancers that contradict each other: maxclients' => {
        level => 'error',
        conf => good('ServoyNode servoy1 maxclients=7') . balancer('sockets', 'ServoyNode servoy1 maxclients=0'),
        said => [ qr{balancer://sockets: }, qr/ServoyNode servoy1 maxclients=0/, qr/contradicts/, qr/\bmaxclients\b/ ],
        fine => { 'the same' => good('ServoyNode servoy1 maxclients=7')
            . balancer('sockets', 'ServoyNode servoy1 maxclients=7') },
    },
    'balancers that contradict each other: probe' => {
        level => 'error',
        conf => good('ServoyNode servoy1 probe=url') . balancer('sockets', 'ServoyNode servoy1 probe=off'),
        said => [ qr/SVB\d+/, qr{balancer://sockets: }, qr/ServoyNode servoy1 probe=off/, qr/contradicts/,
            qr/ServoyNode servoy1/, qr/\bprobe\b/ ],
        fine => {
            'the same' => good('ServoyNode servoy1 probe=url') . balancer('sockets', 'ServoyNode servoy1 probe=url'),
            'told in one' => good() . balancer('sockets', 'ServoyNode servoy1 probe=off'),
            'in another fleet' => good('ServoyNode servoy1 probe=url')
                . balancer('sockets', 'ServoyFleet other', urls(), 'ServoyNode servoy1 probe=off'),
        },
    },
    'a later section that contradicts: probe' => {
        level => 'error',
        conf => good('ServoyNode servoy1 probe=url') . section('servoy', 'ServoyNode servoy1 probe=off'),
        said => [ qr{balancer://servoy: }, qr/ServoyNode servoy1 probe=off/, qr/contradicts/, qr/\bprobe\b/ ],
        fine => { 'a later template counts' => balancer('servoy', 'ServoyNode * url=https://%r.example.com probe=url')
            . section('servoy', 'ServoyNode * url=https://%r.example.com probe=off') },
    },
    'balancers that contradict each other: a placeholder' => {
        level => 'error',
        conf => single('pages', 'ServoyNode servoy1 url=http://%h')
            . single('sockets', 'ServoyNode servoy1 url=http://%h') =~ s/127\.0\.0\.1/localhost/r,
        said => [ qr{balancer://sockets: }, qr{ServoyNode servoy1 url=http://%h}, qr/contradicts/ ],
        fine => {
            'that comes to the same' => single('pages', 'ServoyNode servoy1 url=http://%h')
                . single('sockets', 'ServoyNode servoy1 url=http://%h'),
            'another text that comes to the same' => single('pages', 'ServoyNode servoy1 url=http://%h')
                . single('sockets', 'ServoyNode servoy1 url=http://127.0.0.1/'),
        },
    },
    'templates that contradict each other' => {
        level => 'error',
        conf => balancer('servoy', 'ServoyNode * url=https://%r.example.com')
            . balancer('sockets', 'ServoyNode * url=https://%r.example.org'),
        said => [ qr{balancer://sockets: }, qr/ServoyNode \*/, qr/contradicts/,
            qr{https://servoy1\.example\.com}, qr{https://servoy1\.example\.org} ],
        fine => {
            'the same template' => balancer('servoy', 'ServoyNode * url=https://%r.example.com')
                . balancer('sockets', 'ServoyNode * url=https://%r.example.com'),
            'templates that come to the same' => balancer('servoy', 'ServoyNode * url=https://%h')
                . balancer('sockets', 'ServoyNode * url=https://127.0.0.1/'),
            'every node has a line of its own' => good('ServoyNode * url=https://%r.example.com')
                . balancer('sockets', 'ServoyNode * url=https://%r.example.org'),
        },
    },
    'templates that contradict each other: probe' => {
        level => 'error',
        conf => balancer('servoy', 'ServoyNode * url=https://%r.example.com probe=url')
            . balancer('sockets', 'ServoyNode * url=https://%r.example.com'),
        said => [ qr{balancer://sockets: }, qr/ServoyNode \*/, qr/contradicts/,
            qr{url=https://servoy1\.example\.com \S+ \S+ probe=members here},
            qr{url=https://servoy1\.example\.com \S+ \S+ probe=url there} ],
        fine => { 'said or not' => balancer('servoy', 'ServoyNode * url=https://%r.example.com probe=members')
            . balancer('sockets', 'ServoyNode * url=https://%r.example.com') },
    },
    'a template that comes to no URL' => {
        level => 'error',
        conf => section('servoy', members('a+b'), 'ProxySet lbmethod=servoy', 'ServoyNode * url=https://%r.example.com'),
        said => [ qr{balancer://servoy: }, qr/BalancerMember.*route=a\+b/, qr/url=/, qr/route/ ],
        fine => { 'in a prefix' => section('servoy', members('a+b'), 'ProxySet lbmethod=servoy',
            'ServoyNode * url=https://example.com/%r') },
    },
    'facts about a route that no member has' => {
        level => 'error',
        conf => good('ServoyNode servoy9 group=eu'),
        said => [ qr{balancer://servoy: }, qr/ServoyNode servoy9 group=eu/, qr/conf:\d+/, qr/no member/ ],
        fine => { 'another balancer of the fleet has it' => good(urls('servoy9'))
            . section('sockets', members('servoy9'), 'ProxySet lbmethod=servoy') },
    },
    'facts about a route that only another fleet has' => {
        level => 'error',
        conf => good(urls('servoy9'))
            . section('sockets', members('servoy9'), 'ProxySet lbmethod=servoy', 'ServoyFleet other',
                urls('servoy9')),
        said => [ qr{balancer://servoy: }, qr/ServoyNode servoy9/, qr/no member/ ],
        fine => {},
    },
    'facts about a route that a member may get' => {
        level => 'warn',
        conf => good('ProxySet growth=2', urls('servoy9')),
        said => [ qr{balancer://servoy: }, qr/ServoyNode servoy9 url=/, qr/no member/, qr/run time/ ],
        fine => { 'it has it' => good('ProxySet growth=2') },
    },
    'a member without a route' => {
        level => 'warn',
        conf => section('servoy', members('servoy1'), 'BalancerMember "ajp://127.0.0.1:18009"',
            'ProxySet lbmethod=servoy', urls('servoy1')),
        said => [ qr{balancer://servoy: }, qr{BalancerMember ajp://127\.0\.0\.1:18009"}, qr/no route/,
            qr/learning/, qr/route=/ ],
        fine => { 'of another method' => good() . section('other', 'BalancerMember "ajp://127.0.0.1:18009"') },
    },
    'launches without a direct URL' => {
        level => 'warn',
        conf => balancer('servoy', urls('servoy1')),
        said => [ qr{balancer://servoy: }, qr/BalancerMember.*route=servoy2/, qr/no direct URL/,
            qr/ServoyNode servoy2 url=/, qr/ServoyLaunch proxy/ ],
        fine => {
            'they are proxied' => balancer('servoy', urls('servoy1'), 'ServoyLaunch proxy'),
            'there is a template' => balancer('servoy', urls('servoy1'), 'ServoyNode * url=https://%r.example.com'),
            'another balancer tells it' => balancer('servoy', urls('servoy1')) . balancer('sockets', urls('servoy2')),
        },
    },
    'launches to be rewritten without a direct URL' => {
        level => 'warn',
        conf => balancer('servoy', 'ServoyLaunch rewrite', urls('servoy1'), 'ServoyNode servoy2 group=a'),
        said => [ qr{balancer://servoy: }, qr/BalancerMember.*route=servoy2/, qr/no direct URL/ ],
        fine => { 'all have one' => good('ServoyLaunch rewrite') },
    },
    'a line of its own instead of the template' => {
        level => 'warn',
        conf => balancer('servoy', 'ServoyNode * url=https://%r.example.com', 'ServoyNode servoy2 maxclients=9'),
        said => [ qr{balancer://servoy: }, qr/BalancerMember.*route=servoy2/, qr/no direct URL/ ],
        fine => {},
    },
    'failonstatus=503' => {
        level => 'warn',
        conf => good('ProxySet failonstatus=500,503'),
        said => [ qr{balancer://servoy: }, qr/failonstatus/, qr/503/, qr/maintenance/, qr/take 503 out/ ],
        fine => { 'another status' => good('ProxySet failonstatus=500') },
    },
    'health checks that a node in maintenance fails' => {
        level => 'warn',
        conf => good('BalancerMember "http://127.0.0.1:18009" route=servoy3 hcmethod=GET hcuri=/', urls('servoy3')),
        said => [ qr{balancer://servoy: }, qr{BalancerMember http://127\.0\.0\.1:18009 route=servoy3}, qr/503/,
            qr/hcmethod=TCP or CPING/, qr/hcexpr/ ],
        fine => {
            map({ ("hcmethod=$_" => good("BalancerMember \"ajp://127.0.0.1:18009\" route=servoy3 hcmethod=$_",
                urls('servoy3'))) } qw(TCP CPING OPTIONS None)),
            'with an hcexpr' => "ProxyHCExpr alive {%{REQUEST_STATUS} =~ /^[2-5]/}\n"
                . good('BalancerMember "http://127.0.0.1:18009" route=servoy3 hcmethod=GET hcuri=/ hcexpr=alive',
                    urls('servoy3')),
        },
    },
    'health checks by HEAD' => {
        level => 'warn',
        conf => good('BalancerMember "http://127.0.0.1:18009" route=servoy3 hcmethod=HEAD hcuri=/', urls('servoy3')),
        said => [ qr{balancer://servoy: }, qr/BalancerMember.*route=servoy3/, qr/hcmethod=TCP or CPING/ ],
        fine => {},
    },
    'redirect= to a route that no member has' => {
        level => 'warn',
        conf => good('BalancerMember "ajp://127.0.0.1:18009" route=servoy3 redirect=servoy9', urls('servoy3')),
        said => [ qr{balancer://servoy: }, qr/BalancerMember.*route=servoy3/, qr/redirect=servoy9/ ],
        fine => { 'to one' => good('BalancerMember "ajp://127.0.0.1:18009" route=servoy3 redirect=servoy1',
            urls('servoy3')) },
    },
    'directives of a balancer with another method' => {
        level => 'warn',
        conf => good() . section('other', members('a'), 'ProxySet lbmethod=byrequests', 'ServoyLaunch proxy'),
        said => [ qr{balancer://other}, qr/conf:\d+/, qr/no effect/, qr/lbmethod=servoy/ ],
        fine => { 'no directives' => good() . section('other', members('a'), 'ProxySet lbmethod=byrequests') },
    },
    'directives of a balancer that is not there' => {
        level => 'warn',
        conf => good() . section('serv', 'ServoyLaunch proxy'),
        said => [ qr{balancer://serv"}, qr/no effect/ ],
        fine => { 'a second section of one that is' => good() . section('servoy', 'ServoyLaunch proxy') },
    },
    'directives for no balancer at all' => {
        level => 'warn',
        conf => good() . "<Proxy *>\nServoyLaunch proxy\n</Proxy>\n",
        said => [ qr/<Proxy "\*">/, qr/conf:\d+/, qr/no effect/ ],
        fine => { 'directives of others' => good() . "<Proxy *>\nRequire all granted\n</Proxy>\n" },
    },
);

for my $name (sort keys %problem) {
    my ($level, $conf, $said, $fine) = @{ $problem{$name} }{qw(level conf said fine)};
    subtest "configuration test: $name" => sub {
        complains($level => $conf, "$level", @$said);
        accepted($fine->{$_}, "no complaint: $_") for sort keys %$fine;
    };
}

# The same at a start; the warnings all at once, each balancer in a fleet of its own.
subtest 'a start: errors' => sub {
    for my $name (grep { $problem{$_}{level} eq 'error' } sort keys %problem) {
        my $httpd = SVB::Httpd->new(conf => $problem{$name}{conf});
        my ($code, $output) = $httpd->configtest;
        $output = $httpd->start_fails if $code;     # else it would come up
        my @lines = grep { /servoy_balancer:error\]/ } split /\n/, $output;
        my @patterns = @{ $problem{$name}{said} };
        ok +(grep { my $line = $_; !grep { $line !~ $_ } @patterns } @lines), $name or diag $output;
    }
};

subtest 'a start: warnings, each of them once' => sub {
    my @names = grep { $problem{$_}{level} eq 'warn' } sort keys %problem;
    my %conf = map { $_ => $problem{$_}{conf} } @names;
    my $number = 0;
    for my $name (@names) {
        # each in a fleet of its own, under names of their own
        $number++;
        $conf{$name} =~ s{balancer://(\w+)}{balancer://${1}x$number}g;
        $conf{$name} =~ s/(ProxySet lbmethod=servoy)/ServoyFleet fleet$number\n$1/g;
        $problem{$name}{number} = $number;
    }
    my $httpd = SVB::Httpd->new(modules => ['proxy_hcheck'], conf => join '', @conf{@names})->start;
    my @lines = grep { /servoy_balancer:(?:warn|error)\]/ } split /\n/, $httpd->error_log;
    for my $name (@names) {
        my $suffix = "x$problem{$name}{number}";
        my @patterns = map { s{(balancer://\w+)}{$1$suffix}r } @{ $problem{$name}{said} };
        my @found = grep { my $line = $_; !grep { $line !~ $_ } @patterns } @lines;
        is scalar @found, 1, $name or diag "@patterns\n", join "\n", @lines;
    }
    $httpd->stop;
};

subtest 'a start without complaints' => sub {
    my $conf = join '', balancer('servoy', url('*', 'https://%r.example.com')), balancer('sockets'),
        section('other', 'BalancerMember "ajp://127.0.0.1:18009"');
    my $httpd = SVB::Httpd->new(conf => $conf)->start;
    unlike $httpd->error_log, qr/servoy_balancer:(?:warn|error)/, 'nothing is said';
    $httpd->stop;
};

subtest 'https in front, http direct URLs' => sub {
    my $httpd = SVB::Httpd->new(tls => 1, modules => ['rewrite']);
    my $tls = sub {
        my ($more, $port, $engine) = @_;
        return join "\n", "<VirtualHost *:" . ($port // '@TLS_PORT@') . '>', 'ServerName desk.example.com',
            'SSLEngine ' . ($engine // 'on'), 'SSLCertificateFile @CERT@', 'SSLCertificateKeyFile @KEY@', $more,
            "</VirtualHost>\n";
    };
    my $plain = sub { balancer('servoy', 'ServoyNode * url=http://%r.example.com', @_) };
    my $pass = "ProxyPass / balancer://servoy/\n";
    my $warned = sub {
        my ($conf, $name) = @_;
        my ($code, $output) = $httpd->configtest($conf);
        my @lines = grep { /servoy_balancer:warn\]/ } split /\n/, $output;
        is $code, 0;
        is scalar @lines, 1, $name or diag $output;
        like $lines[0] // '', $_ for qr{balancer://servoy: }, qr/desk\.example\.com/, qr{http://servoy1\.example\.com},
            qr/https/, qr/Java Web Start/, qr/set ServoyLaunch rewrite or proxy$/;
    };
    $warned->($plain->() . $tls->($pass), 'warned about');
    $warned->($plain->() . $tls->("<Location />\nProxyPass balancer://servoy/\n</Location>"), 'in a <Location>');
    $warned->($plain->() . $tls->("RewriteEngine on\nRewriteRule ^(.*)\$ balancer://servoy\$1 [P]"), 'RewriteRule');
    $warned->($plain->() . $pass . $tls->(''), 'ProxyPass inherited from the main server');
    $warned->(balancer('servoy', urls('servoy2'), 'ServoyNode servoy1 url=http://servoy1.example.com')
        . $tls->($pass), 'one node only');
    accepted(good() . $tls->($pass), 'https direct URLs', $httpd);
    accepted($plain->('ServoyLaunch proxy') . $tls->($pass), 'launches are proxied', $httpd);
    accepted($plain->('ServoyLaunch rewrite') . $tls->($pass), 'or rewritten', $httpd);
    accepted($plain->() . "<VirtualHost *:\@PORT\@>\n$pass</VirtualHost>\n" . $tls->(''), 'not from there', $httpd);
    accepted($plain->() . $tls->($pass, '@PORT@', 'off'), 'no TLS', $httpd);

    my $started = SVB::Httpd->new(tls => 1, conf => $plain->() . $tls->($pass))->start;
    my @lines = grep { /servoy_balancer:warn\]/ } split /\n/, $started->error_log;
    is scalar @lines, 1, 'and at a start' or diag @lines;
    $started->stop;
};

# --- modules ---

subtest 'missing modules are named' => sub {
    my %needed = (proxy_balancer => good(), slotmem_shm => good(), proxy_ajp => good(),
        watchdog => good(), proxy_http => section('servoy', 'BalancerMember "http://127.0.0.1:18001" route=servoy1',
            'ProxySet lbmethod=servoy', urls('servoy1')));
    for my $module (sort keys %needed) {
        my $httpd = SVB::Httpd->new(without => [$module], conf => $needed{$module});
        my ($code, $output) = $httpd->configtest;
        SKIP: {
            # some are built into httpd
            skip "mod_$module cannot be left out", 2 if $module eq 'watchdog' && !$code;
            isnt $code, 0, "without mod_$module";
            like $output, qr/needs mod_$module\b/, 'which is named';
            like $httpd->start_fails, qr/needs mod_$module\b/, 'at a start too';
        }
        accepted($needed{$module}, "with mod_$module");
    }
    like +(SVB::Httpd->new(without => ['proxy_ajp'])->configtest(good()))[1],
        qr{balancer://servoy: "BalancerMember ajp://127\.0\.0\.1:18001 route=servoy1" needs}, 'and who needs it';
    accepted($needed{proxy_http}, 'no ajp members, no mod_proxy_ajp', SVB::Httpd->new(without => ['proxy_ajp']));
    accepted(good(), 'no http members, no mod_proxy_http', SVB::Httpd->new(without => ['proxy_http']));
    accepted(good(), 'mod_lbmethod_byrequests is not needed', SVB::Httpd->new(without => ['lbmethod_byrequests']));
    accepted('', 'loaded and not used');

    my $line = ($tester->load_lines)[-1];
    isnt +(SVB::Httpd->new(servoy => 0, preamble => $line)->configtest(''))[0], 0, 'not before mod_proxy';
};

# --- whose settings they are ---

# Where a launch is sent, without the path; and the name of the cookie that it sets.
sub launched {
    my ($client, $prefix, $host) = @_;
    my $r = $client->get("$prefix/servoy-client/crm.jnlp", cookies => 0, host => $host // 'localhost');
    my ($target) = ($r->header('Location') // "no Location: $r->{status}") =~ m{^(.*?)(?:/servoy-client/.*)?$};
    my ($cookie) = ($r->header('Set-Cookie') // '') =~ /^(\w+)=/;
    return ($target, $cookie);
}

subtest 'a balancer whose name begins with another\'s' => sub {
    my $httpd = SVB::Httpd->new(conf => single('pre', 'ServoyFleet a', 'ServoyLaunchCookie PRE',
            url('*', 'http://pre.example.com'))
        . single('prefix2', 'ServoyFleet b', url(servoy1 => 'http://prefix2.example.com'))
        . "ProxyPass /pre/ balancer://pre/\nProxyPass /prefix2/ balancer://prefix2/\n")->start;
    my $client = $httpd->client;
    is_deeply [ launched($client, '/pre') ], [ 'http://pre.example.com', 'PRE' ];
    is_deeply [ launched($client, '/prefix2') ], [ 'http://prefix2.example.com', 'SERVOYLAUNCH' ],
        'gets nothing of its settings';
    $httpd->stop;
    complains(warn => single('pre', 'ServoyNode * url=http://pre.example.com', 'ServoyFleet a')
        . single('prefix2', 'ServoyFleet b'), 'and none of its facts', qr{balancer://prefix2: .*no direct URL});
};

subtest 'several sections of a balancer, main server and virtual hosts' => sub {
    my $httpd = SVB::Httpd->new(ports => 4, conf => single('servoy', 'ServoyLaunchCookie FIRST',
            url(servoy1 => 'http://main.example.com'))
        . section('servoy', 'ServoyLaunchCookie SECOND')
        . section('SERVOY', 'ServoyLaunchMatch "^/(?:servoy-client|start)/.*\.jnlp$"')
        . <<'END')->start;
ProxyPass /main/ balancer://servoy/
<VirtualHost *:@PORT1@>
    ServerName inherits.example.com
</VirtualHost>
<VirtualHost *:@PORT2@>
    ProxyPass /again/ balancer://servoy/
    <Proxy "balancer://servoy">
        ServoyLaunchCookie VHOST
    </Proxy>
</VirtualHost>
<VirtualHost *:@PORT3@>
    <Proxy "balancer://own">
        BalancerMember "ajp://127.0.0.1:18009" route=own1
        ProxySet lbmethod=servoy
        ServoyFleet own
        ServoyNode own1 url=http://own.example.com probe=off
    </Proxy>
    ProxyPass /own/ balancer://own/
</VirtualHost>
END
    my %expected = (0 => [ 'http://main.example.com', 'SECOND' ], 1 => [ 'http://main.example.com', 'SECOND' ],
        2 => [ 'http://main.example.com', 'VHOST' ], 3 => [ 'http://own.example.com', 'SERVOYLAUNCH' ]);
    my @names = ('the last one given counts', 'a virtual host inherits', 'and overrides one by one',
        'or has a balancer of its own');
    for my $n (0 .. 3) {
        my $client = SVB::Client->new(url => $httpd->url($n));
        is_deeply [ launched($client, $n == 3 ? '/own' : '/main') ], $expected{$n}, $names[$n];
        is_deeply [ launched($client, '/again') ], $expected{2}, 'by its own ProxyPass, too' if $n == 2;
        my $status = $client->head('/main/start/crm.jnlp')->status;
        is $status, 302, 'a match of the main server holds there too' if $n < 3;
    }
    unlike $httpd->error_log, qr/servoy_balancer:(?:warn|error)/, 'no complaints';
    $httpd->stop;
};

subtest 'ServoyLaunch and probe= in a later section' => sub {
    my $conf = sub {
        my ($name, @lines) = @_;
        return single($name, "ServoyFleet $name", shift @lines) . section($name, @lines) . "ProxyPass /$name/ balancer://$name/\n";
    };
    my $off = url('*', 'http://%r.example.com');
    my $httpd = SVB::Httpd->new(conf => join '', $conf->(mode => 'ServoyLaunch rewrite limit=1K', 'ServoyLaunch redirect', $off),
        $conf->(back => 'ServoyLaunch proxy', 'ServoyLaunch rewrite limit=1K', $off),
        $conf->(probe => 'ServoyNode * url=http://first.example.com probe=url', $off),
        $conf->(asked => $off, 'ServoyNode * url=http://%r.example.com'))->start;
    my $client = $httpd->client;
    is +(launched($client, '/mode'))[0], 'http://servoy1.example.com', 'rewrite, then redirect';
    like +(launched($client, '/back'))[0], qr/no Location/, 'the other way round';
    is +(launched($client, '/probe'))[0], 'http://servoy1.example.com', 'asked, then not';
    is +(launched($client, '/asked'))[0], 'no Location: 503', 'the other way round';
    $httpd->stop;
};

subtest 'a fact is told in one balancer of its fleet' => sub {
    my $httpd = SVB::Httpd->new(conf => single('servoy', url(servoy1 => 'http://told.example.com'))
        . single('second') . single('third', 'ServoyFleet third', url('*', 'http://%r.third.example.com'))
        . single('fourth', 'ServoyFleet third')
        . join '', map { "ProxyPass /$_/ balancer://$_/\n" } qw(servoy second third fourth))->start;
    my $client = $httpd->client;
    is +(launched($client, '/servoy'))[0], 'http://told.example.com';
    is +(launched($client, '/second'))[0], 'http://told.example.com', 'known in the other';
    is +(launched($client, '/third'))[0], 'http://servoy1.third.example.com', 'a template';
    is +(launched($client, '/fourth'))[0], 'http://servoy1.third.example.com', 'is for all of the fleet, too';
    $httpd->stop;
    # %h is the host of the member that stands next to the line
    for my $lines (map { url($_ => 'http://%h:8080') } 'servoy1', '*') {
        $httpd = SVB::Httpd->new(conf => single('pages', $lines)
            . single('sockets') =~ s/127\.0\.0\.1/localhost/r
            . "ProxyPass /pages/ balancer://pages/\nProxyPass /sockets/ balancer://sockets/\n");
        accepted(undef, $lines, $httpd) or next;
        $httpd->start;
        for my $name (qw(pages sockets)) {
            is +(launched($httpd->client, "/$name"))[0], 'http://127.0.0.1:8080', "$lines: asked by way of $name";
        }
        $httpd->stop;
    }
};

subtest 'templates' => sub {
    my %case = (
        'host' => [ 'BalancerMember ajp://127.0.0.1:18001 route=servoy1', 'http://%h:8080', 'http://127.0.0.1:8080' ],
        'name' => [ 'BalancerMember ajp://LocalHost:18001 route=servoy1', 'https://%h', 'https://localhost' ],
        'route' => [ 'BalancerMember ajp://127.0.0.1:18001 route=Servoy1', 'https://%r.example.com:8443',
            'https://servoy1.example.com:8443' ],
        'prefix' => [ 'BalancerMember ajp://127.0.0.1:18001 route=servoy1', 'http://a/%r/%h/', 'http://a/servoy1/127.0.0.1' ],
        'IPv6' => [ 'BalancerMember "ajp://[::1]:18001" route=servoy1', 'http://%h:8080', 'http://[::1]:8080' ],
        'IPv6 in brackets' => [ 'BalancerMember "http://[2001:db8::1]" route=servoy1', 'http://[%h]', 'http://[2001:db8::1]' ],
    );
    my $conf = '';
    for my $name (sort keys %case) {
        my ($member, $url) = @{ $case{$name} };
        my $balancer = lc $name =~ s/ //gr;
        $conf .= section($balancer, $member, 'ProxySet lbmethod=servoy', "ServoyFleet $balancer",
            url('*', $url)) . "ProxyPass /$balancer/ balancer://$balancer/\n";
    }
    my $httpd = SVB::Httpd->new(conf => $conf)->start;
    for my $name (sort keys %case) {
        my $path = '/' . lc $name =~ s/ //gr;
        is +(launched($httpd->client, $path))[0], $case{$name}[2], "$name: $case{$name}[1]";
    }
    $httpd->stop;
};

# --- what has no effect yet; a restart ---

subtest 'directives of features to come say so, once each' => sub {
    my @server = ('ServoySharedStore shmcb', 'ServoyFrontEnd fe1 fe2');
    my @works = ('ServoyLaunch rewrite limit=1M', 'ServoyLearnSessions off', 'ServoyLaunchTimeout 1h', 'ServoyMaintenance on 10s', 'ServoySlowStart 10s',
        'ServoyCatchUp off', 'ServoyNode servoy1 maxclients=9 probe=url');
    my $conf = join "\n", @server, 'ServoyClientTable 1000', 'ServoyPersist off', good(@works), 'ProxyPass / balancer://servoy/',
        "<Location /m>\nServoyManagerActions on\n</Location>",
        "<VirtualHost *:\@PORT1\@>\nProxyPass / balancer://servoy/\n</VirtualHost>\n";
    my %option = (ports => 2, modules => ['socache_shmcb'], conf => $conf);
    my $httpd = SVB::Httpd->new(%option)->start;
    my @told = grep { /servoy_balancer:info\].*no effect yet/ } split /\n/, $httpd->error_log;
    is scalar @told, @server, 'nothing else does';
    for my $line (@server) {
        my ($directive) = $line =~ /^(\S+)/;
        my @lines = grep { /\b$directive\b/ } @told;
        is scalar @lines, 1, $line or diag join "\n", @told;
    }
    $httpd->stop;
    my $quiet = SVB::Httpd->new(%option, log_level => 'notice')->start;
    unlike $quiet->error_log, qr/no effect yet/, 'at level info only';
    $quiet->stop;
    my $without = SVB::Httpd->new(conf => good())->start;
    unlike $without->error_log, qr/no effect yet/, 'only those that were given';
    $without->stop;
};

subtest 'a graceful restart with another configuration' => sub {
    my $conf = sub {
        my ($host, @lines) = @_;
        return single('servoy', url(servoy1 => "http://$host.example.com"), @lines)
            . "ProxyPass / balancer://servoy/\n";
    };
    my $httpd = SVB::Httpd->new(conf => $conf->('old'))->start;
    my $client = $httpd->client;
    is_deeply [ launched($client, '') ], [ 'http://old.example.com', 'SERVOYLAUNCH' ];
    $httpd->reconfigure($conf->('new', 'ServoyLaunchCookie NEW'));
    wait_ok(sub { (launched($client, ''))[0] eq 'http://new.example.com' }, 10, 'takes effect');
    is +(launched($client, ''))[1], 'NEW';
    $httpd->mark;
    $httpd->reconfigure($conf->('new', 'BalancerMember "ajp://127.0.0.1:18002"'));
    like $httpd->error_log, qr{servoy_balancer:warn\].*balancer://servoy: .*no route}, 'and is checked again';
    $httpd->reconfigure($conf->('newer') =~ s/route=servoy1/route=renamed/r =~ s/ServoyNode servoy1/ServoyNode renamed/r);
    wait_ok(sub { (launched($client, ''))[0] eq 'http://newer.example.com' }, 10, 'a member under another route');
    ok $httpd->alive;
    $httpd->stop;
};

is_deeply [ $tester->complaints ], [], 'no configuration test crashed';

done_testing;
