#!/usr/bin/perl
# Clients that were dropped for want of room are a matter of the table they were
# dropped from: one of another size has dropped nobody.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SVB::Balancer;
use SVB::Fleet;
use SVB::Httpd;
use SVB::Wait;
use Test::More;

my $page = '/servoy-webclient/ss/s/crm';
my $fleet = SVB::Fleet->start(1);

sub conf {
    my ($table) = @_;
    return <<"END";
ServoyClientTable $table
<Proxy "balancer://servoy">
@{[ $fleet->members('ajp') ]}ProxySet lbmethod=servoy
</Proxy>
@{[ manager_location() ]}ProxyPass "/" "balancer://servoy/"
END
}

sub evicted { return $_[0]->client->get('/servoy-manager?format=json')->json->{table}{evicted} }
sub shown { return $_[0]->client->get('/servoy-manager')->body }

my $warning = qr/The client table had no room for/;

my $httpd = SVB::Httpd->new(conf => conf(8))->start;
$httpd->client->get($page) for 1 .. 40;
cmp_ok evicted($httpd), '>', 0, 'clients are dropped';
wait_ok(sub { shown($httpd) =~ $warning }, 15, 'the page warns');
$httpd->reconfigure(conf(1000));
is evicted($httpd), 0, 'a larger table has dropped nobody';
unlike shown($httpd), $warning, 'and there is nothing to warn of';
$httpd->mark->reconfigure(conf(8));
$httpd->client->get($page) for 1 .. 40;
$httpd->wait_log(qr/SVB0061/, 15);
like shown($httpd), $warning, 'a small one again: page and log warn again';
$httpd->stop;

$fleet->stop;
done_testing;
