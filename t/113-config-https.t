#!/usr/bin/perl
# Launches that would lead from https to http: found in whatever spelling a
# directive names the balancer. Needs no nodes.
use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SVB::Httpd;
use Test::More;

my $httpd = SVB::Httpd->new(modules => [qw(ssl rewrite)]);

# What a configuration test says of a server that is reached by https, with these
# lines, and whose direct URLs are plain.
sub warned {
    my (@lines) = @_;
    my ($code, $output) = $httpd->configtest(join "\n", <<'CONF', @lines, '');
ServerName https://desk.example.com
<Proxy "balancer://servoy">
    BalancerMember "ajp://127.0.0.1:18001" route=servoy1
    ProxySet lbmethod=servoy
    ServoyNode servoy1 url=http://app1.example.com
</Proxy>
<Proxy "balancer://servoy-pages">
    BalancerMember "ajp://127.0.0.1:18001" route=servoy1
    ProxySet lbmethod=byrequests
</Proxy>
CONF
    is $code, 0, 'it can be started' or diag $output;
    my @said = $output =~ /SVB0015: (\S+): launches at \S+ \(https\)/g;
    return "@said";
}

is warned(), '', 'nothing leads there';
is warned('ProxyPass "/a/" "balancer://servoy/"'), 'balancer://servoy', 'as it is';
is warned('ProxyPass "/a/" "balancer://Servoy/"'), 'balancer://servoy', 'with a capital';
is warned('ProxyPass "/a/" "BALANCER://SERVOY"'), 'balancer://servoy', 'in capitals';
is warned('ProxyPass "/a/" "balancer://servoy-pages/"'), '', 'a name that begins like it';
is warned('RewriteEngine On',
    'RewriteRule "^/(balancer://servoy-pages|b)$" "balancer://servoy/$1" [P]'),
    'balancer://servoy', 'behind a name that begins like it';

done_testing;
