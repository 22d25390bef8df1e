// The dbcontroller plays CloudNativePG's operator towards the CustomResourceDefinition
// clusters.postgresql.cnpg.io: it moves the instances that a Cluster's status reports towards those that
// its spec asks for, one at a time, up and down, each step after a delay. There is no PostgreSQL behind it.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/util/workqueue"
)

const (
	phaseHealthy     = "Cluster in healthy state"
	phaseGrowing     = "Creating a new replica"
	phaseShrinking   = "Scaling down cluster"
	delayAnnotation  = "dbcontroller.headroom.dev/delay"
	frozenAnnotation = "dbcontroller.headroom.dev/frozen"
	resync           = 10 * time.Minute
)

var clusters = schema.GroupVersionResource{Group: "postgresql.cnpg.io", Version: "v1", Resource: "clusters"}

func main() {
	kubeconfig := flag.String("kubeconfig", "", "kubeconfig of the cluster")
	delay := flag.Duration("delay", 2*time.Second,
		"time that one instance takes to come or go; a Cluster's annotation "+delayAnnotation+" overrides it")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *kubeconfig, *delay); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, kubeconfig string, delay time.Duration) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return fmt.Errorf("kubeconfig %q: %w", kubeconfig, err)
	}
	config.QPS, config.Burst = 500, 1000
	config.UserAgent = "dbcontroller"
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return err
	}

	queue := workqueue.NewTypedRateLimitingQueue(
		workqueue.NewTypedItemExponentialFailureRateLimiter[string](50*time.Millisecond, 5*time.Second))
	informer := dynamicinformer.NewDynamicSharedInformerFactory(client, resync).ForResource(clusters).Informer()
	enqueue := func(object any) {
		if key, err := cache.DeletionHandlingMetaNamespaceKeyFunc(object); err == nil {
			queue.Add(key)
		}
	}
	if _, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    enqueue,
		UpdateFunc: func(_, object any) { enqueue(object) },
		DeleteFunc: enqueue,
	}); err != nil {
		return err
	}
	go informer.RunWithContext(ctx)
	if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
		return ctx.Err()
	}
	log.Printf("watching %s, one instance every %s", clusters.GroupResource(), delay)

	go func() {
		<-ctx.Done()
		queue.ShutDown()
	}()
	operator := &operator{client: client, store: informer.GetStore(), delay: delay, due: map[string]time.Time{}}
	for {
		key, shutdown := queue.Get()
		if shutdown {
			return nil
		}
		again, err := operator.reconcile(ctx, key, time.Now())
		switch {
		case apierrors.IsConflict(err):
			queue.AddRateLimited(key)
		case err != nil:
			log.Printf("%s: %v", key, err)
			queue.AddRateLimited(key)
		case again > 0:
			queue.Forget(key)
			queue.AddAfter(key, again)
		default:
			queue.Forget(key)
		}
		queue.Done(key)
	}
}

type operator struct {
	client dynamic.Interface
	store  cache.Store
	delay  time.Duration
	// When the step that a Cluster is taking will be done.
	due map[string]time.Time
}

// reconcile returns after how long it wants to see the Cluster again; zero means at its next change.
func (o *operator) reconcile(ctx context.Context, key string, now time.Time) (time.Duration, error) {
	object, exists, err := o.store.GetByKey(key)
	if err != nil {
		return 0, err
	}
	if !exists {
		delete(o.due, key)
		return 0, nil
	}
	cluster := object.(*unstructured.Unstructured)
	if frozen, _ := strconv.ParseBool(cluster.GetAnnotations()[frozenAnnotation]); frozen {
		delete(o.due, key)
		return 0, nil
	}

	wanted, _, _ := unstructured.NestedInt64(cluster.Object, "spec", "instances")
	ready, _, _ := unstructured.NestedInt64(cluster.Object, "status", "readyInstances")
	if ready == wanted {
		delete(o.due, key)
		return 0, o.report(ctx, cluster, ready, ready, phaseHealthy)
	}
	due, stepping := o.due[key]
	if !stepping {
		due = now.Add(o.delayOf(cluster))
		o.due[key] = due
	}
	if wait := due.Sub(now); wait > 0 {
		if wanted > ready {
			// The next instance exists already, it only does not accept connections yet.
			return wait, o.report(ctx, cluster, ready+1, ready, phaseGrowing)
		}
		return wait, o.report(ctx, cluster, ready, ready, phaseShrinking)
	}
	if wanted > ready {
		ready++
	} else {
		ready--
	}
	phase := phaseHealthy
	if wanted > ready {
		phase = phaseGrowing
	} else if wanted < ready {
		phase = phaseShrinking
	}
	if err := o.report(ctx, cluster, ready, ready, phase); err != nil {
		return 0, err
	}
	log.Printf("%s: %d of %d instances", key, ready, wanted)
	delete(o.due, key)
	// The store does not know the new status yet; the watch brings the Cluster back when it does.
	return 0, nil
}

func (o *operator) delayOf(cluster *unstructured.Unstructured) time.Duration {
	if text, found := cluster.GetAnnotations()[delayAnnotation]; found {
		if delay, err := time.ParseDuration(text); err == nil {
			return delay
		}
		log.Printf("%s/%s: annotation %s=%q is not a duration", cluster.GetNamespace(), cluster.GetName(),
			delayAnnotation, text)
	}
	return o.delay
}

func (o *operator) report(ctx context.Context, cluster *unstructured.Unstructured, instances, ready int64, phase string) error {
	names := make([]any, instances)
	for i := range names {
		names[i] = fmt.Sprintf("%s-%d", cluster.GetName(), i+1)
	}
	status := map[string]any{
		"instances":      instances,
		"readyInstances": ready,
		"instanceNames":  names,
		"phase":          phase,
		"currentPrimary": cluster.GetName() + "-1",
		"targetPrimary":  cluster.GetName() + "-1",
		"selector":       "cnpg.io/cluster=" + cluster.GetName() + ",cnpg.io/podRole=instance",
	}
	if reported, _, _ := unstructured.NestedMap(cluster.Object, "status"); saysAlready(reported, status) {
		return nil
	}
	// With the version it was decided on, so that a decision from a stale store takes nothing back.
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"resourceVersion": cluster.GetResourceVersion()},
		"status":   status,
	})
	if err != nil {
		return err
	}
	_, err = o.client.Resource(clusters).Namespace(cluster.GetNamespace()).
		Patch(ctx, cluster.GetName(), types.MergePatchType, patch, metav1.PatchOptions{}, "status")
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

func saysAlready(reported, status map[string]any) bool {
	for field, value := range status {
		if fmt.Sprint(reported[field]) != fmt.Sprint(value) {
			return false
		}
	}
	return true
}
