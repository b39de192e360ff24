package rolecall

import (
	"cmp"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/rolecall/rolecall/internal/strict"
)

// PlaceOf returns a whole connection as a place, as it is declared: it is not
// checked, and may be one that no job can use.
func (o Organization) PlaceOf(c Connection) Place {
	p := Place{
		Connection: c.Name, Revision: c.Revision(), Bucket: c.Bucket, Key: c.Prefix, Region: c.Region,
		RoleARN: c.RoleARN, Duration: sessionDuration(given(c.RoleSessionDurationSeconds)), Secret: o.Secrets[c.Secret],
		BucketOwner: ownerOf(c.BucketOwner, c.RoleARN), EndpointURL: c.S3EndpointURL, Encryption: c.Encryption,
		StorageClass: c.StorageClass, ACL: c.ACL, RequesterPays: c.RequesterPays,
	}
	if c.Secret == "" {
		p.ExternalID = o.ExternalIDFor(c)
	}
	if d := c.HTTPCredentialSource; d != nil {
		normal := d.Normal()
		p.Dispenser, p.Bearer = &normal, o.Secrets[d.Secret]
	}
	return p
}

// PlaceRequest asks for a place below one of an organization's connections.
type PlaceRequest struct {
	Connection string  // its name
	Path       string  // below the connection's prefix; empty: all of it
	Purpose    Purpose // what is done there
	Vendor     Vendor
	Principal  Principal // that works there
}

// Place returns a place below a connection, checked by the rules for a step of
// a job. It reports all faults at once; nothing is contacted.
func (o Organization) Place(r PlaceRequest) (Place, error) {
	p := &planner{org: o, vendor: r.Vendor, principal: r.Principal}
	place := p.place(storage{Connection: r.Connection, Path: r.Path}, prefix, r.Purpose, "")
	if err := p.faults.Err(); err != nil {
		return Place{}, err
	}
	return place, nil
}

// extent is what of a bucket a place covers.
type extent int

const (
	oneObject extent = iota
	prefix           // with files below it
)

// extentOf returns the extent of a step's place, by the step's files.
func extentOf(files []string) extent {
	if len(files) == 0 {
		return oneObject
	}
	return prefix
}

// place resolves one end of a storage step. Purpose is what the step does with
// it.
func (p *planner) place(q storage, covers extent, purpose Purpose, at string) Place {
	pl := Place{
		Pointer: at, AuthorizedAt: at, EndpointURL: q.S3EndpointURL, BucketOwner: q.BucketOwner, Encryption: q.Encryption,
		StorageClass: q.StorageClass, ACL: q.ACL, RequesterPays: q.RequesterPays, Duration: sessionDuration(cmp.Or(q.RoleSessionDurationSeconds, p.job.RoleSessionDurationSeconds)),
	}
	var faults Errors
	q.validate(&faults)
	p.faults.AddErr(at, faults.Err())

	var location Location
	switch {
	case q.Location == "" && q.Connection == "" && (p.hasFault(at+"/location") || p.hasFault(at+"/connection")):
		return pl
	case q.Location == "" && q.Connection == "":
		p.faults.Add(at, "the step names no place", "You: give location, or connection with path")
		return pl
	case q.Location != "" && q.Connection != "":
		p.faults.Add(at+"/location", "connection and location are both given", "You: give path below the connection's prefix instead")
		return pl
	case q.Location != "":
		var err error
		if location, err = ParseLocation(q.Location); err != nil {
			p.faults.AddErr(at+"/location", err)
			return pl
		}
		pl.Bucket, pl.Key, pl.Region = location.Bucket, location.Key, location.Region
		if q.Path != "" {
			p.faults.Add(at+"/path", "path goes with a connection", "You: write the whole place in location")
		}
	}
	p.authorize(&pl, q, location, at)
	if q.Connection != "" && !p.connect(&pl, q, purpose, at) {
		return pl
	}
	p.checkAccounts(pl, at)
	p.shape(&pl, covers, at)
	return pl
}

// checkAccounts refuses a place that leads into the vendor's accounts, or has
// a key that the bucket's partition cannot reach.
func (p *planner) checkAccounts(pl Place, at string) {
	role, err := ParseRoleARN(pl.RoleARN)
	if reported := err == nil && role.Account == pl.BucketOwner; !reported && p.vendor.Owns(pl.BucketOwner) {
		p.faults = append(p.faults, &Error{
			Code: Forbidden, Pointer: at + "/bucket_owner", Message: "the bucket's owner " + pl.BucketOwner + " is an account of the vendor's",
			Hint: "You: give the account that owns the customer's bucket",
		})
	}
	if pl.Encryption == nil || pl.Encryption.Key == "" {
		return
	}
	key, err := ParseARN(pl.Encryption.Key)
	switch own := p.principal.ARN.Partition; {
	case err != nil: // reported already
	case p.vendor.Owns(key.Account):
		p.faults = append(p.faults, &Error{
			Code: Forbidden, Pointer: at + "/encryption/key", Message: "the KMS key is in an account of the vendor's",
			Hint: "You: give a key of the customer's",
		})
	case own != "" && key.Partition != own:
		p.faults.Add(at+"/encryption/key", "the KMS key is in partition "+key.Partition+", but the principal is in "+own, "You: give a key of the partition of the role")
	}
}

