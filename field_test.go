package rolecall_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/strict"
	"github.com/rolecall/rolecall/internal/strict/yaml"
	"github.com/rolecall/rolecall/policy"
)

// fieldTable is a cases.json; testdata/field/README.md describes it.
type fieldTable struct {
	Pages []string          `json:"pages"`
	Env   map[string]string `json:"env"`
	Admin struct {
		AccessKeyID     string `json:"access_key_id"`
		SecretAccessKey string `json:"secret_access_key"`
	} `json:"admin"`
	Documents []struct {
		File     string   `json:"file"`
		Kind     string   `json:"kind"`
		Reads    bool     `json:"reads"`
		At       []string `json:"at"`
		Mistakes []string `json:"mistakes"`
	} `json:"documents"`
	Cases []struct {
		Name      string `json:"name"`
		Sandbox   string `json:"sandbox"`
		Config    string `json:"config"`
		Org       string `json:"org"`
		Principal string `json:"principal"`
		Job       string `json:"job"`
		Expect    struct {
			Exit   int  `json:"exit"`
			Status *int `json:"status"`
			Errors []struct {
				Code    rolecall.Code `json:"code"`
				Pointer string        `json:"pointer"`
				Task    *int          `json:"task"`
			} `json:"errors"`
			Objects map[string]map[string]string `json:"objects"`
		} `json:"expect"`
	} `json:"cases"`
}

// TestFieldTablesAreTrue compares each vendor's table with its files: the
// policies parse or not as the table says, the sandbox has the same ones, and
// no file is missing. The jobs themselves run elsewhere.
func TestFieldTablesAreTrue(t *testing.T) {
	t.Parallel()
	tables, err := filepath.Glob("testdata/field/*/cases.json")
	if err != nil || len(tables) != 4 {
		t.Fatalf("found %d tables, want the 4 vendors' (%v)", len(tables), err)
	}
	for _, path := range tables {
		dir := filepath.Dir(path)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Parallel()
			var table fieldTable
			var faults rolecall.Errors
			if strict.Decode(read(t, path), &table, &faults); len(faults) > 0 {
				t.Fatal(faults)
			}
			named := map[string]bool{"cases.json": true, "README.md": true, "sandbox.yaml": true, "rolecall.yaml": true}
			for _, d := range table.Documents {
				named[d.File] = true
				_, err := policy.Parse(read(t, filepath.Join(dir, d.File)))
				if (err == nil) != d.Reads {
					t.Errorf("%s: reads = %t, want %t (%v)", d.File, err == nil, d.Reads, err)
				}
				for _, at := range d.At {
					sameDocument(t, dir, d.File, at)
				}
			}
			for _, c := range table.Cases {
				named[c.Job], named[c.Config], named[c.Sandbox] = true, true, true
				read(t, filepath.Join(dir, c.Job))
				for _, keys := range c.Expect.Objects {
					for _, file := range keys {
						read(t, filepath.Join(dir, file))
					}
				}
				if c.Expect.Exit == 0 && (c.Expect.Status == nil || *c.Expect.Status != int(rolecall.Completed)) {
					t.Errorf("%s: exit 0 without status %d", c.Name, rolecall.Completed)
				}
			}
			config := string(read(t, filepath.Join(dir, "rolecall.yaml")))
			for name := range table.Env {
				if !strings.Contains(config, name) {
					t.Errorf("rolecall.yaml takes nothing from %s", name)
				}
			}
			entries, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				used := named[e.Name()] || e.IsDir() || strings.Contains(config, "./"+e.Name())
				if !used {
					t.Errorf("%s is in no table", e.Name())
				}
			}
		})
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// sameDocument compares a policy's file with the document at the pointer in
// sandbox.yaml.
func sameDocument(t *testing.T, dir, file, at string) {
	t.Helper()
	text, err := yaml.ToJSON(read(t, filepath.Join(dir, "sandbox.yaml")))
	if err != nil {
		t.Fatal(err)
	}
	var there, want any
	if err := json.Unmarshal(text, &there); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(read(t, filepath.Join(dir, file)), &want); err != nil {
		t.Fatal(err)
	}
	for _, part := range strings.Split(strings.TrimPrefix(at, "/"), "/") {
		switch v := there.(type) {
		case map[string]any:
			there = v[part]
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i >= len(v) {
				t.Fatalf("sandbox.yaml has nothing at %s", at)
			}
			there = v[i]
		default:
			t.Fatalf("sandbox.yaml has nothing at %s", at)
		}
	}
	if diff := cmp.Diff(want, there); diff != "" {
		t.Errorf("%s is not what sandbox.yaml has at %s (-file +sandbox):\n%s", file, at, diff)
	}
}
