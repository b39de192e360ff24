package rolecall_test

import (
	"bufio"
	"bytes"
	"cmp"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/rolecall/rolecall"

// mayImport says, for each directory of packages, which others of ours it may
// import. ARCHITECTURE.md draws the same map, and TestArchitectureDrawsTheMap holds that.
var mayImport = map[string][]string{
	".":                      {"internal/strict", "internal/reserved"},
	"policy":                 {".", "internal/safely", "internal/strict", "policy/internal/tree"},
	"policy/internal/tree":   {"internal/strict"},
	"policy/internal/known":  {".", "policy", "policy/internal/tree", "internal/awsaction"},
	"policy/explain":         {".", "policy", "policy/internal/known", "policy/internal/tree", "internal/strict", "internal/awsaction", "internal/awscode"},
	"policy/correct":         {".", "policy", "policy/internal/known", "policy/internal/tree", "internal/awsaction"},
	"policy/lint":            {".", "policy", "policy/internal/known", "policy/internal/tree", "internal/strict", "internal/awsaction"},
	"policy/render":          {".", "policy", "policy/internal/tree"},
	"credential":             {".", "policy", "policy/explain", "internal/strict", "internal/awscode"},
	"credential/verdicttest": {"credential"},
	"sandbox":                {".", "policy", "internal/strict", "internal/strict/yaml", "internal/awsaction", "sandbox/internal/s3", "sandbox/internal/sigv4"},
	"sandbox/sandboxtest":    {"sandbox"},
	"sandbox/internal/s3":    {},
	"sandbox/internal/sigv4": {},
	"client":                 {"."},
	"internal/strict":        {},
	"internal/strict/yaml":   {".", "internal/strict"},
	"internal/reserved":      {},
	"internal/awsaction":     {},
	"internal/awscode":       {},
	"internal/guard":         {},
	"internal/bound":         {},
	"internal/safely":        {},
	"internal/workdir":       {},
	"internal/journal":       {"internal/safely", "internal/workdir"},
	"internal/transfer":      {"internal/bound", "internal/journal", "internal/safely", "internal/workdir", "internal/awscode"},
	"internal/access":        {".", "policy", "credential", "internal/guard", "internal/transfer"},
	"internal/refusal":       {".", "policy", "policy/explain", "internal/awscode", "internal/guard", "internal/transfer"},
	"internal/task": {
		".", "policy", "credential", "internal/access", "internal/bound", "internal/guard", "internal/journal", "internal/safely", "internal/transfer", "internal/workdir",
		"internal/strict", "internal/reserved", "internal/awscode", "internal/refusal",
	},
	"internal/job":               {".", "internal/access", "internal/bound", "internal/journal", "internal/reserved", "internal/safely", "internal/strict", "internal/task"},
	"internal/check":             {".", "policy", "policy/correct", "policy/lint", "policy/render", "credential", "internal/access", "internal/guard", "internal/transfer", "internal/awscode", "internal/refusal", "internal/safely"},
	"internal/vend":              {".", "policy", "credential", "internal/access", "internal/refusal"},
	"internal/hinttest":          {},
	"internal/dispenser":         {".", "policy", "credential", "internal/strict", "internal/strict/yaml", "internal/awscode"},
	"internal/tenant":            {".", "credential", "internal/strict"},
	"internal/tenant/tenanttest": {".", "credential", "internal/tenant"},
	"internal/state":             {".", "credential", "internal/strict", "internal/tenant"},
	"internal/config":            {".", "credential", "internal/strict", "internal/strict/yaml"},
	"internal/worker": {
		".", "credential", "internal/access", "internal/bound", "internal/check", "internal/config", "internal/guard", "internal/job", "internal/tenant",
		"internal/transfer",
	},
	"internal/store":           {".", "credential", "internal/tenant"},
	"internal/store/storetest": {"internal/store"},
	"internal/account":         {"."},
	"internal/seal":            {"."},
	"internal/service": {
		".", "policy", "policy/correct", "policy/explain", "policy/lint", "policy/render", "credential", "internal/access", "internal/account", "internal/bound", "internal/check", "internal/job", "internal/safely", "internal/seal", "internal/state", "internal/store",
		"internal/strict", "internal/tenant", "internal/vend",
	},
	"internal/api":         {".", "policy", "policy/explain", "policy/lint", "policy/render", "internal/account", "internal/bound", "internal/job", "internal/service", "internal/strict", "internal/vend"},
	"internal/api/apitest": {},
	"internal/web":         {"internal/account", "internal/job", "internal/service"},
	"internal/server": {
		".", "credential", "internal/api", "internal/check", "internal/config", "internal/safely", "internal/seal", "internal/service", "internal/state", "internal/store", "internal/tenant", "internal/web", "internal/worker",
	},
	"internal/demo": {
		".", "credential", "internal/task", "internal/job", "internal/config", "internal/state", "internal/worker", "sandbox", "internal/awscode",
	},
	"internal/cli": {
		".", "client", "policy", "credential", "internal/journal", "internal/task", "internal/worker",
		"internal/job", "internal/config", "internal/state", "sandbox", "internal/demo",
		"policy/correct", "policy/explain", "policy/lint", "policy/render", "internal/check", "internal/vend", "internal/dispenser",
		"internal/workdir", "internal/strict", "internal/account", "internal/server", "internal/service",
	},
	"cmd/rolecall":                   {"internal/cli"},
	"docs/examples":                  {},
	"docs/examples/dispenser-lambda": {"internal/dispenser"},
	"bench":                          {".", "policy", "credential", "internal/access", "internal/guard", "internal/transfer", "sandbox", "internal/check"},
	"bench/service":                  {"internal/store"},
	"bench/interop":                  {},
	"bench/suites":                   {"sandbox"},
	"bench/service/traffic":          {},
	"bench/transfer":                 {"internal/guard", "internal/journal", "internal/transfer"},
}

// testsMayImport is what tests may import in addition: real neighbours to run
// against, instead of mocks.
var testsMayImport = []string{
	".", "policy", "credential", "credential/verdicttest", "internal/access", "internal/config", "internal/guard", "internal/state",
	"internal/hinttest", "internal/api/apitest", "internal/tenant", "internal/tenant/tenanttest", "internal/journal", "internal/transfer",
	"internal/strict", "internal/strict/yaml", "internal/reserved", "internal/account", "internal/store/storetest", "sandbox", "sandbox/sandboxtest",
}

// forTests are packages that tests of others call. Only they import package
// testing, and nothing but tests imports them.
var forTests = []string{"credential/verdicttest", "internal/api/apitest", "internal/hinttest", "internal/store/storetest", "internal/tenant/tenanttest", "sandbox/sandboxtest"}

// onlyInTests are modules and packages that never become part of the program.
var onlyInTests = []string{
	"testing", module + "/credential/verdicttest", module + "/internal/api/apitest", module + "/internal/hinttest", module + "/internal/store/storetest", module + "/internal/tenant/tenanttest", module + "/sandbox/sandboxtest",
	"github.com/Shopify/toxiproxy", "github.com/google/go-cmp", "github.com/hashicorp/hcl", "github.com/pb33f", "github.com/rogpeppe/go-internal",
	"github.com/rs/zerolog", "github.com/zclconf/go-cty", "go.uber.org/goleak", "pgregory.net/rapid",
}

// doesIO are the parts of the standard library that package rolecall, and what
// it imports, keeps away from, with all below them; purePackages are the exceptions.
var (
	doesIO       = []string{"os", "net", "syscall", "database", "plugin", "embed", "testing"}
	purePackages = []string{"net/netip", "net/url"}
)

// bannedNames say nothing about what a package is for.
var bannedNames = []string{"util", "utils", "common", "models", "model", "pkg", "helpers", "helper", "misc", "shared"}

type source struct {
	path, dir string
	file      *ast.File
	lines     int
}

func (s source) isTest() bool { return strings.HasSuffix(s.path, "_test.go") }

func (s source) imports() []string {
	var out []string
	for _, i := range s.file.Imports {
		p, _ := strconv.Unquote(i.Path.Value)
		out = append(out, p)
	}
	return out
}

// sources parses each Go file of the module. It reads the files itself, rather
// than asking the go command, so that the test cache sees a change.
func sources(t *testing.T) []source {
	t.Helper()
	root := os.DirFS(".")
	var out []source
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := path.Base(name)
		if d.IsDir() {
			if name != "." && (base == "testdata" || base[0] == '.' || base[0] == '_') {
				return fs.SkipDir
			}
			if _, err := fs.Stat(root, path.Join(name, "go.mod")); name != "." && err == nil {
				return fs.SkipDir // a module of its own
			}
			return nil
		}
		if path.Ext(name) != ".go" {
			return nil
		}
		text, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ImportsOnly)
		if err != nil {
			return err
		}
		out = append(out, source{name, path.Dir(name), file, bytes.Count(text, []byte("\n"))})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// ours returns the directory of an import of this module.
func ours(imported string) (dir string, ok bool) {
	if imported == module {
		return ".", true
	}
	return strings.CutPrefix(imported, module+"/")
}

func standard(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return !strings.Contains(first, ".")
}

func within(imported, parent string) bool {
	return imported == parent || strings.HasPrefix(imported, parent+"/")
}

func TestImportsFlowOneWay(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		allowed, known := mayImport[s.dir]
		if !known {
			t.Errorf("%s: package directory %s is not on the map: add it to mayImport and to ARCHITECTURE.md", s.path, s.dir)
			continue
		}
		for _, imported := range s.imports() {
			dir, ok := ours(imported)
			if !ok || slices.Contains(allowed, dir) {
				continue
			}
			if s.isTest() && (dir == s.dir || slices.Contains(testsMayImport, dir)) {
				continue
			}
			t.Errorf("%s: imports %s; %s may import only %v", s.path, dir, s.dir, allowed)
		}
	}
}

