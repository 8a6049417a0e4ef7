package SVB::Day;

# A day in miniature: a front end, its nodes, all who use them, and what is known of
# them by three who count: the script, the nodes themselves and the manager.
#
#   my $day = SVB::Day->new(fleet => $fleet, session => 24, window => 5, launch => 24);
#   $day->start;  $day->httpd; $day->manager
#   my $user = $day->arrive('oauth', ng => 1);     # see SVB::DayUser, also for others
#   $day->users; $day->at_work; $day->on('servoy1');   # of those at work, its own
#   $day->turn;                  # everybody at work asks for a page
#   $day->work;                  # the same now and then, and some traffic: for waiting
#   $day->agree($name, $seconds) # until all three agree, for each kind (tests)
#   $day->lose($node);           # what it had is gone: those who were there
#   $day->act('servoy1', 'drain');   # the manager's actions; no traffic is to get there
#   $day->safe_ok($node);        # safe to stop when it has nobody (tests)
#   $day->crash;                 # of httpd: all of its processes at once
#   $day->is_sound($name);       # nothing odd has happened since the last time (a test)
#   $day->states;                # of the nodes: 'ready ready draining'
#
# session, window, launch: seconds after which clients of these kinds are gone, for the
# nodes and for the module.

use v5.32;
use warnings;

use SVB::Balancer;
use SVB::DayTraffic;
use SVB::DayUser;
use SVB::Httpd;
use SVB::Wait qw(:DEFAULT patience poll);
use Test::More;
use Time::HiRes qw(time);

sub new {
    my ($class, %option) = @_;
    my $self = bless { users => [], odd => [], closed => {}, turned => 0, %option }, $class;
    $self->{traffic} = SVB::DayTraffic->new($self);
    return $self;
}

sub httpd   { return $_[0]{httpd} }
sub manager { return $_[0]{httpd}->manager }
sub traffic { return $_[0]{traffic} }
sub users   { return @{ $_[0]{users} } }

sub session_seconds { return $_[0]{session} }
sub window_seconds  { return $_[0]{window} }
sub launch_seconds  { return $_[0]{launch} }

sub start {
    my ($self) = @_;
    my $fleet = $self->{fleet};
    my $settings = join "\n", 'ProxySet lbmethod=servoy', "ServoySessionTimeout $self->{session}",
        "ServoyWindowTimeout $self->{window}", "ServoyLaunchTimeout $self->{launch}";
    $self->{httpd} = SVB::Httpd->new(threads => 64, conf => <<"END")->start;
Header always set X-How "%{SERVOY_HOW}e"
ProxyPreserveHost On
<Proxy "balancer://pages">
@{[ $fleet->members('ajp', 'retry=1') ]}$settings
ServoyNode * url=http://%r.example.com
</Proxy>
<Proxy "balancer://sockets">
@{[ $fleet->members('http', 'upgrade=websocket retry=1 timeout=600') ]}$settings
</Proxy>
@{[ manager_location('ServoyManagerActions on') ]}
ProxyPass "/websocket/" "balancer://sockets/websocket/"
ProxyPass "/" "balancer://pages/"
END
    return $self;
}

# --- who is there ---

sub add {
    my ($self, %option) = @_;
    my $user = SVB::DayUser->new($self, number => scalar $self->users, %option);
    push @{ $self->{users} }, $user;
    return $user;
}

sub arrive { my ($self, $way, %option) = @_; return $self->add(%option)->arrive($way) }

sub at_work { my ($self) = @_; return grep { $_->is_at_work } $self->users }
sub on      { my ($self, $name) = @_; return grep { $_->{home} eq $name } $self->at_work }

sub odd { my ($self, $what) = @_; push @{ $self->{odd} }, $what; return }

