#!/usr/bin/perl
# servoy-from-jk: what it makes of workers.properties and mounts of all kinds, that httpd
# takes it, and that the same requests get the same answers from the same nodes by it as by
# mod_jk.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Cwd qw(abs_path);
use SVB::ConfigTest;
use SVB::Fleet;
use SVB::FrontEnd;
use SVB::Httpd;
use SVB::Proc;
use SVB::Temp;
use SVB::Users qw($page fresh_id);
use Test::More;

my $tree = abs_path("$FindBin::Bin/..");
my $command = $ENV{SVB_FROM_JK} // "$tree/src/ctl/servoy-from-jk";

# What it writes, says and ends with.
sub run_in {
    my ($cwd, @words) = @_;
    my $dir = SVB::Temp->dir('said');
    my $proc = SVB::Proc->spawn(name => 'servoy-from-jk', cwd => $cwd,
        env => { UNHEARD_OF => undef },
        cmd => [ '/bin/sh', '-c', 'exec "$@" >"$0/out" 2>"$0/err"', $dir, $command, @words ]);
    my $status = $proc->wait(30) // $proc->kill;
    return ($status >> 8 || $status, map { SVB::Temp->read_file("$dir/$_") } qw(out err));
}

for my $dir (sort glob "$tree/t/migration/*") {
    my ($name) = $dir =~ m{([^/]+)\z};
    my ($mounts) = grep { -e "$dir/$_" } qw(mounts.conf uriworkermap.properties);
    my ($code, $out, $err) = run_in($dir, 'workers.properties', $mounts);
    is $code, 0, $name or diag $err;
    is $out, SVB::Temp->read_file("$dir/expected.conf"), '... becomes what is expected';
    # Its files are read by name; what it does not say is said by nobody.
    accepted($out, '... and httpd takes it');
}

subtest 'how it is called' => sub {
    my $dir = SVB::Temp->dir('files');
    SVB::Temp->write_file("$dir/empty", '');
    SVB::Temp->write_file("$dir/none", "worker.list=st\nworker.st.type=status\n");
    SVB::Temp->write_file("$dir/bytes", join '', map { chr } 0 .. 255);
    my ($code, $out, $err) = run_in($dir);
    is $code, 2, 'without a file';
    like $err, qr/^usage: servoy-from-jk /;
    ($code, $out, $err) = run_in($dir, 'nowhere');
    is "$code $err", "2 servoy-from-jk: nowhere: No such file or directory\n", 'no such file';
    ($code, $out, $err) = run_in($dir, 'none');
    is $code, 1, 'no workers';
    is $out, '', '... nothing is written';
    like $err, qr/no workers in it/;
    ($code, $out) = run_in($dir, 'empty');
    is $code, 0, 'nothing at all is mod_jk\'s default: one Tomcat';
    like $out, qr{"ajp://localhost:8009" route=ajp13 };
    ($code, $out, $err) = run_in($dir, 'bytes', 'bytes');
    is $code, 0, 'any bytes';
    unlike $err, qr/ at \S+ line /, '... without complaints of Perl';
    ($code, $out) = run_in($dir, '--help');
    is $code, 0, '--help';
    like $out, qr/^usage/;
};

# --- the same nodes, by mod_jk and by what was made of it ---

my $missing = SVB::FrontEnd->missing('mod_jk');
if (defined $missing) {
    fail "mod_jk is there: $missing";
    done_testing;
    exit;
}

