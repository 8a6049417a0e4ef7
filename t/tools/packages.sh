#!/bin/sh
# Install the Debian packages that building, the demo or the tests need, where
# some are missing. Usage: packages.sh demo|test
set -eu

common="gcc libc6-dev make perl curl apache2-bin apache2-dev
        libtomcat10-java default-jdk-headless redis-server libhiredis-dev"
tests="check pkg-config clang clang-format clang-tidy cppcheck libclang-rt-14-dev
       icedtea-netx openssl chromium nodejs shellcheck valgrind libfaketime wget
       mandoc haproxy nginx libapache2-mod-jk
       libjson-validator-perl prometheus"

case "${1:-}" in
    demo) want=$common ;;
    test) want="$common $tests" ;;
    *) echo "usage: $0 demo|test" >&2; exit 2 ;;
esac

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
$as_root apt-get update -qq
# shellcheck disable=SC2086 # a list of words, as meant
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
    --no-install-recommends $missing >/dev/null
