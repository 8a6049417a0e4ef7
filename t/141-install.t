# make install: what goes where, and that httpd loads it from there. All of it under
# a DESTDIR; the system is not touched.

use v5.32;
use warnings;

use Cwd qw(abs_path);
use File::Find ();
use FindBin;
use Test::More;

use SVB::Httpd;
use SVB::Ports;
use SVB::Proc;
use SVB::Temp;

my $tree = abs_path("$FindBin::Bin/..");
my $apxs = $ENV{APXS} // 'apxs';
chomp(my ($libexec, $sysconf, $sbin, $man) =
    map { scalar qx("$apxs" -q $_) } qw(LIBEXECDIR SYSCONFDIR SBINDIR MANDIR));
my @commands = map { s{.*/|\.8$}{}gr } glob "$tree/src/ctl/*.8";
my @beside = ("$man/man8/mod_servoy_balancer.8", "$man/man7/servoy-operation.7", map { ("$sbin/$_", "$man/man8/$_.8") } @commands);
my $module = 'mod_servoy_balancer.so';
my $second = 'mod_servoy_redis.so';

# Exit code and output of a command in the tree. None of what a make that runs this
# test says to its makes is meant for ours.
sub run {
    my (@cmd) = @_;
    my %env = ref $cmd[0] ? %{ shift @cmd } : ();
    my $out = SVB::Temp->dir('run') . '/out';
    my $proc = SVB::Proc->spawn(name => $cmd[0], cmd => \@cmd, out => $out, cwd => $tree,
        env => { MAKEFLAGS => undef, MFLAGS => undef, MAKELEVEL => undef, B => undef, SAN => undef,
            OPT => undef, %env });
    my $status = $proc->wait(60) // $proc->kill;
    return ($status >> 8 || $status, slurp($out));
}

sub slurp { my ($path) = @_; return SVB::Temp->read_file($path) }

sub install {
    my ($destdir, @more) = @_;
    my ($code, $output) = run('make', '-f', 'Makefile.apxs', "APXS=$apxs", 'install',
        "DESTDIR=$destdir", @more);
    is $code, 0, 'make install' or diag $output;
    return;
}

# Files below a folder, as paths from there, with size and time of change.
sub files {
    my ($dir) = @_;
    my %files;
    File::Find::find({ no_chdir => 1, wanted => sub {
        $files{ substr $_, length $dir } = join ' ', (lstat)[ 7, 9, 10 ] if !-d;
    } }, $dir) if -d $dir;
    return %files;
}

# What there is to read, below a folder.
sub reads {
    my ($dir) = @_;
    my @examples = map { s{.*/}{}r } grep { !m{/servoy_balancer\.conf$} }
        glob "$tree/conf/*.conf $tree/conf/*.xml $tree/conf/*.properties";
    return map { "$dir/$_" } qw(README CHANGES NOTICE), map { "examples/$_" } @examples;
}

# Take it away again; what is left below the folder.
sub uninstall {
    my ($destdir, @more) = @_;
    my ($code, $output) = run('make', '-f', 'Makefile.apxs', "APXS=$apxs", 'uninstall',
        "DESTDIR=$destdir", @more);
    is $code, 0, 'make uninstall' or diag $output;
    return [ sort keys %{ { files($destdir) } } ];
}

my %before = map { files($_) } $libexec, $sysconf, $sbin;
my $dest = SVB::Temp->dir('dest');

my @for_a2enmod = map { "$sysconf/mods-available/$_" }
    qw(servoy_balancer.conf servoy_balancer.load servoy_redis.load);

subtest 'anywhere: the modules and the commands' => sub {
    install($dest);
    my %installed = files($dest);
    delete @installed{@for_a2enmod} if -d "$sysconf/mods-available";
    is_deeply [ grep { !m{/examples/others/|\.(?:yml|json)$} } sort keys %installed ],
        [ sort @beside, reads('/usr/local/share/doc/mod_servoy_balancer'),
            map { "$libexec/$_" } $module, $second ],
        'and what there is to read, and nothing else';
    ok grep({ $_ eq 'servoyctl' } @commands), 'servoyctl is among them';
    ok -x "$dest$sbin/$_", "$_ can be run" for @commands;
    ok slurp("$dest$libexec/$_") eq slurp("$tree/.build/$_"), "the $_ that was built"
        for $module, $second;
};

subtest 'without hiredis' => sub {
    my $without = SVB::Temp->dir('without');
    my ($code, $output) = run('make', '-f', 'Makefile.apxs', "APXS=$apxs", 'install', 'HIREDIS=',
        "DESTDIR=$without");
    is $code, 0, 'make install' or diag $output;
    is scalar(() = $output =~ /^mod_servoy_redis is left out: .*libhiredis-dev/mg), 1,
        'what is left out is said, once';
    my %installed = files($without);
    ok exists $installed{"$libexec/$module"}, 'the module';
    ok !grep({ /mod_servoy_redis/ } keys %installed), 'without the second one';
};

