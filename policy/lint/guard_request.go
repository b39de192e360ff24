package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rolecall/rolecall/policy"
)

const (
	// sampleText stands for what a pattern leaves open.
	sampleText = "rolecall-any"
	// stranger is somebody of whom the document does not speak.
	stranger = "arn:aws:iam::000000000000:role/" + sampleText
	// guardAccount owns what is asked for: nobody whom the document names is in it, so
	// that the document decides.
	guardAccount = "777788889999"
	// maxSamples bounds what is taken from other statements.
	maxSamples = 24
)

// everyone reports whether a principal is whoever asks.
func everyone(principal string) bool {
	return principal == "*" || strings.HasPrefix(principal, "arn:") && accountIn(principal) == accountIn(stranger)
}

// requests returns those that a statement speaks of: each principal, action and
// resource, with each of its conditions met, not met, and without the key.
func (g *guard) requests(s *statement, was, is *side) []policy.Request {
	g.budget -= 10 * (len(was.statements) + len(is.statements)) // to look for what they name
	callers, actions, resources := g.callers(s, was, is), g.actionsOf(s, was, is), g.resourcesOf(s, was, is)
	contexts := g.contexts(s, was, is)
	if len(contexts) == 0 || g.spent() {
		return nil
	}
	each := 2*(4+len(was.statements)+len(is.statements)) + 4*len(contexts[0])
	if n := len(callers) * len(actions) * len(resources) * len(contexts); n > g.budget/each {
		g.budget = -1
		return nil
	}
	var out []policy.Request
	for _, action := range actions {
		var asked []keyValues
		for _, context := range contexts {
			asked = append(asked, askable(action, context))
		}
		for _, resource := range resources {
			if !g.feasible(action, resource) {
				continue
			}
			for _, who := range callers {
				for _, context := range asked {
					out = append(out, policy.Request{Principal: who, Action: action, Resource: resource, Account: guardAccount, Context: context})
				}
			}
		}
	}
	g.budget -= each * len(out)
	return out
}

// feasible reports whether there are requests for the action on the resource: what
// none asks for can be allowed or not.
func (g *guard) feasible(action, resource string) bool {
	parts := strings.SplitN(resource, ":", 6)
	p := &pass{kind: g.kind, options: g.options}
	if message, _ := p.malformed(resource); message != "" || len(parts) < 6 || !isPartition(parts[1]) || g.options.Kit != nil && parts[1] != p.partition() {
		return false
	}
	if placeholderForm.MatchString(resource) || exampleForm.MatchString(resource) || g.kind == policy.BucketDocument && g.home != "" && literalBucket(resource) != "" && literalBucket(resource) != g.home {
		return false
	}
	known := exact(action)
	switch {
	case known == nil:
		return true
	case known.name == "sts:AssumeRole":
		return assumable(resource)
	case parts[2] == "s3" && parts[4] == "":
		object := strings.Contains(parts[5], "/")
		return strings.HasPrefix(known.name, "s3:") && (object && known.on("object") || !object && known.on("bucket") || !known.on("object") && !known.on("bucket"))
	case strings.HasPrefix(parts[5], "alias/"):
		return known.on("alias")
	case parts[2] == "kms", parts[2] == "iam" && !strings.HasPrefix(known.name, "sts:"):
		return strings.HasPrefix(known.name, parts[2]+":")
	default:
		return true
	}
}

// askable returns the context without the keys that no request for the action has.
func askable(action string, all keyValues) keyValues {
	known := exact(action)
	out := keyValues{}
	for key, values := range all {
		if keyExists(key) && (known == nil || known.hasKey(key)) {
			out[key] = values
		}
	}
	return out
}

// keyExists reports whether requests can have a condition key.
func keyExists(key string) bool {
	service, _, found := strings.Cut(strings.ToLower(key), ":")
	ours := service == "aws" || slices.Contains(catalog().services, service)
	return found && (!ours || isGlobal(key) || keyIn(catalog().keys, key))
}

// actionsOf returns an action for each sort that the patterns of both documents tell
// apart.
func (g *guard) actionsOf(s *statement, was, is *side) []string {
	var patterns []string
	for _, other := range append(slices.Clone(was.statements), is.statements...) {
		for _, v := range append(other.actions(), other.Get("NotAction").Each()...) {
			patterns = append(patterns, strings.ToLower(v.Text))
		}
	}
	slices.Sort(patterns)
	patterns = slices.Compact(patterns)
	keys := newSet()
	for _, other := range append(slices.Clone(was.statements), is.statements...) {
		for _, c := range other.conditions() {
			keys.addSome(c.key)
		}
	}
	set, sorts := newSet(), map[string]bool{}
	sort := func(a *action) {
		g.budget -= 1 + len(patterns)/4
		if g.spent() || g.resourceKind() && !g.decides(a.name) {
			return
		}
		var of strings.Builder
		lower := strings.ToLower(a.name)
		for _, p := range patterns {
			if glob(p, lower) {
				of.WriteByte('1')
			} else {
				of.WriteByte('0')
			}
		}
		fmt.Fprint(&of, a.resources)
		for _, k := range keys.values {
			fmt.Fprint(&of, a.hasKey(k))
		}
		if !sorts[of.String()] {
			sorts[of.String()] = true
			set.add(a.name)
		}
	}
	for _, v := range s.actions() {
		actions, known := expand(v.Text)
		for _, a := range actions {
			sort(a)
		}
		if !known && strings.Contains(v.Text, ":") && (!g.resourceKind() || g.decides(v.Text)) {
			set.add(fill(v.Text))
		} else if v.Text == "*" && !g.resourceKind() {
			set.add("ec2:" + sampleText)
		}
	}
	if not := s.Get("NotAction"); not != nil {
		for _, a := range catalog().actions {
			if !slices.ContainsFunc(not.Strings(), func(v string) bool { return glob(strings.ToLower(v), strings.ToLower(a.name)) }) {
				sort(a)
			}
		}
		slices.Sort(set.values)
	}
	return set.values
}

