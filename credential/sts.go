package credential

import (
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/rolecall/rolecall"
)

func newSTS(region, endpoint string, client *http.Client, credentials aws.CredentialsProvider) *sts.Client {
	o := sts.Options{Region: region, Credentials: aws.NewCredentialsCache(credentials)}
	if client != nil {
		o.HTTPClient = client
	}
	if endpoint != "" {
		o.BaseEndpoint = aws.String(endpoint)
	}
	return sts.New(o)
}

// regionFor picks the region whose STS is asked: the wanted one if it is one of
// the principal's partition, else one of the principal's.
func regionFor(wanted string, p rolecall.Principal) string {
	return p.STSRegion(wanted, rolecall.Place{})
}