subtest 'the commands elsewhere' => sub {
    my $other = SVB::Temp->dir('other');
    install($other, 'PREFIX=/opt/servoy');
    ok -x "$other/opt/servoy/sbin/servoyctl", 'below a prefix';
    ok -e "$other/opt/servoy/share/man/man8/servoyctl.8", '... with its manual';
    is_deeply uninstall($other, 'PREFIX=/opt/servoy'), [], '... and leaves nothing';
    my @where = qw(SBINDIR=/a MANDIR=/b DOCDIR=/c);
    install($other, @where);
    ok -x "$other/a/servoyctl" && -e "$other/b/man8/servoyctl.8" && -e "$other/c/README",
        'each where it is said';
    is_deeply uninstall($other, @where), [], '... and leaves nothing';
};

my $available = "$dest$sysconf/mods-available";

subtest 'on Debian: what a2enmod needs, too' => sub {
    run('mkdir', '-p', $available);
    install($dest);
    is_deeply [ grep { !m{/share/doc/} } sort keys %{ { files($dest) } } ],
        [ sort @for_a2enmod, @beside, map { "$libexec/$_" } $module, $second ];
    is slurp("$available/servoy_balancer.load"), <<"END", '.load';
# Depends: proxy proxy_balancer lbmethod_byrequests proxy_ajp proxy_http slotmem_shm
LoadModule servoy_balancer_module $libexec/$module
END
    is slurp("$available/servoy_redis.load"), <<"END", 'the other .load';
# Depends: servoy_balancer
LoadModule servoy_redis_module $libexec/$second
END
    is slurp("$available/servoy_balancer.conf"),
        slurp("$tree/conf/servoy_balancer.conf"), '.conf';
    my ($state) = slurp("$available/servoy_balancer.conf") =~ m{^ServoyPersist (\S+)/[^/]+$}m;
    is sprintf('%04o', (stat "$dest$state")[2] & 07777), '0755', "$state, for the saved state";
    is +(stat _)[4], $>, '... is the folder of who installs';

    SVB::Temp->write_file("$available/$_", "# mine\n") for 'servoy_balancer.conf',
        'servoy_balancer.load';
    install($dest);
    is slurp("$available/servoy_balancer.conf"), "# mine\n",
        'again: a .conf stays as it was edited';
    isnt slurp("$available/servoy_balancer.load"), "# mine\n", 'a .load does not';
    unlink "$available/servoy_balancer.conf";
    install($dest, 'STATEDIR=/srv/state');
    like slurp("$available/servoy_balancer.conf"),
        qr{^ServoyPersist /srv/state/servoy_balancer.state$}m, 'another folder for the state';
    ok -d "$dest/srv/state", '... is made';
    unlink "$available/servoy_balancer.conf";
    install($dest);
};

subtest 'and away again' => sub {
    my $gone = SVB::Temp->dir('gone');
    run('mkdir', '-p', "$gone$sysconf/mods-available", "$gone$sysconf/mods-enabled");
    install($gone);
    symlink "../mods-available/$_", "$gone$sysconf/mods-enabled/$_"
        for map { s{.*/}{}r } @for_a2enmod;
    is_deeply uninstall($gone), [], 'it leaves nothing, switched on or not';
    install($gone);
    my $conf = "$sysconf/mods-available/servoy_balancer.conf";
    SVB::Temp->write_file("$gone$conf", "# mine\n");
    SVB::Temp->write_file("$gone/var/lib/apache2/servoy_balancer.state", "x\n");
    is_deeply uninstall($gone), [ sort $conf, '/var/lib/apache2/servoy_balancer.state' ],
        'but what was edited, and what was saved';
};

is_deeply { map { files($_) } $libexec, $sysconf, $sbin }, \%before, 'the system was not touched';

subtest 'the module as a library' => sub {
    my (undef, $symbols) = run('nm', '-D', '--defined-only', "$dest$libexec/$module");
    is_deeply [ map { (split)[2] } split /\n/, $symbols ], ['servoy_balancer_module'],
        'exports one symbol';
    (undef, $symbols) = run('nm', '-D', '--defined-only', "$dest$libexec/$second");
    is_deeply [ map { (split)[2] } split /\n/, $symbols ], ['servoy_redis_module'],
        'so does the second one';
    my (undef, $needed) = run('ldd', "$dest$libexec/$module");
    my @others =
        grep { !m{^\s*(?:linux-(?:vdso|gate)\.so|libc\.so|libm\.so|libexpat\.so|\S*/ld-linux)} }
        split /\n/, $needed;
    is_deeply \@others, [], 'needs libc, libm, and the parser of APR-util';
    my $stripped = SVB::Temp->dir('stripped') . '/module.so';
    run('strip', '-o', $stripped, "$dest$libexec/$module");
    cmp_ok -s $stripped, '<', 480_000, 'without symbols it is small: ' . -s _;
};

