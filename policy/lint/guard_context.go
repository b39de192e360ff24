package lint

import (
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// keyValues is the context of a request, its keys in lower case.
type keyValues = map[string][]string

// contexts returns what requests bring along: all conditions of the statement met,
// by each value that it or another statement names, each by itself not met or
// without its key, and nothing. The Denies of the document are kept from deciding,
// too.
func (g *guard) contexts(s *statement, was, is *side) []keyValues {
	all := append(slices.Clone(was.statements), is.statements...)
	base := keyValues{}
	for _, c := range s.conditions() {
		if key := strings.ToLower(c.key); !derived[key] {
			base[key] = c.met(0)
		}
	}
	out := []keyValues{base, {}}
	vary := func(key string, values []string) {
		if g.budget -= 1 + len(base); g.spent() {
			return
		}
		varied := maps.Clone(base)
		varied[key] = values
		out = append(out, varied)
	}
	for _, c := range s.conditions() {
		key := strings.ToLower(c.key)
		if derived[key] {
			continue
		}
		for i := 1; i < min(len(c.values.Each()), maxSamples); i++ {
			vary(key, c.met(i))
		}
		vary(key, c.unmet())
		vary(key, nil)
		named := newSet()
		for _, other := range all {
			for _, o := range other.on(c.key) {
				for _, v := range o.values.Strings() {
					named.addSome(o.holding(v, true))
				}
			}
		}
		if g.options.Kit != nil && strings.EqualFold(key, externalID) {
			named.add(g.options.Kit.ExternalIDs...)
		}
		if g.options.Kit != nil && key == "s3:prefix" {
			named.add(g.options.Kit.Connection.Prefix, sampleText)
		}
		for _, v := range named.values {
			vary(key, []string{v})
		}
	}
	if g.budget -= len(out) * (1 + len(base)); g.spent() {
		return nil
	}
	if s.deny {
		out = append(out, allowing(all, out)...)
	}
	if strings.Contains(string(s.JSON()), "${") {
		out = append(out, g.variables(s, out)...)
	}
	return append(out, escaping(all, out)...)
}

// allowing returns the contexts with what lets an Allow match: only then does a Deny
// decide.
func allowing(all []*statement, contexts []keyValues) []keyValues {
	var out []keyValues
	for i, s := range all {
		if !s.allow || len(s.conditions()) == 0 || i >= maxSamples {
			continue
		}
		met := keyValues{}
		for _, c := range s.conditions() {
			if key := strings.ToLower(c.key); !derived[key] {
				met[key] = c.met(0)
			}
		}
		for _, c := range contexts {
			with := maps.Clone(met)
			maps.Copy(with, c)
			out = append(out, with)
		}
	}
	return out
}

// escaping returns the contexts with what keeps Denies with conditions from matching,
// for keys that they leave open.
func escaping(all []*statement, contexts []keyValues) []keyValues {
	escapes := keyValues{}
	for _, s := range all {
		for _, c := range s.conditions() {
			if key := strings.ToLower(c.key); s.deny && !derived[key] && len(escapes) < maxSamples {
				escapes[key] = c.unmet()
			}
		}
	}
	if len(escapes) == 0 {
		return nil
	}
	var out []keyValues
	for _, c := range contexts {
		with := maps.Clone(escapes)
		maps.Copy(with, c)
		out = append(out, with)
	}
	return out
}

// derived are the keys that the principal decides.
var derived = map[string]bool{"aws:principalarn": true, "aws:principalaccount": true, "aws:principalisawsservice": true, "aws:principalservicename": true}

// variables returns the contexts with a value for each variable of the statement.
func (g *guard) variables(s *statement, contexts []keyValues) []keyValues {
	var out []keyValues
	values := keyValues{}
	for _, word := range s.Words() {
		for _, key := range variablesIn(word) {
			values[strings.ToLower(key)] = []string{sampleText}
		}
	}
	for _, c := range contexts {
		with := maps.Clone(c)
		for key, v := range with {
			if len(v) == 1 {
				for _, value := range withVariables(v[0]) {
					with[key] = []string{fill(value)}
				}
			}
		}
		out = append(out, maps.Clone(with))
		maps.Copy(with, values)
		out = append(out, with)
	}
	return out
}

// variablesIn returns the keys of the variables of a text.
func variablesIn(text string) []string {
	var out []string
	for {
		_, after, found := strings.Cut(text, "${")
		inside, rest, closed := strings.Cut(after, "}")
		if !found || !closed {
			return out
		}
		if name, _, _ := strings.Cut(inside, ","); !strings.ContainsAny(name, "*?$") {
			out = append(out, strings.TrimSpace(name))
		}
		text = rest
	}
}

// withVariables returns the text with each variable's default, and with a value of its
// own.
func withVariables(text string) []string {
	var byDefault, byValue strings.Builder
	for {
		before, after, found := strings.Cut(text, "${")
		byDefault.WriteString(before)
		byValue.WriteString(before)
		inside, rest, closed := strings.Cut(after, "}")
		if !found || !closed {
			break
		}
		name, value, _ := strings.Cut(inside, ", '")
		value = strings.TrimSuffix(value, "'")
		if strings.ContainsAny(name, "*?$") {
			byDefault.WriteString(name)
			byValue.WriteString(name)
		} else {
			byDefault.WriteString(value)
			byValue.WriteString(sampleText)
		}
		text = rest
	}
	return []string{byDefault.String(), byValue.String()}
}

// met returns what a key has so that the condition holds by its value of that place.
func (c condition) met(i int) []string {
	values := c.values.Strings()
	if c.base() == "Null" {
		if slices.Contains(values, "true") {
			return nil
		}
		return []string{sampleText}
	}
	if c.negated() {
		return []string{c.otherwise(values)}
	}
	if i >= len(values) {
		return nil
	}
	return []string{c.holding(values[i], true)}
}

// unmet returns what a key has so that the condition does not hold.
func (c condition) unmet() []string {
	values := c.values.Strings()
	switch {
	case c.base() == "Null" && slices.Contains(values, "true"):
		return []string{sampleText}
	case c.base() == "Null" || len(values) == 0:
		return nil
	case c.negated():
		return []string{c.holding(values[0], true)}
	case strings.HasPrefix(c.base(), "Numeric") || strings.HasPrefix(c.base(), "Date"):
		return []string{c.holding(values[0], false)}
	default:
		return []string{c.otherwise(values)}
	}
}

// otherwise returns a value that is none of those.
func (c condition) otherwise(values []string) string {
	switch base := strings.Replace(c.base(), "Not", "", 1); {
	case base == "Bool":
		return strconv.FormatBool(!slices.Contains(values, "true"))
	case base == "IpAddress":
		return "198.51.100.77"
	case strings.HasPrefix(base, "Numeric"):
		return "987654321"
	case strings.HasPrefix(base, "Date"):
		return "2001-02-03T04:05:06Z"
	case strings.HasPrefix(base, "Arn"):
		return "arn:aws:s3:::" + sampleText + "-else"
	default:
		return sampleText + "-else"
	}
}

// holding returns a value that compares with the condition's as it asks, or does not.
func (c condition) holding(value string, holds bool) string {
	base := c.base()
	switch {
	case strings.HasPrefix(base, "Ip"), base == "NotIpAddress":
		if network, err := netip.ParsePrefix(value); err == nil {
			return network.Addr().String()
		}
		return value
	case strings.HasPrefix(base, "Numeric"):
		return besideNumber(value, strings.Contains(base, "Less") == holds, strings.HasSuffix(base, "Equals") && holds)
	case strings.HasPrefix(base, "Date"):
		switch {
		case strings.HasSuffix(base, "Equals") && holds:
			return value
		case strings.Contains(base, "Less") == holds:
			return "2001-02-03T04:05:06Z"
		default:
			return "2099-02-03T04:05:06Z"
		}
	case strings.HasSuffix(base, "Like"), strings.HasPrefix(base, "Arn"):
		return fill(value)
	default:
		return value
	}
}

// besideNumber returns a number that is less or greater than one, or the same.
func besideNumber(value string, less, same bool) string {
	n, err := strconv.ParseFloat(value, 64)
	switch {
	case err != nil || same:
		return value
	case less:
		return strconv.FormatFloat(n-1, 'f', -1, 64)
	default:
		return strconv.FormatFloat(n+1, 'f', -1, 64)
	}
}
