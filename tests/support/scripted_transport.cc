#include "tests/support/scripted_transport.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

namespace headroom::testing {

using kube::Request;
using kube::Response;
using nlohmann::json;

namespace {

std::string path_of(const std::string& path) { return path.substr(0, path.find('?')); }

std::string in_full(const Request& request) {
  return std::string(kube::to_string(request.method)) + " " + request.path +
         (request.body.empty() ? "" : " " + request.body);
}

bool has_part(const json& whole, const json& part) {
  if (!part.is_object()) return whole == part;
  if (!whole.is_object()) return false;
  return std::all_of(part.items().begin(), part.items().end(), [&whole](const auto& item) {
    const auto it = whole.find(item.key());
    return it != whole.end() && has_part(*it, item.value());
  });
}

std::string decode(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      out += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace

json status_json(int code, const std::string& reason, const std::string& message) {
  return {{"kind", "Status"}, {"apiVersion", "v1"}, {"status", "Failure"},
          {"code", code},     {"reason", reason},   {"message", message}};
}

std::optional<std::string> query_value(const Request& request, const std::string& name) {
  const std::size_t start = request.path.find('?');
  if (start == std::string::npos) return std::nullopt;
  const std::string query = request.path.substr(start + 1) + "&";
  for (std::size_t at = 0; at < query.size();) {
    const std::size_t end = query.find('&', at);
    const std::string parameter = query.substr(at, end - at);
    const std::size_t equals = parameter.find('=');
    if (parameter.substr(0, equals) == name) {
      return equals == std::string::npos ? "" : decode(parameter.substr(equals + 1));
    }
    at = end + 1;
  }
  return std::nullopt;
}

// --- StreamScript ---

void StreamScript::line(std::string text) {
  const std::lock_guard lock(mutex_);
  lines_.push_back(std::move(text));
  changed_.notify_all();
}

void StreamScript::end() {
  const std::lock_guard lock(mutex_);
  ended_ = true;
  changed_.notify_all();
}

void StreamScript::fail(Error error) {
  const std::lock_guard lock(mutex_);
  failure_ = std::move(error);
  changed_.notify_all();
}

bool StreamScript::closed() const {
  const std::lock_guard lock(mutex_);
  return closed_;
}

class ScriptedStream final : public kube::Stream {
 public:
  ScriptedStream(std::shared_ptr<StreamScript> script, std::stop_token stop)
      : script_(std::move(script)), stop_(std::move(stop)) {}
  ScriptedStream(const ScriptedStream&) = delete;
  ScriptedStream& operator=(const ScriptedStream&) = delete;
  ~ScriptedStream() override {
    const std::lock_guard lock(script_->mutex_);
    script_->closed_ = true;
  }

  Result<std::optional<std::string>> read_line(std::chrono::milliseconds idle) override {
    std::unique_lock lock(script_->mutex_);
    const auto something = [this] { return !script_->lines_.empty() || script_->ended_ || script_->failure_; };
    const bool came = script_->changed_.wait_for(lock, stop_, idle, something);
    if (stop_.stop_requested()) return Error{ErrorCode::Cancelled, "the stream was stopped", 0, {}};
    if (!came) return Error{ErrorCode::Timeout, "the stream was idle", 0, {}};
    if (!script_->lines_.empty()) {
      std::string line = std::move(script_->lines_.front());
      script_->lines_.pop_front();
      return std::optional<std::string>(std::move(line));
    }
    if (script_->failure_) return *script_->failure_;
    return std::optional<std::string>();
  }

 private:
  const std::shared_ptr<StreamScript> script_;
  const std::stop_token stop_;
};

// --- Expectation ---

Expectation& Expectation::where(std::string what, std::function<bool(const Request&)> holds) {
  conditions_.emplace_back(std::move(what), std::move(holds));
  return *this;
}

Expectation& Expectation::with_query(std::string name, std::string value) {
  const std::string what = "query " + name + "=" + value;
  return where(what, [name = std::move(name), value = std::move(value)](const Request& request) {
    return query_value(request, name) == value;
  });
}

Expectation& Expectation::without_query(std::string name) {
  const std::string what = "no query " + name;
  return where(what, [name = std::move(name)](const Request& request) { return !query_value(request, name); });
}

Expectation& Expectation::with_content_type(std::string type) {
  const std::string what = "content type " + type;
  return where(what, [type = std::move(type)](const Request& request) { return request.content_type == type; });
}

Expectation& Expectation::with_accept(std::string type) {
  const std::string what = "accept " + type;
  return where(what, [type = std::move(type)](const Request& request) { return request.accept == type; });
}

Expectation& Expectation::with_body(json part) {
  const std::string what = "a body with " + part.dump();
  return where(what, [part = std::move(part)](const Request& request) {
    return has_part(json::parse(request.body, nullptr, false), part);
  });
}

void Expectation::answer_text(int status, std::string body) { response_ = Response{status, std::move(body), {}}; }

void Expectation::answer(int status, const json& body, std::optional<std::chrono::milliseconds> retry_after) {
  response_ = Response{status, body.dump(), retry_after};
}

void Expectation::refuse(int status, std::string reason, std::string message,
                         std::optional<std::chrono::milliseconds> retry_after) {
  answer(status, status_json(status, reason, message), retry_after);
}

void Expectation::fail(Error error) { failure_ = std::move(error); }

void Expectation::hang() { hangs_ = true; }

std::shared_ptr<StreamScript> Expectation::stream() {
  stream_ = std::make_shared<StreamScript>();
  return stream_;
}

void Expectation::stream_of(const std::vector<json>& events) {
  const std::shared_ptr<StreamScript> script = stream();
  for (const json& event : events) script->event(event);
  script->end();
}

std::string Expectation::mismatch(const Request& request) const {
  const bool whole = path_.find('?') != std::string::npos;
  if (request.method != method_ || (whole ? request.path : path_of(request.path)) != path_) {
    return std::string(kube::to_string(method_)) + " " + path_;
  }
  for (const auto& [what, holds] : conditions_) {
    if (!holds(request)) return what;
  }
  return {};
}

// --- ScriptedTransport ---

ScriptedTransport::ScriptedTransport(Order order) : order_(order) {}

ScriptedTransport::~ScriptedTransport() {
  const std::string left = missing();
  if (!left.empty() && !reported_) ADD_FAILURE() << "requests that never came:" << left;
}

Expectation& ScriptedTransport::expect(kube::Method method, std::string path) {
  const std::lock_guard lock(mutex_);
  Expectation& expectation = script_.emplace_back();
  expectation.method_ = method;
  expectation.path_ = std::move(path);
  return expectation;
}

std::string ScriptedTransport::missing() const {
  std::string left;
  for (const Expectation& expectation : script_) {
    if (expectation.used_) continue;
    left += "\n  " + std::string(kube::to_string(expectation.method_)) + " " + expectation.path_;
  }
  return left;
}

bool ScriptedTransport::await_done(std::chrono::milliseconds at_most) {
  std::unique_lock lock(mutex_);
  const bool done = changed_.wait_for(lock, at_most, [this] { return missing().empty(); });
  if (!done) {
    reported_ = true;
    ADD_FAILURE() << "requests that never came:" << missing();
  }
  return done;
}

std::vector<Request> ScriptedTransport::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

Expectation* ScriptedTransport::meet(const Request& request) {
  const std::lock_guard lock(mutex_);
  requests_.push_back(request);
  std::string wanted;
  for (Expectation& expectation : script_) {
    if (expectation.used_) continue;
    const std::string mismatch = expectation.mismatch(request);
    if (mismatch.empty()) {
      expectation.used_ = true;
      changed_.notify_all();
      return &expectation;
    }
    wanted += "\n  " + mismatch;
    if (order_ == Order::Strict) break;
  }
  ADD_FAILURE() << "unexpected request " << in_full(request) << "; expected"
                << (wanted.empty() ? " no more" : ":" + wanted);
  return nullptr;
}

Result<Response> ScriptedTransport::send(const Request& request, std::stop_token stop) {
  const Expectation* const met = meet(request);
  if (met == nullptr) return Error{ErrorCode::Internal, "not in the script: " + in_full(request), 0, {}};
  if (met->hangs_) {
    std::mutex mutex;
    std::condition_variable_any stopped;
    std::unique_lock lock(mutex);
    if (!stopped.wait_for(lock, stop, std::chrono::minutes(1), [&stop] { return stop.stop_requested(); })) {
      ADD_FAILURE() << "nobody stopped " << in_full(request);
    }
    return Error{ErrorCode::Cancelled, "stopped", 0, {}};
  }
  if (met->failure_) return *met->failure_;
  if (!met->response_) {
    ADD_FAILURE() << "the script has no response for " << in_full(request);
    return Error{ErrorCode::Internal, "the script has no response", 0, {}};
  }
  return *met->response_;
}

Result<std::unique_ptr<kube::Stream>> ScriptedTransport::open_stream(const Request& request, std::stop_token stop) {
  const Expectation* const met = meet(request);
  if (met == nullptr) return Error{ErrorCode::Internal, "not in the script: " + in_full(request), 0, {}};
  if (met->failure_) return *met->failure_;
  if (!met->stream_) {
    ADD_FAILURE() << "the script has no stream for " << in_full(request);
    return Error{ErrorCode::Internal, "the script has no stream", 0, {}};
  }
  std::unique_ptr<kube::Stream> stream = std::make_unique<ScriptedStream>(met->stream_, std::move(stop));
  return Result<std::unique_ptr<kube::Stream>>(std::move(stream));
}

}  // namespace headroom::testing
