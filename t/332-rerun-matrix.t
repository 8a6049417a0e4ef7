#!/usr/bin/perl
# Who is asked again when a node is in maintenance: every method, by AJP and HTTP
# members, with every MPM and with HTTP/2 in front. The body gets to the node that
# serves as it was sent, and the request runs there once.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(sha1_hex);
use SVB::Curl;
use SVB::Fleet;
use SVB::Httpd;
use SVB::Temp;
use SVB::Wait;
use Test::More;

my $fleet = SVB::Fleet->start(3);
my ($one, $two, $three) = $fleet->nodes;
my $bodies = SVB::Temp->dir('bodies');

sub balancer {
    my ($name, $scheme) = @_;
    my $members = $fleet->members($scheme);
    return "<Proxy \"balancer://$name\">\n${members}ProxySet lbmethod=servoy\nServoyFleet $name\n</Proxy>\n"
        . "ProxyPass \"/$name/\" \"balancer://$name/\"\n";
}

# Bytes that are all different in their places, so that none can be lost or swapped.
sub bytes { my ($len) = @_; return substr join(',', 1 .. $len), 0, $len }

my $limit = 64 * 1024;
my @rows = (
    [ 'GET' ], [ 'OPTIONS' ], [ 'DELETE' ],
    [ 'GET',    bytes(100) ],
    [ 'POST',   '' ],
    [ 'POST',   bytes(20) ],
    [ 'POST',   bytes(9000) ],
    [ 'POST',   bytes(9000), 'chunked' ],
    [ 'POST',   bytes(60_000) ],
    [ 'POST',   bytes(60_000), 'chunked' ],
    [ 'POST',   bytes($limit) ],
    [ 'PUT',    bytes(30_000) ],
    [ 'DELETE', bytes(500) ],
    [ 'OPTIONS', bytes(500) ],
);
for my $row (@rows) {
    my ($method, $body, $how) = @$row;
    push @$row, undef while @$row < 3;
    push @$row, join ' ', $method, defined $body ? length($body) . ' bytes' : (), $how // ();
}

# A request by HTTP/1.
sub by_1 {
    my ($at, $method, $target, $body, $how) = @_;
    my @headers;
    if ($how) {
        my @chunks = $body =~ /(.{1,5000})/gs;
        $body = join '', map { sprintf "%x\r\n%s\r\n", length, $_ } @chunks, '';
        @headers = (headers => ['Transfer-Encoding: chunked']);
    }
    return $at->client(timeout => 30)->request($method, $target, body => $body, @headers);
}

# By HTTP/2; what is chunked there has no length.
sub by_2 {
    my ($at, $method, $target, $body, $how) = @_;
    my @more = $method eq 'HEAD' ? '--head' : ('--request', $method);
    if (defined $body) {
        SVB::Temp->write_file("$bodies/body", $body);
        push @more, '--data-binary', "\@$bodies/body", $how ? ('--header', 'Content-Length:') : ();
    }
    return SVB::Curl->get($at->url . $target, '--http2-prior-knowledge', @more);
}

my $frame = <<'END_CONF';
<Location "/servoy-manager">
SetHandler servoy-manager
Require local
</Location>
END_CONF

my @fronts = ([ event => 'event' ], [ worker => 'worker' ], [ prefork => 'prefork' ], [ 'HTTP/2' => 'event', 'http2' ]);

for my $front (@fronts) {
    my ($label, $mpm, @modules) = @$front;
    subtest $label => sub {
        my %names = map { my $scheme = $_; $scheme => [ map { "$scheme$_" } 0 .. $#rows ] } qw(ajp http);
        my $httpd = SVB::Httpd->new(mpm => $mpm, modules => \@modules, conf => join '', $frame,
            @modules ? "Protocols h2 h2c http/1.1\n" : '',
            map { my $scheme = $_; map { balancer($_, $scheme) } @{ $names{$scheme} } } sort keys %names)->start;
        my $ask = @modules ? \&by_2 : \&by_1;
        for my $scheme (qw(ajp http)) {
            for my $number (0 .. $#rows) {
                row($httpd, $ask, "$label, $scheme", $names{$scheme}[$number], @{ $rows[$number] });
            }
            large($httpd, $ask, "$label, $scheme", $scheme);
        }
        $httpd->stop;
    };
}

# Two refuse, one serves; each row has a balancer that knows of nothing yet.
sub row {
    my ($httpd, $ask, $where, $name, $method, $body, $how, $label) = @_;
    $fleet->calm;
    $_->maintenance(1) for $one, $two;
    my $r = $ask->($httpd, $method, "/$name/begin/x", $body, $how);
    my $seen = eval { $r->json } // {};
    my @asked = map { $_->requests->{'/begin/x'} // 0 } $fleet->nodes;
    my $states = $httpd->nodes($name);
    # OPTIONS begins nobody, and so proves nothing.
    my $told = $method eq 'OPTIONS' ? 'ready' : 'maintenance';
    is_deeply
        [ $r->status, $r->node, "@asked", $seen->{method}, $seen->{length}, $seen->{sha1},
            join ' ', map { $states->{$_}{state} } qw(servoy1 servoy2 servoy3) ],
        [ 200, 'servoy3', '1 1 1', $method, length($body // ''), sha1_hex($body // ''), "$told $told ready" ],
        "$where: $label: served by the third, whole, each asked once"
        or diag explain [ $r->status, $r->node, $r->error, "@asked", substr $r->body, 0, 300 ];
    return if $told eq 'ready';
    my $head = $ask->($httpd, 'HEAD', "/$name/begin/x");
    is join(' ', $head->status, $head->node), '200 servoy3', '... HEAD, which could not tell, goes there now';
    return;
}

# What is too long to be kept gets the refusal, or is sent on where it had not been read
# that far; it runs nowhere twice, nor in part.
sub large {
    my ($httpd, $ask, $where, $scheme) = @_;
    my $body = bytes(300_000);
    for my $number (0 .. 2) {
        $fleet->calm;
        $one->maintenance(1);
        my $r = $ask->($httpd, 'POST', "/${scheme}0/begin/large", $body);
        my @asked = map { $_->requests->{'/begin/large'} // 0 } $fleet->nodes;
        my $served = $r->status == 200 ? eval { $r->json->{sha1} } // '' : sha1_hex($body);
        is $served, sha1_hex($body), "$where: 300,000 bytes, number $number: whole, where they were served";
        is scalar(grep { $_ > 1 } @asked), 0, '... nowhere twice';
    }
    return;
}

$fleet->calm;
done_testing;
