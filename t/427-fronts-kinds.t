#!/usr/bin/perl
# Clients of each kind at several front ends: those whose ids do not say where they
# belong, those who live by a window, and smart clients, who are seen once only.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SVB::Balancer;
use SVB::Fleet;
use SVB::Fronts;
use SVB::Node;
use SVB::Users;
use SVB::Wait;
use Test::More;
use Time::HiRes qw(sleep time);

# Their ids carry no route; nor do their members have one, so that no cookie does.
my @nodes = map { SVB::Node->new(name => $_, route => '', window_seconds => 3) } qw(n1 n2);
SVB::Node->start_all(@nodes);
my $fleet = SVB::Fleet->of(@nodes);
my $routed = join '', map {
    $nodes[$_]->member('http', 'upgrade=websocket route=' . $nodes[$_]->name)
} 0, 1;
my $fronts = SVB::Fronts->start(3, fleet => $fleet, conf => join '',
    balancer('windows', $routed, 'ServoyWindowTimeout 3s'),
    balancer('smart', $routed, 'ServoyNode n1 url=http://n1.example.com',
        'ServoyNode n2 url=http://n2.example.com'));

sub clients { my ($httpd, $name) = @_; return $httpd->manager->fleet($name)->{clients} }
sub everywhere {
    my ($name, $kind, $number, $text, $seconds) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return $fronts->each_says($seconds // 2, $text,
        sub { clients($_[0], $name)->{$kind} == $number });
}

subtest 'ids without a route' => sub {
    my @users = $fronts->users(12);
    $fronts->equal(2, 'twelve users', 12);
    my @strayed;
    for my $user ((@users) x 3) {
        my $r = $fronts->roam($user)->get($page);
        push @strayed, how($r) if how($r) ne "$user->{home} known" || !$r->header('X-Count');
    }
    is_deeply \@strayed, [], 'each front end knows where they are, by nothing but their ids';
    $fronts->equal(1, '... and counts them once', 12);
    my $fe2 = $fronts->replace('fe2');
    $fronts->equal(3, 'one that was killed and knew nothing learns it', 12);
    @strayed = grep { $_->{home} ne ($fronts->at($_, 'fe2')->get($page)->node // '') } @users;
    is scalar(@strayed), 0, '... and sends nobody elsewhere';
};

subtest 'windows' => sub {
    my (@users, @old);
    for my $name (qw(fe1 fe2 fe3 fe1)) {
        my $user = $fronts->front($name)->browser;
        $user->{home} = $user->get('/windows/solutions/crm/index.html')->node;
        $user->{ws} = $user->websocket('/windows/websocket/1/main/1');
        is +($user->{ws}->recv_json(20) // {})->{node}, $user->{home}, "a window by $name";
        push @users, $user;
    }
    everywhere(windows => web => 4, 'four clients, at each');
    everywhere(windows => windowed => 4, '... who are windowed', 20);
    my $second = $fronts->at($users[0], 'fe2')->websocket('/windows/websocket/1/main/2');
    is +($second->recv_json(20) // {})->{node}, $users[0]{home}, 'a second one, by another';
    everywhere(windows => web => 4, '... is the same client');
    # A window proves to be one in five seconds.
    my $begun = time;
    while (time < $begun + 6) {
        @old = grep { clients($_, 'windows')->{web} != 4 } $fronts->all;
        last if @old;
        sleep 0.3;
    }
    is scalar(@old), 0, 'while their windows are open they are held, beyond their time, at each';
    ok $_->{ws}->ping('there?', 10), 'a window is open' for @users;
    $users[0]{ws}->abort;
    $begun = time;
    @old = ();
    while (time < $begun + 6) {
        @old = grep { clients($_, 'windows')->{web} != 4 } $fronts->all;
        last if @old;
        sleep 0.3;
    }
    is scalar(@old), 0, 'its first window closes: the second one holds it';
    $second->abort;
    everywhere(windows => web => 3, 'the second one, too: it ends, at each', 15);
    $_->{ws}->abort for @users[ 1 .. 3 ];
    everywhere(windows => web => 0, 'and so do all', 15);
};

subtest 'smart clients' => sub {
    my ($count, %on);
    for my $name (qw(fe1 fe2 fe3) x 3) {
        my $r = $fronts->front($name)->browser->get("/smart$jnlp");
        my ($node) = ($r->header('Location') // '') =~ m{^http://(\w+)\.example};
        $on{ $node // $r->status }++;
        everywhere(smart => smart => ++$count, "launched $count, counted $count, at each");
    }
    is join(' ', sort values %on), '4 5', 'evenly, for each knew of the others\' launches';
    my $late = $fronts->replace('fe3');
    everywhere(smart => smart => 9, 'one that is new hears of all, though they never come again', 3);
};

done_testing;
