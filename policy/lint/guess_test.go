package lint

import (
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestRandomIsNotGuessable checks that what a vendor makes of 128 random bits, in
// any usual writing, is taken for what it is; but for one in a thousand, which
// happens to be without digits and to read like words.
func TestRandomIsNotGuessable(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	p := &pass{}
	wrong := 0
	for range 2000 {
		bits := make([]byte, 16)
		for i := range bits {
			bits[i] = byte(random.Uint32())
		}
		for _, id := range []string{
			hex.EncodeToString(bits),
			base64.RawURLEncoding.EncodeToString(bits),
			strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(bits)),
			fmt.Sprintf("%x-%x-%x-%x-%x", bits[:4], bits[4:6], bits[6:8], bits[8:10], bits[10:]),
			"rolecall-" + hex.EncodeToString(bits),
		} {
			if why := p.guessable(id); why != "" {
				t.Logf("%s %s", id, why)
				wrong++
			}
		}
	}
	if wrong > 10 {
		t.Errorf("%d of 10,000 random ids are taken for words", wrong)
	}
	for _, id := range []string{"acme", "x-42", "123456", "12345678901234567890", "acme-encoding-production", "AcmeStudioProduction", "acme_media_2026_11", "aaaaaaaaaaaaaaaaaaaa"} {
		if p.guessable(id) == "" {
			t.Errorf("%s can be guessed", id)
		}
	}
}
