#!/usr/bin/perl
# Saved states that cannot be used, and a folder that goes away: the server serves, and
# says so.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(sha1_hex);
use List::Util qw(sum0);
use POSIX qw(mkfifo);
use SVB::Kept;
use SVB::Temp;
use SVB::Users;
use Test::More;

my ($fleet, $nameless) = start_fleets();

subtest 'a file that cannot be used' => sub {
    begin();
    my $httpd = httpd(processes => 1)->start;
    my @users = (users($httpd, 6), users($httpd, 2, '/learned'));
    my $file = file_of($httpd);
    $httpd->stop;
    my $good = SVB::Temp->read_file($file);
    my $half = length($good) / 2;
    my $target = SVB::Temp->write_file($httpd->root . '/target', $good);
    chmod 0600, $target;
    my $put = sub {
        my ($text, $mode) = @_;
        unlink $file;
        SVB::Temp->write_file($file, $text);
        chmod $mode // 0600, $file;
    };
    my $flip = sub {
        my ($at) = @_;
        my $text = $good;
        substr($text, $at, 1) ^.= "\x04";
        return $put->($text)
    };
    my @cases = (
        [ 'damaged in its head',        sub { $flip->(30) },                          qr/damaged/ ],
        [ 'damaged in a node',          sub { $flip->(64 + 128 + 20) },               qr/damaged/ ],
        [ 'damaged in a client',        sub { $flip->(length($good) - 16 - 40) },     qr/damaged/ ],
        [ 'damaged at the end',         sub { $flip->(length($good) - 1) },           qr/damaged/ ],
        [ 'with zeros in the middle',   sub {
            my $text = $good;
            substr $text, -100, 64, "\0" x 64;
            $put->($text)
        },
            qr/damaged/ ],
        [ 'empty',                      sub { $put->('') },                           qr/empty/ ],
        [ 'cut off early',              sub { $put->(substr $good, 0, 9) },
            qr/cut short/ ],
        [ 'cut off in the middle',      sub { $put->(substr $good, 0, $half) },
            qr/cut short|length/ ],
        [ 'without its last byte',      sub { $put->(substr $good, 0, -1) },
            qr/cut short|length/ ],
        [ 'without a client',           sub {
            my $text = $good;
            substr $text, -32, 16, '';
            $put->($text)
        },
            qr/damaged|as many/ ],
        [ 'with more behind it',        sub { $put->($good . 'x' x 16) },
            qr/damaged|as many/ ],
        [ 'foreign',                    sub { $put->("127.0.0.1 localhost\n" x 50) },
            qr/not written by/ ],
        [ 'of another version',         sub {
            my $text = $good;
            substr $text, 8, 1, "\5";
            $put->($text)
        },
            qr/version 5/ ],
        [ 'readable by all',            sub { $put->($good, 0644) },                  qr/others/ ],
        [ 'writable by the group',      sub { $put->($good, 0620) },                  qr/others/ ],
        [ 'a link',                     sub { unlink $file; symlink $target, $file }, qr/regular/ ],
        [ 'a named pipe',               sub { unlink $file; mkfifo $file, 0600 },     qr/regular/ ],
        [ 'a folder',                   sub { unlink $file; mkdir $file, 0700 },      qr/regular/ ],
    );
    push @cases, [ 'somebody else\'s', sub {
        $put->($good);
        chown((getpwnam 'www-data')[2], 0, $file)
    }, qr/belongs/ ]
        if $> == 0;
    for my $case (@cases) {
        my ($name, $make, $why) = @$case;
        subtest $name => sub {
            $make->();
            my $was = -p $file ? undef : [ identity($file), sum_of($file) ];
            is +($httpd->configtest)[0], 0, 'a configuration test passes';
            is files($httpd), $default, 'and touches nothing';
            ok eval { $httpd->mark->start }, 'the server starts' or return diag $@;
            my $line = said($httpd, qr/SVB0081/);
            like $line, qr/\[servoy_balancer:warn\].*\Q$file\E/, 'a warning names the file';
            like $line, qr/\Q$file\E: .*$why/, 'and tells why';
            my ($aside) = glob run_dir($httpd) . '/*.bad-*';
            like $aside // '', qr/^\Q$file\E\.bad-/, 'it is set aside';
            is_deeply [ identity($aside), sum_of($aside) ], $was, 'as it was' if $was;
            like $line, qr/\Q$aside\E/, 'the line tells under which name';
            is total($httpd, 'web') + total($httpd, 'elected'), 0,
                'the table and the counters start empty';
            is +(users($httpd, 1))[0]{home} =~ /^servoy[123]$/, 1, 'users are served';
            $httpd->stop;
            is mode($file), '0600', 'the next stop writes a good one';
            is sum0(values %{ saved_counts($file) }), 1, 'with what was there';
            -d $aside ? rmdir $aside : unlink $aside;
        };
        unlink $file;
    }
    is sum_of($target), sha1_hex($good), 'what a link pointed to is left alone';
    $put->($good);
    $httpd->mark->start;
    is wrong(known => @users), '', 'the good one is read all the same';
    $httpd->stop;
};

subtest 'two bad files in one second' => sub {
    my $httpd = httpd(processes => 1);
    for my $n (1 .. 2) {
        SVB::Temp->write_file(file_of($httpd), "bad $n");
        $httpd->start->kill;
    }
    my @aside = sort map { SVB::Temp->read_file($_) } glob run_dir($httpd) . '/*.bad-*';
    is_deeply \@aside, [ 'bad 1', 'bad 2' ], 'both are kept';
};

subtest 'a folder that is not there any more' => sub {
    my $dir = SVB::Temp->dir('gone');
    my $httpd = httpd(conf => conf(server => "ServoyPersist $dir/state"))->start;
    rename $dir, "$dir.away";
    is scalar(users($httpd, 2)), 2, 'the server serves';
    $httpd->reload;
    like said($httpd, qr/SVB0084/), qr/\[servoy_balancer:warn\].*\Q$dir\E/,
        'a restart says that nothing is saved';
    is scalar(users($httpd, 2)), 2, '... and the server serves';
    $httpd->stop;       # fails the test unless it ends well
    my ($line) = grep { /SVB0083/ } split /^/, $httpd->error_log;
    like $line // 'no line', qr/\[servoy_balancer:error\].*\Q$dir\E/, 'so does a stop';
    is +($httpd->configtest)[0] != 0, 1, 'and a configuration test';
    rename "$dir.away", $dir;
};

$_->stop for $fleet, $nameless;
done_testing;
