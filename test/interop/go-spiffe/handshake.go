package main

import (
	"crypto/tls"
	"net"

	"github.com/spiffe/go-spiffe/v2/spiffetls/tlsconfig"
	"github.com/spiffe/go-spiffe/v2/svid/x509svid"
	"github.com/spiffe/go-spiffe/v2/workloadapi"
)

// handshake does mutual TLS over a pipe and gives the ID that the server has shown.
func handshake(svid *x509svid.SVID, source *workloadapi.X509Source, authorizer tlsconfig.Authorizer) (string, error) {
	near, far := net.Pipe()
	defer near.Close()
	defer far.Close()
	server := tls.Server(far, tlsconfig.MTLSServerConfig(svid, source, authorizer))
	client := tls.Client(near, tlsconfig.MTLSClientConfig(svid, source, authorizer))
	served := make(chan error, 1)
	go func() { served <- server.Handshake() }()
	if err := client.Handshake(); err != nil {
		return "", err
	}
	if err := <-served; err != nil {
		return "", err
	}
	return client.ConnectionState().PeerCertificates[0].URIs[0].String(), nil
}
