// Package web is the service's pages for people: so far, signing in and out. It
// translates to package service, as package api does, and holds no rules of its
// own.
package web

import (
	"cmp"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"

	"github.com/rolecall/rolecall/internal/account"
	"github.com/rolecall/rolecall/internal/job"
	"github.com/rolecall/rolecall/internal/service"
)

// Options are what New needs.
type Options struct {
	Service *service.Service
	URL     *url.URL     // where people find the service
	Log     *slog.Logger // nil: none
}

// Web answers requests for pages. New makes it.
type Web struct {
	service *service.Service
	log     *slog.Logger
	mux     *http.ServeMux
	cookie  string
	secure  bool
}

// New returns the handler of the paths that Paths lists.
func New(o Options) *Web {
	w := &Web{service: o.Service, log: cmp.Or(o.Log, slog.New(slog.DiscardHandler)), mux: http.NewServeMux()}
	w.cookie, w.secure = account.Cookie(o.URL)
	w.mux.HandleFunc("GET /signin", w.signIn)
	w.mux.HandleFunc("GET /signin/{token}", w.look)
	w.mux.HandleFunc("POST /signin/{token}", w.spend)
	w.mux.HandleFunc("POST /signout", w.signOut)
	for path, allowed := range map[string]string{"/signin": "GET, HEAD", "/signin/{token}": "GET, HEAD, POST", "/signout": "POST"} {
		w.mux.HandleFunc(path, func(out http.ResponseWriter, r *http.Request) {
			out.Header().Set("Allow", allowed)
			w.show(out, r, http.StatusMethodNotAllowed, page{Title: "Not possible", Text: "This page does not take " + r.Method + ", only " + allowed + "."})
		})
	}
	return w
}

// Paths are the patterns of what this package answers.
func Paths() []string { return []string{"/signin", "/signin/{token}", "/signout"} }

// policy allows a page nothing but to send its forms to the service.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// ServeHTTP answers a request. Paths may hold a secret: none is logged.
func (w *Web) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	h := out.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	w.mux.ServeHTTP(out, r)
}

// page is what the only template shows.
type page struct {
	Title, Text  string
	Action, Name string // of a form with one button; empty: none
}

var layout = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>{{.Title}} · rolecall</title></head>
<body><main><h1>{{.Title}}</h1><p>{{.Text}}</p>
{{if .Name}}<form method="post" action="{{.Action}}"><button type="submit">{{.Name}}</button></form>{{end}}
</main></body></html>
`))

func (w *Web) show(out http.ResponseWriter, r *http.Request, status int, p page) {
	out.Header().Set("Content-Type", "text/html; charset=utf-8")
	out.WriteHeader(status)
	if err := layout.Execute(out, p); err != nil {
		w.log.DebugContext(r.Context(), "a page was not sent", "path", r.Pattern, "error", err)
	}
}

// signIn shows who is signed in, or how to.
func (w *Web) signIn(out http.ResponseWriter, r *http.Request) {
	actor, err := w.actor(r)
	switch {
	case errors.Is(err, account.ErrUnauthenticated):
		w.show(out, r, http.StatusOK, page{Title: "Sign in", Text: "Open the link that you were sent. An operator makes one on the service's machine: rolecall signin-link"})
	case err != nil:
		w.fail(out, r, err)
	default:
		w.show(out, r, http.StatusOK, page{Title: "Signed in", Text: "You are signed in as " + who(actor) + ".", Action: "/signout", Name: "Sign out"})
	}
}

func who(a account.Actor) string {
	if a.Organization == "" {
		return "operator"
	}
	return string(a.Role) + " of " + a.Organization
}

// look shows what a link is for, and leaves it as it is: programs that look at
// links in mails do not spend it.
func (w *Web) look(out http.ResponseWriter, r *http.Request) {
	actor, err := w.service.SignInLink(r.Context(), r.PathValue("token"))
	if err != nil {
		w.fail(out, r, err)
		return
	}
	w.show(out, r, http.StatusOK, page{
		Title: "Sign in", Text: "This link signs you in as " + who(actor) + ", once.", Action: "/signin/" + r.PathValue("token"), Name: "Sign in",
	})
}

// spend signs in by a link.
func (w *Web) spend(out http.ResponseWriter, r *http.Request) {
	cookie, err := w.service.SignIn(r.Context(), r.PathValue("token"), address(r), job.NewID())
	if err != nil {
		w.fail(out, r, err)
		return
	}
	w.setCookie(out, cookie, 0)
	http.Redirect(out, r, "/signin", http.StatusSeeOther)
}

// signOut ends the session.
func (w *Web) signOut(out http.ResponseWriter, r *http.Request) {
	if c, err := r.Cookie(w.cookie); err == nil {
		if err := w.service.SignOut(r.Context(), c.Value, address(r), job.NewID()); err != nil && !errors.Is(err, account.ErrUnauthenticated) {
			w.fail(out, r, err)
			return
		}
	}
	w.setCookie(out, "", -1)
	http.Redirect(out, r, "/signin", http.StatusSeeOther)
}

// setCookie sets the cookie of the session; the service ends it, not the
// browser.
func (w *Web) setCookie(out http.ResponseWriter, value string, age int) {
	http.SetCookie(out, &http.Cookie{Name: w.cookie, Value: value, Path: "/", MaxAge: age, Secure: w.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode})
}

func (w *Web) actor(r *http.Request) (account.Actor, error) {
	c, err := r.Cookie(w.cookie)
	if err != nil {
		return account.Actor{}, account.ErrUnauthenticated
	}
	return w.service.AuthenticateSession(r.Context(), c.Value, address(r))
}

func (w *Web) fail(out http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, account.ErrUnauthenticated) {
		w.show(out, r, http.StatusNotFound, page{Title: "This link does not work", Text: "It was used, was withdrawn, or is too old. Ask who sent it for another."})
		return
	}
	w.log.ErrorContext(r.Context(), "a page failed", "method", r.Method, "path", r.Pattern, "error", err)
	w.show(out, r, http.StatusServiceUnavailable, page{Title: "Something went wrong", Text: "Try again in a moment. The service's log has the cause."})
}

func address(r *http.Request) netip.Addr {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return from.Addr().Unmap()
}
