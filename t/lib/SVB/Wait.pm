package SVB::Wait;

# Waiting for something to become true, never for time to pass.
#
#   wait_for(sub { $node->active_sessions == 0 }, 5, 'sessions to end');
#   wait_ok(sub { ... }, 5, 'the node comes back');      # a test of its own
#
# wait_for returns the true value, dies after the timeout (seconds, default 10).
# SVB_PATIENCE=3 multiplies all timeouts of the library, for slow tools.

use v5.32;
use warnings;

use Carp qw(croak);
use Exporter qw(import);
use Time::HiRes qw(sleep time);

our @EXPORT = qw(wait_for wait_ok);
our @EXPORT_OK = qw(patience poll);

# A timeout in seconds, stretched as the environment asks.
sub patience {
    my ($seconds) = @_;
    return $seconds * ($ENV{SVB_PATIENCE} || 1);
}

# The sub's first true value, or its last false one after the timeout.
sub poll {
    my ($condition, $timeout) = @_;
    my $deadline = time + patience($timeout // 10);
    my $pause = 0.01;
    while (1) {
        my $value = $condition->();
        return $value if $value || time >= $deadline;
        sleep $pause;
        $pause = $pause * 1.3 if $pause < 0.1;
    }
}

sub wait_for {
    my ($condition, $timeout, $what) = @_;
    $timeout //= 10;
    my $value = poll($condition, $timeout);
    $value or croak 'gave up after ' . patience($timeout) . ' s waiting for '
        . ($what // 'something');
    return $value;
}

sub wait_ok {
    my ($condition, $timeout, $what) = @_;
    require Test::Builder;
    my $value = poll($condition, $timeout);
    Test::Builder->new->ok($value, $what);
    return $value;
}

1;
