// Package vend gives a connection's credentials to tools that are not
// rolecall's, in the forms that they take: credential_process JSON, the
// container endpoint, environment variables. All of them are scoped to the
// connection and named for who asked.
package vend
