package cli

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/client"
	"github.com/rolecall/rolecall/internal/config"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/policy/render"
)

type generateCommand struct {
	serverFlags
	Connection string `arg:"" optional:"" placeholder:"CONNECTION" help:"Connection that the config declares; without it, flags say what it is."`
	Config     string `placeholder:"FILE" default:"rolecall.yaml" env:"ROLECALL_CONFIG" help:"The config; ${default} by default."`
	Org        string `placeholder:"NAME" help:"Organization whose connection it is; may be left out where only one has it."`

	connectionFlags

	Principal     []string `sep:"none" placeholder:"NAME|ARN" help:"Who is let in: a declared principal's name, else the one of the connection's region; without CONNECTION an ARN. Repeatable."`
	ExternalID    []string `name:"external-id" sep:"none" placeholder:"ID" help:"External id to accept, beside the declared one: both, while a new one replaces an old. Repeatable."`
	VendorAccount []string `placeholder:"ID" help:"Account of the vendor's, beside those declared and the principals'. Repeatable."`

	Form              string   `enum:"principal,account" default:"principal" placeholder:"FORM" help:"How the trust policy names principals: principal, by ARN, which AWS checks to exist; or account, by a condition, which outlives a worker role made anew."`
	Worker            string   `enum:"any,list" default:"any" placeholder:"FORM" help:"Which roles the workers may assume: any outside the vendor's accounts, or a list: this one and those of --worker-role."`
	SessionAction     []string `enum:"sts:TagSession,sts:SetSourceIdentity" placeholder:"ACTION" help:"What STS asks for beside sts:AssumeRole, of both sides: sts:TagSession where the workers' sessions have transitive tags, as on EKS Pod Identity; sts:SetSourceIdentity. Repeatable."`
	WorkerRole        []string `sep:"none" placeholder:"ARN" help:"Role that workers may assume besides, with --worker list. Repeatable."`
	Versioned         bool     `help:"Old versions of objects are read too."`
	RequireTLS        bool     `name:"require-tls" help:"Have the bucket refuse everyone who comes without TLS."`
	RequireEncryption bool     `help:"Have the bucket refuse what is not encrypted as the connection says."`
	Optional          []string `placeholder:"GRANT" help:"Permission that the connection can do without, such as GetBucketLocation; all for all of them. Repeatable."`
	RevokeBefore      string   `placeholder:"TIME" help:"Also give the policy that ends sessions begun before: now, or a time such as 2026-11-21T13:00:00Z. JSON always has it, by default of now."`

	Format string `enum:",json,cloudformation,terraform,cli" default:"" placeholder:"FORMAT" help:"json, cloudformation, terraform, or cli for a script of aws commands; else text for people."`
	Side   string `enum:"customer,vendor" default:"customer" placeholder:"SIDE" help:"Who sets it up with cloudformation, terraform or cli: the customer, or the vendor, who gets the worker policy."`
}

// connectionFlags say what a connection is where no config does.
type connectionFlags struct {
	Purpose     string `placeholder:"PURPOSE" help:"source to read, delivery to read and write."`
	Bucket      string `placeholder:"NAME" help:"The bucket."`
	Prefix      string `placeholder:"PREFIX/" help:"Only keys that begin so; ends in a slash."`
	Region      string `placeholder:"REGION" help:"Where the bucket is."`
	RoleARN     string `name:"role-arn" placeholder:"ARN" help:"The customer's role; with --server, that is going to be made for a connection that has none."`
	BucketOwner string `placeholder:"ID" help:"Account that owns the bucket, if not the role's."`
	Encryption  string `placeholder:"TYPE" help:"AES256 or aws:kms."`
	KMSKey      string `name:"kms-key" placeholder:"ARN" help:"The KMS key that the bucket's objects are under."`
	ACL         string `name:"acl" placeholder:"ACL" help:"ACL that deliveries are given."`
}

