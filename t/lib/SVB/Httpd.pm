package SVB::Httpd;

# A real httpd with a ServerRoot of its own on 127.0.0.1.
#
#   my $httpd = SVB::Httpd->new(mpm => 'worker', conf => $fleet->conf)->start;
#   $httpd->url; $httpd->port; $httpd->client;     # an SVB::Client to it
#   $httpd->browser;                               # one with time (30 s)
#   $httpd->manager; $httpd->balancer_manager;     # SVB::Manager, SVB::BalancerManager
#   my ($code, $output) = $httpd->configtest;      # httpd -t; no start needed
#   my $output = $httpd->start_fails;              # must refuse to start
#   $httpd->wait_log(qr/SVB0001/, 5);              # the first match, or dies
#   $httpd->error_log; $httpd->access_log; $httpd->mark;   # texts since ->mark
#   $httpd->graceful; $httpd->restart; $httpd->reconfigure($conf);
#   $httpd->reload; $httpd->reload($conf);         # until only new children answer
#   $httpd->nodes('servoy');                       # of a fleet, by route, as the
#                                                  # manager at /servoy-manager has them
#   $httpd->stop; $httpd->kill; $httpd->crash; $httpd->pid; $httpd->children (pids)
#   $httpd->load_lines;                            # its LoadModule lines, ours last
#
# new:
#   conf          text, or sub { my ($httpd) = @_; text }, at the end of the
#                 configuration. @PORT@, @PORT1@ …, @TLS_PORT@, @ROOT@, @CERT@ and
#                 @KEY@ in it are replaced. Before module loading: `preamble`.
#   mpm           event (default, or SVB_MPM), worker, prefork
#   modules       more modules than the usual ones, as in ['rewrite', 'status']
#   without       modules to leave out
#   servoy        0: without our module, which is SVB_MODULE or the one in .build
#                 (SVB_SANITIZE=1: .build/san)
#   redis         1: with mod_servoy_redis as well
#   log_level     'info', 'info servoy_balancer:trace4'
#   ports         how many ports to listen on (1): ->port(0), ->port(1)
#   tls           1: mod_ssl, a certificate for localhost and a port for it
#                 (->tls_port); the <VirtualHost *:@TLS_PORT@> is conf's business
#   authority     the SVB::Authority that issues that certificate, else one that
#                 nobody knows
#   processes     children (2, a fixed number; prefork: 8, up to 64)
#   threads       per child (16)
#   env           hash of environment variables
#   under         the words of a command that runs it, as in ['valgrind', '--quiet']
#   expect        qr// of error log lines that are no reason to fail
#
# stop, or the program's end, fails the test when a child crashed, an assertion or
# a sanitizer (SVB_SANITIZE=1) complained, or httpd itself ended badly.

use v5.32;
use warnings;

use SVB::Authority;
use SVB::BalancerManager;
use SVB::Client;
use SVB::HttpdConf;
use SVB::Manager;
use SVB::Ports;
use SVB::Proc;
use SVB::Temp;
use SVB::Wait qw(wait_for wait_ok poll);

my $owner = $$;
my @started;
my $failed = 0;

my $complaint = join '|', 'exit signal', 'seg fault', '(?:Address|Leak|Thread)Sanitizer',
    ': runtime error: ', 'Assertion .* failed', 'file \S+, line \d+, assertion ';

