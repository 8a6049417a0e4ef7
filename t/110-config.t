#!/usr/bin/perl
# The directives: which values each takes, what is refused and with which words, and
# where it may stand.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SVB::Balancer qw(section);
use SVB::ConfigTest;
use SVB::Httpd;
use Test::More;

my $long = 'x' x 64;
my $on_off = qr/expected On or Off/;
my $a_name = qr/letters, digits, dots, hyphens and underscores/;
my $a_time = qr/expected a time/;
my $a_size = qr/a number of bytes from 1 to 67108864, such as 65536, 512K or 2M/;
my $no_more = qr/expected nothing more, or, after rewrite, limit= and a number of bytes/;
my $a_url = qr/url=.*(?:must|bad|unknown placeholder|\bafter\b)/;

# directive => [ context, values that are good, { bad value => what is said } ]
my @directives = (
    [ ServoyFleet => 'balancer', [ 'crm', 'Crm_2.eu-west', substr $long, 1 ],
        { '"a b"' => $a_name, 'a/b' => $a_name, $long => $a_name,
            "caf\xc3\xa9" => $a_name, 'a"b' => $a_name } ],
    [ ServoyNode => 'balancer', [
            'servoy1 url=http://app1', 'servoy1 url=HTTPS://App1.example.com:8443/a/b',
            'servoy1 url=http://%h:8080/%r/', 'servoy1 url=http://[::1]:8080',
            'servoy1 url=http://10.0.0.1', 'servoy1 url=http://a/%20x',
            'servoy1 group=eu maxclients=0',
            'servoy1 maxclients=250 url=https://a group=g', '"servoy1" "url=http://a"',
            'servoy1 probe=members', 'servoy1 probe=url', 'servoy1 url=http://a probe=off',
            'servoy1 probe=OFF' ],
        {
            'servoy1' => qr/needs a route.*url=, group=, maxclients= and probe=/,
            'servoy1 url=' => $a_url, 'servoy1 url=app1.example.com' => $a_url,
            'servoy1 url=//app1.example.com' => $a_url, 'servoy1 url=/app' => $a_url,
            'servoy1 url=ftp://a' => $a_url, 'servoy1 url=javascript:alert(1)' => $a_url,
            'servoy1 url=http://' => $a_url, 'servoy1 url=http:///x' => $a_url,
            'servoy1 url=http://joe@a' => qr/userinfo/,
            'servoy1 url=http://joe:pw@a/' => qr/userinfo/,
            'servoy1 url=http://a/?x=1' => qr/query/, 'servoy1 url=http://a?' => qr/query/,
            'servoy1 url=http://a/#top' => qr/fragment/,
            'servoy1 url=http://a:0' => qr/1 to 65535/,
            'servoy1 url=http://a:65536' => qr/1 to 65535/,
            'servoy1 url=http://a:x' => qr/port/, 'servoy1 url=http://a:' => qr/port/,
            'servoy1 url=http://::1/' => qr/brackets/, 'servoy1 url=http://[::1' => qr/\]/,
            'servoy1 url=http://[::1]x' => qr/after '\]'/, 'servoy1 url=http://[a]/' => qr/IPv6/,
            'servoy1 url=http://a/../b' => qr/'\.\.'/, 'servoy1 url=http://a//b' => qr{'//'},
            'servoy1 "url=http://a b"' => qr/blanks/, 'servoy1 url=http://a\\b' => qr/backslash/,
            'servoy1 url=http://%x' => qr/%h.*%r/, 'servoy1 url=http://a/%zz' => qr/%h.*%r/,
            "servoy1 url=http://caf\xc3\xa9" => qr/ASCII/,
            'servoy1 maxclients=-1' => qr/0 for no limit/,
            'servoy1 maxclients=' => qr/0 for no limit/,
            'servoy1 maxclients=1.5' => qr/0 for no limit/,
            'servoy1 maxclients=many' => qr/0 for no limit/,
            'servoy1 maxclients=99999999999' => qr/0 for no limit/,
            'servoy1 maxclients=99999999999999999999' => qr/0 for no limit/,
            'servoy1 group=' => $a_name, 'servoy1 group=a/b' => $a_name,
            map({ ("servoy1 probe=$_" => qr/expected members, url or off/) } '', 'on', 'yes',
                'member', 'urls', '1', 'off,url'),
            'servoy1 weight=3' => qr/expected url=, group=, maxclients= or probe=/,
            'servoy1 fast' => qr/expected url=, group=, maxclients= or probe=/,
            'servoy1 =3' => qr/expected url=, group=, maxclients= or probe=/,
            'servoy1 url=http://a bad=1' => qr/expected url=, group=, maxclients= or probe=/,
            '"ser voy" url=http://a' => qr/route/, '"ser;voy" url=http://a' => qr/route/,
            'servoy* url=http://a' => qr/route/, '"" url=http://a' => qr/route/,
            "$long url=http://a" => qr/route of at most 63/,
        } ],
    [ ServoySessionCookie => 'balancer', [ 'JSESSIONID', 'A B C', 'JSESSIONID_CRM' ],
        { 'a=b' => qr/name of a cookie/, '"a;b"' => qr/name of a cookie/,
            '"a b"' => qr/name of a cookie/,
            'ok "n,o"' => qr/name of a cookie/ } ],
    [ ServoySessionTimeout => 'balancer', [ '30', '30s', '15min', '8h' ],
        { map { $_ => $a_time } '0', '-1', 'soon', '10x', '1.5h', '15minutes',
            '99999999999999999999' } ],
    [ ServoyWindowTimeout => 'balancer', [ '90', '2min', 'off', 'OFF' ],
        { map { $_ => $a_time } '0', '-1', 'on', 'soon', '1.5h' } ],
    [ ServoyWindowMatch => 'balancer', [ '^/websocket/', '"(?i)/ws/"' ],
        { map { $_ => qr/expected a regular expression/ } '(', '[a', '*x' } ],
    [ ServoyStateless => 'balancer', [ '^/api/', 'none', 'None', '"^/(a|b)/"' ],
        { map { $_ => qr/expected a regular expression/ } '(', '[a', '*x' } ],
    [ ServoyRouteCookie => 'balancer', [ 'off', 'Off', 'MYROUTE', '__Host-route' ],
        { map { $_ => qr/expected the name of a cookie, or Off/ } 'a=b', '"a b"', '"a;b"' } ],
    [ ServoyLearnSessions => 'balancer', [ 'on', 'off', 'On', 'OFF' ],
        { map { $_ => $on_off } 'maybe', '1' } ],
    [ ServoyLaunch => 'balancer', [ 'redirect', 'rewrite', 'proxy', 'Redirect', 'Rewrite limit=1',
            map { "rewrite limit=$_" } qw(1 65536 67108864 1k 512K 65536K 2m 64M) ],
        { map({ $_ => qr/expected redirect, rewrite or proxy/ } 'on', 'off', 'redirects'),
            map({ ("rewrite limit=$_" => $a_size) } '', '0', '0K', '-1', '+1', '1.5M', '0x10', 'K',
                'many', '1G', '1KB', '1MM', '67108865', '65537K', '65M', '99999999999999999999',
                '18446744073709551617', '17592186044417M'),
            map({ $_ => $no_more } 'redirect limit=1M', 'proxy limit=1M', 'redirect on',
                'rewrite 1M', 'rewrite size=1M', 'rewrite limit') } ],
    [ ServoyLaunchMatch => 'balancer', [ '^/start/', '"^/a b/(?:c|d)\.jnlp$"', '"(?i)\.JNLP$"' ],
        { map { $_ => qr/expected a regular expression/ } '(', '[a', '*x' } ],
    [ ServoyLaunchCookie => 'balancer', [ 'off', 'Off', 'MYLAUNCH', '__Host-launch' ],
        { map { $_ => qr/expected the name of a cookie, or Off/ } 'a=b', '"a b"', '"a;b"' } ],
    [ ServoyLaunchTimeout => 'balancer', [ '30', '8h' ],
        { map { $_ => $a_time } '0', 'x', '-8h' } ],
    [ ServoyStart => 'balancer', [ 'proxy', 'redirect', 'Redirect' ],
        { map { $_ => qr/expected proxy or redirect/ } 'on', 'off', 'rewrite', 'redirects' } ],
    [ ServoyStartMatch => 'balancer', [ '^/start/', '"^/a b/(?:c|d)/"' ],
        { map { $_ => qr/expected a regular expression/ } '(', '[a', '*x' } ],
    [ ServoyMaintenance => 'balancer', [ 'on', 'off', 'on 10s', 'off 2min' ],
        { 'maybe' => $on_off, 'maybe 3' => $on_off, 'on 0' => $a_time, 'on soon' => $a_time } ],
    [ ServoyMaintenanceMatch => 'balancer',
        [ '.', '"(?i)be back soon|wartung"', '^closed$', '"(?i)server in maintenance mode"' ],
        { map { $_ => qr/expected a regular expression/ } '(', '[a', '*x' } ],
    [ ServoySuspect => 'balancer', [ '1', '3', '50', 'off', 'OFF' ],
        { map { $_ => qr/expected a number from 1 to 50, or Off/ } '0', '-1', '51', '+3', '3x',
            '1.5', '0x3', 'on', 'many', '99999999999999999999' } ],
    [ ServoyForget => 'balancer', [ '60', '90s', '5min', '1h', 'off', 'Off' ],
        { map { $_ => $a_time } '0', '-1', 'on', 'soon', '10x', '1.5h',
            '99999999999999999999' } ],
    [ ServoySlowStart => 'balancer', [ '0', '30s', '5min' ],
        { map { $_ => $a_time } '-1', 'x', '1y' } ],
    [ ServoyCatchUp => 'balancer', [ 'off', '1', '2.5', '1000' ],
        { map { $_ => qr/expected a factor from 1 to 1000, or Off/ } '0', '0.5', '1001', '-2', 'x',
            '2x',
            'nan', 'inf', '0x10', '.', '1.2.3' } ],
    [ ServoyClientTable => 'server', [ '1', '65536', '1000000' ],
        { map { $_ => qr/expected a number of clients from 1/ } '0', '-1', 'x', '64k', '1.5',
            '67108865', '99999999999999999999' } ],
    [ ServoyPersist => 'server', [ 'on', 'off', './clients' ],
        { map { $_ => qr/On, Off, or the path of a file/ } 'maybe', 'file' } ],
    [ ServoySharedStore => 'server', [ 'off', 'Off' ],
        { map({ $_ => qr/expected redis:.*or off/ } 'on', 'nosuch:127.0.0.1:1', '127.0.0.1',
                'http://a') } ],    # more in 410-store-config.t
    [ ServoyFrontEnd => 'server', [ 'fe1', 'fe-3.example.com', substr $long, 1 ],
        { 'a/b' => $a_name, '"b c"' => $a_name, $long => $a_name } ],
    [ ServoyManagerActions => 'location', [ 'on', 'off' ], { maybe => $on_off } ],
);

