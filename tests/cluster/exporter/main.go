// The exporter serves the content of a text file in Prometheus' exposition format, as it is at the moment
// of each scrape. A test changes a metric by renaming a new file over the old one; without a file the
// scrape fails, which is how a target that is down looks.
package main

import (
	"flag"
	"log"
	"net/http"
	"os"
	"time"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address and port to serve /metrics on")
	file := flag.String("file", "", "file with the metrics to serve")
	flag.Parse()
	if *file == "" {
		log.Fatal("--file is needed: the file with the metrics to serve")
	}

	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(response http.ResponseWriter, _ *http.Request) {
		metrics, err := os.ReadFile(*file)
		if err != nil {
			http.Error(response, err.Error(), http.StatusServiceUnavailable)
			return
		}
		response.Header().Set("Content-Type", "text/plain; version=0.0.4")
		_, _ = response.Write(metrics)
	})
	server := &http.Server{Addr: *listen, Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	log.Fatal(server.ListenAndServe())
}
