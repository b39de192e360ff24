#!/bin/sh
# Sets up the delivery bucket globex-inbox for rolecall, with the aws command line.
#
# Run it with an administrator's credentials of each account named here. It does what belongs to the account
# it finds itself in, and may be run again:
# 111122223333 gets the role arn:aws:iam::111122223333:role/media, and the policy of the bucket's KMS key
#
# With CREATE_BUCKET=yes it makes the bucket, too, if there is none.
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

if [ "$account" = '111122223333' ]; then
  found=yes
  # RolecallAssume: lets the vendor's workers in, with this organization's external id only; names them as
  # principals, which AWS checks to exist; a worker role made anew is locked out: the form account outlives
  # that
  cat > "$work/trust.json" << 'JSON'
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "RolecallAssume",
      "Effect": "Allow",
      "Principal": {
        "AWS": "arn:aws:iam::873682911326:role/VTKWorker"
      },
      "Action": "sts:AssumeRole",
      "Condition": {
        "StringEquals": {
          "sts:ExternalId": "x-42"
        }
      }
    }
  ]
}
JSON
  # RolecallRead: reads objects, and asks for their size and checksum
  # RolecallWrite: delivers objects, large ones in parts; ends uploads that failed and goes on with those that
  # stopped
  # RolecallList: finds objects by pattern, and tells a missing object from a denied one; below the prefix
  # only
  # RolecallKey: encrypts what is delivered; S3 decrypts the parts of an upload to join them; only through S3,
  # for this bucket's objects
  cat > "$work/permissions.json" << 'JSON'
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "RolecallRead",
      "Effect": "Allow",
      "Action": "s3:GetObject",
      "Resource": "arn:aws:s3:::globex-inbox/out/*"
    },
    {
      "Sid": "RolecallWrite",
      "Effect": "Allow",
      "Action": [
        "s3:PutObject",
        "s3:AbortMultipartUpload",
        "s3:ListMultipartUploadParts"
      ],
      "Resource": "arn:aws:s3:::globex-inbox/out/*"
    },
    {
      "Sid": "RolecallList",
      "Effect": "Allow",
      "Action": "s3:ListBucket",
      "Resource": "arn:aws:s3:::globex-inbox",
      "Condition": {
        "StringLike": {
          "s3:prefix": "out/*"
        }
      }
    },
    {
      "Sid": "RolecallKey",
      "Effect": "Allow",
      "Action": [
        "kms:GenerateDataKey",
        "kms:Decrypt"
      ],
      "Resource": "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
      "Condition": {
        "StringEquals": {
          "kms:ViaService": "s3.eu-central-1.amazonaws.com"
        },
        "StringLike": {
          "kms:EncryptionContext:aws:s3:arn": [
            "arn:aws:s3:::globex-inbox",
            "arn:aws:s3:::globex-inbox/out/*"
          ]
        }
      }
    }
  ]
}
JSON
  role='media'
  query='Role.[Arn, MaxSessionDuration, to_string(AssumeRolePolicyDocument)]'
  if there=$("$aws" iam get-role --role-name "$role" --query "$query" --output text 2> "$work/error"); then
    arn=${there%%[[:space:]]*} rest=${there#*[[:space:]]}
    longest=${rest%%[[:space:]]*}
    [ "$arn" = 'arn:aws:iam::111122223333:role/media' ] || { say "the role $role is there as $arn; its path differs" >&2; exit 1; }
    case "$rest ${ADD_TRUST:-no}" in
    *'::873682911326:'* | *' yes') ;;
    *) say "the role $role is there and trusts others: take another, or add to its trust policy with ADD_TRUST=yes" >&2; exit 1 ;;
    esac
    "$aws" iam get-role --role-name "$role" --query Role.AssumeRolePolicyDocument --output json > "$work/there.json"
    merge "$work/trust.json" '3bb0bc27'
    "$aws" iam update-assume-role-policy --role-name "$role" --policy-document "file://$work/merged.json"
    [ "$longest" -ge 3600 ] || "$aws" iam update-role --role-name "$role" --max-session-duration 3600
  else
    fails NoSuchEntity
    echo '{"Statement": []}' > "$work/there.json"
    merge "$work/trust.json" '3bb0bc27'
    "$aws" iam create-role --role-name "$role" --path '/' --max-session-duration 3600 \
      --assume-role-policy-document "file://$work/merged.json" > /dev/null
  fi
  inline role "$role" 'rolecall-globex-inbox' "$work/permissions.json" '7b147e49'
  say 'set up the role arn:aws:iam::111122223333:role/media'
fi

if [ "$account" = '111122223333' ]; then
  found=yes
  bucket='globex-inbox'
  if [ "${CREATE_BUCKET:-no}" = yes ] && ! "$aws" s3api head-bucket --bucket "$bucket" --expected-bucket-owner "$account" --region 'eu-central-1' > /dev/null 2>&1; then
    "$aws" s3api create-bucket --bucket "$bucket" --region 'eu-central-1' --create-bucket-configuration 'LocationConstraint=eu-central-1' > /dev/null
    "$aws" s3api put-bucket-encryption --bucket "$bucket" --expected-bucket-owner "$account" --region 'eu-central-1' \
      --server-side-encryption-configuration '{"Rules":[{"ApplyServerSideEncryptionByDefault":{"KMSMasterKeyID":"arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab","SSEAlgorithm":"aws:kms"}}]}'
    say "made the bucket $bucket"
  fi
fi

if [ "$account" = '111122223333' ]; then
  found=yes
  key='arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab'
  # RolecallKey: encrypts what is delivered; S3 decrypts the parts of an upload to join them; only through S3,
  # for this bucket's objects; to be added to the statements that the key's policy has
  cat > "$work/key.json" << 'JSON'
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "RolecallKey",
      "Effect": "Allow",
      "Principal": {
        "AWS": "arn:aws:iam::111122223333:root"
      },
      "Action": [
        "kms:GenerateDataKey",
        "kms:Decrypt"
      ],
      "Resource": "*",
      "Condition": {
        "StringEquals": {
          "kms:ViaService": "s3.eu-central-1.amazonaws.com"
        },
        "StringLike": {
          "kms:EncryptionContext:aws:s3:arn": [
            "arn:aws:s3:::globex-inbox",
            "arn:aws:s3:::globex-inbox/out/*"
          ]
        },
        "ArnEquals": {
          "aws:PrincipalArn": "arn:aws:iam::111122223333:role/media"
        }
      }
    }
  ]
}
JSON
  if [ -n "$key" ]; then
    "$aws" kms get-key-policy --key-id "$key" --policy-name default --region 'eu-central-1' --query Policy --output text > "$work/there.json"
    merge "$work/key.json" '7b147e49'
    "$aws" kms put-key-policy --key-id "$key" --policy-name default --region 'eu-central-1' --policy "file://$work/merged.json"
    say "set up the policy of the key $key"
  else
    say "the bucket's key is left as it is: give its ARN as KEY_ARN, if it is a key of your own"
  fi
fi

[ $found = yes ] || { say "nothing here is for account $account; it is for 111122223333" >&2; exit 1; }
