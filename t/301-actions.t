#!/usr/bin/perl
# What an administrator does to nodes by the manager's actions: what each does, what a
# browser and a program get, what is refused.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP ();
use SVB::Administered;
use SVB::Client;
use SVB::Fleet;
use SVB::Users;
use SVB::Wait;
use Test::More;
use Time::HiRes qw(time);

my $form = 'application/x-www-form-urlencoded';
my @words = qw(drain enable disable maintenance close loadfactor forget reset);
my $fleet = SVB::Fleet->start(2);
my ($one) = $fleet->nodes;
my $desk = SVB::Administered->new($fleet);
my ($httpd, $manager) = ($desk->httpd, $desk->manager);

# --- each action ---

subtest 'drain and enable' => sub {
    $desk->calm;
    my @users = users($httpd, 4);
    is $manager->web('servoy'), '2 2', 'two users on each node';
    my ($mine) = grep { $_->{home} eq 'servoy1' } @users;
    $httpd->mark;
    my $node = $desk->act('drain');
    is $node->{route} . ' ' . $node->{state}, 'servoy1 draining',
        'the answer is the node as it is now';
    my $now = $manager->node('servoy', 'servoy1');
    is_deeply [ sort keys %$node ], [ sort keys %$now ],
        '... with all that the manager tells of it';
    is_deeply $node->{clients}, { web => 2, smart => 0, windowed => 0 };
    is scalar(grep { $_->{status} =~ /\bDrn\b/ } @{ $now->{members} }), 2,
        'both its members are draining';
    is $desk->states, 'draining ready', 'nothing else is';
    is $manager->node('other', 'servoy1')->{state}, 'ready',
        'neither is the node of that name in another fleet';
    like $httpd->error_log,
        qr/(?x) \[servoy_balancer:notice\] .* SVB0065: \s fleet \s servoy, \s node \s servoy1:
            \s drain \s by \s user \s - \s from \s 127\.0\.0\.1/,
        'the log tells who did what';
    is $desk->served_by, 'servoy2', 'new clients go elsewhere, whatever child they come to';
    is scalar(grep { $_->get($page)->node ne $_->{home} } @users), 0, 'users stay';
    is $mine->get($page)->header('X-Count'), 3, 'in their sessions';
    my $ws = $mine->websocket('/websocket/1/main/1');
    is +($ws->recv_json(30) // {})->{node}, 'servoy1', 'their WebSockets too';
    $ws->close;
    is_deeply [ map { ($_->get('/echo')->json->{attributes}{JK_LB_ACTIVATION} // '-')
        . " $_->{home}" } @users[0, 1] ],
        [ 'DIS servoy1', '- servoy2' ], 'the node is told';
    my $metrics = $httpd->browser->get('/servoy-manager?format=prometheus')->body;
    my %state = $metrics
        =~ /^servoy_node_state\{fleet="servoy",node="servoy1",state="(\w+)"\} (\d)$/mg;
    is join(' ', grep { $state{$_} } sort keys %state), 'draining',
        'so are those who read the metrics';
    like $metrics, qr/^servoy_node_state\{fleet="servoy",node="servoy2",state="draining"\} 0$/m;

    is $desk->act('enable')->{state}, 'ready', 'and back';
    is scalar(grep { $_->{status} =~ /\bDrn\b/ }
        @{ $manager->node('servoy', 'servoy1')->{members} }), 0;
    like $desk->served_by, qr/servoy1/, 'new clients come again';
    is $desk->act('enable')->{state}, 'ready', 'enabling what is enabled is no error';
    is $desk->act('drain')->{state} . ' ' . $desk->act('drain')->{state}, 'draining draining',
        'nor is draining it twice';
};

subtest 'disable and enable' => sub {
    $desk->calm;
    my $user = $desk->user_of('servoy1');
    is $desk->act('disable')->{state}, 'disabled', 'disabled';
    is scalar(grep { $_->{status} =~ /\bDis\b/ }
        @{ $manager->node('servoy', 'servoy1')->{members} }), 2, 'both its members';
    is $desk->served_by, 'servoy2', 'new clients go elsewhere';
    is $desk->served_by(route => 'servoy1'), 'servoy2',
        'its own as well, whatever child they come to';
    my $r = $user->get($page);
    is $r->node . ' ' . $r->header('X-How'), 'servoy2 failover', 'a user moves';
    is +($user->websocket('/websocket/1/main/1')->recv_json(30) // {})->{node}, 'servoy2',
        'with its WebSockets';
    is $desk->states, 'disabled ready';
    is $desk->served_by(prefix => '/other', route => 'servoy1'), 'servoy1', 'other fleets go on';
    $desk->act('enable');
    is $desk->served_by(route => 'servoy1'), 'servoy1', 'enabled: clients of its route come back';
    is $user->get($page)->node, 'servoy2', 'who has moved stays';
    is $desk->act('drain')->{state} . ' ' . $desk->act('disable')->{state} . ' '
        . $desk->act('drain')->{state}, 'draining disabled draining',
        'from one to the other';
    is $desk->served_by(route => 'servoy1'), 'servoy1',
        'what was disabled and is draining serves its clients';
};

subtest 'maintenance and enable' => sub {
    $desk->calm;
    my $user = $desk->user_of('servoy1');
    is $desk->act('maintenance')->{state}, 'maintenance', 'in maintenance';
    is $desk->served_by, 'servoy2', 'new clients go elsewhere';
    is $user->get($page)->node, 'servoy1', 'a user stays';
    my $begun = time;
    wait_for(sub { time > $begun + 2.5 }, 5, 'twice the retry time to pass');
    is $desk->served_by, 'servoy2', 'that lasts, for no retry time ends it';
    is $user->get($page)->header('X-Count'), 4, 'nor its own clients';
    is $manager->node('servoy', 'servoy1')->{state}, 'maintenance';
    is $manager->node('servoy', 'servoy1')->{maintenance_hits}, 0, 'nobody was refused for that';
    $desk->act('maintenance', node => 'servoy2');
    my $r = $httpd->browser->get($page);
    is $r->status, 503, 'all nodes: a new client is refused';
    like $r->header('Retry-After'), qr/^[1-9]\d*$/, 'and told when to come again';
    is $user->get($page)->node, 'servoy1', 'others are served';
    is $desk->act('enable')->{state}, 'ready', 'enabled';
    is $desk->served_by, 'servoy1', 'new clients come again';

    # what a node's refusal has brought about ends the same way
    $desk->calm;
    $one->maintenance(1);
    wait_for(sub {
        $httpd->browser->get($page);
        $manager->node('servoy', 'servoy1')->{state} eq 'maintenance'
    }, 10, 'a refusal');
    $one->maintenance(0);
    is $desk->act('enable')->{state}, 'ready',
        'a node that had refused somebody is enabled without delay';
};

subtest 'loadfactor' => sub {
    $desk->calm;
    my $node = $desk->act('loadfactor', value => 3);
    is $node->{loadfactor}, 3, 'the answer has it';
    is $manager->node('servoy', 'servoy1')->{loadfactor}, 3, 'and the facts';
    is $manager->node('servoy', 'servoy2')->{loadfactor}
        . $manager->node('other', 'servoy1')->{loadfactor}, '11', 'of that node alone';
    like $httpd->browser->get('/servoy-manager?format=prometheus')->body,
        qr/^servoy_node_loadfactor\{fleet="servoy",node="servoy1"\} 3(?:\.0+)?$/m,
        'and the metrics';
    users($httpd, 16);
    is $manager->web('servoy'), '12 4', 'sixteen new clients are shared 3 : 1';
    users($httpd, 4, '/other');
    is $manager->web('other'), '2 2', 'in the other fleet evenly';
    like $httpd->error_log, qr/SVB0065: fleet servoy, node servoy1: loadfactor 3\.00 by/,
        'the log has the value';
    for my $value (qw(0.01 100 2.5 .5)) {
        is $desk->act('loadfactor', value => $value)->{loadfactor}, 0 + $value, 'as it was sent';
    }
    is $desk->states, 'ready ready', 'that changes nothing else';
    is $desk->act('drain')->{loadfactor} . ' ' . $desk->act('loadfactor', value => 4)->{state},
        '0.5 draining', 'nor do the others change it';
    is $desk->act('enable')->{loadfactor}, 4;
};

subtest 'forget' => sub {
    $desk->calm;
    my @users = users($httpd, 6);
    is $manager->web('servoy'), '3 3', 'three users on each node';
    is $desk->act('forget')->{clients}{web}, 0, 'servoy1 has none any more';
    is $manager->web('servoy'), '0 3', 'servoy2 has';
    is scalar(grep { $_->get($page)->node ne $_->{home} } @users), 0,
        'all are served where they were';
    is $manager->web('servoy'), '3 3', 'and are counted again';
};

subtest 'reset' => sub {
    $desk->calm;
    my @counters =
        qw(elected sticky launches failed_over_from failed_over_to maintenance_hits errors bytes_to
        bytes_from);
    my @users = users($httpd, 4);
    $_->post($page, 'a=' . 'b' x 1000) for @users;
    $httpd->browser->get('/servoy-client/crm.jnlp') for 1 .. 2;
    my $facts = $manager->node('servoy', 'servoy1');
    cmp_ok $facts->{$_}, '>', 0, "servoy1 has counted: $_"
        for qw(elected sticky launches bytes_to bytes_from);
    my $before = $manager->node('servoy', 'servoy2');
    my $node = $desk->act('reset');
    is $node->{$_}, 0, "... no more: $_" for @counters;
    is_deeply $node->{clients}, $facts->{clients}, 'its clients are what they were';
    is $node->{state}, 'ready';
    my $after = $manager->node('servoy', 'servoy2');
    is join(' ', map { $after->{$_} } @counters), join(' ', map { $before->{$_} } @counters),
        'so is the other node';
    my $metrics = $httpd->browser->get('/servoy-manager?format=prometheus')->body;
    my %total = $metrics
        =~ /^(servoy_node_\w+_total)\{fleet="servoy",node="servoy1"[^}]*\} (\d+)$/mg;
    is_deeply [ grep { $total{$_} } sort keys %total ], [], 'all its totals begin again'
        or diag explain \%total;
};

# --- answers ---

subtest 'what a browser gets' => sub {
    $desk->calm;
    my $r = $desk->post(action => 'drain', accept => 'text/html,application/xhtml+xml,*/*;q=0.8');
    is $r->status, 303, 'it is sent back';
    my $back = qr{^(?:\Q${\ $httpd->url }\E)?/servoy-manager\?};
    like $r->header('Location'), qr{$back(?x) done=drain&fleet=servoy&node=servoy1&was=ready
        \#servoy%2Fservoy1$}, 'to the page, which says what was done';
    is $desk->states, 'draining ready', 'and it is done';
    $r = $httpd->browser->get($r->header('Location') =~ s/#.*//r);
    is $r->status, 200;
    like $r->header('Content-Type'), qr{^text/html}, 'which is the page';
    is $desk->post(action => 'enable', accept => 'text/html,application/json')->status, 303,
        'what takes either is taken for a browser';

    like $r->body, qr{<span>servoy1 drains; was ready\.</span>}, 'and says what was done';
    is buttons($r->body)->{'servoy servoy1 enable'}, $manager->nonce, 'with a way back';

    # from wherever it was, it comes back there
    $r = $desk->post(to => '/servoy-manager?sort=users&only=trouble&open=servoy%2Fservoy1&x=1',
        action => 'disable', accept => 'text/html');
    like $r->header('Location'), qr{$back(?x) sort=users&only=trouble&open=servoy%2Fservoy1
        &done=disable&fleet=servoy&node=servoy1&was=ready\#}, 'to the same place';
    $r = $httpd->browser->get($r->header('Location') =~ s/#.*//r);
    like $r->body, qr{servoy1 is taken out; was ready}, 'which tells';
    is_deeply [ grep { m{^servoy/} } $r->body =~ m{<tr id="([^"]*)"}g ], ['servoy/servoy1'],
        '... of trouble alone';

    my $forms = buttons($r->body);
    my $asks = questions($r->body);
    is join(' ', map { $forms->{"servoy servoy1 $_"} ? "$_!" : $asks->{"servoy servoy1 $_"}
        ? "$_?" : $_ } @words), 'drain? enable! disable? maintenance? close? loadfactor! forget?'
        . ' reset?', 'unfolded: all that can be done; what costs something asks first';
    for my $action (sort keys %$forms, sort keys %$asks) {
        my ($fleet, $node, $word) = split / /, $action;
        my $page = $asks->{$action} ? $httpd->browser->get($asks->{$action})->body : undef;
        like $page, qr{<h2>[^<]*servoy1\?</h2>}, "$word: it is asked" if $page;
        my $nonce = $page ? buttons($page)->{$action} : $forms->{$action};
        is $httpd->browser->post('/servoy-manager', SVB::Client->form(fleet => $fleet,
            node => $node, action => $word, nonce => $nonce,
            $word eq 'loadfactor' ? (value => 2.5) : ()),
            headers => ["Content-Type: $form", 'Accept: text/html'])->status, 303, '... and done';
    }
    is $manager->node('servoy', 'servoy1')->{loadfactor}, 2.5;
    for my $path (qw(/quiet-manager /off-manager)) {
        my $body = $httpd->browser->get("$path?open=servoy%2Fservoy1")->body;
        is_deeply [ buttons($body), questions($body) ], [ {}, {} ],
            "$path: no buttons where actions are off";
        unlike $httpd->browser->get("$path?confirm=drain&fleet=servoy&node=servoy1")->body,
            qr/<h2>Drain/, '... nor is anything asked';
    }
};

# What the page's forms post: the nonce by fleet, node and action.
sub buttons {
    my ($html) = @_;
    my %forms;
    for my $text ($html =~ m{<form method="post"[^>]*>(.*?)</form>}sg) {
        my %field = map { /name="(\w+)" value="([^"]*)"/ ? ($1 => $2) : () }
            $text =~ /<input type="hidden"([^>]*)>/g;
        $forms{"$field{fleet} $field{node} $_"} = $field{nonce}
            for $text =~ /<button[^>]* name="action" value="(\w+)"/g;
    }
    return \%forms;
}

# Its links to questions, likewise.
sub questions {
    my ($html) = @_;
    return { map { my ($action, $fleet, $node) = /confirm=(\w+)&fleet=(\w+)&node=(\w+)/;
        $action ? ("$fleet $node $action" => "/servoy-manager$_") : () }
        map { s/&amp;/&/gr } $html =~ /href="(\?confirm=[^"]*)"/g };
}

subtest 'what it costs' => sub {
    $desk->calm;
    my $ask = sub {
        my ($action, $node) = @_;
        my ($text) = $httpd->browser->get(
            "/servoy-manager?confirm=$action&fleet=servoy&node=" . ($node // 'servoy1'))->body
            =~ m{<h2>(.*?)</ul>}s or return '';
        return $text =~ s/<[^>]*>/ /gr =~ s/\s+/ /gr =~ s/ $//r;
    };
    users($httpd, 6);
    is $ask->('drain'), 'Drain servoy1? Its 3 users stay on it until they are done. '
        . '1 node is left for new users.', 'drain';
    is $ask->('disable'),
        'Disable servoy1? 3 users must start again. 1 node is left for new users.', 'disable';
    $desk->act('drain', node => 'servoy2');
    is $ask->('drain'), 'Drain servoy1? Its 3 users stay on it until they are done. '
        . 'No node is left for new users: they are turned away with 503.', 'the last one';
    is $ask->('burn') . $ask->('drain', 'servoy7'), '', 'there is nothing to ask: the page';
};

subtest 'a page from before a restart' => sub {
    $desk->calm;
    my $again = sub {
        my ($to, @more) = @_;
        return $desk->post(to => $to, accept => 'text/html', nonce => '0' x 32, @more);
    };
    my $r = $again->('/servoy-manager?sort=name', action => 'loadfactor', value => 3);
    is $r->status, 303, 'a browser is sent back';
    like $r->header('Location'), qr{/servoy-manager\?sort=name&again=loadfactor&fleet=servoy
        &node=servoy1&value=3\#}x, 'with all that it had sent';
    is $manager->node('servoy', 'servoy1')->{loadfactor}, 1, 'nothing is done';
    my $body = $httpd->browser->get($r->header('Location') =~ s/#.*//r)->body;
    like $body, qr/The server was restarted; press again/, 'the page says why';
    is buttons($body)->{'servoy servoy1 loadfactor'}, $manager->nonce, '... with a fresh nonce';
    like $body, qr/name="value" value="3"/, '... and the value';
    $r = $again->('/servoy-manager?confirm=disable&fleet=servoy&node=servoy1', action => 'disable');
    $body = $httpd->browser->get($r->header('Location') =~ s/#.*//r)->body;
    like $body, qr/press again.*<h2>Disable servoy1\?/s, 'what was asked is asked again';
    is $desk->states, 'ready ready';
};

subtest 'what a program gets' => sub {
    $desk->calm;
    my $r = $desk->post(action => 'drain');
    is $r->status, 200;
    like $r->header('Content-Type'), qr{^application/json}, 'JSON';
    is $r->header('Cache-Control'), 'no-store', 'that nobody keeps';
    is $r->json->{state}, 'draining';
    is $desk->post(action => 'enable', type => "$form; charset=UTF-8")->status, 200,
        'a charset is no matter';
    $r = $httpd->browser->post('/servoy-manager', sprintf("%x\r\n%s\r\n0\r\n\r\n", length $_, $_),
        headers => [ 'Accept: application/json', "Content-Type: $form",
            'Transfer-Encoding: chunked' ])
        for SVB::Client->form(fleet => 'servoy', node => 'servoy1', action => 'drain',
            nonce => $manager->nonce);
    is $r->status, 200, 'chunked';
    is $desk->states, 'draining ready';
};

subtest 'what is refused' => sub {
    $desk->calm;
    my $nonce = $manager->nonce;
    my $before = $desk->settings;
    my %good = (action => 'drain', nonce => $nonce);
    my $good = SVB::Client->form(%good, fleet => 'servoy', node => 'servoy1');
    my @cases = (
        [ 'a wrong nonce',              403, qr/nonce/,      %good, nonce => 'x' x length $nonce ],
        [ 'a nonce that is too short',  403, qr/nonce/,      %good, nonce => substr $nonce, 0, -1 ],
        [ 'a nonce that is too long',   403, qr/nonce/,      %good, nonce => $nonce . '0' ],
        [ 'a nonce in capitals',        403, qr/nonce/,      %good, nonce => 'F' . uc $nonce ],
        [ 'no nonce',                   400, qr/nonce/,      %good, nonce => [] ],
        [ 'an unknown fleet',           404, qr/fleet/,      %good, fleet => 'nobody' ],
        [ 'an unknown node',            404, qr/node/,       %good, node => 'servoy3' ],
        [ 'a node in other letters',    404, qr/node/,       %good, node => 'Servoy1' ],
        [ 'an unknown action',          400, qr/stop.*drain/s, %good, action => 'stop' ],
        [ 'an action in capitals',      400, qr/action/,     %good, action => 'DRAIN' ],
        [ 'no action',                  400, qr/action/,     %good, action => [] ],
        [ 'an empty action',            400, qr/action/,     %good, action => '' ],
        [ 'no node',                    400, qr/node/,       %good, node => [] ],
        [ 'no fleet',                   400, qr/fleet/,      %good, fleet => [] ],
        [ 'a value for drain',          400, qr/value/,      %good, value => 2 ],
        (map { [ "loadfactor $_",       400, qr/value.*0\.01.*100/s, %good,
            action => 'loadfactor', value => $_ ] }
            qw(0 0.001 0.009 100.01 101 1000 -1 +1 1e1 0x2 abc nan inf), '', ' 2', '1,5'),
        [ 'loadfactor without a value', 400, qr/value/,      %good, action => 'loadfactor' ],
        [ 'an unknown field',           400, qr/more/,       %good, more => 1 ],
        [ 'a field twice',              400, qr/action/,     %good, body => "$good&action=enable" ],
        [ 'a bad escape',               400, qr/%/,          %good,
            body => $good =~ s/servoy1/servoy%1/r ],
        [ 'a NUL',                      400, qr/control/,    %good, node => "servoy1\0" ],
        [ 'a line break',               400, qr/control/,    %good,
            node => "servoy1\nfleet x, node y: drain by user root" ],
        [ 'invalid UTF-8',              400, qr/UTF-8/,      %good, node => "servoy\xff" ],
        [ 'an empty body',              400, qr/missing/,    %good, body => '' ],
        [ 'a body that is too long',    400, qr/long/,       %good,
            body => $good . '&value=' . '+' x 4096 ],
        [ 'a very long one',            400, qr/long/,       %good, body => $good . '&' x 200_000 ],
        (map { [ "Content-Type $_",     400, qr/Content-Type.*\Q$form\E/s, %good, type => $_ ] }
            'text/plain', 'multipart/form-data; boundary=x', 'application/json', "${form}2", ''),
        (map { [ "$_: actions off",     403, qr/ServoyManagerActions/, %good, to => $_ ] }
            '/quiet-manager', '/off-manager'),
    );
    $httpd->mark;
    for my $case (@cases) {
        my ($name, $status, $reason, %field) = @$case;
        my $r = $desk->post(%field);
        is $r->status, $status, "$name: $status";
        like $r->body, $reason, '... with the reason';
        unlike $r->body, qr/\Q$nonce\E/, '... which does not have the nonce' if $status == 400;
        like $r->header('Content-Type'), qr{^text/plain}, '... as plain text';
    }
    my $r = $httpd->browser->post('/servoy-manager',
        sprintf("%x\r\n%s\r\n0\r\n\r\n", 9000, "$good&" . 'x' x (8999 - length $good)),
        headers => [ "Content-Type: $form", 'Transfer-Encoding: chunked' ]);
    is $r->status, 400, 'a chunked one that is too long';
    for my $method (qw(PUT DELETE PATCH OPTIONS PROPFIND)) {
        $r = $httpd->browser->request($method, '/servoy-manager', body => $good,
            headers => ["Content-Type: $form"]);
        is $r->status, 405, "$method: 405";
        is_deeply [ sort split /,\s*/, $r->header('Allow') // '' ], [qw(GET HEAD POST)],
            '... with what is allowed';
    }
    is $httpd->browser->get("/servoy-manager?$good")->status, 200, 'the same in the query of a GET';
    is_deeply $desk->settings, $before, '... and nothing of it was done';
    is scalar(() = $httpd->error_log =~ /SVB0065/g), 0, '... nor logged as done';

    my $keeping = $httpd->client(timeout => 30, keepalive => 1);
    for my $body ("$good&" . 'x' x 9000, $good =~ s/drain/none/r) {
        is $keeping->post('/servoy-manager', $body, headers => ["Content-Type: $form"])->status,
            400, 'refused';
        is $keeping->get('/servoy-manager?format=json')->status, 200,
            '... the next request of that browser is understood';
    }
    is $httpd->browser->get('/quiet-manager?format=json')->json->{$_} ? 1 : 0, 0,
        "actions off: no $_" for qw(nonce actions);
    is $httpd->browser->get('/servoy-manager?format=json')->json->{actions}, JSON::PP::true(),
        'on: the JSON says so';
};

subtest 'who it was' => sub {
    $desk->calm;
    $httpd->mark;
    my %to = (to => '/private-manager', action => 'drain');
    is $desk->post(%to)->status, 401, 'without a password nobody acts';
    is $desk->states, 'ready ready';
    is $desk->post(%to, headers => ['Authorization: Basic YWRtaW46c2VjcmV0'])->status, 200,
        'with one';
    like $httpd->error_log,
        qr/SVB0065: fleet servoy, node servoy1: drain by user admin from 127\.0\.0\.1/,
        'the log names the user';
};

$_->stop for $httpd, $fleet;
done_testing;
