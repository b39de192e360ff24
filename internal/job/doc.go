// Package job runs a planned job: its tasks in order, neighbours that are so
// marked side by side, each with its retries and timeout. The first task that
// fails stops the job. It is the same for local runs and for workers.
//
// What it guarantees: every accepted job ends as completed, failed or
// aborted; when Run returns nothing of the job is still running, and what an
// interrupted task had begun in a bucket or on disk is undone. What the
// tools do is package task's.
package job
