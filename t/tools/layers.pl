#!/usr/bin/perl
# Which of our files include which: only downward, as the house is drawn here,
# from the top floor to the ground.
#
#   layers.pl           say what goes upward; exit 1 if anything does
#   layers.pl --draw    count rooms, files, floors (the longest way down) and arrows
use strict;
use warnings;

my @house = (
    [''         => qw(mod_servoy_balancer mod_startup mod_watchdog)],
    ['manager'  => qw(mod_manager mod_server_status mod_act mod_show mod_guard nonce origin accept
                      address form query)],
    ['page'     => qw(page overview note rows unfolded fronts spark pieces place view)],
    ['report'   => qw(mod_snapshot json metrics server_status verdict troubles phrase fields snapshot sink utf8)],
    ['launch'   => qw(mod_launch mod_door mod_direct mod_rewrite mod_front jnlp tag host location)],
    ['course'   => qw(mod_retry mod_attempt mod_learn mod_sessions mod_keep mod_smart mod_windows
                       mod_route_cookie mod_body mod_rewind mod_answer frames)],
    ['choice'   => qw(mod_method mod_decide mod_failover mod_election mod_ballot mod_plain mod_stateless
                       mod_variables mod_request others contest rate score session)],
    ['share'    => qw(mod_share mod_fronts mod_notices mod_read mod_hints mod_send mod_said
                       mod_sharing missing front told hints number notes batch mac wire expect
                       ring)],
    ['nodes'    => qw(mod_probe mod_evidence mod_census mod_addresses mod_targets mod_condition
                      mod_admin mod_members
                       condition probe addresses action state)],
    ['config'   => qw(mod_checks mod_fleets mod_member_checks mod_access mod_passes mod_tree mod_model mod_directives mod_store mod_sections
                      mod_facts mod_values pattern hosts store closest url escape)],
    ['memory'   => qw(mod_persist mod_autosave mod_live mod_room mod_clients mod_former mod_segments
                      save_write save_read save words save_parts save_file blocks clients journal merge slots entry
                      survey rows history moves events paths generations records sealed hash process evictions client
                      names)],
    ['redis'    => qw(mod_servoy_redis rounds answers link tls advice reply)],
    [''         => qw(mod_log exchange)],
);

my (%place, %room, @order);
for my $floor (@house) {
    my ($room, @files) = @$floor;
    for my $name (@files) {
        my $path = $name eq 'mod_servoy_balancer' ? $name : join '/', 'src', $room || (), $name;
        push @order, $path;
        $place{$path} = $#order;
        $room{$path} = $room || $name;
    }
}

# What a file includes of ours: paths without ending.
sub includes {
    my ($file) = @_;
    my @paths;
    open my $in, '<', $file or die "$file: $!\n";
    while (<$in>) {
        my ($header) = /^#include "([^"]+)\.h"/ or next;
        push @paths, [$., $header eq 'mod_servoy_balancer' ? $header : "src/$header"];
    }
    return @paths;
}

my ($wrong, %down, %arrows) = (0);
for my $file (sort glob('mod_servoy_balancer.[ch] src/*.[ch] src/*/*.[ch]')) {
    my $path = $file =~ s/\.[ch]$//r;
    if (!exists $place{$path}) {
        print "$file: is nowhere in the house: draw it in $0\n";
        $wrong = 1;
        next;
    }
    for my $include (includes($file)) {
        my ($line, $to) = @$include;
        # The top file's header is what we promise to others: everybody's ground.
        next if $to eq $path || $to eq 'mod_servoy_balancer';
        if (!exists $place{$to} || $place{$to} <= $place{$path}) {
            print "$file:$line: $path must not include $to\n";
            $wrong = 1;
        }
        elsif ($path ne 'mod_servoy_balancer' || $file =~ /\.c$/) {
            $down{$path}{$to} = 1;
            $arrows{"$room{$path} $room{$to}"} = 1 if $room{$path} ne $room{$to};
        }
    }
}

if (($ARGV[0] // '') eq '--draw') {
    my %floor;
    for my $path (reverse @order) {
        my ($deepest) = sort { $b <=> $a } 0, map { $floor{$_} } keys %{ $down{$path} };
        $floor{$path} = $deepest + 1;
    }
    my ($top) = sort { $b <=> $a } values %floor;

    # The same of rooms: the files at the top and at the bottom are rooms, too.
    my %room_floor;
    my @rooms = do { my %seen; grep { !$seen{$_}++ } map { $room{$_} } reverse @order };
    for my $name (@rooms) {
        my @below = map { /^\Q$name\E (.*)/ ? $room_floor{$1} : () } keys %arrows;
        my ($deepest) = sort { $b <=> $a } 0, @below;
        $room_floor{$name} = $deepest + 1;
    }
    my ($top_room) = sort { $b <=> $a } values %room_floor;
    my $files = grep { -e "$_.c" || -e "$_.h" } @order;
    my $all = 0;
    $all += keys %$_ for values %down;
    printf "%d rooms on %d floors, %d arrows between them; %d files on %d floors, %d arrows\n",
        scalar @rooms, $top_room, scalar keys %arrows, $files, $top, $all;
}
exit $wrong;