// authorize finds the one way to authorize a step: on the task, or else on the
// job. If there is none, that is an error: a worker's own credentials are
// never used for a tenant's S3.
func (p *planner) authorize(pl *Place, q storage, location Location, at string) {
	var ways []string
	for _, w := range []struct {
		name  string
		given bool
	}{
		{"connection", q.Connection != ""},
		{"role_arn", q.RoleARN != ""},
		{"the secret in the location", location.Secret != ""},
		{"http_credential_source", q.HTTPCredentialSource != nil},
	} {
		if w.given {
			ways = append(ways, w.name)
		}
	}
	switch {
	case len(ways) > 1:
		p.faults.Add(at, "the step is authorized in more than one way: "+strings.Join(ways, " and "), "You: keep one of them")
	case q.HTTPCredentialSource != nil:
		pl.AuthorizedAt = at + "/http_credential_source"
		p.dispenser(pl, *q.HTTPCredentialSource, pl.AuthorizedAt, pl.AuthorizedAt+"/secret")
		pl.ExternalID = p.org.ExternalID.Value
	case location.Secret != "":
		pl.AuthorizedAt = at + "/location"
		p.secret(pl, location.Secret, pl.AuthorizedAt)
	case q.RoleARN != "":
		pl.AuthorizedAt = at + "/role_arn"
		p.faults.AddErr(pl.AuthorizedAt, p.role(q.RoleARN))
		pl.RoleARN, pl.ExternalID = q.RoleARN, p.org.ExternalID.Value
	case q.Connection != "": // see connect
	case p.job.RoleARN != "":
		pl.AuthorizedAt = "/role_arn"
		pl.RoleARN, pl.ExternalID = p.job.RoleARN, p.org.ExternalID.Value
	default:
		p.faults.Add(at, "nothing authorizes this step", "You: give a connection, role_arn, a secret in the location or http_credential_source, or role_arn on the job")
	}
	c := p.org.Connections[q.Connection] // of no name: none
	switch pointer := at + "/role_session_duration_seconds"; {
	case q.RoleSessionDurationSeconds == nil:
	case location.Secret != "" || c.Secret != "":
		p.faults.Add(pointer, "static keys have no session", "You: leave it out")
	case q.HTTPCredentialSource != nil || c.HTTPCredentialSource != nil:
		p.faults.Add(pointer, dispenserDecides, "You: leave it out")
	}
	pl.BucketOwner = ownerOf(pl.BucketOwner, pl.RoleARN)
}

func (p *planner) secret(pl *Place, name, at string) {
	s, ok := p.org.Secrets[name]
	switch {
	case !ok:
		p.faults = append(p.faults, &Error{Code: NotFound, Pointer: at, Message: "there is no secret " + strict.Quote(name), Hint: "You: name one of the organization's secrets: " + names(p.org.Secrets)})
	case s.Type != SecretAWSAccessKey:
		p.faults.Add(at, "the secret "+strict.Quote(name)+" holds no AWS access key", "You: name a secret of type aws_access_key")
	case s.Bucket != "" && s.Bucket != pl.Bucket:
		p.faults = append(p.faults, &Error{Code: Forbidden, Pointer: at, Message: "the secret " + strict.Quote(name) + " is not for the bucket " + strict.Quote(pl.Bucket), Hint: "Operator: bind the secret to this bucket, or name another secret"})
	}
	pl.Secret = s
}

// dispenser authorizes a place by a dispenser: with the principal that signs
// for it, or with a secret that may be sent to its host.
func (p *planner) dispenser(pl *Place, source HTTPCredentialSource, at, secretAt string) {
	normal := source.Normal()
	pl.Dispenser = &normal
	if err := source.Validate(); err != nil {
		var faults Errors
		faults.AddErr(at, err)
		p.faults = p.faults.Merge(faults)
		return
	}
	if source.Secret == "" {
		if _, ok := p.vendor.Principals[DispenserPrincipal]; !ok {
			p.faults.Add(at, "nobody here signs requests to dispensers", "Operator: declare a principal named "+DispenserPrincipal+". You: or name a secret of type text that the dispenser takes as bearer token")
		}
		return
	}
	pl.Bearer = p.org.Secrets[source.Secret]
	p.faults.AddErr(secretAt, p.org.CheckBearer(source))
}

