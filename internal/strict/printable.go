package strict

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"unicode"
	"unicode/utf16"
)

// Printable returns v as indented JSON that is safe to show on a terminal: it
// escapes what is not printable, which encoding/json does to few characters.
func Printable(v any) ([]byte, error) { return printable(v, "  ") }

// Line returns v as Printable does, but in one line.
func Line(v any) ([]byte, error) { return printable(v, "") }

func printable(v any, indent string) ([]byte, error) {
	var plain, safe bytes.Buffer
	enc := json.NewEncoder(&plain)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	for _, r := range plain.String() {
		switch {
		case r == '\n' || unicode.IsPrint(r):
			safe.WriteRune(r)
		case r > math.MaxUint16:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&safe, "\\u%04x\\u%04x", high, low)
		default:
			fmt.Fprintf(&safe, "\\u%04x", r)
		}
	}
	return safe.Bytes(), nil
}
