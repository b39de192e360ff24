package cli

import (
	"context"
	"encoding/json"
	"strings"
	"unicode"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/client"
)

// serverFlags say which service a command asks. Without one, commands that can
// work here do.
type serverFlags struct {
	Server string `placeholder:"URL" env:"ROLECALL_SERVER" help:"The rolecall serve to ask, as $$ROLECALL_TOKEN; else $$ROLECALL_SERVER."`
}

func (f serverFlags) remote() bool { return f.Server != "" }

// setupLink returns the setup link that is given in place of a token, and
// whether there is one.
func setupLink(sys System) (client.Link, bool) {
	token := strings.TrimSpace(sys.Getenv("ROLECALL_TOKEN"))
	return client.Link(token), strings.Contains(token, "://")
}

// remoteConnection reports whether a command about a connection asks a service:
// who has a setup link asks that one.
func (f serverFlags) remoteConnection(sys System) bool {
	_, linked := setupLink(sys)
	return f.remote() || linked
}

// dial returns a client of the service. The token comes from the environment
// alone: flags are in the list of processes and in the shell's history.
func (f serverFlags) dial(sys System) (*client.Client, error) {
	o := client.Options{URL: f.Server, Token: client.Token(strings.TrimSpace(sys.Getenv("ROLECALL_TOKEN")))}
	if link, linked := setupLink(sys); linked {
		var err error
		if o, err = client.ParseLink(link); err != nil {
			return nil, rolecall.List(err).In("ROLECALL_TOKEN", nil)
		}
		if f.remote() && strings.TrimRight(f.Server, "/") != o.URL {
			return nil, &rolecall.Error{Code: rolecall.Invalid, Message: "the setup link in ROLECALL_TOKEN is of another service than " + f.Server, Hint: "You: leave --server and ROLECALL_SERVER out"}
		}
	}
	o.UserAgent = "rolecall/" + version()
	if o.URL == "" {
		return nil, &rolecall.Error{Code: rolecall.Invalid, Message: "which service is to be asked?", Hint: "You: give --server URL, or set ROLECALL_SERVER"}
	}
	if o.Token == "" {
		return nil, &rolecall.Error{
			Code: rolecall.Unauthenticated, Message: "there is no token for " + f.Server,
			Hint: "You: set ROLECALL_TOKEN to one that an admin of the organization made. Operator: make one by rolecall token create on the service's machine, without --server and ROLECALL_SERVER",
		}
	}
	return client.New(o)
}

// orgFlags say whose things a command is about.
type orgFlags struct {
	serverFlags
	Org string `placeholder:"NAME" help:"The organization; may be left out where the token is of one."`
}

// open returns a client, and the organization.
func (f orgFlags) open(ctx context.Context, sys System) (*client.Client, string, error) {
	c, err := f.dial(sys)
	if err != nil {
		return nil, "", err
	}
	if _, linked := setupLink(sys); linked && f.Org == "" {
		link, err := c.SetupLink(ctx)
		return c, link.Organization, err
	}
	org, err := whose(ctx, c, f.Org)
	return c, org, err
}

// either returns a client, and the organization; none for what is the
// operator's.
func (f orgFlags) either(ctx context.Context, sys System, operators bool) (*client.Client, string, error) {
	if !operators {
		return f.open(ctx, sys)
	}
	if f.Org != "" {
		return nil, "", &rolecall.Error{Code: rolecall.Invalid, Message: "is it the operator's, or an organization's?", Hint: "You: give --operator or --org"}
	}
	c, err := f.dial(sys)
	return c, "", err
}

// whose returns the organization: the one that is named, or the token's.
func whose(ctx context.Context, c *client.Client, named string) (string, error) {
	if named != "" {
		return named, nil
	}
	list, err := c.Organizations(ctx, client.Page{Limit: 2})
	if err != nil {
		return "", err
	}
	if len(list.Results) != 1 {
		return "", &rolecall.Error{Code: rolecall.Invalid, Message: "whose is it?", Hint: "You: give --org; rolecall org list shows all"}
	}
	return list.Results[0].APIName, nil
}

// printList prints all of a list, a row for each, or as JSON.
func printList[T any](ctx context.Context, out *output, list func(context.Context, client.Page) (client.List[T], error), none string, row func(T) []string) error {
	all, rows := []T{}, [][]string{}
	for one, err := range client.Each(ctx, list) {
		if err != nil {
			return err
		}
		all, rows = append(all, one), append(rows, row(one))
	}
	return printRows(out, all, rows, none)
}

func printRows[T any](out *output, all []T, rows [][]string, none string) error {
	if out.json {
		return out.document(map[string]any{"results": all})
	}
	if len(all) == 0 {
		out.note("%s", none)
		return nil
	}
	printTable(out, rows)
	return nil
}

// printTable prints rows of cells, which may hold anything.
func printTable(out *output, rows [][]string) {
	for _, cells := range rows {
		for i := range cells {
			cells[i] = printable(cells[i])
		}
	}
	out.printf("%s", out.rows(rows))
}

// answered reads what the service answers as the command itself has it.
func answered[T any](text json.RawMessage, err error) (out T, _ error) {
	if err == nil {
		if err := json.Unmarshal(text, &out); err != nil {
			return out, &rolecall.Error{Code: rolecall.Unavailable, Message: "the service answers in another form than this rolecall reads", Hint: "You: use the rolecall of the service's version", Err: err}
		}
	}
	return out, err
}

// plain returns an error if a text of the service's, which is printed as it is, has
// what a terminal would obey.
func plain(text []byte) error {
	for _, r := range string(text) {
		if r != '\n' && r != '\t' && !unicode.IsPrint(r) {
			return &rolecall.Error{Code: rolecall.Unavailable, Message: "the service answers with characters that cannot be seen", Hint: "You: check the service's URL, and what stands between you and it"}
		}
	}
	return nil
}

// onlyHere refuses flags that a service does not take.
func onlyHere(given map[string]bool) error {
	for _, flag := range sortedKeys(given) {
		if given[flag] {
			return &rolecall.Error{Code: rolecall.Invalid, Message: "--" + flag + " is not for a service", Hint: "You: leave --" + flag + " out, or --server and ROLECALL_SERVER"}
		}
	}
	return nil
}
