#include "operator/controllers/calendar_watch.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <thread>
#include <utility>

#include "operator/base/deadline.h"
#include "operator/base/log.h"
#include "operator/base/random_seed.h"
#include "operator/base/time_zone.h"
#include "operator/controllers/calendar_copy.h"
#include "operator/controllers/calendar_users.h"
#include "operator/controllers/field_path.h"
#include "operator/monitoring/region_patience.h"
#include "operator/runtime/reflector.h"

namespace headroom::controllers {
namespace {

using Events = std::vector<plan::CalendarEvent>;
using Texts = std::map<std::string, std::string>;

/// Copies that could not be written, and calendars whose window has moved on, are looked at this often.
constexpr std::chrono::seconds kRound{60};
/// Recurring events are expanded over this window around now, and anew every day. A schedule looks 60 days back and 400
/// ahead; the rest leaves room for phases that reach far from their day.
constexpr int kDaysBack = 460, kDaysAhead = 860;
constexpr absl::Duration kParseAge = absl::Hours(24);
constexpr int kMostDates = 2'000;
/// A source that cannot be watched for this long counts as gone, and the copy is used.
constexpr std::chrono::seconds kSourcePatience{3};

Result<Texts> texts_from_json(const nlohmann::json& config_map) {
  Texts texts;
  const auto data = config_map.find("data");
  if (data == config_map.end() || !data->is_object()) return texts;
  for (const auto& [key, value] : data->items()) {
    if (value.is_string()) texts[key] = value.get<std::string>();
  }
  return texts;
}

/// One ConfigMap and its watch.
struct Source {
  std::shared_ptr<runtime::Store<Texts>> store = std::make_shared<runtime::Store<Texts>>();
  std::unique_ptr<runtime::Reflector> reflector;
  SteadyTime opened;
};

struct Question {
  CalendarSourceKey source;
  std::string summary, zone;  ///< zone: of floating times; empty where the schedules disagree
  auto operator<=>(const Question&) const = default;
};

struct Entry {
  CalendarSource::Answer answer;
  bool answered = false;
  SteadyTime asked_for;
  std::shared_ptr<const Texts> parsed_from;  ///< the source's content that was last looked at
  absl::Time parsed_at = absl::InfinitePast();
};

/// What is known of the kept copy of a source.
struct CopyState {
  bool looked = false;
  std::optional<CalendarCopy> stored;
  std::string stored_version;          ///< of its ConfigMap, readable or not; empty while there is none
  std::optional<CalendarCopy> wanted;  ///< not written yet
};

}  // namespace

struct CalendarWatch::Impl {
  Impl(World& world_in, std::function<void()> changed_in, CalendarWatchLimits limits_in)
      : world(world_in), changed(std::move(changed_in)), limits(limits_in) {}

  World& world;
  const std::function<void()> changed;
  const CalendarWatchLimits limits;

  std::mutex mutex;
  std::condition_variable_any wake, answered;
  std::map<std::pair<std::string, std::string>, std::shared_ptr<Source>> sources;  // guarded by mutex, as all below
  std::map<Question, Entry> entries;
  bool dirty = false, stopped = false;
  std::mt19937_64 random{random_seed()};

  std::map<CalendarSourceKey, CopyState> copies;  // the thread's own
  std::jthread thread;

