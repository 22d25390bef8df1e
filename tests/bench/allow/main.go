// Allow is the least that a validating webhook can be: it answers every review with yes, without looking at more of it
// than its uid. What the API server spends on it, it spends on any webhook.
//
//	allow --listen 127.0.0.1:8443 --certificate FILE --key FILE
package main

import (
	"bytes"
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address and port")
	certificate := flag.String("certificate", "", "file with the certificate chain, PEM")
	key := flag.String("key", "", "file with its private key, PEM")
	flag.Parse()
	log.SetFlags(0)
	log.SetPrefix("allow: ")
	server := &http.Server{
		Addr:    *listen,
		Handler: http.HandlerFunc(answer),
		// HTTP/1.1, as headroom-webhook.
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){},
	}
	log.Fatal(server.ListenAndServeTLS(*certificate, *key))
}

func answer(response http.ResponseWriter, request *http.Request) {
	review, err := io.ReadAll(request.Body)
	if err != nil {
		return
	}
	// The first uid of a review is the request's own.
	_, rest, _ := bytes.Cut(review, []byte(`"uid":"`))
	uid, _, _ := bytes.Cut(rest, []byte(`"`))
	response.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(response, `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":"%s","allowed":true}}`, uid)
}
