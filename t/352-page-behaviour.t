#!/usr/bin/perl
# How the manager's page behaves while somebody keeps it open: it follows what happens
# and disturbs nobody, what is selected, focused, unfolded or being typed stays, and what
# changes is announced; on a phone as on a desk.

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
my $fleet = $desk->fleet;

subtest 'it disturbs nobody' => sub {
    $desk->calm;
    my $page = $desk->page('?open=servoy1');
    $page->size(1280, 300);
    for my $what ('.live button', '#servoy1 .fold', '#servoy1 .act a', 'nav a', 'footer a') {
        $page->focus($what);
        $page->eval('document.activeElement.mine = true');
        $desk->come($page, 1);
        ok $page->eval('document.activeElement.mine === true'), "the focus stays: $what";
    }

    $page->eval('scrollTo(0, 200)');
    my $at = $page->eval('scrollY');
    cmp_ok $at, '>', 100, 'somebody scrolls';
    my $select = sub {
        my ($selector) = @_;
        return $page->eval("getSelection().selectAllChildren(document.querySelector('$selector')), "
            . 'getSelection().toString()');
    };
    my $text = $select->('#servoy2 th');
    like $text, qr/servoy2/, 'and selects a name';
    $desk->come($page, 1);
    is $page->eval('getSelection().toString()'), $text, '... it stays selected';
    is $page->eval('scrollY'), $at, '... and where it is';
    $desk->act('servoy2', 'drain');
    $page->shows('an event', sub { ($_->{events}[0] // '') =~ /servoy2/ });
    $text = $select->('section .events li');
    $desk->act('servoy2', 'enable');
    $page->shows('another one', sub { $_->{events}[0] =~ /servoy2 (?:ready|enabled)/ });
    is $page->eval('getSelection().toString()'), $text, 'the text of an event stays selected';
    $page->eval('getSelection().removeAllRanges()');

    $page->fill('input[name=value]', '7');
    $desk->act('servoy1', 'loadfactor', value => 3);
    $desk->come($page, 1);
    is $page->eval('document.querySelector("input[name=value]").value'), '7', 'a form in use is left alone';
    is $page->eval('document.activeElement.name'), 'value', '... and keeps the focus';
    $page->clean_ok('all that');
    $page->close;
};

subtest 'what is announced' => sub {
    $desk->calm;
    my $page = $desk->page();
    $page->eval(<<'END');
        self.heard = [];
        new MutationObserver(changes => {
            for (const c of changes) {
                const e = c.target.nodeType === 1 ? c.target : c.target.parentElement;
                if (e && e.closest('[role=status],[role=alert],[aria-live]')) heard.push(e.textContent);
            }
        }).observe(document.body, { subtree: true, childList: true, characterData: true });
        null
END
    $desk->come($page, 2);
    $desk->come($page, 2);
    is_deeply $page->eval('heard'), [], 'numbers are not';
    $desk->act('servoy2', 'drain');
    $page->shows('a state changes', sub { word($_, 'servoy2') eq 'draining' });
    my $heard = $page->eval('heard');
    like join("\n", @$heard), qr/servoy2.*draining/, '... that is';
    unlike join("\n", @$heard), qr/servoy1/, '... and nothing else';
    $page->close;
};

subtest 'pause' => sub {
    $desk->calm;
    my $page = $desk->page();
    $page->shows('live', sub { $_->{live} =~ /live, \d+ s old/ });
    $page->click('.live button');
    $page->shows('it stops', sub { $_->{live} =~ /paused/ });
    $desk->act('servoy2', 'drain');
    $page->forget;
    ok !$page->until('performance.now() > (self.from ||= performance.now()) + 4000 && document.querySelector("#servoy2").dataset.state != "ready"', 4.5), 'what happens is not shown';
    is_deeply [ $page->asked ], [], '... nor asked for';
    $page->shows('how old it is', sub { $_->{live} =~ /paused, [3-9] s old/ });
    $page->click('.live button');
    $page->shows('it goes on', sub { $_->{live} =~ /live/ && word($_, 'servoy2') eq 'draining' });
    $page->clean_ok('pause');
    $page->close;
};

subtest 'times' => sub {
    $desk->calm;
    $desk->act('servoy2', 'drain');
    my $page = $desk->page('', timezone => 'Asia/Tokyo');
    my $time = 'document.querySelector("section .events time")';
    $page->until("$time.textContent && document.querySelector('.live button')");
    my ($hour, $rest) = $page->eval("$time.title") =~ /^\d{4}-\d\d-\d\d (\d\d)(:\d\d:\d\d) UTC$/;
    ok defined $hour, 'UTC, when one points at it';
    my $local = sprintf '%02d%s', ($hour + 9) % 24, $rest // '';
    $page->until_ok("$time.textContent == '$local'", 10, 'local time, where it is read');
    $page->shows('it says so', sub { $_->{text} =~ m{your browser's \(Asia/Tokyo\)} });
    $page->close;
};

subtest 'sorting, anchors, what is unfolded' => sub {
    $desk->calm;
    my $page = $desk->page();
    $desk->come($page, 2);
    $desk->act('servoy2', 'drain');
    $page->click('nav a:text("users")');
    $page->shows('by users', sub { "@{ $_->{order} }" eq 'servoy1 servoy2' && word($_, 'servoy2') eq 'draining' });
    like $page->url, qr/\?sort=users/, '... at an address of its own';
    $page->click('nav a:text("name")');
    $page->shows('by name', sub { "@{ $_->{order} }" eq 'servoy1 servoy2' });
    $page->click('nav a:text("only trouble")');
    $page->shows('only trouble', sub { !@{ $_->{order} } && $_->{text} =~ /No node is in trouble/ });
    like $page->url, qr/only=trouble/, '... both at once';
    like $page->url, qr/sort=name/;
    $fleet->node('servoy2')->kill;
    $page->shows('one gets into it', sub { "@{ $_->{order} }" eq 'servoy2' });
    $page->click('nav a:text("all nodes")');
    $page->shows('all', sub { @{ $_->{order} } == 2 });
    $page->click('#servoy2 .fold');
    $page->shows('unfolded', sub { $_->{text} =~ /Traffic/ && $_->{text} =~ /connection refused/ });
    like $page->url, qr/open=servoy2/, '... at an address of its own';
    is $page->eval('document.querySelector("#servoy2 .fold").getAttribute("aria-expanded")'), 'true';
    $desk->come($page, 1);
    ok $page->eval('!!document.querySelector("tr.more")'), '... and stays so';
    $page->reload;
    ok $page->eval('!!document.querySelector("tr.more")'), '... when it is loaded anew, too';
    $page->focus('#servoy2 .fold');
    $page->press('Enter');
    $page->until_ok('!document.querySelector("tr.more")', 10, 'folded, with a key');
    is $page->eval('document.activeElement.className'), 'btn fold', '... the focus stays';
    $page->clean_ok('all that');
    $page->close;
    $page = $desk->page('#servoy1');
    is $page->eval('document.querySelector(":target").id'), 'servoy1', 'a row has an anchor';
    $page->close;
};

subtest 'on a phone' => sub {
    $desk->calm;
    my $page = $desk->page('?open=servoy1&open=servoy2', width => 390, height => 800);
    $desk->come($page, 1);
    ok !$page->scrolls_sideways, 'it is not too wide';
    like $page->eval('getComputedStyle(document.querySelector("#servoy1 [data-l=users]"), "::before").content'),
        qr/users/, 'rows are labelled cards';
    is $page->eval('[...document.querySelectorAll("button, .btn")].filter(b => b.getBoundingClientRect().height < 24).length'), 0,
        'a finger finds its buttons';
    $page->accessible_ok('on a phone');
    $page->screenshot('phone-unfolded');
    $page->clean_ok('on a phone');
    $page->close;
};

$desk->stop;
done_testing;
