package SVB::Manager;

# The manager of a front end, at /servoy-manager: what it says and does.
#
#   my $manager = $httpd->manager;
#   $manager->json;  $manager->metrics;           # all of it, decoded; Prometheus' text
#   $manager->fleet('servoy');                    # one fleet of the JSON
#   $manager->node('servoy', 'servoy1');          # one node of it
#   $manager->nodes('servoy');                    # all of its nodes, in order
#   $manager->total('servoy', 'elected');         # summed up over them
#   $manager->web('servoy'); $manager->smart('servoy');   # clients by node: '3 0 3'
#   $manager->pending;       # new clients that wait for their first answer
#   my $r = $manager->post(fleet => 'servoy', node => 'servoy1', action => 'drain');
#   $manager->act('servoy', 'servoy1', 'drain');  # the same, which must be done
#
# post: all else are fields, [] takes one away (the nonce is there by itself). Options:
# to (another path), body and type (instead of the fields'), headers, accept.

use v5.32;
use warnings;

use List::Util qw(sum0);
use SVB::Client;

my $form = 'application/x-www-form-urlencoded';

sub new {
    my ($class, $httpd) = @_;
    return bless { httpd => $httpd }, $class;
}

sub _get    { $_[0]{httpd}->browser->get("/servoy-manager?format=$_[1]") }
sub json    { $_[0]->_get('json')->json }
sub metrics { $_[0]->_get('prometheus')->body }
sub nonce   { $_[0]->json->{nonce} }

sub fleet {
    my ($self, $name) = @_;
    my ($fleet) = grep { $_->{name} eq $name } @{ $self->json->{fleets} };
    return $fleet;
}

sub nodes { my ($self, $name) = @_; return @{ $self->fleet($name)->{nodes} } }

sub node {
    my ($self, $name, $route) = @_;
    my ($node) = grep { $_->{route} eq $route } $self->nodes($name);
    return $node;
}

sub total {
    my ($self, $name, $what) = @_;
    return sum0 map { $_->{$what} } $self->nodes($name);
}

sub web   { my ($self, $name) = @_; return join ' ',
    map { $_->{clients}{web} } $self->nodes($name) }
sub smart {
    my ($self, $name) = @_;
    return join ' ', map { $_->{clients}{smart} } $self->nodes($name)
}

sub pending {
    my ($self) = @_;
    my $all = $self->json;
    my @clients = map { $_->{clients} } @{ $all->{fleets} };
    return $all->{table}{clients} - sum0 map { $_->{web} + $_->{smart} } @clients;
}

sub post {
    my ($self, %field) = @_;
    my %option = map { $_ => delete $field{$_} } qw(to body type headers accept);
    $field{nonce} //= $self->nonce;
    delete $field{$_} for grep { ref $field{$_} } keys %field;
    my @headers = ('Accept: ' . ($option{accept} // 'application/json'),
        'Content-Type: ' . ($option{type} // $form), @{ $option{headers} // [] });
    return $self->{httpd}->browser->post($option{to} // '/servoy-manager',
        $option{body} // SVB::Client->form(%field), headers => \@headers);
}

sub act {
    my ($self, $fleet, $node, $action, %more) = @_;
    my $r = $self->post(fleet => $fleet, node => $node, action => $action, %more);
    return $r->status == 200 || die "$action: " . $r->status . ' ' . $r->body;
}

1;