my $fleet = SVB::Fleet->start(3, contexts => ['shop']);
my ($one, $two, $three) = $fleet->nodes;
my $dir = SVB::Temp->dir('jk');
my $workers = SVB::Temp->write_file("$dir/workers.properties", join '', <<'END', map {
worker.list=lb,servoy3,jkstatus
worker.lb.type=lb
worker.lb.balance_workers=servoy1,servoy2
worker.servoy2.activation=Disabled
worker.jkstatus.type=status
END
    my $name = $_->name;
    "worker.$name.host=127.0.0.1\nworker.$name.port=" . $_->ajp_port
        . "\nworker.$name.secret=" . $_->secret . "\n"
} $fleet->nodes);
my $mounts = SVB::Temp->write_file("$dir/mounts.conf", <<'END');
JkMount /* lb
JkUnMount /static/* lb
JkUnMount /*.gif lb
JkMount /shop|/* servoy3
JkUnMount /shop/private|/* servoy3
JkMount /shop/echo/exact lb
JkMount /*.do servoy3
JkMount /shop/*.go lb
<Location "/jkmanager/">
    JkMount jkstatus
</Location>
END

sub start_jk {
    my ($line) = @_;
    return SVB::Httpd->new(servoy => 0, conf => <<"END")->start;
LoadModule jk_module "/usr/lib/apache2/modules/mod_jk.so"
JkWorkersFile "$workers"
JkShmFile "\@ROOT\@/run/jk"
JkLogFile "\@ROOT\@/logs/jk"
$line
END
}

my $jk = start_jk("Include \"$mounts\"");
my ($code, $conf, $err) = run_in($dir, 'workers.properties', 'mounts.conf');
is "$code $err", '0 ', 'its configuration' or diag $conf;
note $conf;
my $servoy = SVB::Httpd->new(conf => $conf)->start;

my @paths = ('/echo/a', '/echo', '/echo/a%20b', '/echo/a;x=1/b', '/echo/%c3%bc?q=%20+&r',
    '/static/x', '/static', '/echo/x.gif', '/x.gif', '/echo/x.gif.txt', '/shop', '/shop/',
    '/shop/echo/b', '/shopping', '/shop/private/x', '/shop/private', '/shop/privately',
    '/shop/echo/exact', '/shop/echo/exact/', '/shop/echo/exactly', '/echo/x.do', '/shop/echo/x.do',
    '/shop/echo/x.go', '/x/../echo/c', '//echo//d', '/status/404', '/status/500', '/status/204',
    '/nowhere');
my @ids = ('', '0123.servoy1', '4567.servoy2', '89AB.servoy3', 'CDEF', 'X.nobody');

# What a user can tell of an answer, and the node of a request.
sub told {
    my ($httpd, $method, $path, $id, $how) = @_;
    my $user = $httpd->browser(cookies => 0);
    my @headers = ('Content-Type: text/plain', 'X-Odd: a,b');
    push @headers, "Cookie: a=b; JSESSIONID=$id" if length $id && $how eq 'cookie';
    $path =~ s/(?=\?|\z)/;jsessionid=$id/ if length $id && $how eq 'path';
    my $r = $user->request($method, $path, host => 'crm.example.com', headers => \@headers,
        $method eq 'POST' ? (body => 'x' x 10000) : ());
    my $seen = $method ne 'HEAD' && ($r->header('Content-Type') // '') =~ /json/ ? $r->json : {};
    my $headers = $seen->{headers} // {};
    my %of_headers = map { $_ => $headers->{$_} } qw(host cookie content-type x-odd);
    return { status => $r->status, node => $r->node, headers => \%of_headers,
        map { $_ => $seen->{$_} } qw(method uri query scheme serverName serverPort remoteAddr
            requestedSession length sha1) };
}

# New users have one node to go to, so that it has to be the same one.
my $compared = 0;
sub compare {
    my ($pair, $method, $path, $id, $how) = @_;
    my ($by_jk, $by_us) = map { told($_, $method, $path, $id, $how) } @$pair;
    $compared++;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return is_deeply($by_us, $by_jk, "$method $path $id" . (length $id ? " $how" : '') . ': '
        . ($by_jk->{node} // "status $by_jk->{status}"));
}

subtest 'request by request' => sub {
    for my $path (@paths) {
        compare([ $jk, $servoy ], 'GET', $path, $_, 'cookie') for @ids;
        compare([ $jk, $servoy ], 'GET', $path, $_, 'path') for grep { length } @ids;
    }
    compare([ $jk, $servoy ], $_, '/echo/a', '4567.servoy2', 'cookie') for qw(HEAD POST PUT DELETE OPTIONS);
};

subtest 'the same of a map' => sub {
    my $map = SVB::Temp->write_file("$dir/uriworkermap.properties", <<'END');
/*=servoy3
/shop|/*=lb
/shop/echo/index.html=servoy3
!/shop/static|/*=lb
!*.gif=servoy3
!/*/private/*=*
-/echo/old/*=lb
/echo/v?/*=lb
*.do=lb
END
    my ($ended, $text) = run_in($dir, 'workers.properties', 'uriworkermap.properties');
    is $ended, 0, 'its configuration';
    my @pair = (start_jk("JkMountFile \"$map\""), SVB::Httpd->new(conf => $text)->start);
    for my $path (@paths, '/echo/old/x', '/echo/v1/x', '/echo/v12/x', '/echo/private/x',
        '/private/x', '/shop/echo/index.html', '/shop/static/x', '/shop/static', '/shop/statics',
        '/shop/echo/x.gif', '/x.do')
    {
        compare(\@pair, 'GET', $path, $_, 'path') for '', '4567.servoy2';
    }
    $_->stop for @pair;
};

subtest 'users' => sub {
    for my $httpd ($jk, $servoy) {
        my $name = $httpd == $jk ? 'mod_jk' : 'servoy';
        my @users = map { $httpd->browser } 1 .. 4;
        is join(' ', map { $_->get($page)->node } @users), join(' ', ('servoy1') x 4),
            "$name: new users, not to the one that is disabled";
        my $old = $httpd->browser;
        $old->set_cookie(JSESSIONID => $two->client->get($page)->header('X-Session'));
        is $old->get($page)->node, 'servoy2', "$name: who has a session there keeps it";
        is $old->get($page)->header('X-Count'), 3, '... which is his';
        if ($httpd == $jk) {
            my $other = $old->get($page, host => 'crm.example.com');
            $old->{authority} = 'localhost:' . $servoy->port;
            is $old->get($page)->header('X-Count'), $other->header('X-Count') + 1,
                'a session that was begun by mod_jk goes on by us';
        }
        my $r = $httpd->browser->get('/jkmanager/');
        is $r->status, 200, "$name: a page for administrators";
    }
};

note "$compared requests";
$_->stop for $jk, $servoy, $fleet;
done_testing;
