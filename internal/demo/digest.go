package demo

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// inventory is what a customer's auditor finds below a prefix of the bucket:
// the digest of each object, by its name below the prefix.
type inventory struct {
	digests map[string]string
	keys    map[string]int // number of objects by their KMS key
}

// digests compares the objects of the two customers, each read with its own
// user.
func (d *demo) digests(ctx context.Context) error {
	from, err := d.audit(ctx, d.AcmeAuditor, d.Masters, "in/")
	if err != nil {
		return err
	}
	to, err := d.audit(ctx, d.GlobexAuditor, d.Delivery, "from-acme/reel-1/")
	if err != nil {
		return err
	}
	out := Digests{Algorithm: "SHA-256", Objects: len(from.digests), Encrypted: to.keys[d.Key]}
	for name, digest := range from.digests {
		if to.digests[name] == digest {
			out.Matching++
		}
	}
	out.All = from.digest()
	d.story.Digests = out
	d.expect(out.Objects == stillCount+1 && out.Matching == out.Objects && len(to.digests) == out.Objects, "what was delivered is not what was fetched")
	d.expect(out.Encrypted == out.Objects, "not all that was delivered is under the delivery bucket's key")
	return nil
}

// digest returns one digest of all objects.
func (c inventory) digest() string {
	var lines []string
	for name, digest := range c.digests {
		lines = append(lines, digest+"  "+name+"\n")
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "")))
	return hex.EncodeToString(sum[:])
}

func (d *demo) audit(ctx context.Context, k keys, bucket, prefix string) (inventory, error) {
	client := d.s3(k.provider())
	found := inventory{digests: map[string]string{}, keys: map[string]int{}}
	pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return inventory{}, fmt.Errorf("list %s: %w", bucket, err)
		}
		for _, o := range page.Contents {
			if err := found.read(ctx, client, bucket, prefix, *o.Key); err != nil {
				return inventory{}, err
			}
		}
	}
	return found, nil
}

func (c *inventory) read(ctx context.Context, client *s3.Client, bucket, prefix, key string) error {
	object, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return fmt.Errorf("get %s: %w", key, err)
	}
	defer object.Body.Close()
	h := sha256.New()
	if _, err := io.Copy(h, object.Body); err != nil {
		return fmt.Errorf("read %s: %w", key, err)
	}
	c.digests[strings.TrimPrefix(key, prefix)] = hex.EncodeToString(h.Sum(nil))
	c.keys[aws.ToString(object.SSEKMSKeyId)]++
	return nil
}

func (k keys) provider() aws.CredentialsProvider {
	return credentials.NewStaticCredentialsProvider(k.AccessKeyID, k.SecretAccessKey, k.SessionToken)
}

// s3 returns a plain client of the sandbox.
func (d *demo) s3(by aws.CredentialsProvider) *s3.Client {
	return s3.New(s3.Options{Region: d.Region, BaseEndpoint: &d.URL, UsePathStyle: true, Credentials: by})
}
