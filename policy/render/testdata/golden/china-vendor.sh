#!/bin/sh
# Lets the vendor's workers assume customers' roles, with the aws command line.
#
# Run it with an administrator's credentials of each account named here. It does what belongs to the account
# it finds itself in, and may be run again:
# 873682911326 gets the policy of the worker arn:aws-cn:iam::873682911326:role/VTKWorker
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

# merge.jq is how statements of ours are put into a policy.
cat > "$work/merge.jq" << 'JQ'
# Puts the statements of the document $ours into the policy that is read, each in
# the place of the one that is there already. $gone are the Sids of statements that
# were ours and grant what the connection does not ask for any more. All else stays.
($ours.Statement | [.] | flatten) as $new |
def words: [.] | flatten | map(strings);
def one: if length == 1 then .[0] else . end;
def distinct: reduce .[] as $x ([]; if any(.[]; . == $x) then . else . + [$x] end);
def like($pattern; $case): . as $text | $pattern | gsub("(?<c>[][(){}.^$|+\\\\])"; "\\\(.c)") | gsub("[*]"; ".*") | gsub("[?]"; ".") | . as $p | $text | test("^" + $p + "$"; $case);
def meets($these; $those; $case): any($these[]; . as $x | any($those[]; . as $y | ($x | like($y; $case)) or ($y | like($x; $case))));

