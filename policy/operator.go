package policy

import (
	"slices"
	"strings"

	"github.com/rolecall/rolecall/internal/strict"
)

// operator is how to compile the values of a condition operator.
type operator struct {
	name    string
	negated bool
	compile func(text string, modern bool) operand
}

var operators = []operator{
	{"StringEquals", false, compileExact},
	{"StringNotEquals", true, compileExact},
	{"StringEqualsIgnoreCase", false, compileFolded},
	{"StringNotEqualsIgnoreCase", true, compileFolded},
	{"StringLike", false, compileLike},
	{"StringNotLike", true, compileLike},
	{"NumericEquals", false, compileNumber(equal)},
	{"NumericNotEquals", true, compileNumber(equal)},
	{"NumericLessThan", false, compileNumber(less)},
	{"NumericLessThanEquals", false, compileNumber(lessOrEqual)},
	{"NumericGreaterThan", false, compileNumber(greater)},
	{"NumericGreaterThanEquals", false, compileNumber(greaterOrEqual)},
	{"DateEquals", false, compileDate(equal)},
	{"DateNotEquals", true, compileDate(equal)},
	{"DateLessThan", false, compileDate(less)},
	{"DateLessThanEquals", false, compileDate(lessOrEqual)},
	{"DateGreaterThan", false, compileDate(greater)},
	{"DateGreaterThanEquals", false, compileDate(greaterOrEqual)},
	{"Bool", false, compileBool},
	{"BinaryEquals", false, compileBinary},
	{"IpAddress", false, compileAddress},
	{"NotIpAddress", true, compileAddress},
	{"ArnEquals", false, compileARNOperand},
	{"ArnNotEquals", true, compileARNOperand},
	{"ArnLike", false, compileARNOperand},
	{"ArnNotLike", true, compileARNOperand},
	{nullOperator, false, compileBool},
}

const nullOperator = "Null"

// parseOperator reads an operator with its ForAllValues: or ForAnyValue: and
// its IfExists. Null takes neither.
func parseOperator(name string) (condition, operator, bool) {
	var c condition
	base := name
	if rest, found := strings.CutPrefix(base, "ForAllValues:"); found {
		base, c.set = rest, forAllValues
	} else if rest, found := strings.CutPrefix(base, "ForAnyValue:"); found {
		base, c.set = rest, forAnyValue
	}
	base, c.ifExists = strings.CutSuffix(base, "IfExists")
	i := slices.IndexFunc(operators, func(o operator) bool { return o.name == base })
	if i < 0 {
		return c, operator{}, false
	}
	c.negated = operators[i].negated
	c.null = base == nullOperator
	return c, operators[i], !c.null || !c.ifExists
}

func operatorHint(name string) string {
	set := ""
	if i := strings.IndexByte(name, ':'); i >= 0 {
		set, name = name[:i+1], name[i+1:]
	}
	if set != "" && set != "ForAllValues:" && set != "ForAnyValue:" {
		return "You: write ForAllValues or ForAnyValue before the colon"
	}
	if name == nullOperator+"IfExists" {
		return "You: write Null without IfExists"
	}
	names := make([]string, 0, 2*len(operators))
	for _, o := range operators {
		names = append(names, o.name, o.name+"IfExists")
	}
	if near := strict.Nearest(name, names); near != "" {
		return "You: write " + quote(set+near) + ", if that is meant"
	}
	return "You: use an operator such as StringEquals, StringLike, NumericEquals, DateLessThan, Bool, IpAddress, ArnLike or Null"
}
