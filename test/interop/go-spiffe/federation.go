package main

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/spiffe/go-spiffe/v2/bundle/spiffebundle"
	"github.com/spiffe/go-spiffe/v2/federation"
	"github.com/spiffe/go-spiffe/v2/spiffeid"
	"github.com/spiffe/go-spiffe/v2/spiffetls/tlsconfig"
	"github.com/spiffe/go-spiffe/v2/svid/x509svid"
)

// question is the file question.json of the directory that a command is given.
type question struct {
	TrustDomain string `json:"trustDomain"`
	URL         string `json:"url"`
	// EndpointID is set for https_spiffe, WebRoots (PEM) for https_web.
	EndpointID string `json:"endpointId"`
	WebRoots   string `json:"webRoots"`
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func read(directory string) (question, spiffeid.TrustDomain, *spiffebundle.Bundle) {
	var asked question
	text, err := os.ReadFile(filepath.Join(directory, "question.json"))
	must(err)
	must(json.Unmarshal(text, &asked))
	domain, err := spiffeid.TrustDomainFromString(asked.TrustDomain)
	must(err)
	bundle, err := spiffebundle.Load(domain, filepath.Join(directory, "bundle.json"))
	must(err)
	return asked, domain, bundle
}

type bundleWatcher struct {
	cancel context.CancelFunc
	seen   int
}

func (w *bundleWatcher) NextRefresh(hint time.Duration) time.Duration { return hint }
func (w *bundleWatcher) OnError(err error)                            { say(object{"error": err.Error()}) }
func (w *bundleWatcher) OnUpdate(bundle *spiffebundle.Bundle) {
	serials := []string{}
	for _, authority := range bundle.X509Authorities() {
		serials = append(serials, authority.SerialNumber.Text(16))
	}
	sequence, _ := bundle.SequenceNumber()
	hint, _ := bundle.RefreshHint()
	say(object{
		"serials": serials, "sequence": sequence, "hintSeconds": hint.Seconds(),
		"jwtKeys": len(bundle.JWTAuthorities()),
	})
}

// federate keeps the bundle of another trust domain fresh, and prints each one and each failure.
func federate(ctx context.Context, directory string) {
	asked, domain, first := read(directory)
	var option federation.FetchOption
	if asked.EndpointID == "" {
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM([]byte(asked.WebRoots))
		option = federation.WithWebPKIRoots(roots)
	} else {
		id, err := spiffeid.FromString(asked.EndpointID)
		must(err)
		option = federation.WithSPIFFEAuth(first, id)
	}
	_ = federation.WatchBundle(ctx, domain, asked.URL, &bundleWatcher{}, option)
}

// publish serves bundle.json by https_spiffe with the SVID in svid.pem and key.pem, and prints where.
func publish(ctx context.Context, directory string) {
	_, domain, bundle := read(directory)
	svid, err := x509svid.Load(filepath.Join(directory, "svid.pem"), filepath.Join(directory, "key.pem"))
	must(err)
	handler, err := federation.NewHandler(domain, bundle)
	must(err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	server := http.Server{
		Handler: handler, TLSConfig: tlsconfig.TLSServerConfig(svid), ReadHeaderTimeout: patience,
	}
	say(object{"url": "https://" + listener.Addr().String() + "/"})
	go func() { _ = server.ServeTLS(listener, "", "") }()
	<-ctx.Done()
	_ = server.Close()
}
