package SVB::Users;

# Users of a front end: browsers that have come to a page, and what they get there.
#
#   my @users = users($httpd, 6);                # new ones, at $page
#   my @users = users($httpd, 6, '/plain');      # at /plain$page
#   $user->{home}      the node that it got, or 'status 503'
#   $user->{page}      where it was; $user->{count}: how often, 1
#   homes(@users)                                # { servoy1 => 3, servoy2 => 3 }
#   user_of($httpd, 'servoy1', '/plain')         # one with a session on that node
#   my $r = ask_as($httpd, $id, '/plain/echo');  # one request with that session id
#   how($r)            'servoy1 route': the node and SERVOY_HOW (as X-How)
#   fresh_id('servoy1')                          # an id that nobody has used before
#   is_busy($r, $name) the answer is httpd's own 503 (a test)
#
# $page is one of the Web Client, $jnlp a launch of the Smart Client.

use v5.32;
use warnings;

use Exporter qw(import);
use Test::More ();

our @EXPORT = qw($page $jnlp users homes user_of ask_as how fresh_id is_busy);

our $page = '/servoy-webclient/ss/s/crm';
our $jnlp = '/servoy-client/crm.jnlp';

sub users {
    my ($httpd, $count, $prefix) = @_;
    my @users = map { $httpd->browser } 1 .. $count;
    for my $user (@users) {
        $user->{page} = ($prefix // '') . $page;
        my $r = $user->get($user->{page});
        $user->{home} = $r->node // 'status ' . $r->status;
        $user->{count} = 1;
    }
    return @users;
}

sub homes {
    my (@users) = @_;
    my %on;
    $on{ $_->{home} }++ for @users;
    return \%on;
}

sub user_of {
    my ($httpd, $route, $prefix) = @_;
    for (1 .. 20) {
        my ($user) = users($httpd, 1, $prefix);
        return $user if $user->{home} eq $route;
    }
    die "no new user gets to $route\n";
}

# Options are those of SVB::Client->request, and method.
sub ask_as {
    my ($httpd, $id, $target, %option) = @_;
    my $method = delete $option{method} // 'GET';
    return $httpd->browser(cookies => 0)
        ->request($method, $target, headers => ["Cookie: JSESSIONID=$id"], %option);
}

sub how {
    my ($r) = @_;
    return join ' ', $r->node // 'status ' . $r->status, $r->header('X-How') // '?';
}

sub fresh_id {
    my ($route) = @_;
    state $number = 0;
    return sprintf('%016X', ++$number) . (defined $route ? ".$route" : '');
}

sub is_busy {
    my ($r, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    Test::More::is($r->status, 503, $name);
    Test::More::like($r->header('Retry-After') // '', qr/^[1-9]\d*$/, '... with Retry-After');
    Test::More::cmp_ok($r->header('Retry-After') // 1e9, '<=', 300, '... within minutes');
    Test::More::is($r->node, undef, '... of httpd itself');
    return;
}

1;
