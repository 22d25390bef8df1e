// Sends reviews of updates through keep-alive TLS connections, each of another object or version, and tells how fast
// the answers came.
//
// Usage: review_load PORT PID CONNECTIONS SECONDS [RATE]
// Without RATE each connection sends as soon as it has its answer. With RATE (reviews a second, over all connections)
// it sends by the clock, and a latency counts from the instant when the review was due: a server that stalls is not
// spared the reviews that had to wait. PID is the server, whose CPU time is read. One JSON object on standard output.
#include <utility>  // Asio 1.74 uses std::exchange without including it

#include <absl/time/clock.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "tests/bench/deployment_reviews.h"

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kWarmUp{1};

struct Run {
  // Versions grow from run to run, so that none is taken for one that the server has seen: fewer than one a microsecond
  // are sent.
  std::uint64_t next_version = static_cast<std::uint64_t>(absl::ToUnixMicros(absl::Now()));
  std::uint32_t next_number = 0;
  Clock::duration period{};             // of one connection; zero: as fast as it goes
  Clock::time_point begin, end;         // of what counts
  std::vector<std::int64_t> latencies;  // ns
  std::size_t failed = 0;
};

class Client {
 public:
  Client(asio::io_context& context, asio::ssl::context& tls, Run& run, int port)
      : run_(run), stream_(context, tls), timer_(context) {
    stream_.next_layer().connect({asio::ip::address_v4::loopback(), static_cast<std::uint16_t>(port)});
    stream_.next_layer().set_option(tcp::no_delay(true));
    stream_.handshake(asio::ssl::stream_base::client);
  }

  void start(Clock::time_point first) {
    due_ = first;
    timer_.expires_at(due_);
    timer_.async_wait([this](error_code) { send(); });
  }

 private:
  void send() {
    if (run_.period == Clock::duration::zero()) due_ = Clock::now();
    request_.aim_at(run_.next_number++ % headroom::bench::kDeployments, run_.next_version++);
    asio::async_write(stream_, asio::buffer(request_.text()), [this](error_code failed, std::size_t) {
      if (failed) return fail(failed.message());
      received_.clear();
      read();
    });
  }

  void read() {
    stream_.async_read_some(asio::buffer(buffer_), [this](error_code failed, std::size_t bytes) {
      if (failed) return fail(failed.message());
      received_.append(buffer_, bytes);
      const std::size_t head = received_.find("\r\n\r\n");
      const std::size_t length = received_.find("Content-Length: ");
      if (head == std::string::npos) return read();
      if (length == std::string::npos) return fail("an answer without a length");
      const std::size_t body = std::strtoull(&received_[length + 16], nullptr, 10);
      if (received_.size() < head + 4 + body) return read();
      answered();
    });
  }

  void answered() {
    const auto now = Clock::now();
    if (received_.find("\"allowed\":true") == std::string::npos) return fail(received_.substr(0, 300));
    if (due_ >= run_.begin && now < run_.end) run_.latencies.push_back((now - due_).count());
    if (now >= run_.end) return;
    if (run_.period == Clock::duration::zero()) return send();
    start(due_ + run_.period);
  }

  void fail(const std::string& why) {
    if (run_.failed++ == 0) std::fprintf(stderr, "%s\n", why.c_str());
  }

  Run& run_;
  headroom::bench::ReviewRequest request_;
  asio::ssl::stream<tcp::socket> stream_;
  asio::steady_timer timer_;
  Clock::time_point due_;
  char buffer_[16 << 10];
  std::string received_;
};

// CPU time of the process so far, user and system, in seconds.
double cpu_seconds(const std::string& pid) {
  std::ifstream file("/proc/" + pid + "/stat");
  std::string line;
  std::getline(file, line);
  // Behind the name in brackets come the fields from the third on; the 14th and 15th are the times.
  std::istringstream fields(line.substr(line.rfind(')') + 2));
  std::string skipped;
  for (int i = 3; i < 14; ++i) fields >> skipped;
  double user = 0, system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

double microseconds_at(const std::vector<std::int64_t>& sorted, double share) {
  if (sorted.empty()) return 0;
  return static_cast<double>(sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))]) / 1000;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5 || argc > 6) {
    std::fprintf(stderr, "usage: %s PORT PID CONNECTIONS SECONDS [RATE]\n", argv[0]);
    return 2;
  }
  const std::string pid = argv[2];
  const int connections = std::atoi(argv[3]);
  const std::chrono::duration<double> length(std::atof(argv[4]));

  Run run;
  if (argc == 6) {
    run.period =
        std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(connections / std::atof(argv[5])));
  }

  asio::io_context context(1);
  asio::ssl::context tls(asio::ssl::context::tls_client);
  // What an API server prefers, so that every server works with the same cipher.
  SSL_CTX_set_ciphersuites(tls.native_handle(), "TLS_AES_128_GCM_SHA256");
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < connections; ++i) {
    clients.push_back(std::make_unique<Client>(context, tls, run, std::atoi(argv[1])));
  }
  const auto now = Clock::now();
  run.begin = now + kWarmUp;
  run.end = run.begin + std::chrono::duration_cast<Clock::duration>(length);
  for (int i = 0; i < connections; ++i) {
    clients[static_cast<std::size_t>(i)]->start(now + run.period * i / connections);
  }
  double cpu_before = 0, cpu_after = 0;
  asio::steady_timer at_begin(context, run.begin), at_end(context, run.end);
  at_begin.async_wait([&](error_code) { cpu_before = cpu_seconds(pid); });
  at_end.async_wait([&](error_code) { cpu_after = cpu_seconds(pid); });
  context.run();

  std::ranges::sort(run.latencies);
  const double cpu = cpu_after - cpu_before;
  std::printf(
      "{\"reviews\": %zu, \"bytes\": %zu, \"seconds\": %.3f, \"perSecond\": %.0f, \"cpuSeconds\": %.2f, "
      "\"perCpuSecond\": %.0f, \"p50\": %.1f, \"p99\": %.1f, \"max\": %.1f, \"failed\": %zu}\n",
      run.latencies.size(), headroom::bench::ReviewRequest().body_size(), length.count(),
      static_cast<double>(run.latencies.size()) / length.count(), cpu, static_cast<double>(run.latencies.size()) / cpu,
      microseconds_at(run.latencies, 0.5), microseconds_at(run.latencies, 0.99), microseconds_at(run.latencies, 1),
      run.failed);
  return run.failed == 0 && !run.latencies.empty() ? 0 : 1;
}
