#!/usr/bin/perl
# What survives when the server is killed, every process of it at once: what an
# administrator has said a second ago, and clients of a minute ago.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SVB::Balancer qw(manager_location);
use SVB::Httpd;
use SVB::Kept;
use SVB::Temp;
use SVB::Users;
use SVB::Wait;
use SVB::Windows;
use Test::More;
use Time::HiRes qw(sleep time);

my ($fleet, $nameless) = start_fleets();

sub act {
    my ($httpd, $action, %more) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $r = $httpd->manager->post(fleet => 'servoy', node => 'servoy1', action => $action, %more);
    return is $r->status, 200, join(' ', $action, values %more) || $r->body;
}

sub actions { return conf(manager => 'ServoyManagerActions on', @_) }
sub front   { return httpd(conf => actions(@_)) }

sub states {
    my ($httpd) = @_;
    return join ' ', map { $_->{state} } $httpd->manager->nodes('servoy');
}

# All processes at once.
sub end { my ($httpd) = @_; $httpd->crash; return $httpd }

sub crash { my ($httpd) = @_; return end($httpd)->mark->start }

subtest 'words of an administrator' => sub {
    my $httpd = front()->start;
    act($httpd, 'drain');
    act($httpd, 'maintenance', node => 'servoy2');
    act($httpd, 'loadfactor', node => 'servoy3', value => 7);
    sleep 1.1;
    crash($httpd);
    is states($httpd), 'draining maintenance ready', 'a second later they are on the disk';
    is facts($httpd)->{servoy3}{loadfactor}, 7, '... the loadfactor, too';
    like facts($httpd)->{servoy1}{reason}, qr/^drained by /, '... and who said it';
    like said($httpd, qr/SVB0088/), qr/\[servoy_balancer:notice\]/, 'the log tells';
    crash($httpd) for 1 .. 3;
    is states($httpd), 'draining maintenance ready', 'a crash right after the start loses none';

    act($httpd, 'enable');
    act($httpd, 'disable', node => 'servoy2');
    sleep 1.1;
    crash($httpd);
    is states($httpd), 'ready disabled ready', 'the last word counts, not an older one';
    $httpd->stop;
    is files($httpd), $default, 'a stop leaves one file';
    $httpd->mark->start;
    is states($httpd), 'ready disabled ready', 'which has them';
    act($httpd, 'enable', node => 'servoy2');
    sleep 1.1;
    crash($httpd);
    is states($httpd), 'ready ready ready', 'after a crash it is not the truth any more';
    act($httpd, 'drain', node => 'servoy3');
    sleep 1.1;
    $httpd->reload;
    crash($httpd);
    is states($httpd), 'ready ready draining', 'nor does a graceful restart change anything';
    act($httpd, 'enable', node => 'servoy3');
    $httpd->stop;
    is scalar(grep { /SVB00(?:81|83|86)/ } split /^/, $httpd->error_log), 0, 'no complaints';
};

subtest 'while nobody watches' => sub {
    my $httpd = front()->start;
    $httpd->mark;
    CORE::kill KILL => $httpd->children;
    wait_for(sub { eval { states($httpd) } }, 20, 'new children');
    sleep 1;
    act($httpd, 'drain');
    sleep 1;
    crash($httpd);
    is states($httpd), 'draining ready ready', 'a word said just then is on the disk as well';
    $httpd->stop;
};

