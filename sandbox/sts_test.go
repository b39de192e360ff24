package sandbox

import (
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/rolecall/rolecall"
	"github.com/rolecall/rolecall/policy"
)

const media = "arn:aws:iam::111122223333:role/media"

func TestCallerIdentity(t *testing.T) {
	t.Parallel()
	w := loaded(t, nil, Options{})
	session := w.assume(t, worker, sts.AssumeRoleInput{})
	for _, c := range []struct {
		keys            keys
		arn, id, suffix string
	}{
		{worker, "arn:aws:iam::873682911326:user/worker", "AIDA", ""},
		{production, "arn:aws:sts::873682911326:assumed-role/production/worker-1", "AROA", ":worker-1"},
		{session, "arn:aws:sts::111122223333:assumed-role/media/acme.1", "AROA", ":acme.1"},
		{keysOf("unarmed"), "arn:aws:iam::873682911326:user/unarmed", "AIDA", ""},
	} {
		out, err := w.sts(c.keys).GetCallerIdentity(t.Context(), nil)
		if err != nil {
			t.Errorf("%s: %v", c.arn, err)
			continue
		}
		if *out.Arn != c.arn || !strings.HasPrefix(*out.UserId, c.id) || !strings.HasSuffix(*out.UserId, c.suffix) {
			t.Errorf("got %s and %s, want %s and %s…%s", *out.Arn, *out.UserId, c.arn, c.id, c.suffix)
		}
	}
	_, err := w.sts(keys{"AKIANOSUCHKEY", "x", ""}).GetCallerIdentity(t.Context(), nil)
	wants(t, err, "InvalidClientTokenId", "security token included in the request is invalid")
	_, err = w.sts(keys{worker.id, "wrong", ""}).GetCallerIdentity(t.Context(), nil)
	wants(t, err, "SignatureDoesNotMatch", "signature")
	_, err = w.sts(keys{session.id, session.secret, "another"}).GetCallerIdentity(t.Context(), nil)
	wants(t, err, "InvalidClientTokenId", "invalid")
	_, err = w.sts(keys{session.id, session.secret, ""}).GetCallerIdentity(t.Context(), nil)
	wants(t, err, "InvalidClientTokenId", "invalid")
}