my %in_context = (
    balancer => sub {
        my ($line) = @_;
        return servoy('servoy', $line =~ /^ServoyNode .*url=/
            ? 'ServoyNode servoy2 url=http://b' : urls(), $line);
    },
    server => sub { my ($line) = @_; return "$line\n" . good() },
    location => sub { my ($line) = @_; return "<Location /m>\nRequire local\n$line\n</Location>\n" . good() },
);

subtest 'values' => sub {
    for (@directives) {
        my ($directive, $context, $good, $bad) = @$_;
        my $place = $in_context{$context};
        subtest $directive => sub {
            for my $value (@$good) {
                accepted($place->("$directive $value"), "good: $value");
            }
            complains(syntax => $place->($directive), 'no value', qr/on line \d+/,
                qr/\b$directive\b/);
            complains(syntax => $place->("$directive \"\""), 'an empty value', qr/\b$directive\b/);
            for my $value (sort keys %$bad) {
                # the message quotes the word at fault, which is the last one here
                my ($word) = $value =~ /^"([^"]*)" url=/ ? $1 : $value =~ /^(\S+) url=http:..a$/
                    ? $1
                    : $value =~ /"([^"]*)"$/ ? $1 : $value =~ /(\S+)$/;
                $word = $1 if $value =~ /^(maybe) /;
                $word =~ s/^(nosuch|http):.*/$1/;
                my $shown = $word =~ /[^ -~]|\\/ || $value eq 'servoy1' ? '' : $word;
                complains(syntax => $place->("$directive $value"), "bad: $value",
                    qr/on line \d+/, qr/\b$directive\b/, qr/\Q$shown\E/, $bad->{$value});
            }
        };
    }
};

