package sandbox

import (
	"cmp"
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
	boundaryARN                string
}

type bucket struct {
	*Bucket
	name    string
	account *account
}

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
	if given.Boundary != nil {
		made.boundaryARN = a.iam("policy", "", name+"-boundary")
		a.policies[made.boundaryARN] = given.Boundary
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

// layer returns a list of the document, if there is one.
func layer(d *policy.Document) []*policy.Document {
	if d == nil {
		return nil
	}
	return []*policy.Document{d}
}
