package SVB::Windows;

# Windows of NGClients: WebSockets of users with sessions, which come back as browsers
# let them, a second after they were closed.
#
#   my $windows = SVB::Windows->open($httpd, $fleet, 'servoy1', 12);   # of so many users
#   $windows->list;                # { user, node, ws, text => [...] } each
#   my $closed = $windows->watch(sub { ... }, 5);   # until that is true, 5 s at most:
#                                  # { window, at, code } of each that was closed
#   $windows->come_back(5);        # until all are closed and back: how long each took, from
#                                  # now; ->homes then tells where
#   $windows->homes;               # 'servoy1 servoy2': the nodes they are on
#   $windows->alive;               # how many of them still answer
#   $windows->abort;               # they hang up
#
# Another path than /websocket/1/main/1: path => '/ws/1/main/1' at the end of open.

use v5.32;
use warnings;

use List::Util qw(uniq);
use SVB::Users qw($page);
use SVB::Wait qw(patience);
use Time::HiRes qw(sleep time);

my $pause = 1;

sub open {
    my ($class, $httpd, $fleet, $route, $count, %option) = @_;
    my $self = bless { path => '/websocket/1/main/1', %option }, $class;
    my $direct = $fleet->node($route);
    for (1 .. $count) {
        my $user = $httpd->browser;
        $user->set_cookie(JSESSIONID => $direct->client->get($page)->header('X-Session'));
        push @{ $self->{list} }, { user => $user };
    }
    $self->_connect($_) for $self->list;
    return $self;
}

sub list { @{ $_[0]{list} } }

sub _hello {
    my ($self, $window) = @_;
    $window->{ws} = $window->{user}->websocket($self->{path});
    return $window->{ws}->recv_json(30) // {};
}

sub _connect {
    my ($self, $window) = @_;
    my $hello = $self->_hello($window);
    # A node that does not know the session has the page loaded anew, which begins one.
    if (($hello->{event} // '') eq 'reload') {
        $window->{ws}->abort;
        $window->{user}->get($page);
        $hello = $self->_hello($window);
    }
    $window->{node} = $hello->{node} // 'status ' . $window->{ws}->response->status;
    $window->{opened} = time;
    return;
}

# Those on which something has come, or the end.
sub _readable {
    my ($seconds, @windows) = @_;
    my $bits = '';
    vec($bits, fileno $_->{ws}{exchange}->socket, 1) = 1 for @windows;
    select($bits, undef, undef, $seconds);
    return grep { vec $bits, fileno $_->{ws}{exchange}->socket, 1 } @windows;
}

sub watch {
    my ($self, $until, $timeout) = @_;
    my ($deadline, @closed) = (time + patience($timeout));
    while (!$until->() && time < $deadline) {
        for my $window (_readable(0.02, grep { !$_->{ws}->closed } $self->list)) {
            my $text = $window->{ws}->recv(0.02);
            push @{ $window->{text} }, $text if defined $text;
            next if !$window->{ws}->closed;
            push @closed, { window => $window, at => time, code => $window->{ws}->close_code };
            $window->{ws}->abort;
        }
    }
    return \@closed;
}

sub come_back {
    my ($self, $timeout) = @_;
    my $begun = time;
    my (%closed, %took);
    my $turn = sub {
        for my $window (grep { $closed{$_} && !$took{$_} } $self->list) {
            next if time < $closed{$window} + $pause;
            $self->_connect($window);
            $took{$window} = time - $begun;
        }
        return keys %took == $self->list;
    };
    my $deadline = time + patience($timeout);
    while (!$turn->() && time < $deadline) {
        for my $one (@{ $self->watch(sub { state $n = 0; $n++ % 2 }, 1) }) {
            $closed{ $one->{window} } //= $one->{at};
            push @{ $self->{codes} }, $one->{code} // 'none';
            push @{ $self->{after} }, $one->{at} - $begun;
        }
    }
    return [ sort { $a <=> $b } values %took ];
}

sub homes { my ($self) = @_; return join ' ', sort +uniq map { $_->{node} } $self->list }
sub codes { my ($self) = @_; return join ' ', sort +uniq @{ $self->{codes} // [] } }

# When they were closed, since come_back began.
sub after { my ($self) = @_; return sort { $a <=> $b } @{ $self->{after} // [] } }

sub alive {
    my ($self) = @_;
    return scalar grep { !$_->{ws}->closed && $_->{ws}->ping('there?', 10) } $self->list;
}

sub abort {
    my ($self) = @_;
    $_->{ws}->abort for $self->list;
    return;
}

1;
