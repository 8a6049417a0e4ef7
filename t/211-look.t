#!/usr/bin/perl
# A look changes nothing. The process that notes how nodes are stands still, and
# meanwhile they change: whoever looks sees what they are now, but that they have
# changed is not noted, nor does anything follow from it, however often one looks. A
# failed health check makes a node serve nobody; that its clients are lost it does not
# tell.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP ();
use SVB::Fleet;
use SVB::Httpd;
use SVB::Proc;
use SVB::Wait qw(wait_for wait_ok);
use Test::More;

my $fleet = SVB::Fleet->start(2);
my ($one, $two) = $fleet->nodes;
my $page = '/servoy-webclient/ss/s/crm';
my $members = join '', map { $_->member('ajp') } $one, $two;

my $httpd = SVB::Httpd->new(conf => <<"END")->start;
<Proxy "balancer://servoy">
    $members
    ProxySet lbmethod=servoy
    ServoySlowStart 1h
</Proxy>
<Proxy "balancer://beacon">
    ${\ $one->member('ajp', 'status=+N') }
    ProxySet lbmethod=servoy
    ServoyFleet beacon
</Proxy>
<Location "/servoy-manager">
    SetHandler servoy-manager
</Location>
<Location "/balancer-manager">
    SetHandler balancer-manager
</Location>
ProxyPass "/balancer-manager" "!"
ProxyPass "/servoy-manager" "!"
ProxyPass "/beacon/" "balancer://beacon/"
ProxyPass "/" "balancer://servoy/"
END

# Says that the member to servoy1 fails its health checks, or passes them.
sub health_check {
    my ($fails) = @_;
    my $user = $httpd->client(timeout => 30);
    my $referer = 'Referer: ' . $httpd->url . '/balancer-manager';
    my ($link) = grep { /b=servoy&/ && /:${\ $one->ajp_port }/ }
        map { s/&amp;/&/gr } $user->get('/balancer-manager')->body =~ /href="[^"?]*\?([^"]*)"/g;
    my $r = $user->post('/balancer-manager', "$link&w_status_C=$fails",
        headers => [ $referer, 'Content-Type: application/x-www-form-urlencoded' ]);
    is $r->status, 200, $fails ? 'a health check fails' : 'it passes again';
    return;
}

# Looks several times, in all three ways. What there is to be seen in the end.
sub look {
    my $client = $httpd->client(timeout => 30);
    for (1 .. 4) {
        is $client->get("/servoy-manager$_")->status, 200 for '', '?format=json',
            '?format=prometheus';
    }
    return $httpd->nodes('servoy')->{servoy1};
}

my ($noting) = $httpd->wait_log(qr/SVB0062:? fleet beacon, node servoy1 /, 20) =~ /\[pid (\d+)/;
my @users = map { $httpd->client(timeout => 30) } 1 .. 6;
$_->{home} = $_->get($page)->node for @users;
my $web = grep { $_->{home} eq 'servoy1' } @users;
cmp_ok $web, '>', 0, 'servoy1 has clients';
my $before = wait_for(sub { my $seen = look(); $seen->{clients}{web} == $web && $seen }, 20,
    'them to be counted');
is $before->{state}, 'ready', 'it is ready';

# Times are shown to the second: what is noted from then on is another one.
sub next_second {
    my $second = time;
    wait_for(sub { time > $second }, 10, 'the next second');
    return;
}

subtest 'a node goes down' => sub {
    next_second();
    SVB::Proc->freeze($noting);
    health_check(1);
    my $seen = look();
    is $seen->{state}, 'error', 'that is seen at once';
    is $seen->{last_change}, $before->{last_change}, 'but not that it has changed just now';
    is $seen->{clients}{web}, $web, 'its clients are not forgotten';
    is $seen->{safe_to_stop}, JSON::PP::false(), 'so it is not safe to stop';
    kill CONT => $noting;
    wait_ok(sub { look()->{last_change} gt $before->{last_change} }, 20, 'until that is noted');
    is look()->{state}, 'error', 'as it was seen';
    is look()->{clients}{web}, $web, 'nor are they then: it answers, so they are not lost';
};

subtest 'a node comes up' => sub {
    my $down = look();
    next_second();
    SVB::Proc->freeze($noting);
    health_check(0);
    my $seen = look();
    is $seen->{state}, 'slowstart', 'that is seen at once';
    is $seen->{last_change}, $down->{last_change}, 'but not that it has changed just now';
    kill CONT => $noting;
    wait_ok(sub { look()->{last_change} gt $down->{last_change} }, 20, 'until that is noted');
    is look()->{state}, 'slowstart', 'when its slow start begins';
    is look()->{clients}{web}, $web, 'it has its clients still';
};

subtest 'a node is gone' => sub {
    $one->kill;
    wait_ok(sub { look()->{clients}{web} == 0 }, 20, 'only now its clients are lost');
    is look()->{state}, 'error', 'for it refuses connections';
};

done_testing;
