// A World for tests: the home cluster in memory, a clock moved by hand, events kept in a list.
#pragma once

#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "operator/controllers/world.h"
#include "tests/support/civil.h"
#include "tests/support/memory_api_server.h"

namespace headroom::controllers {

/// Keeps what was recorded. Thread-safe.
class EventList final : public runtime::EventRecorder {
 public:
  void record(const runtime::EventSubject& subject, const runtime::EventText& text) override {
    const std::lock_guard lock(mutex_);
    events_.emplace_back(subject, text);
  }
  /// Reasons of events about objects of this name, oldest first.
  std::vector<std::string> reasons(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> all;
    for (const auto& [subject, text] : events_) {
      if (subject.key.name == name) all.push_back(text.reason);
    }
    return all;
  }
  std::string note(const std::string& reason) const {
    const std::lock_guard lock(mutex_);
    for (const auto& [subject, text] : events_) {
      if (text.reason == reason) return text.note;
    }
    return {};
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::pair<runtime::EventSubject, runtime::EventText>> events_;
};

/// One attempt a request, so that a failure shows at once.
inline std::shared_ptr<kube::Client> client_of(const std::shared_ptr<testing::MemoryApiServer>& server) {
  kube::ClientLimits limits;
  limits.retry_for = std::chrono::milliseconds(0);
  return std::make_shared<kube::Client>(server, limits, 1);
}

/// Not copyable: the World refers to what stands beside it.
struct TestWorld {
  OperatorOptions options;
  FakeClock clock{testing_support::ist("2026-11-01")};
  runtime::Metrics metrics;
  EventList events;
  std::shared_ptr<testing::MemoryApiServer> server = testing::MemoryApiServer::make();
  std::unique_ptr<World> world =
      std::unique_ptr<World>(new World{.options = options,
                                       .clock = clock,
                                       .home = client_of(server),
                                       .metrics = metrics,
                                       .events = events,
                                       .regions = std::make_shared<runtime::Store<api::Region>>(),
                                       .targets = std::make_shared<runtime::Store<api::ScaleTarget>>(),
                                       .schedules = std::make_shared<runtime::Store<api::FestivalSchedule>>()});

  TestWorld() { server->answer("/version", 200, R"({"gitVersion":"v1.36.3"})"); }

  /// As the operator's own watches would bring them in.
  void load(const api::Region& region) {
    world->regions->apply(region.meta.key(), region.meta.resource_version, std::make_shared<const api::Region>(region));
  }
  void load(const api::FestivalSchedule& schedule) {
    world->schedules->apply(schedule.meta.key(), schedule.meta.resource_version,
                            std::make_shared<const api::FestivalSchedule>(schedule));
  }
  void load(const api::ScaleTarget& target) {
    world->targets->apply(target.meta.key(), target.meta.resource_version,
                          std::make_shared<const api::ScaleTarget>(target));
  }
};

inline std::string config_map_path(const std::string& ns, const std::string& name) {
  return "/api/v1/namespaces/" + ns + "/configmaps/" + name;
}
inline std::string secret_path(const std::string& ns, const std::string& name) {
  return "/api/v1/namespaces/" + ns + "/secrets/" + name;
}

}  // namespace headroom::controllers
