package rolecall

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestParseLocation(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		in   string
		want Location
		err  string
	}{
		{in: "s3://bucket/in/a.mov", want: Location{Bucket: "bucket", Key: "in/a.mov"}},
		{in: "s3://bucket", want: Location{Bucket: "bucket"}},
		{in: "s3://bucket/", want: Location{Bucket: "bucket"}},
		{in: "s3://bucket//x", want: Location{Bucket: "bucket", Key: "/x"}},
		{in: "s3://bucket/a%20b c#d?e", want: Location{Bucket: "bucket", Key: "a%20b c#d?e"}},
		{in: "s3://{keys}@bucket/in/", want: Location{Bucket: "bucket", Key: "in/", Secret: "keys"}},
		{in: "s3://bucket/mail@example.com", want: Location{Bucket: "bucket", Key: "mail@example.com"}},
		{in: "https://bucket.s3.eu-central-1.amazonaws.com/in/a%20b", want: Location{Bucket: "bucket", Key: "in/a b", Region: "eu-central-1"}},
		{in: "https://my.bucket.s3.eu-central-1.amazonaws.com/", want: Location{Bucket: "my.bucket", Region: "eu-central-1"}},
		{in: "https://bucket.s3.dualstack.eu-west-1.amazonaws.com/x", want: Location{Bucket: "bucket", Key: "x", Region: "eu-west-1"}},
		{in: "https://bucket.s3-eu-west-1.amazonaws.com/x", want: Location{Bucket: "bucket", Key: "x", Region: "eu-west-1"}},
		{in: "https://bucket.s3.amazonaws.com/x", want: Location{Bucket: "bucket", Key: "x"}},
		{in: "https://s3.eu-west-1.amazonaws.com/bucket/x/y", want: Location{Bucket: "bucket", Key: "x/y", Region: "eu-west-1"}},
		{in: "https://bucket.s3.cn-north-1.amazonaws.com.cn/x", want: Location{Bucket: "bucket", Key: "x", Region: "cn-north-1"}},
		{in: "https://bucket.s3.eusc-de-east-1.amazonaws.eu/x", want: Location{Bucket: "bucket", Key: "x", Region: "eusc-de-east-1"}},
		{in: "https://bucket.s3.us-gov-west-1.amazonaws.com/x", want: Location{Bucket: "bucket", Key: "x", Region: "us-gov-west-1"}},

		// The console's Object URLs: a space is a plus, all else is percent-encoded.
		{in: "https://b00.s3.eu-central-1.amazonaws.com/x/a+b%2Bc.mov", want: Location{Bucket: "b00", Key: "x/a b+c.mov", Region: "eu-central-1"}},
		{in: "https://b00.s3.amazonaws.com/a++b", want: Location{Bucket: "b00", Key: "a  b"}},
		{in: "https://s3.eu-west-1.amazonaws.com/bucket/a+b/c%2bd", want: Location{Bucket: "bucket", Key: "a b/c+d", Region: "eu-west-1"}},
		{in: "https://b00.s3.amazonaws.com/a%252Bb%20c", want: Location{Bucket: "b00", Key: "a%2Bb c"}},
		{in: "https://b00.s3.amazonaws.com/%C3%A9t%C3%A9+1%3B%26%3D%23.mov", want: Location{Bucket: "b00", Key: "été 1;&=#.mov"}},
		{in: "https://b00.s3.amazonaws.com/Ünï+x", want: Location{Bucket: "b00", Key: "Ünï x"}},
		{in: "https://b00.s3.amazonaws.com/a%2Fb//c/", want: Location{Bucket: "b00", Key: "a/b//c/"}},
		{in: "s3://bucket/a+b%2Bc.mov", want: Location{Bucket: "bucket", Key: "a+b%2Bc.mov"}},

		{in: "", err: "empty"},
		{in: "bucket/x", err: "neither"},
		{in: "http://bucket.s3.amazonaws.com/x", err: "neither"},
		{in: "S3://bucket/x", err: "neither"},
		{in: "s3://", err: "bucket is missing"},
		{in: "s3:///x", err: "bucket is missing"},
		{in: "s3://Bucket/x", err: "not a bucket name"},
		{in: "s3://a/x", err: "not a bucket name"},
		{in: "s3://192.168.0.1/x", err: "IP address"},
		{in: "s3://a..b/x", err: "two dots"},
		{in: "s3://arn:aws:s3:::bucket/x", err: "ARN"},
		{in: "s3://bucket/" + strings.Repeat("x", 1025), err: "longer than 1024"},
		{in: "s3://bucket/a\x00b", err: "NUL"},
		{in: "s3://bucket/\xff", err: "UTF-8"},
		{in: "s3://{}@bucket/x", err: "literal credential"},
		{in: "s3://{a b}@bucket/x", err: "literal credential"},
		{in: "s3://AKIAEXAMPLE:plantedSecret", err: "literal credential"},
		{in: "s3://AKIAEXAMPLE:planted/Secret", err: "literal credential"},
		{in: "s3://{AKIAEXAMPLE:planted}/x", err: "literal credential"},
		{in: "s3://AKIAPLANTED/x", err: "literal credential"},
		{in: "s3://bucket/../x", err: "part . or .."},
		{in: "s3://bucket/a/./x", err: "part . or .."},
		{in: "https://bucket.s3.amazonaws.com/a/%2e%2e/x", err: "part . or .."},
		{in: "s3://keys@bucket/x", err: "literal credential"},
		{in: "s3://AKIAEXAMPLE:plantedSecret@bucket/x", err: "literal credential"},
		{in: "s3://AKIAEXAMPLE:planted/Secret@bucket/x", err: "literal credential"},
		{in: "s3://{a}:plantedSecret@bucket/x", err: "literal credential"},
		{in: "https://AKIAEXAMPLE:plantedSecret@bucket.s3.amazonaws.com/x", err: "literal credential"},
		{in: "s3://plantedUtnFEMI/K7MDENG/bPxRfiCYEXAMPLE1Y@b/in/", err: "literal credential"},
		{in: "s3://planted/tnFEMI/K7MDENG/bPxRfiCYEXAMPLE1Y@b/in/", err: "literal credential"},
		{in: "s3://plantedUtnFEMI/K7MDENG/bPxRfiCYEXAMPLE1Y/in/", err: "literal credential"},
		{in: "s3://AKIAEXAMPLE:planted/se/cret@b/", err: "literal credential"},
		{in: "https://AKIAEXAMPLE:planted/with/slash@s3.amazonaws.com/b/k", err: "literal credential"},
		{in: "s3://s3.eu-central-1.amazonaws.com/acme-masters/in/", err: "begins with a host of AWS's"},
		{in: "s3://acme-masters.s3.eu-central-1.amazonaws.com/in/", err: "begins with a host of AWS's"},
		{in: "s3://acme-masters.s3.cn-north-1.amazonaws.com.cn/in/", err: "begins with a host of AWS's"},
		{in: "s3://abc.mrap.accesspoint.s3-global.amazonaws.com/in/", err: "multi-region access point"},
		{in: "s3://ap-1.s3-accesspoint.eu-west-1.amazonaws.com/in/", err: "access points are not supported"},
		{in: "https://AKIAEXAMPLE:planted%zzSecret@bucket.s3.amazonaws.com/x", err: "literal credential"},
		{in: "https://bucket.s3.amazonaws.com/x?X-Amz-Signature=plantedSecret", err: "presigned"},
		{in: "https://bucket.s3.amazonaws.com/x?", err: "presigned"},
		{in: "https://bucket.s3.amazonaws.com/x#y", err: "fragment"},
		{in: "s3://bucket/x?a=b&X-Amz-Signature=plantedSecret", err: "presigned"},
		{in: "s3://bucket/x?AWSAccessKeyId=plantedSecret", err: "presigned"},
		{in: "arn:aws:s3:::bucket/in/a.mov", err: "write s3://bucket/prefix/"},
		{in: "arn:aws-us-gov:s3:::bucket", err: "write s3://bucket/prefix/"},
		{in: "s3://arn:aws-us-gov:s3:::bucket/in/", err: "write s3://bucket/prefix/"},
		{in: "s3://arn:aws-cn:s3:::bucket/in/", err: "write s3://bucket/prefix/"},
		{in: "s3://arn:aws:s3:eu-west-1:111122223333:accesspoint/mine/object/x", err: "access points are not supported"},
		{in: "arn:aws:s3::111122223333:accesspoint/mine.mrap", err: "access points are not supported"},
		{in: "arn:aws:s3-object-lambda:eu-west-1:111122223333:accesspoint/mine", err: "of the service s3-object-lambda"},
		{in: "arn:aws:s3express:us-west-2:111122223333:bucket/b--usw2-az1--x-s3", err: "of the service s3express"},
		{in: "arn:aws:s3-outposts:us-west-2:111122223333:outpost/op-01ac/bucket/b", err: "of the service s3-outposts"},
		{in: "arn:aws:iam::111122223333:role/media", err: "of the service iam"},
		{in: "s3://minio:9000/bucket/", err: "s3_endpoint_url"},
		{in: "s3://s3.example.com:443/bucket/in/", err: "s3_endpoint_url"},
		{in: "s3://10.0.0.1:9000/bucket", err: "s3_endpoint_url"},
		{in: "s3://[::1]:9000/bucket", err: "s3_endpoint_url"},
		{in: "s3://AKIAEXAMPLE:90001/bucket", err: "literal credential"},
		{in: "s3://${BUCKET}/in/", err: "placeholder"},
		{in: "s3://{bucket}/in/", err: "placeholder"},
		{in: "s3://{{ bucket }}/in/", err: "placeholder"},
		{in: "s3://<bucket>/in/", err: "placeholder"},
		{in: "https://eu-central-1.console.aws.amazon.com/s3/buckets/bucket?prefix=in/", err: "AWS's console"},
		{in: "https://s3.console.aws.amazon.com/s3/object/bucket?region=eu-central-1", err: "AWS's console"},
		{in: "https://console.amazonaws-us-gov.com/s3/buckets/bucket", err: "AWS's console"},
		{in: "https://mine-111122223333.s3-accesspoint.eu-west-1.amazonaws.com/x", err: "access points are not supported"},
		{in: "https://mine.accesspoint.s3-global.amazonaws.com/x", err: "access points are not supported"},
		{in: "https://b--usw2-az1--x-s3.s3express-usw2-az1.us-west-2.amazonaws.com/x", err: "directory buckets are not supported"},
		{in: "https://bucket.s3-website.eu-central-1.amazonaws.com/x", err: "website"},
		{in: "https://bucket.s3-website-us-east-1.amazonaws.com/x", err: "website"},
		{in: "https://bucket.s3-accelerate.amazonaws.com/x", err: "acceleration"},
		{in: "https://bucket.s3.amazonaws.com/x?versionId=3HL4kqtJlcpXroDTDmJ", err: "version"},
		{in: "https://bucket.s3.amazonaws.com/x?response-content-type=a", err: "no signature"},
		{in: "s3://media--euc1-az1--x-s3/x", err: "directory bucket"},
		{in: "s3://media--euc1-az1--xa-s3/x", err: "directory bucket"},
		{in: "s3://mine-a1b2c3-s3alias/x", err: "access point"},
		{in: "s3://mine-a1b2c3--ol-s3/x", err: "access point"},
		{in: "s3://mine-o01-a1b2c3--op-s3/x", err: "Outposts"},
		{in: "s3://mfzwi23gnjvgw.mrap/x", err: "access point"},
		{in: "s3://media--table-s3/x", err: "table bucket"},
		{in: "s3://xn--media/x", err: "does not allow"},
		{in: "s3://amzn-s3-demo-bucket/x", err: "for its documentation"},
		{in: "s3://acme.-x/x", err: "hyphen beside a dot"},
		{in: "s3://acme-.x/x", err: "hyphen beside a dot"},
		{in: "s3://sthree-configurator/x", err: "does not allow"},
		{in: "https://media--euc1-az1--x-s3.s3.amazonaws.com/x", err: "directory bucket"},
		{in: "s3://{plantedUtnFEMIK7MDENGbPxRfiCYEXAMPLEKE1Y}@b/", err: "literal credential"},
		{in: "s3://plantedUtnFEMIK7MDENGbPxRfiCYEXAMPLEKE1Y/b/", err: "literal credential"},
		{in: "s3://plantedUtnFEMIK7MDENGbPxRfiCYEXAMPLEKE1Y@b/", err: "literal credential"},
		{in: "https://example.com/x", err: "not one of S3's"},
		{in: "https://bucket.s3.amazonaws.com.evil.example/x", err: "not one of S3's"},
		{in: "https://bucket.s3.amazonaws.com:8443/x", err: "not one of S3's"},
		{in: "https://evil.example/s3.amazonaws.com/x", err: "not one of S3's"},
	} {
		t.Run(tc.in, func(t *testing.T) {
			t.Parallel()
			got, err := ParseLocation(tc.in)
			if tc.err == "" {
				if err != nil || got != tc.want {
					t.Errorf("got %+v, %v; want %+v", got, err, tc.want)
				}
				return
			}
			if err == nil {
				t.Fatalf("accepted as %+v", got)
			}
			text := strings.Join(lines(err), "\n")
			if !strings.Contains(text, tc.err) {
				t.Errorf("got %q, want %q in it", text, tc.err)
			}
			if strings.Contains(text, "planted") {
				t.Errorf("the error shows the secret: %s", text)
			}
		})
	}
}

