package SVB::Jar;

# A browser's cookies for one host: name, path, Secure, expiry.

use v5.32;
use warnings;

my %month;
@month{qw(Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec)} = 0 .. 11;

sub new { bless { cookies => {} }, $_[0] }

# Takes in the Set-Cookie values of an answer to a request for a path.
sub learn {
    my ($self, $path, @lines) = @_;
    for my $line (@lines) {
        my ($pair, @attributes) = split /\s*;\s*/, $line;
        my ($name, $value) = $pair =~ /^([^=]+)=(.*)$/ or next;
        my %attribute = map { /^([^=]+)(?:=(.*))?$/ ? (lc $1 => $2 // '') : () } @attributes;
        my $scope = ($attribute{path} // '') =~ m{^/} ? $attribute{path}
            : $path =~ s{/[^/]*$}{}r || '/';
        my $key = "$name $scope";
        if (_is_over(\%attribute)) { delete $self->{cookies}{$key} }
        else {
            $self->{cookies}{$key} = { name => $name, value => $value, path => $scope,
                secure => exists $attribute{secure} };
        }
    }
    return;
}

sub set {
    my ($self, $name, $value) = @_;
    $self->forget($name);
    $self->{cookies}{"$name /"} = { name => $name, value => $value, path => '/', secure => 0 };
    return;
}

sub forget {
    my ($self, $name) = @_;
    my $cookies = $self->{cookies};
    delete @$cookies{ grep { !defined $name || $cookies->{$_}{name} eq $name } keys %$cookies };
    return;
}

sub value {
    my ($self, $name) = @_;
    my ($cookie) = grep { $_->{name} eq $name } $self->_sorted;
    return $cookie && $cookie->{value};
}

# The Cookie header's value for a path, '' where there is none.
sub header {
    my ($self, $path, $is_tls) = @_;
    return join '; ', map { "$_->{name}=$_->{value}" }
        grep { ($is_tls || !$_->{secure}) && _covers($_->{path}, $path) } $self->_sorted;
}

# As browsers do: longer paths first.
sub _sorted {
    my ($self) = @_;
    return sort { length $b->{path} <=> length $a->{path} || $a->{name} cmp $b->{name} }
        values %{ $self->{cookies} };
}

sub _covers {
    my ($scope, $path) = @_;
    return $scope eq $path || ($scope =~ m{/$} ? $path =~ /^\Q$scope\E/ : $path =~ m{^\Q$scope\E/});
}

sub _is_over {
    my ($attribute) = @_;
    return $attribute->{'max-age'} <= 0 if ($attribute->{'max-age'} // '') =~ /^-?\d+$/;
    my ($day, $month, $year) = ($attribute->{expires} // '') =~ /(\d\d)[ -](\w{3})[ -](\d{4})/
        or return 0;
    my @now = gmtime;
    return $year * 372 + ($month{$month} // 0) * 31 + $day
        < ($now[5] + 1900) * 372 + $now[4] * 31 + $now[3];
}

1;
