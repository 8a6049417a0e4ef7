package SVB::Client;

# An HTTP/1 client, one browser's worth: its own cookies, full control over what
# is sent, nothing done behind the test's back (no redirects unless asked).
#
#   my $c = SVB::Client->new(url => $httpd->url);
#   my $r = $c->get('/servoy-webclient/');                    # SVB::Response
#   $c->head($t); $c->post($t, $body); $c->request(PUT => $t, body => ...);
#   $c->post_form($t, { field => 'value' });                  # as a form's button does
#   SVB::Client->form(field => 'value');                      # that one's body
#   my $pending = $c->start(GET => '/slow?ms=500');           # SVB::Exchange
#   my $ws = $c->websocket('/websocket/1/main/1');            # SVB::WebSocket
#   $c->cookie('JSESSIONID'); $c->set_cookie(name => 'value'); $c->forget_cookies;
#
# new: url; timeout (10 s); keepalive (0); cookies (1; 0 = neither sent nor kept);
#   headers (lines for each request).
# request: headers => ['Name: value', ...] as they stand; body; host (Host header,
#   undef for none); version ('1.1'); timeout; cookies; follow => N redirects.
# A target is a path, sent as it is, or an absolute http URL, of which only the
# port is used to connect: every connection goes to 127.0.0.1.
# Failures do not die: status 0 and ->error (a body cut short: status and ->error).

use v5.32;
use warnings;

use IO::Socket::IP;
use Scalar::Util qw(weaken);
use SVB::Exchange;
use SVB::Jar;
use SVB::Response;
use SVB::Wait qw(patience);
use SVB::WebSocket;

my @open;       # sockets, weak