func FuzzParseLocation(f *testing.F) {
	f.Add("s3://{keys}@bucket/in/")
	f.Add("https://bucket.s3.eu-central-1.amazonaws.com/in/a%20b")
	f.Add("s3://a:b@bucket/x?X-Amz-Signature=1")
	f.Fuzz(func(t *testing.T, s string) {
		l, err := ParseLocation(s)
		if err != nil {
			if len(List(err)) != 1 || List(err)[0].Hint == "" && !strings.Contains(err.Error(), "key") && !strings.Contains(err.Error(), "bucket") {
				t.Errorf("no hint in %v", err)
			}
			return
		}
		if !bucketForm.MatchString(l.Bucket) || len(l.Key) > 1024 || strings.ContainsRune(l.Key, 0) {
			t.Errorf("%q gives %+v", s, l)
		}
	})
}

func FuzzParseARN(f *testing.F) {
	f.Add("arn:aws:iam::111122223333:role/path/name")
	f.Add("arn:aws-cn:s3:::bucket/key:with:colons")
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseARN(s)
		if err == nil && a.String() != s {
			t.Errorf("%q comes back as %q", s, a)
		}
		if r, err := ParseRoleARN(s); err == nil && (r.RoleName() == "" || !IsAccountID(r.Account)) {
			t.Errorf("%q is taken for a role", s)
		}
	})
}

