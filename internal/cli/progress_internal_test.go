package cli

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/job"
	"github.com/rolecall/rolecall/internal/task"
)

// Whatever happens in a job, text output shows no more of it than the JSON report
// has. Each text of an event or report is a word of its own here.
func TestTextSaysNoMoreThanTheReport(t *testing.T) {
	t.Parallel()
	words := regexp.MustCompile(`\bword[0-9]+\b`)
	rapid.Check(t, func(t *rapid.T) {
		count := 0
		word := func() string { count++; return fmt.Sprintf("word%d", count) }
		faults := func(most int) rolecall.Errors {
			var out rolecall.Errors
			for range rapid.IntRange(0, most).Draw(t, "faults") {
				out = append(out, &rolecall.Error{Code: rolecall.Unavailable, Pointer: "/" + word(), Message: word(), Hint: "You: " + word()})
			}
			return out
		}
		r := rolecall.JobReport{ID: word(), Status: rolecall.Failed, StatusText: "Failed"}
		var plan rolecall.Plan
		var events []job.Event
		for i := range rapid.IntRange(1, 3).Draw(t, "tasks") {
			step := rolecall.Step{Index: i, Tool: rolecall.StorageGet, Name: rapid.SampledFrom([]string{"", word()}).Draw(t, "name")}
			plan.Steps = append(plan.Steps, step)
			report := rolecall.TaskReport{
				Index: i, Name: step.Name, Tool: step.Tool, Files: rapid.IntRange(0, 9).Draw(t, "files"),
				Status: rapid.SampledFrom([]rolecall.Status{rolecall.Completed, rolecall.Failed, rolecall.Aborted}).Draw(t, "status"),
			}
			report.StatusText = report.Status.String()
			events = append(events, job.Event{Kind: job.Started, Task: i, Try: 1})
			for range rapid.IntRange(0, 6).Draw(t, "events") {
				switch kind := rapid.SampledFrom([]string{"note", "more", "waiting", "retry", "moved", "planned", "done"}).Draw(t, "event"); kind {
				case "note", "more":
					note := rolecall.Note{
						Kind: rapid.SampledFrom([]rolecall.NoteKind{
							rolecall.Skipped, rolecall.Lost, rolecall.Kept, rolecall.AlreadyDelivered, rolecall.Unused, rolecall.Waited, rolecall.Retried,
						}).Draw(t, "kind"), Message: word(),
					}
					if kind == "note" {
						note.Key = word()
						events = append(events, job.Event{Kind: job.Noted, Task: i, Note: note})
					}
					report.Notes = append(report.Notes, note)
				case "waiting": // what is waited for becomes a note when it ends
					what := word()
					report.Notes = append(report.Notes, rolecall.Note{Kind: rolecall.Waited, Message: what})
					events = append(events, job.Event{Kind: job.Progress, Task: i, Progress: task.Event{Kind: task.Waiting, Reason: what}})
				case "retry":
					events = append(events, job.Event{Kind: job.Retrying, Task: i, Try: 1, Errors: faults(3), Wait: time.Second})
				default:
					events = append(events, job.Event{Kind: job.Progress, Task: i, Progress: task.Event{
						Kind: map[string]task.Kind{"moved": task.Moved, "planned": task.Planned, "done": task.FileDone}[kind], Name: word(), Reason: word(), Files: 1, Bytes: 1,
					}})
				}
			}
			if report.Status == rolecall.Failed {
				report.Errors = faults(3)
				r.Errors = append(r.Errors, report.Errors...)
			}
			r.Tasks = append(r.Tasks, report)
			events = append(events, job.Event{Kind: job.Ended, Task: i, Report: report})
		}
		var text, document bytes.Buffer
		plain := newOutput(System{Stdout: &text, Stderr: &text, Getenv: func(string) string { return "" }}, false)
		shown := newProgress(plain, plan)
		for _, e := range events {
			shown.observe(e)
		}
		_ = plain.report(r) // the job's exit code
		asJSON := newOutput(System{Stdout: &document, Stderr: io.Discard, Getenv: func(string) string { return "" }}, true)
		_ = asJSON.report(r)
		for _, w := range words.FindAllString(text.String(), -1) {
			if !regexp.MustCompile(`\b` + w + `\b`).MatchString(document.String()) {
				t.Fatalf("%s is in the text only:\n%s\n%s", w, text.String(), document.String())
			}
		}
		for _, e := range r.Errors {
			for _, w := range []string{strings.TrimPrefix(e.Pointer, "/"), e.Message, strings.TrimPrefix(e.Hint, "You: ")} {
				if !strings.Contains(text.String(), w) {
					t.Fatalf("%s of an error is not in the text:\n%s", w, text.String())
				}
			}
		}
	})
}
