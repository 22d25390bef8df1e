package main

import (
	"cmp"
	"math"
	"net/http"
	"slices"
	"sort"
	"time"
)

// report of one run. Latencies are milliseconds of single attempts to create, waits between them left out.
type report struct {
	Seconds    float64        `json:"seconds"`
	Created    int            `json:"created"`
	Deleted    int            `json:"deleted"`
	PerSecond  float64        `json:"perSecond"`           // creates and deletes that landed
	Operations float64        `json:"operationsPerSecond"` // the same, and creates that were refused rightly
	Answers    map[string]int `json:"answers"`
	Strange    int            `json:"strange"` // answers other than 2xx, 403, 404, 429, of all attempts
	Requests   int            `json:"requests"`
	Denied     int            `json:"denied"`
	Waits      int            `json:"waits"`
	Waited     float64        `json:"waitedSeconds"`
	GaveUp     int            `json:"gaveUp"` // after client-go's number of retries, or at the end of the run
	P50        float64        `json:"p50"`
	P99        float64        `json:"p99"`
	Refusal    string         `json:"refusal,omitempty"`
	APIServer  serverCosts    `json:"apiServer"`
	Most       int            `json:"most"`
	Overshoot  int            `json:"overshoot"`
	FalseDenls int            `json:"falseDenials"`
}

func summarise(writers []*writer, seconds float64, costs serverCosts) *report {
	r := &report{Seconds: seconds, Answers: map[string]int{}, APIServer: costs}
	var attempts []time.Duration
	for _, w := range writers {
		for _, one := range w.creates {
			switch one.code {
			case http.StatusCreated:
				r.Created++
			case http.StatusForbidden:
				r.Denied++
			}
		}
		for code, count := range w.answers {
			r.Answers[code] += count
			r.Requests += count
			if code[0] != '2' && code != "403" && code != "404" && code != "429" {
				r.Strange += count
			}
		}
		r.Deleted += w.deleted
		r.Waits += w.waits
		r.Waited += w.waited.Seconds()
		r.GaveUp += w.gaveUp
		r.Refusal = cmp.Or(r.Refusal, w.refusal)
		attempts = append(attempts, w.attempts...)
	}
	r.PerSecond = float64(r.Created+r.Deleted) / seconds
	slices.Sort(attempts)
	r.P50, r.P99 = quantile(attempts, 0.5), quantile(attempts, 0.99)
	return r
}

// quantile of ascending durations, in milliseconds with three decimals.
func quantile(sorted []time.Duration, share float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	at := sorted[int(share*float64(len(sorted)-1))]
	return math.Round(at.Seconds()*1e6) / 1e3
}

func newest(writers []*writer) uint64 {
	var revision uint64
	for _, w := range writers {
		for _, one := range w.creates {
			revision = max(revision, one.revision)
		}
	}
	return revision
}

// judge counts by how much the bound was passed, and the denials that were wrong: where all that was stored at any
// moment between question and answer left room. The revisions of these moments are known from creates only, by one that
// was answered before the question and one that was asked after the answer. So the time looked at is a little too
// long, which can make a wrong denial count as right and never a right one as wrong.
func (r *report) judge(stored *history, writers []*writer, hard int) {
	r.Most = stored.most()
	defer func() { r.Operations = float64(r.Created+r.Deleted+r.Denied-r.FalseDenls) / r.Seconds }()
	if hard == 0 {
		return
	}
	r.Overshoot = max(0, r.Most-hard)
	var landed []request
	for _, w := range writers {
		for _, one := range w.creates {
			if one.revision > 0 {
				landed = append(landed, one)
			}
		}
	}
	if len(landed) == 0 {
		return
	}
	byAnswer := slices.Clone(landed)
	slices.SortFunc(byAnswer, func(a, b request) int { return cmp.Compare(a.answered, b.answered) })
	for i := 1; i < len(byAnswer); i++ {
		byAnswer[i].revision = max(byAnswer[i].revision, byAnswer[i-1].revision)
	}
	slices.SortFunc(landed, func(a, b request) int { return cmp.Compare(a.asked, b.asked) })
	for i := len(landed) - 2; i >= 0; i-- {
		landed[i].revision = min(landed[i].revision, landed[i+1].revision)
	}
	for _, w := range writers {
		for _, one := range w.creates {
			if one.code != http.StatusForbidden {
				continue
			}
			var from uint64
			to := uint64(math.MaxUint64)
			if before := sort.Search(len(byAnswer), func(i int) bool { return byAnswer[i].answered >= one.asked }); before > 0 {
				from = byAnswer[before-1].revision
			}
			if after := sort.Search(len(landed), func(i int) bool { return landed[i].asked >= one.answered }); after < len(landed) {
				to = landed[after].revision
			}
			if stored.mostBetween(from, to) < hard {
				r.FalseDenls++
			}
		}
	}
}
