package refusal

import (
	"crypto/tls"
	"crypto/x509"
	"errors"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/transfer"
)

// noTLS is found where no connection by TLS can be made.
func (a Answer) noTLS(q Request) Refusal {
	who := "S3"
	layers := []rolecall.CheckLayer{rolecall.LayerNetwork}
	if q.Place.EndpointURL != "" {
		who, layers = "the endpoint", []rolecall.CheckLayer{rolecall.LayerName, rolecall.LayerNetwork}
	}
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(a.Err, &certificate) && q.Place.EndpointURL == "":
		return of(rolecall.Invalid, "the certificate that S3 shows "+whyInvalid(certificate),
			"Operator: look at the worker's clock, and for a proxy that opens TLS; its authority belongs into the file that SSL_CERT_FILE names", layers...)
	case errors.As(a.Err, &certificate):
		return of(rolecall.Invalid, "the certificate of the endpoint "+whyInvalid(certificate),
			"Customer: give the service a valid certificate for its name. Operator: or have SSL_CERT_FILE name a file with its authority", layers...)
	case transfer.TLSAlert(a.Err) != "":
		return of(rolecall.Invalid, who+" refuses TLS as it is offered: "+transfer.TLSAlert(a.Err),
			"Customer: see which TLS versions and client certificates the service demands; rolecall has TLS 1.2 and 1.3, and no certificate", layers...)
	default:
		return of(rolecall.Invalid, who+" does not speak TLS", "You: give s3_endpoint_url with http, or with the port at which its service speaks https", layers...)
	}
}

// whyInvalid says what is wrong with a certificate, after it. Whose it is instead
// would show what is in the operator's network.
func whyInvalid(err *tls.CertificateVerificationError) string {
	var invalid x509.CertificateInvalidError
	var other x509.HostnameError
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.As(err, &other):
		return "is for another name"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "has expired, or is not valid yet"
	case errors.As(err, &unknown):
		return "is not of an authority that is trusted here"
	default:
		return "is not valid"
	}
}
