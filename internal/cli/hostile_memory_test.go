package cli_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// hostileS3 lists without end, each key as long as it may be, and sends the
// objects: one of sixteen so slowly that it just stays above the floor.
type hostileS3 struct {
	pages, slow atomic.Int64
}

func (h *hostileS3) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch q := r.URL.Query(); {
	case r.Method == http.MethodHead && strings.Count(r.URL.Path, "/") == 1:
		answerUnasked(w)
	case q.Has("list-type"):
		h.list(w, q.Get("continuation-token"), q.Get("prefix"))
	default:
		h.object(w, r)
	}
}

// answerUnasked answers and goes on, which package net/http logs.
func answerUnasked(w http.ResponseWriter) {
	conn, buffered, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	fmt.Fprintf(buffered, "HTTP/1.1 200 OK\r\nX-Amz-Bucket-Region: eu-central-1\r\nContent-Length: 0\r\n\r\n")
	_ = buffered.Flush()
	// Package net/http logs what comes on a connection that it has put aside. If it
	// has not yet, less is tried here, and nothing fails.
	time.Sleep(10 * time.Millisecond)
	fmt.Fprint(buffered, "what nobody asked for")
	_ = buffered.Flush()
}

func (h *hostileS3) list(w http.ResponseWriter, token, prefix string) {
	h.pages.Add(1)
	page, _ := strconv.Atoi(token)
	var b bytes.Buffer
	fmt.Fprintf(&b, "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>%d</NextContinuationToken>", page+1)
	for n := range 1000 {
		name := fmt.Sprintf("%s%09d", prefix, page*1000+n)
		for len(name) < 1024 { // directories of names that a file may have
			name += "/" + strings.Repeat("k", min(1023-len(name), 200))
		}
		size := 1 << 10
		if n%16 == 15 {
			size = 15 << 20
		}
		fmt.Fprintf(&b, `<Contents><Key>%s</Key><ETag>"%s"</ETag><Size>%d</Size></Contents>`, strings.TrimSuffix(name, "/"), strings.Repeat("e", 250), size)
	}
	b.WriteString("</ListBucketResult>")
	_, _ = w.Write(b.Bytes())
}

func (h *hostileS3) object(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("ETag", r.Header.Get("If-Match"))
	name := strings.Split(strings.TrimPrefix(r.URL.Path, "/"), "/")[2]
	if n, _ := strconv.Atoi(name); n%16 != 15 {
		w.Header().Set("Content-Length", strconv.Itoa(1<<10))
		_, _ = w.Write(make([]byte, 1<<10))
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(15<<20))
	h.slow.Add(1)
	for sent := 0; sent < 15<<20; sent += 64 << 10 {
		if _, err := w.Write(make([]byte, 64<<10)); err != nil {
			return
		}
		w.(http.Flusher).Flush()
		select {
		case <-r.Context().Done():
			return
		case <-time.After(time.Second):
		}
	}
}

// However a server lists and sends, rolecall takes little more memory than the
// operator gives to it, with 16 tasks side by side.
func TestMemoryStaysBelowItsLimit(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("the peak of a process's memory is read from /proc")
	}
	const memory, beside = 64 << 20, 150 << 20
	hostile := &hostileS3{}
	server := httptest.NewServer(hostile)
	t.Cleanup(server.Close)
	dir := t.TempDir()
	var tasks []map[string]any
	for n := range 16 {
		files := []string{"**"}
		if n%4 == 0 { // nothing is found for one pattern, and the rest is held
			files = append(files, "zzz/**")
		}
		tasks = append(tasks, map[string]any{"tool": "storage:get|p", "parameters": map[string]any{
			"location": fmt.Sprintf("s3://{keys}@hostile-%d/in/", n), "s3_endpoint_url": server.URL, "files": files, "base_dir": fmt.Sprint("t", n),
		}})
	}
	document, err := json.Marshal(map[string]any{"tasks": tasks})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"job.json":  string(document),
		"keys.json": `{"AccessKeyId": "AKIAHOSTILE000000001", "SecretAccessKey": "planted"}`,
		"rolecall.yaml": `
principals: {production: {arn: "arn:aws:iam::999900009999:user/worker", credentials: {source: environment}, default: true}}
network: {allow: ["127.0.0.0/8"]}
organizations: {acme: {external_id: {mode: custom, value: acme-42}, secrets: {keys: {type: aws_access_key, file: ./keys.json}}}}
`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := command(t, dir, "run", "job.json", "--org", "acme", "--memory", strconv.Itoa(memory), "--workdir", filepath.Join(dir, "work"))
	var out bytes.Buffer
	run.Stdout, run.Stderr = &out, &out
	if err := os.Mkdir(filepath.Join(dir, "work"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- run.Wait() }()
	peak := int64(0)
	deadline := time.After(2 * time.Minute)
	for hostile.slow.Load() < 100 || hostile.pages.Load() < 16 {
		select {
		case err := <-ended:
			t.Fatalf("it ended: %v\n%s", err, out.String())
		case <-deadline:
			t.Fatalf("%d MiB, %d slow objects, %d pages", peak>>20, hostile.slow.Load(), hostile.pages.Load())
		case <-time.After(100 * time.Millisecond):
			peak = max(peak, peakOf(run.Process.Pid))
		}
	}
	peak = max(peak, peakOf(run.Process.Pid))
	if err := run.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil {
		t.Error("the killed process ended well")
	}
	if strings.Contains(out.String(), "nobody asked for") {
		t.Errorf("what the server sends is shown: %s", out.String())
	}
	t.Logf("%d MiB at most, after %d pages and %d slow objects", peak>>20, hostile.pages.Load(), hostile.slow.Load())
	if peak == 0 || peak > memoryFactor*(memory+beside) {
		t.Errorf("it took %d MiB of memory, with --memory %d MiB", peak>>20, memory>>20)
	}
}

// peakOf returns the most resident memory that a process had so far, zero if it
// is not known.
func peakOf(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if kib, found := strings.CutPrefix(line, "VmHWM:"); found {
			n, _ := strconv.ParseInt(strings.Fields(kib)[0], 10, 64)
			return n << 10
		}
	}
	return 0
}
