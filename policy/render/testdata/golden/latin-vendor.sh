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
  "$aws" iam put-role-policy --role-name 'VTKWorker' --policy-name rolecall --policy-document "file://$work/worker.json"
  say 'set up the role arn:aws:iam::873682911326:role/VTKWorker'
fi

[ $found = yes ] || { say "nothing here is for account $account; it is for 873682911326" >&2; exit 1; }
