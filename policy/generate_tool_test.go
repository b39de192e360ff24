package policy_test

import (
	"slices"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
)

// tool is what a tool does at one end of a step: the scope of its session, as
// internal/task makes it, and the operations, as internal/transfer and S3
// make them.
type tool struct {
	name       string
	operations []policy.Operation
	kms        bool
	calls      []string
}

var kitTools = map[rolecall.Purpose][]tool{
	rolecall.Source: {
		{"storage:get", []policy.Operation{policy.Read, policy.List}, true, []string{"s3:ListBucket", "s3:GetObject", "kms:Decrypt"}},
		{"storage:copy, its source", []policy.Operation{policy.Read, policy.List}, true, []string{"s3:ListBucket", "s3:GetObject", "kms:Decrypt"}},
		{"storage:exists", []policy.Operation{policy.List}, false, []string{"s3:ListBucket"}},
	},
	rolecall.Delivery: {
		{"storage:put with overwrite", []policy.Operation{policy.Write}, true, []string{
			"s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts", "kms:GenerateDataKey", "kms:Decrypt",
		}},
		{"storage:put, storage:copy, its destination", []policy.Operation{policy.Write, policy.Read}, true, []string{
			"s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts", "s3:GetObject", "kms:GenerateDataKey", "kms:Decrypt",
		}},
		{"storage:put with an acl", []policy.Operation{policy.Write, policy.ACL}, true, []string{"s3:PutObject", "s3:PutObjectAcl", "kms:GenerateDataKey"}},
		{"storage:tag_s3", []policy.Operation{policy.Tag, policy.List}, false, []string{"s3:ListBucket", "s3:PutObjectTagging"}},
	},
}

// toolTrials are the calls of every tool, under its session policy: of a
// step that works below the whole prefix, and of one for a single object.
func (s shape) toolTrials() []trial {
	var out []trial
	tools := kitTools[rolecall.Source]
	if s.purpose == rolecall.Delivery {
		tools = slices.Concat(tools, kitTools[rolecall.Delivery]) // a delivery is read too
	}
	object := s.prefix + "reel.mov"
	for _, u := range tools {
		scope := policy.Scope{Partition: s.partition, Region: kitRegions[s.partition], Bucket: kitBucket, Operations: u.operations}
		if u.kms && s.encryption != "AES256" {
			scope.KMSKey = policy.AnyKey
		}
		below, single := scope, scope
		below.Prefixes, single.Objects = []string{s.prefix}, []string{object}
		for name, scope := range map[string]policy.Scope{"below the prefix": below, "of one object": single} {
			text, err := policy.Session(scope)
			if err != nil {
				panic(err)
			}
			session := knownGood(string(text))
			for _, action := range u.calls {
				r := s.ask(action)
				if r.Action == "s3:ListBucket" && name == "of one object" {
					r.Context = as(r.Context, "s3:prefix", object)
				}
				if strings.HasPrefix(action, "kms:") && s.keyOwner() == "" {
					continue
				}
				for where, around := range s.frames(action, kindOf(action)) {
					out = append(out, trial{u.name + " " + name + " calls " + action + ": " + where, r, func(k policy.Kit) policy.Policies {
						p := around(k)
						p.Session = session
						return p
					}, slices.Contains(s.granted(kindOf(action)), action)})
				}
			}
		}
	}
	return out
}
