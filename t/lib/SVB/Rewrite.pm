package SVB::Rewrite;

# ServoyLaunch rewrite at a front end: its configuration, launches, and whether what
# comes is what it should be. The nodes serve SVB::JnlpFiles, under /files.
#
#   SVB::Rewrite->start_nodes($dir, $other_dir);     # an SVB::Fleet
#   rewriting('solo', $members, @lines)              # a balancer
#   my $at = SVB::Rewrite->new(httpd => $httpd, fleet => $fleet);
#   my $r = $at->launch('solo', '/files/plain.jnlp', %option);   # method, client, …
#   my @all = $at->answers($port, '1.1', [ GET => $target, @headers ], …);
#                                        # to requests that are sent in one go
#   is_rewritten($r, $text{plain}, $href, $name)     # with the node's direct URL
#   same($r, $status, $body, $name)
#   $at->is_passed($r, $target, $name, $why)         # as the node has it, headers too
#   $at->logged($r, $why, $name)                     # the reason stands in the log
#   has_own_validators($r, $name)                    # nothing of the node's
#   $at->counted('solo')                 # { servoy1 => [launches, elected, smart] }
#   SVB::Rewrite->direct('servoy1')      # its direct URL, unless a line says otherwise
#   $at->launcher_on('solo', 'servoy1')  # a browser with a launch cookie for it

use v5.32;
use warnings;

use Exporter qw(import);
use SVB::Balancer;
use SVB::Client;
use SVB::Fleet;
use SVB::JnlpFiles;
use SVB::Node;
use SVB::Response;
use Test::More;

our @EXPORT = qw(rewriting is_rewritten same escaped has_own_validators);

my %direct = (servoy1 => 'http://app1.example.com',
    servoy2 => 'https://app2.example.com:8443/desk');
my $match = 'ServoyLaunchMatch "^/(?:servoy-client|files)/.+\.jnlp$"';

sub new {
    my ($class, %option) = @_;
    return bless { %option }, $class;
}

sub start_nodes {
    my ($class, $dir, $other_dir) = @_;
    SVB::JnlpFiles->write($_) for $dir, $other_dir;
    my @nodes = map { SVB::Node->new(@$_) } [ name => 'servoy1', files => $dir ],
        [ name => 'servoy2', files => $other_dir ];
    return SVB::Fleet->of(SVB::Node->start_all(@nodes));
}

sub direct { my ($class, $route) = @_; return $direct{ $route // '' } }

# With what all have in common, unless a line says otherwise.
sub rewriting {
    my ($name, $members, @lines) = @_;
    my $told = sub { my ($word) = @_; return grep { /^$word / } @lines };
    my @urls = map { "ServoyNode $_ url=$direct{$_}" } grep { $members =~ /route=$_\b/ }
        sort keys %direct;
    return balancer($name, $members, $told->('ServoyLaunchMatch') ? () : $match,
        $told->('ServoyLaunch') ? () : 'ServoyLaunch rewrite', $told->('ServoyNode') ? () : @urls,
        @lines);
}

# Is it that text with the direct URL of the node that answered, and that href?
sub is_rewritten {
    my ($r, $text, $href, $name, $codebase) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $expected = rewritten($text, $codebase // $direct{ $r->node // '' } // 'none', $href);
    return same($r, 200, $expected, $name);
}

# Not with is(): some are large, and some are not for a terminal.
sub same {
    my ($r, $status, $expected, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $length = $r->header('Content-Length') // length $expected;
    return ok($r->status == $status && $r->body eq $expected && $length == length $expected
        && !$r->error, $name)
        || diag join "\n", $r->error, $r->head, map { escaped($_) } $r->body, $expected;
}

sub escaped {
    my ($text) = @_;
    return substr($text, 0, 300) =~ s/([^ -~\n])/sprintf '\x%02x', ord $1/ger;
}

# Nothing of the node's validators.
sub has_own_validators {
    my ($r, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    like $r->header('ETag') // 'none', qr/^"[0-9a-f]{32}"$/, "$name: a strong ETag";
    is $r->header('Last-Modified'), undef, "$name: no Last-Modified";
    return is $r->header('Cache-Control'), 'private, no-cache', "$name: Cache-Control";
}

sub launch {
    my ($self, $name, $target, %option) = @_;
    my $client = delete $option{client} // $self->{httpd}->client(cookies => 0);
    return $client->request(delete $option{method} // 'GET', "/$name$target", %option);
}

# Does it come as the node has it, with the headers that go with it?
sub is_passed {
    my ($self, $r, $target, $name, $why) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $node = $self->{fleet}->node($r->node // 'none');
    my $own = $node->client->get($target);
    my $good = same($r, $own->status, $own->body, $name);
    for my $header (qw(ETag Last-Modified Cache-Control Content-Type Content-Encoding)) {
        $good &&= is $r->header($header), $own->header($header), "$name: $header";
    }
    return $good && (!$why || $self->logged($r, $why, $name));
}

# The line of the log that names balancer and node and why.
sub logged {
    my ($self, $r, $why, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $line = eval { $self->{httpd}->wait_log(qr/SVB0052/, 5) };
    my $passed = 'the JNLP of node ' . quotemeta($r->node) . ' is passed as it is';
    return Test::More::like($line // 'none',
        qr{:warn\].*SVB0052: balancer://\w+: $passed: it .*$why},
        "$name: is logged");
}

sub counted {
    my ($self, $name) = @_;
    my $nodes = $self->{httpd}->nodes($name);
    return { map { $_ => [ @{ $nodes->{$_} }{qw(launches elected)}, $nodes->{$_}{clients}{smart} ] }
        keys %$nodes };
}

# A browser with the launch cookie of that node.
sub launcher_on {
    my ($self, $name, $node) = @_;
    for (1 .. 4) {
        my $user = $self->{httpd}->client;
        return $user if $self->launch($name, '/files/plain.jnlp', client => $user)->node eq $node;
    }
    die "no launch went to $node\n";
}

# The answers to requests that are sent in one go: [ method, target, headers ].
sub answers {
    my ($self, $n, $version, @requests) = @_;
    my $bytes = '';
    for (0 .. $#requests) {
        my ($method, $target, @headers) = @{ $requests[$_] };
        push @headers, 'Host: localhost:' . $self->{httpd}->port
            if $version eq '1.1' && !grep { /^Host:/ } @headers;
        push @headers, $_ == $#requests ? 'Connection: close' : ();
        $bytes .= join "\r\n", "$method $target HTTP/$version", @headers, '', '';
    }
    my $raw = SVB::Client->new(url => $self->{httpd}->url($n))->raw($bytes);
    my @answers = map { _taken(\$raw, $_->[0]) } @requests;
    Test::More::is($raw, '', 'nothing more') if length $raw;
    return wantarray ? @answers : $answers[0];
}

# The next answer in that text.
sub _taken {
    my ($raw, $method) = @_;
    $$raw =~ s/^(.*?\r\n)\r\n//s or return SVB::Response->new(error => 'no answer');
    my $r = SVB::Response->parse($1);
    return $r if $method eq 'HEAD' || $r->status == 304;
    if (($r->header('Transfer-Encoding') // '') eq 'chunked') {
        while ($$raw =~ s/^([0-9a-f]+)[^\n]*\n//) {
            $r->{body} .= substr $$raw, 0, hex $1, '';
            $$raw =~ s/^\r\n//;
            last if !hex $1;
        }
        return $r;
    }
    my $length = $r->header('Content-Length') // length $$raw;
    $r->{error} = 'cut short' if $length > length $$raw;
    $r->{body} = substr $$raw, 0, $length, '';
    return $r;
}

1;
