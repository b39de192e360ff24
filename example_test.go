package rolecall_test

import (
	"fmt"

	"github.com/rolecall/rolecall"
)

// acme is a customer with one bucket to read from.
var acme = rolecall.Organization{
	APIName:    "acme",
	ExternalID: rolecall.ExternalID{Mode: rolecall.ExternalIDCustom, Value: "x-42"},
	Connections: map[string]rolecall.Connection{"masters": {
		Name: "masters", Purpose: rolecall.Source, Bucket: "acme-masters", Prefix: "in/", Region: "eu-central-1",
		RoleARN: "arn:aws:iam::111122223333:role/media",
	}},
}

// vendor is who runs the jobs: one identity, in one account.
var vendor = rolecall.Vendor{Principals: map[string]rolecall.Principal{"production": {
	Name: "production", Default: true,
	ARN: rolecall.ARN{Partition: "aws", Service: "iam", Account: "873682911326", Resource: "role/worker"},
}}}

// A job is planned against an organization before anything is contacted: what
// a step needs of AWS is in its Place.
func ExampleReadPlan() {
	plan, err := rolecall.ReadPlan([]byte(`{"tasks": [
		{"tool": "storage:get", "parameters": {"connection": "masters", "files": ["*.mov"]}}
	]}`), acme, vendor, "")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, step := range plan.Steps {
		fmt.Println(step.Tool, "below", step.Place.Bucket+"/"+step.Place.Key)
		fmt.Println("as", plan.Principal.ARN, "through", step.Place.RoleARN, "with external id", step.Place.ExternalID)
	}
	// Output:
	// storage:get below acme-masters/in/
	// as arn:aws:iam::873682911326:role/worker through arn:aws:iam::111122223333:role/media with external id x-42
}

// All faults of a job come at once, each with its place in the document.
func ExampleList() {
	_, err := rolecall.ReadPlan([]byte(`{"tasks": [
		{"tool": "storage:get", "parameters": {"connection": "master", "files": ["*.mov"]}},
		{"tool": "storage:cpoy", "parameters": {}}
	]}`), acme, vendor, "")
	for _, fault := range rolecall.List(err) {
		fmt.Printf("%s: %s (%s)\n", fault.Pointer, fault.Message, fault.Hint)
	}
	// Output:
	// /tasks/0/parameters/connection: there is no connection "master" (You: name one of the organization's connections: masters)
	// /tasks/1/tool: unknown tool "storage:cpoy" (You: write "storage:copy", if that is meant)
}

func ExampleConnection_Validate() {
	c := acme.Connections["masters"]
	c.Prefix, c.BucketOwner = "in", "1111-2222-3333"
	for _, fault := range rolecall.List(c.Validate()) {
		fmt.Printf("%s: %s\n", fault.Pointer, fault.Message)
	}
	// Output:
	// /prefix: a prefix ends in a slash
	// /bucket_owner: "1111-2222-3333" is not an account id
}
