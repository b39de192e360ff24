// Package lint reads IAM policies as people paste them and finds what is wrong
// for the work of a vendor on a customer's bucket: documents that AWS refuses,
// statements that never match, trust that is too wide, permissions that are
// missing or too many. Where the right document can be told, it gives it.
//
// Check never fails: a text that cannot be read at all is a finding too. It
// does no I/O, keeps no state, and its work is bounded by the size of what it
// is given.
//
// Each rule is a file named rule_CODE.go (those of JSON's form share rule_json.go),
// its page docs/lint/CODE.md, and its cases testdata/rules/CODE.txtar. What
// exists in S3, STS, KMS and IAM is in actions.txt.
//
// Not here: whether a request is allowed (package policy), making documents
// (policy.Generate), and files.
package lint
