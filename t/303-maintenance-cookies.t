#!/usr/bin/perl
# Nodes in maintenance mode: nothing is seen of an answer that was refused, and users
# with yesterday's cookie are served elsewhere, where Servoy has refused them.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use List::Util qw(sum0);
use SVB::Balancer;
use SVB::Fleet;
use SVB::Httpd;
use SVB::Maintenance;
use SVB::Temp;
use SVB::Users;
use Test::More;

my $fleet = SVB::Fleet->start(3);
my ($one, $two, $three) = $fleet->nodes;

# One that refuses everybody, with headers and in words of its own.
my $puppet = SVB::Httpd->new(servoy => 0, modules => ['alias'], conf => <<'END')->start;
Header always set X-Node puppet
Header always set X-Refused yes
Header always set Retry-After 77
Header always set ETag '"refused"'
Header always set Cache-Control max-age=77
Header always add Set-Cookie "JSESSIONID=0EF0EF.puppet; Path=/"
Header always add Set-Cookie "REFUSED=yes; Path=/"
RedirectMatch 503 "^/servoy-webclient/"
<Location "/servoy-webclient/quiet">
ErrorDocument 503 "come back later"
</Location>
<Location "/servoy-webclient/says">
ErrorDocument 503 "SERVER IN MAINTENANCE MODE, says Servoy"
</Location>
<Location "/servoy-webclient/long">
ErrorDocument 503 /files/long
</Location>
<Location "/servoy-webclient/deep">
ErrorDocument 503 /files/deep
</Location>
END
my $long = 'All is well. ' x 20_000;
my $deep = ('x' x 8000) . ' Server in maintenance mode ' . ('y' x 100_000);
mkdir $puppet->root . '/htdocs/files';
SVB::Temp->write_file($puppet->root . '/htdocs/files/long', $long);
SVB::Temp->write_file($puppet->root . '/htdocs/files/deep', $deep);

my $with_puppet = 'BalancerMember "' . $puppet->url . "\" route=puppet\n" . $two->member('http');
my $httpd = SVB::Httpd->new(conf => join '', front_lines(),
    (map { balancer("puppet$_", $with_puppet) } qw(1 2 3 4 5 6 7)),
    balancer('leak',      $fleet->members('ajp')),
    balancer('yesterday', $fleet->members('ajp')),
    balancer('yesterhttp', $fleet->members('http')),
    balancer('stayput',   $fleet->members('ajp'), 'ProxySet nofailover=On'))->start;
my $manager = $httpd->manager;

