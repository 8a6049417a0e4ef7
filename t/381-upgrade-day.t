#!/usr/bin/perl
# A rolling upgrade of three nodes by day, with servoyctl alone, as its manual and the handbook
# say it: behind two front ends that share a store, while users are at work at both.
# Nobody loses a session but who is still there when the wait is over.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Basename qw(dirname);
use JSON::PP ();
use POSIX ();
use SVB::Ctl;
use SVB::Fleet;
use SVB::Fronts;
use SVB::Proc;
use SVB::Temp;
use SVB::Users qw($page);
use SVB::Wait;
use SVB::Windows;
use Test::More;
use Time::HiRes qw(sleep time);

my $wait = 15;      # seconds instead of two hours
my $tree = "$FindBin::Bin/..";
my @routes = qw(servoy1 servoy2 servoy3);
my $dir = SVB::Temp->dir('day');

# --- the text ---

# The commands of the manual, and of the handbook: they say them alike.
sub commands {
    my ($manual) = SVB::Temp->read_file("$tree/src/ctl/servoyctl.8")
        =~ /^A rolling upgrade[^\n]*\n\.Bd[^\n]*\n(.*?)^\.Ed$/ms;
    my ($handbook) = SVB::Temp->read_file("$tree/conf/man/servoy-operation.7.pod")
        =~ /^(    export SERVOY_MANAGER(?:.*\n )*.*\n)/m;
    is $handbook =~ s/^ {4}//mgr, $manual, 'the handbook has the manual\'s commands';
    return $manual;
}

my $commands = commands();
like $commands, qr/--wait=2h --then=disable/, 'the commands';

# --- users, in a process of their own ---

my $fleet = SVB::Fleet->start(scalar @routes);
my $fronts = SVB::Fronts->start(2, fleet => $fleet, httpd => { threads => 32, processes => 2 });
my $parent = $$;

