// Events (events.k8s.io/v1) about our objects. Repeats of one (object, reason, action, note) within a while become a
// series; the queue is bounded and overflow is counted: events are best effort and never the audit record.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "operator/api/object.h"
#include "operator/base/clock.h"
#include "operator/kube/client.h"
#include "operator/runtime/metrics.h"

namespace headroom::runtime {

/// The object that an event is about.
struct EventSubject {
  std::string api_version, kind;
  api::ObjectKey key;
  std::string uid;
  auto operator<=>(const EventSubject&) const = default;
};

/// Who tells of an event.
struct EventReporter {
  std::string controller;  ///< "headroom.dev/operator": the same for all processes of one program
  std::string instance;    ///< this process (the pod)
};

/// What happened to it.
struct EventText {
  enum class Type { Normal, Warning };
  Type type = Type::Normal;
  std::string reason;  ///< CamelCase
  std::string action;  ///< CamelCase, what was done: "Scale", "Restore"
  std::string note;    ///< cut at 1 kB
};

/// Where controllers put their events; ApiEventRecorder in the operator, a list in tests.
class EventRecorder {
 public:
  virtual ~EventRecorder() = default;
  /// Never blocks on the network; thread-safe.
  virtual void record(const EventSubject& subject, const EventText& text) = 0;
};

/// An event gives way to the writes that it tells of: sent beside a sweep over 1,000 objects, events cost that a fifth
/// of its rate (measured on two cores shared with the API server).
inline constexpr std::chrono::seconds kGiveWay{2};

/// Writes on a thread of its own through `writer`. Events about cluster-scoped objects go to namespace default.
/// `give_way`: see EventSeries. `clock` and `metrics` outlive the recorder.
/// Counts: headroom_events_total{written=event|series}, headroom_events_dropped_total{reason=overflow|failed}.
class ApiEventRecorder final : public EventRecorder {
 public:
  ApiEventRecorder(std::shared_ptr<kube::Writer> writer, EventReporter reporter, const Clock& clock, Metrics& metrics,
                   std::chrono::milliseconds give_way);
  ~ApiEventRecorder() override;
  void record(const EventSubject& subject, const EventText& text) override;
  /// Writes what waits, for `drain` at most; what is recorded from now on is dropped. Final.
  void stop(std::chrono::milliseconds drain);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace headroom::runtime
