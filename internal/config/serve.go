package config

import (
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/strict"
)

// Serve is what the config says of rolecall serve.
type Serve struct {
	Listen      string         // address
	PublicURL   *url.URL       // nil: that of the address
	TLS         TLS            // zero: plain http
	BehindProxy []netip.Prefix // whose X-Forwarded-For counts
	DatabaseURL string         // empty: SQLite in the state directory
	SealingFile string         // of the sealing keys; empty: made in the state directory
	Limits      Limits
}

// Limits are of each organization; zero is the service's own.
type Limits struct {
	RequestsPerSecond int `json:"requests_per_second"`
}

// TLS are the files of a certificate and its key; empty: none.
type TLS struct {
	Certificate string `json:"certificate"`
	Key         string `json:"key"`
}

// DefaultListen is where rolecall serve listens.
const DefaultListen = "127.0.0.1:8420"

type serveFile struct {
	Listen      string   `json:"listen"`
	PublicURL   string   `json:"public_url"`
	TLS         TLS      `json:"tls"`
	BehindProxy []string `json:"behind_proxy"`
	Database    struct {
		URLEnv string `json:"url_env"`
	} `json:"database"`
	Sealing struct {
		KeyFile string `json:"key_file"`
	} `json:"sealing"`
	Limits Limits `json:"limits"`
}

func (r reader) serve(f serveFile) {
	s := &r.config.Serve
	s.Listen = DefaultListen
	if f.Listen != "" {
		s.Listen = f.Listen
	}
	if f.PublicURL != "" {
		u, err := url.Parse(f.PublicURL)
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Path != "" && u.Path != "/" {
			r.faults.Add("/public_url", "not the URL of a host", "Operator: write it as https://rolecall.example.com, without a path")
		} else {
			s.PublicURL = &url.URL{Scheme: u.Scheme, Host: u.Host}
		}
		if s.PublicURL != nil && u.Scheme == "http" && !isLoopback(u.Hostname()) {
			r.faults.Add("/public_url", "tokens and sign-in links would cross the network in plain http", "Operator: write it with https, and declare tls, or behind_proxy with the proxy's addresses")
		}
	}
	for i, text := range f.BehindProxy {
		prefix, err := parsePrefix(text)
		if err != nil {
			r.faults.Add(strict.Pointer("behind_proxy", i), "not an address or a range of addresses", "Operator: write the proxy's, for example 10.0.0.0/8")
			continue
		}
		s.BehindProxy = append(s.BehindProxy, prefix.Masked())
	}
	switch {
	case (f.TLS.Certificate == "") != (f.TLS.Key == ""):
		r.faults.Add("/tls", "a certificate needs its key", "Operator: give both certificate and key, as names of files")
	case f.TLS.Certificate != "":
		s.TLS = TLS{within(r.dir, f.TLS.Certificate), within(r.dir, f.TLS.Key)}
	}
	if f.Sealing.KeyFile != "" {
		s.SealingFile = within(r.dir, f.Sealing.KeyFile)
	}
	if s.Limits = f.Limits; s.Limits.RequestsPerSecond < 0 {
		r.faults.Add("/limits/requests_per_second", "a limit is not negative", "Operator: leave it out for 50")
	}
	r.faults.AddErr("/listen", s.Exposed())
	if name := f.Database.URLEnv; name != "" {
		if s.DatabaseURL = os.Getenv(name); s.DatabaseURL == "" {
			r.faults.Add("/database/url_env", "the environment variable "+strict.Quote(name)+" is not set", "Operator: set it to a URL such as postgres://USER:PASSWORD@HOST/DATABASE")
		}
	}
}

// isLoopback reports whether a host is this machine to itself only.
func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback() || strings.EqualFold(host, "localhost")
}

// Exposed returns an error if plain http would be served to other machines, or
// nobody would know by which URL: the address is all of this machine's.
func (s Serve) Exposed() error {
	host, _, err := net.SplitHostPort(s.Listen)
	if err != nil {
		return &rolecall.Error{Code: rolecall.Invalid, Message: "not an address to listen on", Hint: "Operator: write it as " + DefaultListen}
	}
	if addr, err := netip.ParseAddr(host); s.PublicURL == nil && (host == "" || err == nil && addr.IsUnspecified()) {
		return &rolecall.Error{
			Code: rolecall.Invalid, Message: "links would lead nowhere: this is every address of the machine, and public_url is not declared",
			Hint: "Operator: declare public_url, as https://rolecall.example.com, with tls or behind_proxy; else listen on " + DefaultListen,
		}
	}
	if isLoopback(host) || s.TLS.Certificate != "" || len(s.BehindProxy) > 0 {
		return nil
	}
	return &rolecall.Error{
		Code: rolecall.Invalid, Message: "tokens would cross the network in plain http",
		Hint: "Operator: declare tls, or behind_proxy with the proxy's addresses; else listen on " + DefaultListen,
	}
}

// LoadServe loads as Load does, but the file need not exist, and need not
// declare a principal: rolecall serve starts, and says what to declare.
func LoadServe(path string) (*Config, error) {
	_, err := os.Stat(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return load(path, besidesPrincipals)
	}
	c, faults := parse([]byte("{}"), filepath.Dir(path))
	if faults = besidesPrincipals(c, faults); len(faults) > 0 {
		return nil, faults
	}
	return c, nil
}

// besidesPrincipals returns the faults but for that of no principal.
func besidesPrincipals(_ *Config, faults rolecall.Errors) rolecall.Errors {
	var others rolecall.Errors
	for _, fault := range faults {
		if fault.Pointer != "/principals" {
			others = append(others, fault)
		}
	}
	return others
}

// HasPrincipals reports whether somebody is declared who can work.
func (c *Config) HasPrincipals() bool {
	for name := range c.Vendor.Principals {
		if name != rolecall.DispenserPrincipal {
			return true
		}
	}
	return false
}
