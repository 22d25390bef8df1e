// The patchloop is the peer that Headroom is measured against: it sets spec.minReplicas of every
// HorizontalPodAutoscaler of a namespace once, as fast as a given number of connections allow, and does nothing else.
// Its patches are like the operator's: each holds against the version that was listed, and may set an annotation.
// It prints {"count", "seconds", "perSecond"}; connections are opened before the time starts.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"strings"
	"time"

	"headroom.dev/tests/bench/apiserver"
)

// The operator's own name: a field that changes hands costs the API server a third more than one that does not.
const fieldManager = "headroom"

func main() {
	flags := apiserver.AddFlags()
	namespace := flag.String("namespace", "", "namespace of the HorizontalPodAutoscalers")
	minReplicas := flag.Int("min-replicas", 0, "value to write")
	annotation := flag.String("annotation", "", "KEY=VALUE to write in the same patch; KEY alone removes it")
	limit := flag.Duration("limit", 2*time.Minute, "after which the program gives up")
	flag.Parse()
	log.SetFlags(0)
	log.SetPrefix("patchloop: ")

	ctx, cancel := context.WithTimeout(context.Background(), *limit)
	defer cancel()
	if err := run(ctx, flags, *namespace, *minReplicas, *annotation); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, flags *apiserver.Flags, namespace string, minReplicas int, annotation string) error {
	client, err := flags.Connect()
	if err != nil {
		return err
	}
	path := "/apis/autoscaling/v2/namespaces/" + namespace + "/horizontalpodautoscalers"
	var list struct {
		Items []struct {
			Metadata struct {
				Name            string `json:"name"`
				ResourceVersion string `json:"resourceVersion"`
			} `json:"metadata"`
		} `json:"items"`
	}
	if err := client.Get(ctx, path, &list); err != nil {
		return err
	}
	if len(list.Items) == 0 {
		return fmt.Errorf("no HorizontalPodAutoscaler in namespace %q", namespace)
	}
	if err := openConnections(ctx, flags, client); err != nil {
		return err
	}

	bodies := make([][]byte, len(list.Items))
	for i, item := range list.Items {
		if bodies[i], err = json.Marshal(patchOf(item.Metadata.ResourceVersion, minReplicas, annotation)); err != nil {
			return err
		}
	}
	begun := time.Now()
	err = flags.Parallel(ctx, len(list.Items), func(ctx context.Context, i int) error {
		return client.MergePatch(ctx, path+"/"+list.Items[i].Metadata.Name+"?fieldManager="+fieldManager, bodies[i])
	})
	if err != nil {
		return err
	}
	seconds := time.Since(begun).Seconds()
	return json.NewEncoder(os.Stdout).Encode(map[string]any{
		"count": len(list.Items), "seconds": seconds, "perSecond": float64(len(list.Items)) / seconds,
	})
}

func patchOf(resourceVersion string, minReplicas int, annotation string) map[string]any {
	metadata := map[string]any{"resourceVersion": resourceVersion}
	if annotation != "" {
		annotations := map[string]any{annotation: nil}
		if key, value, hasValue := strings.Cut(annotation, "="); hasValue {
			annotations = map[string]any{key: value}
		}
		metadata["annotations"] = annotations
	}
	return map[string]any{"metadata": metadata, "spec": map[string]any{"minReplicas": minReplicas}}
}

// openConnections makes requests until each goroutine had to have a connection of its own.
func openConnections(ctx context.Context, flags *apiserver.Flags, client *apiserver.Client) error {
	return flags.Parallel(ctx, flags.Connections*4, func(ctx context.Context, _ int) error {
		return client.Get(ctx, "/version", nil)
	})
}
