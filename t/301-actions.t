#!/usr/bin/perl
# What an administrator does to nodes: by the manager's actions, by mod_proxy's
# balancer-manager, by conf/servoy-node.sh; what becomes of it over restarts; and
# when a node is safe to stop.

use v5.32;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Socket::IP;
use JSON::PP ();
use List::Util qw(sum0 uniq);
use SVB::Fleet;
use SVB::Httpd;
use SVB::Ports;
use SVB::Proc;
use SVB::Temp;
use SVB::Wait;
use Test::More;
use Time::HiRes qw(time);

my $script = $ENV{SVB_NODE_SCRIPT} // "$FindBin::Bin/../conf/servoy-node.sh";
my $page = '/servoy-webclient/ss/s/crm';
my $form = 'application/x-www-form-urlencoded';
my $turns = 60;
my @words = qw(drain enable disable maintenance loadfactor forget reset);
my $fleet = SVB::Fleet->start(2);
my ($one, $two) = $fleet->nodes;
my $passwords = SVB::Temp->write_file(SVB::Temp->dir('conf') . '/passwords',
    'admin:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=' . "\n");     # secret

# Two fleets of the same two nodes: servoy, with pages at / and WebSockets, and
# other, at /other/; one whose configuration has something to say about them; and
# one of nodes that nobody ever asks for anything, see wait_turn.
sub conf {
    my (%option) = @_;
    my ($first, $second) = map { my $at = $_; join '', map { $_->member($at) } $fleet->nodes } 'ajp', 'http';
    my $sockets = join '', map { $_->member('http', 'upgrade=websocket') } $fleet->nodes;
    my $configured = $one->member('ajp', 'loadfactor=2 status=+D') . $two->member('ajp', 'status=+N');
    my $turns = join '', map { "BalancerMember ajp://127.0.0.1:$_ route=t$_\n" } 1 .. $turns;
    my $open = "SetHandler servoy-manager\nRequire local";
    return <<"END";
Header always set X-How "%{SERVOY_HOW}e"
ProxyPreserveHost On
@{[ $option{server} // '' ]}
<Proxy "balancer://servoy">
${first}ProxySet lbmethod=servoy
ServoyNode * url=http://%r.example.com
ServoyMaintenance on 1s
ServoyCatchUp off
</Proxy>
<Proxy "balancer://sockets">
${sockets}ProxySet lbmethod=servoy
</Proxy>
<Proxy "balancer://other">
${first}ProxySet lbmethod=servoy
ServoyFleet other
ServoyNode * url=http://%r.example.com
ServoyLaunchTimeout 3s
ServoyCatchUp off
</Proxy>
<Proxy "balancer://configured">
${configured}ProxySet lbmethod=servoy
ServoyFleet configured
ServoyLaunch proxy
</Proxy>
<Proxy "balancer://turns">
${turns}ProxySet lbmethod=servoy
ServoyFleet turns
ServoyLaunch proxy
</Proxy>
<Location "/servoy-manager">
$open
ServoyManagerActions on
</Location>
<Location "/quiet-manager">
$open
</Location>
<Location "/off-manager">
$open
ServoyManagerActions off
</Location>
<Location "/private-manager">
SetHandler servoy-manager
ServoyManagerActions on
AuthType Basic
AuthName manager
AuthUserFile "$passwords"
Require valid-user
</Location>
<Location "/balancer-manager">
ProxyPass !
SetHandler balancer-manager
Require local
</Location>
ProxyPass "/websocket/" "balancer://sockets/websocket/"
ProxyPass "/other/" "balancer://other/"
ProxyPass "/configured/" "balancer://configured/"
ProxyPass "/" "balancer://servoy/"
END
}

my %usual = (processes => 4, threads => 4, modules => [qw(auth_basic authn_core authn_file authz_user)]);
my $httpd = SVB::Httpd->new(%usual, conf => conf())->start;

sub browser { my ($at) = @_; return ($at // $httpd)->client(timeout => 30) }

sub facts {
    my ($name, $route, $at) = @_;
    my $all = browser($at)->get('/servoy-manager?format=json')->json;
    my ($found) = grep { $_->{name} eq $name } @{ $all->{fleets} };
    my ($node) = grep { $_->{route} eq $route } @{ $found->{nodes} };
    return $node;
}

sub states { my ($at) = @_; return join ' ', map { facts('servoy', $_, $at)->{state} } qw(servoy1 servoy2) }
sub web { return join ' ', map { facts($_[0] // 'servoy', $_)->{clients}{web} } qw(servoy1 servoy2) }

# What restarts must not change, as a text for each node.
sub settings {
    my ($at) = @_;
    my %settings;
    for my $all (grep { $_->{name} ne 'turns' } @{ browser($at)->get('/servoy-manager?format=json')->json->{fleets} }) {
        for my $node (@{ $all->{nodes} }) {
            my @members = map { $_->{status} =~ s/^Init //r } @{ $node->{members} };
            $settings{"$all->{name} $node->{route}"} = "$node->{state} $node->{loadfactor} @members";
        }
    }
    return \%settings;
}

sub encode { return join '&', map { s/([^\w.+-])/sprintf '%%%02X', ord $1/ger } @_ }

sub body {
    my (%field) = @_;
    return join '&', map { "$_=" . encode($field{$_}) } sort keys %field;
}

sub nonce { my ($at) = @_; return browser($at)->get('/servoy-manager?format=json')->json->{nonce} }

# One action, sent by a program. Options: at (httpd), to (path), body, type (of
# it), headers, accept; all else are fields.
sub post {
    my (%field) = @_;
    my %option = map { $_ => delete $field{$_} } qw(at to body type headers accept);
    $field{fleet} //= 'servoy';
    $field{node} //= 'servoy1';
    $field{nonce} //= nonce($option{at});
    delete $field{$_} for grep { ref $field{$_} } keys %field;     # [] takes one away
    return browser($option{at})->post($option{to} // '/servoy-manager', $option{body} // body(%field), headers => [
        'Accept: ' . ($option{accept} // 'application/json'), 'Content-Type: ' . ($option{type} // $form),
        @{ $option{headers} // [] } ]);
}

# The same, which must be done: the node's new facts.
sub act {
    my ($action, %more) = @_;
    my $r = post(action => $action, %more);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is $r->status, 200, join ' ', $action, map { $more{$_} } grep { exists $more{$_} } qw(fleet node value)
        or diag $r->body;
    return $r->status == 200 ? $r->json : {};
}

# All nodes as they were configured, and no clients.
sub calm {
    my ($at) = @_;
    $fleet->calm;
    for my $name (qw(servoy other)) {
        for my $node (qw(servoy1 servoy2)) {
            my %to = (at => $at, fleet => $name, node => $node, nonce => nonce($at));
            post(%to, action => $_) for qw(enable forget reset);
            post(%to, action => 'loadfactor', value => 1);
        }
    }
    return;
}

sub users {
    my ($number, $prefix) = @_;
    my @users = map { browser() } 1 .. $number;
    $_->{home} = $_->get(($prefix // '') . $page)->node for @users;
    return @users;
}

# One user with a session on that node.
sub user_of {
    my ($route, $prefix) = @_;
    my ($node) = grep { $_->route eq $route } $fleet->nodes;
    my $user = browser();
    $user->set_cookie(JSESSIONID => $node->client->get($page)->header('X-Session'));
    $user->{home} = $user->get(($prefix // '') . $page)->node;
    is $user->{home}, $route, "a user of $route";
    return $user;
}

# Twelve users at once, by at least three of the four children: who serves them.
# With an id of their own: that many clients of a node's, else new ones.
sub served_by {
    my (%option) = @_;
    my (%nodes, $pids);
    wait_for(sub {
        $httpd->mark;
        my @pending = map { browser()->start(GET => ($option{prefix} // '') . '/slow?session=1&ms=300', $option{route}
            ? (headers => [ sprintf 'Cookie: JSESSIONID=%016X.%s', rand 2**32, $option{route} ]) : ()) } 1 .. 12;
        $nodes{ $_->finish->node // 'none' }++ for @pending;
        $pids = uniq $httpd->access_log =~ m{/slow\?.*pid=(\d+)}g;
        return $pids >= 3;
    }, 20, 'three children to take part');
    return join ' ', sort keys %nodes;
}

# Until the periodic work has been done once more: what comes last in a turn of it
# tells which nodes have become empty, the first time between two turns perhaps.
sub wait_turn {
    my ($at) = @_;
    for (1 .. 2) {
        my $node = 't' . ++($at // $httpd)->{turns};
        post(at => $at, fleet => 'turns', node => $node, action => 'maintenance')->status == 200 or die "no node $node\n";
        ($at // $httpd)->wait_log(qr/SVB0062: fleet turns, node $node\b/, 20);
    }
    return;
}

# --- each action ---

subtest 'drain and enable' => sub {
    calm();
    my @users = users(4);
    is web(), '2 2', 'two users on each node';
    my ($mine) = grep { $_->{home} eq 'servoy1' } @users;
    $httpd->mark;
    my $node = act('drain');
    is $node->{route} . ' ' . $node->{state}, 'servoy1 draining', 'the answer is the node as it is now';
    my $now = facts('servoy', 'servoy1');
    is_deeply [ sort keys %$node ], [ sort keys %$now ], '... with all that the manager tells of it';
    is_deeply $node->{clients}, { web => 2, smart => 0 };
    is scalar(grep { $_->{status} =~ /\bDrn\b/ } @{ $now->{members} }), 2, 'both its members are draining';
    is states(), 'draining ready', 'nothing else is';
    is facts('other', 'servoy1')->{state}, 'ready', 'neither is the node of that name in another fleet';
    like $httpd->error_log, qr/\[servoy_balancer:notice\].*SVB0065: fleet servoy, node servoy1: drain by user - from 127\.0\.0\.1/,
        'the log tells who did what';
    is served_by(), 'servoy2', 'new clients go elsewhere, whatever child they come to';
    is scalar(grep { $_->get($page)->node ne $_->{home} } @users), 0, 'users stay';
    is $mine->get($page)->header('X-Count'), 3, 'in their sessions';
    my $ws = $mine->websocket('/websocket/1/main/1');
    is +($ws->recv_json(30) // {})->{node}, 'servoy1', 'their WebSockets too';
    $ws->close;
    is_deeply [ map { ($_->get('/echo')->json->{attributes}{JK_LB_ACTIVATION} // '-') . " $_->{home}" } @users[0, 1] ],
        [ 'DIS servoy1', '- servoy2' ], 'the node is told';
    my $metrics = browser()->get('/servoy-manager?format=prometheus')->body;
    my %state = $metrics =~ /^servoy_node_state\{fleet="servoy",node="servoy1",state="(\w+)"\} (\d)$/mg;
    is join(' ', grep { $state{$_} } sort keys %state), 'draining', 'so are those who read the metrics';
    like $metrics, qr/^servoy_node_state\{fleet="servoy",node="servoy2",state="draining"\} 0$/m;

    is act('enable')->{state}, 'ready', 'and back';
    is scalar(grep { $_->{status} =~ /\bDrn\b/ } @{ facts('servoy', 'servoy1')->{members} }), 0;
    like served_by(), qr/servoy1/, 'new clients come again';
    is act('enable')->{state}, 'ready', 'enabling what is enabled is no error';
    is act('drain')->{state} . ' ' . act('drain')->{state}, 'draining draining', 'nor is draining it twice';
};

subtest 'disable and enable' => sub {
    calm();
    my $user = user_of('servoy1');
    is act('disable')->{state}, 'disabled', 'disabled';
    is scalar(grep { $_->{status} =~ /\bDis\b/ } @{ facts('servoy', 'servoy1')->{members} }), 2, 'both its members';
    is served_by(), 'servoy2', 'new clients go elsewhere';
    is served_by(route => 'servoy1'), 'servoy2', 'its own as well, whatever child they come to';
    my $r = $user->get($page);
    is $r->node . ' ' . $r->header('X-How'), 'servoy2 failover', 'a user moves';
    is +($user->websocket('/websocket/1/main/1')->recv_json(30) // {})->{node}, 'servoy2', 'with its WebSockets';
    is states(), 'disabled ready';
    is served_by(prefix => '/other', route => 'servoy1'), 'servoy1', 'other fleets go on';
    act('enable');
    is served_by(route => 'servoy1'), 'servoy1', 'enabled: clients of its route come back';
    is $user->get($page)->node, 'servoy2', 'who has moved stays';
    is act('drain')->{state} . ' ' . act('disable')->{state} . ' ' . act('drain')->{state}, 'draining disabled draining',
        'from one to the other';
    is served_by(route => 'servoy1'), 'servoy1', 'what was disabled and is draining serves its clients';
};

subtest 'maintenance and enable' => sub {
    calm();
    my $user = user_of('servoy1');
    is act('maintenance')->{state}, 'maintenance', 'in maintenance';
    is served_by(), 'servoy2', 'new clients go elsewhere';
    is $user->get($page)->node, 'servoy1', 'a user stays';
    my $begun = time;
    wait_for(sub { time > $begun + 2.5 }, 5, 'twice the retry time to pass');
    is served_by(), 'servoy2', 'that lasts, for no retry time ends it';
    is $user->get($page)->header('X-Count'), 4, 'nor its own clients';
    is facts('servoy', 'servoy1')->{state}, 'maintenance';
    is facts('servoy', 'servoy1')->{maintenance_hits}, 0, 'nobody was refused for that';
    act('maintenance', node => 'servoy2');
    my $r = browser()->get($page);
    is $r->status, 503, 'all nodes: a new client is refused';
    like $r->header('Retry-After'), qr/^[1-9]\d*$/, 'and told when to come again';
    is $user->get($page)->node, 'servoy1', 'others are served';
    is act('enable')->{state}, 'ready', 'enabled';
    is served_by(), 'servoy1', 'new clients come again';

    # what a node's refusal has brought about ends the same way
    calm();
    $one->maintenance(1);
    wait_for(sub { browser()->get($page); facts('servoy', 'servoy1')->{state} eq 'maintenance' }, 10, 'a refusal');
    $one->maintenance(0);
    is act('enable')->{state}, 'ready', 'a node that had refused somebody is enabled without delay';
};

subtest 'loadfactor' => sub {
    calm();
    my $node = act('loadfactor', value => 3);
    is $node->{loadfactor}, 3, 'the answer has it';
    is facts('servoy', 'servoy1')->{loadfactor}, 3, 'and the facts';
    is facts('servoy', 'servoy2')->{loadfactor} . facts('other', 'servoy1')->{loadfactor}, '11', 'of that node alone';
    like browser()->get('/servoy-manager?format=prometheus')->body,
        qr/^servoy_node_loadfactor\{fleet="servoy",node="servoy1"\} 3(?:\.0+)?$/m, 'and the metrics';
    users(16);
    is web(), '12 4', 'sixteen new clients are shared 3 : 1';
    users(4, '/other');
    is web('other'), '2 2', 'in the other fleet evenly';
    like $httpd->error_log, qr/SVB0065: fleet servoy, node servoy1: loadfactor 3\.00 by/, 'the log has the value';
    for my $value (qw(0.01 100 2.5 .5)) {
        is act('loadfactor', value => $value)->{loadfactor}, 0 + $value, 'as it was sent';
    }
    is states(), 'ready ready', 'that changes nothing else';
    is act('drain')->{loadfactor} . ' ' . act('loadfactor', value => 4)->{state}, '0.5 draining', 'nor do the others change it';
    is act('enable')->{loadfactor}, 4;
};

subtest 'forget' => sub {
    calm();
    my @users = users(6);
    is web(), '3 3', 'three users on each node';
    is act('forget')->{clients}{web}, 0, 'servoy1 has none any more';
    is web(), '0 3', 'servoy2 has';
    is scalar(grep { $_->get($page)->node ne $_->{home} } @users), 0, 'all are served where they were';
    is web(), '3 3', 'and are counted again';
};

subtest 'reset' => sub {
    calm();
    my @counters = qw(elected sticky launches failed_over_from failed_over_to maintenance_hits errors bytes_to bytes_from);
    my @users = users(4);
    $_->post($page, 'a=' . 'b' x 1000) for @users;
    browser()->get('/servoy-client/crm.jnlp') for 1 .. 2;
    my $facts = facts('servoy', 'servoy1');
    cmp_ok $facts->{$_}, '>', 0, "servoy1 has counted: $_" for qw(elected sticky launches bytes_to bytes_from);
    my $before = facts('servoy', 'servoy2');
    my $node = act('reset');
    is $node->{$_}, 0, "... no more: $_" for @counters;
    is_deeply $node->{clients}, $facts->{clients}, 'its clients are what they were';
    is $node->{state}, 'ready';
    my $after = facts('servoy', 'servoy2');
    is join(' ', map { $after->{$_} } @counters), join(' ', map { $before->{$_} } @counters), 'so is the other node';
    my $metrics = browser()->get('/servoy-manager?format=prometheus')->body;
    my %total = $metrics =~ /^(servoy_node_\w+_total)\{fleet="servoy",node="servoy1"[^}]*\} (\d+)$/mg;
    is_deeply [ grep { $total{$_} } sort keys %total ], [], 'all its totals begin again' or diag explain \%total;
};

# --- answers ---

subtest 'what a browser gets' => sub {
    calm();
    my $r = post(action => 'drain', accept => 'text/html,application/xhtml+xml,*/*;q=0.8');
    is $r->status, 303, 'it is sent back';
    like $r->header('Location'), qr{^(?:\Q${\ $httpd->url }\E)?/servoy-manager$}, 'to the page';
    is states(), 'draining ready', 'and it is done';
    $r = browser()->get($r->header('Location'));
    is $r->status, 200;
    like $r->header('Content-Type'), qr{^text/html}, 'which is the page';
    is post(action => 'enable', accept => 'text/html,application/json')->status, 303,
        'what takes either is taken for a browser';

    # what the page itself would send
    my $buttons = sub {
        my ($html) = @_;
        my %forms;
        for my $text ($html =~ m{<form method="post"[^>]*>(.*?)</form>}sg) {
            my %field = map { /name="(\w+)" value="([^"]*)"/ ? ($1 => $2) : () } $text =~ /<input type="hidden"([^>]*)>/g;
            $forms{"$field{fleet} $field{node} $_"} = \%field for $text =~ /<button name="action" value="(\w+)"/g;
        }
        return \%forms;
    };
    my $forms = $buttons->($r->body);
    for my $name (qw(servoy other)) {
        is scalar(grep { !$forms->{"$name $_->[0] $_->[1]"} } map { my $n = $_; map { [ $n, $_ ] } @words } qw(servoy1 servoy2)),
            0, "$name: the page has a button for each action on each node";
    }
    for my $action (grep { $_ ne 'loadfactor' } @words) {
        my %field = (%{ $forms->{"other servoy2 $action"} }, action => $action);
        is browser()->post('/servoy-manager', body(%field), headers => ["Content-Type: $form"])->status, 303, "$action works";
    }
    my %field = (%{ $forms->{'servoy servoy1 loadfactor'} }, action => 'loadfactor', value => '2.50');
    is browser()->post('/servoy-manager', body(%field), headers => ["Content-Type: $form"])->status, 303, 'loadfactor works';
    is facts('servoy', 'servoy1')->{loadfactor}, 2.5;
    is_deeply $buttons->(browser()->get($_)->body), {}, "$_: no buttons where actions are off" for qw(/quiet-manager /off-manager);
};

subtest 'what a program gets' => sub {
    calm();
    my $r = post(action => 'drain');
    is $r->status, 200;
    like $r->header('Content-Type'), qr{^application/json}, 'JSON';
    is $r->header('Cache-Control'), 'no-store', 'that nobody keeps';
    is $r->json->{state}, 'draining';
    is post(action => 'enable', type => "$form; charset=UTF-8")->status, 200, 'a charset is no matter';
    $r = browser()->post('/servoy-manager', sprintf("%x\r\n%s\r\n0\r\n\r\n", length $_, $_), headers =>
        [ 'Accept: application/json', "Content-Type: $form", 'Transfer-Encoding: chunked' ])
        for body(fleet => 'servoy', node => 'servoy1', action => 'drain', nonce => nonce());
    is $r->status, 200, 'chunked';
    is states(), 'draining ready';
};

subtest 'what is refused' => sub {
    calm();
    my $nonce = nonce();
    my $before = settings();
    my %good = (action => 'drain', nonce => $nonce);
    my $good = body(%good, fleet => 'servoy', node => 'servoy1');
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
        (map { [ "loadfactor $_",       400, qr/value.*0\.01.*100/s, %good, action => 'loadfactor', value => $_ ] }
            qw(0 0.001 0.009 100.01 101 1000 -1 +1 1e1 0x2 abc nan inf), '', ' 2', '1,5'),
        [ 'loadfactor without a value', 400, qr/value/,      %good, action => 'loadfactor' ],
        [ 'an unknown field',           400, qr/more/,       %good, more => 1 ],
        [ 'a field twice',              400, qr/action/,     %good, body => "$good&action=enable" ],
        [ 'a bad escape',               400, qr/%/,          %good, body => $good =~ s/servoy1/servoy%1/r ],
        [ 'a NUL',                      400, qr/control/,    %good, node => "servoy1\0" ],
        [ 'a line break',               400, qr/control/,    %good, node => "servoy1\nfleet x, node y: drain by user root" ],
        [ 'invalid UTF-8',              400, qr/UTF-8/,      %good, node => "servoy\xff" ],
        [ 'an empty body',              400, qr/missing/,    %good, body => '' ],
        [ 'a body that is too long',    400, qr/long/,       %good, body => $good . '&value=' . '+' x 4096 ],
        [ 'a very long one',            400, qr/long/,       %good, body => $good . '&' x 200_000 ],
        (map { [ "Content-Type $_",     400, qr/Content-Type.*\Q$form\E/s, %good, type => $_ ] }
            'text/plain', 'multipart/form-data; boundary=x', 'application/json', "${form}2", ''),
        (map { [ "$_: actions off",     403, qr/ServoyManagerActions/, %good, to => $_ ] } '/quiet-manager', '/off-manager'),
    );
    $httpd->mark;
    for my $case (@cases) {
        my ($name, $status, $reason, %field) = @$case;
        my $r = post(%field);
        is $r->status, $status, "$name: $status";
        like $r->body, $reason, '... with the reason';
        unlike $r->body, qr/\Q$nonce\E/, '... which does not have the nonce' if $status == 400;
        like $r->header('Content-Type'), qr{^text/plain}, '... as plain text';
    }
    my $r = browser()->post('/servoy-manager', sprintf("%x\r\n%s\r\n0\r\n\r\n", 9000, "$good&" . 'x' x (8999 - length $good)),
        headers => [ "Content-Type: $form", 'Transfer-Encoding: chunked' ]);
    is $r->status, 400, 'a chunked one that is too long';
    for my $method (qw(PUT DELETE PATCH OPTIONS PROPFIND)) {
        $r = browser()->request($method, '/servoy-manager', body => $good, headers => ["Content-Type: $form"]);
        is $r->status, 405, "$method: 405";
        is_deeply [ sort split /,\s*/, $r->header('Allow') // '' ], [qw(GET HEAD POST)], '... with what is allowed';
    }
    is browser()->get("/servoy-manager?$good")->status, 200, 'the same in the query of a GET';
    is_deeply settings(), $before, '... and nothing of it was done';
    is scalar(() = $httpd->error_log =~ /SVB0065/g), 0, '... nor logged as done';

    my $keeping = $httpd->client(timeout => 30, keepalive => 1);
    for my $body ("$good&" . 'x' x 9000, $good =~ s/drain/none/r) {
        is $keeping->post('/servoy-manager', $body, headers => ["Content-Type: $form"])->status, 400, 'refused';
        is $keeping->get('/servoy-manager?format=json')->status, 200, '... the next request of that browser is understood';
    }
    is browser()->get('/quiet-manager?format=json')->json->{$_} ? 1 : 0, 0, "actions off: no $_" for qw(nonce actions);
    is browser()->get('/servoy-manager?format=json')->json->{actions}, JSON::PP::true(), 'on: the JSON says so';
};

subtest 'who it was' => sub {
    calm();
    $httpd->mark;
    my %to = (to => '/private-manager', action => 'drain');
    is post(%to)->status, 401, 'without a password nobody acts';
    is states(), 'ready ready';
    is post(%to, headers => ['Authorization: Basic YWRtaW46c2VjcmV0'])->status, 200, 'with one';
    like $httpd->error_log, qr/SVB0065: fleet servoy, node servoy1: drain by user admin from 127\.0\.0\.1/, 'the log names the user';
};

# --- when it is safe to stop ---

subtest 'safe to stop' => sub {
    calm();
    my $safe = sub { my ($name) = @_; facts($name // 'servoy', 'servoy1')->{safe_to_stop} ? 'yes' : 'no' };
    my $told = sub {
        my ($name) = @_;
        return scalar(() = $httpd->error_log =~ /\[servoy_balancer:notice\].*SVB0062: fleet $name, node servoy1\b/g);
    };
    is $safe->(), 'no', 'a node that takes new clients is not';
    my $user = user_of('servoy1');
    wait_turn();
    $httpd->mark;
    act('drain');
    is $safe->(), 'no', 'nor is one that has a client';
    my $pending = browser();
    $pending->set_cookie(JSESSIONID => 'ABCDEF.servoy1');
    $pending->get($page);
    wait_turn();
    is $told->('servoy'), 0, 'the log is silent';
    $_->get('/logout') for $user, $pending;
    is $safe->(), 'yes', 'they leave: it is safe, at once';
    wait_ok(sub { $told->('servoy') }, 15, 'the log tells');
    like browser()->get('/servoy-manager')->body, qr/safe to stop/i, 'the page as well';
    wait_turn();
    is $told->('servoy'), 1, 'once';
    $user = user_of('servoy1');
    is $safe->(), 'no', 'somebody comes who has a session there after all: not safe';
    wait_turn();
    $user->get('/logout');
    wait_ok(sub { $told->('servoy') == 2 }, 15, 'that is over: the log tells again');

    calm();
    my @slow = map { browser()->start(GET => '/slow?session=1&ms=4000') } 1 .. 2;
    wait_for(sub { $one->requests->{'/slow'} }, 10, 'a request of a new client on servoy1');
    act('drain');
    is $safe->(), 'no', 'a client that is just about to be one';
    is_deeply [ map { $_->finish->status } @slow ], [ 200, 200 ];

    $httpd->mark;
    my $launched;
    wait_for(sub {
        $launched = (browser()->get('/other/servoy-client/crm.jnlp')->header('Location') // '') =~ m{^http://(\w+)};
        return facts('other', 'servoy1')->{clients}{smart};
    }, 10, 'a Smart Client on servoy1');
    act('drain', fleet => 'other');
    is $safe->('other'), 'no', 'a Smart Client';
    wait_ok(sub { $safe->('other') eq 'yes' }, 20, 'until ServoyLaunchTimeout has passed');
    wait_ok(sub { $told->('other') }, 15, 'the log tells');
    act('disable', fleet => 'other');
    is $safe->('other'), 'yes', 'a disabled node without clients';
    act('maintenance', fleet => 'other');
    is $safe->('other'), 'yes', 'or one in maintenance';
    act('enable', fleet => 'other');
    is $safe->('other'), 'no', 'not one that was enabled';
};

# --- restarts ---

subtest 'actions survive' => sub {
    calm();
    my $plain = settings();
    act('drain');
    act('loadfactor', node => 'servoy2', value => 2.5);
    act('maintenance', fleet => 'other');
    act('disable', fleet => 'other', node => 'servoy2');
    act('loadfactor', fleet => 'other', node => 'servoy2', value => 7);
    act($_, fleet => 'configured', node => 'servoy2') for qw(enable drain enable);
    act('drain', fleet => 'configured');
    act('loadfactor', fleet => 'configured', value => 5);
    my $wanted = settings();
    is_deeply $wanted, {
        # servoy2 was configured as draining, servoy1 as disabled
        'servoy servoy1' => 'draining 1 Drn Ok Drn Ok', 'servoy servoy2' => 'ready 2.5 Ok Ok',
        'other servoy1' => 'maintenance 1 Ok', 'other servoy2' => 'disabled 7 Dis',
        'configured servoy1' => 'draining 5 Drn Ok', 'configured servoy2' => 'ready 1 Ok',
    }, 'all that can be set' or diag explain $wanted;
    my $check = sub {
        my ($name) = @_;
        my $now = settings();
        is $now->{$_}, $wanted->{$_}, "$name: $_" for sort keys %$wanted;
        is_deeply [ uniq map { $_->{home} } users(4) ], ['servoy2'], '... new clients go where they should';
        return;
    };
    for my $round (1 .. 2) {
        $httpd->graceful;
        $check->("graceful restart $round");
    }
    $httpd->restart;
    $check->('restart');
    $httpd->stop;
    $httpd->mark->start;
    $check->('stop and start');
    $httpd->graceful;
    $check->('and a graceful restart after that');

    act('enable', fleet => $_->[0], node => $_->[1])
        for [qw(servoy servoy1)], [qw(other servoy1)], [qw(other servoy2)];
    $wanted = settings();
    is $wanted->{'servoy servoy1'} . ', ' . $wanted->{'other servoy1'}, 'ready 1 Ok Ok, ready 1 Ok', 'enabled again';
    $httpd->graceful;
    is_deeply settings(), $wanted, '... that lasts as well: graceful restart';
    $httpd->stop;
    $httpd->mark->start;
    is_deeply settings(), $wanted, '... stop and start';

    $httpd->stop;
    $httpd->{conf} = conf(server => 'ServoyPersist off');
    $httpd->mark->start;
    is_deeply settings(), $plain, 'ServoyPersist off: a start is a new one';
    act('drain');
    act('loadfactor', node => 'servoy2', value => 3);
    $wanted = settings();
    $httpd->graceful;
    is_deeply settings(), $wanted, '... but a graceful restart is not';
    $httpd->stop;
    $httpd->mark->start;
    is_deeply settings(), $plain, '... and what was set is gone with a stop';
    $httpd->stop;
    $httpd->{conf} = conf();
    unlink glob $httpd->root . '/run/servoy_balancer.state*';
    $httpd->mark->start;
};

# --- mod_proxy's own page ---

# Its form for a member, sent with these fields.
sub balancer_manager {
    my ($at, $balancer, $node, %field) = @_;
    my $scheme = $balancer eq 'sockets' ? 'http' : 'ajp';
    my $port = $scheme eq 'ajp' ? $node->ajp_port : $node->http_port;
    my $html = browser($at)->get('/balancer-manager')->body;
    my ($link) = grep { /[?;&]b=$balancer\b/ && /:$port\b/ } map { s/&amp;/&/gr } $html =~ m{href="(/balancer-manager\?[^"]*w=[^"]*)"}g;
    my ($nonce) = ($link // '') =~ /nonce=([\w-]+)/ or die "no link for $balancer $port:\n$html";
    my $body = body(b => $balancer, w => "$scheme://127.0.0.1:$port", nonce => $nonce, %field);
    my $r = browser($at)->post('/balancer-manager', $body,
        headers => [ 'Referer: ' . ($at // $httpd)->url . '/balancer-manager', "Content-Type: $form" ]);
    return $r->status == 200 || die 'balancer-manager: ' . $r->status . "\n" . $r->body;
}

# To both members of a node of the fleet servoy.
sub in_balancer_manager {
    my ($at, $node, %field) = @_;
    balancer_manager($at, $_, $node, %field) for qw(servoy sockets);
    return;
}

# What it says about the members of balancer://servoy.
sub shown_there {
    my ($at) = @_;
    my ($table) = grep { m{^[^<]*<a [^>]*>balancer://servoy</a>}i } split /LoadBalancer Status for/i,
        browser($at)->get('/balancer-manager')->body;
    return join ', ', map { s/\s+$//r } ($table // '') =~ m{<td>((?:Init|Ok|Err|Drn|Dis)\b[^<]*)</td>}g;
}

for my $persists (0, 1) {
    subtest 'balancer-manager' . ($persists ? ', with BalancerPersist' : '') => sub {
        my $front = SVB::Httpd->new(%usual, conf => conf(server => $persists ? 'BalancerPersist On' : ''))->start;
        my $served = sub { return join ' ', sort +uniq(map { browser($front)->get($page)->node // '-' } 1 .. 6) };
        my $of_one = sub { return $front->client->get('/echo', headers => ['Cookie: JSESSIONID=ABC.servoy1'])->node };
        in_balancer_manager($front, $one, w_status_N => 1);
        is states($front), 'draining ready', 'drained there: draining here';
        is $served->(), 'servoy2', '... new clients go elsewhere';
        is $of_one->(), 'servoy1', '... its own stay';
        in_balancer_manager($front, $one, w_status_N => 0);
        is states($front), 'ready ready', 'no more';
        in_balancer_manager($front, $one, w_status_D => 1);
        is states($front), 'disabled ready', 'disabled there: disabled here';
        is $of_one->(), 'servoy2', '... its clients move';
        is post(at => $front, action => 'enable')->json->{state}, 'ready', 'enabled here';
        is shown_there($front), 'Init Ok, Init Ok', '... enabled there';
        in_balancer_manager($front, $one, w_lf => 4);
        is facts('servoy', 'servoy1', $front)->{loadfactor}, 4, 'a loadfactor set there';

        is post(at => $front, action => 'drain')->json->{state}, 'draining', 'drained here';
        is shown_there($front), 'Init Drn Ok, Init Ok', '... draining there';
        is post(at => $front, action => 'loadfactor', node => 'servoy2', value => 3)->json->{loadfactor}, 3, 'a loadfactor set here';
        wait_turn($front);
        is states($front), 'draining ready', '... that lasts';
        in_balancer_manager($front, $one, w_status_N => 0);
        in_balancer_manager($front, $two, w_lf => 6);
        is states($front), 'ready ready', 'undone there: ready here';
        is facts('servoy', 'servoy2', $front)->{loadfactor}, 6, 'changed there';
        wait_turn($front);
        is states($front), 'ready ready', '... it stays undone';
        is facts('servoy', 'servoy2', $front)->{loadfactor}, 6, '... and changed';
        in_balancer_manager($front, $two, w_status_N => 1) if $persists;
        $front->graceful;
        # without BalancerPersist mod_proxy begins with its configuration
        is states($front), $persists ? 'ready draining' : 'ready ready', '... after a graceful restart as well';
        is facts('servoy', 'servoy2', $front)->{loadfactor}, $persists ? 6 : 1, '... nor does it get the loadfactor of here again';
        $front->stop;
        $front->mark->start;
        is states($front), $persists ? 'ready draining' : 'ready ready', '... nor after a stop and start';
        is facts('servoy', 'servoy2', $front)->{loadfactor}, $persists ? 6 : 1;
        $front->stop;
    };
}

# --- conf/servoy-node.sh ---

my $said_file = SVB::Temp->dir('said') . '/said';

sub begin_script {
    my ($args, %env) = @_;
    unlink $said_file;
    return SVB::Proc->spawn(name => 'servoy-node.sh', cmd => [ $script, @$args ], out => $said_file,
        env => { SERVOY_FLEET => undef, SERVOY_CURL => undef, http_proxy => undef, no_proxy => '*', %env });
}

# Exit code and what it said.
sub script {
    my ($args, %env) = @_;
    my $proc = begin_script($args, %env);
    my $status = $proc->wait(60) // $proc->kill;
    return ($status >> 8 || $status, SVB::Temp->read_file($said_file));
}

sub ends_with {
    my ($code, $args, $said, $name, %env) = @_;
    my ($got, $text) = script($args, %env);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return ok($got == $code && $text =~ $said, "$name: $code") || diag "exit code $got:\n$text";
}

subtest 'servoy-node.sh' => sub {
    calm();
    my $url = $httpd->url . '/servoy-manager';
    ok -x $script, 'it can be run';
    my $user = user_of('servoy1');
    ends_with(0, [ 'state', $url, 'servoy1' ], qr/^servoy1: ready, 1 web clients, 0 smart clients$/, 'state');
    ends_with(0, [ 'state', $url, 'servoy2' ], qr/^servoy2: ready, 0 web clients, 0 smart clients$/, 'of the last node');
    is states(), 'ready ready', 'which changes nothing';

    my $begun = time;
    ends_with(1, [ 'drain', $url, 'servoy1', 1 ], qr/servoy1: draining, 1 web clients.*still has clients/s, 'drain, in vain');
    cmp_ok time - $begun, '<', 15, '... in the time that it was given, about';
    is states(), 'draining ready', '... the node is draining';
    ends_with(0, [ 'drain', $url, 'servoy1', 0 ], qr/servoy1: draining, 1 web clients/, 'drain, without waiting');
    my $waiting = begin_script([ 'drain', $url, 'servoy1', 60 ]);
    $httpd->mark;
    wait_for(sub { 3 <= (() = $httpd->access_log =~ /GET \S+format=json/g) }, 20, 'it to look a few times');
    ok $waiting->alive, 'drain waits';
    $user->get('/logout');
    is $waiting->wait(20), 0, '... until the client has left';
    like(SVB::Temp->read_file($said_file), qr/^servoy1: safe to stop$/m, '... and says so');
    ends_with(0, [ 'drain', $url, 'servoy1' ], qr/^servoy1: safe to stop$/m, 'drain what is empty');
    ends_with(0, [ 'state', $url, 'servoy1' ], qr/^servoy1: draining, 0 web clients/, 'state');
    ends_with(0, [ 'enable', $url, 'servoy1' ], qr/^servoy1: ready/, 'enable');
    is states(), 'ready ready', '... it is enabled';

    ends_with(0, [ 'drain', $url, 'servoy2', 5 ], qr/^servoy2: safe to stop$/m, 'another fleet', SERVOY_FLEET => 'other');
    is states() . ' ' . facts('other', 'servoy2')->{state}, 'ready ready draining', '... its node alone';
    ends_with(0, [ 'state', $url, 'servoy2' ], qr/^servoy2: ready/, '... the first fleet\'s is another');
    ends_with(0, [ 'enable', $url, 'servoy2' ], qr/^servoy2: ready/, '...', SERVOY_FLEET => 'other');

    ends_with(2, [], qr/servoy-node\.sh drain/, 'no arguments');
    ends_with(2, [ 'drain', $url ], qr/servoy-node\.sh drain/, 'too few');
    ends_with(2, [ 'stop', $url, 'servoy1' ], qr/servoy-node\.sh drain/, 'an unknown action');
    ends_with(2, [ 'drain', $url, 'servoy1', 'soon' ], qr/servoy-node\.sh drain/, 'a time that is none');
    ends_with(2, [ 'drain', $url, 'servoy1', '-1' ], qr/servoy-node\.sh drain/, 'a time below zero');

    my $refusing = SVB::Ports->take;
    my $private = $httpd->url . '/private-manager';
    for my $action (qw(drain enable state)) {
        ends_with(3, [ $action, "http://127.0.0.1:$refusing/servoy-manager", 'servoy1' ], qr/curl/, "$action: no server");
        ends_with(3, [ $action, $private, 'servoy1' ], qr/401/, '... it wants a password');
    }
    ends_with(3, [ $_, $httpd->url . '/quiet-manager', 'servoy1' ], qr/403/, "$_: actions are off") for qw(drain enable);
    ends_with(0, [ 'state', $httpd->url . '/quiet-manager', 'servoy1' ], qr/^servoy1: ready/, '... state needs none');
    ends_with(3, [ 'state', $httpd->url . '/status/404', 'servoy1' ], qr/404/, 'no manager there');
    ends_with(0, [ 'drain', $private, 'servoy1', 5 ], qr/safe to stop/, 'with a password', SERVOY_CURL => '--user admin:secret');
    is states(), 'draining ready';
    like $httpd->error_log, qr/drain by user admin/;

    ends_with(4, [ $_, $url, 'servoy3' ], qr/servoy3/, "$_: an unknown node") for qw(drain enable state);
    ends_with(4, [ 'state', $url, 'servoy' ], qr/no node servoy /, 'the beginning of a name is none');
    ends_with(4, [ 'state', $url, 'servoy1' ], qr/nobody/, 'an unknown fleet', SERVOY_FLEET => 'nobody');
    is states(), 'draining ready', 'none of that has changed anything';
    ends_with(0, [ 'enable', $url, 'servoy1' ], qr/^servoy1: ready/, 'enable');
};

$_->stop for $httpd, $fleet;
done_testing;
