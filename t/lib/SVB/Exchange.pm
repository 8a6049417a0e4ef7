package SVB::Exchange;

# One HTTP request under way: sent, its answer not read yet.
#
#   my $pending = $client->start(GET => '/slow?ms=2000');
#   my $r = $pending->head;         # SVB::Response without a body, when that came
#   my $r = $pending->finish;       # the whole SVB::Response
#   $pending->abort;                # closes the connection
#
# Both take a timeout in seconds (default: the client's). SVB::Client makes these.

use v5.32;
use warnings;

use SVB::Response;
use SVB::Wait qw(patience);
use Time::HiRes qw(time);

sub new {
    my ($class, %field) = @_;
    return bless { buffer => '', started => time, interim => [], %field }, $class;
}

sub socket { $_[0]{socket} }

# 1xx answers that came before, as SVB::Response.
sub interim { @{ $_[0]{interim} } }

# The next bytes of a connection that changed its protocol: at least one, at most
# $max; '' at its end or after the timeout (then ->error says so).
sub read_some {
    my ($self, $max, $timeout) = @_;
    $self->_deadline($timeout);
    $self->_fill if !length $self->{buffer};
    return substr $self->{buffer}, 0, $max, '';
}

# All bytes until the other side closes or the timeout.
sub drain {
    my ($self, $timeout) = @_;
    $self->_deadline($timeout);
    1 while $self->_fill;
    return $self->{buffer};
}

sub error { $_[0]{error} // '' }

# Whether the connection can carry another request.
sub reusable { $_[0]{reusable} }

sub abort {
    my ($self) = @_;
    close $self->{socket} if $self->{socket};
    $self->{reusable} = 0;
    return;
}

sub head {
    my ($self, $timeout) = @_;
    return $self->{response} if $self->{response};
    $self->_deadline($timeout);
    while (1) {
        if ($self->{buffer} =~ s/^(.*?\r?\n)\r?\n//s) {
            my $response = SVB::Response->parse($1);
            if ($response->status =~ /^1/ && $response->status != 101) {
                push @{ $self->{interim} }, $response;
                next;
            }
            $self->{on_head}->($response) if $self->{on_head};
            return $self->{response} = $response;
        }
        $self->_fill or return $self->_fail;
    }
}

sub finish {
    my ($self, $timeout) = @_;
    my $response = $self->head($timeout);
    return $response if $self->{finished}++ || $response->error || $response->status == 101;
    $self->_deadline($timeout);
    my $whole = $self->_read_body($response);
    $response->{error} ||= $self->{error} || 'body cut short' if !$whole;
    $response->{seconds} = time - $self->{started};
    $self->{reusable} = $whole && $whole ne 'eof' && $response->version >= 1.1
        && ($response->header('Connection') // '') !~ /close/i;
    $self->{on_end}->($self) if $self->{on_end};
    return $response;
}

sub _fail {
    my ($self) = @_;
    my $seconds = time - $self->{started};
    my $error = $self->{error}
        || (length $self->{buffer} ? 'head cut short' : 'closed without an answer');
    return $self->{response} = SVB::Response->new(error => $error, head => $self->{buffer},
        seconds => $seconds);
}

sub _read_body {
    my ($self, $response) = @_;
    return 1 if $self->{method} eq 'HEAD' || $response->status =~ /^(?:204|304)$/;
    if (($response->header('Transfer-Encoding') // '') =~ /chunked/i) {
        return $self->_read_chunks($response);
    }
    my ($length) = $response->headers('Content-Length');
    if (defined $length) {
        while (length $self->{buffer} < $length) {
            last if !$self->_fill;
        }
        $response->{body} = substr $self->{buffer}, 0, $length, '';
        return length $response->{body} == $length;
    }
    1 while $self->_fill;
    $response->{body} = $self->{buffer};
    $self->{buffer} = '';
    return $self->{error} ? 0 : 'eof';
}

sub _read_chunks {
    my ($self, $response) = @_;
    while (1) {
        my ($line, $digits);
        until (($line, $digits) = $self->{buffer} =~ /^(([0-9a-fA-F]+)[^\n]*\r\n)/) {
            $self->_fill or return 0;
        }
        my ($start, $size) = (length $line, hex $digits);
        if (!$size) {
            while ($self->{buffer} !~ s/^[0-9a-fA-F]+[^\n]*\r\n(?:[^\r\n]+\r\n)*\r\n//) {
                $self->_fill or return 0;
            }
            return 1;
        }
        while (length $self->{buffer} < $start + $size + 2) {
            if (!$self->_fill) {
                $response->{body} .= substr $self->{buffer}, $start;
                return 0;
            }
        }
        $response->{body} .= substr $self->{buffer}, $start, $size;
        substr $self->{buffer}, 0, $start + $size + 2, '';
    }
}

sub _deadline {
    my ($self, $timeout) = @_;
    $self->{deadline} = time + patience($timeout // $self->{timeout});
    return;
}

# Reads some more; false at the end, then {error} says what went wrong if anything.
sub _fill {
    my ($self) = @_;
    return 0 if $self->{error} || $self->{ended};
    my $left = $self->{deadline} - time;
    vec(my $bits = '', fileno $self->{socket}, 1) = 1;
    if ($left <= 0 || !select $bits, undef, undef, $left) {
        $self->{error} = 'timeout';
        return 0;
    }
    my $got = sysread $self->{socket}, $self->{buffer}, 65536, length $self->{buffer};
    $self->{error} = "$!" if !defined $got;
    $self->{ended} = 1 if !$got;
    return $got;
}

1;
