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
	var files []string
	switch s.Source {
	case SourceStatic:
		files = []string{s.File}
	case SourceWebIdentity:
		files = []string{s.tokenFile(getenv)}
	case SourceInstance:
		files = []string{getenv(containerTokenFile)}
	case SourceProfile:
		own := cmp.Or(getenv("AWS_CONFIG_FILE"), config.DefaultSharedConfigFilename())
		keys := cmp.Or(getenv("AWS_SHARED_CREDENTIALS_FILE"), config.DefaultSharedCredentialsFilename())
		files = []string{own, keys, getenv("AWS_CA_BUNDLE")}
		shared, err := config.LoadSharedConfigProfile(ctx, s.profileName(getenv), func(o *config.LoadSharedConfigOptions) {
			o.ConfigFiles, o.CredentialsFiles = []string{own}, []string{keys}
		})
		if err != nil {
			break // and what cannot be read leads to nothing more
		}
		for p := &shared; p != nil; p = p.Source {
			files = append(files, p.WebIdentityTokenFile, p.CustomCABundle)
		}
	}
	return slices.DeleteFunc(files, func(name string) bool { return name == "" })
}
