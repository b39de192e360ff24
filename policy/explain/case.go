package explain

import (
	"strings"

	"github.com/rolecall/rolecall/policy"
)

// Case is a refusal, and what is known of it in addition to AWS's own words. Where
// AWS says little, Action, Principal and Resource are those of the request.
//
// It has the one order of candidates and the one wording of refusals: who shows
// a refusal adds where it happened, and nothing about what it means.
type Case struct {
	policy.Denial
	Identity string // what to call the caller where Principal is not known: "the user of the secret acme"
	Owner    string // the account that the bucket is taken to be of; empty: not known
	// Ours says that rolecall made the request: then session policies are its own,
	// and principal and network are the operator's.
	Ours   bool
	Opened bool // another request on the same resource passed, so that not everything is refused
	// What may be at fault besides policies.
	Key      bool // the KMS key that the object is under
	Disowned bool // the bucket is another account's than Owner, which requests expect
	Missing  bool // what was asked for does not exist
	Unpaid   bool // the bucket is a Requester Pays one, and the request does not agree to that

	unnamed bool // KMS says which policy it was, and not which key
}

// Explain says what refused, or may have.
func (c Case) Explain() Explanation {
	r := c.refusal()
	return Explanation{Denial: c.Denial, Summary: r.summary(), Candidates: r.candidates()}
}

// Words says in a message what was refused, and why if AWS says or else what may
// be it; and in a hint who must act if it is the likeliest. Refused begins the
// message; when it is empty, the message is that of a role that cannot be assumed.
func (c Case) Words(refused string) (message, hint string) {
	r := c.refusal()
	candidates := r.candidates()
	if refused == "" {
		refused = "AWS does not let " + r.who() + " assume the role " + r.Resource
	}
	if r.says() {
		var hints []string // each must do it
		for _, c := range candidates {
			hints = append(hints, c.Hint)
		}
		return refused + ": " + candidates[0].Message, strings.Join(hints, ". ")
	}
	var may []string
	for _, c := range candidates {
		may = append(may, c.Message)
	}
	switch {
	case r.Explicit:
		refused += ": a Deny did it, and AWS does not say in which policy"
	case r.service == "kms":
		refused += ": KMS refuses " + c.Action + ", and does not say why"
	default:
		refused += ", and does not say why"
	}
	return refused + AnyOf + strings.Join(may, "; "), candidates[0].Hint
}

// AnyOf stands in a message before what may be at fault, where AWS does not say.
const AnyOf = "; any of these may be it: "

// Assume is the case of a role that a principal may not assume, as AWS words
// it in the text of its answer.
func Assume(text string, principal, role string) Case {
	d, _ := policy.ReadDenial(text)
	if !strings.HasPrefix(d.Action, "sts:") {
		d.Action = "sts:AssumeRole"
	}
	d.Principal, d.Resource = principal, role
	return Case{Denial: d, Ours: true}
}
