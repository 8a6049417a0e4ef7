#!/usr/bin/perl
# Whoever can write to the store can stop front ends from sharing, but not tell them
# anything: forged, copied and damaged entries are counted and change nothing.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SVB::Fleet;
use SVB::Fronts;
use SVB::Users;
use SVB::Wait;
use Test::More;
use Time::HiRes qw(time);

my $fleet = SVB::Fleet->start(2);
my $fronts = SVB::Fronts->start(3, fleet => $fleet);
my $store = $fronts->store;
my $all = 0;

sub key { return "svb:{servoy}:$_[0]" }

# The whole entries of a log.
sub entries { return @{ $store->do('XRANGE', key("log:$_[0]"), '-', '+') } }

# The bytes of the last batch, which tells of something.
sub last_batch { return (entries($_[0]))[-1][1][1] }

sub forge { my ($name, @fields) = @_; return $store->do('XADD', key("log:$name"), '*', @fields) }
sub rejected {
    my ($httpd, $of) = @_;
    return ($httpd->manager->metrics =~ /^servoy_store_rejected_total (\d+)/m)[0] if !$of;
    return (grep { $_->{name} eq $of } @{ $httpd->manager->json->{front_ends} })[0]{rejected};
}
sub names_at {
    return join ' ', sort map { $_->{name} }
        @{ $fronts->front($_[0])->manager->json->{front_ends} };
}
sub noise { return join '', map { chr int rand 256 } 1 .. $_[0] }

sub come { $all += @_; return map { users($fronts->front($_), 1) } @_ }

# That all is as it was, and goes on.
sub is_well {
    my ($text) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    come('fe1', 'fe2');
    $fronts->equal(3, "$text: all count the same", $all);
    $fronts->each_says(2, '... and no node is anything else',
        sub { !grep { $_->{state} ne 'ready' } $_[0]->manager->nodes('servoy') });
    return;
}

# These are rejected of that front end at the two others, so many, and do nothing.
sub is_rejected {
    my ($text, $name, $count, $do) = @_;
    my @others = grep { $_ ne $name } $fronts->names;
    my %before = map { $_ => rejected($fronts->front($_), $name) } @others;
    $do->();
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    for my $other (@others) {
        wait_ok(sub { rejected($fronts->front($other), $name) == $before{$other} + $count }, 20,
            "$text: rejected at $other");
    }
    is_well($text);
    return;
}

my ($gone) = come('fe1');
$fronts->equal(2, 'a user', $all);
my $told = last_batch('fe1');
my $told_at = time;
$fronts->at($gone, 'fe2')->get('/logout');
$all--;
$fronts->equal(2, 'who has left', $all);

subtest 'copies' => sub {
    is_rejected('in the log of another', fe2 => 1, sub { forge(fe2 => b => $told) });
    my $before = rejected($fronts->front('fe2'));
    forge(fe1 => b => $told) for 1 .. 3;
    is_well('the same again');
    is rejected($fronts->front('fe2')), $before, '... which may happen by itself, and is nothing';
};

subtest 'bytes' => sub {
    is_rejected('noise', fe1 => 50, sub { forge(fe1 => b => noise(1 + rand 300)) for 1 .. 50 });
    is_rejected('one bit of a batch', fe1 => 20, sub {
        for (1 .. 20) {
            my $bytes = last_batch('fe1');
            vec($bytes, int rand 8 * length $bytes, 1) ^= 1;
            forge(fe1 => b => $bytes);
        }
    });
    is_rejected('the beginning of a batch', fe1 => 3, sub {
        forge(fe1 => b => substr last_batch('fe1'), 0, $_) for 4, 30, -1;
    });
    # Which take more than one round, on a busy machine.
    is_rejected('a million bytes', fe3 => 3, sub { forge(fe3 => b => noise(1000) x 1000) for 1 .. 3 });
    forge(fe1 => x => 1, y => noise(10));
    forge(fe1 => b => '');
    is_well('other fields, and none');
};

