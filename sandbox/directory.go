package sandbox

import (
	"cmp"
	"crypto/subtle"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
)

// directory is IAM's state: who exists, with which policies and access keys.
// What its methods return never changes: a change replaces it by a changed
// copy.
type directory struct {
	clock      func() time.Time
	mu         sync.RWMutex
	accounts   map[string]*account
	buckets    map[string]*bucket
	accessKeys map[string]*accessKey
	sweepAt    int // number of access keys at which expired ones are removed
}

type account struct {
	id, partition, organization string
	scp, rcp                    [][]*policy.Document
	users                       map[string]*user
	roles                       map[string]*role
	keys                        map[string]*Key
	policies                    map[string]*policy.Document // managed ones, by ARN
}

type user struct {
	*User
	name, id, arn string
	inline        []inlinePolicy
}

// role is a role. One that is deleted and made again has another id.
type role struct {
	*Role
	name, id, arn, description string
	created                    time.Time
	inline                     []inlinePolicy
	boundaryARN                string // empty for one of the config
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
	inactive      bool
}

// isOf reports whether the key belongs to this role, and not to an earlier one
// of its name.
func (k *accessKey) isOf(r *role) bool { return k.role != nil && r != nil && k.role.id == r.id }

// fullAWSAccess is the RCP that AWS attaches everywhere and that cannot be
// detached.
// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html
const fullAWSAccess = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`

func newDirectory(cfg *Config, clock func() time.Time) *directory {
	full := builtin(fullAWSAccess)
	d := &directory{
		clock: clock, sweepAt: 1024,
		accounts: map[string]*account{}, buckets: map[string]*bucket{}, accessKeys: map[string]*accessKey{},
	}
	for id, given := range cfg.Accounts {
		a := &account{
			id: id, partition: cmp.Or(given.Partition, "aws"), organization: given.Organization,
			users: map[string]*user{}, roles: map[string]*role{}, keys: map[string]*Key{}, policies: map[string]*policy.Document{},
		}
		maps.Copy(a.keys, given.Keys)
		if len(given.SCP) > 0 {
			a.scp = [][]*policy.Document{given.SCP}
		}
		if len(given.RCP) > 0 {
			a.rcp = [][]*policy.Document{append([]*policy.Document{full}, given.RCP...)}
		}
		d.accounts[id] = a
		for name, u := range given.Users {
			made := &user{User: u, name: name, arn: a.iam("user", u.Path, name), inline: inlineOf(u.Policies)}
			made.id = stableID("AIDA", made.arn)
			a.users[name] = made
			if u.AccessKeyID != "" {
				d.accessKeys[u.AccessKeyID] = &accessKey{secret: u.SecretAccessKey, account: a, user: made}
			}
		}
		for name, r := range given.Roles {
			d.putRole(a, name, r)
			a.roles[name].id = stableID("AROA", a.roles[name].arn)
		}
		for name, b := range given.Buckets {
			d.buckets[name] = &bucket{Bucket: b, name: name, account: a}
		}
	}
	return d
}

// iam returns the ARN of a user or role.
func (a *account) iam(kind, path, name string) string {
	return "arn:" + a.partition + ":iam::" + a.id + ":" + kind + cmp.Or(path, "/") + name
}

// putRole makes or changes a role; a changed role keeps its id. The caller
// holds mu, unless the server has not started.
func (d *directory) putRole(a *account, name string, given *Role) {
	made := &role{
		Role: given, name: name, id: uniqueID("AROA"), arn: a.iam("role", given.Path, name),
		created: d.clock(), inline: inlineOf(given.Policies),
	}
	if old := a.roles[name]; old != nil {
		made.id, made.created = old.id, old.created
		delete(d.accessKeys, old.AccessKeyID)
	}
	a.roles[name] = made
	if given.AccessKeyID != "" {
		d.accessKeys[given.AccessKeyID] = &accessKey{
			secret: given.SecretAccessKey, token: given.SessionToken,
			account: a, role: made, session: cmp.Or(given.SessionName, name),
		}
		if given.SessionExpired {
			d.accessKeys[given.AccessKeyID].expires = d.clock()
		}
	}
}

// changeRole makes or changes a role.
func (d *directory) changeRole(accountID, name string, given *Role) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	a := d.accounts[accountID]
	if a == nil {
		return &rolecall.Error{Code: rolecall.NotFound, Message: "there is no account " + accountID}
	}
	if key := d.accessKeys[given.AccessKeyID]; key != nil && !key.isOf(a.roles[name]) {
		return &rolecall.Error{Code: rolecall.Conflict, Message: "access key " + given.AccessKeyID + " is another identity's"}
	}
	d.putRole(a, name, given)
	return nil
}

// deleteRole deletes a role, which ends all its sessions.
func (d *directory) deleteRole(accountID, name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	a := d.accounts[accountID]
	if a == nil || a.roles[name] == nil {
		return &rolecall.Error{Code: rolecall.NotFound, Message: fmt.Sprintf("account %s has no role %s", accountID, name)}
	}
	d.removeRole(a, name)
	return nil
}

// removeRole deletes a role; the caller holds mu.
func (d *directory) removeRole(a *account, name string) {
	delete(d.accessKeys, a.roles[name].AccessKeyID)
	delete(a.roles, name)
}

// roleByARN returns the role with exactly this ARN, path included; nil if
// there is none.
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

// user returns the account's user of this name; nil if there is none.
func (d *directory) user(a *account, name string) *user {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return a.users[name]
}

// role returns the account's role of this name; nil if there is none.
func (d *directory) role(a *account, name string) *role {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return a.roles[name]
}

func (d *directory) bucket(name string) *bucket {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.buckets[name]
}

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

// layer returns a list of the document, if there is one.
func layer(d *policy.Document) []*policy.Document {
	if d == nil {
		return nil
	}
	return []*policy.Document{d}
}
