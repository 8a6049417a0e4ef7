package SVB::Fleet;

# Several nodes, started together: one fleet for a whole test file.
#
#   my $fleet = SVB::Fleet->start(3);              # servoy1, servoy2, servoy3
#   my $fleet = SVB::Fleet->start(2, replicated => 1, session_seconds => 5);
#   my $fleet = SVB::Fleet->of(@nodes);            # nodes that are there already
#   my ($one, $two) = $fleet->nodes;  $fleet->node('servoy2');
#   $fleet->members('ajp');                        # BalancerMember lines
#   $fleet->members('ajp', 'retry=1');             # each with that setting
#   $fleet->members('ajp', [ '', 'status=+N' ]);   # with settings of their own
#   $fleet->members('ajp', { servoy2 => 'status=+N' });
#   $fleet->urls; $fleet->urls('tls_url');         # ServoyNode lines, direct URLs
#   $fleet->conf;                                  # a whole proxy configuration
#   $fleet->calm;    # between tests: all up, nothing refused, counters at zero
#
# start: number of nodes; replicated (shared sessions); all else goes to
# SVB::Node->new of each. node(…) takes a name or a number from 0.

use v5.32;
use warnings;

use SVB::Node;
use SVB::Ports;
use SVB::Wait;

sub start {
    my ($class, $count, %option) = @_;
    my $replicated = delete $option{replicated};
    my @nodes = map { SVB::Node->new(name => "servoy$_", %option) } 1 .. $count;
    _replicate(@nodes) if $replicated;
    SVB::Node->start_all(@nodes);
    my $self = bless { nodes => \@nodes, replicated => $replicated }, $class;
    $self->wait_shared;
    return $self;
}

sub of {
    my ($class, @nodes) = @_;
    return bless { nodes => \@nodes }, $class;
}

# Until all that are alive share their sessions with each other, if they do at all.
sub wait_shared {
    my ($self) = @_;
    return if !$self->{replicated};
    my @alive = grep { $_->alive } $self->nodes;
    wait_for(sub { !grep { $_->peers != $#alive } @alive }, 20, 'the nodes to find each other');
    return;
}

# All to all; the rest is the nodes' business.
sub _replicate {
    my (@nodes) = @_;
    my %port = map { $_ => SVB::Ports->take } 1 .. @nodes;
    for my $id (1 .. @nodes) {
        my %peers = %port;
        my $own = delete $peers{$id};
        $nodes[$id - 1]{replication} = { id => $id, port => $own, peers => \%peers };
    }
    return;
}

sub nodes { @{ $_[0]{nodes} } }

sub node {
    my ($self, $which) = @_;
    my ($node) = $which =~ /^\d+$/ ? $self->{nodes}[$which]
        : grep { $_->name eq $which } $self->nodes;
    return $node // die "no node $which\n";
}

sub members {
    my ($self, $scheme, $more) = @_;
    my @nodes = $self->nodes;
    my $of = sub {
        my ($i) = @_;
        return ref $more eq 'HASH' ? $more->{ $nodes[$i]->route } : ref $more ? $more->[$i] : $more;
    };
    return join '', map { $nodes[$_]->member($scheme, $of->($_)) } 0 .. $#nodes;
}

sub urls {
    my ($self, $kind) = @_;
    my $url = $kind // 'url';
    return map { sprintf 'ServoyNode %s url=%s', $_->route, $_->$url } $self->nodes;
}

# A configuration like the smallest useful one of the README, with a balancer for
# WebSockets. Options: lbmethod (servoy; 'byrequests' has no Servoy… lines);
# scheme (ajp); directives (more lines for the page balancer's <Proxy>); extra
# (lines before the ProxyPass ones); members (text for each BalancerMember of
# that balancer); manager (lines for the manager's <Location>).
sub conf {
    my ($self, %option) = @_;
    my $lbmethod = $option{lbmethod} // 'servoy';
    my $method = "ProxySet lbmethod=$lbmethod";
    my $facts = join '', map { "$_\n" } grep { !/^ServoyNode  / } $self->urls;
    if ($lbmethod ne 'servoy') {
        $method .= ' stickysession=JSESSIONID|jsessionid';
        $facts = '';
    }
    my $pages = $self->members($option{scheme} // 'ajp', $option{members});
    my $sockets = $self->members('http', 'upgrade=websocket');
    my $directives = $option{directives} // '';
    my $extra = $option{extra} // '';
    my $manager = $lbmethod ne 'servoy' ? '' : join "\n", '<Location "/servoy-manager">',
        'SetHandler servoy-manager', 'Require local', $option{manager} // '', '</Location>';
    return <<"END";
<Proxy "balancer://servoy">
$pages$method
$facts$directives
</Proxy>
<Proxy "balancer://servoy-sockets">
$sockets$method
</Proxy>
ProxyPreserveHost On
$extra
ProxyPass "/websocket/" "balancer://servoy-sockets/websocket/"
ProxyPass "/" "balancer://servoy/"
$manager
END
}

sub calm {
    my ($self) = @_;
    for my $node ($self->nodes) {
        $node->thaw if $node->alive;
        $node->start if !$node->alive;
        $node->maintenance(0);
        $node->starting(0);
        $node->reset_requests;
    }
    $self->wait_shared;
    return $self;
}

sub stop {
    my ($self) = @_;
    $_->alive && $_->{proc}->signal('TERM') for $self->nodes;
    $_->{proc} && $_->stop for $self->nodes;
    return;
}

1;
