package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"headroom.dev/tests/bench/apiserver"
)

// arrival is one line of a watch as it came, decoded only once nothing is measured any more.
type arrival struct {
	at   time.Time
	line []byte
}

// arrivals are sent here one by one as they come in.
type stream struct {
	path    string
	objects []object // when the watch began
	events  chan arrival
	failed  chan error
}

// object is what the observer looks at, of whatever kind.
type object struct {
	Metadata struct {
		Name            string `json:"name"`
		ResourceVersion string `json:"resourceVersion"`
	} `json:"metadata"`
	Spec struct {
		MinReplicas int `json:"minReplicas"`
	} `json:"spec"`
}

// Larger than all the events of one measurement: the reader must never wait for whoever takes them.
const eventsKept = 100_000

// open lists all objects under path and watches what comes after, until ctx ends.
func open(ctx context.Context, client *apiserver.Client, path string) (*stream, error) {
	var list struct {
		Metadata struct {
			ResourceVersion string `json:"resourceVersion"`
		} `json:"metadata"`
		Items []object `json:"items"`
	}
	if err := client.Get(ctx, path, &list); err != nil {
		return nil, err
	}
	body, err := client.Watch(ctx, path, list.Metadata.ResourceVersion)
	if err != nil {
		return nil, err
	}
	s := &stream{path: path, objects: list.Items, events: make(chan arrival, eventsKept), failed: make(chan error, 1)}
	go func() {
		defer body.Close()
		lines := bufio.NewReaderSize(body, 1<<20)
		for {
			line, err := lines.ReadBytes('\n')
			if err != nil {
				s.failed <- fmt.Errorf("watch of %s ended: %w", path, err)
				return
			}
			s.events <- arrival{time.Now(), line}
		}
	}()
	return s, nil
}

type change struct {
	at      time.Time
	kind    string
	object  object
	version uint64
}

func (a arrival) decode() (change, error) {
	var event struct {
		Type   string `json:"type"`
		Object object `json:"object"`
	}
	if err := json.Unmarshal(a.line, &event); err != nil {
		return change{}, err
	}
	if event.Type == "ERROR" {
		return change{}, fmt.Errorf("the watch ended with an error: %s", a.line)
	}
	// Numbers of one counter for every kind of object, so they order writes of different kinds.
	version, err := strconv.ParseUint(event.Object.Metadata.ResourceVersion, 10, 64)
	if err != nil {
		return change{}, err
	}
	return change{a.at, event.Type, event.Object, version}, nil
}
