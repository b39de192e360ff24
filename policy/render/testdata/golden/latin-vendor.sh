#!/bin/sh
# Lets the vendor's workers assume customers' roles, with the aws command line.
#
# Run it with an administrator's credentials of each account named here. It does what belongs to the account
# it finds itself in, and may be run again:
# 873682911326 gets the policy of the worker arn:aws:iam::873682911326:role/VTKWorker
set -eu

aws="${AWS:-aws}" # another aws command may be given
export AWS_PAGER=
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
account=$("$aws" sts get-caller-identity --query Account --output text)

say() { printf '%s\n' "$*"; }

# fails ends the script unless the last call failed with the code.
fails() {
  grep -q "($1)" "$work/error" && return
  cat "$work/error" >&2
  exit 1
}

# fetch writes what a call of aws prints into a file; no statements where the call fails with the code.
fetch() {
  code=$1
  shift
  "$aws" "$@" > "$work/there.json" 2> "$work/error" && return
  fails "$code"
  echo '{"Statement": []}' > "$work/there.json"
}

# merge puts the statements of a file into the policy that was fetched, in place of those with their names and
# the suffix, and shows the difference. All other statements stay, and conditions that were added to these.
merge() {
  jq --ascii-output --slurpfile ours "$1" --arg suffix "$2" '
    ($ours[0].Statement | [.] | flatten | map(.Sid += $suffix)) as $new |
    def who: [(.Principal | [.. | strings | scan("[0-9]{12}|[*]")]), ((.Resource, .Condition.ArnEquals["aws:PrincipalArn"]) | [.. | strings])] | map(unique);
    def is($ours): .Effect == $ours.Effect and (.Sid == $ours.Sid or .Sid == ($ours.Sid // "" | sub("[0-9a-f]{8}$"; "")) and who == ($ours | who));
    def said: [.Condition // {} | .[] | keys[] | ascii_downcase] + ["sts:externalid", "aws:principalarn", "s3:prefix", "kms:viaservice",
      "kms:encryptioncontext:aws:s3:arn", "s3:x-amz-server-side-encryption", "s3:x-amz-server-side-encryption-aws-kms-key-id"];
    def added($said): .Condition // {} | map_values(with_entries(select(.key | ascii_downcase | IN($said[]) | not))) | with_entries(select(.value != {}));
    ([.Statement] | flatten | map(select(. != null))) as $there |
    .Version = (if .Version != "2012-10-17" and ($there | tostring | contains("${")) then .Version // "2008-10-17" else "2012-10-17" end) |
    .Statement = ($there | map(select(. as $s | any($new[]; . as $n | $s | is($n)) | not))) +
      ($new | map(. as $n | [$there[] | select(is($n)) | added($n | said)] as $kept |
        if any($kept[]; . != {}) then .Condition = reduce $kept[] as $k (.Condition // {}; $k * .) else . end))' "$work/there.json" > "$work/merged.json"
  jq --ascii-output . "$work/there.json" | diff -u - "$work/merged.json" || [ $? = 1 ]
}

# inline merges a file into the inline policy with the name: inline role ROLE NAME FILE SUFFIX, or inline user USER NAME FILE SUFFIX.
inline() {
  fetch NoSuchEntity iam "get-$1-policy" "--$1-name" "$2" --policy-name "$3" --query PolicyDocument --output json
  merge "$4" "$5"
  "$aws" iam "put-$1-policy" "--$1-name" "$2" --policy-name "$3" --policy-document "file://$work/merged.json"
}
command -v jq > /dev/null || { say "jq is missing; it puts statements into the policies that are there" >&2; exit 1; }

found=no

# RolecallAssume: lets workers ask for any customer's role, whose trust policy decides
# RolecallNotOurs: keeps customers from leading workers into the vendor's own roles
cat > "$work/worker.json" << 'JSON'
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "RolecallAssume",
      "Effect": "Allow",
      "Action": "sts:AssumeRole",
      "Resource": "arn:aws:iam::*:role/*"
    },
    {
      "Sid": "RolecallNotOurs",
      "Effect": "Deny",
      "Action": "sts:AssumeRole",
      "Resource": "arn:aws:iam::873682911326:role/*"
    }
  ]
}
JSON

if [ "$account" = '873682911326' ]; then
  found=yes
  inline role 'VTKWorker' rolecall "$work/worker.json" ''
  say 'set up the role arn:aws:iam::873682911326:role/VTKWorker'
fi

[ $found = yes ] || { say "nothing here is for account $account; it is for 873682911326" >&2; exit 1; }
