package transfer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
)

// A second process may write no file longer than a limit, which is the closest
// to a full disk that needs no privileges.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for _, size := range []int{3 * mib, multipartFrom} {
		s.store(t, "big", testBytes(size))
		root := newRoot(t)
		write(t, root, "kept", nil)
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = []string{"ROLECALL_TEST_DISK_FULL=" + s.url, "DIR=" + root.Name()}
		out, err := cmd.CombinedOutput()
		if err != nil || strings.TrimSpace(string(out)) != string(DiskFull) {
			t.Fatalf("%v: %s", err, out)
		}
		if got := files(t, root); !slices.Equal(got, []string{"kept"}) {
			t.Error("left behind: ", got)
		}
	}
}

// getOntoFullDisk is that process. It prints the kind of the error.
func getOntoFullDisk() int {
	signal.Ignore(syscall.SIGXFSZ)
	err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 2 * mib, Max: 2 * mib})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	root, err := os.OpenRoot(os.Getenv("DIR"))
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer root.Close()
	b := Bucket{Name: "origin", Client: NewClient(ClientOptions{
		Credentials: credentials.NewStaticCredentialsProvider("AKIAEXAMPLE", "secret", ""),
		Endpoint:    os.Getenv("ROLECALL_TEST_DISK_FULL"), PathStyle: true,
	})}
	_, err = Get(context.Background(), b, Object{Key: "big"}, root, "big", GetOptions{})
	var e *Error
	if !errors.As(err, &e) {
		fmt.Println(err)
		return 1
	}
	fmt.Println(e.Kind)
	return 0
}
