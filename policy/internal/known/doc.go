// Package known says what rolecall knows of the condition keys of its own
// requests, and judges documents by no more than that.
//
// A key of a request is in its context, or has one of a few values, or is
// absent, or is there with a value that nobody knows here, or may be there or
// not. What is not known is not false: Judge says whether the decision hangs on
// it, and on which keys.
//
// Not here: what the keys of an action are (package lint has the facts), and
// the correction of documents.
package known
