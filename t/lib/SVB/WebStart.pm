package SVB::WebStart;

# A user's Java Web Start: IcedTea-Web's javaws, headless, with a home of its own.
#
#   my $user = SVB::WebStart->new;
#   my $run = $user->launch($httpd->url . '/servoy-client/crm.jnlp?m=open&a=1');
#   $run->{status}    wait status: 0 when the client came up and ended well
#   $run->{node}      host:port of the codebase the client found itself on
#   $run->{args}      its arguments: ['solution=crm', 'method=open', 'argument=1']
#   $run->{output}    all that javaws said
#
# The demo client also tells its node: $node->reports. Launches of one object
# share javaws's cache, as a user's launches do.
#
#   $user->shortcut   the URL that javaws writes to a shortcut: codebase and href
#                     of the JNLP file, as cached, that the last launch ran
#
# new: trust (an SVB::Authority: TLS certificates have to be good and issued by it,
# and the client's jar signed as the nodes' is; without it, all is trusted);
# answers (lines for what javaws asks, "YES\n"; without it, it gets none, which it
# takes for a no).

use v5.32;
use warnings;

use File::Copy qw(copy);
use File::Path qw(make_path);
use SVB::Authority;
use SVB::Node;
use SVB::Proc;
use SVB::Temp;

sub new {
    my ($class, %option) = @_;
    my $self = bless { %option, home => SVB::Temp->dir('javaws'), runs => 0 }, $class;
    $self->_trust if $self->{trust};
    return $self;
}

# IcedTea-Web's stores of the user: authorities for TLS, and signers.
sub _trust {
    my ($self) = @_;
    state $signers = SVB::Authority->make_store(SVB::Temp->dir('signers') . '/trusted',
        SVB::Authority->run(qw(keytool -J-XX:TieredStopAtLevel=1 -printcert -rfc -jarfile),
            SVB::Node->build . '/webapp/lib/democlient.jar'));
    my ($authorities) = $self->{trust}->truststore;
    my $dir = "$self->{home}/config/icedtea-web/security";
    make_path($dir);
    copy($authorities, "$dir/trusted.jssecacerts") or die "$dir: $!\n";
    copy($signers, "$dir/trusted.certs") or die "$dir: $!\n";
    return;
}

sub launch {
    my ($self, $url, $timeout) = @_;
    my $home = $self->{home};
    my $out = "$home/output" . $self->{runs}++;
    my $answers = SVB::Temp->write_file("$home/answers", $self->{answers} // '');
    my $proc = SVB::Proc->spawn(name => 'javaws', out => $out,
        env => { HOME => $home, LC_ALL => 'C.UTF-8', XDG_CONFIG_HOME => "$home/config",
            XDG_CACHE_HOME => "$home/cache",
            XDG_DATA_HOME => "$home/data", DISPLAY => undef, JAVA_HOME => undef,
            JAVA_TOOL_OPTIONS => undef },
        cmd => [ 'sh', '-c', 'exec "$@" <"$0"', $answers,
            $ENV{SVB_JAVAWS} // '/usr/share/icedtea-web/bin/javaws.sh',
            # its own idea of a home comes from the password file, not from HOME
            "-J-Duser.home=$home", "-J-Djava.io.tmpdir=$home", '-J-XX:TieredStopAtLevel=1',
            qw(-headless -Xnofork), $self->{trust} ? () : '-Xtrustall', $url ]);
    my $status = $proc->wait($timeout // 60) // $proc->kill;
    my $output = SVB::Temp->read_file($out);
    my ($node, $args) = $output =~ /^node=(\S+) answered=\S+ args=(.*)$/m;
    return { status => $status, node => $node, args => [ split /\t/, $args // '' ],
        output => $output };
}

# The cache's own list has a line for each file, with the time of its last use.
sub shortcut {
    my ($self) = @_;
    my $list = SVB::Temp->read_file("$self->{home}/cache/icedtea-web/cache/recently_used");
    for my $line (reverse sort $list =~ /^\d+,\d+=.*/mg) {
        my $path = $line =~ s/^.*?=//r =~ s/\\(.)/$1/gr;
        my ($root) = SVB::Temp->read_file($path) =~ /<jnlp(\s[^>]*)>/ or next;
        my ($codebase, $href) = map { $root =~ /\s$_\s*=\s*(["'])(.*?)\1/s ? _text($2) : '' }
            qw(codebase href);
        return $href =~ m{^\w+://} ? $href : $codebase =~ s{/*$}{/}r . $href;
    }
    return;
}

# An XML attribute's value.
sub _text {
    my ($value) = @_;
    state $entity = { amp => '&', lt => '<', gt => '>', quot => '"', apos => "'" };
    return $value
        =~ s{&(?:#(\d+)|#x(\w+)|(\w+));}{defined $3 ? $entity->{$3} : chr($1 // hex $2)}ger;
}

1;
