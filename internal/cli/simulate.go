package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/strict"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/explain"
)

type simulateCommand struct {
	serverFlags
	Requests string `arg:"" optional:"" placeholder:"FILE" help:"A request as JSON, which flags add to; or many as JSON lines, or - for lines on stdin: each is answered with one line."`

	Principal      string   `placeholder:"ARN" help:"Who asks: a user, role or role session; a service's domain; * for anyone."`
	Action         string   `placeholder:"ACTION" help:"What is asked for, such as s3:GetObject."`
	Resource       string   `placeholder:"ARN" help:"What it is asked on."`
	Account        string   `placeholder:"ID" help:"Account that owns the resource; else the one in its ARN, else the principal's."`
	Context        []string `sep:"none" placeholder:"KEY=VALUE" help:"A condition key; repeat it for more keys, and for more values of one."`
	Identity       []string `sep:"none" placeholder:"FILE" help:"Policy of the principal's; repeatable."`
	ResourcePolicy string   `placeholder:"FILE" help:"Trust, bucket or key policy of the resource."`
	Session        string   `placeholder:"FILE" help:"Session policy."`
	Boundary       []string `sep:"none" placeholder:"FILE" help:"Permissions boundary; repeatable."`
	SCP            []string `name:"scp" sep:"none" placeholder:"FILE" help:"Service control policies of one level of the organization; a request file takes several levels."`
	RCP            []string `name:"rcp" sep:"none" placeholder:"FILE" help:"Resource control policies, in the same way."`
}

// decided is the answer to one request, for people.
type decided struct {
	explain.Decision
	Change *explain.Change `json:"change,omitempty"` // nil: none was found
}

// Run decides one request and explains the answer. Of lines it answers each on
// stdout as it comes, in order; one that cannot be read is answered with its
// error, the others all the same.
func (c *simulateCommand) Run(ctx context.Context, sys System, out *output) error {
	var document []byte
	if c.Requests != "" {
		in, err := open(ctx, sys, c.Requests)
		if err != nil {
			return err
		}
		defer in.Close()
		if c.Requests == "-" {
			return c.answerLines(out, in)
		}
		if document, err = io.ReadAll(io.LimitReader(in, maxPolicyFile+1)); err != nil {
			return unreadable(c.Requests, err)
		}
		if c.holdsLines(document) {
			return c.answerLines(out, io.MultiReader(bytes.NewReader(document), in))
		}
	}
	request, err := c.request(ctx, sys, document)
	if err != nil {
		return err
	}
	in, policies, err := policy.ReadRequest(request)
	if err != nil {
		return err
	}
	answer, err := c.decide(ctx, sys, request, in, policies)
	if err != nil {
		return err
	}
	if out.json {
		return out.document(answer)
	}
	answer.print(out, in)
	return nil
}

// decide decides a request, here or at the service.
func (c *simulateCommand) decide(ctx context.Context, sys System, request []byte, in policy.Request, policies policy.Policies) (decided, error) {
	if c.remote() {
		asked, err := c.dial(sys)
		if err != nil {
			return decided{}, err
		}
		return answered[decided](asked.SimulatePolicies(ctx, request))
	}
	answer := decided{Decision: explain.Tree(in, policies)}
	if change, ok := explain.Smallest(in, policies); ok {
		answer.Change = &change
	}
	return answer, nil
}

// holdsLines reports whether a file has a request on each line, and is not one
// request, which may be on several lines and may be broken.
func (c *simulateCommand) holdsLines(data []byte) bool {
	switch ext := filepath.Ext(c.Requests); {
	case ext == ".jsonl" || ext == ".ndjson" || len(data) > maxPolicyFile || len(bytes.TrimSpace(data)) == 0:
		return true
	case json.Valid(data):
		return false
	}
	for line := range bytes.Lines(data) {
		if line[0] == '{' && json.Valid(line) {
			return true
		}
	}
	return false
}

