package policy_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
)

func FuzzParse(f *testing.F) {
	f.Add([]byte(everything))
	f.Add([]byte(allowAll))
	f.Add([]byte(`{"Statement":{"Effect":"Deny","NotPrincipal":{"AWS":[]},"NotAction":["a:?"],"NotResource":"arn:${a, 'b'}:*","Condition":{"Null":{"a":true}}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := policy.Parse(data)
		if err != nil {
			for _, e := range rolecall.List(err) {
				if e.Code != rolecall.Invalid || e.Message == "" {
					t.Errorf("fault %+v", e)
				}
			}
			return
		}
		if !bytes.Equal(d.JSON(), bytes.TrimSpace(data)) {
			t.Errorf("%s became %s", data, d.JSON())
		}
		var again policy.Document
		text, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &again); err != nil {
			t.Errorf("%s does not parse again: %v", text, err)
		}
		r := policy.Request{Principal: "arn:aws:iam::111111111111:user/u", Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k", Account: "111111111111"}
		one, two := policy.Evaluate(r, policy.Policies{Resource: d}), policy.Evaluate(r, policy.Policies{Resource: &again})
		if one.Decision != two.Decision {
			t.Errorf("%+v, after a round trip %+v", one, two)
		}
	})
}

func FuzzSimulateLine(f *testing.F) {
	f.Add([]byte(line(`,"identity":[` + allowAll + `],"scp":[[` + allowAll + `]],"context":{"a":["b"]}`)))
	f.Add([]byte(`{"principal":"arn:aws:sts::111111111111:assumed-role/r/s","action":"kms:Decrypt","resource":"*","resource_policy":` + everything + `}`))
	f.Add([]byte(`{"rcp":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		answer := policy.SimulateLine(data)
		var got struct {
			Decision policy.Decision
			Error    *rolecall.Error
		}
		if err := json.Unmarshal(answer, &got); err != nil || bytes.ContainsRune(answer, '\n') {
			t.Fatalf("answer %s: %v", answer, err)
		}
		switch got.Decision {
		case policy.Allowed, policy.ExplicitlyDenied, policy.ImplicitlyDenied:
			if got.Error != nil {
				t.Errorf("both: %s", answer)
			}
		default:
			if got.Error == nil || got.Error.Code != rolecall.Invalid {
				t.Errorf("neither: %s", answer)
			}
		}
	})
}
