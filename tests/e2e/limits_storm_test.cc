// Many writers at once against a count and a sum, three webhooks, one of which dies meanwhile; an independent watcher
// adds up what is stored at every revision.
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <latch>
#include <map>
#include <mutex>
#include <random>
#include <thread>

#include "operator/kube/cpprest_transport.h"
#include "operator/runtime/watch_event.h"
#include "tests/e2e/limits_home.h"

namespace headroom::e2e {
namespace {

using nlohmann::json;

constexpr char kStorm[] = "storm";
constexpr std::int64_t kHardCount = 150, kHardSize = 6000;
constexpr int kWriters = 32, kOperations = 120;  ///< operations of each writer
constexpr int kRushes = 20, kPlaces = 5;

std::int64_t revision_of(const json& object) {
  std::int64_t revision = 0;
  EXPECT_TRUE(absl::SimpleAtoi(object.at("metadata").at("resourceVersion").get<std::string>(), &revision));
  return revision;
}

std::unique_ptr<kube::Client> new_client(const kube::ClientLimits& limits) {
  return std::make_unique<kube::Client>(kube::make_transport(limits_home().config()).value(), limits, 1);
}

/// What is stored of one namespace, at each revision.
class Watcher {
 public:
  struct Use {
    std::int64_t count = 0, size = 0;
  };

  Watcher() : client_(new_client({})) {
    kube::ListOptions options;
    const auto page = client_->list(kArtifact, kStorm, options, {});
    EXPECT_TRUE(page && page.value().items.empty());
    std::int64_t at = 0;
    EXPECT_TRUE(absl::SimpleAtoi(page.value().resource_version, &at));
    history_[at] = {};
    thread_ =
        std::jthread([this, from = page.value().resource_version](const std::stop_token& stop) { run(from, stop); });
  }

  /// The largest use at any revision from `from` on to `to`, as far as it has been seen.
  Use most_between(std::int64_t from, std::int64_t to) {
    std::lock_guard lock(mutex_);
    auto it = history_.upper_bound(from);
    if (it != history_.begin()) --it;
    Use most;
    for (; it != history_.end() && it->first <= to; ++it) {
      most.count = std::max(most.count, it->second.count);
      most.size = std::max(most.size, it->second.size);
    }
    return most;
  }
  Use most() {
    std::lock_guard lock(mutex_);
    Use most;
    for (const auto& [revision, use] : history_) {
      most.count = std::max(most.count, use.count);
      most.size = std::max(most.size, use.size);
    }
    return most;
  }
  Use now() {
    std::lock_guard lock(mutex_);
    return history_.rbegin()->second;
  }
  std::size_t revisions() {
    std::lock_guard lock(mutex_);
    return history_.size();
  }

 private:
  void run(std::string from, const std::stop_token& stop) {
    Use use;
    std::map<std::string, std::int64_t> sizes;
    while (!stop.stop_requested()) {
      kube::WatchOptions options;
      options.resource_version = from;
      auto stream = client_->watch(kArtifact, kStorm, options, stop);
      if (!stream) continue;
      while (true) {
        auto line = stream.value()->read_line(std::chrono::seconds(300));
        if (!line || !line.value()) break;
        if (line.value()->empty()) continue;
        const auto event = runtime::decode_watch_event(*line.value());
        ASSERT_TRUE(event) << event.error().message;
        const auto* const applied = std::get_if<runtime::ObjectApplied>(&event.value());
        const auto* const deleted = std::get_if<runtime::ObjectDeleted>(&event.value());
        if (applied == nullptr && deleted == nullptr) continue;
        const json& object = applied != nullptr ? applied->object : deleted->object;
        const std::string name = object.at("metadata").at("name");
        const auto known = sizes.find(name);
        if (known != sizes.end()) {
          use.size -= known->second;
          --use.count;
          sizes.erase(known);
        }
        if (applied != nullptr) {
          const std::int64_t size = object.at("spec").at("size");
          sizes.emplace(name, size);
          use.size += size;
          ++use.count;
        }
        from = object.at("metadata").at("resourceVersion");
        std::lock_guard lock(mutex_);
        history_[revision_of(object)] = use;
      }
    }
  }

