#!/usr/bin/perl
# Coming from mod_proxy_balancer with ROUTEID, as README says it: users of before keep their
# sessions, be their ids with a route or without; and why ROUTEID is to go.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SVB::Fleet;
use SVB::Httpd;
use SVB::Users qw($page);
use Test::More;

my $routeid = <<'END';
Header add Set-Cookie "ROUTEID=.%{BALANCER_WORKER_ROUTE}e; path=/" env=BALANCER_ROUTE_CHANGED
END

# What nodes without a jvmRoute are called is the members' business.
sub members {
    my ($fleet, @more) = @_;
    return join "\n", map {
        my ($node) = $fleet->node($_);
        'BalancerMember "http://127.0.0.1:' . $node->http_port . '" route=' . $node->name . ' '
            . ($more[$_] // '')
    } 0, 1;
}

sub start {
    my ($members, $lines, @set) = @_;
    return SVB::Httpd->new(conf => join "\n", $lines, '<Proxy "balancer://servoy">', $members,
        join(' ', 'ProxySet', @set), '</Proxy>', 'ProxyPreserveHost On',
        'ProxyPass "/" "balancer://servoy/"', '')->start;
}

# From one httpd to the next, with all cookies.
sub at { my ($user, $httpd) = @_; $user->{authority} = '127.0.0.1:' . $httpd->port; return $user }

sub users_of {
    my ($httpd) = @_;
    my @users = map { $httpd->browser } 1 .. 4;
    $_->{home} = $_->get($page)->node for @users;
    return @users;
}

sub lost {
    my (@users) = @_;
    return scalar grep {
        my $r = $_->get($page);
        $r->node ne $_->{home} || $r->header('X-Count') < 2;
    } @users;
}

my $routed = SVB::Fleet->start(2);
my $plain = SVB::Fleet->start(2, route => '');
my @before = map {
    start(members($_), $routeid, 'lbmethod=byrequests', 'stickysession=ROUTEID')
} $routed, $plain;
my $members = members($routed);
my $after = start($members, '', 'lbmethod=servoy');
my $between = start(members($plain), $routeid, 'lbmethod=servoy', 'stickysession=ROUTEID');

subtest 'nodes with a jvmRoute' => sub {
    my @users = users_of($before[0]);
    ok defined $users[0]->cookie('ROUTEID'), 'who had ROUTEID';
    is lost(map { at($_, $after) } @users), 0, '... goes on without it';
};

subtest 'nodes without' => sub {
    my @users = users_of($before[1]);
    is lost(map { at($_, $between) } @users), 0, 'ROUTEID is kept, and their users go on';
};

subtest 'why ROUTEID is to go' => sub {
    my $drained = members($routed, 'status=+N');
    my $with = start($drained, $routeid, 'lbmethod=servoy', 'stickysession=ROUTEID');
    my $without = start($drained, '', 'lbmethod=servoy');
    my %home = map {
        my $user = $_->browser;
        $user->set_cookie(ROUTEID => '.servoy1');
        ($_ => $user->get($page)->node);
    } $with, $without;
    is $home{$with}, 'servoy1', 'whose session is over comes back to a drained node by it';
    is $home{$without}, 'servoy2', '... and without goes elsewhere';
    $_->stop for $with, $without;
};

$_->stop for @before, $after, $between, $routed, $plain;
done_testing;
