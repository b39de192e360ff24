package awsaction

import (
	"slices"
	"strings"
	"testing"
)

func TestFactsNameTheirPages(t *testing.T) {
	t.Parallel()
	f := Read()
	for _, service := range f.Services {
		if !strings.Contains(text, "service "+service+" https://docs.aws.amazon.com/service-authorization/latest/reference/list_") {
			t.Errorf("%s names no page", service)
		}
	}
	for _, a := range f.Actions {
		for _, key := range a.Keys {
			if !slices.Contains(f.Keys, key) {
				t.Errorf("%s:%s has the key %s, which is not among the keys", a.Service, a.Name, key)
			}
		}
	}
}

func TestTypesAreOfKeys(t *testing.T) {
	t.Parallel()
	f := Read()
	keys := map[string]bool{}
	for _, key := range slices.Concat(f.Keys, f.Global) {
		keys[strings.ToLower(key)] = true
	}
	for key, kind := range f.Types {
		if !keys[key] {
			t.Errorf("%s has a type, and is not among the keys", key)
		}
		if !slices.Contains([]string{"Bool", "Number", "Date", "Address", "ARN", "Set"}, kind) {
			t.Errorf("%s has the type %s", key, kind)
		}
	}
	for _, service := range f.Services {
		if !slices.Contains(f.Prefixes, service) {
			t.Errorf("%s is no prefix", service)
		}
	}
}
