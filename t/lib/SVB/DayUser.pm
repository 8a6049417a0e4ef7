package SVB::DayUser;

# One user of an SVB::Day: a Web Client or an NGClient, what it does, and what it
# expects of it. What is not as expected is noted with the day as odd.
#
#   my $user = SVB::DayUser->new($day, ng => 1)->arrive('oauth');   # 'page', 'form'
#   $user->visit;                 # its page once more, in its session, at its node
#   $user->login; $user->logout;  # another session id; none
#   $user->open_window;           # 'open', or 'reload' where the session is dead
#   $user->close_one; $user->close_all; $user->hang_up;
#   $user->break_off;             # its windows are gone; it was not told why
#   $user->reconnect;             # as a browser does: reload where it is told to
#   $user->come_back;             # to its page, with the id of a session that has ended
#   $user->leave;                 # as its kind does
#   $user->is_at_work; $user->is_gone; $user->lives; $user->is_windowed;
#   $user->is_proven;             # its window has been open for long enough to count
#
# Whoever has closed all windows does nothing until the node has ended the session. What
# the front end cannot know nobody does: close the only window before it is_proven (to the
# node that was an NGClient, here it stays a web client until its session timeout), or go
# on in the same window after a login (here that is the window of the id of before).
#
# A user with {quiet} is not heard of again, but for windows that are open; one with
# {visitor} is a robot.

use v5.32;
use warnings;

use SVB::Users qw($page);
use Time::HiRes qw(time);

# So long a WebSocket has to be open to be what its client lives by, and a bit.
my $proof = 5.1;

sub new {
    my ($class, $day, %option) = @_;
    my $self = bless { day => $day, home => 'new', session => 0, count => 0, quiet => 0,
        windows => [], windowed => 0, opened => 0, client => $day->httpd->browser, %option },
        $class;
    $self->{page} //= $self->{ng} ? '/solutions/crm/index.html' : $page;
    return $self;
}

sub name {
    my ($self) = @_;
    return "user $self->{number} (" . ($self->{ng} ? 'NGClient' : 'Web Client')
        . ", $self->{home})";
}

sub odd { my ($self, $what) = @_; return $self->{day}->odd($self->name . ": $what") }

# --- sessions ---