# One page by one of the front ends, which must be the next of the same session.
sub turn {
    my ($notes, $user) = @_;
    my $r = $fronts->roam($user)->get($page);
    $notes->{requests}++;
    my ($node, $count) = ($r->node // 'status ' . $r->status, $r->header('X-Count') // 0);
    my $is_well = $r->status == 200 && !$r->error && $count == $user->{count} + 1
        && $node eq ($user->{home} // $node);
    push @{ $notes->{lost} }, sprintf '%.1f: %s, page %d after %d at %s; %s', time, $node, $count,
        $user->{count}, $user->{home} // '-', $r->error if !$is_well;
    @$user{qw(home count)} = ($node, $count);
    $notes->{on}{$node}++;
    return;
}

# Who works for two to five seconds and logs out; then comes the next.
sub work {
    my ($notes, $user) = @_;
    if (!$user || time >= $user->{until}) {
        $fronts->roam($user)->get('/logout') if $user;
        $user = $fronts->front('fe1')->browser;
        @$user{qw(count until)} = (0, time + 2 + rand 3);
        $notes->{users}++;
    }
    turn($notes, $user);
    return $user;
}

sub fork_users {
    my $pid = fork // die "fork: $!\n";
    return $pid if $pid;
    my $ended = 0;
    $SIG{TERM} = sub { $ended = 1 };
    my %notes = (requests => 0, users => 0, lost => [], on => {});
    my @users = (undef) x 12;
    my $well = eval {
        while (!$ended && getppid() == $parent) {
            $_ = work(\%notes, $_) for @users;
            sleep 0.05;
        }
        1;
    };
    push @{ $notes{lost} }, "died: $@" if !$well;
    SVB::Temp->write_file("$dir/notes", JSON::PP->new->encode(\%notes));
    POSIX::_exit(0);
}

my $users = fork_users();
wait_for(sub { !grep { !$_->active_sessions } $fleet->nodes }, 30, 'users on all nodes');
my @stubborn = (SVB::Windows->open($fronts->front('fe1'), $fleet, 'servoy2', 1),
    SVB::Windows->open($fronts->front('fe2'), $fleet, 'servoy2', 1));
is join(' ', map { $_->homes } @stubborn), 'servoy2 servoy2', 'two who do not leave their windows';

# --- the day ---

# ssh leaves word of the node; this program stops it and starts it again.
my $bin = SVB::Temp->dir('bin');
symlink SVB::Ctl->file, "$bin/servoyctl";
SVB::Temp->write_file("$bin/ssh", <<"END");
#!/bin/sh
echo "\$2" > $dir/said
echo "\$1" > $dir/ssh.new && mv $dir/ssh.new $dir/ssh
while [ -e $dir/ssh ]; do sleep 0.1; done
END
chmod 0755, "$bin/ssh";

my $urls = join ' ', map { $_->url . '/servoy-manager' } $fronts->all;
$commands =~ s/(SERVOY_MANAGER=')[^']*'/$1$urls'/ or die;
$commands =~ s/--wait=2h/--wait=$wait/ or die;
my $day = SVB::Proc->spawn(name => 'day', cmd => [ '/bin/sh', '-euc', $commands ],
    out => "$dir/out", env => { PATH => "$bin:$ENV{PATH}", SERVOY_FLEET => undef,
        http_proxy => undef });

# What browsers do whose windows are closed; then these two go home as well.
sub come_back {
    subtest 'who is still there is cut off' => sub {
        for my $windows (@stubborn) {
            is scalar(@{ $windows->come_back(10) }), 1, 'the window was closed';
            isnt $windows->homes, 'servoy2', '... and he is at work elsewhere';
            $windows->abort;
            $_->{user}->get('/logout') for $windows->list;
        }
    };
    return;
}

my %seen;
for my $route (@routes) {
    my $asked = time;
    wait_for(sub { SVB::Temp->read_file("$dir/ssh") eq "$route\n" || !$day->alive }, $wait + 90,
        "$route to be free");
    my $node = $fleet->node($route);
    $seen{$route} = { took => time - $asked, sessions => $node->active_sessions,
        states => join ' ', map { $_->manager->node('servoy', $route)->{state} } $fronts->all };
    come_back() if $route eq 'servoy2';
    $node->restart;
    unlink "$dir/ssh";
}
wait_for(sub { !$day->alive }, 60, 'the day to end');
my $said = SVB::Temp->read_file("$dir/out");
note $said;

subtest 'what was said' => sub {
    is $day->status, 0, 'all went well';
    like $said, qr/^fe1, fe2:\nNODE /, 'one list of both, who share';
    like $said, qr/^$_: safe to stop$/m, "$_: its users have left" for qw(servoy1 servoy3);
    like $said, qr/^servoy2: disabled, /m, 'servoy2: two have not';
    like(SVB::Temp->read_file("$dir/said"), qr/^systemctl stop tomcat && /,
        'ssh was told to stop it');
    is scalar(() = $said =~ /^$_: ready, \d+ web clients, /mg), 1, "$_: enabled" for @routes;
    like $said, qr/^servoy2: draining, \d+ web clients, /m, 'how things stand meanwhile';
    like $said, qr/servoy\/$_  \w+ -> draining  drained by /, "$_: an event" for @routes;
    is scalar(() = $fronts->front('fe1')->error_log =~ /SVB0065/g), 3 + 3 + 3,
        'fe1 was told of each action once';
    is scalar(() = $fronts->front('fe2')->error_log =~ /SVB0065/g), 0, '... and fe2 heard of it';
};

subtest 'when the nodes were stopped' => sub {
    for my $route (qw(servoy1 servoy3)) {
        is $seen{$route}{states}, 'draining draining', "$route was draining at both";
        is $seen{$route}{sessions}, 0, '... and had no session';
        cmp_ok $seen{$route}{took}, '<', $wait + 30, '... in time';
    }
    is $seen{servoy2}{states}, 'disabled disabled', 'servoy2 was disabled at both';
    is $seen{servoy2}{sessions}, 2, '... with those two sessions';
    cmp_ok $seen{servoy2}{took}, '>=', $wait - 1, '... when the wait was over';
};

subtest 'what users have to say' => sub {
    kill TERM => $users;
    wait_for(sub { waitpid($users, POSIX::WNOHANG()) == $users }, 40, 'them to end');
    my $notes = JSON::PP->new->decode(SVB::Temp->read_file("$dir/notes"));
    note "$notes->{requests} pages of $notes->{users} users";
    is_deeply $notes->{lost}, [], 'nobody has lost a session, or seen an error';
    cmp_ok $notes->{users}, '>=', 20, 'many users';
    cmp_ok $notes->{on}{$_} // 0, '>=', 10, "... on $_" for @routes;
};

subtest 'afterwards' => sub {
    for my $route (@routes) {
        $fronts->each_says(5, "$route is ready",
            sub { $_[0]->manager->node('servoy', $route)->{state} eq 'ready' });
    }
};

# Without the store they do not hear each other: each is told, and nobody knows whether a
# node is empty.
subtest 'the store is lost' => sub {
    $fronts->store->stop;
    wait_for(sub { !grep { !$fronts->is_lost($_) } $fronts->names }, 20, 'them to notice');
    my $ctl = SVB::Ctl->new(SERVOY_MANAGER => $urls);
    my $run = $ctl->ends_with(0, qr/^servoy3: draining, /, 'drain', 'drain', 'servoy3');
    is join(' ', map { $_->manager->node('servoy', 'servoy3')->{state} } $fronts->all),
        'draining draining', '... is said to each';
    $ctl->ends_with(1, qr/^servoy3: draining, .*the shared store is lost at fe1; .*fe2$/m,
        'it is not safe to stop', 'wait', 'servoy3', '2');
    $ctl->ends_with(0, qr/^servoy3: ready, /, 'enable', 'enable', 'servoy3');
};

done_testing;
