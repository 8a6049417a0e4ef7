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

use v5.32;
use warnings;

use SVB::Proc;
use SVB::Temp;

sub new {
    my ($class) = @_;
    return bless { home => SVB::Temp->dir('javaws'), runs => 0 }, $class;
}

sub launch {
    my ($self, $url, $timeout) = @_;
    my $home = $self->{home};
    my $out = "$home/output" . $self->{runs}++;
    my $proc = SVB::Proc->spawn(name => 'javaws', out => $out,
        env => { HOME => $home, LC_ALL => 'C.UTF-8', XDG_CONFIG_HOME => "$home/config", XDG_CACHE_HOME => "$home/cache",
            XDG_DATA_HOME => "$home/data", DISPLAY => undef, JAVA_HOME => undef, JAVA_TOOL_OPTIONS => undef },
        cmd => [ $ENV{SVB_JAVAWS} // '/usr/share/icedtea-web/bin/javaws.sh',
            # its own idea of a home comes from the password file, not from HOME
            "-J-Duser.home=$home", "-J-Djava.io.tmpdir=$home", '-J-XX:TieredStopAtLevel=1',
            qw(-headless -Xnofork -Xtrustall), $url ]);
    my $status = $proc->wait($timeout // 60) // $proc->kill;
    my $output = SVB::Temp->read_file($out);
    my ($node, $args) = $output =~ /^node=(\S+) answered=\S+ args=(.*)$/m;
    return { status => $status, node => $node, args => [ split /\t/, $args // '' ], output => $output };
}

1;
