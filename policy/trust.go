package policy

import (
	"fmt"

	"github.com/rolecall/rolecall"
)

// TrustForm is how a trust policy names the vendor's principals.
type TrustForm string

// The forms. AWS stores a principal's ARN in a trust policy as an opaque id,
// so a recreated worker role locks itself out of ByPrincipal; ByAccount
// outlives it.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
const (
	ByPrincipal TrustForm = "principal" // Principal is the ARNs
	ByAccount   TrustForm = "account"   // Principal is the accounts, aws:PrincipalArn the ARNs
)

// Trust says whom a customer's role trusts: these principals, with one of
// these external ids.
type Trust struct {
	Principals  []string // ARNs of IAM roles or users
	ExternalIDs []string
	Form        TrustForm // empty: ByPrincipal

	SessionActions []string // see KitRequest.SessionActions
}

// Policy builds the trust policy, minified.
func (t Trust) Policy() ([]byte, error) {
	var faults rolecall.Errors
	if len(t.ExternalIDs) == 0 {
		faults.Add("", "a trust policy needs an external id", "You: give an external id; without it, others could lead the vendor into this role")
	}
	for _, id := range t.ExternalIDs {
		if id == "" {
			faults.Add("", "an external id is empty", "")
		}
	}
	if len(t.Principals) == 0 {
		faults.Add("", "a trust policy needs a principal", "")
	}
	for _, p := range t.Principals {
		a, err := rolecall.ParseARN(p)
		if err != nil || a.Service != "iam" || a.Account == "" {
			faults.Add("", fmt.Sprintf("%q is not the ARN of an IAM role or user", p), "")
		}
	}
	if err := faults.Err(); err != nil {
		return nil, err
	}
	return []byte(draft{t.statement()}.json()), nil
}

// statement is the policy's one statement; the principals are valid.
func (t Trust) statement() draftStatement {
	s := draftStatement{
		Sid: "RolecallAssume", Effect: "Allow", Principal: t.Principals, Action: append(words{"sts:AssumeRole"}, t.SessionActions...),
		Condition: draftConditions{{"StringEquals", "sts:ExternalId", t.ExternalIDs}},
	}
	if t.Form != ByAccount {
		return s
	}
	var accounts, arns []string
	for _, p := range t.Principals {
		a, _ := rolecall.ParseARN(p)
		accounts, arns = append(accounts, accountRoot(a)), append(arns, escapeLiteral(p))
	}
	s.Principal = distinct(accounts)
	s.Condition = append(s.Condition, draftCondition{"ArnEquals", "aws:PrincipalArn", arns})
	return s
}
