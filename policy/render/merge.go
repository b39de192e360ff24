package render

import (
	_ "embed"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// mergeBySid is a jq program that puts the statements $new into a policy, each in
// the place of the one that is there already by its Sid. All other statements stay,
// and so does what somebody added to ours. A statement that is new takes over the
// conditions of those that others have for the same. A policy of an older version
// keeps it where a statement has "${", which would otherwise become a variable.
//
//go:embed merge.jq
var mergeBySid string

// program is mergeBySid in a line, without its comments.
func program() string {
	var lines []string
	for _, line := range strings.Split(mergeBySid, "\n") {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, " ")
}

// Attachment is one policy at AWS, and the calls that read and write it.
type Attachment struct {
	kind    policy.Kind
	account string // whose it is; empty: not known
	read    string // prints the policy
	missing string // the code of AWS's error where there is no policy; empty: there always is one
	write   string // ends with the option that takes the policy
	after   string // follows what write has done
}

// BucketPolicy is the policy of a bucket of the account, which may be empty.
func BucketPolicy(bucket, region, account string) Attachment {
	at := []string{"--bucket", bucket}
	if region != "" {
		at = append(at, "--region", region)
	}
	return Attachment{
		kind:    policy.BucketDocument,
		account: account,
		read:    on("aws s3api get-bucket-policy", at, "--query Policy --output text"),
		missing: "NoSuchBucketPolicy",
		write:   on("aws s3api put-bucket-policy", at, "--policy"),
	}
}

// KeyPolicy is the policy of a KMS key, given by its ARN.
func KeyPolicy(key string) Attachment {
	at := []string{"--key-id", key}
	arn, err := rolecall.ParseARN(key)
	if err == nil {
		at = append(at, "--region", arn.Region)
	}
	return Attachment{
		kind:    policy.KeyDocument,
		account: arn.Account,
		read:    on("aws kms get-key-policy", at, "--policy-name default --query Policy --output text"),
		write:   on("aws kms put-key-policy", at, "--policy-name default --policy"),
	}
}

// TrustPolicy is the trust policy of a role.
func TrustPolicy(role rolecall.ARN) Attachment {
	at := []string{"--role-name", nameOf(role)}
	return Attachment{
		kind:    policy.TrustDocument,
		account: role.Account,
		read:    on("aws iam get-role", at, "--query Role.AssumeRolePolicyDocument --output json"),
		write:   on("aws iam update-assume-role-policy", at, "--policy-document"),
	}
}

// InlinePolicy is a role's or user's inline policy for a connection, or, of
// kind worker, the one that lets the vendor's workers assume roles.
func InlinePolicy(kind policy.Kind, identity rolecall.ARN, c rolecall.Connection) Attachment {
	name := workerPolicy
	if kind != policy.WorkerDocument {
		name = inlineName(c)
	}
	of := "role"
	if isUser(identity) {
		of = "user"
	}
	at := []string{"--" + of + "-name", nameOf(identity), "--policy-name", name}
	return Attachment{
		kind:    kind,
		account: identity.Account,
		read:    on("aws iam get-"+of+"-policy", at, "--query PolicyDocument --output json"),
		missing: "NoSuchEntity",
		write:   on("aws iam put-"+of+"-policy", at, "--policy-document"),
	}
}

// on is a command with its options quoted, and more that needs no quotes.
func on(operation string, options []string, more string) string {
	return operation + " " + Command(options...) + " " + more
}

// BoundaryPolicy is the permissions boundary of a role. What is written becomes a
// policy of this role's own: others may have the same boundary.
func BoundaryPolicy(role rolecall.ARN, c rolecall.Connection) Attachment {
	made := rolecall.ARN{Partition: role.Partition, Service: "iam", Account: role.Account, Resource: "policy/rolecall-boundary-" + c.Name}
	on := Command("--role-name", nameOf(role))
	return Attachment{
		kind:    policy.BoundaryDocument,
		account: role.Account,
		read: "arn=$(aws iam get-role " + on + " --query Role.PermissionsBoundary.PermissionsBoundaryArn --output text) && " +
			`aws iam get-policy-version --policy-arn "$arn" --version-id "$(aws iam get-policy --policy-arn "$arn" --query Policy.DefaultVersionId --output text)" ` +
			"--query PolicyVersion.Document --output json",
		write: "aws iam create-policy " + Command("--policy-name", nameOf(made)) + " --policy-document",
		after: " && aws iam put-role-permissions-boundary " + on + " " + Command("--permissions-boundary", made.String()),
	}
}

// Merge returns commands for a POSIX shell that put the document's statements
// into the policy that is there, and take out those with the withdrawn Sids: the
// first fetches it, the second merges by Sid and shows the difference, the third
// writes the result. Each fails where the one before did, and the first under
// credentials of another account. What was there stays in a file.
func (a Attachment) Merge(d *policy.Document, withdrawn []string) []string {
	there, merged, answer := a.file("there.json"), a.file("merged.json"), a.file("error.txt")
	fetch := a.read + " > " + there
	if a.missing != "" {
		fetch += " 2> " + answer + " || { grep -q '(" + a.missing + ")' " + answer + ` && echo '{"Statement": []}' > ` + there + "; }" +
			" || { cat " + answer + " >&2; rm -f " + there + "; false; }"
	} else {
		fetch += " || { rm -f " + there + "; false; }"
	}
	fetch = "rm -f " + there + " " + merged + " && " + a.guard() + "{ " + fetch + "; }"
	merge := Command("jq", "--ascii-output", "--argjson", "ours", string(d.JSON()), "--argjson", "gone", string(tree.List(withdrawn...).JSON()),
		program(), there) + " > " + merged +
		" && { jq --ascii-output . " + there + " | diff -u - " + merged + " || [ $? = 1 ]; } || { rm -f " + merged + "; false; }"
	return []string{fetch, merge, a.write + " file://" + merged + a.after}
}

// guard ends a command where the credentials are of another account, which may
// have something of the same name.
func (a Attachment) guard() string {
	if a.account == "" {
		return ""
	}
	return `{ [ "$(aws sts get-caller-identity --query Account --output text)" = ` + a.account + " ] || { echo 'this is for the account " + a.account + "' >&2; false; }; } && "
}

// file is a name in the current directory that nothing else has.
func (a Attachment) file(name string) string { return "rolecall-" + string(a.kind) + "-" + name }

// Replace returns the command that puts a whole document in the place of the
// policy, which must have been seen.
func (a Attachment) Replace(document []byte) string {
	return a.guard() + a.write + " " + Command(string(document)) + a.after
}

// Command writes a command for a POSIX shell.
func Command(words ...string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = word
		if word == "" || strings.Trim(word, unquoted) != "" {
			quoted[i] = shell(word)
		}
	}
	return strings.Join(quoted, " ")
}

// unquoted are the characters that mean themselves to a shell.
const unquoted = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=+,.:/@%"
