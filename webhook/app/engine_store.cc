// What is stored, as lists and watches tell it.
#include "webhook/app/engine.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "operator/base/log.h"
#include "operator/limits/stored_object.h"

namespace headroom::webhook {
namespace {

using limits::Revision;
using limits::TypeId;

// A list that takes longer than so many events is begun anew.
constexpr std::size_t kMostMeanwhile = 200'000;

// From so many objects on, a list takes longer than the API server needs to say that nothing has changed.
constexpr std::size_t kLongList = 2'000;

}  // namespace

void Engine::ask_to_catch_up(TypeId id, Type& type, Aftermath& aftermath) {
  const Revision revision = usage_.revision(id);
  const bool known = revision > 0 && type.listed >= type.needs && !type.list_again;
  if (!known || usage_.stored(id) < kLongList) return ask_for_list(type, aftermath);
  if (type.listing) return;
  type.listing = true;
  aftermath.tasks.emplace_back(ListTask{type.watched, revision});
}

void Engine::ask_for_list(Type& type, Aftermath& aftermath) {
  if (type.listing) {
    type.list_again = true;
    return;
  }
  type.listing = true;
  type.list_again = false;
  type.asked = now_().boot;
  aftermath.tasks.emplace_back(ListTask{type.watched});
}

std::shared_ptr<TypeList> Engine::begin_list(TypeSource source) {
  std::lock_guard lock(mutex_);
  const TypeId id = source.type;
  const auto type = types_.find(id);
  const bool blind = type != types_.end() && type->second.watched.bodies && !source.bodies;
  auto list = std::make_shared<TypeList>(id, blind ? 0 : edition_, limits_, usage_.revision(id));
  if (type != types_.end()) {
    std::erase_if(type->second.lists, [](const auto& one) { return one.expired(); });
    type->second.lists.push_back(list);
  }
  return list;
}

void Engine::abandon_list(TypeList& list) {
  std::lock_guard lock(mutex_);
  const auto type = types_.find(list.type());
  if (type != types_.end()) {
    std::erase_if(type->second.lists, [&](const auto& one) { return one.expired() || one.lock().get() == &list; });
  }
}

void Engine::saw(TypeId type, const limits::Uid& uid, Revision version, bool deleted) {
  escrow_.seen(type, uid, version, deleted);
  if (!watched_flow_.empty()) watched_flow_.seen(type, uid, version, deleted);
}

void Engine::commit_list(TypeList& list, Revision revision) {
  const TypeId id = list.type();
  with_escrow([&] {
    const auto found = types_.find(id);
    if (found == types_.end()) return;
    Type& type = found->second;
    const limits::Moment now = now_();
    const bool went_back = revision < list.known_;
    if (went_back) {
      log::warning("the store shows an earlier revision than before: it was restored",
                   {{"resource", type.watched.type.to_string()},
                    {"revision", std::to_string(revision)},
                    {"before", std::to_string(list.known_)}});
      forget_type(id, type);
      list.meanwhile_.clear();
    }
    type.came = true;
    const bool current = list.edition_ >= type.needs && list.meanwhile_.size() < kMostMeanwhile;
    if (!current) type.list_again = true;
    std::vector<limits::Uid> gone;
    if (current && revision >= type.newest) {
      usage_.begin_list(id);
      for (const CountedObject& one : list.objects_) usage_.listed(id, one.object, one.memberships);
      gone = usage_.commit_list(id, revision);
      type.newest = revision;
      type.listed = std::max(type.listed, list.edition_);
      for (const StoredChange& change : list.meanwhile_) {
        if (change.counted.object.version <= revision) continue;
        if (change.deleted) {
          usage_.deleted(id, change.counted.object, change.limits);
        } else {
          usage_.applied(id, change.counted.object, change.counted.memberships);
          std::erase(gone, change.counted.object.uid);
        }
      }
    }
    for (const CountedObject& one : list.objects_) saw(id, one.object.uid, one.object.version, false);
    for (const limits::Uid& uid : gone) saw(id, uid, revision, true);
    escrow_.cache_moved(id, now);
    std::erase_if(type.lists, [&](const auto& one) { return one.expired() || one.lock().get() == &list; });
  });
}

void Engine::list_ended(const ListTask& task) {
  std::lock_guard lock(mutex_);
  const auto type = types_.find(task.type.id);
  if (type != types_.end()) type->second.listing = false;
}

void Engine::take_change(TypeSource source, StoredChange change) {
  with_escrow([&] {
    const TypeId id = source.type;
    const auto found = types_.find(id);
    if (found == types_.end()) return;
    Type& type = found->second;
    const limits::ListedObject& object = change.counted.object;
    // A list may have been ahead of the watch; writes that came and went before it have their end here.
    const bool blind = type.watched.bodies && !source.bodies;
    if (!blind && object.version > usage_.revision(id)) {
      if (change.deleted) {
        usage_.deleted(id, object, change.limits);
      } else {
        usage_.applied(id, object, change.counted.memberships);
      }
    }
    saw(id, object.uid, object.version, change.deleted);
    escrow_.cache_moved(id, now_());
    if (blind) return;
    for (const auto& weak : type.lists) {
      const auto list = weak.lock();
      if (list && list->meanwhile_.size() < kMostMeanwhile) list->meanwhile_.push_back(change);
    }
  });
}

void Engine::applied(TypeSource source, const nlohmann::json& object) {
  const auto set = limits();
  take_change(source, {count_object(*set, source.type, object), false, {}});
}

void Engine::deleted(TypeSource source, const nlohmann::json& object) {
  const auto set = limits();
  const limits::StoredObject view(object);
  StoredChange change{count_object(*set, source.type, object), true,
                      set->candidates(source.type, set->namespace_of(source.type, view))};
  change.counted.memberships.clear();
  take_change(source, std::move(change));
}

void Engine::progress(TypeSource source, Revision revision) {
  with_escrow([&] {
    const auto type = types_.find(source.type);
    if (type == types_.end() || (type->second.watched.bodies && !source.bodies)) return;
    usage_.progress(source.type, revision);
    escrow_.cache_moved(source.type, now_());
  });
}

std::optional<std::vector<TypeId>> Engine::unlisted_types() const {
  std::lock_guard lock(mutex_);
  if (!limits_) return std::nullopt;
  std::vector<TypeId> unlisted;
  for (const auto& [id, type] : types_) {
    if (type.listed == 0 || type.listed < type.needs) unlisted.push_back(id);
  }
  return unlisted;
}

void Engine::revision_read(const ReadRevisionTask& task, std::optional<Revision> revision) {
  Aftermath aftermath;
  {
    std::lock_guard lock(mutex_);
    const TypeId id = task.type.id;
    const auto type = types_.find(id);
    if (type != types_.end() && revision && *revision < task.known) {
      forget_type(id, type->second);
      ask_for_list(type->second, aftermath);
    } else {
      escrow_.consistent_read(id, revision, now_());
    }
    Aftermath more = take_actions();
    for (Task& one : aftermath.tasks) more.tasks.push_back(std::move(one));
    aftermath = std::move(more);
  }
  finish(std::move(aftermath));
}

void Engine::forget_type(TypeId id, Type& type) {
  escrow_.went_back(id, now_());
  usage_.lost(id);
  type.newest = 0;
}

void Engine::store_went_back() {
  Aftermath aftermath;
  {
    std::lock_guard lock(mutex_);
    escrow_.store_went_back(now_());
    for (auto& [id, type] : types_) {
      forget_type(id, type);
      ask_for_list(type, aftermath);
    }
  }
  finish(std::move(aftermath));
}

}  // namespace headroom::webhook
