// Lists of a type while they are being fetched, page by page, and what the watch brings meanwhile. Plain values.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "operator/limits/limit_set.h"

namespace headroom::webhook {

/// One object and what it counts.
struct CountedObject {
  limits::ListedObject object;
  limits::Memberships memberships;
};

/// An event of a watch.
struct StoredChange {
  CountedObject counted;  ///< of a deletion: without memberships
  bool deleted = false;
  std::vector<limits::LimitId> limits;  ///< of a deletion: those that could have counted it
};

/// A list under way. Made by Engine::begin_list(); add() is for the thread that fetches it.
class TypeList {
 public:
  TypeList(limits::TypeId type, std::uint64_t edition, std::shared_ptr<const limits::LimitSet> set,
           limits::Revision known)
      : type_(type), edition_(edition), limits_(std::move(set)), known_(known) {}

  /// What a long list took goes back to the system.
  ~TypeList();
  TypeList(const TypeList&) = delete;
  TypeList& operator=(const TypeList&) = delete;

  limits::TypeId type() const { return type_; }
  void add(const nlohmann::json& object);

 private:
  friend class Engine;

  const limits::TypeId type_;
  const std::uint64_t edition_;  ///< of the limits that it is counted by
  const std::shared_ptr<const limits::LimitSet> limits_;
  const limits::Revision known_;  ///< when it began
  std::vector<CountedObject> objects_;
  /// What the watch brought since it began: those beyond its revision are not in it.
  std::vector<StoredChange> meanwhile_;
};

/// An object as a list or an event shows it.
CountedObject count_object(const limits::LimitSet& limits, limits::TypeId type, const nlohmann::json& object);

}  // namespace headroom::webhook
