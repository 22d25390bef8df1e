#include "tests/support/faulty_transport.h"

#include <condition_variable>
#include <utility>

#include "operator/kube/status_error.h"
#include "tests/support/scripted_transport.h"

namespace headroom::testing {

using kube::Request;
using kube::Response;

namespace {

bool wait(std::chrono::milliseconds duration, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, duration, [] { return false; });
  return !stop.stop_requested();
}

std::optional<Response> refusal(const FaultRule& rule) {
  const auto status = [&rule](int code, const char* reason) {
    return Response{code, status_json(code, reason, "injected").dump(), rule.retry_after};
  };
  switch (rule.fault) {
    case Fault::TooManyRequests:
      return status(429, "TooManyRequests");
    case Fault::Conflict:
      return status(409, "Conflict");
    case Fault::Gone:
      return status(410, "Expired");
    case Fault::InternalError:
      return status(500, "InternalError");
    case Fault::ServiceUnavailable:
      return status(503, "ServiceUnavailable");
    case Fault::GatewayTimeout:
      return status(504, "Timeout");
    default:
      return std::nullopt;
  }
}

Error hang(const Request& request, const std::stop_token& stop) {
  if (!wait(request.timeout, stop)) return {ErrorCode::Cancelled, "stopped (injected hang)", 0, {}};
  return {ErrorCode::Timeout, "no answer within the deadline (injected)", 0, {}};
}

Error reset_before() { return {ErrorCode::Unavailable, "connection refused (injected)", 0, {}}; }

class FaultyStream final : public kube::Stream {
 public:
  FaultyStream(std::unique_ptr<kube::Stream> inner, FaultRule rule, std::stop_token stop)
      : inner_(std::move(inner)), rule_(std::move(rule)), stop_(std::move(stop)) {}

  Result<std::optional<std::string>> read_line(std::chrono::milliseconds idle) override {
    if (rule_.fault == Fault::SlowStream && !wait(rule_.delay, stop_)) {
      return Error{ErrorCode::Cancelled, "stopped", 0, {}};
    }
    const bool strikes = rule_.fault != Fault::SlowStream && passed_ >= rule_.lines;
    if (strikes && struck_) return end();
    if (strikes) {
      struck_ = true;
      if (rule_.fault == Fault::CutStream) return end();
      if (rule_.fault == Fault::GoneInStream) {
        return std::optional<std::string>(
            nlohmann::json{{"type", "ERROR"}, {"object", status_json(410, "Expired", "injected")}}.dump());
      }
    }
    ++passed_;
    Result<std::optional<std::string>> line = inner_->read_line(idle);
    if (strikes && line && line.value()) line.value()->resize(line.value()->size() / 2);
    return line;
  }

 private:
  Result<std::optional<std::string>> end() const {
    if (rule_.fault == Fault::GoneInStream) return std::optional<std::string>();
    return Error{ErrorCode::Unavailable, "the stream broke (injected)", 0, {}};
  }

  const std::unique_ptr<kube::Stream> inner_;
  const FaultRule rule_;
  const std::stop_token stop_;
  int passed_ = 0;
  bool struck_ = false;
};

}  // namespace

bool is_write(const Request& request) { return request.method != kube::Method::Get; }

FaultyTransport::FaultyTransport(std::shared_ptr<kube::Transport> inner, std::vector<FaultRule> rules,
                                 std::uint64_t seed)
    : inner_(std::move(inner)), random_(seed) {
  set_rules(std::move(rules));
}

void FaultyTransport::set_rules(std::vector<FaultRule> rules) {
  const std::lock_guard lock(mutex_);
  rules_.clear();
  for (FaultRule& rule : rules) rules_.push_back({std::move(rule), 0, 0});
}

int FaultyTransport::injected() const {
  const std::lock_guard lock(mutex_);
  return injected_;
}

std::optional<FaultRule> FaultyTransport::strike(const Request& request) {
  const std::lock_guard lock(mutex_);
  for (Active& active : rules_) {
    const FaultRule& rule = active.rule;
    if (rule.matches && !rule.matches(request)) continue;
    if (active.seen++ < rule.after) continue;
    if (rule.at_most >= 0 && active.used >= rule.at_most) continue;
    if (std::uniform_real_distribution<double>(0, 1)(random_) >= rule.probability) continue;
    ++active.used;
    ++injected_;
    return rule;
  }
  return std::nullopt;
}

Result<Response> FaultyTransport::send(const Request& request, std::stop_token stop) {
  const std::optional<FaultRule> rule = strike(request);
  if (!rule) return inner_->send(request, std::move(stop));
  if (std::optional<Response> refused = refusal(*rule)) return *std::move(refused);
  switch (rule->fault) {
    case Fault::ResetBefore:
      return reset_before();
    case Fault::Hang:
      return hang(request, stop);
    case Fault::Duplicate: {
      BOOST_OUTCOME_TRYV(inner_->send(request, stop));
      break;
    }
    default:
      break;
  }
  Result<Response> response = inner_->send(request, std::move(stop));
  if (!response) return response;
  if (rule->fault == Fault::ResetAfter) {
    return Error{is_write(request) ? ErrorCode::Timeout : ErrorCode::Unavailable,
                 "the connection broke before the answer (injected)",
                 0,
                 {}};
  }
  if (rule->fault == Fault::TruncatedBody) response.value().body.resize(response.value().body.size() / 2);
  return response;
}

Result<std::unique_ptr<kube::Stream>> FaultyTransport::open_stream(const Request& request, std::stop_token stop) {
  const std::optional<FaultRule> rule = strike(request);
  if (!rule) return inner_->open_stream(request, std::move(stop));
  if (const std::optional<Response> refused = refusal(*rule)) {
    return kube::error_from_response(*refused, std::string(kube::to_string(request.method)) + " " + request.path);
  }
  if (rule->fault == Fault::ResetBefore || rule->fault == Fault::ResetAfter) return reset_before();
  if (rule->fault == Fault::Hang) return hang(request, stop);
  BOOST_OUTCOME_TRY(stream, inner_->open_stream(request, stop));
  std::unique_ptr<kube::Stream> faulty = std::make_unique<FaultyStream>(std::move(stream), *rule, std::move(stop));
  return Result<std::unique_ptr<kube::Stream>>(std::move(faulty));
}

}  // namespace headroom::testing
