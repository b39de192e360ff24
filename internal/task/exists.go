package task

import (
	"context"
	"slices"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/strict"
)

// exists succeeds when all that the step names is there; its error names all that
// is missing. It lists, since S3 answers 403 to a HEAD of a missing key when
// not all of the bucket may be listed.
func (s *work) exists(ctx context.Context) (Outcome, error) {
	at, err := s.open(ctx, source)
	if err != nil {
		return Outcome{}, err
	}
	wanted := s.wanted()
	s.observe(Event{Kind: Planned, Files: len(wanted)})
	out, err := each(ctx, all(wanted), none, func(ctx context.Context, w requirement) (int64, error) {
		key, err := s.find(ctx, at, w)
		switch {
		case err != nil:
			err = s.fault(ctx, err, at, at.place.Pointer)
		case key == "":
			err = s.missing(w, at)
		default:
			s.observe(Event{Kind: FileDone, Name: key})
			return 0, nil
		}
		return 0, s.setAside(ctx, subject{key: w.key(), pointer: w.pointer}, err)
	})
	s.excludedInVain(ctx, at)
	return s.end(ctx, out, Event{}, err, "")
}

// excludedInVain notes the entries of exclude that certainly leave nothing out:
// those of which no files are wanted, and names that are not there. It does not
// list all that a pattern may leave out: one match is all that is looked for.
func (s *work) excludedInVain(ctx context.Context, at side) {
	seen := map[string]bool{}
	for _, p := range s.step.Exclude {
		wanted := slices.ContainsFunc(s.step.Files, func(f rolecall.Pattern) bool {
			if p.Literal() {
				return f.Match(p.Prefix())
			}
			return strings.HasPrefix(f.Prefix(), p.Prefix()) || strings.HasPrefix(p.Prefix(), f.Prefix())
		})
		if wanted && p.Literal() {
			there, err := s.isListed(ctx, at, at.place.Key+p.Prefix())
			wanted = there || err != nil
		}
		if !wanted && !seen[p.String()] {
			s.observe(unused(p.String()))
		}
		seen[p.String()] = true
	}
}

// requirement is what must be there: an object by its key, or any that matches.
type requirement struct {
	prefix  string // of its keys; the key itself, if it is literal
	literal bool
	match   func(key string) bool
	leftOut *bool  // exclude leaves out a match
	text    string // as the job has it
	pointer string
}

func (s *work) wanted() []requirement {
	place := s.step.Place
	if len(s.step.Files) == 0 {
		return []requirement{{prefix: place.Key, literal: true, match: func(key string) bool { return key == place.Key }, pointer: place.Pointer}}
	}
	var out []requirement
	seen := map[string]bool{}
	for i, f := range s.step.Files {
		if seen[f.String()] {
			continue
		}
		seen[f.String()] = true
		leftOut := new(bool)
		out = append(out, requirement{
			prefix: place.Key + f.Prefix(), literal: f.Literal(), text: f.String(), pointer: s.step.FilesPointer + strict.Pointer(i), leftOut: leftOut,
			match: func(key string) bool {
				name, below := strings.CutPrefix(key, place.Key)
				if !below || strings.HasSuffix(name, "/") || !f.Match(name) {
					return false
				}
				excluded := slices.ContainsFunc(s.step.Exclude, func(p rolecall.Pattern) bool { return p.Match(name) })
				*leftOut = *leftOut || excluded
				return !excluded
			},
		})
	}
	return out
}

// find returns the first listed key that meets the requirement, or an empty one.
func (s *work) find(ctx context.Context, at side, w requirement) (string, error) {
	if w.literal {
		if there, err := s.isListed(ctx, at, w.prefix); !there || err != nil || !w.match(w.prefix) {
			return "", err
		}
		return w.prefix, nil
	}
	for o, err := range s.listing(ctx, at, w.prefix) {
		if err != nil {
			return "", err
		}
		if w.match(o.Key) {
			return o.Key, nil
		}
	}
	return "", nil
}

// key is the literal key, or the place's with the pattern.
func (w requirement) key() string {
	if w.literal {
		return w.prefix
	}
	return w.text
}

func (s *work) missing(w requirement, at side) *rolecall.Error {
	if w.literal {
		return absent(at, w.prefix, w.pointer)
	}
	e := s.unmatched(w.text, at.String(), *w.leftOut)
	e.Pointer = w.pointer
	return e
}
