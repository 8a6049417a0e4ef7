#!/bin/sh
# Install the Debian packages that building, the demo or the tests need, where
# some are missing. Usage: packages.sh demo|test|deb
#                          packages.sh list demo|test|platform [release]
# The second prints names only, as the release has them whose code name is given;
# platform: what platforms.sh needs there.
set -eu

release_here() {
    # shellcheck disable=SC1091 # not the business of who checks this
    [ ! -r /etc/os-release ] || (. /etc/os-release; echo "${VERSION_CODENAME:-}")
}

list=
if [ "${1:-}" = list ]; then
    list=yes
    shift
fi
release=${2:-$(release_here)}

# What has another name in each release: LLVM's fuzzer and sanitizers for its default
# clang. The nodes need Java 17, and a Tomcat 10, which Debian 11 has not.
tomcat=libtomcat10-java
java=default-jdk-headless
case $release in
    bullseye) runtime=libclang-common-11-dev java=openjdk-17-jdk-headless tomcat= ;;
    bookworm) runtime=libclang-rt-14-dev ;;
    trixie) runtime=libclang-rt-19-dev ;;
    *) runtime=libclang-rt-21-dev ;;
esac

common="gcc libc6-dev make perl curl apache2-bin apache2-dev
        $tomcat $java redis-server libhiredis-dev"
tests="ca-certificates check pkg-config clang clang-format clang-tidy cppcheck $runtime
       icedtea-netx openssl chromium nodejs shellcheck valgrind libfaketime wget
       mandoc haproxy nginx libapache2-mod-jk
       libjson-validator-perl prometheus"
platform="libjson-validator-perl check pkg-config clang openssl iproute2 util-linux"

case "${1:-}" in
    demo) want=$common ;;
    test) want="$common $tests" ;;
    deb) want="build-essential debhelper apache2-dev libhiredis-dev libssl-dev pkg-config" ;;
    platform) want="$common $platform" ;;
    *) echo "usage: $0 [list] demo|test|deb" >&2; exit 2 ;;
esac
if [ "$list" ]; then
    # shellcheck disable=SC2086 # a list of words, as meant
    echo $want
    exit 0
fi
if [ -z "$tomcat" ] && [ "$1" != deb ]; then
    echo "The nodes of the demo and the tests need Tomcat 10, which this release of" \
        "Debian does not have. The module can be built and installed." >&2
    exit 1
fi

missing=
for package in $want; do
    state=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
    as_root=
elif command -v sudo >/dev/null; then
    as_root=sudo
else
    echo "These packages are missing, and there is neither root nor sudo:$missing" >&2
    exit 1
fi
echo "Installing:$missing"
# Daemons that come along are not started now: tests start their own.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap '$as_root rm -f "$policy"' EXIT
    trap 'exit 1' INT TERM HUP
    printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
    $as_root chmod 755 "$policy"
fi
$as_root apt-get update -qq
# shellcheck disable=SC2086 # a list of words, as meant
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
    --no-install-recommends $missing >/dev/null
