#!/bin/sh
# Install, upgrade, remove and purge the Debian packages, and look at what comes of it and
# what httpd and its users notice. In a root of try_packages.sh's, and nowhere else: it
# goes about with the system's own httpd.
#
#   packages_in_root.sh OLD.tar.gz PACKAGES   0.1.0's tree, and the folder of the packages
set -u

old=$(realpath "$1") packages=$(realpath "$2")
export DEBIAN_FRONTEND=noninteractive
at=http://127.0.0.1:8080
number=0 failed=0

ok() { # TEXT COMMAND...
    number=$((number + 1)) text=$1
    shift
    if "$@" >/tmp/ok.log 2>&1; then
        echo "ok $number - $text"
    else
        echo "not ok $number - $text"
        sed 's/^/#   /' /tmp/ok.log
        failed=1
    fi
}

# Ask until the answer has it, for ten seconds.
answers() { # PATH REGEX
    for _ in $(seq 100); do
        answer=$(curl -s -m 5 "$at$1") && echo "$answer" | grep -Eq "$2" && return 0
        sleep 0.1
    done
    echo "$answer"
    return 1
}

no_file() { [ -z "$(ls -d "$@" 2>/dev/null)" ] || { ls -d "$@"; return 1; }; }
old_package() { dpkg --force-confold -i "$@"; }
parent() { cat /run/apache2/apache2.pid; }
same() { [ "$1" = "$2" ] || { echo "$1, not $2"; return 1; }; }

# The system's files, but what every package leaves, and what httpd itself writes.
files() {
    find /etc /usr /var/lib -xdev \( -path /var/lib/dpkg -o -path /var/lib/apt \) -prune -o -print |
        grep -v -e '/ssl_scache' -e '^/etc/ld.so.cache' | sort
}

# Two nodes, as virtual hosts of the same httpd: whoever comes without a session gets one.
configure() {
    for node in 1 2; do
        cat <<END
Listen 127.0.0.1:808$node
<VirtualHost 127.0.0.1:808$node>
    Header always set Set-Cookie "JSESSIONID=%{UNIQUE_ID}e.servoy$node; Path=/" "expr=%{HTTP_COOKIE} !~ /JSESSIONID/"
    Header always set X-Node servoy$node
    Redirect 204 /app
</VirtualHost>
END
    done
    cat <<'END'
Listen 127.0.0.1:8080
<Proxy "balancer://servoy">
    BalancerMember "http://127.0.0.1:8081" route=servoy1
    BalancerMember "http://127.0.0.1:8082" route=servoy2
    ProxySet lbmethod=servoy
</Proxy>
<VirtualHost 127.0.0.1:8080>
    ProxyPass /app balancer://servoy/app
    <Location "/manager">
        SetHandler servoy-manager
        ServoyManagerActions on
        Require local
    </Location>
</VirtualHost>
END
}

users() {
    for user in 1 2 3 4 5 6; do
        curl -sf -o /dev/null -c "/tmp/user$user" "$at/app" || return 1
    done
}

# Each user is at the node that the session names.
stick() {
    for user in 1 2 3 4 5 6; do
        node=$(sed -n 's/.*\.\(servoy[12]\)$/\1/p' "/tmp/user$user")
        curl -s -b "/tmp/user$user" -D - -o /dev/null "$at/app" | grep -q "^X-Node: $node" || {
            echo "user $user is not at $node"; return 1; }
    done
}

drain() {
    nonce=$(curl -s "$at/manager?format=json" | sed -n 's/.*"nonce": "\([^"]*\)".*/\1/p')
    curl -sf -o /dev/null --data-urlencode "nonce=$nonce" -d action=drain -d fleet=servoy \
        -d node=servoy2 -H 'Accept: application/json' "$at/manager"
}

# Requests, one after the other, while something else goes on: it ends when the file does.
ask_all_the_while() {
    : >/tmp/asking; : >/tmp/failures
    while [ -e /tmp/asking ]; do
        curl -sf -m 10 -o /dev/null -b /tmp/user1 "$at/app" || echo failed >>/tmp/failures
    done
}


state='"route": "servoy2", "state": "draining"'

