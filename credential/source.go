package credential

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/strict"
)

// Source says where a principal's own credentials come from. It names secrets
// by file or environment variable and never holds one.
type Source struct {
	Source string `json:"source"` // one of the kinds below

	AccessKeyIDEnv     string `json:"access_key_id_env,omitempty"` // static, by environment
	SecretAccessKeyEnv string `json:"secret_access_key_env,omitempty"`
	SessionTokenEnv    string `json:"session_token_env,omitempty"`
	File               string `json:"file,omitempty"`    // static: JSON, see ReadKeys; web_identity: the token
	Profile            string `json:"profile,omitempty"` // of the AWS shared configuration
	Principal          string `json:"principal,omitempty"`
}

// The kinds of Source.
const (
	SourceStatic      = "static"       // keys from named environment variables or a file
	SourceEnvironment = "environment"  // AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN
	SourceProfile     = "profile"      // a profile of ~/.aws, or AWS_PROFILE's
	SourceWebIdentity = "web_identity" // a token file, exchanged for the principal's role
	SourceInstance    = "instance"     // ECS or EKS task, else EC2 instance
	SourcePrincipal   = "principal"    // the principal's role, assumed by another principal
)

// Validate checks a source's form; nothing is read.
func (s Source) Validate() error {
	var faults rolecall.Errors
	var takes []string
	switch s.Source {
	case SourceStatic:
		switch {
		case s.File != "":
			takes = []string{"file"}
		case s.AccessKeyIDEnv == "" || s.SecretAccessKeyEnv == "":
			faults.Add("", "static credentials need their keys", "You: give access_key_id_env and secret_access_key_env, or file")
			fallthrough
		default:
			takes = []string{"access_key_id_env", "secret_access_key_env", "session_token_env"}
		}
	case SourceProfile:
		takes = []string{"profile"}
	case SourceWebIdentity:
		takes = []string{"file"}
	case SourcePrincipal:
		takes = []string{"principal"}
		if s.Principal == "" {
			faults.Add("/principal", "a principal is missing", "You: name the principal that assumes this one's role")
		}
	case SourceEnvironment, SourceInstance:
	case "":
		faults.Add("/source", "credentials need a source", knownSources)
		return faults.Err()
	default:
		faults.Add("/source", fmt.Sprintf("unknown source %q", s.Source), knownSources)
		return faults.Err()
	}
	given := map[string]string{
		"access_key_id_env": s.AccessKeyIDEnv, "secret_access_key_env": s.SecretAccessKeyEnv, "session_token_env": s.SessionTokenEnv,
		"file": s.File, "profile": s.Profile, "principal": s.Principal,
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if given[name] != "" && !slices.Contains(takes, name) {
			faults.Add(strict.Pointer(name), fmt.Sprintf("%s does not go with source %s", name, s.Source), "You: leave it out")
		}
	}
	return faults.Err()
}

const knownSources = "You: write one of static, environment, profile, web_identity, instance, principal"

// Declared is a principal with the source of its credentials, as declared.
type Declared struct {
	rolecall.Principal
	Source Source
}

// SourceOptions are what reading sources needs beside the declarations.
type SourceOptions struct {
	STSEndpoint string       // empty: AWS's regional ones
	HTTPClient  *http.Client // for STS; nil: the SDK's
	Getenv      func(string) string
}

// Open returns the principals with their credential providers. It returns all
// faults of the declarations in one error, with pointers below /principals.
// Files and environment are read, and services called, when credentials are
// retrieved: a principal that nobody uses here needs none.
func Open(declared map[string]Declared, o SourceOptions) (map[string]Principal, error) {
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	opener := opener{declared: declared, options: o, open: map[string]aws.CredentialsProvider{}, opening: map[string]bool{}}
	out := make(map[string]Principal, len(declared))
	var faults rolecall.Errors
	for _, name := range slices.Sorted(maps.Keys(declared)) {
		provider, err := opener.provider(name)
		if err != nil {
			faults.AddErr(strict.Pointer("principals", name, "credentials"), err)
			continue
		}
		out[name] = Principal{Principal: declared[name].Principal, Credentials: provider, From: declared[name].Source.From(o.Getenv)}
	}
	return out, faults.Err()
}

