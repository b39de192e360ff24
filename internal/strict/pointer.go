package strict

import (
	"fmt"
	"strconv"
	"strings"
)

// Pointer builds a JSON pointer (RFC 6901) from its parts, escaping each.
func Pointer(parts ...any) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteByte('/')
		s := fmt.Sprint(p)
		s = strings.ReplaceAll(s, "~", "~0")
		b.WriteString(strings.ReplaceAll(s, "/", "~1"))
	}
	return b.String()
}

// Quote shows a user's text in an error: quoted, cut to 80 bytes, with control
// characters escaped. What looks like a secret access key is not shown.
func Quote(s string) string {
	if LooksSecret(s) {
		return "(what looks like a secret key, and is not shown)"
	}
	if len(s) > 80 {
		s = strings.ToValidUTF8(s[:77], "") + "..."
	}
	return strconv.Quote(s)
}

// LooksSecret reports whether the text, which is where a name belongs, has the
// form of an access key's secret part: 40 characters of base64, of each class
// some.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html
func LooksSecret(s string) bool {
	const upper, lower, digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz", "0123456789"
	return len(s) == 40 && strings.Trim(s, upper+lower+digits+"+/") == "" &&
		strings.ContainsAny(s, upper) && strings.ContainsAny(s, lower) && strings.ContainsAny(s, digits)
}
