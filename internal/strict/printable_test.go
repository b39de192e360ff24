package strict_test

import (
	"encoding/json"
	"testing"

	"github.com/rolecall/rolecall/internal/strict"
)

// JSON, too, may be read on a terminal.
func TestPrintable(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"plain <text>, Grün, 日本, 😀": `"plain <text>, Grün, 日本, 😀"`,
		"\u009b31m":                 `"\u009b31m"`,
		"\u202egnp.exe":             `"\u202egnp.exe"`,
		"\x1b[31m":                  `"\u001b[31m"`,
		"\U000e0001":                `"\udb40\udc01"`,
	} {
		got, err := strict.Printable(text)
		if err != nil || string(got) != want+"\n" {
			t.Errorf("%+q becomes %s, %v", text, got, err)
		}
		var back string
		if err := json.Unmarshal(got, &back); err != nil || back != text {
			t.Errorf("%s is read as %+q, %v", got, back, err)
		}
	}
}
