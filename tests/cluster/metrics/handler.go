package main

import (
	"encoding/json"
	"log"
	"net/http"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	corelisters "k8s.io/client-go/listers/core/v1"
	metricsv1beta1 "k8s.io/metrics/pkg/apis/metrics/v1beta1"
)

// An autoscaler passes over samples of a pod that are older than its readiness by less than the window.
const window = time.Second

var (
	podsResource  = metricsv1beta1.Resource("pods")
	nodesResource = metricsv1beta1.Resource("nodes")
)

type handler struct {
	pods  corelisters.PodLister
	nodes corelisters.NodeLister
	rules func() (rules, error)
	now   func() time.Time
}

func newHandler(pods corelisters.PodLister, nodes corelisters.NodeLister, rules func() (rules, error)) http.Handler {
	h := &handler{pods: pods, nodes: nodes, rules: rules, now: time.Now}
	root := "GET /apis/" + metricsv1beta1.SchemeGroupVersion.String()
	mux := http.NewServeMux()
	for path, answer := range map[string]func(*http.Request) (any, error){
		"":                                    h.resources,
		"/pods":                               h.listPods,
		"/namespaces/{namespace}/pods":        h.listPods,
		"/namespaces/{namespace}/pods/{name}": h.getPod,
		"/nodes":                              h.listNodes,
		"/nodes/{name}":                       h.getNode,
	} {
		mux.HandleFunc(root+path, func(response http.ResponseWriter, request *http.Request) {
			object, err := answer(request)
			send(response, object, err)
		})
	}
	return mux
}

// send answers with the object, or with the metav1.Status of the error; without a usage file that is a 503, as of a
// metrics server that is ill.
func send(response http.ResponseWriter, object any, err error) {
	code := http.StatusOK
	if err != nil {
		status, isStatus := err.(apierrors.APIStatus)
		if !isStatus {
			log.Print(err)
			status = apierrors.NewServiceUnavailable(err.Error())
		}
		answer := status.Status()
		answer.TypeMeta = metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}
		code, object = int(answer.Code), answer
	}
	response.Header().Set("Content-Type", "application/json")
	response.WriteHeader(code)
	_ = json.NewEncoder(response).Encode(object)
}

func (h *handler) resources(*http.Request) (any, error) {
	verbs := metav1.Verbs{"get", "list"}
	return metav1.APIResourceList{
		TypeMeta:     metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"},
		GroupVersion: metricsv1beta1.SchemeGroupVersion.String(),
		APIResources: []metav1.APIResource{
			{Name: "nodes", Kind: "NodeMetrics", Verbs: verbs},
			{Name: "pods", Kind: "PodMetrics", Namespaced: true, Verbs: verbs},
		},
	}, nil
}

func (h *handler) listPods(request *http.Request) (any, error) {
	selector, err := selectorOf(request)
	if err != nil {
		return nil, err
	}
	namespace := request.PathValue("namespace")
	metrics, err := h.podMetrics(func(pod *corev1.Pod) bool {
		return (namespace == "" || pod.Namespace == namespace) && selector.Matches(labels.Set(pod.Labels))
	})
	if err != nil {
		return nil, err
	}
	return metricsv1beta1.PodMetricsList{TypeMeta: typeMeta("PodMetricsList"), Items: metrics}, nil
}

func (h *handler) getPod(request *http.Request) (any, error) {
	namespace, name := request.PathValue("namespace"), request.PathValue("name")
	metrics, err := h.podMetrics(func(pod *corev1.Pod) bool { return pod.Namespace == namespace && pod.Name == name })
	if err != nil {
		return nil, err
	}
	if len(metrics) == 0 {
		return nil, apierrors.NewNotFound(podsResource, namespace+"/"+name)
	}
	return metrics[0], nil
}

func (h *handler) listNodes(request *http.Request) (any, error) {
	selector, err := selectorOf(request)
	if err != nil {
		return nil, err
	}
	metrics, err := h.nodeMetrics(func(node *corev1.Node) bool { return selector.Matches(labels.Set(node.Labels)) })
	if err != nil {
		return nil, err
	}
	return metricsv1beta1.NodeMetricsList{TypeMeta: typeMeta("NodeMetricsList"), Items: metrics}, nil
}

