// Package explain says why a request is decided as it is, and what would
// change the decision.
//
// Call Tree for a decision policy by policy and statement by statement, with the
// element that kept each statement from matching. Call Smallest for the smallest
// change that reverses a decision, and the corrected documents, which have been
// evaluated again. Call Message for what AWS's own denial means: which policy of
// which account refused what, for whom, and what to add, or which candidates
// remain where AWS does not say. Fill in a Case for the refusal of a request of
// your own: what else you know of it narrows the candidates down, and its words
// are those of every refusal that rolecall shows.
//
// Deciding is package policy's; nothing here asks AWS anything.
package explain
