package credential

import (
	"fmt"
	"log/slog"

	"github.com/rolecall/rolecall"
)

// Bearer is a token that a dispenser is asked with. Nothing prints it: every
// conversion to text returns only a mark.
type Bearer struct{ Token string }

const maxBearer = 8 << 10

// Validate checks that the token fits into a header: printable ASCII
// without spaces, 8 KiB at most.
func (b Bearer) Validate() error {
	if !isGraphic(b.Token) || len(b.Token) > maxBearer {
		return &rolecall.Error{
			Code: rolecall.Invalid, Message: "the secret cannot be a bearer token",
			Hint: "Operator: give 1 to 8192 printable characters of ASCII, without spaces",
		}
	}
	return nil
}

// isGraphic reports whether s is printable ASCII without spaces, and not empty.
func isGraphic(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return s != ""
}

// String returns a mark instead of the token.
func (Bearer) String() string { return redacted }

// GoString returns a mark instead of the token.
func (Bearer) GoString() string { return redacted }

// Format writes a mark instead of the token, whatever the verb.
func (Bearer) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue returns a mark instead of the token.
func (Bearer) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON returns a mark instead of the token.
func (Bearer) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// MarshalText returns a mark instead of the token.
func (Bearer) MarshalText() ([]byte, error) { return []byte(redacted), nil }
