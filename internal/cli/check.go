package cli

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/credential"
	"github.com/rolecall/rolecall/internal/account"
	"github.com/rolecall/rolecall/internal/check"
	"github.com/rolecall/rolecall/internal/config"
	"github.com/rolecall/rolecall/internal/job"
	"github.com/rolecall/rolecall/internal/service"
	"github.com/rolecall/rolecall/internal/worker"
)

type checkCommand struct {
	serverFlags
	Connection string   `arg:"" optional:"" placeholder:"CONNECTION" help:"The connection, as the config names it."`
	All        bool     `help:"Check every connection, or those of --org; for a scheduler."`
	Org        string   `placeholder:"NAME" help:"Organization whose connection it is; may be left out where only one has it."`
	Principal  string   `placeholder:"NAME" help:"Principal to check as; else the one of the connection's region, else the default."`
	Config     string   `placeholder:"FILE" default:"rolecall.yaml" env:"ROLECALL_CONFIG" help:"The config; ${default} by default."`
	Policy     []string `sep:"none" placeholder:"KIND=FILE" help:"A policy as the account has it, as copied from the console or printed by the aws command line: it is judged, and what mends it is corrected in it. KIND is trust, permissions, boundary, bucket, key, worker, scp or rcp. Repeatable."`
	Deep       bool     `help:"Write, read and delete a real object, too, at one fixed key below the prefix."`
	Wait       wait     `placeholder:"[TIME]" help:"Try again for so long what is denied, since changes at AWS take time to spread: 2m without a TIME, and as long after the connection changed."`
	Report     string   `placeholder:"FILE" help:"Write the report here, too; it always goes into the state directory."`
	Verbose    bool     `short:"v" help:"Log what happens on stderr."`
}

// wait is a flag whose value may be left out.
type wait struct {
	given bool
	time.Duration
}

// Decode implements kong.MapperValue.
func (w *wait) Decode(ctx *kong.DecodeContext) error {
	next := ctx.Scan.Peek()
	text, isText := next.Value.(string)
	duration, err := time.ParseDuration(text)
	switch {
	case next.Type == kong.FlagValueToken && (err != nil || duration < 0), isText && (err == nil && duration < 0 || err != nil && likeTime(text)):
		return fmt.Errorf("%q is not a time, for example 2m", text)
	case isText && err == nil && duration >= 0:
		ctx.Scan.Pop()
	default:
		duration = check.Spreads
	}
	*w = wait{true, duration}
	return nil
}

// likeTime reports whether the text is meant as a time, and not as the name of
// a connection.
func likeTime(text string) bool {
	return text != "" && strings.Trim(text[:1], "0123456789") == "" && strings.Trim(text, "0123456789.hms") == ""
}

// Run diagnoses a connection, or all.
func (c *checkCommand) Run(ctx context.Context, sys System, out *output) error {
	if c.All && c.Connection != "" {
		return &rolecall.Error{Code: rolecall.Invalid, Message: "--all checks every connection, and " + strconv.Quote(c.Connection) + " is one", Hint: "You: leave one of the two out"}
	}
	if !c.All && c.Connection == "" {
		return &rolecall.Error{Code: rolecall.Invalid, Message: "which connection is to be checked?", Hint: "You: name one, or give --all"}
	}
	if c.remoteConnection(sys) {
		return c.ask(ctx, sys, out)
	}
	cfg, registry, err := loadConfig(ctx, sys, out, config.LoadTolerant, c.Config)
	if err != nil {
		return err
	}
	defer func() { _ = registry.Close() }()
	exposed(ctx, sys, cfg, out)
	for org, connections := range cfg.Faulty {
		for name, faulty := range connections {
			cfg.Organizations[org].Connections[name] = faulty.Connection
		}
	}
	requests, err := c.requests(cfg)
	if err != nil {
		return err
	}
	var of rolecall.Connection
	if !c.All {
		of = requests[0].Connection
	}
	given, err := c.policies(ctx, sys, of)
	if err != nil {
		return err
	}
	if len(given) > 0 {
		if requests[0].Connection.RoleARN == "" {
			return &rolecall.Error{Code: rolecall.Invalid, Message: "the connection " + c.Connection + " has no role: its policies cannot be judged", Hint: "You: leave --policy out"}
		}
		requests[0].Policies = given
	}
	verdicts, err := registry.Verdicts()
	if err != nil {
		return err
	}
	work, err := worker.OpenLocal(cfg, verdicts, worker.Local{Log: out.logger(c.Verbose), Intent: registry.Sessions(sessionOf(requests))})
	if err != nil {
		return err
	}
	defer work.Close()
	if c.All {
		return c.all(ctx, out, registry.Checks(), requests, work)
	}
	return c.one(ctx, out, registry.Checks(), requests[0], work)
}

// sessionOf returns a function that says for the audit records of a service which
// check a session is of.
func sessionOf(requests []check.Request) func(credential.Event) service.HostWork {
	return func(e credential.Event) service.HostWork {
		w := service.HostWork{Action: account.CheckStart, Organization: e.Organization, Command: "check"}
		for _, r := range requests {
			if r.ID == e.JobID {
				w.Target = "connections/" + r.Connection.Name
			}
		}
		return w
	}
}

