package lint

import (
	"slices"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// An ARN that has too few parts, or parts where S3 has none, matches nothing.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
var resourceMalformed = rule{
	code: "resource-malformed", severity: Error,
	title: "a resource is no ARN, or one that nothing has",
	kinds: []policy.Kind{policy.PermissionsDocument, policy.BucketDocument, policy.KeyDocument},
	check: func(p *pass) {
		for _, s := range p.statements {
			for _, r := range append(s.resources(), s.Get("NotResource").Each()...) {
				if p.completed(r.Text) {
					p.report(found{
						at: r, severity: Warning, message: quote(r.Text) + " has fewer than the six parts of an ARN, and AWS adds a star for each that is missing",
						hint: "write all six parts, as in arn:aws:s3:::acme-masters/*",
					})
					continue
				}
				if parts := strings.SplitN(r.Text, ":", 6); len(parts) == 6 {
					if message, hint := unknownService(parts[2]); message != "" {
						p.report(found{at: r, severity: Warning, message: quote(r.Text) + " " + message, hint: hint})
						continue
					}
				}
				message, right := p.malformed(r.Text)
				if message == "" && accessPoint(r) && s.onlyObjects() {
					message, right = "is an access point, and the actions are on objects, so it allows nothing", r.Text+"/object/*"
				}
				if message != "" {
					f := found{at: r, message: quote(r.Text) + " " + message, hint: "write arn:aws:s3:::name for a bucket, arn:aws:s3:::name/* for its objects"}
					if right != "" {
						f.hint = "write " + right + ", if that is meant"
						f.widens = true
						f.fix = func() { r.Become(tree.Text(right)) }
						if slices.Contains(s.resources(), r) && s.onBoth(right) {
							f.hint = "write " + right + " and " + right + "/*, if the bucket and its objects are meant"
							f.fix = func() { s.Set("Resource", s.Get("Resource").Without(r).Add(right, right+"/*")) }
						}
					}
					p.report(f)
				}
			}
		}
	},
}

// onBoth reports whether a wildcard of the statement's actions also means actions on
// the objects of a bucket: the bucket's name alone leaves these out.
func (s *statement) onBoth(arn string) bool {
	if t := targetOf(arn); !t.bucket || t.object {
		return false
	}
	return slices.ContainsFunc(s.actions(), func(a *tree.Node) bool {
		known, _ := expand(a.Text)
		return strings.ContainsAny(a.Text, "*?") && slices.ContainsFunc(known, (*action).onlyOnObjects)
	})
}

// completed reports whether AWS completes the ARN, and it then stands for
// something: the ARNs of S3's buckets have no region and no account.
func (p *pass) completed(resource string) bool {
	parts := strings.Split(resource, ":")
	if p.kind != policy.PermissionsDocument || parts[0] != "arn" || len(parts) > 5 || strings.HasSuffix(resource, "*") {
		return false
	}
	placed := strings.Trim(strings.Join(parts[min(3, len(parts)):], ""), "*") != ""
	return len(parts) < 3 || parts[2] != "s3" || !placed
}

// malformed says what is wrong with a resource, and returns the right one where
// it can be known.
func (p *pass) malformed(resource string) (message, right string) {
	if resource == "*" {
		return "", ""
	}
	partition := p.partition()
	if partition == "" {
		partition = "aws"
	}
	if !strings.HasPrefix(resource, "arn:") && strings.Contains(resource, "://") {
		if name := located(resource); name != "" {
			right = "arn:" + partition + ":s3:::" + name
		}
		return "is a location and no ARN", right
	}
	if !strings.HasPrefix(resource, "arn:") {
		if bucketName(resource) {
			return "is a name and no ARN", "arn:" + partition + ":s3:::" + resource
		}
		return "is no ARN", ""
	}
	parts := strings.SplitN(resource, ":", 6)
	if len(parts) < 6 {
		if strings.HasSuffix(resource, "*") && !strings.Contains(resource, "/") {
			return "", ""
		}
		if last := parts[len(parts)-1]; len(parts) > 3 && parts[2] == "s3" && last != "" && !rolecall.IsAccountID(strings.Split(last, "/")[0]) {
			right = "arn:" + parts[1] + ":s3:::" + last
		}
		return "has fewer than the six parts of an ARN, so it matches nothing", right
	}
	if parts[2] == "s3" && parts[3] == "" && parts[4] == "" {
		return bucketFault(resource)
	}
	if parts[2] == "s3" && parts[4] != "" && strings.HasPrefix(parts[5], "accesspoint/") {
		if message, right = accessPointFault(resource); message != "" {
			return message, right
		}
	}
	placed := parts[3] != "" || parts[4] != ""
	if parts[2] == "s3" && placed && !strings.ContainsAny(parts[3]+parts[4], "*$") && bucketName(strings.Split(parts[5], "/")[0]) && !regional(parts[5]) {
		return "has a region or account, and the ARNs of buckets have none, so it matches nothing", "arn:" + parts[1] + ":s3:::" + parts[5]
	}
	return partsFault(resource)
}

// regional reports whether the ARN of a resource of S3 has a region and account.
func regional(resource string) bool {
	kind, _, _ := strings.Cut(resource, "/")
	switch kind {
	case "accesspoint", "access-grants", "async-request", "job", "storage-lens", "storage-lens-group":
		return true
	default:
		return false
	}
}

// bucketName reports whether the text could be a bucket's name, or begin with one.
func bucketName(s string) bool {
	name, _, _ := strings.Cut(s, "/")
	if len(name) < 3 || len(name) > 63 {
		return false
	}
	return strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789.-*") == ""
}
