#!/usr/bin/perl
# All nodes were in error, and are back. Those that are asked are found back by that,
# and mod_proxy is told, so that neither pages nor launches wait for retry=. Where
# nobody asks (probe=off), pages are served at once, since mod_proxy_balancer forces the
# recovery of members when none is left. So are launches, redirected ones without
# anybody to find out that it was in vain; where forcerecovery=Off says otherwise,
# neither.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SVB::Balancer;
use SVB::Fleet;
use SVB::Httpd;
use SVB::Wait qw(wait_for wait_ok);
use Test::More;

my $fleet = SVB::Fleet->start(2);
my ($one, $two) = $fleet->nodes;
my $page = '/servoy-webclient/ss/s/crm';
my $jnlp = '/servoy-client/crm.jnlp';
my %line = (redirect => '', rewrite => 'ServoyLaunch rewrite', proxy => 'ServoyLaunch proxy',
    sticky => 'ProxySet stickysession=JSESSIONID', patient => 'ProxySet forcerecovery=Off');
my @asked = sort keys %line;
my @forced = qw(unasked-proxy unasked-rewrite);
my @patient = qw(unasked-patient);
my @blind = qw(unasked-redirect unasked-sticky);

# A balancer of that kind, whose nodes are asked; and one where they are not.
sub recovering {
    my ($kind) = @_;
    my $members = join '', map { $_->member('ajp', 'retry=600') } $one, $two;
    my @facts = map { sprintf 'ServoyNode %s url=%s', $_->route, $_->url } $one, $two;
    return balancer($kind, $members, @facts, $line{$kind})
        . balancer("unasked-$kind", $members, map({ "$_ probe=off" } @facts), $line{$kind});
}

my $httpd = SVB::Httpd->new(conf => join '', map({ recovering($_) } @asked),
    <<'END')->start;
<Location "/servoy-manager">
    SetHandler servoy-manager
</Location>
END

sub status { my ($name, $path)
    = @_; return $httpd->client(timeout => 30)->get("/$name$path")->status }

# What mod_proxy says of the members of a balancer's nodes.
sub in_error {
    my ($name) = @_;
    return scalar grep { $_->{members}[0]{status} =~ /Err/ } values %{ $httpd->nodes($name) };
}

my %good = (redirect => 302, rewrite => 200, proxy => 200, sticky => 302, patient => 302);
$good{"unasked-$_"} = $good{$_} for @asked;

# How often the log tells that a node has changed so.
sub told {
    my ($name, $node, $change) = @_;
    return scalar grep { /\[servoy_balancer:notice\].*SVB0094: fleet $name, node $node: $change/ }
        split /^/, $httpd->error_log;
}

# Both nodes have changed so, and that is told.
sub all_told {
    my ($name, $change) = @_;
    for my $node (qw(servoy1 servoy2)) {
        wait_ok(sub { told($name, $node, $change) }, 20, "$name: $node is found out");
        is told($name, $node, $change), 1, '... which is told once';
    }
    return;
}

subtest 'before' => sub {
    is status($_, $jnlp), $good{$_}, $_ for @asked, @forced, @patient, @blind;
};

subtest 'all are dead' => sub {
    $_->kill for $one, $two;
    my $refused = 'connection refused by ajp://127\.0\.0\.1:\d+(?:; it has lost \d+ clients?)?$';
    all_told($_, "error, was (?:ready|new): $refused") for @asked;
    for my $name (@asked, @forced, @patient) {
        wait_for(sub { status($name, $page) == 503 && in_error($name) == 2 }, 20,
            "$name: all in error");
        is status($name, $jnlp), 503, "$name: no launch";
    }
    for my $name (@blind) {
        wait_for(sub { status($name, $page) == 503 && in_error($name) == 2 }, 20,
            "$name: all in error");
        is status($name, $jnlp), $good{$name}, "$name: launches go on";
        is in_error($name), 0, 'since recovery is forced, and nobody is asked';
    }
};

subtest 'all are back' => sub {
    SVB::Node->start_all($one, $two);
    for my $name (@asked) {
        all_told($name, 'ready, was error: answers');
        is in_error($name), 0, "$name: mod_proxy is told";
        is status($name, $jnlp), $good{$name}, '... launches are served, before retry= has passed';
        is status($name, $page), 200, '... and pages';
    }
    for my $name (@forced) {
        is in_error($name), 2, "$name: nobody has asked";
        is status($name, $jnlp), $good{$name}, '... launches are served at once';
        is in_error($name), 0, '... as pages are then';
    }
    is status($_, $jnlp), $good{$_}, "$_: launches go on" for @blind;
    for my $name (@patient) {
        is status($name, $jnlp), 503, "$name: no launch before its time";
        is status($name, $page), 503, 'and no page';
        is in_error($name), 2, 'since retry= has to pass';
    }
};

done_testing;
