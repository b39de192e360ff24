package explain

import (
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/rolecall/rolecall/internal/awsaction"
	"github.com/rolecall/rolecall/internal/strict"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// statement is a statement that an edit is to change.
type statement struct {
	ref   policy.Ref
	place string // its pointer
	value *tree.Node

	modern bool     // the document has the version that knows variables
	action string   // that is asked for
	ids    []string // the external ids to ask with
}

func (s *search) statement(ref policy.Ref) statement {
	root := tree.MustParse(documentAt(s.policies, ref.Policy, ref.Index).JSON())
	place := "/Statement"
	if root.Get("Statement").Kind == '[' {
		place = strict.Pointer("Statement", ref.Statement)
	}
	return statement{
		ref: ref, place: place, value: root.Follow(place),
		modern: root.Modern(), action: s.request.Action, ids: s.externalIDs(),
	}
}

// name is what people call the statement.
func (st statement) name() string {
	if st.ref.Sid != "" {
		return "the statement " + st.ref.Sid
	}
	return "statement " + strict.Pointer(st.ref.Statement)[1:]
}

// edit describes a change of the statement.
func (st statement) edit(below, text string) Edit {
	return Edit{Policy: st.ref.Policy, Index: st.ref.Index, Pointer: st.place + below, Text: text}
}

// add is the candidate to put words into a list of the statement.
func (st statement) add(cost int, below string, words ...string) candidate {
	text := "add " + quoted(words) + " to " + label(below) + " of " + st.name()
	return candidate{cost, st.edit(below, text), func(root *tree.Node) bool {
		list := root.Follow(st.place + below)
		if list == nil || list.Kind == '{' {
			return false
		}
		appendTexts(list, words...)
		return true
	}}
}

// drop is the candidate to take a word out of a list of the statement.
func (st statement) drop(cost int, below, text string) candidate {
	what := "take " + quoted([]string{text}) + " out of " + label(below) + " of " + st.name()
	return candidate{cost, st.edit(below, what), func(root *tree.Node) bool { return dropText(root.Follow(st.place+below), text) }}
}

// remove is the candidate to take the whole statement away.
func (st statement) remove(cost int) candidate {
	return candidate{cost, st.edit("", "remove "+st.name()), func(root *tree.Node) bool {
		removeStatement(root, st.ref.Statement)
		return true
	}}
}

// label is what people call the place of a value within its statement.
func label(below string) string {
	path := tree.Parts(below)
	if path[0] == "Condition" {
		return path[2] + " under " + path[1]
	}
	return strings.Join(path, " ")
}

// place is an element's pointer within its statement.
func (st statement) below(u policy.Unmet) string { return strings.TrimPrefix(u.Pointer, st.place) }

// conditions returns the places of the statement's conditions.
func (st statement) conditions() []string {
	var out []string
	block := st.value.Get("Condition")
	if block == nil {
		return nil
	}
	for _, operator := range block.Members {
		for _, key := range operator.Value.Members {
			out = append(out, strict.Pointer("Condition", operator.Name, key.Name))
		}
	}
	return out
}

// ask returns the candidates to meet, or not to meet, a condition by asking with
// another value than got, or without one.
func (st statement) ask(below string, got []string) []candidate {
	path := tree.Parts(below)
	operator, key := path[1], path[2]
	words := st.value.Follow(below).Words()
	if !sentByCaller(st.action, key) {
		if has, known := awsaction.Has(st.action, key); len(got) > 0 || strings.EqualFold(key, principalKey) || known && !has { // who asks is given
			return nil
		}
		return giveKey(operator, key, words)
	}
	switch {
	case strings.EqualFold(key, externalIDKey) && st.ref.Policy == policy.ResourcePolicy:
		words = st.ids
	case strings.Contains(operator, "Null"):
		words = usualValues[strings.ToLower(key)]
	case strings.Contains(operator, "Bool"):
		words = []string{"true", "false"}
	}
	issued := strings.EqualFold(key, issueTimeKey)
	if len(got) > 0 && !issued {
		words = append(slices.Clone(words), "")
	}
	var out []candidate
	for _, w := range words[:min(len(words), maxAlike)] {
		if strings.ContainsAny(w, "*?$") {
			continue
		}
		text := "ask with " + key + " " + w
		switch {
		case issued:
			text = "assume the role again"
		case w == "":
			text = "ask without " + key
		}
		out = append(out, askWith(key, w, text))
	}
	return out
}

// usualValues are what callers send of a header whose value no policy names.
var usualValues = map[string][]string{
	"s3:x-amz-server-side-encryption": {"AES256", "aws:kms"}, "s3:x-amz-acl": {"bucket-owner-full-control"}, "s3:x-amz-storage-class": {"STANDARD"}, "sts:externalid": nil,
}

// giveKey returns the candidates to say that the request has a global condition
// key, as a real one may: whoever asked did not give it, and what the policies'
// owner limits by it is not to be undone.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
func giveKey(operator, key string, words []string) []candidate {
	if strings.Contains(operator, "Bool") {
		words = []string{"true", "false"}
	}
	var out []candidate
	for _, w := range words[:min(len(words), maxAlike)] {
		if network, err := netip.ParsePrefix(w); err == nil {
			w = network.Masked().Addr().String()
		}
		if w == "" || strings.Contains(w, "${") {
			continue
		}
		if prefix := strings.TrimSuffix(w, "*"); strings.EqualFold(key, "s3:prefix") && !strings.ContainsAny(prefix, "*?") {
			out = append(out, askWith(key, prefix, "ask with "+key+" "+prefix))
			continue
		}
		if strings.Contains(operator, "Like") || strings.Contains(operator, "Arn") {
			w = strings.NewReplacer("*", "x", "?", "x").Replace(w) // one of those that are meant
		}
		out = append(out, askWith(key, w, "say that the request has "+key+" "+w+", if it has: --context "+key+"="+w))
	}
	return out
}

// askWith is the candidate to askWith with a value of a context key, or without it.
func askWith(key, text, what string) candidate {
	return candidate{cost: askOtherwise, edit: Edit{Pointer: strict.Pointer("context", key), Value: text, Text: what}}
}

// issueTimeKey is when the session of the request began.
const issueTimeKey = "aws:TokenIssueTime"

// sentByCaller reports whether a caller sends the condition key with a request of the
// action, and may send another value.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
func sentByCaller(action, key string) bool {
	action, key = strings.ToLower(action), strings.ToLower(key)
	switch {
	case key == "aws:securetransport", key == "s3:tlsversion" && strings.HasPrefix(action, "s3:"):
		return true
	case strings.EqualFold(key, issueTimeKey):
		return !strings.HasPrefix(action, "sts:") || action == "sts:assumerole"
	case strings.EqualFold(key, externalIDKey):
		return action == "sts:assumerole" || action == "sts:tagsession" || action == "sts:setsourceidentity"
	case key == "s3:x-amz-content-sha256":
		return strings.HasPrefix(action, "s3:")
	case key == "s3:x-amz-acl" || strings.HasPrefix(key, "s3:x-amz-grant-"):
		return action == "s3:createbucket" || action == "s3:putobject" || action == "s3:putbucketacl" || strings.HasPrefix(action, "s3:putobject") && strings.HasSuffix(action, "acl")
	case key == "s3:x-amz-object-ownership":
		return action == "s3:createbucket"
	default:
		return action == "s3:putobject" && strings.HasPrefix(key, "s3:x-amz-")
	}
}

// withContext returns the request with another value of a context key, or without it.
func withContext(in policy.Request, key, text string) policy.Request {
	in.Context = maps.Clone(in.Context)
	if in.Context == nil {
		in.Context = map[string][]string{}
	}
	maps.DeleteFunc(in.Context, func(k string, _ []string) bool { return strings.EqualFold(k, key) })
	if text != "" {
		in.Context[key] = []string{text}
	}
	return in
}
