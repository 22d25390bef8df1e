// An API server by script: each request must be the next one expected, and gets the answer that was written down for
// it. A request that is not expected fails the test, and so does an expected one that never comes.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "operator/kube/transport.h"

namespace headroom::testing {

/// The far end of a scripted watch: the test says when lines come and how it ends. Thread-safe.
class StreamScript {
 public:
  /// What read_line answers, in this order.
  void line(std::string text);
  void event(const nlohmann::json& event) { line(event.dump()); }
  /// After the lines so far: a normal end.
  void end();
  /// After the lines so far: this error.
  void fail(Error error);
  /// True once the reader has let go of the stream.
  bool closed() const;

 private:
  friend class ScriptedTransport;
  friend class ScriptedStream;

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<std::string> lines_;
  bool ended_ = false, closed_ = false;
  std::optional<Error> failure_;
};

/// One expected request and its answer. Filled in by the test before the request comes.
class Expectation {
 public:
  /// The query must have `name` with this (decoded) value.
  Expectation& with_query(std::string name, std::string value);
  /// The query must not have `name`.
  Expectation& without_query(std::string name);
  Expectation& with_content_type(std::string type);
  Expectation& with_accept(std::string type);
  /// The body, as JSON, must have at least what `part` has: maps are compared by the keys of `part`, all else exactly.
  Expectation& with_body(nlohmann::json part);
  /// Any other condition; `what` says it for the failure.
  Expectation& where(std::string what, std::function<bool(const kube::Request&)> holds);

  // The answer: one of these.
  void answer(int status, const nlohmann::json& body, std::optional<std::chrono::milliseconds> retry_after = {});
  void answer_text(int status, std::string body);
  /// A metav1.Status as the API server writes it.
  void refuse(int status, std::string reason, std::string message,
              std::optional<std::chrono::milliseconds> retry_after = {});
  /// No response: what a transport says when the connection fails.
  void fail(Error error);
  /// No response until the stop token fires; then Cancelled.
  void hang();
  /// For open_stream: a stream under the test's control.
  std::shared_ptr<StreamScript> stream();
  /// For open_stream: these lines, then a normal end.
  void stream_of(const std::vector<nlohmann::json>& events);

 private:
  friend class ScriptedTransport;

  std::string mismatch(const kube::Request& request) const;  ///< empty when it fits

  kube::Method method_ = kube::Method::Get;
  std::string path_;
  std::vector<std::pair<std::string, std::function<bool(const kube::Request&)>>> conditions_;
  std::optional<kube::Response> response_;
  std::optional<Error> failure_;
  std::shared_ptr<StreamScript> stream_;
  bool hangs_ = false, used_ = false;
};

/// Thread-safe.
class ScriptedTransport final : public kube::Transport {
 public:
  enum class Order {
    Strict,  ///< as written down
    Any,     ///< the first expected request that fits and has not come yet
  };
  explicit ScriptedTransport(Order order = Order::Strict);
  /// Fails the test when an expected request has not come.
  ~ScriptedTransport() override;

  /// `path` with a query is compared whole; without one, its path only.
  Expectation& expect(kube::Method method, std::string path);
  /// Waits until every expected request has come; fails the test, naming those missing, after `at_most`.
  bool await_done(std::chrono::milliseconds at_most = std::chrono::seconds(10));
  /// All requests so far.
  std::vector<kube::Request> requests() const;

  Result<kube::Response> send(const kube::Request& request, std::stop_token stop) override;
  Result<std::unique_ptr<kube::Stream>> open_stream(const kube::Request& request, std::stop_token stop) override;

 private:
  /// The expectation that `request` meets, or null after failing the test.
  Expectation* meet(const kube::Request& request);
  std::string missing() const;

  const Order order_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Expectation> script_;  // a deque keeps its elements in place
  std::vector<kube::Request> requests_;
  bool reported_ = false;
};

/// The value of a query parameter, decoded; empty optional when it is not there.
std::optional<std::string> query_value(const kube::Request& request, const std::string& name);

/// A metav1.Status.
nlohmann::json status_json(int code, const std::string& reason, const std::string& message);

}  // namespace headroom::testing
