// Package vend passes a connection's credentials to tools that are not
// rolecall's, in the forms that they read: credential_process JSON, the
// container endpoint, environment variables. All credentials are scoped to the
// connection, and their sessions are named for who asked.
//
// Credentials are valid for at least a quarter of an hour when a tool gets
// them, if their source issues such ones: tools renew minutes ahead. The keys
// of a secret, which cannot be scoped and do not expire, are never passed on.
//
// Package credential proves roles and caches credentials; the command line runs
// the tools.
package vend
