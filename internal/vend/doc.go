// Package vend gives a connection's credentials to tools that are not
// rolecall's, in the forms that they take: credential_process JSON, the
// container endpoint, environment variables. All of them are scoped to the
// connection and named for who asked.
//
// What is given out lives for a quarter of an hour at least, where its source
// has such: tools renew minutes ahead. Keys that cannot be scoped and do not
// expire, a secret's, are not given out at all.
//
// Proving roles and holding credentials is package credential's concern,
// running the tools that of the command line.
package vend
