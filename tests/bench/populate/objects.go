package main

import (
	"fmt"
	"time"
)

type fields = map[string]any

type object struct {
	path string
	body fields
}

// Every target carries this label, so that a selector finds them all.
var targetLabels = fields{"app.kubernetes.io/part-of": "bench"}

const (
	minReplicas = 2
	maxReplicas = 50
	baseline    = 4
	// So far ahead that no boundary and no 24-hour outlook falls into a benchmark.
	firstFestival = 10 * 24 * time.Hour
)

func newNamespace(name string) fields {
	return fields{"apiVersion": "v1", "kind": "Namespace", "metadata": fields{"name": name}}
}

// targetObjects are in the order in which they should come to be: a ScaleTarget finds its workload.
func targetObjects(namespace string, i int) []object {
	name := fmt.Sprintf("worker-%05d", i)
	metadata := func() fields { return fields{"name": name, "namespace": namespace, "labels": targetLabels} }
	podLabels := fields{"app": name}
	workload := fields{"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
	return []object{
		{"/apis/apps/v1/namespaces/" + namespace + "/deployments", fields{
			"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata(),
			"spec": fields{
				"replicas": minReplicas,
				"selector": fields{"matchLabels": podLabels},
				"template": fields{
					"metadata": fields{"labels": podLabels},
					"spec": fields{"containers": []fields{{
						"name": "worker", "image": "registry.example/worker:1",
						"resources": fields{"requests": fields{"cpu": "100m", "memory": "128Mi"}},
					}}},
				},
			},
		}},
		{"/apis/autoscaling/v2/namespaces/" + namespace + "/horizontalpodautoscalers", fields{
			"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": metadata(),
			"spec": fields{
				"scaleTargetRef": workload,
				"minReplicas":    minReplicas,
				"maxReplicas":    maxReplicas,
				"metrics": []fields{{"type": "Resource", "resource": fields{
					"name": "cpu", "target": fields{"type": "Utilization", "averageUtilization": 70},
				}}},
			},
		}},
		{"/apis/headroom.dev/v1alpha1/namespaces/" + namespace + "/scaletargets", fields{
			"apiVersion": "headroom.dev/v1alpha1", "kind": "ScaleTarget", "metadata": metadata(),
			"spec": fields{
				"targetRef": workload,
				"replicas":  fields{"min": 1, "max": maxReplicas, "baseline": baseline},
				"engine":    fields{"type": "HorizontalPodAutoscaler"},
			},
		}},
	}
}

// newSchedule is a playbook of four phases, one schedule a day from ten days after today.
func newSchedule(namespace string, i int, today time.Time) object {
	day := today.Add(firstFestival).AddDate(0, 0, i).Format(time.DateOnly)
	targets := fields{"selector": fields{"matchLabels": targetLabels}}
	phase := func(name, from, to, how string, howMuch any) fields {
		return fields{"name": name, "from": from, "to": to, "targets": targets, how: howMuch}
	}
	return object{"/apis/headroom.dev/v1alpha1/namespaces/" + namespace + "/festivalschedules", fields{
		"apiVersion": "headroom.dev/v1alpha1", "kind": "FestivalSchedule",
		"metadata": fields{"name": fmt.Sprintf("festival-%02d", i), "namespace": namespace},
		"spec": fields{
			"timeZone":    "Asia/Kolkata",
			"occurrences": []fields{{"name": "day", "day": day}},
			"phases": []fields{
				phase("early", "-P3D", "-P1D", "multiplier", "2"),
				phase("eve", "-P1D", "P0D", "multiplier", "3"),
				phase("peak", "P0D", "P2D", "multiplier", "5"),
				phase("after", "P2D", "P3D", "decay", fields{"percentPerHour": "10", "curve": "Linear"}),
			},
		},
	}}
}
