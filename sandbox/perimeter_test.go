package sandbox

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/rolecall/rolecall/policy"
)

const acme = "111122223333"

// acmes puts a statement into the policy of acme's bucket, beside what is
// there.
func acmes(statement string) func(*Config) {
	return func(cfg *Config) {
		b := cfg.Accounts[acme].Buckets["acme-masters"]
		b.Policy = builtin(strings.Replace(string(b.Policy.JSON()), `"Statement":[`, `"Statement":[`+statement+",", 1))
	}
}

// unless denies everything in acme's bucket unless the condition, which says
// when, is not fulfilled.
func unless(condition string) func(*Config) {
	return acmes(`{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::acme-masters","arn:aws:s3:::acme-masters/*"],"Condition":` + condition + `}`)
}

// joined makes one organization of the accounts.
func joined(change func(*Config)) func(*Config) {
	return func(cfg *Config) {
		for _, a := range cfg.Accounts {
			a.Organization = "o-all"
		}
		if change != nil {
			change(cfg)
		}
	}
}

func controls(account string, set func(*Account, []*policy.Document), statement string) func(*Config) {
	return func(cfg *Config) {
		set(cfg.Accounts[account], []*policy.Document{builtin(`{"Version":"2012-10-17","Statement":[` + statement + `]}`)})
	}
}

func scp(a *Account, p []*policy.Document) { a.SCP = append(a.SCP, p...) }
func rcp(a *Account, p []*policy.Document) { a.RCP = append(a.RCP, p...) }

// What customers put around their accounts and buckets, each with a caller
// whom it lets pass or keeps out, and what that caller hears.
func TestPerimeters(t *testing.T) {
	t.Parallel()
	secure := func(cfg *Config) { yes := true; cfg.SecureTransport = &yes }
	both := func(list ...func(*Config)) func(*Config) {
		return func(cfg *Config) {
			for _, f := range list {
				f(cfg)
			}
		}
	}
	const (
		explicit = "with an explicit deny in a resource-based policy"
		bare     = "api error AccessDenied: Access Denied"
		onlyTLS  = `{"Bool":{"aws:SecureTransport":"false"}}`
		allow    = `{"Effect":"Allow","Action":"*","Resource":"*"}`
		noReads  = `{"Effect":"Deny","Action":"s3:GetObject","Resource":"*"}`
		noPeople = `{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*","Condition":{"StringNotEqualsIfExists":{"aws:PrincipalOrgID":"o-all"},"BoolIfExists":{"aws:PrincipalIsAWSService":"false"}}}`
	)
	for _, c := range []struct {
		name   string
		change func(*Config)
		keys   keys
		want   string // "" for a read that succeeds
	}{
		{"an endpoint's only", unless(`{"StringNotEquals":{"aws:SourceVpce":"vpce-1"}}`), keysOf("admin"), explicit},
		{"an endpoint's only, to outsiders", unless(`{"StringNotEquals":{"aws:SourceVpce":"vpce-1"}}`), keysOf("partner"), bare},
		{"a network's only", unless(`{"StringNotEquals":{"aws:SourceVpc":"vpc-1"}}`), keysOf("admin"), explicit},
		{"an endpoint's, if there is one", unless(`{"StringNotEqualsIfExists":{"aws:SourceVpce":"vpce-1"}}`), keysOf("admin"), explicit},
		{"other addresses only", unless(`{"NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}}`), keysOf("admin"), explicit},
		{"this address too", unless(`{"NotIpAddress":{"aws:SourceIp":["203.0.113.0/24","127.0.0.0/8"]}}`), keysOf("admin"), ""},
		{"TLS only, over http", unless(onlyTLS), keysOf("admin"), explicit},
		{"TLS only, over TLS", both(unless(onlyTLS), secure), keysOf("admin"), ""},
		{"new TLS only, over http", both(unless(onlyTLS), unless(`{"NumericLessThan":{"s3:TlsVersion":"1.2"}}`)), keysOf("admin"), explicit},
		{"new TLS only, over TLS", both(unless(`{"NumericLessThan":{"s3:TlsVersion":"1.2"}}`), secure), keysOf("admin"), ""},
		{"newest TLS only, over TLS", both(unless(`{"NumericLessThan":{"s3:TlsVersion":"1.4"}}`), secure), keysOf("admin"), explicit},
		{"an organization's only", unless(`{"StringNotEquals":{"aws:PrincipalOrgID":"o-all"}}`), keysOf("partner"), bare},
		{"an organization's only, inside", joined(unless(`{"StringNotEquals":{"aws:PrincipalOrgID":"o-all"}}`)), keysOf("partner"), ""},
		{"an endpoint's only, in the organization", joined(unless(`{"StringNotEquals":{"aws:SourceVpce":"vpce-1"}}`)), keysOf("partner"), explicit},
		{"everyone but some", acmes(`{"Effect":"Deny","NotPrincipal":{"AWS":["arn:aws:iam::111122223333:root","arn:aws:iam::111122223333:user/nobody"]},"Action":"s3:*","Resource":"arn:aws:s3:::acme-masters/*"}`), keysOf("admin"), explicit},

		{"the caller's SCP", controls("222233334444", scp, noReads), keysOf("partner"), bare},
		{"the caller's SCP, in the organization", joined(controls("222233334444", scp, noReads)), keysOf("partner"), "with an explicit deny in a service control policy: arn:aws:organizations::000000000000:policy/o-all/service_control_policy/p-222233334444n2"},
		{"the owner's SCP", controls(acme, scp, noReads+","+allow), keysOf("partner"), ""},
		{"no SCP that allows", joined(controls(acme, scp, `{"Effect":"Allow","Action":"sts:*","Resource":"*"}`)), keysOf("admin"), "because no service control policy allows the s3:GetObject action"},
		{"the owner's RCP", joined(controls(acme, rcp, strings.Replace(noReads, `"Action"`, `"Principal":"*","Action"`, 1))), keysOf("partner"), "with an explicit deny in a resource control policy: arn:aws:organizations::000000000000:policy/o-all/resource_control_policy/p-111122223333n0"},
		{"the caller's RCP", joined(controls("222233334444", rcp, strings.Replace(noReads, `"Action"`, `"Principal":"*","Action"`, 1))), keysOf("partner"), ""},
		{"the owner's RCP against outsiders", controls(acme, rcp, noPeople), keysOf("partner"), bare},
		{"the owner's RCP against outsiders, inside", joined(controls(acme, rcp, noPeople)), keysOf("partner"), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := loaded(t, c.change, Options{})
			err := get(t.Context(), w.s3(c.keys, "eu-central-1"), "acme-masters", "in/a.mov")
			if c.want == "" {
				wants(t, err, "", "")
				return
			}
			wants(t, err, "AccessDenied", c.want)
		})
	}
}