subtest 'another key' => sub {
    my $stranger = $fronts->stranger('stranger', key => 'f' x 32);
    users($stranger, 3);
    wait_for(sub { entries('stranger') }, 10, 'what it tells');
    is_rejected('its batch as ours', fe2 => 1, sub { forge(fe2 => b => last_batch('stranger')) });
    ok $stranger->wait_log(qr/SVB0136/, 10), 'it says that it cannot read the others';
    like $fronts->front('fe1')->error_log,
        qr/SVB0136.*is the key \(ServoySharedKey\) the same everywhere/, 'they say so, too';
    is names_at('fe1'), 'fe1 fe2 fe3', 'it is none of them';
    is $stranger->manager->fleet('servoy')->{clients}{web}, 3, '... nor they of it';
    $stranger->stop;
    $store->do('HDEL', key('fe'), 'stranger');
};

subtest 'heartbeats' => sub {
    my $before = rejected($fronts->front('fe1'));
    my %fe = @{ $store->do('HGETALL', key('fe')) };
    $store->do('HSET', key('fe'), map { ("x$_" => noise(1 + rand 100)) } 1 .. 200);
    $store->do('HSET', key('fe'), 'y' x 300 => noise(90), fe9 => $fe{fe2}, fe3 => noise(90));
    wait_ok(sub { rejected($fronts->front('fe1')) >= $before + 202 }, 5, 'noise is rejected');
    is names_at('fe1'), 'fe1 fe2 fe3', 'nobody is added by that';
    $store->do('HDEL', key('fe'), 'y' x 300, 'fe9', map { "x$_" } 1 .. 200);
    is_well('heartbeats');
    $fronts->together;
};

subtest 'words' => sub {
    $fronts->front('fe1')->manager->act('servoy', 'servoy1', 'drain');
    my $word;
    wait_for(sub { $word = $store->do('HGET', key('admin'), 'servoy/servoy1') }, 5, 'the word');
    $fronts->front('fe2')->manager->act('servoy', 'servoy1', 'enable');
    wait_for(sub { $store->do('HGET', key('admin'), 'servoy/servoy1') ne $word }, 5, 'the next');
    is_well('enabled');
    $store->do('HSET', key('admin'), 'servoy/servoy1' => $word, 'servoy/servoy2' => $word,
        'servoy/x' => noise(80), v => 'x' . time);
    wait_ok(sub { $store->do('HGET', key('admin'), 'servoy/servoy1') ne $word }, 5,
        'an old word is put right');
    is_well('an old word, a word of another node');
    $store->do('HSET', key('admin'), v => noise(2000));
    is_well('a version that is none');
};

subtest 'an id of tomorrow' => sub {
    my $tomorrow = int((time + 86400) * 1000);
    $store->do('XADD', key('log:fe2'), "$tomorrow-0", b => noise(40));
    come('fe2');
    wait_ok(sub {
        my ($last) = map { $_->[0] =~ /^(\d+)/ } reverse entries('fe2');
        return ($last // 0) < $tomorrow;
    }, 10, 'its log is begun anew');
    is_well('then');
};

subtest 'another type' => sub {
    $_->mark for $fronts->all;
    $store->do('DEL', key('log:fe1'));
    $store->do('SET', key('log:fe1'), 'x');
    $fronts->front('fe1')->wait_log(qr/SVB0130.*WRONGTYPE/, 10);
    ok 1, 'the store is lost with that';
    $store->do('DEL', key('log:fe1'));
    wait_for(sub { !$fronts->is_lost($_) }, 10, "$_ to be back") for $fronts->names;
    is_well('and there without');
};

subtest 'one name twice' => sub {
    my $first = $fronts->front('fe2');
    my $other = $fronts->stranger('fe2');
    like $other->wait_log(qr/SVB0132/, 15), qr/another front end has the name fe2/,
        'the later one says so';
    is $other->manager->json->{store}{state}, 'lost', '... and shares nothing';
    unlike $first->error_log, qr/SVB0132/, 'the first one goes on';
    is users($other, 2), 2, 'its users are served';
    is_well('the others');
    $other->stop;
};

subtest 'a copy of long ago' => sub {
    wait_for(sub { time > $told_at + 11 }, 20, 'it to be old');
    is_rejected('in its own log', fe1 => 1, sub { forge(fe1 => b => $told) });
};

done_testing;
