// A minimal webhook on controller-runtime, the peer of the webhook benchmark: it decodes the object and looks at one
// field, as people write it.
//
// Usage: controller_runtime_webhook FOLDER PORT, with tls.crt and tls.key in FOLDER
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/webhook"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
)

const mostReplicas = 1000

func decide(_ context.Context, request admission.Request) admission.Response {
	var deployment appsv1.Deployment
	if err := json.Unmarshal(request.Object.Raw, &deployment); err != nil {
		return admission.Errored(http.StatusBadRequest, err)
	}
	if deployment.Spec.Replicas != nil && *deployment.Spec.Replicas > mostReplicas {
		return admission.Denied(fmt.Sprintf("more than %d replicas", mostReplicas))
	}
	return admission.Allowed("")
}

func main() {
	ctrl.SetLogger(logr.Discard())
	if len(os.Args) != 3 {
		fmt.Fprintf(os.Stderr, "usage: %s FOLDER PORT\n", os.Args[0])
		os.Exit(2)
	}
	port, err := strconv.Atoi(os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	server := webhook.NewServer(webhook.Options{Host: "127.0.0.1", Port: port, CertDir: os.Args[1]})
	server.Register("/validate", &webhook.Admission{Handler: admission.HandlerFunc(decide)})
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := server.Start(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
