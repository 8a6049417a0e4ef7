package SVB::Fronts;

# Several front ends of one fleet, and a store by which they share what they know.
#
#   my $fronts = SVB::Fronts->start(3, fleet => $fleet);    # fe1, fe2, fe3
#   $fronts->all; $fronts->front('fe2');      # their SVB::Httpds, in the order of names
#   $fronts->store;                           # the SVB::Redis
#   $fronts->users(30);                       # new ones, at each in turn; see SVB::Users
#   $fronts->at($user, 'fe2');                # from now on he comes by that one
#   $fronts->roam($user);                     # ... or by any
#   $fronts->counts('fe2');                   # clients by node, as it counts them:
#                                             # 'servoy1: web 3; servoy2: web 2, smart 1'
#   $fronts->clients('fe2');                  # how many, all in all; ('fe2', 'web'): of those
#   $fronts->equal(2, $name);                 # a test: within 2 s (and what a busy
#                                             # machine needs) all count the same, and
#                                             # so many, where a number is said: 2, $name, 30
#   $fronts->each_says(5, $name, sub { my ($httpd) = @_; ... });     # that is true of each
#   $fronts->add('fe4', key => $other);       # one more; these lines and words are its own
#   $fronts->stranger('fe2', key => $other);    # the same, but none of these: an SVB::Httpd
#   $fronts->kill('fe2');  $fronts->replace('fe2');    # KILL; an empty one in its place
#   $fronts->remove('fe4');                            # stopped, and none of these any more
#   $fronts->together;                        # until each has heard of all others
#   $fronts->is_lost('fe2');                            # the store, as it says
#
# start: fleet; lines (in <Proxy "balancer://servoy">); conf (outside of it); store, or
# port (of the way to it); words (of ServoySharedStore); httpd (a hash: more for
# SVB::Httpd->new). All but fleet may be another one in add: then of that front end alone;
# key (32 hex digits) as well.

use v5.32;
use warnings;

use List::Util qw(sum0);
use SVB::Balancer;
use SVB::Httpd;
use SVB::Redis;
use SVB::Temp;
use SVB::Users ();
use SVB::Wait qw(wait_for poll);
use Test::More ();
use Time::HiRes qw(time);

my $key = '00112233445566778899aabbccddeeff';
# Windowed ones are among the others.
my @clients = qw(web smart);
my @kinds = (@clients, 'windowed');

sub start {
    my ($class, $count, %option) = @_;
    my $self = bless { lines => '', conf => '', words => '', key => $key, httpd => {},
        %option }, $class;
    $self->{store} //= SVB::Redis->start;
    $self->add("fe$_") for 1 .. $count;
    return $self->together;
}

sub store { $_[0]{store} }
sub names { my ($self) = @_; my @names = sort keys %{ $self->{front} }; return @names }
sub all   { my ($self) = @_; return map { $self->{front}{$_} } $self->names }
sub front { my ($self, $name) = @_; return $self->{front}{$name} // die "no front end $name\n" }

# --- their lives ---

sub add {
    my ($self, $name, %own) = @_;
    $self->{own}{$name} = \%own;
    return $self->{front}{$name} = $self->stranger($name, %own);
}

sub stranger {
    my ($self, $name, %own) = @_;
    my %of = (%$self, name => $name, %own);
    return SVB::Httpd->new(redis => 1, threads => 32, %{ $of{httpd} }, conf => _conf(%of))->start;
}

sub _conf {
    my (%of) = @_;
    my $file = SVB::Temp->write_file(SVB::Temp->dir('key') . '/key', "$of{key}\n");
    chmod 0600, $file;
    my $port = $of{port} // $of{store}->port;
    my $members = $of{fleet}->members('http', 'upgrade=websocket');
    return join '', <<"END", proxy('servoy', $members, $of{lines}), <<'END';
ServoySharedStore redis://127.0.0.1:$port $of{words}
ServoySharedKey $file
ServoyFrontEnd $of{name}
Header always set X-How "%{SERVOY_HOW}e"
ProxyPreserveHost On
@{[ manager_location('ServoyManagerActions on') ]}
$of{conf}
END
ProxyPass "/" "balancer://servoy/"
END
}

sub kill { my ($self, $name) = @_; return $self->front($name)->crash }

# One that knows nothing: on other ports, with memory of its own.
sub replace {
    my ($self, $name) = @_;
    $self->kill($name) if $self->front($name)->alive;
    return $self->add($name, %{ $self->{own}{$name} });
}

sub remove {
    my ($self, $name) = @_;
    delete($self->{own}{$name});
    return delete($self->{front}{$name})->stop;
}

sub together {
    my ($self) = @_;
    my $all = $self->names;
    for my $name ($self->names) {
        wait_for(sub {
            my $json = $self->front($name)->manager->json;
            return $json->{store}{state} eq 'connected' && $all == grep { $_->{state} eq 'here' }
                @{ $json->{front_ends} };
        }, 20, "$name to know of all");
    }
    return $self;
}

# --- users ---

sub users {
    my ($self, $count) = @_;
    my @all = $self->all;
    return map { SVB::Users::users($all[ $_ % @all ], 1) } 1 .. $count;
}

# A browser knows a site by its name: its cookies go to each of the front ends.
sub at {
    my ($self, $user, $name) = @_;
    $user->{authority} = $self->front($name)->url =~ s{^http://}{}r;
    return $user;
}

sub roam {
    my ($self, $user) = @_;
    my @names = $self->names;
    return $self->at($user, $names[ rand @names ]);
}

# --- what they know ---

sub fleet_of { my ($self, $name) = @_; return $self->front($name)->manager->fleet('servoy') }

sub _counts_of {
    my ($fleet) = @_;
    return join '; ', map {
        my $node = $_;
        "$node->{route}: " . join ', ', map { "$_ $node->{clients}{$_}" }
            grep { $node->{clients}{$_} } @kinds
    } @{ $fleet->{nodes} };
}

sub counts { my ($self, $name) = @_; return _counts_of($self->fleet_of($name)) }

sub clients {
    my ($self, $name, @of) = @_;
    my $fleet = $self->fleet_of($name);
    return sum0 map { my $node = $_; map { $node->{clients}{$_} // 0 } @of ? @of : @clients }
        @{ $fleet->{nodes} };
}

sub equal {
    my ($self, $seconds, $text, $number) = @_;
    my $begun = time;
    my %is;
    my $ok = poll(sub {
        %is = map { $_ => $self->counts($_) } $self->names;
        my @different = keys %{ { reverse %is } };
        return @different == 1
            && (!defined $number || $number == sum0 $different[0] =~ / (?:web|smart) (\d+)/g);
    }, 4 * $seconds + 4);
    Test::More::note(sprintf '%s: after %.2f s', $text, time - $begun);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return Test::More::ok($ok, $text)
        || Test::More::diag(map { "$_: $is{$_}\n" } sort keys %is);
}

sub each_says {
    my ($self, $seconds, $text, $what) = @_;
    my @not;
    my $ok = poll(sub {
        @not = grep { !$what->($self->front($_)) } $self->names;
        return !@not;
    }, 4 * $seconds + 4);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return Test::More::ok($ok, $text) || Test::More::diag("not: @not");
}

sub is_lost {
    my ($self, $name) = @_;
    return $self->front($name)->manager->json->{store}{state} eq 'lost';
}

1;
