#!/usr/bin/perl
# Log formats and expressions that use what mod_proxy_balancer says of a request's
# session, with stickysession=, find the same with lbmethod=servoy. Each request goes
# to a balancer of either kind, and what they say is compared.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SVB::Fleet;
use SVB::Httpd;
use SVB::Wait qw(wait_for);
use Test::More;

my $fleet = SVB::Fleet->start(2);
my ($one, $two) = $fleet->nodes;
my $members = join '', map { $_->member('ajp', 'retry=600') } $one, $two;
my $stock_members = join '', map { $_->member('http', 'retry=600') } $one, $two;
my $urls = join "\n", map { sprintf 'ServoyNode %s url=http://%s.example.com', $_->route,
    $_->route } $one, $two;

my $httpd = SVB::Httpd->new(conf => <<"END")->start;
Header always set X-Sticky "%{BALANCER_SESSION_STICKY}e"
Header always set X-Route "%{BALANCER_SESSION_ROUTE}e"
Header always set X-Changed "%{BALANCER_ROUTE_CHANGED}e"
<Proxy "balancer://servoy">
    $members
    ProxySet lbmethod=servoy
    $urls
</Proxy>
<Proxy "balancer://both">
    $members
    ProxySet lbmethod=servoy stickysession=JSESSIONID|jsessionid
    $urls
</Proxy>
<Proxy "balancer://stock">
    $stock_members
    ProxySet lbmethod=byrequests stickysession=JSESSIONID|jsessionid
</Proxy>
ProxyPass "/servoy/" "balancer://servoy/"
ProxyPass "/both/" "balancer://both/"
ProxyPass "/stock/" "balancer://stock/"
<Location "/servoy-manager">
    SetHandler servoy-manager
</Location>
END

my $id = 0;
sub fresh_id { return sprintf '%032X', ++$id }

# What is said of a request: name, route and whether it changed; its node.
sub said {
    my ($kind, %request) = @_;
    my $path = $request{path} // '/echo';
    my $r = $httpd->client(cookies => 0, timeout => 30)->get("/$kind$path",
        headers => $request{cookie} ? ["Cookie: $request{cookie}"] : []);
    my ($node) = $r->node // ($r->header('Location') // '') =~ m{//(servoy\d)\.};
    return join ' ', (map { my $value = $r->header("X-$_"); $value eq '(null)' ? '-'
        : $value } qw(Sticky Route Changed)),
        $node // 'status ' . $r->status;
}

# The same of servoy's and the stock one.
sub same {
    my ($name, $wanted, %request) = @_;
    like said($_, %request), $wanted, "$name ($_)" for qw(stock both servoy);
    return;
}

subtest 'an id whose node serves' => sub {
    for my $node (qw(servoy1 servoy2)) {
        same("a cookie for $node", qr/^JSESSIONID $node - $node$/,
            cookie => 'JSESSIONID=' . fresh_id() . ".$node");
    }
    like said('servoy', path => '/echo;jsessionid=' . fresh_id() . '.servoy2'),
        qr/^JSESSIONID servoy2 - servoy2$/, 'in the path';
};

subtest 'an id of another application' => sub {
    # what is no route of ours may be part of a secret: it is not told, only that there is one
    my %request = (cookie => 'JSESSIONID=' . fresh_id() . '.gone');
    like said('stock', %request), qr/^JSESSIONID gone 1 servoy\d$/, 'a foreign route (stock)';
    like said('both', %request), qr/^JSESSIONID (?:gone|-) 1 servoy\d$/, '... (both)';
    like said('servoy', %request), qr/^JSESSIONID - 1 servoy\d$/, '... (servoy)';
};

subtest 'no route' => sub {
    like said('servoy'), qr/^- - - servoy\d$/, 'no cookie';
    like said('servoy', cookie => 'JSESSIONID=' . fresh_id()), qr/^- - - servoy\d$/,
        'an id without a route';
    like said('servoy', cookie => 'OTHER=' . fresh_id() . '.servoy1'), qr/^- - - servoy\d$/,
        'another cookie';
};

subtest 'several ids' => sub {
    my $cookie = join '; ', map { 'JSESSIONID=' . fresh_id() . ".$_" } qw(gone servoy2);
    like said('servoy', cookie => $cookie), qr/^JSESSIONID servoy2 - servoy2$/,
        'the one that decides is told';
};

subtest 'launches' => sub {
    my $launcher = $httpd->client(timeout => 30);
    my $r = $launcher->get('/servoy/servoy-client/crm.jnlp');
    is $r->header('X-Route'), '(null)', 'the first one';
    my ($node) = $r->header('Location') =~ m{//(servoy\d)\.};
    is said('servoy', path => '/servoy-client/crm.jnlp',
        cookie => 'SERVOYLAUNCH=' . $launcher->cookie('SERVOYLAUNCH')),
        "SERVOYLAUNCH $node - $node", 'another by the same browser';
};

subtest 'its node is down' => sub {
    $two->kill;
    # until it is known: the first request of each may be told of two attempts
    wait_for(sub { said($_, cookie => 'JSESSIONID=' . fresh_id() . '.servoy2') =~ /servoy1$/ }, 20,
        $_) for qw(stock both servoy);
    same('another takes over', qr/^JSESSIONID servoy2 1 servoy1$/,
        cookie => 'JSESSIONID=' . fresh_id() . '.servoy2');
};

done_testing;
