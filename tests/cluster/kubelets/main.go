// The kubelets of a test cluster that has no machines: nodes are ready, and a pod that the scheduler has given to one
// is running and ready after its warm-up, at an address of its own. Nothing runs. Pods of Jobs succeed at once, pods
// that are deleted go.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net/netip"
	"os/signal"
	"sync"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/util/workqueue"
)

const (
	resync  = 10 * time.Minute
	workers = 16
)

func main() {
	kubeconfig := flag.String("kubeconfig", "", "kubeconfig of the cluster")
	warmUp := flag.Duration("warm-up", 0,
		"from when a pod has a node until it is ready; a pod's annotation "+warmUpAnnotation+" overrides it")
	nodeIP := flag.String("node-ip", "10.63.0.1", "address of every node")
	podRange := flag.String("pod-range", "10.64.0.0/14", "where pods get their addresses; the first is the gateway's")
	leaveJobs := flag.Bool("leave-jobs", false, "pods of Jobs stay as they are: somebody else runs them")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *kubeconfig, *nodeIP, *podRange, *warmUp, *leaveJobs); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, kubeconfig, nodeIP, podRange string, warmUp time.Duration, leaveJobs bool) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return fmt.Errorf("kubeconfig %q: %w", kubeconfig, err)
	}
	config.QPS, config.Burst = 1000, 2000
	config.UserAgent = "kubelets"
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	addresses, err := netip.ParsePrefix(podRange)
	if err != nil {
		return fmt.Errorf("--pod-range %q: %w", podRange, err)
	}

	nodeFactory := informers.NewSharedInformerFactory(client, resync)
	podFactory := informers.NewSharedInformerFactoryWithOptions(client, resync,
		informers.WithTweakListOptions(func(options *metav1.ListOptions) { options.FieldSelector = "spec.nodeName!=" }))
	nodes := &nodes{client: client, ip: nodeIP, store: nodeFactory.Core().V1().Nodes().Informer().GetStore()}
	pods := newPods(client, podFactory.Core().V1().Pods().Informer().GetStore(), addresses, nodeIP, warmUp, leaveJobs)

	var done sync.WaitGroup
	podInformer := podFactory.Core().V1().Pods().Informer()
	if _, err := podInformer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		DeleteFunc: func(object any) {
			if last, ok := object.(cache.DeletedFinalStateUnknown); ok {
				object = last.Obj
			}
			if pod, ok := object.(*corev1.Pod); ok {
				pods.forget(pod)
			}
		},
	}); err != nil {
		return err
	}
	nodeInformer := nodeFactory.Core().V1().Nodes().Informer()
	for informer, reconcile := range map[cache.SharedIndexInformer]reconciler{
		nodeInformer: nodes.reconcile, podInformer: pods.reconcile} {
		queue, err := queueOf(informer)
		if err != nil {
			return err
		}
		done.Go(func() { informer.RunWithContext(ctx) })
		done.Go(func() {
			<-ctx.Done()
			queue.ShutDown()
		})
		if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
			return ctx.Err()
		}
		if informer == podInformer {
			pods.keepAddresses()
		}
		for range workers {
			done.Go(func() { work(ctx, queue, reconcile) })
		}
	}
	log.Printf("playing the kubelets, pods are ready after %s", warmUp)
	done.Wait()
	return nil
}

// A reconciler looks at one object and says when to look again without a change; 0: not at all.
type reconciler func(ctx context.Context, key string, now time.Time) (time.Duration, error)

type workQueue = workqueue.TypedRateLimitingInterface[string]

func queueOf(informer cache.SharedIndexInformer) (workQueue, error) {
	queue := workqueue.NewTypedRateLimitingQueue(
		workqueue.NewTypedItemExponentialFailureRateLimiter[string](20*time.Millisecond, 5*time.Second))
	enqueue := func(object any) {
		if key, err := cache.DeletionHandlingMetaNamespaceKeyFunc(object); err == nil {
			queue.Add(key)
		}
	}
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    enqueue,
		UpdateFunc: func(_, object any) { enqueue(object) },
	})
	return queue, err
}

func work(ctx context.Context, queue workQueue, reconcile reconciler) {
	for {
		key, shutdown := queue.Get()
		if shutdown {
			return
		}
		again, err := reconcile(ctx, key, time.Now())
		switch {
		case apierrors.IsNotFound(err):
			queue.Forget(key)
		case apierrors.IsConflict(err):
			queue.AddRateLimited(key)
		case err != nil:
			if ctx.Err() == nil {
				log.Printf("%s: %v", key, err)
			}
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
