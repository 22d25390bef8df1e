// Whatever a client sends: an answer or a closed connection, soon and in little memory, and nobody else notices.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <functional>

#include "tests/net/certificate.h"
#include "tests/net/raw_client.h"
#include "tests/net/test_server.h"
#include "tests/webhook/good_client.h"
#include "tests/webhook/sample_review.h"
#include "webhook/review_endpoint.h"

namespace headroom::webhook {
namespace {

using namespace std::chrono_literals;
using net::post;
using net::RawClient;
using testing::AllOf;
using testing::AnyOf;
using testing::HasSubstr;
using testing::Matcher;
using testing::StartsWith;

constexpr std::size_t kMaxBody = 8u << 20;
// A body of 8 MiB takes its size and up to eleven times as much to be read, once a thread. The address sanitizer adds
// to each allocation and keeps freed ones; the thread sanitizer keeps several bytes for each that was touched.
#if defined(__SANITIZE_ADDRESS__)
constexpr std::size_t kMemory = 1u << 30, kConnectionMemory = 512u << 10;
#elif defined(__SANITIZE_THREAD__)
constexpr std::size_t kMemory = 1u << 30, kConnectionMemory = 2u << 20;
#else
constexpr std::size_t kMemory = 192u << 20, kConnectionMemory = 192u << 10;
#endif

// A review endpoint with TLS that allows everything, and somebody who uses it all the time.
class BadInput : public testing::Test {
 protected:
  explicit BadInput(std::chrono::milliseconds request_timeout = 60s) : server_(start(request_timeout)) {}

  RawClient tls() const { return RawClient(server_->port(), RawClient::Tls::Newest, certificate_.certificate_pem); }
  RawClient without_tls() const { return RawClient(server_->port()); }

 private:
  // One thread: what holds it up, holds up everybody.
  std::unique_ptr<net::HttpServer> start(std::chrono::milliseconds request_timeout) const {
    net::ServerOptions options;
    options.threads = 1;
    options.max_body = kMaxBody;
    options.request_timeout = request_timeout;
    options.certificate_pem = certificate_.certificate_pem;
    options.key_pem = certificate_.key_pem;
    return net::start_server(options,
                             review_endpoint([](const Review&, ReviewResponder responder) { responder.answer({}); }));
  }

  const net::Certificate certificate_ = net::self_signed();

 protected:
  const std::unique_ptr<net::HttpServer> server_;
  GoodClient good_{server_->port(), certificate_.certificate_pem};
};

class EndlessInput : public BadInput {
 protected:
  EndlessInput() : BadInput(300ms) {}
};

// The most bytes of this process that were in memory since forget_most_resident().
std::size_t most_resident() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stoul(line.substr(6)) << 10;
  }
  return 0;
}
void forget_most_resident() { std::ofstream("/proc/self/clear_refs") << "5"; }

std::string repeated(std::string_view text, std::size_t times) {
  std::string all;
  all.reserve(text.size() * times);
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

// The sample review with `member` put in front of the members of its object's spec.
std::string with_in_spec(const std::string& member) {
  std::string body = sample_review().dump();
  const std::string spec = "\"spec\":{";
  return body.insert(body.find(spec) + spec.size(), member + ",");
}

// As large as `size` bytes, the rest being one long string.
std::string padded_to(std::size_t size) {
  const std::size_t rest = size - with_in_spec(R"("x":"")").size();
  return with_in_spec(R"("x":")" + std::string(rest, 'x') + "\"");
}

std::string changed(const std::function<void(nlohmann::ordered_json&)>& change) {
  nlohmann::ordered_json review = sample_review();
  change(review);
  return review.dump();
}

Matcher<std::string> answers(const char* status) { return StartsWith(std::string("HTTP/1.1 ") + status + " "); }
const Matcher<std::string> kAllowed = AllOf(answers("200"), HasSubstr(sample_uid()), HasSubstr("\"allowed\":true"));
const Matcher<std::string> kDenied =
    AllOf(answers("200"), HasSubstr(sample_uid()), HasSubstr("\"allowed\":false"), HasSubstr("\"code\":400"));
const Matcher<std::string> kNoReview = AllOf(answers("400"), HasSubstr("not an AdmissionReview"));
const Matcher<std::string> kNoHttp = AllOf(answers("400"), HasSubstr("malformed HTTP request"));