func TestPerimetersOfRoles(t *testing.T) {
	t.Parallel()
	assume := func(w *world) error {
		_, err := w.sts(worker).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: aws.String(media), RoleSessionName: aws.String("acme.1"), ExternalId: aws.String("x-42")})
		return err
	}
	const (
		all   = `{"Effect":"Allow","Action":"*","Resource":"*"}`
		noSTS = `{"Effect":"Deny","Action":"sts:AssumeRole","Resource":"*"}`
		noOut = `{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole","Resource":"*","Condition":{"StringNotEquals":{"aws:PrincipalOrgID":"o-customer"}}}`
	)
	silent := "is not authorized to perform: sts:AssumeRole on resource: " + media
	for _, c := range []struct {
		name   string
		change func(*Config)
		want   string
		bare   bool // no layer is named
	}{
		{"the worker's SCP", controls("873682911326", scp, noSTS+","+all), silent, true},
		{"the worker's SCP, in the organization", joined(controls("873682911326", scp, noSTS+","+all)), "with an explicit deny in a service control policy", false},
		{"the customer's SCP", controls(acme, scp, noSTS+","+all), "", false},
		{"the customer's RCP against outsiders", controls(acme, rcp, noOut), silent, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := assume(loaded(t, c.change, Options{}))
			if c.want == "" {
				wants(t, err, "", "")
				return
			}
			wants(t, err, "AccessDenied", c.want)
			if c.bare && !strings.HasSuffix(err.Error(), c.want) {
				t.Errorf("an outsider hears %v", err)
			}
		})
	}
}

// What S3 looks at before it asks any policy is told without a reason, even
// to the bucket's own account.
func TestRefusedBeforePolicies(t *testing.T) {
	t.Parallel()
	w := loaded(t, func(cfg *Config) { cfg.Accounts["222233334444"].Buckets["globex-delivery"].RequesterPays = true }, Options{})
	for _, name := range []string{"admin", "nobody"} {
		_, err := w.s3(keysOf(name), "eu-central-1").GetObject(t.Context(), &s3.GetObjectInput{
			Bucket: aws.String("acme-masters"), Key: aws.String("in/a.mov"), ExpectedBucketOwner: aws.String("222233334444"),
		})
		wants(t, err, "AccessDenied", "api error AccessDenied: Access Denied")
	}
	_, err := w.s3(keysOf("admin"), "us-west-2").ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("globex-delivery")})
	wants(t, err, "AccessDenied", "api error AccessDenied: Access Denied")
	wants(t, put(t.Context(), w.s3(keysOf("partner"), "us-west-2"), "globex-delivery", "k", "x"), "", "")
	for _, e := range w.Trail() {
		if e.ErrorCode != "" && e.Resource != "" {
			t.Errorf("a policy was asked: %+v", e)
		}
	}
}

// A session's own policy may hold it to buckets of one account.
func TestSessionsHeldToAnAccount(t *testing.T) {
	t.Parallel()
	w := loaded(t, nil, Options{})
	for _, key := range []string{"aws:ResourceAccount", "s3:ResourceAccount"} {
		for account, code := range map[string]string{acme: "", "222233334444": "AccessDenied"} {
			only := `{"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"` + key + `":"` + account + `"}}}]}`
			session := w.assume(t, worker, sts.AssumeRoleInput{RoleArn: aws.String(media), ExternalId: aws.String("x-42"), Policy: &only})
			wants(t, get(t.Context(), w.s3(session, "eu-central-1"), "acme-masters", "in/a.mov"), code, "")
		}
	}
}
