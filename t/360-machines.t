#!/usr/bin/perl
# The manager's JSON and its schema: what there is fits, and what is wrong does not. All
# tests hold the JSON that they get against it (SVB::Schema).

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP ();
use SVB::Balancer;
use SVB::Httpd;
use SVB::LightNodes;
use SVB::Response;
use SVB::Schema;
use SVB::Temp;
use Test::More;

my $nodes = SVB::LightNodes->new('http', 2);
my $httpd = SVB::Httpd->new(conf => manager_location('ServoyManagerActions on')
    . balancer('servoy', $nodes->members(2) . dead_member('servoy3'), 'ServoyNode n0 url=https://a.example.com/x',
        'ProxyPass "/" "balancer://servoy/"'))->start;
my $schema = JSON::PP->new->decode(
    SVB::Temp->read_file("$FindBin::Bin/../conf/servoy-manager.schema.json"));

$httpd->client->get('/') for 1 .. 6;

sub copy { return JSON::PP->new->decode(JSON::PP->new->encode($_[0])) }

subtest 'the schema' => sub {
    my %wanted = map { $_ => 1 } qw(document node fleet member event front_end store error);
    delete @wanted{ keys %{ $schema->{definitions} } };
    is_deeply [ keys %wanted ], [], 'has all parts';
    my @loose;
    my $walk;
    $walk = sub {
        my ($value, $where) = @_;
        if (ref $value eq 'ARRAY') { $walk->($_, $where) for @$value }
        return if ref $value ne 'HASH';
        push @loose, $where if $value->{properties} && ($value->{additionalProperties} // 1);
        $walk->($value->{$_}, "$where/$_") for sort keys %$value;
    };
    $walk->($schema, '');
    is_deeply \@loose, [], 'nothing else is allowed anywhere';
};

subtest 'what fits' => sub {
    my $manager = $httpd->manager;
    is_deeply [ SVB::Schema->errors(document => $manager->json) ], [], 'all';
    my $r = $manager->post(fleet => 'servoy', node => 'n0', action => 'drain');
    is_deeply [ SVB::Schema->errors(node => $r->json) ], [], 'the answer to an action';
    is_deeply [ SVB::Schema->errors(document => $manager->json) ], [], 'all, afterwards';
    $r = $httpd->client->get('/servoy-manager?format=xml');
    is_deeply [ SVB::Schema->errors(error => $r->json) ], [], 'an error';
    is_deeply [ SVB::Schema->errors(document => $httpd->client->get(
        '/servoy-manager?format=json&fleet=servoy&node=n1')->json) ], [], 'a part';
    my $nothing = SVB::Httpd->new(conf => manager_location())->start;
    is_deeply [ SVB::Schema->errors(document => $nothing->manager->json) ], [],
        'a server without a balancer';
};

my $whole = $httpd->manager->json;

# One key taken out, one put in, and one of another kind, at each place of the document.
sub objects {
    my ($value, $where) = @_;
    return map { objects($value->[$_], "$where/$_") } 0 .. $#$value if ref $value eq 'ARRAY';
    return if ref $value ne 'HASH';
    return ([ $where, $value ], map { objects($value->{$_}, "$where/$_") } sort keys %$value);
}

sub fails {
    my ($name, $change) = @_;
    my $document = copy($whole);
    $change->({ map { @$_ } objects($document, '') });
    return if SVB::Schema->errors(document => $document);
    return $name;
}

subtest 'what does not' => sub {
    my @unnoticed;
    for my $object (objects($whole, '')) {
        my ($where, $value) = @$object;
        push @unnoticed, fails("$where/new", sub { $_[0]{$where}{new} = 1 });
        for my $key (sort keys %$value) {
            push @unnoticed, fails("without $where/$key", sub { delete $_[0]{$where}{$key} });
            push @unnoticed, fails("$where/$key of another kind",
                sub { $_[0]{$where}{$key} = ref $value->{$key} ? 'x' : ['x'] });
        }
    }
    is_deeply \@unnoticed, [], 'keys';
    my ($node, $member, $event) = ('/fleets/0/nodes/0', '/fleets/0/nodes/0/members/0', '/events/0');
    my @wrong = (
        ['',       time       => '2026-11-22 10:00:00'], ['',     time     => '2026-13-22T10:00:00Z'],
        ['',       time       => '2026-11-22T10:00:00.5Z'], ['',  uptime_s => -1],
        ['',       uptime_s   => 1.5],                   ['',     uptime_s => '1'],
        ['',       actions    => 1],                     ['',     module   => 'mod_other/1.0.0'],
        [$node,    state      => 'Ready'],               [$node,  url      => 'https://u@h/'],
        [$node,    url        => 'ftp://h'],             [$node,  loadfactor => 0],
        [$node,    until      => ''],                    [$node,  since    => 'yesterday'],
        [$node,    members    => []],                    [$node,  route    => undef],
        [$member,  balancer   => 'servoy'],              [$member, up      => 'true'],
        [$event,   to         => 'gone'],                [$event, time     => ''],
        ['/store', state      => 'on'],                  ['/fleets/0', name => 'a b'],
        ['/fleets/0/clients', web => -1],
    );
    is fails("$$_[0]/$$_[1]", sub { my ($at) = @_; $at->{ $_->[0] }{ $_->[1] } = $_->[2] }),
        undef, "$$_[0]/$$_[1]: " . ($$_[2] // 'null') for @wrong;
};

# As SVB::Response does it for all tests.
subtest 'no test goes on with it' => sub {
    my $answer = sub { SVB::Response->new(status => 200, body => JSON::PP->new->utf8->encode($_[0])) };
    my $document = copy($whole);
    ok eval { $answer->($document)->json; 1 }, 'a good one';
    $document->{fleets}[0]{nodes}[1]{state} = 'asleep';
    ok !eval { $answer->($document)->json; 1 }, 'a bad one';
    like $@, qr{/fleets/0/nodes/1/state}, '... it is said where';
    $document = copy($whole);
    delete $document->{table};
    ok !eval { $answer->($document)->json; 1 }, 'another';
    ok eval { $answer->({ error => 'x' })->json; 1 }, 'an error';
    ok eval { $answer->({ fleet => 1, state => 'x' })->json; 1 }, "somebody else's";
    my $bad = 0;
    for my $i (1 .. 100) {
        $document = copy($whole);
        $document->{uptime_s} = -$i;
        $bad++ if !eval { $answer->($document)->json; 1 };
    }
    cmp_ok $bad, '>=', 2, 'what is wrong in its numbers alone is found out, in time';
};

done_testing;
