package credential_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/policy"
)

// trustCases are the ways in which a trust policy can be right or wrong.
// failed are the probes that must be wrongly accepted; nil: the role passes.
var trustCases = []struct {
	name   string
	trust  string // the statement
	failed string
}{
	{"right", allow(``, `"StringEquals":{"sts:ExternalId":"Acme-42x"}`), ""},
	{"account root with condition on the principal", `{"Effect":"Allow","Principal":{"AWS":"873682911326"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"Acme-42x"},"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::873682911326:role/VTKWorker"}}}`, ""},
	{"account root", `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::873682911326:root"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"Acme-42x"}}}`, ""},
	{"anyone with the id", `{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"Acme-42x"}}}`, ""},
	{"StringLike without wildcard", allow(``, `"StringLike":{"sts:ExternalId":"Acme-42x"}`), ""},
	{"explicit denial of other ids", allow(`,{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole","Condition":{"StringNotEquals":{"sts:ExternalId":"Acme-42x"}}}`, ``), ""},
	{"several ids", allow(``, `"StringEquals":{"sts:ExternalId":["Acme-42x","9f2c61d08e"]}`), ""},
	{"ForAnyValue", allow(``, `"ForAnyValue:StringEquals":{"sts:ExternalId":"Acme-42x"}`), ""},

	{"no condition", allow(``, ``), "absent " + anyID},
	{"anyone", `{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:*"}`, "absent " + anyID},
	{"anyone but an account", `{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Condition":{"StringNotEquals":{"aws:PrincipalAccount":"999999999999"}}}`, "absent " + anyID},
	{"StringLike *", allow(``, `"StringLike":{"sts:ExternalId":"*"}`), anyID},
	{"Null false", allow(``, `"Null":{"sts:ExternalId":"false"}`), anyID},
	{"not another's id", allow(``, `"StringNotEquals":{"sts:ExternalId":"globex"}`), "absent " + anyID},
	{"IfExists", allow(``, `"StringEqualsIfExists":{"sts:ExternalId":"Acme-42x"}`), "absent"},
	{"ForAllValues", allow(``, `"ForAllValues:StringEquals":{"sts:ExternalId":"Acme-42x"}`), "absent"},
	{"prefix with wildcard", allow(``, `"StringLike":{"sts:ExternalId":"Acme-*"}`), "near-prefix near-longer near-last near-inserted-1"},
	{"whole id with wildcard", allow(``, `"StringLike":{"sts:ExternalId":"Acme-42x*"}`), "near-longer"},
	{"suffix with wildcard", allow(``, `"StringLike":{"sts:ExternalId":"*-42x"}`), "near-suffix near-preceded near-first"},
	{"wildcard before the whole id", allow(``, `"StringLike":{"sts:ExternalId":"*Acme-42x"}`), "near-preceded"},
	{"wildcard in the middle", allow(``, `"StringLike":{"sts:ExternalId":"Ac*42x"}`), "near-inserted-1 near-changed-1"},
	{"wildcard off centre", allow(``, `"StringLike":{"sts:ExternalId":"A*42x"}`), "near-inserted-1 near-changed-1"},
	{"wildcard for all but the ends", allow(``, `"StringLike":{"sts:ExternalId":"A*x"}`), "near-inserted-1 near-changed-1"},
	{"wildcard and separator", allow(``, `"StringLike":{"sts:ExternalId":"Acme*42x"}`), "near-inserted-1 near-changed-1"},
	{"wildcard for the separator", allow(``, `"StringLike":{"sts:ExternalId":"Acme?42x"}`), "near-changed-1"},
	{"wildcard for the first character", allow(``, `"StringLike":{"sts:ExternalId":"?cme-42x"}`), "near-first"},
	{"wildcards for all characters", allow(``, `"StringLike":{"sts:ExternalId":"????????"}`), "near-first near-last near-case near-changed-1"},
	{"wildcard for the last character", allow(``, `"StringLike":{"sts:ExternalId":"Acme-42?"}`), "near-last"},
	{"ignoring case", allow(``, `"StringEqualsIgnoreCase":{"sts:ExternalId":"acme-42X"}`), "near-case"},
	{"several ids, one alike", allow(``, `"StringEquals":{"sts:ExternalId":["Acme-42x","Acme-42"]}`), "near-prefix"},
	{"a second statement without condition", allow(`,`+allow(``, ``), `"StringEquals":{"sts:ExternalId":"Acme-42x"}`), "absent " + anyID},

	{"another's id", allow(``, `"StringEquals":{"sts:ExternalId":"globex"}`), "right"},
	{"other case", allow(``, `"StringEquals":{"sts:ExternalId":"acme-42x"}`), "right"},
	{"wrong key", allow(``, `"StringEquals":{"sts:ExternalID1":"Acme-42x"}`), "right"},
	{"the wrong key of AWS's", allow(``, `"StringEquals":{"aws:PrincipalTag/ExternalId":"Acme-42x"}`), "right"},
	{"numeric operator", allow(``, `"NumericEquals":{"sts:ExternalId":"42"}`), "right"},
	{"both of two keys", allow(``, `"StringEquals":{"sts:ExternalId":"Acme-42x","sts:SourceIdentity":"rolecall"}`), "right"},
	{"another principal", `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::873682911326:role/Other"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"Acme-42x"}}}`, "right"},
	{"another action", `{"Effect":"Allow","Principal":{"AWS":"` + workerARN + `"},"Action":"sts:TagSession","Condition":{"StringEquals":{"sts:ExternalId":"Acme-42x"}}}`, "right"},
	{"all but the right one", allow(``, `"StringNotEquals":{"sts:ExternalId":"Acme-42x"}`), "right absent " + anyID},
	{"denied to all", allow(`,{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole"}`, ``), "right"},
}

