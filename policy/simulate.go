package policy

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/safely"
	"github.com/rolecall/rolecall/internal/strict"
	"github.com/rolecall/rolecall/policy/internal/tree"
)

// maxLine is how long a line of Simulate's input may be.
const maxLine = 4 << 20

// Lines are decided side by side in batches of maxBatch bytes; an answer to a
// short line takes memory, too, so that a line counts for minLine at least.
const (
	maxBatch = 1 << 20
	minLine  = 1 << 10
)

// Simulate reads requests with their policies as JSON lines and answers each
// with one line, in order; it decides lines that are there already side by side,
// on all processors. A line that cannot be read, one of blanks too, is answered
// with its fault; only a broken reader or writer is an error. The newline at the
// end begins no line. Answers are written out whenever no further input is
// waiting, so that a program may ask and wait.
func Simulate(r io.Reader, w io.Writer) error {
	in := bufio.NewReaderSize(r, 256<<10)
	out := bufio.NewWriterSize(w, 64<<10)
	for {
		batch, readErr := readBatch(in)
		for _, answer := range answerAll(batch) {
			if _, err := out.Write(append(answer, '\n')); err != nil {
				return fmt.Errorf("write answers: %w", err)
			}
		}
		last := errors.Is(readErr, io.EOF)
		if readErr != nil && !last {
			return errors.Join(fmt.Errorf("read requests: %w", readErr), out.Flush())
		}
		if last || in.Buffered() == 0 {
			if err := out.Flush(); err != nil {
				return fmt.Errorf("write answers: %w", err)
			}
		}
		if last {
			return nil
		}
	}
}

// requestLine is a line of Simulate's input.
type requestLine struct {
	text    []byte
	tooLong bool // and thrown away
}

// readBatch reads lines until no more are there without waiting, or maxBatch is
// reached. The lines before an error are whole.
func readBatch(in *bufio.Reader) ([]requestLine, error) {
	var batch []requestLine
	for size := 0; ; {
		text, tooLong, err := readLine(in)
		if err == nil || errors.Is(err, io.EOF) && (tooLong || len(text) > 0) {
			batch = append(batch, requestLine{text, tooLong})
		}
		if size += max(len(text), minLine); err != nil || in.Buffered() == 0 || size >= maxBatch {
			return batch, err
		}
	}
}

// answerAll answers each line of a batch.
func answerAll(batch []requestLine) [][]byte {
	out := make([][]byte, len(batch))
	var next atomic.Int64
	answerSome := func() {
		for i := int(next.Add(1)) - 1; i < len(batch); i = int(next.Add(1)) - 1 {
			if batch[i].tooLong {
				out[i] = encodeFault(&rolecall.Error{Code: rolecall.Invalid, Message: "the line is longer than 4 MiB"})
			} else {
				out[i] = SimulateLine(batch[i].text)
			}
		}
	}
	safely.Beside(slices.Repeat([]func(){answerSome}, min(runtime.GOMAXPROCS(0), len(batch)))...)
	return out
}

// readLine returns the next line. One that is too long is read to its end and
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
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, tooLong, err
		}
	}
}

// answer is a line of Simulate's output.
type answer struct {
	*Result
	Error *lineFault `json:"error,omitempty"`
}

// lineFault is what is wrong with a line. Its place is always there, "" for all of it.
type lineFault struct {
	Code    rolecall.Code `json:"code"`
	Pointer string        `json:"pointer"`
	Message string        `json:"message"`
	Hint    string        `json:"hint,omitempty"`
}

