#!/bin/sh
# The old way to say what servoyctl says; it goes with the next release. See servoyctl(8).
#
#   servoy-node.sh drain  URL NODE [SECONDS]   servoyctl drain NODE --wait=SECONDS
#   servoy-node.sh stop   URL NODE [SECONDS]   servoyctl drain NODE --wait=SECONDS --then=disable
#   servoy-node.sh close  URL NODE             servoyctl close NODE
#   servoy-node.sh enable URL NODE             servoyctl enable NODE
#   servoy-node.sh state  URL NODE             servoyctl state NODE
#
# SECONDS: 3600; drain with 0 does not wait. SERVOY_FLEET names the fleet (servoy),
# SERVOY_CURL holds more arguments for curl, say "--user admin:secret". Exit codes are
# servoyctl's. SERVOYCTL names it where it is neither installed nor in the tree.
set -u

usage() {
    sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
    exit 2
}

[ $# -ge 3 ] || usage
action=$1 url=$2 node=$3 seconds=${4:-3600}
case $action in drain | stop | close | enable | state) ;; *) usage ;; esac
case $seconds in '' | *[!0-9]*) usage ;; esac

ctl=${SERVOYCTL:-$(dirname "$0")/../src/ctl/servoyctl}
[ -x "$ctl" ] || ctl=servoyctl

# The words of a command line as lines of curl's configuration: a word that begins with
# - begins a line.
curl_lines() {
    # shellcheck disable=SC2086 # a list of arguments, as meant
    printf '%s\n' ${SERVOY_CURL:-} | awk '
        /^-/ { printf "%s%s", (NR > 1 ? "\n" : ""), $0; next }
        NF { gsub(/[\\"]/, "\\\\&"); printf " \"%s\"", $0 }
        END { print "" }'
}

case $action in
    drain)
        set -- drain "--wait=$seconds"
        [ "$seconds" -gt 0 ] || set -- drain
        ;;
    stop) set -- drain "--wait=$seconds" --then=disable ;;
    *) set -- "$action" ;;
esac
exec "$ctl" --url "$url" --fleet "${SERVOY_FLEET:-servoy}" --curl-config - "$@" -- "$node" <<END
$(curl_lines)
END
