package SVB::Maintenance;

# Nodes that refuse new clients, and who was asked and who has answered meanwhile.
#
#   front_lines()                      # what the configuration of all of them begins with
#   in_maintenance($fleet, $one);      # that node alone does; all else is calm
#   my $path = fresh_page();           # a page that nobody has asked for yet
#   asked($fleet, $path)               # '1 0 1': how often each node was, for that path
#   short($r)                          # '200 servoy2': status and node of an answer
#   user_of_one($httpd, 'keep')        # a user, the first to come to /keep/, which
#                                      # is to have a session on servoy1 (a test)

use v5.32;
use warnings;

use Exporter qw(import);
use SVB::Balancer;
use Test::More ();

our @EXPORT = qw(front_lines in_maintenance fresh_page asked short user_of_one);

sub front_lines {
    return <<'END' . manager_location('ServoyManagerActions on');
Header always set X-How "%{SERVOY_HOW}e"
ProxyPreserveHost On
END
}

sub in_maintenance {
    my ($fleet, @nodes) = @_;
    $fleet->calm;
    $_->maintenance(1) for @nodes;
    return;
}

sub fresh_page {
    my ($solution) = @_;
    state $number = 0;
    return '/servoy-webclient/' . ($solution // 'ss') . '/p' . ++$number;
}

sub asked {
    my ($fleet, $path) = @_;
    return join ' ', map { $_->requests->{$path} // 0 } $fleet->nodes;
}

sub short {
    my ($r) = @_;
    return join ' ', $r->status || $r->error, $r->node // '-';
}

sub user_of_one {
    my ($httpd, $name) = @_;
    my $user = $httpd->browser;
    my $r = $user->get("/$name" . fresh_page());
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    Test::More::is($r->node, 'servoy1', 'a user has a session on servoy1');
    return $user;
}

1;
