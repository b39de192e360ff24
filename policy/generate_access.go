package policy

import (
	"slices"

	"github.com/rolecall/rolecall"
)

// access is what the role needs of the bucket: the same in its own policy and,
// across accounts, in the bucket's.
func (p *kitPlan) access() []reasoned {
	read := words{"s3:GetObject"}
	why := "reads objects, and asks for their size and checksum"
	if p.Versioned {
		read, why = append(read, "s3:GetObjectVersion"), why+", old versions too"
	}
	out := []reasoned{{draftStatement{Sid: "RolecallRead", Effect: "Allow", Action: read, Resource: p.reach.objects}, why}}
	if p.Connection.Purpose == rolecall.Delivery {
		out = append(out, reasoned{
			draftStatement{Sid: "RolecallWrite", Effect: "Allow", Action: operationActions[Write].s3, Resource: p.reach.objects},
			"delivers objects, large ones in parts; ends uploads that failed and goes on with those that stopped",
		})
	}
	list := reasoned{
		draftStatement{Sid: "RolecallList", Effect: "Allow", Action: operationActions[List].s3, Resource: words{p.reach.bucket}},
		"finds objects by pattern, and tells a missing object from a denied one; HeadBucket needs it too",
	}
	if p.reach.prefixes != nil {
		list.Condition = draftConditions{{"StringLike", "s3:prefix", p.reach.prefixes}}
		list.reason = "finds objects by pattern, and tells a missing object from a denied one; below the prefix only"
	}
	out = append(out, list)
	for _, d := range grantDetails {
		if !slices.Contains(p.Optional, d.grant) {
			continue
		}
		s := draftStatement{Sid: "Rolecall" + string(d.grant), Effect: "Allow", Action: words{"s3:" + string(d.grant)}, Resource: p.reach.objects}
		if d.onBucket {
			s.Resource = words{p.reach.bucket}
		}
		out = append(out, reasoned{s, "optional; without it " + d.lost})
	}
	return out
}

// useKey is what the role needs of the key, as an identity's policy says it.
func (p *kitPlan) useKey() reasoned {
	actions, why := operationActions[Read].kms, "decrypts what the bucket holds"
	if p.Connection.Purpose == rolecall.Delivery {
		actions, why = operationActions[Write].kms, "encrypts what is delivered; S3 decrypts the parts of an upload to join them"
	}
	via := draftCondition{"StringEquals", "kms:ViaService", p.reach.via}
	if p.Connection.Region == "" && p.Connection.Encryption.Key == "" {
		via.operator = "StringLike"
	}
	why += "; only through S3, for this bucket's objects"
	if p.Connection.Encryption.Key == "" {
		why += "; name the bucket's key in the connection to narrow this to it"
	}
	return reasoned{draftStatement{
		Sid: "RolecallKey", Effect: "Allow", Action: actions, Resource: p.reach.keys,
		Condition: draftConditions{via, {"StringLike", encryptionContext, p.reach.context}},
	}, why}
}

func (p *kitPlan) permissions() []reasoned {
	out := p.access()
	if p.keyOwner != "" {
		out = append(out, p.useKey())
	}
	return out
}

// bucketPolicy lets a role of another account in, and refuses everyone what
// the bucket does not permit.
func (p *kitPlan) bucketPolicy() []reasoned {
	var out []reasoned
	if p.bucketOwner != p.role.Account {
		for _, s := range p.access() {
			s = p.forRole(s)
			s.reason += "; said here too, since across accounts both sides must allow"
			out = append(out, s)
		}
	}
	anyone := words{"*"}
	if p.RequireTLS {
		out = append(out, reasoned{draftStatement{
			Sid: "RolecallTLS", Effect: "Deny", Principal: anyone, Action: words{"s3:*"},
			Resource:  words{p.reach.bucket, p.reach.bucket + "/*"},
			Condition: draftConditions{{"Bool", "aws:SecureTransport", words{"false"}}},
		}, "refuses everyone who comes without TLS"})
	}
	if p.RequireEncryption {
		// A request without the key matches too.
		key, value, why := "s3:x-amz-server-side-encryption", p.Connection.Encryption.Type, "the bucket's default is not enough: refuses what does not ask to be encrypted by "
		if k := p.Connection.Encryption.Key; k != "" {
			key, value, why = key+"-aws-kms-key-id", k, "the bucket's default is not enough: refuses what does not ask to be encrypted under "
		}
		out = append(out, reasoned{draftStatement{
			Sid: "RolecallEncryption", Effect: "Deny", Principal: anyone, Action: words{"s3:PutObject"}, Resource: p.reach.objects,
			Condition: draftConditions{{"StringNotEquals", key, words{value}}},
		}, why + value})
	}
	return out
}

// keyPolicy lets the role's own policy decide about the key, in its account or
// in another. AWS's default key policy does that for all of the key's account.
// https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
func (p *kitPlan) keyPolicy() []reasoned {
	if p.keyOwner == "" {
		return nil
	}
	s := p.useKey()
	s.Resource = words{"*"} // in a key's policy: this key
	s.reason += "; to be added to the statements that the key's policy has"
	return []reasoned{p.forRole(s)}
}

// forRole says in a resource's policy what s says in the role's. It names the
// role by condition, since a Principal must exist already when the policy is
// stored, and is lost when it is deleted and made again; and since naming a
// role in a policy of its own account would go past the role's own policy.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
func (p *kitPlan) forRole(s reasoned) reasoned {
	s.Principal = words{accountRoot(p.role)}
	s.Condition = append(slices.Clone(s.Condition), draftCondition{"ArnEquals", "aws:PrincipalArn", words{escapeLiteral(p.role.String())}})
	return s
}
