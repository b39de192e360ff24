package server_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/rolecall/rolecall/internal/service"
)

// A stream ends soon after who watches may no longer: at its next pulse.
func TestStreamEnds(t *testing.T) {
	t.Parallel()
	const acme, masters = "/api/o/acme", "/api/o/acme/connections/masters"
	for name, end := range map[string]func(w *world, token service.MadeToken, link service.MadeSetupLink){
		"token": func(w *world, token service.MadeToken, _ service.MadeSetupLink) {
			w.must(http.StatusNoContent, http.MethodDelete, acme+"/tokens/"+token.ID, "")
		},
		"setup link": func(w *world, _ service.MadeToken, link service.MadeSetupLink) {
			w.must(http.StatusNoContent, http.MethodDelete, masters+"/setup-links/"+link.ID, "")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := unserved(t, inDirectory, "{}")
			w.options.Pulse = 50 * time.Millisecond
			w.start()
			w.must(http.StatusCreated, http.MethodPost, "/api/o", `{"api_name":"acme"}`)
			w.must(http.StatusCreated, http.MethodPut, masters, `{"purpose":"source","bucket":"acme-masters","region":"eu-central-1","role_arn":"arn:aws:iam::111122223333:role/media"}`)
			token := read[service.MadeToken](t, w.must(http.StatusCreated, http.MethodPost, acme+"/tokens", `{"role":"viewer"}`))
			link := read[service.MadeSetupLink](t, w.must(http.StatusCreated, http.MethodPost, masters+"/setup-links", ""))
			begun := read[service.Check](t, w.must(http.StatusAccepted, http.MethodPost, masters+"/checks", `{"wait":"10m"}`))
			secret := token.Secret
			if name == "setup link" {
				secret = link.URL[len(w.url+"/setup/"):]
			}
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+masters+"/checks/"+begun.ID+"/events", http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Authorization", "Bearer "+secret)
			stream, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = stream.Body.Close() }()
			if stream.StatusCode != http.StatusOK {
				t.Fatal(stream.Status)
			}
			end(w, token, link)
			for buffer := make([]byte, 4096); err == nil; { // else the test's time is over
				_, err = stream.Body.Read(buffer)
			}
			if running := read[service.Check](t, w.must(http.StatusOK, http.MethodGet, masters+"/checks/"+begun.ID, "")); running.Result != nil {
				t.Errorf("the check ended, and the stream with it: %+v", running)
			}
		})
	}
}