func TestParseRoleARN(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{ // the role's name, or what the error says
		"arn:aws:iam::111122223333:role/media":                      "media",
		"arn:aws:iam::111122223333:role/a/b/media":                  "media",
		"arn:aws-eusc:iam::111122223333:role/media":                 "media",
		"arn:aws:iam::111122223333:user/media":                      `"user/media"`,
		"arn:aws:sts::111122223333:assumed-role/media/x":            "give the role itself",
		"arn:aws:iam::1111:role/media":                              "account id",
		"arn:aws:iam:::role/media":                                  "no account id",
		"arn:aws:iam:eu-west-1:111122223333:role/media":             "no region",
		"arn:aws:iam::111122223333:role/":                           "characters",
		"arn:aws:iam::111122223333:role/me dia":                     "characters",
		"arn:AWS:iam::111122223333:role/media":                      "partition",
		"media":                                                     "not an ARN",
		"arn:aws:s3:::bucket":                                       `"s3"`,
		"arn:aws:iam::111122223333:role/media\nx":                   "characters",
		"arn:aws:iam::111122223333:role/" + strings.Repeat("a", 65): "characters",
	} {
		a, err := ParseRoleARN(in)
		if err == nil && a.RoleName() != want || err != nil && !strings.Contains(strings.Join(lines(err), ""), want) {
			t.Errorf("%q: got %q, %v; want %q", in, a.RoleName(), err, want)
		}
	}
}

