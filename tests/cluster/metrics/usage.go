package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/labels"
)

// rule says what the pods of one namespace that match a label selector use, in the usage file a JSON list of
//
//	{"namespace": "shop", "selector": "app=web",
//	 "perPod": {"cpu": "80%", "memory": "300Mi"}, "shared": {"cpu": "6"}}
//
// perPod is what each pod uses, a quantity or a percentage of what its containers request. shared is a load that the
// ready pods among them carry in equal parts, so that more pods bring the use of each down. Both add up. The first
// rule that matches a pod counts; a pod without one uses nothing.
type rule struct {
	Namespace string            `json:"namespace"`
	Selector  string            `json:"selector"`
	PerPod    map[string]string `json:"perPod"`
	Shared    map[string]string `json:"shared"`

	selector labels.Selector
	perPod   map[corev1.ResourceName]amount
	shared   map[corev1.ResourceName]resource.Quantity
}

type rules []*rule

// amount is a quantity, or relative, a percentage of a container's request.
type amount struct {
	percent  float64
	relative bool
	quantity resource.Quantity
}

var reported = []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory}

// readRules reads the file anew each time; a test replaces it by renaming another over it.
func readRules(path string) (rules, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var found rules
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&found); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for i, rule := range found {
		if err := rule.parse(); err != nil {
			return nil, fmt.Errorf("%s: [%d].%w", path, i, err)
		}
	}
	return found, nil
}

func (r *rule) parse() error {
	if r.Namespace == "" {
		return errors.New("namespace: must be given")
	}
	var err error
	if r.selector, err = labels.Parse(r.Selector); err != nil {
		return fmt.Errorf("selector: %w", err)
	}
	r.perPod = map[corev1.ResourceName]amount{}
	for name, text := range r.PerPod {
		if err := known(name); err != nil {
			return fmt.Errorf("perPod: %w", err)
		}
		if r.perPod[corev1.ResourceName(name)], err = parseAmount(text); err != nil {
			return fmt.Errorf("perPod.%s: %q: %w", name, text, err)
		}
	}
	r.shared = map[corev1.ResourceName]resource.Quantity{}
	for name, text := range r.Shared {
		if err := known(name); err != nil {
			return fmt.Errorf("shared: %w", err)
		}
		if r.shared[corev1.ResourceName(name)], err = resource.ParseQuantity(text); err != nil {
			return fmt.Errorf("shared.%s: %q: %w", name, text, err)
		}
	}
	return nil
}

func known(name string) error {
	for _, resource := range reported {
		if string(resource) == name {
			return nil
		}
	}
	return fmt.Errorf("%q is neither cpu nor memory", name)
}

func parseAmount(text string) (amount, error) {
	if number, isPercentage := strings.CutSuffix(text, "%"); isPercentage {
		percent, err := strconv.ParseFloat(number, 64)
		if err == nil && !(percent >= 0) {
			err = errors.New("must not be below 0%")
		}
		return amount{percent: percent, relative: true}, err
	}
	quantity, err := resource.ParseQuantity(text)
	return amount{quantity: quantity}, err
}

func (r *rule) matches(pod *corev1.Pod) bool {
	return r.Namespace == pod.Namespace && r.selector.Matches(labels.Set(pod.Labels))
}

func (all rules) of(pod *corev1.Pod) *rule {
	for _, rule := range all {
		if rule.matches(pod) {
			return rule
		}
	}
	return nil
}

// carriers counts, per rule, the ready pods that carry its shared load.
func (all rules) carriers(pods []*corev1.Pod) map[*rule]int {
	counts := map[*rule]int{}
	for _, pod := range pods {
		if isReady(pod) {
			if rule := all.of(pod); rule != nil {
				counts[rule]++
			}
		}
	}
	return counts
}

// use of each container of pod, in the order of its spec.
func (all rules) use(pod *corev1.Pod, carriers map[*rule]int) []corev1.ResourceList {
	containers := pod.Spec.Containers
	use := make([]corev1.ResourceList, len(containers))
	rule := all.of(pod)
	for i := range containers {
		use[i] = corev1.ResourceList{}
		for _, name := range reported {
			milli := int64(0)
			if rule != nil {
				milli = rule.containerUse(pod, &containers[i], name, carriers[rule])
			}
			use[i][name] = newQuantity(name, milli)
		}
	}
	return use
}

// containerUse is in thousandths. Containers share evenly what is said of a whole pod. All is rounded up, since
// autoscalers cut: 40 % must not become 39.
func (r *rule) containerUse(pod *corev1.Pod, container *corev1.Container, name corev1.ResourceName, carriers int) int64 {
	parts := int64(len(pod.Spec.Containers))
	milli := int64(0)
	if perPod, found := r.perPod[name]; found && perPod.relative {
		request := container.Resources.Requests[name]
		milli += int64(math.Ceil(perPod.percent / 100 * float64(request.MilliValue())))
	} else if found {
		milli += divideUp(perPod.quantity.MilliValue(), parts)
	}
	if shared, found := r.shared[name]; found && isReady(pod) {
		milli += divideUp(shared.MilliValue(), int64(carriers)*parts)
	}
	return milli
}

func divideUp(whole, parts int64) int64 {
	return (whole + parts - 1) / parts
}

func newQuantity(name corev1.ResourceName, milli int64) resource.Quantity {
	if name == corev1.ResourceCPU {
		return *resource.NewMilliQuantity(milli, resource.DecimalSI)
	}
	return *resource.NewQuantity(divideUp(milli, 1000), resource.BinarySI)
}

func isReady(pod *corev1.Pod) bool {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodReady {
			return condition.Status == corev1.ConditionTrue
		}
	}
	return false
}
