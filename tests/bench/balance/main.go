// Balance gives each TCP connection that it accepts to the next of several servers on loopback, as a Service does.
// Bytes pass through the kernel alone, so that it costs little beside what is measured.
//
//	balance --listen 127.0.0.1:8443 --to 127.0.0.1:8444,127.0.0.1:8445
package main

import (
	"flag"
	"io"
	"log"
	"net"
	"strings"
	"sync"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address and port to accept connections at")
	to := flag.String("to", "", "addresses and ports of the servers, with commas between them")
	flag.Parse()
	log.SetFlags(0)
	log.SetPrefix("balance: ")

	servers := strings.Split(*to, ",")
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("serving %s", listener.Addr())
	for next := 0; ; next++ {
		client, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go pass(client.(*net.TCPConn), servers[next%len(servers)])
	}
}

func pass(client *net.TCPConn, address string) {
	defer client.Close()
	server, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer server.Close()
	var both sync.WaitGroup
	both.Add(2)
	go forward(&both, server.(*net.TCPConn), client)
	go forward(&both, client, server.(*net.TCPConn))
	both.Wait()
}

func forward(done *sync.WaitGroup, to, from *net.TCPConn) {
	defer done.Done()
	_, _ = io.Copy(to, from) // either side may go away at any time
	_ = to.CloseWrite()
}
