package credential

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/rolecall/rolecall"
)

const dispenserTimeout = 10 * time.Second // of a request and its whole answer

// dispense asks the dispenser once, with the external id or, for nil, without
// one. Its errors show nothing of the answer but the status, and nothing of the
// request's query.
func (v *Vault) dispense(ctx context.Context, t dispenserTarget, externalID *string) (aws.Credentials, error) {
	request, err := v.dispenserRequest(ctx, t, externalID)
	if err != nil {
		return aws.Credentials{}, err
	}
	if v.options.Tenants == nil {
		return aws.Credentials{}, &rolecall.Error{Code: rolecall.Internal, Message: "no dispensers are asked here", Err: errors.New("Options.Tenants is not set")}
	}
	client := *v.options.Tenants(request.URL.String())
	client.Jar = nil
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	limited, cancel := context.WithTimeout(ctx, dispenserTimeout)
	defer cancel()
	response, err := client.Do(request.WithContext(limited))
	if err != nil {
		return aws.Credentials{}, explainNoAnswer(ctx, err, t.Source.URL)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return aws.Credentials{}, explainStatus(response.StatusCode, t.Source.URL)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, dispenserBytes+1))
	if err != nil {
		return aws.Credentials{}, explainNoAnswer(ctx, err, t.Source.URL)
	}
	return readDispensed(body, v.options.Now())
}

// dispenserRequest returns the request of the contract, with the proof of who
// asks.
func (v *Vault) dispenserRequest(ctx context.Context, t dispenserTarget, externalID *string) (*http.Request, error) {
	query := url.Values{
		"organization": {t.Organization}, "job_id": {t.JobID}, "task_id": {t.TaskID}, "tool": {t.Tool},
		"bucket": {t.Bucket}, "prefix": {t.Prefix}, "access": {t.Access},
	}
	if externalID != nil {
		query.Set("external_id", *externalID)
	}
	// As the signature encodes it: what is proved must be what is sent.
	text := strings.ReplaceAll(query.Encode(), "+", "%20")
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, t.Source.URL+"?"+text, nil)
	if err != nil {
		return nil, &rolecall.Error{Code: rolecall.Internal, Message: "internal error", Err: errors.New("make request to dispenser")}
	}
	request.Header.Set("Accept", "application/json")
	agent := "rolecall"
	if t.TaskLabel != "" {
		agent += "/" + notInSessionName.ReplaceAllString(t.TaskLabel, "-")
	}
	request.Header.Set("User-Agent", agent)
	if t.Source.Secret != "" {
		return request, v.authorizeByBearer(request, t)
	}
	return request, v.authorizeBySignature(request, t)
}

func (v *Vault) authorizeByBearer(request *http.Request, t dispenserTarget) error {
	if v.options.Bearers == nil {
		return &rolecall.Error{Code: rolecall.Internal, Message: "no secrets are kept here"}
	}
	bearer, err := v.options.Bearers(request.Context(), t.Organization, t.Source.Secret)
	if err == nil {
		err = bearer.Validate()
	}
	if err != nil {
		return fmt.Errorf("secret %s: %w", t.Source.Secret, err)
	}
	request.Header.Set("Authorization", "Bearer "+bearer.Token)
	return nil
}

// authorizeBySignature signs for API Gateway, and adds what other hosts can
// verify.
func (v *Vault) authorizeBySignature(request *http.Request, t dispenserTarget) error {
	asker := Role{Organization: t.Organization, Principal: rolecall.DispenserPrincipal, Region: t.Region}
	keys, err := v.principalKeys(request.Context(), asker, t.signer)
	if err != nil {
		return err
	}
	region, now := regionFor(t.Region, t.signer.Principal), v.options.Now()
	proof, err := v.proofOfIdentity(request, keys, region, now)
	if err != nil {
		return &rolecall.Error{Code: rolecall.Internal, Message: "the request to the dispenser could not be signed", Err: err}
	}
	request.Header.Set(IdentityHeader, proof)
	if m := apiHostForm.FindStringSubmatch(request.URL.Host); m != nil {
		region = m[1]
	}
	if err := v4.NewSigner().SignHTTP(request.Context(), keys, request, emptyPayload, "execute-api", region, now); err != nil {
		return &rolecall.Error{Code: rolecall.Internal, Message: "the request to the dispenser could not be signed", Err: err}
	}
	return nil
}

var apiHostForm = regexp.MustCompile(`^[a-z0-9-]+\.execute-api\.([a-z]{2,4}(?:-[a-z]+)+-[0-9]+)\.(?:amazonaws\.com|amazonaws\.com\.cn|amazonaws\.eu)$`)

// emptyPayload is the SHA-256 of nothing.
const emptyPayload = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// proofOfIdentity returns the value of IdentityHeader: whoever has it can learn
// from STS who made it, and use it for this request only.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
func (v *Vault) proofOfIdentity(request *http.Request, keys aws.Credentials, region string, now time.Time) (string, error) {
	ctx := request.Context()
	endpoint := v.options.STSEndpoint
	if endpoint == "" {
		resolved, err := sts.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, sts.EndpointParameters{Region: &region})
		if err != nil {
			return "", fmt.Errorf("endpoint of STS: %w", err)
		}
		endpoint = resolved.URI.String()
	}
	ask, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint, nil)
	if err != nil {
		return "", fmt.Errorf("endpoint of STS: %w", err)
	}
	ask.URL.Path = "/"
	ask.URL.RawQuery = url.Values{
		"Action": {"GetCallerIdentity"}, "Version": {"2011-06-15"}, "X-Amz-Expires": {fmt.Sprint(IdentityExpires)},
	}.Encode()
	ask.Header.Set(DigestHeader, RequestDigest(request.URL.String()))
	signed, _, err := v4.NewSigner().PresignHTTP(ctx, keys, ask, emptyPayload, "sts", region, now)
	if err != nil {
		return "", fmt.Errorf("presign GetCallerIdentity: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString([]byte(signed)), nil
}
