package policy

import (
	"strconv"

	"github.com/rolecall/rolecall"
)

// Fit reports whether the document may be attached as the layer says: only
// resource policies and RCPs name principals, and they must; all but the
// policies of resources name resources, which a trust policy does not.
// reference_policies_elements_principal.html
//
// What follows from the kind of a resource is left out; see FitKind.
func (d *Document) Fit(layer Layer) error {
	var faults rolecall.Errors
	named := layer == ResourcePolicy || layer == RCP
	for i := range d.statements {
		s := &d.statements[i]
		if s.principals.given != named {
			if named {
				faults.Add(s.pointer, "Principal is missing", "You: name in Principal who is allowed or denied")
			} else {
				faults.Add(s.pointer+"/"+s.principals.element(), "a policy of an identity names no principal",
					"You: remove it; the policy speaks of whoever it is attached to")
			}
		}
	}
	if layer != ResourcePolicy {
		faults.AddErr("", d.needsResources())
	}
	switch layer {
	case RCP:
		faults.AddErr("", d.fitRCP())
	case SessionPolicy:
		faults.AddErr("", d.completeARNs())
	default:
	}
	switch layer {
	case SCP, RCP:
		faults.AddErr("", d.fitOrganization())
	case Identity, Boundary, SessionPolicy:
		faults.AddErr("", d.fitSids())
	default:
	}
	return faults.Err()
}

// FitKind reports whether the document may be attached as one of the kind.
func (d *Document) FitKind(kind Kind) error {
	var faults rolecall.Errors
	faults.AddErr("", d.Fit(kind.Layer()))
	if kind == TrustDocument {
		faults.AddErr("", d.fitTrust())
	}
	return faults.Err()
}

// fitTrust checks what only trust policies may not have: they name no resource,
// since they are the role's, and no account by S3's id of it.
// reference_policies_elements_notprincipal.html
// reference_policies_elements_resource.html
// reference_policies_elements_principal.html
func (d *Document) fitTrust() error {
	var faults rolecall.Errors
	for i := range d.statements {
		s := &d.statements[i]
		if s.deny && s.principals.not {
			faults.Add(s.pointer+"/NotPrincipal", "a trust policy cannot have NotPrincipal",
				`You: write Principal "*" and put those who are spared under ArnNotEquals aws:PrincipalArn in Condition`)
		}
		if s.resources.given {
			faults.Add(s.pointer+"/"+s.resources.element(), "a trust policy cannot have "+s.resources.element(), "You: remove it; the policy speaks of the role that it is attached to")
		}
		for j := range s.principals.entries {
			if s.principals.entries[j].kind == namesCanonicalUser {
				faults.Add(s.pointer+"/"+s.principals.element()+"/CanonicalUser", "a trust policy takes no canonical user", "You: name the account by its id under AWS")
				break
			}
		}
	}
	faults.AddErr("", d.fitSids())
	return faults.Err()
}

// fitSids checks the Sids of a policy that IAM keeps: letters and digits, each once.
// reference_policies_elements_sid.html
func (d *Document) fitSids() error {
	var faults rolecall.Errors
	seen := make(map[string]bool, len(d.statements))
	for i := range d.statements {
		s := &d.statements[i]
		switch {
		case s.sid == "":
		case !consistsOf(s.sid, ""):
			faults.Add(s.pointer+"/Sid", quote(s.sid)+" has other characters than letters and digits", "You: write A-Z, a-z and 0-9 only in Sid")
		case seen[s.sid]:
			faults.Add(s.pointer+"/Sid", quote(s.sid)+" is another statement's Sid, too", "You: give each statement a Sid of its own, or none")
		}
		seen[s.sid] = true
	}
	return faults.Err()
}

