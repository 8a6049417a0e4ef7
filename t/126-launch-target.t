#!/usr/bin/perl
# A launch is sent on to the target that the client wrote, byte for byte, by whatever
# way of configuring it; and the launches of other MPMs.


use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SVB::Balancer;
use SVB::Fleet;
use SVB::Httpd;
use SVB::Launch;
use SVB::Users;
use Test::More;

my $fleet = SVB::Fleet->start(2);
my ($one) = $fleet->nodes;
my $app1 = 'http://app1.example.com';
my @first = ($one->member('ajp'), "ServoyNode servoy1 url=$app1");

my $httpd = SVB::Httpd->new(modules => ['rewrite'], conf => join '',
    balancer('port',      $one->member('ajp'),
        'ServoyNode * url=https://App1.example.com:8443/desk%20top/%r/'),
    balancer('six',       $one->member('ajp'), 'ServoyNode * url=http://[2001:DB8::1]:8080'),
    balancer('canonical', @first),
    balancer('nocanon',   @first, 'ProxyPass "/nocanon/" "balancer://nocanon/" nocanon'),
    balancer('encoded',   @first, 'ProxyPass "/encoded/" "balancer://encoded/" mapping=encoded'),
    balancer('inner',     @first, 'ProxyPass "/inner/" "balancer://inner/deep/er/"',
        'ServoyLaunchMatch "^/deep/er/servoy-client/.+\.jnlp$"'),
    proxy('rewritten', @first),
    proxy('located',   @first),
    <<'END')->start;
<Location "/located/">
    ProxyPass "balancer://located/"
</Location>
AllowEncodedSlashes NoDecode
RewriteEngine on
RewriteRule "^/rewritten/(.*)$" "balancer://rewritten/$1" [P]
ProxyPreserveHost On
END
my $at = SVB::Launch->new(fleet => $fleet);

# What is sent => what stands in Location; undef: the same.
my %target = (
    '/servoy-client/servoy_client.jnlp' => undef,
    '/servoy-client/dev/crm.jnlp' => undef,
    '/servoy-client/crm.jnlp?method=open&argument=1&name=value' => undef,
    '/servoy-client/crm.jnlp?m=open&a=a|b|c' => '/servoy-client/crm.jnlp?m=open&a=a%7Cb%7Cc',
    '/servoy-client/crm.jnlp?m=open&a=a%7Cb%7cc' => undef,
    '/servoy-client/a|b.jnlp' => '/servoy-client/a%7Cb.jnlp',
    '/servoy-client/a%7cb.jnlp' => undef,
    '/servoy-client/caf%C3%A9.jnlp?a=%c3%a9%E2%82%AC' => undef,
    "/servoy-client/caf\xc3\xa9.jnlp?a=\xe2\x82\xac" => '/servoy-client/caf%C3%A9.jnlp?a=%E2%82%AC',
    '/servoy-client/latin%E9.jnlp?a=%e9' => undef,
    '/servoy-client/my%20crm.jnlp?a=a+b%20c' => undef,
    '/servoy-client/a%2Bb+c.jnlp' => undef,
    '/servoy-client/%63rm%2ejnlp' => undef,
    '/servoy-client/100%25/50%2525.jnlp?a=100%25' => undef,
    '/servoy-client/a%23b.jnlp?c=%23' => undef,
    '/servoy-client/dev;v=1/crm.jnlp;jsessionid=0A1B.x?a=;b' => undef,
    '/servoy-client/crm.jnlp?' => undef,
    '/servoy-client/crm.jnlp??a=?b' => undef,
    '/servoy-client/crm.jnlp?url=http://other.example.com/../x%2F..&b=%0d%0a' => undef,
    "/servoy-client/crm-_.!~*'():@&=+\$,.jnlp?-_.!~*'():@&=+\$,/" => undef,
    '/servoy-client/crm.jnlp?a[]=1&b={2}&c=^`&d="<>' =>
    '/servoy-client/crm.jnlp?a[]=1&b=%7B2%7D&c=%5E%60&d=%22%3C%3E',
    '/servoy-client/[a]{b}.jnlp' => '/servoy-client/%5Ba%5D%7Bb%7D.jnlp',
    '/servoy-client/crm.jnlp?a=100%' => '/servoy-client/crm.jnlp?a=100%25',
    '/servoy-client/crm.jnlp?a=%zz%u20ac' => '/servoy-client/crm.jnlp?a=%25zz%25u20ac',
    '/servoy-client/crm.jnlp?a=' . 'x' x 8000 => undef,
    '/servoy-client/' . 'y' x 4000 . '/crm.jnlp' => undef,
    '/servoy-client/a%2Fb/crm.jnlp' => undef,
    '/servoy-client/a%2fb%2F/crm.jnlp?x=%2F' => undef,
    '/servoy-client/a%3Fb.jnlp?a=%3F' => undef,
);

for my $name (qw(canonical nocanon encoded rewritten located)) {
    subtest "the target as the client wrote it: $name" => sub {
        my $user = $httpd->client(cookies => 0);
        for my $sent (sort keys %target) {
            # mod_rewrite's own: it refuses an encoded question mark
            next if $name eq 'rewritten' && $sent =~ /%3F.*\?/;
            my $r = launch($user, $name, target => $sent);
            my $shown = length $sent > 80 ? substr($sent, 0, 40) . '...'
                : $sent =~ s/([^ -~])/sprintf '\x%02x', ord $1/ger;
            is $r->header('Location'), $app1 . ($target{$sent} // $sent), $shown or diag $r->status;
        }
    };
}

subtest 'direct URLs with port and prefix, ProxyPass to a folder' => sub {
    my $user = $httpd->client(cookies => 0);
    my $location = sub { launch($user, $_[0], target => $_[1])->header('Location') };
    my $path = '/servoy-client/d%C3%A9v/crm.jnlp?a=%7c';
    is $location->('port', $path), "https://app1.example.com:8443/desk%20top/servoy1$path";
    like $location->('six', $path), qr{^http://\[2001:db8::1\]:8080\Q$path\E$}i, 'IPv6';
    is $location->('inner', $path), "$app1/deep/er$path", 'the path as the node would see it';
    is launch($user, 'inner', target => '/../servoy-client/crm.jnlp')->header('Location'), undef,
        'and nothing else';
};

subtest 'ProxyPass "/" and a configuration as in the README' => sub {
    my $front = SVB::Httpd->new(conf => $fleet->conf)->start;
    my $user = $front->client;
    my $r = $user->get('/servoy-client/dev/crm.jnlp?a=b%7Cc');
    my $node = $at->named($r);
    ok $node;
    is $r->header('Location'), $fleet->node($node - 1)->url . '/servoy-client/dev/crm.jnlp?a=b%7Cc';
    is $at->named($user->get($jnlp)), $node;
    is $front->client->get('/servoy-manager')->status, 200, 'the manager is not proxied';
    $front->stop;
};

for my $mpm (qw(worker prefork)) {
    subtest "the same with $mpm" => sub {
        my $front = SVB::Httpd->new(mpm => $mpm, conf => $fleet->conf)->start;
        my %named;
        for my $n (1 .. 4) {
            my $user = $front->client;
            my $head = $at->named($user->head($jnlp));
            my $get = $at->named($user->get($jnlp));
            is $get, $head, "HEAD and GET ($n)";
            is $at->named($user->get($jnlp)), $get, 'and again';
            $named{$get}++;
        }
        shared(\%named, 4, 'in turn');
        is $front->client->post($jnlp)->status, 405;
        $front->stop;
    };
}

$httpd->stop;
done_testing;
