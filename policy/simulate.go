package policy

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/rolecall/rolecall"
)

// maxLine is how long a line of Simulate's input may be.
const maxLine = 4 << 20

// Simulate reads requests with their policies as JSON lines and answers each
// with one line, in order. A line that cannot be read is answered with its
// fault; only a broken reader or writer is an error. Empty lines are passed
// over. Answers are written out whenever no further input is waiting, so that
// a program may ask and wait.
func Simulate(r io.Reader, w io.Writer) error {
	in := bufio.NewReaderSize(r, 64<<10)
	out := bufio.NewWriterSize(w, 64<<10)
	for {
		line, tooLong, readErr := readLine(in)
		if readErr != nil && readErr != io.EOF {
			return errors.Join(fmt.Errorf("read requests: %w", readErr), out.Flush())
		}
		answer := encodeAnswer(answer{Error: rolecall.List(fault("", "the line is longer than 4 MiB", ""))[0]})
		if !tooLong {
			answer = SimulateLine(line)
		}
		if tooLong || strings.TrimSpace(string(line)) != "" {
			if _, err := out.Write(append(answer, '\n')); err != nil {
				return fmt.Errorf("write answers: %w", err)
			}
		}
		if readErr == io.EOF || in.Buffered() == 0 {
			if err := out.Flush(); err != nil {
				return fmt.Errorf("write answers: %w", err)
			}
		}
		if readErr == io.EOF {
			return nil
		}
	}
}

// readLine gives the next line. One that is too long is read to its end and
// thrown away.
func readLine(in *bufio.Reader) (line []byte, tooLong bool, err error) {
	for {
		part, err := in.ReadSlice('\n')
		if !tooLong {
			line = append(line, part...)
		}
		if len(line) > maxLine+1 {
			line, tooLong = nil, true
		}
		if err != bufio.ErrBufferFull {
			return line, tooLong, err
		}
	}
}

// answer is a line of Simulate's output.
type answer struct {
	*Result
	Error *rolecall.Error `json:"error,omitempty"`
}

func encodeAnswer(a answer) []byte {
	text, err := json.Marshal(a)
	if err != nil {
		panic("policy: encode answer: " + err.Error()) // strings and numbers only
	}
	return text
}

// SimulateLine answers one request given as a JSON object: its policies under
// identity, resource_policy, session, boundary, scp and rcp, each optional; an
// organization's policies as one list, or as a list of lists, its levels.
// The answer is a Result or {"error": …}, of several faults the first.
func SimulateLine(line []byte) []byte {
	request, policies, err := readLineRequest(line)
	if err != nil {
		return encodeAnswer(answer{Error: rolecall.List(err)[0]})
	}
	result := Evaluate(request, policies)
	return encodeAnswer(answer{Result: &result})
}

type lineJSON struct {
	Principal string               `json:"principal"`
	Action    string               `json:"action"`
	Resource  string               `json:"resource"`
	Account   string               `json:"account"`
	Context   map[string]valueList `json:"context"`
	Identity  []*Document          `json:"identity"`
	Policy    *Document            `json:"resource_policy"`
	Session   *Document            `json:"session"`
	Boundary  []*Document          `json:"boundary"`
	SCP       levelList            `json:"scp"`
	RCP       levelList            `json:"rcp"`
}

// levelList is a list of documents, one level, or a list of such lists.
type levelList [][]*Document

// UnmarshalJSON reads either form; the first item tells which.
func (l *levelList) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	if data[0] == '[' && strings.HasPrefix(strings.TrimLeft(string(data[1:]), " \t\r\n"), "[") {
		return rolecall.Decode(data, (*[][]*Document)(l))
	}
	var one []*Document
	err := rolecall.Decode(data, &one)
	if len(one) > 0 {
		*l = levelList{one}
	}
	return err
}

func readLineRequest(line []byte) (Request, Policies, error) {
	var in lineJSON
	if err := rolecall.Decode(line, &in); err != nil {
		return Request{}, Policies{}, err
	}
	var faults rolecall.Errors
	if in.Principal == "" {
		faults.Add("/principal", "principal is missing", `give an ARN, a service's domain, or "*" for an anonymous caller`)
	}
	if !actionForm(in.Action) || strings.ContainsAny(in.Action, "*?") {
		faults.Add("/action", quote(in.Action)+" is not an action", "an action looks like s3:GetObject")
	}
	if in.Resource == "" {
		faults.Add("/resource", "resource is missing", `give an ARN, or "*" for actions on no resource`)
	}
	if in.Account != "" && !rolecall.IsAccountID(in.Account) {
		faults.Add("/account", quote(in.Account)+" is not an account id", "account ids are twelve digits")
	}
	request := Request{Principal: in.Principal, Action: in.Action, Resource: in.Resource, Account: in.Account,
		Context: make(map[string][]string, len(in.Context))}
	seen := make(map[string]bool, len(in.Context))
	for _, key := range sortedKeys(in.Context) {
		if folded := strings.ToLower(key); seen[folded] {
			faults.Add("/context"+rolecall.Pointer(key), "the key is given twice; case does not tell keys apart", "remove one of the two")
		} else {
			seen[folded] = true
		}
		request.Context[key] = in.Context[key]
	}
	if request.Account == "" {
		request.Account = ownerOf(in.Resource, in.Principal)
	}
	policies := Policies{Identity: in.Identity, Resource: in.Policy, Session: in.Session, Boundary: in.Boundary, SCP: in.SCP, RCP: in.RCP}
	policies.fit(&faults)
	return request, policies, faults.Err()
}

// ownerOf gives the account of the first ARN that has one.
func ownerOf(arns ...string) string {
	for _, arn := range arns {
		if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 && rolecall.IsAccountID(parts[4]) {
			return parts[4]
		}
	}
	return ""
}

// fit checks each document against its layer, and that none is null.
func (p Policies) fit(faults *rolecall.Errors) {
	one := func(d *Document, layer Layer, at string) {
		if d == nil {
			faults.Add(at, "must be a policy, not null", "")
			return
		}
		faults.AddErr(at, d.Fit(layer))
	}
	list := func(ds []*Document, layer Layer, at string) {
		for i, d := range ds {
			one(d, layer, at+rolecall.Pointer(i))
		}
	}
	levels := func(ls [][]*Document, layer Layer, at string) {
		for i, l := range ls {
			place := at
			if len(ls) > 1 {
				place += rolecall.Pointer(i)
			}
			list(l, layer, place)
		}
	}
	list(p.Identity, Identity, "/identity")
	if p.Resource != nil {
		one(p.Resource, ResourcePolicy, "/resource_policy")
	}
	if p.Session != nil {
		one(p.Session, SessionPolicy, "/session")
	}
	list(p.Boundary, Boundary, "/boundary")
	levels(p.SCP, SCP, "/scp")
	levels(p.RCP, RCP, "/rcp")
}