# The modules that the .load file asks for, and httpd's own folder of them.
my ($depends) = slurp("$available/servoy_balancer.load") =~ /^# Depends: (.*)$/m;
my @depends = split ' ', $depends;
my @left_out =
    qw(env setenvif headers slotmem_shm proxy proxy_balancer lbmethod_byrequests proxy_http
    proxy_ajp);

# A folder like Debian's mods-enabled: what is needed and ours, with its path.
sub enabled {
    my ($httpd) = @_;
    my $dir = $httpd->root . '/mods-enabled';
    mkdir $dir;
    for my $name (@depends, 'remoteip') {
        SVB::Temp->write_file("$dir/$name.load",
            "LoadModule ${name}_module $libexec/mod_$name.so\n");
    }
    my $load = slurp("$available/servoy_balancer.load");
    SVB::Temp->write_file("$dir/servoy_balancer.load", $load =~ s/\Q$libexec\E/$dest$libexec/r);
    my $conf = slurp("$available/servoy_balancer.conf");
    $conf =~ s{^(ServoyPersist )(\S+)}{$1"$dest$2"}m or die 'no ServoyPersist';
    SVB::Temp->write_file("$dir/servoy_balancer.conf", $conf);
    return $dir;
}

subtest 'httpd loads it as Debian would' => sub {
    my $nobody = SVB::Ports->take;
    my $httpd = SVB::Httpd->new(servoy => 0, without => \@left_out, conf => sub {
        my $dir = enabled($_[0]);
        return <<"END";
Include "$dir/*.load"
Include "$dir/*.conf"
RemoteIPHeader X-Test-Client
RemoteIPInternalProxy 127.0.0.1
<Proxy "balancer://servoy">
    BalancerMember "ajp://127.0.0.1:$nobody" route=servoy1 ping=3
    ProxySet lbmethod=servoy
    ServoyNode servoy1 url=https://app1.example.com
</Proxy>
ProxyPass "/" "balancer://servoy/"
END
    });
    my ($code, $output) = $httpd->configtest;
    is "$code $output", "0 Syntax OK\n",
        'with what its .load file depends on, in alphabetical order';
    $httpd->start;
    my $r = $httpd->client->get('/servoy-manager?format=json');
    is $r->status, 200, 'the manager of servoy_balancer.conf, for this machine';
    is $r->json->{fleets}[0]{nodes}[0]{route}, 'servoy1';
    is $httpd->client(headers => ['X-Test-Client: 192.0.2.7'])->get('/servoy-manager')->status, 403,
        'not for others';
    $httpd->stop;
    is scalar(() = glob "$dest/var/lib/*/servoy_balancer.state"), 1, 'state is saved there';
};

subtest 'loaded too early' => sub {
    my $httpd = SVB::Httpd->new(servoy => 0, without => \@left_out, conf => sub {
        my $dir = enabled($_[0]);
        rename "$dir/servoy_balancer.load", "$dir/a_servoy_balancer.load";
        return "Include \"$dir/*.load\"\n";
    });
    my ($code, $output) = $httpd->configtest;
    isnt $code, 0, 'before mod_proxy it cannot be loaded';
    like $output, qr/undefined symbol: proxy_module/, 'and httpd says why';
};

my $a2enmod = $ENV{SVB_A2ENMOD} // '/usr/sbin/a2enmod';
subtest 'a2enmod servoy_balancer' => sub {
    plan skip_all => "no $a2enmod here: the package apache2 is not installed" if !-x $a2enmod;
    my $confdir = "$dest$sysconf";
    SVB::Temp->write_file("$available/$_.load", "LoadModule ${_}_module $libexec/mod_$_.so\n")
        for @depends;
    mkdir "$confdir/mods-enabled";
    my ($code, $output) =
        run({ APACHE_CONFDIR => $confdir, APACHE_STATE_DIRECTORY => SVB::Temp->dir('state') },
        $a2enmod, '--quiet', 'servoy_balancer');
    is $code, 0 or diag $output;
    is_deeply [ map { s{.*/}{}r } sort glob "$confdir/mods-enabled/*" ],
        [ sort 'servoy_balancer.conf', map { "$_.load" } @depends, 'servoy_balancer' ],
        'brings the others with it';
};

done_testing;
