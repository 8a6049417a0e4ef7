package SVB::Browser;

# A real Chromium, headless, with pages of any size and colour scheme. It is driven by
# t/browser/browser.js, with what make -f Makefile.apxs npm has fetched.
#
#   my $browser = SVB::Browser->start;
#   my $page = $browser->open($httpd->url . '/servoy-manager', width => 390, dark => 1);
#   $page->text('h1'); $page->texts('tbody tr');   # as it is to be seen
#   $page->eval('document.title');                 # what that JavaScript comes to
#   $page->until('document.title != "a"', 5);      # its first true value, or the last one
#   $page->until_ok('document.title != "a"', 5, 'the title changes');    # a test
#   $page->click('button'); $page->fill('input', 'a'); $page->focus('a');
#   $page->press('Enter'); $page->go($url); $page->reload; $page->back; $page->url;
#   $page->offline(1); $page->size(390); $page->dark(1);
#   $page->said;          # messages of the console, exceptions, violations of the policy
#   $page->asked;         # requests: { url, method, type, status, bytes, encoding, failed }
#   $page->bytes;         # on the wire, of all these
#   $page->forget;        # of both: what was so far
#   $page->axe;           # what axe finds: { id, impact, help, nodes => [...] }
#   $page->barriers;      # what of that is serious or critical, as texts
#   $page->scrolls_sideways;
#   $page->screenshot('name');      # .build/screenshots/name.png
#   $page->clean_ok('name');        # nothing said, no request failed, all forgotten
#   $page->accessible_ok('name');   # nothing found that is serious or critical
#   $page->close;
#
# open: width (1280; below 500 a phone with touch), height, dark, javascript (0: without),
# timezone (Europe/Amsterdam), headers. A page is a browser of its own: no cookies or
# cache of others. Whatever fails, dies; an element is waited for.

use v5.32;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Path qw(make_path);
use IO::Handle;
use JSON::PP ();
use SVB::Proc;
use SVB::Temp;
use SVB::Wait qw(patience);
use Test::More ();

my $tree = abs_path(dirname(__FILE__) . '/../../..');
my $json = JSON::PP->new->utf8->allow_nonref->canonical;
my @programs = qw(chromium chromium-browser google-chrome);

