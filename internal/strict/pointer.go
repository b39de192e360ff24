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
// characters escaped.
func Quote(s string) string {
	if len(s) > 80 {
		s = strings.ToValidUTF8(s[:77], "") + "..."
	}
	return strconv.Quote(s)
}
