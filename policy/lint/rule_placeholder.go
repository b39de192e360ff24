package lint

import (
	"regexp"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// Pages leave places to fill in.
var placeholder = rule{
	code: "placeholder", severity: Error,
	title: "a placeholder was not filled in",
	check: func(p *pass) {
		if p.root != nil {
			p.placeholders(p.root)
		}
	},
}

// placeholderForm has what pages write: <…>, {…} and [...] that are no
// variables, YOUR_…, account_id and bucket_name, and rows of x.
var placeholderForm = regexp.MustCompile(`<[A-Za-z][^<>]*>|\{\{[^{}]*\}\}|(?:^|[^$])\{[A-Za-z][\w .-]*\}|\[[A-Za-z][\w .-]*\]|` +
	`\b(?i:your)[-_ ][\w-]+|\b(?i:replace)[-_ ](?i:me|this|with)\b|CHANGEME|` +
	`ACCOUNT_?(?:ID|NUMBER)\b|(?i:account[-_](?:id|number))\b|(?i:bucket[-_]name)\b|\bx{6,}\b|\bX{6,}\b`)

// exampleForm has the names of buckets in AWS's own examples, and those that
// others write in capitals.
var exampleForm = regexp.MustCompile(`\*\*\*[^*]+\*\*\*|amzn-s3-demo(?:-[a-z]+)*-bucket\d*|\bawsexamplebucket\d*\b|\b(?:[A-Z0-9]+[-_])*[A-Z0-9]*BUCKET(?:[-_]?[A-Z0-9]+)*\b`)

func (p *pass) placeholders(n *tree.Node) {
	for _, m := range n.Members {
		if m.Name != "Sid" && m.Name != "Id" {
			p.placeholders(m.Value)
		}
	}
	for _, item := range n.Items {
		p.placeholders(item)
	}
	if n.Kind != '"' {
		return
	}
	left, severity := placeholderForm.FindString(n.Text), Error
	if left == "" && strings.HasPrefix(n.Text, "arn:") {
		left, severity = exampleForm.FindString(n.Text), Warning
	}
	if left == "" || exact(n.Text) != nil {
		return
	}
	f := found{at: n, severity: severity, message: quote(left) + " looks like a placeholder that was not filled in", hint: "put your own value in its place"}
	if arn, err := rolecall.ParseARN(n.Text); p.kit() != nil && err == nil && arn.Service == "s3" {
		bucket, objects := p.connectionARNs()
		right := bucket
		if targetOf(n.Text).object {
			right = objects
		}
		f.widens = true
		f.fix = func() { n.Become(tree.Text(right)) }
	}
	p.report(f)
}
