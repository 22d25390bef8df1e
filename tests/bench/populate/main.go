// Populate fills a namespace with what the benchmarks need: Deployments, their HorizontalPodAutoscalers,
// ScaleTargets that adopt these, and FestivalSchedules over all of them. Run again with a larger number it adds what
// is missing.
package main

import (
	"context"
	"flag"
	"log"
	"time"

	"headroom.dev/tests/bench/apiserver"
)

func main() {
	flags := apiserver.AddFlags()
	namespace := flag.String("namespace", "", "namespace to fill, made when missing")
	targets := flag.Int("targets", 1000, "Deployments, HorizontalPodAutoscalers and ScaleTargets")
	schedules := flag.Int("schedules", 50, "FestivalSchedules, all of them in the future")
	limit := flag.Duration("limit", 5*time.Minute, "after which the program gives up")
	flag.Parse()
	log.SetFlags(0)
	log.SetPrefix("populate: ")

	ctx, cancel := context.WithTimeout(context.Background(), *limit)
	defer cancel()
	if err := run(ctx, flags, *namespace, *targets, *schedules); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, flags *apiserver.Flags, namespace string, targets, schedules int) error {
	client, err := flags.Connect()
	if err != nil {
		return err
	}
	if err := client.Create(ctx, "/api/v1/namespaces", newNamespace(namespace)); err != nil {
		return err
	}
	begun := time.Now()
	err = flags.Parallel(ctx, targets, func(ctx context.Context, i int) error {
		for _, object := range targetObjects(namespace, i) {
			if err := client.Create(ctx, object.path, object.body); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	today := time.Now().UTC()
	err = flags.Parallel(ctx, schedules, func(ctx context.Context, i int) error {
		object := newSchedule(namespace, i, today)
		return client.Create(ctx, object.path, object.body)
	})
	if err != nil {
		return err
	}
	log.Printf("%d targets and %d schedules in %.1f s", targets, schedules, time.Since(begun).Seconds())
	return nil
}
