package s3

import (
	"encoding/xml"
	"slices"
	"sort"
	"strconv"
	"strings"
	"unicode"
)

const maxBuckets = 10_000 // of one page

// listedBucket is a bucket in the listing of its owner's.
type listedBucket struct {
	Name         string
	CreationDate stamp
	BucketRegion string `xml:",omitempty"`
}

// listBuckets answers with the caller's buckets, by name. Their regions are
// shown to those who ask for a part of the list.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html
func listBuckets(c *call) error {
	prefix, region, token := c.query.Get("prefix"), c.query.Get("bucket-region"), c.query.Get("continuation-token")
	limit := maxBuckets
	if given := c.query.Get("max-buckets"); given != "" {
		n, err := strconv.Atoi(given)
		if err != nil || n < 1 || n > maxBuckets {
			return errInvalidArgument("Argument max-buckets must be an integer between 1 and 10000", "max-buckets", given)
		}
		limit = n
	}
	if strings.ContainsFunc(prefix, unicode.IsControl) { // no XML can repeat it, and no bucket's name begins with it
		return errInvalidArgument("Invalid prefix", "prefix", "")
	}
	after := ""
	if token != "" {
		var err error
		if after, err = readToken(token); err != nil {
			return err
		}
	}
	if err := c.allow("s3:ListAllMyBuckets", "*", Bucket{}, nil); err != nil {
		return err
	}
	var result struct {
		XMLName           xml.Name       `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListAllMyBucketsResult"`
		Owner             string         `xml:"Owner>ID"`
		Buckets           []listedBucket `xml:"Buckets>Bucket"`
		ContinuationToken string         `xml:",omitempty"`
		Prefix            text           `xml:",omitempty"`
	}
	result.Owner, result.Prefix = c.authority.Caller(c.r.Context()), text(prefix)
	list := c.store.listBuckets(func(b Bucket) bool {
		return b.Account == result.Owner && strings.HasPrefix(b.Name, prefix) && (region == "" || b.Region == region)
	})
	list = list[sort.Search(len(list), func(i int) bool { return list[i].Name > after }):]
	if len(list) > limit {
		list = list[:limit]
		result.ContinuationToken = writeToken(list[limit-1].Name)
	}
	if !c.query.Has("prefix") && !c.query.Has("bucket-region") && !c.query.Has("continuation-token") && !c.query.Has("max-buckets") {
		for i := range list {
			list[i].BucketRegion = ""
		}
	}
	result.Buckets = list
	return c.writeXML(result)
}

// listBuckets returns the buckets that are chosen, by name.
func (st *store) listBuckets(chosen func(Bucket) bool) []listedBucket {
	var list []listedBucket
	for name, b := range st.all() {
		if cfg := b.config(); chosen(cfg) {
			list = append(list, listedBucket{name, stamp(b.created), cfg.Region})
		}
	}
	slices.SortFunc(list, func(a, b listedBucket) int { return strings.Compare(a.Name, b.Name) })
	return list
}