sub start {
    my ($class) = @_;
    my $modules = "$tree/.build/npm";
    -d "$modules/axe-core" or die "not fetched: make -f Makefile.apxs npm\n";
    my ($program) = map { SVB::Proc->which($_) // () } @programs;
    $program // die "no Chromium here\n";
    my $home = SVB::Temp->dir('browser');
    my $self = bless { log => "$home/log" }, $class;
    $self->{proc} = SVB::Proc->spawn(name => 'browser', talk => 1, death => 'TERM',
        out => $self->{log},
        env => { HOME => $home, TMPDIR => $home, XDG_RUNTIME_DIR => $home,
            DBUS_SESSION_BUS_ADDRESS => 'disabled:', DISPLAY => undef },
        cmd => [ 'node', "$tree/t/browser/browser.js", $modules, $program ]);
    $self->_answer;
    return $self;
}

# One line there, one back.
sub do {
    my ($self, %what) = @_;
    print { $self->{proc}->socket } $json->encode(\%what), "\n";
    return $self->_answer($what{do});
}

sub _answer {
    my ($self, $what) = @_;
    $what //= 'start';
    my $line = eval {
        local $SIG{ALRM} = sub { die "no answer\n" };
        alarm patience(60);
        my $read = readline $self->{proc}->socket;
        alarm 0;
        $read // die "it has ended\n";
    } // die "browser: $what: $@" . SVB::Temp->read_file($self->{log});
    my $answer = $json->decode($line);
    die "browser: $what: $answer->{error}\n" if defined $answer->{error};
    return $answer->{value};
}

sub open {
    my ($self, $url, %option) = @_;
    my $number = $self->do(do => 'open', url => $url, patience => patience(1), %option);
    return bless { browser => $self, number => $number }, 'SVB::Browser::Page';
}

# Chromium ends with node, and node with the end of what it reads.
sub stop {
    my ($self) = @_;
    shutdown $self->{proc}->socket, 1;
    return $self->{proc}->wait(20) // $self->{proc}->stop;
}

sub screenshots {
    my $dir = "$tree/.build/screenshots";
    make_path($dir);
    return $dir;
}

package SVB::Browser::Page;

use SVB::Wait qw(patience);

sub _do {
    my ($self, $what, %more) = @_;
    return $self->{browser}->do(do => $what, page => $self->{number}, %more);
}

sub text    { my ($self, $selector) = @_; return $self->_do('text', selector => $selector) }
sub texts   { my ($self, $selector) = @_; return @{ $self->_do('texts', selector => $selector) } }
sub click   { my ($self, $selector) = @_; return $self->_do('click', selector => $selector) }
sub focus   { my ($self, $selector) = @_; return $self->_do('focus', selector => $selector) }
sub fill {
    my ($self, $selector, $value) = @_;
    return $self->_do('fill', selector => $selector, value => $value);
}
sub press   { my ($self, $key) = @_; return $self->_do('press', key => $key) }
sub eval    { my ($self, $js) = @_; return $self->_do('eval', js => $js) }
sub go      { my ($self, $url) = @_; return $self->_do('go', url => $url) }
sub reload  { $_[0]->_do('reload') }
sub back    { $_[0]->_do('back') }
sub url     { $_[0]->_do('url') }
sub html    { $_[0]->_do('html') }
sub close   { $_[0]->_do('close') }
sub offline { my ($self, $on) = @_; return $self->_do('offline', on => $on) }
sub dark    { my ($self, $on) = @_; return $self->_do('dark', on => $on) }
sub said    { @{ $_[0]->_do('said') } }
sub asked   { @{ $_[0]->_do('asked') } }
sub axe     { @{ $_[0]->_do('axe') } }

sub size {
    my ($self, $width, $height) = @_;
    return $self->_do('size', width => $width, height => $height // 900);
}

sub until {
    my ($self, $js, $seconds) = @_;
    return $self->_do('until', js => $js, seconds => patience($seconds // 10));
}

sub until_ok {
    my ($self, $js, $seconds, $name) = @_;
    my $value = $self->until($js, $seconds);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    Test::More::ok($value, $name);
    return $value;
}

sub bytes {
    my ($self) = @_;
    my $all = 0;
    $all += $_->{bytes} for $self->asked;
    return $all;
}

sub forget {
    my ($self) = @_;
    $self->_do($_, forget => 1) for qw(said asked);
    return;
}

sub scrolls_sideways {
    my ($self) = @_;
    return $self->eval('document.documentElement.scrollWidth '
        . '> document.documentElement.clientWidth');
}

sub screenshot {
    my ($self, $name) = @_;
    $self->_do('screenshot', file => SVB::Browser->screenshots . "/$name.png");
    return;
}

# $allow is what may be said nevertheless.
sub clean_ok {
    my ($self, $name, $allow) = @_;
    my @wrong = grep { !$allow || !/$allow/ } $self->said,
        map { "$_->{method} $_->{url}: $_->{failed}" } grep { $_->{failed} } $self->asked;
    $self->forget;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return Test::More::is_deeply(\@wrong, [], "$name: nothing to complain about");
}

# What axe finds that is serious or critical, as texts. It is against a page that loads
# itself anew without JavaScript; who keeps the manager's open wants that. Of what is found
# at many places, the first ones.
sub barriers {
    my ($self) = @_;
    return map { my $v = $_; map { "$v->{impact} $v->{id}: $_" } grep { defined } @{ $v->{nodes} }[ 0 .. 2 ] }
        grep { ($_->{impact} // '') =~ /^(?:serious|critical)$/ && $_->{id} ne 'meta-refresh' }
        $self->axe;
}

sub accessible_ok {
    my ($self, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return Test::More::is_deeply([ $self->barriers ], [], "$name: nothing keeps anybody out");
}

1;