type opener struct {
	declared map[string]Declared
	options  SourceOptions
	open     map[string]aws.CredentialsProvider
	opening  map[string]bool // finds circles
}

func (o *opener) provider(name string) (aws.CredentialsProvider, error) {
	if p := o.open[name]; p != nil {
		return p, nil
	}
	d := o.declared[name]
	if err := d.Source.Validate(); err != nil {
		return nil, err
	}
	o.opening[name] = true
	defer delete(o.opening, name)
	p, err := o.source(d)
	if err != nil {
		return nil, err
	}
	o.open[name] = aws.NewCredentialsCache(p)
	return o.open[name], nil
}

func (o *opener) source(d Declared) (aws.CredentialsProvider, error) {
	s := d.Source
	if s.Source == SourcePrincipal {
		return o.principal(d)
	}
	return aws.CredentialsProviderFunc(func(ctx context.Context) (_ aws.Credentials, err error) {
		defer catchPanic(&err) // in a goroutine of the SDK's
		switch s.Source {
		case SourceEnvironment:
			return o.environment("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
		case SourceStatic:
			return o.static(s)
		case SourceProfile:
			return o.profile(ctx, s)
		case SourceWebIdentity:
			return o.webIdentity(ctx, d)
		default: // SourceInstance
			return o.instance(ctx)
		}
	}), nil
}

func (o *opener) static(s Source) (aws.Credentials, error) {
	if s.File == "" {
		return o.environment(s.AccessKeyIDEnv, s.SecretAccessKeyEnv, s.SessionTokenEnv)
	}
	data, err := os.ReadFile(s.File)
	if err != nil {
		return aws.Credentials{}, &rolecall.Error{Code: rolecall.Unauthenticated, Message: "the file with its keys cannot be read", Err: unreadable(s.File, err)}
	}
	keys, err := ReadKeys(data)
	if err != nil {
		return aws.Credentials{}, &rolecall.Error{Code: rolecall.Unauthenticated, Message: "the file with its keys has none", Err: malformed(s.File, err)}
	}
	return keys.credentials(ownSource), nil
}

// unreadable tells the operator why a file cannot be read.
func unreadable(path string, err error) error {
	why, hint := path+" cannot be read", "Operator: see why the file cannot be read"
	switch {
	case errors.Is(err, fs.ErrNotExist):
		why, hint = path+" does not exist", "Operator: put the file there, or correct its name in rolecall.yaml"
	case errors.Is(err, fs.ErrPermission):
		why, hint = path+" may not be read by this user", "Operator: give the file to the user that runs rolecall (chown), with mode 0600"
	}
	return &rolecall.Undisclosed{Message: why, Hint: hint, Err: err}
}

// malformed tells the operator what is wrong with a file of keys.
func malformed(path string, err error) error {
	wrong := rolecall.List(err)[0]
	return &rolecall.Undisclosed{Message: path + ": " + wrong.Message, Hint: cmp.Or(wrong.Hint, "Operator: write access_key_id and secret_access_key into it")}
}

func (o *opener) environment(id, secret, token string) (aws.Credentials, error) {
	keys := Keys{AccessKeyID: o.options.Getenv(id), SecretAccessKey: o.options.Getenv(secret)}
	for _, v := range []struct{ name, value string }{{id, keys.AccessKeyID}, {secret, keys.SecretAccessKey}} {
		if v.value == "" {
			return aws.Credentials{}, &rolecall.Error{Code: rolecall.Unauthenticated, Message: "the environment variable " + v.name + " is not set"}
		}
	}
	if token != "" {
		keys.SessionToken = o.options.Getenv(token)
	}
	return keys.credentials(ownSource), nil
}

const ownSource = "rolecall principal"

func (o *opener) profile(ctx context.Context, s Source) (aws.Credentials, error) {
	name := s.profileName(o.options.Getenv)
	loaded, err := config.LoadDefaultConfig(ctx, config.WithSharedConfigProfile(name))
	if err != nil {
		return aws.Credentials{}, &rolecall.Error{Code: rolecall.Unauthenticated, Message: fmt.Sprintf("the AWS profile %q cannot be read", name), Err: err}
	}
	return loaded.Credentials.Retrieve(ctx)
}

func (o *opener) webIdentity(ctx context.Context, d Declared) (aws.Credentials, error) {
	file := d.Source.tokenFile(o.options.Getenv)
	if file == "" {
		return aws.Credentials{}, &rolecall.Error{Code: rolecall.Unauthenticated, Message: "neither file nor AWS_WEB_IDENTITY_TOKEN_FILE names its web identity token"}
	}
	if _, err := os.ReadFile(file); err != nil {
		return aws.Credentials{}, &rolecall.Error{Code: rolecall.Unauthenticated, Message: "its web identity token cannot be read", Err: unreadable(file, err)}
	}
	client := newSTS(regionFor("", d.Principal), o.options.STSEndpoint, o.options.HTTPClient, aws.AnonymousCredentials{})
	return stscreds.NewWebIdentityRoleProvider(client, d.ARN.String(), stscreds.IdentityTokenFile(file)).Retrieve(ctx)
}

// instance retrieves what the platform has for a worker: from the container
// endpoint if the environment names one, else from EC2's metadata.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
func (o *opener) instance(ctx context.Context) (aws.Credentials, error) {
	endpoint := o.options.Getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI")
	if relative := o.options.Getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"); relative != "" {
		endpoint = "http://169.254.170.2" + relative
	}
	if endpoint == "" {
		return ec2rolecreds.New().Retrieve(ctx)
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "https" && !slices.Contains(plainHTTP, u.Hostname()) {
		return aws.Credentials{}, &rolecall.Error{
			Code:    rolecall.Unauthenticated,
			Message: "AWS_CONTAINER_CREDENTIALS_FULL_URI leads neither to AWS nor to this machine",
		}
	}
	token := o.options.Getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN")
	if file := o.options.Getenv(containerTokenFile); file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return aws.Credentials{}, &rolecall.Error{Code: rolecall.Unauthenticated, Message: "the file of AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE cannot be read", Err: unreadable(file, err)}
		}
		token = strings.TrimSpace(string(text))
	}
	return endpointcreds.New(endpoint, func(e *endpointcreds.Options) { e.AuthorizationToken = token }).Retrieve(ctx)
}

