#!/usr/bin/env bash
# test.sh - builds and runs the tests; the last line is "N passed, N failed, N skipped".
#
#   ./scripts/test.sh [--sanitize] [--interop] [--long] [--only unit|e2e|sql|…] [-k PATTERN]
#
# default: tidy's own tests, unit, wire, fuzz corpora, sql, e2e with real clients, crash. --interop: clients and servers that take minutes
# to install. --long: the long forms of crash tests. --sanitize: the same with address and undefined-behaviour sanitizers.
set -uo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

sanitize=false interop=false long=false only='' pattern=''
while [ $# -gt 0 ]; do
    case "$1" in
        --sanitize) sanitize=true ;;
        --interop) interop=true ;;
        --long) long=true ;;
        --only) only=$2; shift ;;
        -k) pattern=$2; shift ;;
        -h|--help) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 0 ;;
        *) printf 'error: unknown option %s\n' "$1" >&2; exit 2 ;;
    esac
    shift
done

readarray -t packages < <(build_packages)
install_packages "${packages[@]}" libcmocka-dev python3-venv
fetch_pins

dir=build-test
options=(--buildtype=debugoptimized -Dtests=true)
if [ "$sanitize" = true ]; then
    dir=build-sanitize
    options+=(-Db_sanitize=address,undefined -Db_lundef=false)
    export ASAN_OPTIONS=detect_leaks=0:abort_on_error=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
fi
say "building $dir"
build "$dir" "${options[@]}"

passed=0 failed=0 skipped=0
add() { passed=$((passed + $1)); failed=$((failed + $2)); skipped=$((skipped + $3)); }
wants() { [ -z "$only" ] || [ "$only" = "$1" ]; }

if wants unit; then
    say "unit, wire and fuzz corpora"
    meson test -C "$dir" --no-rebuild --print-errorlogs ${pattern:+"$pattern"} || true
    log="$dir/meson-logs/testlog.json"
    read -r p f s < <(python3 - "$log" <<'P'
import json, sys
count = {'ok': 0, 'bad': 0, 'skip': 0}
for line in open(sys.argv[1]):
    result = json.loads(line)['result']
    count['ok' if result == 'OK' else 'skip' if result == 'SKIP' else 'bad'] += 1
print(count['ok'], count['bad'], count['skip'])
P
    ) || { p=0 f=1 s=0; }
    add "$p" "$f" "$s"
fi

python_tests() { # NAME, then pytest's arguments
    local name=$1 out=$dir/pytest-$1.xml limit=1200      # seconds: nothing may hang
    if [ "$long" = true ]; then limit=20000; fi
    shift
    say "$name"
    LAKEHOUSE_BUILD="$PWD/$dir" LAKEHOUSE_LONG=$long timeout -k 30 "$limit" .venv/bin/python -m pytest -q --junit-xml="$out" ${pattern:+-k "$pattern"} "$@"
    local status=$?
    [ "$status" = 5 ] && return
    read -r p f s < <(python3 - "$out" <<'P'
import sys, xml.etree.ElementTree as tree
suite = tree.parse(sys.argv[1]).getroot()
suite = suite if suite.tag == 'testsuite' else suite.find('testsuite')
n, bad, skip = int(suite.get('tests')), int(suite.get('failures')) + int(suite.get('errors')), int(suite.get('skipped'))
print(n - bad - skip, bad, skip)
P
    ) || { p=0 f=1 s=0; }
    add "$p" "$f" "$s"
    # A run that died without a failed test counts as one.
    if [ "$status" -gt 1 ] && [ "$f" = 0 ]; then add 0 1 0; fi
}

if [ -z "$only" ] || [ "$only" != unit ]; then
    [ -x .venv/bin/python ] || python3 -m venv .venv || die "python3 -m venv failed"
    if ! cmp -s tests/requirements.txt .venv/requirements.txt; then
        say "installing the tests' Python packages"
        .venv/bin/python -m pip install -q --disable-pip-version-check -r tests/requirements.txt || die "pip failed"
        cp tests/requirements.txt .venv/requirements.txt
    fi
    wants tools && python_tests tools tests/tools tests/compatibility
    wants sql && python_tests sql tests/sql
    wants e2e && python_tests e2e tests/e2e
    wants crash && python_tests crash tests/crash
    [ "$interop" = true ] && wants interop && python_tests interop tests/interop
fi

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
