package SVB::FrontEnd;

# What can stand before light nodes, for benches that compare: httpd in several ways,
# HAProxy and nginx.
#
#   my $front = SVB::FrontEnd->start('servoy', nodes => $nodes, members => 16);
#   SVB::FrontEnd->missing('haproxy');   # the package that has it, where it is not there
#   SVB::FrontEnd->speaks('haproxy');    # to its nodes: 'ajp', 'http'
#   SVB::FrontEnd->conf('servoy', %option);   # its lines for httpd, as start has them
#   $front->port; $front->url; $front->name;
#   $front->httpd;                       # the SVB::Httpd, where it is one
#   $front->pids;                        # all its processes
#   $front->microseconds;                # of processor time that they have used so far
#   $front->memory;                      # { total, shared }: kB of PSS, and how much of
#                                        # it is memory that its processes share
#   $front->threads;
#   $front->stop;
#
# Names: bare (a ProxyPass to one node; a launch: a Redirect), balancer
# (mod_proxy_balancer, byrequests, stickysession; launches: mod_rewrite's random map),
# servoy, mod_jk; each of the first three also as in 'servoy http'; haproxy, nginx.
#
# start: nodes (SVB::LightNodes, that speak what it speaks); members (1); launch => 1:
# set up to redirect launches; words: of each BalancerMember; servoy: lines in our
# <Proxy>; conf: lines of httpd's; mpm (event), processes (2) and threads (32): httpd's;
# connections (4000): that the others may have from users.

use v5.32;
use warnings;

use List::Util qw(sum0);
use SVB::Httpd;
use SVB::Ports;
use SVB::Proc;
use SVB::Temp;
use SVB::Wait;

my %needs = (
    mod_jk  => [ 'libapache2-mod-jk', '/usr/lib/apache2/modules/mod_jk.so' ],
    haproxy => [ 'haproxy', '/usr/sbin/haproxy' ],
    nginx   => [ 'nginx', '/usr/sbin/nginx' ],
);
my %conf = (bare => \&_bare, balancer => \&_balancer, servoy => \&_servoy, mod_jk => \&_mod_jk);

