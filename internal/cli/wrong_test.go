package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/cli"
)

// wrong is a document with one text exchanged for another, and the line that is
// to be named: that of the text, or so many after it.
type wrong struct {
	old, new string
	more     int
}

// wrongYAML is wrong in each YAML document that has an "anchor: value" line.
func wrongYAML(name, value string) []wrong {
	line := name + ": " + value
	return []wrong{
		{line, name + " " + value, 0},
		{line, name + ":: : " + value, 0},
		{line, name + ": [" + value, 0},
		{line, name + ": {" + value, 0},
		{line, name + ": \"" + value, 0},
		{line, name + ": '" + value, 0},
		{line, name + ": @" + value, 0},
		{line, name + ": *" + value, 0},
		{line, name + ": `" + value + "`", 0},
		{line, name + ": !x " + value, 0},
		{line, name + ": !!binary aGk=", 0},
		{line, name + ": \"\\" + value + "\"", 0},
		{line, name + ": a: b", 0},
		{line, name + ": | b", 0},
		{line, name + ": [1", 0},
		{line, name + ": {a: b", 0},
		{line, line + "\n\tmore: 1", 1},
		{line, line + "\n<<<<<<< HEAD", 1},
		{line, name + ": M\xfcller", 0},
		{line, name + ": \x02", 0},
		{line, "<<: {" + name + ": " + value + "}", 0},
		{line, name + ": {}", 0},
		{line, name + ": []", 0},
	}
}

