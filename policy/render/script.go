package render

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// The parts of a script that are always the same. Documents stand in it as
// quoted here-documents, which the shell does not look into: no line of
// indented JSON is only the delimiter.
const (
	scriptStart = `set -eu

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
`
	// scriptMerge keeps what else a policy says. It begins in the here-document
	// that mergeBySid is.
	scriptMerge = `JQ

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
`
)

// script is a POSIX shell script that sets up what belongs to the account
// whose credentials it runs with, and may be run again.
func (p *plan) script() []byte {
	var b strings.Builder
	c := p.Request.Connection
	b.WriteString("#!/bin/sh\n")
	if p.Side == Vendor {
		b.WriteString(comment("", "Lets the vendor's workers assume customers' roles, with the aws command line."))
	} else {
		b.WriteString(comment("", fmt.Sprintf("Sets up the %s bucket %s for rolecall, with the aws command line.", c.Purpose, c.Bucket)))
	}
	b.WriteString("#\n" + comment("", "Run it with an administrator's credentials of each account named here. It does what belongs to the account it finds itself in, and may be run again:"))
	for _, a := range p.accounts() {
		b.WriteString(comment("", a.id+" gets "+strings.Join(a.does, ", and ")))
	}
	if p.creates() {
		b.WriteString("#\n" + comment("", "With CREATE_BUCKET=yes it makes the bucket, too, if there is none."))
	}
	b.WriteString(scriptStart + "\n# merge.jq is how statements of ours are put into a policy.\ncat > \"$work/merge.jq\" << 'JQ'\n" + mergeBySid + scriptMerge)
	b.WriteString("\nfound=no\n")
	if p.Side == Vendor {
		p.scriptWorkers(&b)
	} else {
		p.scriptRole(&b)
		p.scriptBucket(&b)
		p.scriptKey(&b)
	}
	ids := []string{}
	for _, a := range p.accounts() {
		ids = append(ids, a.id)
	}
	b.WriteString("\n[ $found = yes ] || { say \"nothing here is for account $account; it is for " + strings.Join(ids, ", ") + "\" >&2; exit 1; }\n")
	return []byte(b.String())
}

// gone are the Sids that the kit's document has no more, for the shell.
func (p *plan) gone(kind policy.Kind) string {
	return shell(string(tree.List(p.Request.Withdrawn(kind)...).JSON()))
}

// creates reports whether the script can make the bucket: in which region is
// known.
func (p *plan) creates() bool { return p.Side == Customer && p.region != "" }

// inAccount opens a part that belongs to an account.
func inAccount(b *strings.Builder, id string) {
	fmt.Fprintf(b, "\nif [ \"$account\" = %s ]; then\n  found=yes\n", shell(id))
}

// file writes a document into a file of the script's.
func (p *plan) file(b *strings.Builder, indent string, kind policy.Kind) {
	document := tree.MustParse(p.Kit.Document(kind).JSON())
	for _, s := range document.Get("Statement").Each() {
		b.WriteString(comment(indent, sidOf(s)+": "+p.reason(kind, sidOf(s))))
	}
	fmt.Fprintf(b, "%scat > \"$work/%s.json\" << 'JSON'\n%s\nJSON\n", indent, kind, document.Indent())
}

func (p *plan) scriptRole(b *strings.Builder) {
	inAccount(b, p.role.Account)
	p.file(b, "  ", policy.TrustDocument)
	p.file(b, "  ", policy.PermissionsDocument)
	fmt.Fprintf(b, `  role=%s
  query='Role.[Arn, MaxSessionDuration, to_string(AssumeRolePolicyDocument)]'
  if there=$("$aws" iam get-role --role-name "$role" --query "$query" --output text 2> "$work/error"); then
    arn=${there%%%%[[:space:]]*} rest=${there#*[[:space:]]}
    longest=${rest%%%%[[:space:]]*}
    [ "$arn" = %s ] || { say "the role $role is there as $arn; its path differs" >&2; exit 1; }
    case "$rest ${ADD_TRUST:-no}" in
    *%s* | *' yes') ;;
    *) say "the role $role is there and trusts others: take another, or add to its trust policy with ADD_TRUST=yes" >&2; exit 1 ;;
    esac
    "$aws" iam get-role --role-name "$role" --query Role.AssumeRolePolicyDocument --output json > "$work/there.json"
    merge "$work/trust.json" %s
    "$aws" iam update-assume-role-policy --role-name "$role" --policy-document "file://$work/merged.json"
    [ "$longest" -ge %d ] || "$aws" iam update-role --role-name "$role" --max-session-duration %d
  else
    fails NoSuchEntity
    echo '{"Statement": []}' > "$work/there.json"
    merge "$work/trust.json" %s
    "$aws" iam create-role --role-name "$role" --path %s --max-session-duration %d \
      --assume-role-policy-document "file://$work/merged.json" > /dev/null
  fi
  inline role "$role" %s "$work/permissions.json" %s
`, shell(nameOf(p.role)), shell(p.role.String()), shell("::"+p.workers[0].Account+":"), p.gone(policy.TrustDocument), p.duration, p.duration, p.gone(policy.TrustDocument), shell(pathOf(p.role)), p.duration, shell(inlineName(p.Request.Connection)), p.gone(policy.PermissionsDocument))
	if p.Kit.Revocation != nil {
		p.file(b, "  ", policy.RevocationDocument)
		fmt.Fprintf(b, "  inline role \"$role\" %s \"$work/revocation.json\" '[]'\n", revocationPolicy)
	}
	fmt.Fprintf(b, "  say %s\nfi\n", shell("set up the role "+p.role.String()))
}

