#!/usr/bin/perl
# Nodes in maintenance mode: nothing is seen of an answer that was refused, and users
# with yesterday's cookie are served elsewhere, where Servoy has refused them. A 503
# that does not say that it is maintenance is the application's own, whoever gets it.

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
<Location "/servoy-webclient/edge">
ErrorDocument 503 /files/edge
</Location>
<Location "/servoy-webclient/long">
ErrorDocument 503 /files/long
</Location>
<Location "/servoy-webclient/deep">
ErrorDocument 503 /files/deep
</Location>
END
my $long = 'All is well. ' x 20_000;
my $words = 'Server in maintenance mode';
my $edge = ('x' x (4096 - length $words)) . $words . ('y' x 100_000);
my $deep = 'x' . $edge;
mkdir $puppet->root . '/htdocs/files';
SVB::Temp->write_file($puppet->root . '/htdocs/files/long', $long);
SVB::Temp->write_file($puppet->root . '/htdocs/files/edge', $edge);
SVB::Temp->write_file($puppet->root . '/htdocs/files/deep', $deep);

my $with_puppet = 'BalancerMember "' . $puppet->url . "\" route=puppet\n" . $two->member('http');
my $httpd = SVB::Httpd->new(conf => join '', front_lines(),
    (map { balancer("puppet$_", $with_puppet) } qw(1 2 3 4 5 6 7)),
    (map { balancer($_, $fleet->members('ajp')) } qw(leak later)),
    balancer('yesterday', $fleet->members('ajp')),
    balancer('yesterhttp', $fleet->members('http')),
    balancer('stayput',   $fleet->members('ajp'), 'ProxySet nofailover=On'))->start;
my $manager = $httpd->manager;

subtest 'no header of the refused answer is seen' => sub {
    $fleet->calm;
    for my $case ([ puppet1 => fresh_page('says') ], [ puppet2 => fresh_page('edge') ]) {
        my ($name, $path) = @$case;
        my $user = $httpd->browser;
        my $r = $user->get("/$name$path");
        is $r->status, 200, "$path: served";
        is_deeply [ $r->headers('X-Node') ], ['servoy2'],
            '... by the other node, which alone is named';
        is $r->header($_), undef, "... no $_" for qw(X-Refused Retry-After ETag);
        is $r->header('Cache-Control'), 'no-store', "... that node's Cache-Control";
        like $r->header('Content-Type'), qr{^text/html}, '... and Content-Type';
        unlike $r->body, qr/xxx|yyy|maintenance/i, '... nothing of its text';
        is_deeply [ map { s/=.*//sr } $r->headers('Set-Cookie') ], ['JSESSIONID'], '... and cookie';
        like $user->cookie('JSESSIONID'), qr/\.servoy2$/;
        is $manager->node($name, 'puppet')->{clients}{web}, 0,
            '... whoever was refused is no client there';
        is $manager->node($name, 'puppet')->{maintenance_hits}, 1, '... it was asked';
        is $manager->node($name, 'puppet')->{state}, 'maintenance', '... and is in maintenance';
    }
    # All three refuse, each with a session of its own.
    my $r = $httpd->browser->get('/leak/status/503?session=1&text=' . $words =~ s/ /%20/gr);
    is asked($fleet, '/status/503'), '1 1 1', 'three nodes that refuse: each is asked once';
    is $r->status, 503, 'the last one\'s answer is seen';
    is scalar(@{ [ $r->headers($_) ] }), 1, "... with one $_"
        for qw(X-Node Set-Cookie X-Session X-Count);
    like $r->header('Set-Cookie'), qr/\.${\ $r->node };/, '... all of the same node';
    like $r->body, qr/^$words\s*$/, '... and its text once';
};

subtest 'all of a 503 in other words is seen' => sub {
    $fleet->calm;
    my %text = (quiet => 'come back later', long => $long, deep => $deep);
    for my $case ([ puppet3 => 'quiet' ], [ puppet4 => 'long' ], [ puppet5 => 'deep' ]) {
        my ($name, $what) = @$case;
        my $path = fresh_page($what);
        my $r = $httpd->browser->get("/$name$path");
        is short($r), '503 puppet', "$path: passed on";
        ok $r->body eq $text{$what}, '... comes whole, as it is' or diag length $r->body;
        is $r->header('X-Refused'), 'yes', '... with its headers';
        is $r->header('Cache-Control'), 'max-age=77';
        is_deeply [ map { s/=.*//sr } $r->headers('Set-Cookie') ], [qw(JSESSIONID REFUSED)],
            '... and cookies';
        is asked($fleet, $path), '0 0 0', '... nobody else was asked';
        my $puppet = $manager->node($name, 'puppet');
        is $puppet->{maintenance_hits}, 0, '... nobody was refused';
        is $puppet->{state}, 'ready', '... that is no maintenance';
        is $puppet->{clients}{web}, 1, '... who got a session with it is a client';
    }
    my $r = $httpd->browser->get('/later/status/503?session=1&text=later');
    is asked($fleet, '/status/503'), '1 0 0', 'a node that fails: the others are not asked';
    is short($r), '503 servoy1', '... its answer is seen';
    like $r->body, qr/^later\s*$/, '... and its text';
    like $r->header('Set-Cookie'), qr/\.servoy1;/, '... and the session that it began';
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
        is short($r), '503 servoy1', '... HEAD gets what its own node says, which is no words';
        is asked($fleet, $path), '1 0 0', '... which was asked once, and no other';
        is $manager->node($name, 'servoy1')->{maintenance_hits}, 1,
            '... nobody was refused by that';
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
    my $r = ask_as($httpd, fresh_id('puppet'), '/puppet6' . $quiet);
    is short($r), '503 puppet',
        'a node not known to be in maintenance, a 503 in other words: the application\'s own';
    is $r->body, 'come back later', '... as it is';
    is $r->header('Retry-After'), 77, '... with its headers';
    is asked($fleet, $quiet), '0 0 0', '... nobody else was asked';
    is $manager->node('puppet6', 'puppet')->{state}, 'ready';
    $r = ask_as($httpd, fresh_id('puppet'), '/puppet6' . fresh_page('long'));
    is short($r), '503 puppet', 'a long one';
    ok $r->body eq $long, '... comes whole' or diag length $r->body;
    $r = ask_as($httpd, fresh_id('puppet'), '/puppet6' . fresh_page('deep'));
    is short($r), '503 puppet', 'Servoy\'s words, but not within the first 4 KiB';
    ok $r->body eq $deep, '... comes whole' or diag length $r->body;
    is $manager->node('puppet6', 'puppet')->{state}, 'ready', '... that is no maintenance';
    is $served->('puppet6', fresh_page('says')), '200 servoy2',
        'Servoy\'s words, in whatever case: another node';
    is $manager->node('puppet6', 'puppet')->{state}, 'maintenance';
    is $served->('puppet6', fresh_page('quiet')), '503 puppet', 'then other words are no better';
    is $manager->node('puppet6', 'puppet')->{maintenance_hits}, 1;
    $r = ask_as($httpd, fresh_id('puppet'), '/puppet6' . fresh_page('edge'));
    is short($r), '200 servoy2', 'Servoy\'s words at the end of the first 4 KiB';
    unlike $r->body, qr/xxx|yyy/, '... nothing of them is seen';

    $manager->act('puppet7', 'puppet', 'maintenance');
    is $served->('puppet7', fresh_page('quiet')), '503 puppet',
        'nor are they where an administrator knows';
    is $served->('puppet7', fresh_page('says')), '200 servoy2', '... Servoy\'s are';
};

$_->stop for $httpd, $puppet, $fleet;
done_testing;