subtest 'clients' => sub {
    begin();
    my $httpd = front()->start;
    my @users = users($httpd, 6);
    $httpd->stop;
    $httpd->start;
    is files($httpd), join(' ', map { "$default.$_" } qw(1 2 nodes)),
        'the file is set aside while the server runs';
    is mode(file_of($httpd) . ".$_"), '0600', "$_: for its owner alone" for qw(1 2 nodes);
    crash($httpd);
    is wrong(known => @users), '', 'a crash at once: those of the stop are known';
    my @new = users($httpd, 4);
    my $began = time;
    wait_for(sub {
        my @counts = map { eval { saved_counts(file_of($httpd) . ".$_") } // {} } 1, 2;
        grep { my $sum = 0; $sum += $_ for values %$_; $sum >= 10 } @counts;
    }, 70, 'all to be saved');
    cmp_ok time - $began, '<', 60, 'new ones are on the disk within a minute';
    sleep 0.5;
    crash($httpd);
    is wrong(known => @users, @new), '', 'all are known after a crash';
    counts_agree($httpd, 'and counted');
    my $clients = (said($httpd, qr/SVB0082/) =~ /, (\d+) clients; /)[0];
    is $clients, 10, 'the log has them';
    SVB::Temp->write_file(file_of($httpd) . '.nodes', 'damaged' x 100);
    end($httpd);
    chmod 0600, file_of($httpd) . '.nodes';
    $httpd->mark->start;
    like said($httpd, qr/SVB0081/), qr/\Q$default.nodes\E: is damaged; the file is now/,
        'damaged words are set aside';
    is wrong(known => @users, @new), '', '... and clients known all the same';
    $httpd->stop;
};

# Nobody knows how long its windows stayed open after it was saved.
subtest 'an NGClient of a node that is drained' => sub {
    my $httpd = httpd(conf => <<"END")->start;
<Proxy "balancer://servoy">
@{[ $fleet->members('http', 'upgrade=websocket') ]}ProxySet lbmethod=servoy
ServoyWindowTimeout 2s
</Proxy>
@{[ manager_location('ServoyManagerActions on') ]}ProxyPass "/" "balancer://servoy/"
END
    my $windows = SVB::Windows->open($httpd, $fleet, 'servoy1', 1);
    wait_ok(sub { facts($httpd)->{servoy1}{clients}{windowed} == 1 }, 20, 'it is there');
    act($httpd, 'drain');
    my ($window) = $windows->list;
    $httpd->stop;
    my $stopped = time;
    $httpd->start;
    end($httpd);
    wait_for(sub { time > $stopped + 4 }, 10, 'its time to be up');
    $httpd->mark->start;
    is states($httpd), 'draining ready ready', 'the node is drained';
    is $window->{user}->get($page)->node, 'servoy1',
        'it comes back to its node after a crash';
    $httpd->stop;
};

# Since when the table knows all, as the file that a stop has left says; and when it
# last dropped a client.
sub ages {
    my ($httpd) = @_;
    my @ages = unpack 'x48 Q< Q<', SVB::Temp->read_file(file_of($httpd));
    return map { $_ / 1e6 } @ages;
}

subtest 'how old the table is' => sub {
    my $before = time;
    my $httpd = front()->start;
    my $after = time;
    sleep 1;
    $httpd->stop;
    my ($since, $evicted) = ages($httpd);
    ok $since > $before && $since < $after, 'as old as the server';
    is $evicted, 0, 'and nobody was dropped';
    $httpd->start;
    $httpd->reload;
    $httpd->stop;
    is +(ages($httpd))[0], $since, 'a stop, a start and a restart keep it';
    $httpd->start;
    my $last = time;
    crash($httpd);
    $httpd->stop;
    cmp_ok +(ages($httpd))[0], '>', $last, 'a crash does not';

    my $old = substr SVB::Temp->read_file("$FindBin::Bin/fuzz/corpus/save/version_1"), 1;
    SVB::Temp->write_file(file_of($httpd), $old);
    chmod 0600, file_of($httpd);
    $last = time;
    $httpd->mark->start;
    like said($httpd, qr/SVB0082/), qr/: 2 nodes, /, 'a file of version 1 is read';
    $httpd->stop;
    unlike $httpd->error_log, qr/SVB0081/, '... without complaint';
    cmp_ok +(ages($httpd))[0], '>', $last, '... and its age is not known';
};

subtest 'clients that were dropped' => sub {
    my $httpd = front(server => 'ServoyClientTable 16')->start;
    $httpd->client->get($page) for 1 .. 100;
    $httpd->stop;
    my $evicted = (ages($httpd))[1];
    cmp_ok $evicted, '>', 0, 'the file says when';
    $httpd->{conf} = actions(server => 'ServoyClientTable 1000');
    $httpd->start;
    $httpd->stop;
    is +(ages($httpd))[1], $evicted, 'a stop and a start keep it';
};

subtest 'who may write' => sub {
    plan skip_all => 'only root has children of another user' if $> != 0;
    my $httpd = front()->start;
    my $folder = run_dir($httpd);
    chmod 0700, $folder;
    is +(stat file_of($httpd) . ".$_")[4], 0, "$_ is root's" for qw(1 2 nodes);
    act($httpd, 'drain');
    sleep 1.1;
    crash($httpd);
    is states($httpd), 'draining ready ready', 'children write without a right to the folder';
    my $elsewhere = SVB::Temp->write_file($httpd->root . '/elsewhere', 'precious');
    end($httpd);
    for (qw(1 2 nodes nodes.new new)) {
        unlink file_of($httpd) . ".$_" if $_ ne 'nodes';
        symlink $elsewhere, file_of($httpd) . ".$_";
    }
    $httpd->mark->start;
    is states($httpd), 'draining ready ready', 'the words are known';
    sleep 1.1;
    $httpd->stop;
    is(SVB::Temp->read_file($elsewhere), 'precious', 'no link was followed');
    is files($httpd), $default, 'none stays';
};

subtest 'the path changes' => sub {
    my $dir = SVB::Temp->dir('kept');
    my $httpd = front()->start;
    SVB::Temp->write_file("$dir/state", 'of long ago');
    act($httpd, 'drain');
    $httpd->reload(actions(server => "ServoyPersist $dir/state"));
    is files($httpd), '', 'nothing stays where it was';
    sleep 1.1;
    crash($httpd);
    is states($httpd), 'draining ready ready', 'it is in the new place at once';
    is scalar(my @aside = glob "$dir/state.bad-*"), 1, 'what was there is kept';
    $httpd->reload(actions(server => 'ServoyPersist off'));
    is scalar(my @left = glob "$dir/state.[1n]*"), 0, 'off: nothing stays';
    $httpd->stop;
};

subtest 'a path that cannot be written' => sub {
    my $dir = SVB::Temp->dir('closed');
    SVB::Temp->write_file("$dir/file", '');
    for my $case ([ "$dir/missing/state", qr/No such file/ ],
        [ "$dir/file/state", qr/Not a dir/ ]) {
        my ($path, $why) = @$case;
        my $httpd = front(server => "ServoyPersist $path");
        my ($code, $output) = $httpd->configtest;
        isnt $code, 0, 'a configuration test finds it';
        like $output, qr/SVB0084: ServoyPersist: \Q$path\E cannot be written: .*$why/,
            '... and tells the path and the reason';
        like $httpd->start_fails, qr/SVB0084: .*\Q$path\E.*$why/, 'so does a start, which fails';
    }
    mkdir "$dir/run";
    my $httpd = httpd(conf => conf(server => "ServoyPersist $dir/run/state"));
    mkdir "$dir/run/state.nodes.new";
    like $httpd->start_fails, qr/SVB0084: .*state\.nodes\.new cannot be made/,
        'a start finds what a test cannot';
};

subtest 'a table that takes long to save' => sub {
    my $httpd = front()->start;
    unlike $httpd->error_log, qr/SVB0085/, 'not this one';
    $httpd->reload(actions(server => 'ServoyClientTable 10000000'));
    like said($httpd, qr/SVB0085/), qr/:warn\].*ServoyClientTable 10000000.*longer than a second/,
        'ten million do: a warning';
    $httpd->mark->reload(actions(server => "ServoyClientTable 10000000\nServoyPersist off"));
    unlike $httpd->error_log, qr/SVB0085/, 'not without ServoyPersist';
    $httpd->stop;
};

$_->stop for $fleet, $nameless;
done_testing;
