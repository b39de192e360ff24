// Command interop compares the evaluator with an independent simulator on
// random cases. run.sh drives it: "generate" writes cases as JSON lines for
// both, "compare" reads the cases and both answers.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "interop:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	if len(args) == 0 {
		return fmt.Errorf("usage: interop generate [-n N] [-seed S] | compare CASES OURS THEIRS")
	}
	switch args[0] {
	case "generate":
		flags := flag.NewFlagSet("generate", flag.ContinueOnError)
		n := flags.Int("n", 5000, "how many cases")
		seed := flags.Uint64("seed", 1, "where the random numbers begin")
		if err := flags.Parse(args[1:]); err != nil {
			return err
		}
		w := bufio.NewWriter(out)
		enc := json.NewEncoder(w)
		for g := newGenerator(*seed); *n > 0; *n-- {
			if err := enc.Encode(g.next()); err != nil {
				return err
			}
		}
		return w.Flush()
	case "compare":
		if len(args) != 4 {
			return fmt.Errorf("compare wants three files")
		}
		return compare(out, args[1], args[2], args[3])
	default:
		return fmt.Errorf("unknown command %q", args[0])
	}
}
