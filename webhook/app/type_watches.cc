#include "webhook/app/type_watches.h"

#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "operator/limits/ledger_record.h"

namespace headroom::webhook {
namespace {

/// Tells the engine what a reflector hears.
class EngineSink final : public runtime::ObjectSink {
 public:
  EngineSink(Engine& engine, TypeSource source) : engine_(engine), source_(source) {}

  void list_begins() override {
    list_ = engine_.begin_list(source_);
    revision_ = 0;
  }
  void list_is_at(const std::string& revision) override { revision_ = limits::parse_revision(revision); }
  void listed(const nlohmann::json& object) override { list_->add(object); }
  void discard_listed() override {
    if (list_) engine_.abandon_list(*list_);
    list_.reset();
  }
  std::vector<api::ObjectKey> commit_listed() override {
    engine_.commit_list(*list_, revision_);
    list_.reset();
    return {};
  }
  api::ObjectKey applied(const nlohmann::json& object) override {
    engine_.applied(source_, object);
    return {};
  }
  api::ObjectKey deleted(const nlohmann::json& object) override {
    engine_.deleted(source_, object);
    return {};
  }
  void progress(const std::string& revision) override { engine_.progress(source_, limits::parse_revision(revision)); }

 private:
  Engine& engine_;
  const TypeSource source_;
  std::shared_ptr<TypeList> list_;
  limits::Revision revision_ = 0;
};

}  // namespace

TypeWatches::TypeWatches(std::shared_ptr<kube::Reader> reader, Engine& engine, const Clock& clock, std::uint64_t seed)
    : reader_(std::move(reader)), engine_(engine), clock_(clock), seed_(seed) {}

TypeWatches::~TypeWatches() { stop(); }

void TypeWatches::watch(const std::vector<WatchedType>& types) {
  std::lock_guard lock(mutex_);
  std::map<limits::TypeId, Watch> kept;
  for (const WatchedType& type : types) {
    const auto known = watches_.find(type.id);
    if (known != watches_.end() && (known->second.bodies || !type.bodies)) {
      kept.emplace(type.id, std::move(known->second));
      watches_.erase(known);
    }
  }
  for (const auto& [id, former] : watches_) former.reflector->request_stop();
  watches_ = std::move(kept);  // joins the former ones: a type is never told of by two threads
  for (const WatchedType& type : types) {
    if (watches_.contains(type.id)) continue;
    runtime::ReflectorOptions options;
    options.type = type.type;
    options.metadata_only = !type.bodies;
    options.page_size = 500;
    auto reflector = std::make_unique<runtime::Reflector>(
        reader_, std::move(options), std::make_unique<EngineSink>(engine_, TypeSource{type.id, type.bodies}),
        [](const api::ObjectKey&) {}, clock_, ++seed_);
    reflector->start();
    watches_.emplace(type.id, Watch{type.bodies, type.type.to_string(), std::move(reflector)});
  }
}

std::map<limits::TypeId, std::string> TypeWatches::problems() const {
  return problems_where([](const runtime::ReflectorHealth& health) { return !health.last_error.empty(); });
}

std::map<limits::TypeId, std::string> TypeWatches::hopeless() const {
  const SteadyTime now = clock_.steady_now();
  return problems_where([now](const runtime::ReflectorHealth& health) { return health.hopeless(now); });
}

std::map<limits::TypeId, std::string> TypeWatches::problems_where(
    absl::FunctionRef<bool(const runtime::ReflectorHealth&)> chosen) const {
  std::map<limits::TypeId, std::string> problems;
  std::lock_guard lock(mutex_);
  for (const auto& [id, watch] : watches_) {
    runtime::ReflectorHealth health = watch.reflector->health();
    if (!health.synced && chosen(health)) problems.emplace(id, std::move(health.last_error));
  }
  return problems;
}

void TypeWatches::report(runtime::WatchHealths& healths) const {
  std::lock_guard lock(mutex_);
  for (const auto& [id, watch] : watches_) healths.add(watch.resource, watch.reflector->health());
}

void TypeWatches::begin_anew() {
  for (const auto& [id, watch] : watches_) watch.reflector->begin_anew();
}

void TypeWatches::stop() {
  std::lock_guard lock(mutex_);
  for (const auto& [id, watch] : watches_) watch.reflector->request_stop();
  watches_.clear();
}

}  // namespace headroom::webhook
