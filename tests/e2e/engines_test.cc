// Every engine on a real API server, with definitions of KEDA and of a database operator, and one of a kind that has no
// /scale: two phases raise each object, and after them each is what it was, to the letter.
#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "tests/e2e/clusters.h"
#include "tests/e2e/operators.h"

namespace headroom::e2e {
namespace {

using nlohmann::json;

constexpr char kNamespace[] = "engines";
const kube::ResourceType kQueue{"broker.example.com", "v1", "queues", "Queue", true};
constexpr char kQueues[] = "queues.broker.example.com", kCount[] = ".spec.workers.count";

/// A size that only its owner's operator knows how to use.
constexpr char kQueueDefinition[] = R"(
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: queues.broker.example.com}
spec:
  group: broker.example.com
  scope: Namespaced
  names: {kind: Queue, listKind: QueueList, plural: queues, singular: queue}
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              properties:
                name: {type: string}
                workers:
                  type: object
                  properties:
                    count: {type: integer}
                    queueDepth: {type: integer}
)";

std::string workload(const std::string& kind, const std::string& name, int replicas) {
  return absl::StrCat("apiVersion: apps/v1\nkind: ", kind, "\nmetadata: {name: ", name, ", namespace: ", kNamespace,
                      ", labels: {app: ", name, "}}\nspec:\n  replicas: ", replicas,
                      kind == "StatefulSet" ? absl::StrCat("\n  serviceName: ", name) : "",
                      "\n  selector: {matchLabels: {app: ", name,
                      "}}\n  template:\n    metadata: {labels: {app: ", name,
                      "}}\n    spec: {containers: [{name: main, image: registry.k8s.io/pause:3.10}]}\n---\n");
}

constexpr char kOtherObjects[] = R"(
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: shop, namespace: engines}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: shop}
  minReplicas: 2
  maxReplicas: 10
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 60}}}]
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: mail, namespace: engines, annotations: {owner: team-mail}}
spec:
  scaleTargetRef: {name: mail}
  minReplicaCount: 2
  maxReplicaCount: 10
  cooldownPeriod: 120
  triggers: [{type: cron, metadata: {timezone: Asia/Kolkata, start: 0 9 * * *, end: 0 18 * * *, desiredReplicas: "5"}}]
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: batch, namespace: engines}
spec:
  scaleTargetRef: {name: batch}
  triggers: [{type: cron, metadata: {timezone: Asia/Kolkata, start: 0 9 * * *, end: 0 18 * * *, desiredReplicas: "5"}}]
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: paused, namespace: engines, annotations: {autoscaling.keda.sh/paused: "true"}}
spec:
  scaleTargetRef: {name: paused}
  minReplicaCount: 2
  triggers: [{type: cron, metadata: {timezone: Asia/Kolkata, start: 0 9 * * *, end: 0 18 * * *, desiredReplicas: "5"}}]
---
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: orders, namespace: engines}
spec: {instances: 2, storage: {size: 1Gi}}
---
apiVersion: broker.example.com/v1
kind: Queue
metadata: {name: jobs, namespace: engines}
spec: {name: jobs, workers: {count: 2, queueDepth: 500}}
---
apiVersion: broker.example.com/v1
kind: Queue
metadata: {name: idle, namespace: engines}
spec: {name: idle, workers: {queueDepth: 100}}
)";

/// Two hours at 7 and 12, for every target.
constexpr char kEvening[] = R"(
apiVersion: headroom.dev/v1alpha1
kind: FestivalSchedule
metadata: {name: evening, namespace: engines}
spec:
  timeZone: Asia/Kolkata
  occurrences: [{name: first, instant: "2026-11-08T18:00:00+05:30"}]
  phases:
    - {name: early, from: PT0S, to: PT1H, replicas: 7}
    - {name: peak, from: PT1H, to: PT2H, replicas: 12}
)";

std::string target(const std::string& name, const std::string& reference, const std::string& engine) {
  return absl::StrCat("apiVersion: headroom.dev/v1alpha1\nkind: ScaleTarget\nmetadata: {name: ", name,
                      ", namespace: ", kNamespace, "}\nspec:\n  targetRef: {", reference,
                      "}\n  replicas: {min: 1, max: 20}\n  engine: {", engine, "}\n---\n");
}

