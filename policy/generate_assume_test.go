package policy_test

import (
	"strings"
	"time"

	"github.com/rolecall/rolecall/policy"
)

// trustTrials are of those who would assume the role.
func (s shape) trustTrials() []trial {
	var out []trial
	add := func(name, principal string, ids []string, allowed bool) {
		r := policy.Request{Principal: principal, Action: "sts:AssumeRole", Resource: s.role(), Account: kitRoleAccount, Context: map[string][]string{}}
		if ids != nil {
			r.Context["sts:ExternalId"] = ids
		}
		for where, around := range trustFrames {
			out = append(out, trial{"AssumeRole " + name + ": " + where, r, around, allowed})
		}
	}
	for _, p := range s.principals() {
		for _, id := range s.ids() {
			add("by "+p+" with "+id, p, []string{id}, true)
		}
		for _, wrong := range []string{kitID[:len(kitID)-1], kitID + "x", strings.ToUpper(kitID), "*", "", "y-44"} {
			add("by "+p+" with "+wrong, p, []string{wrong}, false)
		}
		add("by "+p+" with the next id", p, []string{kitIDTwo}, s.rotating)
		add("by "+p+" without an id", p, nil, false)
	}
	for name, p := range map[string]string{
		"by another role of the vendor's": s.arn("iam", "", kitVendor, "role/Other"),
		"by one of its other account's":   s.arn("iam", "", kitVendorTwo, "role/Other"),
		"by the vendor's root":            s.arn("iam", "", kitVendor, "root"),
		"by a role that is called alike":  s.arn("iam", "", kitVendorThree, "role/VTKWorker"),
		"by a role with another path":     s.arn("iam", "", kitVendor, "role/x/VTKWorker"),
		"by a role with a similar path":   s.arn("iam", "", kitVendor, "role/old/Worker"),
	} {
		add(name, p, []string{kitID}, false)
	}
	return out
}

// workerTrials are of the worker, with roles that trust anyone.
func (s shape) workerTrials() []trial {
	var out []trial
	add := func(name, account, role string, allowed bool) {
		r := policy.Request{Principal: s.principals()[0], Action: "sts:AssumeRole", Resource: role, Account: account}
		out = append(out, trial{"the worker assumes " + name, r, func(k policy.Kit) policy.Policies {
			return policy.Policies{Identity: identity(k.Worker), Resource: openTrust}
		}, allowed})
	}
	anyRole := s.worker == policy.AnyRole
	add("the connection's role", kitRoleAccount, s.role(), true)
	add("another that is listed", kitOtherAccount, s.listed(), true)
	add("one with a similar path", kitRoleAccount, s.arn("iam", "", kitRoleAccount, "role/media/ingest"), anyRole)
	add("a third", kitOtherAccount, s.arn("iam", "", kitOtherAccount, "role/third"), anyRole)
	for _, account := range []string{kitVendor, kitVendorThree, kitVendorTwo} {
		add("the vendor's own", account, s.arn("iam", "", account, "role/admin"), anyRole && account == kitVendorTwo && !s.many)
	}
	return out
}

// revocationTrials are of sessions on both sides of the time.
func (s shape) revocationTrials() []trial {
	var out []trial
	for name, began := range map[string]time.Duration{"before": -time.Second, "after": time.Second} {
		r := s.ask("s3:GetObject")
		r.Context = as(r.Context, "aws:TokenIssueTime", kitRevoked.Add(began).Format(time.RFC3339))
		together := s.frames(r.Action, "object")["together"]
		out = append(out, trial{"a session that began " + name + " the revocation", r, func(k policy.Kit) policy.Policies {
			p := together(k)
			p.Identity = append(p.Identity, identity(k.Revocation)...)
			return p
		}, began > 0})
	}
	return out
}
