// Package awsaction is the list of the actions and condition keys of S3, STS,
// KMS and IAM, as AWS's Service Authorization Reference had them on the date in
// actions.txt. Lint judges policies by it, and the sandbox refuses by it what
// AWS would not store.
package awsaction

import (
	_ "embed" // the facts
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
