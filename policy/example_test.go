package policy_test

import (
	"fmt"

	"github.com/rolecall/rolecall"
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

// A vendor needs to read from a customer's bucket. Generate makes what each
// side attaches, with the reason for each statement.
func ExampleGenerate() {
	kit, err := policy.Generate(policy.KitRequest{
		Connection: rolecall.Connection{
			Name: "masters", Purpose: rolecall.Source, Bucket: "acme-masters", Prefix: "in/",
			RoleARN: "arn:aws:iam::111122223333:role/media",
		},
		Principals:  []string{"arn:aws:iam::999900009999:role/worker"},
		ExternalIDs: []string{"rc-6Qm2v9TtXhF0aZ8bLw3cYd"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(kit.Trust.JSON()))
	for _, reason := range kit.Reasons {
		if reason.Document == policy.PermissionsDocument {
			fmt.Println(reason.Sid+":", reason.Text)
		}
	}
	// Output:
	// {"Version":"2012-10-17","Statement":[{"Sid":"RolecallAssume0eb8113d","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::999900009999:role/worker"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"rc-6Qm2v9TtXhF0aZ8bLw3cYd"}}}]}
	// RolecallRead19bf1746: reads objects, and asks for their size and checksum
	// RolecallList19bf1746: finds objects by pattern, and tells a missing object from a denied one; below the prefix only
}

// A session that delivers one file can do that, and nothing else that the role
// may do.
func ExampleSession() {
	text, err := policy.Session(policy.Scope{
		Region: "eu-central-1", Bucket: "acme-deliveries", Objects: []string{"out/film.mov"}, Operations: []policy.Operation{policy.Write},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	session, err := policy.Parse(text)
	if err != nil {
		fmt.Println(err)
		return
	}
	role, err := policy.Parse([]byte(`{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	policies := policy.Policies{Identity: []*policy.Document{role}, Session: session}
	for _, action := range []string{"s3:PutObject", "s3:DeleteObject"} {
		result := policy.Evaluate(policy.Request{
			Principal: "arn:aws:sts::111122223333:assumed-role/media/job-1", Action: action,
			Resource: "arn:aws:s3:::acme-deliveries/out/film.mov", Account: "111122223333",
		}, policies)
		fmt.Println(action, result.Decision)
	}
	// Output:
	// s3:PutObject allowed
	// s3:DeleteObject explicitly_denied
}
