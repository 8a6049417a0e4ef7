package SVB::PageDesk;

# Two nodes, a front end with a manager whose actions are on, and a browser that looks at
# its page.
#
#   my $desk = SVB::PageDesk->start;
#   $desk->fleet; $desk->httpd; $desk->manager; $desk->browser;
#   $desk->page('?sort=users', width => 390);    # an SVB::ManagerPage
#   $desk->calm;                    # all as it was configured, and nobody there
#   my @users = $desk->come($page, 3);           # to servoy1, until the page has them
#   word($page->look, 'servoy1')    # 'ready', as the page says
#
# The manager at /quiet-manager has no actions.

use v5.32;
use warnings;

use Exporter qw(import);
use SVB::Balancer;
use SVB::Browser;
use SVB::Fleet;
use SVB::Httpd;
use SVB::ManagerPage;
use SVB::Users ();

our @EXPORT = qw(word);

sub start {
    my ($class, @lines) = @_;
    my $fleet = SVB::Fleet->start(2);
    my $httpd = SVB::Httpd->new(conf => join '', manager_location('ServoyManagerActions on'),
        "ServoyPersist off\n", balancer('servoy', $fleet->members('ajp'), 'ServoyCatchUp off',
        'ProxyPass "/" "balancer://servoy/"', @lines), <<'END')->start;
<Location "/quiet-manager">
SetHandler servoy-manager
Require local
</Location>
END
    return bless { fleet => $fleet, httpd => $httpd, browser => SVB::Browser->start }, $class;
}

sub fleet   { $_[0]{fleet} }
sub httpd   { $_[0]{httpd} }
sub browser { $_[0]{browser} }
sub manager { $_[0]{httpd}->manager }

sub page {
    my ($self, @more) = @_;
    return SVB::ManagerPage->open($self->{browser}, $self->{httpd}, @more);
}

sub word { my ($is, $route) = @_; return $is->{rows}{$route}{state} =~ s/^\S+ //r }

sub act { my ($self, @more) = @_; return $self->manager->act('servoy', @more) }

sub calm {
    my ($self) = @_;
    $self->{fleet}->calm;
    for my $route (qw(servoy1 servoy2)) {
        $self->act($route, $_) for qw(enable forget reset);
        $self->act($route, 'loadfactor', value => 1);
    }
    return;
}

sub come {
    my ($self, $page, $count) = @_;
    my @users;
    my $one = $self->{fleet}->node('servoy1');
    for (1 .. $count) {
        my $user = $self->{httpd}->browser;
        $user->set_cookie(JSESSIONID => $one->client->get($SVB::Users::page)->header('X-Session'));
        $user->get($SVB::Users::page);
        push @users, $user;
    }
    my $all = $self->manager->node('servoy', 'servoy1')->{clients}{web};
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    $page->shows("users: $all", sub { $_->{rows}{servoy1}{users} =~ /^$all\b/ });
    return @users;
}

sub stop {
    my ($self) = @_;
    $_->stop for @$self{qw(browser httpd fleet)};
    return;
}

1;