sub lives {
    my ($self) = @_;
    return $self->{session} && ($self->open_windows
        || time < ($self->{over} // $self->{seen} + $self->{day}->session_seconds));
}

sub is_at_work { my ($self) = @_; return $self->{session} && !$self->{quiet} && !$self->{over} }
sub is_gone    { my ($self) = @_; return $self->{over} && time > $self->{over} + 2 }

# The session begins here, or is another one than before.
sub _begins {
    my ($self) = @_;
    $self->break_off;
    delete $self->{over};
    @{$self}{qw(windowed opened)} = (0, 0);
    return;
}

sub ends {
    my ($self) = @_;
    $self->_begins;
    $self->{session} = 0;
    return $self;
}

# May the session have timed out, on a machine that is slow?
sub _is_sure {
    my ($self) = @_;
    return $self->open_windows
        || !$self->{over} && time < $self->{seen} + $self->{day}->session_seconds - 2;
}

# A page of the user's: where its session is from now on.
sub visit {
    my ($self, $path, $method, @body) = @_;
    my $is_sure = $self->{session} && $self->_is_sure;
    my $asked = time;
    my $r = $self->{client}->request($method // 'GET', $path // $self->{page}, @body);
    my $node = $r->node // 'no node';
    my $count = $r->header('X-Count') // 0;
    if ($r->status !~ /^(?:200|302)$/ || !$count) {
        $self->odd('status ' . $r->status . " on $node, " . $r->error);
        return $r;
    }
    my $goes_on = $self->{session} && $node eq $self->{home} && $count == $self->{count} + 1;
    $self->odd("is on $node, request $count, not $self->{count} + 1; $self->{cookie}"
        . sprintf(', seen %.1f s ago', $asked - $self->{seen})) if $is_sure && !$goes_on;
    $self->odd("is on $node, request $count of a new session") if !$goes_on && $count != 1;
    $self->_begins if !$goes_on;
    @{$self}{qw(home count session seen cookie)} = ($node, $count, 1, $asked,
        $self->{client}->cookie('JSESSIONID'));
    return $r;
}

sub arrive {
    my ($self, $way) = @_;
    my %ways = (form => \&_by_form, oauth => \&_by_oauth);
    $self->{way} = $way // 'page';
    ($ways{ $self->{way} } // \&visit)->($self);
    $self->open_window if $self->{ng} && $self->{session};
    return $self;
}

# The node that has sent the form gets it back, whoever comes meanwhile.
sub _by_form {
    my ($self) = @_;
    $self->{page} = '/solution/secure/index.html';
    my $form = $self->{client}->get($self->{page});
    $self->odd('form: ' . $form->status) if $form->body !~ /<form/;
    $self->{day}->traffic->others;
    $self->visit($self->{page}, 'POST', body => 'username=a');
    $self->_same_as($form);
    return;
}

sub _by_oauth {
    my ($self) = @_;
    $self->{page} = '/solution/crm/index.html';
    my $start = $self->{client}->get('/oauth/start?solution=crm');
    my ($state) = ($start->header('Location') // '') =~ /[?&]state=(\w+)/;
    $self->{day}->traffic->others;
    $self->visit('/oauth/callback?state=' . ($state // ''));
    $self->_same_as($start);
    $self->visit if $self->{session};
    return;
}

sub _same_as {
    my ($self, $r) = @_;
    $self->odd('began a login on ' . ($r->node // 'no node')) if $self->{home} ne $r->node // '';
    return;
}

# Where it has windows, its page is replaced by another, with a window of its own.
sub login {
    my ($self) = @_;
    my $before = $self->{cookie};
    $self->visit('/login');
    $self->odd('no new id at the login') if $self->{cookie} eq $before;
    if (my @before = $self->open_windows) {
        $_->close(10) for @before;
        $self->{opened} = 0;
        $self->open_window;
    }
    return;
}

sub logout {
    my ($self) = @_;
    my $r = $self->{client}->get('/logout');
    $self->odd('logout on ' . ($r->node // 'no node'))
        if ($r->node // '') ne $self->{home} || defined $self->{client}->cookie('JSESSIONID');
    $self->{day}->traffic->has_died($self->{cookie});
    $_->close(10) for $self->open_windows;
    return $self->ends;
}

# A form that was got with an id of before is posted: that the session is dead shows only
# then.
sub come_back {
    my ($self) = @_;
    return $self->ends->arrive($self->{way});
}

sub leave {
    my ($self) = @_;
    return $self->logout if !$self->open_windows;
    $self->{number} % 2 ? $self->close_all : $self->hang_up;
    return $self;
}

# --- windows ---

sub open_windows { my ($self) = @_; return grep { !$_->closed } @{ $self->{windows} } }

sub is_windowed { return $_[0]{windowed} }

sub is_proven {
    my ($self) = @_;
    return $self->open_windows && time > $self->{opened} + $proof;
}

sub open_window {
    my ($self) = @_;
    my $number = ++$self->{window_number};
    my $ws = $self->{client}->websocket("/websocket/$self->{number}/main/$number");
    my $hello = $ws->recv_json(30) // {};
    my ($event, $node) = ($hello->{event} // 'nothing', $hello->{node} // 'no node');
    if ($event eq 'reload') {
        $ws->recv(10);
        $self->odd("a dead session's window: " . ($ws->close_code // 'not closed'))
            if ($ws->close_code // 0) != 1003;
        return $event;
    }
    if ($event ne 'open' || $node ne $self->{home}) {
        $self->odd('WebSocket ' . $ws->response->status . ", $event on $node");
        $ws->abort;
        return 'nothing';
    }
    $self->{opened} = time if !$self->open_windows || !$self->{opened};
    push @{ $self->{windows} }, $ws;
    delete $self->{over};
    $self->{windowed} = 1;
    return $event;
}

# The node ends the session so long after the last one, with the id that it had.
sub _without_windows {
    my ($self) = @_;
    return if $self->open_windows || !$self->{session};
    $self->{over} = time + $self->{day}->window_seconds;
    $self->{windows} = [];
    $self->{day}->traffic->has_died($self->{cookie}, $self->{over});
    return;
}

sub close_one {
    my ($self) = @_;
    my ($ws) = ($self->open_windows)[-1];
    $ws->close(10) if $ws;
    $self->_without_windows;
    return;
}

sub close_all {
    my ($self) = @_;
    $_->close(10) for $self->open_windows;
    $self->_without_windows;
    return;
}

sub hang_up {
    my ($self) = @_;
    $self->break_off;
    $self->_without_windows;
    return;
}

sub break_off {
    my ($self) = @_;
    $_->abort for @{ $self->{windows} };
    $self->{windows} = [];
    $self->{broken} = time;
    return;
}

# The session may have ended only if its time was up. Where the user is not at home
# any more it has.
sub reconnect {
    my ($self) = @_;
    my $is_in_time = $self->{session}
        && time < $self->{broken} + $self->{day}->window_seconds - 1;
    return if $self->open_window eq 'open';
    $self->odd('had to reload') if $is_in_time;
    $self->come_back;
    return;
}

1;
