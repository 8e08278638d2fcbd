#!/usr/bin/env bash
# bootstrap.sh - from a fresh Debian 12 to a running lakehouse with data in it.
#
#   ./scripts/bootstrap.sh [--no-start] [--no-demo] [--data DIR]
#
# Installs what is missing, builds build/lakehouse, starts the platform in the background on DIR (default ./data), loads three million
# flights and the airports, and runs a query. Run again, it upgrades: rebuilds, restarts, keeps the data.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

start=true demo=true data=./data
usage() { sed -n '2,7s/^# \{0,1\}//p' "$0"; }
while [ $# -gt 0 ]; do
    case "$1" in
        --no-start) start=false ;;
        --no-demo) demo=false ;;
        --data) [ $# -gt 1 ] || die "--data needs a folder"; data=$2; shift ;;
        --data=*) data=${1#--data=} ;;
        -h|--help) usage; exit 0 ;;
        *) usage >&2; printf '\nerror: unknown option %s\n' "$1" >&2; exit 2 ;;
    esac
    shift
done

readarray -t packages < <(build_packages)
install_packages "${packages[@]}"
fetch_pins
say "building build/lakehouse"
build build --buildtype=release -Doptimization=2 -Dwerror=false -Dtests=false
build/lakehouse version >/dev/null || die "build/lakehouse does not run"
if [ "$start" = false ]; then
    say "built; start it with: build/lakehouse up"
    exit 0
fi

if build/lakehouse status --data "$data" >/dev/null 2>&1; then
    say "restarting on $data with the new build"
    build/lakehouse stop --data "$data" >/dev/null
fi
say "starting on $data"
build/lakehouse up --detach --data "$data"

query_url() { python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))["query"]["url"])' "$data/run/endpoints.json"; }
LAKEHOUSE_SERVER=$(query_url)
export LAKEHOUSE_SERVER
[ "$demo" = false ] || scripts/demo.sh
cat <<EOF

The SQL shell:         build/lakehouse sql
State of the roles:    build/lakehouse status --data $data
Storage's root keys:   $data/storage/root-credentials
Stop:                  build/lakehouse stop --data $data
EOF
