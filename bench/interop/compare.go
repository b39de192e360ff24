package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
)

// answer is a line of either simulator.
type answer struct {
	Decision string          `json:"decision"`
	Refused  string          `json:"refused"`
	Error    json.RawMessage `json:"error"`
}

// compare counts agreements and prints the differences that no known deviation
// explains. It returns an error if there are any.
func compare(out io.Writer, casesFile, oursFile, theirsFile string) error {
	var files [3][][]byte
	for i, name := range []string{casesFile, oursFile, theirsFile} {
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		files[i] = bytes.Split(bytes.TrimSpace(data), []byte("\n"))
	}
	if len(files[0]) != len(files[1]) || len(files[0]) != len(files[2]) {
		return fmt.Errorf("%d cases, %d of our answers, %d of theirs", len(files[0]), len(files[1]), len(files[2]))
	}
	agreed, unexplained := map[string]int{}, 0
	explained := map[string]int{}
	for i, line := range files[0] {
		var c Case
		var ours, theirs answer
		if err := firstError(json.Unmarshal(line, &c), json.Unmarshal(files[1][i], &ours), json.Unmarshal(files[2][i], &theirs)); err != nil {
			return fmt.Errorf("line %d: %w", i+1, err)
		}
		if ours.Error == nil && ours.Decision == theirs.Decision {
			agreed[ours.Decision]++
			continue
		}
		if reason := c.deviation(ours, theirs.Decision); reason != "" {
			explained[reason]++
			continue
		}
		unexplained++
		fmt.Fprintf(out, "line %d\n  case   %s\n  ours   %s\n  theirs %s\n", i+1, line, files[1][i], files[2][i])
	}
	fmt.Fprintf(out, "%d cases\n", len(files[0]))
	for _, k := range slices.Sorted(maps.Keys(agreed)) {
		fmt.Fprintf(out, "%7d agree: %s\n", agreed[k], k)
	}
	for _, k := range slices.Sorted(maps.Keys(explained)) {
		fmt.Fprintf(out, "%7d differ: %s\n", explained[k], k)
	}
	if unexplained > 0 {
		return fmt.Errorf("%d differences without an explanation", unexplained)
	}
	return nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// deviation returns why the other simulator differs where AWS's documentation
// agrees with ours, or an empty string. Each deviation is recognized by what it
// needs to happen, so that other differences in such cases show.
func (c Case) deviation(answered answer, theirs string) string {
	text, _ := json.Marshal(c)
	has := func(s string) bool { return bytes.Contains(text, []byte(s)) }
	ours := answered.Decision
	switch {
	case answered.Refused != "":
		return "some credentials cannot make some calls (id_credentials_temp_request.html)"
	case ours == "allowed" && (c.Action == "sts:GetCallerIdentity" || c.Action == "sts:GetSessionToken"):
		return "no policy decides about GetCallerIdentity and GetSessionToken (id_credentials_temp_control-access_getsessiontoken.html)"
	case strings.HasSuffix(c.Principal, ":root") && ours == "allowed" && theirs == "implicitly_denied":
		return "the root user has full access in its account (reference_policies_evaluation-logic_policy-eval-denyallow.html)"
	case c.Action == "s3:ListAllMyBuckets" && has("arn:"):
		return "arn:aws:s3:::* is the resource of actions on no bucket (reference_policies_examples_s3_home-directory-console.html)"
	case emptyNegation.Match(text):
		return "with an empty list IfExists and ForAllValues hold only for a key that is absent, and ForAnyValue never, negated or not " +
			"(access-analyzer-reference-policy-checks.html)"
	case c.SCP != nil && incomplete(c.SCP):
		return "an ARN with fewer than six parts is completed in policies of identities and boundaries only (reference-arns.html)"
	case has(`"NotPrincipal":"*"`):
		return "NotPrincipal with a star spares everyone (reference_policies_elements_notprincipal.html)"
	case has("2008-10-17") && has("${"):
		return "a document of version 2008-10-17 has no variables (reference_policies_elements_version.html)"
	case c.Session != nil && c.Account == home && c.Policy != nil && ours == "allowed" && theirs == "implicitly_denied":
		return "a resource policy naming the session passes over the session policy's implicit denial " +
			"(reference_policies_evaluation-logic_policy-eval-denyallow.html)"
	case has("NotPrincipal") && ours == "explicitly_denied":
		return "NotPrincipal exempts only who is named with account and role (reference_policies_elements_notprincipal.html)"
	case c.hasUnsetVariable(text) && (has("NotEquals") || has("NotLike") || has("NotResource")):
		return "a variable without a value: negated operators hold, NotResource excludes nothing (reference_policies_variables.html)"
	case has("ForAnyValue:") && has("IfExists"):
		return "IfExists holds for a key that is absent, with ForAnyValue too (reference_policies_elements_condition_operators.html)"
	case has("NotResource") && incomplete(c):
		return "NotResource with an ARN of fewer than six parts excludes only what it covers (reference_policies_elements_resource.html)"
	case has("NotIpAddress") && (has("10.1.2.3") || has("192.0.2.7") || has("2001:db8::7")):
		return "an address is not one of the other family's (reference_policies_elements_condition_operators.html)"
	case c.Principal == provider && (has(`"`+home+`"`) || has(`:iam::`+home+`:root"`)):
		return "users of an identity provider are of no account (reference_policies_elements_principal.html)"
	case strings.HasPrefix(c.Principal, "arn:aws-cn:") && has(`"arn:aws:iam::`+home+`:root"`), strings.HasPrefix(c.Principal, "arn:aws:") && has(`"arn:aws-cn:iam::`+home+`:root"`):
		return "the root ARN of another partition is another account (reference-arns.html)"
	case strings.HasSuffix(c.Principal, ".amazonaws.com") && c.SCP != nil:
		return "SCPs do not speak of services (orgs_manage_policies_scps.html)"
	case strings.Contains(c.Principal, ":federated-user/") && c.Session == nil && ours == "implicitly_denied" && theirs == "allowed":
		return "a federated user's session without a session policy has only what a resource policy gives it " +
			"(reference_policies_evaluation-logic_policy-eval-denyallow.html)"
	}
	return ""
}

// incomplete reports whether some ARN of the policies has fewer than six parts.
func incomplete(policies any) bool {
	text, _ := json.Marshal(policies)
	return incompleteARN.Match(text)
}

var incompleteARN = regexp.MustCompile(`"arn:[^":]*(:[^":]*){0,3}"`)

// emptyNegation is an empty list under a negated operator that has a rule of its
// own for absent keys or for several values.
var emptyNegation = regexp.MustCompile(`"(For[A-Za-z]*:[A-Za-z]*Not[A-Za-z]*|[A-Za-z]*Not[A-Za-z]*IfExists)":\{[^{}]*:\[\]`)

// hasUnsetVariable reports whether a variable of the case has no value.
func (c Case) hasUnsetVariable(text []byte) bool {
	text = bytes.ToLower(text)
	unnamed := c.Context["aws:username"] == nil && !strings.Contains(c.Principal, ":user/")
	return bytes.Contains(text, []byte("${aws:username}")) && unnamed ||
		bytes.Contains(text, []byte("${aws:principalaccount}")) && (strings.HasSuffix(c.Principal, ".amazonaws.com") || c.Principal == provider)
}
