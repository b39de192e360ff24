// Package config reads rolecall.yaml: who the vendor is, what its principals
// run as, and, for local runs, the organizations with their connections and
// secrets. It checks all of it and contacts nobody.
package config

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/strict"
	"github.com/rolecall/rolecall/internal/strict/yaml"
)

// Config is what rolecall.yaml declares, checked. The external ids of
// organizations that are to be generated are empty: tenant.Register fills them
// in. It holds no secret's value; see Keys.
type Config struct {
	Vendor        rolecall.Vendor
	Sources       map[string]credential.Source // principals' own credentials
	Organizations map[string]rolecall.Organization
	Endpoints     Endpoints
	Allow         []netip.Prefix // addresses that tenants' URLs may reach beside public ones
	State         string         // absolute path of the state directory
	Serve         Serve
	// Faulty are connections that only LoadTolerant takes, by organization and
	// name; they are not among the organizations' own.
	Faulty map[string]map[string]Faulty

	path    string // of the file; empty: of none
	lines   strict.Lines
	secrets map[string]map[string]secret
}

// Endpoints are the operator's: empty means AWS's own.
type Endpoints struct {
	STS string `json:"sts"`
	S3  string `json:"s3"`
}

// DefaultFile is where a command looks for its config.
const DefaultFile = "rolecall.yaml"

const maxBytes = 4 << 20

// Load reads and checks a config file and the files of secrets that it names.
// It writes nothing. Paths in the config are relative to its directory. Load
// returns all faults as one rolecall.Errors.
func Load(path string) (*Config, error) { return load(path, allFaults) }

func load(path string, separate func(*Config, rolecall.Errors) rolecall.Errors) (*Config, error) {
	f, err := os.Open(path)
	if err != nil {
		code, hint := rolecall.Invalid, "You: name the config with --config or in ROLECALL_CONFIG"
		if !errors.Is(err, fs.ErrNotExist) {
			hint = "You: make the file readable for the user that runs rolecall"
		}
		return nil, &rolecall.Error{Code: code, Message: "cannot read the config " + path, Hint: hint, Err: err}
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	if err != nil {
		return nil, &rolecall.Error{Code: rolecall.Invalid, Message: "cannot read the config " + path, Hint: "You: give the file of the config with --config, which you may read", Err: err}
	}
	if len(data) > maxBytes {
		return nil, &rolecall.Error{Code: rolecall.Invalid, Message: "the config " + path + " is larger than 4 MiB"}
	}
	lines := yaml.LinesOf(data)
	c, faults := parse(data, filepath.Dir(path))
	if faults = separate(c, faults); len(faults) > 0 {
		return nil, faults.In(path, lines)
	}
	c.path, c.lines = path, lines
	if faults = separate(c, rolecall.List(c.readSecrets())); len(faults) > 0 {
		return nil, faults.In(path, lines)
	}
	return c, nil
}

// Locate adds the file and the line to faults that are found later in what the
// config declares.
func (c *Config) Locate(err error) error {
	if err == nil || c.path == "" {
		return err
	}
	return rolecall.List(err).In(c.path, c.lines)
}

// parse returns what could be read of a config whose paths are relative to dir,
// and what is wrong with it: nothing of a text that is no YAML. The versions of
// secrets, which are in their files, are empty.
func parse(data []byte, dir string) (*Config, rolecall.Errors) {
	text, err := yaml.ToJSON(data)
	if err != nil {
		return nil, rolecall.List(err)
	}
	var f file
	var shape rolecall.Errors
	strict.Decode(text, &f, &shape)
	var faults rolecall.Errors
	dir, err = filepath.Abs(dir)
	if err != nil {
		return nil, rolecall.List(err)
	}
	if f.State == "" {
		f.State = "rolecall-state"
	}
	c := &Config{
		Vendor:        rolecall.Vendor{Accounts: f.VendorAccounts, Principals: map[string]rolecall.Principal{}},
		Sources:       map[string]credential.Source{},
		Organizations: map[string]rolecall.Organization{},
		Endpoints:     f.Endpoints,
		State:         within(dir, f.State),
		secrets:       map[string]map[string]secret{},
	}
	r := reader{config: c, dir: dir, faults: &faults}
	r.vendor(f)
	r.network(f)
	r.endpoint("/endpoints/sts", f.Endpoints.STS)
	r.endpoint("/endpoints/s3", f.Endpoints.S3)
	r.serve(f.serveFile)
	for _, name := range sorted(f.Organizations) {
		r.organization(name, f.Organizations[name])
	}
	r.externalIDs(f)
	return c, shape.Merge(faults)
}

// file is rolecall.yaml as it is written.
type file struct {
	VendorAccounts []string                `json:"vendor_accounts"`
	Principals     map[string]principal    `json:"principals"`
	Organizations  map[string]organization `json:"organizations"`
	Endpoints      Endpoints               `json:"endpoints"`
	Network        struct {
		Allow []string `json:"allow"`
	} `json:"network"`
	State string `json:"state"`
	serveFile
}

type organization struct {
	ExternalID  *rolecall.ExternalID           `json:"external_id"`
	Secrets     map[string]secret              `json:"secrets"`
	Connections map[string]rolecall.Connection `json:"connections"`
}

type reader struct {
	config *Config
	dir    string
	faults *rolecall.Errors
}

func (r reader) network(f file) {
	for i, text := range f.Network.Allow {
		at := strict.Pointer("network", "allow", i)
		prefix, err := parsePrefix(text)
		if err != nil {
			r.faults.Add(at, "not an address or a range of addresses", "You: write it as 127.0.0.0/8")
			continue
		}
		if prefix.Bits() == 0 {
			r.faults.Add(at, "this would allow every address", "You: list only what tenants' URLs may reach, for example 10.1.2.0/24")
			continue
		}
		r.config.Allow = append(r.config.Allow, prefix.Masked())
	}
}

// parsePrefix reads a range of addresses, or one address.
func parsePrefix(text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	return netip.ParsePrefix(text)
}

func (r reader) endpoint(at, s string) {
	if s == "" {
		return
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" {
		r.faults.Add(at, "not an http or https URL", "You: write it as https://sts.example.com, without credentials or query")
	}
}

func (r reader) organization(name string, o organization) {
	at := strict.Pointer("organizations", name)
	r.faults.AddErr(at, rolecall.ValidateAPIName(name))
	org := rolecall.Organization{APIName: name, Connections: map[string]rolecall.Connection{}, Secrets: map[string]rolecall.Secret{}}
	r.config.secrets[name] = map[string]secret{}
	for _, n := range sorted(o.Secrets) {
		place := at + strict.Pointer("secrets", n)
		r.faults.AddErr(place, rolecall.ValidateName(n))
		s := o.Secrets[n]
		r.secret(&s, place)
		org.Secrets[n] = rolecall.Secret{Name: n, Type: s.Type, Bucket: s.Bucket, Host: s.Host}
		r.config.secrets[name][n] = s
	}
	for _, n := range sorted(o.Connections) {
		place := at + strict.Pointer("connections", n)
		r.faults.AddErr(place, rolecall.ValidateName(n))
		conn := o.Connections[n]
		conn.Name = n
		r.faults.AddErr(place, conn.Validate())
		r.faults.AddErr(place, org.CheckConnection(r.config.Vendor, conn))
		org.Connections[n] = conn
	}
	r.config.Organizations[name] = org
}

func within(dir, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(dir, path)
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
