package explain

import (
	"html"
	"regexp"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
)

// sentence is AWS's denial sentence out of a text.
type sentence struct {
	policy.Denial
	setting string // of S3's block public access, that refused
	unnamed bool   // KMS names a policy, and not the key
	more    bool   // the text has another one
}

var (
	messageForm = regexp.MustCompile(`(?s)<Message>(.*?)</Message>`)
	callForm    = regexp.MustCompile(`User: \S+ is not authorized to perform: [\w-]+:\w+`)
	// nobodyForm is the sentence as it is when its beginning was cut off.
	nobodyForm = regexp.MustCompile(`(?:^|\s)(?:(?:is|are|am) )?not authorized to perform: ([\w-]+:\w+ on )`)
	quotedForm = regexp.MustCompile(`^ on resource: "`)
	// quoteEnd is a quote that no key goes on behind.
	quoteEnd     = regexp.MustCompile(`"(?: because | with an explicit deny|[\s.,;)'"<]|$)`)
	resourceForm = regexp.MustCompile(`^ on resource: (?:(?:role|user|group|policy|instance profile) )?(?:\*|[^\s"\\]*[^\s".,;:)'\]}\\])`)
	// namedForm is how IAM names its own resources.
	namedForm   = regexp.MustCompile(`^(role|user|group|policy|instance profile) (\S+)$`)
	unnamedForm = regexp.MustCompile(`^( on (?:this resource|the resource associated with this ciphertext)) (?:because no|with an explicit deny)`)
	clauseForm  = regexp.MustCompile(`^ (?:because no [\w -]+? allows the \S+ action` +
		`|with an explicit deny(?: in (?:an?|the) (?:[\w-]+ )+?(?:policy|boundary)\b)?(?:: arn:[^\s"'<]+)?` +
		`|on (?:this resource|the resource associated with this ciphertext) because the resource does not exist in this Region, ` +
		`no resource-based policies allow access, or a resource-based policy explicitly denies access)`)
	settingForm = regexp.MustCompile(`^ because public [\w ()]+ are (?:blocked|prevented) by the (\w+)`)
)

// unwrap takes S3's message out of its XML, and the escapes of XML and JSON
// off its quotes.
func unwrap(text string) string {
	if m := messageForm.FindStringSubmatch(text); m != nil {
		return html.UnescapeString(m[1])
	}
	if strings.Contains(text, "on resource: &quot;") {
		return html.UnescapeString(text)
	}
	if strings.Contains(text, `on resource: \"`) {
		return strings.ReplaceAll(text, `\"`, `"`)
	}
	return text
}

// cutSentence reads the first sentence of the text, which may say more before
// and after it, and may be broken into lines by a terminal.
func cutSentence(text string) (sentence, bool) {
	var out sentence
	for _, form := range []string{text, strings.Join(strings.Fields(text), " ")} {
		place := callForm.FindStringIndex(form)
		if m := nobodyForm.FindStringSubmatchIndex(form); place == nil && m != nil {
			form = "User: " + nobody + " is not authorized to perform: " + form[m[2]:]
			place = callForm.FindStringIndex(form)
		}
		if place == nil {
			continue
		}
		end := place[1]
		if open := quotedForm.FindString(form[end:]); open != "" {
			behind := form[end+len(open):]
			quote := quoteEnd.FindStringIndex(behind)
			if quote == nil {
				continue
			}
			end += len(open) + quote[0] + 1
		} else {
			end += len(resourceForm.FindString(form[end:]))
		}
		// KMS's own words for the key, and then which policy.
		unnamed := unnamedForm.FindStringSubmatch(form[end:])
		if unnamed != nil {
			end += len(unnamed[1])
		}
		end += len(clauseForm.FindString(form[end:]))
		d, ok := policy.ReadDenial(form[place[0]:end])
		if !ok || d.Action == "" {
			continue
		}
		if m := namedForm.FindStringSubmatch(d.Resource); m != nil {
			d.Resource = "arn:aws:iam::*:" + strings.ReplaceAll(m[1], " ", "-") + "/" + m[2]
			if who, err := rolecall.ParseARN(d.Principal); err == nil { // IAM is asked in the caller's account
				d.Resource = "arn:" + who.Partition + ":iam::" + who.Account + strings.TrimPrefix(d.Resource, "arn:aws:iam::*")
			}
		}
		if d.Principal == nobody {
			d.Principal = ""
		}
		s := sentence{Denial: d, unnamed: unnamed != nil, more: another(form[place[0]:end], form[end:])}
		if m := settingForm.FindStringSubmatch(form[end:]); m != nil {
			s.setting = m[1]
		}
		if s.Layer != "" || s.Explicit {
			return s, true
		}
		if out.Action == "" {
			out = s
		}
	}
	return out, out.Action != ""
}

// nobody stands for the user that a text does not name.
const nobody = "?"

// another reports whether a text holds a further refusal than the one that was
// read. Some tools repeat what they show.
func another(read, rest string) bool {
	for _, at := range callForm.FindAllStringIndex(rest, -1) {
		if !strings.HasPrefix(rest[at[0]:], read) {
			return true
		}
	}
	return false
}

func (s sentence) explain() Explanation {
	c := stranger(s.Denial)
	c.unnamed = s.unnamed
	e := c.Explain()
	if s.setting != "" {
		e.Summary = strings.TrimSuffix(e.Summary, unsaid) + "; the setting " + s.setting + " of S3's block public access did it"
		e.Candidates = []Candidate{{
			Target: s.Resource, Message: "the setting " + s.setting + ", of the bucket or its account, refuses what would let anyone in",
			Hint: "Customer: name who is allowed in the place of everyone, or narrow the star by a condition; no policy is at fault",
		}}
	}
	if s.more {
		e.Summary += ". The text holds more refusals; give each by itself"
	}
	return e
}
