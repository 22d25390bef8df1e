#include "tests/support/memory_api_server.h"

#include <algorithm>
#include <utility>

#include "tests/support/scripted_transport.h"

namespace headroom::testing {
namespace {

using kube::Method;
using kube::Request;
using kube::Response;
using nlohmann::json;

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  while (begin <= text.size()) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    if (end > begin) parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

std::string path_of(const Request& request) { return request.path.substr(0, request.path.find('?')); }

/// "/api/v1/namespaces/shop/configmaps/flags/status" taken apart.
struct Place {
  std::string ns, resource, name, subresource, collection;
  std::string object() const { return collection + "/" + name; }
  /// Collections of all namespaces hold those of each.
  std::string root() const {
    const std::size_t at = collection.find("/namespaces/");
    return at == std::string::npos || resource == "namespaces" ? collection : collection.substr(0, at) + "/" + resource;
  }
};

std::optional<Place> place_of(const std::string& path) {
  const std::vector<std::string> parts = split(path, '/');
  std::size_t at = 0;
  std::string prefix;
  if (parts.size() >= 3 && parts[0] == "api") {
    at = 2;
  } else if (parts.size() >= 4 && parts[0] == "apis") {
    at = 3;
  } else {
    return std::nullopt;
  }
  for (std::size_t i = 0; i < at; ++i) prefix += "/" + parts[i];
  Place place;
  if (parts[at] == "namespaces" && parts.size() > at + 2) {
    place.ns = parts[at + 1];
    prefix += "/namespaces/" + place.ns;
    at += 2;
  }
  place.resource = parts[at];
  place.collection = prefix + "/" + place.resource;
  if (parts.size() > at + 1) place.name = parts[at + 1];
  if (parts.size() > at + 2) place.subresource = parts[at + 2];
  return place;
}

Response respond(int status, const json& body) { return {status, body.dump(), {}}; }
Response refuse_with(int status, const std::string& reason, const std::string& message) {
  return respond(status, status_json(status, reason, message));
}

/// Equality terms only: "a=b,c!=d".
bool selected(const std::string& selector, const std::function<std::string(const std::string&)>& value) {
  return std::ranges::all_of(split(selector, ','), [&](const std::string& term) {
    const std::size_t sign = term.find('=');
    const bool unequal = sign > 0 && term[sign - 1] == '!';
    return (value(term.substr(0, unequal ? sign - 1 : sign)) == term.substr(sign + 1)) != unequal;
  });
}

bool matches(const json& object, const Request& request) {
  const json labels = object["metadata"].value("labels", json::object());
  const auto label = [&](const std::string& name) { return labels.value(name, std::string()); };
  const auto field = [&](const std::string& path) {
    const json* at = &object;
    for (const std::string& part : split(path, '.')) {
      if (!at->is_object() || !at->contains(part)) return std::string();
      at = &(*at)[part];
    }
    return at->is_string() ? at->get<std::string>() : at->dump();
  };
  return selected(query_value(request, "labelSelector").value_or(""), label) &&
         selected(query_value(request, "fieldSelector").value_or(""), field);
}

/// Whether the object at `path` is in `collection`, that of one namespace or of all.
bool lies_in(const std::string& path, const std::string& collection) {
  const auto place = place_of(path);
  return place && (place->collection == collection || place->root() == collection);
}

}  // namespace

/// One watch: the changes after a version, then whatever comes.
class MemoryApiServer::WatchStream final : public kube::Stream {
 public:
  WatchStream(std::shared_ptr<MemoryApiServer> server, Request request, std::size_t next, std::stop_token stop)
      : server_(std::move(server)), request_(std::move(request)), next_(next), stop_(std::move(stop)) {}

  Result<std::optional<std::string>> read_line(std::chrono::milliseconds idle) override {
    std::unique_lock lock(server_->mutex_);
    const auto deadline = std::chrono::steady_clock::now() + idle;
    while (!stop_.stop_requested()) {
      if (server_->down_) return Error{ErrorCode::Unavailable, "connection reset", 0, {}};
      for (; next_ < server_->changes_.size(); ++next_) {
        const Change& change = server_->changes_[next_];
        if (!lies_in(change.path, path_of(request_)) || !matches(change.object, request_)) continue;
        ++next_;
        return std::optional(json{{"type", change.type}, {"object", change.object}}.dump());
      }
      if (!server_->changed_.wait_until(lock, stop_, deadline,
                                        [&] { return next_ < server_->changes_.size() || server_->down_; })) {
        break;
      }
    }
    if (stop_.stop_requested()) return Error{ErrorCode::Cancelled, "stopped", 0, {}};
    return Error{ErrorCode::Timeout, "idle", 0, {}};
  }