std::string targets() {
  const auto apps = [](const std::string& kind, const std::string& name) {
    return absl::StrCat("apiVersion: apps/v1, kind: ", kind, ", name: ", name);
  };
  const auto queue = [](const std::string& name) {
    return absl::StrCat("apiVersion: broker.example.com/v1, kind: Queue, name: ", name);
  };
  return target("web", apps("Deployment", "web"), "type: Scale") +
         target("store", apps("StatefulSet", "store"), "type: Scale") +
         target("shop", apps("Deployment", "shop"), "type: HorizontalPodAutoscaler") +
         target("mail", apps("Deployment", "mail"), "type: ScaledObject, scaledObject: {name: mail}") +
         target("batch", apps("Deployment", "batch"), "type: ScaledObject") +
         target("paused", apps("Deployment", "paused"), "type: ScaledObject") +
         target("orders", "apiVersion: postgresql.cnpg.io/v1, kind: Cluster, name: orders", "type: Scale") +
         target("jobs", queue("jobs"), "type: Field, field: {path: .spec.workers.count}") +
         target("idle", queue("idle"), "type: Field, field: {path: .spec.workers.count}") +
         target("depth", queue("jobs"), "type: Field, field: {path: .spec.workers.queueDepth}") +
         target("advised", apps("Deployment", "advised"), "type: Advise");
}

using Objects = std::map<std::string, json>;

/// What each object says of its size, by "Kind name"; null where the field is not there.
struct Place {
  const char *object, *min, *max;  ///< JSON pointers; max null where there is none
};
constexpr Place kPlaces[] = {
    {"Deployment web", "/spec/replicas", nullptr},
    {"StatefulSet store", "/spec/replicas", nullptr},
    {"HorizontalPodAutoscaler shop", "/spec/minReplicas", "/spec/maxReplicas"},
    {"ScaledObject mail", "/spec/minReplicaCount", "/spec/maxReplicaCount"},
    {"ScaledObject batch", "/spec/minReplicaCount", "/spec/maxReplicaCount"},
    {"ScaledObject paused", "/spec/minReplicaCount", "/spec/maxReplicaCount"},
    {"Cluster orders", "/spec/instances", nullptr},
    {"Queue jobs", "/spec/workers/count", nullptr},
    {"Queue idle", "/spec/workers/count", nullptr},
    {"Deployment advised", "/spec/replicas", nullptr},
};

json at(const json& object, const char* pointer) {
  const json::json_pointer path(pointer);
  return object.contains(path) ? object.at(path) : json(nullptr);
}

json sizes_of(const Objects& objects) {
  json sizes;
  for (const Place& place : kPlaces) {
    const json& object = objects.at(place.object);
    sizes[place.object] = place.max == nullptr ? json(at(object, place.min))
                                               : json::array({at(object, place.min), at(object, place.max)});
  }
  return sizes;
}

/// By hand: what each object has to say. `idle` and `batch` leave their numbers out, `paused` is not to be touched,
/// `advised` is never written.
json expected(json web, json store, json shop, json mail, json batch, json orders, json jobs, json idle) {
  return {{"Deployment web", std::move(web)},
          {"StatefulSet store", std::move(store)},
          {"HorizontalPodAutoscaler shop", std::move(shop)},
          {"ScaledObject mail", std::move(mail)},
          {"ScaledObject batch", std::move(batch)},
          {"ScaledObject paused", json::array({2, nullptr})},
          {"Cluster orders", std::move(orders)},
          {"Queue jobs", std::move(jobs)},
          {"Queue idle", std::move(idle)},
          {"Deployment advised", 3}};
}
json pair(json min, json max) { return json::array({std::move(min), std::move(max)}); }

const json kBefore = expected(4, 3, pair(2, 10), pair(2, 10), pair(nullptr, nullptr), 2, 2, nullptr);
const json kEarly = expected(7, 7, pair(7, 10), pair(7, 10), pair(7, nullptr), 7, 7, 7);
// Where the floor reaches the former maximum, the ScaleTarget's maximum makes room above it.
const json kPeak = expected(12, 12, pair(12, 20), pair(12, 20), pair(12, nullptr), 12, 12, 12);

class Engines : public ::testing::Test {
 protected:
  static Cluster& cluster() { return Cluster::named("engines"); }

  static void SetUpTestSuite() {
    cluster().add_databases();
    cluster().add_keda();
    cluster().rights().allow(scale_kind(kDatabase));
    cluster().rights().allow(allowed_field(kQueue, kCount));
    apply(kQueueDefinition);
    cluster().kubectl(absl::StrCat("wait crd ", kQueues, " --for=condition=Established --timeout=30s"));
    cluster().also_compare(kQueues);
    cluster().kubectl(absl::StrCat("create namespace ", kNamespace));
    std::string objects;
    for (const auto& [name, replicas] :
         {std::pair("web", 4), {"shop", 2}, {"mail", 2}, {"batch", 1}, {"paused", 2}, {"advised", 3}}) {
      objects += workload("Deployment", name, replicas);
    }
    apply(objects + workload("StatefulSet", "store", 3) + kOtherObjects);
    EXPECT_TRUE(eventually(60, [] {
      const auto ready = [](const kube::ResourceType& type, const char* name, const char* field, int wanted) {
        const auto object = cluster().client().get(type, {kNamespace, name}, {});
        return object && object.value().value("status", json::object()).value(field, 0) == wanted;
      };
      return ready(kube::types::kStatefulSet, "store", "readyReplicas", 3) &&
             ready(kube::types::kDeployment, "web", "readyReplicas", 4) &&
             ready(kDatabase, "orders", "readyInstances", 2);
    }));
  }