sub missing {
    my ($class, $name) = @_;
    my ($package, $file) = @{ $needs{$name} // [] };
    return $file && !-e $file ? $package : undef;
}

sub speaks {
    my ($class, $name) = @_;
    return $name =~ /http$|^(?:haproxy|nginx)$/ ? 'http' : 'ajp';
}

sub _new {
    my ($class, $name, %option) = @_;
    my ($kind) = $name =~ /^(\w+)/;
    $conf{$kind} || $needs{$kind} or die "there is no front end called $name\n";
    return bless { name => $name, kind => $kind, members => 1, processes => 2, threads => 32,
        mpm => 'event', connections => 4000, %option }, $class;
}

sub start {
    my $self = _new(@_);
    $conf{ $self->{kind} } ? $self->_start_httpd : $self->_start_other;
    return $self;
}

sub conf {
    my $self = _new(@_);
    return $conf{ $self->{kind} }->($self);
}

sub name  { $_[0]{name} }
sub port  { $_[0]{port} }
sub url   { "http://127.0.0.1:$_[0]{port}" }
sub httpd { $_[0]{httpd} }

sub stop {
    my ($self) = @_;
    $self->{httpd} ? $self->{httpd}->stop : $self->{proc}->stop;
    return;
}

# --- what it costs ---

sub pids {
    my ($self) = @_;
    my $parent = ($self->{httpd} // $self->{proc})->pid;
    return ($parent, SVB::Proc->children_of($parent));
}

# Of the threads that are there: none may end between two looks.
sub microseconds {
    my ($self) = @_;
    return sum0(map { SVB::Temp->read_file($_) =~ /^(\d+)/ ? $1 : 0 }
        map { glob "/proc/$_/task/*/schedstat" } $self->pids) / 1000;
}

sub memory {
    my ($self) = @_;
    my %sum = (total => 0, shared => 0);
    for my $text (map { SVB::Temp->read_file("/proc/$_/smaps_rollup") } $self->pids) {
        $sum{total} += $1 if $text =~ /^Pss:\s+(\d+)/m;
        $sum{shared} += $1 if $text =~ /^Pss_Shmem:\s+(\d+)/m;
    }
    return \%sum;
}

sub threads {
    my ($self) = @_;
    return scalar map { glob "/proc/$_/task/*" } $self->pids;
}

# --- httpd ---

sub _start_httpd {
    my ($self) = @_;
    my $kind = $self->{kind};
    $self->{httpd} = SVB::Httpd->new(servoy => $kind eq 'servoy' ? 1 : 0, mpm => $self->{mpm},
        modules => [qw(alias rewrite)], log_level => 'warn', processes => $self->{processes},
        threads => $self->{threads},
        conf => "MaxKeepAliveRequests 0\n" . $conf{$kind}->($self) . ($self->{conf} // ''))->start;
    $self->{port} = $self->{httpd}->port;
    return;
}

sub _bare {
    my ($self) = @_;
    return "Redirect 302 /servoy-client/ https://n0.example.com/servoy-client/\n"
        if $self->{launch};
    return 'ProxyPass / ' . $self->{nodes}->url(0) . "/\n";
}

sub _proxy {
    my ($self, @lines) = @_;
    return join "\n", '<Proxy "balancer://nodes">',
        $self->{nodes}->members($self->{members}, $self->{words}), @lines,
        "</Proxy>\nProxyPass / balancer://nodes/\n";
}

# Hosts by chance, as mod_rewrite has it.
sub _random_map {
    my ($self) = @_;
    my $map = SVB::Temp->write_file(SVB::Temp->dir('map') . '/hosts',
        'all ' . join('|', map { "n$_.example.com" } 0 .. $self->{members} - 1) . "\n");
    return "RewriteEngine on\nRewriteMap hosts rnd:$map\n"
        . "RewriteRule ^/(servoy-client/.*) https://\${hosts:all}/\$1 [R=302,L]\n";
}

sub _balancer {
    my ($self) = @_;
    return ($self->{launch} ? $self->_random_map : '')
        . $self->_proxy('ProxySet lbmethod=byrequests stickysession=JSESSIONID');
}

sub _servoy {
    my ($self) = @_;
    return $self->_proxy('ProxySet lbmethod=servoy',
        $self->{servoy} // 'ServoyNode * probe=off url=https://%r.example.com');
}

sub _mod_jk {
    my ($self) = @_;
    my $last = $self->{members} - 1;
    my $file = SVB::Temp->write_file(SVB::Temp->dir('jk') . '/workers.properties', join "\n",
        'worker.list=nodes', 'worker.nodes.type=lb', 'worker.nodes.sticky_session=1',
        'worker.nodes.balance_workers=' . join(',', map { "n$_" } 0 .. $last),
        (map { ("worker.n$_.type=ajp13", "worker.n$_.host=" . $self->{nodes}->address($_),
            "worker.n$_.port=" . $self->{nodes}->port) } 0 .. $last), '');
    return <<"END";
LoadModule jk_module "$needs{mod_jk}[1]"
JkWorkersFile "$file"
JkShmFile "\@ROOT\@/run/jk"
JkLogFile "\@ROOT\@/logs/jk"
JkLogLevel error
JkMount /* nodes
END
}

# --- others ---

# A program with the configuration that its sub writes.
sub _start_other {
    my ($self) = @_;
    my $kind = $self->{kind};
    my $dir = $self->{dir} = SVB::Temp->dir($kind);
    chmod 0777, $dir;           # its workers are another user's
    $self->{port} = SVB::Ports->take;
    my $file = SVB::Temp->write_file("$dir/conf",
        $kind eq 'haproxy' ? $self->_haproxy : $self->_nginx);
    my @words = $kind eq 'haproxy' ? ('-db', '-f', $file) : ('-e', "$dir/error", '-c', $file);
    $self->{proc} = SVB::Proc->spawn(name => $kind, out => "$dir/output", death => 'TERM',
        cmd => [ $needs{$kind}[1], @words ]);
    my $up = eval { wait_for(sub { SVB::Ports->is_open($self->{port}) }, 20, "$kind to start") };
    $up or die $@, SVB::Temp->read_file("$dir/output");
    return;
}

sub _haproxy {
    my ($self) = @_;
    my $launch = $self->{launch} ? 'http-request redirect code 302 location '
        . "https://n%[rand($self->{members})].example.com%[pathq]" : '';
    my $servers = join "\n", map {
        "    server n$_ " . $self->{nodes}->address($_) . ':' . $self->{nodes}->port . " cookie n$_"
    } 0 .. $self->{members} - 1;
    return <<"END";
global
    nbthread $self->{processes}
    maxconn $self->{connections}
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    timeout tunnel 1h
frontend users
    bind 127.0.0.1:$self->{port}
    $launch
    default_backend nodes
backend nodes
    balance roundrobin
    cookie ROUTE insert indirect nocache
    http-reuse always
$servers
END
}

# One upstream for all and one for each node, which the cookie's route names.
sub _nginx {
    my ($self) = @_;
    my @servers = map { 'server ' . $self->{nodes}->address($_) . ':' . $self->{nodes}->port . ';' }
        0 .. $self->{members} - 1;
    my $each = join "\n", map { "upstream n$_ { $servers[$_] keepalive 16; }" } 0 .. $#servers;
    my $user = $> == 0 ? 'user www-data;' : '';
    my $place = $self->{launch}
        ? 'return 302 https://$host_by_chance.example.com$request_uri;' : 'proxy_pass http://$to;';
    my $share = sprintf '%.2f%%', int(10000 / @servers) / 100;
    my $hosts = join ' ', (map { "$share n$_;" } 1 .. $#servers), '* n0;';
    my $temp = join ' ', map { "${_}_temp_path $self->{dir}/$_;" }
        qw(client_body proxy fastcgi uwsgi scgi);
    return <<"END";
daemon off;
$user
worker_processes $self->{processes};
pid $self->{dir}/pid;
error_log $self->{dir}/error;
events { worker_connections ${\ ($self->{connections} * 2) }; }
http {
    access_log $self->{dir}/access;
    $temp
    keepalive_requests 1000000000;
    map \$http_upgrade \$connection_is { default ''; websocket Upgrade; }
    map \$cookie_JSESSIONID \$to { default all; "~\\.(?<route>n\\d+)\$" \$route; }
    split_clients \$request_id \$host_by_chance { $hosts }
    upstream all { @servers keepalive 64; }
    $each
    server {
        listen 127.0.0.1:$self->{port};
        location / {
            $place
            proxy_http_version 1.1;
            proxy_set_header Upgrade \$http_upgrade;
            proxy_set_header Connection \$connection_is;
            proxy_read_timeout 1h;
        }
    }
}
END
}

1;
