package policy_test

import (
	"fmt"

	"github.com/rolecall/rolecall/policy"
)

// A vendor's worker asks for a customer's role. The trust policy wants an
// external id; without it neither policy denies, but one does not allow.
func ExampleEvaluate() {
	trust, err := policy.Parse([]byte(`{"Version": "2012-10-17", "Statement": {"Effect": "Allow",
		"Principal": {"AWS": "arn:aws:iam::111111111111:role/worker"}, "Action": "sts:AssumeRole",
		"Condition": {"StringEquals": {"sts:ExternalId": "x-42"}}}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	worker, err := policy.Parse([]byte(`{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	request := policy.Request{
		Principal: "arn:aws:sts::111111111111:assumed-role/worker/job-1",
		Action:    "sts:AssumeRole",
		Resource:  "arn:aws:iam::222222222222:role/customer",
		Account:   "222222222222",
	}
	policies := policy.Policies{Identity: []*policy.Document{worker}, Resource: trust}

	result := policy.Evaluate(request, policies)
	fmt.Println(result.Decision, result.Missing)

	request.Context = map[string][]string{"sts:ExternalId": {"x-42"}}
	fmt.Println(policy.Evaluate(request, policies).Decision)
	// Output:
	// implicitly_denied [resource_policy]
	// allowed
}
