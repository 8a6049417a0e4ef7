#!/bin/sh
# Take a node out of its fleet for an upgrade, and bring it back.
#
#   servoy-node.sh drain  URL NODE [SECONDS]   no new clients; wait until it is
#                                              safe to stop, SECONDS at most
#                                              (3600; 0: do not wait)
#   servoy-node.sh stop   URL NODE [SECONDS]   the same; but when the time is up,
#                                              disable it and close its WebSockets:
#                                              who is left goes on elsewhere
#   servoy-node.sh close  URL NODE             close its WebSockets: their clients
#                                              connect again within 2 seconds,
#                                              elsewhere if it is disabled
#   servoy-node.sh enable URL NODE             back to work
#   servoy-node.sh state  URL NODE             print its state and clients
#
# URL is the manager's, whose <Location> must have ServoyManagerActions on, say
# http://127.0.0.1/servoy-manager. Several front ends: say it to each. With
# several fleets, SERVOY_FLEET names the one that is meant (servoy).
# SERVOY_CURL holds more arguments for curl, say "--user admin:secret".
#
# Ends with
#   0  done: safe to stop, or nobody is served there; closed; enabled; printed
#   1  the time is up and the node still has clients (drain), or still
#      answers requests (stop)
#   2  wrong arguments
#   3  the manager cannot be reached, or refuses
#   4  there is no such node
#
# An upgrade, then, with what your system starts and stops Tomcat by:
#
#   servoy-node.sh stop   "$url" servoy1 7200 || exit
#   systemctl stop tomcat && upgrade && systemctl start tomcat
#   servoy-node.sh enable "$url" servoy1
set -u

usage() {
    sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
    exit 2
}

[ $# -ge 3 ] || usage
action=$1 url=$2 node=$3 seconds=${4:-3600}
fleet=${SERVOY_FLEET:-servoy}
case $action in drain | stop | close | enable | state) ;; *) usage ;; esac
case $seconds in '' | *[!0-9]*) usage ;; esac

# shellcheck disable=SC2086 # a list of arguments, as meant
manager() {
    curl --silent --show-error --fail --max-time 30 ${SERVOY_CURL:-} \
        --header 'Accept: application/json' "$@"
}

# The node's part of the JSON: the objects of nodes begin with their route.
look() {
    json=$(manager "$url?format=json") || exit 3
    facts=$(printf '%s' "$json" | tr -d '\n' |
        sed 's/{"name": /\n&/g' | grep -F "{\"name\": \"$fleet\"," |
        sed 's/{"route": /\n&/g' | grep -F "{\"route\": \"$node\",")
    [ -n "$facts" ] || {
        echo "$0: $url knows no node $node in fleet $fleet" >&2
        exit 4
    }
}

field() {
    printf '%s' "$facts" | sed -n "s/.*$1.*/\\1/p"
}

state() { field '"state": "\([a-z]*\)"'; }
web() { field '"clients": {"web": \([0-9]*\),'; }
in_flight() { field '"in_flight": \([0-9]*\),'; }
smart() { field '"smart": \([0-9]*\)[,}]'; }
is_safe() { [ "$(field '"safe_to_stop": \([a-z]*\)')" = true ]; }

post() {
    nonce=$(printf '%s' "$json" | sed -n 's/.*"nonce": "\([^"]*\)".*/\1/p')
    manager --output /dev/null --data-urlencode "fleet=$fleet" \
        --data-urlencode "node=$node" --data "action=$1" \
        --data "nonce=$nonce" "$url" || exit 3
}

show() { echo "$node: $(state), $(web) web clients, $(smart) smart clients"; }

look
case $action in
    state)
        show
        exit 0
        ;;
    enable | close)
        post "$action"
        look
        show
        exit 0
        ;;
esac

# Who is left goes on elsewhere: WebSockets at once, whatever else is on its way when
# it has been answered.
push_out() {
    post disable
    post close
    waited=0
    look
    while [ "$(in_flight)" -gt 0 ]; do
        [ "$waited" -lt 30 ] || {
            echo "$0: $node still answers $(in_flight) requests" >&2
            exit 1
        }
        sleep 1
        waited=$((waited + 1))
        look
    done
    show
    exit 0
}

post drain
waited=0
look
while ! is_safe; do
    [ "$waited" -lt "$seconds" ] || {
        [ "$action" = drain ] || push_out
        show
        [ "$seconds" -gt 0 ] || exit 0
        echo "$0: $node still has clients after $seconds seconds" >&2
        exit 1
    }
    sleep 1
    waited=$((waited + 1))
    look
done
echo "$node: safe to stop"
