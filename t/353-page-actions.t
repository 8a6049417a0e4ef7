#!/usr/bin/perl
# What an administrator does on the manager's page: it asks before what costs something,
# says what that is, takes it back, and comes back to the same place; with JavaScript and
# without. And what it says when the server is away, and was started anew.

use v5.32;
use utf8;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SVB::PageDesk;
use SVB::Wait;
use Test::More;

binmode $_, ':utf8' for Test::More->builder->output, Test::More->builder->failure_output;

my $desk = SVB::PageDesk->start;
my $httpd = $desk->httpd;

# What a browser writes to its console of a server that is not there.
my $away = qr/ERR_CONNECTION_|ERR_EMPTY_RESPONSE|ERR_INTERNET_DISCONNECTED/;

subtest 'a node is drained, and that is undone' => sub {
    $desk->calm;
    my $page = $desk->page('?sort=name&open=servoy1');
    $desk->come($page, 3);
    $page->click('#servoy1 .act a:text("Drain…")');
    my $is = $page->shows('it is asked', sub { $_->{question} });
    like $is->{question}, qr/^Drain servoy1\? Its 3 users stay on it until they are done\. 1 node is left for new users\./, '... and told what it costs';
    is_deeply $is->{cards}, [], '... on a page of its own';
    $page->looks_ok('question');
    $page->click('a:text("Cancel")');
    $page->shows('or not', sub { word($_, 'servoy1') eq 'ready' });
    like $page->url, qr/sort=name.*open=servoy1/, '... at the same place';
    $page->size(1280, 300);
    $page->click('#servoy1 .act a:text("Drain…")');
    $page->click('.question button');
    $is = $page->shows('done', sub { $_->{note} && word($_, 'servoy1') eq 'draining' });
    like $is->{note}, qr/^servoy1 drains; was ready\. Undo/, '... and told';
    like $page->url, qr/sort=name/, '... at the same place';
    ok $page->eval('!!document.querySelector("tr.more")'), '... with the same unfolded';
    ok $page->eval('!!document.activeElement.closest("#servoy1")'), '... and the focus where it was'
        or diag $page->eval('document.activeElement.outerHTML');
    like $page->look->{events}[0], qr/servoy1.*drain.*127\.0\.0\.1/, '... an event has who did it';
    $page->reload;
    is $desk->manager->node('servoy', 'servoy1')->{state}, 'draining', 'loaded anew, nothing is done again';
    $page->looks_ok('done');
    $page->click('.note button');
    $is = $page->shows('undone', sub { word($_, 'servoy1') eq 'ready' && $_->{note} });
    like $is->{note}, qr/^servoy1 is back to work; was draining\. Undo/, '... which can be undone';
    $page->clean_ok('all that');
    $page->close;
};

subtest 'what else is asked' => sub {
    $desk->calm;
    my $page = $desk->page('?open=servoy1');
    $desk->come($page, 3);
    my %asks = (
        'Take out…' => qr/^Disable servoy1\? 3 users must start again\. 1 node is left for new users\./,
        'Maintenance…' => qr/servoy1\?.*1 node is left for new users\./,
        'Close WebSockets…' => qr/servoy1\?.*connect again/,
        'Forget users…' => qr/servoy1\? 3 users count no more.*cannot be undone/,
        'Reset counters…' => qr/servoy1\?.*cannot be undone/,
    );
    for my $label (sort keys %asks) {
        $page->click("tr.more .buttons a:text(\"$label\")");
        $page->shows($label, sub { $_->{question} =~ $asks{$label} });
        $page->click('a:text("Cancel")');
    }
    $desk->act('servoy2', 'drain');
    $page->reload;
    $page->click('#servoy1 .act a:text("Drain…")');
    $page->shows('the last node', sub { $_->{question} =~ /No node is left for new users: they are turned away with 503\./ });
    $page->looks_ok('last-node');
    $page->click('a:text("Cancel")');
    $page->fill('input[name=value]', '2.5');
    $page->click('.factor button');
    $page->shows('the load factor', sub { $_->{note} =~ /^servoy1 has load factor 2\.5; it was 1\./ });
    $page->click('.note button');
    $page->shows('... undone', sub { $_->{note} =~ /^servoy1 has load factor 1; it was 2\.5\./ });
    $page->clean_ok('all that');
    $page->close;
    $page = $desk->page('', javascript => 0);
    $page->go($httpd->url . '/quiet-manager');
    is_deeply $page->look->{rows}{servoy1}{buttons}, [], 'no buttons where nothing may be done';
    $page->close;
};

