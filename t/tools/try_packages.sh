#!/bin/sh
# Try the Debian packages: make them on a release, and install, upgrade (from 0.1.0, and to
# a next version), remove and purge them there, with an httpd that runs and has users. Called
# by: make -f Makefile.apxs try-packages
#
#   RELEASES   code names (bookworm trixie)
#   OLD        the commit that was 0.1.0
#
# In throw-away roots (roots.sh). What was printed is in .build/packages/.
set -eu

RELEASES=${RELEASES:-bookworm trixie}
OLD=${OLD:-10925a6}
out=.build/packages

# shellcheck source=t/tools/roots.sh
. t/tools/roots.sh
roots_begin
mkdir -p "$out"
git archive --format=tar.gz -o "$out/old.tar.gz" "$OLD"

# The packages, their module as it is in them, and the same with a higher version.
# shellcheck disable=SC2016 # for the other shell
build='
    set -e
    make -f Makefile.apxs deb
    cd .build/deb
    lintian --fail-on error,warning *.changes || echo "lintian: FAILED"
    mkdir next
    for deb in libapache2-mod-servoy-balancer_*.deb libapache2-mod-servoy-redis_*.deb; do
        dpkg-deb -R "$deb" tree
        sed -i "s/0\.1\.0+1-1/0.1.0+1-2/" tree/DEBIAN/control
        dpkg-deb -b tree "next/${deb%%_*}_next.deb"
        case $deb in *balancer_*) cp tree/usr/lib/apache2/modules/mod_servoy_balancer.so . ;; esac
        rm -rf tree
    done
    cd /src
    sh t/tools/packages_in_root.sh .build/packages/old.tar.gz .build/deb'

all=0
for release in $RELEASES; do
    log=$out/$release.log
    # shellcheck disable=SC2046 # a list of words, as meant
    root_make "packages-$release" "$release" $(t/tools/packages.sh list deb "$release") \
        apache2 curl iproute2 lintian >"$out/$release-root.log" 2>&1 &&
        ROOT_FILES=$out/old.tar.gz root_run "packages-$release" sh -c "$build" >"$log" 2>&1 ||
        all=1
    echo "$release: $(grep -c '^ok' "$log") ok, $(grep -c '^not ok' "$log" || true) not;" \
        "lintian: $(grep -c '^[EW]:' "$log" || true) errors and warnings (see $log)"
done
exit $all
