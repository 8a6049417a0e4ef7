#!/usr/bin/perl
# The files of conf/others, exactly as they are but for names, ports, secrets and paths, on
# the same real nodes: mod_jk, HAProxy and nginx, and what their comments promise.
#
# SVB_NGINX names an nginx of 1.29.6 or later, for nginx-sticky.conf, where Debian's is older.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Socket::UNIX;
use List::Util qw(uniq);
use SVB::Client;
use SVB::Fleet;
use SVB::FrontEnd;
use SVB::Httpd;
use SVB::Ports;
use SVB::Proc;
use SVB::Shipped;
use SVB::Temp;
use SVB::Users qw($page $jnlp);
use SVB::Wait;
use Test::More;

my $shipped = "$FindBin::Bin/../conf/others";
my @routes = qw(servoy1 servoy2);
my $fleet = SVB::Fleet->start(2);

sub addresses {
    return map {
        ("app$_.internal:8080" => '127.0.0.1:' . $fleet->node("servoy$_")->http_port)
    } 1, 2;
}

# --- how each is started, drained and stopped ---

my %front = (
    mod_jk       => { start => \&start_jk, drain => \&drain_jk, needs => 'mod_jk' },
    haproxy      => { start => \&start_haproxy, drain => \&drain_haproxy, needs => 'haproxy',
        websocket => 1, maintenance => 1, forwards => 1 },
    nginx        => { start => \&start_nginx, drain => \&drain_nginx, needs => 'nginx',
        websocket => 1, forwards => 1, drained => 'down', file => 'nginx.conf' },
    nginx_sticky => { start => \&start_nginx, drain => \&drain_nginx, needs => 'nginx',
        websocket => 1, forwards => 1, drained => 'drain', file => 'nginx-sticky.conf' },
);

sub jk_workers {
    my ($front, @more) = @_;
    my $text = shipped('others/workers.properties', map {
        my $node = $fleet->node("servoy$_");
        ("app$_.internal" => '127.0.0.1', "change-me-$_" => $node->secret)
    } 1, 2);
    $text .= join '', map { "worker.$_.port=" . $fleet->node($_)->ajp_port . "\n" } @routes;
    return SVB::Temp->write_file($front->{workers}, $text . join '', @more);
}

sub start_jk {
    my ($front) = @_;
    $front->{workers} = SVB::Temp->dir('jk') . '/workers.properties';
    jk_workers($front);
    $front->{httpd} = SVB::Httpd->new(servoy => 0, conf => shipped('others/mod_jk.conf',
        'modules/mod_jk.so' => '/usr/lib/apache2/modules/mod_jk.so',
        '/etc/apache2/workers.properties' => $front->{workers},
        '/var/log/apache2/' => '@ROOT@/logs/', '/var/run/apache2/' => '@ROOT@/run/'))->start;
    return $front->{httpd}->port;
}

# As the comment says, and with a restart, since the page's form is mod_jk's own business.
sub drain_jk {
    my ($front, $route) = @_;
    jk_workers($front, $route ? "worker.$route.activation=Disabled\n" : ());
    return $front->{httpd}->reload;
}

sub start_program {
    my ($front, @cmd) = @_;
    $front->{proc} = SVB::Proc->spawn(name => $cmd[0], cmd => \@cmd, out => "$front->{dir}/output",
        death => 'TERM');
    my $up = eval { wait_for(sub { SVB::Ports->is_open($front->{port}) }, 20, 'its start') };
    $up or die $@, map { SVB::Temp->read_file("$front->{dir}/$_") } qw(output error);
    return $front->{port};
}

sub start_haproxy {
    my ($front) = @_;
    $front->{socket} = "$front->{dir}/admin.sock";
    my $file = SVB::Temp->write_file("$front->{dir}/haproxy.cfg", shipped('others/haproxy.cfg',
        addresses(), 'maxconn 20000' => 'maxconn 500',
        ':443 ssl crt /etc/haproxy/servoy.pem' => "127.0.0.1:$front->{port}",
        '/run/haproxy/admin.sock' => $front->{socket}));
    my $said = qx(/usr/sbin/haproxy -c -f "$file" 2>&1);
    is $?, 0, 'haproxy takes it' or diag $said;
    unlike $said, qr/WARNING|ALERT/, '... without a warning';
    return start_program($front, '/usr/sbin/haproxy', '-db', '-f', $file);
}