struct Request {
  std::string what, bytes;
  Matcher<std::string> response;
};

std::vector<Request> requests_with_wrong_bodies() {
  const std::string good = sample_review().dump();
  const auto with = [&good](const std::string& from, const std::string& to) {
    return post("/", std::string(good).replace(good.find(from), from.size(), to));
  };
  return {
      {"an empty body", post("/", ""), kNoReview},
      {"no JSON", post("/", "hello"), kNoReview},
      {"half a review", post("/", good.substr(0, good.size() / 2)), kNoReview},
      {"all but the last byte", post("/", good.substr(0, good.size() - 1)), kNoReview},
      {"two reviews", post("/", good + good), kNoReview},
      {"a list of reviews", post("/", "[" + good + "]"), kNoReview},
      {"YAML", post("/", "apiVersion: admission.k8s.io/v1\nkind: AdmissionReview\n"), kNoReview},
      {"protobuf", post("/", std::string("k8s\0\n\x1e\n\x14", 8)), kNoReview},
      {"gzip", post("/", "\x1f\x8b\x08", "Content-Encoding: gzip\r\n"), kNoReview},
      {"10,000 lists in each other", post("/", repeated("[", 10'000) + repeated("]", 10'000)), kNoReview},
      {"10,000 objects in each other",
       post("/", with_in_spec("\"x\":" + repeated("{\"a\":", 10'000) + "1" + repeated("}", 10'000))), kNoReview},
      {"1,000,000 levels without an end", post("/", repeated("{\"a\":", 1'000'000)), kNoReview},
      {"8 MiB of brackets", post("/", repeated("[", kMaxBody)), kNoReview},
      {"8 MiB of quotes", post("/", repeated("\"", kMaxBody)), kNoReview},
      {"8 MiB of backslashes", post("/", "\"" + repeated("\\", kMaxBody - 1)), kNoReview},
      {"8 MiB of white space", post("/", repeated(" ", kMaxBody)), kNoReview},
      {"500,000 numbers", post("/", with_in_spec("\"x\":[" + repeated("1,", 500'000) + "1]")), kAllowed},
      {"50,000 objects", post("/", with_in_spec("\"x\":[" + repeated("{\"a\":1},", 50'000) + "{}]")), kAllowed},
      {"50,000 keys",
       post("/", with_in_spec("\"x\":{" +
                              [] {
                                std::string members;
                                for (int i = 0; i < 50'000; ++i)
                                  members.append("\"").append(std::to_string(i)).append("\":1,");
                                return members;
                              }() +
                              "\"\":1}")),
       kAllowed},
      {"50,000 times one key", post("/", with_in_spec("\"x\":{" + repeated("\"a\":1,", 50'000) + "\"b\":1}")), kDenied},
      {"exactly 8 MiB", post("/", padded_to(kMaxBody)), kAllowed},
      {"a byte more than 8 MiB", post("/", padded_to(kMaxBody + 1)), answers("413")},
      {"kind twice", with("\"kind\":\"AdmissionReview\"", R"("kind":"AdmissionReview","kind":"AdmissionReview")"),
       kDenied},
      {"operation twice", with("\"request\":{", R"("request":{"operation":"DELETE",)"), kDenied},
      {"uid twice", with("\"request\":{", R"("request":{"uid":")" + sample_uid() + "\","), kDenied},
      {"replicas twice", with("\"replicas\":5", R"("replicas":5,"replicas":6)"), kDenied},
      {"replicas twice, once with an escape", with("\"replicas\":5", R"("replicas":5,"repl\u0069cas":6)"), kDenied},
      {"v1beta1", post("/", changed([](auto& r) { r["apiVersion"] = "admission.k8s.io/v1beta1"; })), kDenied},
      {"another kind", post("/", changed([](auto& r) { r["kind"] = "TokenReview"; })), kDenied},
      {"no uid", post("/", changed([](auto& r) { r["request"].erase("uid"); })), kNoReview},
      {"a uid of a megabyte", post("/", changed([](auto& r) { r["request"]["uid"] = std::string(1u << 20, 'u'); })),
       kNoReview},
      {"no request", post("/", changed([](auto& r) { r.erase("request"); })), kNoReview},
      {"a number for an object", post("/", changed([](auto& r) { r["request"]["object"] = 1; })), kDenied},
      {"a number of 400 digits", with("\"replicas\":5", "\"replicas\":" + std::string(400, '9')), kNoReview},
      {"a number of 8 million digits", post("/", with_in_spec("\"x\":" + std::string(8'000'000, '9'))), kNoReview},
      {"a fraction of 8 million digits", post("/", with_in_spec("\"x\":0." + std::string(8'000'000, '9'))), kAllowed},
      {"1e400", with("\"replicas\":5", "\"replicas\":1e400"), kNoReview},
      {"an exponent beyond 64 bits", with("\"replicas\":5", "\"replicas\":1e99999999999999999999"), kNoReview},
      {"2^64", with("\"replicas\":5", "\"replicas\":18446744073709551616"), kAllowed},
      {"bytes that are no UTF-8", with("deployer", "dep\xFF\xFEloyer"), kNoReview},
      {"half a surrogate pair", with("deployer", "\\udfff"), kNoReview},
      {"UTF-16", post("/", std::string("\xFF\xFE{\0\"\0", 6)), kNoReview},
      {"zero bytes", post("/", std::string(1000, '\0')), kNoReview},
  };
}

std::vector<Request> requests_with_wrong_heads() {
  const std::string good = sample_review().dump();
  const std::string length = "Content-Length: " + std::to_string(good.size()) + "\r\n";
  const auto head = [](const std::string& first_line, const std::string& headers) {
    return first_line + "\r\nHost: a\r\n" + headers + "\r\n";
  };
  const std::string json = "Content-Type: application/json\r\n";
  return {
      {"GET", net::get("/"), answers("405")},
      {"PUT", head("PUT / HTTP/1.1", json + length) + good, answers("405")},
      {"DELETE", head("DELETE / HTTP/1.1", ""), answers("405")},
      {"an invented method", head("ADMIT / HTTP/1.1", json + length) + good, answers("405")},
      {"no content type", head("POST / HTTP/1.1", length) + good, answers("415")},
      {"plain text", head("POST / HTTP/1.1", "Content-Type: text/plain\r\n" + length) + good, answers("415")},
      {"a form", head("POST / HTTP/1.1", "Content-Type: application/x-www-form-urlencoded\r\n" + length) + good,
       answers("415")},
      {"no HTTP", "hello\r\n\r\n", kNoHttp},
      {"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", kNoHttp},
      {"no host", "POST / HTTP/1.1\r\n" + json + length + "\r\n" + good, kNoHttp},
      {"two lengths", head("POST / HTTP/1.1", json + length + "Content-Length: 1\r\n") + good, kNoHttp},
      {"a negative length", head("POST / HTTP/1.1", json + "Content-Length: -1\r\n"), kNoHttp},
      {"a length and chunks", head("POST / HTTP/1.1", json + length + "Transfer-Encoding: chunked\r\n"), kNoHttp},
      {"a chunk without a size", head("POST / HTTP/1.1", json + "Transfer-Encoding: chunked\r\n") + "x\r\n", kNoHttp},
      {"an announced terabyte", head("POST / HTTP/1.1", json + "Content-Length: 1099511627776\r\n"), answers("413")},
      {"16 MiB in chunks",
       head("POST / HTTP/1.1", json + "Transfer-Encoding: chunked\r\n") +
           repeated("100000\r\n" + std::string(1u << 20, ' ') + "\r\n", 16),
       answers("413")},
      {"a header of 1 MB", head("POST / HTTP/1.1", "X: " + std::string(1'000'000, 'x') + "\r\n"), answers("431")},
      {"100,000 headers", head("POST / HTTP/1.1", repeated("A: b\r\n", 100'000)), answers("431")},
      {"a path of 1 MB", head("POST /" + std::string(1'000'000, 'x') + " HTTP/1.1", length), answers("431")},
  };
}

TEST_F(BadInput, is_answered_in_words_while_others_are_served) {
  std::vector<Request> table = requests_with_wrong_bodies();
  for (Request& request : requests_with_wrong_heads()) table.push_back(std::move(request));
  ASSERT_GE(table.size(), 40u);
  forget_most_resident();
  const std::size_t before = most_resident();
  for (const Request& row : table) {
    RawClient client = tls();
    client.send(row.bytes);
    EXPECT_THAT(client.response(), row.response) << row.what;
    EXPECT_TRUE(good_.is_served()) << row.what;
  }
  EXPECT_LT(most_resident(), before + kMemory);
}

TEST_F(BadInput, does_not_end_the_connection_when_the_http_was_right) {
  RawClient client = tls();
  for (const Request& row : requests_with_wrong_bodies()) {
    if (row.bytes.size() > kMaxBody / 8) continue;
    client.send(row.bytes);
    EXPECT_THAT(client.response(), row.response) << row.what;
  }
}

struct Conduct {
  const char* what;
  std::function<RawClient()> connect;
  std::string bytes;
};

TEST_F(EndlessInput, is_cut_off_while_others_are_served) {
  const std::string review = post("/", sample_review().dump());
  const auto over_tls = [this] { return tls(); };
  const auto over_tcp = [this] { return without_tls(); };
  const Conduct table[] = {
      {"nothing at all, not even a handshake", over_tcp, ""},
      {"half a handshake", over_tcp, std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xFC", 9)},
      {"plain HTTP", over_tcp, review},
      {"noise", over_tcp, std::string(100'000, '\xA5')},
      {"the first byte", over_tls, "P"},
      {"half of the headers", over_tls, review.substr(0, 40)},
      {"the headers", over_tls, review.substr(0, review.find("\r\n\r\n") + 4)},
      {"half of the body", over_tls, review.substr(0, review.size() / 2)},
      {"all but the last byte", over_tls, review.substr(0, review.size() - 1)},
      {"half of a chunk", over_tls,
       "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n100\r\n{\"kind\":"},
  };
  for (const Conduct& row : table) {
    RawClient client = row.connect();
    client.send(row.bytes);
    EXPECT_THAT(client.response(), AnyOf("", StartsWith("HTTP/1.1 400 "))) << row.what;
    EXPECT_TRUE(client.ended()) << row.what;
    EXPECT_TRUE(good_.is_served()) << row.what;
  }
}

TEST_F(EndlessInput, is_cut_off_when_it_trickles) {
  RawClient in_headers = tls(), in_body = tls();
  in_headers.send("POST / HTTP/1.1\r\nHost: a\r\nX-Slow: ");
  in_body.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
  for (RawClient* client : {&in_headers, &in_body}) {
    int bytes = 0;
    while (bytes < 2000 && !client->ended(10ms)) {
      client->send("x");
      ++bytes;
    }
    EXPECT_LT(bytes, 2000);
  }
  EXPECT_TRUE(good_.is_served());
}

TEST_F(BadInput, of_clients_that_leave_in_the_middle_holds_up_nobody) {
  const std::string review = post("/", padded_to(1u << 20));
  std::vector<RawClient> half_open;
  for (int i = 0; i < 100; ++i) {
    RawClient client = tls();
    client.send(std::string_view(review).substr(0, review.size() / 100 * static_cast<std::size_t>(i)));
    if (i % 3 == 1) client.reset();
    if (i % 3 == 2) half_open.push_back(std::move(client));
  }
  for (RawClient& client : half_open) {
    client.end_sending();
    EXPECT_TRUE(client.ended());
  }
  EXPECT_TRUE(good_.is_served());
}

TEST_F(BadInput, of_a_thousand_idle_connections_costs_little_and_hinders_nobody) {
  EXPECT_TRUE(good_.is_served());
  forget_most_resident();
  const std::size_t before = most_resident();
  std::vector<RawClient> idle;
  for (int i = 0; i < 1000; ++i) {
    idle.push_back(tls());
    ASSERT_TRUE(idle.back().connected()) << i;
  }
  EXPECT_TRUE(good_.is_served());
  EXPECT_LT(most_resident(), before + 1000 * kConnectionMemory);
  RawClient another = tls();
  another.send(post("/", sample_review().dump()));
  EXPECT_THAT(another.response(), kAllowed);
  EXPECT_FALSE(idle.front().readable(0ms)) << "the idle ones stay";
}

}  // namespace
}  // namespace headroom::webhook
