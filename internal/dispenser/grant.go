package dispenser

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/strict"
	"github.com/rolecall/rolecall/policy"
)

// Grant is what an organization may get credentials for: objects of a bucket
// below a prefix, through a role of the customer.
type Grant struct {
	Organization string
	Bucket       string
	Prefix       string // empty, or ends in a slash
	Write        bool   // which includes reading
	Role         rolecall.ARN
	KMSKey       string // of the objects, or policy.AnyKey; empty: KMS is not used
	Region       string // of the bucket; empty: any of the role's partition
	Duration     time.Duration
}

// grant is the form of a Grant in the config.
type grant struct {
	Organization string  `json:"organization"`
	Bucket       string  `json:"bucket"`
	Prefix       *string `json:"prefix"`
	Access       string  `json:"access"`
	RoleARN      string  `json:"role_arn"`
	KMSKey       string  `json:"kms_key"`
	Region       string  `json:"region"`
	Duration     int     `json:"role_session_duration_seconds"`
}

func (r *reader) grants(f file) {
	if len(f.Grants) == 0 {
		r.faults.Add("/grants", "nothing is granted", "You: give bucket, prefix, access and role_arn")
	}
	for i, g := range f.Grants {
		at := strict.Pointer("grants", i)
		r.grantForm(g, at)
		parsed := g.toGrant(f.Organizations)
		switch _, known := f.Organizations[parsed.Organization]; {
		case g.Organization == "" && len(f.Organizations) > 1:
			r.faults.Add(at+"/organization", "with several organizations, a grant says whose it is", "")
		case g.Organization != "" && !known:
			r.faults.Add(at+"/organization", fmt.Sprintf("there is no organization %q", g.Organization), "You: declare it under organizations")
		}
		same := func(o Grant) bool {
			return o.Organization == parsed.Organization && o.Bucket == parsed.Bucket && o.Prefix == parsed.Prefix && o.Write == parsed.Write
		}
		if g.Prefix != nil && slices.ContainsFunc(r.config.grants, same) {
			r.faults.Add(at, "the same is granted twice", "You: keep one of the two")
		}
		r.config.grants = append(r.config.grants, parsed)
	}
}

// grantForm checks one grant. It has the form of a connection, and its members
// are checked in the same way.
func (r *reader) grantForm(g grant, at string) {
	c := rolecall.Connection{
		Purpose: rolecall.Source, Bucket: g.Bucket, RoleARN: g.RoleARN, Region: g.Region, RoleSessionDurationSeconds: g.Duration,
	}
	switch g.Access {
	case credential.AccessRead, credential.AccessWrite:
	default:
		r.faults.Add(at+"/access", "a grant is for reading or writing", "You: write read, or write, which comes with read")
	}
	if g.Prefix == nil {
		r.faults.Add(at+"/prefix", "the prefix is missing", `You: end it in a slash; "" is the whole bucket`)
	} else {
		c.Prefix = *g.Prefix
	}
	if g.RoleARN == "" {
		r.faults.Add(at+"/role_arn", "the role is missing", "You: give the ARN of a role of yours that the dispenser may assume")
		c.RoleARN = "arn:aws:iam::111122223333:role/r" // so that the other faults are found
	}
	r.faults.AddErr(at, c.Validate())
	role, err := rolecall.ParseRoleARN(g.RoleARN)
	if err == nil && g.Region != "" && rolecall.PartitionOf(g.Region) != role.Partition {
		r.faults.Add(at+"/region", "the region is not of the role's partition "+role.Partition, "You: keep to the partition of the role")
	}
	if g.KMSKey != "" && g.KMSKey != policy.AnyKey {
		for _, e := range rolecall.List((rolecall.Encryption{Type: "aws:kms", Key: g.KMSKey}).Validate()) {
			r.faults.Add(at+"/kms_key", e.Message, e.Hint)
		}
	}
}

func (g grant) toGrant(organizations map[string]organization) Grant {
	out := Grant{
		Organization: g.Organization, Bucket: g.Bucket, Write: g.Access == credential.AccessWrite,
		KMSKey: g.KMSKey, Region: g.Region, Duration: time.Duration(g.Duration) * time.Second,
	}
	out.Role, _ = rolecall.ParseRoleARN(g.RoleARN) // checked by grantForm
	if g.Prefix != nil {
		out.Prefix = *g.Prefix
	}
	if out.Organization == "" && len(organizations) == 1 {
		for name := range organizations {
			out.Organization = name
		}
	}
	if out.Duration == 0 {
		out.Duration = rolecall.DefaultSessionDuration
	}
	return out
}

// covers reports whether the request is within the grant. The grant's prefix
// ends in a slash, so that in/ covers neither input/ nor an object named in.
func (g Grant) covers(r request) bool {
	return r.organization == g.Organization && r.bucket == g.Bucket && strings.HasPrefix(r.prefix, g.Prefix) && (g.Write || !r.writes())
}

// grantFor returns the narrowest grant that covers the request: the one with
// the longest prefix, and of those one for reading only.
func (c *Config) grantFor(r request) (Grant, bool) {
	var best Grant
	found := false
	for _, g := range c.grants {
		closer := len(g.Prefix) > len(best.Prefix) || len(g.Prefix) == len(best.Prefix) && best.Write && !g.Write
		if g.covers(r) && (!found || closer) {
			best, found = g, true
		}
	}
	return best, found
}

// session returns the session policy and duration for the request: what it asks
// for and nothing else.
func (g Grant) session(r request) ([]byte, error) {
	scope := policy.Scope{Partition: g.Role.Partition, Region: g.Region, Bucket: r.bucket, KMSKey: g.KMSKey}
	if r.prefix == "" || strings.HasSuffix(r.prefix, "/") {
		scope.Prefixes = []string{r.prefix}
	} else {
		scope.Objects = []string{r.prefix}
	}
	switch {
	case r.writes() && r.tool == rolecall.StorageTagS3:
		scope.Operations = []policy.Operation{policy.Tag, policy.List}
	case r.writes():
		scope.Operations = []policy.Operation{policy.Read, policy.List, policy.Write}
	default:
		scope.Operations = []policy.Operation{policy.Read, policy.List}
	}
	return policy.Session(scope)
}
