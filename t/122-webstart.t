#!/usr/bin/perl
# Real Java Web Start through the front end: the client program runs, and from the
# node that it was sent to.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SVB::Authority;
use SVB::Balancer;
use SVB::Fleet;
use SVB::Httpd;
use SVB::Launches;
use SVB::Node;
use SVB::Users qw($jnlp);
use SVB::WebStart;
use Test::More;

my ($ca, $other_ca) = map { SVB::Authority->new } 1 .. 2;
my $fleet = SVB::Fleet->start(2, tls => $ca);
my ($other_cert, $other_key) = $other_ca->issue(SVB::Temp->dir('certificate'));

my $pages = $fleet->members('ajp');
my $httpd = SVB::Httpd->new(tls => 1, authority => $ca, ports => 2, conf => join '',
    manager_location(),
    balancer('secure', $pages, $fleet->urls('tls_url')),
    balancer('proxied', $pages, 'ServoyLaunch proxy'),
    balancer('servoy', $fleet->members('ajp', 'retry=600'), $fleet->urls,
        'ProxyPass "/" "balancer://servoy/"'),
    tls_host(), tls_host({ port => '@PORT1@', cert => $other_cert, key => $other_key }))->start;

my $front = $httpd->url;
my $secure = 'https://localhost:' . $httpd->tls_port;
my $secure_by_other = 'https://localhost:' . $httpd->port(1);

my $launches = SVB::Launches->new(httpd => $httpd, fleet => $fleet);
my @redirected = (fleet => 'servoy', status => 302);

my $user = SVB::WebStart->new;
my $first;

subtest 'launches go to the nodes in turn' => sub {
    $first = $launches->run_well($user, "$front$jnlp", @redirected, args => ['solution=crm'])
        or return;
    my $second = $launches->run_well(SVB::WebStart->new, "$front$jnlp", @redirected,
        args => ['solution=crm']) or return;
    isnt $second->name, $first->name, 'another user gets the other node';
};

subtest 'a profile, and arguments with | and blanks and UTF-8' => sub {
    my $target = '/servoy-client/dev/crm.jnlp?method=open&argument=a|b|c&two=x%7Cy'
        . '&words=two%20words+more&place=caf%C3%A9%20%E2%82%AC';
    $launches->run_well($user, "$front$target", @redirected,
        args => [ 'solution=crm', 'profile=dev', 'method=open',
        'argument=a|b|c', 'two=x|y', 'words=two words more', "place=caf\x{e9} \x{20ac}" ]);
    like $httpd->access_log,
        qr{"GET /servoy-client/dev/crm\.jnlp\?method=open&argument=a(?:\||%7C)b.* 302 };
};

subtest 'by https, with certificates that are good' => sub {
    $launches->run_well(SVB::WebStart->new(trust => $ca),
        "$secure/secure/servoy-client/dev/crm.jnlp",
        fleet => 'secure', status => 302, args => [ 'solution=crm', 'profile=dev' ]);
};

subtest 'by https, with certificates that are not' => sub {
    $launches->run_untrusted($other_ca, "$secure/secure$jnlp", fleet => 'secure');
    $launches->run_untrusted($other_ca, "$secure_by_other/secure$jnlp", fleet => 'secure',
        status => 302);
};

# Launches lead away from us, so that none of them tells.
subtest 'relaunch after the node was killed' => sub {
    my ($other) = grep { $_ != $first } $fleet->nodes;
    $first->kill;
    $launches->wait_dead('servoy', $first);
    for my $who ($user, SVB::WebStart->new) {
        my $node = $launches->run_well($who, "$front$jnlp", @redirected, args => ['solution=crm']);
        is $node && $node->name, $other->name, 'from the other node';
    }
};

subtest 'no node can take it' => sub {
    $_->alive && $_->kill for $fleet->nodes;
    $launches->wait_dead('servoy', $fleet->nodes);
    my $run = $launches->run_badly(SVB::WebStart->new, "$front$jnlp", @redirected, status => 503);
    like $run->{output}, qr/could not be downloaded/, 'Java Web Start says so';
    unlike $run->{output}, qr/^\s+at |XML|<html/mi, 'and that is all';
};

subtest 'ServoyLaunch proxy: the nodes write their own codebase' => sub {
    $_->{codebase} = $_->url for $fleet->nodes;
    SVB::Node->start_all($fleet->nodes);
    my %got;
    for my $who ($user, SVB::WebStart->new) {
        my $node = $launches->run_well($who, "$front/proxied/servoy-client/dev/crm.jnlp?a=x%7Cy",
            fleet => 'proxied',
            status => 200, args => [ 'solution=crm', 'profile=dev', 'argument=x|y' ]);
        $got{ $node->name }++ if $node;
    }
    is_deeply \%got, { servoy1 => 1, servoy2 => 1 }, 'each node got one';
};

$httpd->stop;
done_testing;
