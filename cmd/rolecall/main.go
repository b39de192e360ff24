// Command rolecall works on files in other people's S3 buckets, safely.
package main

import (
	"context"
	"os"

	"github.com/rolecall/rolecall/internal/cli"
)

func main() {
	os.Exit(cli.Run(context.Background(), os.Args[1:], cli.Process()))
}
