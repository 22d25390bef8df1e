package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/netip"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/ptr"
)

const warmUpAnnotation = "kubelets.headroom.dev/warm-up"

// Pods takes those that have a node through their lives.
type pods struct {
	client    kubernetes.Interface
	store     cache.Store
	nodeIP    string
	warmUp    time.Duration
	leaveJobs bool

	mutex sync.Mutex
	// When a pod that is warming up is ready.
	due       map[types.UID]time.Time
	addresses *addresses
}

func newPods(client kubernetes.Interface, store cache.Store, within netip.Prefix, nodeIP string, warmUp time.Duration,
	leaveJobs bool) *pods {
	return &pods{client: client, store: store, nodeIP: nodeIP, warmUp: warmUp, leaveJobs: leaveJobs,
		due: map[types.UID]time.Time{}, addresses: newAddresses(within)}
}

func (p *pods) reconcile(ctx context.Context, key string, now time.Time) (time.Duration, error) {
	object, exists, err := p.store.GetByKey(key)
	if err != nil || !exists {
		return 0, err
	}
	pod := object.(*corev1.Pod)
	switch {
	case pod.DeletionTimestamp != nil:
		return 0, p.client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{
			GracePeriodSeconds: ptr.To[int64](0), Preconditions: metav1.NewUIDPreconditions(string(pod.UID))})
	case pod.Status.Phase == corev1.PodPending || pod.Status.Phase == "":
		if wait := p.warmsUpFor(pod, now); wait > 0 {
			return wait, nil
		}
		return 0, p.run(ctx, pod, now)
	case pod.Status.Phase == corev1.PodRunning && isOfJob(pod) && !p.leaveJobs:
		return 0, p.succeed(ctx, pod, now)
	}
	return 0, nil
}

func (p *pods) forget(pod *corev1.Pod) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	delete(p.due, pod.UID)
	p.addresses.giveBack(pod.UID)
}

func (p *pods) warmsUpFor(pod *corev1.Pod, now time.Time) time.Duration {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	due, known := p.due[pod.UID]
	if !known {
		warmUp := p.warmUp
		if said := pod.Annotations[warmUpAnnotation]; said != "" {
			if parsed, err := time.ParseDuration(said); err == nil {
				warmUp = parsed
			} else {
				log.Printf("%s/%s: annotation %s: %v", pod.Namespace, pod.Name, warmUpAnnotation, err)
			}
		}
		due = now.Add(warmUp)
		p.due[pod.UID] = due
	}
	return due.Sub(now)
}

// Addresses that an earlier process gave are not given again.
func (p *pods) keepAddresses() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for _, object := range p.store.List() {
		pod := object.(*corev1.Pod)
		if address, err := netip.ParseAddr(pod.Status.PodIP); err == nil && !pod.Spec.HostNetwork {
			p.addresses.keep(pod.UID, address)
		}
	}
}

func (p *pods) addressOf(pod *corev1.Pod) (string, error) {
	if pod.Spec.HostNetwork {
		return p.nodeIP, nil
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	address, ok := p.addresses.of(pod.UID)
	if !ok {
		return "", fmt.Errorf("no address is left in %s", p.addresses.within)
	}
	return address.String(), nil
}

func (p *pods) run(ctx context.Context, pod *corev1.Pod, now time.Time) error {
	address, err := p.addressOf(pod)
	if err != nil {
		return err
	}
	at := metav1.NewTime(now)
	status := corev1.PodStatus{Phase: corev1.PodRunning, HostIP: p.nodeIP, HostIPs: []corev1.HostIP{{IP: p.nodeIP}},
		PodIP: address, PodIPs: []corev1.PodIP{{IP: address}}, StartTime: &at}
	for _, kind := range []corev1.PodConditionType{
		corev1.PodReadyToStartContainers, corev1.PodInitialized, corev1.ContainersReady, corev1.PodReady} {
		status.Conditions = append(status.Conditions,
			corev1.PodCondition{Type: kind, Status: corev1.ConditionTrue, LastTransitionTime: at})
	}
	for _, one := range pod.Spec.InitContainers {
		status.InitContainerStatuses = append(status.InitContainerStatuses, completed(one, at, at))
	}
	for _, one := range pod.Spec.Containers {
		status.ContainerStatuses = append(status.ContainerStatuses, corev1.ContainerStatus{
			Name: one.Name, Image: one.Image, Ready: true, Started: ptr.To(true),
			State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: at}}})
	}
	return p.patch(ctx, pod, status)
}

func (p *pods) succeed(ctx context.Context, pod *corev1.Pod, now time.Time) error {
	at := metav1.NewTime(now)
	status := corev1.PodStatus{Phase: corev1.PodSucceeded}
	for _, kind := range []corev1.PodConditionType{corev1.ContainersReady, corev1.PodReady} {
		status.Conditions = append(status.Conditions, corev1.PodCondition{
			Type: kind, Status: corev1.ConditionFalse, Reason: "PodCompleted", LastTransitionTime: at})
	}
	begun := ptr.Deref(pod.Status.StartTime, at)
	for _, one := range pod.Spec.Containers {
		status.ContainerStatuses = append(status.ContainerStatuses, completed(one, begun, at))
	}
	return p.patch(ctx, pod, status)
}

func completed(container corev1.Container, begun, ended metav1.Time) corev1.ContainerStatus {
	return corev1.ContainerStatus{Name: container.Name, Image: container.Image, Started: ptr.To(false),
		State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
			Reason: "Completed", StartedAt: begun, FinishedAt: ended}}}
}

func (p *pods) patch(ctx context.Context, pod *corev1.Pod, status corev1.PodStatus) error {
	// The UID makes it a conflict where another pod has taken the name.
	body, err := json.Marshal(map[string]any{"metadata": map[string]any{"uid": pod.UID}, "status": status})
	if err != nil {
		return err
	}
	_, err = p.client.CoreV1().Pods(pod.Namespace).Patch(ctx, pod.Name, types.StrategicMergePatchType, body,
		metav1.PatchOptions{}, "status")
	return err
}

func isOfJob(pod *corev1.Pod) bool {
	owner := metav1.GetControllerOf(pod)
	return owner != nil && owner.Kind == "Job"
}