# Where no init runs, maintainer scripts reach httpd by its init script if they may.
printf '#!/bin/sh\nexit 0\n' >/usr/sbin/policy-rc.d
chmod +x /usr/sbin/policy-rc.d
files >/tmp/before
mkdir /tmp/old && tar -xzf "$old" -C /tmp/old
echo "# 0.1.0, by make install"
# whose warnings were errors, and which newer compilers warn of
ok "make install" make -s -C /tmp/old -f Makefile.apxs WARN=-w install
a2enmod -q servoy_balancer lbmethod_byrequests headers unique_id >/dev/null
configure >/etc/apache2/sites-available/nodes.conf
a2ensite -q nodes >/dev/null
ok "httpd starts" /etc/init.d/apache2 start
ok "the manager answers" answers '/manager?format=json' mod_servoy_balancer
ok "six users" users
ok "... are where their sessions are" stick
ok "a node is drained" drain
ok "... and says so" answers '/manager?format=json' "$state"

echo "# the package in its place"
first=$(ls "$packages"/libapache2-mod-servoy-balancer_*.deb)
ok "dpkg -i" old_package "$first"
ok "it is another module" cmp -s /usr/lib/apache2/modules/mod_servoy_balancer.so \
    "$packages/mod_servoy_balancer.so"
ok "the manager answers" answers '/manager?format=json' '"events": '
ok "the node is still drained" answers '/manager?format=json' "$state"
ok "the clients are still known" answers '/manager?format=json' '"clients": \{"web": 6,'
ok "... and where they were" stick

echo "# the next version of it"
pid=$(parent)
ask_all_the_while &
sleep 1
ok "dpkg -i" old_package "$packages"/next/libapache2-mod-servoy-balancer_*.deb
sleep 2
rm /tmp/asking
wait
ok "a graceful restart: the parent is the same" same "$(parent)" "$pid"
ok "nobody was refused meanwhile" same "$(wc -l </tmp/failures)" 0
ok "the node is still drained" answers '/manager?format=json' "$state"
ok "the clients are still known" answers '/manager?format=json' '"clients": \{"web": 6,'
ok "... and where they were" stick

echo "# the second module"
ok "dpkg -i" old_package "$packages"/next/libapache2-mod-servoy-redis_*.deb
ok "it is switched on" a2query -m servoy_redis
ok "httpd has it" sh -c 'apache2ctl -M | grep -q servoy_redis_module'
ok "dpkg -r" dpkg -r libapache2-mod-servoy-redis
ok "it is off" sh -c '! a2query -m servoy_redis'
ok "dpkg -P" dpkg -P libapache2-mod-servoy-redis

echo "# switched off by an administrator"
a2dissite -q nodes >/dev/null
a2dismod -q servoy_balancer >/dev/null
ok "dpkg -i" old_package "$packages"/next/libapache2-mod-servoy-balancer_*.deb
ok "it stays off" sh -c '! a2query -m servoy_balancer'
a2enmod -q servoy_balancer >/dev/null

echo "# removed, purged, installed where nothing was, and purged"
: >/var/lib/apache2/servoy_balancer.state.1
ok "dpkg -r" dpkg -r libapache2-mod-servoy-balancer
ok "it is off" sh -c '! a2query -m servoy_balancer'
ok "httpd goes on" apache2ctl configtest
ok "state stays" test -e /var/lib/apache2/servoy_balancer.state.1
ok "dpkg -P" dpkg -P libapache2-mod-servoy-balancer
ok "state is gone" no_file /var/lib/apache2/servoy_balancer.state*
ok "dpkg -i" dpkg -i "$first"
ok "it is switched on, with what it needs" a2query -m servoy_balancer proxy_balancer slotmem_shm
ok "the manager of servoy_balancer.conf" sh -c \
    'for _ in $(seq 100); do curl -sf http://127.0.0.1/servoy-manager && exit; sleep 0.1; done; false'
ok "its state is in its place" sh -c \
    'for _ in $(seq 100); do ls /var/lib/apache2/servoy_balancer.state.* && exit; sleep 0.1; done; false'
ok "a manual" test -s /usr/share/man/man8/mod_servoy_balancer.8.gz
ok "a handbook" test -s /usr/share/man/man7/servoy-operation.7.gz
ok "dpkg -P" dpkg -P libapache2-mod-servoy-balancer
apache2ctl stop
rm -f /etc/apache2/sites-available/nodes.conf
a2dismod -q -f lbmethod_byrequests proxy_balancer proxy_ajp proxy_http proxy slotmem_shm headers unique_id >/dev/null
files | grep -v '^/var/lib/apache2/module/disabled_by_admin' >/tmp/after
rm -rf /usr/local/share/doc/mod_servoy_balancer
ok "nothing is left" sh -c \
    'diff /tmp/before /tmp/after | grep "^>" | grep -i servoy && exit 1 || exit 0'
echo "1..$number"
exit $failed
