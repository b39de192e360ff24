package dispenser

import (
	"crypto/sha256"
	"crypto/tls"
	"io"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/strict"
	"github.com/rolecall/rolecall/internal/strict/yaml"
)

// Config is a valid dispenser.yaml. Load makes it.
type Config struct {
	Listen string // address to listen on

	url         string // that vendors call
	certificate *tls.Certificate
	principals  []rolecall.ARN
	bearer      *digest
	externalIDs map[string]digest // digests of organization and external id, by organization
	identity    credential.Declared
	grants      []Grant
	stsEndpoint *url.URL // nil: AWS's regional ones
	getenv      func(string) string
}

// digest represents a secret that is compared and not kept. Digests compare in
// constant time, whatever the length of their input.
type digest [sha256.Size]byte

func digestOf(parts ...string) digest {
	return sha256.Sum256([]byte(strings.Join(parts, "\x00")))
}

// file is the form of dispenser.yaml.
type file struct {
	URL            string                  `json:"url"`
	Listen         string                  `json:"listen"`
	BehindTLSProxy bool                    `json:"behind_tls_proxy"`
	TLS            *tlsFiles               `json:"tls"`
	Vendor         vendor                  `json:"vendor"`
	Bearer         *bearer                 `json:"bearer"`
	Organizations  map[string]organization `json:"organizations"`
	Identity       identity                `json:"identity"`
	Grants         []grant                 `json:"grants"`
	Endpoints      endpoints               `json:"endpoints"`
}

type tlsFiles struct {
	Certificate string `json:"certificate"`
	Key         string `json:"key"`
}

type organization struct {
	ExternalID string `json:"external_id"`
}

type identity struct {
	ARN         string            `json:"arn"`
	Credentials credential.Source `json:"credentials"`
}

type endpoints struct {
	STS string `json:"sts"`
}

const (
	defaultListen = "127.0.0.1:8080"
	maxConfig     = 1 << 20
	maxSecret     = 64 << 10
)

// Load reads and checks a config file, and the files and environment variables
// that it refers to. Paths in it are relative to its directory. The error is a
// rolecall.Errors with all faults. Getenv is os.Getenv, except in tests.
func Load(path string, getenv func(string) string) (*Config, error) {
	data, err := readFile(path, maxConfig)
	if err != nil {
		return nil, &rolecall.Error{Code: rolecall.Invalid, Message: "cannot read the config " + path, Hint: "You: name the config with --config", Err: err}
	}
	cfg, err := parse(data, filepath.Dir(path), getenv)
	if err != nil {
		return nil, rolecall.List(err).In(path, yaml.LinesOf(data))
	}
	return cfg, nil
}

func parse(data []byte, dir string, getenv func(string) string) (*Config, error) {
	text, err := yaml.ToJSON(data)
	if err != nil {
		return nil, err
	}
	var f file
	var shape rolecall.Errors
	strict.Decode(text, &f, &shape)
	r := reader{dir: dir, config: &Config{Listen: f.Listen, externalIDs: map[string]digest{}, getenv: getenv}}
	r.address(f)
	r.callers(f)
	r.organizations(f.Organizations)
	r.identity(f.Identity)
	r.endpoint(f.Endpoints.STS)
	r.grants(f)
	if err := shape.Merge(r.faults).Err(); err != nil {
		return nil, err
	}
	return r.config, nil
}

type reader struct {
	config *Config
	dir    string
	faults rolecall.Errors
}