// anyID are the probes that a role fails which takes any external id.
const anyID = "random near-prefix near-suffix near-longer near-preceded near-first near-last near-case near-inserted-1 near-changed-1"

// atRandom are the probes of externalID whose places are random, so that no
// case can say what they find.
var atRandom = []string{"near-inserted-2", "near-inserted-3", "near-changed-2"}

func allow(more, condition string) string {
	s := `{"Effect":"Allow","Principal":{"AWS":"` + workerARN + `"},"Action":"sts:AssumeRole"`
	if condition != "" {
		s += `,"Condition":{` + condition + `}`
	}
	return s + `}` + more
}

func trustPolicy(statements string) string {
	return `{"Version":"2012-10-17","Statement":[` + statements + `]}`
}

func TestProveEachWayToTrust(t *testing.T) {
	t.Parallel()
	for _, c := range trustCases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, trusting(t, trustPolicy(c.trust)))
			verdict, err := b.Prove(t.Context(), acme())
			checkVerdict(t, verdict, err, c.failed)
			_, err = b.Role(acme()).Retrieve(t.Context())
			if (err == nil) != (c.failed == "") {
				t.Errorf("retrieve: %v", err)
			}
			if assumed := b.events.of(credential.EventAssume); (len(assumed) == 1) != (c.failed == "") {
				t.Errorf("assumed for work: %+v", assumed)
			}
		})
	}
}

func checkVerdict(t *testing.T, verdict credential.Verdict, err error, failed string) {
	t.Helper()
	var wrong []string
	for _, p := range verdict.Probes {
		positive := strings.HasPrefix(p.Name, "right")
		if slices.Contains(atRandom, p.Name) {
			continue
		}
		if positive && p.Outcome != credential.Accepted || !positive && p.Outcome != credential.Refused {
			wrong = append(wrong, p.Name)
		}
	}
	if got := strings.Join(wrong, " "); got != failed {
		t.Errorf("failed probes %q, want %q", got, failed)
	}
	if verdict.Passed != (failed == "") || (err == nil) != (failed == "") {
		t.Errorf("verdict %+v, %v", verdict, err)
	}
	if failed == "" {
		return
	}
	e := rolecall.List(err)[0]
	if e.Code != rolecall.Forbidden || !strings.Contains(e.Message, mediaARN) {
		t.Errorf("%+v", e)
	}
	first, _, _ := strings.Cut(failed, " ")
	if !strings.Contains(e.Message, first) && !strings.Contains(e.Message, "similar ones") && first != "right" {
		t.Errorf("%q does not name the probes %s", e.Message, failed)
	}
	// The hint has the policy that fixes the role.
	_, text, _ := strings.Cut(e.Hint, "have in the role's trust policy: ")
	document, err := policy.Parse([]byte(text))
	if err != nil {
		t.Fatalf("%q: %v", e.Hint, err)
	}
	mended := newBench(t, trusting(t, string(document.JSON())))
	if _, err := mended.Role(acme()).Retrieve(t.Context()); err != nil {
		t.Errorf("the role that the hint mends: %v", err)
	}
}

