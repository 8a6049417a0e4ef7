#!/usr/bin/perl
# Real Java Web Start with ServoyLaunch rewrite: the client runs from its node, its
# shortcut leads to the front end and outlives that node.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SVB::Authority;
use SVB::Balancer;
use SVB::Fleet;
use SVB::Httpd;
use SVB::Launches;
use SVB::Users qw($jnlp);
use SVB::WebStart;
use Test::More;

my ($ca, $other_ca) = map { SVB::Authority->new } 1 .. 2;
my $fleet = SVB::Fleet->start(2, tls => $ca);
my ($other_cert, $other_key) = $other_ca->issue(SVB::Temp->dir('certificate'));

# A fleet under a prefix of its own.
sub rewriting {
    my ($name, $scheme, $url) = @_;
    return balancer($name, $fleet->members($scheme, 'retry=600'), 'ServoyLaunch rewrite',
        $fleet->urls($url));
}

my $httpd = SVB::Httpd->new(tls => 1, authority => $ca, ports => 2, conf => join '',
    manager_location(),
    rewriting('ajp', 'ajp', 'url'), rewriting('http', 'http', 'url'),
    rewriting('secure', 'ajp', 'tls_url'),
    tls_host(), tls_host({ port => '@PORT1@', cert => $other_cert, key => $other_key }))->start;

# By ServerName, which is what the href says.
my $front = 'http://localhost:' . $httpd->port;
my $secure = 'https://localhost:' . $httpd->tls_port;
my $secure_by_other = 'https://localhost:' . $httpd->port(1);

my $launches = SVB::Launches->new(httpd => $httpd, fleet => $fleet);
my @ajp = (fleet => 'ajp', status => 200);

my $user = SVB::WebStart->new;
my $last;       # the node that they got at last

subtest 'the client runs from its node, its shortcut from the front end' => sub {
    my $first = $launches->run_well($user, "$front/ajp$jnlp", @ajp, args => ['solution=crm'])
        or return;
    is $user->shortcut, "$front/ajp$jnlp", 'the shortcut';
    $last = $launches->run_well($user, $user->shortcut, @ajp, args => ['solution=crm']) or return;
    isnt $last->name, $first->name, 'its launch is another: the other node\'s turn';
    is $user->shortcut, "$front/ajp$jnlp", 'the shortcut is the same';
};

subtest 'a profile, and arguments with | and blanks and UTF-8' => sub {
    my $target = '/servoy-client/dev/crm.jnlp?method=open&argument=a|b|c&two=x%7Cy'
        . '&words=two%20words+more&place=caf%C3%A9%20%E2%82%AC';
    my @args = ('solution=crm', 'profile=dev', 'method=open', 'argument=a|b|c', 'two=x|y',
        'words=two words more',
        "place=caf\x{e9} \x{20ac}");
    for my $scheme (qw(ajp http)) {
        my $other = SVB::WebStart->new;
        $launches->run_well($other, "$front/$scheme$target", fleet => $scheme, status => 200,
            args => \@args);
        # javaws encodes what it is given
        is $other->shortcut, "$front/$scheme$target" =~ s/\|/%7C/gr =~ s/\+/%20/gr,
            'the shortcut has them';
    }
};

subtest 'by https, with certificates that are good' => sub {
    # it asks whether to run what comes from two places, front end and node
    my $checks = SVB::WebStart->new(trust => $ca, answers => "YES\n");
    my $url = "$secure/secure/servoy-client/dev/crm.jnlp";
    my @secure = (fleet => 'secure', status => 200, args => [ 'solution=crm', 'profile=dev' ]);
    $launches->run_well($checks, $url, @secure);
    is $checks->shortcut, $url, 'the shortcut';
    $launches->run_well($checks, $checks->shortcut, @secure);
};

subtest 'by https, with certificates that are not' => sub {
    $launches->run_untrusted($other_ca, "$secure/secure$jnlp", fleet => 'secure');
    $launches->run_untrusted($other_ca, "$secure_by_other/secure$jnlp", fleet => 'secure',
        status => 200);
};

# The next launch is for the node where the user was, which dies, and nobody but
# that launch finds out.
subtest 'relaunch after the node was killed' => sub {
    my ($other) = grep { $_ != $last } $fleet->nodes;
    for (1 .. 4) {
        last if $httpd->client->head("/ajp$jnlp")->node eq $last->name;
        $httpd->client->get("/ajp$jnlp");
    }
    is $httpd->client->head("/ajp$jnlp")->node, $last->name, 'it is its turn' or return;
    $last->kill;
    my $shortcut = $user->shortcut;
    for my $who ($user, SVB::WebStart->new) {
        my $node = $launches->run_well($who, $shortcut, @ajp, args => ['solution=crm']);
        is $node && $node->name, $other->name, 'from the other node';
        is $who->shortcut, $shortcut, 'the shortcut is the same';
    }
};

subtest 'no node can take it' => sub {
    $_->alive && $_->kill for $fleet->nodes;
    my $run = $launches->run_badly(SVB::WebStart->new, "$front/ajp$jnlp", @ajp, status => 503);
    like $run->{output}, qr/could not be downloaded/, 'Java Web Start says so';
    unlike $run->{output}, qr/^\s+at |XML|<html/mi, 'and that is all';
};

$httpd->stop;
done_testing;