// TestWrongDocuments breaks each kind of document in many ways: what is wrong is
// said with file and line, in plain words, and with what to do.
func TestWrongDocuments(t *testing.T) {
	t.Parallel()
	documents := map[string]struct {
		file    string
		command []string
		wrong   []wrong
	}{
		"config": {"rolecall.yaml", []string{"config", "check", "--config"}, append(wrongYAML("state", "./state"), []wrong{
			{"    default: true", "    default: yes", 0},
			{"    default: true", "    default: \"true\"", 0},
			{"    default: true", "    default: 1", 0},
			{"    default: true", "     default: true", 0},
			{"    default: true", "   default: true", 0},
			{"    default: true", "\tdefault: true", 0},
			{"    default: true", "    - default: true", 0},
			{"    default: true", "    defaults: true", 0},
			{"    default: true", "    default: true\n    default: true", 1},
			{`["999988887777"]`, `[999988887777]`, 0},
			{`["999988887777"]`, `"999988887777"`, 0},
			{`["999988887777"]`, `["999988887777]`, 0},
			{"{mode: custom, value: x-42}", "x-42", 0},
			{"{mode: custom, value: x-42}", "{mode: custom, value: 42}", 0},
			{"{mode: custom, value: x-42}", "{mode: custom value: x-42}", 0},
			{"allow: [127.0.0.0/8]", "allow: 127.0.0.0/8", 0},
			{"bucket: acme-masters, prefix", "bucket: 12, prefix", 0},
		}...)},
		"sandbox": {"sandbox.yaml", []string{"sandbox", "--listen", "bad", "--config"}, append(wrongYAML("access_key_id", "AKIAPLANTEDKEY000000"), []wrong{
			{"{region: eu-central-1, objects: ./masters}", "{region: eu-central-1, objects: [./masters]}", 0},
			{"{region: eu-central-1, objects: ./masters}", "{region: eu-central-1, versioning: on}", 0},
			{"{region: eu-central-1, objects: ./masters}", "- acme-masters", 0},
			{"{region: eu-central-1, objects: ./masters}", "eu-central-1", 0},
			{"powerless: {trust: *trust}", "powerless: {trust: *turst}", 0},
			{"powerless: {trust: *trust}", "powerless: {trust: [*trust]}", 0},
			{"powerless: {trust: *trust}", "powerless: {trust: *trust, max_session_duration: 1h}", 0},
			{"    users:", "    user:", 0},
			{"    users:", "    users:\n      - name: x", 2},
			{"Effect: Allow, Principal: {Service", "Effect: 1, Principal: {Service", 0},
		}...)},
		"job": {"job.json", []string{"run", "--org", "acme"}, []wrong{
			{`["reel-1"],`, `["reel-1",],`, 0},
			{`["reel-1"],`, `["reel-1"]`, 0},
			{`["reel-1"],`, `['reel-1'],`, 0},
			{`["reel-1"],`, `[reel-1],`, 0},
			{`["reel-1"],`, `“reel-1”,`, 0},
			{`["reel-1"],`, `["reel-1", // tag`, 0},
			{`["reel-1"],`, `["reel-1"], # tag`, 0},
			{`["reel-1"],`, `None,`, 0},
			{`["reel-1"],`, `{"reel-1"},`, 0},
			{`["reel-1"],`, `["reel": "1"],`, 0},
			{`["reel-1"],`, `["reel-1"},`, 0},
			{`["reel-1"],`, `01,`, 0},
			{`["reel-1"],`, `1.,`, 0},
			{`["reel-1"],`, `0x1,`, 0},
			{`["reel-1"],`, `"C:\job",`, 0},
			{`["reel-1"],`, "\"a\tb\",", 0},
			{`["reel-1"],`, "\"reel-1,", 0},
			{`["reel-1"],`, "[\"M\xfcller\"],", 0},
			{`["reel-1"],`, `"reel-1",`, 0},
			{`["reel-1"],`, `[1],`, 0},
			{`["reel-1"],`, `{},`, 0},
			{`["reel-1"],`, `true,`, 0},
			{`"tags":`, `"tag":`, 0},
			{`"tags":`, `"Tags":`, 0},
			{`"tags":`, `"tags"`, 0},
			{`"tags":`, `"tags" =`, 0},
			{`"tags":`, `tags:`, 0},
			{`"tags":`, `'tags':`, 0},
			{`"tags":`, `"region": "x", "tags":`, 0},
			{`"name": "fetch"`, `"retries": "3"`, 0},
			{`"name": "fetch"`, `"retries": 1.5`, 0},
			{`"name": "fetch"`, `"retries": 1e2`, 0},
			{`"name": "fetch"`, `"timeout_seconds": "60"`, 0},
			{`"path": "reel/", "files": ["**/*.txt"]`, `"path": "reel/", "files": "**/*.txt"`, 0},
			{`"path": "reel/", "files": ["**/*.txt"]`, `"path": ["reel/"], "files": ["**/*.txt"]`, 0},
			{`"path": "reel/", "files": ["**/*.txt"]`, `"path": "reel/", "overwrite": "yes"`, 0},
			{`"path": "reel/", "files": ["**/*.txt"]`, `"path": "reel/", "encryption": "aws:kms"`, 0},
			{`"storage:get"`, `null`, 0},
			{`"tool": "storage:get"`, `tool: "storage:get"`, 0},
			{"{\n  \"region\"", "\ufeff{\n  \"region\"", 0},
			{"  ]\n}", "  ]\n", 0},
			{"  ]\n}", "  ]\n}}", 1},
		}},
		"policy": {"policy.json", []string{"policy", "simulate", "--principal=arn:aws:iam::111122223333:role/a", "--action=s3:GetObject", "--resource=arn:aws:s3:::b/k", "--identity"}, []wrong{
			{`"Effect": "Allow",`, `"Effect": "Allow"`, 0},
			{`"Effect": "Allow",`, `'Effect': 'Allow',`, 0},
			{`"Effect": "Allow",`, `Effect: "Allow",`, 0},
			{`"Effect": "Allow",`, `"Effect": Allow,`, 0},
			{`"Effect": "Allow",`, `"Effect": “Allow”,`, 0},
			{`"Effect": "Allow",`, `"Effect": "Allow,`, 0},
			{`"Effect": "Allow",`, `"Effect" "Allow",`, 0},
			{`"Effect": "Allow",`, `"Effect": "Allow", // c`, 0},
			{`"Effect": "Allow",`, `"Effect": ["Allow"],`, 0},
			{`"Effect": "Allow",`, `"Effect": null,`, 0},
			{`"Effect": "Allow",`, `"Effect": true,`, 0},
			{`"Effect": "Allow",`, `"Effect": {},`, 0},
			{`"Effect": "Allow",`, `"effect": "Allow",`, 0},
			{`"Effect": "Allow",`, `"Effect": "Allow", "Effect": "Allow",`, 0},
			{`"Effect": "Allow",`, `"Effect": "allow",`, 0},
			{`"s3:GetObject"`, `1`, 0},
			{`"s3:GetObject"`, `{}`, 0},
			{`"s3:GetObject"`, `[1]`, 0},
			{`"s3:GetObject"`, `["s3:GetObject",]`, 0},
			{`"s3:GetObject"`, `["s3:GetObject" "s3:PutObject"]`, 0},
			{`"s3:GetObject"`, `["s3:GetObject"`, 0},
			{`"s3:GetObject"`, `"GetObject"`, 0},
			{`"s3:GetObject"`, `s3:GetObject`, 0},
			{`"s3:GetObject"`, `"s3:\Get"`, 0},
			{`"Action"`, `"Actions"`, 0},
			{`"*"`, `"*",`, 0},
			{`"*"`, `"*", "Condition": "x"`, 0},
			{`"*"`, `"*", "Condition": {"StringEquals": "x"}`, 0},
			{`"*"`, `"*", "Condition": {"StringEquals": {"a:b": {}}}`, 0},
			{`"2012-10-17"`, `2012`, 0},
			{`"2012-10-17"`, `2012-10-17`, 0},
			{`"2012-10-17"`, `"2012-10-18"`, 0},
			{"{\n  \"V", "<p>{\n  \"V", 0},
			{"  }\n}", "  }\n", 0},
			{"  }\n}", "  }\n}\n}", 2},
		}},
	}
	policy := "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": {\n    \"Effect\": \"Allow\",\n    \"Action\": \"s3:GetObject\",\n    \"Resource\": \"*\"\n  }\n}\n"
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/world")); err != nil {
		t.Fatal(err)
	}
	for name, d := range documents {
		text, err := os.ReadFile(filepath.Join("testdata/world", d.file))
		if name == "policy" {
			text, err = []byte(policy), nil
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(d.wrong) < 30 {
			t.Errorf("%s: only %d wrong documents", name, len(d.wrong))
		}
		for i, w := range d.wrong {
			before, after, found := strings.Cut(string(text), w.old)
			if !found {
				t.Fatalf("%s: no %q", name, w.old)
			}
			file := filepath.Join(dir, fmt.Sprintf("%s-%d%s", name, i, filepath.Ext(d.file)))
			if err := os.WriteFile(file, []byte(before+w.new+after), 0o600); err != nil {
				t.Fatal(err)
			}
			args := append(append([]string{"--output=json"}, d.command...), file)
			if name == "job" {
				args = append(args, "--config", filepath.Join(dir, "rolecall.yaml"))
			}
			checkWrong(t, args, file, 1+strings.Count(before, "\n")+w.more, w.new)
		}
	}
}

// goWords are words of libraries, which no user is to read.
var goWords = regexp.MustCompile(`yaml: |json: |invalid character|looking for beginning|unmarshal|did not find|could not find`)

func checkWrong(t *testing.T, args []string, file string, line int, what string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := cli.Run(context.Background(), args, cli.System{Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr, Getenv: func(string) string { return "" }})
	var answer struct{ Errors rolecall.Errors }
	if err := json.Unmarshal(stdout.Bytes(), &answer); err != nil || code != 2 || len(answer.Errors) == 0 {
		t.Errorf("%s with %q: exit %d, %s%s", args[1], what, code, stdout.String(), stderr.String())
		return
	}
	named := regexp.MustCompile(`^` + regexp.QuoteMeta(file) + fmt.Sprintf(`(, line %d: |: not (YAML|JSON) at line %d(, column \d+)?: )`, line, line))
	found := false
	for _, e := range answer.Errors {
		found = found || named.MatchString(e.Message)
		if goWords.MatchString(strings.TrimPrefix(e.Message, file+": ")+e.Hint) || !strings.HasPrefix(e.Message, file) || strings.Contains(e.Message, "not ") && e.Hint == "" {
			t.Errorf("%s with %q: %s (%s)", args[1], what, e.Message, e.Hint)
		}
	}
	if !found {
		t.Errorf("%s with %q names no line %d: %v", args[1], what, line, answer.Errors)
	}
}
