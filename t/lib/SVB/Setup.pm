package SVB::Setup;

# One way to put a balancer to use, as its users see it: by a port, under a prefix.
#
#   my $setup = SVB::Setup->new(name => 'prefix', httpd => $httpd, port => 4,
#       prefix => '/app');
#   my $user = $setup->browser;           # an SVB::Client that knows its prefix
#   my $r = $setup->visit($user);         # a page; $setup->visit($user, '/echo')
#   $setup->served('servoy2')             # 'servoy2 route': node and reason for a
#                                         # request with an id that no node knows
#   $setup->spread(8)                     # new users: { servoy1 => 4, servoy2 => 4 }
#   $setup->always('servoy1', 'servoy1 route', $name)    # in every child (a test)
#   $setup->check_stay_and_spread         # what each of them has to do (tests)

use v5.32;
use warnings;

use SVB::Users;
use Test::More ();

sub new {
    my ($class, %option) = @_;
    return bless { port => 0, prefix => '', %option }, $class;
}

sub name { $_[0]{name} }
sub port { $_[0]{port} }

sub browser {
    my ($self, %option) = @_;
    return $self->{httpd}->browser(url => $self->{httpd}->url($self->{port}), %option);
}

sub visit {
    my ($self, $user, $path, %option) = @_;
    return $user->get($self->{prefix} . ($path // $page), %option);
}

sub served {
    my ($self, $route) = @_;
    my $cookie = 'Cookie: JSESSIONID=' . fresh_id($route);
    return how($self->visit($self->browser(cookies => 0), '/echo', headers => [$cookie]));
}

sub spread {
    my ($self, $count) = @_;
    my %on;
    $on{ $self->visit($self->browser)->node // 'none' }++ for 1 .. $count;
    return \%on;
}

# So many requests that each child will have had some.
sub always {
    my ($self, $route, $wanted, $name) = @_;
    my %got;
    $got{ $self->served($route) }++ for 1 .. 16;
    my ($bad) = grep { ref $wanted ? !/$wanted/ : $_ ne $wanted } keys %got;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    Test::More::is($bad, undef, $name);
    return;
}

# New users spread, users stay, by cookie or in the path.
sub check_stay_and_spread {
    my ($self) = @_;
    my @users = map { $self->browser(keepalive => $_ % 2) } 1 .. 6;
    my (%on, %how);
    for my $user (@users) {
        my $r = $self->visit($user);
        Test::More::is($r->status, 200, 'a new user') or return;
        $user->{home} = $r->node;
        $on{ $r->node }++;
        $how{ $r->header('X-How') }++;
    }
    Test::More::is_deeply(\%on, { servoy1 => 3, servoy2 => 3 }, 'new users are spread');
    Test::More::is_deeply(\%how, { elected => 6 }, 'by elections of ours');
    $self->_check_stay(@users);
    for my $user (map { $self->browser(cookies => 0) } 1 .. 2) {
        my $r = $self->visit($user);
        my ($link) = $r->body =~ /href="(\Q$page\E;jsessionid=[^"]+)"/;
        Test::More::is($self->visit($user, $link)->header('X-Count'), 2,
            'without cookies as well: ' . $r->node);
    }
    return;
}

sub _check_stay {
    my ($self, @users) = @_;
    my ($wrong, %how) = (0);
    for my $count (2 .. 6) {
        for my $user (@users) {
            my $r = $count % 3 ? $self->visit($user) : $user->post("$self->{prefix}$page", 'a=b');
            $wrong++ if ($r->node // '') ne $user->{home} || ($r->header('X-Count') // 0) != $count;
            $how{ $r->header('X-How') =~ s/^known$/route/r }++;
        }
    }
    Test::More::is($wrong, 0, 'users stay');
    Test::More::is_deeply(\%how, { route => 30 }, 'because of their sessions');
    return;
}

1;
