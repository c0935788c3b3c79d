// A workload in Go: does what its first argument says and prints one JSON value a line.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sort"
	"time"

	"github.com/spiffe/go-spiffe/v2/bundle/x509bundle"
	"github.com/spiffe/go-spiffe/v2/spiffetls/tlsconfig"
	"github.com/spiffe/go-spiffe/v2/svid/jwtsvid"
	"github.com/spiffe/go-spiffe/v2/svid/x509svid"
	"github.com/spiffe/go-spiffe/v2/workloadapi"
	"google.golang.org/grpc/status"
)

type object = map[string]any

const patience = 10 * time.Second

func say(value any) {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(text))
}

func describe(svid *x509svid.SVID) object {
	return object{
		"id":     svid.ID.String(),
		"serial": svid.Certificates[0].SerialNumber.Text(16),
		"hint":   svid.Hint,
	}
}

func domains(bundles *x509bundle.Set) []string {
	names := []string{}
	for _, bundle := range bundles.Bundles() {
		names = append(names, bundle.TrustDomain().Name())
	}
	sort.Strings(names)
	return names
}

func connected(ctx context.Context, socket string) *workloadapi.Client {
	client, err := workloadapi.New(ctx, workloadapi.WithAddr(socket))
	if err != nil {
		panic(err)
	}
	return client
}

// fetch gives all certificates, and whether each one verifies against the bundles as a peer's would.
func fetch(ctx context.Context, socket string) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	client := connected(ctx, socket)
	defer client.Close()
	x509Context, err := client.FetchX509Context(ctx)
	if err != nil {
		say(object{"error": status.Code(err).String()})
		return
	}
	svids := []object{}
	for _, svid := range x509Context.SVIDs {
		one := describe(svid)
		one["chain"] = len(svid.Certificates)
		_, _, err := x509svid.Verify(svid.Certificates, x509Context.Bundles)
		one["verified"] = err == nil
		svids = append(svids, one)
	}
	bundles, err := client.FetchX509Bundles(ctx)
	if err != nil {
		say(object{"error": status.Code(err).String()})
		return
	}
	say(object{"svids": svids, "domains": domains(bundles)})
}

type watcher struct{}

func (watcher) OnX509ContextUpdate(update *workloadapi.X509Context) {
	svids := []object{}
	for _, svid := range update.SVIDs {
		svids = append(svids, describe(svid))
	}
	say(object{"svids": svids})
}

func (watcher) OnX509ContextWatchError(err error) {
	say(object{"error": status.Code(err).String()})
}

// watch prints each update and each failure until stdin ends or the library gives up.
func watch(ctx context.Context, socket string) {
	client := connected(ctx, socket)
	defer client.Close()
	_ = client.WatchX509Context(ctx, watcher{})
	if ctx.Err() == nil {
		say(object{"gaveUp": true})
	}
}

// source keeps certificates as a long-lived program would, and does mutual TLS with itself by them.
func source(ctx context.Context, socket string) {
	starting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	options := workloadapi.WithClientOptions(workloadapi.WithAddr(socket))
	x509, err := workloadapi.NewX509Source(starting, options)
	if err != nil {
		panic(err)
	}
	defer x509.Close()
	for {
		svid, err := x509.GetX509SVID()
		if err != nil {
			panic(err)
		}
		shown, err := handshake(svid, x509, tlsconfig.AuthorizeID(svid.ID))
		answer := describe(svid)
		answer["handshake"] = shown
		if err != nil {
			answer["handshake"] = err.Error()
		}
		say(answer)
		select {
		case <-x509.Updated():
		case <-ctx.Done():
			return
		}
	}
}

// jwt fetches a token for one audience and has it validated for that and for another one.
func jwt(ctx context.Context, socket string) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	client := connected(ctx, socket)
	defer client.Close()
	svid, err := client.FetchJWTSVID(ctx, jwtsvid.Params{Audience: "here"})
	if err != nil {
		say(object{"error": status.Code(err).String()})
		return
	}
	bundles, err := client.FetchJWTBundles(ctx)
	if err != nil {
		say(object{"error": status.Code(err).String()})
		return
	}
	_, offline := jwtsvid.ParseAndValidate(svid.Marshal(), bundles, []string{"here"})
	_, good := client.ValidateJWTSVID(ctx, svid.Marshal(), "here")
	_, bad := client.ValidateJWTSVID(ctx, svid.Marshal(), "elsewhere")
	say(object{
		"id":        svid.ID.String(),
		"audience":  svid.Audience,
		"offline":   offline == nil,
		"here":      status.Code(good).String(),
		"elsewhere": status.Code(bad).String(),
	})
}

func main() {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	commands := map[string]func(context.Context, string){
		"fetch": fetch, "watch": watch, "source": source, "jwt": jwt, "raw": raw, "reflect": reflection,
		"federate": federate, "publish": publish,
	}
	commands[os.Args[1]](ctx, os.Args[2])
}
