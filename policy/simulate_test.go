package policy_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/rolecall/rolecall/policy"
)

const allowAll = `{"Version":"2012-10-17","Statement":[{"Sid":"all","Effect":"Allow","Action":"*","Resource":"*"}]}`

// otherwise allows something else than is asked for.
const otherwise = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sqs:*","Resource":"*"}]}`

func line(members string) string {
	return `{"principal":"arn:aws:iam::111111111111:user/bob","action":"s3:GetObject","resource":"arn:aws:s3:::b/k"` + members + `}`
}

func TestSimulateLine(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ line, want string }{
		"allowed":  {line(`,"identity":[` + allowAll + `]`), `{"decision":"allowed","decided_by":[{"policy":"identity","index":0,"statement":0,"sid":"all"}]}`},
		"no Allow": {line(``), `{"decision":"implicitly_denied","missing":["identity"]}`},
		"all that is missing": {
			line(`,"account":"222222222222","boundary":[` + otherwise + `],"session":` + otherwise + `,"scp":[` + otherwise + `]`),
			`{"decision":"implicitly_denied","missing":["scp","identity","resource_policy","boundary","session"]}`,
		},
		"every denial": {
			line(`,"identity":[` + allowAll + `],"scp":[[` + allowAll + `],[` + allowAll + `,{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"s3:*","Resource":"*"}}]],"rcp":[{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}}]`),
			`{"decision":"explicitly_denied","decided_by":[{"policy":"rcp","index":0,"statement":0},{"policy":"scp","index":2,"statement":0}]}`,
		},
		"context": {
			line(`,"context":{"AWS:Username":"bob","aws:TagKeys":["a","b"],"aws:MultiFactorAuthPresent":true,"s3:max-keys":5},"identity":[{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{
			"StringEquals":{"aws:username":"bob","aws:principalaccount":"111111111111","aws:resourceaccount":"111111111111","aws:principalarn":"arn:aws:iam::111111111111:user/bob"},
			"ForAllValues:StringEquals":{"aws:tagkeys":["a","b"]},"Bool":{"aws:multifactorauthpresent":"true"},"NumericEquals":{"s3:max-keys":"5"}}}}]`),
			`{"decision":"allowed","decided_by":[{"policy":"identity","index":0,"statement":0}]}`,
		},
		"a given key is not derived": {
			line(`,"context":{"aws:PrincipalAccount":"333333333333"},"identity":[{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalAccount":"111111111111"}}}}]`),
			`{"decision":"implicitly_denied","missing":["identity"]}`,
		},
		"not JSON":      {`{`, `{"error":{"code":"invalid","pointer":"","message":"not JSON at line 1, column 2: the document ends, and the { of line 1 is not closed","hint":"You: add the missing }, or see whether the file is whole"}}`},
		"of Windows":    {"\ufeff" + line(`,"identity":[`+allowAll+`]`), `{"decision":"allowed","decided_by":[{"policy":"identity","index":0,"statement":0,"sid":"all"}]}`},
		"misspelt":      {line(`,"identities":[]`), `{"error":{"code":"invalid","pointer":"/identities","message":"unknown field \"identities\"","hint":"You: write \"identity\", if that is meant"}}`},
		"long action":   {`{"principal":"*","resource":"*","action":"s3:` + strings.Repeat("a", 126) + `"}`, `{"error":{"code":"invalid","pointer":"/action","message":"\"s3:` + strings.Repeat("a", 74) + `...\" is not an action","hint":"You: write the action as s3:GetObject"}}`},
		"long resource": {`{"principal":"*","resource":"arn:aws:s3:::b/` + strings.Repeat("a", 2034) + `","action":"s3:GetObject"}`, `{"error":{"code":"invalid","pointer":"/resource","message":"resource is longer than 2,048 characters","hint":"You: shorten it; AWS has no longer ARNs"}}`},
		"no action":     {`{"principal":"*","resource":"*","action":"s3:*"}`, `{"error":{"code":"invalid","pointer":"/action","message":"\"s3:*\" is not an action","hint":"You: write the action as s3:GetObject"}}`},
		"in a policy": {
			line(`,"identity":[` + allowAll + `,{"Statement":[{"Effect":"Allow","Action":"s3:*"}]}]`),
			`{"error":{"code":"invalid","pointer":"/identity/1/Statement/0","message":"Resource is missing","hint":"You: give Resource or NotResource, \"*\" for all"}}`,
		},
		// reference_policies_elements_resource.html
		"in a bucket policy": {
			line(`,"resource_policy":{"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:*"}]}`),
			`{"error":{"code":"invalid","pointer":"/resource_policy/Statement/0","message":"Resource is missing","hint":"You: give Resource or NotResource, \"*\" for all"}}`,
		},
		"not in a trust policy": {
			`{"principal":"arn:aws:iam::111111111111:user/bob","action":"STS:AssumeRole","resource":"arn:aws:iam::111111111111:role/r","identity":[` + allowAll + `],` +
				`"resource_policy":{"Statement":{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"sts:AssumeRole"}}}`,
			`{"decision":"allowed","decided_by":[{"policy":"resource_policy","index":0,"statement":0},{"policy":"identity","index":0,"statement":0,"sid":"all"}]}`,
		},
		"null policy":      {line(`,"identity":[null]`), `{"error":{"code":"invalid","pointer":"/identity/0","message":"must be an object, not null","hint":"You: give a value, or leave the name out"}}`},
		"key given twice":  {line(`,"context":{"aws:username":"a","AWS:Username":"b"}`), `{"error":{"code":"invalid","pointer":"/context/AWS:Username","message":"the key is given twice; case does not tell keys apart","hint":"You: remove one of the two"}}`},
		"account":          {line(`,"account":"1"`), `{"error":{"code":"invalid","pointer":"/account","message":"\"1\" is not an account id","hint":"You: write twelve digits"}}`},
		"levels, a fault":  {line(`,"scp":[[` + allowAll + `],[{}]]`), `{"error":{"code":"invalid","pointer":"/scp/1/0/Statement","message":"Statement is missing","hint":"You: write the statements as a list"}}`},
		"sts needs trust":  {`{"principal":"arn:aws:iam::111111111111:user/bob","action":"sts:AssumeRole","resource":"arn:aws:iam::111111111111:role/r","identity":[` + allowAll + `]}`, `{"decision":"implicitly_denied","missing":["resource_policy"]}`},
		"owner by the ARN": {`{"principal":"arn:aws:iam::111111111111:user/bob","action":"sqs:SendMessage","resource":"arn:aws:sqs:eu-west-1:222222222222:q","identity":[` + allowAll + `]}`, `{"decision":"implicitly_denied","missing":["resource_policy"]}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := string(policy.SimulateLine([]byte(c.line))); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestSimulate(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	in := line("") + "\n\n  \r\n" + `{"x"` + strings.Repeat(" ", 5<<20) + "\n" + `nonsense` + "\n" + line("")
	if err := policy.Simulate(strings.NewReader(in), &out); err != nil {
		t.Fatal(err)
	}
	got := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(got) != 6 || got[0] != got[5] || !strings.Contains(got[0], "implicitly_denied") || got[1] != got[2] ||
		!strings.Contains(got[1], "no request") || !strings.Contains(got[3], "longer than 4 MiB") || !strings.Contains(got[4], `"invalid"`) {
		t.Errorf("answers:\n%s", out.String())
	}
}

// Many lines are decided side by side, and answered in order.
func TestSimulateKeepsOrder(t *testing.T) {
	t.Parallel()
	var in, want strings.Builder
	for i := range 3000 {
		text := fmt.Sprintf(`{"action%d":"", %s`, i, strings.Repeat(" ", i))
		in.WriteString(text + "\n")
		want.WriteString(string(policy.SimulateLine([]byte(text))) + "\n")
	}
	var out strings.Builder
	if err := policy.Simulate(strings.NewReader(in.String()), &out); err != nil {
		t.Fatal(err)
	}
	if out.String() != want.String() {
		t.Error("answers are not those of the lines in their order")
	}
}

// A program that asks and waits gets its answer before it asks again.
func TestSimulateAnswersAtOnce(t *testing.T) {
	t.Parallel()
	asks, in := io.Pipe()
	out, answers := io.Pipe()
	done := make(chan error)
	go func() { done <- policy.Simulate(asks, answers) }()
	scanner := bufio.NewScanner(out)
	for range 3 {
		if _, err := io.WriteString(in, line("")+"\n"); err != nil {
			t.Fatal(err)
		}
		if !scanner.Scan() {
			t.Fatal(scanner.Err())
		}
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestSimulateBrokenPipes(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	if err := policy.Simulate(iotest.ErrReader(broken), io.Discard); !errors.Is(err, broken) {
		t.Errorf("reader: %v", err)
	}
	if err := policy.Simulate(strings.NewReader(line("")), failing{broken}); !errors.Is(err, broken) {
		t.Errorf("writer: %v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }
