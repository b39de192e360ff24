package transfer

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
)

// noTLS is the error of a server with which no connection by TLS can be made. What
// it is at fault for does not pass.
type noTLS struct{ error }

// RetryableError returns false.
func (noTLS) RetryableError() bool { return false }

// Unwrap returns the cause.
func (n noTLS) Unwrap() error { return n.error }

// finalAlerts are the alerts with which a server refuses this client for good: what
// it can do, or lacks.
// https://www.rfc-editor.org/rfc/rfc8446#section-6.2
var finalAlerts = []tls.AlertError{40, 42, 43, 44, 45, 46, 48, 49, 70, 71, 109, 112, 116, 120}

// TLSAlert returns what a server says with which it refuses this client for good;
// empty if it does not. Package tls exports no type for what comes of others.
func TLSAlert(err error) string {
	var remote *net.OpError
	if errors.As(err, &remote) && remote.Op == "remote error" {
		for _, alert := range finalAlerts {
			if remote.Err.Error() == alert.Error() {
				return alert.Error()
			}
		}
	}
	return ""
}

// tlsFault returns a noTLS instead of an error which says that the server speaks
// no TLS, has no valid certificate, or refuses the client's.
func tlsFault(err error) error {
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	if errors.As(err, &certificate) || errors.As(err, &record) || errors.Is(err, http.ErrSchemeMismatch) || TLSAlert(err) != "" {
		return noTLS{err}
	}
	return err
}
