package SVB::DayTraffic;

# What comes to the front end of an SVB::Day besides its users: REST, robots and
# launches of Smart Clients.
#
#   $traffic->rest;             # a call, which may be answered 503 by its own
#   $traffic->robot;            # no session, or one that nobody comes back to
#   $traffic->made_up('servoy1');   # a robot with an id of that node: where it gets
#   $traffic->launch; $traffic->launch_again; $traffic->ask_launch (HEAD)
#   $traffic->smart('servoy1')  # Smart Clients launched there lately
#   $traffic->lose('servoy1')   # that has lost them
#   $traffic->others;           # somebody, whoever
#   $traffic->has_died($id, $when);  # ids of sessions that have ended, for robots

use v5.32;
use warnings;

use SVB::DayUser;
use SVB::Users qw($page $jnlp);
use Time::HiRes qw(time);

my $rest = '/servoy-service/rest_ws/crm/orders';
my @no_session = qw(/echo /resources/x.js /status/200 /status/404 /solution/secure/index.html);

sub new {
    my ($class, $day) = @_;
    return bless { day => $day, launched => [], dead => [], number => 0 }, $class;
}

sub pick { my (@from) = @_; return $from[ rand @from ] }

# One request without a cookie of its own; what is expected is its status.
sub _ask {
    my ($self, $method, $path, $status, @headers) = @_;
    my $r = $self->{day}->httpd->browser(cookies => 0)
        ->request($method, $path, headers => \@headers);
    $self->{day}->odd("$method $path: " . $r->status . ', not ' . $status . ' ' . $r->error)
        if $r->status != $status;
    return $r;
}

sub _made_up_id {
    my ($self, $route) = @_;
    return 'Cookie: JSESSIONID=madeup' . ++$self->{number} . ".$route";
}

sub rest {
    my ($self) = @_;
    my @id = rand() < 0.3 ? $self->_made_up_id(pick($self->{day}->open_routes)) : ();
    my ($query, $status) = @{ pick([ '', 200 ], [ '', 200 ], [ '?status=503', 503 ],
        [ '?status=503&text=Server+in+maintenance+mode', 503 ], [ '?status=500', 500 ]) };
    $self->_ask(pick(qw(GET POST PUT DELETE)), "$rest/4711$query", $status, @id);
    return;
}

sub robot {
    my ($self) = @_;
    pick(
        sub {
            my $path = pick(@no_session);
            $self->_ask(pick(qw(GET HEAD)), $path, $path =~ m{^/status/(\d+)} ? $1 : 200);
        },
        sub { $self->_ask(OPTIONS => pick($page, '/echo', '/solutions/crm/index.html'), 200) },
        sub {
            $self->_ask(OPTIONS => $page, 200,
                $self->_made_up_id(pick($self->{day}->open_routes)))
        },
        sub { $self->made_up(pick($self->{day}->open_routes)) },
        sub { $self->_dead },
    )->();
    return;
}

# What begins a session that nobody comes back to: a user who is silent from then on.
# It has to be a new one.
sub _visitor {
    my ($self, $cookie) = @_;
    my $user = $self->{day}->add(quiet => 1, visitor => 1);
    $user->{client}{headers} = [$cookie];
    $user->visit;
    return $user->{home};
}

sub made_up { my ($self, $route) = @_; return $self->_visitor($self->_made_up_id($route)) }

sub has_died {
    my ($self, $id, $when) = @_;
    push @{ $self->{dead} }, [ $id, $when // time ];
    return;
}

# The id of a session that has ended, and whose node takes new ones.
sub _dead {
    my ($self) = @_;
    my $routes = join '|', $self->{day}->open_routes;
    my ($dead) = grep { $_->[1] < time - 2 && $_->[0] =~ /\.(?:$routes)$/ } @{ $self->{dead} };
    return if !$dead;
    $self->{dead} = [ grep { $_ != $dead } @{ $self->{dead} } ];
    $self->_visitor("Cookie: JSESSIONID=$dead->[0]");
    return;
}

# While somebody is about to log in.
sub others {
    my ($self) = @_;
    $self->rest;
    $self->robot for 1 .. 1 + rand 2;
    return;
}

# --- Smart Clients ---

sub _launch {
    my ($self, $one, $method) = @_;
    my $r = $one->{client}->request($method, $jnlp);
    my ($node) = ($r->header('Location') // '') =~ m{^http://(\w+)\.example\.com/};
    $self->{day}->odd("launch by $method: " . $r->status) if $r->status != 302 || !$node;
    return $node // 'none';
}

# As Java Web Start does: the GET after the HEAD leads to the same node.
sub launch {
    my ($self) = @_;
    my $one = { client => $self->{day}->httpd->browser };
    my $head = rand() < 0.5 ? $self->_launch($one, 'HEAD') : undef;
    $one->{node} = $self->_launch($one, 'GET');
    $one->{at} = time;
    $self->{day}->odd("launch on $one->{node}, after HEAD on $head")
        if defined $head && $head ne $one->{node};
    push @{ $self->{launched} }, $one;
    return;
}

sub ask_launch {
    my ($self) = @_;
    $self->_launch({ client => $self->{day}->httpd->browser }, 'HEAD');
    return;
}

# From its shortcut, which leads to the node that it was on.
sub launch_again {
    my ($self) = @_;
    my $one = pick(grep { $self->{day}->takes_new($_->{node}) } @{ $self->{launched} }) or return;
    my $node = $self->_launch($one, 'GET');
    $self->{day}->odd("launched on $one->{node}, and then on $node")
        if $node ne $one->{node} && time < $one->{at} + $self->{day}->launch_seconds - 2;
    @{$one}{qw(node at)} = ($node, time);
    return;
}

sub smart {
    my ($self, $node) = @_;
    my $since = time - $self->{day}->launch_seconds;
    return scalar grep { $_->{node} eq $node && $_->{at} > $since } @{ $self->{launched} };
}

sub lose {
    my ($self, $node) = @_;
    $self->{launched} = [ grep { $_->{node} ne $node } @{ $self->{launched} } ];
    return;
}

1;
