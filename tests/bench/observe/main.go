// Observe sees from outside what happens to a namespace's HorizontalPodAutoscalers and ScaleTargets: it watches them
// and notes when each change arrives.
//
//	observe --until written: waits until spec.minReplicas of every HorizontalPodAutoscaler has changed and nothing
//	    changes any more; prints when the first and the last of these changes came, the rate between them and how
//	    many ScaleTargets changed in between.
//	observe --until quiet: waits until nothing has changed for some time.
//
// It writes "watching" to standard error once no change can escape it.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"time"

	"headroom.dev/tests/bench/apiserver"
)

func main() {
	flags := apiserver.AddFlags()
	namespace := flag.String("namespace", "", "namespace to watch")
	until := flag.String("until", "written", "written or quiet")
	boundary := flag.String("boundary", "", "RFC 3339 instant that the first change is timed from")
	quiet := flag.Duration("quiet", 2*time.Second, "how long nothing may change before it counts as quiet")
	limit := flag.Duration("limit", time.Minute, "after which the program gives up")
	flag.Parse()
	log.SetFlags(0)
	log.SetPrefix("observe: ")

	ctx, cancel := context.WithTimeoutCause(context.Background(), *limit,
		fmt.Errorf("gave up after %s", *limit))
	defer cancel()
	var err error
	switch *until {
	case "written":
		err = untilWritten(ctx, flags, *namespace, *boundary, *quiet)
	case "quiet":
		err = untilQuiet(ctx, flags, *namespace, *quiet)
	default:
		err = fmt.Errorf("--until does not know %q, only written and quiet", *until)
	}
	if err != nil {
		log.Fatal(err)
	}
}

func openBoth(ctx context.Context, flags *apiserver.Flags, namespace string) (autoscalers, targets *stream, err error) {
	client, err := flags.Connect()
	if err != nil {
		return nil, nil, err
	}
	autoscalers, err = open(ctx, client, "/apis/autoscaling/v2/namespaces/"+namespace+"/horizontalpodautoscalers")
	if err != nil {
		return nil, nil, err
	}
	targets, err = open(ctx, client, "/apis/headroom.dev/v1alpha1/namespaces/"+namespace+"/scaletargets")
	if err != nil {
		return nil, nil, err
	}
	log.Print("watching")
	return autoscalers, targets, nil
}

func untilQuiet(ctx context.Context, flags *apiserver.Flags, namespace string, quiet time.Duration) error {
	autoscalers, targets, err := openBoth(ctx, flags, namespace)
	if err != nil {
		return err
	}
	begun, seen := time.Now(), 0
	for {
		select {
		case <-autoscalers.events:
			seen++
		case <-targets.events:
			seen++
		case err := <-autoscalers.failed:
			return errors.Join(context.Cause(ctx), err)
		case err := <-targets.failed:
			return errors.Join(context.Cause(ctx), err)
		case <-ctx.Done():
			return fmt.Errorf("%w: %d changes since, never %s without one", context.Cause(ctx), seen, quiet)
		case <-time.After(quiet):
			return json.NewEncoder(os.Stdout).Encode(map[string]any{
				"changes": seen, "seconds": time.Since(begun).Seconds(),
			})
		}
	}
}

func untilWritten(ctx context.Context, flags *apiserver.Flags, namespace, boundary string, quiet time.Duration) error {
	var since time.Time
	if boundary != "" {
		var err error
		if since, err = time.Parse(time.RFC3339, boundary); err != nil {
			return fmt.Errorf("--boundary: %w", err)
		}
	}
	autoscalers, targets, err := openBoth(ctx, flags, namespace)
	if err != nil {
		return err
	}

	var written, reported []arrival
	for {
		// Before the last autoscaler has been written silence means nothing: the boundary may be to come.
		var silence <-chan time.Time
		if len(written) >= len(autoscalers.objects) {
			silence = time.After(quiet)
		}
		select {
		case event := <-autoscalers.events:
			written = append(written, event)
			continue
		case event := <-targets.events:
			reported = append(reported, event)
			continue
		case err := <-autoscalers.failed:
			return errors.Join(context.Cause(ctx), err)
		case err := <-targets.failed:
			return errors.Join(context.Cause(ctx), err)
		case <-ctx.Done():
			return fmt.Errorf("%w: %d changes of %d HorizontalPodAutoscalers", context.Cause(ctx), len(written),
				len(autoscalers.objects))
		case <-silence:
		}
		break
	}

	result, err := summarize(autoscalers.objects, written, reported, since)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(result)
}
