package task

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"
	"sync"

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
	var mu sync.Mutex // guards missing
	var missing rolecall.Errors
	out, err := each(ctx, all(wanted), none, func(ctx context.Context, w requirement) (int64, error) {
		key, err := s.find(ctx, at, w)
		switch {
		case err != nil:
			return 0, err
		case key != "":
			s.observe(Event{Kind: FileDone, Name: key})
			return 0, nil
		}
		mu.Lock()
		defer mu.Unlock()
		missing = append(missing, w.missing(at))
		return 0, nil
	})
	out.Files -= len(missing)
	if err != nil {
		return out, s.fault(ctx, err, at, at.place.Pointer)
	}
	sort.Slice(missing, func(i, j int) bool { return missing[i].Message < missing[j].Message })
	return out, few(missing)
}

// requirement is what must be there: an object by its key, or any that matches.
type requirement struct {
	prefix  string // of its keys; the key itself, if it is literal
	literal bool
	match   func(key string) bool
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
		out = append(out, requirement{
			prefix: place.Key + f.Prefix(), literal: f.Literal(), text: f.String(), pointer: s.step.FilesPointer + strict.Pointer(i),
			match: func(key string) bool {
				name, below := strings.CutPrefix(key, place.Key)
				return below && !strings.HasSuffix(name, "/") && f.Match(name) && !slices.ContainsFunc(s.step.Exclude, func(p rolecall.Pattern) bool { return p.Match(name) })
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

func (w requirement) missing(at side) *rolecall.Error {
	e := absent(at, w.prefix, w.pointer)
	if !w.literal {
		e.Message = fmt.Sprintf("%q matches nothing in %s", w.text, at)
	}
	return e
}