// bench reports whether a directory has tests alone, which import what they
// measure.
func bench(dir string) bool { return dir == "bench" }

func TestTheMapIsTrue(t *testing.T) {
	t.Parallel()
	there, used := map[string]bool{}, map[[2]string]bool{}
	for _, s := range sources(t) {
		there[s.dir] = true
		for _, imported := range s.imports() {
			if dir, ok := ours(imported); ok && (!s.isTest() || !slices.Contains(testsMayImport, dir)) {
				used[[2]string{s.dir, dir}] = true
			}
		}
	}
	for dir, imports := range mayImport {
		if !there[dir] {
			t.Errorf("mayImport has %s, where no Go file is", dir)
		}
		for _, imported := range imports {
			if _, known := mayImport[imported]; !known {
				t.Errorf("mayImport lets %s import %s, which is not on the map", dir, imported)
			}
			if !used[[2]string{dir, imported}] && !bench(dir) {
				t.Errorf("mayImport lets %s import %s, which it does not: take it out", dir, imported)
			}
		}
	}
}

// The map that people read says the same.
func TestArchitectureDrawsTheMap(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	drawn := map[string]string{} // last cells, by directory
	for _, line := range strings.Split(string(page), "\n") {
		cells := strings.Split(strings.Trim(line, "|"), " | ")
		if dir, ok := strings.CutPrefix(strings.TrimSpace(cells[0]), "`"); ok && len(cells) == 3 {
			dir, _, _ = strings.Cut(dir, "`")
			drawn[path.Clean(dir)] = strings.TrimSpace(cells[2])
		}
	}
	for dir, imports := range mayImport {
		if within(dir, "docs") || within(dir, "bench") {
			continue
		}
		var names []string
		for _, imported := range imports {
			switch {
			case imported == ".":
			case strings.Contains(imported, "/internal/"):
				names = append(names, path.Base(imported))
			default:
				names = append(names, strings.TrimPrefix(imported, "internal/"))
			}
		}
		slices.Sort(names)
		if slices.Contains(imports, ".") {
			names = slices.Insert(names, 0, "root")
		}
		if want := cmp.Or(strings.Join(names, ", "), "none of ours"); drawn[dir] != want {
			t.Errorf("ARCHITECTURE.md lets %s import %q, mayImport %q", dir, drawn[dir], want)
		}
	}
}