sub new {
    my ($class, %option) = @_;
    my $self = bless { timeout => 10, keepalive => 0, cookies => 1, headers => [],
        jar => SVB::Jar->new, idle => {}, %option }, $class;
    ($self->{authority}) = ($self->{url} // '') =~ m{^http://([^/]+)}
        or die "SVB::Client needs an http url\n";
    return $self;
}

sub get  { my ($self, $target, %o) = @_; return $self->request(GET => $target, %o) }
sub head { my ($self, $target, %o) = @_; return $self->request(HEAD => $target, %o) }

sub post {
    my ($self, $target, $body, %o) = @_;
    return $self->request(POST => $target, body => $body // '', %o);
}

sub form {
    my ($class, %field) = @_;
    my $encoded = sub { $_[0] =~ s/([^\w.+-])/sprintf '%%%02X', ord $1/ger };
    return join '&', map { "$_=" . $encoded->($field{$_}) } sort keys %field;
}

sub post_form {
    my ($self, $target, $field, %o) = @_;
    my $type = 'Content-Type: application/x-www-form-urlencoded';
    return $self->post($target, $self->form(%$field), %o,
        headers => [ $type, @{ $o{headers} // [] } ]);
}

sub request {
    my ($self, $method, $target, %option) = @_;
    my $response = $self->start($method, $target, %option)->finish;
    my $hops = $option{follow} // 0;
    while ($hops-- > 0 && $response->status =~ /^30[12378]$/
        && defined $response->header('Location')) {
        my ($authority) = $self->_split($target);
        my $location = $response->header('Location');
        $target = $location =~ m{^/} ? "http://$authority$location" : $location;
        my $kept = $method eq 'HEAD' ? 'HEAD' : 'GET';
        $response = $self->start($kept, $target, %option, body => undef)->finish;
    }
    return $response;
}

sub start {
    my ($self, $method, $target, %option) = @_;
    my ($authority, $path) = $self->_split($target);
    my $bytes = $self->_bytes($method, $authority, $path, \%option);
    my $timeout = $option{timeout} // $self->{timeout};
    my $socket = _still_open(delete $self->{idle}{$authority}) // _connect($authority, $timeout);
    my $error = !$socket                             ? "connect to $authority: $@"
              : !_send($socket, $bytes, $timeout)    ? "send to $authority: $!"
              :                                        undef;
    return SVB::Exchange->new(method => $method, socket => $socket, timeout => $timeout,
        error => $error,
        on_head => sub {
            my ($response) = @_;
            $self->{jar}->learn($path, $response->headers('Set-Cookie'))
                if $option{cookies} // $self->{cookies};
        },
        on_end => sub {
            my ($exchange) = @_;
            $self->{idle}{$authority} = $socket if $self->{keepalive} && $exchange->reusable;
        });
}

# Sends bytes as they are and returns all that comes back until the end.
sub raw {
    my ($self, $bytes, $timeout) = @_;
    my $socket = _connect($self->{authority}, $self->{timeout}) or return '';
    _send($socket, $bytes, $self->{timeout});
    my $exchange = SVB::Exchange->new(method => 'RAW', socket => $socket,
        timeout => $self->{timeout});
    return $exchange->drain($timeout);
}

sub websocket {
    my ($self, $target, %option) = @_;
    return SVB::WebSocket->open($self, $target, %option);
}

# Ends all of this program's connections to these ports that are still open.
sub hang_up {
    my ($class, @ports) = @_;
    @open = grep { defined } @open;
    weaken $_ for @open;
    for my $socket (grep { defined fileno $_ } @open) {
        my $port = $socket->peerport // next;
        shutdown $socket, 2 if grep { $_ == $port } @ports;
    }
    return;
}

sub cookie { my ($self, $name) = @_; return $self->{jar}->value($name) }
sub set_cookie { my ($self, $name, $value) = @_; return $self->{jar}->set($name, $value) }
sub forget_cookies { my ($self, $name) = @_; return $self->{jar}->forget($name) }

# Authority and path of a target.
sub _split {
    my ($self, $target) = @_;
    return ($self->{authority}, $target) if $target !~ m{^http://}i;
    my ($authority, $path) = $target =~ m{^http://([^/?#]+)([^#]*)}i;
    return ($authority, $path =~ m{^/} ? $path : "/$path");
}

sub _bytes {
    my ($self, $method, $authority, $path, $option) = @_;
    my $version = $option->{version} // '1.1';
    my @lines = ("$method $path HTTP/$version");
    my $host = exists $option->{host} ? $option->{host} : $authority;
    push @lines, "Host: $host" if defined $host;
    push @lines, @{ $self->{headers} }, @{ $option->{headers} // [] };
    if ($option->{cookies} // $self->{cookies}) {
        my $cookies = $self->{jar}->header($path =~ s/[?;].*//sr, 0);
        push @lines, "Cookie: $cookies" if length $cookies;
    }
    my $body = $option->{body};
    push @lines, 'Content-Length: ' . length $body
        if defined $body && !grep { /^(?:Content-Length|Transfer-Encoding):/i } @lines;
    push @lines, $self->{keepalive} ? 'Connection: keep-alive' : 'Connection: close'
        if !grep { /^Connection:/i } @lines;
    return join("\r\n", @lines, '', '') . ($body // '');
}

sub _connect {
    my ($authority, $timeout) = @_;
    my ($port) = $authority =~ /:(\d+)$/;
    my $socket = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $port // 80,
        Timeout => patience($timeout)) or return undef;
    push @open, $socket;
    weaken $open[-1];
    return $socket;
}

# The socket, unless the other side has closed it.
sub _still_open {
    my ($socket) = @_;
    return undef if !$socket;
    vec(my $bits = '', fileno $socket, 1) = 1;
    return select($bits, undef, undef, 0) ? undef : $socket;
}

sub _send {
    my ($socket, $bytes, $timeout) = @_;
    local $SIG{PIPE} = 'IGNORE';
    my $sent = 0;
    while ($sent < length $bytes) {
        vec(my $bits = '', fileno $socket, 1) = 1;
        select(undef, $bits, undef, patience($timeout)) or return 0;
        $sent += syswrite($socket, $bytes, 65536, $sent) // return 0;
    }
    return 1;
}

1;