// Only a refusal by the role's side is a refusal; all else is unknown, and
// unknown is no pass.
func TestInconclusiveProbes(t *testing.T) {
	t.Parallel()
	say := func(layer policy.DenialLayer, explicit bool) stsAnswer {
		d := policy.Denial{Principal: workerARN, Action: "sts:AssumeRole", Resource: mediaARN, Layer: layer, Explicit: explicit}
		return stsAnswer{status: 403, code: "AccessDenied", message: d.String()}
	}
	for name, c := range map[string]struct {
		answer stsAnswer
		want   credential.Outcome
		code   rolecall.Code
	}{
		"silent denial":          {denied(), credential.Refused, ""},
		"bare denial":            {stsAnswer{status: 403, code: "AccessDenied", message: "Access Denied"}, credential.Refused, ""},
		"trust policy":           {say(policy.DeniedByResource, false), credential.Refused, ""},
		"trust policy, explicit": {say(policy.DeniedByResource, true), credential.Refused, ""},
		"customer's rcp":         {say(policy.DeniedByRCP, true), credential.Refused, ""},
		"vendor's identity":      {say(policy.DeniedByIdentity, true), credential.Unknown, rolecall.Forbidden},
		"vendor's scp":           {say(policy.DeniedBySCP, false), credential.Unknown, rolecall.Forbidden},
		"vendor's boundary":      {say(policy.DeniedByBoundary, false), credential.Unknown, rolecall.Forbidden},
		"vendor's session":       {say(policy.DeniedBySession, false), credential.Unknown, rolecall.Forbidden},
		"vendor's endpoint":      {say(policy.DeniedByVPCE, true), credential.Unknown, rolecall.Forbidden},
		"validation":             {stsAnswer{status: 400, code: "ValidationError", message: "no"}, credential.Unknown, rolecall.Invalid},
		"own keys expired":       {stsAnswer{status: 403, code: "ExpiredToken", message: "no"}, credential.Unknown, rolecall.Unauthenticated},
		"region disabled":        {stsAnswer{status: 403, code: "RegionDisabledException", message: "no"}, credential.Unknown, rolecall.Forbidden},
		"unheard of":             {stsAnswer{status: 400, code: "Surprise", message: "no"}, credential.Unknown, rolecall.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, func(call stsCall) stsAnswer {
				if call.id() == externalID {
					return stsAnswer{}
				}
				return c.answer
			})
			verdict, err := b.Prove(t.Context(), acme())
			if got := verdict.Probes[1].Outcome; got != c.want {
				t.Errorf("outcome %s, want %s", got, c.want)
			}
			if verdict.Passed != (c.code == "") || rolecall.CodeOf(err) != c.code {
				t.Errorf("%+v, %v", verdict, err)
			}
		})
	}
}

func TestShortAndCaselessExternalIDs(t *testing.T) {
	t.Parallel()
	for id, skipped := range map[string]string{"42": "near-prefix near-suffix near-case", "4-2": "near-case", "ab": "near-prefix near-suffix", strings.Repeat("a", 1223) + "b": "near-longer near-preceded near-inserted-1 near-inserted-2 near-inserted-3"} {
		b := newBench(t, trusting(t, trustPolicy(allow(``, `"StringEquals":{"sts:ExternalId":"`+id+`"}`))))
		role := acme()
		role.ExternalID = id
		verdict, err := b.Prove(t.Context(), role)
		if err != nil || !verdict.Passed {
			t.Errorf("%s: %+v, %v", id, verdict, err)
		}
		var got []string
		for _, p := range verdict.Probes {
			if p.Outcome == credential.Skipped && p.Detail != "" {
				got = append(got, p.Name)
			}
		}
		if strings.Join(got, " ") != skipped {
			t.Errorf("%s skips %v, want %s", id, got, skipped)
		}
	}
}

func TestEventsTellTheStoryWithoutSecrets(t *testing.T) {
	t.Parallel()
	b := newBench(t, strict)
	if _, err := b.Role(acme()).Retrieve(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(b.events.of(credential.EventProbe)); n != provedWith {
		t.Errorf("%d probes reported", n)
	}
	if proofs := b.events.of(credential.EventProof); len(proofs) != 1 || !proofs[0].Passed {
		t.Errorf("proofs %+v", proofs)
	}
	assumed := b.events.of(credential.EventAssume)
	if len(assumed) != 1 || assumed[0].SessionName != "acme.01JOB" || string(assumed[0].Policy) != string(acme().Policy) || assumed[0].AccessKeyID == "" {
		t.Errorf("assumed %+v", assumed)
	}
	text, err := json.Marshal(b.events.list)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{externalID, "token-", `"secret"`} {
		if strings.Contains(string(text), secret) {
			t.Errorf("%s is in the events", secret)
		}
	}
}

// IAM's changes take time to spread, so the probes are repeated after five
// minutes, and then daily.
func TestVerdictIsProvedAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t, strict)
	proofs := func(after time.Duration, job string) int {
		t.Helper()
		b.clock.Advance(after)
		role := acme()
		role.JobID = job
		if _, err := b.Role(role).Retrieve(t.Context()); err != nil {
			t.Fatal(err)
		}
		return len(b.events.of(credential.EventProof))
	}
	for _, step := range []struct {
		after time.Duration
		want  int
	}{{0, 1}, {4 * time.Minute, 1}, {time.Minute, 2}, {time.Hour, 2}, {22 * time.Hour, 2}, {time.Hour, 3}, {time.Hour, 3}} {
		if got := proofs(step.after, step.after.String()+"/"+string(rune('0'+step.want))); got != step.want {
			t.Errorf("%s later: %d proofs, want %d", step.after, got, step.want)
		}
	}
}