# What a condition says, its values as a list.
def positive: test("not|null"; "i") | not;
def conditions: [.Condition // {} | to_entries[] | .key as $operator | .value | to_entries[] | {operator: $operator, key: (.key | ascii_downcase), values: (.value | words)}];

# Whom a statement is about: the callers that a condition names, else its principals.
def arns: [conditions[] | select(.key == "aws:principalarn" and (.operator | positive)) | .values[]];
def callers: arns as $arns | if $arns != [] then $arns else .Principal | if type == "object" then .AWS else . end | words end;
def account: if test("^[0-9]{12}$") then . else split(":")[4] // empty end;
def whole: test("^[0-9]{12}$|:root$");
def deleted: test("^A[A-Z]{3}[A-Z0-9]{12,}$");

# Those of them whom the statement of ours takes care of, everyone and a whole account of the vendor among them.
def mine($ours): [callers[] | select(. == "*" or deleted or IN($ours | callers[]) or $ours.Resource == null and whole and (account | IN($ours | callers[] | account)))];

# What the statement says of others; nothing where it is about none.
def theirs($ours): mine($ours) as $mine | if .Principal == null then empty elif callers - $mine == [] then
      if .Principal | type == "object" and length > 1 then del(.Principal.AWS) else empty end
    elif arns == [] then .Principal.AWS = (callers - $mine | one)
    else .Condition |= with_entries(if .key | positive then .value |= with_entries(if .key | ascii_downcase == "aws:principalarn" then .value |= (words - $mine | one) else . end) else . end) end;

def named($sid): . == $sid or startswith($sid) and (.[($sid | length):] | test("^[0-9]+$"));

# Whether a statement is there for one of ours: it is about the same callers and has its Sid, with a number where another
# one had that, or the Sid that ours had without a digest and is about nothing else.
def is($ours): .Effect == $ours.Effect and .NotAction == null and .NotResource == null and (.Sid | type) == "string" and ($ours.Principal == null or mine($ours) != []) and (.Sid as $sid |
  ($sid | named($ours.Sid)) or ($sid | test("^Rolecall.")) and ($ours.Sid | startswith($sid)) and (.Resource | words | sort) == ($ours.Resource | words | sort) and callers - mine($ours) == []);

# The conditions that others added to a statement: those on keys that ours have no say in, and what narrows an Allow.
def added($ours): (($ours | [conditions[].key]) + ["sts:externalid", "aws:principalarn", "aws:principalaccount", "kms:calleraccount", "s3:prefix", "kms:viaservice",
    "kms:encryptioncontext:aws:s3:arn", "s3:x-amz-server-side-encryption", "s3:x-amz-server-side-encryption-aws-kms-key-id"]) as $said
  | .Condition // {} | with_entries(.key as $operator | .value |= with_entries(select((.key | ascii_downcase | IN($said[]) | not) or $ours.Effect == "Allow" and ($operator | positive | not))))
  | with_entries(select(.value != {}));
def limit($conditions): reduce ($conditions | to_entries[]) as $o (.; reduce ($o.value | to_entries[]) as $c (.;
    .Condition[$o.key][$c.key] |= if . == null then $c.value else [., $c.value] | flatten | distinct | one end));

# What of them is of S3 and none of the actions ever has limits none: AWS does not store it with them.
def limiting($ours): ($ours.Action | words | map(ascii_downcase)) as $actions | def of($form): any($actions[]; test($form));
  with_entries(.value |= with_entries(select(.key | ascii_downcase |
    if test("^s3:(x-amz-(?!content)|requestobjecttag|object-lock-|if-|objectcreationoperation)") then of("^s3:putobject(acl)?$")
    elif test("^s3:existingobjecttag") then of("^s3:(getobject(version)?|(get|put|delete)object(version)?(tagging|acl))$")
    elif test("^s3:versionid") then of("version")
    elif test("^s3:(delimiter|max-keys)") then of("^s3:listbucket$") else true end))) | with_entries(select(.value != {}));

# What others added to a statement of ours stays: in it, where it reaches no further there than it did, else
# beside it: their actions on what these were for, and the resources of another bucket.
def place: split(":") as $part | if $part[2] == "iam" then . else [$part[2], $part[4], ($part[5:] | join(":") | split("/")[0])] end;
def actions($ours): [.Action | words[] | select((ascii_downcase | IN($ours.Action | words[] | ascii_downcase)) or ($ours.Sid | startswith("RolecallKey")) and ascii_downcase == "kms:generatedatakey" | not)];
def resources($ours): [.Resource | words[] | select((place | IN($ours.Resource | words[] | place)) or $ours.Effect == "Allow" and test("^arn:[^:]*:iam:.*[*]") | not)];
def within($ours): $ours.Effect != "Allow" or (.Resource | words | sort) == ($ours.Resource | words | sort);
def joined($ours): $ours.Effect != "Allow" or any($ours.Resource | words[]; test("^arn:[^:]*:iam:"));
def keep($there; $ours): .
  | if $there | within($ours) then .Action = ((.Action | words) + ($there | actions($ours)) | distinct | one) else . end
  | if $ours.Resource != null and ($there | joined($ours)) then .Resource = ((.Resource | words) + ($there | resources($ours)) | distinct | one) else . end
  | limit($there | added($ours));
def beside($ours): . as $there | $ours | del(.Sid) | limit($there | added($ours)) |
  (($there | actions($ours)) as $a | if $a == [] or ($there | within($ours)) then empty else .Action = ($a | one) | .Resource = $there.Resource end),
  (($there | resources($ours)) as $r | if $r == [] or ($there | joined($ours)) or $ours.Resource == null then empty else .Action = $there.Action | .Resource = ($r | one) end);

# The Allows of others for the same callers, actions and resources: their conditions are limits that a new one of ours has, too.
def accounts: [callers[] | account];
def same($ours): .Effect == "Allow" and $ours.Effect == "Allow"
  and ([conditions[] | select((.key | IN("aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid", "aws:sourceorgpaths", "aws:principalisawsservice", "aws:principalservicename",
      "aws:principalservicenameslist", "s3:dataaccesspointarn", "s3:dataaccesspointaccount", "s3:accesspointnetworkorigin", "kms:grantisforawsresource"))
    or (.key | IN("aws:principalaccount", "kms:calleraccount")) and (.operator | positive) and .values - ($ours | accounts) == .values)] == [])
  and (if $ours.Principal == null then .Principal == null and .NotPrincipal == null else
      any(callers[]; . as $c | $c == "*" or any($ours | callers[]; like($c; "")) or whole and (account | IN($ours | accounts[])))
      and ($ours.Resource != null or (callers | index("*") | not) or any(conditions[]; .key == "sts:externalid") or (any(conditions[]; .key | test("^aws:principalorg")) | not)) end)
  and (if .NotAction then .NotAction as $not | any($ours.Action | words[]; . as $a | any($not | words[]; . as $n | $a | like($n; "i")) | not) else meets(.Action | words; $ours.Action | words; "i") end)
  and ($ours.Resource == null or .NotResource != null or meets(.Resource | words; $ours.Resource | words; ""));

# A policy is not stored with identities that were deleted, nor with a Sid twice.
def stored: if (.Principal | type) != "object" or any(.Principal.AWS | words[]; deleted) == false then . else
    .Principal.AWS |= (words | map(select(deleted | not)) | one) | if .Principal.AWS != [] then . elif (.Principal | length) > 1 then del(.Principal.AWS) else empty end end;
def free($taken): if .Sid | IN($taken[]) then .Sid as $sid | .Sid = first(range(2; 1000) | $sid + tostring | select(IN($taken[]) | not)) else . end;

# What is withdrawn stays for the callers and the resources that others added.
def withdrawn: if .Principal != null then theirs($new[0]) else ((.Resource | words) - [.Resource | words[] | select(place | IN($new[] | .Resource | words[] | place))]) as $more
  | if $more != [] then .Resource = ($more | one) else empty end end;

([.Statement] | flatten | map(select(. != null))) as $there |
[$there[] | . as $s | first(($new[] | . as $n | select($s | is($n))), null) as $of |
  if $of != null then (theirs($of) | del(.Sid)), beside($of) elif .Effect == "Allow" and (.Sid | type == "string" and (. as $sid | any($gone[]; . as $g | $sid | named($g)))) then withdrawn else . end | stored] as $others |
.Version = (if .Version != "2012-10-17" and ($there | tostring | contains("${")) then .Version // "2008-10-17" else "2012-10-17" end) |
.Statement = $others + reduce $new[] as $n ([]; . as $done | [$there[] | select(is($n))] as $have |
  $done + [$n | (if $have != [] then reduce $have[] as $h (.; keep($h; $n)) else reduce ($others[] | select(same($n))) as $o (.; limit($o | added($n) | limiting($n))) end)
    | free([$others[].Sid] + [$done[].Sid])])
JQ

# fetch writes what a call of aws prints into a file; no statements where the call fails with the code.
fetch() {
  code=$1
  shift
  "$aws" "$@" > "$work/there.json" 2> "$work/error" && return
  fails "$code"
  echo '{"Statement": []}' > "$work/there.json"
}

# merge FILE GONE puts the statements of a file into the policy that was fetched, in place of those that are there by
# their Sids, takes out those whose Sids are gone, a list, and shows the difference. All else stays.
merge() {
  jq --ascii-output --argjson ours "$(cat "$1")" --argjson gone "$2" -f "$work/merge.jq" "$work/there.json" > "$work/merged.json"
  jq --ascii-output . "$work/there.json" | diff -u - "$work/merged.json" || [ $? = 1 ]
}

# inline merges a file into the inline policy with the name: inline role ROLE NAME FILE GONE, or inline user USER NAME FILE GONE.
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
      "Resource": "arn:aws-cn:iam::*:role/*"
    },
    {
      "Sid": "RolecallNotOurs",
      "Effect": "Deny",
      "Action": "sts:AssumeRole",
      "Resource": "arn:aws-cn:iam::873682911326:role/*"
    }
  ]
}
JSON

if [ "$account" = '873682911326' ]; then
  found=yes
  inline role 'VTKWorker' rolecall "$work/worker.json" '[]'
  say 'set up the role arn:aws-cn:iam::873682911326:role/VTKWorker'
fi

[ $found = yes ] || { say "nothing here is for account $account; it is for 873682911326" >&2; exit 1; }