func TestRootIsPure(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		if s.dir != "." && !slices.Contains(mayImport["."], s.dir) || s.isTest() {
			continue
		}
		for _, imported := range s.imports() {
			if dir, own := ours(imported); !standard(imported) && !(own && slices.Contains(mayImport["."], dir)) {
				t.Errorf("%s: imports %s; package rolecall uses only the standard library", s.path, imported)
			}
			for _, io := range doesIO {
				if within(imported, io) && !slices.Contains(purePackages, imported) {
					t.Errorf("%s: imports %s; package rolecall does no I/O", s.path, imported)
				}
			}
		}
	}
}

func TestTestLibrariesStayInTests(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		if s.isTest() || slices.Contains(forTests, s.dir) {
			continue
		}
		for _, imported := range s.imports() {
			for _, m := range onlyInTests {
				if within(imported, m) {
					t.Errorf("%s: imports %s outside of a test", s.path, imported)
				}
			}
		}
	}
}

func TestFilesStaySmall(t *testing.T) {
	t.Parallel()
	const most = 500
	for _, s := range sources(t) {
		if s.lines > most && !s.isTest() {
			t.Errorf("%s has %d lines; split it by concept below %d", s.path, s.lines, most)
		}
	}
}

func TestNamesSayWhatIsInside(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		name := strings.TrimSuffix(s.file.Name.Name, "_test")
		for _, part := range append(strings.Split(s.dir, "/"), name) {
			if slices.Contains(bannedNames, part) {
				t.Errorf("%s: a package named %s could hold anything", s.path, part)
			}
		}
	}
}