  bool watch(const Question& question);
  void touch() {
    const std::lock_guard lock(mutex);
    dirty = true;
    wake.notify_all();
  }
  void run(const std::stop_token& stop);
  void round(const std::stop_token& stop);
  void look(const Question& question, const std::stop_token& stop);
  void settle(const Question& question, const std::function<void(Entry&)>& change);
  Result<std::shared_ptr<const Events>> parse(const Question& question, const std::string& text) const;
  const CopyState& look_for_copy(const CalendarSourceKey& source, const std::stop_token& stop);
  void keep_copies(const std::stop_token& stop);
  /// Conflict or NotFound: the copy is not as it was when last looked at.
  Status keep_copy(const CalendarSourceKey& source, CopyState& state, const CalendarCopy& copy,
                   const std::stop_token& stop);
  void forget_unused();
};

bool CalendarWatch::Impl::watch(const Question& question) {
  const std::pair key(question.source.ns, question.source.config_map);
  if (sources.contains(key)) return true;
  if (sources.size() >= limits.config_maps || entries.size() >= limits.calendars) return false;
  auto source = std::make_shared<Source>();
  source->opened = world.clock.steady_now();
  runtime::ReflectorOptions options;
  options.type = kube::types::kConfigMap;
  options.ns = question.source.ns;
  options.field_selector = absl::StrCat("metadata.name=", question.source.config_map);
  source->reflector = std::make_unique<runtime::Reflector>(
      world.home, std::move(options), runtime::store_sink<Texts>(source->store, texts_from_json),
      [this](const api::ObjectKey&) { touch(); }, world.clock, random());
  source->reflector->start();
  sources.emplace(key, std::move(source));
  return true;
}

Result<std::shared_ptr<const Events>> CalendarWatch::Impl::parse(const Question& question,
                                                                 const std::string& text) const {
  const absl::CivilDay today = absl::ToCivilDay(world.clock.wall_now(), absl::UTCTimeZone());
  plan::CalendarBounds bounds;
  bounds.recurrence.from = today - kDaysBack;
  bounds.recurrence.to = today + kDaysAhead;
  bounds.recurrence.max_dates = kMostDates;
  const plan::ZoneLoader zones = [&](const std::string& name) -> Result<absl::TimeZone> {
    if (!name.empty()) return load_time_zone(name);
    if (!question.zone.empty()) return load_time_zone(question.zone);
    return invalid(
        "it has times of day without a zone, and the schedules that use it are in different zones: give the "
        "events a TZID");
  };
  BOOST_OUTCOME_TRY(events, plan::parse_calendar(text, question.summary, bounds, zones));
  return std::make_shared<const Events>(std::move(events));
}

const CopyState& CalendarWatch::Impl::look_for_copy(const CalendarSourceKey& source, const std::stop_token& stop) {
  CopyState& state = copies[source];
  if (state.looked) return state;
  const Deadline deadline(monitoring::kRegionPatience, stop);
  const auto found =
      world.home->get(kube::types::kConfigMap, {source.ns, calendar_copy_name(source)}, deadline.token());
  state.stored_version.clear();
  if (found) {
    state.stored_version = version_of(found.value());
    auto copy = calendar_copy_from_json(source, found.value());
    if (copy) {
      state.stored = std::move(copy.value());
    } else {
      log::warning("the kept copy of a calendar is unreadable", {{"error", copy.error().message}});
    }
    state.looked = true;
  } else {
    state.looked = found.error().code == ErrorCode::NotFound;
    // Somebody removed it: it is kept anew.
    if (state.looked && state.stored && !state.wanted) state.wanted = std::exchange(state.stored, std::nullopt);
  }
  return state;
}

void CalendarWatch::Impl::settle(const Question& question, const std::function<void(Entry&)>& change) {
  bool news = false;
  {
    const std::lock_guard lock(mutex);
    const auto it = entries.find(question);
    if (it == entries.end()) return;
    Entry& entry = it->second;
    const CalendarSource::Answer before = entry.answer;
    const bool first = !entry.answered;
    change(entry);
    entry.answered = true;
    const bool same_events = before.events == entry.answer.events ||
                             (before.events && entry.answer.events && *before.events == *entry.answer.events);
    // Whoever compares pointers need not plan anew for equal events.
    if (same_events && before.events) entry.answer.events = before.events;
    news = first || !same_events || before.problem != entry.answer.problem;
    answered.notify_all();
  }
  if (news && changed) changed();
}

void CalendarWatch::Impl::look(const Question& question, const std::stop_token& stop) {
  std::shared_ptr<Source> source;
  Entry now_known;
  {
    const std::lock_guard lock(mutex);
    const auto found = sources.find({question.source.ns, question.source.config_map});
    if (found == sources.end()) return;
    source = found->second;
    const auto entry = entries.find(question);
    if (entry == entries.end()) return;
    now_known = entry->second;
  }
  const absl::Time now = world.clock.wall_now();
  const auto texts = source->store->get({question.source.ns, question.source.config_map});
  const bool synced = source->store->synced();
  if (!synced && world.clock.steady_now() - source->opened < kSourcePatience) return;
  const bool stale_parse = now - now_known.parsed_at > kParseAge;
  if (now_known.answered && now_known.parsed_from == texts && !stale_parse && (synced || now_known.answer.events))
    return;

  std::string problem;
  if (texts && texts->contains(question.source.key)) {
    const std::string& text = texts->at(question.source.key);
    auto events = parse(question, text);
    if (events) {
      copies[question.source].wanted = CalendarCopy{text, now};
      return settle(question, [&](Entry& entry) {
        entry.answer = {std::move(events.value()), now, {}};
        entry.parsed_from = texts;
        entry.parsed_at = now;
      });
    }
    problem = absl::StrCat(question.source.to_string(), ": ", events.error().message);
  } else if (texts) {
    std::vector<std::string> keys;
    for (const auto& [key, text] : *texts) keys.push_back(key);
    problem = absl::StrCat(question.source.to_string(), " is missing; the ConfigMap has: ", absl::StrJoin(keys, ", "),
                           "; add it, or correct calendarRef.key");
  } else if (synced) {
    problem = absl::StrCat(question.source.to_string(),
                           ": the ConfigMap does not exist; create it, or correct calendarRef.configMap");
  } else {
    const std::string error = source->reflector->health().last_error;
    problem = absl::StrCat(question.source.to_string(), ": ", error.empty() ? "the API server does not answer" : error);
  }

  std::shared_ptr<const Events> kept = now_known.answer.events;
  std::optional<absl::Time> read = now_known.answer.read;
  const CopyState& copy = look_for_copy(question.source, stop);
  // Events of the last good text are expanded anew from the copy when their window has moved on.
  if (copy.stored && (!kept || stale_parse)) {
    auto events = parse(question, copy.stored->text);
    if (events) {
      kept = std::move(events.value());
      read = copy.stored->read;
    }
  }
  if (kept && read) {
    problem += absl::StrCat("; the copy read at ", absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", *read, absl::UTCTimeZone()),
                            " stays in use");
  }
  settle(question, [&](Entry& entry) {
    entry.answer = {kept, read, problem};
    entry.parsed_from = texts;
    entry.parsed_at = now;
  });
}

void CalendarWatch::Impl::keep_copies(const std::stop_token& stop) {
  const auto schedules = world.schedules->list();
  for (auto& [source, state] : copies) {
    if (stop.stop_requested()) return;
    look_for_copy(source, stop);
    const std::optional<CalendarCopy>& base = state.wanted ? state.wanted : state.stored;
    if (!state.looked || !base) continue;
    CalendarCopy copy = *base;
    copy.owners = owners_of_copy(schedules, source);
    if (copy.owners.empty()) continue;  // the last schedule is going, and the copy with it
    Status kept = keep_copy(source, state, copy, stop);
    if (!kept && (kept.error().code == ErrorCode::Conflict || kept.error().code == ErrorCode::NotFound)) {
      state.looked = false;  // somebody else wrote or removed it
      look_for_copy(source, stop);
      kept = keep_copy(source, state, copy, stop);
    }
    if (!kept && kept.error().code != ErrorCode::Cancelled) {
      state.looked = false;
      log::warning("the copy of a calendar could not be kept; trying again in a minute",
                   {{"source", source.to_string()}, {"error", kept.error().message}});
    }
  }
}

Status CalendarWatch::Impl::keep_copy(const CalendarSourceKey& source, CopyState& state, const CalendarCopy& copy,
                                      const std::stop_token& stop) {
  const auto uids = [](const CalendarCopy& of) {
    std::set<std::string> all;
    for (const api::OwnerReference& owner : of.owners) all.insert(owner.uid);
    return all;
  };
  if (state.stored && state.stored->text == copy.text && uids(*state.stored) == uids(copy)) {
    state.wanted.reset();
    return ok();
  }
  const Deadline deadline(monitoring::kRegionPatience, stop);
  nlohmann::json config_map = to_config_map(source, copy);
  if (!state.stored_version.empty()) config_map["metadata"]["resourceVersion"] = state.stored_version;
  const auto written =
      world.home->patch(kube::types::kConfigMap, {source.ns, calendar_copy_name(source)}, kube::PatchType::Apply,
                        config_map, deadline.token(), {.force = true, .subresource = {}});
  if (!written) return deadline.judge(written.error());
  state.stored = copy;
  state.stored_version = version_of(written.value());
  state.wanted.reset();
  return ok();
}

void CalendarWatch::Impl::forget_unused() {
  std::vector<std::shared_ptr<Source>> unused;
  std::set<CalendarSourceKey> used;
  {
    const std::lock_guard lock(mutex);
    const SteadyTime now = world.clock.steady_now();
    std::erase_if(entries, [&](const auto& entry) { return now - entry.second.asked_for > limits.forget_after; });
    std::set<std::pair<std::string, std::string>> watched;
    for (const auto& [question, entry] : entries) {
      used.insert(question.source);
      watched.emplace(question.source.ns, question.source.config_map);
    }
    for (auto it = sources.begin(); it != sources.end();) {
      if (watched.contains(it->first)) {
        ++it;
      } else {
        unused.push_back(std::move(it->second));
        it = sources.erase(it);
      }
    }
  }
  std::erase_if(copies, [&](const auto& copy) { return !used.contains(copy.first); });
  // Reflectors end here, outside of the lock that their callbacks take.
}

void CalendarWatch::Impl::round(const std::stop_token& stop) {
  std::vector<Question> questions;
  {
    const std::lock_guard lock(mutex);
    for (const auto& [question, entry] : entries) questions.push_back(question);
  }
  for (const Question& question : questions) {
    if (!stop.stop_requested()) look(question, stop);
  }
  keep_copies(stop);
  forget_unused();
}

void CalendarWatch::Impl::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    bool waiting = false;
    {
      const std::lock_guard lock(mutex);
      dirty = false;
    }
    round(stop);
    std::unique_lock lock(mutex);
    waiting = std::ranges::any_of(entries, [](const auto& entry) { return !entry.second.answered; });
    const std::chrono::milliseconds pause = waiting ? std::chrono::milliseconds(50) : kRound;
    wake.wait_for(lock, stop, pause, [this] { return dirty; });
  }
}