// address checks the URL and how the dispenser listens.
func (r *reader) address(f file) {
	// The rules and the normal form are those of the worker's side, which signs
	// the URL.
	source := rolecall.HTTPCredentialSource{URL: f.URL}
	for _, e := range rolecall.List(source.Validate()) {
		r.faults.Add("/url", e.Message, e.Hint)
	}
	r.config.url = source.Normal().URL
	if u, err := url.Parse(r.config.url); err == nil && u.Path == HealthPath {
		r.faults.Add("/url", "the path "+HealthPath+" tells whether the dispenser serves", "You: choose another path")
	}
	if r.config.Listen == "" {
		r.config.Listen = defaultListen
	}
	host, _, err := net.SplitHostPort(r.config.Listen)
	ip := net.ParseIP(host)
	switch {
	case err != nil:
		r.faults.Add("/listen", "not an address to listen on", "You: write it as "+defaultListen)
	case f.TLS != nil && f.BehindTLSProxy:
		r.faults.Add("/behind_tls_proxy", "tls and behind_tls_proxy are both given", "You: keep the one that says where TLS ends")
	case f.TLS == nil && !f.BehindTLSProxy && host != "localhost" && (ip == nil || !ip.IsLoopback()):
		r.faults.Add("/listen", "credentials would cross the network in the clear",
			"You: give tls, or listen on 127.0.0.1 behind a proxy that ends TLS; where that runs elsewhere, write behind_tls_proxy: true")
	case f.TLS != nil:
		r.certificate(*f.TLS)
	}
}

func (r *reader) certificate(t tlsFiles) {
	before := len(r.faults)
	if t.Certificate == "" {
		r.faults.Add("/tls/certificate", "the certificate's file is missing", "You: give them in PEM, with the intermediate ones")
	}
	if t.Key == "" {
		r.faults.Add("/tls/key", "the key's file is missing", "You: give it in PEM")
	}
	if len(r.faults) > before {
		return
	}
	pair, err := tls.LoadX509KeyPair(r.resolvePath(t.Certificate), r.resolvePath(t.Key))
	if err != nil {
		r.faults.AddErr("/tls", &rolecall.Error{Code: rolecall.Invalid, Message: "certificate and key cannot be read, or do not belong together", Hint: "You: give both in PEM", Err: err})
		return
	}
	r.config.certificate = &pair
}

func (r *reader) organizations(m map[string]organization) {
	if len(m) == 0 {
		r.faults.Add("/organizations", "no organization is declared", "You: name under organizations the api_name that the vendor knows you by, with the external id that it gave you")
	}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		at := strict.Pointer("organizations", name)
		r.faults.AddErr(at, rolecall.ValidateAPIName(name))
		id := m[name].ExternalID
		if id == "" {
			r.faults.Add(at+"/external_id", "the external id is missing", "You: write the one that the vendor gave you for this organization")
			continue
		}
		if (rolecall.ExternalID{Mode: rolecall.ExternalIDCustom, Value: id}).Validate() != nil {
			r.faults.Add(at+"/external_id", "not an external id", "You: write 2 to 1224 letters, digits or characters of _+=,.@:/-")
			continue
		}
		r.config.externalIDs[name] = digestOf(name, id)
	}
}

// ownIdentity is the name of the dispenser's own identity in package
// credential.
const ownIdentity = "dispenser"

func (r *reader) identity(i identity) {
	const at = "/identity"
	r.faults.AddErr(at+"/credentials", i.Credentials.Validate())
	source := i.Credentials
	if source.Source == credential.SourcePrincipal {
		r.faults.Add(at+"/credentials/source", "there are no other principals here", "You: write one of static, environment, profile, web_identity, instance")
	}
	var arn rolecall.ARN
	switch {
	case i.ARN != "":
		var err error
		arn, err = rolecall.ParseARN(i.ARN)
		r.faults.AddErr(at+"/arn", err)
	case source.Source == credential.SourceWebIdentity:
		r.faults.Add(at+"/arn", "a web identity token is exchanged for a role", "You: give the role's ARN")
	}
	if source.File != "" {
		source.File = r.resolvePath(source.File)
	}
	r.config.identity = credential.Declared{Principal: rolecall.Principal{Name: ownIdentity, ARN: arn}, Source: source}
}

func (r *reader) endpoint(s string) {
	if s == "" {
		return
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" || strings.Trim(u.Path, "/") != "" {
		r.faults.Add("/endpoints/sts", "not an http or https URL of a host", "You: write it as https://sts.example.com")
		return
	}
	r.config.stsEndpoint = &url.URL{Scheme: u.Scheme, Host: u.Host}
}

func (r *reader) resolvePath(path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(r.dir, path)
}

func readFile(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = &rolecall.Error{Code: rolecall.Invalid, Message: path + " is too large"}
	}
	return data, err
}
