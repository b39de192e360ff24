package cli

import (
	"encoding/json"
	"fmt"
	"strings"
)

// statements returns a policy in lines for people, one for each statement.
func statements(document []byte) []string {
	var doc struct {
		Statement []struct {
			Effect                string
			Action, NotAction     words
			Resource, NotResource words
			Condition             map[string]map[string]words
		}
	}
	if err := json.Unmarshal(document, &doc); err != nil {
		return []string{string(document)}
	}
	var lines []string
	for _, s := range doc.Statement {
		line := fmt.Sprintf("%s %s on %s", s.Effect, either(s.Action, s.NotAction), either(s.Resource, s.NotResource))
		joint := "if"
		for _, operator := range sortedKeys(s.Condition) {
			for _, key := range sortedKeys(s.Condition[operator]) {
				line += fmt.Sprintf(" %s %s %s %s", joint, key, operator, s.Condition[operator][key])
				joint = "and"
			}
		}
		lines = append(lines, line)
	}
	return lines
}

// words is a string or a list of strings.
type words []string

// UnmarshalJSON reads either form.
func (w *words) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*w = words{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(w))
}

// String drops what all ARNs of S3 begin with.
func (w words) String() string {
	return strings.ReplaceAll(strings.Join(w, ", "), "arn:aws:s3:::", "")
}

func either(named, but words) string {
	if named == nil {
		return "all but " + but.String()
	}
	return named.String()
}
