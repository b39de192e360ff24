package cli

import (
	"fmt"
	"io"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/job"
	"github.com/rolecall/rolecall/internal/task"
)

// progress shows a job's events on stderr: a bar for each task on a terminal,
// plain lines elsewhere, nothing beside a JSON document.
type progress struct {
	out    *output
	labels map[int]string
	bars   map[int]*bar
}

func newProgress(out *output, plan rolecall.Plan) *progress {
	p := &progress{out: out, labels: map[int]string{}, bars: map[int]*bar{}}
	for _, s := range plan.Steps {
		p.labels[s.Index] = s.Tool
		if s.Name != "" {
			p.labels[s.Index] = printable(s.Name)
		}
	}
	return p
}

// observe takes one event of the job. Events come one at a time.
func (p *progress) observe(e job.Event) {
	if p.out.json {
		return
	}
	b, known := p.bars[e.Task]
	if !known {
		b = p.out.screen.add(&bar{label: p.labels[e.Task], started: time.Now()})
		p.bars[e.Task] = b
	}
	change := func(alter func(*bar)) { p.out.screen.change(b, e.Kind != job.Progress, alter) }
	switch e.Kind {
	case job.Started:
		change(func(b *bar) { *b = bar{label: b.label, started: time.Now()} })
	case job.Progress:
		change(func(b *bar) { b.take(e.Progress) })
		p.remark(e)
	case job.Noted:
		p.note(e)
	case job.Retrying:
		change(func(b *bar) { b.state = fmt.Sprintf("again in %v", e.Wait.Round(time.Second)) })
	case job.Ended:
		var kept int64
		change(func(b *bar) {
			b.ended, kept = time.Now(), b.kept
			if e.Report.Status != rolecall.Completed {
				b.state = e.Report.StatusText
			}
		})
		if kept > 0 {
			p.line(e.Task, "%s were there, by an earlier try or run", size(kept))
		}
		for _, more := range e.Report.Notes {
			if more.Key == "" && more.Kind != rolecall.Kept && more.Kind != rolecall.Waited && more.Kind != rolecall.Retried {
				p.line(e.Task, "%s: %s", more.Kind, more.Message)
			}
		}
		if !p.out.screen.live {
			p.line(e.Task, "%s, %d files, %s", e.Report.StatusText, e.Report.Files, size(e.Report.Bytes))
		}
	}
}

// remark writes the lines of a running task.
func (p *progress) remark(e job.Event) {
	switch {
	case e.Progress.Kind == task.Waiting && e.Progress.Note == "":
		p.line(e.Task, "%s", e.Progress.Reason)
	case e.Progress.Kind == task.Planned && !e.Progress.More && !p.out.screen.live:
		p.line(e.Task, "%d files, %s", e.Progress.Files, size(e.Progress.Bytes))
	}
}

// note writes a note of the task's report. What earlier tries moved is summed up
// at the end of the task.
func (p *progress) note(e job.Event) {
	switch e.Note.Kind {
	case rolecall.Kept:
	case rolecall.Waited, rolecall.Retried:
		p.line(e.Task, "%s", e.Note.Message)
	case rolecall.Skipped:
		p.line(e.Task, "left out %q: %s", e.Note.Key, e.Note.Message)
	default:
		p.line(e.Task, "%q: %s", e.Note.Key, e.Note.Message)
	}
}

func (p *progress) line(index int, format string, args ...any) {
	text := fmt.Sprintf("task %d %s: ", index, p.labels[index]) + fmt.Sprintf(format, args...)
	_, _ = io.WriteString(p.out.stderr, p.out.beside(text, 0, 2)+"\n") // progress that cannot be shown is no fault of the job
}

// take counts what an event says.
func (b *bar) take(e task.Event) {
	switch e.Kind {
	case task.Planned:
		b.files, b.bytes, b.more = e.Files, e.Bytes, e.More
	case task.Moved:
		b.moved += e.Bytes
	case task.Kept:
		b.kept += e.Bytes
	case task.FileDone:
		b.done++
	}
}
