#!/usr/bin/perl
# A node that serves keeps its clients, whatever else of it refuses connections: one
# of its members in another balancer of the fleet, or the port of its direct URL.
# Its clients would be lost: their ids have no route, so only what was learned of
# them leads back to their sessions. When all its members refuse they are forgotten.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Socket::IP;
use SVB::Balancer;
use SVB::Httpd;
use SVB::Node;
use SVB::Ports;
use SVB::Wait qw(wait_for wait_ok);
use Test::More;

my ($one, $two) = map { SVB::Node->new(name => "plain$_", route => '') } 1, 2;
SVB::Node->start_all($one, $two);
my $closed = SVB::Ports->take;
my $page = '/servoy-webclient/ss/s/crm';

sub of_fleet {
    my ($name, $fleet, $members, @lines) = @_;
    return balancer($name, $members, "ServoyFleet $fleet", @lines);
}

sub members {
    my ($scheme, $more) = @_;
    return join '', map { $_->[0]->member($scheme, "route=$_->[1] " . ($more // '')) } [ $one,
        'p1' ], [ $two, 'p2' ];
}

# Somebody at the port of p1's direct URL, for now.
my $url_port = SVB::Ports->take;
my $listener = IO::Socket::IP->new(LocalHost => '127.0.0.1', LocalPort => $url_port,
    Listen => 1024, ReuseAddr => 1)
    or die "port $url_port: $@\n";

my $httpd = SVB::Httpd->new(conf => join '',
    # http and ajp to the same nodes, p1's ajp port is not there
    of_fleet('pages', 'mixed', members('http')),
    of_fleet('sockets', 'mixed',
        "BalancerMember ajp://127.0.0.1:$closed route=p1 retry=600\n" . $two->member('ajp',
            'route=p2')),
    # two of the same kind
    of_fleet('here', 'twice', members('http')),
    of_fleet('there', 'twice',
        "BalancerMember http://127.0.0.1:$closed route=p1 retry=600\n" . $two->member('http',
            'route=p2')),
    of_fleet('url', 'url', members('http', 'retry=1'),
        "ServoyNode p1 url=http://127.0.0.1:$url_port probe=url",
        'ServoyNode p2 url=' . $two->url . ' probe=url'),
    of_fleet('dies', 'dies', members('http', 'retry=600')),
    of_fleet('dies-too', 'dies', members('ajp', 'retry=600')),
    <<'END')->start;
Header always set X-How "%{SERVOY_HOW}e"
<Location "/servoy-manager">
    SetHandler servoy-manager
</Location>
END

# Browsers with sessions on p1.
sub users {
    my ($name, $number) = @_;
    my @users;
    wait_for(sub {
        my $user = $httpd->client(timeout => 30);
        my $r = $user->get("/$name$page");
        $user->{session} = $r->header('X-Session');
        push @users, $user if ($r->node // '') eq 'plain1';
        return @users == $number;
    }, 30, "$number users of $name at p1");
    return @users;
}

sub facts { my ($fleet) = @_; return $httpd->nodes($fleet)->{p1} }

# They are where they were, in their sessions.
sub stay {
    my ($name, @users) = @_;
    my @seen = map { my $r = $_->get("/$name$page"); join ' ', $r->node // '-',
        $r->header('X-How') // '-',
        ($r->header('X-Session') // '') eq $_->{session} ? 'same' : 'another' } @users;
    return is_deeply \@seen, [ ('plain1 known same') x @users ],
        "$name: its users keep their sessions";
}

for my $names ([qw(mixed pages sockets)], [qw(twice here there)]) {
    my ($fleet, $good, $bad) = @$names;
    subtest "fleet $fleet: one member refuses" => sub {
        my @users = users($good, 4);
        stay($good, @users);
        my $before = facts($fleet)->{clients}{web};
        cmp_ok $before, '>=', 4, 'they count';
        # whoever is sent there first finds out, and goes elsewhere
        wait_for(sub {
            $httpd->client(timeout => 30)->get("/$bad$page")->status;
            return facts($fleet)->{errors};
        }, 30, 'somebody to be refused');
        my ($member) = grep { $_->{balancer} =~ m{//$bad$} } @{ facts($fleet)->{members} };
        like $member->{status}, qr/Err/, 'mod_proxy has put the member in error';
        is facts($fleet)->{clients}{web}, $before, 'all count as before';
        stay($good, @users);
    };
}

subtest 'the port of the direct URL refuses' => sub {
    my @users = users('url', 4);
    stay('url', @users);
    my $before = facts('url')->{clients}{web};
    close $listener;
    $httpd->wait_log(qr/SVB0092:? fleet url, node p1 does not answer \(connection refused\)/, 20);
    for (1 .. 4) {
        is facts('url')->{clients}{web}, $before, 'all count as before';
        stay('url', @users);
        is facts('url')->{state}, 'error', 'it gets no launches';
    }
};

subtest 'all members refuse' => sub {
    my @users = users('dies', 3);
    cmp_ok facts('dies')->{clients}{web}, '>=', 3, 'they count';
    $one->kill;
    my $user = shift @users;
    is $user->get("/dies$page")->node, 'plain2', 'one of its users fails over';
    cmp_ok facts('dies')->{clients}{web}, '>=', 2, 'others may still be served by the other member';
    wait_for(sub {
        $httpd->client(timeout => 30)->get("/dies-too$page");
        return facts('dies')->{state} eq 'error';
    }, 30, 'the other member to be tried');
    wait_ok(sub { facts('dies')->{clients}{web} == 0 }, 20, 'nobody is left there');
};

done_testing;
