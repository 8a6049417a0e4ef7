#!/usr/bin/perl
# conf/ for Prometheus and Grafana, on a real Prometheus that scrapes real front ends: the
# alerts do what they say, and all that alerts and board ask for is there.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP ();
use POSIX ();
use SVB::Balancer;
use SVB::Client;
use SVB::Fleet;
use SVB::Fronts;
use SVB::Httpd;
use SVB::Ports;
use SVB::Proc;
use SVB::Redis;
use SVB::Temp;
use SVB::Users;
use SVB::Wait;
use Test::More;

my $conf = "$FindBin::Bin/../conf";
my $dir = SVB::Temp->dir('prometheus');
my ($promtool, $prometheus) = map { SVB::Proc->which($_) // die "no $_ here\n" } qw(promtool prometheus);

sub text { return SVB::Temp->read_file($_[0]) }

# Exit code and output of promtool, with this text, if any, as its input.
sub promtool {
    my ($input, @words) = @_;
    my $out = "$dir/promtool";
    my $in = SVB::Temp->write_file("$dir/input", $input);
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        open STDIN, '<', $in;
        open STDOUT, '>', $out;
        open STDERR, '>&', \*STDOUT;
        exec $promtool, @words;
    }
    waitpid $pid, 0;
    return ($? >> 8, text($out));
}

sub content {
    my ($name, @words) = @_;
    my ($code, $said) = promtool(@words);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return is $code, 0, $name || diag $said;
}

# What is there in metrics of one state must be so in all.
sub metrics_ok {
    my ($name, $httpd) = @_;
    my $metrics = $httpd->manager->metrics;
    my ($code, $said) = promtool($metrics, qw(check metrics));
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return is "$code $said", '0 ', "promtool check metrics: $name";
}

subtest 'what promtool says of conf/' => sub {
    content('check rules', '', 'check', 'rules', "$conf/servoy-alerts.yml");
    content('test rules', '', 'test', 'rules', "$FindBin::Bin/rules/servoy-alerts.yml");
    content('check config', '', 'check', 'config', "$conf/servoy-prometheus.yml");
    my %tested = map { $_ => 1 } text("$FindBin::Bin/rules/servoy-alerts.yml")
        =~ /alertname: (\w+)\n *exp_alerts:\n/g;
    is_deeply [ grep { !$tested{$_} } text("$conf/servoy-alerts.yml") =~ /- alert: (\w+)/g ], [],
        'each alert is seen to fire';
};

my $fleet = SVB::Fleet->start(2);
my $store = SVB::Redis->start;
my $fronts = SVB::Fronts->start(2, fleet => $fleet, store => $store,
    lines => join "\n", 'ServoyNode servoy1 maxclients=100', 'ServoyNode servoy2 maxclients=50');
my ($fe1, $fe2) = $fronts->all;

# The example, with our front ends and our clock.
my $port = SVB::Ports->take;
my $targets = join '', map { '          - 127.0.0.1:' . $_->port . "\n" } $fe1, $fe2;
my $config = text("$conf/servoy-prometheus.yml") =~ s/scheme: https/scheme: http/r
    =~ s/(- targets:\n)(?: +- \S+\n)+/$1$targets/r
    =~ s/scrape_interval: \S+/scrape_interval: 500ms\n    scrape_timeout: 500ms/r
    =~ s/- servoy-alerts.yml/- $conf\/servoy-alerts.yml/r;
my $file = SVB::Temp->write_file("$dir/prometheus.yml", "global: {evaluation_interval: 1s}\n$config");
my $server = SVB::Proc->spawn(name => 'prometheus', out => "$dir/log", cwd => $dir,
    cmd => [ $prometheus, "--config.file=$file", "--storage.tsdb.path=$dir/data",
        "--web.listen-address=127.0.0.1:$port" ]);
my $api = SVB::Client->new(url => "http://127.0.0.1:$port", timeout => 30);

sub ask {
    my ($expr) = @_;
    my $r = $api->post_form('/api/v1/query', { query => $expr });
    my $answer = eval { $r->json } // { error => $r->status . ' ' . $r->body };
    return $answer->{error} ? $answer->{error} : $answer->{data}{result};
}

sub count { my ($expr) = @_; my $found = ask($expr); return ref $found ? scalar @$found : 0 }

