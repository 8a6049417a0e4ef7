package SVB::Proc;

# A child process that does not outlive the program that started it: ended in an
# END block, on INT, TERM and HUP, and by the kernel where the program is killed.
#
#   my $proc = SVB::Proc->spawn(name => 'node', cmd => ['java', ...],
#                               out => $logfile, env => { NAME => 'value' });
#   $proc->alive; $proc->pid; $proc->signal('STOP');
#   $proc->stop;              # TERM, later KILL; the wait status, as $?
#   $proc->kill;              # KILL, the whole process group
#   SVB::Proc->end_all;       # whatever still runs
#   SVB::Proc->freeze($pid);  # STOP, for any process
#   SVB::Proc->children_of($pid);   # pids, now
#   SVB::Proc->which('wrk');        # the file of a program that is installed, or undef
#
# Options: name; cmd; out (file that stdout and stderr are appended to); env
# (undef removes a variable); cwd; death (signal when the program dies: KILL);
# talk (1: its stdin and stdout are the other end of ->socket, `out` is for stderr).

use v5.32;
use warnings;

use IO::Handle;
use POSIX qw(WNOHANG);
use Socket;
use SVB::Temp;      # compiled first, so its END comes after ours
use SVB::Wait qw(poll wait_for);

my $owner = $$;
my %running;        # pid => object
my %prctl = (x86_64 => 157, aarch64 => 167);

for my $name (qw(INT TERM HUP)) {
    $SIG{$name} //= sub { exit 128 + ($name eq 'INT' ? 2 : $name eq 'TERM' ? 15 : 1) };
}

sub which {
    my ($class, $name) = @_;
    return (grep { -x } map { "$_/$name" } split /:/, $ENV{PATH})[0];
}

sub spawn {
    my ($class, %option) = @_;
    my $self = bless { name => 'process', death => 'KILL', %option }, $class;
    my $parent = $$;
    my $other;
    if ($self->{talk}) {
        socketpair $self->{socket}, $other, AF_UNIX, SOCK_STREAM, 0 or die "socketpair: $!\n";
        $self->{socket}->autoflush;
    }
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        $self->_become($parent, $other);
    }
    setpgrp $pid, $pid;     # in both, whoever comes first
    $self->{pid} = $pid;
    $running{$pid} = $self;
    return $self;
}

# In the child; never returns.
sub _become {
    my ($self, $parent, $other) = @_;
    no warnings 'exec';
    setpgrp;
    $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP PIPE);
    my $syscall = $prctl{ (POSIX::uname())[4] };
    if ($syscall) {
        my %number = (KILL => 9, TERM => 15);
        syscall $syscall, 1, $number{ $self->{death} }, 0, 0, 0;
        POSIX::_exit(1) if getppid() != $parent;
    }
    open STDIN, '<', '/dev/null';
    open STDOUT, '>>', $self->{out} // '/dev/null' or POSIX::_exit(126);
    open STDERR, '>&', \*STDOUT;
    if ($other) {
        open STDIN, '<&', $other;
        open STDOUT, '>&', $other;
    }
    my $env = $self->{env} // {};
    for my $name (keys %$env) {
        if (defined $env->{$name}) { $ENV{$name} = $env->{$name} }
        else                       { delete $ENV{$name} }
    }
    if (!defined $self->{cwd} || chdir $self->{cwd}) {
        exec { $self->{cmd}[0] } @{ $self->{cmd} };
    }
    syswrite STDERR, "cannot run $self->{cmd}[0]: $!\n";
    POSIX::_exit(127);
}

sub pid    { $_[0]{pid} }
sub name   { $_[0]{name} }
sub socket { $_[0]{socket} }

sub alive {
    my ($self) = @_;
    if (!defined $self->{status} && waitpid($self->{pid}, WNOHANG) == $self->{pid}) {
        $self->{status} = $?;
        delete $running{ $self->{pid} };
    }
    return !defined $self->{status};
}

# The wait status of a process that has ended.
sub status { $_[0]->alive ? undef : $_[0]{status} }

# To the process alone.
sub signal {
    my ($self, $signal) = @_;
    return $self->alive && CORE::kill($signal, $self->{pid});
}

# Waits for the end: the wait status, or undef after the timeout.
sub wait {
    my ($self, $timeout) = @_;
    local $?;
    poll(sub { !$self->alive }, $timeout);
    return $self->{status};
}

sub stop {
    my ($self, $timeout) = @_;
    local $?;
    $self->signal('TERM');
    $self->signal('CONT');      # a frozen process hears nothing
    my $status = $self->wait($timeout // 10);
    return $self->kill if !defined $status;
    CORE::kill '-KILL', $self->{pid};
    return $status;
}

sub kill {
    my ($self) = @_;
    local $?;
    CORE::kill '-KILL', $self->{pid} if $self->alive;
    return $self->wait(10);
}

# Returns when the last thread stands still: on a busy machine that takes a while.
sub freeze {
    my ($class, $pid) = @_;
    CORE::kill STOP => $pid;
    wait_for(sub {
        !grep { SVB::Temp->read_file($_) =~ /^\d+ \(.*\) [^T]/s } glob "/proc/$pid/task/*/stat"
    }, 10, "process $pid to freeze");
    return;
}

sub children_of {
    my ($class, $parent) = @_;
    my @pids;
    for my $file (glob '/proc/[0-9]*/stat') {
        my ($pid, $ppid) = SVB::Temp->read_file($file) =~ /^(\d+) \(.*\) \S (\d+)/s or next;
        push @pids, $pid if $ppid == $parent;
    }
    return @pids;
}

# Ends all that this program started and that still runs, in parallel.
sub end_all {
    my ($class) = @_;
    return if $$ != $owner;     # a fork's siblings are not its to end
    my @all = values %running;
    $_->{death} eq 'KILL' ? CORE::kill('-KILL', $_->{pid}) : $_->signal('TERM') for @all;
    $_->wait(5) // $_->kill for @all;
    return;
}

END {
    local ($?, $!, $@);
    $SIG{$_} = 'IGNORE' for qw(INT TERM HUP);
    __PACKAGE__->end_all;
}

1;
