// Package dispenser is the customer's side of a credential dispenser: it
// authenticates callers, by SigV4 through STS or by a bearer secret, and vends
// sessions of the customer's own roles, scoped to the request. It is a
// reference that customers may host or read; the worker's side, and the
// contract between the two, is in package credential.
//
// It guarantees that
//
//   - a caller that is no listed principal of the vendor and does not have the
//     bearer secret learns nothing but that;
//   - a wrong organization, a wrong or missing external id and a place that no
//     grant covers get one and the same answer;
//   - a session is never wider than the request and the grant;
//   - the only host that a request can make it call is a regional endpoint of
//     STS;
//   - each decision is logged, and neither secrets nor external ids ever are.
package dispenser
