// Package correct judges policy documents as an account has them by what a
// connection asks, and corrects those that refuse it by the least change.
//
// Setup says who asks whom, as far as it is known. Setup.Judge takes the
// documents of one kind, reports whether they let the connection's requests
// pass, and returns the one that is to be changed, corrected: what others need
// of it stays as it was written, nobody else may do more or less than before,
// and it fits the size that AWS takes. Setup.WithOthers adds what the
// organization's other connections need to a document that replaces what is
// there. Declaration corrects a connection's own members.
//
// Which documents a connection needs is policy.Generate's concern, and
// deciding is policy.Evaluate's. Nothing here asks AWS anything.
package correct
