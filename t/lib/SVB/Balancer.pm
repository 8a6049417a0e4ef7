package SVB::Balancer;

# Configuration text: a balancer with lbmethod=servoy for each question of a test.
#
#   balancer('plain', $fleet->members('ajp'), 'ServoyLaunch proxy')
#                                      # balancer://plain and what is at /plain/
#   proxy('plain', $members, @lines)   # the same without its ProxyPass
#   section('plain', @lines)           # <Proxy "balancer://plain"> with these lines
#   dead_member('servoy1', 'retry=0', 'http')   # a BalancerMember that refuses
#                                      # connections; by AJP, unless told otherwise
#   manager_location('ServoyManagerActions on')   # the manager at /servoy-manager
#   tls_host(@lines)                   # a virtual host at @TLS_PORT@, by httpd's own
#   tls_host({ port => '@PORT1@', cert => $file, key => $file }, @lines)  # certificate
#
# Each is a fleet of its own, so that what one knows of a node is nothing to the
# others: /plain/echo is the nodes' /echo by way of balancer://plain. Among the lines
# there may be another ServoyFleet, and a ProxyPass to have instead.

use v5.32;
use warnings;

use Exporter qw(import);
use SVB::Ports;

our @EXPORT = qw(balancer proxy section dead_member manager_location tls_host);

sub section {
    my ($name, @lines) = @_;
    return join "\n", "<Proxy \"balancer://$name\">", @lines, "</Proxy>\n";
}

sub proxy {
    my ($name, $members, @lines) = @_;
    unshift @lines, "ServoyFleet $name" if !grep { /^ServoyFleet / } @lines;
    return section($name, $members =~ s/\n\z//r, 'ProxySet lbmethod=servoy', @lines);
}

sub balancer {
    my ($name, $members, @lines) = @_;
    my ($pass) = grep { /^ProxyPass/ } @lines, "ProxyPass \"/$name/\" \"balancer://$name/\"";
    return proxy($name, $members, grep { !/^ProxyPass/ } @lines) . "$pass\n";
}

# A port for each route, for members of one address are one.
sub dead_member {
    my ($route, $more, $scheme) = @_;
    state %port;
    my $url = ($scheme // 'ajp') . '://127.0.0.1:' . ($port{$route} //= SVB::Ports->take);
    return "BalancerMember \"$url\" route=$route " . ($more // '') . "\n";
}

sub manager_location {
    my (@lines) = @_;
    return join "\n", '<Location "/servoy-manager">', 'SetHandler servoy-manager',
        'Require local', @lines, "</Location>\n";
}

sub tls_host {
    my %at = (port => '@TLS_PORT@', cert => '@CERT@', key => '@KEY@',
        ref $_[0] ? %{ shift() } : ());
    return join "\n", "<VirtualHost *:$at{port}>", 'SSLEngine on',
        "SSLCertificateFile \"$at{cert}\"", "SSLCertificateKeyFile \"$at{key}\"", @_,
        "</VirtualHost>\n";
}

1;