subtest 'no header of the refused answer is seen' => sub {
    $fleet->calm;
    for my $case ([ puppet1 => fresh_page('says') ], [ puppet2 => fresh_page('quiet') ],
        [ puppet3 => fresh_page('long') ]) {
        my ($name, $path) = @$case;
        my $user = $httpd->browser;
        my $r = $user->get("/$name$path");
        is $r->status, 200, "$path: served";
        is_deeply [ $r->headers('X-Node') ], ['servoy2'],
            '... by the other node, which alone is named';
        is $r->header($_), undef, "... no $_" for qw(X-Refused Retry-After ETag);
        is $r->header('Cache-Control'), 'no-store', "... that node's Cache-Control";
        like $r->header('Content-Type'), qr{^text/html}, '... and Content-Type';
        is_deeply [ map { s/=.*//sr } $r->headers('Set-Cookie') ], ['JSESSIONID'], '... and cookie';
        like $user->cookie('JSESSIONID'), qr/\.servoy2$/;
        is $manager->node($name, 'puppet')->{clients}{web}, 0,
            '... whoever was refused is no client there';
        is $manager->node($name, 'puppet')->{maintenance_hits}, 1, '... it was asked';
    }
    # All three refuse, each with a session of its own.
    my $r = $httpd->browser->get('/leak/status/503?session=1&text=later');
    is asked($fleet, '/status/503'), '1 1 1', 'three nodes that refuse: each is asked once';
    is $r->status, 503, 'the last one\'s answer is seen';
    is scalar(@{ [ $r->headers($_) ] }), 1, "... with one $_"
        for qw(X-Node Set-Cookie X-Session X-Count);
    like $r->header('Set-Cookie'), qr/\.${\ $r->node };/, '... all of the same node';
    like $r->body, qr/^later\s*$/, '... and its text once';
};

subtest 'yesterday\'s cookie' => sub {
    for my $name (qw(yesterday yesterhttp)) {
        in_maintenance($fleet, $one);
        my ($path, $id) = (fresh_page(), fresh_id('servoy1'));
        my $user = $httpd->browser;
        $user->set_cookie(JSESSIONID => $id);
        my $r = $user->get("/$name$path");
        like short($r), qr/^200 servoy[23]$/,
            "$name: whose session is dead is served by another node";
        is +(split / /, asked($fleet, $path))[0], 1,
            '... after its own has refused it, in Servoy\'s words';
        is sum0(split / /, asked($fleet, $path)), 2, '... no other was asked for nothing';
        is $manager->node($name, 'servoy1')->{state}, 'maintenance',
            '... which is how the maintenance was found out';
        is $manager->node($name, 'servoy1')->{maintenance_hits}, 1;
        my $home = $r->node;
        $r = $user->get("/$name" . fresh_page());
        is join(' ', $r->node, $r->header('X-Count'), $r->header('X-How')), "$home 2 known",
            '... it goes on where it is now';
        $r = ask_as($httpd, fresh_id('servoy1'), "/$name" . ($path = fresh_page()),
            method => 'HEAD');
        is $r->status, 200, '... HEAD, of a node that is known to be in maintenance: another';
        cmp_ok +(split / /, asked($fleet, $path))[0], '<=', 1, '... its own was asked once at most';
    }
    is $manager->node('yesterday', 'servoy1')->{clients}{web}, 0,
        'none of them is a client of that node';

    in_maintenance($fleet, $one);
    $_->maintenance(1) for $two, $three;
    my $r = ask_as($httpd, fresh_id('servoy1'), '/yesterday' . (my $path = fresh_page()));
    is $r->status, 503, 'all nodes in maintenance: a 503';
    is scalar(grep { $_ > 1 } split / /, asked($fleet, $path)), 0, '... no node was asked twice';
};

subtest 'yesterday\'s cookie where clients must not move' => sub {
    # nofailover=On is about sessions that would be lost. This one is lost already.
    in_maintenance($fleet, $one);
    my $r = ask_as($httpd, fresh_id('servoy1'), '/stayput' . (my $path = fresh_page()));
    is +(split / /, asked($fleet, $path))[0], 1, 'its node refuses it';
    like short($r), qr/^200 servoy[23]$/, 'another serves it: it is a new client';
};

subtest 'yesterday\'s cookie: what a 503 says' => sub {
    $fleet->calm;
    my $served = sub {
        my ($name, $path) = @_;
        return short(ask_as($httpd, fresh_id('puppet'), "/$name" . $path))
    };
    my $quiet = fresh_page('quiet');
    my $r = ask_as($httpd, fresh_id('puppet'), '/puppet4' . $quiet);
    is short($r), '503 puppet',
        'a node not known to be in maintenance, a 503 in other words: the application\'s own';
    is $r->body, 'come back later', '... as it is';
    is $r->header('Retry-After'), 77, '... with its headers';
    is asked($fleet, $quiet), '0 0 0', '... nobody else was asked';
    is $manager->node('puppet4', 'puppet')->{state}, 'ready';
    $r = ask_as($httpd, fresh_id('puppet'), '/puppet4' . fresh_page('long'));
    is short($r), '503 puppet', 'a long one';
    ok $r->body eq $long, '... comes whole' or diag length $r->body;
    is $served->('puppet4', fresh_page('says')), '200 servoy2',
        'Servoy\'s words, in whatever case: another node';
    is $manager->node('puppet4', 'puppet')->{state}, 'maintenance';
    is $served->('puppet4', fresh_page('quiet')), '200 servoy2', 'then any 503 will do';
    $r = ask_as($httpd, fresh_id('puppet'), '/puppet5' . fresh_page('deep'));
    is short($r), '200 servoy2', 'Servoy\'s words at the end of the first 8 KiB';
    unlike $r->body, qr/xxx|yyy/, '... nothing of them is seen';

    is short($httpd->browser->get('/puppet6' . fresh_page('quiet'))), '200 servoy2',
        'once a new client was refused';
    is $served->('puppet6', fresh_page('quiet')), '200 servoy2',
        '... yesterday\'s cookie needs no words';

    $manager->act('puppet7', 'puppet', 'maintenance');
    is $served->('puppet7', fresh_page('quiet')), '200 servoy2',
        'nor does it where an administrator knows';
};

$_->stop for $httpd, $puppet, $fleet;
done_testing;
