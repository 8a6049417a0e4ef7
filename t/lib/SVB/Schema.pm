package SVB::Schema;

# Holds what the manager says in JSON against conf/servoy-manager.schema.json.
#
#   SVB::Schema->hold($value);            # any decoded JSON: dies where it is the manager's,
#                                         # and wrong; SVB::Response->json calls it in tests
#   my @wrong = SVB::Schema->errors(document => $value);    # or node, error, ...: in words
#
# Tests poll, and a validation takes milliseconds: a document is held against the schema
# when its shape is one that this program has not seen (the keys, what kind of value each
# has, the words in it; lists count by what is in them, not by how long they are), and
# every fiftieth of a shape all the same, since numbers and times are no part of it.

use v5.32;
use warnings;

use B ();
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use JSON::PP ();
use SVB::Temp;

my $file = abs_path(dirname(__FILE__) . '/../../..') . '/conf/servoy-manager.schema.json';
my $again = 50;
my %seen;

# By the keys that nobody else's JSON has.
sub _kind {
    my ($value) = @_;
    return ref $value ne 'HASH'                             ? undef
        : exists $value->{fleets} || exists $value->{module} ? 'document'
        : exists $value->{safe_to_stop}                      ? 'node'
        : join(' ', keys %$value) eq 'error'                 ? 'error'
        :                                                      undef;
}

sub hold {
    my ($class, $value) = @_;
    my $kind = _kind($value) // return;
    return if $seen{ "$kind " . _shape($value) }++ % $again;
    my @wrong = $class->errors($kind => $value);
    die join "\n  ", "the manager's JSON is not as its schema has it:", @wrong, '' if @wrong;
    return;
}

sub errors {
    my ($class, $kind, $value) = @_;
    state $schema = JSON::PP->new->utf8->decode(SVB::Temp->read_file($file));
    state %validator;
    require JSON::Validator;
    my $validator = $validator{$kind} //= JSON::Validator->new->schema(
        { %$schema{qw($schema definitions)}, '$ref' => "#/definitions/$kind" });
    return map { "$_" } $validator->validate($value);
}

sub _shape {
    my ($value) = @_;
    return 'null' if !defined $value;
    return '{' . join(',', map { "$_:" . _shape($value->{$_}) } sort keys %$value) . '}'
        if ref $value eq 'HASH';
    if (ref $value eq 'ARRAY') {
        my %kinds = map { _shape($_) => 1 } @$value;
        return '[' . join(',', sort keys %kinds) . ']';
    }
    return 'boolean' if ref $value;
    # A number that was never used as text.
    return 'number' if !(B::svref_2object(\$value)->FLAGS & B::SVf_POK);
    return $value =~ /^[a-z_]{0,16}$/ ? $value : 'text';
}

1;
