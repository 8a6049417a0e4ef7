#!/usr/bin/perl
# A rolling upgrade by day, in miniature: each node of two fleets in turn is taken
# out, emptied as far as its users go, stopped, started and enabled, first by
# draining it, then by Servoy's own maintenance mode, while users work and the
# front end is restarted. In one fleet the nodes share their sessions, in the
# other they do not.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP ();
use POSIX ();
use SVB::Balancer;
use SVB::Fleet;
use SVB::Httpd;
use SVB::Node;
use SVB::Proc;
use SVB::Temp;
use SVB::Users qw($page);
use SVB::Wait;
use Test::More;
use Time::HiRes qw(sleep time);

my $script = $ENV{SVB_NODE_SCRIPT} // "$FindBin::Bin/../conf/servoy-node.sh";
my @routes = qw(servoy1 servoy2 servoy3);
my @names = qw(shared single);
my %fleet = (shared => SVB::Fleet->start(3, replicated => 1), single => SVB::Fleet->start(3));
my %scheme = (shared => 'ajp', single => 'http');

my $httpd = SVB::Httpd->new(conf => join '', "ProxyPreserveHost On\n",
    manager_location('ServoyManagerActions on'),
    map { balancer($_, $fleet{$_}->members($scheme{$_}), 'ServoySessionTimeout 3s',
        'ServoyMaintenance on 2s',
        'ServoyLaunch proxy') } @names)->start;
my ($at, $manager) = ($httpd->url . '/servoy-manager', $httpd->manager);

# --- users, in processes of their own ---

my $dir = SVB::Temp->dir('users');
my $parent = $$;

# What the users of a fleet are told: 'leave servoy1'. They act on it once.
sub announce { my ($name, $what) = @_; return SVB::Temp->write_file("$dir/$name.told", $what) }

# Runs turns until it is told to end, or this program is gone; then leaves what it
# has noted in a file.
sub fork_users {
    my ($kind, $name, $make_turn) = @_;
    my $file = "$dir/$kind-$name.json";
    my $pid = fork // die "fork: $!\n";
    return { pid => $pid, file => $file, title => "$kind, $name" } if $pid;
    my $ended = 0;
    $SIG{TERM} = sub { $ended = 1 };
    my %notes = (requests => 0, failures => [], restarts => []);
    my $turn = $make_turn->(\%notes);
    my $well = eval { $turn->() while !$ended && getppid() == $parent; 1 };
    push @{ $notes{failures} }, "died: $@" if !$well;
    SVB::Temp->write_file($file, JSON::PP->new->encode(\%notes));
    POSIX::_exit(0);
}

sub notes_of {
    my ($users) = @_;
    kill TERM => $users->{pid};
    wait_for(sub { waitpid($users->{pid}, POSIX::WNOHANG()) == $users->{pid} }, 40,
        "$users->{title} to end");
    return JSON::PP->new->decode(SVB::Temp->read_file($users->{file}));
}

# A GET, which must succeed.
sub ask {
    my ($notes, $user, $path) = @_;
    my $when = time;
    my $r = $user->get($path);
    $notes->{requests}++;
    push @{ $notes->{failures} }, sprintf '%.1f %s: %s %s %s %s', $when, $path, $r->status,
        $r->node // '-', $r->error,
        substr $r->body, 0, 80 if $r->status != 200 || $r->error || !defined $r->node;
    return $r;
}

