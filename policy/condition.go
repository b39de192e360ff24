package policy

import (
	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// condition is one key under one operator of a Condition block.
// reference_policies_elements_condition_operators.html
type condition struct {
	pointer  string // its place in the document
	key      string // folded
	null     bool   // the operator Null: wants values "true" or "false"
	negated  bool   // a …Not… operator: no value may match
	ifExists bool
	set      setOperator

	empty       bool // the condition has no values
	multivalued bool // the key is
	variables   bool // some operand has them
	weight      int  // what a comparison costs in addition to reading the value
	operands    []operand
	exact       map[string]bool // instead of operands: many texts without variables, of StringEquals or its negation
}

// setOperator is how a key with several values is tested.
// reference_policies_condition-single-vs-multi-valued-context-keys.html
type setOperator byte

const (
	noSet setOperator = iota
	forAllValues
	forAnyValue
)

// operand is one value of the policy, compiled for its operator.
type operand interface {
	// compare reports whether the request's value meets the operand.
	compare(b *budget, got string) outcome
}

// resolvable is an operand that may have variables.
type resolvable interface {
	hasVariables() bool
	// resolve returns the operand with the request's values in their place.
	resolve(r *request) operand
}

// outcome is that of a comparison. Values that are not of the operator's type
// cannot be compared: then neither the operator nor its negation is true.
type outcome byte

const (
	differs outcome = iota
	meets
	incomparable
)

func outcomeOf(matched bool) outcome {
	if matched {
		return meets
	}
	return differs
}

// multivalued reports whether a key is a list. Such keys need a set operator, and
// cannot be variables. For other keys the number of values decides.
// reference_policies_condition-single-vs-multi-valued-context-keys.html
func multivalued(key string) bool {
	switch key {
	case "aws:calledvia", "aws:principalorgpaths", "aws:principalservicenameslist", "aws:resourceorgpaths",
		"aws:sourceorgpaths", "aws:tagkeys", "aws:vpceorgpaths", "kms:encryptioncontextkeys",
		"kms:grantoperations", "kms:resourcealiases", "sts:transitivetagkeys":
		return true
	default:
		return false
	}
}

// holds reports whether the request meets the condition.
func (c *condition) holds(r *request) bool {
	got := r.values(c.key)
	if c.null {
		return c.holdsNull(isNull(got))
	}
	if len(got) == 0 || c.set != noSet && isNull(got) {
		switch {
		case c.ifExists && len(got) == 0, c.set == forAllValues:
			return true
		case c.set == forAnyValue:
			return false
		default:
			return c.negated
		}
	}
	if c.set == noSet && c.multivalued {
		return false
	}
	// With an empty list, ForAllValues and IfExists match only where the key is
	// missing, and ForAnyValue never.
	// access-analyzer-reference-policy-checks.html, "Empty array condition"
	if c.empty && (c.set != noSet || c.ifExists) {
		return false
	}
	// Without a set operator, a value of several that matches is enough, and
	// for a negated operator none may.
	every := c.set == forAllValues || c.set == noSet && c.negated
	operands := c.resolved(r)
	for _, g := range got {
		if r.budget.spent() {
			return false
		}
		if c.test(&r.budget, operands, g) != every {
			return !every
		}
	}
	return every
}

// isNull reports whether the key has no value, or only empty ones: these, too,
// are null for Null and for the set operators.
// reference_policies_condition-single-vs-multi-valued-context-keys.html
func isNull(values []string) bool {
	for _, v := range values {
		if v != "" {
			return false
		}
	}
	return true
}

// resolved returns the operands without variables.
func (c *condition) resolved(r *request) []operand {
	if !c.variables {
		return c.operands
	}
	out := make([]operand, len(c.operands))
	for i, o := range c.operands {
		if v, ok := o.(resolvable); ok {
			o = v.resolve(r)
		}
		out[i] = o
	}
	return out
}

// test compares one value of the request: the policy's values are
// alternatives, and a negated operator asks that none of them match.
func (c *condition) test(b *budget, operands []operand, got string) bool {
	if c.exact != nil {
		b.spend(len(got))
		return c.exact[got] != c.negated
	}
	typed := true
	for _, o := range operands {
		if b.spent() {
			return false
		}
		b.spend(c.weight + len(got))
		switch o.compare(b, got) {
		case meets:
			return !c.negated
		case incomparable:
			typed = false
		case differs:
		}
	}
	return c.negated && typed
}

func (c *condition) holdsNull(absent bool) bool {
	want := "false"
	if absent {
		want = "true"
	}
	for _, o := range c.operands {
		if o.compare(nil, want) == meets {
			return true
		}
	}
	return false
}

// compileConditions reads a Condition block: operators, their keys, their values.
func compileConditions(n *tree.Node, at place, modern bool, faults *rolecall.Errors) []condition {
	var out []condition
	eachMember(n, at, nil, faults, func(name string, at place, keys *tree.Node) {
		template, op, ok := parseOperator(name)
		if !ok {
			faults.Add(at.String(), "unknown condition operator "+quote(name), operatorHint(name))
			return
		}
		eachMember(keys, at, nil, faults, func(key string, at place, values *tree.Node) {
			c := template
			c.pointer = at.String()
			c.key = foldKey(key)
			c.multivalued = multivalued(c.key)
			c.operands = make([]operand, 0, sizeOf(values))
			for _, text := range readValues(values, at, faults) {
				c.operands = append(c.operands, op.compile(text, modern))
			}
			c.empty = len(c.operands) == 0
			c.prepare()
			out = append(out, c)
		})
	})
	return out
}

// manyOperands is from how many operands on a map of them pays.
const manyOperands = 16

// prepare notes what of the operands helps to compare them fast.
func (c *condition) prepare() {
	var exact map[string]bool
	if len(c.operands) >= manyOperands {
		exact = make(map[string]bool, len(c.operands))
	}
	for _, o := range c.operands {
		if v, ok := o.(resolvable); ok && v.hasVariables() {
			c.variables = true
		}
		l, isText := o.(like)
		if !isText {
			c.weight = 512 // a date may be read in several ways
		}
		if text, ok := l.exact(); isText && ok && exact != nil {
			exact[text] = true
		} else {
			exact = nil
		}
	}
	if exact != nil {
		c.exact, c.operands = exact, nil
	}
}

// readValues reads the values of a condition key: one or a list of strings,
// numbers and booleans, each as its text.
func readValues(n *tree.Node, at place, faults *rolecall.Errors) []string {
	out := make([]string, 0, sizeOf(n))
	eachItem(n, at, "a string", faults, func(at place, item *tree.Node) {
		switch item.Kind {
		case '"', '0', 't':
			if len(item.Text) > maxText {
				faults.Add(at.String(), "the value is longer than 8 KiB", "")
			}
			out = append(out, item.Text)
		default:
			faults.Add(at.String(), "must be a string, a number, true or false, or a list of them, not "+item.What(), `You: write a value, or a list such as ["a", "b"]`)
		}
	})
	return out
}
