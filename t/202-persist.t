#!/usr/bin/perl
# What survives a stop and a start (ServoyPersist): counts, counters and clients, in a
# file that is always whole. What survives a crash is in 214-crash.t.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(sha1_hex);
use List::Util qw(sum0);
use SVB::Kept;
use SVB::Temp;
use SVB::Users;
use SVB::Wait;
use Test::More;
use Time::HiRes qw(time);

my ($fleet, $nameless) = start_fleets();

sub live { return join ' ', sort map { "$default.$_" } @_, qw(1 2 nodes) }

my @routes = map { $_->route } $fleet->nodes;

for my $mpm (qw(event worker prefork)) {
    subtest "stop and start, $mpm" => sub {
        begin();
        # servoy3 is off in the first run, so one of its clients has to move
        my $httpd = httpd(mpm => $mpm, conf => conf(settings => { servoy3 => 'status=+D' }))->start;
        like said($httpd, qr/SVB0080/), qr/\[servoy_balancer:info\].*\Q${\ file_of($httpd)}\E/,
            'no file: an info line that names it';
        my @users = users($httpd, 6);
        my @learned = users($httpd, 4, '/learned');
        my @launched = launches($httpd, 3);
        my $moved = $httpd->client(timeout => 30);
        $moved->set_cookie(JSESSIONID => 'FEDCBA9876543210.servoy3');
        $moved->{home} = $moved->get('/echo')->node;
        like $moved->{home}, qr/^servoy[12]$/, 'a client of a node that is off moves';
        is wrong(known => @users, @learned), '', 'users are known';
        like $learned[0]->cookie('JSESSIONID'), qr/^[^.]+$/, 'some by an id without a route';
        my $before = summary($httpd);
        my %web = map { $_ => (facts($httpd)->{$_})->{clients}{web} } @routes;
        is total($httpd, 'web'), 11, 'eleven HTTP sessions';
        is total($httpd, 'smart'), 3, 'three Smart Clients';
        is files($httpd), live(), 'what is written while the server runs';
        $httpd->stop;
        is files($httpd), $default, 'the file of the default name, and nothing else';
        is mode(file_of($httpd)), '0600', 'for its owner alone';
        my $counts = saved_counts(file_of($httpd));
        is_deeply { map { $_ => $counts->{$_} } @routes }, \%web,
            'it holds the clients that were counted';

        $httpd->{conf} = conf();
        $httpd->mark->start;
        like said($httpd, qr/SVB0082/), qr/\[servoy_balancer:info\].*\Q${\ file_of($httpd)}\E/,
            'read again';
        is_deeply summary($httpd), $before, 'clients and counters are what they were';
        is $httpd->manager->json->{table}{clients}, 14, 'so is the total';
        is wrong(known => @users, @learned), '', 'all users are known, and stay where they were';
        my $r = $moved->get('/echo');
        is $r->node . ' ' . $r->header('X-How'), "$moved->{home} known",
            'so does the one that had moved';
        is scalar(grep { ($_->get($jnlp)->header('Location') // '') !~ m{^http://$_->{home}\.} }
            @launched), 0,
            'and those who launch again';
        is total($httpd, 'smart'), 3, 'they are counted once';
        my ($new) = users($httpd, 1);
        is $new->{home}, 'servoy3', 'a new client goes where the fewest are';
        my %id = map { $_->cookie('SERVOYLAUNCH') =~ s/\..*//r => 1 } @launched;
        is scalar(grep { $id{ $_->cookie('SERVOYLAUNCH') =~ s/\..*//r } } launches($httpd, 30)), 0,
            'who launches anew gets an id that nobody has';
        $httpd->stop;
        is scalar(grep { /SVB008[13]/ } split /^/, $httpd->error_log), 0, 'no complaints';
    };
}

subtest 'the file is replaced as a whole' => sub {
    begin();
    my $httpd = httpd()->start;
    my @users = users($httpd, 3);
    $httpd->stop;
    my $old = identity(file_of($httpd));
    my $sum = sum_of(file_of($httpd));
    open my $reader, '<:raw', file_of($httpd) or die $!;

    my $elsewhere = SVB::Temp->write_file($httpd->root . '/elsewhere', 'precious');
    symlink $elsewhere, file_of($httpd) . '.new' or die $!;
    $httpd->start;
    push @users, users($httpd, 3);
    $httpd->stop;
    isnt identity(file_of($httpd)), $old, 'another file has the name';
    is sha1_hex(do { local $/; scalar <$reader> }), $sum, 'who reads the old one has all of it';
    is sum0(values %{ saved_counts(file_of($httpd)) }), 6, 'the new one has six clients';
    is files($httpd), $default, 'no temporary file stays, nor one that was left';
    ok !-l file_of($httpd), 'it is no link';
    is(SVB::Temp->read_file($elsewhere), 'precious',
        'a link under the temporary name was not followed');

    mkdir file_of($httpd) . '.new' or die $!;
    $sum = sum_of(file_of($httpd));
    $httpd->start;
    push @users, users($httpd, 2);
    $httpd->stop;
    is files($httpd), live('new'), 'where it cannot be written, the others stay';
    is sum_of(file_of($httpd) . '.1'), $sum, '... the old one is among them';
    rmdir file_of($httpd) . '.new';
    $httpd->mark->start;
    is total($httpd, 'web'), 6, '... and is good';
    $httpd->stop;
};

subtest 'a graceful stop saves what its last requests learn' => sub {
    begin();
    my $httpd = httpd()->start;
    my @users = users($httpd, 3);
    my $late = slow_start($httpd, 3, '/learned');
    wait_for(sub { total($httpd, 'in_flight') == 1 }, 10, 'the slow request');
    $httpd->{proc}->signal('WINCH');
    is slow_end($late), 200, 'a request in progress is served';
    is $httpd->{proc}->wait(20), 0, 'then the server ends';
    $httpd->stop;
    $httpd->start;
    is wrong(known => @users, $late), '', 'all are known after the start';
    counts_agree($httpd, 'and counted');
    $httpd->stop;
};

subtest 'ServoyPersist <path>' => sub {
    my $dir = SVB::Temp->dir('kept');
    for my $case ([ "$dir/a file.state", "$dir/a file.state" ], [ 'sub/x', undef ],
        [ './x.state', undef ]) {
        my ($path, $full) = @$case;
        begin();
        my $httpd = httpd(conf => conf(server => "ServoyPersist \"$path\""));
        mkdir run_dir($httpd) . '/sub';
        $full //= run_dir($httpd) . "/$path";
        $httpd->start;
        my @users = users($httpd, 3);
        $httpd->stop;
        is mode($full), '0600', "$path: written";
        ok !-e file_of($httpd), '... and not the default one';
        $httpd->start;
        is wrong(known => @users), '', '... and read';
        $httpd->stop;
    }
};

subtest 'ServoyPersist off' => sub {
    begin();
    my $httpd = httpd()->start;
    my @users = users($httpd, 3);
    $httpd->stop;
    my $sum = sum_of(file_of($httpd));
    my $old = identity(file_of($httpd));
    $httpd->{conf} = conf(server => 'ServoyPersist off');
    $httpd->mark->start;
    is total($httpd, 'web'), 0, 'a file that is there is not read';
    is wrong(route => @users), '', 'its clients have their routes';
    is total($httpd, 'web'), 3, 'and are counted again';
    $httpd->stop;
    is sum_of(file_of($httpd)), $sum, 'nor written';
    is identity(file_of($httpd)), $old, 'nor replaced';
    is scalar(grep { /SVB008\d/ } split /^/, $httpd->error_log), 0, 'nothing is said';
    unlink file_of($httpd);
    $httpd->start->stop;
    is files($httpd), '', 'no file comes into being';
};

subtest 'expired clients are not restored' => sub {
    begin();
    my $httpd = httpd()->start;
    my @users = users($httpd, 4);
    my @learned = users($httpd, 2, '/learned');
    launches($httpd, 2);
    my $seen = time;
    $httpd->stop;
    is sum0(values %{ saved_counts(file_of($httpd)) }), 6, 'six sessions are in the file';
    wait_for(sub { time > $seen + 3.5 }, 10, 'them to get old');
    $httpd->{conf} = conf(lines => 'ServoySessionTimeout 2');
    $httpd->mark->start;
    my %web = map { $_ => facts($httpd)->{$_}{clients}{web} } @routes;
    is_deeply \%web, { map { $_ => 0 } @routes },
        'sessions not heard of for ServoySessionTimeout are gone';
    is total($httpd, 'smart'), 2, 'Smart Clients live longer';
    is wrong(known => @learned), '', 'so do sessions of a fleet with a longer timeout';
    like said($httpd, qr/SVB0082/), qr/\b4 clients are gone/, 'the log tells how many are gone';
    is wrong(route => @users), '', 'whoever comes back is served by the route';
    is total($httpd, 'web'), 6, 'and counted again';
    $httpd->stop;
};

$_->stop for $fleet, $nameless;
done_testing;
