package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"headroom.dev/tests/bench/apiserver"
)

// client-go's own: k8s.io/client-go/rest repeats a request so often that was answered with a Retry-After.
const mostRetries = 10

// Of a churning client. Half of its steps create while it has neither none nor so many: 64 clients want 256 objects.
const mostOwned = 8

const payload = "small, as most objects of a full limit are"

type load struct {
	client *apiserver.Client
	options
	path   string
	made   atomic.Int64
	ending time.Time
}

// request of a client, of which one answer came. Moments are since the start of the program.
type request struct {
	asked, answered time.Duration
	code            int
	revision        uint64 // of a create that landed
}

// writer is one client and what it met. Its goroutine's own until that ends.
type writer struct {
	number   int
	random   *rand.Rand
	creates  []request // the last attempt of each
	deleted  int
	answers  map[string]int // by status code, each attempt
	attempts []time.Duration
	waits    int
	waited   time.Duration
	gaveUp   int
	refusal  string // the first one
	owned    []string
}

var programBegun = time.Now()

func (l *load) runAll(ctx context.Context, clients int, write func(ctx context.Context, writer *writer)) []*writer {
	l.ending = time.Now().Add(l.duration)
	writers := make([]*writer, clients)
	var all sync.WaitGroup
	for i := range writers {
		writers[i] = &writer{number: i, random: rand.New(rand.NewPCG(1, uint64(i))), answers: map[string]int{}}
		all.Add(1)
		go func() {
			defer all.Done()
			write(ctx, writers[i])
		}()
	}
	all.Wait()
	return writers
}

func (l *load) timeIsUp() bool { return !time.Now().Before(l.ending) }

func (l *load) createOnly(ctx context.Context, w *writer) {
	for !l.timeIsUp() {
		number := l.made.Add(1)
		if l.count > 0 && number > int64(l.count) {
			return
		}
		l.create(ctx, w, fmt.Sprintf("%s-%07d", l.prefix, number))
	}
}

func (l *load) churn(ctx context.Context, w *writer) {
	for i := 0; !l.timeIsUp(); i++ {
		if len(w.owned) < mostOwned && (len(w.owned) == 0 || w.random.IntN(2) == 0) {
			name := fmt.Sprintf("%s-%d-%d", l.prefix, w.number, i)
			if l.create(ctx, w, name) {
				w.owned = append(w.owned, name)
			}
			continue
		}
		name := w.owned[0]
		w.owned = w.owned[1:]
		if code := l.send(ctx, w, http.MethodDelete, l.path+"/"+name, nil).code; code == http.StatusOK {
			w.deleted++
		} else if code != http.StatusNotFound {
			w.owned = append(w.owned, name)
		}
	}
}

func (l *load) create(ctx context.Context, w *writer, name string) bool {
	body, err := json.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": name},
		"data": map[string]any{"size": "10", "payload": payload},
	})
	if err != nil {
		panic(err)
	}
	made := l.send(ctx, w, http.MethodPost, l.path, body)
	w.creates = append(w.creates, made)
	return made.code == http.StatusCreated
}

// send repeats as client-go does; what it returns is the last attempt. code 0: no answer.
func (l *load) send(ctx context.Context, w *writer, method, path string, body []byte) request {
	for retries := 0; ; retries++ {
		sent := request{asked: time.Since(programBegun)}
		answer, err := l.client.Send(ctx, method, path, body)
		sent.answered = time.Since(programBegun)
		if err != nil {
			w.answers["none"]++
			w.note(err.Error())
			return sent
		}
		sent.code = answer.Code
		w.answers[strconv.Itoa(answer.Code)]++
		if method == http.MethodPost {
			w.attempts = append(w.attempts, sent.answered-sent.asked)
		}
		if answer.Code == http.StatusCreated {
			sent.revision = revisionOf(answer.Body)
		} else if answer.Code >= 400 && answer.Code != http.StatusNotFound {
			w.note(string(answer.Body))
		}
		again := answer.RetryAfter > 0 && (answer.Code == http.StatusTooManyRequests || answer.Code >= 500)
		if !again {
			return sent
		}
		if retries == mostRetries || time.Now().Add(answer.RetryAfter).After(l.ending) {
			w.gaveUp++
			return sent
		}
		w.waits++
		w.waited += answer.RetryAfter
		time.Sleep(answer.RetryAfter)
	}
}

func (w *writer) note(refusal string) {
	if w.refusal == "" {
		w.refusal = refusal
	}
}

func revisionOf(body []byte) uint64 {
	var object struct {
		Metadata struct {
			ResourceVersion string `json:"resourceVersion"`
		} `json:"metadata"`
	}
	if err := json.Unmarshal(body, &object); err != nil {
		log.Fatalf("an answer of status 201 is no object: %v", err)
	}
	revision, err := strconv.ParseUint(object.Metadata.ResourceVersion, 10, 64)
	if err != nil {
		log.Fatalf("resourceVersion: %v", err)
	}
	return revision
}

// clear deletes one by one from all connections, which is faster than the API server's own deletion of a collection.
func (l *load) clear(ctx context.Context, flags *apiserver.Flags) error {
	for {
		var page struct {
			Items []struct {
				Metadata struct {
					Name string `json:"name"`
				} `json:"metadata"`
			} `json:"items"`
		}
		if err := l.client.Get(ctx, l.path+"?limit=5000", &page); err != nil {
			return err
		}
		if len(page.Items) == 0 {
			return nil
		}
		err := flags.Parallel(ctx, len(page.Items), func(ctx context.Context, i int) error {
			answer, err := l.client.Send(ctx, http.MethodDelete, l.path+"/"+page.Items[i].Metadata.Name, nil)
			if err == nil && answer.Code != http.StatusOK && answer.Code != http.StatusNotFound {
				err = fmt.Errorf("status %d: %s", answer.Code, answer.Body)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
}
