#include "webhook/app/cluster_io.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "operator/base/log.h"
#include "operator/limits/ledger_record.h"
#include "operator/runtime/watch_event.h"
#include "webhook/app/lease_life.h"
#include "webhook/app/ledger_codec.h"
#include "webhook/app/moment.h"

namespace headroom::webhook {
namespace {

using limits::SwapOutcome;
using nlohmann::json;

constexpr std::chrono::seconds kDeadline{5};
// The API server sends a bookmark two seconds before the end of a watch; a shorter one would have none.
constexpr std::chrono::seconds kShortWatch{3};
constexpr int kPageSize = 5000;

Result<limits::LedgerRecord> decoded(const json& object, const limits::CompiledLimit& limit) {
  BOOST_OUTCOME_TRY(ledger, api::limit_ledger_from_json(object));
  return read_ledger(ledger, limit);
}

/// Whether the record had moved on.
bool has_moved_on(const Error& error) {
  return error.code == ErrorCode::Conflict || error.code == ErrorCode::AlreadyExists;
}

/// Whether nothing was written, and never will be.
bool is_refusal(const Error& error) { return has_moved_on(error) || error.code == ErrorCode::Unprocessable; }

}  // namespace

kube::ClientLimits ledger_client_limits() {
  kube::ClientLimits limits;
  limits.request_timeout = kDeadline;
  limits.retry_for = std::chrono::milliseconds(0);
  return limits;
}

ClusterIo::ClusterIo(std::shared_ptr<kube::Client> client, std::string ns, int threads, std::uint64_t seed)
    : client_(std::move(client)), ns_(std::move(ns)), threads_(threads), random_(seed) {}

ClusterIo::~ClusterIo() { stop(); }

void ClusterIo::start(Engine& engine, ReplicaLeases& replicas) {
  engine_ = &engine;
  replicas_ = &replicas;
  for (int i = 0; i < threads_; ++i) workers_.emplace_back([this](const std::stop_token& stop) { work(stop); });
}

void ClusterIo::stop() {
  for (std::jthread& worker : workers_) worker.request_stop();
  workers_.clear();
}

void ClusterIo::run(Task task) {
  std::lock_guard lock(mutex_);
  tasks_.push_back(std::move(task));
  changed_.notify_one();
}

void ClusterIo::work(const std::stop_token& stop) {
  while (true) {
    Task task;
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [this] { return !tasks_.empty(); }) || stop.stop_requested()) return;
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    std::visit([&](const auto& one) { perform(one, stop); }, task);
  }
}

void ClusterIo::pause(const std::stop_token& stop) {
  constexpr std::int64_t kLeast = 100, kMost = 300;
  std::unique_lock lock(mutex_);
  const std::chrono::milliseconds delay(std::uniform_int_distribution<std::int64_t>(kLeast, kMost)(random_));
  const auto until = std::chrono::steady_clock::now() + delay;
  changed_.wait_until(lock, stop, until, [] { return false; });
}

void ClusterIo::perform(const SwapTask& task, const std::stop_token& stop) {
  const limits::CompiledLimit& limit = *task.limit;
  const LedgerPart part = part_of(limit, task.ledger);
  const std::string name = ledger_name_of(limit, part);
  const api::LedgerRecord record = written_ledger(task.swap.record, limit, part);
  const std::string& condition = task.swap.record.resource_version;
  Result<json> stored = condition.empty() ? client_->create(kube::types::kLimitLedger,
                                                            {{"apiVersion", kube::types::kLimitLedger.api_version()},
                                                             {"kind", kube::types::kLimitLedger.kind},
                                                             {"metadata", {{"namespace", ns_}, {"name", name}}},
                                                             {"record", api::to_json(record)}},
                                                            stop)
                                          : client_->patch(kube::types::kLimitLedger, {ns_, name},
                                                           kube::PatchType::Json, swap_patch(condition, record), stop);
  if (stop.stop_requested()) return;
  if (!stored) {
    const bool refused = is_refusal(stored.error());
    if (!has_moved_on(stored.error())) {
      log::warning("a swap of a ledger failed", {{"ledger", name}, {"error", stored.error().message}});
      pause(stop);
    }
    return engine_->swapped(task, refused ? SwapOutcome::Refused : SwapOutcome::Lost, std::nullopt);
  }
  Result<limits::LedgerRecord> now = decoded(stored.value(), limit);
  if (!now) {
    log::error("a ledger cannot be read", {{"ledger", name}, {"error", now.error().message}});
    pause(stop);
    return engine_->swapped(task, SwapOutcome::Lost, std::nullopt);
  }
  engine_->swapped(task, SwapOutcome::Landed, std::move(now).value());
}