// decides reports whether a resource's policy decides about the action.
func (g *guard) decides(name string) bool {
	service, _, _ := strings.Cut(strings.ToLower(name), ":")
	if g.kind == policy.TrustDocument {
		return slices.Contains(assuming, strings.ToLower(name))
	}
	return g.kind.Decides(service)
}

// resourcesOf returns what a statement is on.
func (g *guard) resourcesOf(s *statement, was, is *side) []string {
	role := "arn:aws:iam::" + guardAccount + ":role/" + sampleText
	set := newSet()
	kit := g.options.Kit
	switch g.kind {
	case policy.TrustDocument:
		return []string{role}
	case policy.KeyDocument:
		set.add("arn:aws:kms:eu-central-1:" + guardAccount + ":key/" + sampleText)
		if kit != nil && kit.Connection.Encryption != nil && kit.Connection.Encryption.Key != "" {
			return []string{kit.Connection.Encryption.Key} // which the document is for
		}
	}
	not := s.Get("NotResource")
	for _, r := range s.resources() {
		set.add(samples(r.Text)...)
	}
	if not != nil || slices.Contains(s.Get("Resource").Strings(), "*") {
		set.add("arn:aws:s3:::"+sampleText, "arn:aws:s3:::"+sampleText+"/a", "arn:aws:kms:eu-central-1:"+guardAccount+":key/"+sampleText, role)
	}
	more := newSet()
	if g.home != "" {
		more.add("arn:"+g.partition()+":s3:::"+g.home, "arn:"+g.partition()+":s3:::"+g.home+"/"+sampleText)
	}
	if kit != nil {
		more.add("arn:" + g.partition() + ":s3:::" + kit.Connection.Bucket + "/" + kit.Connection.Prefix + sampleText)
		if kit.Connection.Encryption != nil && kit.Connection.Encryption.Key != "" {
			more.add(kit.Connection.Encryption.Key)
		}
		more.add(kit.Connection.RoleARN)
	}
	for _, other := range append(slices.Clone(was.statements), is.statements...) {
		for _, r := range append(other.resources(), other.Get("NotResource").Each()...) {
			if len(more.values) < maxSamples {
				more.addSome(samples(r.Text)...)
			}
		}
	}
	for _, r := range more.values {
		if not != nil || slices.ContainsFunc(s.Get("Resource").Strings(), func(pattern string) bool { return glob(pattern, r) }) {
			set.add(r)
		}
	}
	return set.values
}

// samples returns texts that a pattern of Resource stands for: with something and
// with nothing in the place of its stars, and with its variables as text and as
// values.
func samples(pattern string) []string {
	if pattern == "*" {
		return nil
	}
	if parts := strings.SplitN(pattern, ":", 6); len(parts) == 6 && strings.ContainsAny(parts[4], "*?") {
		parts[4] = accountIn(stranger)
		pattern = strings.Join(parts, ":")
	}
	out := []string{fill(pattern)}
	if strings.Contains(pattern, "*") {
		out = append(out, fill(strings.ReplaceAll(pattern, "*", "")))
		if bucket, _, slash := strings.Cut(pattern, "/"); !slash && strings.HasSuffix(bucket, "*") {
			out = append(out, fill(strings.TrimSuffix(bucket, "*"))+"/"+sampleText, fill(bucket)+"/"+sampleText)
		}
	}
	if strings.Contains(pattern, "${") {
		for _, v := range withVariables(pattern) {
			out = append(out, fill(v))
		}
	}
	return out
}

// fill puts something in the place of each wildcard.
func fill(pattern string) string {
	return filler.Replace(pattern)
}

var filler = strings.NewReplacer("*", sampleText, "?", "a")

// set is a list of texts, each once.
type set struct {
	values []string
	has    map[string]bool
}

func newSet() *set { return &set{has: map[string]bool{}} }

func (s *set) add(values ...string) {
	for _, v := range values {
		if !s.has[v] {
			s.has[v] = true
			s.values = append(s.values, v)
		}
	}
}

// addSome adds no more than maxSamples.
func (s *set) addSome(values ...string) {
	for _, v := range values {
		if len(s.values) < maxSamples {
			s.add(v)
		}
	}
}
