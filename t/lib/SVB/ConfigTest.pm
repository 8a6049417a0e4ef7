package SVB::ConfigTest;

# What `httpd -t` says about a configuration, and texts to ask it about. These need
# no nodes: their members are not there, and nobody is asked anything.
#
#   my $conf = good('ServoyLaunch proxy');    # one that gives no reason to complain
#   accepted($conf, $name);                   # nothing to say about it (a test)
#   accepted($conf, $name, $httpd);           # by that httpd, not the usual one
#   complains(error => $conf, $name, qr/SVB\d+/, …);   # refused, in one line with all
#                   # of these; warn: told, not refused; syntax: by httpd itself
#   servoy('crm', @lines)    # a <Proxy> of the members servoy1 and servoy2
#   single('crm', @lines)    # of servoy1 alone
#   routed(qw(a b))          # member lines with these routes
#   urls(qw(servoy1))        # lines with direct URLs, of both unless named
#   url('servoy1', $url)     # one of a node that is not there to be asked

use v5.32;
use warnings;

use Exporter qw(import);
use SVB::Balancer qw(section);
use SVB::Httpd;
use Test::More ();

our @EXPORT = qw(accepted complains servoy single routed urls url good tester);

# The httpd that is asked.
sub tester {
    state $tester = SVB::Httpd->new(modules => [qw(proxy_hcheck)], log_level => 'info');
    return $tester;
}

sub routed {
    my (@routes) = @_;
    my $port = 18000;
    return join '', map { "BalancerMember \"ajp://127.0.0.1:${\ ++$port}\" route=$_ ping=3\n" } @routes;
}

sub servoy {
    my ($name, @lines) = @_;
    return section($name, routed('servoy1', 'servoy2'), 'ProxySet lbmethod=servoy', @lines);
}

sub single {
    my ($name, @lines) = @_;
    return section($name, routed('servoy1'), 'ProxySet lbmethod=servoy', @lines);
}

sub urls { return map { "ServoyNode $_ url=https://$_.example.com" } @_ ? @_ : qw(servoy1 servoy2) }

sub url { my ($route, $url) = @_; return "ServoyNode $route url=$url probe=off" }

sub good { my (@lines) = @_; return servoy('servoy', urls(), @lines) }

# The lines of its output that complain: errors, warnings, none that just inform.
sub _complaints {
    my ($output) = @_;
    return grep { /\S/ && !/^Syntax OK/ && !/:info\]/ } split /\n/, $output;
}

sub accepted {
    my ($conf, $name, $httpd) = @_;
    my ($code, $output) = ($httpd // tester())->configtest($conf);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my @complaints = _complaints($output);
    return 1 if Test::More::ok(!$code && !@complaints, $name // 'accepted');
    Test::More::diag($output);
    return 0;
}

sub complains {
    my ($level, $conf, $name, @patterns) = @_;
    my ($code, $output) = tester()->configtest($conf);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my @lines = _complaints($output);
    my ($line) = $level eq 'syntax' ? join ' ', @lines
        : grep { /servoy_balancer:\Q$level\E\]/ && /$patterns[0]/ } @lines;
    my @missing = grep { ($line // '') !~ $_ } @patterns;
    my $as_told = $level eq 'warn' ? !$code : $code;
    return Test::More::ok($as_told && !@missing, $name)
        || Test::More::diag("exit code $code, not said: @missing\n$output");
}

1;
