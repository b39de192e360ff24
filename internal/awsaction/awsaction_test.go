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
