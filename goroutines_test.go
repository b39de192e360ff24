package rolecall_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strings"
	"testing"
)

// recovers are the functions that a goroutine's own function calls, so that a
// panic in it is an error of the work that started it, and not the end of the
// process.
var recovers = []string{"safely.Do", "Safely", "transfer.Safely", "callFetch"}

// noPanics are functions that start a goroutine, or have something called in one,
// that need not recover, and why.
var noPanics = map[string]string{
	"client/check.go: events":                      "cancels a context",
	"credential/cache.go: renew":                   "run calls fetches by callFetch alone",
	"credential/cache.go: run":                     "cancels a context",
	"credential/hold.go: add":                      "the watch reads a store whose panics are errors, and calls nothing else of others",
	"credential/proof.go: askAll":                  "ask recovers, and nothing else is called",
	"internal/check/run.go: run":                   "take recovers",
	"internal/cli/child.go: follow":                "waits for a process",
	"internal/cli/cli.go: interruptible":           "waits for signals",
	"internal/cli/input.go: endsWhileReading":      "ends the process",
	"internal/cli/run.go: handedBack":              "cancels a context",
	"internal/dispenser/server.go: Serve":          "net/http recovers in each request",
	"internal/safely/safely.go: Beside":            "it is what recovers",
	"internal/server/server.go: serve":             "net/http recovers in each request",
	"internal/service/service.go: Start":           "changes the store, by functions that recover",
	"internal/store/store.go: Open":                "each change is made by do, which recovers",
	"internal/task/lease.go: lease":                "cancels a context",
	"internal/transfer/each.go: Each":              "the worker calls all work by Safely",
	"internal/transfer/parts_limit.go: eachPart":   "wakes those who wait; parts are called by Safely",
	"internal/transfer/upload_abort.go: withGrace": "cancels a context",
	"internal/transfer/wire_watch.go: send":        "cancels a context",
	"internal/vend/endpoint.go: Listen":            "net/http recovers in each request",
	"sandbox/server.go: listen":                    "net/http recovers in each request",
}

// What starts a goroutine has it recover: one step's panic is one step's error.
func TestGoroutinesRecover(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	for _, s := range sources(t) {
		if s.isTest() || slices.Contains(forTests, s.dir) || within(s.dir, "bench") || within(s.dir, "docs") {
			continue
		}
		text, err := os.ReadFile(s.path)
		if err != nil {
			t.Fatal(err)
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, s.path, text, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			ast.Inspect(f, func(n ast.Node) bool {
				begun := beginsGoroutine(n)
				if begun == nil || callsRecovering(begun) {
					return true
				}
				at := s.path + ": " + f.Name.Name
				if used[at] = true; noPanics[at] == "" {
					t.Errorf("%s: a goroutine of %s does not recover: call its work by safely.Do", files.Position(n.Pos()), f.Name.Name)
				}
				return true
			})
		}
	}
	for at := range noPanics {
		if !used[at] {
			t.Errorf("%s starts no goroutine that does not recover: take it out of noPanics", at)
		}
	}
}

// beginsGoroutine returns what is called in a goroutine of its own, nil if there
// is nothing.
func beginsGoroutine(n ast.Node) ast.Node {
	switch n := n.(type) {
	case *ast.GoStmt:
		return n.Call
	case *ast.CallExpr:
		called, ok := n.Fun.(*ast.SelectorExpr)
		if ok && len(n.Args) > 0 && (called.Sel.Name == "Go" || called.Sel.Name == "AfterFunc") {
			return n.Args[len(n.Args)-1]
		}
	}
	return nil
}

// callsRecovering reports whether all that the function of a goroutine does is to
// call work by one that recovers.
func callsRecovering(begun ast.Node) bool {
	if call, ok := begun.(*ast.CallExpr); ok {
		begun = call.Fun
	}
	f, ok := begun.(*ast.FuncLit)
	if !ok {
		return false
	}
	found := false
	ast.Inspect(f.Body, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		switch called := call.Fun.(type) {
		case *ast.Ident:
			found = found || slices.Contains(recovers, called.Name)
		case *ast.SelectorExpr:
			if of, ok := called.X.(*ast.Ident); ok {
				found = found || slices.Contains(recovers, strings.Join([]string{of.Name, called.Sel.Name}, "."))
			}
		}
		return true
	})
	return found
}
