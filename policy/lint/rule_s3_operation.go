package lint

import (
	"strings"

	"github.com/rolecall/rolecall/policy/internal/tree"
)

// Some operations of S3 are allowed by an action of another name.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
var s3Operation = rule{
	code: "s3-operation", severity: Error,
	title: "the name of an operation stands for an action",
	check: func(p *pass) {
		for _, s := range p.statements {
			for _, a := range s.actions() {
				service, name, _ := strings.Cut(strings.ToLower(a.Text), ":")
				right := "s3:" + s3Operations[name]
				if service != "s3" || right == "s3:" {
					continue
				}
				p.replaceAction(s, a, right, quote(a.Text)+" is an operation and not an action", "write "+right+", which allows the operation")
			}
		}
	},
}

// s3Operations has the action of each operation that has none of its name.
var s3Operations = map[string]string{
	"headobject":                      "GetObject",
	"listobjects":                     "ListBucket",
	"listobjectsv2":                   "ListBucket",
	"listobjectversions":              "ListBucketVersions",
	"listbuckets":                     "ListAllMyBuckets",
	"listparts":                       "ListMultipartUploadParts",
	"listmultipartuploads":            "ListBucketMultipartUploads",
	"createmultipartupload":           "PutObject",
	"initiatemultipartupload":         "PutObject",
	"uploadpart":                      "PutObject",
	"uploadpartcopy":                  "PutObject",
	"completemultipartupload":         "PutObject",
	"copyobject":                      "PutObject",
	"postobject":                      "PutObject",
	"deleteobjects":                   "DeleteObject",
	"getbucketencryption":             "GetEncryptionConfiguration",
	"putbucketencryption":             "PutEncryptionConfiguration",
	"getbucketlifecycle":              "GetLifecycleConfiguration",
	"getbucketlifecycleconfiguration": "GetLifecycleConfiguration",
	"putbucketlifecycleconfiguration": "PutLifecycleConfiguration",
	"getbucketreplication":            "GetReplicationConfiguration",
	"putbucketreplication":            "PutReplicationConfiguration",
	"getpublicaccessblock":            "GetBucketPublicAccessBlock",
	"putpublicaccessblock":            "PutBucketPublicAccessBlock",
}

// replaceAction reports an action for which another stands. Where the
// statement has the other already, the fix removes the wrong one.
func (p *pass) replaceAction(s *statement, wrong *tree.Node, right, message, hint string) {
	others := s.Get("Action").Without(wrong)
	there := false
	for _, a := range others.Each() {
		there = there || strings.EqualFold(a.Text, right)
	}
	fix := func() { wrong.Become(tree.Text(right)) }
	if there {
		fix = func() { s.removeActions(wrong) }
	}
	p.report(found{at: wrong, message: message, hint: hint, fix: fix, widens: s.allow && !there})
}