# Users who stay: they look at pages and log in, again and again. Who is told so
# leaves and begins anew.
sub stayers {
    my ($name, $count) = @_;
    return sub {
        my ($notes) = @_;
        my @users = map { $httpd->browser } 1 .. $count;
        my ($turns, $told) = (0, '');
        return sub {
            my $now = SVB::Temp->read_file("$dir/$name.told");
            my ($leave) = $now ne $told ? $now =~ /^leave (\w+)/ : ();
            $told = $now;
            $turns++;
            for my $i (0 .. $#users) {
                my $user = $users[$i];
                if (defined $leave && ($user->{home} // '') eq $leave) {
                    ask($notes, $user, "/$name/logout");
                    delete @$user{qw(home count)};
                }
                my $r = ask($notes, $user, ($turns + $i) % 7 ? "/$name$page" : "/$name/login");
                my ($node, $count) = ($r->node // '-', $r->header('X-Count') // 0);
                if (defined $user->{count} && $count <= $user->{count} && $r->status == 200) {
                    push @{ $notes->{restarts} },
                        { user => $i, at => time, from => $user->{home}, to => $node };
                }
                @$user{qw(home count)} = ($node, $count) if $r->status == 200;
                sleep 0.02;
            }
        };
    };
}

# Users who come, look twice, and go; some without a word. And what has no session.
sub comers {
    my ($name) = @_;
    return sub {
        my ($notes) = @_;
        my $turns = 0;
        return sub {
            my $user = $httpd->browser;
            my $first = ask($notes, $user, "/$name$page");
            my $second = ask($notes, $user, "/$name$page");
            if (($second->header('X-Count') // 0) < 2) {
                push @{ $notes->{restarts} },
                    { user => "comer $turns", at => time, from => $first->node // '-',
                        to => $second->node // '-' };
            }
            ask($notes, $user, "/$name/logout") if $turns++ % 4;
            ask($notes, $httpd->browser, "/$name/resources/x.js");
            sleep 0.05;
        };
    };
}

# --- the administrator ---

sub begin_script {
    my ($name, @args) = @_;
    my $said = SVB::Temp->dir('said') . '/said';
    return SVB::Proc->spawn(name => 'servoy-node.sh', cmd => [ $script, @args ], out => $said,
        env => { SERVOY_FLEET => $name, SERVOY_CURL => undef, http_proxy => undef,
            no_proxy => '*' });
}

sub codes {
    return join ' ', map { my $status = $_->wait(60) // $_->kill; $status >> 8 || $status } @_
}

# Two ways to take a node out in both fleets. Each returns when its users have
# left or, where they do not, after a while: 0, or 1 with users left.
my %take_out = (
    drain => sub {
        my ($route, $all_leave) = @_;
        my @scripts = map { begin_script($_, 'drain', $at, $route, $all_leave ? 30 : 1) } @names;
        if ($all_leave) {
            wait_for(sub { $manager->node($_, $route)->{state} eq 'draining' }, 20, 'it to drain')
                for @names;
            announce($_, "leave $route") for @names;
        }
        $httpd->graceful;
        return codes(@scripts);
    },
    maintenance => sub {
        my ($route, $all_leave) = @_;
        $fleet{$_}->node($route)->maintenance(1) for @names;
        wait_for(sub { $manager->node($_, $route)->{state} eq 'maintenance' }, 20,
            'a new client to be refused') for @names;
        announce($_, "leave $route, it is in maintenance") for $all_leave ? @names : ();
        $httpd->graceful;
        wait_for(sub { !grep { !$manager->node($_, $route)->{safe_to_stop} } @names }, 30,
            'users to leave') if $all_leave;
        return join ' ', map { $manager->node($_, $route)->{safe_to_stop} ? 0 : 1 } @names;
    },
);

my @users;
for my $name (@names) {
    push @users, fork_users('stayers', $name, stayers($name, 6)),
        fork_users('comers', $name, comers($name));
}
for my $name (@names) {
    wait_for(sub { !grep { $manager->node($name, $_)->{clients}{web} < 2 } @routes }, 20,
        'users on all nodes');
}

my (@rounds, $gracefuls);
for my $way (qw(drain maintenance)) {
    for my $route (@routes) {
        subtest "$route, $way" => sub {
            my $all_leave = $route eq 'servoy1';
            my @nodes = map { $fleet{$_}->node($route) } @names;
            my %round = (route => $route, all_leave => $all_leave);
            is $take_out{$way}->($route, $all_leave), $all_leave ? '0 0' : '1 1',
                $all_leave ? 'its users leave: it is safe to stop'
                : 'the time is up, and users are left';
            $round{stopped} = time;
            $_->{proc}->signal('TERM') for @nodes;
            is_deeply [ map { my $status = $_->stop; $status & 127 } @nodes ], [ 0, 0 ], 'it stops';
            $httpd->graceful;
            $gracefuls += 2;
            wait_ok(sub { !$manager->node($_, $route)->{clients}{web} }, 20,
                "$_: it has no users any more") for @names;
            SVB::Node->start_all(@nodes);
            $fleet{shared}->wait_shared;
            is codes(map { begin_script($_, 'enable', $at, $route) } @names), '0 0',
                'it is started, and enabled';
            $round{ended} = time;
            push @rounds, \%round;
            wait_ok(sub {
                'ready ready' eq join ' ', map { $manager->node($_, $route)->{state} } @names
            }, 5, 'it is ready');
            wait_ok(sub { !grep { !$_->requests->{$page} } @nodes }, 20, 'and gets new clients');
        };
    }
}

# --- what the users have to say ---

my %notes = map { $_->{title} => notes_of($_) } @users;

subtest 'nobody saw an error' => sub {
    for my $title (sort keys %notes) {
        my $notes = $notes{$title};
        cmp_ok $notes->{requests}, '>=', 100, "$title: many requests";
        is scalar(@{ $notes->{failures} }), 0, '... none failed' or diag join "\n",
            @{ $notes->{failures} };
    }
    cmp_ok $gracefuls, '>=', 10, 'while the front end was restarted gracefully ten times and more';
    my @errors = grep { m{"GET /\S+ HTTP\S+" 5\d\d } } split /^/, $httpd->access_log;
    is scalar(@errors), 0, 'nor does the access log show any' or diag @errors;
};

subtest 'sessions: shared' => sub {
    is_deeply $notes{"$_, shared"}{restarts}, [], "$_: none began anew" for qw(stayers comers);
};

subtest 'sessions: not shared' => sub {
    my (%seen, @wrong);
    for my $restart (@{ $notes{'stayers, single'}{restarts} },
        @{ $notes{'comers, single'}{restarts} }) {
        my ($round) = grep { $restart->{at} >= $_->{stopped} && $restart->{at} <= $_->{ended} }
            @rounds;
        push @wrong, $restart if !$round || $restart->{from} ne $round->{route}
            || $restart->{to} eq $round->{route}
            || $seen{"$restart->{user} $round->{stopped}"}++;
    }
    is_deeply \@wrong, [], 'only those on a stopped node began anew, elsewhere, and once'
        or diag explain \@rounds;
    cmp_ok scalar(keys %seen), '>=', 1, 'as some had to';
    my @left = grep { $_->{all_leave} } @rounds;
    is scalar(grep { my $at = $_->{at}; grep { $at >= $_->{stopped} && $at <= $_->{ended} } @left }
        @{ $notes{'stayers, single'}{restarts} }), 0, 'none where all had left before';
};

$_->stop for $httpd, values %fleet;
done_testing;
