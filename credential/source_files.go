package credential

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/rolecall/rolecall"
)

// Files returns the names of the files that a valid source is read from: whoever
// can write one decides who the principal is. For a profile they are those of
// the AWS shared configuration, and the files that it names; what its
// credential_process or a login reads is not known here.
func (s Source) Files(ctx context.Context, getenv func(string) string) []string {
	files := s.KeyFiles(getenv)
	if s.Source == SourceProfile {
		own := cmp.Or(getenv("AWS_CONFIG_FILE"), config.DefaultSharedConfigFilename())
		files = []string{own, sharedKeys(getenv), getenv("AWS_CA_BUNDLE")}
		if shared, err := sharedProfile(ctx, s.profileName(getenv), getenv); err == nil { // what cannot be read leads to nothing more
			files = append(files, named(&shared)...)
		}
	}
	return slices.DeleteFunc(files, func(name string) bool { return name == "" })
}

// From says where the credentials come from, in the words of a message.
func (s Source) From(getenv func(string) string) string {
	switch s.Source {
	case SourceStatic:
		if s.File != "" {
			return "the file " + s.File
		}
		return "the environment variables " + s.AccessKeyIDEnv + " and " + s.SecretAccessKeyEnv
	case SourceEnvironment:
		return "the environment variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
	case SourceProfile:
		return "the AWS profile " + s.profileName(getenv)
	case SourceWebIdentity:
		return "the token in " + cmp.Or(s.tokenFile(getenv), "AWS_WEB_IDENTITY_TOKEN_FILE")
	case SourcePrincipal:
		return "the principal " + s.Principal
	default:
		return "the instance or container"
	}
}

// KeyFiles returns the names of those files that have keys or tokens in them:
// whoever can read one can be the principal.
func (s Source) KeyFiles(getenv func(string) string) []string {
	var file string
	switch s.Source {
	case SourceStatic:
		file = s.File
	case SourceWebIdentity:
		file = s.tokenFile(getenv)
	case SourceInstance:
		file = getenv(containerTokenFile)
	case SourceProfile:
		file = sharedKeys(getenv)
	}
	if file == "" {
		return nil
	}
	return []string{file}
}

func sharedKeys(getenv func(string) string) string {
	return cmp.Or(getenv("AWS_SHARED_CREDENTIALS_FILE"), config.DefaultSharedCredentialsFilename())
}

// CheckFiles opens the files that a valid source is read from, and returns what is
// wrong with them, with pointers into the source. Only the operator may know it.
func (s Source) CheckFiles(ctx context.Context, getenv func(string) string) error {
	var faults rolecall.Errors
	add := func(at string, err error) {
		if u := (*rolecall.Undisclosed)(nil); errors.As(err, &u) {
			faults.Add(at, u.Message, u.Hint)
		}
	}
	at := ""
	if s.File != "" {
		at = "/file"
	}
	files := s.KeyFiles(getenv)
	if s.Source == SourceProfile {
		name := s.profileName(getenv)
		shared, err := sharedProfile(ctx, name, getenv)
		if err != nil {
			faults.Add("/profile", fmt.Sprintf("the AWS profile %q cannot be read", name), "Operator: see that the AWS configuration of the user that runs rolecall has it")
		}
		files = named(&shared)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			add(at, unreadable(file, err))
			continue
		}
		if s.Source != SourceStatic {
			continue
		}
		if _, err := ReadKeys(data); err != nil {
			add(at, malformed(file, err))
		}
	}
	return faults.Err()
}

// sharedProfile reads a profile of the AWS shared configuration.
func sharedProfile(ctx context.Context, name string, getenv func(string) string) (config.SharedConfig, error) {
	own := cmp.Or(getenv("AWS_CONFIG_FILE"), config.DefaultSharedConfigFilename())
	return config.LoadSharedConfigProfile(ctx, name, func(o *config.LoadSharedConfigOptions) {
		o.ConfigFiles, o.CredentialsFiles = []string{own}, []string{sharedKeys(getenv)}
	})
}

// named returns the files that a profile and those that it builds on name.
func named(p *config.SharedConfig) []string {
	var files []string
	for ; p != nil; p = p.Source {
		files = append(files, p.WebIdentityTokenFile, p.CustomCABundle)
	}
	return slices.DeleteFunc(files, func(name string) bool { return name == "" })
}