  const std::unique_ptr<kube::Client> client_;
  std::mutex mutex_;
  std::map<std::int64_t, Use> history_;
  std::jthread thread_;
};

/// What the writers met.
struct Tally {
  std::atomic<int> landed{0}, over_limit{0}, in_flight{0}, unavailable{0}, lost{0}, other{0}, false_denials{0};

  std::string to_string() const {
    return absl::StrCat(landed.load(), " landed, ", over_limit.load(), " over the limit, ", in_flight.load(),
                        " in flight, ", unavailable.load(), " unavailable, ", lost.load(), " lost, ", other.load(),
                        " other, ", false_denials.load(), " false denials");
  }
};

class Storm {
 public:
  explicit Storm(Watcher& watcher) : watcher_(watcher), client_(new_client(impatient())) {}

  static kube::ClientLimits impatient() {
    kube::ClientLimits limits;
    limits.retry_for = std::chrono::milliseconds(0);
    return limits;
  }

  void write(int writer, int operations) {
    std::mt19937 random(static_cast<unsigned>(writer));
    std::vector<std::pair<std::string, std::int64_t>> mine;
    for (int i = 0; i < operations; ++i) {
      const unsigned what = random() % 100;
      if (what < 50 || mine.empty()) {
        const std::string name = absl::StrCat("w", writer, "-", i);
        const std::int64_t size = 1 + random() % 100;
        if (ask(1, size, [&] { return client_->create(kArtifact, artifact(kStorm, name, size), {}); })) {
          mine.emplace_back(name, size);
        }
      } else if (what < 75) {
        auto& [name, size] = mine[random() % mine.size()];
        const std::int64_t wanted = 1 + random() % 100;
        const json patch = {{"spec", {{"size", wanted}}}};
        if (ask(0, std::max<std::int64_t>(wanted - size, 0), [&, &key = name] {
              return client_->patch(kArtifact, {kStorm, key}, kube::PatchType::Merge, patch, {});
            })) {
          size = wanted;
        }
      } else {
        const std::size_t place = random() % mine.size();
        if (client_->remove(kArtifact, {kStorm, mine[place].first}, {}, {})) {
          ++tally.landed;
          mine.erase(mine.begin() + static_cast<std::ptrdiff_t>(place));
        }
      }
    }
  }

  /// Creates objects of no size until the limit is reached, however long that takes.
  void fill(int writer) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    for (int i = 0; std::chrono::steady_clock::now() < until; ++i) {
      const auto created = client_->create(kArtifact, artifact(kStorm, absl::StrCat("f", writer, "-", i), 0), {});
      if (!created && created.error().http_status == 403) return;
    }
    ADD_FAILURE() << "the limit was never reached";
  }

  /// Creates one object at the same moment as all other writers, whatever becomes of it.
  void rush(int round, int writer) {
    const auto created = client_->create(kArtifact, artifact(kStorm, absl::StrCat("r", round, "-", writer), 0), {});
    if (created) {
      ++tally.landed;
      std::lock_guard lock(mutex_);
      rushed_.push_back(created.value().at("metadata").at("name"));
    }
  }
  /// Makes room for the next rush, from what the former ones stored.
  void make_room(std::size_t most) {
    for (; most > 0 && !rushed_.empty(); --most, rushed_.pop_back()) {
      ASSERT_TRUE(client_->remove(kArtifact, {kStorm, rushed_.back()}, {}, {}));
    }
  }

  Tally tally;

 private:
  bool ask(std::int64_t count, std::int64_t size, const std::function<Result<json>()>& write) {
    const std::int64_t before = newest_;
    const Result<json> result = write();
    if (result) {
      ++tally.landed;
      const std::int64_t revision = revision_of(result.value());
      std::int64_t newest = newest_;
      while (newest < revision && !newest_.compare_exchange_weak(newest, revision)) {
      }
      return true;
    }
    switch (result.error().http_status) {
      case 403:
        ++tally.over_limit;
        check_denial(before, count, size, result.error().message);
        break;
      case 429:
        ++tally.in_flight;
        break;
      case 503:
        ++tally.unavailable;
        break;
      case 0:
      case 500:
        ++tally.lost;
        break;
      default:
        ++tally.other;
        ADD_FAILURE() << result.error().message;
    }
    return false;
  }

