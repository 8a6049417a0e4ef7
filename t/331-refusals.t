#!/usr/bin/perl
# How a refusal is held back from the client: one that ends with its connection, one
# that all nodes give, one that is long, never ends, or comes a few letters at a time.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use List::Util qw(max sum0 uniq);
use SVB::Balancer;
use SVB::Fleet;
use SVB::Httpd;
use SVB::Temp;
use SVB::Wait;
use Test::More;
use Time::HiRes qw(time);

my $fleet = SVB::Fleet->start(2);
my ($one, $two) = $fleet->nodes;
my $page = '/servoy-webclient/ss/s/crm';
my $words = 'Server in maintenance mode';

my @all = map { ("all$_", "tall$_") } qw(ajp http);
my @unread = map { my $how = $_; map { "$how$_" } qw(ajp http) } qw(big endless drip);
my $httpd = SVB::Httpd->new(conf => join '',
    balancer('ends',    $fleet->members('http'), 'ServoyMaintenance on 1s'),
    balancer('endshead', $fleet->members('http')),
    (map { balancer($_, $fleet->members(/ajp$/ ? 'ajp' : 'http')) } @all, @unread, qw(knownajp knownhttp)),
    balancer('plain', $fleet->members('http')),
    manager_location())->start;

sub browser { return $httpd->client(timeout => 30, @_) }

# One with the id of a session that is long gone.
sub yesterdays {
    my ($route) = @_;
    state $number = 0;
    return browser(headers => [ sprintf 'Cookie: JSESSIONID=%016X.%s', ++$number, $route ], cookies => 0);
}

# What the nodes answer to those who have no session; (0) for one. How many of its
# long answers are under way, and were cut.
sub refuse {
    my ($node, $status, $text, $how) = @_;
    my $query = join '&', "status=$status", 'text=' . ($text // '') =~ s/ /%20/gr, 'how=' . ($how // '');
    return $node->client(cookies => 0)->get("/admin/refusal?$query")->json;
}

sub long_answers { my ($node) = @_; return $node->client(cookies => 0)->get('/admin/refusal')->json }

sub calm {
    $fleet->calm;
    refuse($_, 0) for $fleet->nodes;
    return;
}

sub state_of { my ($name, $route) = @_; return $httpd->nodes($name)->{$route}{state} }

sub short { my ($r) = @_; return join ' ', $r->status || $r->error, $r->node // '-' }

# The largest child of httpd, in MiB.
sub memory {
    return max map { SVB::Temp->read_file("/proc/$_/status") =~ /^VmRSS:\s+(\d+) kB/m ? $1 / 1024 : 0 } $httpd->children;
}

subtest 'a refusal that ends with its connection' => sub {
    calm();
    refuse($one, 503, $words, 'end');
    my $whole = qr{Web Client on servoy2.*</html>\s*\z}s;
    my (%seen, @rest);
    my $begun = time;
    wait_for(sub {
        my @clients = ((map { browser() } 1 .. 6), map { yesterdays('servoy1') } 1 .. 3);
        for my $r (map { $_->finish } map { $_->start(GET => "/ends$page") } @clients) {
            $seen{ short($r) }++;
            push @rest, $r->body if $r->body !~ $whole;
        }
        return time > $begun + 4;
    }, 30, 'four seconds');
    is_deeply [ keys %seen ], ['200 servoy2'], 'all clients get the other node\'s page' or diag explain \%seen;
    is_deeply \@rest, [], '... each the whole of it';
    cmp_ok $one->requests->{$page} // 0, '>=', 2, '... some were sent to the one that refuses';
    is state_of('ends', 'servoy1'), 'maintenance', '... which is in maintenance';

    $_->reset_requests for $fleet->nodes;
    is short(browser()->head("/endshead$page")), '503 servoy1', 'HEAD has no words: passed on';
    is state_of('endshead', 'servoy1'), 'ready', '... nothing is concluded';
};

for my $name (@all) {
    my $long = $name =~ /^tall/;
    subtest "all refuse: $name" => sub {
        calm();
        # Twice as long as what is looked at: the rest has to come as well.
        my $text = $words . ($long ? '.' x 3000 . '-' x 3000 . ' the end' : '');
        refuse($_, 503, $text, $name =~ /http/ && !$long ? 'end' : '') for $fleet->nodes;
        my $r = browser()->get("/$name$page");
        is $r->status, 503, 'the last one\'s own answer';
        is $r->error, '', '... whole';
        ok $r->body eq "$text\n", '... with all of its text' or diag length($r->body) . ': ' . substr $r->body, 0, 200;
        is_deeply [ map { $_->requests->{$page} // 0 } $fleet->nodes ], [ 1, 1 ], '... each was asked once';
        $r = browser()->get("/$name$page");
        ok $r->status == 503 && $r->body eq "$text\n", 'likewise when that is known';
    };
}

subtest 'a 503 without the words, which ends with its connection' => sub {
    calm();
    refuse($one, 503, 'something else', 'end');
    my ($r) = grep { ($_->node // '') eq 'servoy1' } map { browser()->get("/plain$page") } 1 .. 6;
    is $r && short($r), '503 servoy1', 'it is passed on';
    is $r && $r->body, "something else\n", '... with its text';
    $r = yesterdays('servoy1')->get("/plain$page");
    is short($r) . ' ' . $r->body, "503 servoy1 something else\n", '... to yesterday\'s cookies as well';
};

for my $name (@unread) {
    my ($how) = $name =~ /^(big|endless|drip)/;
    subtest "a refusal that is not read to its end: $name" => sub {
        calm();
        my $cut = long_answers($one)->{cut};
        browser()->get("/$name/resources/x.js") for 1 .. 20;        # the children are warm
        my $before = memory();
        refuse($one, 503, $words, $how);
        my ($r, $longest) = (undef, 0);
        wait_for(sub {
            $r = browser()->get("/$name$page");
            $longest = max $longest, $r->seconds;
            return $r->status != 200 || $one->requests->{$page};
        }, 60, 'one who is sent there');
        is short($r), '200 servoy2', 'served by the other node';
        like $r->body, qr{</html>\s*\z}, '... with its page, whole';
        cmp_ok $longest, '<', 10, '... at once';
        is state_of($name, 'servoy1'), 'maintenance', 'it is in maintenance';
        wait_ok(sub { my $now = long_answers($one); !$now->{running} && $now->{cut} > $cut }, 20,
            'the connection to it is closed: it notices');
        cmp_ok memory() - $before, '<', 30, 'nothing of it is kept in memory';
        is_deeply [ uniq map { short(browser()->get("/$name$page")) } 1 .. 4 ], ['200 servoy2'], 'the next go elsewhere';
    };
}

# What is passed on is no refusal: it is not stopped.
for my $name (qw(knownajp knownhttp)) {
    subtest "a long 503 without the words: $name" => sub {
        calm();
        refuse($one, 503, 'A B C ' . 'x' x 6000);
        my ($r) = grep { $_->status != 200 } map { browser()->get("/$name$page") } 1 .. 6;
        is $r && length $r->body, 6007, 'it comes whole';
        isnt state_of($name, 'servoy1'), 'maintenance', '... and says nothing about maintenance';
    };
}

calm();
$httpd->stop;
done_testing;
