// Package dispenser is the customer's side of a credential dispenser: it finds
// out who asks, by SigV4 through STS or by a bearer secret, and vends sessions
// of the customer's own roles that are scoped to what was asked for. It is a
// reference that customers may host or read; the worker's side, and the
// contract between the two, is package credential's.
//
// It guarantees that
//
//   - nobody who is neither a listed principal of the vendor's nor holds the
//     bearer secret learns anything but that;
//   - a wrong organization, a wrong or missing external id and a place that no
//     grant covers get one and the same answer;
//   - a session is never wider than the request and the grant;
//   - the only host that a request can make it call is a regional endpoint of
//     STS;
//   - each decision is logged, and neither secrets nor external ids ever are.
package dispenser
