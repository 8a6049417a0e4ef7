package SVB::Cost;

# What a request costs in httpd, in instructions from its first byte to its last, by
# callgrind. One process (prefork) before light nodes that speak AJP; what goes on
# meanwhile, such as probes, is not in it.
#
#   SVB::Cost->missing              # the package that has what it takes, if it is not there
#   my $cost = SVB::Cost->new(members => 64, requests => 200);
#   $cost->of('servoy', 'sticky', members => 16, module => $file);
#
# Front ends are those of SVB::FrontEnd. Loads: sticky, a user who has a session; new, one
# without; launch, a Smart Client's. members: 1, at most those that new was told of.
# module: ours, where it is not the usual one.

use v5.32;
use warnings;

use Cwd qw(abs_path);
use List::Util qw(sum0);
use SVB::FrontEnd;
use SVB::Httpd;
use SVB::LightNodes;
use SVB::Proc;
use SVB::Temp;
use SVB::Users qw($jnlp);

my $least = 20;     # requests until all is as it will be, besides one for each member

my %ask = (
    sticky => sub { [ '/page', 200, ['Cookie: JSESSIONID=0A1B2C3D4E5F60718293A4B5C6D7E8F9.n1'] ] },
    new    => sub { [ '/new', 200, [] ] },
    launch => sub { [ $jnlp, 302, [] ] },
);

sub missing { return SVB::Proc->which('valgrind') ? undef : 'valgrind' }

sub new {
    my ($class, %option) = @_;
    return bless { requests => 200, nodes => SVB::LightNodes->new('ajp', $option{members}),
        %option }, $class;
}

# By the difference of two runs: starting, and first connections, are in both.
sub of {
    my ($self, $name, $load, %option) = @_;
    my $members = $option{members} // 1;
    my $before = $least + $members;
    my @what = ($name, $load, $members, $option{module});
    return ($self->_run(@what, $before + $self->{requests}) - $self->_run(@what, $before))
        / $self->{requests};
}

# Instructions in all of so many requests.
sub _run {
    my ($self, $name, $load, $members, $module, $number) = @_;
    my $dir = SVB::Temp->dir('callgrind');
    chmod 01777, $dir;         # the children are another user's
    local $ENV{SVB_MODULE} = abs_path($module) if $module;
    my $conf = SVB::FrontEnd->conf($name, nodes => $self->{nodes}, members => $members,
        launch => $load eq 'launch');
    my $httpd = SVB::Httpd->new(mpm => 'prefork', processes => 1,
        servoy => $name =~ /^servoy/ ? 1 : 0, modules => [qw(alias rewrite)], log_level => 'warn',
        under => [ qw(valgrind --quiet --vgdb=no --tool=callgrind
            --toggle-collect=ap_process_async_request),
            "--callgrind-out-file=$dir/out.%p", '--trace-children=yes' ],
        conf => "MaxKeepAliveRequests 0\nKeepAliveTimeout 60\n$conf")->start;
    sleep 2 if $load eq 'launch';      # for the first round of probes
    my $client = $httpd->client(timeout => 60, keepalive => 1, cookies => 0);
    my ($target, $status, $headers) = @{ $ask{$load}->() };
    for (1 .. $number) {
        my $r = $client->get($target, headers => $headers);
        $r->status == $status or die "$load: ", $r->status, ' ', $r->error, "\n";
    }
    undef $client;
    $httpd->stop;
    return sum0 map { SVB::Temp->read_file($_) =~ /^(?:summary|totals): (\d+)/m ? $1 : 0 }
        glob "$dir/out.*";
}

1;