CalendarWatch::CalendarWatch(World& world, std::function<void()> changed, CalendarWatchLimits limits)
    : impl_(std::make_unique<Impl>(world, std::move(changed), limits)) {
  impl_->thread = std::jthread([impl = impl_.get()](const std::stop_token& stop) { impl->run(stop); });
}

CalendarWatch::~CalendarWatch() { stop(); }

CalendarSource::Answer CalendarWatch::events(const std::string& ns, const api::Occurrence::CalendarRef& ref) {
  Question question{{ns, ref.config_map, ref.key}, ref.summary, {}};
  question.zone = zone_of_users(impl_->world.schedules->list(), question.source, ref.summary);
  std::unique_lock lock(impl_->mutex);
  if (impl_->stopped) return {nullptr, std::nullopt, "the operator is stopping"};
  auto it = impl_->entries.find(question);
  if (it == impl_->entries.end()) {
    if (!impl_->watch(question)) {
      return {nullptr, std::nullopt,
              absl::StrCat("more than ", impl_->limits.config_maps, " ConfigMaps or ", impl_->limits.calendars,
                           " calendars are in use: put calendars together")};
    }
    it = impl_->entries.emplace(question, Entry{}).first;
    it->second.asked_for = impl_->world.clock.steady_now();
    impl_->dirty = true;
    impl_->wake.notify_all();
    impl_->answered.wait_for(lock, impl_->limits.first_answer, [&] {
      it = impl_->entries.find(question);
      return it == impl_->entries.end() || it->second.answered || impl_->stopped;
    });
    if (it == impl_->entries.end()) return {};
  }
  it->second.asked_for = impl_->world.clock.steady_now();
  if (!it->second.answered) {
    return {nullptr, std::nullopt, absl::StrCat("waiting for ", question.source.to_string())};
  }
  return it->second.answer;
}

void CalendarWatch::stop() {
  std::map<std::pair<std::string, std::string>, std::shared_ptr<Source>> sources;
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopped = true;
    impl_->answered.notify_all();
  }
  if (impl_->thread.joinable()) {
    impl_->thread.request_stop();
    impl_->thread.join();
  }
  const std::unique_lock lock(impl_->mutex);
  sources.swap(impl_->sources);
}

}  // namespace headroom::controllers
