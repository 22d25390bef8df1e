// Metrics plays a metrics server: it answers the resource metrics API, metrics.k8s.io/v1beta1, for the pods of a
// test cluster, whose containers use nothing by themselves. What they seem to use stands in a file that a test
// rewrites while HorizontalPodAutoscalers look at it; usage.go says how.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

func main() {
	kubeconfig := flag.String("kubeconfig", "", "kubeconfig of the cluster")
	usage := flag.String("usage", "", "file that says what pods use")
	listen := flag.String("listen", "127.0.0.1:0", "address and port to serve on")
	certificate := flag.String("certificate", "", "file with the certificate to serve with")
	key := flag.String("key", "", "file with its private key")
	clients := flag.String("client-authority", "", "file with the authority of clients: the API server's front proxy")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *kubeconfig, *usage, *listen, *certificate, *key, *clients); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, kubeconfig, usage, listen, certificate, key, clients string) error {
	if usage == "" {
		return errors.New("--usage is needed: the file that says what pods use")
	}
	settings, err := tlsSettings(certificate, key, clients)
	if err != nil {
		return err
	}
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return fmt.Errorf("--kubeconfig: %w", err)
	}
	config.UserAgent = "metrics"
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}

	factory := informers.NewSharedInformerFactory(client, 0)
	pods, nodes := factory.Core().V1().Pods(), factory.Core().V1().Nodes()
	synced := []cache.InformerSynced{pods.Informer().HasSynced, nodes.Informer().HasSynced}
	factory.StartWithContext(ctx)
	if !cache.WaitForCacheSync(ctx.Done(), synced...) {
		return ctx.Err()
	}

	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	handler := newHandler(pods.Lister(), nodes.Lister(), func() (rules, error) { return readRules(usage) })
	server := &http.Server{Handler: handler, TLSConfig: settings, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	log.Printf("serving on %s", listener.Addr())
	if err := server.ServeTLS(listener, "", ""); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// tlsSettings admit nobody but the API server, which has authenticated and authorized its callers already.
func tlsSettings(certificate, key, clients string) (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(certificate, key)
	if err != nil {
		return nil, fmt.Errorf("--certificate, --key: %w", err)
	}
	authority, err := os.ReadFile(clients)
	if err != nil {
		return nil, fmt.Errorf("--client-authority: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(authority) {
		return nil, fmt.Errorf("--client-authority: no certificate in %s", clients)
	}
	return &tls.Config{
		Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool,
	}, nil
}