func (f connectionFlags) connection() rolecall.Connection {
	c := rolecall.Connection{
		Purpose: rolecall.Purpose(f.Purpose), Bucket: f.Bucket, Prefix: f.Prefix, Region: f.Region,
		RoleARN: f.RoleARN, BucketOwner: f.BucketOwner, ACL: f.ACL,
	}
	if f.KMSKey != "" && f.Encryption == "" {
		f.Encryption = "aws:kms"
	}
	if f.Encryption != "" {
		c.Encryption = &rolecall.Encryption{Type: f.Encryption, Key: f.KMSKey}
	}
	return c
}

// Run prints all documents of the connection, each statement with its reason.
func (c *generateCommand) Run(ctx context.Context, sys System, out *output) error {
	if c.remoteConnection(sys) {
		return c.ask(ctx, sys, out)
	}
	r, err := c.request(ctx, sys, out)
	if err != nil {
		return err
	}
	// For a program the kit is whole; a person or a template gets the document
	// that ends sessions only when it is to end some.
	if r.RevokeBefore.IsZero() && (c.Format == string(render.JSON) || c.Format == "" && out.json) {
		r.RevokeBefore = time.Now()
	}
	kit, err := policy.Generate(r)
	if err != nil {
		return err
	}
	if c.Format == "" {
		if out.json {
			return out.document(kit)
		}
		printKit(out, r, kit)
		return nil
	}
	text, err := render.Render(render.Format(c.Format), render.Setup{Request: r, Kit: kit, Side: render.Side(c.Side)})
	if err != nil {
		return err
	}
	return c.print(out, text)
}

// print prints the documents in the format that was asked for.
func (c *generateCommand) print(out *output, text []byte) error {
	if out.json && c.Format != string(render.JSON) {
		return out.document(map[string]string{"format": c.Format, "text": string(text)})
	}
	out.wrote = true
	_, err := out.stdout.Write(text)
	return err
}

// ask prints what the service makes of a connection that it has.
func (c *generateCommand) ask(ctx context.Context, sys System, out *output) error {
	given := *c
	given.Connection, given.Config, given.Org, given.Format, given.RoleARN, given.serverFlags = "", "", "", "", "", serverFlags{}
	if c.Connection == "" || !reflect.DeepEqual(given, generateCommand{Form: "principal", Worker: "any", Side: "customer"}) {
		return &rolecall.Error{
			Code: rolecall.Invalid, Message: "the service gives the policies of a connection that it has, as they are",
			Hint: "You: give CONNECTION, and of other flags --org, --format and --role-arn alone; or leave --server and ROLECALL_SERVER out",
		}
	}
	asked, org, err := orgFlags{c.serverFlags, c.Org}.open(ctx, sys)
	if err != nil {
		return err
	}
	text, err := asked.Policies(ctx, org, c.Connection, client.PoliciesRequest{Format: cmp.Or(c.Format, string(render.JSON)), RoleARN: c.RoleARN})
	if err != nil {
		return err
	}
	if c.Format != "" {
		if err := plain(text); err != nil {
			return err
		}
		return c.print(out, text)
	}
	kit, err := answered[policy.Kit](text, nil)
	if err != nil {
		return err
	}
	if out.json {
		return out.document(kit)
	}
	of, err := asked.Connection(ctx, org, c.Connection)
	if err != nil {
		return err
	}
	of.RoleARN = cmp.Or(of.RoleARN, c.RoleARN)
	kit.Revocation = nil // people get it only when it is to end something
	printKit(out, policy.KitRequest{Connection: of.Connection}, kit)
	return nil
}

