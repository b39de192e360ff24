package sandbox

import (
	"cmp"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
)

// directory is IAM's state: who exists, with which policies and access keys.
type directory struct {
	mu         sync.RWMutex
	accounts   map[string]*account
	buckets    map[string]*bucket
	accessKeys map[string]*accessKey
	sweepAt    int // number of access keys at which dead ones are looked for
}

type account struct {
	id, partition, organization string
	scp, rcp                    [][]*policy.Document
	users                       map[string]*user
	roles                       map[string]*role
	keys                        map[string]*Key
}

type user struct {
	*User
	name, id, arn string
}

// role is one life of a role: when it is deleted and made again, the new one
// has another id.
type role struct {
	*Role
	name, id, arn string
}

type bucket struct {
	*Bucket
	name    string
	account *account
}

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
}

// fullAWSAccess is the RCP that AWS attaches everywhere and that cannot be
// taken off.
// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html
const fullAWSAccess = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`

func newDirectory(cfg *Config) *directory {
	full := builtin(fullAWSAccess)
	d := &directory{accounts: map[string]*account{}, buckets: map[string]*bucket{}, accessKeys: map[string]*accessKey{}, sweepAt: 1024}
	for id, given := range cfg.Accounts {
		a := &account{
			id: id, partition: cmp.Or(given.Partition, "aws"), organization: given.Organization,
			users: map[string]*user{}, roles: map[string]*role{}, keys: given.Keys,
		}
		if len(given.SCP) > 0 {
			a.scp = [][]*policy.Document{given.SCP}
		}
		if len(given.RCP) > 0 {
			a.rcp = [][]*policy.Document{append([]*policy.Document{full}, given.RCP...)}
		}
		d.accounts[id] = a
		for name, u := range given.Users {
			made := &user{User: u, name: name, id: uniqueID("AIDA"), arn: a.iam("user", u.Path, name)}
			a.users[name] = made
			if u.AccessKeyID != "" {
				d.accessKeys[u.AccessKeyID] = &accessKey{secret: u.SecretAccessKey, account: a, user: made}
			}
		}
		for name, r := range given.Roles {
			d.putRole(a, name, r)
		}
		for name, b := range given.Buckets {
			d.buckets[name] = &bucket{Bucket: b, name: name, account: a}
		}
	}
	return d
}

// iam gives the ARN of a user or role.
func (a *account) iam(kind, path, name string) string {
	return "arn:" + a.partition + ":iam::" + a.id + ":" + kind + cmp.Or(path, "/") + name
}

// putRole makes or changes a role; changing keeps the id. The caller holds mu,
// or is alone.
func (d *directory) putRole(a *account, name string, given *Role) {
	made := &role{Role: given, name: name, id: uniqueID("AROA"), arn: a.iam("role", given.Path, name)}
	if old := a.roles[name]; old != nil {
		made.id = old.id
		delete(d.accessKeys, old.AccessKeyID)
	}
	a.roles[name] = made
	if given.AccessKeyID != "" {
		d.accessKeys[given.AccessKeyID] = &accessKey{
			secret: given.SecretAccessKey, token: given.SessionToken,
			account: a, role: made, session: cmp.Or(given.SessionName, name),
		}
	}
}

// changeRole is putRole for a running server.
func (d *directory) changeRole(accountID, name string, given *Role) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	a := d.accounts[accountID]
	if a == nil {
		return &rolecall.Error{Code: rolecall.NotFound, Message: "there is no account " + accountID}
	}
	if key := d.accessKeys[given.AccessKeyID]; key != nil && (key.role == nil || key.role != a.roles[name]) {
		return &rolecall.Error{Code: rolecall.Conflict, Message: "access key " + given.AccessKeyID + " is another identity's"}
	}
	d.putRole(a, name, given)
	return nil
}

// deleteRole ends a role and with it all its sessions.
func (d *directory) deleteRole(accountID, name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	a := d.accounts[accountID]
	if a == nil || a.roles[name] == nil {
		return &rolecall.Error{Code: rolecall.NotFound, Message: fmt.Sprintf("account %s has no role %s", accountID, name)}
	}
	delete(d.accessKeys, a.roles[name].AccessKeyID)
	delete(a.roles, name)
	return nil
}

// roleByARN is nil when there is none with exactly this ARN, path included.
func (d *directory) roleByARN(arn rolecall.ARN) (*account, *role) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	a := d.accounts[arn.Account]
	if a == nil {
		return nil, nil
	}
	if r := a.roles[arn.RoleName()]; r != nil && r.arn == arn.String() {
		return a, r
	}
	return a, nil
}

func (d *directory) account(id string) *account {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.accounts[id]
}

func (d *directory) bucket(name string) *bucket {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.buckets[name]
}

// issuedKey is what STS hands out.
type issuedKey struct {
	accessKeyID, secret, token string
	expires                    time.Time
}

// issue makes a temporary access key. told is the expiration that the client
// hears; the key itself dies at key.expires.
func (d *directory) issue(key accessKey, told, now time.Time) issuedKey {
	c := issuedKey{
		accessKeyID: uniqueID("ASIA")[:20], secret: randomText(30), token: randomText(192), expires: told,
	}
	key.secret, key.token = c.secret, c.token
	d.mu.Lock()
	defer d.mu.Unlock()
	d.accessKeys[c.accessKeyID] = &key
	d.sweep(now)
	return c
}

// sweep forgets sessions an hour after their end; until then their bearers
// hear that they expired. It runs as often as the number of keys doubles.
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

// refusal is why an access key does not serve.
type refusal int

const (
	accepted refusal = iota
	unknownKey
	wrongToken
	expiredToken
)

// Error is for logs; clients hear their service's own words.
func (r refusal) Error() string {
	return [...]string{"accepted", "unknown access key", "wrong session token", "expired session"}[r]
}

// resolve gives the caller that an access key stands for, with policies as
// they are now, and the secret to verify with.
func (d *directory) resolve(id, token string, now time.Time) (*caller, string, refusal) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	key := d.accessKeys[id]
	if key == nil || token == "" && key.token != "" {
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
		u := key.user
		c.arn, c.principal, c.id, c.user = u.arn, u.arn, u.id, u.name
		c.identity, c.boundary = u.Policies, layer(u.Boundary)
		return c, key.secret, accepted
	}
	r := key.account.roles[key.role.name]
	if r == nil || r.id != key.role.id {
		return nil, "", unknownKey // of a role that is gone
	}
	c.arn = "arn:" + key.account.partition + ":sts::" + key.account.id + ":assumed-role/" + r.name + "/" + key.session
	c.principal, c.id, c.session = r.arn, r.id+":"+key.session, key.session
	c.identity, c.boundary, c.sessionPolicy = r.Policies, layer(r.Boundary), key.policy
	return c, key.secret, accepted
}

// layer is a list of the document, if there is one.
func layer(d *policy.Document) []*policy.Document {
	if d == nil {
		return nil
	}
	return []*policy.Document{d}
}

// uniqueID makes an id as IAM's: a prefix that tells the kind, and 17 random
// letters and digits.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
func uniqueID(prefix string) string { return prefix + rand.Text()[:17] }

// randomText gives n random bytes in base64, without padding.
func randomText(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return strings.TrimRight(base64.StdEncoding.EncodeToString(b), "=")
}
