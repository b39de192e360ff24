package main

import (
	"io"
	"net/http"
	"time"
)

// distantServer answers like a server at a distance: each answer begins late,
// and the bytes of each request move at a rate of their own, like S3's.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance-design-patterns.html
type distantServer struct {
	next http.Handler
	late time.Duration
	rate int64 // bytes per second; zero: unlimited
}

// ServeHTTP answers late.
func (f distantServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	time.Sleep(f.late)
	if f.rate > 0 {
		p := &paced{rate: f.rate, began: time.Now()}
		w = pacedAnswer{w, p}
		r.Body = pacedBody{r.Body, p}
	}
	f.next.ServeHTTP(w, r)
}

// paced counts the bytes of a request, and waits until more may be sent.
type paced struct {
	rate  int64
	began time.Time
	bytes int64
}

func (p *paced) moved(n int64) {
	p.bytes += n
	time.Sleep(time.Until(p.began.Add(time.Duration(float64(p.bytes) / float64(p.rate) * float64(time.Second)))))
}

type pacedBody struct {
	io.ReadCloser
	paced *paced
}

// Read reads, and waits as long as the bytes should take.
func (b pacedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.paced.moved(int64(n))
	return n, err
}

type pacedAnswer struct {
	http.ResponseWriter
	paced *paced
}

// Write writes, and waits as Read does.
func (a pacedAnswer) Write(p []byte) (int, error) {
	n, err := a.ResponseWriter.Write(p)
	a.paced.moved(int64(n))
	return n, err
}

// ReadFrom sends what it reads from r, and waits as Read does.
func (a pacedAnswer) ReadFrom(r io.Reader) (int64, error) {
	n, err := io.Copy(a.ResponseWriter, r)
	a.paced.moved(n)
	return n, err
}
