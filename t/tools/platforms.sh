#!/bin/sh
# Build the module on releases of Debian, with each compiler, and run the unit tests
# and some server tests there. Called by: make -f Makefile.apxs platforms
#
#   RELEASES   code names, and COMPILERS, of whose builds the first is served
#   SERVED     the server tests
#
# In throw-away roots (roots.sh), each of 1.3 GB. Everything that was printed is in
# .build/platforms/. It ends with 0 when all has passed and nobody has warned.
set -eu

RELEASES=${RELEASES:-bullseye bookworm trixie sid}
COMPILERS=${COMPILERS:-gcc clang}
SERVED=${SERVED-t/100-routing.t t/110-config.t t/120-launch.t t/123-rewrite.t t/142-build.t
    t/202-persist.t t/300-maintenance.t}
logs=.build/platforms

# shellcheck source=t/tools/roots.sh
. t/tools/roots.sh
roots_begin
mkdir -p "$logs"

# Jars are the same everywhere, and those of the next release do in Debian 11.
make_root() {
    # shellcheck disable=SC2046 # a list of words, as meant
    root_make "$1" "$1" $(t/tools/packages.sh list platform "$1") || return 1
    [ "$1" = bullseye ] || return 0
    [ ! -e "$ROOTS/$1/usr/share/java/tomcat10-catalina.jar" ] || return 0
    # shellcheck disable=SC2046 # likewise
    root_make bookworm bookworm $(t/tools/packages.sh list platform bookworm) || return 1
    mkdir -p "$ROOTS/$1/usr/share/java"
    cp -L "$ROOTS"/bookworm/usr/share/java/tomcat10-*.jar "$ROOTS/$1/usr/share/java/"
}

# What is there, in the root.
versions='
    echo "httpd $(apache2 -v | sed -n "s/.*Apache.\([0-9.]*\).*/\1/p")," \
        "gcc $(gcc -dumpfullversion), clang $(clang -dumpversion)," \
        "expat $(pkg-config --modversion expat), hiredis $(pkg-config --modversion hiredis)," \
        "$(openssl version | cut -d" " -f1,2)," \
        "curl $(curl --version | sed -n "1s/curl \([0-9.]*\).*/\1/p")," \
        "Java $(java --version | sed -n "1s/[^0-9]*\([0-9.]*\).*/\1/p")"'

# Build everything and run the unit tests; and, where told to, the server tests.
build_and_test='
    status=0
    make -f Makefile.apxs -j"$(nproc)" CC="$1" all unit node || exit 1
    find .build/unit -name "check_*" ! -name "*.d" -type f | sort >units
    echo "== unit tests"
    prove -j"$(nproc)" $(cat units) || status=1
    if [ "$2" ]; then
        echo "== server tests"
        prove -It/lib $2 || status=1
    fi
    exit $status'

# What came of a test run, from its closing lines.
outcome() {
    sed -n "/^== $1 tests/,/^== /p" "$2" | awk '
        /^Files=/ { files = substr($1, 7) + 0; tests = substr($2, 7) + 0 }
        /^Result: / { result = $2 }
        END { if (result) printf "%s (%d files, %d tests)", result, files, tests
              else printf "-" }'
}

all=0
try() {
    release=$1 cc=$2 served=$3
    log=$logs/$release-$cc.log
    status=0
    root_run "$release" sh -c "$build_and_test" - "$cc" "$served" >"$log" 2>&1 || status=$?
    warnings=$(grep -c ' warning: \|warning generated' "$log" || true)
    printf '   %-6s %3d warnings   unit tests: %s   server tests: %s%s\n' "$cc" "$warnings" \
        "$(outcome unit "$log")" "$(outcome server "$log")" \
        "$([ "$status" = 0 ] || echo "   FAILED, see $log")"
    [ "$status$warnings" = 00 ] || all=1
}

for release in $RELEASES; do
    make_root "$release" >"$logs/$release-root.log" 2>&1 || {
        echo "$release: no root, see $logs/$release-root.log"
        all=1
        continue
    }
    # shellcheck disable=SC2046 # a list of words, as meant
    echo "$release:" $(root_run "$release" sh -c "$versions")
    served=$SERVED
    for cc in $COMPILERS; do
        # shellcheck disable=SC2086 # likewise
        try "$release" "$cc" "$(echo $served)"
        served=
    done
done
exit $all