sub is_sound {
    my ($self, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is_deeply $self->{odd}, [], $name;
    $self->{odd} = [];
    return;
}

sub turn {
    my ($self) = @_;
    $self->{turned} = time;
    $_->visit for $self->at_work;
    return;
}

sub work {
    my ($self) = @_;
    return if time < $self->{turned} + $self->{session} / 6;
    $self->turn;
    $self->traffic->rest;
    return;
}

# Their sessions are gone, with all else that the node had. Returns who was there.
sub lose {
    my ($self, $node) = @_;
    my @theirs = grep { $_->{session} && $_->{home} eq $node->name } $self->users;
    $_->ends for @theirs;
    $self->traffic->lose($node->name);
    return @theirs;
}

# --- what is done to them ---

sub act {
    my ($self, $name, $action) = @_;
    $self->manager->act('servoy', $name, $action);
    $self->{closed}{$name} = 1;
    delete $self->{closed}{$name} if $action eq 'enable';
    return;
}

sub takes_new { my ($self, $name) = @_; return !$self->{closed}{$name} }

sub open_routes {
    my ($self) = @_;
    return grep { $self->takes_new($_) } map { $_->route } $self->{fleet}->nodes;
}

sub states {
    my ($self) = @_;
    return join ' ', map { $_->{state} } $self->manager->nodes('servoy');
}

sub crash {
    my ($self) = @_;
    $self->{httpd}->crash;
    $_->break_off for grep { $_->open_windows } $self->users;
    $self->{httpd}->start;
    return;
}

# --- counts ---

# 'servoy1 web 3 windowed 2 smart 1, ...' as the sub has it for each node.
sub _by_node {
    my ($self, $of) = @_;
    return join ', ', map {
        my $count = $of->($_);
        join ' ', $_->name, map { "$_ $count->{$_}" } qw(web windowed smart)
    } $self->{fleet}->nodes;
}

sub _of_script {
    my ($self, $node) = @_;
    my @there = grep { $_->{home} eq $node->name && $_->lives } $self->users;
    my $windowed = grep { $_->is_windowed } @there;
    return { web => @there - $windowed, windowed => $windowed,
        smart => $self->traffic->smart($node->name) };
}

# What it has itself. Smart Clients it does not know.
sub _of_node {
    my ($self, $node) = @_;
    my $clients = $node->alive ? $node->clients : { web => 0, windowed => 0 };
    return { %$clients, smart => $self->traffic->smart($node->name) };
}

# One that does not tell them apart has them all as web.
sub _of_manager {
    my ($self) = @_;
    my %of;
    for my $node ($self->manager->nodes('servoy')) {
        my $clients = $node->{clients};
        my $windowed = $clients->{windowed} // 0;
        $of{ $node->{route} } = { web => $clients->{web} - $windowed, windowed => $windowed,
            smart => $clients->{smart} };
    }
    return \%of;
}

sub agree {
    my ($self, $name, $seconds) = @_;
    my ($script, $nodes, $manager);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $begun = time;
    poll(sub {
        $self->work;
        $script = $self->_by_node(sub { $self->_of_script($_[0]) });
        $nodes = $self->_by_node(sub { $self->_of_node($_[0]) });
        my $of = $self->_of_manager;
        $manager = $self->_by_node(sub { $of->{ $_[0]->route } });
        return $manager eq $nodes && $nodes eq $script;
    }, $seconds // 20);
    is $manager, $nodes, "$name: the manager counts what the nodes have";
    is $nodes, $script, '... and the nodes have what they should';
    $self->is_sound('... and everybody was served as they should be');
    note sprintf '%s: after %.1f s, %s', $name, time - $begun, $manager;
    return;
}

# When the node itself has nobody any more, the manager says so soon.
sub safe_ok {
    my ($self, $node) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    wait_ok(sub {
        $self->work;
        my $has = $self->_of_node($node);
        return !$has->{web} && !$has->{windowed} && !$has->{smart};
    }, $self->{session} + 10, $node->name . ' has nobody');
    my $empty = time;
    wait_ok(sub { $self->manager->node('servoy', $node->name)->{safe_to_stop} }, 20,
        '... and is safe to stop');
    cmp_ok time - $empty, '<', patience(5), '... within 5 s';
    return;
}

1;
