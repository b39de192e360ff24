package credential

import (
	"cmp"
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/config"
)

// Files returns the names of the files that a valid source is read from: whoever
// can write one decides who the principal is. For a profile they are those of
// the AWS shared configuration, and the files that it names; what its
// credential_process or a login reads is not known here.
func (s Source) Files(ctx context.Context, getenv func(string) string) []string {
	files := s.KeyFiles(getenv)
	if s.Source == SourceProfile {
		own := cmp.Or(getenv("AWS_CONFIG_FILE"), config.DefaultSharedConfigFilename())
		keys := sharedKeys(getenv)
		files = []string{own, keys, getenv("AWS_CA_BUNDLE")}
		shared, err := config.LoadSharedConfigProfile(ctx, s.profileName(getenv), func(o *config.LoadSharedConfigOptions) {
			o.ConfigFiles, o.CredentialsFiles = []string{own}, []string{keys}
		})
		for p := &shared; err == nil && p != nil; p = p.Source { // what cannot be read leads to nothing more
			files = append(files, p.WebIdentityTokenFile, p.CustomCABundle)
		}
	}
	return slices.DeleteFunc(files, func(name string) bool { return name == "" })
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
