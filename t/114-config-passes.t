#!/usr/bin/perl
# ProxyPass lines that httpd takes and that do not do what they seem to: without the
# slash of their path, to a balancer that is not there, hidden by another; and
# ProxyErrorOverride. What a start and `httpd -t` say of them, and what they let be.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SVB::Balancer qw(section);
use SVB::ConfigTest;
use SVB::Httpd;
use Test::More;

sub passes { return join '', map { "ProxyPass $_\n" } @_ }

sub location { my ($place, @lines) = @_; return "<Location $place>\n" . join("\n", @lines) . "\n</Location>\n" }

sub host {
    my ($name, @text) = @_;
    return "<VirtualHost *:\@PORT\@>\nServerName $name.example.com\n" . join('', @text)
        . "</VirtualHost>\n";
}

my $both = good() . servoy('sockets');
my $other = section('other', 'BalancerMember "ajp://127.0.0.1:18009"');

# name => { conf, said (patterns of one line), fine: name => conf }
my %problem = (
    'a path with a slash, a balancer without' => {
        conf => good() . passes('"/" "balancer://servoy"'),
        said => [ qr/SVB0162/, qr{"ProxyPass \S+ \S+" \(\S+conf:\d+\)},
            qr{"/index\.html" would go to "balancer://servoyindex\.html"},
            qr{make it "balancer://servoy/"$} ],
        fine => {
            'both with' => good() . passes('/ balancer://servoy/'),
            'both without' => good() . passes('/app balancer://servoy'),
            'both without, and a path' => good() . passes('/app balancer://servoy/app'),
            'a balancer of another method' => good() . $other . passes('/ balancer://other'),
            'not to a balancer' => good() . passes('/ http://127.0.0.1:18009'),
            'nowhere' => good() . passes('/x/ !'),
            'by a pattern' => good() . "ProxyPassMatch ^/(.*)\$ balancer://servoy/\$1\n",
            'by another pattern' => good() . passes('~ "/$" balancer://servoy'),
        },
    },
    'a longer path' => {
        conf => good() . passes('/app/ balancer://servoy/app nofailover=On'),
        said => [ qr/SVB0162/, qr{"/app/index\.html" would go to "balancer://servoy/appindex\.html"} ],
        fine => {},
    },
    'a place with a slash' => {
        conf => good() . location('/app/', 'ProxyPass balancer://servoy'),
        said => [ qr/SVB0162/, qr{"/app/" ends with a slash and "balancer://servoy" does not} ],
        fine => { 'both' => good() . location('/app/', 'ProxyPass balancer://servoy/'),
            'in an <IfModule>' => good()
                . "<IfModule mod_proxy.c>\n" . passes('/ balancer://servoy/') . "</IfModule>\n" },
    },
    'a balancer that is not there' => {
        conf => good() . passes('/ balancer://serovy/'),
        said => [ qr/SVB0161/, qr{"ProxyPass / balancer://serovy/" \(\S+:\d+\)},
            qr{no balancer://serovy, so}, qr{did you mean balancer://servoy\?$} ],
        fine => {
            'in capitals' => good() . passes('/ balancer://SERVOY/'),
            'with a section that is empty' => good() . section('later') . passes('/ balancer://later/'),
            'with lines of its own' => good() . "BalancerMember balancer://own http://127.0.0.1:18009\n"
                . passes('/ balancer://own/'),
            'whose name is found later' => good() . "RewriteEngine on\n"
                . 'RewriteRule ^/(\w+)/ balancer://$1/ [P]' . "\n",
            'where nothing is ours' => passes('/ balancer://nothing/'),
        },
    },
    'a balancer that is like no other' => {
        conf => good() . passes('/ balancer://app/'),
        said => [ qr/SVB0161/, qr{no balancer://app, so},
            qr{give it a <Proxy "balancer://app"> with BalancerMember lines$} ],
        fine => {},
    },
    'a balancer by a pattern' => {
        conf => good() . "ProxyPassMatch ^/(.*)\$ balancer://servoi/\$1\n",
        said => [ qr/SVB0161/, qr{did you mean balancer://servoy\?$} ],
        fine => {},
    },
    'a balancer of another virtual host' => {
        conf => host(a => good(), passes('/ balancer://servoy/'))
            . host(b => passes('/ balancer://servoy/')),
        said => [ qr/SVB0161/, qr/another virtual host's: put its <Proxy> outside/ ],
        fine => { 'of the main server' => good() . host(a => passes('/ balancer://servoy/'))
            . host(b => passes('/ balancer://servoy/')) },
    },
    'the wider path first' => {
        conf => $both . passes('/ balancer://servoy/', '/websocket/ balancer://sockets/websocket/'),
        said => [ qr/SVB0163/, qr{"ProxyPass /websocket/ \S+" \(\S+:\d+\) is never asked},
            qr{"ProxyPass / balancer://servoy/" \(\S+:\d+\) takes all of /websocket/ before},
            qr/the first ProxyPass that fits counts: put the wider one last$/ ],
        fine => {
            'last' => $both . passes('/websocket/ balancer://sockets/websocket/', '/ balancer://servoy/'),
            'to the same' => $both . passes('/ balancer://servoy/', '/app/ balancer://servoy/app/'),
            'twice the same' => $both . passes(('/ balancer://servoy/') x 2),
            'other paths' => $both . passes('/app balancer://servoy/app', '/apple balancer://sockets/apple'),
            'with a slash, then without' => $both
                . passes('/app/ balancer://servoy/app/', '/app balancer://sockets/app'),
            'none of them ours' => $both . $other . passes('/ balancer://other/', '/x/ http://127.0.0.1:18009/'),
            'patterns' => $both . "ProxyPassMatch ^/(.*) balancer://servoy/\$1\n"
                . passes('/a/ balancer://sockets/a/'),
            'in other virtual hosts' => $both . host(a => passes('/ balancer://servoy/'))
                . host(b => passes('/websocket/ balancer://sockets/websocket/')),
        },
    },
    'an exception behind' => {
        conf => good() . passes('/ balancer://servoy/', '/status !'),
        said => [ qr/SVB0163/, qr{"ProxyPass /status !" \(\S+:\d+\) is never asked} ],
        fine => { 'before' => good() . passes('/status !', '/ balancer://servoy/'),
            'nothing to do with us' => good() . $other . passes('/ balancer://other/', '/status !') },
    },
    'several hidden ones' => {
        conf => $both . passes('/ balancer://servoy/', map { "/w$_/ balancer://sockets/w$_/" } 1 .. 5),
        said => [ qr/SVB0163/, qr{/w1/ .*/w2/ .*/w3/ \S+" \(\S+:\d+\) and 2 more are never asked} ],
        fine => {},
    },
    'hidden by the main server' => {
        conf => $both . passes('/ balancer://servoy/')
            . host(a => passes('/websocket/ balancer://sockets/websocket/')),
        said => [ qr/SVB0163/, qr{/websocket/ \S+" \(\S+:\d+\) is never asked} ],
        fine => { 'not inherited' => $both . passes('/ balancer://servoy/') . host(a =>
            "ProxyPassInherit off\n", passes('/websocket/ balancer://sockets/websocket/')) },
    },
    'the wider <Location> last' => {
        conf => $both . location('/websocket/', 'ProxyPass balancer://sockets/websocket/')
            . location('/', 'ProxyPass balancer://servoy/'),
        said => [ qr/SVB0163/, qr{websocket/" \(\S+:\d+\) is never asked},
            qr/the last <Location> that fits counts: put the wider one first$/ ],
        fine => {
            'first' => $both . location('/', 'ProxyPass balancer://servoy/')
                . location('/websocket/', 'ProxyPass balancer://sockets/websocket/'),
            'a pattern' => $both . location('/websocket/', 'ProxyPass balancer://sockets/websocket/')
                . location('~ "^/$"', 'ProxyPass balancer://servoy/'),
        },
    },
    'a <Location> and a line' => {
        conf => $both . location('/', 'ProxyPass balancer://servoy/')
            . passes('/websocket/ balancer://sockets/websocket/'),
        said => [ qr/SVB0163/, qr/what stands in a <Location> counts before other lines/ ],
        fine => { 'the narrower in the <Location>' => $both . passes('/ balancer://servoy/')
            . location('/websocket/', 'ProxyPass balancer://sockets/websocket/') },
    },
    'ProxyErrorOverride' => {
        conf => good() . passes('/ balancer://servoy/') . "ProxyErrorOverride On\n",
        said => [ qr/SVB0164/, qr/"ProxyErrorOverride On" \(\S+:\d+\): the words of a node's 503/,
            qr/ProxyErrorOverride On 500 502 504$/ ],
        fine => {
            'off' => good() . passes('/ balancer://servoy/') . "ProxyErrorOverride Off\n",
            'other statuses' => good() . passes('/ balancer://servoy/') . "ProxyErrorOverride On 500 404\n",
            'off again' => good() . "ProxyErrorOverride On\nProxyErrorOverride Off\n"
                . passes('/ balancer://servoy/'),
            'off in the virtual host' => good() . "ProxyErrorOverride On\n"
                . host(a => "ProxyErrorOverride Off\n", passes('/ balancer://servoy/')),
            'where nothing of ours is' => good() . host(a => "ProxyErrorOverride On\n")
                . host(b => passes('/ balancer://servoy/')),
            'of another place' => good() . passes('/app/ balancer://servoy/')
                . location('/other/', 'ProxyErrorOverride On'),
        },
    },
    'ProxyErrorOverride with 503' => {
        conf => good() . passes('/ balancer://servoy/') . "ProxyErrorOverride On 404 503\n",
        said => [ qr/SVB0164/, qr/"ProxyErrorOverride On 404 503"/ ],
        fine => {},
    },
    'ProxyErrorOverride of a place' => {
        conf => good() . passes('/ balancer://servoy/')
            . location('/solutions/', 'ProxyErrorOverride On'),
        said => [ qr/SVB0164/ ],
        fine => {},
    },
    'ProxyErrorOverride, inherited' => {
        conf => good() . "ProxyErrorOverride On\n" . host(a => passes('/ balancer://servoy/'))
            . host(b => passes('/b/ balancer://servoy/')),
        said => [ qr/SVB0164/ ],
        fine => {},
    },
);

my $rewriting = SVB::Httpd->new(modules => ['rewrite']);

for my $name (sort keys %problem) {
    my ($conf, $said, $fine) = @{ $problem{$name} }{qw(conf said fine)};
    subtest $name => sub {
        complains(warn => $conf, 'told', @$said);
        my @lines = (tester()->configtest($conf))[1] =~ /servoy_balancer:warn\]/g;
        is scalar @lines, 1, 'and nothing else';
        accepted($fine->{$_}, "no complaint: $_", $rewriting) for sort keys %$fine;
    };
}

subtest 'at a start, each once' => sub {
    for my $name ('a longer path', 'a balancer that is not there', 'the wider path first',
        'ProxyErrorOverride, inherited') {
        my $httpd = SVB::Httpd->new(conf => $problem{$name}{conf})->start;
        my @lines = grep { /servoy_balancer:(?:warn|error)\]/ } split /\n/, $httpd->error_log;
        is scalar @lines, 1, $name;
        like $lines[0] // '', $_ for @{ $problem{$name}{said} };
        $httpd->stop;
    }
};

is_deeply [ tester()->complaints ], [], 'no configuration test crashed';

done_testing;
