#include "webhook/app/ledger_sweep.h"

#include <absl/strings/str_cat.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "operator/base/log.h"
#include "webhook/app/ledger_codec.h"
#include "webhook/app/limit_watches.h"

namespace headroom::webhook {
namespace {

// Each costs two requests; the rest waits for the next sweep.
constexpr int kMostAtOnce = 100;

/// The ledger's name where it is named as it should be, and after which its limit is known; else empty.
std::string limit_ledger_name(const api::LimitLedger& ledger) {
  const api::LimitRef& limit = ledger.record.limit;
  std::string name = api::ledger_name(limit.kind, {limit.ns, limit.name});
  return ledger.meta.name == name || ledger.meta.name == flow_ledger_name(name) ? name : std::string();
}

}  // namespace

LedgerSweep::LedgerSweep(std::shared_ptr<kube::Client> client, std::string ns, absl::Duration grace)
    : client_(std::move(client)), ns_(std::move(ns)), grace_(grace) {}

Result<bool> LedgerSweep::has_limit(const api::LimitRef& limit, const std::stop_token& stop) {
  const auto found = client_->get(kube::types::limit_type(limit.kind), {limit.ns, limit.name}, stop);
  if (found) return true;
  if (found.error().code == ErrorCode::NotFound) return false;
  return found.error();
}

bool LedgerSweep::remove(const api::LimitLedger& ledger, const std::stop_token& stop) {
  log::info("deleting the ledger of a limit that is gone", {{"ledger", ledger.meta.name}});
  const Status removed = client_->remove(kube::types::kLimitLedger, ledger.meta.key(),
                                         {ledger.meta.uid, ledger.meta.resource_version}, stop);
  if (!removed) log::warning("it stays for now", {{"ledger", ledger.meta.name}, {"error", removed.error().message}});
  return removed.has_value();
}

bool LedgerSweep::sweep(const std::set<std::string>& known, limits::BootTime now, const std::stop_token& stop) {
  std::map<std::string, limits::BootTime> orphaned;
  int due = 0;
  kube::ListOptions page;
  do {
    const auto listed = client_->list(kube::types::kLimitLedger, ns_, page, stop);
    if (!listed) {
      log::warning("the ledgers cannot be listed", {{"error", listed.error().message}});
      return false;
    }
    for (const nlohmann::json& object : listed.value().items) {
      const auto ledger = api::limit_ledger_from_json(object);
      // What cannot be read, or is not named as it should be, is for people to look at.
      const std::string name = ledger ? limit_ledger_name(ledger.value()) : std::string();
      if (name.empty() || known.contains(name)) continue;
      const std::string version = absl::StrCat(ledger.value().meta.uid, "/", ledger.value().meta.resource_version);
      const auto before = orphaned_.find(version);
      const limits::BootTime since = before == orphaned_.end() ? now : before->second;
      if (since + grace_ > now || due == kMostAtOnce) {
        orphaned[version] = since;
        continue;
      }
      ++due;
      const auto there = has_limit(ledger.value().record.limit, stop);
      const bool done = there && (there.value() || remove(ledger.value(), stop));
      if (!done) orphaned[version] = since;
    }
    page.continue_token = listed.value().continue_token;
  } while (!page.continue_token.empty() && !stop.stop_requested());
  orphaned_ = std::move(orphaned);
  return due == 0 && orphaned_.empty();
}

}  // namespace headroom::webhook