// plainHTTP are the hosts whose credential endpoint need not be https.
var plainHTTP = []string{"169.254.170.2", "169.254.170.23", "fd00:ec2::23", "localhost", "127.0.0.1", "::1"}

func (o *opener) principal(d Declared) (aws.CredentialsProvider, error) {
	by := d.Source.Principal
	switch _, known := o.declared[by]; {
	case !known:
		return nil, &rolecall.Error{Code: rolecall.Invalid, Pointer: "/principal", Message: fmt.Sprintf("there is no principal %q", by)}
	case o.opening[by]:
		return nil, &rolecall.Error{Code: rolecall.Invalid, Pointer: "/principal", Message: fmt.Sprintf("the credentials of %q come from themselves", by)}
	}
	other, err := o.provider(by)
	if err != nil {
		return nil, &rolecall.Error{Code: rolecall.Invalid, Pointer: "/principal", Message: fmt.Sprintf("the credentials of %q are not declared well", by), Err: err}
	}
	client := newSTS(regionFor("", d.Principal), o.options.STSEndpoint, o.options.HTTPClient, other)
	return stscreds.NewAssumeRoleProvider(client, d.ARN.String(), func(a *stscreds.AssumeRoleOptions) {
		a.RoleSessionName = notInSessionName.ReplaceAllString("rolecall."+d.Name, "-")
	}), nil
}

const containerTokenFile = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"

func (s Source) tokenFile(getenv func(string) string) string {
	return cmp.Or(s.File, getenv("AWS_WEB_IDENTITY_TOKEN_FILE"))
}

func (s Source) profileName(getenv func(string) string) string {
	return cmp.Or(s.Profile, getenv("AWS_PROFILE"), "default")
}
