package SVB::Chromium;

# A real browser without a screen, spoken to by the DevTools protocol: a window with a
# profile of its own, which is gone when the program ends.
#
#   my $browser = SVB::Chromium->start;     # or undef: there is no chromium here
#   $browser->open($url);                   # and wait until it is loaded
#   $browser->js('document.title');         # what an expression comes to
#   $browser->wait_js($expression, $seconds)   # until it is true; whether it was
#   $browser->stop;

use v5.32;
use warnings;

use JSON::PP ();
use SVB::Client;
use SVB::Ports;
use SVB::Proc;
use SVB::Temp;
use SVB::Wait qw(poll wait_for);

sub start {
    my ($class) = @_;
    my $program = SVB::Proc->which('chromium') // return undef;
    my $dir = SVB::Temp->dir('chromium');
    my $port = SVB::Ports->take;
    my $self = bless { id => 0 }, $class;
    $self->{proc} = SVB::Proc->spawn(name => 'chromium', out => "$dir/log", env => { HOME => $dir },
        cmd => [ $program, '--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage',
            '--disable-background-networking', '--no-first-run', '--no-proxy-server',
            "--user-data-dir=$dir/profile", "--remote-debugging-port=$port", 'about:blank' ]);
    my $tools = SVB::Client->new(url => "http://127.0.0.1:$port");
    my $page;
    wait_for(sub {
        my $list = eval { $tools->get('/json')->json } // return 0;
        ($page) = grep { $_->{type} eq 'page' } @$list;
        return defined $page;
    }, 30, 'chromium to come up');
    $self->{socket} = $tools->websocket($page->{webSocketDebuggerUrl} =~ s{^ws://[^/]+}{}r);
    return $self;
}

# A command of the protocol, and its answer; events on the way are nothing to us.
sub _ask {
    my ($self, $method, %params) = @_;
    my $id = ++$self->{id};
    $self->{socket}->send(JSON::PP->new->utf8->encode(
        { id => $id, method => $method, params => \%params }));
    while (my $message = $self->{socket}->recv_json(30)) {
        next if ($message->{id} // 0) != $id;
        die "chromium: $method: $message->{error}{message}\n" if $message->{error};
        return $message->{result};
    }
    die "chromium: no answer to $method\n";
}

sub open {
    my ($self, $url) = @_;
    my $result = $self->_ask('Page.navigate', url => $url);
    die "chromium: $url: $result->{errorText}\n" if $result->{errorText};
    $self->wait_js('document.readyState === "complete" && location.href !== "about:blank"', 30)
        or die "chromium: $url is not loaded\n";
    return;
}

sub js {
    my ($self, $expression) = @_;
    my $result = $self->_ask('Runtime.evaluate', expression => $expression,
        returnByValue => JSON::PP::true);
    die "chromium: $expression: $result->{exceptionDetails}{text}\n" if $result->{exceptionDetails};
    return $result->{result}{value};
}

# While a page is loaded there may be nothing to ask.
sub wait_js {
    my ($self, $expression, $seconds) = @_;
    return poll(sub { eval { $self->js($expression) } }, $seconds);
}

sub stop {
    my ($self) = @_;
    $self->{socket}->abort;
    $self->{proc}->stop;
    return;
}

1;
