package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
)

// redrawEvery bounds how often bars are drawn again.
const redrawEvery = 80 * time.Millisecond

// screen is stderr while bars may stand on it: what is written through it
// appears above them. Without a terminal it passes writes on and draws
// nothing.
type screen struct {
	live   bool // bars are drawn
	colors palette

	mu    sync.Mutex
	w     io.Writer
	bars  []*bar
	lines int // drawn at the bottom now
	drawn time.Time
}

// bar is the progress of one task.
type bar struct {
	label        string
	files, done  int
	bytes, moved int64
	kept         int64 // of those moved: by an earlier try or run
	more         bool  // files and bytes may grow
	started      time.Time
	ended        time.Time
	state        string // what to say instead of a rate
	words        string // what to say instead of all else
}

func newScreen(w io.Writer, live bool, colors palette) *screen {
	return &screen{w: w, live: live, colors: colors}
}

// Write puts whole lines above the bars.
func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.erase()
	n, err := s.w.Write(p)
	s.draw()
	return n, err
}

// add puts a bar below the others.
func (s *screen) add(b *bar) *bar {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bars = append(s.bars, b)
	s.redraw(true)
	return b
}

// change alters a bar and draws it when it is time, or at once.
func (s *screen) change(b *bar, atOnce bool, alter func(*bar)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	alter(b)
	s.redraw(atOnce)
}

// remove takes a bar away, if there is one, and prints above the others.
func (s *screen) remove(b *bar, show func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.erase()
	s.bars = slices.DeleteFunc(s.bars, func(other *bar) bool { return other == b })
	show()
	s.draw()
}

// settle leaves the bars where they are and begins below them.
func (s *screen) settle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.redraw(true)
	s.bars, s.lines = nil, 0
}

func (s *screen) redraw(atOnce bool) {
	if !s.live || !atOnce && time.Since(s.drawn) < redrawEvery {
		return
	}
	s.erase()
	s.draw()
}

func (s *screen) erase() {
	if s.lines > 0 {
		fmt.Fprintf(s.w, "\x1b[%dA\x1b[J", s.lines)
		s.lines = 0
	}
}

// maxBars is how many bars are drawn: the last ones, which are under way.
const maxBars = 12

func (s *screen) draw() {
	if !s.live {
		return
	}
	shown := s.bars[max(0, len(s.bars)-maxBars):]
	var b strings.Builder
	for _, each := range shown {
		b.WriteString(each.line(s.colors))
		b.WriteByte('\n')
	}
	_, _ = io.WriteString(s.w, b.String()) // progress that cannot be shown is no fault of the job
	s.lines, s.drawn = len(shown), time.Now()
}

// A line has a bar of barWidth and at most lineWidth columns. Where it would
// be broken in two, no bars are drawn.
const (
	barWidth  = 24
	lineWidth = 80
)

func (b *bar) line(colors palette) string {
	if b.words != "" {
		return colors.paint(faint, cut(b.words, lineWidth))
	}
	share := 0.0
	switch {
	case b.bytes > 0:
		share = float64(b.moved) / float64(b.bytes)
	case b.files > 0:
		share = float64(b.done) / float64(b.files)
	}
	full := int(min(max(share, 0), 1) * barWidth)
	done := colors.paint(green, strings.Repeat("━", full))
	rest := colors.paint(faint, strings.Repeat("─", barWidth-full))
	files := fmt.Sprintf("%d/%d", b.done, b.files)
	if b.more {
		files += "+"
	}
	label := cut(b.label, 16)
	label += strings.Repeat(" ", 16-width(label))
	return fmt.Sprintf("  %s %s%s %9s %10s  %s", label, done, rest, files, size(b.moved), b.pace())
}

func (b *bar) pace() string {
	if b.state != "" {
		return cut(b.state, 13)
	}
	end := b.ended
	if end.IsZero() {
		end = time.Now()
	}
	elapsed := end.Sub(b.started)
	moved := b.moved - b.kept
	if moved <= 0 || elapsed < 10*time.Millisecond {
		return ""
	}
	return size(int64(float64(moved)/elapsed.Seconds())) + "/s"
}

// cut shortens s to n columns.
func cut(s string, n int) string {
	if width(s) <= n {
		return s
	}
	r := []rune(s)
	for width(string(r)) > n-1 {
		r = r[:len(r)-1]
	}
	return string(r) + "…"
}

// size writes a number of bytes for people.
func size(n int64) string {
	const unit = 1024
	if n < unit && n > -unit {
		return fmt.Sprintf("%d B", n)
	}
	value, i := float64(n), 0
	for ; (value >= unit || value <= -unit) && i < 4; i++ {
		value /= unit
	}
	return fmt.Sprintf("%.1f %ciB", value, "BKMGT"[i])
}
