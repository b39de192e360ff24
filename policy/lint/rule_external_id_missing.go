package lint

import (
	"slices"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// A role that lets a vendor's account in without an external id lets in whoever
// can make the vendor name the role: the confused deputy.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
var externalIDMissing = rule{
	code: "external-id-missing", severity: Error, asksID: true,
	title: "the role can be assumed without an external id",
	kinds: []policy.Kind{policy.TrustDocument},
	check: func(p *pass) {
		for _, s := range p.allows() {
			if !s.assumes() || !s.trustsAWS() || len(s.on(externalID)) > 0 {
				continue
			}
			vendor, others := p.trusted(s)
			if !vendor {
				continue
			}
			f := found{
				at: s.Node, message: "the trust has no condition on sts:ExternalId, so the vendor can be led into this role by others",
				hint: "add a condition StringEquals on sts:ExternalId, with the id that the vendor made for you",
			}
			if p.kit() == nil && s.forOwnIdentities() {
				f.severity = Warning
				f.hint += "; or give the vendor a role of its own"
			}
			// Others in the same statement do not send our external id.
			if id := p.externalIDs(); id != nil && !others {
				f.fix = func() { s.addCondition("StringEquals", externalID, id) }
			}
			p.report(f)
		}
	},
}

// trusted reports whether a statement trusts the vendor, and whether it trusts
// other accounts beside it. Without a connection anyone may be the vendor.
func (p *pass) trusted(s *statement) (vendor, others bool) {
	if p.kit() == nil || s.Get("NotPrincipal") != nil {
		return true, true
	}
	for _, who := range s.principals() {
		switch {
		case who.kind != "" && who.kind != "AWS":
		case who.anyone() || p.ofVendor(who.Text):
			vendor = true
		default:
			others = true
		}
	}
	return vendor, others
}

// ofVendor reports whether a principal is of an account of the vendor's: an ARN
// or an account id.
func (p *pass) ofVendor(principal string) bool {
	account := principal
	if arn, err := rolecall.ParseARN(principal); err == nil {
		account = arn.Account
	}
	return slices.Contains(p.kit().VendorAccounts, account) || slices.ContainsFunc(p.kit().Principals, func(own string) bool {
		arn, err := rolecall.ParseARN(own)
		return err == nil && arn.Account == account
	})
}

// forOwnIdentities reports whether the statement asks for what only people of one's
// own have: a second factor, or an account of one's own organization.
func (s *statement) forOwnIdentities() bool {
	for _, c := range s.on(secondFactor[0], secondFactor[1], "aws:PrincipalOrgID", "aws:PrincipalOrgPaths") {
		if !c.holdsWithout() {
			return true
		}
	}
	return false
}

const externalID = "sts:ExternalId"

// assumes reports whether one of the statement's actions is sts:AssumeRole.
func (s *statement) assumes() bool {
	for _, a := range s.actions() {
		known, _ := expand(a.Text)
		for _, k := range known {
			if k.name == "sts:AssumeRole" {
				return true
			}
		}
	}
	return false
}

// trustsAWS reports whether accounts, users or roles are trusted, or everyone,
// and not services and identity providers only.
func (s *statement) trustsAWS() bool {
	for _, principal := range s.principals() {
		if principal.kind == "" || principal.kind == "AWS" {
			return true
		}
	}
	return s.Get("NotPrincipal") != nil
}

// idsFor reports whether a statement trusts the vendor, and returns the ids that
// it may ask for, nil where they are not known or others are trusted with it: what
// these send is another vendor's to say.
func (p *pass) idsFor(s *statement) (vendor bool, ids *tree.Node) {
	vendor, others := p.trusted(s)
	if !vendor || others {
		return vendor, nil
	}
	return true, p.externalIDs()
}

// besideOurs reports whether a condition on the external id takes one of the
// connection's: another beside it may be one that is on its way out.
func (p *pass) besideOurs(c condition) bool {
	return p.kit() != nil && slices.ContainsFunc(c.values.Strings(), func(v string) bool { return slices.Contains(p.kit().ExternalIDs, v) })
}

// externalIDs returns the ids that the connection may be asked with, as a
// condition's value, or nil if they are not known.
func (p *pass) externalIDs() *tree.Node {
	if p.kit() == nil || len(p.kit().ExternalIDs) == 0 {
		return nil
	}
	ids := p.kit().ExternalIDs
	if len(ids) == 1 {
		return tree.Text(ids[0])
	}
	return tree.List(ids...)
}