func TestAssumeRoleInput(t *testing.T) {
	t.Parallel()
	w := loaded(t, nil, Options{})
	chained := w.assume(t, worker, sts.AssumeRoleInput{})
	allow := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`
	const refused = "is not authorized to perform: sts:AssumeRole on resource: "
	for _, c := range []struct {
		name, code, text string
		keys             keys
		change           func(*sts.AssumeRoleInput)
	}{
		{"right", "", "", worker, func(*sts.AssumeRoleInput) {}},
		{"by a role with a path", "", "", production, func(*sts.AssumeRoleInput) {}},
		{"without a policy of its own", "AccessDenied", refused + media, keysOf("unarmed"), func(*sts.AssumeRoleInput) {}},
		{"a missing role", "AccessDenied", refused + media + "x", worker, func(in *sts.AssumeRoleInput) { in.RoleArn = aws.String(media + "x") }},
		{"a path that the role has not", "AccessDenied", refused, worker, func(in *sts.AssumeRoleInput) {
			in.RoleArn = aws.String("arn:aws:iam::111122223333:role/a/media")
		}},
		{"a missing account", "AccessDenied", refused, worker, func(in *sts.AssumeRoleInput) {
			in.RoleArn = aws.String("arn:aws:iam::999999999999:role/media")
		}},
		{"no role", "ValidationError", "arn:aws:s3:::a-bucket-of-some is invalid", worker, func(in *sts.AssumeRoleInput) {
			in.RoleArn = aws.String("arn:aws:s3:::a-bucket-of-some")
		}},
		{"a short ARN", "ValidationError", "greater than or equal to 20", worker, func(in *sts.AssumeRoleInput) { in.RoleArn = aws.String("x") }},
		{"a session name with a space", "ValidationError", `[\w+=,.@-]*`, worker, func(in *sts.AssumeRoleInput) { in.RoleSessionName = aws.String("a b") }},
		{"a long session name", "ValidationError", "less than or equal to 64", worker, func(in *sts.AssumeRoleInput) {
			in.RoleSessionName = aws.String(strings.Repeat("a", 65))
		}},
		{"a strange external id", "ValidationError", `[\w+=,.@:\/-]*`, worker, func(in *sts.AssumeRoleInput) { in.ExternalId = aws.String("a b") }},
		{"a short external id", "ValidationError", "greater than or equal to 2", worker, func(in *sts.AssumeRoleInput) { in.ExternalId = aws.String("a") }},
		{"a long external id", "ValidationError", "less than or equal to 1224", worker, func(in *sts.AssumeRoleInput) {
			in.ExternalId = aws.String(strings.Repeat("a", 1225))
		}},
		{"two faults", "ValidationError", "2 validation errors detected: ", worker, func(in *sts.AssumeRoleInput) {
			in.ExternalId, in.RoleSessionName = aws.String("a"), aws.String("b")
		}},
		{"900 seconds", "", "", worker, func(in *sts.AssumeRoleInput) { in.DurationSeconds = aws.Int32(900) }},
		{"899 seconds", "ValidationError", "greater than or equal to 900", worker, func(in *sts.AssumeRoleInput) { in.DurationSeconds = aws.Int32(899) }},
		{"the role's maximum", "", "", worker, func(in *sts.AssumeRoleInput) { in.DurationSeconds = aws.Int32(7200) }},
		{"above the role's maximum", "ValidationError", "exceeds the MaxSessionDuration set for this role", worker, func(in *sts.AssumeRoleInput) {
			in.DurationSeconds = aws.Int32(7201)
		}},
		{"above AWS's maximum", "ValidationError", "less than or equal to 43200", worker, func(in *sts.AssumeRoleInput) {
			in.DurationSeconds = aws.Int32(43201)
		}},
		{"above the maximum of a role that refuses", "AccessDenied", refused, worker, func(in *sts.AssumeRoleInput) {
			in.DurationSeconds, in.ExternalId = aws.Int32(7201), nil
		}},
		{"chained", "", "", chained, func(in *sts.AssumeRoleInput) {
			in.RoleArn, in.ExternalId = aws.String("arn:aws:iam::111122223333:role/chained"), nil
		}},
		{"chained for long", "ValidationError", "1 hour session limit for roles assumed by role chaining", chained, func(in *sts.AssumeRoleInput) {
			in.RoleArn, in.DurationSeconds = aws.String("arn:aws:iam::111122223333:role/chained"), aws.Int32(3601)
		}},
		{"a session policy", "", "", worker, func(in *sts.AssumeRoleInput) { in.Policy = &allow }},
		{"a session policy that is no policy", "MalformedPolicyDocument", "", worker, func(in *sts.AssumeRoleInput) { in.Policy = aws.String(`{"Statement":[]`) }},
		{"a session policy with a principal", "MalformedPolicyDocument", "rincipal", worker, func(in *sts.AssumeRoleInput) {
			in.Policy = aws.String(strings.Replace(allow, `"Effect"`, `"Principal":"*","Effect"`, 1))
		}},
		{"a session policy with an incomplete ARN", "MalformedPolicyDocument", "incomplete ARN", worker, func(in *sts.AssumeRoleInput) {
			in.Policy = aws.String(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3"}}`)
		}},
		{"a long session policy", "ValidationError", "less than or equal to 2048", worker, func(in *sts.AssumeRoleInput) {
			in.Policy = aws.String(allow + strings.Repeat(" ", 2048))
		}},
		{"a dense session policy", "PackedPolicyTooLarge", "of allotted space", worker, func(in *sts.AssumeRoleInput) { in.Policy = aws.String(dense()) }},
		{"tags", "ValidationError", "does not support the parameter Tags", worker, func(in *sts.AssumeRoleInput) {
			in.Tags = append(in.Tags, types.Tag{Key: aws.String("a"), Value: aws.String("b")})
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			in := sts.AssumeRoleInput{RoleArn: aws.String(media), RoleSessionName: aws.String("acme.1"), ExternalId: aws.String("x-42")}
			c.change(&in)
			_, err := w.sts(c.keys).AssumeRole(t.Context(), &in)
			wants(t, err, c.code, c.text)
		})
	}
}