# All expressions of the board, with what its variables stand for.
my $board = JSON::PP->new->utf8->decode(text("$conf/servoy-grafana.json"));
my @asked = map { { of => $_->{title}, expr => $_->{expr}, panel => $_ } }
    map { my $panel = $_; map { { title => $panel->{title}, expr => $_->{expr} } }
        @{ $panel->{targets} // [] } } @{ $board->{panels} };
my %variable = (__rate_interval => '5s', instance => '.*', fleet => '.*', node => '.*');
$_->{expr} =~ s/\$(\w+)/$variable{$1} \/\/ die "unknown variable $1\n"/ge for @asked;

# Metrics with each of the labels that are asked for beside them, of PromQL as we write it.
sub named {
    my ($expr) = @_;
    my @pairs;
    while ($expr =~ /\b(servoy_\w+|up)\b(?:\{([^}]*)\})?/g) {
        my ($metric, $matchers) = ($1, $2 // '');
        push @pairs, [ $metric, '' ], map { [ $metric, $_ ] } $matchers =~ /(\w+)\s*(?:=~|!=|=|!~)/g;
    }
    return @pairs;
}

subtest 'the board' => sub {
    is $board->{templating}{list}[0]{type}, 'datasource', 'asks for its data source';
    my $all = text("$conf/servoy-grafana.json");
    is_deeply [ grep { $_ ne '${datasource}' } $all =~ /"uid": "(\$[^"]*)"/g ], [], '... and uses it';
    my %ids;
    $ids{ $_->{id} }++ for @{ $board->{panels} };
    is_deeply [ grep { $ids{$_} > 1 } keys %ids ], [], 'no panel has the id of another';
    cmp_ok scalar @asked, '>', 30, 'has something to ask';
    ok !exists $board->{id}, 'is nobody else\'s when imported';
};

subtest 'a scrape' => sub {
    wait_ok(sub { $server->alive or die text("$dir/log"); count('up{job="servoy"} == 1') == 2 }, 30,
        'both front ends are asked, and by Accept alone') or diag text("$dir/log");
    my @users = $fronts->users(6);
    users($fe1, 2);
    wait_ok(sub { count('sum(rate(servoy_node_elections_total[5s])) > 0') == 1 }, 20, 'counters grow')
        or diag explain ask('servoy_node_elections_total');
    my $json = $fe1->manager->json;
    my ($version) = $json->{module} =~ m{/(.*)};
    is count("servoy_build_info{version=\"$version\"} == 1"), 2, 'servoy_build_info';
    wait_ok(sub { count('servoy_member_up{fleet="servoy",node=~"servoy.",balancer="balancer://servoy",'
        . 'worker=~"http://.*"} == 1') == 4 }, 5, 'servoy_member_up')
        or diag explain ask('servoy_member_up');
    is count('servoy_refused_total{fleet="servoy"}'), 2, 'servoy_refused_total';
    is count('servoy_events_total{state="error"}'), 2, 'servoy_events_total';
    is count('servoy_node_windowed_clients'), 4, 'servoy_node_windowed_clients';
};

subtest 'all that is asked' => sub {
    for my $asked (@asked) {
        my $found = ask($asked->{expr});
        ok ref $found && @$found, "$asked->{of}: $asked->{expr}" or diag explain $found;
    }
    my $rules = $api->get('/api/v1/rules')->json->{data}{groups}[0]{rules};
    wait_ok(sub {
        $rules = $api->get('/api/v1/rules')->json->{data}{groups}[0]{rules};
        return !grep { $_->{health} ne 'ok' } @$rules;
    }, 20, 'alerts are evaluated') or diag explain [ map { "$_->{name}: $_->{health} " . ($_->{lastError} // '') } @$rules ];
    is scalar @$rules, scalar(() = text("$conf/servoy-alerts.yml") =~ /- alert:/g), '... all';
    my %pairs = map { ("$$_[0] $$_[1]" => $_) } map { named($_) } (map { $_->{expr} } @asked),
        (map { $_->{query} } @$rules),
        map { $_->{definition} // () } @{ $board->{templating}{list} };
    cmp_ok scalar keys %pairs, '>', 50, 'metrics and labels that are named';
    for my $pair (map { $pairs{$_} } sort keys %pairs) {
        my ($metric, $label) = @$pair;
        next if $label eq '__name__';
        cmp_ok count($label eq '' ? $metric : "$metric\{$label!=\"\"}"), '>', 0, "$metric $label";
    }
    my %used = map { $_->[0] => 1 } values %pairs;
    my %there = map { $_ => 1 } $fe1->manager->metrics =~ /^# TYPE (\S+)/mg;
    is_deeply [ grep { !$used{$_} } sort keys %there ], [], 'nothing that there is is forgotten';
};

subtest 'an alert' => sub {
    $fleet->node('servoy2')->kill;
    users($fe1, 1);
    wait_ok(sub {
        my $alerts = $api->get('/api/v1/alerts')->json->{data}{alerts};
        return grep { $_->{labels}{alertname} eq 'ServoyNodeDown' && $_->{labels}{node} eq 'servoy2' }
            @$alerts;
    }, 30, 'a node that is killed is seen');
    metrics_ok('a node in error', $fe1);
    like $fe1->manager->metrics, qr/^servoy_member_up\{[^}]*node="servoy2"[^}]*\} 0$/m, 'its member is down';
    my ($since) = $fe1->manager->metrics
        =~ /^servoy_node_state_since_seconds\{[^}]*node="servoy2"\} (\d+)$/m;
    my ($node) = grep { $_->{route} eq 'servoy2' } $fe1->manager->nodes('servoy');
    is POSIX::strftime('%Y-%m-%dT%H:%M:%SZ', gmtime($since // 0)), $node->{since},
        'since when, as the JSON has it';
};

subtest 'other states' => sub {
    $fe1->manager->act('servoy', 'servoy1', $_), metrics_ok($_, $fe1)
        for qw(drain maintenance disable enable);
    $store->stop;
    wait_ok(sub { $fe1->manager->json->{store}{state} eq 'lost' }, 10, 'the store is lost');
    metrics_ok('a lost store', $fe1);
    metrics_ok('no balancer', SVB::Httpd->new(conf => manager_location())->start);
    metrics_ok('members without a route, and of one name', SVB::Httpd->new(conf => manager_location()
        . balancer('a', "BalancerMember http://127.0.0.1:1\nBalancerMember http://127.0.0.1:2\n")
        . join '', map { "<VirtualHost *:1$_>\nServerName v$_\n" . balancer('same',
            "BalancerMember http://127.0.0.1:1 route=r\n") . "</VirtualHost>\n" } 1 .. 2)->start);
};

done_testing;
