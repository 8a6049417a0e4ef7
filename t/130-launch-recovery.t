#!/usr/bin/perl
# All nodes were in error, and are back: pages are served at once, since
# mod_proxy_balancer forces the recovery of members when none is left. So are
# launches; where forcerecovery=Off says otherwise, neither.

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
my @forced = qw(redirect rewrite proxy sticky);
my @patient = qw(patient);

sub recovering {
    my ($name, @lines) = @_;
    my $members = join '', map { $_->member('ajp', 'retry=600') } $one, $two;
    return balancer($name, $members,
        map({ sprintf 'ServoyNode %s url=%s', $_->route, $_->url } $one, $two), @lines);
}

my $httpd = SVB::Httpd->new(conf => join '',
    recovering('redirect'),
    recovering('rewrite', 'ServoyLaunch rewrite'),
    recovering('proxy', 'ServoyLaunch proxy'),
    recovering('sticky', 'ProxySet stickysession=JSESSIONID'),
    recovering('patient', 'ProxySet forcerecovery=Off'),
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

subtest 'before' => sub {
    is status($_, $jnlp), $good{$_}, $_ for @forced, @patient;
};

subtest 'all are dead' => sub {
    $_->kill for $one, $two;
    for my $name (@forced, @patient) {
        wait_for(sub { status($name, $page) == 503 && in_error($name) == 2 }, 20,
            "$name: all in error");
        is status($name, $jnlp), 503, "$name: no launch";
    }
    for my $name (grep { $good{$_} == 302 } @forced, @patient) {
        wait_for(sub { $httpd->error_log =~ /fleet $name, node $_ does not answer/ }, 20,
            "$name: $_ to be found dead")
            for qw(servoy1 servoy2);
    }
};

subtest 'all are back' => sub {
    SVB::Node->start_all($one, $two);
    for my $name (@forced) {
        my $probed = $good{$name} == 302;
        wait_for(sub { $httpd->error_log =~ /fleet $name, node $_ answers again/ }, 20,
            "$name: $_ to be found there")
            for $probed ? qw(servoy1 servoy2) : ();
        is status($name, $jnlp), $good{$name}, "$name: launches are served at once";
        is in_error($name), 0, 'as pages are then';
    }
    for my $name (@patient) {
        wait_for(sub { $httpd->error_log =~ /fleet $name, node $_ answers again/ }, 20,
            "$name: $_ to be found there")
            for qw(servoy1 servoy2);
        is status($name, $jnlp), 503, "$name: no launch before its time";
        is status($name, $page), 503, 'and no page';
        is in_error($name), 2, 'since retry= has to pass';
    }
};

done_testing;
