package main

import (
	"fmt"
	"time"
)

// summary of one sweep over all autoscalers, as it is printed.
type summary struct {
	Count     int       `json:"count"`
	First     time.Time `json:"first"`
	Last      time.Time `json:"last"`
	Seconds   float64   `json:"seconds"`
	PerSecond float64   `json:"perSecond"`
	// From the boundary to the first change; absent without a boundary.
	FirstAfterMilliseconds *float64 `json:"firstAfterMilliseconds,omitempty"`
	// Changes of ScaleTargets that the API server stored between the first and the last sweep write.
	ReportsBetween int `json:"reportsBetween"`
	Reports        int `json:"reports"`
}

// summarize takes the first change of minReplicas of each autoscaler for the sweep's.
func summarize(before []object, written, reported []arrival, boundary time.Time) (summary, error) {
	former := make(map[string]int, len(before))
	for _, autoscaler := range before {
		former[autoscaler.Metadata.Name] = autoscaler.Spec.MinReplicas
	}
	var result summary
	var firstVersion, lastVersion uint64
	for _, arrival := range written {
		change, err := arrival.decode()
		if err != nil {
			return summary{}, err
		}
		value, waiting := former[change.object.Metadata.Name]
		if !waiting || change.kind != "MODIFIED" || change.object.Spec.MinReplicas == value {
			continue
		}
		delete(former, change.object.Metadata.Name)
		if result.Count == 0 {
			result.First, firstVersion = change.at, change.version
		}
		result.Count++
		result.Last, lastVersion = change.at, change.version
	}
	if len(former) > 0 {
		return summary{}, fmt.Errorf("%d of %d HorizontalPodAutoscalers kept their minReplicas", len(former), len(before))
	}
	for _, arrival := range reported {
		change, err := arrival.decode()
		if err != nil {
			return summary{}, err
		}
		result.Reports++
		if change.version > firstVersion && change.version < lastVersion {
			result.ReportsBetween++
		}
	}
	result.Seconds = result.Last.Sub(result.First).Seconds()
	if result.Seconds > 0 {
		result.PerSecond = float64(result.Count) / result.Seconds
	}
	if !boundary.IsZero() {
		after := float64(result.First.Sub(boundary).Microseconds()) / 1000
		result.FirstAfterMilliseconds = &after
	}
	return result, nil
}
