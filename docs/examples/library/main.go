// Command ingest is a program of somebody else's that uses rolecall as a
// library. It works on a customer's bucket:
//
//	ingest policies   prints the policies that the customer has to set up
//	ingest list       lists the bucket, once the customer's role is proved safe
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/rolecall/rolecall"
)

// worker is the identity that this program runs as.
const worker = "arn:aws:iam::873682911326:role/ingest"

// customer is what the program knows of a customer. A real one reads this from
// its database, and makes the external id itself: it is the customer's for
// ever, and no other customer's.
type customer struct {
	name       string
	externalID string
	connection rolecall.Connection
}

var acme = customer{
	name:       "acme",
	externalID: "5a2b7c0e9d1f4e6ba3c8d7f6e5b4a392",
	connection: rolecall.Connection{
		Name: "masters", Purpose: rolecall.Source, Bucket: "acme-masters", Prefix: "in/", Region: "eu-central-1",
		RoleARN: "arn:aws:iam::111122223333:role/media",
	},
}

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	switch {
	case len(args) == 1 && args[0] == "policies":
		kit, err := policies(acme)
		if err != nil {
			return err
		}
		out := json.NewEncoder(os.Stdout)
		out.SetIndent("", "  ")
		return out.Encode(kit)
	case len(args) == 1 && args[0] == "list":
		own, err := config.LoadDefaultConfig(ctx)
		if err != nil {
			return err
		}
		vault, err := openVault(own.Credentials, "")
		if err != nil {
			return err
		}
		defer vault.Close()
		keys, err := list(ctx, vault, acme, "")
		for _, key := range keys {
			fmt.Println(key)
		}
		return err
	default:
		return fmt.Errorf("usage: ingest policies | list")
	}
}
