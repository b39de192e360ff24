package hinttest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Text is a hint, or a piece of one, in the source of a package. What is known
// at run time only is written as ….
type Text struct {
	Place string // file and line
	Text  string
	more  bool   // it goes behind another
	first string // the name of what it begins with; empty: of a literal
}

// in reports whether a hint as users see it has the text.
func (x Text) in(hint string) bool {
	for _, p := range strings.Split(x.Text, open) {
		_, after, found := strings.Cut(hint, p)
		if !found {
			return false
		}
		hint = after
	}
	return true
}

const open = "…"

// source is a package that is read for its hints.
type source struct {
	fset      *token.FileSet
	constants map[string]string
	arguments map[string]int // which argument of a function is a hint
	several   map[string]int // from which argument on all are
	fields    map[string]int // which field of a struct is one
	out       []Text
}

// Texts returns the hints in the Go files of a directory, without its tests.
func Texts(t testing.TB, dir string) []Text {
	t.Helper()
	s := &source{fset: token.NewFileSet(), constants: map[string]string{}, arguments: map[string]int{"Add": 2}, several: map[string]int{}, fields: map[string]int{}}
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		f, err := parser.ParseFile(s.fset, name, data, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	for _, f := range files {
		ast.Inspect(f, s.declared)
	}
	for _, f := range files {
		ast.Inspect(f, s.used)
	}
	return s.out
}

// named reports whether something of the name holds a hint.
func named(name string) bool {
	return name == "hint" || name == "Hint" || strings.HasSuffix(name, "Hint")
}

// declared notes constants, and functions and structs that take hints.
func (s *source) declared(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.ValueSpec:
		for i, name := range n.Names {
			if i < len(n.Values) {
				if text := s.read(n.Values[i]); name.Name != "hint" && !strings.Contains(text, open) {
					s.constants[name.Name] = text
				}
			}
		}
	case *ast.FuncDecl:
		s.takes(n.Name.Name, n.Type)
	case *ast.AssignStmt:
		for i, r := range n.Rhs {
			if f, ok := r.(*ast.FuncLit); ok {
				s.takes(nameOf(n.Lhs[i]), f.Type)
			}
		}
	case *ast.TypeSpec:
		if st, ok := n.Type.(*ast.StructType); ok {
			for i, name := range namesOf(st.Fields) {
				if named(name) {
					s.fields[n.Name.Name] = i
				}
			}
		}
	}
	return true
}

func (s *source) takes(function string, t *ast.FuncType) {
	for i, name := range namesOf(t.Params) {
		switch {
		case named(name):
			s.arguments[function] = i
		case name == "hints" && variadic(t):
			s.several[function] = i
		}
	}
}

// variadic reports whether a function takes any number of arguments.
func variadic(t *ast.FuncType) bool {
	list := t.Params.List
	if len(list) == 0 {
		return false
	}
	_, is := list[len(list)-1].Type.(*ast.Ellipsis)
	return is
}

func namesOf(list *ast.FieldList) []string {
	var out []string
	if list == nil {
		return nil
	}
	for _, f := range list.List {
		if len(f.Names) == 0 {
			out = append(out, "")
		}
		for _, n := range f.Names {
			out = append(out, n.Name)
		}
	}
	return out
}

func nameOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	default:
		return ""
	}
}

// used notes each expression that is a hint.
func (s *source) used(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.ValueSpec:
		for i, name := range n.Names {
			if named(name.Name) && i < len(n.Values) {
				s.note(n.Values[i], false)
			}
		}
	case *ast.KeyValueExpr:
		if named(nameOf(n.Key)) {
			s.note(n.Value, false)
		}
	case *ast.CompositeLit:
		s.unkeyed(nameOf(n.Type), n)
		for _, of := range elements(n) {
			if inner, ok := of.(*ast.CompositeLit); ok && inner.Type == nil {
				s.unkeyed(elementType(n.Type), inner)
			}
		}
	case *ast.CallExpr:
		if i, takes := s.arguments[nameOf(n.Fun)]; takes && i < len(n.Args) {
			s.note(n.Args[i], false)
		}
		if from, takes := s.several[nameOf(n.Fun)]; takes {
			for _, hint := range n.Args[min(from, len(n.Args)):] {
				s.note(hint, false)
			}
		}
	case *ast.AssignStmt:
		for i, l := range n.Lhs {
			if named(nameOf(l)) && len(n.Rhs) == len(n.Lhs) {
				s.note(n.Rhs[i], n.Tok == token.ADD_ASSIGN)
			}
		}
	case *ast.FuncDecl:
		if n.Body != nil {
			s.returned(n)
		}
	}
	return true
}

