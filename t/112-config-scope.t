#!/usr/bin/perl
# Which balancer a setting belongs to: sections, virtual hosts, fleets, templates;
# missing modules, and a restart with other settings. A launch is redirected without
# any node, where probe=off says that none is to be asked whether it is there.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SVB::Balancer qw(section);
use SVB::Client;
use SVB::ConfigTest;
use SVB::Httpd;
use SVB::Wait;
use Test::More;

# --- modules ---

subtest 'missing modules are named' => sub {
    my %needed = (proxy_balancer => good(), slotmem_shm => good(), proxy_ajp => good(),
        watchdog => good(),
        proxy_http => section('servoy', 'BalancerMember "http://127.0.0.1:18001" route=servoy1',
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
        qr{balancer://servoy: "BalancerMember ajp://127\.0\.0\.1:18001 route=servoy1" needs mod_proxy_ajp \(and likewise 1 more\)},
        'and who needs it';
    accepted($needed{proxy_http}, 'no ajp members, no mod_proxy_ajp',
        SVB::Httpd->new(without => ['proxy_ajp']));
    accepted(good(), 'no http members, no mod_proxy_http',
        SVB::Httpd->new(without => ['proxy_http']));
    accepted(good(), 'mod_lbmethod_byrequests is not needed',
        SVB::Httpd->new(without => ['lbmethod_byrequests']));
    accepted('', 'loaded and not used');

    my $line = (tester()->load_lines)[-1];
    isnt +(SVB::Httpd->new(servoy => 0, preamble => $line)->configtest(''))[0], 0,
        'not before mod_proxy';
};

# --- whose settings they are ---

# Where a launch is sent, without the path; and the name of the cookie that it sets.
sub launched {
    my ($client, $prefix, $host) = @_;
    my $r = $client->get("$prefix/servoy-client/crm.jnlp", cookies => 0,
        host => $host // 'localhost');
    my ($target) = ($r->header('Location') // "no Location: $r->{status}")
        =~ m{^(.*?)(?:/servoy-client/.*)?$};
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
        . single('prefix2', 'ServoyFleet b'), 'and none of its facts',
        qr{balancer://prefix2: .*no direct URL});
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
        BalancerMember "ajp://127.0.0.1:18009" route=own1 ping=3
        ProxySet lbmethod=servoy
        ServoyFleet own
        ServoyNode own1 url=http://own.example.com probe=off
    </Proxy>
    ProxyPass /own/ balancer://own/
</VirtualHost>
END
    my %expected = (0 => [ 'http://main.example.com', 'SECOND' ],
        1 => [ 'http://main.example.com', 'SECOND' ],
        2 => [ 'http://main.example.com', 'VHOST' ],
        3 => [ 'http://own.example.com', 'SERVOYLAUNCH' ]);
    my @names = ('the last one given counts', 'a virtual host inherits', 'and overrides one by one',
        'or has a balancer of its own');
    for my $n (0 .. 3) {
        my $client = SVB::Client->new(url => $httpd->url($n));
        is_deeply [ launched($client, $n == 3 ? '/own' : '/main') ], $expected{$n}, $names[$n];
        is_deeply [ launched($client, '/again') ], $expected{2}, 'by its own ProxyPass, too'
            if $n == 2;
        my $status = $client->head('/main/start/crm.jnlp')->status;
        is $status, 302, 'a match of the main server holds there too' if $n < 3;
    }
    unlike $httpd->error_log, qr/servoy_balancer:(?:warn|error)/, 'no complaints';
    $httpd->stop;
};

subtest 'ServoyLaunch and probe= in a later section' => sub {
    my $conf = sub {
        my ($name, @lines) = @_;
        return single($name, "ServoyFleet $name", shift @lines) . section($name, @lines)
            . "ProxyPass /$name/ balancer://$name/\n";
    };
    my $off = url('*', 'http://%r.example.com');
    my $httpd = SVB::Httpd->new(conf => join '',
        $conf->(mode => 'ServoyLaunch rewrite limit=1K', 'ServoyLaunch redirect', $off),
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
        . single('second')
        . single('third', 'ServoyFleet third', url('*', 'http://%r.third.example.com'))
        . single('fourth', 'ServoyFleet third')
        . join '', map { "ProxyPass /$_/ balancer://$_/\n" } qw(servoy second third fourth))->start;
    my $client = $httpd->client;
    is +(launched($client, '/servoy'))[0], 'http://told.example.com';
    is +(launched($client, '/second'))[0], 'http://told.example.com', 'known in the other';
    is +(launched($client, '/third'))[0], 'http://servoy1.third.example.com', 'a template';
    is +(launched($client, '/fourth'))[0], 'http://servoy1.third.example.com',
        'is for all of the fleet, too';
    $httpd->stop;
    # %h is the host of the member that stands next to the line
    for my $lines (map { url($_ => 'http://%h:8080') } 'servoy1', '*') {
        $httpd = SVB::Httpd->new(conf => single('pages', $lines)
            . single('sockets') =~ s/127\.0\.0\.1/localhost/r
            . "ProxyPass /pages/ balancer://pages/\nProxyPass /sockets/ balancer://sockets/\n");
        accepted(undef, $lines, $httpd) or next;
        $httpd->start;
        for my $name (qw(pages sockets)) {
            is +(launched($httpd->client, "/$name"))[0], 'http://127.0.0.1:8080',
                "$lines: asked by way of $name";
        }
        $httpd->stop;
    }
};

subtest 'templates' => sub {
    my %case = (
        'host' => [ 'BalancerMember ajp://127.0.0.1:18001 route=servoy1', 'http://%h:8080',
            'http://127.0.0.1:8080' ],
        'name' => [ 'BalancerMember ajp://LocalHost:18001 route=servoy1', 'https://%h',
            'https://localhost' ],
        'route' => [ 'BalancerMember ajp://127.0.0.1:18001 route=Servoy1',
            'https://%r.example.com:8443',
            'https://servoy1.example.com:8443' ],
        'prefix' => [ 'BalancerMember ajp://127.0.0.1:18001 route=servoy1', 'http://a/%r/%h/',
            'http://a/servoy1/127.0.0.1' ],
        'IPv6' => [ 'BalancerMember "ajp://[::1]:18001" route=servoy1', 'http://%h:8080',
            'http://[::1]:8080' ],
        'IPv6 in brackets' => [ 'BalancerMember "http://[2001:db8::1]" route=servoy1',
            'http://[%h]', 'http://[2001:db8::1]' ],
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

# --- a restart ---

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
    like $httpd->error_log, qr{servoy_balancer:warn\].*balancer://servoy: .*no route},
        'and is checked again';
    $httpd->reconfigure($conf->('newer') =~ s/route=servoy1/route=renamed/r
        =~ s/ServoyNode servoy1/ServoyNode renamed/r);
    wait_ok(sub { (launched($client, ''))[0] eq 'http://newer.example.com' }, 10,
        'a member under another route');
    ok $httpd->alive;
    $httpd->stop;
};

is_deeply [ tester()->complaints ], [], 'no configuration test crashed';

done_testing;
