#!/usr/bin/perl
# The memory that outlives restarts: what another build has left there, what is not
# to be had, what a table of another size knows, and what the log tells of it.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SVB::Balancer;
use SVB::Fleet;
use SVB::Httpd;
use SVB::Temp;
use SVB::Users;
use SVB::Wait;
use Test::More;

my $fleet = SVB::Fleet->start(2);

# Options: server (lines), balancer (lines).
sub conf {
    my (%option) = @_;
    return <<"END";
Header always set X-How "%{SERVOY_HOW}e"
@{[ $option{server} // '' ]}
<Proxy "balancer://servoy">
@{[ $fleet->members('ajp') ]}ProxySet lbmethod=servoy
@{[ $option{balancer} // '' ]}
</Proxy>
@{[ manager_location('ServoyManagerActions on') ]}
ProxyPass "/" "balancer://servoy/"
END
}

subtest 'a table that was too small, after a restart' => sub {
    my $httpd = SVB::Httpd->new(conf => conf(server => 'ServoyClientTable 8'))->start;
    users($httpd, 40);
    cmp_ok $httpd->manager->json->{table}{evicted}, '>', 0, 'clients are dropped';
    $httpd->wait_log(qr/SVB0061/, 15);
    $httpd->mark->graceful;
    # the tick that tells this has told everything else as well
    $httpd->manager->act('servoy', 'servoy1', 'drain');
    $httpd->manager->act('servoy', 'servoy1', 'forget');
    $httpd->wait_log(qr/SVB0062.*servoy1/, 15);
    unlike $httpd->error_log, qr/SVB0061/,
        'nobody was dropped since, and the log does not say so again';
    my $evicted = $httpd->manager->json->{table}{evicted};
    users($httpd, 40);
    cmp_ok $httpd->manager->json->{table}{evicted}, '>', $evicted, 'then more are';
    $httpd->stop;
};

subtest 'clients that have expired, in a table of another size' => sub {
    my %lines = (balancer => 'ServoySessionTimeout 2s');
    my $httpd = SVB::Httpd->new(conf => conf(%lines, server => 'ServoyClientTable 1000'))->start;
    my ($user) = users($httpd, 1);
    is $user->get($page)->header('X-How'), 'known', 'a user';
    $httpd->reconfigure(conf(%lines, server => 'ServoyClientTable 2000'));
    is $httpd->manager->json->{table}{capacity}, 2000, 'a table of another size';
    wait_ok(sub { $httpd->manager->json->{table}{clients} == 0 }, 20,
        'the user is gone after a while');
    is $user->get($page)->header('X-How'), 'route', 'and is known by the route alone';
    $httpd->stop;
};

# Where the module stays loaded over restarts, as it does when it is built into httpd,
# nothing of the last configuration may stay in it.
subtest 'a shorter time, in a module that stays loaded' => sub {
    my $httpd = SVB::Httpd->new(conf => conf(balancer => 'ServoySessionTimeout 1h'));
    my @stay = map { m{"(.*/mod_(?:proxy|servoy_balancer)\.so)"} } $httpd->load_lines;
    $httpd->{env}{LD_PRELOAD} = join ' ', @stay;
    $httpd->start;
    my $mapped = SVB::Temp->read_file('/proc/' . $httpd->pid . '/maps');
    is scalar(grep { $mapped =~ /\Q$_\E/ } @stay), 2, 'it stays loaded';
    my ($user) = users($httpd, 1);
    $httpd->reconfigure(conf(balancer => 'ServoySessionTimeout 2s'));
    is $user->get($page)->header('X-How'), 'known', 'a user';
    wait_ok(sub { $httpd->manager->json->{table}{clients} == 0 }, 20,
        'is gone after the time of this configuration');
    $httpd->stop;
};

# A module that has left something under our name in the memory that httpd retains.
sub other_build {
    my $dir = SVB::Temp->dir('module');
    open my $out, '>', "$dir/mod_other.c" or die "$dir/mod_other.c: $!\n";
    print {$out} <<'END';
#include <httpd.h>
#include <http_config.h>
#include <http_core.h>
#include <string.h>

static int leave(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    static const char name[] = "mod_servoy_balancer";

    if (!ap_retained_data_get(name)) {
        memset(ap_retained_data_create(name, 256), 'A', 256);
    }
    return OK;
}

static void hooks(apr_pool_t *p)
{
    ap_hook_post_config(leave, NULL, NULL, APR_HOOK_REALLY_FIRST);
}

module AP_MODULE_DECLARE_DATA other_module = {
    STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, hooks, 0
};
END
    close $out;
    chomp(my ($cc, $include, $apr) = map { qx(apxs -q $_) } qw(CC INCLUDEDIR APR_INCLUDEDIR));
    my @command = ($cc, '-shared', '-fPIC', '-w', "-I$include", "-I$apr", '-o', "$dir/mod_other.so",
        "$dir/mod_other.c");
    system(@command) == 0 or die "@command failed\n";
    return "$dir/mod_other.so";
}

subtest 'what another build of the module has left in memory' => sub {
    my $other = other_build();
    my $httpd = SVB::Httpd->new(conf => "LoadModule other_module $other\n" . conf());
    ok eval { $httpd->start; 1 }, 'httpd starts' or diag $@;
    $httpd->wait_log(qr/\[servoy_balancer:notice\].*SVB0024/, 5);
    my ($user) = users($httpd, 1);
    $httpd->mark->graceful;
    is $user->get($page)->header('X-How'), 'known', 'and has its own memory from then on';
    unlike $httpd->error_log, qr/SVB0024/;
    $httpd->stop;
};

# Let a process have so much memory in all, or as much as there is.
sub limit_memory {
    my ($pid, $bytes) = @_;
    system('prlimit', '--pid', $pid, '--as=' . ($bytes // 'unlimited') . ':') == 0
        or die "prlimit failed\n";
    return;
}

sub memory_of {
    my ($pid) = @_;
    my ($kb) = SVB::Temp->read_file("/proc/$pid/status") =~ /^VmSize:\s+(\d+) kB/m;
    return 1024 * $kb;
}

# As much as there may be; room for threads, but not for the table.
my $largest = 'ServoyClientTable 67108864';
my $room = 1 << 30;

subtest 'a table that is not to be had' => sub {
    my $httpd = SVB::Httpd->new(conf => conf())->start;
    my ($user) = users($httpd, 1);
    limit_memory($httpd->pid, memory_of($httpd->pid) + $room);
    is +($httpd->configtest(conf(server => $largest)))[0], 0, 'the configuration is good';
    ok eval { $httpd->mark->reconfigure(conf(server => $largest)); 1 }, 'httpd goes on' or diag $@;
    like $httpd->error_log, qr/\[servoy_balancer:error\].*SVB0023.*67108864 clients/,
        'it tells what it could not have';
    is $httpd->manager->json->{table}{capacity}, 65536, 'the table keeps its size';
    is $user->get($page)->header('X-How'), 'known', 'and its clients';
    $httpd->stop;

    my $first = SVB::Httpd->new(conf => conf(server => $largest));
    limit_memory($$, memory_of($$) + $room);
    my $said = eval { $first->start_fails };
    limit_memory($$);
    like $said, qr/SVB0023.*67108864 clients/, 'at a first start that is an error';
};

$fleet->stop;
done_testing;