  /// At some moment since the question, what was stored left no room. The watcher may still have to hear of it.
  void check_denial(std::int64_t before, std::int64_t count, std::int64_t size, const std::string& message) {
    kube::ListOptions newest;
    newest.limit = 1;
    newest.metadata_only = true;
    const auto page = client_->list(kArtifact, kStorm, newest, {});
    std::int64_t until = 0;
    if (!page || !absl::SimpleAtoi(page.value().resource_version, &until)) return;
    const bool counted = absl::StrContains(message, "over count");
    const auto was_full = [&] {
      const Watcher::Use most = watcher_.most_between(before, until);
      return counted ? most.count + count > kHardCount : most.size + size > kHardSize;
    };
    if (eventually(5, was_full)) return;
    ++tally.false_denials;
    const Watcher::Use most = watcher_.most_between(before, until);
    ADD_FAILURE() << "it fitted all the time: at most " << most.count << " objects of " << most.size
                  << " were stored; asked " << count << " of " << size << "; " << message;
  }

  Watcher& watcher_;
  const std::unique_ptr<kube::Client> client_;
  std::atomic<std::int64_t> newest_{0};
  std::mutex mutex_;
  std::vector<std::string> rushed_;
};

void run_all(const std::function<void(int)>& writer) {
  std::vector<std::jthread> threads;
  threads.reserve(kWriters);
  for (int i = 0; i < kWriters; ++i) threads.emplace_back([&writer, i] { writer(i); });
}

TEST(LimitsInAStorm, are_never_exceeded_and_never_refuse_what_fits) {
  Cluster& home = limits_home();
  limit_namespace(kStorm, {scale_limit(kStorm, "artifacts", {{"count", kHardCount}}),
                           scale_limit(kStorm, "size", {{"sums", {sum(kHardSize)}}})});
  Webhooks webhooks(home, 3, limits_arguments());
  ASSERT_TRUE(in_force(webhooks, 3, kStorm, {"artifacts", "size"}));
  Watcher watcher;
  Storm storm(watcher);
  std::jthread disturber([&] {
    ASSERT_TRUE(eventually(60, [&] { return storm.tally.landed > kWriters * kOperations / 6; }));
    webhooks.replica(1).kill_now();
    ASSERT_TRUE(eventually(60, [&] { return storm.tally.landed > kWriters * kOperations / 3; }));
    webhooks.restart(1);
    EXPECT_TRUE(webhooks.wait_ready(30));
  });
  const auto began = std::chrono::steady_clock::now();
  run_all([&](int writer) { storm.write(writer, kOperations); });
  disturber.join();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  std::cerr << storm.tally.to_string() << " in " << seconds << " s; " << watcher.revisions() << " revisions\n";
  EXPECT_GT(storm.tally.landed, kWriters * kOperations / 4);
  EXPECT_GT(storm.tally.over_limit, 0);

  // Few places, and all writers at once: whoever admits by what is stored alone lets too many through.
  for (int round = 0; round < kRushes; ++round) {
    storm.make_room(kPlaces);
    std::latch together(kWriters);
    run_all([&](int writer) {
      together.arrive_and_wait();
      storm.rush(round, writer);
    });
  }
  EXPECT_LE(watcher.most().count, kHardCount);

  run_all([&](int writer) { storm.fill(writer); });
  EXPECT_TRUE(eventually(20, [&] { return watcher.now().count == kHardCount; })) << watcher.now().count;
  EXPECT_EQ(watcher.most().count, kHardCount);
  EXPECT_LE(watcher.most().size, kHardSize);
}

}  // namespace
}  // namespace headroom::e2e