func TestOddForms(t *testing.T) {
	t.Parallel()
	w := loaded(t, nil, Options{})
	for _, c := range []struct {
		name, service, body string
		status              int
		want                string
	}{
		{"a parameter twice", "sts", "Action=GetCallerIdentity&ExternalId=x-42&ExternalId=y", 400, "the parameter ExternalId is given more than once"},
		{"a long body", "sts", "Action=GetCallerIdentity&x=" + strings.Repeat("a", 1<<20), 413, "<Code>RequestEntityTooLarge<"},
		{"a long body for a key", "kms", "{" + strings.Repeat(" ", 1<<20) + "}", 413, "RequestEntityTooLarge"},
	} {
		r := w.request(t, http.MethodPost, "/", c.body)
		if r.Header.Set("Content-Type", "application/x-www-form-urlencoded"); c.service == "kms" {
			r.Header.Set("X-Amz-Target", "TrentService.DescribeKey")
		}
		sign(t, r, worker, c.service, "eu-central-1", sha256Hex(c.body))
		if resp, body := w.fetch(t, r); resp.StatusCode != c.status || !strings.Contains(body, c.want) {
			t.Errorf("%s: %d with %s, want %d with %s", c.name, resp.StatusCode, body, c.status, c.want)
		}
	}
}

// dense is a policy of less than 2,048 characters that does not pack.
func dense() string {
	random := rand.New(rand.NewPCG(1, 2))
	name := make([]byte, 1900)
	for i := range name {
		name[i] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"[random.IntN(64)]
	}
	return `{"Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/` + string(name) + `"}}`
}

// Each way that a trust policy can be wrong, by what it lets in.
func TestTrust(t *testing.T) {
	t.Parallel()
	const principal = `"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::873682911326:user/worker"},"Action":"sts:AssumeRole"`
	when := func(condition string) string { return `[{` + principal + `,"Condition":` + condition + `}]` }
	ids := []string{"x-42", "", "Zq8-random", "x-4", "x-422", "X-42"}
	const (
		right = 1 << iota
		absent
		random
		prefix
		suffix
		otherCase
		all = 1<<iota - 1
	)
	for _, c := range []struct {
		name, statements string
		lets             int
	}{
		{"right", when(`{"StringEquals":{"sts:ExternalId":"x-42"}}`), right},
		{"no condition", `[{` + principal + `}]`, all},
		{"an empty condition", when(`{}`), all},
		{"any external id", when(`{"StringLike":{"sts:ExternalId":"*"}}`), all &^ absent},
		{"one need only be there", when(`{"Null":{"sts:ExternalId":"false"}}`), all &^ absent},
		{"a wildcard behind", when(`{"StringLike":{"sts:ExternalId":"x-4*"}}`), right | prefix | suffix},
		{"a wildcard for one character", when(`{"StringLike":{"sts:ExternalId":"x-4?"}}`), right},
		{"not minding case", when(`{"StringEqualsIgnoreCase":{"sts:ExternalId":"x-42"}}`), right | otherCase},
		{"if it exists", when(`{"StringEqualsIfExists":{"sts:ExternalId":"x-42"}}`), right | absent},
		{"for all values", when(`{"ForAllValues:StringEquals":{"sts:ExternalId":"x-42"}}`), right | absent},
		{"for any value", when(`{"ForAnyValue:StringEquals":{"sts:ExternalId":"x-42"}}`), right},
		{"the wrong way round", when(`{"StringNotEquals":{"sts:ExternalId":"x-42"}}`), all &^ right},
		{"another's id too", when(`{"StringEquals":{"sts:ExternalId":["x-42","Zq8-random"]}}`), right | random},
		{"another's id", when(`{"StringEquals":{"sts:ExternalId":"Zq8-random"}}`), random},
		{"a misspelt key", when(`{"StringEquals":{"sts:ExternalID2":"x-42"}}`), 0},
		{"a second statement without the condition", `[{` + principal + `,"Condition":{"StringEquals":{"sts:ExternalId":"x-42"}}},{` + principal + `}]`, all},
		{"a deny for the absent alone", `[{` + principal + `},{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole","Condition":{"Null":{"sts:ExternalId":"true"}}}]`, all &^ absent},
		{"a deny for all others", `[{` + principal + `},{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole","Condition":{"StringNotEquals":{"sts:ExternalId":"x-42"}}}]`, right},
		{"the account's root", strings.Replace(when(`{"StringEquals":{"sts:ExternalId":"x-42"}}`), "user/worker", "root", 1), right},
		{"the account's id", strings.Replace(when(`{"StringEquals":{"sts:ExternalId":"x-42"}}`), "arn:aws:iam::873682911326:user/worker", "873682911326", 1), right},
		{"everyone", strings.Replace(when(`{"StringEquals":{"sts:ExternalId":"x-42"}}`), "arn:aws:iam::873682911326:user/worker", "*", 1), right},
		{"everyone by ARN", `[{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"x-42"},"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::873682911326:user/worker"}}}]`, right},
		{"someone else", strings.Replace(when(`{"StringEquals":{"sts:ExternalId":"x-42"}}`), "user/worker", "user/other", 1), 0},
		{"another action", strings.Replace(when(`{"StringEquals":{"sts:ExternalId":"x-42"}}`), "sts:AssumeRole", "sts:TagSession", 1), 0},
		{"a service", strings.Replace(when(`{}`), `"AWS":"arn:aws:iam::873682911326:user/worker"`, `"Service":"ec2.amazonaws.com"`, 1), 0},
		{"no statement that allows", `[]`, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			trust, err := policy.Parse([]byte(`{"Version":"2012-10-17","Statement":` + c.statements + `}`))
			if err != nil {
				t.Fatal(err)
			}
			w := loaded(t, func(cfg *Config) { cfg.Accounts["111122223333"].Roles["media"].Trust = trust }, Options{})
			client := w.sts(worker)
			for i, id := range ids {
				in := sts.AssumeRoleInput{RoleArn: aws.String(media), RoleSessionName: aws.String("acme.1")}
				if id != "" {
					in.ExternalId = &id
				}
				_, err := client.AssumeRole(t.Context(), &in)
				if let := c.lets&(1<<i) != 0; let != (err == nil) || err != nil && codeOf(err) != "AccessDenied" {
					t.Errorf("external id %q: let in %v, want %v: %v", id, err == nil, let, err)
				}
			}
		})
	}
}

