#!/bin/sh
# Fetches what the tests of the manager's page need from the npm registry: npm.sh <outdir>
#
#   outdir/playwright-core/     drives Debian's Chromium
#   outdir/axe-core/            looks for what keeps people out of a page
#
# Each is one package without dependencies, of which only that version is taken that
# has the bytes it had here: npm itself is not needed. Does nothing where they are
# there. Several may run at once.
set -eu

out=${1:?usage: npm.sh outdir}
mkdir -p "$out"

exec 9>"$out/.lock"
flock 9

# Name, version, SHA-512 of the archive.
fetch() {
    [ "$(cat "$out/$1/.taken" 2>/dev/null)" != "$2 $3" ] || return 0
    echo "Fetching $1 $2"
    curl --silent --show-error --fail --location --retry 3 --max-time 300 \
        --output "$out/$1.tgz" "https://registry.npmjs.org/$1/-/$1-$2.tgz"
    sum=$(openssl dgst -sha512 -binary "$out/$1.tgz" | base64 -w 0)
    if [ "$sum" != "$3" ]; then
        echo "$1 $2 is not what it was: its SHA-512 is $sum" >&2
        return 1
    fi
    rm -rf "${out:?}/$1" "$out/package"
    tar -xzf "$out/$1.tgz" -C "$out" --no-same-owner
    mv "$out/package" "$out/$1"
    rm "$out/$1.tgz"
    echo "$2 $3" >"$out/$1/.taken"
}

# The last playwright-core that runs on Debian 12's node.
fetch playwright-core 1.61.1 \
    h7Qlt6m4REp25qvIdvbDtVmD4LqVXfpRxhORv9L0jzETM05p4fuPJ3dKyuSXQxDSbXnmS79HAgi9589lGSpLkg==
fetch axe-core 4.11.1 \
    BASOg+YwO2C+346x3LZOeoovTIoTrRqEsqMa6fmfAV0P+U9mFr9NsyOEpiYvFjbc64NMrSswhV50WdXzdb/Z5A==
