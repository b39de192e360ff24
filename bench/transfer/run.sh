#!/bin/sh
# Measures transfers against their peers, on every server: run.sh [ROUNDS]
# [FLAGS…], where the flags are those of "transfer run". The peers' programs are
# those of `make peers`. Files go to BENCH_DIR, by default to memory: the disk
# is not what is measured.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
rounds=${1:-5}
[ $# -eq 0 ] || shift
dir=${BENCH_DIR:-/dev/shm}
[ -d "$dir" ] || dir=${TMPDIR:-/tmp}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$root" && go build -o "$work/transfer" ./bench/transfer)
PATH=$root/.bin/peers:$root/.bin:$PATH
echo "files are in $(stat -f -c %T "$dir")" >&2
for server in "null" "null -over-tls" "null -late 30ms -rate 83886080" "versitygw" "minio"; do
	# shellcheck disable=SC2086 # a server and its flags
	"$work/transfer" run -rounds "$rounds" -dir "$dir" -server $server "$@"
done