func (c *simulateCommand) answerLines(out *output, in io.Reader) error {
	if given := c.flags(); len(given) > 0 {
		return &rolecall.Error{
			Code: rolecall.Invalid, Message: "lines say all of their requests; --" + given[0] + " has no part in them",
			Hint: "You: give flags with a file of one request, or with none",
		}
	}
	// Each line leaves some 25 KiB behind and little is kept, so that collecting it
	// less often saves time and costs a few MiB.
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	if err := policy.Simulate(in, out.stdout); err != nil {
		return &rolecall.Error{Code: rolecall.Internal, Message: "the requests could not be read to their end, or their answers not written", Hint: "You: see where standard output leads, and where the requests come from", Err: err}
	}
	return nil
}

// flags returns the names of the flags that are set.
func (c *simulateCommand) flags() []string {
	var out []string
	for name, given := range map[string]bool{
		"principal": c.Principal != "", "action": c.Action != "", "resource": c.Resource != "",
		"account": c.Account != "", "context": c.Context != nil, "identity": c.Identity != nil, "resource-policy": c.ResourcePolicy != "",
		"session": c.Session != "", "boundary": c.Boundary != nil, "scp": c.SCP != nil, "rcp": c.RCP != nil,
	} {
		if given {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// request puts the flags over the request's document, which may be nil.
func (c *simulateCommand) request(ctx context.Context, sys System, document []byte) ([]byte, error) {
	if document == nil && len(c.flags()) == 0 {
		return nil, &rolecall.Error{
			Code: rolecall.Invalid, Message: "there is nothing to decide",
			Hint: "You: give --principal, --action, --resource and the policies, or a file of a request, or JSON lines as a file or - for stdin",
		}
	}
	all := map[string]any{}
	if document != nil {
		parts := map[string]json.RawMessage{}
		var faults rolecall.Errors
		if strict.Decode(document, &parts, &faults); len(faults) > 0 {
			return nil, inFile(c.Requests, document, faults)
		}
		for name, part := range parts {
			all[name] = part
		}
	}
	for name, text := range map[string]string{"principal": c.Principal, "action": c.Action, "resource": c.Resource, "account": c.Account} {
		if text != "" {
			all[name] = text
		}
	}
	if err := c.context(all); err != nil {
		return nil, err
	}
	for name, file := range map[string]string{"resource_policy": c.ResourcePolicy, "session": c.Session} {
		if file == "" {
			continue
		}
		d, err := readPolicy(ctx, sys, file)
		if err != nil {
			return nil, err
		}
		all[name] = d
	}
	for name, files := range map[string][]string{"identity": c.Identity, "boundary": c.Boundary, "scp": c.SCP, "rcp": c.RCP} {
		if files == nil {
			continue
		}
		documents := make([]*policy.Document, len(files))
		for i, file := range files {
			var err error
			if documents[i], err = readPolicy(ctx, sys, file); err != nil {
				return nil, err
			}
		}
		all[name] = documents
	}
	return json.Marshal(all)
}

// context puts the keys of the flags over those of the request file.
func (c *simulateCommand) context(all map[string]any) error {
	if c.Context == nil {
		return nil
	}
	keys := map[string]any{}
	if given, ok := all["context"].(json.RawMessage); ok {
		var shape, faults rolecall.Errors
		strict.Decode(given, &keys, &shape)
		if faults.AddErr("/context", shape.Err()); len(faults) > 0 {
			return faults
		}
	}
	values := map[string][]string{}
	for _, pair := range c.Context {
		key, text, found := strings.Cut(pair, "=")
		if !found || key == "" {
			return &rolecall.Error{Code: rolecall.Invalid, Message: fmt.Sprintf("--context %q has no value", pair), Hint: "You: write it as KEY=VALUE, such as sts:ExternalId=x-42"}
		}
		values[key] = append(values[key], text)
	}
	for key, list := range values {
		for given := range keys {
			if strings.EqualFold(given, key) {
				delete(keys, given)
			}
		}
		keys[key] = list
	}
	all["context"] = keys
	return nil
}

// maxPolicyFile is how large a file with policies may be.
const maxPolicyFile = 4 << 20

// readPolicy reads a policy out of a file. Its faults name the file.
func readPolicy(ctx context.Context, sys System, name string) (*policy.Document, error) {
	data, err := read(ctx, sys, name, maxPolicyFile)
	if err != nil {
		return nil, err
	}
	d, err := policy.Parse(data)
	if err != nil {
		return nil, inFile(name, data, err)
	}
	return d, nil
}
