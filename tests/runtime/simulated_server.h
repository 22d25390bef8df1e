// An API server's lists and watches in memory, with everything that goes wrong: compaction, expired continue tokens,
// streams that end at any time, failing requests. Deterministic; no threads.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "operator/runtime/watch_machine.h"
#include "tests/runtime/objects.h"

namespace headroom::runtime {

class SimulatedServer {
 public:
  explicit SimulatedServer(std::uint64_t seed) : random_(seed) { snapshots_[0] = {}; }

  struct Page {
    std::vector<nlohmann::json> items;
    PageArrived arrived;
  };

  // --- what happens to the objects ---

  void mutate() {
    const std::string name = "o" + std::to_string(random_() % 12);
    ++revision_;
    std::map<std::string, int>& now = snapshots_[revision_] = snapshots_[revision_ - 1];
    if (now.contains(name) && random_() % 3 == 0) {
      now.erase(name);
      history_.push_back({revision_, "DELETED", name});
    } else {
      history_.push_back({revision_, now.contains(name) ? "MODIFIED" : "ADDED", name});
      now[name] = revision_;
    }
  }
  void compact() { compacted_ = revision_; }
  const std::map<std::string, int>& objects() const { return snapshots_.at(revision_); }

  // --- what clients see; versions are opaque and sort differently from what they mean ---

  static std::string version_of(int revision) {
    return std::to_string((static_cast<unsigned>(revision) * 2'654'435'761U) ^ 0x5bd1e995U) + "/" +
           std::to_string(revision);
  }

  /// Empty: 410, the token's revision is compacted.
  std::optional<Page> list(const FetchPage& fetch, int page_size) const {
    int revision = revision_;
    std::string after;
    if (!fetch.continue_token.empty()) {
      const std::size_t bar = fetch.continue_token.find('|');
      revision = std::stoi(fetch.continue_token.substr(0, bar));
      after = fetch.continue_token.substr(bar + 1);
      if (revision < compacted_) return std::nullopt;
    }
    Page page;
    page.arrived.at = version_of(revision);
    for (const auto& [name, changed] : snapshots_.at(revision)) {
      if (!after.empty() && name <= after) continue;
      if (!fetch.unpaged && static_cast<int>(page.items.size()) == page_size) {
        page.arrived.continue_token =
            std::to_string(revision) + "|" + page.items.back()["metadata"]["name"].get<std::string>();
        break;
      }
      page.items.push_back(thing_object(name, version_of(changed), changed));
    }
    return page;
  }

  /// False: the version is compacted.
  bool can_watch(const ResourceVersion& from) const { return revision_in(from) >= compacted_; }

  struct Event {
    std::string type;
    nlohmann::json object;
  };
  /// The first event after `from`; empty when there is none yet.
  std::optional<Event> next_event(const ResourceVersion& from) const {
    const int seen = revision_in(from);
    for (const Change& change : history_) {
      if (change.revision > seen) {
        return Event{change.type, thing_object(change.name, version_of(change.revision), change.revision)};
      }
    }
    return std::nullopt;
  }
  ResourceVersion version() const { return version_of(revision_); }

 private:
  struct Change {
    int revision;
    std::string type, name;
  };
  static int revision_in(const ResourceVersion& version) { return std::stoi(version.substr(version.find('/') + 1)); }

  mutable std::mt19937_64 random_;
  int revision_ = 0, compacted_ = 0;
  std::map<int, std::map<std::string, int>> snapshots_;
  std::vector<Change> history_;
};

}  // namespace headroom::runtime
