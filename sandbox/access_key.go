package sandbox

import (
	"crypto/subtle"
	"time"

	"github.com/rolecall/rolecall/policy"
)

// accessKey is what a client signs with: a user's own, or of a session.
type accessKey struct {
	secret, token string
	account       *account
	user          *user // one of user and role
	role          *role
	session       string // role session name
	policy        *policy.Document
	issued        time.Time // zero: not a temporary key
	expires       time.Time // zero: never
	chained       bool      // the session counts for the chaining limit
	inactive      bool
}

// isOf reports whether the key belongs to this role, and not to an earlier one
// of its name.
func (k *accessKey) isOf(r *role) bool { return k.role != nil && r != nil && k.role.id == r.id }

// issuedKey is a temporary access key as STS returns it.
type issuedKey struct {
	accessKeyID, secret, token string
	expires                    time.Time
}

// issue makes a temporary access key. The client sees the expiration shown;
// the key itself expires at key.expires.
func (d *directory) issue(key accessKey, shown, now time.Time) issuedKey {
	c := issuedKey{
		accessKeyID: uniqueID("ASIA")[:20], secret: randomText(30), token: randomText(192), expires: shown,
	}
	key.secret, key.token = c.secret, c.token
	d.mu.Lock()
	defer d.mu.Unlock()
	d.accessKeys[c.accessKeyID] = &key
	d.sweep(now)
	return c
}

// sweep forgets sessions an hour after their end; until then they are refused
// as expired. It runs whenever the number of keys has doubled.
func (d *directory) sweep(now time.Time) {
	if len(d.accessKeys) < d.sweepAt {
		return
	}
	for id, key := range d.accessKeys {
		if !key.expires.IsZero() && key.expires.Before(now.Add(-time.Hour)) {
			delete(d.accessKeys, id)
		}
	}
	d.sweepAt = max(1024, 2*len(d.accessKeys))
}

// refusal is why an access key is refused.
type refusal int

const (
	accepted refusal = iota
	unknownKey
	wrongToken
	expiredToken
)

// Error returns a text for logs; each service has its own words for clients.
func (r refusal) Error() string {
	return [...]string{"accepted", "unknown access key", "wrong session token", "expired session"}[r]
}

// resolve returns the caller of an access key, with its current policies, and
// the secret to verify with.
func (d *directory) resolve(id, token string, now time.Time) (*caller, string, refusal) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	key := d.accessKeys[id]
	if key == nil || key.inactive || token == "" && key.token != "" {
		return nil, "", unknownKey
	}
	if subtle.ConstantTimeCompare([]byte(token), []byte(key.token)) != 1 {
		return nil, "", wrongToken
	}
	if !key.expires.IsZero() && !now.Before(key.expires) {
		return nil, "", expiredToken
	}
	c := &caller{account: key.account, accessKeyID: id, issued: key.issued, chained: key.chained}
	if key.user != nil {
		u := key.account.users[key.user.name]
		c.arn, c.principal, c.id, c.user = u.arn, u.arn, u.id, u.name
		c.identity, c.boundary = documents(u.inline), layer(u.Boundary)
		return c, key.secret, accepted
	}
	r := key.account.roles[key.role.name]
	if !key.isOf(r) {
		return nil, "", unknownKey // of a deleted role
	}
	c.arn = "arn:" + key.account.partition + ":sts::" + key.account.id + ":assumed-role/" + r.name + "/" + key.session
	c.principal, c.id, c.session = r.arn, r.id+":"+key.session, key.session
	c.identity, c.boundary, c.sessionPolicy = documents(r.inline), layer(r.Boundary), key.policy
	return c, key.secret, accepted
}
