#!/usr/bin/perl
# Host names that the resolver takes its time for, or does not know, are nobody's
# business but their own: other nodes are asked meanwhile, and launches go on.
#
# There is no asking a real resolver to hang, so a little library takes the place
# of the C library's getaddrinfo in httpd: names in .hang.test keep who asks for
# twelve seconds, those in .gone.test do not exist, those in .here.test are this
# machine. It writes down who is looked up.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SVB::Balancer;
use SVB::Fleet;
use SVB::Httpd;
use SVB::Proc;
use SVB::Temp;
use SVB::Wait qw(wait_for wait_ok patience);
use Test::More;
use Time::HiRes qw(sleep time);

my $hang = 12;
my $dir = SVB::Temp->dir('resolver');
chmod 0777, $dir;

SVB::Temp->write_file("$dir/resolver.c", <<'END' =~ s/\@HANG\@/$hang/r);
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef int getaddrinfo_fn(const char *, const char *, const struct addrinfo *, struct addrinfo **);

static int ends_in(const char *node, const char *tail)
{
    size_t len = strlen(node), tail_len = strlen(tail);

    return len > tail_len && !strcmp(node + len - tail_len, tail);
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
    struct addrinfo **found)
{
    getaddrinfo_fn *real = (getaddrinfo_fn *)dlsym(RTLD_NEXT, "getaddrinfo");

    if (node && ends_in(node, ".test")) {
        char line[256];
        int fd = open(getenv("SVB_RESOLVED"), O_WRONLY | O_APPEND | O_CREAT, 0666);
        int len = snprintf(line, sizeof(line), "%s\n", node);

        fchmod(fd, 0666);
        if (fd < 0 || write(fd, line, (size_t)len) != len) {
            abort();
        }
        close(fd);
        if (ends_in(node, ".hang.test")) {
            sleep(@HANG@);
        }
        if (!ends_in(node, ".here.test")) {
            return EAI_NONAME;
        }
        node = "127.0.0.1";
    }
    return real(node, service, hints, found);
}
END
my $library = "$dir/resolver.so";
my $cc = $ENV{CC} // 'cc';
system($cc, '-shared', '-fPIC', '-o', $library, "$dir/resolver.c", '-ldl') == 0
    or die "cannot build $library\n";

# How often a name was looked up.
sub looked_up {
    my ($name) = @_;
    return 0 if !-e "$dir/resolved";
    return scalar grep { $_ eq $name } split /\n/, SVB::Temp->read_file("$dir/resolved");
}

my $fleet = SVB::Fleet->start(2);
my ($one, $two) = $fleet->nodes;
my $jnlp = '/servoy-client/crm.jnlp';

my @urls = map { "ServoyNode servoy$_ url=http://app$_.example.com" } 1, 2;
my $by_name = join '', map { $_->member('http') =~ s/127\.0\.0\.1/node.here.test/r } $one, $two;
my @urls_by_name = map {
    sprintf 'ServoyNode %s url=http://%s.here.test:%d probe=url',
        $_->route, $_->route, $_->http_port
} $one, $two;

# As loaded before the sanitizers' libraries, if there are such.
my @preload = $ENV{SVB_SANITIZE}
    ? map { qx($cc -print-file-name=lib$_.so) =~ s/\s+\z//r } qw(asan ubsan)
    : ();
my $httpd = SVB::Httpd->new(
    env => { LD_PRELOAD => join(' ', @preload, $library), SVB_RESOLVED => "$dir/resolved" },
    conf => join '', balancer('plain', join('', map { $_->member('ajp') } $one, $two), @urls),
    balancer('named', $by_name, @urls),
    balancer('urls', join('', map { $_->member('ajp') } $one, $two), @urls_by_name),
    balancer('hangs', "BalancerMember http://a.hang.test:8009 route=servoy1 retry=600\n"
        . $two->member('ajp'), @urls),
    balancer('more',
        join('', map { "BalancerMember http://more$_.hang.test:8009 route=more$_\n" } 1 .. 4),
        map { "ServoyNode more$_ url=http://app1.example.com" } 1 .. 4),
    balancer('gone', "BalancerMember http://a.gone.test:8009 route=servoy1\n"
        . $two->member('ajp'), @urls),
    <<'END')->start;
<Location "/servoy-manager">
    SetHandler servoy-manager
</Location>
END

sub state_of { my ($name) = @_; return $httpd->nodes($name)->{servoy1}{state} }

# Node and seconds of a launch.
sub launch {
    my ($name) = @_;
    my $began = time;
    my $r = $httpd->client(cookies => 0, timeout => 60)->head("/$name$jnlp");
    my ($node) = ($r->header('Location') // '') =~ m{^http://(?:app|servoy)(\d)\.}
        or return ($r->status, time - $began);
    return ($node, time - $began);
}

my $started = time;
wait_ok(sub { looked_up('a.hang.test') }, 20, 'somebody is waiting for the resolver');

subtest 'launches do not wait for it' => sub {
    my $slowest = 0;
    for (1 .. 6) {
        for my $name (qw(hangs plain gone)) {
            my (undef, $seconds) = launch($name);
            $slowest = $seconds if $slowest < $seconds;
        }
        sleep 1;
    }
    cmp_ok $slowest, '<', patience(4), sprintf 'the slowest: %.1f s', $slowest;
};

subtest 'names are known although others hang' => sub {
    is state_of($_), 'ready', "$_: ready" for qw(plain named urls);
    ok looked_up($_), "$_ was looked up" for qw(node.here.test servoy1.here.test servoy2.here.test);
};

subtest 'deaths are found out by nobody but the round' => sub {
    $one->kill;
    my $began = time;
    for my $name (qw(plain named urls)) {
        wait_for(sub { state_of($name) eq 'error' || time > $began + patience(8) }, 20, $name);
        is state_of($name), 'error', sprintf '%s: after %.1f s', $name, time - $began;
    }
    is((launch($_))[0], 2, "$_: launches go to the other one") for qw(plain named urls);
};

subtest 'it comes back' => sub {
    $one->start;
    wait_ok(sub { state_of($_) eq 'ready' }, 20, $_) for qw(plain named urls);
};

subtest 'nobody asks the resolver all the time' => sub {
    cmp_ok looked_up('a.gone.test'), '>=', 1, 'a name that is not there was looked up';
    # a failure is good for half a minute
    my $most = 3 + (time - $started) / 30;
    cmp_ok looked_up($_), '<=', $most, sprintf '%s: %d times', $_, looked_up($_)
        for qw(a.gone.test a.hang.test node.here.test);
};

done_testing;
