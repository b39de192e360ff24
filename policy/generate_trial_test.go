package policy_test

import (
	"bufio"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
)

func allActions(t *testing.T) []string {
	t.Helper()
	f, err := os.Open("testdata/generate/actions.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []string
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if line := lines.Text(); !strings.HasPrefix(line, "#") {
			out = append(out, line)
		}
	}
	return out
}

// frame returns the policies around a request: a kit's, some of them replaced by
// ones that allow everything, so that what is left decides alone.
type frame func(policy.Kit) policy.Policies

var (
	openIdentity = knownGood(allowEverything)
	openResource = knownGood(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":["111122223333","999988887777","888877776666","222233334444"]},"Action":"*","Resource":"*"}}`)
	openTrust    = knownGood(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":["111122223333","999988887777","888877776666"]},"Action":"*"}}`)
)

func knownGood(text string) *policy.Document {
	d, err := policy.Parse([]byte(text))
	if err != nil {
		panic(err)
	}
	return d
}

func identity(d *policy.Document) []*policy.Document {
	if d == nil {
		return nil
	}
	return []*policy.Document{d}
}

// frames are those in which a request for a resource of the kind is decided by
// what the kit says of it.
func (s shape) frames(action, kind string) map[string]frame {
	kms := strings.HasPrefix(action, "kms:")
	var resource, open frame
	switch {
	case kms:
		resource = func(k policy.Kit) policy.Policies { return policy.Policies{Resource: k.Key} }
		open = func(policy.Kit) policy.Policies { return policy.Policies{Resource: openResource} }
	case strings.HasPrefix(action, "sts:"):
		resource = func(k policy.Kit) policy.Policies { return policy.Policies{Resource: k.Trust} }
		open = func(policy.Kit) policy.Policies { return policy.Policies{Resource: openTrust} }
	default:
		resource = func(k policy.Kit) policy.Policies { return policy.Policies{Resource: k.Bucket} }
		open = func(policy.Kit) policy.Policies { return policy.Policies{} }
		if s.cross {
			open = func(policy.Kit) policy.Policies { return policy.Policies{Resource: openResource} }
		}
	}
	out := map[string]frame{
		"together": func(k policy.Kit) policy.Policies {
			p := resource(k)
			p.Identity = identity(k.Permissions)
			return p
		},
		"the role's policy": func(k policy.Kit) policy.Policies {
			p := open(k)
			p.Identity = identity(k.Permissions)
			return p
		},
	}
	// Within an account a role that may do everything needs no bucket's policy.
	if kms && kind == "key" || s.cross && !kms && (kind == "object" || kind == "bucket") {
		out["the resource's policy"] = func(k policy.Kit) policy.Policies {
			p := resource(k)
			p.Identity = identity(openIdentity)
			return p
		}
	}
	return out
}

var trustFrames = map[string]frame{
	"together": func(k policy.Kit) policy.Policies {
		return policy.Policies{Identity: identity(k.Worker), Resource: k.Trust}
	},
	"the trust policy": func(k policy.Kit) policy.Policies {
		return policy.Policies{Identity: identity(openIdentity), Resource: k.Trust}
	},
}

func (s shape) session() string {
	return s.arn("sts", "", kitRoleAccount, "assumed-role/ingest/acme.1")
}

// trial is a request with a name, the policies around it and what is to come
// of it.
type trial struct {
	name    string
	request policy.Request
	around  frame
	allowed bool
}

func (r trial) passes(k policy.Kit) bool {
	return (policy.Evaluate(r.request, r.around(k)).Decision == policy.Allowed) == r.allowed
}

// trials are the operations that the tools make and those that they must not
// be able to make.
func (s shape) trials() []trial {
	return slices.Concat(s.accessTrials(), s.keyTrials(), s.bucketTrials(), s.trustTrials(), s.workerTrials(), s.revocationTrials(), s.toolTrials())
}

func kindOf(action string) string {
	switch action {
	case "s3:ListBucket", "s3:GetBucketLocation", "s3:ListBucketMultipartUploads":
		return "bucket"
	}
	if strings.HasPrefix(action, "kms:") {
		return "key"
	}
	return "object"
}

// ask is the role's request for the action as it should go.
func (s shape) ask(action string) policy.Request {
	r := policy.Request{Principal: s.session(), Action: action, Account: s.owner(), Context: s.context()}
	switch kindOf(action) {
	case "bucket":
		r.Resource = s.bucket()
	case "key":
		r.Resource, r.Account = s.key(), s.keyOwner()
	default:
		r.Resource = s.bucket() + "/" + s.prefix + "reel.mov"
	}
	return r
}

// accessTrials are the role's requests of the bucket, without a session
// policy, so that the kit's documents alone hold it.
func (s shape) accessTrials() []trial {
	var out []trial
	granted := slices.Concat(s.granted("object"), s.granted("bucket"))
	everything := shape{purpose: rolecall.Delivery, versioned: true, grants: true}
	add := func(name string, r policy.Request, allowed bool) {
		for where, around := range s.frames(r.Action, kindOf(r.Action)) {
			out = append(out, trial{r.Action + " " + name + ": " + where, r, around, allowed})
		}
	}
	for _, action := range slices.Concat(everything.granted("object"), everything.granted("bucket")) {
		r := s.ask(action)
		add("as it should be", r, slices.Contains(granted, action))
		out = append(out, s.byNeighbour(r)...)
		r.Resource = strings.Replace(r.Resource, kitBucket, kitBucket+"-2", 1)
		add("of another bucket", r, false)
		if s.prefix != "" && kindOf(action) == "object" {
			r.Resource = s.bucket() + "/private/" + s.prefix + "reel.mov"
			add("outside the prefix", r, false)
			r.Resource = s.bucket() + "/" + strings.TrimSuffix(s.prefix, "/") + "-2/reel.mov"
			add("in a neighbour of the prefix", r, false)
		}
	}
	if s.prefix != "" {
		r := s.ask("s3:ListBucket")
		for name, prefix := range map[string][]string{"without a prefix": nil, "of all": {""}, "of others": {"private/"}, "of neighbours": {strings.TrimSuffix(s.prefix, "/")}} {
			r.Context = as(r.Context, "s3:prefix", prefix...)
			add(name, r, false)
		}
	}
	return out
}

// byNeighbour is the request made by another role of the account that may do
// everything: the bucket's and the key's policies are for one role.
func (s shape) byNeighbour(r policy.Request) []trial {
	around, ok := s.frames(r.Action, kindOf(r.Action))["the resource's policy"]
	if !ok {
		return nil
	}
	r.Principal = s.arn("sts", "", kitRoleAccount, "assumed-role/other/acme.1")
	r.Context = as(r.Context, "aws:PrincipalArn", s.arn("iam", "", kitRoleAccount, "role/media/ingest"))
	return []trial{{r.Action + " by another role", r, around, false}}
}

// keyTrials are the uses of the key.
func (s shape) keyTrials() []trial {
	if s.keyOwner() == "" {
		return nil
	}
	var out []trial
	region, suffix := kitRegions[s.partition], policy.DNSSuffix(s.partition)
	const via, encryption = "kms:ViaService", "kms:EncryptionContext:aws:s3:arn"
	for _, action := range []string{"kms:Decrypt", "kms:GenerateDataKey"} {
		granted := slices.Contains(s.granted("key"), action)
		add := func(name string, r policy.Request, allowed bool) {
			for where, around := range s.frames(action, "key") {
				out = append(out, trial{action + " " + name + ": " + where, r, around, allowed && granted})
			}
		}
		good := s.ask(action)
		with := func(name string, values ...string) policy.Request {
			r := good
			r.Context = as(good.Context, name, values...)
			return r
		}
		add("for an object", good, true)
		add("with a bucket key", with(encryption, s.bucket()), true)
		add("for nothing", with(encryption), false)
		add("for another bucket", with(encryption, s.bucket()+"-2/"+s.prefix+"reel.mov"), false)
		add("not through S3", with(via), false)
		add("through another service", with(via, "ec2."+region+"."+suffix), false)
		if s.prefix != "" {
			add("outside the prefix", with(encryption, s.bucket()+"/private/reel.mov"), false)
		}
		out = append(out, s.byNeighbour(good)...)
		if s.encryption != "default" {
			other := good
			other.Resource += "7"
			out = append(out, trial{action + " with another key", other, s.frames(action, "key")["the role's policy"], false})
		}
	}
	return out
}

// bucketTrials are of an administrator of the bucket's account, whom the bucket's
// policy must hold to what it requires and to nothing else.
func (s shape) bucketTrials() []trial {
	var out []trial
	good := as(s.context(), "aws:PrincipalArn")
	add := func(name, action, resource string, context map[string][]string, allowed bool) {
		r := policy.Request{Principal: s.arn("iam", "", s.owner(), "user/admin"), Action: action, Resource: resource, Account: s.owner(), Context: context}
		out = append(out, trial{"the owner's " + action + " " + name, r, func(k policy.Kit) policy.Policies {
			return policy.Policies{Identity: identity(openIdentity), Resource: k.Bucket}
		}, allowed})
	}
	inside, outside := s.bucket()+"/"+s.prefix+"reel.mov", s.bucket()+"/private/reel.mov"
	plain := as(good, "aws:SecureTransport", "false")
	add("with TLS", "s3:PutBucketPolicy", s.bucket(), good, true)
	add("without TLS", "s3:PutBucketPolicy", s.bucket(), plain, !s.tls)
	add("without TLS", "s3:GetObject", inside, plain, !s.tls)
	add("without TLS", "s3:DeleteObject", outside, plain, !s.tls)

	const sse, sseKey = "s3:x-amz-server-side-encryption", "s3:x-amz-server-side-encryption-aws-kms-key-id"
	bare := as(as(good, sse), sseKey)
	add("encrypted", "s3:PutObject", inside, good, true)
	add("unencrypted", "s3:PutObject", inside, bare, !s.encrypted)
	add("unencrypted", "s3:PutObject", outside, bare, !s.encrypted || s.prefix != "")
	other := map[string]string{"AES256": "aws:kms"}[s.encryption]
	if other == "" {
		other = "AES256"
	}
	add("otherwise encrypted", "s3:PutObject", inside, as(bare, sse, other), !s.encrypted)
	if s.encryption == "role" || s.encryption == "other" {
		add("under another key", "s3:PutObject", inside, as(good, sseKey, s.key()+"7"), !s.encrypted)
	}
	return out
}

func TestKitTrials(t *testing.T) {
	t.Parallel()
	for _, s := range shapes() {
		kit := s.kit(t)
		for _, r := range s.trials() {
			if !r.passes(kit) {
				t.Fatalf("%+v\n%s: want allowed: %v\n%+v", s, r.name, r.allowed, r.request)
			}
		}
	}
}
