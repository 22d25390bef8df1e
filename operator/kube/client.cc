#include "operator/kube/client.h"

#include <utility>

#include "operator/kube/discovery.h"
#include "operator/kube/request_runner.h"
#include "operator/kube/status_error.h"
#include "operator/kube/url.h"

namespace headroom::kube {

namespace {

using nlohmann::json;

constexpr char kPartialObjects[] = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
constexpr char kPartialObject[] = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";

Status check_segment(const ResourceType& type, const char* field, const std::string& value) {
  // As a path, an empty name would mean the whole collection and ".." its parent.
  if (value.empty()) return invalid(type.to_string() + " needs a " + field + ", got an empty one");
  if (value == "." || value == "..")
    return invalid(type.to_string() + " cannot have the " + field + " \"" + value + "\"");
  return ok();
}

Status check_namespace(const ResourceType& type, const std::string& ns) {
  return type.namespaced ? check_segment(type, "namespace", ns) : ok();
}

Status check_key(const ResourceType& type, const api::ObjectKey& key) {
  BOOST_OUTCOME_TRYV(check_segment(type, "name", key.name));
  return check_namespace(type, key.ns);
}

std::string text_of(const json& object, const char* field) {
  if (!object.is_object()) return {};
  const auto it = object.find(field);
  return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

const json& metadata_of(const json& object) {
  static const json kNone = json::object();
  if (!object.is_object()) return kNone;
  const auto it = object.find("metadata");
  return it != object.end() && it->is_object() ? *it : kNone;
}

api::ObjectKey key_of(const json& object) {
  const json& metadata = metadata_of(object);
  return {text_of(metadata, "namespace"), text_of(metadata, "name")};
}

// Text that is not UTF-8 (a label from another system) is replaced rather than thrown about.
std::string dump(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

Result<json> parse(const Response& response, const std::string& path) {
  json object = json::parse(response.body, nullptr, false);
  if (!object.is_object()) {
    return Error{ErrorCode::Internal,
                 path + " answered " + std::to_string(response.status) + " with what is no JSON object: \"" +
                     excerpt(response.body) + "\"; is this address an API server?",
                 response.status,
                 {}};
  }
  return object;
}

Query write_query(const WriteOptions& options) {
  Query query;
  query.add("fieldManager", options.field_manager.empty() ? api::kFieldManager : options.field_manager);
  if (options.dry_run) query.add("dryRun", "All");
  return query;
}

}  // namespace

struct Client::Impl {
  RequestRunner runner;
  Discovery discovery;

  Result<json> read(Request request, const std::stop_token& stop) {
    const std::string path = request.path;
    BOOST_OUTCOME_TRY(response, runner.run(std::move(request), Purpose::Read, stop));
    return parse(response, path);
  }

  Result<json> write(Request request, const std::stop_token& stop) {
    const std::string path = request.path;
    BOOST_OUTCOME_TRY(response, runner.run(std::move(request), Purpose::Write, stop));
    return parse(response, path);
  }
};

Client::Client(std::shared_ptr<Transport> transport, ClientLimits limits, std::uint64_t seed,
               std::shared_ptr<Timing> timing)
    : impl_(new Impl{RequestRunner(std::move(transport), limits, seed, std::move(timing)), {}}) {}

Client::~Client() = default;

void Client::set_write_gate(WriteGate gate) { impl_->runner.set_write_gate(std::move(gate)); }

void Client::set_observer(RequestObserver observer) { impl_->runner.set_observer(std::move(observer)); }

Result<json> Client::get(const ResourceType& type, const api::ObjectKey& key, std::stop_token stop,
                         const std::string& subresource) {
  BOOST_OUTCOME_TRYV(check_key(type, key));
  Request request;
  request.path = object_path(type, key, subresource);
  return impl_->read(std::move(request), stop);
}

Result<ListPage> Client::list(const ResourceType& type, const std::string& ns, const ListOptions& options,
                              std::stop_token stop) {
  Query query;
  query.add("labelSelector", options.label_selector).add("fieldSelector", options.field_selector);
  if (options.limit > 0) query.add("limit", std::to_string(options.limit));
  if (options.continue_token.empty()) {
    query.add("resourceVersion", options.resource_version).add("resourceVersionMatch", options.resource_version_match);
  } else {
    query.add("continue", options.continue_token);
  }
  Request request;
  request.path = collection_path(type, ns) + query.to_string();
  if (options.metadata_only) request.accept = kPartialObjects;
  BOOST_OUTCOME_TRY(list, impl_->read(std::move(request), stop));

  const auto items = list.find("items");
  ListPage page;
  // A Go server writes an empty list as null.
  if (items != list.end() && items->is_array()) {
    page.items = std::move(items->get_ref<json::array_t&>());
  } else if (items == list.end() || !items->is_null()) {
    return Error{ErrorCode::Internal, "the list of " + type.to_string() + " has no items", 200, {}};
  }
  const json& metadata = metadata_of(list);
  page.resource_version = text_of(metadata, "resourceVersion");
  page.continue_token = text_of(metadata, "continue");
  if (const auto left = metadata.find("remainingItemCount"); left != metadata.end() && left->is_number_integer()) {
    page.remaining = left->get<std::int64_t>();
  }
  if (!options.metadata_only) {
    for (json& item : page.items) {
      if (!item.is_object()) continue;
      if (!item.contains("apiVersion")) item["apiVersion"] = type.api_version();
      if (!item.contains("kind")) item["kind"] = type.kind;
    }
  }
  return page;
}

Result<std::unique_ptr<Stream>> Client::watch(const ResourceType& type, const std::string& ns,
                                              const WatchOptions& options, std::stop_token stop) {
  Query query;
  query.add("watch", "1")
      .add("allowWatchBookmarks", "true")
      .add("timeoutSeconds", std::to_string(options.timeout.count()))
      .add("labelSelector", options.label_selector)
      .add("fieldSelector", options.field_selector)
      .add("resourceVersion", options.resource_version);
  Request request;
  request.path = collection_path(type, ns) + query.to_string();
  if (options.metadata_only) request.accept = kPartialObject;
  return impl_->runner.open(std::move(request), stop);
}

Result<json> Client::create(const ResourceType& type, const json& object, std::stop_token stop,
                            const WriteOptions& options) {
  const api::ObjectKey key = key_of(object);
  BOOST_OUTCOME_TRYV(check_namespace(type, key.ns));
  if (!options.subresource.empty()) {
    BOOST_OUTCOME_TRYV(check_key(type, key));
  }
  Request request;
  request.method = Method::Post;
  request.path =
      options.subresource.empty() ? collection_path(type, key.ns) : object_path(type, key, options.subresource);
  request.path += write_query(options).to_string();
  request.body = dump(object);
  request.content_type = "application/json";
  return impl_->write(std::move(request), stop);
}

Result<json> Client::patch(const ResourceType& type, const api::ObjectKey& key, PatchType patch_type, const json& patch,
                           std::stop_token stop, const WriteOptions& options) {
  BOOST_OUTCOME_TRYV(check_key(type, key));
  Request request;
  request.method = Method::Patch;
  Query query = write_query(options);
  switch (patch_type) {
    case PatchType::Merge:
      request.content_type = "application/merge-patch+json";
      break;
    case PatchType::Json:
      request.content_type = "application/json-patch+json";
      break;
    case PatchType::Apply:
      // The server knows this type by its YAML name alone; JSON is YAML.
      request.content_type = "application/apply-patch+yaml";
      if (options.force) query.add("force", "true");
      break;
  }
  request.path = object_path(type, key, options.subresource) + query.to_string();
  request.body = dump(patch);
  return impl_->write(std::move(request), stop);
}

Result<json> Client::update(const ResourceType& type, const json& object, std::stop_token stop,
                            const WriteOptions& options) {
  const api::ObjectKey key = key_of(object);
  BOOST_OUTCOME_TRYV(check_key(type, key));
  Request request;
  request.method = Method::Put;
  request.path = object_path(type, key, options.subresource) + write_query(options).to_string();
  request.body = dump(object);
  request.content_type = "application/json";
  return impl_->write(std::move(request), stop);
}

Status Client::remove(const ResourceType& type, const api::ObjectKey& key, const Preconditions& preconditions,
                      std::stop_token stop) {
  BOOST_OUTCOME_TRYV(check_key(type, key));
  json options{{"apiVersion", "v1"}, {"kind", "DeleteOptions"}};
  if (!preconditions.uid.empty()) options["preconditions"]["uid"] = preconditions.uid;
  if (!preconditions.resource_version.empty()) {
    options["preconditions"]["resourceVersion"] = preconditions.resource_version;
  }
  Request request;
  request.method = Method::Delete;
  request.path = object_path(type, key);
  request.body = dump(options);
  request.content_type = "application/json";
  Result<Response> response = impl_->runner.run(std::move(request), Purpose::Write, stop);
  if (response || response.error().code == ErrorCode::NotFound) return ok();
  return std::move(response).error();
}

Result<Response> Client::raw_get(const std::string& path, std::stop_token stop) {
  Request request;
  request.path = path;
  request.accept = "application/json, */*";
  return impl_->runner.run_once(std::move(request), stop);
}

Result<ResourceType> Client::resource_for(const std::string& api_version, const std::string& kind,
                                          std::stop_token stop) {
  return impl_->discovery.find(api_version, kind, impl_->runner.timing().now(), [&](const std::string& path) {
    Request request;
    request.path = path;
    return impl_->read(std::move(request), stop);
  });
}

}  // namespace headroom::kube
