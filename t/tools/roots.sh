# shellcheck shell=sh
# Roots of Debian's releases to try things in, for the tools that include this: made once
# by mmdebstrap and kept in ROOTS (.build/roots), one folder each, to be removed for newer
# packages. What runs in one writes to a layer above it that is thrown away, and has
# processes, mounts and, unless it is to reach a mirror, a loopback of its own; neither
# files nor processes nor ports of this machine are touched.
#
# As root, on Debian, with mmdebstrap.

ROOTS=${ROOTS:-.build/roots}

roots_begin() {
    [ "$(id -u)" = 0 ] || { echo "$0: only root can make and enter roots" >&2; exit 1; }
    command -v mmdebstrap >/dev/null || { echo "$0: install mmdebstrap" >&2; exit 1; }
    mkdir -p "$ROOTS"
}

# root_make NAME RELEASE PACKAGE...: unless it is there. The packages come with no more
# than what they need.
#
# Debian 11 has all its packages in one place, the others' repairs are in a second one. A
# mirror that is behind is as good as any.
root_make() {
    root_name=$1 root_release=$2
    shift 2
    [ ! -e "$ROOTS/$root_name" ] || return 0
    include=$(echo "$*" | tr ' ' ,)
    mirror=http://deb.debian.org/debian
    set -- "deb $mirror $root_release main"
    case $root_release in
        bullseye | sid) ;;
        *) set -- "$@" "deb $mirror-security $root_release-security main" ;;
    esac
    rm -rf "$ROOTS/$root_name.new"
    # shellcheck disable=SC2016 # $1 is mmdebstrap's
    mmdebstrap --mode=root --variant=minbase --include="$include" \
        --aptopt='Acquire::Check-Valid-Until "false"' \
        --aptopt='APT::Install-Recommends "false"' \
        --customize-hook='echo "Acquire::Check-Valid-Until \"false\";" >"$1/etc/apt/apt.conf.d/80old"' \
        "$root_release" "$ROOTS/$root_name.new" "$@" || return 1
    mv "$ROOTS/$root_name.new" "$ROOTS/$root_name"
}

# root_run [--net] NAME COMMAND...: run a command in the folder /src, which is a copy of
# the tree's tracked files, and what ROOT_FILES names beside them.
root_run() {
    root_net=--net
    [ "$1" != --net ] || { root_net=; shift; }
    root_dir=$ROOTS/$1
    shift
    # shellcheck disable=SC2016,SC2086 # for the other shell; nothing, or one word
    unshare --mount --pid --fork --kill-child $root_net sh -c '
        set -eu
        root=$1 here=$2 net=$3; shift 3
        layer=$(mktemp -d)
        trap "umount -l \"$layer\"; rmdir \"$layer\"" EXIT
        mount -t tmpfs none "$layer"
        mkdir "$layer/up" "$layer/work" "$layer/root"
        mount -t overlay -o "lowerdir=$root,upperdir=$layer/up,workdir=$layer/work" none \
            "$layer/root"
        root=$layer/root
        mount -t proc none "$root/proc"
        mkdir -p "$root/dev/shm" "$root/dev/pts" "$root/src"
        mount -t tmpfs none "$root/dev/shm"
        mount -t devpts -o newinstance,ptmxmode=0666 none "$root/dev/pts"
        ln -sf pts/ptmx "$root/dev/ptmx"
        [ "$net" ] || cp /etc/resolv.conf "$root/etc/"
        cd "$here"
        git ls-files -z | xargs -0 cp --parents -t "$root/src"
        [ -z "${ROOT_FILES:-}" ] || cp -R --parents -t "$root/src" $ROOT_FILES
        chroot "$root" sh -c "
            [ -z \"\$1\" ] || ip link set lo up; shift; cd /src; exec \"\$@\"" - "$net" env -i \
            PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
            HOME=/root LC_ALL=C.UTF-8 "$@"
    ' - "$root_dir" "$(pwd)" "$root_net" "$@"
}
