package sandbox

import (
	"crypto/rand"
	"fmt"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
)

// createKey makes a symmetric key, with AWS's default policy unless the call
// has one.
func (s *Server) createKey(c *call, in kmsInput) (any, *serviceError) {
	if in.MultiRegion || in.KeyUsage != "" && in.KeyUsage != "ENCRYPT_DECRYPT" || in.KeySpec != "" && in.KeySpec != "SYMMETRIC_DEFAULT" ||
		in.Origin != "" && in.Origin != "AWS_KMS" || len(in.Tags) > 0 {
		return nil, badKMS("UnsupportedOperationException", "the sandbox makes symmetric keys of one region, without tags")
	}
	owner := c.caller.account
	// Before there is a key, the account's own policies decide, as under the
	// policy that keys have by default.
	q := ask{action: "kms:CreateKey", resource: "*", owner: owner, attached: owner.keyPolicy(&Key{}), conditions: c.conditions(owner)}
	if result := c.evaluate(q); result.Decision != policy.Allowed {
		return nil, badKMS("AccessDeniedException", c.denial(q, result).String())
	}
	id := uuid()
	k := &key{arn: rolecall.ARN{Partition: owner.partition, Service: "kms", Region: c.region, Account: owner.id, Resource: "key/" + id}, state: stateEnabled}
	made := &Key{Region: c.region}
	if in.Policy != "" {
		var fail *serviceError
		if made.Policy, fail = s.readKeyPolicy(c, k, in); fail != nil {
			return nil, fail
		}
	}
	c.event.Resource = k.arn.String()
	s.directory.mu.Lock()
	defer s.directory.mu.Unlock()
	owner.keys[id] = made
	return k.metadata(), nil
}

// onlyPolicy is the name of the one policy that a key has.
const onlyPolicy = "default"

func (s *Server) getKeyPolicy(c *call, in kmsInput) (any, *serviceError) {
	k, fail := s.authorizedKey(c, in.KeyID)
	switch {
	case fail != nil:
		return nil, fail
	case in.PolicyName != "" && in.PolicyName != onlyPolicy:
		return nil, badKMS("NotFoundException", "No such policy exists")
	}
	return map[string]string{"Policy": string(k.policy.JSON()), "PolicyName": onlyPolicy}, nil
}

func (s *Server) putKeyPolicy(c *call, in kmsInput) (any, *serviceError) {
	k, fail := s.changeableKey(c, in.KeyID)
	switch {
	case fail != nil:
		return nil, fail
	case in.PolicyName != "" && in.PolicyName != onlyPolicy:
		return nil, badKMS("NotFoundException", "No such policy exists")
	}
	doc, fail := s.readKeyPolicy(c, k, in)
	if fail != nil {
		return nil, fail
	}
	s.directory.changeKey(k, func(k *Key) { k.Policy = doc })
	return struct{}{}, nil
}

// readKeyPolicy reads a policy for a key. It refuses one that would not let
// its author change it again.
// https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
func (s *Server) readKeyPolicy(c *call, k *key, in kmsInput) (*policy.Document, *serviceError) {
	malformed := func(message string) (*policy.Document, *serviceError) {
		return nil, badKMS("MalformedPolicyDocumentException", message)
	}
	if !documentChars.MatchString(in.Policy) {
		return nil, badKMS("ValidationException", "Value at 'policy' failed to satisfy constraint: Member must satisfy regular expression pattern: "+documentChars.String())
	}
	const invalidPrincipals = "Policy contains a statement with one or more invalid principals."
	doc, err := policy.Parse([]byte(in.Policy))
	if err != nil {
		if malformedPrincipal([]byte(in.Policy), err) != "" {
			return malformed(invalidPrincipals)
		}
		return malformed("Policy is not well-formed: " + rolecall.List(err)[0].Error())
	}
	if documentSize(doc) > policy.MaxKeyPolicy {
		return nil, badKMS("LimitExceededException", fmt.Sprintf("Policy exceeds maximum length of %d", policy.MaxKeyPolicy))
	}
	list := statements(doc)
	if len(list) == 0 {
		return malformed("Policy contains no statements.")
	}
	for _, w := range list {
		if message := w.keyFault(); message != "" {
			return malformed(message)
		}
	}
	if s.directory.missingPrincipal(doc) != "" {
		return malformed(invalidPrincipals)
	}
	if !in.Bypass {
		q := s.keyQuestion(c, &key{arn: k.arn, policy: doc}, "kms:PutKeyPolicy", k.arn)
		if c.judgeKey(q) != nil {
			return malformed("The new key policy will not allow you to update the key policy in the future.")
		}
	}
	return doc, nil
}

// keyFault returns KMS's message if the statement is not valid in a key's
// policy, or "".
func (s *writtenStatement) keyFault() string {
	if s.Principal.empty() && s.NotPrincipal.empty() || len(s.Resource)+len(s.NotResource) == 0 {
		return "Policy contains a statement with no principal or no resource."
	}
	return ""
}

// uuid makes the id of a key.
func uuid() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
