package SVB::Response;

# An HTTP response as it came.
#
#   $r->status       200; 0 where there was none (see ->error)
#   $r->reason  $r->version  $r->head (raw text)  $r->body
#   $r->header('Location')         all values joined by ', '; undef where none
#   $r->headers('Set-Cookie')      list of values
#   $r->json                       the decoded body; dies where it is none, and in tests
#                                  where it is a manager's and not as its schema has it
#   $r->cookie('JSESSIONID')       value that this response sets ('' to expire)
#   $r->node                       the X-Node header: which node answered
#   $r->error                      what went wrong, '' where nothing did
#   $r->seconds                    how long it took

use v5.32;
use warnings;

use JSON::PP ();
use SVB::Schema;

sub new {
    my ($class, %field) = @_;
    return bless { status => 0, reason => '', version => '', head => '', body => '',
        error => '', seconds => 0, fields => {}, %field }, $class;
}

# From the raw head, without the empty line at its end.
sub parse {
    my ($class, $head) = @_;
    my ($first, @lines) = split /\r?\n/, $head;
    my ($version, $status, $reason) = $first =~ m{^HTTP/([\d.]+) (\d{3})(?: (.*))?$}
        or return $class->new(head => $head, error => 'not HTTP: ' . substr $first, 0, 80);
    my %fields;
    for (@lines) {
        push @{ $fields{ lc $1 } }, $2 if /^([^:]+):[ \t]*(.*?)[ \t]*$/;
    }
    return $class->new(version => $version, status => $status, reason => $reason // '',
        head => $head, fields => \%fields);
}

sub status  { $_[0]{status} }
sub reason  { $_[0]{reason} }
sub version { $_[0]{version} }
sub head    { $_[0]{head} }
sub body    { $_[0]{body} }
sub error   { $_[0]{error} }
sub seconds { $_[0]{seconds} }
sub node    { $_[0]->header('X-Node') }

sub headers {
    my ($self, $name) = @_;
    return @{ $self->{fields}{ lc $name } // [] };
}

sub header {
    my ($self, $name) = @_;
    my @values = $self->headers($name);
    return @values ? join(', ', @values) : undef;
}

sub json {
    my ($self) = @_;
    my $value = eval { JSON::PP->new->utf8->decode($self->{body}) };
    defined $value or die "not JSON ($self->{status} $self->{error}): $self->{body}\n";
    SVB::Schema->hold($value) if $INC{'Test/More.pm'};
    return $value;
}

sub cookie {
    my ($self, $name) = @_;
    for ($self->headers('Set-Cookie')) {
        return $1 if /^\Q$name\E=([^;]*)/;
    }
    return undef;
}

1;
