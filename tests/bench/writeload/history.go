package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"slices"
	"strconv"
	"sync"
	"time"

	"headroom.dev/tests/bench/apiserver"
)

const watchPatience = 30 * time.Second

// history is how many objects were stored at each revision, by a watch that knows nothing of who limits what.
type history struct {
	mutex     sync.Mutex
	revisions []uint64 // ascending
	counts    []int    // at the revision of the same place, and until the next one
}

func watchHistory(ctx context.Context, client *apiserver.Client, path string) (*history, error) {
	var list struct {
		Metadata struct {
			ResourceVersion string `json:"resourceVersion"`
		} `json:"metadata"`
		Items []json.RawMessage `json:"items"`
	}
	if err := client.Get(ctx, path, &list); err != nil {
		return nil, err
	}
	revision, err := strconv.ParseUint(list.Metadata.ResourceVersion, 10, 64)
	if err != nil {
		return nil, err
	}
	body, err := client.Watch(ctx, path, list.Metadata.ResourceVersion)
	if err != nil {
		return nil, err
	}
	h := &history{revisions: []uint64{revision}, counts: []int{len(list.Items)}}
	go func() {
		defer body.Close()
		lines := bufio.NewReaderSize(body, 1<<20)
		for {
			line, err := lines.ReadBytes('\n')
			if err != nil {
				log.Fatalf("the watch of %s ended: %v", path, err)
			}
			h.take(line)
		}
	}()
	return h, nil
}

func (h *history) take(line []byte) {
	var event struct {
		Type   string `json:"type"`
		Object struct {
			Metadata struct {
				ResourceVersion string `json:"resourceVersion"`
			} `json:"metadata"`
		} `json:"object"`
	}
	if err := json.Unmarshal(line, &event); err != nil || event.Type == "ERROR" {
		log.Fatalf("the watch ended: %v: %s", err, line)
	}
	revision, err := strconv.ParseUint(event.Object.Metadata.ResourceVersion, 10, 64)
	if err != nil {
		log.Fatalf("resourceVersion: %v", err)
	}
	h.mutex.Lock()
	defer h.mutex.Unlock()
	count := h.counts[len(h.counts)-1]
	switch event.Type {
	case "ADDED":
		count++
	case "DELETED":
		count--
	}
	h.revisions = append(h.revisions, revision)
	h.counts = append(h.counts, count)
}

// waitFor returns when the watch has told of that revision.
func (h *history) waitFor(revision uint64) error {
	for until := time.Now().Add(watchPatience); ; time.Sleep(10 * time.Millisecond) {
		h.mutex.Lock()
		reached := h.revisions[len(h.revisions)-1] >= revision
		h.mutex.Unlock()
		if reached {
			return nil
		}
		if time.Now().After(until) {
			return fmt.Errorf("the watch has not come to revision %d within %s", revision, watchPatience)
		}
	}
}

func (h *history) most() int {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	return slices.Max(h.counts)
}

// mostBetween: the largest count at any moment between two revisions, both included.
func (h *history) mostBetween(from, to uint64) int {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	first, exact := slices.BinarySearch(h.revisions, from)
	if !exact && first > 0 {
		first--
	}
	most := 0
	for i := first; i < len(h.revisions) && (i == first || h.revisions[i] <= to); i++ {
		most = max(most, h.counts[i])
	}
	return most
}
