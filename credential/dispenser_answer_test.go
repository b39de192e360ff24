package credential

import (
	"strings"
	"testing"
	"time"

	"github.com/rolecall/rolecall"
)

func TestReadDispensed(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	const expires = `"Expiration":"2026-11-01T13:00:00Z"`
	for name, c := range map[string]struct{ body, says string }{
		"AWS's":             {`{"AccessKeyId":"ASIA1","SecretAccessKey":"s","SessionToken":"t",` + expires + `}`, ""},
		"container":         {` {"AccessKeyId":"ASIA1","SecretAccessKey":"s","Token":"t",` + expires + `} `, ""},
		"snake":             {`{"access_key_id":"ASIA1","secret_access_key":"s","session_token":"t","expiration":"2026-11-01T14:00:00.000+01:00"}`, ""},
		"mixed":             {`{"AccessKeyId":"ASIA1","secret_access_key":"s","Token":"t",` + expires + `}`, ""},
		"more":              {`{"Version":1,"x":{"AccessKeyId":"no"},"AccessKeyId":"ASIA1","SecretAccessKey":"s","Token":"t",` + expires + `,"accesskeyid":"no"}`, ""},
		"empty":             {``, "JSON object"},
		"null":              {`null`, "JSON object"},
		"list":              {`[]`, "JSON object"},
		"cut":               {`{"AccessKeyId":"ASIA1"`, "JSON object"},
		"two":               {`{"AccessKeyId":"ASIA1"}{}`, "JSON object"},
		"number":            {`{"AccessKeyId":1}`, "JSON object"},
		"nothing":           {`{}`, "no access key"},
		"no secret":         {`{"AccessKeyId":"ASIA1","SecretAccessKey":null,"Token":"t",` + expires + `}`, "no access key"},
		"static":            {`{"AccessKeyId":"AKIA1","SecretAccessKey":"s",` + expires + `}`, "long-lived key"},
		"empty token":       {`{"AccessKeyId":"AKIA1","SecretAccessKey":"s","SessionToken":"",` + expires + `}`, "long-lived key"},
		"twice":             {`{"AccessKeyId":"ASIA1","AccessKeyId":"ASIA1","SecretAccessKey":"s","Token":"t",` + expires + `}`, "twice"},
		"two tokens":        {`{"AccessKeyId":"ASIA1","SecretAccessKey":"s","Token":"t","SessionToken":"u",` + expires + `}`, "twice"},
		"two spellings":     {`{"AccessKeyId":"ASIA1","access_key_id":"ASIA2","SecretAccessKey":"s","Token":"t",` + expires + `}`, "twice"},
		"null and then not": {`{"AccessKeyId":null,"access_key_id":"ASIA2","SecretAccessKey":"s","Token":"t",` + expires + `}`, "twice"},
		"no expiration":     {`{"AccessKeyId":"ASIA1","SecretAccessKey":"s","Token":"t"}`, "no Expiration"},
		"seconds":           {`{"AccessKeyId":"ASIA1","SecretAccessKey":"s","Token":"t","Expiration":"1793537999"}`, "no Expiration"},
		"number of seconds": {`{"AccessKeyId":"ASIA1","SecretAccessKey":"s","Token":"t","Expiration":1793537999}`, "JSON object"},
		"past":              {`{"AccessKeyId":"ASIA1","SecretAccessKey":"s","Token":"t","Expiration":"2026-11-01T12:00:00Z"}`, "expired"},
		"header":            {`{"AccessKeyId":"ASIA1","SecretAccessKey":"s","Token":"t\r\nX: y",` + expires + `}`, "characters"},
		"space":             {`{"AccessKeyId":"ASIA 1","SecretAccessKey":"s","Token":"t",` + expires + `}`, "characters"},
		"not UTF-8":         {"{\"AccessKeyId\":\"ASIA\xff\",\"SecretAccessKey\":\"s\",\"Token\":\"t\"," + expires + `}`, "characters"},
		"deep":              {`{"x":` + strings.Repeat("[", 20000) + `}`, "JSON object"},
		"large":             {strings.Repeat(" ", dispenserBytes) + `{}`, "64 KiB"},
	} {
		got, err := readDispensed([]byte(c.body), now)
		switch {
		case c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says) || rolecall.List(err)[0].Hint == ""):
			t.Errorf("%s: %v, want %q", name, err, c.says)
		case c.says == "" && (err != nil || got.AccessKeyID != "ASIA1" || got.SecretAccessKey != "s" || got.SessionToken != "t" || !got.Expires.Equal(now.Add(time.Hour))):
			t.Errorf("%s: %v, %v", name, got.Expires, err)
		}
	}
	long, err := readDispensed([]byte(`{"AccessKeyId":"ASIA1","SecretAccessKey":"s","Token":"t","Expiration":"2030-01-01T00:00:00Z"}`), now)
	if err != nil || !long.Expires.Equal(now.Add(12*time.Hour)) {
		t.Errorf("a long life counts until %v, %v", long.Expires, err)
	}
}

func FuzzReadDispensed(f *testing.F) {
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	f.Add([]byte(`{"AccessKeyId":"ASIA1","SecretAccessKey":"plantedsecret","SessionToken":"plantedtoken","Expiration":"2026-11-01T13:00:00Z"}`))
	f.Add([]byte(`{"access_key_id":"ASIA1","Token":"plantedtoken","x":[{}],"expiration":""}`))
	f.Add([]byte(`{"AccessKeyId":"ASIA1","AccessKeyId":null}{`))
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := readDispensed(body, now)
		if err != nil {
			if e := rolecall.List(err); len(e) != 1 || e[0].Code != rolecall.Invalid || strings.Contains(e[0].Message+e[0].Hint, "planted") || got.HasKeys() {
				t.Errorf("%v", err)
			}
			return
		}
		if !isGraphic(got.AccessKeyID) || !isGraphic(got.SecretAccessKey) || !isGraphic(got.SessionToken) || !got.CanExpire ||
			!got.Expires.After(now) || got.Expires.Sub(now) > maxDispensed {
			t.Errorf("accepted %q", body)
		}
	})
}
