package cli_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Whatever a service answers, nothing in it reaches the terminal that a terminal
// would obey.
func TestHostileService(t *testing.T) {
	t.Parallel()
	const bad = `\u001b[31mEVIL\u009b`
	step := fmt.Sprintf(`{"step":%[1]q,"result":%[1]q,"layer":%[1]q,"candidates":[%[1]q],"message":%[1]q,"hint":%[1]q,"patch":{"document":"connection","target":%[1]q,"connection":{"x":%[1]q},"commands":[%[1]q]}}`, "BAD")
	connection := `{"id":"BAD","name":"BAD","purpose":"BAD","bucket":"BAD","prefix":"BAD","region":"BAD","role_arn":"BAD","external_ids":["BAD"],"principals":[{"name":"BAD","arn":"BAD","regions":["BAD"]}],"status":"BAD","reason":"BAD"}`
	organization := `{"api_name":"BAD","name":"BAD","external_id":"BAD","external_ids":["BAD"],"principals":[{"name":"BAD","arn":"BAD","regions":["BAD"]}],"jobs":"BAD","managed_by":"BAD"}`
	one := `{"id":"BAD","name":"BAD","role":"BAD","token":"BAD","url":"BAD","account":"BAD","fills":["BAD"],"organization":"BAD","connection":"BAD","type":"BAD","bucket":"BAD","target":"BAD","action":"BAD","decision":"BAD","reason":"BAD","actor":{"kind":"BAD","name":"BAD"},"result":"fail","old":"BAD","new":"BAD","connections":[{"name":"BAD"}],"api_name":"BAD","remains":[{"connection":"BAD","bucket":"BAD","role_arn":"BAD"}],"notes":["BAD"]}`
	raw := "\x1b[31mEVIL\u009b"
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		says := func(text string) { fmt.Fprint(w, strings.ReplaceAll(text, "BAD", bad)) }
		switch path := r.URL.Path; {
		case strings.HasSuffix(path, "/events"):
			w.Header().Set("Content-Type", "text/event-stream")
			says("id: 1\nevent: step\ndata: " + step + "\n\nid: 2\nevent: result\ndata: {\"organization\":\"BAD\",\"connection\":\"BAD\",\"result\":\"fail\",\"steps\":[" + step + "]}\n\n")
		case strings.HasSuffix(path, "/policies"), strings.HasSuffix(path, "/credentials"):
			fmt.Fprint(w, raw)
		case path == "/api/o/refused":
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusConflict)
			says(`{"errors":[{"code":"conflict","pointer":"BAD","message":"BAD","hint":"BAD"}]}`)
		case r.Method == http.MethodGet && (strings.HasSuffix(path, "/connections") || path == "/api/o"):
			says(`{"results":[` + connection + `]}`)
		case strings.Contains(path, "/connections/") && strings.Count(path, "/") == 5:
			says(connection)
		case strings.HasPrefix(path, "/api/o/") && strings.Count(path, "/") == 3 && r.Method != http.MethodDelete:
			says(organization)
		case r.Method == http.MethodGet && path != "/api/setup-link":
			says(`{"results":[` + one + `]}`)
		default:
			says(one)
		}
	}))
	defer service.Close()
	away := t.TempDir()
	shown := 0
	for _, line := range []string{
		"check masters --org acme", "check --all --org acme", "connection list --org acme", "connection show masters --org acme", "org list", "org show acme", "org show refused", "org create acme",
		"org rotate acme", "org delete acme --yes", "token list --org acme", "token list --operator", "token create --org acme --role viewer", "secret list --org acme", "member list --org acme", "session list",
		"member invite --org acme --role viewer", "setup-link create masters --org acme", "setup-link list masters --org acme", "setup-link show", "audit list --org acme", "audit list --operator",
		"credentials masters --org acme", "policy generate masters --org acme --format cli", "policy generate masters --org acme",
	} {
		for _, form := range []string{"text", "json"} {
			c := command(t, away, append(strings.Fields(line), "--output", form)...)
			c.Env = append(c.Env, "ROLECALL_SERVER="+service.URL, "ROLECALL_TOKEN=rcs_x")
			out, _ := c.CombinedOutput() // most fail
			if strings.ContainsAny(string(out), "\x1b\u009b") {
				t.Errorf("%s --output %s: %q", line, form, out)
			}
			if strings.Contains(string(out), "EVIL") {
				shown++
			}
		}
	}
	if shown < 30 {
		t.Errorf("%d show what the service said", shown)
	}
}
