#!/usr/bin/env bash
# demo.sh - real data: three million US flights and the airports, loaded once, and a query over both.
# Needs a running platform (LAKEHOUSE_SERVER, default http://127.0.0.1:8080). The data is npm's vega-datasets (BSD-3-Clause).
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

version=3.2.1
flights_sum=dbeb920c90f59b6ccaff823dcc3d08f25a97fa1ce128d93f40be4e931f5900b0
airports_sum=903c7169e6d558eefb95295fe2947ec8503135fbb855ea5c737cf4a90ea603ad
lakehouse=build/lakehouse

fetch() { # NAME SHA256
    check_sha256 "third_party/demo/$1" "$2" && return
    say "fetching vega-datasets $version: $1"
    fetch_npm vega-datasets "$version" "package/data/$1" "third_party/demo/$1" || die "the demo data could not be fetched"
    check_sha256 "third_party/demo/$1" "$2" || die "third_party/demo/$1: the checksum is not the pinned one"
}

rows_of() { $lakehouse sql --output-format CSV_UNQUOTED --execute "SELECT count(*) FROM demo.$1" 2>/dev/null || echo none; }

load() { # TABLE FILE ROWS [OPTION...]
    local table=$1 file=$2 rows=$3 have
    shift 3
    have=$(rows_of "$table")
    if [ "$have" = "$rows" ]; then
        say "demo.$table is there already ($rows rows)"
    elif [ "$have" = none ]; then
        $lakehouse import "third_party/demo/$file" --table "demo.$table" "$@"
    else
        say "demo.$table has $have rows and is left as it is"
    fi
}

fetch flights-3m.parquet "$flights_sum"
fetch airports.csv "$airports_sum"
load flights flights-3m.parquet 3000000 --partitioned-by 'month(date)'
load airports airports.csv 3376

say "flights by state of origin"
$lakehouse sql --catalog iceberg --schema demo --output-format ALIGNED --execute "
SELECT a.state, count(*) AS flights, round(avg(f.delay), 1) AS avg_delay_min, sum(f.distance) AS miles
FROM flights f JOIN airports a ON f.origin = a.iata
GROUP BY a.state ORDER BY flights DESC LIMIT 10"