// Keys that are pasted with a location where a name belongs are not repeated.
func TestConnectionHidesKeys(t *testing.T) {
	t.Parallel()
	const told = "literal credential"
	for _, tc := range []struct{ bucket, prefix, want string }{
		{"s3://AKIAEXAMPLE:plantedSecret@acme/in/", "", told},
		{"AKIAEXAMPLE:plantedSecret@acme", "", told},
		{"s3://AKIAEXAMPLE:planted/Secret@acme", "", told},
		{"S3://AKIAEXAMPLE:plantedSecret@acme", "", told},
		{"https://AKIAEXAMPLE:plantedSecret@acme.s3.amazonaws.com/", "", told},
		{"https://AKIAEXAMPLE:planted%zzSecret@acme.s3.amazonaws.com/", "", told},
		{"https://acme.s3.amazonaws.com/in/?X-Amz-Signature=plantedSecret", "", told},
		{"s3://acme/in/?X-Amz-Signature=plantedSecret", "", told},
		{"acme", "s3://AKIAEXAMPLE:plantedSecret@acme/in/", told},
		{"acme", "s3://AKIAEXAMPLE:plantedSecret@acme/in", told},
		{"acme", "https://AKIAEXAMPLE:plantedSecret@acme.s3.amazonaws.com/in", told},
		{"s3://acme/in/", "", `"s3://acme/in/" is not a bucket name`},
		{"s3://{keys}@acme/in/", "", `"s3://{keys}@acme/in/" is not a bucket name`},
		{"https://acme.s3.amazonaws.com/in/", "", `"https://acme.s3.amazonaws.com/in/" is not a bucket name`},
		{"{acme}", "", `"{acme}" is not a bucket name`},
		{"acme", "me@example.com/12:30/", ""},
	} {
		c := Connection{Purpose: Source, Bucket: tc.bucket, Prefix: tc.prefix, RoleARN: "arn:aws:iam::111122223333:role/media"}
		text, err := json.Marshal(List(c.Validate()))
		if err != nil {
			t.Fatal(err)
		}
		said := strings.ReplaceAll(string(text), `\"`, `"`)
		if strings.Contains(said, "planted") || !strings.Contains(said, tc.want) || (tc.want == "") != (said == "null") {
			t.Errorf("%q, %q: %s", tc.bucket, tc.prefix, said)
		}
	}
}
