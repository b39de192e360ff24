// Package awsaction is the list of the actions and condition keys of S3, STS,
// KMS and IAM, as AWS's Service Authorization Reference had them on the date in
// actions.txt. Lint judges policies by it, and the sandbox refuses by it what
// AWS would not store.
package awsaction

import (
	_ "embed" // the facts
	"slices"
	"strings"
	"sync"
)

//go:embed actions.txt
var text string

// Action is one action of a service.
type Action struct {
	Service   string // "s3"
	Name      string // "GetObject"
	Level     string // list, read, write, permissions, tagging
	Resources []string
	// Keys are the condition keys other than the global ones, as written. A *
	// stands for any part.
	Keys []string
}

// On reports whether requests for the action of S3 can be about what a resource
// of a policy names: a bucket, or objects. A star reaches over slashes.
func (a Action) On(resource string) bool {
	bucket, _, slash := strings.Cut(resource, "/")
	return !slash && slices.Contains(a.Resources, "bucket") || (slash || strings.Contains(bucket, "*")) && slices.Contains(a.Resources, "object")
}

// Facts is the list. It must not be changed.
type Facts struct {
	Date     string
	Services []string
	Actions  []Action
	Keys     []string // of the services, those of the actions among them
	Global   []string // keys that every service has
	// Types has the types of the keys that are no single text, by their names in
	// lower case: Bool, Number, Date, Address, ARN, or Set for several values.
	Types    map[string]string
	Prefixes []string // of the actions of all services
}

// Read returns the list.
var Read = sync.OnceValue(func() *Facts {
	f := &Facts{Types: map[string]string{}}
	service, with := "", []string(nil)
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(line, "#") {
			continue
		}
		switch {
		case line[0] == ' ':
			a := Action{Service: service, Name: words[0], Level: words[1], Keys: with}
			if len(words) > 2 {
				a.Resources = strings.Split(words[2], ",")
			}
			f.Actions = append(f.Actions, a)
		case words[0] == "date":
			f.Date = words[1]
		case words[0] == "service":
			service = words[1]
			f.Services = append(f.Services, service)
		case words[0] == "keys":
			f.Keys = append(f.Keys, words[1:]...)
		case words[0] == "with":
			with = words[1:]
			f.Keys = append(f.Keys, words[1:]...)
		case words[0] == "global":
			f.Global = append(f.Global, words[1:]...)
		case words[0] == "type":
			for _, key := range words[2:] {
				f.Types[strings.ToLower(key)] = words[1]
			}
		case words[0] == "prefix":
			f.Prefixes = append(f.Prefixes, words[1:]...)
		}
	}
	return f
})

// notOf has global keys that requests to a service never have.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-vpceaccount
var notOf = map[string]string{"aws:vpceaccount": "sts", "aws:vpceorgid": "sts", "aws:vpceorgpaths": "sts"}

// withAssumeRole are asked for in the request that assumes a role, and decided by
// its keys.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html
var withAssumeRole = []string{"sts:tagsession", "sts:setsourceidentity", "sts:setcontext"}

// index has the condition keys of actions in lower case.
type index struct {
	global []string
	of     map[string][]string // action, in lower case
	all    []string            // that stand at an action
}

var indexed = sync.OnceValue(func() index {
	out := index{of: map[string][]string{}}
	for _, key := range Read().Global {
		out.global = append(out.global, strings.ToLower(key))
	}
	for _, a := range Read().Actions {
		name := strings.ToLower(a.Service + ":" + a.Name)
		out.of[name] = []string{}
		for _, key := range a.Keys {
			out.of[name] = append(out.of[name], strings.ToLower(key))
		}
		out.all = append(out.all, out.of[name]...)
	}
	for _, name := range withAssumeRole {
		for _, with := range []string{"sts:assumerole", "sts:assumerolewithsaml", "sts:assumerolewithwebidentity"} {
			out.of[name] = append(out.of[name], out.of[with]...)
		}
	}
	slices.Sort(out.all)
	out.all = slices.Compact(out.all)
	return out
})

// Has reports whether a request for an action, written service:Name, can have a
// condition key. It is not known of actions and keys that are not in the list,
// nor of keys that stand at no action there.
func Has(action, key string) (has, known bool) {
	action, key = strings.ToLower(action), strings.ToLower(key)
	facts := indexed()
	keys, listed := facts.of[action]
	service, _, _ := strings.Cut(action, ":")
	switch {
	case notOf[key] == service:
		return false, true
	case in(facts.global, key):
		return true, true
	case !listed || !in(facts.all, key):
		return false, false
	default:
		return in(keys, key), true
	}
}

// in reports whether a key is of a list, in which a * at the end stands for any part.
func in(keys []string, key string) bool {
	return slices.ContainsFunc(keys, func(k string) bool {
		before, open := strings.CutSuffix(k, "*")
		return k == key || open && strings.HasPrefix(key, before)
	})
}
