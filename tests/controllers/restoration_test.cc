// The promise that everything is put back exactly, over random histories: sizes, crashes between writes, slow
// workloads, lost statuses. After each history the plan is inactive, and the object must read as it did before.
#include <gtest/gtest.h>

#include <random>

#include "tests/controllers/simulated_objects.h"

namespace headroom::controllers {
namespace {

using api::EngineType;

const absl::Time kStart = absl::FromUnixSeconds(1'793'808'000);

struct Engine {
  const char* what;
  api::ScaleTarget target;
  nlohmann::json object, workload;  ///< workload null: the object itself
};

std::vector<Engine> engines() {
  std::vector<Engine> all;
  const auto deployment = a_deployment("web", 10);
  all.push_back({"HPA", a_target("web", EngineType::HorizontalPodAutoscaler, "web"),
                 an_autoscaler("web-hpa", "web", 10, 50), deployment});
  all.push_back({"ScaledObject", a_target("web", EngineType::ScaledObject, "web"),
                 a_scaled_object("web-so", "web", 10, 50), deployment});
  all.push_back({"ScaledObject without bounds", a_target("web", EngineType::ScaledObject, "web"),
                 a_scaled_object("web-so", "web", std::nullopt, std::nullopt), deployment});
  all.push_back({"Scale", a_target("web", EngineType::Scale, "web"), deployment, nullptr});
  all.push_back({"Field", a_database_target("orders", EngineType::Field, "orders"), a_database("orders", 3), nullptr});
  all.push_back(
      {"database", a_database_target("orders", EngineType::Scale, "orders"), a_database("orders", 3), nullptr});
  return all;
}

class History {
 public:
  History(const Engine& engine, std::uint32_t seed) : target_(engine.target), random_(seed) {
    kind_ = engine.object["kind"];
    name_ = engine.object["metadata"]["name"];
    options_.allowed_fields = {{"postgresql.cnpg.io", "clusters", ".spec.instances"}};
    const bool field = target_.spec.engine.type == EngineType::Field;
    cluster_.kinds["Cluster"] = database_kind(field ? ".spec.instances" : "");
    cluster_.add(engine.object);
    if (!engine.workload.is_null()) cluster_.add(engine.workload);
    before_ = cluster_.face(kind_, name_);
    originals_ = originals_of(target_, cluster_.view(target_, options_));
    original_ = cluster_.view(target_, options_).size.now;
  }

  void run() {
    for (int i = pick(3, 25); i > 0; --i) {
      now_ += absl::Seconds(pick(0, 4000));
      move_workload(pick(0, 3) == 0 ? 100 : pick(1, 5));
      plan::Decision decision = no_decision(originals_.min);
      if (pick(0, 5) != 0) {
        const int size = pick(std::max(originals_.min, 1), 100);
        const bool bounded = cluster_.view(target_, options_).size.now.max || kind_ == "ScaledObject";
        const int max = !bounded ? size : size >= originals_.max ? 150 : originals_.max;
        decision = a_decision(originals_.min, size, max);
      }
      reconcile(decision, /*may_die=*/pick(0, 2) == 0);
      if (pick(0, 9) == 0) target_.status = {};  // a new process, before the status was stored
      ASSERT_EQ(cluster_.view(target_, options_).ownership.original, original_) << "after " << i;
    }
  }

  /// Reconciles without a festival until it is settled, and thrice more, which must write nothing.
  void end() {
    for (int settled = 0, rounds = 0; settled < 3; ++rounds) {
      ASSERT_LT(rounds, 500) << "never settles";
      now_ += absl::Minutes(1);
      move_workload(100);
      const EngineView view = cluster_.view(target_, options_);
      const bool done = converge(target_, view, no_decision(originals_.min), now_, options_).settled;
      const std::size_t writes = reconcile(no_decision(originals_.min), false);
      settled = done ? settled + 1 : 0;
      ASSERT_EQ(done ? writes : 0, 0U);
    }
  }
  std::string after() const { return cluster_.face(kind_, name_); }
  const std::string& before() const { return before_; }

 private:
  int pick(int low, int high) { return std::uniform_int_distribution(low, high)(random_); }

  std::size_t reconcile(const plan::Decision& decision, bool may_die) {
    const EngineView view = cluster_.view(target_, options_);
    const Convergence result = converge(target_, view, decision, now_, options_);
    const std::size_t most = may_die ? static_cast<std::size_t>(pick(0, 1)) : SIZE_MAX;
    EXPECT_TRUE(cluster_.apply(result.writes, most));
    if (most < result.writes.size()) return result.writes.size();
    target_.status.contest = result.contest;
    target_.status.in_force = result.in_force ? result.in_force->min : std::nullopt;
    target_.status.bounds_max = result.in_force ? result.in_force->max : std::nullopt;
    return result.writes.size();
  }

  /// At most `most` replicas nearer to what is asked for.
  void move_workload(int most) {
    const Size asked = cluster_.view(target_, options_).size.now;
    const bool autoscaled = kind_ != target_.spec.target_ref.kind;
    auto& workload = cluster_.at(target_.spec.target_ref.kind, target_.spec.target_ref.name);
    const bool database = target_.spec.target_ref.kind == "Cluster";
    int there = workload["status"][database ? "instances" : "replicas"];
    const int low = asked.min.value_or(0), high = autoscaled ? asked.max.value_or(100) : low;
    const int goal = std::clamp(there, low, high);
    there += std::clamp(goal - there, -most, most);
    workload["status"][database ? "instances" : "replicas"] = there;
    workload["status"][database ? "readyInstances" : "readyReplicas"] = std::max(0, there - pick(0, 1));
    if (most >= 100) workload["status"][database ? "readyInstances" : "readyReplicas"] = there;
  }

  SimulatedObjects cluster_;
  api::ScaleTarget target_;
  std::mt19937 random_;
  OperatorOptions options_;
  absl::Time now_ = kStart;
  std::string kind_, name_, before_;
  api::Originals originals_;
  Size original_;
};

TEST(Restoration, is_exact_after_any_history) {
  for (const Engine& engine : engines()) {
    for (std::uint32_t seed = 0; seed < 15; ++seed) {
      History history(engine, seed);
      history.run();
      history.end();
      ASSERT_EQ(history.after(), history.before()) << engine.what << ", seed " << seed;
    }
  }
}

}  // namespace
}  // namespace headroom::controllers
