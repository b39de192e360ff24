#!/bin/sh
# Compares the policy evaluator with @cloud-copilot/iam-simulate on random
# cases: run.sh [CASES [SEED]]. The peer is AGPL-3.0; it is installed in a
# temporary directory and runs as its own process, and nothing of it is kept.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --no-save --prefix "$work" @cloud-copilot/iam-simulate@0.1.173
(cd "$root" && go build -o "$work/interop" ./bench/interop && go build -o "$work/rolecall" ./cmd/rolecall)
./interop generate -n "${1:-5000}" -seed "${2:-1}" >cases
# rate NAME COMMAND…: runs it on the cases, and prints how many it decides a
# second: as a whole process, the reading of JSON and of policies included.
rate() {
	name=$1
	shift
	begun=$(date +%s%N)
	"$@" <cases
	echo "$name: $(($(wc -l <cases) * 1000000000 / ($(date +%s%N) - begun))) lines a second" >&2
}
rate rolecall ./rolecall policy simulate - >ours
rate iam-simulate node "$here/simulate.mjs" >theirs
./interop compare cases ours theirs