subtest 'slips of the pen' => sub {
    my %meant = (
        'ServoyNode servoy1 ulr=http://a' => qr/did you mean url=\?/,
        'ServoyNode servoy1 max_clients=3' => qr/did you mean maxclients=\?/,
        'ServoyNode servoy1 Groop=a' => qr/did you mean group=\?/,
        'ServoyNode servoy1 probe=member' => qr/did you mean probe=members\?/,
        'ServoyLaunch redirct' => qr/did you mean "redirect"\?/,
        'ServoyLaunch rewirte limit=1M' => qr/did you mean "rewrite"\?/,
    );
    complains(syntax => good($_), $_, qr/on line \d+/, $meant{$_}) for sort keys %meant;
    for my $line ('ServoyNode servoy1 weight=3', 'ServoyNode servoy1 probe=on',
        'ServoyLaunch on') {
        my (undef, $output) = tester()->configtest(good($line));
        unlike $output, qr/did you mean/, "nothing is near: $line";
    }
};

subtest 'too many values' => sub {
    complains(syntax => good('ServoyLaunch rewrite limit=1M now'), 'ServoyLaunch takes two',
        qr/on line \d+/, qr/\bServoyLaunch\b/);
};

subtest 'contexts' => sub {
    my %belongs = (balancer => qr{balancer, and belongs into its <Proxy "balancer://\.\.\.">},
        server => qr/outside of all sections/,
        location => qr/into the <Location> that has SetHandler servoy-manager/);
    for (@directives) {
        my ($directive, $context, $good) = @$_;
        my $line = "$directive " . $good->[0];
        my %at = (
            'the main server'    => "$line\n",
            'a <VirtualHost>'    => "<VirtualHost *:\@PORT\@>\n$line\n</VirtualHost>\n",
            'a <Location>'       => "<Location />\n$line\n</Location>\n",
            'a <Directory>'      => "<Directory />\n$line\n</Directory>\n",
            'a <Proxy>'          => section('servoy', $line),
            'an <If>'            => "<If \"true\">\n$line\n</If>\n",
        );
        delete $at{'a <Proxy>'} if $context eq 'balancer';
        delete $at{'the main server'} if $context eq 'server';
        delete @at{'a <Location>', 'a <Directory>', 'an <If>'} if $context eq 'location';
        for my $where (sort keys %at) {
            complains(syntax => $at{$where} . good(), "$directive: not in $where",
                qr/on line \d+/, qr/\b$directive\b is not allowed here: it is about/, $belongs{$context});
        }
    }
};

is_deeply [ tester()->complaints ], [], 'no configuration test crashed';

done_testing;
