package SVB::Node;

# A Servoy node for tests: a real Tomcat with the webapp of t/node, in a process
# and a CATALINA_BASE of its own, HTTP and AJP on 127.0.0.1.
#
#   my $node = SVB::Node->new(name => 'servoy1')->start;
#   SVB::Node->start_all(@nodes);                  # in parallel; returns them
#   $node->url; $node->http_port; $node->ajp_port; $node->secret; $node->route;
#   $node->tls_url; $node->tls_port;               # where `tls` is set
#   $node->member('ajp', 'loadfactor=2');          # a BalancerMember line
#   $node->client->get('/servoy-webclient/');      # an SVB::Client, straight to it
#   $node->active_sessions; $node->sessions (ids); $node->requests (path => count)
#   $node->active_windowed; $node->active_web;     # sessions that had a window, and others
#   $node->clients;                                # both: { web => 3, windowed => 2 }
#   $node->open_windows;                           # WebSockets of sessions that are alive
#   $node->reset_requests; $node->reports; $node->peers; $node->maintenance(1);
#   $node->starting(1);                            # 'System is inaccessible', see below
#   $node->refusal(status => 503, text => 'no');   # any other answer; status 0: none
#   $node->stop; $node->kill; $node->freeze; $node->thaw; $node->restart;
#   $node->pid; $node->alive; $node->log; $node->access_log;
#
# new: name (servoy1); route (the name; '' = no jvmRoute); session_seconds;
#   window_seconds (0; how long an NGClient outlives its last window: its session ends
#     then, whatever it asks for meanwhile. 60 is what Servoy does. Tests that are not
#     about windows want none of it: with 0, what had a window is a session as others
#     when it is closed, and times out as they do);
#   contexts ([]; ['second']: the same application once more, at /second, with sessions
#     and a cookie path of its own. What tells of sessions takes the context's name);
#   codebase (servoy.jnlpCodebaseOverride); valves (XML for the Host);
#   files (a folder that Tomcat serves under /files; see FilesFilter.java);
#   tls (the SVB::Authority that issues its certificate: HTTPS besides HTTP);
#   java (more arguments for java); replication (set by SVB::Fleet).
# start dies with the node's log if it does not come up. Ports stay the same over
# stop, kill, start and restart. A node that is starting, or has a refusal, answers
# that to whoever has no session, instead of beginning one.

use v5.32;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use SVB::Client;
use SVB::Ports;
use SVB::Proc;
use SVB::Temp;
use SVB::Wait;

my $tree = abs_path(dirname(__FILE__) . '/../../..');

# Looks for timed-out sessions at each turn, saves none over a restart.
my $own_manager = '<Manager pathname="" processExpiresFrequency="1"/>';

sub new {
    my ($class, %option) = @_;
    my $self = bless { name => 'servoy1', session_seconds => 0, window_seconds => 0,
        codebase => '', valves => '', contexts => [], java => [], %option }, $class;
    $self->{route} //= $self->{name};
    $self->{secret} //= join '', map { ('a' .. 'z', 0 .. 9)[rand 36] } 1 .. 16;
    $self->{http_port} = SVB::Ports->take;
    $self->{ajp_port} = SVB::Ports->take;
    $self->{tls_port} = SVB::Ports->take if $self->{tls};
    return $self;
}

sub name      { $_[0]{name} }
sub route     { $_[0]{route} }
sub secret    { $_[0]{secret} }
sub http_port { $_[0]{http_port} }
sub ajp_port  { $_[0]{ajp_port} }
sub tls_port  { $_[0]{tls_port} }
sub url       { "http://127.0.0.1:$_[0]{http_port}" }
sub tls_url   { "https://127.0.0.1:$_[0]{tls_port}" }
sub pid       { $_[0]{proc} && $_[0]{proc}->pid }
sub alive     { $_[0]{proc} && $_[0]{proc}->alive }

# A BalancerMember line; $more is added to it.
sub member {
    my ($self, $scheme, $more) = @_;
    my $port = $scheme eq 'ajp' ? $self->{ajp_port} : $self->{http_port};
    my @words = ("BalancerMember \"$scheme://127.0.0.1:$port\"");
    push @words, "route=$self->{route}" if length $self->{route};
    push @words, "secret=$self->{secret}" if $scheme eq 'ajp';
    push @words, $more if defined $more && length $more;
    return join(' ', @words) . "\n";
}

