#!/usr/bin/perl
# An hour of users in miniature. Whatever happens to them, to their nodes and to
# httpd, the manager counts for each node the sessions that the node itself has.
#
# An hour's session timeout is 36 seconds here: well above the half minute after
# which requests in flight are looked at. Everybody at work does something at each
# turn of the script; who went home without a word is waited for at its end.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use List::Util qw(sum0);
use SVB::Balancer;
use SVB::Fleet;
use SVB::Httpd;
use SVB::Users qw($page $jnlp);
use SVB::Wait qw(:DEFAULT patience poll);
use Test::More;
use Time::HiRes qw(time);

srand 1844;
my $timeout = int patience(36);
my $fleet = SVB::Fleet->start(3, session_seconds => $timeout);
my (undef, $two, $three) = $fleet->nodes;
my $settings = "ProxySet lbmethod=servoy\nServoySessionTimeout $timeout";

my $httpd = SVB::Httpd->new(threads => 32, conf => <<"END")->start;
Header always set X-How "%{SERVOY_HOW}e"
ProxyPreserveHost On
<Proxy "balancer://pages">
@{[ $fleet->members('ajp', 'retry=1') ]}$settings
ServoyNode * url=http://%r.example.com
</Proxy>
<Proxy "balancer://sockets">
@{[ $fleet->members('http', 'upgrade=websocket retry=1 timeout=600') ]}$settings
</Proxy>
@{[ manager_location() ]}
ProxyPass "/websocket/" "balancer://sockets/websocket/"
ProxyPass "/" "balancer://pages/"
END

# --- users ---

my @users;      # all there ever were
my @odd;        # what should not have happened to them

sub at_work { return grep { $_->{session} && !$_->{quiet} } @users }
sub pick { my (@from) = @_; return $from[ rand @from ] }

sub named {
    my ($user) = @_;
    return "user $user->{number} (" . ($user->{ng} ? 'NGClient' : 'Web Client')
        . ", $user->{home})";
}

