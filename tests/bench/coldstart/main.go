// Coldstart runs a program several times, each time from its start until its /readyz answers 200, and ends it again.
// The program says in a JSON log line on standard error which "port" it listens on. Prints the times in seconds.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"sort"
	"strings"
	"syscall"
	"time"
)

const (
	// Well below what is measured, and still next to nothing of a core.
	pollInterval = 2 * time.Millisecond
	endPatience  = 20 * time.Second
)

func main() {
	runs := flag.Int("runs", 5, "how often")
	limit := flag.Duration("limit", 30*time.Second, "after which one start has failed")
	output := flag.String("output", os.DevNull, "file that the program's standard error is appended to")
	flag.Parse()
	log.SetFlags(0)
	log.SetPrefix("coldstart: ")
	// Pdeathsig counts from the end of the thread that started the program, not of the process.
	runtime.LockOSThread()
	if *runs < 1 || flag.NArg() == 0 {
		log.Fatal("usage: coldstart [--runs N] [--limit DURATION] [--output FILE] -- PROGRAM [ARGUMENT]...")
	}

	file, err := os.OpenFile(*output, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	times := make([]float64, *runs)
	for i := range times {
		took, err := start(flag.Args(), *limit, file)
		if err != nil {
			log.Fatalf("start %d: %v", i+1, err)
		}
		times[i] = took.Seconds()
	}
	sorted := append([]float64(nil), times...)
	sort.Float64s(sorted)
	if err := json.NewEncoder(os.Stdout).Encode(map[string]any{
		"seconds": times, "median": sorted[len(sorted)/2], "max": sorted[len(sorted)-1],
	}); err != nil {
		log.Fatal(err)
	}
}

func start(command []string, limit time.Duration, output io.Writer) (time.Duration, error) {
	ctx, cancel := context.WithTimeoutCause(context.Background(), limit, fmt.Errorf("not ready after %s", limit))
	defer cancel()
	program := exec.Command(command[0], command[1:]...)
	program.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	stderr, err := program.StderrPipe()
	if err != nil {
		return 0, err
	}
	begun := time.Now()
	if err := program.Start(); err != nil {
		return 0, err
	}
	ports := make(chan string, 1)
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		findPort(io.TeeReader(stderr, output), ports)
	}()

	took, err := untilReady(ctx, begun, ports, closed)
	return took, errors.Join(err, end(program, closed))
}

// findPort reads to the end, as the program would otherwise wait for its log to be read.
func findPort(logs io.Reader, ports chan<- string) {
	lines := bufio.NewReader(logs)
	found := false
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		var entry struct {
			Port json.RawMessage `json:"port"`
		}
		if !found && json.Unmarshal(line, &entry) == nil && len(entry.Port) > 0 {
			found = true
			ports <- strings.Trim(string(entry.Port), `"`)
		}
	}
}

func untilReady(ctx context.Context, begun time.Time, ports <-chan string, closed <-chan struct{}) (time.Duration, error) {
	var port string
	select {
	case port = <-ports:
	case <-closed:
		return 0, errors.New("the program ended before it listened")
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
	client := &http.Client{Timeout: time.Second}
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		response, err := client.Get("http://127.0.0.1:" + port + "/readyz")
		if err == nil {
			_, _ = io.Copy(io.Discard, response.Body)
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return time.Since(begun), nil
			}
		}
		select {
		case <-ticker.C:
		case <-closed:
			return 0, errors.New("the program ended before it was ready")
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
	}
}

// end asks the program to end and makes it, when it takes too long: a lease it keeps would slow the next start.
func end(program *exec.Cmd, closed <-chan struct{}) error {
	_ = program.Process.Signal(syscall.SIGTERM)
	select {
	case <-closed:
	case <-time.After(endPatience):
		_ = program.Process.Kill()
		<-closed
		_ = program.Wait()
		return fmt.Errorf("the program did not end within %s of SIGTERM", endPatience)
	}
	return program.Wait()
}
