#!/usr/bin/perl
# What the manager shows of several front ends: JSON, metrics and the line on the page,
# when all is well, when one is away, and when the store is.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use IPC::Open2;
use SVB::Balancer;
use SVB::Fleet;
use SVB::Fronts;
use SVB::Httpd;
use SVB::Redis;
use SVB::Temp;
use SVB::Users;
use SVB::Wait;
use Test::More;

my $fleet = SVB::Fleet->start(2);
my $store = SVB::Redis->start(conf => "user svb on >geheim ~* +\@all\n");
my $secret = SVB::Temp->write_file(SVB::Temp->dir('secret') . '/password', "geheim\n");
chmod 0600, $secret;
my $fronts = SVB::Fronts->start(3, fleet => $fleet, store => $store,
    words => "user=svb passwordfile=$secret");
my $fe1 = $fronts->front('fe1');
my $url = 'redis://127.0.0.1:' . $store->port . '/0';

sub json { return $fe1->manager->json }
sub page { return $fe1->browser->get('/servoy-manager')->body }
sub front { my ($name) = @_; return (grep { $_->{name} eq $name } @{ json()->{front_ends} })[0] }
sub text { return ($_[0] =~ m{(<main.*</main>)}s)[0] =~ s/<[^>]*>//gr =~ s/\s+/ /gr }
sub time_is { my ($value, $name) = @_; return like $value, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, $name }

# Values by name and labels, of metrics that are as they must be.
sub metrics {
    my $all = $fe1->manager->metrics;
    my $pid = open2(my $said, my $to, $^X, "$FindBin::Bin/tools/check_metrics.pl");
    print {$to} $all;
    close $to;
    my @wrong = <$said>;
    waitpid $pid, 0;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is $?, 0, 'the metrics are well-formed' or diag @wrong;
    return { $all =~ /^(servoy_(?:store|front)\S*) (\S+)$/mg };
}

my @users = $fronts->users(7);
$fronts->equal(2, 'seven users', 7);

subtest 'JSON' => sub {
    my $json = json();
    is_deeply [ map { "$_->{name} $_->{state} " . ($_->{self} ? 1 : 0) } @{ $json->{front_ends} } ],
        [ 'fe1 here 1', 'fe2 here 0', 'fe3 here 0' ], 'the front ends, this one first';
    my $version = ($json->{module} =~ m{/(\S+)})[0];
    for my $front (@{ $json->{front_ends} }) {
        is join(' ', sort keys %$front),
            'clients elections_per_s lag_ms name rejected seen self state version',
            "$front->{name}: all that there is";
        is $front->{version}, $version, '... version';
        time_is($front->{seen}, '... seen');
        is $front->{rejected}, 0, '... rejected';
        cmp_ok $front->{lag_ms}, '<=', 1000, '... lag_ms';
    }
    wait_ok(sub { !grep { $_->{clients} != 7 } @{ json()->{front_ends} } }, 5,
        'all say that they know seven clients');
    my $is = $json->{store};
    is join(' ', sort keys %$is), 'gaps round_trip_ms since state unsent url walks', 'the store';
    is $is->{url}, $url, 'its URL, without who and password';
    is $is->{state}, 'connected', 'connected';
    time_is($is->{since}, 'since');
    cmp_ok $is->{round_trip_ms}, '>', 0, 'a round trip takes a time';
    cmp_ok $is->{round_trip_ms}, '<=', 100, '... within its bound';
    like "$is->{unsent} $is->{walks} $is->{gaps}", qr/^\d+ \d+ \d+$/, 'unsent, walks, gaps';
    unlike $fe1->browser->get('/servoy-manager?format=json')->body, qr/geheim/, 'no password';
    unlike page() . $fe1->error_log, qr/geheim/, '... nor on the page or in the log';
};

subtest 'elections' => sub {
    wait_ok(sub {
        users($fe1, 4);
        my ($own, $heard) = (front('fe1')->{elections_per_s}, (grep { $_->{name} eq 'fe1' }
            @{ $fronts->front('fe2')->manager->json->{front_ends} })[0]{elections_per_s});
        return $own > 0.5 && $heard > 0.5;
    }, 10, 'elections a second, as it says and as the others hear');
};

subtest 'metrics' => sub {
    my $is = metrics();
    cmp_ok $is->{servoy_store_up}, '==', 1, 'servoy_store_up';
    cmp_ok $is->{servoy_store_round_trip_seconds}, '>', 0, 'servoy_store_round_trip_seconds';
    cmp_ok $is->{servoy_store_round_trip_seconds}, '<', 0.1, '... in seconds';
    cmp_ok $is->{servoy_store_failures_total}, '>=', 0, 'servoy_store_failures_total';
    cmp_ok $is->{servoy_store_rejected_total}, '==', 0, 'servoy_store_rejected_total';
    cmp_ok $is->{'servoy_store_records_total{direction="out"}'}, '>=', 3, 'records out';
    cmp_ok $is->{'servoy_store_records_total{direction="in"}'}, '>=', 4, 'records in';
    cmp_ok $is->{servoy_store_walks_total}, '>=', 1, 'servoy_store_walks_total';
    for my $name ($fronts->names) {
        is $is->{"servoy_front_end_up{front_end=\"$name\"}"}, 1, "servoy_front_end_up of $name";
        cmp_ok $is->{"servoy_front_end_lag_seconds{front_end=\"$name\"}"}, '<=', 1, '... its lag';
    }
    my $out = $is->{'servoy_store_records_total{direction="out"}'};
    users($fe1, 5);
    wait_ok(sub { metrics_quietly()->{'servoy_store_records_total{direction="out"}'} >= $out + 5 },
        5, 'five users more, five records more');
};

sub metrics_quietly { return { $fe1->manager->metrics =~ /^(servoy_(?:store|front)\S*) (\S+)$/mg } }

subtest 'page' => sub {
    wait_ok(sub { text(page()) =~ /3 front ends, all within 0\.\d s; this is fe1\. / }, 5,
        'one line: how many, and how near');
    my $text = text(page());
    like $text, qr/Actions are done at all front ends, reset here\./, '... and where actions are done';
    unlike $text, qr/shared store .* is lost/, '... nothing of a loss';
};

subtest 'a front end is away' => sub {
    $fronts->kill('fe3');
    wait_ok(sub { front('fe3')->{state} eq 'lagging' }, 6, 'it lags');
    like text(page()), qr/3 front ends, .*; fe3 is lagging/, '... on the page, too';
    wait_ok(sub { front('fe3')->{state} eq 'gone' }, 15, 'it is gone');
    like text(page()), qr/fe3 is gone/, '... on the page, too';
    is metrics()->{'servoy_front_end_up{front_end="fe3"}'}, 0, '... and in metrics';
    ok $fe1->wait_log(qr/SVB0134: front end fe3 is gone/, 5), '... and the log';
    $fe1->mark;
    $fronts->replace('fe3');
    ok $fe1->wait_log(qr/SVB0135: front end fe3 is here/, 10), 'it is here again';
    is front('fe3')->{state}, 'here', '... in JSON';
};

subtest 'the store is away' => sub {
    $store->freeze;
    wait_ok(sub { json()->{store}{state} eq 'lost' }, 10, 'lost');
    my $body = page();
    like text($body), qr/^.*The shared store is lost\..*The shared store \Q$url\E is lost since/,
        'the sentence says so, and a card';
    like text($body), qr/no node is safe to stop/, '... with what that means';
    like text($body), qr/The shared store \Q$url\E is lost: counts are those of [\d:]+\./,
        '... and of when the counts are';
    unlike text($body), qr/all within/, '... instead of the other one';
    my $is = metrics();
    cmp_ok $is->{servoy_store_up}, '==', 0, 'servoy_store_up';
    cmp_ok $is->{servoy_store_failures_total}, '>=', 1, 'servoy_store_failures_total';
    ok !(grep { $_->{safe_to_stop} } $fe1->manager->nodes('servoy')), 'no node is safe to stop';
    $store->thaw;
    wait_ok(sub { json()->{store}{state} eq 'connected' }, 10, 'connected again');
    wait_ok(sub { text(page()) =~ /3 front ends, all within/ }, 5, '... with its line on the page');
};

subtest 'without a store' => sub {
    my $httpd = SVB::Httpd->new(conf => manager_location()
        . balancer('servoy', $fleet->members('http')))->start;
    my $json = $httpd->manager->json;
    is_deeply $json->{front_ends}, [], 'no front ends';
    is $json->{store}{state}, 'off', 'the store is off';
    is $json->{store}{url}, '', '... and has no URL';
    unlike $httpd->manager->metrics, qr/servoy_(?:store|front_end)/, 'no metrics';
    unlike text($httpd->browser->get('/servoy-manager')->body), qr/front ends|store/,
        'nothing on the page';
};

done_testing;
