#!/bin/sh
# Generates a TypeScript client from the OpenAPI document, compiles a program
# that connects a customer with it, and runs that against rolecall serve.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
work=$(mktemp -d)
served=
trap '[ -z "$served" ] || { kill "$served"; wait "$served" || true; }; rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --no-save --prefix "$work" openapi-typescript@7.10.1 openapi-fetch@0.15.0 typescript@5.9.3 @types/node@22.19.1
cp "$here/connect.ts" .
echo '{"type": "module"}' >package.json
npx openapi-typescript "$root/internal/api/testdata/openapi.json" --output api.d.ts
npx tsc --strict --noUncheckedIndexedAccess --exactOptionalPropertyTypes --target es2022 --module nodenext --types node connect.ts

(cd "$root" && go build -o "$work/rolecall" ./cmd/rolecall)
cat >rolecall.yaml <<YAML
principals: {production: {arn: "arn:aws:iam::999988887777:role/worker", default: true, credentials: {source: environment}}}
endpoints: {sts: "http://127.0.0.1:1", s3: "http://127.0.0.1:1"}
network: {allow: [127.0.0.0/8]}
YAML
mkfifo url
./rolecall serve --listen 127.0.0.1:0 >url &
served=$!
read -r url <url
said=$(node connect.js "$url" "$(./rolecall token create --operator)")
echo "$said"
# What it prints: the check ran, and failed, since nothing is at the endpoints.
[ "$said" = "pending 1 true fail 18" ]
