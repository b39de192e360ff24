package lint

import (
	"regexp"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// IAM refuses a document whose principals it cannot resolve.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
var principalMalformed = rule{
	code: "principal-malformed", severity: Error,
	title: "a principal is none that IAM takes",
	kinds: []policy.Kind{policy.TrustDocument, policy.BucketDocument, policy.KeyDocument},
	check: func(p *pass) {
		for _, s := range p.statements {
			for _, principal := range s.principals() {
				switch {
				case principal.kind == "CanonicalUser" && p.kind == policy.TrustDocument:
					p.report(found{
						at: principal.Node, message: "a canonical user is S3's way to name an account, and no trust policy takes it",
						hint: "name the account by its id under AWS",
					})
				case principal.kind == "Service":
					p.malformedService(principal)
				case (principal.kind == "AWS" || principal.kind == "" && principal.kindOfValue()) && principal.Text != "*":
					p.malformedPrincipal(s, principal)
				}
			}
		}
	},
}

func (p principal) kindOfValue() bool { return p.Node.Kind == '"' }

func (p *pass) malformedPrincipal(s *statement, who principal) {
	f := found{at: who.Node, hint: "write the ARN of a role or user, or an account id"}
	arn, err := rolecall.ParseARN(who.Text)
	switch {
	case who.kind == "":
		f.message = `a principal stands under "AWS", "Service" or another of its sorts`
		f.widens = s.allow
		f.fix = func() { s.Set("Principal", tree.Object("AWS", who.Text)) }
	case tree.IsUniqueID(who.Text):
		f.message = quote(who.Text) + " is what is left of an identity that was deleted: it lets nobody in, and AWS does not store a document with it"
		f.hint = "remove it, or name by its ARN the identity that replaced it"
		if len(s.principals()) > 1 {
			f.same, f.fix = true, func() { s.removePrincipals(who.Node) }
		} else if s.canLose() {
			f.hint = "remove the statement, or name by its ARN the identity that replaced it"
			f.same, f.fix = true, func() { s.removeSelf() }
		}
	case rolecall.IsAccountID(who.Text), placeholderForm.MatchString(who.Text), who.Text != strings.TrimSpace(who.Text):
		return // right, or another rule's
	case strings.HasPrefix(who.Text, "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity "):
		return // AWS's own way to name a CloudFront distribution's reader
	case strings.Contains(who.Text, "${"):
		f.message = quote(who.Text) + " holds a variable, and IAM takes none in a principal"
		f.hint = "name the account, and put the variable into a condition on aws:PrincipalArn"
	case strings.ContainsAny(who.Text, "*?"):
		f.message = quote(who.Text) + " holds a wildcard, and IAM takes none in a principal"
		f.hint = "name the account, and the roles by a condition ArnLike on aws:PrincipalArn"
		if err == nil && arn.Account != "" && s.allow && len(s.principals()) == 1 && len(s.on("aws:PrincipalArn")) == 0 {
			pattern := who.Text
			f.widens = true
			f.fix = func() {
				arn.Resource = "root"
				who.Become(tree.Text(arn.String()))
				s.addCondition("ArnLike", "aws:PrincipalArn", tree.Text(pattern))
			}
		}
	case err != nil || arn.Service != "iam" && arn.Service != "sts" || arn.Account == "" || arn.Region != "":
		f.message = quote(who.Text) + " is no ARN of an account, role, user or session"
		if err == nil && arn.Region != "" && arn.Service == "iam" {
			f.message = quote(who.Text) + " has a region, and the ARNs of IAM have none"
			f.widens = s.allow
			f.fix = func() {
				arn.Region = ""
				who.Become(tree.Text(arn.String()))
			}
		}
	case arn.Service == "iam" && arn.Resource != "root" && !strings.HasPrefix(arn.Resource, "role/") && !strings.HasPrefix(arn.Resource, "user/"):
		f.message = quote(who.Text) + " is neither a role nor a user; groups and policies cannot be principals"
	case strings.HasSuffix(arn.Resource, "/") || strings.Contains(arn.Resource, "//") ||
		strings.HasPrefix(arn.Resource, "assumed-role/") && strings.Count(arn.Resource, "/") != 2:
		f.message = quote(who.Text) + " lacks a name, so AWS does not store the policy"
	case arn.Service == "sts" && strings.HasPrefix(arn.Resource, "assumed-role/"):
		parts := strings.Split(arn.Resource, "/")
		f.severity = Warning
		f.message = "a session is named, and the next one of the role has another name"
		f.hint = "name the role, " + rolecall.ARN{Partition: arn.Partition, Service: "iam", Account: arn.Account, Resource: "role/" + parts[1]}.String() + ", with its path if it has one"
	default:
		return
	}
	p.report(f)
}

// serviceName is a service as a principal: s3.amazonaws.com, states.eu-central-1.amazonaws.com.
var serviceName = regexp.MustCompile(`^[a-z0-9-]+(?:\.[a-z0-9-]+)*\.` + domain + `$`)

// domain is what services of every partition end in.
const domain = `(?:amazonaws\.com|amazonaws\.com\.cn|amazonaws\.eu|aws\.internal|aws\.com|c2s\.ic\.gov|sc2s\.sgov\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov)`

func (p *pass) malformedService(who principal) {
	if serviceName.MatchString(who.Text) || placeholderForm.MatchString(who.Text) {
		return
	}
	f := found{at: who.Node, message: quote(who.Text) + " is no service principal", hint: "write the service as s3.amazonaws.com is written, in small letters"}
	if strings.ContainsAny(who.Text, "*?") {
		f.message = quote(who.Text) + " holds a wildcard, and IAM takes none in a service principal"
		f.hint = "name each service that is meant"
	}
	p.report(f)
}
