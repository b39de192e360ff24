package lint_test

import (
	"fmt"

	"github.com/rolecall/rolecall/policy/lint"
)

// A policy is checked as it was pasted, and what can be corrected without knowing
// the connection is corrected.
func ExampleCheck() {
	pasted := `{
	  "Statement": [{
	    "Effect": "Allow",
	    "Action": ["s3:GetObject", "s3:HeadObject",],
	    "Resource": "arn:aws:s3:::acme-masters/*"
	  }]
	}`
	report := lint.Check([]lint.File{{Name: "policy.json", Data: []byte(pasted)}}, lint.Options{})
	for _, file := range report.Files {
		for _, f := range file.Findings {
			fmt.Printf("%s:%d:%d: %s: %s (%s)\n", file.File, f.Line, f.Column, f.Severity, f.Message, f.Rule)
		}
		fmt.Println(string(file.Fixed))
	}
	// Output:
	// policy.json:1:1: warning: Version is missing; AWS reads the document by the rules of 2008, without policy variables (version-missing)
	// policy.json:4:17: warning: s3:ListBucket is missing: a missing object looks like a forbidden one, and names with * cannot be resolved (s3-list-missing)
	// policy.json:4:33: error: "s3:HeadObject" is an operation and not an action (s3-operation)
	// policy.json:4:48: error: a comma after the last value (json-comma)
	// {
	//   "Version": "2012-10-17",
	//   "Statement": [
	//     {
	//       "Effect": "Allow",
	//       "Action": [
	//         "s3:GetObject"
	//       ],
	//       "Resource": "arn:aws:s3:::acme-masters/*"
	//     },
	//     {
	//       "Effect": "Allow",
	//       "Action": "s3:ListBucket",
	//       "Resource": "arn:aws:s3:::acme-masters"
	//     }
	//   ]
	// }
}
