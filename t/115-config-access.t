#!/usr/bin/perl
# ServoyManagerActions where everybody may come in: what a start and `httpd -t` say,
# and what keeps people out in ways that are seen, so that nothing is said.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SVB::ConfigTest;
use SVB::Httpd;
use Test::More;

my $httpd = SVB::Httpd->new(modules => [qw(access_compat authz_host authz_user ssl)]);

sub in { my ($section, @lines) = @_; return join "\n", "<$section>", @lines, '</' . $section =~ s/ .*//r . ">\n" }

sub manager { return in('Location "/servoy-manager"', 'SetHandler servoy-manager', 'ServoyManagerActions on', @_) }

sub host { my ($address, @text) = @_; return in("VirtualHost $address", 'ServerName a.example.com', @text) }

sub warned {
    my ($conf) = @_;
    my ($code, $output) = $httpd->configtest(good() . $conf);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is $code, 0, 'it may be started' or diag $output;
    return grep { /servoy_balancer:warn\]/ } split /\n/, $output;
}

my %open = (
    'nothing around it' => manager(),
    'all granted' => manager('Require all granted'),
    'one of several lets all in' => manager('Require local', 'Require all granted'),
    'the same in <RequireAny>' => manager('<RequireAny>', 'Require ip 192.0.2.0/24',
        'Require all granted', '</RequireAny>'),
    'all granted is all there is' => manager('<RequireAll>', 'Require all granted', '</RequireAll>'),
    'what was shut is opened' => in('Location "/"', 'Require local') . manager('Require all granted'),
    'what was shut is opened from further off, later' => manager('Require local')
        . in('Location "/"', 'Require all granted'),
    'another place is shut' => in('Location "/servoy"', 'Require local') . manager(),
    'a longer place is shut' => in('Location "/servoy-manager/x"', 'Require local') . manager(),
    'a pattern of others' => in('LocationMatch "/\.git"', 'Require all denied') . manager(),
    'wildcards of others' => in('Location "/secret*"', 'Require all denied') . manager(),
    'files of others' => in('FilesMatch "^\.ht"', 'Require all denied') . manager(),
    'a directory that is open' => in('Directory "/"', 'Require all denied')
        . in('Directory "@ROOT@"', 'Require all granted') . "DocumentRoot \"\@ROOT\@\"\n" . manager(),
    'in the old words' => manager('Order allow,deny', 'Allow from all'),
    'in a virtual host' => host('*:@PORT@', manager()),
    'in the main server, for virtual hosts' => manager() . host('*:@PORT@'),
    'a client may have a certificate' => host('*:@PORT@', 'SSLVerifyClient optional', manager()),
);

my %shut = (
    'local' => manager('Require local'),
    'an address' => manager('Require ip 192.0.2.0/24'),
    'a user' => manager('Require valid-user'),
    'denied' => manager('Require all denied'),
    '<RequireAny>' => manager('<RequireAny>', 'Require local', 'Require ip 192.0.2.1', '</RequireAny>'),
    '<RequireAll>' => manager('<RequireAll>', 'Require all granted', 'Require not ip 192.0.2.1',
        '</RequireAll>'),
    '<Limit>' => manager('<Limit POST>', 'Require local', '</Limit>'),
    '<LimitExcept>' => manager('<LimitExcept GET>', 'Require all denied', '</LimitExcept>'),
    '<If>' => manager('<If "true">', 'Require local', '</If>'),
    'around it' => in('Location "/"', 'Require local') . manager(),
    'in another section of the place' => manager() . in('Location "/servoy-manager"', 'Require local'),
    'later than it was opened' => manager('Require all granted') . in('Location "/"', 'Require local'),
    'a pattern' => in('LocationMatch "^/servoy-m"', 'Require local') . manager(),
    'a pattern, the other way' => in('Location ~ "manager$"', 'Require local') . manager(),
    'wildcards' => in('Location "/servoy-*"', 'Require local') . manager(),
    'the directory' => in('Directory "@ROOT@"', 'Require all denied')
        . "DocumentRoot \"\@ROOT\@\"\n" . manager(),
    'more than one' => in('Location "/"', 'Require local')
        . manager('AuthMerging And', 'Require all granted'),
    'in the old words' => manager('Order deny,allow', 'Deny from all', 'Allow from 127.0.0.1'),
    'in the old words, for some' => manager('Order allow,deny', 'Allow from 127.0.0.1'),
    'in the old words, around it' => in('Location "/"', 'Order deny,allow', 'Deny from all')
        . manager(),
    'a virtual host for this machine' => host('127.0.0.1:@PORT@', manager()),
    'a virtual host for this machine, IPv6' => host('[::1]:@PORT@', manager()),
    'in the virtual host' => manager() . host('*:@PORT@', in('Location "/servoy-manager"',
        'Require local')),
    'in the main server' => in('Location "/servoy-manager"', 'Require local')
        . host('*:@PORT@', manager()),
    'a certificate' => host('*:@PORT@', 'SSLVerifyClient require', manager()),
    'actions off' => in('Location "/servoy-manager"', 'SetHandler servoy-manager',
        'ServoyManagerActions off'),
    'no actions' => in('Location "/servoy-manager"', 'SetHandler servoy-manager'),
);

for my $name (sort keys %open) {
    my @lines = warned($open{$name});
    is scalar @lines, 1, "open: $name";
    like $lines[0] // '', $_ for qr/SVB0165: <Location "\/servoy-manager">: /, qr/conf:\d+\)/,
        qr/everybody may come in/, qr/Require local or Require ip$/;
}
is_deeply [ warned($shut{$_}) ], [], "shut: $_" for sort keys %shut;

my $started = SVB::Httpd->new(conf => good() . manager())->start;
my @lines = grep { /servoy_balancer:(?:warn|error)\]/ } split /\n/, $started->error_log;
is scalar @lines, 1, 'at a start as well';
like $lines[0] // '', qr/SVB0165/;
$started->stop;

done_testing;
