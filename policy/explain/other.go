package explain

import (
	"encoding/json"
	"regexp"
	"strings"

	"github.com/rolecall/rolecall/internal/awscode"
	"github.com/rolecall/rolecall/policy"
)

// decoded reads what sts:DecodeAuthorizationMessage returns, with or without the
// answer that it comes in.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_DecodeAuthorizationMessage.html
func decoded(text string) (Explanation, bool) {
	text = strings.TrimSpace(text)
	var answer struct{ DecodedMessage string }
	if json.Unmarshal([]byte(text), &answer) == nil && answer.DecodedMessage != "" {
		text = answer.DecodedMessage
	}
	var message struct {
		Allowed, ExplicitDeny bool
		Context               struct {
			Principal        struct{ ARN string }
			Action, Resource string
		}
	}
	if json.Unmarshal([]byte(text), &message) != nil || message.Allowed || !strings.Contains(message.Context.Action, ":") {
		return Explanation{}, false
	}
	c := message.Context
	return explain(policy.Denial{Principal: c.Principal.ARN, Action: c.Action, Resource: c.Resource, Explicit: message.ExplicitDeny}), true
}

var federatedForm = regexp.MustCompile(`(?i)not authorized to perform:? (sts:AssumeRoleWith(?:WebIdentity|SAML))\b`)

// federated reads the refusal of those who come with a token or an assertion,
// which names neither the role nor them.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_roles.html
func federated(text string) (Explanation, bool) {
	m := federatedForm.FindStringSubmatch(text)
	if m == nil {
		return Explanation{}, false
	}
	d := policy.Denial{Action: m[1]}
	r := Case{Denial: d}.refusal()
	token, claims := "token", "its aud and sub, as the token has them, letter by letter"
	if strings.HasSuffix(m[1], "SAML") {
		token, claims = "assertion", "SAML:aud, and others, as the assertion has them"
	}
	trust := func(message, hint string) Candidate {
		c := r.document(policy.DeniedByResource)
		c.Message, c.Hint = message, hint
		return c
	}
	return Explanation{Denial: d, Summary: r.summary(), Candidates: []Candidate{
		trust("a condition of the role's trust policy does not hold", "compare its conditions with "+claims),
		trust("the role's trust policy does not name the identity provider, or not this action",
			"its Principal must be Federated with the ARN of the provider that made the "+token+", and its Action "+m[1]),
		trust("the role's trust policy has a Deny that matches", "look in it for a Deny of this action, and at its conditions"),
		r.noRole(),
	}}, true
}

var ciphertextForm = regexp.MustCompile(`ciphertext refers to a customer master key that does not exist`)

// ciphertext reads KMS's older answer to callers that its key policy does not
// let in.
func ciphertext(text string) (Explanation, bool) {
	if !ciphertextForm.MatchString(text) {
		return Explanation{}, false
	}
	return explain(policy.Denial{Action: "kms:Decrypt", Layer: policy.DeniedByResource}), true
}

// otherCause reads errors that look like a refusal by policy and are none, by
// the codes and texts of AWS's that they have.
func otherCause(text string) (Explanation, bool) {
	for _, means := range awscode.InText(text) {
		if summary, hint, known := Cause(means); known {
			return Explanation{Summary: summary, Candidates: []Candidate{{Message: summary, Hint: hint}}}, true
		}
	}
	return Explanation{}, false
}

// Cause says what an answer of AWS's means that names no policy, and who must
// act. It is false where an answer of that meaning needs no explanation, or more
// than its meaning to explain it.
func Cause(means awscode.Meaning) (message, hint string, known bool) {
	c, known := causes[means]
	return c.message, c.hint, known
}

type cause struct{ message, hint string }

var causes = map[awscode.Meaning]cause{
	awscode.Encoded: {
		"AWS says only in code which policy refused",
		"aws sts decode-authorization-message --encoded-message CODE decodes it, for who may sts:DecodeAuthorizationMessage in that account; " +
			"give its answer to rolecall policy explain",
	},
	awscode.Expired: {"the credentials have expired", "assume the role again; no policy is at fault"},
	awscode.BadKeys: {
		"AWS does not know the access key", "it was deleted, is of another partition, or its session token was left out; no policy is at fault",
	},
	awscode.BadSignature: {
		"the secret does not fit the access key, or the request was altered on its way", "give the secret again, without white space; no policy is at fault",
	},
	awscode.Clock: {"the caller's clock is more than 15 minutes off", "set it; no policy is at fault"},
	awscode.NoACLs: {
		"the bucket takes no ACLs: its owner enforces ownership of all objects",
		"send no acl: the bucket's owner owns all that is written, and no policy needs s3:PutObjectAcl. Only if others rely on ACLs does the bucket's owner turn them on",
	},
	awscode.MalformedPolicy: {
		"the policy was not stored: it is malformed, or a principal in it does not exist",
		"rolecall policy lint finds what is wrong; a role or user must exist before a policy can name it",
	},
	awscode.Archived:       {"the object is archived and cannot be read", "the bucket's owner restores it first, which takes hours; no policy is at fault"},
	awscode.Closed:         {"AWS has closed the bucket, or its account", "the bucket's owner asks AWS why; no policy is at fault"},
	awscode.WrongRegion:    {"the bucket is in another region", "ask at the region that the answer names; no policy is at fault"},
	awscode.NoStorageClass: {"S3 knows no such storage class", "correct the storage class, or leave it out; no policy is at fault"},
	awscode.KeyDisabled:    {"the KMS key is disabled", "the key's owner enables it; no policy is at fault"},
	awscode.KeyUnusable: {
		"the KMS key cannot be used as it is: it may be about to be deleted", "the key's owner cancels the deletion and enables it; no policy is at fault",
	},
	awscode.KeyMissing:     {"KMS knows no such key in the bucket's region", "name the key of the bucket as its owner has it, by its ARN"},
	awscode.TooLong:        tooLong,
	awscode.TooLongChained: tooLong,
}

var tooLong = cause{
	"the role does not give sessions of that length",
	"ask for 3600 seconds or less, or have the role's maximum session duration raised; a chained session never lasts over an hour",
}
