// Package explain tells why a request is decided as it is, and what would
// turn it.
//
// Tree shows a decision policy by policy and statement by statement, with the
// element that kept each statement from matching. Smallest finds the smallest
// change that turns a decision and gives the corrected documents; what it
// gives has been evaluated again. Message reads AWS's own denials: which
// policy of which account refused what, for whom, and what to add, or which
// candidates remain where AWS does not say.
//
// Deciding is package policy's; nothing here asks AWS anything.
package explain