# A page of the user's: where its session is from now on.
sub visit {
    my ($user, $path, %option) = @_;
    my $r = $user->{client}->get($path // $user->{page});
    my $node = $r->node // 'status ' . $r->status;
    if ($r->status != 200) {
        push @odd, named($user) . ': ' . $r->status . ' ' . $r->error;
        return $r;
    }
    my $was = $user->{session};
    my $count = $r->header('X-Count') // 0;
    if ($was && ($node ne $user->{home} || $count != $user->{count} + 1)) {
        push @odd, named($user) . " is on $node, request $count, not $user->{count} + 1";
    }
    @{$user}{qw(home count session seen)} = ($node, $count, 1, time);
    return $r;
}

sub arrive {
    my ($ng) = @_;
    my $user = { number => scalar @users, ng => $ng, home => 'new', session => 0, count => 0,
        client => $httpd->browser,
        page => $ng ? '/solutions/crm/index.html' : $page };
    push @users, $user;
    visit($user);
    open_window($user) if $ng;
    return $user;
}

sub open_window {
    my ($user) = @_;
    my $number = @{ $user->{windows} //= [] } + 1;
    my $ws = $user->{client}->websocket("/websocket/$user->{number}/main/$number");
    my $hello = $ws->recv_json(30) // {};
    push @odd, named($user) . ': WebSocket ' . $ws->response->status . ' on '
        . ($hello->{node} // 'no node')
        if ($hello->{event} // '') ne 'open' || $hello->{node} ne $user->{home};
    push @{ $user->{windows} }, $ws;
    return;
}

sub close_windows {
    my ($user) = @_;
    $_->close(10) for grep { !$_->closed } @{ $user->{windows} // [] };
    $user->{windows} = [];
    return;
}

sub login {
    my ($user) = @_;
    my $before = $user->{client}->cookie('JSESSIONID');
    visit($user, '/login');
    push @odd, named($user) . ': no new id at the login'
        if $user->{client}->cookie('JSESSIONID') eq $before;
    return;
}

sub logout {
    my ($user) = @_;
    my $r = $user->{client}->get('/logout');
    push @odd, named($user) . ': logout on ' . ($r->node // 'no node')
        if ($r->node // '') ne $user->{home} || defined $user->{client}->cookie('JSESSIONID');
    $user->{session} = 0;
    return;
}

sub hurry {
    my ($path, @client) = @_;
    my $r = ($client[0] // $httpd->client(cookies => 0))->get($path);
    push @odd, "$path: " . $r->status . ' ' . $r->error if $r->status != 200;
    return;
}

# What has no session: a search engine, a monitor, pictures.
sub stateless { hurry(pick(qw(/echo /resources/x.js /status/200))); return }

sub launch {
    my $r = $httpd->client->get($jnlp);
    push @odd, 'launch: ' . $r->status if $r->status != 302;
    return;
}

# One turn of everybody at work.
sub turn { visit($_) for at_work(); stateless(); return }

# A node is gone, and all that was on it.
sub lose {
    my ($node) = @_;
    my @theirs = grep { $_->{session} && $_->{home} eq $node->name } @users;
    for my $user (@theirs) {
        $user->{session} = 0;
        $_->abort for @{ $user->{windows} // [] };
        $user->{windows} = [];
    }
    return @theirs;
}

# --- counts ---

sub by_node { my ($of) = @_; return join ', ', map { $_->name . ' ' . $of->($_) } $fleet->nodes }

# Who has a session as far as the script knows: with an open window, or seen lately.
sub lives {
    my ($user) = @_;
    return $user->{session}
        && ((grep { !$_->closed } @{ $user->{windows} // [] }) || time < $user->{seen} + $timeout);
}

# Until script, nodes and manager agree.
sub agree {
    my ($name, $seconds, $meanwhile) = @_;
    my ($script, $nodes, $manager);
    poll(sub {
        $meanwhile->() if $meanwhile;
        $script = by_node(sub {
            my ($node) = @_;
            scalar grep { lives($_) && $_->{home} eq $node->name } @users
        });
        $nodes = by_node(sub { $_[0]->alive ? $_[0]->active_sessions : 0 });
        my %web = map { $_->{route} => $_->{clients}{web} }
            @{ $httpd->manager->json->{fleets}[0]{nodes} };
        $manager = by_node(sub { $web{ $_[0]->route } });
        return $manager eq $nodes && $nodes eq $script;
    }, $seconds // 15);
    is $manager, $nodes, "$name: the manager counts what the nodes have";
    is $nodes, $script, '... and the nodes have what they should';
    is_deeply \@odd, [], '... and everybody was served as they should be';
    @odd = ();
    return;
}

subtest 'morning: users arrive' => sub {
    stateless();
    arrive(0) for 1 .. 9;
    for (1 .. 6) {
        arrive(1);
        stateless();
    }
    launch();
    agree('15 users');
    # these will not be heard of again, and not say goodbye
    $_->{quiet} = 1 for @users[ 1 .. 3 ];
    my %home = map { $_->{home} => 1 } grep { $_->{quiet} } @users;
    is scalar(keys %home), 3, 'three leave their desks, one on each node';
    # an open window is their only sign of life from now on
    $_->{quiet} = 1 for @users[ 9 .. 11 ];
    %home = map { $_->{home} => 1 } @users[ 9 .. 11 ];
    is scalar(keys %home), 3, 'three are in a WebSocket, and ask for no page any more';
    agree('some are silent');
};

my @silent = @users[ 1 .. 3 ];
my @in_window = @users[ 9 .. 11 ];
my $opened = time;

subtest 'logins and logouts' => sub {
    turn();
    login($_) for @users[ 0, 4, 5, 12, 13 ];
    agree('five log in, two of them with a window open');
    login($users[4]) for 1 .. 3;
    agree('one does so again and again');
    logout($_) for @users[ 5, 6 ];
    logout($users[13]);
    agree('three log out, one of them with a window open');
    close_windows($users[13]);
    visit($users[5]);
    turn();
    agree('its window is closed, and one of the others comes again');
};

subtest 'a busy hour' => sub {
    my @ways = (
        sub { arrive(0) },
        sub { arrive(0) },
        sub { arrive(1) },
        sub { visit(pick(at_work())) },
        sub { login(pick(at_work())) },
        sub { my $user = pick(at_work()); logout($user); close_windows($user) },
        sub { hurry('/echo', pick(at_work())->{client}) },
        sub { stateless() },
        sub { open_window(pick(grep { $_->{ng} } at_work())) },
        sub { launch() },
    );
    for my $part (1 .. 3) {
        for (1 .. 20) {
            pick(@ways)->();
            stateless();
        }
        turn();
        agree("part $part");
    }
};

subtest 'httpd restarts gracefully' => sub {
    my ($before) = sum0 map { $_->{clients}{web} } @{ $httpd->manager->json->{fleets}[0]{nodes} };
    $httpd->graceful;
    is sum0(map { $_->{clients}{web} } @{ $httpd->manager->json->{fleets}[0]{nodes} }), $before,
        'no count is lost';
    turn();
    agree('users go on');
    arrive($_ % 2) for 1 .. 4;
    login(pick(at_work()));
    logout(pick(grep { !$_->{ng} } at_work()));
    agree('others come and go');
    my ($sockets) = scalar grep { $_->ping('there?', 10) } map { @{ $_->{windows} } } @in_window;
    is $sockets, 3, 'windows of before are open';
};

subtest 'a node is killed' => sub {
    $two->kill;
    my @theirs = lose($two);
    my @back = grep { !$_->{quiet} && $_->{number} % 4 } @theirs;
    cmp_ok scalar(@back), '>=', 2, 'some of its users come again at once: ' . @back . ' of '
        . @theirs;
    cmp_ok scalar(@theirs - @back), '>=', 2, '... and some do not';
    for my $user (@back) {
        visit($user);
        open_window($user) if $user->{ng};
    }
    is scalar(grep { $_->{home} eq $two->name } @back), 0, 'they get new sessions elsewhere';
    turn();
    agree('without it');
    arrive(0) for 1 .. 4;
    agree('others come');
    $two->start;
    wait_ok(sub { arrive(0)->{home} eq $two->name }, 20, 'it is started again, and gets new users');
    turn();
    agree('with it');
};

subtest 'a node is restarted, and nobody notices' => sub {
    my @theirs = grep { $_->{session} && $_->{home} eq $three->name } @users;
    $three->restart;
    lose($three);
    my @back = grep { !$_->{quiet} } @theirs;
    cmp_ok scalar(@back), '>=', 2, 'its users come again, and get new sessions: ' . @back;
    for my $user (@back) {
        visit($user);
        open_window($user) if $user->{ng};
    }
    turn();
    is_deeply \@odd, [], 'everybody goes on';
    @odd = ();
};

subtest 'the end of the hour' => sub {
    my $over = $opened + $timeout + 8;
    my $next = 0;
    my $work = sub {
        return if time < $next;
        turn();
        $next = time + patience(4);
    };
    my @left = grep { $_->{session} } @in_window;
    is scalar(@left), 1,
        'of the three that are in a WebSocket, one has a node that was not touched';
    wait_for(sub { $work->(); time > $over }, $timeout + 30, 'the session timeout to pass');
    is scalar(grep { $_->{windows}[-1]->ping('there?', 10) } @left), 1, 'it is still open';
    my %sessions = map { $_ => 1 } map { @{ $_->sessions } } $fleet->nodes;
    is scalar(grep { $sessions{ $_->{client}->cookie('JSESSIONID') } } @left), 1,
        'with its session';
    is scalar(grep { lives($_) } @silent), 0, 'the silent ones are gone';
    agree('after the session timeout', 15, $work);
    my $r = visit($left[0]);
    is $r->header('X-How'), 'known', 'the one in the WebSocket is known';
    agree('and asks for a page');

    visit($_) for at_work();
    close_windows($_) for @users;
    agree('all windows are closed');
    $_->{quiet} = 0 for @left;
    my @rest = at_work();
    logout($_) for @rest[ 0 .. @rest / 2 ];
    agree('half of all log out');
    logout($_) for at_work();
    agree('the others too');
    wait_ok(sub { !grep { $_->{in_flight} || $_->{clients}{web} }
        @{ $httpd->manager->json->{fleets}[0]{nodes} } }, 15,
        'nobody is left, and nothing in flight');
    my $all = $httpd->manager->json;
    is $all->{table}{clients}, sum0(map { $_->{clients}{smart} } @{ $all->{fleets}[0]{nodes} }),
        'the table holds Smart Clients alone';
};

$httpd->stop;
$fleet->stop;
done_testing;
