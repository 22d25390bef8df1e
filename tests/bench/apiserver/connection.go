// Package apiserver reaches the API server of a test cluster with nothing but the standard library: what the
// benchmarks compare Headroom with must not carry a framework's costs.
package apiserver

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

const requestTimeout = 30 * time.Second

// Flags of every program here that talks to an API server.
type Flags struct {
	server, authority, certificate, key string
	Connections                         int
}

// AddFlags registers the flags; their values hold after flag.Parse.
func AddFlags() *Flags {
	flags := &Flags{}
	flag.StringVar(&flags.server, "server", "", "address of the API server, https://HOST:PORT")
	flag.StringVar(&flags.authority, "certificate-authority", "", "file with the certificate of its authority")
	flag.StringVar(&flags.certificate, "client-certificate", "", "file with the certificate to authenticate with")
	flag.StringVar(&flags.key, "client-key", "", "file with the private key of it")
	flag.IntVar(&flags.Connections, "connections", 16, "HTTP/1.1 connections used at once")
	return flags
}

// Client of one API server, over at most a fixed number of HTTP/1.1 connections that are kept open. Watches come on
// top of these. Safe for concurrent use.
type Client struct {
	server   string
	requests *http.Client
	watches  *http.Client
}

// Connect reads the certificates; no connection is made yet.
func (flags *Flags) Connect() (*Client, error) {
	if flags.server == "" || flags.Connections < 1 {
		return nil, errors.New("--server is needed, and --connections of at least 1")
	}
	authority, err := os.ReadFile(flags.authority)
	if err != nil {
		return nil, fmt.Errorf("--certificate-authority: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(authority) {
		return nil, fmt.Errorf("--certificate-authority: no certificate in %s", flags.authority)
	}
	certificate, err := tls.LoadX509KeyPair(flags.certificate, flags.key)
	if err != nil {
		return nil, fmt.Errorf("--client-certificate, --client-key: %w", err)
	}
	transport := func() *http.Transport {
		return &http.Transport{
			TLSClientConfig:     &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{certificate}},
			MaxConnsPerHost:     flags.Connections,
			MaxIdleConnsPerHost: flags.Connections,
			// Without this map Go may choose HTTP/2, which Headroom does not speak to API servers.
			TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{},
		}
	}
	return &Client{
		server:   strings.TrimSuffix(flags.server, "/"),
		requests: &http.Client{Transport: transport(), Timeout: requestTimeout},
		watches:  &http.Client{Transport: transport()},
	}, nil
}

// StatusError is an answer other than 2xx.
type StatusError struct {
	Code   int
	Method string
	Path   string
	Body   string
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("%s %s: status %d: %s", e.Method, e.Path, e.Code, e.Body)
}

// Get decodes the JSON at path into answer; nil discards it.
func (c *Client) Get(ctx context.Context, path string, answer any) error {
	return c.do(ctx, http.MethodGet, path, "", nil, answer)
}

// Answer of an API server, of whatever status.
type Answer struct {
	Code       int
	RetryAfter time.Duration // zero where the answer has none
	Body       []byte        // at most the first 4 KiB
}

// Send makes one request, once, and returns what was answered; an error says that nothing was. body is JSON or nil.
func (c *Client) Send(ctx context.Context, method, path string, body []byte) (Answer, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.server+path, bytes.NewReader(body))
	if err != nil {
		return Answer{}, err
	}
	request.Header.Set("Accept", "application/json")
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := c.requests.Do(request)
	if err != nil {
		return Answer{}, err
	}
	defer response.Body.Close()
	answer := Answer{Code: response.StatusCode}
	if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil {
		answer.RetryAfter = time.Duration(seconds) * time.Second
	}
	if answer.Body, err = io.ReadAll(io.LimitReader(response.Body, 4096)); err != nil {
		return Answer{}, err
	}
	_, err = io.Copy(io.Discard, response.Body)
	return answer, err
}

// Text of the page at path, whole.
func (c *Client) Text(ctx context.Context, path string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.server+path, nil)
	if err != nil {
		return "", err
	}
	response, err := c.requests.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return "", statusError(request, response)
	}
	text, err := io.ReadAll(response.Body)
	return string(text), err
}

// Create posts object as JSON. That it is there already is no error.
func (c *Client) Create(ctx context.Context, path string, object any) error {
	body, err := json.Marshal(object)
	if err != nil {
		return err
	}
	err = c.do(ctx, http.MethodPost, path, "application/json", body, nil)
	var status *StatusError
	if errors.As(err, &status) && status.Code == http.StatusConflict {
		return nil
	}
	return err
}

// MergePatch sends an RFC 7386 patch.
func (c *Client) MergePatch(ctx context.Context, path string, patch []byte) error {
	return c.do(ctx, http.MethodPatch, path, "application/merge-patch+json", patch, nil)
}

// Watch opens the stream of changes after resourceVersion. The caller closes it.
func (c *Client) Watch(ctx context.Context, path, resourceVersion string) (io.ReadCloser, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet,
		c.server+path+"?watch=true&resourceVersion="+resourceVersion, nil)
	if err != nil {
		return nil, err
	}
	response, err := c.watches.Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		defer response.Body.Close()
		return nil, statusError(request, response)
	}
	return response.Body, nil
}

func (c *Client) do(ctx context.Context, method, path, contentType string, body []byte, answer any) error {
	request, err := http.NewRequestWithContext(ctx, method, c.server+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Accept", "application/json")
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	response, err := c.requests.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return statusError(request, response)
	}
	if answer == nil {
		// A connection can be used again only once its answer has been read.
		_, err = io.Copy(io.Discard, response.Body)
		return err
	}
	return json.NewDecoder(response.Body).Decode(answer)
}

func statusError(request *http.Request, response *http.Response) error {
	body, _ := io.ReadAll(io.LimitReader(response.Body, 2000))
	return &StatusError{Code: response.StatusCode, Method: request.Method, Path: request.URL.Path, Body: string(body)}
}

// Parallel calls work(i) for every i below count from as many goroutines as there are connections, and returns the
// first error; after one no new work is begun.
func (flags *Flags) Parallel(ctx context.Context, count int, work func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan int)
	done := make(chan struct{})
	for range flags.Connections {
		go func() {
			defer func() { done <- struct{}{} }()
			for i := range next {
				if err := work(ctx, i); err != nil {
					cancel(err)
					return
				}
			}
		}()
	}
	for i := 0; i < count && ctx.Err() == nil; i++ {
		select {
		case next <- i:
		case <-ctx.Done():
		}
	}
	close(next)
	for range flags.Connections {
		<-done
	}
	return context.Cause(ctx)
}
