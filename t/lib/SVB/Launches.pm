package SVB::Launches;

# Real launches and what is to be seen of them: subtests of Test::More.
#
#   my $launches = SVB::Launches->new(httpd => $httpd, fleet => $fleet);
#   my $node = $launches->run_well($user, $url, fleet => 'servoy', status => 302,
#       args => ['solution=crm']);
#   my $run = $launches->run_badly($user, $url, fleet => 'servoy', status => 503);
#   $launches->run_untrusted($ca, $url, fleet => 'servoy', status => 302);
#   $launches->counted('servoy');       # { servoy1 => [launches, smart clients] }
#   $launches->wait_dead('servoy', $node);
#
# user: an SVB::WebStart; fleet: as the manager names it; status: what the front
# end answers (undef: it is not even asked); args: what the client gets.
# run_well: the client ends well; it says that it ran from a node's direct URL (of
# the URL's scheme), which is returned; that node was told the same, and no other;
# the front end saw a HEAD and a GET, or that twice, and the GET counted once.
# run_badly: javaws ends by itself, badly; no client ran, no node was told, nothing
# counted. Returns what SVB::WebStart->launch does.
# run_untrusted: the same for a user who trusts that authority alone, since it has
# not issued the front end's certificate (no status) or, beyond it, the node's.

use v5.32;
use warnings;

use Encode qw(decode_utf8);
use List::Util qw(sum);
use SVB::Wait qw(wait_for poll);
use SVB::WebStart;
use Test::More;

sub new {
    my ($class, %option) = @_;
    return bless { %option }, $class;
}

sub run_well {
    my ($self, $user, $url, %expected) = @_;
    my $node;
    subtest $url => sub {
        my ($run, $told, $before) = $self->_launch($user, $url, $expected{fleet});
        is $run->{status}, 0, 'the client came up and ended well' or diag $run->{output},
            $self->{httpd}->access_log;
        my $seen = $self->_seen(2);
        my $times = grep({ /^GET/ } @$seen) || 1;
        is_deeply $seen, [ map { "$_ $expected{status}" } (qw(HEAD GET)) x $times ],
            'the front end answered' or diag $self->{httpd}->access_log;
        my $url_of = $url =~ /^https/ ? 'tls_url' : 'url';
        ($node) = grep { $_->$url_of =~ m{//\Q$run->{node}\E$} } $self->{fleet}->nodes
            if $run->{node};
        ok $node, 'codebase is the direct URL of a node' or diag $run->{node} // 'none';
        is_deeply [ map { decode_utf8($_) } @{ $run->{args} } ], $expected{args},
            'the arguments arrived';
        is_deeply $told, [ [ $node && $node->name, $run->{node}, @{ $expected{args} } ] ],
            'that node alone was told';
        # IcedTea-Web with Java 21 asks twice now and then, without cookies as ever
        if ($times == 1) {
            $before->{ $node->route }[$_]++ for $node ? (0, 1) : ();
            is_deeply $self->counted($expected{fleet}), $before, 'it counted once there';
        } else {
            is launches($self->counted($expected{fleet})), launches($before) + $times,
                'each GET counted once';
        }
    };
    return $node;
}

sub launches { my ($counted) = @_; return sum map { $_->[0] } values %$counted }

sub run_badly {
    my ($self, $user, $url, %expected) = @_;
    my $run;
    subtest "$url fails" => sub {
        ($run, my $told, my $before) = $self->_launch($user, $url, $expected{fleet});
        is $run->{status} & 127, 0, 'javaws ended by itself';
        isnt $run->{status} >> 8, 0, 'and not well' or diag $run->{output};
        is $run->{node}, undef, 'no client ran';
        is_deeply $told, [], 'no node was told';
        my %seen = map { $_ => 1 } @{ $self->_seen($expected{status} ? 2 : 0) };
        is_deeply \%seen,
            { map { ("$_ $expected{status}" => 1) } $expected{status} ? qw(HEAD GET) : () },
            'what the front end answered' or diag $self->{httpd}->access_log;
        # a launch whose node it does not trust did get its node
        is_deeply $self->counted($expected{fleet}), $before, 'nothing counted'
            if ($expected{status} // 503) == 503;
    };
    return $run;
}

sub run_untrusted {
    my ($self, $ca, $url, %expected) = @_;
    my $run = $self->run_badly(SVB::WebStart->new(trust => $ca), $url, %expected);
    return like $run->{output}, qr/HTTPS certificate cannot be verified/,
        $expected{status} ? 'the node\'s certificate' : 'the front end\'s certificate';
}

sub _launch {
    my ($self, $user, $url, $fleet) = @_;
    my $before = $self->counted($fleet);
    my %old = map { $_->name => scalar @{ $_->reports } } $self->_alive;
    $self->{httpd}->mark;
    my $run = $user->launch($url);
    my @told = map { my ($node, @all) = ($_, @{ $_->reports });
        map { [ $node->name, $_->{node}, @{ $_->{args} } ] } @all[ $old{ $node->name } .. $#all ] }
            $self->_alive;
    return ($run, \@told, $before);
}

sub _alive { grep { $_->alive } $_[0]{fleet}->nodes }

# What the front end answered to Java Web Start since the last mark: at least so
# many lines, for its log is written after the answer.
sub _seen {
    my ($self, $least) = @_;
    my @seen;
    poll(sub {
        @seen = map { m{"(HEAD|GET) /\S*\.jnlp\S* HTTP/1\.1" (\d+) } ? "$1 $2" : () }
            split /^/, $self->{httpd}->access_log;
        return @seen >= $least;
    }, 5);
    return \@seen;
}

# A node that is down has no clients once that is known.
sub counted {
    my ($self, $fleet) = @_;
    my $nodes = $self->{httpd}->nodes($fleet);
    my %alive = map { $_->route => 1 } $self->_alive;
    return {
        map { $_ => [ $nodes->{$_}{launches}, $alive{$_} ? $nodes->{$_}{clients}{smart} : () ] }
        keys %$nodes };
}

# Until the front end has found out by itself.
sub wait_dead {
    my ($self, $fleet, @nodes) = @_;
    wait_for(sub {
        my $state = $self->{httpd}->nodes($fleet);
        return !grep { $state->{ $_->route }{state} ne 'error' } @nodes;
    }, 10, "the fleet $fleet to find out who is dead");
    return;
}

1;
