package known

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rolecall/rolecall/internal/awsaction"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// maxTried is how many requests together tries.
const maxTried = 500

// together decides the request with each value that keys which are not known may
// have, as far as the document's conditions tell values apart. Statements that
// hang on one key each may together decide alike whatever it is: a Deny for a
// network, and one for all others. It is false where they do not, and where the
// values that tell them apart are not to be found.
func (j judge) together(document *tree.Node, open []conditions) (policy.Decision, bool) {
	values := map[string][]string{} // by key; "" is that it is absent
	wild := map[string]string{}
	for i, s := range statements(document) {
		for c, key := range open[i] {
			folded := strings.ToLower(key)
			if c.operator == "" || !strings.EqualFold(c.key, key) || strings.Contains(c.operator, ":") || awsaction.Read().Types[folded] == "Set" {
				return "", false // a variable, or a set of values
			}
			if values[folded] == nil {
				values[folded] = j.start(key)
			}
			state, _ := Of(key, j.in.Action, j.in.Principal)
			for _, v := range s.Get("Condition").Get(c.operator).Get(c.key).Strings() {
				if strings.ContainsAny(v, "*?") {
					if other, has := wild[folded]; has && other != v {
						return "", false // what is of both patterns cannot be found
					}
					wild[folded] = v
				}
				next := near(c.operator, v)
				if next == nil {
					return "", false
				}
				if state != Listed {
					values[folded] = append(values[folded], next...)
				}
			}
		}
	}
	if len(values) == 0 {
		return "", false
	}
	requests := []map[string][]string{j.in.Context}
	for key, list := range values {
		if key == "aws:currenttime" {
			list = slices.DeleteFunc(list, func(at string) bool { return at < awsaction.Read().Date })
		}
		slices.Sort(list)
		var more []map[string][]string
		for _, value := range slices.Compact(list) {
			for _, context := range requests {
				if value != "" {
					context = with(context, key, value)
				}
				more = append(more, context)
			}
		}
		if requests = more; len(requests) > maxTried {
			return "", false
		}
	}
	var decision policy.Decision
	for _, context := range requests {
		j.in.Context = context
		switch got := j.decide(document); {
		case decision == "" || decision == got:
			decision = got
		case decision == policy.Allowed || got == policy.Allowed:
			return "", false
		default:
			decision = policy.ImplicitlyDenied
		}
	}
	return decision, true
}

// other is a value that no condition names.
const other = "~rolecall~"

// start returns the values that a key may have whatever a document says.
func (j judge) start(key string) []string {
	state, listed := Of(key, j.in.Action, j.in.Principal)
	if state == Listed {
		return slices.Clone(listed)
	}
	var out []string
	switch awsaction.Read().Types[strings.ToLower(key)] {
	case "Address":
		out = []string{"192.0.2.1", "2001:db8::1"}
	case "Date":
		out = []string{awsaction.Read().Date + "T00:00:00Z"} // no request of ours is older than the list
	case "Number":
		out = []string{"1"}
	case "Bool":
		out = []string{"true", "false"}
	case "ARN":
		out = []string{"arn:aws:iam::000000000000:role/" + other}
	default:
		out = []string{other}
	}
	if state == Unknown {
		out = append(out, "")
	}
	return out
}

// near returns values on both sides of what a condition's value tells apart; nil
// where they are not known.
func near(operator, value string) []string {
	base := strings.ToLower(strings.TrimSuffix(operator, "IfExists"))
	switch {
	case base == "bool", base == "null":
		return []string{} // start has them
	case strings.HasSuffix(base, "ipaddress"):
		network, err := netip.ParsePrefix(value)
		if address, wrong := netip.ParseAddr(value); wrong == nil {
			network, err = netip.PrefixFrom(address, address.BitLen()), nil
		}
		if err != nil {
			return nil
		}
		first, last := network.Masked().Addr(), lastOf(network)
		out := []string{first.String(), last.String()}
		for _, next := range []netip.Addr{first.Prev(), last.Next()} {
			if next.IsValid() {
				out = append(out, next.String())
			}
		}
		return out
	case strings.HasPrefix(base, "numeric"):
		n, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return nil
		}
		return []string{value, strconv.FormatFloat(n-0.001, 'f', -1, 64), strconv.FormatFloat(n+0.001, 'f', -1, 64)}
	case strings.HasPrefix(base, "date"):
		at, err := time.Parse(time.RFC3339, value)
		if err != nil {
			return nil
		}
		return []string{value, at.Add(-time.Second).Format(time.RFC3339), at.Add(time.Second).Format(time.RFC3339)}
	case strings.HasPrefix(base, "arn"):
		return []string{strings.NewReplacer("*", other, "?", "~").Replace(value)}
	case strings.HasPrefix(base, "string"):
		sample := strings.NewReplacer("*", other, "?", "~").Replace(value)
		return []string{value, sample, strings.ToLower(sample), strings.ToUpper(sample)}
	default:
		return nil
	}
}

// lastOf returns the last address of a network.
func lastOf(network netip.Prefix) netip.Addr {
	bytes := network.Masked().Addr().AsSlice()
	for bit := network.Bits(); bit < len(bytes)*8; bit++ {
		bytes[bit/8] |= 1 << (7 - bit%8)
	}
	last, _ := netip.AddrFromSlice(bytes)
	return last
}