void ClusterIo::perform(const ReadLedgerTask& task, const std::stop_token& stop) {
  const std::string name = ledger_name_of(*task.limit, part_of(*task.limit, task.ledger));
  const Result<json> stored = client_->get(kube::types::kLimitLedger, {ns_, name}, stop);
  if (stop.stop_requested()) return;
  if (!stored && stored.error().code == ErrorCode::NotFound) {
    return engine_->ledger_read(task, limits::LedgerRecord{});
  }
  Result<limits::LedgerRecord> record =
      stored ? decoded(stored.value(), *task.limit) : Result<limits::LedgerRecord>(stored.error());
  if (record) return engine_->ledger_read(task, std::move(record).value());
  log::warning("a ledger cannot be read", {{"ledger", name}, {"error", record.error().message}});
  pause(stop);
  engine_->ledger_read(task, std::nullopt);
}

void ClusterIo::perform(const ReadRevisionTask& task, const std::stop_token& stop) {
  kube::ListOptions options;
  options.limit = 1;
  options.metadata_only = true;
  const Result<kube::ListPage> page = client_->list(task.type.type, "", options, stop);
  if (stop.stop_requested()) return;
  const limits::Revision revision = page ? limits::parse_revision(page.value().resource_version) : 0;
  if (revision > 0) return engine_->revision_read(task, revision);
  pause(stop);
  engine_->revision_read(task, std::nullopt);
}

Result<limits::Revision> ClusterIo::list(const WatchedType& type, TypeList& into, const std::stop_token& stop) {
  kube::ListOptions options;
  options.limit = kPageSize;
  options.metadata_only = !type.bodies;
  limits::Revision revision = 0;
  do {
    BOOST_OUTCOME_TRY(page, client_->list(type.type, "", options, stop));
    for (json& object : page.items) {
      into.add(object);
      object = nullptr;
    }
    if (revision == 0) revision = limits::parse_revision(page.resource_version);
    options.continue_token = std::move(page.continue_token);
  } while (!options.continue_token.empty());
  return revision;
}

bool ClusterIo::catch_up(const ListTask& task, const std::stop_token& stop) {
  kube::WatchOptions options;
  options.resource_version = std::to_string(task.after);
  options.timeout = kShortWatch;
  options.metadata_only = !task.type.bodies;
  const auto stream = client_->watch(task.type.type, "", options, stop);
  if (!stream) return false;
  const TypeSource source{task.type.id, task.type.bodies};
  while (!stop.stop_requested()) {
    const auto line = stream.value()->read_line(kShortWatch + kDeadline);
    if (!line || !line.value()) return false;
    if (line.value()->empty()) continue;
    const auto event = runtime::decode_watch_event(*line.value());
    if (!event) return false;
    if (const auto* const applied = std::get_if<runtime::ObjectApplied>(&event.value())) {
      engine_->applied(source, applied->object);
    } else if (const auto* const deleted = std::get_if<runtime::ObjectDeleted>(&event.value())) {
      engine_->deleted(source, deleted->object);
    } else if (const auto* const bookmark = std::get_if<runtime::Bookmark>(&event.value())) {
      engine_->progress(source, limits::parse_revision(bookmark->at));
      return true;
    } else {
      return false;
    }
  }
  return false;
}

void ClusterIo::perform(const ListTask& task, const std::stop_token& stop) {
  if (task.after > 0 && catch_up(task, stop)) return engine_->list_ended(task);
  if (stop.stop_requested()) return;
  const std::shared_ptr<TypeList> into = engine_->begin_list({task.type.id, task.type.bodies});
  const Result<limits::Revision> revision = list(task.type, *into, stop);
  if (stop.stop_requested()) return;
  if (revision) {
    engine_->commit_list(*into, revision.value());
  } else {
    log::warning("a list failed and will be tried again",
                 {{"resource", task.type.type.to_string()}, {"error", revision.error().message}});
    engine_->abandon_list(*into);
    pause(stop);
  }
  engine_->list_ended(task);
}

void ClusterIo::perform(const ReadNameTask& task, const std::stop_token& stop) {
  if (machine_moment().boot >= task.until) return;
  // Its metadata alone, by a list of one name: the smallest consistent answer.
  kube::ListOptions options;
  options.metadata_only = true;
  options.limit = 1;
  options.field_selector = "metadata.name=" + task.name.name;
  const Result<kube::ListPage> page = client_->list(task.type.type, task.name.ns, options, stop);
  if (stop.stop_requested()) return;
  engine_->name_read(task, page ? std::optional(!page.value().items.empty()) : std::nullopt);
}

void ClusterIo::perform(const ReadHolderTask& task, const std::stop_token& stop) {
  const Result<json> lease = client_->get(kube::types::kLease, {ns_, task.holder.name}, stop);
  if (stop.stop_requested()) return;
  // Without a Lease, or with one of a later life, nobody renews this one any more.
  if (!lease && lease.error().code == ErrorCode::NotFound) return engine_->holder_read(task, false);
  if (!lease) return engine_->holder_read(task, std::nullopt);
  const bool unheard = replicas_->saw(lease.value());
  engine_->holder_read(task, unheard && lease_state(lease.value()).holder == task.holder);
}

}  // namespace headroom::webhook
