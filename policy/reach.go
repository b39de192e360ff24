package policy

import (
	"slices"
	"strings"

	"github.com/rolecall/rolecall"
)

// reach is a scope in the words of policies.
type reach struct {
	bucket            string // ARN
	objects           words  // ARNs
	prefixes          words  // for s3:prefix; nil: any
	onObjects, onKeys words  // actions
	list, sweep       bool
	keys              words // ARNs
	via, context      words // for use of the key
}

func (s Scope) reach() reach {
	partition := s.partition()
	r := reach{
		bucket: "arn:" + partition + ":s3:::" + s.Bucket,
		list:   slices.Contains(s.Operations, List),
		sweep:  slices.Contains(s.Operations, Sweep),
		keys:   words{s.key(partition)},
		via:    s.via(partition),
	}
	for _, p := range s.Prefixes {
		r.prefixes = append(r.prefixes, escapeLiteral(p)+"*")
	}
	for _, o := range s.Objects {
		r.prefixes = append(r.prefixes, escapeLiteral(o))
	}
	for _, p := range r.prefixes {
		r.objects = append(r.objects, r.bucket+"/"+p)
	}
	if slices.Contains(s.Prefixes, "") {
		r.prefixes = nil
	}
	// With a Bucket Key the encryption context is the bucket's ARN.
	// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html
	r.context = append(words{r.bucket}, r.objects...)
	for _, op := range allOperations {
		if !slices.Contains(s.Operations, op) {
			continue
		}
		if op != List && op != Sweep {
			r.onObjects = append(r.onObjects, operationActions[op].s3...)
		}
		for _, action := range operationActions[op].kms {
			if s.KMSKey != "" && !slices.Contains(r.onKeys, action) {
				r.onKeys = append(r.onKeys, action)
			}
		}
	}
	return r
}

// session is the policy of a session with these scopes.
func session(scopes []Scope, form allowForm) draft {
	var doc draft
	var all []reach
	for _, s := range scopes {
		r := s.reach()
		doc, all = append(doc, r.allow(form)...), append(all, r)
	}
	doc = append(doc, joint(all).deny()...)
	if len(all) > 1 {
		for i, r := range all {
			doc = append(doc, r.denyElsewhere(joint(slices.Delete(slices.Clone(all), i, i+1)))...)
		}
	}
	return doc
}

// joint is what any of them reaches, and more: what one may do to its objects
// is not set apart from what another may do to its own.
func joint(all []reach) reach {
	var out reach
	for i, r := range all {
		if len(r.onKeys) == 0 {
			r.keys, r.via, r.context = nil, nil, nil
		}
		if i == 0 {
			out = r
			continue
		}
		for _, w := range []struct{ to, from *words }{
			{&out.objects, &r.objects},
			{&out.onObjects, &r.onObjects},
			{&out.onKeys, &r.onKeys},
			{&out.keys, &r.keys},
			{&out.via, &r.via},
			{&out.context, &r.context},
		} {
			*w.to = slices.Concat(*w.to, w.from.without(*w.to))
		}
	}
	return out
}

// denyElsewhere denies, beyond this reach, what others do not do.
func (r reach) denyElsewhere(others reach) draft {
	var doc draft
	if only := r.onObjects.without(others.onObjects); len(only) > 0 {
		doc = append(doc, draftStatement{Effect: "Deny", Action: only, NotResource: r.objects})
	}
	if only := r.onKeys.without(others.onKeys); len(only) > 0 {
		doc = append(
			doc,
			draftStatement{Effect: "Deny", Action: only, NotResource: r.keys},
			draftStatement{Effect: "Deny", Action: only, Resource: words{"*"}, Condition: draftConditions{{"StringNotLike", encryptionContext, r.context}}},
		)
	}
	return doc
}

func (r reach) allow(form allowForm) draft {
	var doc draft
	if len(r.onObjects) > 0 {
		doc = append(doc, draftStatement{Effect: "Allow", Action: r.onObjects, Resource: r.objects})
	}
	if r.list {
		list := draftStatement{Effect: "Allow", Action: operationActions[List].s3, Resource: words{r.bucket}}
		if r.prefixes != nil {
			list.Condition = form.only(draftConditions{{"StringLike", "s3:prefix", r.prefixes}})
		}
		doc = append(doc, list)
	}
	if r.sweep {
		doc = append(doc, draftStatement{Effect: "Allow", Action: operationActions[Sweep].s3, Resource: words{r.bucket}})
	}
	if len(r.onKeys) > 0 {
		doc = append(doc, draftStatement{
			Effect: "Allow", Action: r.onKeys, Resource: r.keys,
			Condition: form.only(draftConditions{{"StringLike", "kms:ViaService", r.via}, {"StringLike", encryptionContext, r.context}}),
		})
	}
	return doc
}

func (r reach) deny() draft {
	actions, resources := slices.Clone(r.onObjects), words(nil)
	if len(r.onObjects) > 0 {
		resources = append(resources, r.objects...)
	}
	if r.list {
		actions = append(actions, operationActions[List].s3...)
	}
	if r.sweep {
		actions = append(actions, operationActions[Sweep].s3...)
	}
	if r.list || r.sweep {
		resources = append(resources, r.bucket)
	}
	if len(r.onKeys) > 0 {
		actions, resources = append(actions, r.onKeys...), append(resources, r.keys...)
	}
	all := words{"*"}
	doc := draft{
		{Effect: "Deny", NotAction: actions, Resource: all},
		{Effect: "Deny", Action: all, NotResource: resources},
	}
	if r.list && r.prefixes != nil {
		// StringNotLike is also true for a request without the key, so a listing
		// of the whole bucket is denied.
		// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
		doc = append(doc, draftStatement{
			Effect: "Deny", Action: operationActions[List].s3, Resource: all,
			Condition: draftConditions{{"StringNotLike", "s3:prefix", r.prefixes}},
		})
	}
	if len(r.onKeys) > 0 {
		doc = append(
			doc,
			draftStatement{Effect: "Deny", Action: words{"kms:*"}, Resource: all, Condition: draftConditions{{"StringNotLike", "kms:ViaService", r.via}}},
			draftStatement{Effect: "Deny", Action: words{"kms:*"}, Resource: all, Condition: draftConditions{{"StringNotLike", encryptionContext, r.context}}},
		)
	}
	return doc
}

// encryptionContext is the key under which S3 puts its context for KMS.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html#encryption-context
const encryptionContext = "kms:EncryptionContext:aws:s3:arn"

func (s Scope) partition() string {
	if s.Partition != "" {
		return s.Partition
	}
	return rolecall.PartitionOf(s.Region)
}

func (s Scope) key(partition string) string {
	if s.KMSKey != AnyKey {
		return s.KMSKey
	}
	return "arn:" + partition + ":kms:" + orAny(s.Region) + ":*:key/*"
}

func (s Scope) via(partition string) words {
	return words{"s3." + orAny(s.Region) + "." + DNSSuffix(partition)}
}

func orAny(region string) string {
	if region == "" {
		return "*"
	}
	return region
}

// escape writes a literal for a place where *, ? and $ have a meaning.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#policy-vars-specialchars
func escapeLiteral(s string) string { return specials.Replace(s) }

var specials = strings.NewReplacer("*", "${*}", "?", "${?}", "$", "${$}")
