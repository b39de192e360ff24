// Package credential vends the short-lived AWS credentials that storage work
// runs with: a role of a customer's, proved safe before it is used and
// narrowed by a session policy; what a customer's dispenser gives, proved
// likewise; or static keys of a customer's secret.
//
// It guarantees that
//
//   - a role is assumed for work only while a passing verdict of its probes
//     is at hand, held per organization, principal, role, external id and the
//     role's unique id; a dispenser likewise, with the account of what it
//     gives, which is pinned for the organization until it releases its claim;
//   - no call at all is made towards a role in one of the vendor's accounts,
//     in another partition, or claimed by another organization;
//   - work that holds a credential is told when the claim ends that it rests
//     on, whichever process found out, and none makes that claim anew by going
//     on;
//   - a principal's keys are used only once STS has said that they are the
//     declared principal's;
//   - concurrent takers of one credential cause one call, and no taker's
//     cancellation fails another;
//   - no secret value, session token or external id is logged or put into the
//     text of an error.
//
// What a session may do is package policy's concern, where S3 is reached and
// with which address internal/transfer's and internal/guard's.
package credential
