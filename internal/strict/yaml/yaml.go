// Package yaml turns the YAML of config files into JSON, for strict decoding
// by package strict. It keeps what YAML's own typing would lose: a date such
// as a policy's Version stays the string it was, and an account id keeps its
// leading zeros.
package yaml

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/strict"
)

const (
	// maxNodes bounds a document with its aliases expanded.
	maxNodes = 200_000
	// maxDepth bounds nesting, and so aliases that contain themselves.
	maxDepth = 64
)

// ToJSON converts one YAML document of mappings, lists and scalars. An empty
// document is an empty object. Repeated keys, merge keys, binary values and a
// second document are faults with pointers; all are found in one pass.
func ToJSON(data []byte) ([]byte, error) {
	n, err := read(data)
	if err != nil {
		return nil, err
	}
	if n == nil {
		return []byte("{}"), nil
	}
	c := converter{budget: maxNodes}
	c.value(n, "", 0)
	if err := c.faults.Err(); err != nil {
		return nil, err
	}
	return c.out.Bytes(), nil
}

// LinesOf returns the lines of what is in a document, as far as it is YAML.
func LinesOf(data []byte) strict.Lines {
	lines := strict.Lines{}
	if n, err := read(data); err == nil && n != nil {
		budget := maxNodes
		note(n, "", lines, &budget)
	}
	return lines
}

func note(n *yaml.Node, at string, lines strict.Lines, budget *int) {
	if *budget--; *budget < 0 {
		return
	}
	switch n.Kind {
	case yaml.AliasNode:
		note(n.Alias, at, lines, budget)
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			place := at + strict.Pointer(n.Content[i].Value)
			lines[place] = n.Content[i].Line
			note(n.Content[i+1], place, lines, budget)
		}
	case yaml.SequenceNode:
		for i, item := range n.Content {
			place := at + strict.Pointer(i)
			lines[place] = item.Line
			note(item, place, lines, budget)
		}
	}
}

type converter struct {
	out    bytes.Buffer
	faults rolecall.Errors
	budget int
}

func (c *converter) value(n *yaml.Node, at string, depth int) {
	c.budget--
	switch {
	case c.budget == 0 || depth == maxDepth+1:
		c.faults.Add(at, "the document is too large or nests too deep", "You: write less; aliases count with all they stand for")
		c.budget = min(c.budget, 0)
		return
	case c.budget < 0:
		return
	}
	switch n.Kind {
	case yaml.AliasNode:
		c.value(n.Alias, at, depth+1)
	case yaml.MappingNode:
		c.mapping(n, at, depth)
	case yaml.SequenceNode:
		c.out.WriteByte('[')
		for i, item := range n.Content {
			if i > 0 {
				c.out.WriteByte(',')
			}
			c.value(item, at+strict.Pointer(i), depth+1)
		}
		c.out.WriteByte(']')
	default:
		c.scalar(n, at)
	}
}

func (c *converter) mapping(n *yaml.Node, at string, depth int) {
	seen := map[string]bool{}
	c.out.WriteByte('{')
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		if key.Kind != yaml.ScalarNode {
			c.faults.Add(at, fmt.Sprintf("the name at line %d is not a plain word", key.Line), "You: put a name that begins with [, { or ? into double quotes")
			continue
		}
		place := at + strict.Pointer(key.Value)
		switch {
		case key.ShortTag() == "!!merge":
			c.faults.Add(place, "merge keys are not supported", "You: write the fields out, or use an alias for the whole value")
			continue
		case seen[key.Value]:
			c.faults.Add(place, strict.Quote(key.Value)+" is given twice", "You: remove one of the two")
			continue
		}
		if len(seen) > 0 {
			c.out.WriteByte(',')
		}
		seen[key.Value] = true
		c.text(key.Value)
		c.out.WriteByte(':')
		c.value(n.Content[i+1], place, depth+1)
	}
	c.out.WriteByte('}')
}

// number is how JSON writes one; other forms that YAML has stay strings.
var number = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)

func (c *converter) scalar(n *yaml.Node, at string) {
	switch tag := n.ShortTag(); {
	case tag == "!!null":
		c.out.WriteString("null")
	case tag == "!!bool" && (strings.EqualFold(n.Value, "true") || strings.EqualFold(n.Value, "false")):
		c.out.WriteString(strings.ToLower(n.Value))
	case (tag == "!!int" || tag == "!!float") && number.MatchString(n.Value):
		c.out.WriteString(n.Value)
	case tag == "!!str" || tag == "!!timestamp" || tag == "!!int" || tag == "!!float":
		c.text(n.Value)
	default:
		c.faults.Add(at, "the value has the type "+strict.Quote(tag)+" of YAML, which is not taken", "You: put a text into double quotes, without ! before it")
	}
}

func (c *converter) text(s string) {
	out, _ := json.Marshal(s) // a string always has a JSON form
	c.out.Write(out)
}
