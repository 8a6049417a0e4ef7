package SVB::Kept;

# Two fleets and what their front end is to keep: counts, counters and clients, over
# restarts and from one start to the next, by its saved state.
#
#   my ($fleet, $nameless) = start_fleets();     # nodes with a jvmRoute, and without
#   my $httpd = httpd(conf => conf(server => 'ServoyPersist off'))->start;
#   begin();                             # sessions until now are none of this test's
#   my @users = (users($httpd, 6), users($httpd, 4, '/learned'));
#   launches($httpd, 2);
#   wrong(known => @users)               # each asks once more: what is wrong, or ''
#   becomes_known($user)                 # asks until it is: what is wrong, or ''
#   my $late = slow_start($httpd, 3);  slow_end($late);    # a session that begins late
#   summary($httpd)                      # by node, a text of all that is to survive
#   facts($httpd); total($httpd, 'web')  # what the manager has of all nodes
#   counts_agree($httpd, $name)          # it counts the sessions that nodes have (a test)
#   run_dir($httpd); file_of($httpd); files($httpd)    # where it saves; what is there
#   saved_counts($file)                  # { servoy1 => clients in it }
#   sum_of($file); identity($file); mode($file)
#   said($httpd, qr/SVB0080/)            # that line of its log, or ''

use v5.32;
use warnings;

use Digest::SHA qw(sha1_hex);
use Exporter qw(import);
use List::Util qw(sum0);
use SVB::Balancer;
use SVB::Fleet;
use SVB::Httpd;
use SVB::Temp;
use SVB::Users;
use SVB::Wait qw(poll);
use Test::More;

our @EXPORT = qw(start_fleets conf httpd begin launches wrong becomes_known slow_start slow_end
    summary facts total counts_agree run_dir file_of files saved_counts sum_of identity mode said
    $default);

our $default = 'servoy_balancer.state';
my ($fleet, $nameless);

sub start_fleets {
    ($fleet, $nameless) = (SVB::Fleet->start(3), SVB::Fleet->start(2, route => ''));
    return ($fleet, $nameless);
}

