package policy

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/rolecall/rolecall"
)

// suffix ends the Sids of a document of the kit. It distinguishes the statements of
// a connection from those of others in the same policy, though they have the same
// name: another vendor's, another organization's or another connection's. What one
// side alone writes has none, and what a role trusts has another one; see trust.
func (p *kitPlan) suffix(kind Kind) string {
	c := p.Connection
	name := ""
	switch kind {
	case PermissionsDocument:
	case BucketDocument, KeyDocument:
		for _, word := range strings.FieldsFunc(c.Name, func(r rune) bool { return !isAlphanumeric(r) }) {
			name += strings.ToUpper(word[:1]) + word[1:]
		}
	default:
		return ""
	}
	worker, _ := rolecall.ParseARN(p.Principals[0]) // they are well formed
	return name + digest(worker.Account, c.RoleARN, cmp.Or(c.Name, c.Bucket))
}

// digest is short, since AWS limits how long documents are.
func digest(of ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(of, "\n")))
	return hex.EncodeToString(sum[:4])
}

// Withdrawn returns the Sids that the document of the kind had for the connection
// when it was declared otherwise, or with other optional grants, and that grant
// what it does not ask for any more.
func (r KitRequest) Withdrawn(kind Kind) []string {
	p, err := planKit(r)
	if err != nil || kind != PermissionsDocument && kind != BucketDocument {
		return nil
	}
	sids := []string{"RolecallWrite"}
	for _, d := range grantDetails {
		sids = append(sids, "Rolecall"+string(d.grant))
	}
	for _, s := range p.access() {
		sids = slices.DeleteFunc(sids, func(sid string) bool { return sid == s.Sid })
	}
	for i := range sids {
		sids[i] += p.suffix(kind)
	}
	return sids
}

func isAlphanumeric(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z'
}
