package policy

import (
	"cmp"
	"encoding/base64"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// like is a string pattern: of StringEquals (no wildcards), StringLike, or
// without case. A variable without a value matches nothing, so that a negated
// operator holds. reference_policies_variables.html
type like struct {
	pattern pattern
	fold    bool
}

func (l like) compare(b *budget, got string) outcome {
	return outcomeOf(l.pattern.match(b, got, l.fold))
}

func (l like) hasVariables() bool { return l.pattern.variables }

func (l like) resolve(r *request) operand {
	p, ok := l.pattern.resolve(r)
	if !ok {
		return void{}
	}
	return like{p, l.fold}
}

// exact returns the one text that the pattern matches, if it is one.
func (l like) exact() (string, bool) {
	t := l.pattern.tokens
	if l.fold || len(t) > 1 || len(t) == 1 && t[0].kind != literal {
		return "", false
	}
	if len(t) == 0 {
		return "", true
	}
	return t[0].text, true
}

// void is a value with a variable that has none.
type void struct{}

func (void) compare(*budget, string) outcome { return differs }

func compileExact(text string, modern bool) operand {
	return like{pattern: compile(text, syntax{variables: modern})}
}

func compileFolded(text string, modern bool) operand {
	return like{pattern: compile(text, syntax{variables: modern}), fold: true}
}

func compileLike(text string, modern bool) operand {
	return like{pattern: compile(text, syntax{wildcards: true, variables: modern})}
}

// substitute is a value that is a variable as a whole, of an operator that
// compares otherwise than by patterns.
type substitute struct {
	variable pattern
	compile  func(value string) operand
}

func (substitute) compare(*budget, string) outcome { return incomparable } // until resolved

func (substitute) hasVariables() bool { return true }

func (s substitute) resolve(r *request) operand {
	p, ok := s.variable.resolve(r)
	if !ok {
		return void{}
	}
	return s.compile(p.tokens[0].text)
}

func soleVariable(text string, modern bool) (pattern, bool) {
	p := compile(text, syntax{variables: modern})
	return p, len(p.tokens) == 1 && p.variables
}

// arnOperand is a value of ArnEquals or ArnLike, which behave alike: each of
// the six parts is matched by itself.
type arnOperand struct{ pattern arnPattern }

func (a *arnOperand) compare(b *budget, got string) outcome {
	arn := cutARN(got)
	if arn.count < 6 || arn.part[0] != "arn" {
		return incomparable
	}
	return outcomeOf(a.pattern.matches(b, &arn))
}

func (a *arnOperand) hasVariables() bool { return a.pattern.variables }

func (a *arnOperand) resolve(r *request) operand {
	p, ok := a.pattern.resolve(r)
	if !ok {
		return void{}
	}
	return &arnOperand{p}
}

// compileARNOperand compiles a value with variables in any part, or one that
// is a variable as a whole.
func compileARNOperand(text string, modern bool) operand {
	if v, ok := soleVariable(text, modern); ok {
		return substitute{v, func(value string) operand {
			if cutARN(value).count < 6 {
				return mistyped{}
			}
			return &arnOperand{compileARN(value, syntax{})}
		}}
	}
	p := compileARN(text, syntax{wildcards: true, variables: modern})
	if len(p.parts) < 6 {
		return mistyped{}
	}
	return &arnOperand{p}
}

// mistyped is a value that is none of its operator's type.
type mistyped struct{}

func (mistyped) compare(*budget, string) outcome { return incomparable }

// relation judges the order of the request's value to the policy's.
type relation func(order int) bool

func equal(order int) bool          { return order == 0 }
func less(order int) bool           { return order < 0 }
func lessOrEqual(order int) bool    { return order <= 0 }
func greater(order int) bool        { return order > 0 }
func greaterOrEqual(order int) bool { return order >= 0 }

type number struct {
	want     float64
	relation relation
}

func (n number) compare(_ *budget, got string) outcome {
	f, ok := parseNumber(got)
	if !ok {
		return incomparable
	}
	return outcomeOf(n.relation(cmp.Compare(f, n.want)))
}

func compileNumber(rel relation) func(string, bool) operand {
	return func(text string, _ bool) operand {
		f, ok := parseNumber(text)
		if !ok {
			return mistyped{}
		}
		return number{f, rel}
	}
}

// parseNumber reads a decimal number; not the hexadecimal, infinite and other
// forms that strconv knows, nor one so long that reading it takes long.
func parseNumber(text string) (float64, bool) {
	if len(text) > 64 || strings.Trim(text, "0123456789+-.eE") != "" {
		return 0, false
	}
	f, err := strconv.ParseFloat(text, 64)
	return f, err == nil
}

type date struct {
	want     time.Time
	relation relation
}

func (d date) compare(_ *budget, got string) outcome {
	t, ok := parseDate(got)
	if !ok {
		return incomparable
	}
	return outcomeOf(d.relation(t.Compare(d.want)))
}

func compileDate(rel relation) func(string, bool) operand {
	return func(text string, _ bool) operand {
		t, ok := parseDate(text)
		if !ok {
			return mistyped{}
		}
		return date{t, rel}
	}
}

// parseDate reads the W3C profile of ISO 8601, https://www.w3.org/TR/NOTE-datetime,
// or seconds since 1970.
func parseDate(text string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05Z0700", "2006-01-02", "2006-01", "2006"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, true
		}
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	return time.Unix(seconds, 0), err == nil
}

type boolean bool

func (b boolean) compare(_ *budget, got string) outcome {
	v, ok := parseBool(got)
	return outcomeOf(ok && v == bool(b))
}

func compileBool(text string, modern bool) operand {
	if v, ok := soleVariable(text, modern); ok {
		return substitute{v, func(value string) operand { return compileBool(value, false) }}
	}
	v, ok := parseBool(text)
	if !ok {
		return mistyped{}
	}
	return boolean(v)
}

func parseBool(text string) (value, ok bool) {
	switch {
	case equalFold(text, "true"):
		return true, true
	case equalFold(text, "false"):
		return false, true
	default:
		return false, false
	}
}

// binary compares the bytes that base64 stands for.
type binary string

func (b binary) compare(_ *budget, got string) outcome {
	raw, err := base64.StdEncoding.DecodeString(got)
	return outcomeOf(err == nil && string(raw) == string(b))
}

func compileBinary(text string, _ bool) operand {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return mistyped{}
	}
	return binary(raw)
}

// addresses is a CIDR block, or one address as the narrowest of blocks.
type addresses netip.Prefix

func (a addresses) compare(_ *budget, got string) outcome {
	address, err := netip.ParseAddr(got)
	if err != nil || address.Zone() != "" {
		return incomparable
	}
	return outcomeOf(netip.Prefix(a).Contains(address.Unmap()))
}

func compileAddress(text string, _ bool) operand {
	if block, err := netip.ParsePrefix(text); err == nil {
		return addresses(block.Masked())
	}
	address, err := netip.ParseAddr(text)
	if err != nil || address.Zone() != "" {
		return mistyped{}
	}
	address = address.Unmap()
	return addresses(netip.PrefixFrom(address, address.BitLen()))
}
