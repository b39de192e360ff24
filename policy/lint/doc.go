// Package lint finds what is wrong with IAM policies as people paste them.
//
// Call Check with the text of one or more files. It returns a Report: for each
// document its kind, its findings with their places and, where it is known, the
// corrected document. Findings are documents that AWS refuses, statements that
// never match, trust that is too wide, and permissions that are missing or too
// many for the work of a vendor on a customer's bucket. Options names the
// connection that the documents are for, if there is one. Report.SARIF writes
// the report for code scanners, Rules returns all rules, and Documents the
// policies of a pasted text without judging them.
//
// Check never fails: a text that cannot be read at all is a finding too. It
// does no I/O, keeps no state, and its work is bounded by the size of what it
// is given.
//
// Each rule is a file named rule_CODE.go (those of JSON's form share rule_json.go),
// its page docs/lint/CODE.md, and its cases testdata/rules/CODE.txtar. What
// exists in S3, STS, KMS and IAM is in internal/awsaction.
//
// Not here: whether a request is allowed (package policy), making documents
// (policy.Generate), and files.
package lint
