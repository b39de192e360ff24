package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/config"
)

type configCheckCommand struct {
	Config string `placeholder:"FILE" default:"rolecall.yaml" env:"ROLECALL_CONFIG" help:"The config; ${default} by default."`
}

// declaration is what a config declares, without the values of secrets.
type declaration struct {
	Config         string                 `json:"config"`
	VendorAccounts []string               `json:"vendor_accounts"`
	Principals     []declaredPrincipal    `json:"principals"`
	Organizations  []declaredOrganization `json:"organizations"`
	Endpoints      map[string]string      `json:"endpoints"`
	Allow          []string               `json:"network_allow"`
	State          string                 `json:"state"`
	Errors         rolecall.Errors        `json:"errors"`
}

type declaredPrincipal struct {
	Name    string   `json:"name"`
	ARN     string   `json:"arn"`
	Regions []string `json:"regions"`
	Default bool     `json:"default"`
	Source  string   `json:"credentials"` // where they come from
}

type declaredOrganization struct {
	APIName     string               `json:"api_name"`
	ExternalID  rolecall.ExternalID  `json:"external_id"`
	Connections []declaredConnection `json:"connections"`
	Secrets     []declaredSecret     `json:"secrets"`
}

type declaredConnection struct {
	Name string `json:"name"`
	rolecall.Connection
}

type declaredSecret struct {
	Name   string              `json:"name"`
	Type   rolecall.SecretType `json:"type"`
	Bucket string              `json:"bucket,omitempty"`
	Host   string              `json:"host,omitempty"`
}

// Run prints what the config declares; what is wrong with it is the error.
func (c *configCheckCommand) Run(ctx context.Context, sys System, out *output) error {
	cfg, err := readConfig(ctx, sys, c.Config)
	if err != nil {
		return err
	}
	exposed(ctx, sys, cfg, out)
	if err := cfg.CheckFiles(ctx, sys.Getenv); err != nil {
		return err
	}
	for _, name := range cfg.UnsetVariables(sys.Getenv) {
		out.note("the environment variable %s, in which a principal's keys are, is not set here", name)
	}
	d := describe(c.Config, cfg)
	if out.json {
		return out.document(d)
	}
	d.print(out)
	return nil
}

func describe(path string, cfg *config.Config) declaration {
	d := declaration{
		Config: path, VendorAccounts: append([]string{}, cfg.Vendor.Accounts...), State: cfg.State,
		Principals: []declaredPrincipal{}, Organizations: []declaredOrganization{}, Allow: []string{}, Errors: rolecall.Errors{},
		Endpoints: map[string]string{},
	}
	for _, name := range sortedKeys(cfg.Vendor.Principals) {
		p := cfg.Vendor.Principals[name]
		d.Principals = append(d.Principals, declaredPrincipal{name, p.ARN.String(), append([]string{}, p.Regions...), p.Default, cfg.Sources[name].Source})
	}
	for _, name := range sortedKeys(cfg.Organizations) {
		o := cfg.Organizations[name]
		declared := declaredOrganization{APIName: name, ExternalID: o.ExternalID, Connections: []declaredConnection{}, Secrets: []declaredSecret{}}
		for _, c := range sortedKeys(o.Connections) {
			declared.Connections = append(declared.Connections, declaredConnection{c, o.Connections[c]})
		}
		for _, s := range sortedKeys(o.Secrets) {
			declared.Secrets = append(declared.Secrets, declaredSecret{s, o.Secrets[s].Type, o.Secrets[s].Bucket, o.Secrets[s].Host})
		}
		d.Organizations = append(d.Organizations, declared)
	}
	for service, url := range map[string]string{"sts": cfg.Endpoints.STS, "s3": cfg.Endpoints.S3} {
		if url != "" {
			d.Endpoints[service] = url
		}
	}
	for _, prefix := range cfg.Allow {
		d.Allow = append(d.Allow, prefix.String())
	}
	return d
}

func (d declaration) print(out *output) {
	out.printf("%s is valid\n\n", printable(d.Config))
	var rows [][]string
	row := func(cells ...string) { rows = append(rows, cells) }
	row("vendor accounts", orNone(d.VendorAccounts))
	for _, p := range d.Principals {
		marks := append([]string{"credentials: " + p.Source}, p.Regions...)
		if p.Default {
			marks = append(marks, "default")
		}
		row("principal "+p.Name, p.ARN, strings.Join(marks, ", "))
	}
	for _, service := range sortedKeys(d.Endpoints) {
		row("endpoint "+service, d.Endpoints[service])
	}
	row("may also reach", orNone(d.Allow))
	row("state", printable(d.State))
	for _, o := range d.Organizations {
		id := "external id " + o.ExternalID.Value
		if o.ExternalID.Value == "" {
			id = "no external id yet: policy generate, check or run makes it"
		}
		row("\norganization "+o.APIName, id, string(o.ExternalID.Mode))
		for _, c := range o.Connections {
			row("  "+string(c.Purpose)+" "+c.Name, "s3://"+c.Bucket+"/"+c.Prefix, "by "+authorization(c.Connection))
			if c.ExternalID != nil {
				row("", "external id "+c.ExternalID.Value, string(c.ExternalID.Mode))
			}
		}
		for _, s := range o.Secrets {
			bound := "any bucket"
			switch {
			case s.Bucket+s.Host != "":
				bound = "only for " + s.Bucket + s.Host
			case s.Type == rolecall.SecretText:
				bound = "sent nowhere"
			}
			row("  secret "+s.Name, string(s.Type), bound)
		}
	}
	out.printf("%s", out.rows(rows))
}

func authorization(c rolecall.Connection) string {
	switch d := c.HTTPCredentialSource; {
	case c.Secret != "":
		return fmt.Sprintf("secret %s", c.Secret)
	case d != nil && d.Secret != "":
		return fmt.Sprintf("dispenser %s, secret %s", d.URL, d.Secret)
	case d != nil:
		return "dispenser " + d.URL
	default:
		return c.RoleARN
	}
}

func orNone(list []string) string {
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list, ", ")
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
