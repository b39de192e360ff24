package check

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/rolecall/rolecall"
)

func TestWeaker(t *testing.T) {
	t.Parallel()
	const one, other = "arn:aws:kms:eu-central-1:111122223333:key/one", "arn:aws:kms:eu-central-1:111122223333:key/other"
	e := func(kind, key string) rolecall.Encryption { return rolecall.Encryption{Type: kind, Key: key} }
	for _, c := range []struct {
		found, required rolecall.Encryption
		want            bool
	}{
		{e("AES256", ""), e("AES256", ""), false},
		{e("aws:kms", one), e("AES256", ""), false},
		{e("aws:kms:dsse", one), e("aws:kms", ""), false},
		{e("aws:kms", one), e("aws:kms", one), false},
		{e("aws:kms", other), e("aws:kms", one), true},
		{e("AES256", ""), e("aws:kms", ""), true},
		{e("", ""), e("AES256", ""), true},
	} {
		if got := weaker(c.found, c.required); got != c.want {
			t.Errorf("%+v for %+v: %v", c.found, c.required, got)
		}
	}
}

// What a server says is kept only if it can be true.
func TestEncryptionOf(t *testing.T) {
	t.Parallel()
	const key = "arn:aws:kms:eu-central-1:111122223333:key/one"
	for _, c := range []struct {
		kind, key string
		want      rolecall.Encryption
	}{
		{"AES256", "", rolecall.Encryption{Type: "AES256"}},
		{"aws:kms", key, rolecall.Encryption{Type: "aws:kms", Key: key}},
		{"aws:kms", "\x1b[2J", rolecall.Encryption{Type: "aws:kms"}},
		{"\x1b[2J", key, rolecall.Encryption{}},
	} {
		if got := encryptionOf(types.ServerSideEncryption(c.kind), aws.String(c.key)); got != c.want {
			t.Errorf("%+v: %+v", c, got)
		}
	}
}
