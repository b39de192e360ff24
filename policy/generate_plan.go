package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/strict"
)

// kitPlan is a request that has been found good, with what follows from it.
type kitPlan struct {
	KitRequest
	role        rolecall.ARN
	bucketOwner string
	accounts    []string // the vendor's
	reach       reach    // of the connection, with its key
	keyOwner    string   // empty without a key
}

func planKit(r KitRequest) (kitPlan, error) {
	var faults rolecall.Errors
	p := kitPlan{KitRequest: r}
	p.Principals, p.ExternalIDs = distinct(r.Principals), distinct(r.ExternalIDs)
	c := r.Connection
	faults.AddErr("/connection", c.Validate())
	if c.RoleARN == "" {
		faults.Add("/connection/role_arn", "policies are made for a role", "You: give role_arn; the policies of a user with static keys are not generated")
	}
	if err := faults.Err(); err != nil {
		return p, err
	}
	p.role, _ = rolecall.ParseRoleARN(c.RoleARN) // the connection is valid
	if p.bucketOwner = c.BucketOwner; p.bucketOwner == "" {
		p.bucketOwner = p.role.Account
	}
	p.region(&faults)
	p.checkTrust(&faults)
	p.checkWorker(&faults)
	for i, action := range r.SessionActions {
		if action != "sts:TagSession" && action != "sts:SetSourceIdentity" {
			faults.Add(strict.Pointer("session_actions", i), quote(action)+" does not come along with sts:AssumeRole", "You: give sts:TagSession or sts:SetSourceIdentity")
		}
	}
	checkGrants(&faults, r.Optional, c.Purpose)
	if r.RequireEncryption && c.Encryption == nil {
		faults.Add("/require_encryption", "the connection names no encryption to require", "You: give its encryption, AES256 or aws:kms with a key")
	}
	if c.Purpose == rolecall.Source && r.RequireEncryption {
		faults.Add("/require_encryption", "nothing is written to a source", "You: leave it out")
	}
	if c.ACL != "" && c.Purpose == rolecall.Delivery && !slices.Contains(r.Optional, PutObjectACL) {
		p.Optional = append(slices.Clone(r.Optional), PutObjectACL)
	}
	return p, faults.Err()
}

// region settles where the bucket is and which key is its: a key is always in
// the bucket's region.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
func (p *kitPlan) region(faults *rolecall.Errors) {
	c := p.Connection
	scope := Scope{Partition: p.role.Partition, Region: c.Region, Bucket: c.Bucket, Prefixes: []string{c.Prefix}}
	if c.Region != "" && rolecall.PartitionOf(c.Region) != p.role.Partition {
		faults.Add("/connection/region", fmt.Sprintf("the region %s is not in the role's partition %s", c.Region, p.role.Partition), "You: keep to the partition of the role")
	}
	key := ""
	if e := c.Encryption; e != nil && e.Type == "aws:kms" {
		key, p.keyOwner = e.Key, p.bucketOwner
	}
	if key != "" {
		a, _ := rolecall.ParseARN(key) // the connection is valid
		p.keyOwner = a.Account
		switch {
		case a.Account == "" || a.Region == "" || strings.ContainsAny(key, "*?$"):
			faults.Add("/connection/encryption/key", quote(key)+" does not name one KMS key", "You: write it as arn:aws:kms:eu-central-1:111122223333:key/ID")
		case a.Partition != p.role.Partition:
			faults.Add("/connection/encryption/key", fmt.Sprintf("the key is in partition %s, the role in %s", a.Partition, p.role.Partition), "You: keep to the partition of the role")
		case c.Region != "" && a.Region != c.Region:
			faults.Add("/connection/encryption/key", fmt.Sprintf("the key is in the region %s, the bucket in %s", a.Region, c.Region), "You: name a key of the bucket's region; S3 uses no other")
		}
		scope.Region = a.Region
	}
	p.reach = scope.reach()
	if p.reach.keys = (words{key}); key == "" && p.keyOwner != "" {
		p.reach.keys = words{"arn:" + p.role.Partition + ":kms:" + orAny(c.Region) + ":" + p.keyOwner + ":key/*"}
	}
}

