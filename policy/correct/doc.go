// Package correct judges policy documents as an account has them by what a
// connection asks, and corrects those that refuse it by the least change.
//
// Make a Setup of who asks whom, as far as it is known, and call Judge with the
// documents of the account. Judge reports whether those of one kind let the
// connection's requests pass, and returns the one that must change, corrected:
// what others need of it stays as it was written, nobody else may do more or
// less than before, and it fits the size that AWS takes. Declaration corrects
// the connection's own members.
//
// Which documents a connection needs is policy.Generate's concern, and
// deciding is policy.Evaluate's. Nothing here asks AWS anything.
package correct
