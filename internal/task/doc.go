// Package task runs the tools of a job's tasks: it turns a planned step into
// credentials that can do exactly that step, and into transfers.
//
// What it guarantees: a step's session is never wider than its place; keys
// become local names only inside the job's directory and outside of rolecall's
// own there, each judged before its bytes move; what cannot become one is left out
// and named when the rest is done;
// what is delivered are regular files of that directory; every step is safe to
// run twice. What a failure says names
// who must act, and shows none of AWS's internal text.
//
// Order, retries and timeouts of tasks are package job's. Bytes are package
// transfer's.
package task
