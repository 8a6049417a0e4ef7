#!/usr/bin/perl
# What a start and `httpd -t` complain about although each directive is good, and
# what they do not complain about.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SVB::Balancer qw(section);
use SVB::ConfigTest;
use SVB::Httpd;
use Test::More;

my $member = 'BalancerMember "ajp://127.0.0.1:18009" route=servoy3 ping=3';
my $http_member = 'BalancerMember "http://127.0.0.1:18009" route=servoy3';

# A balancer whose nodes are on these hosts.
sub at {
    my ($name, $one, $two, @lines) = @_;
    return section($name, "BalancerMember ajp://$one:8019 route=servoy1 ping=3",
        "BalancerMember ajp://$two:8019 route=servoy2 ping=3", 'ProxySet lbmethod=servoy',
        url('*', 'https://%r.example.com'), @lines);
}

# name => { level, conf (a list of texts), said (patterns), fine: name => conf }
my %problem = (
    'two members with one route' => {
        level => 'error',
        conf => section('servoy', routed(qw(servoy1 servoy2 servoy1)), 'ProxySet lbmethod=servoy',
            urls()),
        said => [ qr/SVB\d+/, qr{balancer://servoy: },
            qr{BalancerMember ajp://127\.0\.0\.1:18001 route=servoy1},
            qr{BalancerMember ajp://127\.0\.0\.1:18003 route=servoy1}, qr/same route/ ],
        fine => {
            'in two balancers of a fleet' => good() . servoy('sockets'),
            'routes that differ in case' => section('servoy', routed(qw(servoy1 Servoy1)),
                'ProxySet lbmethod=servoy', urls(qw(servoy1 Servoy1))),
            'in a balancer of another method' => good()
                . section('other', routed(qw(a a)), 'ProxySet lbmethod=byrequests'),
        },
    },
    'one cookie for routes and launches' => {
        level => 'error',
        conf => good('ServoyRouteCookie X', 'ServoyLaunchCookie X'),
        said => [ qr/SVB0016/, qr/the cookie X is named by more than one/ ],
        fine => {},
    },
    'one cookie for sessions and routes' => {
        level => 'error',
        conf => good('ServoySessionCookie A B', 'ServoyRouteCookie B'),
        said => [ qr/SVB0016/, qr{balancer://servoy: }, qr/more than one of ServoySessionCookie/ ],
        fine => {
            'both off' => good('ServoyRouteCookie off', 'ServoyLaunchCookie off'),
            'names that differ in case' => good('ServoyRouteCookie servoylaunch'),
        },
    },
    'balancers that contradict each other: url' => {
        level => 'error',
        conf => good() . servoy('sockets', 'ServoyNode servoy2 url=https://other.example.com'),
        said => [ qr/SVB\d+/, qr{balancer://sockets: },
            qr{ServoyNode servoy2 url=https://other\.example\.com},
            qr{ServoyNode servoy2 url=https://servoy2\.example\.com}, qr/contradicts/,
            qr/\burl\b/ ],
        fine => {
            'the same twice' => good() . servoy('sockets', urls()),
            'in another fleet' => good() . servoy('sockets', 'ServoyFleet other',
                urls('servoy1'), 'ServoyNode servoy2 url=https://other.example.com'),
        },
    },
    'balancers that contradict each other: group' => {
        level => 'error',
        conf => good('ServoyNode servoy1 group=a')
        . servoy('sockets', 'ServoyNode servoy1 group=b'),
        said => [ qr{balancer://sockets: }, qr/ServoyNode servoy1 group=b/, qr/contradicts/,
            qr/ServoyNode servoy1/,
            qr/\bgroup\b/ ],
        fine => {
            'facts that complete each other' => good('ServoyNode servoy1 group=a')
                . servoy('sockets', 'ServoyNode servoy1 maxclients=7',
                    'ServoyNode servoy2 group=b'),
        },
    },
    'balancers that contradict each other: maxclients' => {
        level => 'error',
        conf => good('ServoyNode servoy1 maxclients=7')
        . servoy('sockets', 'ServoyNode servoy1 maxclients=0'),
        said => [ qr{balancer://sockets: }, qr/ServoyNode servoy1 maxclients=0/, qr/contradicts/,
            qr/\bmaxclients\b/ ],
        fine => { 'the same' => good('ServoyNode servoy1 maxclients=7')
            . servoy('sockets', 'ServoyNode servoy1 maxclients=7') },
    },
    'balancers that contradict each other: probe' => {
        level => 'error',
        conf => good('ServoyNode servoy1 probe=url')
        . servoy('sockets', 'ServoyNode servoy1 probe=off'),
        said => [ qr/SVB\d+/, qr{balancer://sockets: }, qr/ServoyNode servoy1 probe=off/,
            qr/contradicts/,
            qr/ServoyNode servoy1/, qr/\bprobe\b/ ],
        fine => {
            'the same' => good('ServoyNode servoy1 probe=url')
                . servoy('sockets', 'ServoyNode servoy1 probe=url'),
            'told in one' => good() . servoy('sockets', 'ServoyNode servoy1 probe=off'),
            'in another fleet' => good('ServoyNode servoy1 probe=url')
                . servoy('sockets', 'ServoyFleet other', urls(), 'ServoyNode servoy1 probe=off'),
        },
    },
    'a later section that contradicts: probe' => {
        level => 'error',
        conf => good('ServoyNode servoy1 probe=url')
        . section('servoy', 'ServoyNode servoy1 probe=off'),
        said => [ qr{balancer://servoy: }, qr/ServoyNode servoy1 probe=off/, qr/contradicts/,
            qr/\bprobe\b/ ],
        fine => { 'a later template counts' => servoy('servoy',
            'ServoyNode * url=https://%r.example.com probe=url')
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
            'another text that comes to the same' => single('pages',
                'ServoyNode servoy1 url=http://%h')
                . single('sockets', 'ServoyNode servoy1 url=http://127.0.0.1/'),
        },
    },
    'templates that contradict each other' => {
        level => 'error',
        conf => servoy('servoy', 'ServoyNode * url=https://%r.example.com')
            . servoy('sockets', 'ServoyNode * url=https://%r.example.org'),
        said => [ qr{balancer://sockets: }, qr/ServoyNode \*/, qr/contradicts/,
            qr{https://servoy1\.example\.com}, qr{https://servoy1\.example\.org} ],
        fine => {
            'the same template' => servoy('servoy', 'ServoyNode * url=https://%r.example.com')
                . servoy('sockets', 'ServoyNode * url=https://%r.example.com'),
            'templates that come to the same' => servoy('servoy', 'ServoyNode * url=https://%h')
                . servoy('sockets', 'ServoyNode * url=https://127.0.0.1/'),
            'every node has a line of its own' => good('ServoyNode * url=https://%r.example.com')
                . servoy('sockets', 'ServoyNode * url=https://%r.example.org'),
        },
    },
    'templates that contradict each other: probe' => {
        level => 'error',
        conf => servoy('servoy', 'ServoyNode * url=https://%r.example.com probe=url')
            . servoy('sockets', 'ServoyNode * url=https://%r.example.com'),
        said => [ qr{balancer://sockets: }, qr/ServoyNode \*/, qr/contradicts/,
            qr{url=https://servoy1\.example\.com \S+ \S+ probe=members here},
            qr{url=https://servoy1\.example\.com \S+ \S+ probe=url there} ],
        fine => { 'said or not' => servoy('servoy',
            'ServoyNode * url=https://%r.example.com probe=members')
            . servoy('sockets', 'ServoyNode * url=https://%r.example.com') },
    },
    'templates that contradict each other about many nodes' => {
        level => 'error',
        conf => join('', map {
            section($_, routed(map { "node$_" } 1 .. 9), 'ProxySet lbmethod=servoy',
                "ServoyNode * url=https://%r.$_.example.com")
        } qw(servoy sockets)),
        said => [ qr{balancer://sockets: }, qr/about node node1: .* there, and about 8 more; give/ ],
        fine => {},
    },
    'a template that comes to no URL for many' => {
        level => 'error',
        conf => section('servoy', routed(map { "a+$_" } 1 .. 9), 'ProxySet lbmethod=servoy',
            'ServoyNode * url=https://%r.example.com'),
        said => [ qr/BalancerMember.*route=a\+1"/, qr/ \(and likewise 8 more\)$/ ],
        fine => {},
    },
    'a template that comes to no URL' => {
        level => 'error',
        conf => section('servoy', routed('a+b'), 'ProxySet lbmethod=servoy',
            'ServoyNode * url=https://%r.example.com'),
        said => [ qr{balancer://servoy: }, qr/BalancerMember.*route=a\+b/, qr/url=/, qr/route/ ],
        fine => { 'in a prefix' => section('servoy', routed('a+b'), 'ProxySet lbmethod=servoy',
            'ServoyNode * url=https://example.com/%r') },
    },
    'facts about a route that no member has' => {
        level => 'error',
        conf => good('ServoyNode servoy9 group=eu'),
        said => [ qr{balancer://servoy: }, qr/ServoyNode servoy9 group=eu/, qr/conf:\d+/,
            qr/no member/ ],
        fine => { 'another balancer of the fleet has it' => good(urls('servoy9'))
            . section('sockets', routed('servoy9'), 'ProxySet lbmethod=servoy') },
    },
    'facts about a route that only another fleet has' => {
        level => 'error',
        conf => good(urls('servoy9'))
            . section('sockets', routed('servoy9'), 'ProxySet lbmethod=servoy', 'ServoyFleet other',
                urls('servoy9')),
        said => [ qr{balancer://servoy: }, qr/ServoyNode servoy9/, qr/no member/ ],
        fine => {},
    },
    'facts about a route that a member may get' => {
        level => 'warn',
        conf => good('ProxySet growth=2', urls('servoy9')),
        said => [ qr{balancer://servoy: }, qr/ServoyNode servoy9 url=/, qr/no member/,
            qr/run time/ ],
        fine => { 'it has it' => good('ProxySet growth=2') },
    },
    'a member without a route' => {
        level => 'warn',
        conf => section('servoy', routed('servoy1'), 'BalancerMember "ajp://127.0.0.1:18009" ping=3',
            'ProxySet lbmethod=servoy', urls('servoy1')),
        said => [ qr{balancer://servoy: }, qr{BalancerMember ajp://127\.0\.0\.1:18009"},
            qr/no route/,
            qr/learning/, qr/route=/ ],
        fine => { 'of another method' => good()
            . section('other', 'BalancerMember "ajp://127.0.0.1:18009"') },
    },
    'launches without a direct URL' => {
        level => 'warn',
        conf => servoy('servoy', urls('servoy1')),
        said => [ qr{balancer://servoy: }, qr/BalancerMember.*route=servoy2/, qr/no direct URL/,
            qr/ServoyNode servoy2 url=/, qr/ServoyLaunch proxy/ ],
        fine => {
            'they are proxied' => servoy('servoy', urls('servoy1'), 'ServoyLaunch proxy'),
            'there is a template' => servoy('servoy', urls('servoy1'),
                'ServoyNode * url=https://%r.example.com'),
            'another balancer tells it' => servoy('servoy', urls('servoy1'))
            . servoy('sockets', urls('servoy2')),
        },
    },
    'many launches without a direct URL' => {
        level => 'warn',
        conf => section('servoy', routed(map { "node$_" } 1 .. 30), 'ProxySet lbmethod=servoy',
            urls(qw(node1 node2))),
        said => [ qr{balancer://servoy: },
            qr/"BalancerMember \S+ route=node3", "[^"]+node4", "[^"]+node5" and 25 more have no /,
            qr/ServoyNode node3 url=/ ],
        fine => {},
    },
    'an AJP member without ping=' => {
        level => 'warn',
        conf => good('BalancerMember "ajp://127.0.0.1:18009" route=servoy3', urls('servoy3')),
        said => [ qr{balancer://servoy: }, qr/SVB0160/,
            qr{"BalancerMember ajp://127\.0\.0\.1:18009 route=servoy3" has no ping=}, qr/ping=3$/ ],
        fine => {
            'it has' => good($member, urls('servoy3')),
            'in milliseconds' => good($member =~ s/ping=3/ping=500ms/r, urls('servoy3')),
            'by HTTP' => good($http_member, urls('servoy3')),
            'checked by CPING' => good($member =~ s/ping=3/hcmethod=CPING/r, urls('servoy3')),
            'of another method' => good() . section('other', $member =~ s/ping=3//r),
        },
    },
    'many AJP members without ping=' => {
        level => 'warn',
        conf => section('servoy', routed(map { "node$_" } 1 .. 30) =~ s/ ping=3//gr,
            'ProxySet lbmethod=servoy', url('*', 'https://%r.example.com')),
        said => [ qr{balancer://servoy: }, qr/route=node1", .* and 27 more have no ping=/ ],
        fine => {},
    },
    'facts about a route that is nearly one' => {
        level => 'error',
        conf => good('ServoyNode servyo1 group=eu'),
        said => [ qr/SVB0013/, qr/no member .* the route servyo1; did you mean servoy1\?/ ],
        fine => {},
    },
    'redirect= to a route that is nearly one' => {
        level => 'warn',
        conf => good("$member redirect=servoy11", urls('servoy3')),
        said => [ qr/SVB0007/, qr/redirect=servoy11,.*; did you mean servoy1\?/ ],
        fine => {},
    },
    'directives of a balancer that is nearly there' => {
        level => 'warn',
        conf => good() . section('srevoy', 'ServoyLaunch proxy'),
        said => [ qr{balancer://srevoy\b.*"}, qr/no effect/, qr{did you mean balancer://servoy\b} ],
        fine => {},
    },
    'starts without a direct URL' => {
        level => 'warn',
        conf => servoy('servoy', urls('servoy1'), 'ServoyLaunch proxy', 'ServoyStart redirect'),
        said => [ qr{balancer://servoy: }, qr/BalancerMember.*route=servoy2" has no direct URL/,
            qr/clients that start and are elected there are proxied/, qr/or set ServoyStart proxy$/ ],
        fine => {
            'they are proxied' => servoy('servoy', urls('servoy1'), 'ServoyLaunch proxy',
                'ServoyStart proxy'),
            'all have one' => good('ServoyStart redirect'),
        },
    },
    'launches and starts without a direct URL' => {
        level => 'warn',
        conf => servoy('servoy', urls('servoy1'), 'ServoyStart redirect'),
        said => [ qr/BalancerMember.*route=servoy2" has no direct URL: launches, and clients that/,
            qr/or set ServoyLaunch and ServoyStart proxy$/ ],
        fine => {},
    },
    'launches to be rewritten without a direct URL' => {
        level => 'warn',
        conf => servoy('servoy', 'ServoyLaunch rewrite', urls('servoy1'),
            'ServoyNode servoy2 group=a'),
        said => [ qr{balancer://servoy: }, qr/BalancerMember.*route=servoy2/, qr/no direct URL/ ],
        fine => { 'all have one' => good('ServoyLaunch rewrite') },
    },
    'a line of its own instead of the template' => {
        level => 'warn',
        conf => servoy('servoy', 'ServoyNode * url=https://%r.example.com',
            'ServoyNode servoy2 maxclients=9'),
        said => [ qr{balancer://servoy: }, qr/BalancerMember.*route=servoy2/, qr/no direct URL/ ],
        fine => {},
    },
    'one route on different hosts' => {
        level => 'warn',
        conf => at('test', 'app1.test.invalid', 'app2.test.invalid')
            . at('prod', 'app1.prod.invalid', 'app2.prod.invalid'),
        said => [ qr{balancer://prod: },
            qr{BalancerMember ajp://app1\.prod\.invalid:8019 route=servoy1},
            qr{BalancerMember ajp://app1\.test\.invalid:8019 route=servoy1" of balancer://test},
            qr/fleet \w+ /, qr/route servoy1\b/, qr/hosts differ \(and so do those of 1 more\)/,
            qr/ServoyFleet of its own/, qr/same host/ ],
        fine => {
            'in a fleet of its own' => at('test', 'app1.test.invalid', 'app2.test.invalid')
                . at('prod', 'app1.prod.invalid', 'app2.prod.invalid', 'ServoyFleet prod'),
            'another port, scheme and spelling' => at('pages', 'app1.invalid', 'app2.invalid')
                . section('sockets', 'BalancerMember http://APP1.invalid:8080 route=servoy1',
                    'BalancerMember http://app2:8080 route=servoy2', 'ProxySet lbmethod=servoy'),
            'a name and an address' => at('pages', 'app1.invalid', '192.0.2.2')
                . at('sockets', '192.0.2.1', 'app2.invalid'),
            'from this machine' => at('pages', '127.0.0.1', 'localhost')
                . at('sockets', '192.0.2.1', 'app2.invalid'),
            'by a socket' => at('pages', 'app1.invalid', 'app2.invalid')
                . section('sockets', 'BalancerMember unix:/run/one|http://one.invalid route=servoy1',
                    'ProxySet lbmethod=servoy'),
            'in virtual hosts' => at('pages', 'app1.invalid', 'app2.invalid')
                . join('', map { "<VirtualHost *:80>\nServerName $_.invalid\n"
                        . "ProxyPass / balancer://pages/\n</VirtualHost>\n" } qw(a b)),
            'other routes' => at('pages', 'app1.invalid', 'app2.invalid')
                . section('more', 'BalancerMember ajp://app3.invalid:8009 route=servoy3 ping=3',
                    'ProxySet lbmethod=servoy', urls('servoy3')),
        },
    },
    'one route at different addresses' => {
        level => 'warn',
        conf => at('test', '192.0.2.1', '192.0.2.2') . at('prod', '192.0.2.1', '192.0.2.3'),
        said => [ qr{balancer://prod: }, qr{ajp://192\.0\.2\.3:8019 route=servoy2},
            qr{ajp://192\.0\.2\.2:8019 route=servoy2}, qr/hosts differ;/ ],
        fine => {},
    },
    'failonstatus=503' => {
        level => 'warn',
        conf => good('ProxySet failonstatus=500,503'),
        said => [ qr{balancer://servoy: }, qr/failonstatus/, qr/503/, qr/maintenance/,
            qr/take 503 out/ ],
        fine => { 'another status' => good('ProxySet failonstatus=500') },
    },
    'health checks that a node in maintenance fails' => {
        level => 'warn',
        conf => good('BalancerMember "http://127.0.0.1:18009" route=servoy3 hcmethod=GET hcuri=/',
            urls('servoy3')),
        said => [ qr{balancer://servoy: },
            qr{BalancerMember http://127\.0\.0\.1:18009 route=servoy3}, qr/503/,
            qr/hcmethod=TCP or CPING/, qr/hcexpr/ ],
        fine => {
            map({ ("hcmethod=$_" => good("$member hcmethod=$_", urls('servoy3'))) }
                qw(TCP CPING OPTIONS None)),
            'with an hcexpr' => "ProxyHCExpr alive {%{REQUEST_STATUS} =~ /^[2-5]/}\n"
                . good("$http_member hcmethod=GET hcuri=/ hcexpr=alive",
                    urls('servoy3')),
        },
    },
    'health checks by HEAD' => {
        level => 'warn',
        conf => good('BalancerMember "http://127.0.0.1:18009" route=servoy3 hcmethod=HEAD hcuri=/',
            urls('servoy3')),
        said => [ qr{balancer://servoy: }, qr/BalancerMember.*route=servoy3/,
            qr/hcmethod=TCP or CPING/ ],
        fine => {},
    },
    'redirect= to a route that no member has' => {
        level => 'warn',
        conf => good('BalancerMember "ajp://127.0.0.1:18009" route=servoy3 ping=3 redirect=servoy9',
            urls('servoy3')),
        said => [ qr{balancer://servoy: }, qr/BalancerMember.*route=servoy3/,
            qr/redirect=servoy9/ ],
        fine =>
        { 'to one' => good('BalancerMember "ajp://127.0.0.1:18009" route=servoy3 ping=3 redirect=servoy1',
            urls('servoy3')) },
    },
    'directives of a balancer with another method' => {
        level => 'warn',
        conf => good() . section('other', routed('a'), 'ProxySet lbmethod=byrequests',
            'ServoyLaunch proxy'),
        said => [ qr{balancer://other}, qr/conf:\d+/, qr/no effect/, qr/lbmethod=servoy/ ],
        fine => { 'no directives' => good()
            . section('other', routed('a'), 'ProxySet lbmethod=byrequests') },
    },
    'directives of a balancer that is not there' => {
        level => 'warn',
        conf => good() . section('serv', 'ServoyLaunch proxy'),
        said => [ qr{balancer://serv"}, qr/no effect/ ],
        fine => { 'a second section of one that is' => good()
            . section('servoy', 'ServoyLaunch proxy') },
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

subtest 'the smallest useful configuration' => sub {
    accepted(<<'END');
<Proxy "balancer://servoy">
    BalancerMember "ajp://app1.internal:8009" route=servoy1 ping=3 connectiontimeout=3 retry=10
    BalancerMember "ajp://app2.internal:8009" route=servoy2 ping=3 connectiontimeout=3 retry=10 loadfactor=2
    ProxySet lbmethod=servoy
    ServoyNode servoy1 url=https://app1.example.com
    ServoyNode servoy2 url=https://app2.example.com:8443
</Proxy>
ProxyPass "/" "balancer://servoy/"

<Location "/servoy-manager">
    SetHandler servoy-manager
    Require local
</Location>
END
};

subtest 'a start without complaints' => sub {
    my $conf = join '', servoy('servoy', url('*', 'https://%r.example.com')), servoy('sockets'),
        section('other', 'BalancerMember "ajp://127.0.0.1:18009"');
    my $httpd = SVB::Httpd->new(conf => $conf)->start;
    unlike $httpd->error_log, qr/servoy_balancer:(?:warn|error)/, 'nothing is said';
    $httpd->stop;
};

subtest 'https in front, http direct URLs' => sub {
    my $httpd = SVB::Httpd->new(tls => 1, modules => ['rewrite']);
    my $tls = sub {
        my ($more, $port, $engine) = @_;
        return join "\n", "<VirtualHost *:" . ($port // '@TLS_PORT@') . '>',
            'ServerName desk.example.com',
            'SSLEngine ' . ($engine // 'on'), 'SSLCertificateFile @CERT@',
            'SSLCertificateKeyFile @KEY@', $more,
            "</VirtualHost>\n";
    };
    my $plain = sub { servoy('servoy', 'ServoyNode * url=http://%r.example.com', @_) };
    my $pass = "ProxyPass / balancer://servoy/\n";
    my $warned = sub {
        my ($conf, $name) = @_;
        my ($code, $output) = $httpd->configtest($conf);
        my @lines = grep { /servoy_balancer:warn\]/ } split /\n/, $output;
        is $code, 0;
        is scalar @lines, 1, $name or diag $output;
        like $lines[0] // '', $_
            for qr{balancer://servoy: }, qr/desk\.example\.com/, qr{http://servoy1\.example\.com},
            qr/https/, qr/Java Web Start/, qr/set ServoyLaunch rewrite or proxy$/;
    };
    $warned->($plain->() . $tls->($pass), 'warned about');
    $warned->($plain->() . $tls->("<Location />\nProxyPass balancer://servoy/\n</Location>"),
        'in a <Location>');
    $warned->($plain->() . $tls->("RewriteEngine on\nRewriteRule ^(.*)\$ balancer://servoy\$1 [P]"),
        'RewriteRule');
    $warned->($plain->() . $pass . $tls->(''), 'ProxyPass inherited from the main server');
    $warned->(servoy('servoy', urls('servoy2'), 'ServoyNode servoy1 url=http://servoy1.example.com')
        . $tls->($pass), 'one node only');
    accepted(good() . $tls->($pass), 'https direct URLs', $httpd);
    my ($code, $output) =
        $httpd->configtest($plain->('ServoyLaunch proxy', 'ServoyStart redirect') . $tls->($pass));
    my @said = grep { /servoy_balancer:warn\]/ } split /\n/, $output;
    is scalar @said, 1, 'starts are warned about, too' or diag $output;
    like $said[0] // '', $_
        for qr{SVB0190: balancer://servoy: clients that start at desk\.example\.com \(https\)},
        qr{http://servoy1\.example\.com}, qr/set ServoyStart proxy$/;
    accepted(good('ServoyStart redirect') . $tls->($pass), 'not to https direct URLs', $httpd);
    accepted($plain->('ServoyLaunch proxy') . $tls->($pass), 'launches are proxied', $httpd);
    accepted($plain->('ServoyLaunch rewrite') . $tls->($pass), 'or rewritten', $httpd);
    accepted($plain->() . "<VirtualHost *:\@PORT\@>\n$pass</VirtualHost>\n" . $tls->(''),
        'not from there', $httpd);
    accepted($plain->() . $tls->($pass, '@PORT@', 'off'), 'no TLS', $httpd);

    my $started = SVB::Httpd->new(tls => 1, conf => $plain->() . $tls->($pass))->start;
    my @lines = grep { /servoy_balancer:warn\]/ } split /\n/, $started->error_log;
    is scalar @lines, 1, 'and at a start' or diag @lines;
    $started->stop;
};

is_deeply [ tester()->complaints ], [], 'no configuration test crashed';

done_testing;
