package explain

import (
	"regexp"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
)

// Explanation is what an error message of AWS's says, and what it leaves open.
// The names in it were chosen by others.
type Explanation struct {
	policy.Denial
	Summary string `json:"summary"`
	// Candidates are what may have refused, the likeliest first; one where
	// AWS says which.
	Candidates []Candidate `json:"candidates"`
}

// Candidate is a policy, or another cause, that may have refused.
type Candidate struct {
	Layer    policy.DenialLayer `json:"layer,omitempty"`    // empty: no policy
	Kind     policy.Kind        `json:"-"`                  // of document; empty: no policy, or of a resource of another kind
	Document string             `json:"document,omitempty"` // what kind of policy: permissions, trust, bucket, key, …
	Target   string             `json:"target,omitempty"`   // ARN of what it is attached to
	Account  string             `json:"account,omitempty"`  // whose it is; empty: AWS does not say
	Message  string             `json:"message"`
	Hint     string             `json:"hint"`
	Add      *policy.Document   `json:"add,omitempty"` // the statement to add to the document
}

// Message explains an error of AWS's, as AWS, an SDK or a tool words it. It is
// an error of code Invalid when the text has no refusal that it knows.
func Message(text string) (Explanation, error) {
	if s, found := cutSentence(unwrap(text)); found {
		return s.explain(), nil
	}
	for _, read := range []func(string) (Explanation, bool){decoded, federated, ciphertext, otherCause, statusOnly} {
		if e, found := read(text); found {
			return e, nil
		}
	}
	if d, found := bare(text); found {
		return explain(d), nil
	}
	if e, found := unknownCode(text); found {
		return e, nil
	}
	return Explanation{}, &rolecall.Error{
		Code: rolecall.Invalid, Message: "the text holds no refusal of AWS's",
		Hint: `You: give the whole message, such as "User: … is not authorized to perform: … on resource: …"`,
	}
}

// explain explains the denial of a request of which nothing else is known.
func explain(d policy.Denial) Explanation { return stranger(d).Explain() }

func stranger(d policy.Denial) Case {
	c := Case{Denial: d, Disowned: true}
	switch service, _, _ := strings.Cut(d.Action, ":"); {
	case d.Action == "" || d.Action == "s3:GetObject":
		c.Key, c.Missing = true, true
	case d.Action == "s3:PutObject":
		c.Key = true
	case service == "kms":
		c.Missing = true
	}
	return c
}

var (
	operationForms = []*regexp.Regexp{
		regexp.MustCompile(`when calling the (\w+) operation`), // botocore
		regexp.MustCompile(`operation error [\w .]+: (\w+),`),  // aws-sdk-go-v2
		regexp.MustCompile(`\b(\w+) operation: (?:Access Denied|Forbidden)`),
	}
	locationForm = regexp.MustCompile(`s3://([a-z0-9][a-z0-9.-]+)(/[^\s"':]*)?`)
	actionForm   = regexp.MustCompile(`(?i)not authorized to perform:? ([a-z0-9-]+:[A-Za-z]+)`)
	bareForm     = regexp.MustCompile(`(?i)\baccess ?denied\b|\bforbidden\b|\b403\b`)
)

// bare reads a bare refusal with what the tool that shows it says of the call.
func bare(text string) (policy.Denial, bool) {
	if !bareForm.MatchString(text) {
		return policy.Denial{}, false
	}
	d := policy.Denial{Action: actionOf(operationOf(text))}
	if m := actionForm.FindStringSubmatch(text); m != nil {
		return policy.Denial{Action: m[1]}, true
	}
	if all := locationForm.FindAllStringSubmatch(text, -1); len(all) == 1 {
		d.Resource = "arn:aws:s3:::" + all[0][1]
		if key := all[0][2]; key != "" && key != "/" && !strings.HasPrefix(d.Action, "s3:List") {
			d.Resource += key
		}
	}
	return d, true
}

// actionOf returns the action that an operation of S3, STS or KMS needs.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
func actionOf(operation string) string {
	switch operation {
	case "GetObject", "HeadObject":
		return "s3:GetObject"
	case "HeadBucket", "ListObjects", "ListObjectsV2":
		return "s3:ListBucket"
	case "ListObjectVersions":
		return "s3:ListBucketVersions"
	case "PutObject", "CopyObject", "CreateMultipartUpload", "UploadPart", "UploadPartCopy", "CompleteMultipartUpload":
		return "s3:PutObject"
	case "ListParts":
		return "s3:ListMultipartUploadParts"
	case "ListMultipartUploads":
		return "s3:ListBucketMultipartUploads"
	case "DeleteObject", "DeleteObjects":
		return "s3:DeleteObject"
	case "ListBuckets":
		return "s3:ListAllMyBuckets"
	case "AbortMultipartUpload", "GetBucketLocation", "GetObjectTagging", "PutObjectTagging", "PutObjectAcl", "GetObjectAcl", "GetBucketAcl",
		"GetBucketPolicy", "PutBucketPolicy", "GetBucketTagging", "GetBucketVersioning", "CreateBucket", "DeleteBucket":
		return "s3:" + operation
	case "AssumeRole":
		return "sts:AssumeRole"
	case "Decrypt", "Encrypt", "GenerateDataKey", "DescribeKey", "PutKeyPolicy", "CreateGrant":
		return "kms:" + operation
	default:
		return ""
	}
}

// accountOf returns the account in an ARN, empty if there is none.
func accountOf(arn string) string {
	if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 && rolecall.IsAccountID(parts[4]) {
		return parts[4]
	}
	return ""
}