func elements(n *ast.CompositeLit) []ast.Expr {
	var out []ast.Expr
	for _, e := range n.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			e = kv.Value
		}
		out = append(out, e)
	}
	return out
}

func elementType(t ast.Expr) string {
	switch t := t.(type) {
	case *ast.MapType:
		return nameOf(t.Value)
	case *ast.ArrayType:
		return nameOf(t.Elt)
	default:
		return ""
	}
}

// unkeyed notes the hint of a literal that names no fields.
func (s *source) unkeyed(of string, n *ast.CompositeLit) {
	if i, has := s.fields[of]; has && i < len(n.Elts) {
		if _, keyed := n.Elts[i].(*ast.KeyValueExpr); !keyed {
			s.note(n.Elts[i], false)
		}
	}
}

// returned notes what a function returns as hint: by the name of the result, or
// its own.
func (s *source) returned(f *ast.FuncDecl) {
	result := -1
	for i, name := range namesOf(f.Type.Results) {
		if named(name) || i == 0 && named(f.Name.Name) {
			result = i
		}
	}
	if result < 0 {
		return
	}
	ast.Inspect(f.Body, func(n ast.Node) bool {
		if _, inner := n.(*ast.FuncLit); inner {
			return false
		}
		if r, ok := n.(*ast.ReturnStmt); ok && result < len(r.Results) {
			s.note(r.Results[result], false)
		}
		return true
	})
}

// note adds the text of an expression. More says that it goes behind another.
func (s *source) note(e ast.Expr, more bool) {
	if f, ok := e.(*ast.FuncLit); ok { // that returns hints
		ast.Inspect(f.Body, func(n ast.Node) bool {
			if r, ok := n.(*ast.ReturnStmt); ok && len(r.Results) == 1 {
				s.note(r.Results[0], more)
			}
			return true
		})
		return
	}
	text := s.read(e)
	if strings.Trim(text, open) == "" {
		return
	}
	p := s.fset.Position(e.Pos())
	s.out = append(s.out, Text{Place: filepath.ToSlash(p.Filename) + ":" + strconv.Itoa(p.Line), Text: text, more: more, first: s.first(e)})
}

var verb = regexp.MustCompile(`%[-+# 0-9.\[\]]*[a-zA-Z]`)

// read reads a string expression.
func (s *source) read(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		if text, err := strconv.Unquote(e.Value); err == nil && e.Kind == token.STRING {
			return text
		}
	case *ast.ParenExpr:
		return s.read(e.X)
	case *ast.Ident:
		if text, known := s.constants[e.Name]; known {
			return text
		}
	case *ast.BinaryExpr:
		return s.read(e.X) + s.read(e.Y)
	case *ast.CallExpr:
		if nameOf(e.Fun) == "Sprintf" {
			return verb.ReplaceAllString(s.read(e.Args[0]), open)
		}
	}
	return open
}

// first returns the name of what a string expression begins with, empty if that
// is a constant.
func (s *source) first(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BinaryExpr:
		return s.first(e.X)
	case *ast.CallExpr:
		if nameOf(e.Fun) == "Sprintf" {
			return s.first(e.Args[0])
		}
		return nameOf(e.Fun)
	case *ast.Ident, *ast.SelectorExpr:
		if _, known := s.constants[nameOf(e)]; !known {
			return nameOf(e)
		}
	}
	return ""
}
