package credential

import (
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/rolecall/rolecall"
)

// stsClient returns the STS client for a principal's calls: always one of a
// region, since tokens of the global endpoint do not work everywhere. Each
// call brings its own keys.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_enable-regions.html
func (v *Vault) stsClient(wanted string, p Principal) *sts.Client {
	region := regionFor(wanted, p.Principal)
	v.mu.Lock()
	defer v.mu.Unlock()
	c := v.clients[region]
	if c == nil {
		c = newSTS(region, v.options.STSEndpoint, v.options.HTTPClient, aws.AnonymousCredentials{})
		v.clients[region] = c
	}
	return c
}

// withKeys makes one call with these keys, for an organization's work.
func (v *Vault) withKeys(keys aws.Credentials, organization string) func(*sts.Options) {
	return func(o *sts.Options) {
		o.Credentials = credentials.StaticCredentialsProvider{Value: keys}
		o.HTTPClient = ratedClient{o.HTTPClient, v.rates.of(organization), v.rates.all}
	}
}

// newSTS returns a client. Its User-Agent is the same for all calls, whatever they
// are for: a trust policy can see it, and a verdict is on no other one.
func newSTS(region, endpoint string, client *http.Client, credentials aws.CredentialsProvider) *sts.Client {
	o := sts.Options{Region: region, Credentials: aws.NewCredentialsCache(credentials), HTTPClient: limitedClient{awshttp.NewBuildableClient()}}
	if client != nil {
		o.HTTPClient = limitedClient{client}
	}
	if endpoint != "" {
		o.BaseEndpoint = aws.String(endpoint)
	}
	o.APIOptions = append(o.APIOptions, middleware.AddUserAgentKey("rolecall"))
	return sts.New(o)
}

// regionFor picks the region whose STS is asked: the wanted one if it is one of
// the principal's partition, else one of the principal's.
func regionFor(wanted string, p rolecall.Principal) string {
	return p.STSRegion(wanted, rolecall.Place{})
}
