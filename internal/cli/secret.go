package cli

import (
	"context"
	"strconv"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/client"
	"github.com/rolecall/rolecall/credential"
)

type secretListCommand struct{ orgFlags }

// Run lists an organization's secrets, without their values.
func (c *secretListCommand) Run(ctx context.Context, sys System, out *output) error {
	asked, org, err := c.open(ctx, sys)
	if err != nil {
		return err
	}
	list := func(ctx context.Context, p client.Page) (client.List[client.Secret], error) {
		return asked.Secrets(ctx, org, p)
	}
	return printList(ctx, out, list, "there are no secrets", secretRow)
}

func secretRow(s client.Secret) []string {
	return []string{s.Name, string(s.Type), s.Bucket + s.Host, "version " + strconv.FormatInt(s.Version, 10)}
}

type secretPutCommand struct {
	orgFlags
	Secret string `arg:"" placeholder:"SECRET" help:"Its name."`
	Type   string `enum:"aws_access_key,text" required:"" placeholder:"TYPE" help:"aws_access_key or text."`
	File   string `short:"f" default:"-" placeholder:"FILE" help:"Its value; stdin by default. Of an access key, JSON as aws iam create-access-key prints it, or with access_key_id and secret_access_key."`
	Bucket string `placeholder:"NAME" help:"The only bucket that an access key is used for."`
	Host   string `placeholder:"NAME" help:"The only host that a text is sent to."`
}

// Run stores a secret. Its value is never an argument: those are in the list of
// processes.
func (c *secretPutCommand) Run(ctx context.Context, sys System, out *output) error {
	asked, org, err := c.open(ctx, sys)
	if err != nil {
		return err
	}
	data, err := read(ctx, sys, c.File, 1<<20)
	if err != nil {
		return err
	}
	n := client.NewSecret{Type: rolecall.SecretType(c.Type), Bucket: c.Bucket, Host: c.Host}
	if n.Type == rolecall.SecretText {
		n.Value = strings.TrimRight(string(data), "\r\n")
	} else {
		keys, err := credential.ReadKeys(data)
		if err != nil {
			return rolecall.List(err).In(shownName(c.File), nil)
		}
		n.AccessKeyID, n.SecretAccessKey = keys.AccessKeyID, keys.SecretAccessKey
	}
	put, err := asked.PutSecret(ctx, org, c.Secret, n)
	if err != nil {
		return err
	}
	if out.json {
		return out.document(put)
	}
	return printRows(out, []client.Secret{put}, [][]string{secretRow(put)}, "")
}

type secretDeleteCommand struct {
	orgFlags
	Secret string `arg:"" placeholder:"SECRET" help:"Its name."`
}

// Run destroys a secret's value.
func (c *secretDeleteCommand) Run(ctx context.Context, sys System, out *output) error {
	asked, org, err := c.open(ctx, sys)
	if err != nil {
		return err
	}
	if err := asked.DeleteSecret(ctx, org, c.Secret); err != nil {
		return err
	}
	return out.gone("secret", c.Secret)
}
