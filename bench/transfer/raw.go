package main

import (
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

const (
	rawPart   = 16 << 20
	rawParts  = 4  // of one object, in parallel
	rawSmall  = 32 // objects in parallel
	rawBuffer = 256 << 10
)

// raw does the work by net/http alone: the names are known, and nothing is
// signed, summed, retried or verified. It is the limit for any client that is
// built on net/http, and works with the null server only.
func raw(ctx context.Context, args []string, _ io.Writer) error {
	var c rawClient
	if err := c.parse("raw", args); err != nil {
		return err
	}
	c.client = &http.Client{Transport: &http.Transport{
		DialContext: dialLarge, ReadBufferSize: rawBuffer, WriteBufferSize: rawBuffer, DisableCompression: true, MaxIdleConnsPerHost: rawSmall,
	}}
	defer c.client.CloseIdleConnections()
	for _, s := range c.stock.all() {
		if s.name == c.set {
			return c.profiled(func() error { return c.move(ctx, s) })
		}
	}
	return fmt.Errorf("no set %q", c.set)
}

type rawClient struct {
	options
	client *http.Client
}

func (l *rawClient) move(ctx context.Context, s set) error {
	if s.count == 1 {
		return l.moveLarge(ctx, s)
	}
	if l.direction == "down" {
		for i := range directories {
			if err := os.MkdirAll(filepath.Join(l.dir, fmt.Sprintf("d%d", i)), 0o700); err != nil {
				return err
			}
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(rawSmall)
	for _, name := range s.names() {
		g.Go(func() error { return l.moveSmall(ctx, s, name) })
	}
	return g.Wait()
}

func (l *rawClient) moveSmall(ctx context.Context, s set, name string) error {
	from, to := l.url+"/"+sourceBucket+"/"+s.name+"/"+name, l.url+"/"+l.sink+"/"+s.name+"/"+name
	switch l.direction {
	case "down":
		body, err := l.get(ctx, from, span{0, s.size}, s.size)
		if err != nil {
			return err
		}
		defer body.Close()
		file, err := os.OpenFile(filepath.Join(l.dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		if err := copyLarge(file, body); err != nil {
			return err
		}
		return file.Close()
	case "up":
		file, err := os.Open(filepath.Join(l.dir, name))
		if err != nil {
			return err
		}
		defer file.Close()
		_, err = l.send(ctx, http.MethodPut, to, io.NopCloser(file), s.size)
		return err
	default:
		body, err := l.get(ctx, from, span{0, s.size}, s.size)
		if err != nil {
			return err
		}
		_, err = l.send(ctx, http.MethodPut, to, body, s.size)
		return err
	}
}

type span struct{ off, n int64 }

func (l *rawClient) moveLarge(ctx context.Context, s set) error {
	from, to := l.url+"/"+sourceBucket+"/"+s.name+"/object", l.url+"/"+l.sink+"/"+s.name+"/object"
	var file *os.File
	var err error
	if l.direction != "relay" {
		if file, err = os.OpenFile(filepath.Join(l.dir, "object"), os.O_RDWR|os.O_CREATE, 0o600); err != nil {
			return err
		}
		defer file.Close()
	}
	id := ""
	if l.direction != "down" {
		if id, err = l.begin(ctx, to); err != nil {
			return err
		}
	}
	count := int((s.size + rawPart - 1) / rawPart)
	tags := make([]string, count)
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(rawParts)
	for i := range count {
		at := span{int64(i) * rawPart, min(rawPart, s.size-int64(i)*rawPart)}
		g.Go(func() error {
			var err error
			if l.direction == "up" {
				tags[i], err = l.part(gctx, to, id, i+1, io.NopCloser(io.NewSectionReader(file, at.off, at.n)), at.n)
				return err
			}
			body, err := l.get(gctx, from, at, s.size)
			if err != nil {
				return err
			}
			if l.direction == "relay" {
				tags[i], err = l.part(gctx, to, id, i+1, body, at.n)
				return err
			}
			defer body.Close()
			return copyLarge(io.NewOffsetWriter(file, at.off), body)
		})
	}
	if err := g.Wait(); err != nil || l.direction == "down" {
		return err
	}
	return l.complete(ctx, to, id, tags)
}

func (l *rawClient) get(ctx context.Context, url string, at span, size int64) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	if at.n != size {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", at.off, at.off+at.n-1))
	}
	resp, err := l.client.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode >= http.StatusMultipleChoices || resp.ContentLength != at.n {
		resp.Body.Close()
		return nil, fmt.Errorf("%s: %s, %d bytes", url, resp.Status, resp.ContentLength)
	}
	return resp.Body, nil
}

// send returns the ETag, or the upload's id if the answer is a document.
func (l *rawClient) send(ctx context.Context, method, url string, body io.ReadCloser, size int64) (string, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return "", err
	}
	req.ContentLength = size
	resp, err := l.client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode >= http.StatusMultipleChoices {
		err = fmt.Errorf("%s: %s", url, resp.Status)
	}
	if err != nil || len(text) == 0 {
		return resp.Header.Get("ETag"), err
	}
	var begun struct{ UploadId string } //nolint:revive // S3's name
	return begun.UploadId, xml.Unmarshal(text, &begun)
}

func (l *rawClient) begin(ctx context.Context, url string) (string, error) {
	return l.send(ctx, http.MethodPost, url+"?uploads", http.NoBody, 0)
}

func (l *rawClient) part(ctx context.Context, url, id string, number int, body io.ReadCloser, size int64) (string, error) {
	return l.send(ctx, http.MethodPut, fmt.Sprintf("%s?partNumber=%d&uploadId=%s", url, number, id), body, size)
}

func (l *rawClient) complete(ctx context.Context, url, id string, tags []string) error {
	var text strings.Builder
	text.WriteString("<CompleteMultipartUpload>")
	for i, tag := range tags {
		fmt.Fprintf(&text, "<Part><PartNumber>%d</PartNumber><ETag>%s</ETag></Part>", i+1, escaped(tag))
	}
	text.WriteString("</CompleteMultipartUpload>")
	_, err := l.send(ctx, http.MethodPost, url+"?uploadId="+id, io.NopCloser(strings.NewReader(text.String())), int64(text.Len()))
	return err
}

var largeBuffers = sync.Pool{New: func() any { return new([rawBuffer]byte) }}

// copyLarge copies with large buffers.
func copyLarge(w io.Writer, r io.Reader) error {
	buf := largeBuffers.Get().(*[rawBuffer]byte) //nolint:forcetypeassert // it holds nothing else
	defer largeBuffers.Put(buf)
	_, err := io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{r}, buf[:])
	return err
}

// largeBufferConn sends bodies with large buffers: net/http passes a body to
// the connection as a whole once its own buffer is empty, and io.Copy would
// then divide it into 32 KiB.
type largeBufferConn struct{ net.Conn }

// ReadFrom sends what it reads from r.
func (c largeBufferConn) ReadFrom(r io.Reader) (int64, error) {
	buf := largeBuffers.Get().(*[rawBuffer]byte) //nolint:forcetypeassert // it holds nothing else
	defer largeBuffers.Put(buf)
	return io.CopyBuffer(struct{ io.Writer }{c.Conn}, struct{ io.Reader }{r}, buf[:])
}

func dialLarge(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return largeBufferConn{conn}, nil
}
