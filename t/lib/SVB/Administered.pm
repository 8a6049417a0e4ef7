package SVB::Administered;

# A front end for administrators: two nodes in several fleets, the manager with actions
# and without, balancer-manager.
#
#   my $fleet = SVB::Fleet->start(2);
#   my $desk = SVB::Administered->new($fleet);      # started; ->httpd
#   my $other = SVB::Administered->new($fleet, 'BalancerPersist On');   # and that line
#   $desk->calm;                 # all nodes as they were configured, and no clients
#   my $r = $desk->post(action => 'drain');         # to servoy1 of the fleet servoy,
#                                # unless told otherwise; as SVB::Manager has it
#   my $node = $desk->act('drain', node => 'servoy2');    # must be done (a test): the
#                                # node's new facts
#   $desk->states                # 'draining ready': of both nodes in the fleet servoy
#   $desk->settings              # what restarts must not change, a text for each node
#   $desk->user_of('servoy1')    # a user with a session there (a test); '/other': in
#                                # that fleet
#   $desk->served_by(prefix => '/other', route => 'servoy1')   # 'servoy1 servoy2'
#   $desk->wait_turn             # until the periodic work has been done once more
#   $desk->conf($line)           # its configuration, with that line
#
# Fleets: servoy, with pages at / and WebSockets; other, at /other/, of the same nodes;
# configured, whose configuration has something to say about them; turns, of nodes that
# nobody ever asks for anything, see wait_turn.

use v5.32;
use warnings;

use List::Util qw(uniq);
use SVB::Balancer;
use SVB::Httpd;
use SVB::Temp;
use SVB::Users qw($page);
use SVB::Wait;
use Test::More;

my $turns = 60;

sub new {
    my ($class, $fleet, $line) = @_;
    my $self = bless { fleet => $fleet, turn => 0 }, $class;
    $self->{httpd} = SVB::Httpd->new(processes => 4, threads => 4, conf => $self->conf($line),
        modules => [qw(auth_basic authn_core authn_file authz_user)])->start;
    return $self;
}

sub httpd   { $_[0]{httpd} }
sub manager { $_[0]{httpd}->manager }

sub conf {
    my ($self, $line) = @_;
    my $fleet = $self->{fleet};
    my $pages = $fleet->members('ajp');
    my @url = ('ServoyNode * url=http://%r.example.com');
    my @dead = map { "BalancerMember ajp://127.0.0.1:$_ route=t$_\n" } 1 .. $turns;
    return join "\n", 'Header always set X-How "%{SERVOY_HOW}e"', 'ProxyPreserveHost On',
        $line // '', manager_location('ServoyManagerActions on'), _other_managers(),
        proxy('servoy', $pages, @url, 'ServoyMaintenance on 1s', 'ServoyCatchUp off'),
        balancer('sockets', $fleet->members('http', 'upgrade=websocket'), 'ServoyFleet servoy',
            'ProxyPass "/websocket/" "balancer://sockets/websocket/"'),
        balancer('other', $pages, @url, 'ServoyLaunchTimeout 3s', 'ServoyCatchUp off'),
        balancer('configured', $fleet->members('ajp', [ 'loadfactor=2 status=+D', 'status=+N' ]),
            'ServoyLaunch proxy'),
        proxy('turns', join('', @dead), 'ServoyLaunch proxy', 'ServoyNode * probe=off'),
        "ProxyPass / balancer://servoy/\n";
}

sub _other_managers {
    state $passwords = SVB::Temp->write_file(SVB::Temp->dir('conf') . '/passwords',
        "admin:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n");       # secret
    return <<"END";
<Location "/quiet-manager">
SetHandler servoy-manager
Require local
</Location>
<Location "/off-manager">
SetHandler servoy-manager
Require local
ServoyManagerActions off
</Location>
<Location "/private-manager">
SetHandler servoy-manager
ServoyManagerActions on
AuthType Basic
AuthName manager
AuthUserFile "$passwords"
Require valid-user
</Location>
<Location "/balancer-manager">
ProxyPass !
SetHandler balancer-manager
Require local
</Location>
END
}

sub states {
    my ($self) = @_;
    return join ' ', map { $_->{state} } $self->manager->nodes('servoy');
}

sub settings {
    my ($self) = @_;
    my %settings;
    for my $all (grep { $_->{name} ne 'turns' } @{ $self->manager->json->{fleets} }) {
        for my $node (@{ $all->{nodes} }) {
            my @members = map { $_->{status} =~ s/^Init //r } @{ $node->{members} };
            $settings{"$all->{name} $node->{route}"} =
                "$node->{state} $node->{loadfactor} @members";
        }
    }
    return \%settings;
}

sub post {
    my ($self, %field) = @_;
    return $self->manager->post(fleet => 'servoy', node => 'servoy1', %field);
}

sub act {
    my ($self, $action, %more) = @_;
    my $r = $self->post(action => $action, %more);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is $r->status, 200,
        join ' ', $action, map { $more{$_} } grep { exists $more{$_} } qw(fleet node value)
        or diag $r->body;
    return $r->status == 200 ? $r->json : {};
}

sub calm {
    my ($self) = @_;
    $self->{fleet}->calm;
    for my $name (qw(servoy other)) {
        for my $node (qw(servoy1 servoy2)) {
            my %to = (fleet => $name, node => $node, nonce => $self->manager->nonce);
            $self->post(%to, action => $_) for qw(enable forget reset);
            $self->post(%to, action => 'loadfactor', value => 1);
        }
    }
    return;
}

sub user_of {
    my ($self, $route, $prefix) = @_;
    my $user = $self->{httpd}->browser;
    my $there = $self->{fleet}->node($route)->client->get($page);
    $user->set_cookie(JSESSIONID => $there->header('X-Session'));
    $user->{home} = $user->get(($prefix // '') . $page)->node;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is $user->{home}, $route, "a user of $route";
    return $user;
}

# Twelve users at once, by at least three of the four children: who serves them.
# With a route: clients of that node by their ids, else new ones.
sub served_by {
    my ($self, %option) = @_;
    my $httpd = $self->{httpd};
    my $path = ($option{prefix} // '') . '/slow?session=1&ms=300';
    my (%nodes, $pids);
    wait_for(sub {
        $httpd->mark;
        my @pending;
        for (1 .. 12) {
            my $id = sprintf '%016X.%s', rand 2**32, $option{route} // '';
            my @headers = $option{route} ? (headers => ["Cookie: JSESSIONID=$id"]) : ();
            push @pending, $httpd->browser->start(GET => $path, @headers);
        }
        $nodes{ $_->finish->node // 'none' }++ for @pending;
        $pids = uniq $httpd->access_log =~ m{/slow\?.*pid=(\d+)}g;
        return $pids >= 3;
    }, 20, 'three children to take part');
    return join ' ', sort keys %nodes;
}

# What comes last in a turn of it tells which nodes have become empty, the first time
# between two turns perhaps.
sub wait_turn {
    my ($self) = @_;
    for (1 .. 2) {
        my $node = 't' . ++$self->{turn};
        $self->manager->act('turns', $node, 'disable');
        $self->{httpd}->wait_log(qr/SVB0062: fleet turns, node $node\b/, 20);
    }
    return;
}

1;
