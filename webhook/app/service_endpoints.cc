#include "webhook/app/service_endpoints.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "operator/base/log.h"

namespace headroom::webhook {
namespace {

using nlohmann::json;

const kube::ResourceType kEndpointSlice{"discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", true};
constexpr char kServiceLabel[] = "kubernetes.io/service-name";
// kube-proxy gathers changes for a second by default (--iptables-min-sync-period).
constexpr absl::Duration kSpreads = absl::Seconds(2);
constexpr int kPageSize = 100;

}  // namespace

bool has_ready_endpoint(const json& slice) {
  const auto endpoints = slice.find("endpoints");
  if (endpoints == slice.end() || !endpoints->is_array()) return false;
  return std::ranges::any_of(*endpoints, [](const json& endpoint) {
    const json::json_pointer ready("/conditions/ready");
    return endpoint.is_object() && (!endpoint.contains(ready) || endpoint[ready] != json(false));
  });
}

ServiceEndpoints::ServiceEndpoints(std::shared_ptr<kube::Reader> reader, std::string ns, std::string service)
    : reader_(std::move(reader)), ns_(std::move(ns)), service_(std::move(service)) {}

Result<bool> ServiceEndpoints::any_ready(const std::stop_token& stop) {
  kube::ListOptions options;
  options.label_selector = absl::StrCat(kServiceLabel, "=", service_);
  options.limit = kPageSize;
  do {
    BOOST_OUTCOME_TRY(page, reader_->list(kEndpointSlice, ns_, options, stop));
    if (std::ranges::any_of(page.items, has_ready_endpoint)) return true;
    options.continue_token = std::move(page.continue_token);
  } while (!options.continue_token.empty());
  return false;
}

Status ServiceEndpoints::reachable(limits::BootTime now, const std::stop_token& stop) {
  if (service_.empty()) return ok();
  const Result<bool> ready = any_ready(stop);
  if (!ready && ready.error().code == ErrorCode::Forbidden) {
    log::warning("whether API servers can reach the webhook is not known: allow it to list EndpointSlices",
                 {{"error", ready.error().message}});
    return ok();
  }
  if (!ready) return ready.error();
  if (!ready.value()) {
    ready_since_.reset();
    return Error{ErrorCode::Unavailable,
                 absl::StrCat("Service ", ns_, "/", service_,
                              " has no ready endpoint yet; with the configuration every write that it selects would be "
                              "refused"),
                 0,
                 {}};
  }
  if (!ready_since_) ready_since_ = now;
  if (now < *ready_since_ + kSpreads) {
    return Error{ErrorCode::Unavailable,
                 absl::StrCat("Service ", ns_, "/", service_,
                              " has a ready endpoint since a moment only, which proxies may not know yet"),
                 0,
                 {}};
  }
  return ok();
}

}  // namespace headroom::webhook
