#!/usr/bin/perl
# Real Java Web Start through the front end: the client program runs, and from the
# node that it was sent to.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SVB::Fleet;
use SVB::Httpd;
use SVB::Node;
use SVB::WebStart;
use Test::More;

my $fleet = SVB::Fleet->start(2);
my ($one, $two) = $fleet->nodes;
my $members = $fleet->members('ajp', 'retry=600');
my $facts = join "\n", map { sprintf 'ServoyNode %s url=%s', $_->route, $_->url } $fleet->nodes;

my $httpd = SVB::Httpd->new(conf => <<"END")->start;
<Proxy "balancer://servoy">
    $members
    ProxySet lbmethod=servoy
    $facts
</Proxy>
<Proxy "balancer://proxied">
    ${\ $fleet->members('ajp')}
    ProxySet lbmethod=servoy
    ServoyFleet proxied
    ServoyLaunch proxy
</Proxy>
<Location "/servoy-manager">
    SetHandler servoy-manager
</Location>
ProxyPass "/proxied/" "balancer://proxied/"
ProxyPass "/" "balancer://servoy/"
END

my %node_at = map { ('127.0.0.1:' . $_->http_port => $_) } $fleet->nodes;

# The manager's count of launches in a fleet, by route.
sub launches {
    my ($name) = @_;
    my $json = $httpd->client->get('/servoy-manager?format=json')->json;
    my ($found) = grep { $_->{name} eq $name } @{ $json->{fleets} };
    return { map { $_->{route} => $_->{launches} } @{ $found->{nodes} } };
}

# What the clients told their nodes, which node first.
sub reports { return [ map { my $name = $_->name; map { [ $name, @{ $_->{args} } ] } @{ $_->reports } } $fleet->nodes ] }

# A launch that has to end well: the node it ran from.
sub runs {
    my ($user, $target) = @_;
    my $run = $user->launch($httpd->url . $target);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is $run->{status}, 0, 'the client came up and ended well' or diag $run->{output}, $httpd->access_log;
    my $node = $node_at{ $run->{node} // '' };
    ok $node, 'on a node: ' . ($run->{node} // 'none');
    return ($node, $run);
}

my $user = SVB::WebStart->new;
my $first;

subtest 'launches go to the nodes in turn' => sub {
    ($first) = runs($user, '/servoy-client/crm.jnlp') or return;
    is_deeply reports(), [ [ $first->name, 'solution=crm' ] ], 'which was told';
    is_deeply launches('servoy'), { servoy1 => 0, servoy2 => 0, $first->name => 1 }, 'one launch is counted';
    my ($second) = runs(SVB::WebStart->new, '/servoy-client/crm.jnlp') or return;
    isnt $second->name, $first->name, 'another user gets the other node';
    is_deeply [ sort { $a->[0] cmp $b->[0] } @{ reports() } ],
        [ [ 'servoy1', 'solution=crm' ], [ 'servoy2', 'solution=crm' ] ];
    is_deeply launches('servoy'), { servoy1 => 1, servoy2 => 1 }, 'the counts agree with that';
};

subtest 'a profile, and arguments with | and blanks and UTF-8' => sub {
    my $told = @{ reports() };
    my ($node, $run) = runs($user, '/servoy-client/dev/crm.jnlp?method=open&argument=a|b|c&two=x%7Cy'
        . '&words=two%20words+more&place=caf%C3%A9%20%E2%82%AC');
    my @new = grep { @$_ > 2 } @{ reports() };
    is_deeply \@new, [ [ $node && $node->name, 'solution=crm', 'profile=dev', 'method=open', 'argument=a|b|c', 'two=x|y',
        'words=two words more', "place=caf\x{e9} \x{20ac}" ] ], 'arrive as they were meant';
    is scalar @{ reports() }, $told + 1;
    like $httpd->access_log, qr{"GET /servoy-client/dev/crm\.jnlp\?method=open&argument=a(?:\||%7C)b.* 302 };
};

subtest 'relaunch after the node was killed' => sub {
    my $page = '/servoy-webclient/';
    my ($web) = grep { $_->get($page)->node eq $first->name } map { $httpd->client } 1 .. 2;
    my ($other) = grep { $_ != $first } $fleet->nodes;
    $first->kill;
    # launches lead away from us: only traffic tells that the node is down
    is $web->get($page)->node, $other->name, 'a web client moves' or return;
    my $before = launches('servoy')->{ $other->name };
    for my $who ($user, SVB::WebStart->new) {
        my ($node) = runs($who, '/servoy-client/crm.jnlp?method=again');
        is $node && $node->name, $other->name, 'from the other node';
    }
    is launches('servoy')->{ $other->name }, $before + 2, 'where it is counted';
    is scalar(grep { "@$_" =~ /method=again/ } map { [ $other->name, @{ $_->{args} } ] } @{ $other->reports }), 2, 'and told';
};

subtest 'ServoyLaunch proxy: the nodes write their own codebase' => sub {
    $_->{codebase} = $_->url for $fleet->nodes;
    $_->alive && $_->kill for $fleet->nodes;
    SVB::Node->start_all($fleet->nodes);
    for my $who ($user, SVB::WebStart->new) {
        my ($node) = runs($who, '/proxied/servoy-client/dev/crm.jnlp?a=x%7Cy');
        is_deeply $node && $node->reports->[-1]{args}, [ 'solution=crm', 'profile=dev', 'argument=x|y' ],
            'which was told';
    }
    is_deeply launches('proxied'), { servoy1 => 1, servoy2 => 1 }, 'each has one launch';
};

$httpd->stop;
done_testing;