subtest 'the server is away, and comes back' => sub {
    $desk->calm;
    my $page = $desk->page('?open=servoy1');
    my $asks = $desk->page('?confirm=drain&fleet=servoy&node=servoy1');
    my $paused = $desk->page;
    my $mute = $desk->page('?confirm=drain&fleet=servoy&node=servoy2', javascript => 0);
    $desk->act('servoy2', 'drain');
    $_->shows('live', sub { word($_, 'servoy2') eq 'draining' }) for $page, $paused;
    $paused->click('.live button');
    $httpd->crash;
    my $is = $page->shows('no contact', sub { $_->{live} =~ /No contact since \d\d:\d\d:\d\d/ }, 20);
    like $page->eval('getComputedStyle(document.querySelector("main")).filter'), qr/grayscale\(1\)/, 'all is grey';
    ok !$page->eval('!!document.querySelector(".live .on")'), '... nothing is green';
    is_deeply [ $page->barriers ], [], '... and it can still be read';
    $page->screenshot('no-contact-1280-light');
    $httpd->start;
    $page->shows('it is there again', sub { $_->{live} =~ /live/ }, 20);
    unlike $page->eval('getComputedStyle(document.querySelector("main")).filter'), qr/grayscale\(1\)/, 'colours';
    $page->clean_ok('meanwhile', $away);

    $asks->click('.question button');
    $is = $asks->shows('a button of before', sub { $_->{text} =~ /The server was restarted; press again/ });
    is $desk->manager->node('servoy', 'servoy1')->{state}, 'ready', '... does nothing';
    like $is->{question}, qr/^Drain servoy1\?/, '... and the question is there again';
    $asks->looks_ok('press-again');
    $asks->click('.question button');
    $asks->shows('pressed again', sub { $_->{note} =~ /^servoy1 drains/ });

    $paused->click('#servoy2 .act button');
    $paused->shows('or one on the page',
        sub { $_->{note} =~ /^The server was restarted; press again: servoy2 Back to work/ });
    $paused->looks_ok('press again on the page');
    $paused->click('.note button');
    $paused->shows('pressed again', sub { $_->{note} =~ /^servoy2 is back to work/ });
    $mute->click('.question button');
    $mute->shows('or without JavaScript', sub { $_->{text} =~ /The server was restarted; press again/ && $_->{question} });
    $_->clean_ok('press again') for $asks, $paused, $mute;
    $_->close for $page, $asks, $paused, $mute;
};

subtest 'without JavaScript' => sub {
    $desk->calm;
    my $page = $desk->page('', javascript => 0);
    like $page->eval('document.querySelector("noscript meta").content'), qr/^\d+$/, 'it is loaded anew by itself';
    my $is = $page->look;
    like $is->{live}, qr/^as of \d\d:\d\d:\d\d UTC$/, 'times are UTC, and it says so';
    like $is->{text}, qr/Times are UTC/;
    $page->click('#servoy1 .fold');
    $page->shows('unfolded', sub { $_->{text} =~ /Traffic/ });
    $page->click('#servoy1 .act a:text("Drain…")');
    $page->shows('asked', sub { $_->{question} =~ /^Drain servoy1\?/ });
    $page->click('.question button');
    $page->shows('done, the same unfolded', sub { $_->{note} =~ /^servoy1 drains; was ready\. Undo/ && $_->{text} =~ /Traffic/ });
    $page->looks_ok('without JavaScript');
    $page->click('.note button');
    $page->shows('undone', sub { $_->{note} =~ /^servoy1 is back to work/ });
    $page->click('nav a:text("users")');
    $page->until_ok('/sort=users/.test(location)', 10, 'sorted');
    $page->look;
    $page->forget;
    wait_ok(sub { scalar grep { $_->{type} eq 'Document' } $page->asked }, 30, 'and it is loaded anew');
    $page->clean_ok('without JavaScript');
    $page->close;
};

$desk->stop;
done_testing;