func (p *kitPlan) checkTrust(faults *rolecall.Errors) {
	if p.Form != "" && p.Form != ByPrincipal && p.Form != ByAccount {
		faults.Add("/form", "unknown form "+quote(string(p.Form)), "You: name principal or account")
	}
	if len(p.Principals) == 0 {
		faults.Add("/principals", "a trust policy needs a principal", "You: give the ARN of the workers' role")
	}
	for i, s := range p.KitRequest.Principals {
		at := strict.Pointer("principals", i)
		a, err := parseWorker(s)
		if err != nil {
			faults.AddErr(at, err)
			continue
		}
		if a.Partition != p.role.Partition {
			faults.Add(at, fmt.Sprintf("the principal is in partition %s, the role in %s", a.Partition, p.role.Partition), "You: name the principal of the role's partition")
		}
		if p.Form != ByAccount && strings.ContainsAny(s, "*?") {
			faults.Add(at, "IAM takes no "+quote(s)+" as a principal, since its path has a wildcard", "You: use the form account")
		}
		p.accounts = append(p.accounts, a.Account)
	}
	if len(p.ExternalIDs) == 0 {
		faults.Add("/external_ids", "a trust policy needs an external id", "You: give an external id; without it, others could lead the vendor into this role")
	}
	for i, id := range p.KitRequest.ExternalIDs {
		faults.AddErr(strict.Pointer("external_ids", i), rolecall.ExternalID{Mode: rolecall.ExternalIDCustom, Value: id}.Validate())
	}
}

// checkWorker comes after checkTrust: the principals' accounts are the
// vendor's too.
func (p *kitPlan) checkWorker(faults *rolecall.Errors) {
	for i, a := range p.VendorAccounts {
		if !rolecall.IsAccountID(a) {
			faults.Add(strict.Pointer("vendor_accounts", i), quote(a)+" is not an account id", "You: write twelve digits")
		}
	}
	p.accounts = distinct(append(slices.Clone(p.VendorAccounts), p.accounts...))
	own := func(at string, a rolecall.ARN) {
		if slices.Contains(p.accounts, a.Account) {
			*faults = append(*faults, &rolecall.Error{
				Code: rolecall.Forbidden, Pointer: at, Message: "the role " + quote(a.String()) + " is in an account of the vendor's",
				Hint: "You: give a role in the customer's account",
			})
		}
	}
	own("/connection/role_arn", p.role)
	for i, s := range p.WorkerRoles {
		a, err := rolecall.ParseRoleARN(s)
		faults.AddErr(strict.Pointer("worker_roles", i), err)
		own(strict.Pointer("worker_roles", i), a)
	}
	switch p.Worker {
	case ListedRoles:
	case "", AnyRole:
		if len(p.WorkerRoles) > 0 {
			faults.Add("/worker_roles", "workers may assume any role", "You: give the form list, or leave the roles out")
		}
	default:
		faults.Add("/worker", "unknown form "+quote(string(p.Worker)), "You: name any or list")
	}
}

// parseWorker parses the ARN of an IAM role or user. Their names and paths
// are made of the same characters.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
func parseWorker(s string) (rolecall.ARN, error) {
	a, err := rolecall.ParseARN(s)
	name, isUser := strings.CutPrefix(a.Resource, "user/")
	if err != nil || !isUser {
		return rolecall.ParseRoleARN(s)
	}
	role := a
	role.Resource = "role/" + name
	if _, err := rolecall.ParseRoleARN(role.String()); err != nil {
		return a, &rolecall.Error{
			Code: rolecall.Invalid, Message: quote(s) + " is not the ARN of an IAM user",
			Hint: "You: write the user's ARN as arn:aws:iam::111122223333:user/name", Err: err,
		}
	}
	return a, nil
}

// distinct returns the words without repetitions, in order.
func distinct(all []string) []string {
	var out []string
	for _, s := range all {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
