package check_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rolecall/rolecall"
)

// mended applies a patch to the broken set-up and checks it again. It is false
// where there is nothing that the patch could be applied to.
func (w *world) mended(t *testing.T, p rolecall.Patch, deep bool) (rolecall.CheckReport, bool) {
	t.Helper()
	fixed := w.copy()
	switch {
	case fixed.typed(p.Commands):
	case p.Document == "setting":
		return w.ordered(t, p, deep)
	case !fixed.apply(t, p):
		return rolecall.CheckReport{}, false
	}
	return fixed.check(t, fixed.start(t), t.TempDir(), deep), true
}

// ordered is mended by the commands of the patch.
func (w *world) ordered(t *testing.T, p rolecall.Patch, deep bool) (rolecall.CheckReport, bool) {
	t.Helper()
	aws := w.start(t)
	if !w.execute(t, p, aws.URL) {
		return rolecall.CheckReport{}, false
	}
	return w.check(t, aws, t.TempDir(), deep), true
}

// apply puts what a patch has where it belongs. A policy that is merged leaves
// all other statements; of a role's policies it becomes one more, as an inline
// policy with a name of its own does.
func (w *world) apply(t *testing.T, p rolecall.Patch) bool {
	t.Helper()
	at := w.target(p.Target)
	document, merged := any(nil), p.Mode == rolecall.PatchMerge
	if len(p.Policy) > 0 {
		document = jsonOf(p.Policy)
	}
	whole := func(place string) bool {
		there := w.find(place)
		if there == nil && p.Document == "bucket" {
			there = map[string]any{"Statement": []any{}}
		}
		if merged {
			if document = mergedInto(there, document); document == nil {
				return false
			}
		}
		w.set(t, place, document)
		return true
	}
	one := func(place string) {
		if merged {
			w.set(t, place+"/-", document)
			return
		}
		_, n, _ := strings.Cut(strings.TrimSuffix(p.Corrects, ".json"), "-")
		w.set(t, place+"/"+n, document)
	}
	if p.Document == "connection" {
		at = "connection"
	}
	if w.find(at) == nil {
		return false
	}
	switch p.Document {
	case "trust", "boundary":
		return whole(at + "/" + p.Document)
	case "permissions", "worker":
		one(at + "/policies")
	case "bucket", "key":
		return whole(at + "/policy")
	case "scp", "rcp":
		if strings.Contains(at, "/"+p.Document+"/") { // AWS named which
			return whole(at)
		}
		one(at + "/" + p.Document)
	case "connection":
		w.set(t, at, jsonOf(p.Connection))
	default:
		t.Fatalf("there is no document %q", p.Document)
	}
	return true
}

// mergedInto is a policy with the statements of another in the place of those
// that these were, as the commands of patches merge them; nil where there is no
// policy.
func mergedInto(there, ours any) any {
	old, ok := there.(map[string]any)
	if !ok {
		return nil
	}
	ours = jsonOf(ours)
	statements := listOf(ours.(map[string]any)["Statement"])
	var left []any
	for _, s := range listOf(old["Statement"]) {
		if !slices.ContainsFunc(statements, func(o any) bool { return was(s.(map[string]any), o.(map[string]any)) }) {
			left = append(left, s)
		}
	}
	out := jsonOf(old).(map[string]any)
	out["Version"], out["Statement"] = "2012-10-17", append(left, statements...)
	return out
}

// was reports whether a statement is one of ours as it was.
func was(s, ours map[string]any) bool {
	sid, _ := s["Sid"].(string)
	who := func(s map[string]any) string {
		condition, _ := s["Condition"].(map[string]any)
		equals, _ := condition["ArnEquals"].(map[string]any)
		accounts := regexp.MustCompile("[0-9]{12}|[*]").FindAllString(fmt.Sprint(s["Principal"]), -1)
		return strings.NewReplacer("[", "", "]", "").Replace(fmt.Sprint(accounts, s["Resource"], equals["aws:PrincipalArn"]))
	}
	digest := regexp.MustCompile("[0-9a-f]{8}$")
	return sid != "" && s["Effect"] == ours["Effect"] && (sid == ours["Sid"] || sid == digest.ReplaceAllString(ours["Sid"].(string), "") && who(s) == who(ours))
}

func listOf(v any) []any {
	if list, ok := v.([]any); ok {
		return list
	}
	return []any{v}
}

// target is where in the tree a patch's target is.
func (w *world) target(target string) string {
	_, owner := w.accounts()
	if rolecall.IsAccountID(target) {
		return "sandbox/accounts/" + target
	}
	arn, err := rolecall.ParseARN(target)
	if err != nil {
		switch {
		case strings.HasPrefix(target, "the default key of "):
			return "key"
		case strings.HasPrefix(target, "the user of the secret "):
			return "user"
		}
		return ""
	}
	name := arn.Resource[strings.LastIndexByte(arn.Resource, '/')+1:]
	switch kind, _, _ := strings.Cut(arn.Resource, "/"); arn.Service + ":" + kind {
	case "iam:role":
		return "sandbox/accounts/" + arn.Account + "/roles/" + name
	case "kms:key":
		return "sandbox/accounts/" + arn.Account + "/keys/" + name
	case "organizations:policy":
		// p-111122223333n0 is the first of the account 111122223333.
		account, n, _ := strings.Cut(strings.TrimPrefix(name, "p-"), "n")
		list := "scp"
		if strings.Contains(arn.Resource, "resource_control_policy") {
			list = "rcp"
		}
		return "sandbox/accounts/" + account + "/" + list + "/" + n
	}
	return "sandbox/accounts/" + owner + "/buckets/" + arn.Resource
}

// typed does what the operator's own machine is told to do.
func (w *world) typed(commands []string) bool {
	if strings.Join(commands, "\n") != "timedatectl set-ntp true" {
		return false
	}
	delete(w.tree["sandbox"].(map[string]any), "clock_skew")
	return true
}

// execute runs the commands of a patch against a sandbox, as the administrator
// of the account that they are for, and tells whether all went well.
func (w *world) execute(t *testing.T, p rolecall.Patch, url string) bool {
	t.Helper()
	_, account := w.accounts()
	if arn, err := rolecall.ParseARN(p.Target); err == nil && arn.Account != "" {
		account = arn.Account
	}
	aws := "/usr/bin/aws" // the system's, rather than one that a Python environment puts in front
	if _, err := os.Stat(aws); err != nil {
		if aws, err = exec.LookPath("aws"); err != nil {
			t.Fatal("the aws command line is missing: run make deps")
		}
	}
	bin := t.TempDir()
	script := "#!/bin/sh\nexec " + aws + " --endpoint-url " + url + " --no-cli-pager \"$@\"\n"
	if err := os.WriteFile(filepath.Join(bin, "aws"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, c := range p.Commands {
		if _, in, found := strings.Cut(c, "# in the account "); found {
			account = in[:12]
			continue
		}
		cmd := exec.CommandContext(t.Context(), "sh", "-c", c)
		cmd.Dir = bin
		cmd.Env = []string{
			"PATH=" + bin + ":/usr/bin:/bin", "HOME=" + bin, "AWS_EC2_METADATA_DISABLED=true", "AWS_DEFAULT_REGION=eu-central-1",
			"AWS_ACCESS_KEY_ID=AKIAADMIN" + account, "AWS_SECRET_ACCESS_KEY=admin-secret",
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Logf("%s: %v\n%s", c, err, out) // it may be for another candidate
			return false
		}
	}
	return true
}
