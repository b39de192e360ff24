package cli_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/rolecall/rolecall/internal/cli"
)

// names are what the test's DNS answers. Those that have several answers give
// one after the other and stay at the last.
var names = map[string][]string{
	"loopback.example": {"127.0.0.1"}, "private.example": {"10.0.0.1"}, "metadata.example": {"169.254.169.254"}, "rebind.example": {listed, "127.0.0.1"},
	"127.1": {"127.0.0.1"}, "2130706433": {"127.0.0.1"}, "0177.0.0.1": {"127.0.0.1"}, "0x7f000001": {"127.0.0.1"}, "0": {"0.0.0.0"}, "2852039166": {"169.254.169.254"},
}

// outcome is how one command ended, and what it said.
type outcome struct {
	Code int
	Said string
}

// each runs rolecall for each list of arguments on stdin, in a process whose
// resolver is the test's: the real commands have no other seam for it.
func each() {
	lines, outcomes := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var args []string
		if lines.Decode(&args) != nil {
			return
		}
		net.DefaultResolver = newResolver()
		var said bytes.Buffer
		code := cli.Run(context.Background(), args, cli.System{Stdin: strings.NewReader(""), Stdout: &said, Stderr: &said, Getenv: os.Getenv})
		if outcomes.Encode(outcome{code, said.String()}) != nil {
			return
		}
	}
}

// newResolver answers names over an in-memory connection, from their first
// answer on.
func newResolver() *net.Resolver {
	var mu sync.Mutex
	asked := map[string]int{}
	next := func(name string) netip.Addr {
		mu.Lock()
		defer mu.Unlock()
		answers := names[name]
		i := min(asked[name], len(answers)-1)
		asked[name]++
		return netip.MustParseAddr(answers[i])
	}
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go func() {
			defer server.Close()
			for answerOne(server, next) == nil {
			}
		}()
		return client, nil
	}}
}

// answerOne answers one question of DNS as over TCP.
// https://www.rfc-editor.org/rfc/rfc1035#section-4
func answerOne(conn net.Conn, next func(string) netip.Addr) error {
	var size [2]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return err
	}
	question := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(conn, question); err != nil {
		return err
	}
	var labels []string
	end := 12
	for question[end] != 0 {
		length := int(question[end])
		labels = append(labels, string(question[end+1:end+1+length]))
		end += length + 1
	}
	kind := binary.BigEndian.Uint16(question[end+1:])
	end += 5
	answer := append([]byte{question[0], question[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, question[12:end]...)
	name := strings.Join(labels, ".")
	switch {
	case len(names[name]) == 0:
		answer[3] |= 3 // no such name
	case kind == 1: // A
		ip := next(name).As4()
		answer[7] = 1
		answer = append(answer, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
		answer = append(answer, ip[:]...)
	}
	_, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...))
	return err
}

// runner gives a function that runs rolecall in one process, whose environment
// names the canary wherever something might listen to it.
func (f *field) runner(t *testing.T) func(args []string) outcome {
	t.Helper()
	run := command(t, f.dir)
	run.Path, run.Args = lookEach(t), []string{"rolecall-each"}
	for _, name := range []string{
		"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy",
		"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL_KMS",
	} {
		run.Env = append(run.Env, name+"=http://127.0.0.1:"+f.port)
	}
	run.Env = append(run.Env, "NO_PROXY=.amazonaws.com") // whose names do not resolve here
	run.Stderr = os.Stderr
	stdin, err := run.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := run.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	run.Env = append(run.Env, "DISPENSER_KEY="+signer.AccessKeyID, "DISPENSER_SECRET="+signer.SecretAccessKey, "DISPENSER_SESSION="+signer.SessionToken)
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	// The test's context is the first to end.
	run.Cancel = func() error { return errors.Join(stdin.Close(), os.ErrProcessDone) }
	t.Cleanup(func() {
		if err := run.Wait(); err != nil {
			t.Error(err)
		}
	})
	arguments, outcomes := json.NewEncoder(stdin), json.NewDecoder(stdout)
	return func(args []string) outcome {
		t.Helper()
		var got outcome
		if err := arguments.Encode(args); err != nil {
			t.Fatal(err)
		}
		if err := outcomes.Decode(&got); err != nil {
			t.Fatal(err)
		}
		return got
	}
}

// lookEach finds the program that TestMain makes of each.
func lookEach(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("rolecall-each")
	if err != nil {
		t.Fatal(err)
	}
	return path
}
