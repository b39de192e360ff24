package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"time"
)

// serve runs the null server until ctx ends. It prints its URL first.
func serve(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	listen := flags.String("listen", "127.0.0.1:0", "address")
	ca := flags.String("tls", "", "serve over TLS, and write the authority's certificate to this file")
	late := flags.Duration("late", 0, "how late each answer begins")
	rate := flags.Int64("rate", 0, "bytes a second of each request; 0: as fast as it goes")
	var sets stockSizes
	sets.flags(flags)
	if err := flags.Parse(args); err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", *listen)
	if err != nil {
		return err
	}
	handler := newNullServer(sets.all(), os.Stderr)
	scheme := "http"
	if *ca != "" {
		config, pemText, err := selfSigned()
		if err != nil {
			return err
		}
		if err := os.WriteFile(*ca, pemText, 0o600); err != nil {
			return err
		}
		scheme, listener = "https", tls.NewListener(listener, config)
	} else {
		dir, err := os.MkdirTemp("", "null-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		pattern, err := newPatternFile(dir, handler.pattern)
		if err != nil {
			return err
		}
		handler.patternFile, listener = &pattern, discardingListener{listener}
	}
	server := &http.Server{
		Handler: distantServer{handler, *late, *rate}, ReadHeaderTimeout: time.Minute, WriteTimeout: 10 * time.Minute,
		ErrorLog:    log.New(io.Discard, "", 0), // failed handshakes, which the clients report as well
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	fmt.Fprintf(out, "%s://%s\n", scheme, listener.Addr())
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// selfSigned returns an authority for one certificate of this machine's
// loopback. Both are dropped at the end. HTTP/2 is not offered, since S3 does
// not have it.
func selfSigned() (*tls.Config, []byte, error) {
	authorityKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	now := time.Now()
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "bench authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "localhost"},
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	root, err := x509.CreateCertificate(rand.Reader, authority, authority, &authorityKey.PublicKey, authorityKey)
	if err != nil {
		return nil, nil, err
	}
	chain, err := x509.CreateCertificate(rand.Reader, leaf, authority, &key.PublicKey, authorityKey)
	if err != nil {
		return nil, nil, err
	}
	config := &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
		Certificates: []tls.Certificate{{Certificate: [][]byte{chain}, PrivateKey: key}},
	}
	return config, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root}), nil
}