func (c *generateCommand) request(ctx context.Context, sys System, out *output) (policy.KitRequest, error) {
	r, err := c.declared(ctx, sys, out)
	if err != nil {
		return r, err
	}
	r.ExternalIDs = append(r.ExternalIDs, c.ExternalID...)
	r.VendorAccounts = append(slices.Clone(r.VendorAccounts), c.VendorAccount...)
	r.Form, r.Worker, r.WorkerRoles, r.SessionActions = policy.TrustForm(c.Form), policy.WorkerForm(c.Worker), c.WorkerRole, c.SessionAction
	r.Versioned, r.RequireTLS, r.RequireEncryption = c.Versioned, c.RequireTLS, c.RequireEncryption
	for _, g := range c.Optional {
		if g == "all" {
			r.Optional = append(r.Optional, policy.Grants(r.Connection.Purpose)...)
			continue
		}
		r.Optional = append(r.Optional, policy.Grant(g))
	}
	switch c.RevokeBefore {
	case "":
	case "now":
		r.RevokeBefore = time.Now()
	default:
		if r.RevokeBefore, err = time.Parse(time.RFC3339, c.RevokeBefore); err != nil {
			return r, &rolecall.Error{Code: rolecall.Invalid, Message: fmt.Sprintf("--revoke-before %q is not a time", c.RevokeBefore), Hint: "You: write now, or a time such as 2026-11-21T13:00:00Z"}
		}
	}
	return r, nil
}

// declared is what the config or the flags say of the connection and who works
// on it.
func (c *generateCommand) declared(ctx context.Context, sys System, out *output) (policy.KitRequest, error) {
	if c.Connection == "" {
		if c.connectionFlags == (connectionFlags{}) {
			return policy.KitRequest{}, &rolecall.Error{
				Code: rolecall.Invalid, Message: "there is no connection to make policies for",
				Hint: "You: name one that the config declares, or give --purpose, --bucket, --role-arn, --principal and --external-id",
			}
		}
		return policy.KitRequest{Connection: c.connection(), Principals: c.Principal}, nil
	}
	if c.connectionFlags != (connectionFlags{}) {
		return policy.KitRequest{}, &rolecall.Error{
			Code: rolecall.Invalid, Message: "the config says what the connection is, and flags do too",
			Hint: "You: give either CONNECTION or --purpose, --bucket and their like",
		}
	}
	cfg, registry, err := loadConfig(ctx, sys, out, config.Load, c.Config)
	if err != nil {
		return policy.KitRequest{}, err
	}
	defer func() { _ = registry.Close() }()
	o, declared, err := connection(cfg, c.Org, c.Connection)
	if err != nil {
		return policy.KitRequest{}, err
	}
	return policy.RequestFor(cfg.Vendor, o, declared, c.Principal)
}

// printKit prints each document, where it belongs and what its statements are
// for; then what could be granted as well.
func printKit(out *output, r policy.KitRequest, kit policy.Kit) {
	c := r.Connection
	bucket := "the bucket " + c.Bucket
	if c.BucketOwner != "" {
		bucket += " in the account " + c.BucketOwner
	}
	key := "the bucket's KMS key"
	if c.Encryption != nil && c.Encryption.Key != "" {
		key = "the KMS key " + c.Encryption.Key
	}
	for _, d := range []struct {
		kind  policy.Kind
		title string
	}{
		{policy.TrustDocument, "trust policy of the role " + c.RoleARN},
		{policy.PermissionsDocument, "permissions policy of the role " + c.RoleARN},
		{policy.BucketDocument, "statements for the policy of " + bucket},
		{policy.KeyDocument, "statements for the policy of " + key},
		{policy.WorkerDocument, "policy of the vendor's workers"},
		{policy.RevocationDocument, "policy that ends the living sessions of the role " + c.RoleARN},
	} {
		document := kit.Document(d.kind)
		if document == nil {
			continue
		}
		out.printf("%s\n", out.onOut.paint(bold, printable(d.title)))
		for _, reason := range kit.Reasons {
			if reason.Document == d.kind {
				out.printf("  %s: %s\n", reason.Sid, printable(reason.Text))
			}
		}
		out.verbatim("%s\n\n", pretty(document))
	}
	var rest []policy.Grant
	for _, g := range policy.Grants(c.Purpose) {
		if !slices.Contains(r.Optional, g) {
			rest = append(rest, g)
		}
	}
	if len(rest) > 0 {
		out.printf("%s\n", out.onOut.paint(bold, "not granted, and what is lost without"))
	}
	for _, g := range rest {
		out.printf("  --optional %s: %s\n", g, g.Lost())
	}
}
