// Package policy reads, decides and writes IAM policies.
//
// Call Parse to read a document. Call Evaluate to decide one request by all
// policies that bear on it, as AWS decides it: identity, resource, session,
// boundary and organization policies, within an account and across accounts.
// Call Trace for what led to the decision, and Simulate for a stream of
// requests as JSON lines.
//
// Call Generate for all documents that a connection needs, which together allow
// what the tools do and nothing else, and Session for the policy of the session
// of one step. Kind is which of these documents a policy is. ReadDenial and
// Denial read and write AWS's own words for a refusal.
//
// Parse keeps a document exactly as it was written. A Document is immutable and
// may be used by any number of goroutines.
//
// Where AWS's documentation decides a rule, the code names the page by its last
// part, below https://docs.aws.amazon.com/IAM/latest/UserGuide/.
//
// Not here: fetching policies from accounts, and which actions and condition
// keys exist; any well-formed action is evaluated.
package policy