func TestSessionPolicyBounds(t *testing.T) {
	t.Parallel()
	w := loaded(t, nil, Options{})
	only := w.assume(t, worker, sts.AssumeRoleInput{
		RoleArn: aws.String(media), ExternalId: aws.String("x-42"),
		Policy: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::acme-masters/in/*"}]}`),
	})
	client := w.s3(only, "eu-central-1")
	wants(t, get(t.Context(), client, "acme-masters", "in/a.mov"), "", "")
	wants(t, put(t.Context(), client, "acme-masters", "in/b.mov", "x"), "AccessDenied", "because no session policy allows the s3:PutObject action")
	wants(t, get(t.Context(), client, "acme-masters", "out/a.mov"), "AccessDenied", "because no session policy allows the s3:GetObject action")
}

func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	clock := &fakeClock{offset: -10 * time.Minute}
	w := loaded(t, nil, Options{Clock: clock.now})
	out, err := w.sts(worker).AssumeRole(t.Context(), &sts.AssumeRoleInput{
		RoleArn: aws.String(media), RoleSessionName: aws.String("acme.1"), ExternalId: aws.String("x-42"), DurationSeconds: aws.Int32(900),
	})
	if err != nil {
		t.Fatal(err)
	}
	if left := out.Credentials.Expiration.Sub(clock.now()); left > 15*time.Minute || left < 14*time.Minute {
		t.Errorf("expires in %s", left)
	}
	session := of(out.Credentials)
	wants(t, get(t.Context(), w.s3(session, "eu-central-1"), "acme-masters", "in/a.mov"), "", "")
	clock.set(6 * time.Minute)
	wants(t, get(t.Context(), w.s3(session, "eu-central-1"), "acme-masters", "in/a.mov"), "ExpiredToken", "The provided token has expired.")
	_, err = w.sts(session).GetCallerIdentity(t.Context(), nil)
	wants(t, err, "ExpiredToken", "The security token included in the request is expired")
	clock.set(16 * time.Minute)
	wants(t, get(t.Context(), w.s3(keysOf("admin"), "eu-central-1"), "acme-masters", "in/a.mov"), "RequestTimeTooSkewed", "")
}

func TestIDsOutliveTheSandbox(t *testing.T) {
	t.Parallel()
	ids := func() (role, user string) {
		w := loaded(t, nil, Options{})
		assumed, err := w.sts(worker).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: aws.String(media), RoleSessionName: aws.String("acme.1"), ExternalId: aws.String("x-42")})
		if err != nil {
			t.Fatal(err)
		}
		caller, err := w.sts(worker).GetCallerIdentity(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		return *assumed.AssumedRoleUser.AssumedRoleId, *caller.UserId
	}
	role, user := ids()
	if again, same := ids(); again != role || same != user || !strings.HasPrefix(role, "AROA") || !strings.HasPrefix(user, "AIDA") {
		t.Errorf("%s and %s became %s and %s", role, user, again, same)
	}
}

func TestRecreatedRole(t *testing.T) {
	t.Parallel()
	w := loaded(t, nil, Options{})
	id := func() string {
		out, err := w.sts(worker).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: aws.String(media), RoleSessionName: aws.String("acme.1"), ExternalId: aws.String("x-42")})
		if err != nil {
			t.Fatal(err)
		}
		return *out.AssumedRoleUser.AssumedRoleId
	}
	first := id()
	session := w.assume(t, worker, sts.AssumeRoleInput{})
	changed := *w.directory.accounts["111122223333"].roles["media"].Role
	changed.Policies = nil
	if err := w.PutRole("111122223333", "media", &changed); err != nil {
		t.Fatal(err)
	}
	if id() != first {
		t.Error("a changed role got another id")
	}
	wants(t, get(t.Context(), w.s3(session, "eu-central-1"), "acme-masters", "in/a.mov"), "AccessDenied", "no identity-based policy")
	if err := w.DeleteRole("111122223333", "media"); err != nil {
		t.Fatal(err)
	}
	_, err := w.sts(session).GetCallerIdentity(t.Context(), nil)
	wants(t, err, "InvalidClientTokenId", "")
	if err := w.PutRole("111122223333", "media", &changed); err != nil {
		t.Fatal(err)
	}
	if id() == first {
		t.Error("a recreated role kept its id")
	}
	_, err = w.sts(session).GetCallerIdentity(t.Context(), nil)
	wants(t, err, "InvalidClientTokenId", "")
	taken := changed
	taken.AccessKeyID, taken.SecretAccessKey, taken.SessionToken = production.id, "s", "t"
	if err := w.PutRole("111122223333", "media", &taken); rolecall.CodeOf(err) != rolecall.Conflict {
		t.Errorf("another's access key gives %v", err)
	}
	if err := w.PutRole("000000000000", "media", &changed); err == nil {
		t.Error("a role was made in no account")
	}
	if err := w.PutRole("111122223333", "a b", &changed); err == nil {
		t.Error("a role was made with a bad name")
	}
}

func TestSessionToken(t *testing.T) {
	t.Parallel()
	w := loaded(t, nil, Options{})
	out, err := w.sts(keysOf("admin")).GetSessionToken(t.Context(), &sts.GetSessionTokenInput{DurationSeconds: aws.Int32(900)})
	if err != nil {
		t.Fatal(err)
	}
	session := of(out.Credentials)
	wants(t, get(t.Context(), w.s3(session, "eu-central-1"), "acme-masters", "in/a.mov"), "", "")
	_, err = w.sts(session).GetSessionToken(t.Context(), nil)
	wants(t, err, "AccessDenied", "Cannot call GetSessionToken with session credentials")
	_, err = w.sts(worker).GetSessionToken(t.Context(), &sts.GetSessionTokenInput{DurationSeconds: aws.Int32(129601)})
	wants(t, err, "ValidationError", "less than or equal to 129600")
	_, err = w.sts(worker).GetAccessKeyInfo(t.Context(), &sts.GetAccessKeyInfoInput{AccessKeyId: aws.String("AKIAWORKER0000000001")})
	wants(t, err, "InvalidAction", "Could not find operation GetAccessKeyInfo for version 2011-06-15")
}
