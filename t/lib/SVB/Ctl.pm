package SVB::Ctl;

# servoyctl, as an administrator calls it.
#
#   my $ctl = SVB::Ctl->new(SERVOY_MANAGER => $url);     # environment; undef: not there
#   my $run = $ctl->run('drain', 'servoy1');             # when it has ended:
#   $run->code; $run->out; $run->err;                    # exit code, what it said
#   $run->json;                                          # standard output, decoded
#   my $run = $ctl->begin('wait', 'servoy1', '60');      # while it runs
#   $run->proc; $run->out; $run->end;                    # ->end waits for it
#   $ctl->ends_with(0, qr/ready/, 'state', @words)       # a test: code, and what it says
#                                                        # on both; returns the run
#   SVB::Ctl->file                                       # the command itself
#
# SVB_CTL names another one than the tree's.

use v5.32;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use JSON::PP ();
use SVB::Proc;
use SVB::Temp;
use Test::More ();

my $file = $ENV{SVB_CTL} // abs_path(dirname(__FILE__) . '/../../..') . '/src/ctl/servoyctl';
my %none = map { $_ => undef }
    qw(SERVOY_MANAGER SERVOY_FLEET http_proxy https_proxy all_proxy no_proxy);

sub file { return $file }

sub new {
    my ($class, %env) = @_;
    return bless { env => { %none, %env } }, $class;
}

sub begin {
    my ($self, @words) = @_;
    my $dir = SVB::Temp->dir('said');
    # A shell sends the two ways apart.
    my $proc = SVB::Proc->spawn(name => 'servoyctl', out => "$dir/out", env => $self->{env},
        cmd => [ '/bin/sh', '-c', 'exec "$@" 2>"$0"', "$dir/err", $file, @words ]);
    return bless { proc => $proc, dir => $dir }, 'SVB::Ctl::Run';
}

sub run { my ($self, @words) = @_; return $self->begin(@words)->end }

sub ends_with {
    my ($self, $code, $said, $name, @words) = @_;
    my $run = $self->run(@words);
    my $text = $run->out . $run->err;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    Test::More::ok($run->code == $code && $text =~ $said, "$name: $code")
        || Test::More::diag("@words: exit code " . $run->code . ":\n$text");
    return $run;
}

package SVB::Ctl::Run;

sub proc { $_[0]{proc} }
sub out  { return SVB::Temp->read_file("$_[0]{dir}/out") }
sub err  { return SVB::Temp->read_file("$_[0]{dir}/err") }
sub json { return JSON::PP->new->decode($_[0]->out) }
sub code { my $status = $_[0]{proc}->status; return $status >> 8 || $status }

sub end {
    my ($self, $timeout) = @_;
    $self->{proc}->wait($timeout // 60) // $self->{proc}->kill;
    return $self;
}

1;
