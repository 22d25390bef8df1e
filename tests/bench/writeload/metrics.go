package main

import (
	"context"
	"math"
	"slices"
	"strconv"
	"strings"

	"headroom.dev/tests/bench/apiserver"
)

const (
	admission = "apiserver_admission_webhook_admission_duration_seconds"
	requests  = "apiserver_request_total"
	cpu       = "process_cpu_seconds_total"
)

// serverCosts is what the API server counted during a run.
type serverCosts struct {
	Reviews      float64 `json:"reviews"`      // calls of the webhook
	ReviewMean   float64 `json:"reviewMeanMs"` // of them, by the API server's clock, TLS and queues included
	ReviewP50    float64 `json:"reviewP50Ms"`  // within a bucket of the histogram as if evenly spread
	ReviewP99    float64 `json:"reviewP99Ms"`
	Lists        float64 `json:"lists"`        // of ConfigMaps; the load makes none
	LedgerWrites float64 `json:"ledgerWrites"` // to the records of limits
	QuotaWrites  float64 `json:"quotaWrites"`  // to ResourceQuotas' statuses, by requests; admission's own are not counted
	CPU          float64 `json:"cpuSeconds"`
	buckets      map[float64]float64
}

type samples map[string]float64

// scrape keeps the series named above, by their whole text.
func scrape(ctx context.Context, client *apiserver.Client) (samples, error) {
	page, err := client.Text(ctx, "/metrics")
	if err != nil {
		return nil, err
	}
	found := samples{}
	for _, line := range strings.Split(page, "\n") {
		if !strings.HasPrefix(line, admission) && !strings.HasPrefix(line, requests) && !strings.HasPrefix(line, cpu) {
			continue
		}
		series, text, _ := strings.Cut(line, "} ")
		if text == "" {
			series, text, _ = strings.Cut(line, " ")
		}
		if value, err := strconv.ParseFloat(text, 64); err == nil {
			found[series] = value
		}
	}
	return found, nil
}

func (after samples) since(before samples) serverCosts {
	costs := serverCosts{buckets: map[float64]float64{}}
	var sum float64
	for series, value := range after {
		grown := value - before[series]
		name, labels, _ := strings.Cut(series, "{")
		switch {
		case name == cpu:
			costs.CPU = grown
		case name == requests && strings.Contains(labels, `resource="configmaps"`) && strings.Contains(labels, `verb="LIST"`):
			costs.Lists += grown
		case name == requests && strings.Contains(labels, `resource="limitledgers"`) && isWrite(labels):
			costs.LedgerWrites += grown
		case name == requests && strings.Contains(labels, `resource="resourcequotas"`) && isWrite(labels):
			costs.QuotaWrites += grown
		case name == admission+"_count":
			costs.Reviews += grown
		case name == admission+"_sum":
			sum += grown
		case name == admission+"_bucket":
			costs.buckets[bound(labels)] += grown
		}
	}
	if costs.Reviews > 0 {
		costs.ReviewMean = math.Round(sum/costs.Reviews*1e6) / 1e3
		costs.ReviewP50, costs.ReviewP99 = costs.quantile(0.5), costs.quantile(0.99)
	}
	return costs
}

func isWrite(labels string) bool {
	for _, verb := range []string{"POST", "PUT", "PATCH", "DELETE"} {
		if strings.Contains(labels, `verb="`+verb+`"`) {
			return true
		}
	}
	return false
}

func bound(labels string) float64 {
	_, rest, _ := strings.Cut(labels, `le="`)
	text, _, _ := strings.Cut(rest, `"`)
	value, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return math.Inf(1)
	}
	return value
}

// quantile as Prometheus' histogram_quantile has it, in milliseconds.
func (c serverCosts) quantile(share float64) float64 {
	var bounds []float64
	for bound := range c.buckets {
		bounds = append(bounds, bound)
	}
	slices.Sort(bounds)
	wanted := share * c.Reviews
	lower, below := 0.0, 0.0
	for _, upper := range bounds {
		if c.buckets[upper] >= wanted {
			if math.IsInf(upper, 1) {
				return lower * 1e3
			}
			return math.Round((lower+(upper-lower)*(wanted-below)/(c.buckets[upper]-below))*1e6) / 1e3
		}
		lower, below = upper, c.buckets[upper]
	}
	return lower * 1e3
}
