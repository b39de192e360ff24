// Package policy reads IAM policy documents and answers, for one request
// against all policies that bear on it, what AWS would answer. It also
// writes the documents that a connection needs.
//
// Parse keeps a document exactly as it was written and precompiles it;
// Evaluate combines identity, resource, session, boundary and organization
// policies by AWS's rules, within an account and across accounts; Simulate
// does so for a stream of JSON lines. Generate makes all documents of a
// connection, which together allow what the tools do and nothing else; Session
// the policy of one step's session. A Document is immutable and may be used
// by any number of goroutines.
//
// Where AWS's documentation decides a rule, the code names the page by its last
// part, below https://docs.aws.amazon.com/IAM/latest/UserGuide/.
//
// Not here: fetching policies from accounts, and which actions and condition
// keys exist; any well-formed action is evaluated.
package policy
