#!/usr/bin/perl
# A node that serves keeps its clients, whatever else of it refuses connections: one
# of its members in another balancer of the fleet, or the port of its direct URL.
# Its clients would be lost: their ids have no route, so only what was learned of
# them leads back to their sessions. It is degraded then, and new clients go to whole
# nodes. When all its members refuse they are forgotten.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Socket::IP;
use List::Util qw(uniq);
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
    'Header always set X-How "%{SERVOY_HOW}e"', "\n",
    manager_location('ServoyManagerActions on'))->start;
my $manager = $httpd->manager;

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

sub facts { my ($fleet) = @_; return $manager->node($fleet, 'p1') }

# The lines that tell that p1 is degraded now.
sub told {
    my ($fleet, $why) = @_;
    my $change = qr/node p1: degraded, was (?:new|ready): \Q$why\E$/;
    return grep { /\[servoy_balancer:notice\].*SVB0094: fleet $fleet, $change/ }
        split /\n/, $httpd->error_log;
}

# Who gets new clients.
sub homes_of_new {
    my ($name) = @_;
    return join ' ', sort +uniq(map { $httpd->client(timeout => 30)->get("/$name$page")->node
        // '-' } 1 .. 4);
}

# They are where they were, in their sessions.
sub stay {
    my ($name, @users) = @_;
    my @seen = map { my $r = $_->get("/$name$page"); join ' ', $r->node // '-',
        $r->header('X-How') // '-',
        ($r->header('X-Session') // '') eq $_->{session} ? 'same' : 'another' } @users;
    return is_deeply \@seen, [ ('plain1 known same') x @users ],
        "$name: its users keep their sessions";
}

for my $case ([qw(mixed pages sockets ajp)], [qw(twice here there http)]) {
    my ($fleet, $good, $bad, $scheme) = @$case;
    my $why = "connection refused by $scheme://127.0.0.1:$closed";
    subtest "fleet $fleet: one member refuses" => sub {
        wait_ok(sub { facts($fleet)->{state} eq 'degraded' }, 20, 'it is degraded');
        is facts($fleet)->{reason}, $why, 'since that member refuses';
        is scalar(told($fleet, $why)), 1, 'which is told';
        is homes_of_new($good), 'plain2', 'new clients go to the whole node';
        $manager->act($fleet, 'p2', 'drain');
        my @users = users($good, 4);
        stay($good, @users);
        my $before = facts($fleet)->{clients}{web};
        cmp_ok $before, '>=', 4, 'it has those whom nobody else may take, and they count';
        # whoever is sent there finds out
        is $httpd->client(timeout => 30)->get("/$bad$page")->status, 503, 'somebody is refused';
        is facts($fleet)->{errors}, 1, 'by that member';
        my ($member) = grep { $_->{balancer} =~ m{//$bad$} } @{ facts($fleet)->{members} };
        like $member->{status}, qr/Err/, 'mod_proxy has put the member in error';
        $manager->act($fleet, 'p2', 'enable');
        is facts($fleet)->{clients}{web}, $before, 'all count as before';
        stay($good, @users);
        is facts($fleet)->{state}, 'degraded', 'the node is what it was';
        is homes_of_new($_), 'plain2', "$_: new clients go to the whole node" for $good, $bad;
        is scalar(told($fleet, $why)), 1, 'nothing more is told';
    };
}

# Where launches are sent.
sub launched {
    my %to;
    for (1 .. 4) {
        my $r = $httpd->client(timeout => 30)->head('/url/servoy-client/crm.jnlp', cookies => 0);
        $to{ ($r->header('Location') // $r->status) =~ s{/servoy-client.*}{}r }++;
    }
    return join ' ', sort keys %to;
}

subtest 'the port of the direct URL refuses' => sub {
    my @users = users('url', 4);
    stay('url', @users);
    my $before = facts('url')->{clients}{web};
    my $why = "connection refused by http://127.0.0.1:$url_port";
    is facts('url')->{state}, 'ready', 'it is ready while somebody listens there';
    close $listener;
    wait_ok(sub { told('url', $why) }, 20, 'it is found out, and told');
    for (1 .. 4) {
        is facts('url')->{clients}{web}, $before, 'all count as before';
        stay('url', @users);
        is facts('url')->{state}, 'degraded', 'it serves them';
        is facts('url')->{reason}, $why, 'but nobody is at its direct URL';
        is launched(), $two->url, 'it gets no launches';
    }
    is homes_of_new('url'), 'plain2', 'nor new clients';
    is scalar(told('url', $why)), 1, 'that was told once';
};

subtest 'all members refuse' => sub {
    my @users = users('dies', 3);
    cmp_ok facts('dies')->{clients}{web}, '>=', 3, 'they count';
    $one->kill;
    my $user = shift @users;
    is $user->get("/dies$page")->node, 'plain2', 'one of its users fails over';
    wait_ok(sub { facts('dies')->{clients}{web} == 0 }, 5, 'nobody is left there');
    is facts('dies')->{state}, 'error', 'all its members were asked at once';
    my %status = map { $_->{balancer} =~ s{.*/}{}r => $_->{status} } @{ facts('dies')->{members} };
    like $status{dies}, qr/Err/, 'the one that the user came by is in error';
    unlike $status{'dies-too'}, qr/Err/, 'the other one no user had to try';
    is facts('dies')->{errors}, 1, 'and none did';
};

done_testing;