func (p *plan) scriptBucket(b *strings.Builder) {
	if !p.creates() && p.Kit.Bucket == nil {
		return
	}
	inAccount(b, p.bucketOwner)
	fmt.Fprintf(b, "  bucket=%s\n", shell(p.Request.Connection.Bucket))
	options := `--bucket "$bucket" --expected-bucket-owner "$account"` + inRegion(p.region)
	if p.creates() {
		b.WriteString("  if [ \"${CREATE_BUCKET:-no}\" = yes ] && ! \"$aws\" s3api head-bucket " + options + " > /dev/null 2>&1; then\n")
		where := ""
		if p.region != "us-east-1" {
			where = " --create-bucket-configuration " + shell("LocationConstraint="+p.region)
		}
		if o := p.ownership(); o != enforced {
			where += " --object-ownership " + o
		}
		b.WriteString("    \"$aws\" s3api create-bucket --bucket \"$bucket\"" + inRegion(p.region) + where + " > /dev/null\n")
		if e := p.Request.Connection.Encryption; e != nil && e.Type == "aws:kms" {
			rule := map[string]any{"SSEAlgorithm": e.Type}
			if e.Key != "" {
				rule["KMSMasterKeyID"] = e.Key
			}
			text, _ := json.Marshal(map[string]any{"Rules": []any{map[string]any{"ApplyServerSideEncryptionByDefault": rule}}}) // strings only
			b.WriteString("    \"$aws\" s3api put-bucket-encryption " + options + " \\\n      --server-side-encryption-configuration " + shell(string(text)) + "\n")
		}
		if p.Request.Versioned {
			b.WriteString("    \"$aws\" s3api put-bucket-versioning " + options + " --versioning-configuration Status=Enabled\n")
		}
		b.WriteString("    say \"made the bucket $bucket\"\n  fi\n")
	}
	if p.Kit.Bucket != nil {
		p.file(b, "  ", policy.BucketDocument)
		b.WriteString(`  fetch NoSuchBucketPolicy s3api get-bucket-policy ` + options + ` --query Policy --output text
  merge "$work/bucket.json" ` + p.gone(policy.BucketDocument) + `
  "$aws" s3api put-bucket-policy ` + options + ` --policy "file://$work/merged.json"
  say "set up the policy of the bucket $bucket"
`)
	}
	b.WriteString("fi\n")
}

func (p *plan) scriptKey(b *strings.Builder) {
	if p.Kit.Key == nil {
		return
	}
	inAccount(b, p.keyOwner)
	arn := `"${KEY_ARN:-}"`
	if p.key.Resource != "" {
		arn = shell(p.key.String())
	} else {
		b.WriteString(comment("  ", "The connection does not say which key the bucket has: give its ARN as KEY_ARN."))
	}
	b.WriteString("  key=" + arn + "\n")
	p.file(b, "  ", policy.KeyDocument)
	options := `--key-id "$key" --policy-name default` + inRegion(p.region)
	b.WriteString(`  if [ -n "$key" ]; then
    "$aws" kms get-key-policy ` + options + ` --query Policy --output text > "$work/there.json"
    merge "$work/key.json" ` + p.gone(policy.KeyDocument) + `
    "$aws" kms put-key-policy ` + options + ` --policy "file://$work/merged.json"
    say "set up the policy of the key $key"
  else
    say "the bucket's key is left as it is: give its ARN as KEY_ARN, if it is a key of your own"
  fi
fi
`)
}

func (p *plan) scriptWorkers(b *strings.Builder) {
	b.WriteByte('\n')
	p.file(b, "", policy.WorkerDocument)
	for _, w := range p.workers {
		inAccount(b, w.Account)
		kind := "role"
		if isUser(w) {
			kind = "user"
		}
		fmt.Fprintf(b, "  inline %s %s %s \"$work/worker.json\" '[]'\n  say %s\nfi\n", kind, shell(nameOf(w)), workerPolicy, shell("set up the "+kind+" "+w.String()))
	}
}

// inRegion is the option that names a region, if it is known.
func inRegion(region string) string {
	if region == "" {
		return ""
	}
	return " --region " + shell(region)
}