sub new {
    my ($class, %option) = @_;
    my $self = bless { mpm => $ENV{SVB_MPM} || 'event', conf => '', preamble => '', modules => [],
        without => [], servoy => 1, log_level => 'info', ports => 1, threads => 16, env => {},
        mark => { error => 0, access => 0 }, %option }, $class;
    $self->{processes} //= $self->{mpm} eq 'prefork' ? 8 : 2;
    $self->{port} = [ map { SVB::Ports->take } 1 .. $self->{ports} ];
    my $root = $self->{root} = SVB::Temp->dir('httpd');
    mkdir "$root/$_" for qw(conf logs run htdocs sanitizer);
    chmod 01777, "$root/sanitizer";
    if ($self->{tls}) {
        $self->{tls_port} = SVB::Ports->take;
        ($self->{authority} // SVB::Authority->new)->issue("$root/conf");
    }
    return $self;
}

sub root     { $_[0]{root} }
sub port     { $_[0]{port}[ $_[1] // 0 ] }
sub tls_port { $_[0]{tls_port} }
sub url      { 'http://127.0.0.1:' . $_[0]->port($_[1]) }
sub pid      { $_[0]{proc} && $_[0]{proc}->pid }
sub alive    { $_[0]{proc} && $_[0]{proc}->alive }

sub client {
    my ($self, %option) = @_;
    return SVB::Client->new(url => $self->url, %option);
}

sub browser { my ($self, %option) = @_; return $self->client(timeout => 30, %option) }

sub manager          { SVB::Manager->new($_[0]) }
sub balancer_manager { SVB::BalancerManager->new($_[0]) }

sub nodes {
    my ($self, $fleet) = @_;
    return { map { $_->{route} => $_ } $self->manager->nodes($fleet) };
}

# --- its life ---

sub start {
    my ($self) = @_;
    my $before = $self->_starts;
    $self->_spawn;
    my $up = eval {
        wait_for(sub {
            die $self->_ended if !$self->alive;
            return $self->_starts > $before;
        }, 30, 'its start');
    };
    $up or die "httpd did not start: $@" . $self->output . $self->log_tail;
    return $self;
}

# How it ended, for a message; nothing is left to say at its stop.
sub _ended {
    my ($self) = @_;
    $self->{stopped} = 1;
    my $status = $self->{proc}->status;
    my ($signal, $code) = ($status & 127, $status >> 8);
    return $signal ? "it was ended by signal $signal\n" : "it ended with exit code $code\n";
}

# The same with a configuration that must be refused: what it said.
sub start_fails {
    my ($self) = @_;
    $self->_spawn;
    my $status = $self->{proc}->wait(30);
    if (!$status) {
        $self->{proc}->kill;
        die "httpd started, or ended well:\n" . $self->log_tail;
    }
    $self->{refused} = 1;
    return $self->output . $self->_whole_error_log;
}

# Exit code and output of httpd -t, with another `conf` where one is given.
sub configtest {
    my ($self, $conf) = @_;
    local $self->{conf} = $conf // $self->{conf};
    my $file = SVB::HttpdConf->write($self, 'configtest.conf');
    my $out = "$self->{root}/logs/configtest";
    unlink $out;
    my $proc = SVB::Proc->spawn(name => 'configtest', out => $out, env => $self->_environment,
        cmd => [ SVB::HttpdConf->program, '-t', '-f', $file ]);
    my $status = $proc->wait(30) // $proc->kill;
    return ($status >> 8 || $status, SVB::Temp->read_file($out));
}

sub graceful { my ($self) = @_; return $self->_again('USR1') }
sub restart  { my ($self) = @_; return $self->_again('HUP') }

# Another `conf`, made effective by a graceful restart.
sub reconfigure {
    my ($self, $conf) = @_;
    $self->{conf} = $conf;
    SVB::HttpdConf->write($self, 'httpd.conf');
    return $self->graceful;
}

# A graceful restart that is over: no child of before can answer any more.
sub reload {
    my ($self, $conf) = @_;
    my %old = map { $_ => 1 } $self->children;
    defined $conf ? $self->reconfigure($conf) : $self->graceful;
    wait_for(sub { !grep { $old{$_} } $self->children }, 20, 'the old children to end');
    return $self;
}

sub _again {
    my ($self, $signal) = @_;
    my $before = $self->_starts;
    my @old = $self->children;
    $self->{proc}->signal($signal);
    my $up = eval {
        wait_for(sub {
            die $self->_ended if !$self->alive;
            return $self->_starts > $before;
        }, 30, 'its restart');
    };
    $up or die "httpd did not restart: $@" . $self->output . $self->log_tail;
    # on a busy machine an old child may still be about to take a request
    poll(sub { !grep { $self->_listens($_) } @old }, 10);
    return $self;
}

sub stop {
    my ($self) = @_;
    return if !$self->{proc} || $self->{stopped}++;
    # a tunnel of ours that is still open would keep a child waiting for ten seconds
    SVB::Client->hang_up(@{ $self->{port} });
    # nor may one be ending just when TERM comes: that crashes mpm_event now and
    # then, with any modules. A thread that is still at work on its end is running,
    # or would like to.
    poll(sub { !$self->_connections && !$self->_running_threads }, 5);
    my $status = $self->{proc}->stop(20);
    my @complaints = $self->complaints;
    if ($status && !$self->{refused}) {
        push @complaints, "httpd ended with wait status $status\n", $self->log_tail;
    }
    $self->_fail(@complaints) if @complaints;
    return;
}

# Connections to our ports that are established or half closed on httpd's side.
sub _connections {
    my ($self) = @_;
    my $ports = join '|', map { sprintf '%04X', $_ } @{ $self->{port} }, $self->{tls_port} // ();
    return grep { /^\s*\d+: 0100007F:(?:$ports) \S+ 0[18] / } split /^/,
        SVB::Temp->read_file('/proc/net/tcp');
}

# Whether a process has our ports open.
sub _listens {
    my ($self, $pid) = @_;
    my $ports = join '|', map { sprintf '%04X', $_ } @{ $self->{port} }, $self->{tls_port} // ();
    my %inode = map { /^\s*\d+: 0100007F:(?:$ports) \S+ 0A (?:\S+ +){5}(\d+)/ ? ($1 => 1) : () }
        split /^/, SVB::Temp->read_file('/proc/net/tcp');
    return grep { /^socket:\[(\d+)\]$/ && $inode{$1} }
        map { readlink // '' } glob "/proc/$pid/fd/*";
}

# Threads of the children that are not waiting for anything.
sub _running_threads {
    my ($self) = @_;
    return grep { SVB::Temp->read_file($_) =~ /^\d+ \(.*\) [RD]/s }
        map { glob "/proc/$_/task/*/stat" } $self->children;
}

# KILL, children included: no farewell.
sub kill {
    my ($self) = @_;
    $self->{stopped} = 1;
    return $self->{proc}->kill;
}

# The same, until nobody listens any more: it can be started again.
sub crash {
    my ($self) = @_;
    my $status = $self->kill;
    wait_for(sub { !grep { SVB::Ports->is_open($_) } @{ $self->{port} } }, 10,
        'nobody to listen');
    return $status;
}

# Pids of the parent's children now.
sub children { my ($self) = @_; return SVB::Proc->children_of($self->pid) }

# --- its logs ---

# From now on error_log, access_log and wait_log know only what is new.
sub mark {
    my ($self) = @_;
    $self->{mark} = { error => length $self->_whole_error_log,
        access => length $self->_whole_access_log };
    return $self;
}

sub error_log  { my ($self) = @_; return substr $self->_whole_error_log, $self->{mark}{error} }
sub access_log { my ($self) = @_; return substr $self->_whole_access_log, $self->{mark}{access} }

# What went to stderr, mostly before the error log was open.
sub output { my ($self) = @_; return SVB::Temp->read_file("$self->{root}/logs/output") }

# The error log's first line that matches.
sub wait_log {
    my ($self, $pattern, $timeout) = @_;
    my $line = eval {
        wait_for(sub { (grep { /$pattern/ } split /^/, $self->error_log)[0] }, $timeout,
            "$pattern in the error log");
    };
    $line // die $@ . $self->log_tail;
    return $line;
}

sub log_tail {
    my ($self) = @_;
    my @lines = split /^/, $self->error_log;
    return join '', @lines > 40 ? @lines[-40 .. -1] : @lines;
}

# What its logs hold of crashes, assertions and sanitizer reports.
sub complaints {
    my ($self) = @_;
    my $expected = $self->{expect};
    my @lines = grep { !$expected || !/$expected/ } grep { /$complaint/ }
        split /^/, $self->_whole_error_log . $self->output;
    return (@lines, map { SVB::Temp->read_file($_) } glob "$self->{root}/sanitizer/*");
}

sub _whole_error_log  { SVB::Temp->read_file("$_[0]{root}/logs/error_log") }
sub _whole_access_log { SVB::Temp->read_file("$_[0]{root}/logs/access_log") }
sub _starts {
    my $count = () = $_[0]->_whole_error_log =~ /resuming normal operations/g;
    return $count
}

sub _fail {
    my ($self, @complaints) = @_;
    $failed = 1;
    if ($INC{'Test/More.pm'}) {
        Test::More::diag(@complaints);
        Test::More::fail('httpd ran without crashes and complaints');
    }
    else {
        warn @complaints, "\n";
    }
    return;
}

sub load_lines { my ($self) = @_; return SVB::HttpdConf->load_lines($self) }

# --- its process ---

sub _spawn {
    my ($self) = @_;
    my $file = SVB::HttpdConf->write($self, 'httpd.conf');
    delete @$self{qw(stopped refused)};
    $self->{proc} = SVB::Proc->spawn(name => 'httpd', death => 'TERM',
        out => "$self->{root}/logs/output",
        env => $self->_environment,
        cmd => [ @{ $self->{under} // [] }, SVB::HttpdConf->program, '-D', 'FOREGROUND',
            '-f', $file ]);
    push @started, $self if !grep { $_ == $self } @started;
    return;
}

sub _environment {
    my ($self) = @_;
    my %env = %{ $self->{env} };
    if ($ENV{SVB_SANITIZE}) {
        my @libraries = map {
            chomp(my $path = qx(gcc -print-file-name=lib$_.so));
            $path
        } qw(asan ubsan);
        my $log = "log_path=$self->{root}/sanitizer/report";
        $env{LD_PRELOAD} //= join ' ', @libraries;
        $env{ASAN_OPTIONS} //= "detect_leaks=0:$log";
        $env{UBSAN_OPTIONS} //= "print_stacktrace=1:$log";
    }
    return \%env;
}

END {
    if ($$ == $owner) {
        my $status = $?;
        {
            local ($!, $@);
            for my $httpd (@started) {
                eval { $httpd->stop; 1 } or warn $@;
            }
        }
        $? = $status || ($failed ? 1 : 0);
    }
}

1;
