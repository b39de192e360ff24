package policy_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
)

// TestDocumentation runs what AWS's pages say, one file a page. A case wants a
// decision, or "invalid" and the place of what is wrong.
func TestDocumentation(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/pages/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var file struct {
			Page  string
			Cases []struct {
				Name, Want, Pointer string
				Line                json.RawMessage
			}
		}
		if err := json.Unmarshal(data, &file); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, c := range file.Cases {
			t.Run(filepath.Base(name)+"/"+c.Name, func(t *testing.T) {
				t.Parallel()
				answer := policy.SimulateLine(c.Line)
				var got struct {
					Decision string
					Error    rolecall.Error
				}
				if err := json.Unmarshal(answer, &got); err != nil {
					t.Fatal(err)
				}
				if got.Decision+string(got.Error.Code) != c.Want || got.Error.Pointer != c.Pointer {
					t.Errorf("%s\n%s\nanswer %s\nwant %s %s", file.Page, c.Line, answer, c.Want, c.Pointer)
				}
			})
		}
	}
}