# The words of the file's comment.
sub drain_haproxy {
    my ($front, $route) = @_;
    for my $name (@routes) {
        my $socket = IO::Socket::UNIX->new($front->{socket}) or die "no socket: $!\n";
        my $state = $name eq ($route // '') ? 'drain' : 'ready';
        print $socket "set server servoy/$name state $state\n";
        my $said = join '', <$socket>;
        $said =~ /\S/ and die "haproxy: $said";
    }
    return;
}

sub nginx_conf {
    my ($front, $drained) = @_;
    my $temp = join ' ', map { "${_}_temp_path $front->{dir}/$_;" }
        qw(client_body proxy fastcgi uwsgi scgi);
    my $user = $> == 0 ? 'user www-data;' : '';
    my $text = shipped("others/$front->{file}", addresses(), 'listen 443 ssl' =>
        "listen 127.0.0.1:$front->{port}", 'ssl_certificate ' => '#', 'ssl_certificate_key' => '#');
    if ($drained) {
        my $port = $fleet->node($drained)->http_port;
        $text =~ s/(least_conn;.*?:$port [^;]*)/$1 $front->{drained}/s or die 'nothing to drain';
    }
    return SVB::Temp->write_file("$front->{dir}/nginx.conf", <<"END");
daemon off;
$user
pid $front->{dir}/pid;
error_log $front->{dir}/error;
events { worker_connections 512; }
http {
access_log off;
$temp
$text
}
END
}

sub nginx_program {
    my ($front) = @_;
    return $front->{file} =~ /sticky/ ? $ENV{SVB_NGINX} // '/usr/sbin/nginx' : '/usr/sbin/nginx';
}

sub start_nginx {
    my ($front) = @_;
    chmod 0777, $front->{dir};
    return start_program($front, nginx_program($front), '-e', "$front->{dir}/error", '-c',
        nginx_conf($front));
}

# Until only processes with the new file answer.
sub drain_nginx {
    my ($front, $route) = @_;
    my %old = map { $_ => 1 } SVB::Proc->children_of($front->{proc}->pid);
    nginx_conf($front, $route);
    $front->{proc}->signal('HUP');
    wait_for(sub {
        my @now = SVB::Proc->children_of($front->{proc}->pid);
        return @now && !grep { $old{$_} } @now;
    }, 20, 'new processes');
    return;
}

# Debian's own is older than sticky.
sub lacks_sticky {
    my ($front) = @_;
    return if ($front->{file} // '') !~ /sticky/;
    my $said = qx(${\ nginx_program($front) } -v 2>&1);
    my @version = $said =~ m{nginx/(\d+)\.(\d+)\.(\d+)} or die $said;
    return sprintf('%d%03d%03d', @version) < 1029006;
}

# --- what each has to do ---

sub browser {
    my ($front) = @_;
    return SVB::Client->new(url => "http://127.0.0.1:$front->{port}", timeout => 30);
}

# A user with a session on that node.
sub user_of {
    my ($front, $route) = @_;
    my $user = browser($front);
    $user->set_cookie(JSESSIONID => $fleet->node($route)->client->get($page)->header('X-Session'));
    return $user;
}

sub stays {
    my ($user) = @_;
    for my $count (2 .. 5) {
        my $r = $user->get($page);
        return 0 if ($r->node // '') ne $user->{home} || $r->header('X-Count') != $count;
    }
    return 1;
}

sub check_users {
    my ($front) = @_;
    my @users = map { browser($front) } 1 .. 8;
    my %homes;
    for my $user (@users) {
        $user->{home} = $user->get($page)->node // 'none';
        $homes{ $user->{home} }++;
    }
    is_deeply [ sort keys %homes ], \@routes, 'new users are spread';
    my @moved = grep { !stays($_) } @users;
    is scalar(@moved), 0, 'users stay';
    for my $route (@routes) {
        my $user = user_of($front, $route);
        is $user->get($page)->node, $route, "a session of $route, by the cookie";
        my $plain = browser($front);
        my $id = $user->cookie('JSESSIONID');
        is $plain->get("$page;jsessionid=$id", cookies => 0)->node, $route, '... and in the path';
        is $plain->post("$page;jsessionid=$id?a=b", 'x=y', cookies => 0)->header('X-Session'), $id,
            '... it is his';
    }
    return;
}

sub check_request {
    my ($front) = @_;
    my $seen = browser($front)->post('/echo/a%20b?x=1', 'y' x 100_000, host => 'crm.example.com',
        headers => [ 'X-Forwarded-For: 192.0.2.1', 'X-Forwarded-Host: evil.example.com' ])->json;
    is $seen->{headers}{host}[0], 'crm.example.com', 'Host is passed on';
    is "$seen->{uri} $seen->{query} $seen->{length}", '/echo/a%20b x=1 100000',
        'path, query and body as they came';
    return if !$front->{forwards};
    my $headers = $seen->{headers};
    is join(' ', @{ $headers->{'x-forwarded-for'} }), '127.0.0.1', 'the address is the user\'s';
    is_deeply $headers->{'x-forwarded-host'}, undef, 'what he says himself is not believed';
    like $headers->{'x-forwarded-proto'}[0], qr/^https?$/, 'the scheme is told';
    return;
}

sub check_windows {
    my ($front) = @_;
    for my $route (@routes) {
        my $window = user_of($front, $route)->websocket('/websocket/1/main/1');
        is +($window->recv_json(30) // {})->{node}, $route, "a WebSocket reaches $route";
        $window->abort;
    }
    return;
}

# What new and known users of servoy1 get.
sub check_drain {
    my ($front) = @_;
    my $user = user_of($front, 'servoy1');
    $user->get($page);
    $front->{drain}->($front, 'servoy1');
    is join(' ', uniq map { browser($front)->get($page)->node } 1 .. 6), 'servoy2',
        'drained: new users go elsewhere';
    my $r = $user->get($page);
    is $r->node . ' ' . $r->header('X-Count'), 'servoy1 3', '... those it has stay';
    $front->{drain}->($front);
    wait_ok(sub { (browser($front)->get($page)->node // '') eq 'servoy1' }, 20, '... and back');
    return;
}

sub check_death {
    my ($front) = @_;
    my $user = user_of($front, 'servoy1');
    is $user->get($page)->node, 'servoy1', 'a user of servoy1';
    $fleet->node('servoy1')->stop;
    my @all = map { $_->get($page) } $user, map { browser($front) } 1 .. 6;
    is join(' ', uniq map { $_->status . ' ' . ($_->node // '-') } @all), '200 servoy2',
        'servoy1 is down: its users and new ones are served elsewhere';
    $fleet->node('servoy1')->start;
    wait_ok(sub { (browser($front)->get($page)->node // '') eq 'servoy1' }, 60,
        'and by it when it is back');
    return;
}

# What the file says about new users and maintenance, be it good or bad.
sub check_maintenance {
    my ($front) = @_;
    my $user = user_of($front, 'servoy1');
    $fleet->node('servoy1')->maintenance(1);
    my %statuses = map { browser($front)->get($page)->status => 1 } 1 .. 6;
    my @expected = $front->{maintenance} ? (200) : (200, 503);
    is_deeply [ sort keys %statuses ], \@expected, "maintenance: new users get @expected";
    is $user->get($page)->node, 'servoy1', '... those it has stay';
    $fleet->node('servoy1')->maintenance(0);
    return;
}

for my $name (qw(mod_jk haproxy nginx nginx_sticky)) {
    my $front = $front{$name};
    my $missing = SVB::FrontEnd->missing($front->{needs});
    subtest $name => sub {
        plan skip_all => "nginx before 1.29.6 has no sticky: SVB_NGINX names a later one"
            if !defined $missing && lacks_sticky($front);
        return fail "$missing is not installed" if defined $missing;
        $front->{dir} = SVB::Temp->dir($name);
        $front->{port} = SVB::Ports->take;
        $front->{port} = $front->{start}->($front);
        check_users($front);
        check_request($front);
        check_windows($front) if $front->{websocket};
        check_drain($front);
        check_maintenance($front);
        check_death($front);
        is browser($front)->get($jnlp)->status, 200, 'a launch is proxied';
        ($front->{httpd} // $front->{proc})->stop;
    };
}

subtest 'IIS' => sub {
    my %named = map { $_ => 1 }
        SVB::Temp->read_file("$shipped/workers.properties") =~ /^worker\.list=(\w+),(\w+)$/m;
    my @mounted = SVB::Temp->read_file("$shipped/uriworkermap.properties") =~ /^[^#\n]\S*=(\w+)$/mg;
    is_deeply [ sort @mounted ], [ sort keys %named ], 'mounts are of workers that are there';
    my $filter = SVB::Temp->read_file("$shipped/isapi_redirect.properties");
    like $filter, qr/\\\Q$_\E$/m, "$_ is named" for qw(workers.properties uriworkermap.properties);
};

$fleet->stop;
done_testing;