// connect fills a place from the connection and checks the step against it. It
// reports whether there is one.
func (p *planner) connect(pl *Place, q storage, purpose Purpose, at string) bool {
	c, ok := p.org.Connections[q.Connection]
	if !ok {
		p.faults = append(p.faults, &Error{
			Code: NotFound, Pointer: at + "/connection", Message: "there is no connection " + strict.Quote(q.Connection),
			Hint: "You: name one of the organization's connections: " + names(p.org.Connections),
		})
		return false
	}
	if purpose == Delivery && c.Purpose == Source {
		p.faults = append(p.faults, &Error{
			Code: Forbidden, Pointer: at + "/connection", Message: "the connection " + strict.Quote(q.Connection) + " is for reading",
			Hint: "You: use a connection of purpose delivery",
		})
	}
	if strings.HasPrefix(q.Path, "/") {
		p.faults.Add(at+"/path", "the path begins with a slash", "You: give it relative to the connection's prefix "+strict.Quote(c.Prefix))
	} else {
		for _, part := range strings.Split(strings.TrimSuffix(q.Path, "/"), "/") {
			if part == ".." || part == "." || part == "" && q.Path != "" {
				p.faults.Add(at+"/path", strict.Quote(q.Path)+" has an empty part or a part . or ..", "You: give a path below the connection's prefix "+strict.Quote(c.Prefix))
				break
			}
		}
	}
	if key := c.Prefix + q.Path; key != "" {
		p.faults.AddErr(at+"/path", validateKey(key))
	}
	mustMatch := func(member, given, own string) string {
		if given != "" && given != own {
			p.faults = append(p.faults, &Error{
				Code: Conflict, Pointer: at + "/" + member, Message: member + " is not the connection's",
				Hint: "You: leave it out, or have the connection changed",
			})
		}
		return own
	}
	own := p.org.PlaceOf(c)
	pl.AuthorizedAt = at + "/connection"
	pl.Connection, pl.Revision = q.Connection, own.Revision
	pl.Bucket, pl.Key, pl.Region = own.Bucket, own.Key+q.Path, own.Region
	pl.EndpointURL = mustMatch("s3_endpoint_url", q.S3EndpointURL, own.EndpointURL)
	pl.RequesterPays = pl.RequesterPays || own.RequesterPays
	if own.BucketOwner != "" || own.RoleARN != "" {
		pl.BucketOwner = mustMatch("bucket_owner", q.BucketOwner, own.BucketOwner)
	}
	if own.Encryption != nil {
		if q.Encryption != nil && *q.Encryption != *own.Encryption {
			mustMatch("encryption", "given", "")
		}
		pl.Encryption = own.Encryption
	}
	pl.StorageClass = cmp.Or(pl.StorageClass, own.StorageClass)
	pl.ACL = cmp.Or(pl.ACL, own.ACL)
	pl.ExternalID = own.ExternalID
	switch {
	case c.Secret != "":
		p.secret(pl, c.Secret, pl.AuthorizedAt)
	case c.HTTPCredentialSource != nil:
		p.dispenser(pl, *c.HTTPCredentialSource, pl.AuthorizedAt, pl.AuthorizedAt)
	default:
		p.faults.AddErr(pl.AuthorizedAt, p.role(c.RoleARN))
		pl.RoleARN = own.RoleARN
		if q.RoleSessionDurationSeconds == nil && c.RoleSessionDurationSeconds != 0 {
			pl.Duration = own.Duration
		}
	}
	return true
}

// shape ends a prefix in a slash, and checks that one object is one.
func (p *planner) shape(pl *Place, covers extent, at string) {
	switch {
	case covers == prefix && pl.Key != "" && !strings.HasSuffix(pl.Key, "/"):
		pl.Key += "/"
	case covers == oneObject && (pl.Key == "" || strings.HasSuffix(pl.Key, "/")):
		p.faults.Add(at, "the place is a prefix, and no files are named", `You: give files, for example ["**"] for all below it, or name one object`)
	}
}

// hasFault reports whether a place of the job already has a fault.
func (p *planner) hasFault(pointer string) bool {
	for _, e := range slices.Concat(p.types, p.faults) {
		if e.Pointer == pointer {
			return true
		}
	}
	return false
}

// ownerOf returns the account that a bucket belongs to if none is declared:
// the role's.
func ownerOf(declared, roleARN string) string {
	if declared != "" || roleARN == "" {
		return declared
	}
	a, err := ParseRoleARN(roleARN)
	if err != nil {
		return ""
	}
	return a.Account
}

// sessionDuration returns the duration of sessions from its number of seconds.
func sessionDuration(seconds *int) time.Duration {
	if seconds == nil {
		return DefaultSessionDuration
	}
	return time.Duration(*seconds) * time.Second
}

// given returns the number, or nil for 0, which in a connection is the default.
func given(n int) *int {
	if n == 0 {
		return nil
	}
	return &n
}

func names[V any](m map[string]V) string {
	if len(m) == 0 {
		return "none"
	}
	out := make([]string, 0, len(m))
	for n := range m {
		out = append(out, n)
	}
	sort.Strings(out)
	return strings.Join(out, ", ")
}
