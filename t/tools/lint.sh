#!/bin/sh
# What the compilers and analysers have to say about the tree, warnings as
# errors. Called by: make -f Makefile.apxs lint
# shellcheck disable=SC2317 # the functions are called by step
set -eu

failed=0
step() {
    name=$1; shift
    if "$@" >"$log" 2>&1; then
        echo "lint: $name: ok"
    else
        echo "lint: $name: FAILED"
        cat "$log"
        failed=1
    fi
}

# What has other opinions in each version is asked where it is the one that the tree is
# held to, Debian 12's.
step_by() { # TOOL VERSION NAME COMMAND...
    if "$1" --version 2>/dev/null | grep -Eq " $2(\.|\$)"; then
        shift 2
        step "$@"
    else
        echo "lint: $3: left out (it takes $1 $2)"
    fi
}

log=$(mktemp)
trap 'rm -f "$log"' EXIT
eval "$($SELF -s lint-list)"

one_symbol() {
    for module in $MODULE $REDIS_MODULE; do
        wanted=${module##*/mod_}
        symbols=$(nm -D --defined-only "$module" | awk '{ print $3 }')
        [ "$symbols" = "${wanted%.so}_module" ] || {
            echo "$module exports: $symbols"; return 1; }
    done
}

# Pure files are compiled with APR's include flags alone, so httpd's headers are
# not found; that they are not asked for is checked here all the same.
pure_is_pure() {
    ! find src -name '*.[ch]' ! -name 'mod_*' -exec \
        grep -nE '#include [<"](httpd|http_|ap_|util_|mod_|scoreboard)' {} +
}

# A file includes only what lies below it in the house.
layers() {
    t/tools/layers.pl
}

# Each log id is used once, and README tells of all that matter.
log_ids() {
    t/tools/log_ids.pl
}

formatted() {
    # shellcheck disable=SC2086
    clang-format --dry-run --Werror $ALL_C $ALL_H
}

run_cppcheck() {
    # shellcheck disable=SC2086
    cppcheck --quiet --error-exitcode=1 --std=c11 --inline-suppr \
        --enable=warning,portability,performance \
        --suppress=missingInclude --suppress=missingIncludeSystem \
        --suppress=unknownMacro --suppress=preprocessorErrorDirective \
        -Isrc -I. -I"$B/embed" $PURE $GLUE $REDIS_SRC
}

run_clang_tidy() {
    # shellcheck disable=SC2086
    printf '%s\n' $PURE $GLUE $REDIS_SRC | xargs -P "$(nproc)" -I FILE clang-tidy --quiet --warnings-as-errors='*' \
        --checks='-*,clang-analyzer-*,-clang-analyzer-security.insecureAPI.*,bugprone-*,-bugprone-easily-swappable-parameters,-bugprone-macro-parentheses,-bugprone-reserved-identifier,-bugprone-narrowing-conversions,-bugprone-suspicious-include,-clang-analyzer-optin.performance.Padding,-bugprone-assignment-in-if-condition,-bugprone-suspicious-string-compare,-bugprone-sizeof-expression,-bugprone-implicit-widening-of-multiplication-result' \
        FILE -- $REDIS_CFLAGS
}

scripts() {
    shellcheck -x -S warning t/tools/*.sh t/node/*.sh conf/*.sh .ci/run
}

perl_compiles() {
    for file in t/*.t t/*.pl t/bench/*.pl t/lib/SVB/*.pm t/tools/*.pl src/ctl/*[!0-9]; do
        [ ! -e "$file" ] || perl -It/lib -wc "$file" || return 1
    done
}

manuals() {
    mandoc -T lint -W warning src/ctl/*.8 && podchecker -warnings -warnings conf/man/*.pod
}

step "gcc" $SELF -s lint-gcc
step "clang" $SELF -s lint-clang
step "one exported symbol" one_symbol
step "pure parts" pure_is_pure
step "layers" layers
step "tools" $SELF -s tools
step "benches and fuzzers" $SELF -s programs
step "log ids" log_ids
step_by clang-format 14 "format" formatted
step_by cppcheck 2.10 "cppcheck" run_cppcheck
step_by clang-tidy 14 "clang-tidy" run_clang_tidy
step "shell scripts" scripts
step "perl" perl_compiles
step "manuals" manuals
exit $failed