sub client {
    my ($self, %option) = @_;
    return SVB::Client->new(url => $self->url, %option);
}

sub start {
    my ($self) = @_;
    return ($self->start_all($self))[0];
}

sub start_all {
    my ($class, @nodes) = @_;
    $_->_spawn for @nodes;
    $_->wait_ready for @nodes;
    return @nodes;
}

sub _spawn {
    my ($self) = @_;
    my $build = $self->build;
    my $base = $self->{base} //= SVB::Temp->dir("node-$self->{name}");
    $self->_configure("$build/webapp");
    my $classpath = SVB::Temp->read_file("$build/classpath") =~ s/\s+$//r;
    $self->{proc} = SVB::Proc->spawn(name => $self->{name}, out => "$base/node.log", cwd => $base,
        env => { JAVA_TOOL_OPTIONS => undef, CLASSPATH => undef },
        cmd => [ $ENV{SVB_JAVA} // 'java',
            qw(-Xms48m -Xmx96m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto),
            '-XX:-UsePerfData', '-Djava.security.egd=file:/dev/./urandom',
            "-Djava.util.logging.config.file=$tree/t/node/logging.properties",
            "-Dcatalina.home=$base", "-Dcatalina.base=$base", "-Djava.io.tmpdir=$base/temp",
            "-Ddemo.node=$self->{name}", "-Ddemo.route=$self->{route}",
            "-Ddemo.sessionSeconds=$self->{session_seconds}",
            "-Ddemo.windowSeconds=$self->{window_seconds}",
            "-Dservoy.jnlpCodebaseOverride=$self->{codebase}",
            @{ $self->{java} }, '-cp', $classpath, 'org.apache.catalina.startup.Bootstrap',
            'start' ]);
    return;
}

# The folder with the compiled classes, built where it is not up to date.
sub build {
    state $build;
    return $build if $build;
    my $dir = $ENV{SVB_NODE_BUILD} // "$tree/.build/node";
    my $said = qx("$tree/t/node/build.sh" "$dir" 2>&1);
    $? == 0 or die "t/node/build.sh failed:\n$said";
    return $build = abs_path($dir);
}

sub _configure {
    my ($self, $webapp) = @_;
    my $base = $self->{base};
    mkdir "$base/$_" for qw(conf temp logs);
    my %value = (
        HTTP_PORT => $self->{http_port}, AJP_PORT => $self->{ajp_port}, SECRET => $self->{secret},
        JVM_ROUTE => length $self->{route} ? "jvmRoute=\"$self->{route}\"" : '',
        TLS => $self->{tls} ? $self->_tls_connector : '',
        VALVES => $self->{valves},
        CLUSTER => $self->{replication} ? $self->_cluster : '',
        CONTEXTS => join('', map { $self->_context($webapp, $_) }
            '', map { "/$_" } @{ $self->{contexts} }),
    );
    SVB::Temp->write_file("$base/conf/server.xml", _fill('server.xml.in', \%value));
    SVB::Temp->write_file("$base/conf/catalina.properties", "common.loader=\n");
    return;
}

sub _context {
    my ($self, $webapp, $path) = @_;
    return _fill('context.xml.in', {
        PATH => $path, WEBAPP => $webapp,
        MANAGER => $self->{replication} ? '' : $own_manager,
        FILES => defined $self->{files} ? _files($self->{files}) : '',
    });
}

sub _files {
    my ($dir) = @_;
    return '<Resources><PreResources className="org.apache.catalina.webresources.DirResourceSet" '
        . "base=\"$dir\" webAppMount=\"/files\"/></Resources>";
}

