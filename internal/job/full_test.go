//go:build unix

package job_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/access"
	"github.com/rolecall/rolecall/internal/guard"
	"github.com/rolecall/rolecall/internal/job"
)

func TestMain(m *testing.M) {
	if url := os.Getenv("ROLECALL_TEST_FULL_DISK"); url != "" {
		if err := fetchOntoFullDisk(url, os.Getenv("DIR")); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

func write(t *testing.T, dir, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// A process of its own may write no file longer than a bound, which is the
// nearest to a full disk that needs no privileges.
func TestFullDiskLeavesNoHalfFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	w.put(t, "globex-delivery", map[string][]byte{"big": media(1, 3<<20)})
	dir := t.TempDir()
	write(t, dir, "kept", nil)
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = []string{"ROLECALL_TEST_FULL_DISK=" + w.server.URL, "DIR=" + dir}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if diff := cmp.Diff("unavailable /tasks/0/parameters: the disk of the working directory has no room for \"s3://globex-delivery/big\"\n", string(out)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"kept"}, keysOf(tree(t, dir))); diff != "" {
		t.Error(diff)
	}
}

func fetchOntoFullDisk(url, dir string) error {
	signal.Ignore(syscall.SIGXFSZ)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 2 << 20, Max: 2 << 20}); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	vault, err := credential.New(credential.Options{Secrets: globexKeys, Verdicts: credential.Memory()})
	if err != nil {
		return err
	}
	defer vault.Close()
	place := rolecall.Place{Pointer: "/tasks/0/parameters", Bucket: "globex-delivery", Key: "big", Secret: rolecall.Secret{Name: "keys", Type: rolecall.SecretAWSAccessKey}}
	report := job.Run(context.Background(), job.Job{ID: job.NewID(), Dir: root, Plan: rolecall.Plan{
		Organization: "acme",
		Steps:        []rolecall.Step{{Tool: rolecall.StorageGet, Place: place}},
	}},
		&access.Access{Vault: vault, Clients: guard.NewClients(nil), S3Endpoint: url}, nil)
	if len(report.Errors) != 1 {
		return errors.New(strings.TrimSpace(show(report)))
	}
	_, err = fmt.Printf("%s %s\n", report.Errors[0].Code, report.Errors[0])
	return err
}