# Two fleets: nodes with a jvmRoute at /, nodes without one at /learned. Options:
# server (lines); nodes (of the first fleet); settings (route => text for its
# member); lines (for the first fleet's balancer); manager (lines for its location).
sub conf {
    my (%option) = @_;
    my $members = SVB::Fleet->of(@{ $option{nodes} // [ $fleet->nodes ] })
        ->members('ajp', $option{settings} // {});
    return <<"END";
Header always set X-How "%{SERVOY_HOW}e"
ProxyPreserveHost On
@{[ $option{server} // '' ]}
<Proxy "balancer://servoy">
${members}ProxySet lbmethod=servoy
ServoyNode * url=http://%r.example.com
@{[ $option{lines} // '' ]}
</Proxy>
<Proxy "balancer://learned">
@{[ $nameless->members('ajp') ]}ProxySet lbmethod=servoy
ServoyFleet learned
ServoyLaunch proxy
</Proxy>
@{[ manager_location($option{manager} // '') ]}ProxyPass "/learned/" "balancer://learned/"
ProxyPass "/" "balancer://servoy/"
END
}

# All nodes by route; one without is known by its member.
sub facts {
    my ($httpd) = @_;
    return { map { ($_->{route} || $_->{members}[0]{worker}) => $_ }
        map { @{ $_->{nodes} } } @{ $httpd->manager->json->{fleets} } };
}

sub total {
    my ($httpd, $what) = @_;
    return sum0 map { $_->{$what} // $_->{clients}{$what} } values %{ facts($httpd) };
}

my @kept = qw(elected sticky launches failed_over_from failed_over_to maintenance_hits
    errors);

# All of it that is to survive.
sub summary {
    my ($httpd) = @_;
    my $facts = facts($httpd);
    return { map {
        my $node = $facts->{$_};
        $_ => join ' ', "web $node->{clients}{web}", "smart $node->{clients}{smart}",
            map { "$_ $node->{$_}" } @kept
    } keys %$facts };
}

sub _nodes { return ($fleet->nodes, $nameless->nodes) }

sub key_of { my ($node) = @_; return $node->route || 'ajp://127.0.0.1:' . $node->ajp_port }

my %base;       # sessions that each node had

# Sessions of other tests are none of this one's.
sub begin {
    %base = map { key_of($_) => $_->active_sessions } _nodes();
    return;
}

sub counts_agree {
    my ($httpd, $name) = @_;
    my ($counted, $held);
    poll(sub {
        my $facts = facts($httpd);
        $counted = join ', ',
            map { key_of($_) . ' ' . ($facts->{ key_of($_) }{clients}{web} // '-') } _nodes();
        $held = join ', ',
            map { key_of($_) . ' ' . ($_->active_sessions - $base{ key_of($_) }) } _nodes();
        return $counted eq $held;
    }, 25);
    return is $counted, $held, $name;
}

# Each asks once more: where something is not as it should be, 'who: what', else ''.
sub wrong {
    my ($how, @users) = @_;
    return join '; ', map {
        my $r = $_->get($_->{page});
        my $got = join ' ', $r->node // 'status ' . $r->status,
            map { $r->header($_) // '-' } qw(X-Count X-How);
        my $wanted = join ' ', $_->{home}, ++$_->{count}, $how;
        $got eq $wanted ? () : "$got, not $wanted";
    } @users;
}

# Asks until the table knows the user, which is at home all the while. What is
# wrong, or ''.
sub becomes_known {
    my ($user) = @_;
    my ($how, $where) = ('', '');
    poll(sub {
        my $r = $user->get($user->{page});
        $how = $r->header('X-How') // 'status ' . $r->status;
        $where = join ' ', $r->node // 'no node', 'request', $r->header('X-Count') // '-';
        $user->{lost} = $where ne "$user->{home} request " . ++$user->{count};
        return $how eq 'known' || $user->{lost};
    }, 20);
    return $user->{lost} ? "$how, $where, not $user->{home} request $user->{count}"
        : $how eq 'known' ? '' : $how;
}

sub launches {
    my ($httpd, $count) = @_;
    my @users = map { $httpd->client(timeout => 30) } 1 .. $count;
    for my $user (@users) {
        ($user->{home}) = ($user->get($jnlp)->header('Location') // '') =~ m{^http://(\w+)\.};
    }
    return @users;
}

# A new client whose session starts only after so many seconds.
sub slow_start {
    my ($httpd, $seconds, $prefix) = @_;
    my $user = $httpd->client(timeout => 60);
    $user->{page} = ($prefix // '') . $page;
    my $ms = $seconds * 1000;
    $user->{pending} = $user->start(GET => ($prefix // '') . "/slow?session=1&ms=$ms");
    return $user;
}

sub slow_end {
    my ($user) = @_;
    my $r = $user->{pending}->finish;
    $user->{home} = $r->node // 'status ' . $r->status;
    $user->{count} = 1;
    return $r->status;
}

sub run_dir { return $_[0]->root . '/run' }
sub file_of { return run_dir($_[0]) . "/$default" }

# The error log's first line that matches, '' where there is none after five seconds.
sub said { my ($httpd, $pattern) = @_; return eval { $httpd->wait_log($pattern, 5) } // '' }

# Names in the runtime folder that have to do with us.
sub files {
    my ($httpd) = @_;
    return join ' ', sort map { s{.*/}{}r } glob run_dir($httpd) . '/*state*'
}

# Client counts by node as the file has them: see src/memory/save.h.
sub saved_counts {
    my ($path) = @_;
    my $bytes = SVB::Temp->read_file($path);
    my ($magic, $version, $nodes) = unpack 'a8 V V', $bytes;
    die "$path: not a saved state\n" if $magic ne 'svb-save' || $version != 4;
    my ($start, $size) = (88, 336 + 2368);
    my $fleets = unpack 'x80 Q<', $bytes;
    my @route = map { (unpack 'Z64 Z64', substr $bytes, $start + $size * $_)[1] } 0 .. $nodes - 1;
    my %count = map { $_ => 0 } @route;
    for (my $at = $start + $size * $nodes + 18528 * $fleets; $at < length($bytes) - 16; $at += 16) {
        my ($node, $kind) = unpack 'x8 v C', substr $bytes, $at, 16;
        $count{ $route[$node] }++ if $kind != 2;
    }
    return \%count;
}

sub sum_of { return sha1_hex(SVB::Temp->read_file($_[0])) }
sub identity { my @stat = stat $_[0]; return "$stat[0]:$stat[1]" }
sub mode { my @stat = stat $_[0]; return @stat ? sprintf '%04o', $stat[2] & 07777 : 'none' }

sub httpd { return SVB::Httpd->new(conf => conf(), @_) }

1;
