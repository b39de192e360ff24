package correct

import (
	"regexp"
	"slices"
	"strings"

	"github.com/rolecall/rolecall/internal/awsaction"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// matches reports whether a pattern matches a name, whose case does not count.
func matches(pattern, name string) bool {
	return regexp.MustCompile("(?is)^" + strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(pattern)) + "$").MatchString(name)
}

// canBe reports whether an action, or one of those that a pattern matches, can be
// asked for on what one of the resources names. That is known of S3's on buckets
// and objects; a bucket's policy is of nothing else.
func canBe(kind policy.Kind, action string, resources []string) bool {
	if len(resources) == 0 {
		return true
	}
	named := slices.DeleteFunc(slices.Clone(awsaction.Read().Actions), func(a awsaction.Action) bool { return a.Service != "s3" || !matches(action, "s3:"+a.Name) })
	return len(named) == 0 || slices.ContainsFunc(resources, func(r string) bool {
		ofBucket := isBucketOrObject(r) || r == "*" && kind == policy.BucketDocument
		return !ofBucket || slices.ContainsFunc(named, func(a awsaction.Action) bool { return a.On(r) })
	})
}

// keysFit reports whether S3 stores a statement of a bucket's policy for its
// conditions: each of the actions must have each of S3's own keys.
func keysFit(s *tree.Node) bool {
	block := s.Get("Condition")
	if block == nil {
		return true
	}
	for _, action := range s.Get("Action").Strings() {
		for _, operator := range block.Members {
			for _, key := range operator.Value.Members {
				if strings.HasPrefix(strings.ToLower(key.Name), "s3:") && !slices.ContainsFunc(awsaction.Read().Actions, func(a awsaction.Action) bool {
					name := a.Service + ":" + a.Name
					has, _ := awsaction.Has(name, key.Name)
					return has && matches(action, name) && canBe(policy.BucketDocument, name, s.Get("Resource").Strings())
				}) {
					return false
				}
			}
		}
	}
	return true
}

// isBucketOrObject reports whether a resource is a bucket or objects of one, and
// is not only known when it is asked for.
func isBucketOrObject(resource string) bool {
	parts := strings.SplitN(resource, ":", 6)
	return len(parts) == 6 && parts[2] == "s3" && parts[3] == "" && parts[4] == "" && !strings.Contains(resource, "${")
}

// without returns patterns of the actions that a pattern matches but for those
// that are used, by the list of what a service has. It is false of a pattern of
// several services.
func without(pattern string, used []string) ([]string, bool) {
	service, _, _ := strings.Cut(pattern, ":")
	if strings.ContainsAny(service, "*?") {
		return nil, false
	}
	var others, stay []string
	for _, a := range awsaction.Read().Actions {
		if !strings.EqualFold(a.Service, service) {
			continue
		}
		name := a.Service + ":" + a.Name
		if !matches(pattern, name) || slices.ContainsFunc(used, func(u string) bool { return strings.EqualFold(u, name) }) {
			others = append(others, name)
		} else {
			stay = append(stay, name)
		}
	}
	begins := func(names []string, with string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, with) })
	}
	var out []string
	for _, name := range stay {
		if slices.ContainsFunc(out, func(w string) bool { return matches(w, name) }) {
			continue
		}
		as := name
		for n := max(len(fixed(pattern)), len(service)+1); n < len(name); n++ {
			if !begins(others, name[:n]) && !begins(used, name[:n]) {
				as = name[:n] + "*"
				break
			}
		}
		out = append(out, as)
	}
	slices.Sort(out)
	return out, true
}
