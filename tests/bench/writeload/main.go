// The writeload is the writers of the write-path benchmark: ConfigMaps of one namespace, from as many clients as there
// are connections, each of which behaves towards 429 as client-go does. It prints one JSON object, see report.
//
//	creates  each client creates as fast as it can, until --seconds are over or --count objects are there
//	churn    each client creates and deletes at random, about as often; together they want more than --hard, while a
//	         watch of the namespace counts what is stored at each revision
//	denials  each client creates as fast as it can and is meant to be refused
//	clear    deletes everything in the namespace
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"time"

	"headroom.dev/tests/bench/apiserver"
)

type options struct {
	namespace, prefix string
	duration          time.Duration
	count, hard       int
}

func main() {
	flags := apiserver.AddFlags()
	mode := flag.String("mode", "creates", "creates, churn, denials or clear")
	var asked options
	flag.StringVar(&asked.namespace, "namespace", "", "namespace of the ConfigMaps, made when missing")
	flag.StringVar(&asked.prefix, "prefix", "object", "of their names")
	flag.DurationVar(&asked.duration, "seconds", 10*time.Second, "how long to write, as a duration: 10s")
	flag.IntVar(&asked.count, "count", 0, "objects to create; 0: as many as there is time for")
	flag.IntVar(&asked.hard, "hard", 0, "bound on the number of objects, by which churn judges denials; 0: none")
	flag.Parse()
	log.SetFlags(0)
	log.SetPrefix("writeload: ")
	if err := run(context.Background(), flags, *mode, asked); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, flags *apiserver.Flags, mode string, asked options) error {
	client, err := flags.Connect()
	if err != nil {
		return err
	}
	namespace := map[string]any{
		"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": asked.namespace},
	}
	if err := client.Create(ctx, "/api/v1/namespaces", namespace); err != nil {
		return err
	}
	load := &load{client: client, options: asked, path: "/api/v1/namespaces/" + asked.namespace + "/configmaps"}
	var write func(ctx context.Context, writer *writer)
	switch mode {
	case "creates", "denials":
		write = load.createOnly
	case "churn":
		write = load.churn
	case "clear":
		return load.clear(ctx, flags)
	default:
		return fmt.Errorf("--mode: %q is none of creates, churn, denials, clear", mode)
	}

	var stored *history
	if mode == "churn" {
		if stored, err = watchHistory(ctx, client, load.path); err != nil {
			return err
		}
	}
	if err := openConnections(ctx, flags, client); err != nil {
		return err
	}
	before, err := scrape(ctx, client)
	if err != nil {
		return err
	}
	begun := time.Now()
	writers := load.runAll(ctx, flags.Connections, write)
	elapsed := time.Since(begun).Seconds()
	after, err := scrape(ctx, client)
	if err != nil {
		return err
	}
	summary := summarise(writers, elapsed, after.since(before))
	if stored != nil {
		if err := stored.waitFor(newest(writers)); err != nil {
			return err
		}
		summary.judge(stored, writers, asked.hard)
	}
	return json.NewEncoder(os.Stdout).Encode(summary)
}

// openConnections makes requests until each client had to have a connection of its own.
func openConnections(ctx context.Context, flags *apiserver.Flags, client *apiserver.Client) error {
	return flags.Parallel(ctx, flags.Connections*4, func(ctx context.Context, _ int) error {
		return client.Get(ctx, "/version", nil)
	})
}
