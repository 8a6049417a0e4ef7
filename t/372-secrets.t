#!/usr/bin/perl
# A session id is as good as a password: neither it nor any part of it is in a log, in an
# answer to somebody else or on the manager's page, by whatever way it has come, and
# however much is logged.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SVB::Balancer;
use SVB::Client;
use SVB::ConfLogs;
use SVB::Httpd;
use SVB::Temp;
use Test::More;

# What is said in X-Set becomes a cookie.
my $node_conf = <<'END';
<If "-n req('X-Set')">
    Header always add Set-Cookie "expr=%{req:X-Set}"
</If>
<Location />
    Require all granted
</Location>
RewriteEngine on
RewriteCond %{HTTP:X-Status} ^(\d+)$
RewriteRule .* - [R=%1]
END
my @nodes = map { SVB::Httpd->new(servoy => 0, modules => ['rewrite'], conf => $node_conf)->start }
    1 .. 2;
for my $node (@nodes) {
    SVB::Temp->write_file($node->root . '/htdocs/page.html', "<html>x</html>\n");
    mkdir $node->root . '/htdocs/servoy-client';
    SVB::Temp->write_file($node->root . '/htdocs/servoy-client/crm.jnlp', "no jnlp\n");
}
my @route = qw(servoy1 servoy2);
my $members = join '', map { 'BalancerMember http://127.0.0.1:' . $nodes[$_]->port
    . " route=$route[$_] retry=0\n" } 0, 1;
my @url = map { "ServoyNode $route[$_] url=http://127.0.0.1:" . $nodes[$_]->port } 0, 1;

my $front = SVB::Httpd->new(log_level => 'info servoy_balancer:trace8', modules => ['rewrite'],
    expect => qr/./, conf => join "\n", SVB::ConfLogs->lines,
    manager_location('ServoyManagerActions on'),
    balancer('redirected', $members, @url), balancer('rewritten', $members, @url,
        'ServoyLaunch rewrite'),
    balancer('sticky', $members =~ s/\n\z//r, 'ProxySet stickysession=JSESSIONID|jsessionid', @url),
    balancer('unlearned', $members, @url, 'ServoyLearnSessions off'),
    balancer('misnamed', $members =~ s/route=servoy/route=wrong/gr, 'ServoyLaunch proxy'),
    balancer('dead', dead_member('servoy1') . dead_member('servoy2'), 'ServoyLaunch proxy'),
    '')->start;

my (%secrets, @answers);
my $number = 0;

# A word that is nowhere else, of so many characters.
sub secret {
    my ($len) = @_;
    my $word = sprintf 'Zq%03dxW', ++$number;
    $word .= substr 'kJ7' x 2000, 0, ($len // 16) - length $word;
    $secrets{ substr $word, 0, 7 } = 1;
    return $word;
}

my %shapes = (
    plain   => sub { secret(32) },
    routed  => sub { secret(32) . '.servoy2' },
    foreign => sub { secret(32) . '.' . secret() },
    jwt     => sub { join '.', secret(36), secret(120), secret(43) },
    'jwt with a route' => sub { join '.', secret(36), secret(50), secret(43), 'servoy1' },
    short   => sub { join '.', secret(9), secret(9), secret(9) },
    quoted  => sub { '"' . secret() . '; ' . secret() . '.servoy1"' },
    long    => sub { secret(3000) . '.' . secret(60) },
    escaped => sub { secret() . '%2e' . secret() . '%00%0a.' . secret() },
    odd     => sub { secret() . "\x7f\xff\xc3(." . secret() . '..' . secret() . '.' },
    dots    => sub { join '.', map { secret(8) } 1 .. 40 },
);
my @prefixes = qw(redirected rewritten sticky unlearned misnamed dead);

sub ask {
    my ($target, @headers) = @_;
    my $client = $front->client(timeout => 30, cookies => 0);
    push @answers, $client->get($target, headers => \@headers);
    return $answers[-1];
}

for my $shape (sort keys %shapes) {
    my $make = $shapes{$shape};
    for my $prefix (@prefixes) {
        ask("/$prefix/page.html", 'Cookie: JSESSIONID=' . $make->());
        # httpd itself tells of paths with %00
        ask("/$prefix/page.html;jsessionid=" . $make->() =~ s/[";\x80-\xff\x7f ]|%0.//gr);
        ask("/$prefix/page.html", 'Cookie: SERVOYROUTE=' . $make->() . '; JSESSIONID='
            . $make->());
        ask("/$prefix/servoy-client/crm.jnlp", 'Cookie: SERVOYLAUNCH=' . $make->()
            . '; JSESSIONID=' . $make->());
        ask("/$prefix/page.html", 'X-Set: JSESSIONID=' . $make->() . '; Path=/',
            'Cookie: JSESSIONID=' . $make->());
        ask("/$prefix/page.html", 'X-Set: JSESSIONID=' . $make->() . '; Max-Age=0',
            'Cookie: JSESSIONID=' . $make->());
        ask("/$prefix/websocket/1", 'Cookie: JSESSIONID=' . $make->(), 'Connection: Upgrade',
            'Upgrade: websocket', 'Sec-WebSocket-Version: 13',
            'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==');
        ask("/$prefix/page.html", 'X-Status: 503', 'Cookie: JSESSIONID=' . $make->(),
            'Referer: http://127.0.0.1/page.html;jsessionid=' . $make->() =~ s/[^\w.%;=]//gr);
    }
    my $manager = $front->browser;
    push @answers, $manager->post_form('/servoy-manager', { fleet => 'redirected',
        node => 'servoy1', action => 'enable', nonce => $make->() },
        headers => [ 'Cookie: JSESSIONID=' . $make->() ]);
}

# a known client's node fails: it moves, which the log tells
my $id = secret(32) . '.servoy2';
ask('/redirected/page.html', "X-Set: JSESSIONID=$id; Path=/", 'Cookie: JSESSIONID='
    . secret() . '.servoy2');
$nodes[1]->stop;
ask('/redirected/page.html', "Cookie: JSESSIONID=$id") for 1 .. 3;

my $log = $front->error_log;
my $access = SVB::ConfLogs->text_of($front);
my $shown = join '', map { $front->browser->get("/servoy-manager$_")->body } '', '?format=json',
    '?format=prometheus';
my $said = join '', map { $_->status >= 300 || $_->status == 0 ? $_->body // '' : '' } @answers;

like $log, qr/SVB$_/, "SVB$_ was there" for qw(0030 0031 0032 0070 0157 0159);
like $access, qr/client=[0-9a-f]{12} /, 'clients have names';
like $log, qr/SVB0070.*a word of \d+ bytes that is no node's route/, 'a route that is none';
cmp_ok scalar(keys %secrets), '>', 500, scalar(keys %secrets) . ' secrets';
my %places = ('error log' => $log, 'access log' => $access, 'manager' => $shown,
    'error answers' => $said);
for my $place (sort keys %places) {
    my @told = grep { index($places{$place}, $_) >= 0 } sort keys %secrets;
    is scalar(@told), 0, "none of them is in: $place"
        or diag join "\n", map { $places{$place} =~ /(.*\Q$_\E.*)/ ? substr $1, 0, 300 : () }
            @told[ 0 .. ($#told > 4 ? 4 : $#told) ];
}
$_->stop for $front, $nodes[0];

done_testing;
