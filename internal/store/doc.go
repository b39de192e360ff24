// Package store keeps what the service knows: organizations, connections,
// names, claims and verdicts, grants, checks and audit records, in SQLite or in
// PostgreSQL. One SQL text serves both: ids, times and enums are TEXT and
// BIGINT that the program makes, and no statement uses what only one of them
// has. Package storetest runs a test on both.
//
// It holds no rules of who may do what: package service is its only user, with
// the one exception of the interfaces that workers need ([Store.Names],
// [Store.Verdicts], [Store.Checks]).
package store
