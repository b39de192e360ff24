// Package dispenser is the customer's side of a credential dispenser: an HTTP
// handler that finds out who asks, by SigV4 through STS or by a bearer token,
// and vends sessions of the customer's roles that are scoped to what was asked
// for. It is a reference that customers may host or read; the worker's side is
// package credential's.
package dispenser
