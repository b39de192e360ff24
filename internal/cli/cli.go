// Package cli is the command line of rolecall: commands, flags and output.
//
// A command is a struct of its options with a Run method; it wires packages
// together and prints, and holds no rules of its own. Results go to stdout,
// errors and progress to stderr. Only this package shows hints to people.
package cli

import (
	"context"
	"errors"
	"io"
	"log"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/rolecall/rolecall"
)

// System is what a command touches of the process around it.
type System struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Getenv         func(string) string
	Signals        <-chan os.Signal // requests to stop; may be nil
	Exit           func(code int)   // ends the process on the second of Signals

	terminal int // columns of the terminal that a test has; 0: what Stdout and Stderr are
}

// Process is the System of the running process. It takes over SIGINT and
// SIGTERM for good.
func Process() System {
	// Package net/http logs what servers send unasked, and libraries may log more.
	log.SetOutput(io.Discard)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	return System{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv, Signals: signals, Exit: os.Exit}
}

type commands struct {
	Output string `enum:"text,json,sarif" default:"text" placeholder:"FORMAT" help:"Print results as text for people, or as one JSON document: text or json; policy lint knows sarif too."`

	Demo    demoCommand    `cmd:"" help:"Run a job across two customers' accounts on the built-in sandbox, and tell what happened."`
	Run     runCommand     `cmd:"" help:"Run a job here and now, without a server."`
	Check   checkCommand   `cmd:"" help:"Diagnose a connection step by step, and print what fixes it."`
	Serve   serveCommand   `cmd:"" help:"Run the service: organizations, connections and checks over HTTP."`
	Sandbox sandboxCommand `cmd:"" help:"Serve a local AWS: STS, S3, IAM and KMS enough to be refused properly."`
	Policy  struct {
		Generate generateCommand `cmd:"" help:"Print the least policies that make a connection work, for both sides."`
		Lint     lintCommand     `cmd:"" help:"Read policies as they were pasted, say what is wrong and correct it."`
		Simulate simulateCommand `cmd:"" help:"Decide a request against all policies that apply, and say why and what would turn it; or many, as JSON lines."`
		Explain  explainCommand  `cmd:"" help:"Say which policy an error message of AWS's speaks of, and what to add to it."`
	} `cmd:"" help:"Work with IAM policies."`
	Config struct {
		Check configCheckCommand `cmd:"" help:"Read rolecall.yaml and print what it declares, or all that is wrong with it."`
	} `cmd:"" help:"Work with rolecall.yaml."`
	Connection struct {
		List    connectionListCommand   `cmd:"" help:"List an organization's connections at the service."`
		Show    connectionShowCommand   `cmd:"" help:"Show a connection at the service, and what checks found."`
		Put     connectionPutCommand    `cmd:"" help:"Make a connection at the service, or change it."`
		Delete  connectionDeleteCommand `cmd:"" help:"Remove a connection from the service."`
		Release releaseCommand          `cmd:"" help:"Give up an organization's claim on a connection's role or dispenser: work that uses it stops, and another organization may claim it. The next use claims it again."`
	} `cmd:"" help:"Work with connections."`
	Org struct {
		List   orgListCommand   `cmd:"" help:"List the organizations of the service."`
		Show   orgShowCommand   `cmd:"" help:"Show an organization, with what trust policies must name."`
		Create orgCreateCommand `cmd:"" help:"Make an organization at the service."`
		Update orgUpdateCommand `cmd:"" help:"Change an organization at the service."`
		Rotate orgRotateCommand `cmd:"" help:"Replace an organization's external id, or say how far that is."`
		Delete orgDeleteCommand `cmd:"" help:"Delete an organization for good, and say what remains at the customer."`
		Adopt  orgAdoptCommand  `cmd:"" help:"Move an organization that rolecall.yaml declares, or declared, to the API of rolecall serve, with its ids and history."`
	} `cmd:"" help:"Work with organizations of rolecall serve."`
	SigninLink signInLinkCommand `cmd:"" name:"signin-link" help:"Make a link that signs in to the service once, on its own machine, and print it."`
	Token      struct {
		Create tokenCreateCommand `cmd:"" help:"Make a token for the service, on its own machine or with --server, and print it."`
		List   tokenListCommand   `cmd:"" help:"List an organization's tokens, or the operator's, without their secrets."`
		Revoke tokenRevokeCommand `cmd:"" help:"End a token, at once."`
	} `cmd:"" help:"Work with tokens of rolecall serve."`
	SetupLink struct {
		Create setupLinkCreateCommand `cmd:"" help:"Make a link by which a customer's admin without an account connects a connection, and print it."`
		Show   setupLinkShowCommand   `cmd:"" help:"Show what the setup link in $$ROLECALL_TOKEN is for."`
		List   setupLinkListCommand   `cmd:"" help:"List a connection's setup links, without their URLs."`
		Revoke setupLinkRevokeCommand `cmd:"" help:"End a setup link, at once."`
	} `cmd:"" name:"setup-link" help:"Work with setup links of rolecall serve."`
	Member struct {
		Invite memberInviteCommand `cmd:"" help:"Make a link that signs a person in to an organization once, and print it."`
		List   memberListCommand   `cmd:"" help:"List an organization's members, and who was invited."`
		Remove memberRemoveCommand `cmd:"" help:"Remove a member and end their sessions, or withdraw an invitation."`
	} `cmd:"" help:"Work with the people of an organization."`
	Session struct {
		List sessionListCommand `cmd:"" help:"List who is signed in with a browser."`
		End  sessionEndCommand  `cmd:"" help:"End a session, at once."`
	} `cmd:"" help:"Work with sessions of rolecall serve."`
	Secret struct {
		List   secretListCommand   `cmd:"" help:"List an organization's secrets at the service, without their values."`
		Put    secretPutCommand    `cmd:"" help:"Store a secret at the service, from stdin or a file."`
		Delete secretDeleteCommand `cmd:"" help:"Destroy a secret's value."`
	} `cmd:"" help:"Work with secrets of rolecall serve."`
	Audit struct {
		List   auditListCommand   `cmd:"" help:"List who did what, the newest first."`
		Verify auditVerifyCommand `cmd:"" help:"Check that no audit record of rolecall serve was changed, removed or cut off."`
	} `cmd:"" help:"Work with audit records."`
	Seal struct {
		Rotate sealRotateCommand `cmd:"" help:"Make a new key that the secrets of rolecall serve are sealed under; it may serve meanwhile."`
	} `cmd:"" help:"Work with the keys that secrets are sealed under."`
	Credentials credentialsCommand `cmd:"" help:"Print a connection's credentials for a tool, as credential_process takes them."`
	Exec        execCommand        `cmd:"" help:"Run a command with a connection's credentials in its environment."`
	Dispenser   dispenserCommand   `cmd:"" help:"Serve credentials of a customer's own roles to a vendor: the other side of http_credential_source."`
	Version     versionCommand     `cmd:"" help:"Print the version."`
}