func encodeFault(e *rolecall.Error) []byte {
	return encodeAnswer(answer{Error: &lineFault{e.Code, e.Pointer, e.Message, e.Hint}})
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
// The answer is a Result or {"error": …}, of several faults the first. A byte
// order mark at its beginning, which editors and shells of Windows write, is left out.
func SimulateLine(line []byte) []byte {
	line = bytes.TrimPrefix(line, []byte("\ufeff"))
	if len(bytes.TrimSpace(line)) == 0 {
		return encodeFault(&rolecall.Error{
			Code: rolecall.Invalid, Message: "the line holds no request", Hint: "You: write one request on each line, as a JSON object, and leave no line blank",
		})
	}
	request, policies, err := ReadRequest(line)
	if err != nil {
		return encodeFault(rolecall.List(err)[0])
	}
	result, ok := evaluate(request, policies)
	if !ok {
		return encodeFault(&rolecall.Error{
			Code: rolecall.Invalid, Message: "the request takes too much work to decide",
			Hint: "You: give fewer or shorter patterns and values; AWS allows far less",
		})
	}
	return encodeAnswer(answer{Result: &result})
}

// ReadRequest reads a request with its policies, in the form of SimulateLine.
// The owner of the resource is the account in its ARN unless it is given,
// else that of the principal. It finds all faults in one pass.
func ReadRequest(data []byte) (Request, Policies, error) {
	n, err := readTree(data)
	if err != nil {
		return Request{}, Policies{}, err
	}
	return readRequest(n)
}

var lineMembers = []string{"principal", "action", "resource", "account", "context", "identity", "resource_policy", "session", "boundary", "scp", "rcp"}

func readRequest(n *tree.Node) (Request, Policies, error) {
	var faults rolecall.Errors
	var in Request
	var p Policies
	document := func(n *tree.Node, at string, layer Layer) *Document {
		d, err := compileDocument(n)
		if err == nil {
			err = d.Fit(layer)
		}
		faults.AddErr(at, err)
		return d
	}
	documents := func(n *tree.Node, at string, layer Layer) []*Document {
		out := make([]*Document, 0, len(n.Items))
		if n.Kind != '[' {
			faults.Add(at, "must be a list of policies, not "+n.What(), "You: write the policies as a list")
			return nil
		}
		for i, item := range n.Items {
			out = append(out, document(item, at+strict.Pointer(i), layer))
		}
		return out
	}
	// One list of policies is one level; the first item decides which it is.
	levels := func(n *tree.Node, at string, layer Layer) [][]*Document {
		if n.Kind != '[' || len(n.Items) == 0 || n.Items[0].Kind != '[' {
			return [][]*Document{documents(n, at, layer)}
		}
		out := make([][]*Document, 0, len(n.Items))
		for i, item := range n.Items {
			out = append(out, documents(item, at+strict.Pointer(i), layer))
		}
		return out
	}
	eachMember(n, place{}, lineMembers, &faults, func(name string, at place, value *tree.Node) {
		if value.Kind == 'n' {
			return // as if left out
		}
		switch name {
		case "principal":
			in.Principal = textOf(value, at, &faults)
		case "action":
			in.Action = textOf(value, at, &faults)
		case "resource":
			in.Resource = textOf(value, at, &faults)
		case "account":
			in.Account = textOf(value, at, &faults)
		case "context":
			in.Context = readContext(value, at, &faults)
		case "identity":
			p.Identity = documents(value, at.String(), Identity)
		case "resource_policy":
			p.Resource = document(value, at.String(), ResourcePolicy)
		case "session":
			p.Session = document(value, at.String(), SessionPolicy)
		case "boundary":
			p.Boundary = documents(value, at.String(), Boundary)
		case "scp":
			p.SCP = levels(value, at.String(), SCP)
		case "rcp":
			p.RCP = levels(value, at.String(), RCP)
		}
	})
	switch {
	case p.Resource == nil || !actionForm(in.Action):
	case ofSTS(in.Action):
		faults.AddErr("/resource_policy", p.Resource.fitTrust())
	default:
		faults.AddErr("/resource_policy", p.Resource.needsResources())
	}
	if len(faults) == 0 {
		in.check(&faults)
	}
	if in.Account == "" {
		in.Account = ownerOf(in.Resource, in.Principal)
	}
	return in, p, faults.Err()
}

// check finds what of a request is missing or malformed.
func (in Request) check(faults *rolecall.Errors) {
	checkPrincipal(in.Principal, faults)
	if !actionForm(in.Action) || strings.ContainsAny(in.Action, "*?") {
		faults.Add("/action", quote(in.Action)+" is not an action", "You: write the action as s3:GetObject")
	}
	checkResource(in.Resource, faults)
	if in.Account != "" && !rolecall.IsAccountID(in.Account) {
		faults.Add("/account", quote(in.Account)+" is not an account id", "You: write twelve digits")
	}
}

func readContext(n *tree.Node, at place, faults *rolecall.Errors) map[string][]string {
	context := make(map[string][]string, len(n.Members))
	seen := make(map[string]bool, len(n.Members))
	eachMember(n, at, nil, faults, func(key string, at place, value *tree.Node) {
		if folded := foldKey(key); seen[folded] {
			faults.Add(at.String(), "the key is given twice; case does not tell keys apart", "You: remove one of the two")
		} else {
			seen[folded] = true
		}
		context[key] = readValues(value, at, faults)
	})
	return context
}

// ownerOf returns the account of the first ARN that has one.
func ownerOf(arns ...string) string {
	for _, arn := range arns {
		if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 && rolecall.IsAccountID(parts[4]) {
			return parts[4]
		}
	}
	return ""
}
