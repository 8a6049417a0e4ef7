package SVB::LightNodes;

# Many light nodes at addresses of their own, which end with this program; built by
# make -f Makefile.apxs tools.
#
#   my $nodes = SVB::LightNodes->new('ajp', 256);     # or 'http': also WebSockets
#   $nodes->port; $nodes->address(3);                 # 127.1.0.4
#   $nodes->url(3);                                   # ajp://127.1.0.4:12345
#   $nodes->members(16);              # BalancerMember lines of the first 16, route=n0 ...
#   $nodes->members(16, 'upgrade=websocket');         # each with these words

use v5.32;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use IPC::Open2;
use SVB::Ports;

my $tools = abs_path(dirname(__FILE__) . '/../../..') . '/.build/tools';

sub new {
    my ($class, $scheme, $count) = @_;
    my $self = bless { scheme => $scheme, port => SVB::Ports->take, owner => $$ }, $class;
    -x "$tools/${scheme}_backend" or die "not built: make -f Makefile.apxs tools\n";
    $self->{pid} = open2(my $said, $self->{end}, "$tools/${scheme}_backend", $self->{port},
        $count);
    <$said> // die "no nodes that speak $scheme\n";
    return $self;
}

sub port    { $_[0]{port} }
sub address { my ($self, $i) = @_; return sprintf '127.1.%d.%d', $i / 250, $i % 250 + 1 }

sub url {
    my ($self, $i) = @_;
    return "$self->{scheme}://" . $self->address($i) . ":$self->{port}";
}

sub members {
    my ($self, $count, $words) = @_;
    my $more = defined $words ? " $words" : '';
    return join '', map { 'BalancerMember ' . $self->url($_) . " route=n$_$more\n" }
        0 .. $count - 1;
}

sub DESTROY {
    my ($self) = @_;
    return if $self->{owner} != $$;
    local ($?, $!);
    close $self->{end};
    waitpid $self->{pid}, 0;
    return;
}

1;