// Run runs the command that args name and returns the process's exit code.
// Cancelling ctx, or a first signal, ends it cleanly.
func Run(ctx context.Context, args []string, sys System) int {
	var root commands
	helped := false
	parser, err := kong.New(&root,
		kong.Name("rolecall"),
		kong.Description("Work on files in other people's S3 buckets, safely."),
		kong.Writers(sys.Stdout, sys.Stderr),
		kong.Exit(func(int) { helped = true }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Help(sys.help),
		kong.Bind(sys),
	)
	if err != nil {
		panic(err) // the struct above is malformed
	}
	out := newOutput(sys, wantsJSON(args))
	parsed, err := parser.Parse(args)
	if helped {
		return exitDone
	}
	if err != nil {
		return out.fail(&rolecall.Error{Code: rolecall.Invalid, Message: err.Error(), Hint: usageHint(err)})
	}

	out.json, out.sarif = root.Output == "json", root.Output == "sarif"
	if _, lints := parsed.Selected().Target.Addr().Interface().(*lintCommand); out.sarif && !lints {
		return out.fail(&rolecall.Error{Code: rolecall.Invalid, Message: "only policy lint prints sarif", Hint: "You: give --output text or json"})
	}
	if _, execs := parsed.Selected().Target.Addr().Interface().(*execCommand); !execs { // which passes signals on
		interrupted, stop := interruptible(ctx, sys, out)
		defer stop()
		ctx = interrupted
	}
	parsed.BindTo(ctx, (*context.Context)(nil))
	err = parsed.Run(out)
	lost := out.stdout.lost()
	var code shown
	switch {
	case errors.As(err, &code):
		out.errors(rolecall.List(lost))
		return int(code)
	case lost != nil: // of which err tells in other words, if at all
		return out.fail(lost)
	case err == nil:
		return exitDone
	case errors.Is(context.Cause(ctx), errInterrupted) && errors.Is(err, context.Canceled):
		return exitInterrupted
	}
	return out.fail(err)
}

// usageHint names the help of the command that was meant, which alone has its flags.
func usageHint(err error) string {
	command, takes := "rolecall", "commands"
	var wrong *kong.ParseError
	if errors.As(err, &wrong) && wrong.Context != nil {
		for _, at := range wrong.Context.Path {
			if at.Command == nil {
				continue
			}
			if command += " " + at.Command.Name; at.Command.Leaf() {
				takes = "arguments and flags"
			}
		}
	}
	return "You: run " + command + " --help, which lists its " + takes
}

// help prints the help of a command, as wide as the terminal: kong takes 80
// columns and more for granted.
func (sys System) help(options kong.HelpOptions, of *kong.Context) error {
	wide := sys.columns(of.Stdout)
	if wide == 0 || wide >= lineWidth {
		return kong.DefaultHelpPrinter(options, of)
	}
	var text strings.Builder
	stdout := of.Stdout
	of.Stdout, options.WrapUpperBound = &text, wide
	defer func() { of.Stdout = stdout }()
	if err := kong.DefaultHelpPrinter(options, of); err != nil {
		return err
	}
	_, err := io.WriteString(stdout, fitted(text.String(), wide))
	return err
}

// wantsJSON finds --output json before the arguments are parsed, so that
// faults of the arguments themselves are shown as asked.
func wantsJSON(args []string) bool {
	i := slices.Index(args, "--output")
	return slices.Contains(args, "--output=json") || i >= 0 && i+1 < len(args) && args[i+1] == "json"
}

var errInterrupted = errors.New("interrupted")

// interruptible ends the context at the first signal and the process at the
// second. The function that it returns waits for the watcher to end.
func interruptible(parent context.Context, sys System, out *output) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	quit, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for range 2 {
			select {
			case <-quit:
				return
			case <-sys.Signals:
			}
			if errors.Is(context.Cause(ctx), errInterrupted) {
				if dir := out.left.Load(); dir != nil {
					out.note("the temporary working directory is left, with all that is in it: remove %s", *dir)
				}
				sys.Exit(exitInterrupted)
				return
			}
			out.note("stopping; interrupt again to end at once")
			cancel(errInterrupted)
		}
	}()
	return ctx, func() {
		close(quit)
		<-ended
		cancel(nil)
	}
}