// fitOrganization checks what Organizations asks of both of its policies: they are
// of the newer version, and say so.
// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_syntax.html#scp-syntax-version
// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps_syntax.html#rcp-syntax-version
func (d *Document) fitOrganization() error {
	var faults rolecall.Errors
	if d.version != "2012-10-17" {
		faults.Add("/Version", "a policy of an organization has the Version 2012-10-17", "You: write 2012-10-17 as Version")
	}
	return faults.Err()
}

// needsResources checks that each statement names resources. Of the policies
// of resources only a role's leaves them out.
// reference_policies_elements_resource.html
func (d *Document) needsResources() error {
	var faults rolecall.Errors
	for i := range d.statements {
		if s := &d.statements[i]; !s.resources.given {
			faults.Add(s.pointer, "Resource is missing", `You: give Resource or NotResource, "*" for all`)
		}
	}
	return faults.Err()
}

// completeARNs checks that no ARN has fewer than six parts: a session policy's
// are not completed. reference-arns.html
func (d *Document) completeARNs() error {
	var faults rolecall.Errors
	for i := range d.statements {
		s := &d.statements[i]
		for j := range s.resources.patterns {
			if p := &s.resources.patterns[j]; p.parts != nil && len(p.parts) < 6 {
				faults.Add(placeOf(s.pointer+"/"+s.resources.element(), s.resources.listed, j), "a session policy cannot have an incomplete ARN",
					"You: write all six parts, as in arn:aws:s3:::bucket/*, with a star for what is open")
			}
		}
	}
	return faults.Err()
}

// fitRCP checks what Organizations asks of a resource control policy: it denies,
// to everyone, actions of a named service. RCPFullAWSAccess alone allows.
// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps_syntax.html
func (d *Document) fitRCP() error {
	if d.isFullAccess() {
		return nil
	}
	var faults rolecall.Errors
	for i := range d.statements {
		s := &d.statements[i]
		if !s.deny {
			faults.Add(s.pointer+"/Effect", "a resource control policy cannot allow, but for AWS's own RCPFullAWSAccess",
				"You: write Deny, with a Condition for whom it concerns; allow in policies of identities and resources")
		}
		switch p := &s.principals; {
		case p.not:
			faults.Add(s.pointer+"/NotPrincipal", "a resource control policy cannot have NotPrincipal",
				`You: write Principal "*" and put those who are spared in Condition, by ArnNotEquals aws:PrincipalArn`)
		case p.given && !p.areAnyone():
			faults.Add(s.pointer+"/Principal", `the principal of a resource control policy is "*"`,
				`You: write Principal "*" and put whom it concerns in Condition, by ArnEquals aws:PrincipalArn`)
		}
		if s.actions.not {
			faults.Add(s.pointer+"/NotAction", "a resource control policy cannot have NotAction", "You: list in Action what is denied")
		}
		for j := range s.actions.patterns {
			if p := &s.actions.patterns[j]; !s.actions.not && p.tokens[0].kind == star {
				faults.Add(placeOf(s.pointer+"/Action", s.actions.listed, j), "an action of a resource control policy names its service", "You: write s3:*, sts:*, kms:* or whichever services it concerns")
			}
		}
	}
	return faults.Err()
}

// isFullAccess reports whether the document is RCPFullAWSAccess.
func (d *Document) isFullAccess() bool {
	if len(d.statements) != 1 {
		return false
	}
	s := &d.statements[0]
	all := len(s.actions.patterns) == 1 && s.actions.patterns[0].isStar() && len(s.resources.patterns) == 1 && s.resources.patterns[0].parts == nil
	return !s.deny && all && s.principals.areAnyone() && !s.principals.not && !s.actions.not && !s.resources.not && len(s.conditions) == 0
}

// areAnyone reports whether the element is "*", and nobody beside.
func (p *principals) areAnyone() bool { return len(p.entries) == 1 && p.entries[0].kind == namesAnyone }

// placeOf returns the pointer of a value of an element: of its list, or the
// element's itself.
func placeOf(element string, listed bool, i int) string {
	if !listed {
		return element
	}
	return element + "/" + strconv.Itoa(i)
}
