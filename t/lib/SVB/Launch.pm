package SVB::Launch;

# Launches as a browser asks for them, and the node to which each is sent.
#
#   my $at = SVB::Launch->new(httpd => $httpd, fleet => $fleet);
#   my $r = launch($client, 'plain', %option);   # of /plain/servoy-client/crm.jnlp
#   $at->named($r)                  # 1 for servoy1, by its direct URL or app1.example.com
#   $at->launcher_on('plain', 1)    # a browser with a launch cookie for servoy1
#   $at->user_on('plain', 1)        # one with a session there
#   shared(\%count, 6, $name)       # both nodes have had their share of six (a test)
#   names($fleet)                   # lines that give nodes those app1.example.com
#
# launch: method, target (instead of that path), and what SVB::Client->request takes.

use v5.32;
use warnings;

use Exporter qw(import);
use List::Util qw(sum0);
use SVB::Users;
use Test::More ();

our @EXPORT = qw(launch shared names);

sub new {
    my ($class, %option) = @_;
    return bless { %option }, $class;
}

sub launch {
    my ($client, $name, %option) = @_;
    my $target = delete $option{target} // $jnlp;
    return $client->request(delete $option{method} // 'GET', "/$name$target", %option);
}

sub names {
    my ($fleet) = @_;
    return map { "ServoyNode $_ url=http://" . s/servoy/app/r . '.example.com' }
        map { $_->route } $fleet->nodes;
}

# undef: none, in whatever way a Location can name one.
sub named {
    my ($self, $response) = @_;
    my $location = $response->header('Location') // return undef;
    return $1 if $location =~ m{^http://app([12])\.example\.com/};
    my ($authority) = $location =~ m{^(http://[^/]+)/};
    return (grep { $self->{fleet}->node($_ - 1)->url eq ($authority // '') } 1, 2)[0];
}

sub user_on {
    my ($self, $name, $node) = @_;
    return user_of($self->{httpd}, "servoy$node", "/$name");
}

sub launcher_on {
    my ($self, $name, $node) = @_;
    for (1 .. 8) {
        my $user = $self->{httpd}->client;
        return $user if ($self->named(launch($user, $name)) // 0) == $node;
    }
    die "no launch went to node $node\n";
}

# Give or take one: whose turn it is depends on what was elected before, and when.
sub shared {
    my ($count, $expected, $name) = @_;
    my ($least, $most) = (sort { $a <=> $b } values %$count)[0, -1];
    my $fair = keys %$count == 2 && !$count->{none} && $most - $least <= 2;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return Test::More::ok($fair && sum0(values %$count) == $expected, $name)
        || Test::More::diag(Test::More::explain($count));
}

1;