// requests are the checks to make, by organization and connection.
func (c *checkCommand) requests(cfg *config.Config) ([]check.Request, error) {
	if c.Principal != "" {
		if _, err := cfg.Vendor.PrincipalFor(c.Principal, ""); err != nil {
			return nil, err
		}
	}
	if !c.All {
		org, conn, err := connection(cfg, c.Org, c.Connection)
		if err != nil {
			return nil, err
		}
		return []check.Request{c.request(cfg, org, conn)}, nil
	}
	if c.Org != "" {
		if _, err := organization(cfg, c.Org); err != nil {
			return nil, err
		}
	}
	requests := []check.Request{}
	for _, name := range sortedKeys(cfg.Organizations) {
		org := cfg.Organizations[name]
		if c.Org != "" && c.Org != name {
			continue
		}
		for _, connection := range sortedKeys(org.Connections) {
			requests = append(requests, c.request(cfg, org, org.Connections[connection]))
		}
	}
	return requests, nil
}

func (c *checkCommand) request(cfg *config.Config, org rolecall.Organization, conn rolecall.Connection) check.Request {
	r := check.Request{
		ID: job.NewID(), Organization: org, Connection: conn, Vendor: cfg.Vendor,
		Faults: cfg.Faulty[org.APIName][conn.Name].Faults, Deep: c.Deep, Discloses: true,
	}
	var err error
	if r.Principal, err = cfg.Vendor.PrincipalFor(c.Principal, conn.Region); err != nil {
		r.Faults.AddErr("", err)
	}
	return r
}

// one checks a connection and shows each step as it ends.
func (c *checkCommand) one(ctx context.Context, out *output, records check.Records, r check.Request, checker check.Checker) error {
	live := newCheckProgress(out)
	report, path, err := check.Recorded(ctx, r, checker, records, c.begin(out), func(e check.Event) {
		live.brief = ctx.Err() != nil
		live.observe(e)
	})
	out.screen.settle()
	if ctx.Err() != nil && len(report.Steps) > 0 {
		if err := out.documentOf(report); err != nil {
			return err
		}
		return ctx.Err()
	}
	if err == nil && c.Report != "" {
		path, err = c.Report, writeReport(c.Report, report)
	}
	if err != nil {
		return err
	}
	return c.conclude(out, report, path)
}

// conclude prints how a check ended, and where its report is.
func (c *checkCommand) conclude(out *output, report rolecall.CheckReport, path string) error {
	if err := out.documentOf(report); err != nil {
		return err
	}
	if !out.json {
		out.printf("\n%s: %s\n", out.onOut.paint(bold, printable(report.Connection)), out.result(report.Result, string(report.Result)))
		if report.Result == rolecall.CheckDrift {
			out.under(drifted)
		}
		if path != "" {
			out.note("the report is in %s", path)
		}
	}
	return exitOfChecks(report)
}

// all checks connections and prints a summary of each as it ends.
func (c *checkCommand) all(ctx context.Context, out *output, records check.Records, requests []check.Request, checker check.Checker) error {
	each := out.summary
	if out.json {
		each = nil // they are one document
	}
	ended, stopped := check.All(ctx, requests, checker, records, c.begin(out), each)
	return c.concludeAll(out, ended, stopped)
}

// concludeAll prints how checks ended; stopped is why there are no more.
func (c *checkCommand) concludeAll(out *output, ended []rolecall.CheckReport, stopped error) error {
	results := map[string]any{"results": ended}
	if err := out.documentOf(results); err != nil {
		return err
	}
	if stopped != nil {
		return stopped
	}
	if c.Report != "" {
		if err := writeReport(c.Report, results); err != nil {
			return err
		}
	}
	return exitOfChecks(ended...)
}

// begin makes a check wait as long as was asked, and says that it may take its
// time, and why.
func (c *checkCommand) begin(out *output) func(*check.Request) {
	return func(r *check.Request) {
		why := " changed a moment ago, so"
		if c.Wait.given {
			why, r.Wait = "", c.Wait.Duration
		}
		if r.Wait > 0 {
			out.note("%s/%s%s: what is denied is tried again for %s; --wait 0 does not wait", r.Organization.APIName, r.Connection.Name, why, r.Wait.Round(time.Second))
		}
	}
}

// exitOfChecks is the code of the process. Where nothing is wrong but that AWS
// could not be reached, nothing is known to be.
func exitOfChecks(reports ...rolecall.CheckReport) error {
	wrong, reached := false, false
	for _, r := range reports {
		wrong = wrong || r.Result == rolecall.CheckFail || r.Result == rolecall.CheckDrift
		reached = reached || r.Result == rolecall.CheckDrift
		for _, s := range r.Steps {
			reached = reached || s.Result == rolecall.CheckFail && s.Layer != rolecall.LayerNetwork && !slices.Equal(s.Candidates, unreached)
		}
	}
	switch {
	case !wrong:
		return nil
	case reached:
		return shown(exitFailed)
	}
	return shown(exitUnavailable)
}

// unreached are the candidates where an endpoint of the customer's, or a
// dispenser, does not answer.
var unreached = []rolecall.CheckLayer{rolecall.LayerNetwork, rolecall.LayerName}