// required returns go.mod's requirements: the module's path, and whether it is
// marked indirect.
func required(t *testing.T) map[string]bool {
	t.Helper()
	text, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{}
	inside := false
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		line, comment, _ := strings.Cut(lines.Text(), "//")
		words := strings.Fields(line)
		switch {
		case len(words) == 2 && words[0] == "require" && words[1] == "(":
			inside = true
		case len(words) == 1 && words[0] == ")":
			inside = false
		case len(words) == 3 && words[0] == "require":
			out[words[1]] = strings.TrimSpace(comment) == "indirect"
		case len(words) == 2 && inside:
			out[words[0]] = strings.TrimSpace(comment) == "indirect"
		}
	}
	return out
}

func TestEveryDependencyHasItsReason(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	modules := required(t)
	for m, indirect := range modules {
		if !indirect && !bytes.Contains(page, []byte("`"+m+"`")) {
			t.Errorf("docs/dependencies.md does not say why we depend on %s", m)
		}
	}
	used := map[string]bool{}
	for _, s := range sources(t) {
		for _, imported := range s.imports() {
			if _, own := ours(imported); own || standard(imported) {
				continue
			}
			longest := ""
			for m := range modules {
				if within(imported, m) && len(m) > len(longest) {
					longest = m
				}
			}
			used[longest] = true
			if !bytes.Contains(page, []byte("`"+longest+"`")) {
				t.Errorf("%s: imports %s; docs/dependencies.md does not say why", s.path, imported)
			}
		}
	}
	for _, line := range strings.Split(string(page), "\n") {
		m, _, found := strings.Cut(strings.TrimPrefix(line, "| `"), "`")
		if found && strings.HasPrefix(line, "| `") && !used[m] {
			t.Errorf("docs/dependencies.md gives a reason for %s, which nothing imports", m)
		}
	}
}
