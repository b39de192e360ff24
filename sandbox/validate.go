package sandbox

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/internal/strict"
	"github.com/rolecall/rolecall/policy"
	"github.com/rolecall/rolecall/sandbox/internal/s3"
)

var (
	nameForm   = regexp.MustCompile(`^[\w+=,.@-]{1,64}$`)
	pathForm   = regexp.MustCompile(`^/([\x21-\x2e\x30-\x7e]+/)*$`)
	regionForm = regexp.MustCompile(`^[a-z]{2,5}(-[a-z]+)+-[0-9]$`)
	bucketForm = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	keyForm    = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`)
	accessForm = regexp.MustCompile(`^\w{1,128}$`)
	// sessionForm matches RoleSessionName, and a federated user's name.
	sessionForm = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)
)

var (
	partitions = []string{"aws", "aws-cn", "aws-us-gov", "aws-eusc"}
	ownerships = []string{"BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"}
	encryption = []string{"AES256", "aws:kms", "aws:kms:dsse"}
	keyStates  = []string{stateEnabled, stateDisabled, statePendingDeletion}
	services   = []string{"s3", "sts", "kms", "iam"}
)

// validator collects a config's faults, and what must be unique over accounts.
type validator struct {
	rolecall.Errors
	accessKeys map[string]bool
	buckets    map[string]bool
}

// validate reports all faults of the config at once.
func (cfg *Config) validate() error {
	v := &validator{accessKeys: map[string]bool{}, buckets: map[string]bool{}}
	if len(cfg.Accounts) == 0 {
		v.Add("/accounts", "no account is given", `You: give at least one, such as accounts: {"111122223333": {…}}`)
	}
	for id, a := range sorted(cfg.Accounts) {
		at := strict.Pointer("accounts", id)
		if !rolecall.IsAccountID(id) {
			v.Add(at, fmt.Sprintf("%.80q is no account id", id), "You: write twelve digits")
		}
		if a == nil {
			cfg.Accounts[id] = &Account{}
			continue
		}
		v.account(at, a)
	}
	for i := range cfg.Faults {
		v.fault(strict.Pointer("faults", i), &cfg.Faults[i])
	}
	return v.Err()
}

// sorted iterates over a map by its sorted keys, so that faults have a fixed
// order.
func sorted[V any](m map[string]V) func(yield func(string, V) bool) {
	return func(yield func(string, V) bool) {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			if !yield(k, m[k]) {
				return
			}
		}
	}
}

func (v *validator) oneOf(at, value string, known []string) {
	if value == "" || slices.Contains(known, value) {
		return
	}
	hint := "You: name one of " + strings.Join(known, ", ")
	if near := strict.Nearest(value, known); near != "" {
		hint = fmt.Sprintf("You: write %q, if that is meant", near)
	}
	v.Add(at, fmt.Sprintf("%.80q is not known", value), hint)
}

func (v *validator) account(at string, a *Account) {
	v.oneOf(at+"/partition", a.Partition, partitions)
	v.policies(at+"/scp", a.SCP, policy.SCP)
	v.policies(at+"/rcp", a.RCP, policy.RCP)
	v.names(at+"/users", slices.Collect(maps.Keys(a.Users)))
	for name, u := range sorted(a.Users) {
		place := at + strict.Pointer("users", name)
		if u == nil {
			a.Users[name] = &User{}
			continue
		}
		v.path(place, u.Path)
		v.identityPolicies(place, u.Policies, u.Boundary)
		v.keys(place, u.AccessKeyID, u.SecretAccessKey)
	}
	v.names(at+"/roles", slices.Collect(maps.Keys(a.Roles)))
	for name, r := range sorted(a.Roles) {
		place := at + strict.Pointer("roles", name)
		if r == nil {
			a.Roles[name] = &Role{}
			continue
		}
		v.role(place, r)
	}
	for name, b := range sorted(a.Buckets) {
		place := at + strict.Pointer("buckets", name)
		if b == nil {
			v.Add(place, "a bucket needs a region", "You: give it as region: eu-central-1")
			continue
		}
		v.bucket(place, name, b, a)
	}
	for name, k := range sorted(a.Keys) {
		place := at + strict.Pointer("keys", name)
		if !keyForm.MatchString(name) {
			v.Add(place, fmt.Sprintf("%.80q is no id of a key", name), "You: use letters, digits, _ and -")
		}
		if k == nil {
			v.Add(place, "a key needs a region", "You: give it as region: eu-central-1")
			continue
		}
		v.region(place+"/region", k.Region, a)
		v.oneOf(place+"/state", k.State, keyStates)
		v.attached(place+"/policy", k.Policy, policy.MaxKeyPolicy, (*writtenStatement).keyFault)
	}
}

// names checks IAM's rule that names differ by more than case.
func (v *validator) names(at string, names []string) {
	seen := map[string]string{}
	slices.Sort(names)
	for _, name := range names {
		place := at + strict.Pointer(name)
		if !nameForm.MatchString(name) {
			v.Add(place, fmt.Sprintf("%.80q is no name that IAM allows", name), "You: use 1 to 64 letters, digits and +=,.@_-")
		}
		if other, ok := seen[strings.ToLower(name)]; ok {
			v.Add(place, fmt.Sprintf("%q differs from %q only by case", name, other), "")
		}
		seen[strings.ToLower(name)] = name
	}
}

func (v *validator) path(at, path string) {
	if path != "" && (!pathForm.MatchString(path) || len(path) > 512) {
		v.Add(at+"/path", fmt.Sprintf("%.80q is no path", path), "You: begin and end the path with a slash: /team/")
	}
}

// policies checks that each document is valid in its layer.
func (v *validator) policies(at string, list []*policy.Document, layer policy.Layer) {
	for i, p := range list {
		if p == nil {
			v.Add(at+strict.Pointer(i), "must be a policy, not null", "")
		}
		v.policy(at+strict.Pointer(i), p, layer)
	}
}

func (v *validator) policy(at string, p *policy.Document, layer policy.Layer) {
	if p != nil {
		v.AddErr(at, p.Fit(layer))
	}
}

// identityPolicies checks the policies of a user or a role as the calls that put
// them do.
func (v *validator) identityPolicies(at string, list []*policy.Document, boundary *policy.Document) {
	v.policies(at+"/policies", list, policy.Identity)
	v.policy(at+"/boundary", boundary, policy.Boundary)
	for i, p := range list {
		v.stored(at+strict.Pointer("policies", i), p)
	}
	v.stored(at+"/boundary", boundary)
}

// stored checks that IAM stores a policy that is valid as a user's or a role's.
func (v *validator) stored(at string, p *policy.Document) {
	if p == nil || p.Fit(policy.Identity) != nil { // which says so itself
		return
	}
	if place, message := identityFault(statements(p)); message != "" {
		v.Add(at+place, message, unstorable)
	}
}

const unstorable = "You: correct the policy; AWS refuses to store it"

// attached checks the policy of a bucket or of a key as the calls that put one
// do, except its principals: they may be of accounts that the config does not
// have.
func (v *validator) attached(at string, p *policy.Document, limit int, fault func(*writtenStatement) string) {
	if p == nil {
		return
	}
	for _, s := range statements(p) {
		if message := fault(&s); message != "" {
			v.Add(at+s.at, message, unstorable)
		}
	}
	if documentSize(p) > limit {
		v.Add(at, fmt.Sprintf("the policy is longer than %d characters", limit), unstorable)
	}
}

// keys checks an access key; both values may be absent.
func (v *validator) keys(at, id, secret string) {
	if id == "" && secret == "" {
		return
	}
	switch {
	case !accessForm.MatchString(id):
		v.Add(at+"/access_key_id", "must be 1 to 128 letters and digits", "")
	case v.accessKeys[id]:
		v.Add(at+"/access_key_id", "is given to two identities", "You: choose another; access key ids are unique over all accounts")
	}
	v.accessKeys[id] = true
	if secret == "" {
		v.Add(at+"/secret_access_key", "is missing", "")
	}
}

func (v *validator) role(at string, r *Role) {
	v.path(at, r.Path)
	v.identityPolicies(at, r.Policies, r.Boundary)
	if r.Trust != nil {
		v.AddErr(at+"/trust", r.Trust.FitKind(policy.TrustDocument))
	}
	v.keys(at, r.AccessKeyID, r.SecretAccessKey)
	if (r.AccessKeyID == "") != (r.SessionToken == "") {
		v.Add(at+"/session_token", "a role's standing session has access_key_id, secret_access_key and session_token, all three", "")
	}
	if r.SessionName != "" && !sessionForm.MatchString(r.SessionName) {
		v.Add(at+"/session_name", fmt.Sprintf("%.80q is no role session name", r.SessionName), "You: use 2 to 64 letters, digits and +=,.@_-")
	}
	if r.SessionExpired && r.AccessKeyID == "" {
		v.Add(at+"/session_expired", "there is no standing session", "You: give access_key_id, secret_access_key and session_token")
	}
	if d := r.MaxSessionDuration; d != 0 && (d < 3600 || d > 43200) {
		v.Add(at+"/max_session_duration", fmt.Sprintf("%d is out of range", d), "You: give 3600 to 43200 seconds")
	}
}

func (v *validator) region(at, region string, a *Account) {
	partition := cmp.Or(a.Partition, "aws")
	switch {
	case !regionForm.MatchString(region):
		v.Add(at, fmt.Sprintf("%.80q is no region", region), "You: write it as eu-central-1")
	case rolecall.PartitionOf(region) != partition:
		v.Add(at, fmt.Sprintf("region %s is not in the account's partition %s", region, partition), "You: give the account's partition, such as partition: aws-cn")
	}
}

func (v *validator) bucket(at, name string, b *Bucket, a *Account) {
	switch {
	case !validBucketName(name):
		v.Add(at, fmt.Sprintf("%.80q is no bucket name", name), "You: use 3 to 63 lower-case letters, digits, dots and hyphens")
	case v.buckets[name]:
		v.Add(at, fmt.Sprintf("bucket %q is given twice", name), "You: choose another; bucket names are unique over all accounts")
	}
	v.buckets[name] = true
	v.region(at+"/region", b.Region, a)
	v.attached(at+"/policy", b.Policy, policy.MaxBucketPolicy, func(s *writtenStatement) string { return s.bucketFault(name) })
	v.oneOf(at+"/ownership", b.Ownership, ownerships)
	v.oneOf(at+"/encryption/type", b.Encryption.Type, encryption)
	v.oneOf(at+"/storage_class", b.StorageClass, s3.StorageClasses())
	key := b.Encryption.Key
	switch {
	case key == "":
	case b.Encryption.Type == "" || b.Encryption.Type == "AES256":
		v.Add(at+"/encryption/key", "a key needs the type aws:kms", "")
	case strings.HasPrefix(key, "arn:"):
		if arn, err := rolecall.ParseARN(key); err != nil || arn.Service != "kms" || !strings.HasPrefix(arn.Resource, "key/") {
			v.Add(at+"/encryption/key", fmt.Sprintf("%.160q is no ARN of a KMS key", key), "You: write it as arn:aws:kms:REGION:ACCOUNT:key/NAME")
		}
	case a.Keys[key] == nil:
		v.Add(at+"/encryption/key", fmt.Sprintf("the account has no key %.80q", key), "You: declare it under the account's keys, or give the ARN of another account's")
	case a.Keys[key].Region != b.Region:
		v.Add(at+"/encryption/key", fmt.Sprintf("key %q is in another region than the bucket", key), "")
	}
}

func (v *validator) fault(at string, f *Fault) {
	v.oneOf(at+"/service", f.Service, services)
	if f.Error == "" && f.Delay == 0 && f.CutResponseAfter == nil && f.CutRequestAfter == nil && f.ExpireAfter == 0 && f.Lifetime == 0 {
		v.Add(at, "nothing happens by this fault", "You: give one of error, delay, cut_response_after, cut_request_after, expire_after, lifetime")
	}
	if f.Error != "" && !accessForm.MatchString(f.Error) {
		v.Add(at+"/error", fmt.Sprintf("%.80q is no error code", f.Error), "You: write one such as SlowDown, or throttle, internal, unavailable")
	}
	late := f.Status == http.StatusOK && slices.Contains(failsLate, f.Operation)
	if f.Status != 0 && !late && (f.Status < 400 || f.Status > 599) || f.Status != 0 && f.Error == "" {
		v.Add(at+"/status", "must be 400 to 599, beside an error", "You: write that, or 200 for "+strings.Join(failsLate, ", "))
	}
	for name, d := range sorted(map[string]Duration{"expire_after": f.ExpireAfter, "lifetime": f.Lifetime}) {
		if d != 0 && f.Service != "sts" {
			v.Add(at+"/"+name, "sessions begin at sts only", "You: give service: sts")
		}
	}
	if f.Bucket != "" && f.Service != "s3" {
		v.Add(at+"/bucket", "only s3 has buckets", "You: give service: s3")
	}
	for name, n := range sorted(map[string]*int64{"cut_request_after": f.CutRequestAfter, "cut_response_after": f.CutResponseAfter}) {
		if n != nil && *n < 0 {
			v.Add(at+"/"+name, "must not be negative", "")
		}
	}
	if f.Rate != nil && (*f.Rate < 0 || *f.Rate > 1) {
		v.Add(at+"/rate", "must be between 0 and 1", "")
	}
	if f.After < 0 || f.Times < 0 {
		v.Add(at, "after and times must not be negative", "")
	}
}