  void SetUp() override {
    before_ = cluster().metadata_and_spec(kNamespace);
    ASSERT_EQ(sizes_of(before_), kBefore);
    controllers::OperatorOptions options;
    options.allowed_fields = {{kQueue.group, kQueue.plural, kCount}};
    headroom_ = std::make_unique<EmbeddedOperator>(cluster(), clock_, options);
    apply(targets());
    apply(kEvening);
  }

  void TearDown() override {
    cluster().kubectl(absl::StrCat("-n ", kNamespace, " delete festivalschedules,scaletargets --all --timeout=30s"));
    expect_everything_as_before();
  }

  static void apply(const std::string& yaml) {
    const std::filesystem::path file =
        std::filesystem::temp_directory_path() / absl::StrCat("headroom-engines-", getpid(), ".yaml");
    std::ofstream(file) << yaml;
    cluster().kubectl(absl::StrCat("apply --server-side -f ", file.string()));
    std::filesystem::remove(file);
  }

  static json condition(const std::string& name, const std::string& kind) {
    return cluster().condition(kube::types::kScaleTarget, kNamespace, name, kind);
  }

  void expect_sizes(const char* at, const json& expected) {
    clock_.advance_to(kolkata(at));
    json found;
    EXPECT_TRUE(eventually(30, [&] { return (found = sizes_of(cluster().metadata_and_spec(kNamespace))) == expected; }))
        << at << "\n"
        << json::diff(expected, found).dump(1) << "\n"
        << cluster().kubectl(absl::StrCat("-n ", kNamespace, " get scaletargets -o yaml"));
  }

  /// A wait that a target has set itself runs by the machine's clock; this has it look now.
  void look_at(const std::string& name) {
    const std::string now = absl::StrCat(absl::ToUnixSeconds(clock_.wall_now()));
    EXPECT_TRUE(cluster().client().patch(kube::types::kScaleTarget, {kNamespace, name}, kube::PatchType::Merge,
                                         {{"metadata", {{"annotations", {{"test/look", now}}}}}}, {}));
    EXPECT_TRUE(headroom_->get().wait_settled(std::chrono::seconds(20)));
  }

  /// The record on an object; null where there is none.
  static json record_on(const std::string& object) {
    const Objects now = cluster().metadata_and_spec(kNamespace);
    const std::string text =
        now.at(object)["metadata"].value("annotations", json::object()).value("headroom.dev/original", "");
    return text.empty() ? json(nullptr) : json::parse(text);
  }

  void expect_everything_as_before() {
    const auto comparable = [](Objects objects) {
      // What an HPA scales is the HPA's: without load figures it never lowers what a floor has raised.
      objects.at("Deployment shop")["spec"].erase("replicas");
      return objects;
    };
    Objects now;
    EXPECT_TRUE(eventually(30, [&] {
      return comparable(now = cluster().metadata_and_spec(kNamespace)) == comparable(before_);
    })) << json::diff(json(comparable(before_)), json(comparable(now))).dump(1);
  }

  FakeClock clock_{kolkata("2026-11-08 12:00:00")};
  Objects before_;
  std::unique_ptr<EmbeddedOperator> headroom_;
};

TEST_F(Engines, two_phases_raise_every_kind_of_object_and_leave_each_as_it_was) {
  expect_sizes("2026-11-08 17:59:59", kBefore);
  expect_sizes("2026-11-08 18:00:00", kEarly);
  expect_sizes("2026-11-08 18:59:59", kEarly);
  expect_sizes("2026-11-08 19:00:00", kPeak);
  EXPECT_TRUE(eventually(30, [] {
    return cluster().get(kube::types::kDeployment, kNamespace, "shop")["spec"]["replicas"] == 12;
  })) << "the real HPA follows its floor";
  expect_sizes("2026-11-08 19:59:59", kPeak);
  // minReplicas goes down first. Nobody lowers the replicas, so the maximum returns after its 15 minutes.
  json after = kBefore;
  after["HorizontalPodAutoscaler shop"] = pair(2, 20);
  expect_sizes("2026-11-08 20:00:00", after);
  clock_.advance_to(kolkata("2026-11-08 20:14:59"));
  look_at("shop");
  expect_sizes("2026-11-08 20:14:59", after);
  clock_.advance_to(kolkata("2026-11-08 20:15:00"));
  look_at("shop");
  expect_sizes("2026-11-08 20:15:00", kBefore);
  expect_everything_as_before();
}

