package SVB::HttpdConf;

# The configuration that SVB::Httpd runs: written from what its `new` was given.
#
#   my $file = SVB::HttpdConf->write($httpd, 'httpd.conf');
#   SVB::HttpdConf->program;
#
# Where httpd is: SVB_HTTPD (program) and SVB_MODULES (folder), else the usual
# places of Debian, Fedora and httpd itself.

use v5.32;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use SVB::Temp;

my $tree = abs_path(dirname(__FILE__) . '/../../..');

my @programs = qw(/usr/sbin/apache2 /usr/sbin/httpd /usr/local/apache2/bin/httpd);
my @folders = qw(/usr/lib/apache2/modules /usr/lib64/httpd/modules /usr/local/apache2/modules);

my @usual = qw(unixd log_config authz_core authz_host env setenvif headers watchdog
    slotmem_shm proxy proxy_balancer lbmethod_byrequests proxy_http proxy_ajp);

sub program {
    state $found = $ENV{SVB_HTTPD} // (grep { -x } @programs)[0]
        // die "no httpd found: set SVB_HTTPD\n";
    return $found;
}

sub write {
    my ($class, $httpd, $name) = @_;
    my $root = $httpd->root;
    my $conf = ref $httpd->{conf} ? $httpd->{conf}->($httpd) : $httpd->{conf};
    my %value = (ROOT => $root, PORT => $httpd->port, TLS_PORT => $httpd->tls_port,
        CERT => "$root/conf/cert.pem", KEY => "$root/conf/key.pem",
        map { ("PORT$_" => $httpd->port($_)) } 0 .. $httpd->{ports} - 1);
    $conf =~ s/\@([A-Z][A-Z_]*\d*)\@/$value{$1} \/\/ die "\@$1\@ unknown\n"/ge;
    return SVB::Temp->write_file("$root/conf/$name", _frame($httpd) . $conf);
}

# All that stands before the test's own lines.
sub _frame {
    my ($httpd) = @_;
    my $root = $httpd->root;
    my $load = join "\n", __PACKAGE__->load_lines($httpd);
    my $listen = join "\n", map { "Listen 127.0.0.1:$_" } @{ $httpd->{port} },
        $httpd->tls_port // ();
    my $user = $> == 0 ? "User www-data\nGroup www-data" : '';
    my $sizes = _mpm_sizes($httpd);
    return <<"END";
ServerRoot "$root"
ServerName localhost
PidFile "$root/run/httpd.pid"
DefaultRuntimeDir "$root/run"
$httpd->{preamble}
$load
$listen
$user
$sizes
ErrorLog "$root/logs/error_log"
LogLevel $httpd->{log_level}
LogFormat "%h \\"%r\\" %>s %b %D worker=%{BALANCER_WORKER_NAME}e \\
    route=%{SERVOY_ROUTE}e how=%{SERVOY_HOW}e pid=%P" svb
CustomLog "$root/logs/access_log" svb
DocumentRoot "$root/htdocs"
Timeout 30
GracefulShutdownTimeout 10
END
}

sub load_lines {
    my ($class, $httpd) = @_;
    state $dir = $ENV{SVB_MODULES} // (grep { -d } @folders)[0]
        // die "no modules found: set SVB_MODULES\n";
    state $built_in = { map { $_ => 1 } qx(${\ program() } -l) =~ /mod_(\w+)\.c/g };
    my %seen = (%$built_in, map { $_ => 1 } @{ $httpd->{without} });
    my @names = grep { !$seen{$_}++ } "mpm_$httpd->{mpm}", @usual,
        $httpd->{tls} ? qw(socache_shmcb ssl) : (), @{ $httpd->{modules} };
    my @lines = map { "LoadModule ${_}_module \"$dir/mod_$_.so\"" } @names;
    if ($httpd->{servoy}) {
        my $build = $ENV{SVB_SANITIZE} ? '.build/san' : '.build';
        my $module = abs_path($ENV{SVB_MODULE} // "$tree/$build/mod_servoy_balancer.so");
        push @lines, "LoadModule servoy_balancer_module \"$module\"";
        push @lines, "LoadModule servoy_redis_module \""
            . abs_path("$tree/$build/mod_servoy_redis.so") . '"' if $httpd->{redis};
    }
    return @lines;
}

# A fixed number of children, so that what they share is always put to the test.
sub _mpm_sizes {
    my ($httpd) = @_;
    my ($processes, $threads) = @$httpd{qw(processes threads)};
    return <<"END" if $httpd->{mpm} eq 'prefork';
StartServers $processes
MinSpareServers 1
MaxSpareServers $processes
ServerLimit 64
MaxRequestWorkers 64
END
    my $all = $processes * $threads;
    my $slots = $processes * 4;     # old children may linger after a graceful restart
    return <<"END";
StartServers $processes
ServerLimit $slots
ThreadLimit $threads
ThreadsPerChild $threads
MinSpareThreads 1
MaxSpareThreads $all
MaxRequestWorkers $all
END
}

1;