 private:
  const std::shared_ptr<MemoryApiServer> server_;
  const Request request_;
  std::size_t next_;
  const std::stop_token stop_;
};

void MemoryApiServer::put(const std::string& path, json object) {
  const std::unique_lock lock(mutex_);
  const bool fresh = !objects_.contains(path);
  if (!fresh) object["metadata"]["uid"] = objects_[path]["metadata"]["uid"];
  store(path, std::move(object), fresh ? "ADDED" : "MODIFIED");
}

void MemoryApiServer::edit(const std::string& path, const json& merge_patch) {
  const std::unique_lock lock(mutex_);
  json object = objects_.at(path);
  object.merge_patch(merge_patch);
  store(path, std::move(object), "MODIFIED");
}

void MemoryApiServer::erase(const std::string& path) {
  const std::unique_lock lock(mutex_);
  if (objects_.contains(path)) mark_deleted(path);
}

json MemoryApiServer::get(const std::string& path) const {
  const std::unique_lock lock(mutex_);
  const auto it = objects_.find(path);
  return it == objects_.end() ? json(nullptr) : it->second;
}

std::vector<std::string> MemoryApiServer::writes() const {
  const std::unique_lock lock(mutex_);
  return writes_;
}

std::vector<std::string> MemoryApiServer::unconditional_writes() const {
  const std::unique_lock lock(mutex_);
  return unconditional_writes_;
}

void MemoryApiServer::set_down(bool down) {
  const std::unique_lock lock(mutex_);
  down_ = down;
  changed_.notify_all();
}

void MemoryApiServer::set_hanging(bool hanging) {
  const std::unique_lock lock(mutex_);
  hanging_ = hanging;
  changed_.notify_all();
}

void MemoryApiServer::refuse(std::function<bool(const Request&)> matching, int status) {
  const std::unique_lock lock(mutex_);
  refused_ = std::move(matching);
  refusal_ = status;
}

void MemoryApiServer::answer(const std::string& path, int status, std::string body) {
  const std::unique_lock lock(mutex_);
  answers_[path] = {status, std::move(body), {}};
}

bool MemoryApiServer::await(const std::function<bool()>& holds, std::chrono::milliseconds at_most) const {
  const auto deadline = std::chrono::steady_clock::now() + at_most;
  while (!holds()) {
    std::unique_lock lock(mutex_);
    if (std::chrono::steady_clock::now() >= deadline) return false;
    // What is waited for may also change without a write here.
    changed_.wait_for(lock, std::chrono::milliseconds(5));
  }
  return true;
}

void MemoryApiServer::store(const std::string& path, json object, const char* type) {
  const Place place = place_of(path).value();
  json& metadata = object["metadata"];
  metadata["name"] = place.name;
  if (!place.ns.empty()) metadata["namespace"] = place.ns;
  const auto former = objects_.find(path);
  if (former != objects_.end()) {
    json a = object, b = former->second;
    for (json* one : {&a, &b}) (*one)["metadata"].erase("resourceVersion");
    if (a == b) return;
  }
  const bool spec_changed =
      former != objects_.end() && former->second.value("spec", json()) != object.value("spec", json());
  const std::int64_t generation = former == objects_.end() ? 1 : former->second["metadata"].value("generation", 1);
  metadata["generation"] = generation + (spec_changed ? 1 : 0);
  if (!metadata.contains("uid")) metadata["uid"] = "uid-" + std::to_string(version_ + 1);
  metadata["resourceVersion"] = std::to_string(++version_);
  objects_[path] = object;
  const bool leaving = metadata.contains("deletionTimestamp") && metadata.value("finalizers", json::array()).empty();
  changes_.push_back({version_, type, path, std::move(object)});
  changed_.notify_all();
  if (leaving) drop(path);
}

void MemoryApiServer::drop(const std::string& path) {
  json object = objects_.at(path);
  object["metadata"]["resourceVersion"] = std::to_string(++version_);
  objects_.erase(path);
  applied_keys_.erase(path);
  changes_.push_back({version_, "DELETED", path, std::move(object)});
  changed_.notify_all();
}

void MemoryApiServer::mark_deleted(const std::string& path) {
  if (objects_.at(path)["metadata"].value("finalizers", json::array()).empty()) return drop(path);
  json object = objects_.at(path);
  object["metadata"]["deletionTimestamp"] = "2026-11-01T00:00:00Z";
  store(path, std::move(object), "MODIFIED");
}

Response MemoryApiServer::list(const std::string& collection, const Request& request) const {
  json items = json::array();
  for (const auto& [path, object] : objects_) {
    if (lies_in(path, collection) && matches(object, request)) items.push_back(object);
  }
  return respond(
      200,
      {{"kind", "List"}, {"metadata", {{"resourceVersion", std::to_string(version_)}}}, {"items", std::move(items)}});
}

Response MemoryApiServer::create(const std::string& collection, const Request& request) {
  json object = json::parse(request.body);
  const std::string path = collection + "/" + object["metadata"].value("name", "");
  if (objects_.contains(path)) return refuse_with(409, "AlreadyExists", path + " already exists");
  store(path, std::move(object), "ADDED");
  return respond(201, objects_[path]);
}

Response MemoryApiServer::patch(const std::string& path, const std::string& subresource, const Request& request) {
  json body = json::parse(request.body);
  const bool apply = request.content_type.starts_with("application/apply-patch");
  const auto found = objects_.find(path);
  if (found == objects_.end() && !apply) return refuse_with(404, "NotFound", path + " not found");
  json object = found == objects_.end() ? json::object() : found->second;
  const bool steps = request.content_type.starts_with("application/json-patch");
  if (steps != body.is_array()) return refuse_with(400, "BadRequest", "error decoding patch: not what its type says");
  if (steps) {
    try {
      object = object.patch(body);
    } catch (const json::exception& failed) {
      return refuse_with(422, "Invalid", failed.what());
    }
    if (object["metadata"]["resourceVersion"] != found->second["metadata"]["resourceVersion"]) {
      return refuse_with(409, "Conflict", "the object has been modified");
    }
    store(path, std::move(object), "MODIFIED");
    return respond(200, objects_[path]);
  }
  const json wanted = body.value("/metadata/resourceVersion"_json_pointer, json(nullptr));
  if (!wanted.is_null() && wanted != object["metadata"]["resourceVersion"]) {
    return refuse_with(409, "Conflict", "the object has been modified");
  }
  if (wanted.is_null() && found != objects_.end()) unconditional_writes_.push_back(path);
  if (apply) {
    json& data = body["data"];
    for (const std::string& key : applied_keys_[path]) {
      if (!data.contains(key)) data[key] = nullptr;
    }
    applied_keys_[path].clear();
    for (const auto& [key, value] : data.items()) {
      if (!value.is_null()) applied_keys_[path].push_back(key);
    }
  }
  if (subresource == "status") {
    body = json{{"status", body.value("status", json::object())}};
  } else if (!apply) {
    body.erase("status");
  }
  object.merge_patch(body);
  store(path, std::move(object), found == objects_.end() ? "ADDED" : "MODIFIED");
  return respond(200, objects_.contains(path) ? objects_[path] : body);
}

Response MemoryApiServer::remove(const std::string& path, const Request& request) {
  const auto found = objects_.find(path);
  if (found == objects_.end()) return refuse_with(404, "NotFound", path + " not found");
  const json options = request.body.empty() ? json::object() : json::parse(request.body);
  for (const char* field : {"uid", "resourceVersion"}) {
    const json wanted = options.value("preconditions", json::object()).value(field, json(nullptr));
    if (!wanted.is_null() && wanted != found->second["metadata"][field]) {
      return refuse_with(409, "Conflict", "precondition failed");
    }
  }
  mark_deleted(path);
  return respond(200, {{"kind", "Status"}, {"status", "Success"}});
}

Response MemoryApiServer::answer_to(const Request& request) {
  const std::string path = path_of(request);
  if (const auto it = answers_.find(path); it != answers_.end()) return it->second;
  if (refused_ && refused_(request)) return refuse_with(refusal_, "Forbidden", "refused by the test");
  const auto place = place_of(path);
  if (!place) return refuse_with(404, "NotFound", path + " not found");
  if (request.method != Method::Get) writes_.push_back(std::string(kube::to_string(request.method)) + " " + path);
  switch (request.method) {
    case Method::Get:
      if (place->name.empty()) return list(place->collection, request);
      return objects_.contains(place->object()) ? respond(200, objects_[place->object()])
                                                : refuse_with(404, "NotFound", path + " not found");
    case Method::Post:
      return create(place->collection, request);
    case Method::Patch:
      return patch(place->object(), place->subresource, request);
    case Method::Delete:
      return remove(place->object(), request);
    case Method::Put:
      break;
  }
  return refuse_with(405, "MethodNotAllowed", path);
}

std::optional<Error> MemoryApiServer::outage(std::unique_lock<std::mutex>& lock, const Request& request,
                                             const std::stop_token& stop) {
  if (down_) return Error{ErrorCode::Unavailable, "connection refused", 0, {}};
  if (!hanging_) return std::nullopt;
  const bool over = changed_.wait_for(lock, stop, request.timeout, [this] { return !hanging_; });
  if (stop.stop_requested()) return Error{ErrorCode::Cancelled, "stopped", 0, {}};
  if (!over) return Error{ErrorCode::Timeout, "no answer in time", 0, {}};
  return std::nullopt;
}

Result<Response> MemoryApiServer::send(const Request& request, std::stop_token stop) {
  std::unique_lock lock(mutex_);
  if (auto error = outage(lock, request, stop)) return *error;
  Response response = answer_to(request);
  changed_.notify_all();
  return response;
}

Result<std::unique_ptr<kube::Stream>> MemoryApiServer::open_stream(const Request& request, std::stop_token stop) {
  std::unique_lock lock(mutex_);
  if (auto error = outage(lock, request, stop)) return *error;
  const std::int64_t after = std::stoll(query_value(request, "resourceVersion").value_or("0"));
  const auto next = std::ranges::find_if(changes_, [&](const Change& change) { return change.version > after; });
  return std::unique_ptr<kube::Stream>(std::make_unique<WatchStream>(
      shared_from_this(), request, static_cast<std::size_t>(next - changes_.begin()), std::move(stop)));
}

}  // namespace headroom::testing