TEST_F(Engines, each_override_carries_what_the_object_said_before) {
  expect_sizes("2026-11-08 18:30:00", kEarly);
  const std::tuple<const char*, const char*, json> originals[] = {
      {"Deployment web", "web", {{"min", 4}}},
      {"StatefulSet store", "store", {{"min", 3}}},
      {"HorizontalPodAutoscaler shop", "shop", {{"min", 2}, {"max", 10}}},
      {"ScaledObject mail", "mail", {{"min", 2}, {"max", 10}}},
      {"ScaledObject batch", "batch", json::object()},
      {"Cluster orders", "orders", {{"min", 2}}},
      {"Queue jobs", "jobs", {{"min", 2}}},
      {"Queue idle", "idle", json::object()},
  };
  for (const auto& [object, name, original] : originals) {
    const json record = record_on(object);
    ASSERT_TRUE(record.is_object()) << object;
    EXPECT_EQ(record.at("original"), original) << object;
    EXPECT_EQ(record.at("written").at("min"), 7) << object;
    EXPECT_EQ(record.at("target"), absl::StrCat("engines/", name)) << object;
    EXPECT_EQ(record.at("uid"), before_.at(object).at("metadata").at("uid")) << object;
  }
  for (const char* object : {"Deployment shop", "Deployment mail", "ScaledObject paused", "Deployment advised"}) {
    EXPECT_EQ(record_on(object), nullptr) << object;
  }
}

TEST_F(Engines, what_may_not_be_written_is_told_and_left_alone) {
  expect_sizes("2026-11-08 18:30:00", kEarly);
  EXPECT_TRUE(eventually(10, [] { return condition("paused", "Ready").value("reason", "") == "Paused"; }))
      << condition("paused", "Ready");
  EXPECT_TRUE(eventually(10, [] { return condition("depth", "Ready").value("reason", "") == "FieldNotAllowed"; }))
      << condition("depth", "Ready");
  EXPECT_NE(condition("depth", "Ready").value("message", "").find(".spec.workers.queueDepth"), std::string::npos);
  EXPECT_TRUE(eventually(10, [] { return condition("advised", "Ready").value("reason", "") == "Advised"; }))
      << condition("advised", "Ready");
  const auto advised = cluster().get(kube::types::kScaleTarget, kNamespace, "advised");
  EXPECT_EQ(advised["status"]["desired"], 7) << "published, not written";

  // Whoever resumes it in the middle of the phase gets the floor.
  cluster().kubectl(absl::StrCat("-n ", kNamespace, " annotate scaledobject paused autoscaling.keda.sh/paused-"));
  json resumed = kEarly;
  resumed["ScaledObject paused"] = pair(7, nullptr);
  expect_sizes("2026-11-08 18:31:00", resumed);
  cluster().kubectl(absl::StrCat("-n ", kNamespace, " annotate scaledobject paused autoscaling.keda.sh/paused=true"));
}

TEST_F(Engines, a_deleted_target_puts_its_object_back_and_keeps_what_others_wrote_meanwhile) {
  expect_sizes("2026-11-08 18:30:00", kEarly);
  for (const char* object :
       {"deployment/web", "statefulset/store", "hpa/shop", "scaledobject/mail", "scaledobject/batch",
        "clusters.postgresql.cnpg.io/orders", "queues.broker.example.com/jobs"}) {
    cluster().kubectl(absl::StrCat("-n ", kNamespace, " label ", object, " written-by=somebody"));
  }
  cluster().kubectl(absl::StrCat("-n ", kNamespace, " delete scaletargets --all --timeout=30s"));
  EXPECT_TRUE(eventually(10, [&] { return sizes_of(cluster().metadata_and_spec(kNamespace)) == kBefore; }))
      << sizes_of(cluster().metadata_and_spec(kNamespace));
  for (const char* object : {"Deployment web", "StatefulSet store", "HorizontalPodAutoscaler shop", "ScaledObject mail",
                             "ScaledObject batch", "Cluster orders", "Queue jobs"}) {
    const Objects now = cluster().metadata_and_spec(kNamespace);
    json expected = before_.at(object);
    expected["metadata"]["labels"]["written-by"] = "somebody";
    EXPECT_EQ(now.at(object), expected) << object;
    before_.at(object) = expected;
  }
}

}  // namespace
}  // namespace headroom::e2e
