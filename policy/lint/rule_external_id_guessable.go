package lint

import (
	"regexp"
	"strings"
	"unicode"

	"github.com/rolecall/rolecall/policy"
)

// Who guesses the id gets the vendor to act for them, where jobs may name it.
// An id made of 128 random bits cannot be guessed.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_common-scenarios_third-party.html
var externalIDGuessable = rule{
	code: "external-id-guessable", severity: Warning,
	title: "the external id can be guessed",
	kinds: []policy.Kind{policy.TrustDocument},
	check: func(p *pass) {
		for _, s := range p.allows() {
			vendor, ids := p.idsFor(s)
			if !vendor {
				continue
			}
			for _, c := range s.on(externalID) {
				for _, v := range c.values.Each() {
					why := p.guessable(v.Text)
					if why == "" || identifierOf(v.Text) != "" || !takenBySTS(v.Text) || c.base() == "Null" {
						continue
					}
					f := found{
						at: v, message: "the external id " + why + ", so others can guess it",
						hint: "ask the vendor for an external id of 128 random bits, and put it into sts:ExternalId",
					}
					if p.besideOurs(c) {
						f.hint = "remove it from sts:ExternalId when the vendor no longer sends it: it stands beside the connection's"
					} else if ids != nil && p.guessable(p.kit().ExternalIDs[0]) == "" {
						f.widens = true
						f.fix = func() { c.member.Value = ids }
					}
					p.report(f)
				}
			}
		}
	},
}

// wordsForm is words with something between them, each perhaps with a number
// behind it. Digits before letters in one word are rather of a random id.
var wordsForm = regexp.MustCompile(`^[A-Za-z]+[0-9]{0,4}([-_.:/@+=,][A-Za-z]*[0-9]{0,4})*$`)

// guessable says why an id can be guessed, or nothing.
func (p *pass) guessable(id string) string {
	switch {
	case p.options.Organization != "" && strings.EqualFold(id, p.options.Organization):
		return "is the organization's name"
	case strings.Trim(id, "0123456789") == "" && len(id) < 30:
		return "is a number of " + plural(len(id), "digit")
	case len(id) < 16:
		return "has only " + plural(len(id), "character")
	case variety(id) < 6:
		return "repeats a few characters"
	case wordsForm.MatchString(id) && pronounceable(id):
		return "is made of words"
	default:
		return ""
	}
}

func variety(s string) int {
	seen := map[rune]bool{}
	for _, c := range s {
		seen[c] = true
	}
	return len(seen)
}

// pronounceable reports whether letters follow each other as in words: no long
// runs of consonants, and capitals only here and there. By chance, letters
// alone seldom do.
func pronounceable(s string) bool {
	run, capitals, inner := 0, 0, false
	for _, c := range s {
		lower := unicode.ToLower(c)
		letter := unicode.IsLetter(c)
		switch {
		case !letter, strings.ContainsRune("aeiouy", lower):
			run = 0
		case run == 4:
			return false
		default:
			run++
		}
		if inner && letter && c != lower {
			capitals++
		}
		inner = letter
	}
	return capitals*5 <= len(s)
}
