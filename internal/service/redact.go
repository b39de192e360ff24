package service

import (
	"cmp"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/rolecall/rolecall"
)

// redacted stands for the key of an object.
const redacted = "[an object's key]"

// redact returns steps of a check without the keys of objects, for those who
// may not know what a bucket holds.
func redact(steps []rolecall.CheckStep, keys []string) []rolecall.CheckStep {
	replace := replacer(keys)
	out := slices.Clone(steps)
	for i := range out {
		s := &out[i]
		s.ObjectKeys = nil
		s.Message, s.Hint = replace(s.Message), replace(s.Hint)
		if s.Patch != nil {
			p := redactPatch(*s.Patch, replace)
			s.Patch = &p
		}
		s.Patches = slices.Clone(s.Patches)
		for j, p := range s.Patches {
			s.Patches[j] = redactPatch(p, replace)
		}
	}
	return out
}

func redactPatch(p rolecall.Patch, replace func(string) string) rolecall.Patch {
	p.Target = replace(p.Target)
	p.Policy, p.Connection = redactJSON(p.Policy, replace), redactJSON(p.Connection, replace)
	p.Commands = slices.Clone(p.Commands)
	for i, command := range p.Commands {
		p.Commands[i] = replace(command)
	}
	return p
}

// redactJSON replaces in all strings of a document but the names of members.
func redactJSON(text json.RawMessage, replace func(string) string) json.RawMessage {
	if len(text) == 0 {
		return text
	}
	var out strings.Builder
	for at := 0; at < len(text); {
		if text[at] != '"' {
			out.WriteByte(text[at])
			at++
			continue
		}
		end := at + 1
		for ; end < len(text) && text[end] != '"'; end++ {
			if text[end] == '\\' {
				end++
			}
		}
		end = min(end+1, len(text))
		token := text[at:end]
		var value string
		if !strings.HasPrefix(strings.TrimLeft(string(text[end:]), " \t\r\n"), ":") && json.Unmarshal(token, &value) == nil {
			if changed := replace(value); changed != value {
				token, _ = json.Marshal(changed) // a string
			}
		}
		out.Write(token)
		at = end
	}
	return json.RawMessage(out.String())
}

// short is the length of keys below which one is replaced only where it stands
// alone: others would be found inside of words.
const short = 4

// replacer returns a function that replaces keys, however they are quoted.
func replacer(keys []string) func(string) string {
	var forms []string
	for _, key := range keys {
		if key == "" {
			continue
		}
		if len(key) > 80 { // as strict.Quote cuts it
			forms = append(forms, strings.ToValidUTF8(key[:77], ""))
		}
		quoted, _ := json.Marshal(key) // a string
		goQuoted, ascii := strconv.Quote(key), strconv.QuoteToASCII(key)
		forms = append(forms, key, strings.Trim(string(quoted), `"`), goQuoted[1:len(goQuoted)-1], ascii[1:len(ascii)-1],
			url.PathEscape(key), (&url.URL{Path: key}).EscapedPath(), url.QueryEscape(key), strings.ReplaceAll(key, "'", `'\''`), strings.ReplaceAll(key, "'", `'"'"'`))
	}
	slices.SortFunc(forms, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) })
	forms = slices.Compact(forms)
	return func(text string) string {
		for _, form := range forms {
			text = replaceForm(text, form)
		}
		return text
	}
}

func replaceForm(text, form string) string {
	if len(form) >= short {
		return strings.ReplaceAll(text, form, redacted)
	}
	var out strings.Builder
	for {
		at := strings.Index(text, form)
		if at < 0 {
			return out.String() + text
		}
		end := at + len(form)
		alone := (at == 0 || !isWord(text[at-1])) && (end == len(text) || !isWord(text[end]))
		if alone {
			out.WriteString(text[:at] + redacted)
		} else {
			out.WriteString(text[:end])
		}
		text = text[end:]
	}
}

func isWord(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}