sub _tls_connector {
    my ($self) = @_;
    my ($cert, $key) = @{ $self->{certificate} //= [ $self->{tls}->issue("$self->{base}/conf") ] };
    return <<"END";
<Connector protocol="HTTP/1.1" address="127.0.0.1" port="$self->{tls_port}"
           encodedSolidusHandling="passthrough" scheme="https" secure="true" SSLEnabled="true"
           minSpareThreads="2" maxThreads="200">
  <SSLHostConfig>
    <Certificate type="EC" certificateFile="$cert" certificateKeyFile="$key"/>
  </SSLHostConfig>
</Connector>
END
}

# {replication}: { port => own, id => own number, peers => { id => port } }
sub _cluster {
    my ($self) = @_;
    my $own = $self->{replication};
    my $members = join '', map {
        my $id = _unique_id($_);
        '<Member className="org.apache.catalina.tribes.membership.StaticMember" host="127.0.0.1" '
            . "port=\"$own->{peers}{$_}\" domain=\"servoy\" uniqueId=\"{$id}\"/>\n"
    } sort keys %{ $own->{peers} };
    return _fill('cluster.xml.in',
        { PORT => $own->{port}, ID => _unique_id($own->{id}), MEMBERS => $members });
}

sub _unique_id { join ',', (0) x 15, $_[0] }

sub _fill {
    my ($template, $value) = @_;
    my $text = SVB::Temp->read_file("$tree/t/node/$template");
    $text =~ s/\@([A-Z_]+)\@/$value->{$1} \/\/ die "$template: \@$1\@ unknown\n"/ge;
    return $text;
}

# Until it answers; dies with its log after $timeout seconds or when it ended.
sub wait_ready {
    my ($self, $timeout) = @_;
    my $ready = eval {
        wait_for(sub {
            die "it ended\n" if !$self->alive;
            return if $self->{tls} && !SVB::Ports->is_open($self->{tls_port});
            return SVB::Ports->is_open($self->{http_port}) && $self->_answers;
        }, $timeout // 60, 'its answer');
    };
    $ready or die "node $self->{name} did not start: $@" . $self->log_tail;
    return $self;
}

sub _answers {
    my ($self) = @_;
    my $response = $self->client(timeout => 2)->get('/admin/sessions');
    return $response->status == 200 && $response->json->{node} eq $self->{name};
}

sub stop   { my ($self) = @_; return $self->{proc}->stop(15) }
sub kill   { my ($self) = @_; return $self->{proc}->kill }
sub thaw   { my ($self) = @_; return $self->{proc}->signal('CONT') }
sub freeze { my ($self) = @_; return SVB::Proc->freeze($self->pid) }

sub restart {
    my ($self) = @_;
    $self->stop if $self->alive;
    return $self->start;
}

sub log        { my ($self) = @_; return SVB::Temp->read_file("$self->{base}/node.log") }
sub access_log { my ($self) = @_; return SVB::Temp->read_file("$self->{base}/logs/access.log") }

sub log_tail {
    my ($self) = @_;
    my @lines = split /^/, $self->log;
    return join '', @lines > 40 ? @lines[-40 .. -1] : @lines;
}

# What the node says at /admin/…, or at /context/admin/….
sub _admin {
    my ($self, $what, $context) = @_;
    my $path = length($context // '') ? "/$context/admin" : '/admin';
    return $self->client(cookies => 0)->get("$path/$what")->json;
}

sub _of_sessions {
    my ($field, $self, @context) = @_;
    return $self->_admin('sessions', @context)->{$field};
}

sub active_sessions { return _of_sessions('activeSessions', @_) }
sub active_windowed { return _of_sessions('windowed', @_) }
sub active_web      { return _of_sessions('web', @_) }
sub clients         { my $all = $_[0]->_admin('sessions'); return { %$all{qw(web windowed)} } }
sub open_windows    { return _of_sessions('windows', @_) }
sub sessions        { return _of_sessions('sessions', @_) }
sub peers           { return _of_sessions('peers', @_) }
sub requests        { $_[0]->_admin('requests') }
sub reset_requests  { $_[0]->_admin('requests?reset=1') }
sub reports         { $_[0]->_admin('reports') }

# Options: those of /admin/refusal, see Refusal.java. What it says of long answers.
sub refusal {
    my ($self, %option) = @_;
    my $query = SVB::Client->form(%option);
    return $self->_admin('refusal' . (length $query ? "?$query" : ''));
}

# As a WAR answers that is not up yet.
sub starting {
    my ($self, $on) = @_;
    return $self->refusal($on
        ? (status => 503, text => 'System is inaccessible. Try again later.')
        : (status => 0));
}

# Switches it when an argument is given; what it is now.
sub maintenance {
    my ($self, $on) = @_;
    my $query = defined $on ? '?on=' . ($on ? 1 : 0) : '';
    return !!$self->_admin("maintenance$query")->{maintenance};
}

1;
