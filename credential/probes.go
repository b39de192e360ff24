package credential

import (
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// plannedProbe is a call to make: with an external id or, for nil, without.
type plannedProbe struct {
	name   string
	id     *string
	accept bool   // it must be accepted
	skip   string // why it is not made
}

const (
	maxProbes     = 16 // of one proof
	maxSeparators = 3  // probes of a proof at separators
	maxRetired    = 2  // probes of a proof with ids that were replaced
	separators    = "-_/.:@,=+"
)

// The names of a proof's probes. Those of ids that are similar to the right
// one begin with ProbeNear.
const (
	ProbeRight      = "right"
	ProbeAbsent     = "absent"
	ProbeRandom     = "random"
	ProbeNear       = "near-"
	ProbeNearCase   = ProbeNear + "case"
	ProbeRetired    = ProbeNear + "retired-" // and a number: an external id that was replaced
	ProbeRightAgain = "right-again"

	probeNearPrefix   = ProbeNear + "prefix"
	probeNearSuffix   = ProbeNear + "suffix"
	probeNearLonger   = ProbeNear + "longer"
	probeNearPreceded = ProbeNear + "preceded"
	probeNearFirst    = ProbeNear + "first"
	probeNearLast     = ProbeNear + "last"
	probeNearInserted = ProbeNear + "inserted-" // and a number
	probeNearChanged  = ProbeNear + "changed-"  // and a number
)

// planProbes plans a proof. The similar ids find wildcards at either end, lists
// of related ids, operators that ignore case and, inside the id, wildcards for
// what is between separators. What room is left goes to random places, others
// in each proof.
func planProbes(random io.Reader, right string, retired []string) ([]plannedProbe, error) {
	var seed [32]byte
	if _, err := io.ReadFull(random, seed[:]); err != nil {
		return nil, fmt.Errorf("random external id: %w", err)
	}
	ids := similar{right, mathrand.New(mathrand.NewChaCha8(seed))}
	last := len(right) - 1
	plan := []plannedProbe{{name: ProbeRight, id: aws.String(right), accept: true}, {name: ProbeAbsent}}
	planned := map[string]bool{right: true}
	add := func(name, id string) {
		probe := plannedProbe{name: name, id: aws.String(id)}
		switch {
		case planned[id]:
			probe.skip = "it is the right one, or another probe's"
		case len(id) < 2:
			probe.skip = "STS takes no external id of one character"
		case len(id) > 1224:
			probe.skip = "STS takes no external id above 1224 characters"
		}
		planned[id] = true
		plan = append(plan, probe)
	}
	inserted := func(at int) string {
		for {
			if id := ids.inserted(at); !planned[id] {
				return id
			}
		}
	}
	add(ProbeRandom, fmt.Sprintf("%016x%016x", ids.Uint64(), ids.Uint64()))
	add(probeNearPrefix, right[:last])
	add(probeNearSuffix, right[1:])
	add(probeNearLonger, inserted(len(right)))
	add(probeNearPreceded, inserted(0))
	add(probeNearFirst, ids.changed(0))
	add(probeNearLast, ids.changed(last))
	add(ProbeNearCase, otherCase(right))
	for i, id := range retired[:min(len(retired), maxRetired)] {
		add(ProbeRetired+strconv.Itoa(i+1), id)
	}
	insert, change := ids.places(maxProbes - 1 - len(plan))
	for i, at := range insert {
		add(probeNearInserted+strconv.Itoa(i+1), inserted(at))
	}
	for i, at := range change {
		add(probeNearChanged+strconv.Itoa(i+1), ids.changed(at))
	}
	return append(plan, plannedProbe{name: ProbeRightAgain, id: aws.String(right), accept: true}), nil
}

// similar makes external ids that are like the right one.
type similar struct {
	right string
	*mathrand.Rand
}

// inserted inserts two random characters before the place.
func (s similar) inserted(at int) string {
	return s.right[:at] + fmt.Sprintf("%02x", s.IntN(256)) + s.right[at:]
}

// changed replaces the character at the place, not just by its other case.
func (s similar) changed(at int) string {
	const digits = "0123456789abcdef"
	n := s.IntN(len(digits))
	if strings.EqualFold(digits[n:n+1], s.right[at:at+1]) {
		n = (n + 1) % len(digits)
	}
	return s.right[:at] + digits[n:n+1] + s.right[at+1:]
}

// places picks as many places inside the id as there is room for: first after
// separators, which finds a wildcard for all that is between two, then
// separators themselves, then random ones by turns.
func (s similar) places(room int) (inserted, changed []int) {
	var at []int
	for _, i := range s.Perm(len(s.right)) {
		if i > 0 && i < len(s.right)-1 && strings.IndexByte(separators, s.right[i]) >= 0 {
			at = append(at, i)
		}
	}
	for _, i := range at[:min(len(at), maxSeparators)] {
		inserted = append(inserted, i+1)
	}
	changed = append(changed, at[:min(len(at), maxSeparators-len(inserted))]...)
	room -= len(inserted) + len(changed)
	free := func(used []int, below int) []int {
		return slices.DeleteFunc(s.Perm(below), func(i int) bool { return i == 0 || slices.Contains(used, i) })
	}
	insertable, changeable := free(inserted, len(s.right)), free(changed, len(s.right)-1)
	for n := 0; n < room && len(insertable)+len(changeable) > 0; n++ {
		if len(changeable) == 0 || n%2 == 0 && len(insertable) > 0 {
			inserted, insertable = append(inserted, insertable[0]), insertable[1:]
		} else {
			changed, changeable = append(changed, changeable[0]), changeable[1:]
		}
	}
	return inserted, changed
}

func otherCase(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsUpper(r) {
			return unicode.ToLower(r)
		}
		return unicode.ToUpper(r)
	}, s)
}
