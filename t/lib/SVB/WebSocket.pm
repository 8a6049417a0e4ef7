package SVB::WebSocket;

# A WebSocket client (RFC 6455), text frames.
#
#   my $ws = $client->websocket('/websocket/1/main/1', headers => [...]);
#   $ws->response->status;         # 101, or whatever refused it
#   $ws->send('hello');  my $text = $ws->recv;  my $message = $ws->recv_json;
#   $ws->ping('x');                # sends it and waits for the pong: true
#   $ws->close;                    # closing handshake; ->abort just hangs up
#
# recv, ping and close take a timeout in seconds. recv returns undef at the end or
# after the timeout: ->closed tells which. Pings are answered within recv.

use v5.32;
use warnings;

use Digest::SHA qw(sha1_base64);
use JSON::PP ();
use MIME::Base64 qw(encode_base64);

my %opcode = (text => 1, binary => 2, close => 8, ping => 9, pong => 10);

sub open {
    my ($class, $client, $target, %option) = @_;
    my $key = encode_base64(join('', map { chr int rand 256 } 1 .. 16), '');
    my $exchange = $client->start(GET => $target, %option, headers => [
        'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13',
        "Sec-WebSocket-Key: $key", @{ $option{headers} // [] } ]);
    my $response = $exchange->finish;
    my $self = bless { exchange => $exchange, response => $response, buffer => '',
        closed => $response->status != 101 }, $class;
    my $expected = sha1_base64($key . '258EAFA5-E914-47DA-95CA-C5AB0DC85B11') . '=';
    if (!$self->{closed} && ($response->header('Sec-WebSocket-Accept') // '') ne $expected) {
        $response->{error} = 'wrong Sec-WebSocket-Accept';
        $self->abort;
    }
    return $self;
}

sub response { $_[0]{response} }
sub closed   { $_[0]{closed} }

# The status code of the other side's close frame.
sub close_code { $_[0]{close_code} }

sub send {
    my ($self, $text) = @_;
    return $self->_send_frame(text => $text);
}

sub recv {
    my ($self, $timeout) = @_;
    while (my ($code, $data) = $self->_frame($timeout)) {
        return $data if $code == $opcode{text} || $code == $opcode{binary};
    }
    return undef;
}

sub recv_json {
    my ($self, $timeout) = @_;
    my $text = $self->recv($timeout);
    return defined $text ? JSON::PP->new->utf8->decode($text) : undef;
}

sub ping {
    my ($self, $text, $timeout) = @_;
    $self->_send_frame(ping => $text);
    while (my ($code, $data) = $self->_frame($timeout)) {
        return 1 if $code == $opcode{pong} && $data eq $text;
    }
    return 0;
}

sub close {
    my ($self, $timeout) = @_;
    $self->_send_frame(close => pack 'n', 1000);
    1 while $self->_frame($timeout);
    $self->abort;
    return;
}

sub abort {
    my ($self) = @_;
    $self->{closed} = 1;
    $self->{exchange}->abort;
    return;
}

sub _send_frame {
    my ($self, $kind, $data) = @_;
    return 0 if $self->{closed};
    my $length = length $data;
    my $head = $length < 126   ? pack('CC', 0x80 | $opcode{$kind}, 0x80 | $length)
             : $length < 65536 ? pack('CCn', 0x80 | $opcode{$kind}, 0x80 | 126, $length)
             :                   pack('CCQ>', 0x80 | $opcode{$kind}, 0x80 | 127, $length);
    my $mask = pack 'N', int rand 2**32;
    my $masked = $data ^. substr $mask x ($length / 4 + 1), 0, $length;
    my $frame = $head . $mask . $masked;
    local $SIG{PIPE} = 'IGNORE';
    my $sent = 0;
    while ($sent < length $frame) {
        my $done = syswrite $self->{exchange}->socket, $frame, length($frame) - $sent, $sent;
        return 0 if !defined $done;
        $sent += $done;
    }
    return 1;
}

# Opcode and data of the next frame; empty at the end or after the timeout.
sub _frame {
    my ($self, $timeout) = @_;
    return if $self->{closed};
    my ($size, $head) = (undef, 2);
    while (1) {
        if (length $self->{buffer} >= 2) {
            my $short = ord(substr $self->{buffer}, 1, 1) & 0x7f;
            $head = $short == 126 ? 4 : $short == 127 ? 10 : 2;
            $size = $short < 126 ? $short
                  : unpack $short == 126 ? 'n' : 'Q>', substr $self->{buffer}, 2, $head - 2
                if length $self->{buffer} >= $head;
        }
        last if defined $size && length $self->{buffer} >= $head + $size;
        my $more = $self->{exchange}->read_some(65536, $timeout);
        if (!length $more) {
            $self->{closed} = $self->{exchange}->error ne 'timeout';
            $self->{exchange}{error} = undef if !$self->{closed};
            return;
        }
        $self->{buffer} .= $more;
    }
    my $code = ord(substr $self->{buffer}, 0, 1) & 0x0f;
    my $data = substr $self->{buffer}, $head, $size;
    substr $self->{buffer}, 0, $head + $size, '';
    if ($code == $opcode{ping}) {
        $self->_send_frame(pong => $data);
    }
    elsif ($code == $opcode{close}) {
        $self->{close_code} = length $data >= 2 ? unpack 'n', $data : 1005;
        $self->_send_frame(close => $data);
        $self->{closed} = 1;
        return;
    }
    return ($code, $data);
}

1;