func (h *handler) getNode(request *http.Request) (any, error) {
	name := request.PathValue("name")
	metrics, err := h.nodeMetrics(func(node *corev1.Node) bool { return node.Name == name })
	if err != nil {
		return nil, err
	}
	if len(metrics) == 0 {
		return nil, apierrors.NewNotFound(nodesResource, name)
	}
	return metrics[0], nil
}

func selectorOf(request *http.Request) (labels.Selector, error) {
	selector, err := labels.Parse(request.URL.Query().Get("labelSelector"))
	if err != nil {
		return nil, apierrors.NewBadRequest("labelSelector: " + err.Error())
	}
	return selector, nil
}

func typeMeta(kind string) metav1.TypeMeta {
	return metav1.TypeMeta{Kind: kind, APIVersion: metricsv1beta1.SchemeGroupVersion.String()}
}

// podMetrics are those of the running pods that are wanted; a load is shared by all that carry it, wanted or not.
func (h *handler) podMetrics(wanted func(*corev1.Pod) bool) ([]metricsv1beta1.PodMetrics, error) {
	rules, err := h.rules()
	if err != nil {
		return nil, err
	}
	pods, err := h.pods.List(labels.Everything())
	if err != nil {
		return nil, err
	}
	carriers := rules.carriers(pods)
	now := metav1.NewTime(h.now())
	metrics := []metricsv1beta1.PodMetrics{}
	for _, pod := range pods {
		if pod.Status.Phase != corev1.PodRunning || !wanted(pod) {
			continue
		}
		of := metricsv1beta1.PodMetrics{
			TypeMeta:   typeMeta("PodMetrics"),
			ObjectMeta: metav1.ObjectMeta{Name: pod.Name, Namespace: pod.Namespace, Labels: pod.Labels},
			Timestamp:  now,
			Window:     metav1.Duration{Duration: window},
		}
		for i, use := range rules.use(pod, carriers) {
			of.Containers = append(of.Containers,
				metricsv1beta1.ContainerMetrics{Name: pod.Spec.Containers[i].Name, Usage: use})
		}
		metrics = append(metrics, of)
	}
	return metrics, nil
}

// nodeMetrics add up what the pods on a node use; the node itself uses nothing.
func (h *handler) nodeMetrics(wanted func(*corev1.Node) bool) ([]metricsv1beta1.NodeMetrics, error) {
	nodes, err := h.nodes.List(labels.Everything())
	if err != nil {
		return nil, err
	}
	used := map[string]corev1.ResourceList{}
	for _, node := range nodes {
		if wanted(node) {
			used[node.Name] = corev1.ResourceList{}
		}
	}
	nodeOf := map[string]string{}
	pods, err := h.podMetrics(func(pod *corev1.Pod) bool {
		nodeOf[pod.Namespace+"/"+pod.Name] = pod.Spec.NodeName
		return used[pod.Spec.NodeName] != nil
	})
	if err != nil {
		return nil, err
	}
	for _, pod := range pods {
		total := used[nodeOf[pod.Namespace+"/"+pod.Name]]
		for _, container := range pod.Containers {
			for name, quantity := range container.Usage {
				sum := total[name]
				sum.Add(quantity)
				total[name] = sum
			}
		}
	}
	metrics := []metricsv1beta1.NodeMetrics{}
	for _, node := range nodes {
		if use, isWanted := used[node.Name]; isWanted {
			metrics = append(metrics, metricsv1beta1.NodeMetrics{
				TypeMeta:   typeMeta("NodeMetrics"),
				ObjectMeta: metav1.ObjectMeta{Name: node.Name, Labels: node.Labels},
				Timestamp:  metav1.NewTime(h.now()),
				Window:     metav1.Duration{Duration: window},
				Usage:      use,
			})
		}
	}
	return metrics, nil
}
