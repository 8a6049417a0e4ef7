#!/usr/bin/perl
# The browser of tests sees what it is there to see: what a page shows, says and asks
# for, what is wrong with it, what is blocked. And the manager's page as it comes, with
# JavaScript and without.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP ();
use SVB::Balancer;
use SVB::Browser;
use SVB::Httpd;
use SVB::Temp;
use Test::More;

my $httpd = SVB::Httpd->new(modules => ['mime'], conf => manager_location('ServoyManagerActions on') . <<'END')->start;
TypesConfig /dev/null
AddType text/html .html
<Location "/bad.html">
Header always set Content-Security-Policy "script-src 'unsafe-inline'; style-src 'unsafe-inline'"
</Location>
<Proxy "balancer://servoy">
BalancerMember ajp://127.0.0.1:1 route=servoy1
ProxySet lbmethod=servoy
</Proxy>
ProxyPass "/node/" "balancer://servoy/"
END

SVB::Temp->write_file($httpd->root . '/htdocs/bad.html', <<'END');
<!DOCTYPE html><html><head><title>bad</title><script>
console.log('a word');
setTimeout(function () { throw new Error('thrown') }, 0);
fetch('/none');
eval('1');
</script></head><body style="width: 2000px">
<p style="color: #ccc; background: #ddd">pale</p><button></button>
<noscript>nothing runs</noscript><script>document.body.append('it runs');</script>
</body></html>
END
SVB::Temp->write_file($httpd->root . '/htdocs/good.html', <<'END');
<!DOCTYPE html><html lang="en"><head><title>good</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,"></head><body><main>
<h1>Good</h1><p>Nothing.</p><label>Name <input id="name"></label> <a href="bad.html">bad</a>
</main></body></html>
END

my $browser = SVB::Browser->start;

subtest 'a page with faults' => sub {
    my $page = $browser->open($httpd->url . '/bad.html');
    $page->until('document.body.textContent.includes("it runs")', 10);
    $page->until('performance.getEntriesByName(new URL("/none", location)).length', 10);
    my $said = join "\n", $page->said;
    like $said, $_ for qr/a word/, qr/exception: .*(?:eval|unsafe-eval)/,
        qr/^CSP: script-src/m, qr/exception: thrown/, qr/404/;
    my ($none) = grep { $_->{url} =~ m{/none$} } $page->asked;
    is $none->{status}, 404, 'what it asked for';
    cmp_ok $none->{bytes}, '>', 100, '... and how much that was';
    ok $page->scrolls_sideways, 'it is too wide';
    my %found = map { $_->{id} => $_->{impact} } $page->axe;
    is $found{$_}, $_ eq 'button-name' ? 'critical' : 'serious', "found: $_"
        for qw(button-name color-contrast html-has-lang);
    $page->forget;
    is_deeply [ $page->said, $page->asked ], [], 'all of that is forgotten';
    $page->close;

    $page = $browser->open($httpd->url . '/bad.html', javascript => 0);
    is $page->text('noscript'), 'nothing runs', 'without JavaScript';
    unlike $page->text('body'), qr/it runs/;
    is_deeply [ $page->said ], [], '... nothing is said';
    ok +(grep { $_->{id} eq 'button-name' } $page->axe), '... and faults are found all the same';
    $page->close;
};

subtest 'a page without' => sub {
    my $page = $browser->open($httpd->url . '/good.html', width => 390, dark => 1);
    is $page->text('h1'), 'Good', 'a text';
    my $where = 'innerWidth + " " + matchMedia("(prefers-color-scheme: dark)").matches';
    is $page->eval($where), '390 true', 'a phone at night';
    $page->size(1280);
    $page->dark(0);
    is $page->eval($where), '1280 false', 'a desk by day';
    is $page->eval('Intl.DateTimeFormat().resolvedOptions().timeZone'), 'Europe/Amsterdam',
        'its time zone';
    ok !$page->scrolls_sideways, 'it is not too wide';
    $page->accessible_ok('good');
    $page->focus('#name');
    $page->press('a');
    is $page->eval('document.activeElement.value'), 'a', 'a key is pressed';
    $page->clean_ok('good');
    my $fetch = 'fetch("/good.html").then(() => "online", () => "offline")';
    $page->offline(1);
    is $page->eval($fetch), 'offline', 'the line is cut';
    $page->offline(0);
    is $page->eval($fetch), 'online', '... and mended';
    ok +(grep { $_->{failed} } $page->asked), 'which is noticed';
    is $page->until('false', 0.1), JSON::PP::false(), 'what never comes is waited for in vain';
    ok !eval { $page->eval('no.such.thing'); 1 }, 'what fails, dies';
    like $@, qr/no is not defined/, '... with a reason';
    $page->click('a');
    like $page->until('document.title == "bad" && location.href', 10), qr{/bad\.html$}, 'a link';
    $page->close;
};

for my $javascript (1, 0) {
    my $name = $javascript ? 'the manager' : 'the manager, without JavaScript';
    subtest $name => sub {
        my $page = $browser->open($httpd->url . '/servoy-manager', javascript => $javascript);
        like $page->text('h1'), qr/localhost/, 'its name';
        like $page->text('body'), qr/servoy1/, 'its node';
        $page->accessible_ok($name);
        $page->clean_ok($name);
        $page->close;
    };
}

is $browser->stop, 0, 'it ends well';
$httpd->stop;
done_testing;
