// Workloads and autoscalers among the files, as the operator would meet them in the cluster.
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "operator/lint/collection.h"

namespace headroom::lint {
namespace {

using manifest::Document;
using nlohmann::json;
using Severity = Finding::Severity;

std::string text_at(const json& object, const char* pointer) {
  const json::json_pointer place(pointer);
  return object.contains(place) && object[place].is_string() ? object[place].get<std::string>() : "";
}

bool scales(const Document& scaler, const api::TargetRef& ref) {
  const json& object = scaler.object();
  if (text_at(object, "/spec/scaleTargetRef/name") != ref.name) return false;
  const std::string kind = text_at(object, "/spec/scaleTargetRef/kind");
  // A ScaledObject may leave the kind out, which means a Deployment.
  return kind == ref.kind || (kind.empty() && ref.kind == "Deployment");
}

class Workloads {
 public:
  Workloads(const Collection& collection, const Options& options, Findings& findings)
      : collection_(collection), options_(options), findings_(findings) {}

  void check(const Read<api::ScaleTarget>& read) {
    const api::ScaleTargetSpec& spec = read.object->spec;
    const std::string& ns = read.object->meta.ns;
    // Workloads of other clusters lie in folders of their own, and have the same names.
    const api::Region* region = collection_.snapshot.region(spec.region);
    const bool local =
        region ? region->spec.cluster.type == api::RegionCluster::Type::Local : spec.region == api::kLocalRegion;
    if (!local) return;
    if (!find_other(collection_, options_, spec.target_ref.kind, ns, spec.target_ref.name)) {
      findings_.add(Severity::Note, "not-judged", *read.document, "spec.targetRef.name",
                    absl::StrCat(spec.target_ref.kind, " ", ns, "/", spec.target_ref.name, " is not among the files"));
    }
    const auto autoscalers = scalers("HorizontalPodAutoscaler", ns, spec.target_ref);
    const auto scaled_objects = scalers("ScaledObject", ns, spec.target_ref);
    switch (spec.engine.type) {
      case api::EngineType::HorizontalPodAutoscaler:
        check_autoscaler(read, autoscalers);
        rival(read, scaled_objects, "ScaledObject");
        break;
      case api::EngineType::ScaledObject:
        rival(read, autoscalers, "HorizontalPodAutoscaler");
        break;
      case api::EngineType::Scale:
      case api::EngineType::Field:
        rival(read, autoscalers, "HorizontalPodAutoscaler");
        rival(read, scaled_objects, "ScaledObject");
        break;
      case api::EngineType::Advise:
        break;
    }
  }

 private:
  std::vector<std::string> scalers(const std::string& kind, const std::string& ns, const api::TargetRef& ref) const {
    std::vector<std::string> names;
    for (const Document* each : collection_.others) {
      if (each->kind() == kind && namespace_of(*each, options_) == ns && scales(*each, ref))
        names.push_back(each->name());
    }
    // The same autoscaler may stand in the files of several regions.
    std::ranges::sort(names);
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
  }

  void rival(const Read<api::ScaleTarget>& read, const std::vector<std::string>& names, const char* kind) {
    if (names.empty()) return;
    const api::TargetRef& ref = read.object->spec.target_ref;
    findings_.add(Severity::Warning, "rival-scaler", *read.document, "spec.engine.type",
                  absl::StrCat(kind, " ", absl::StrJoin(names, ", "), " scales ", ref.kind, " ", ref.name,
                               ", so this target would not be written (condition RivalScaler)"),
                  absl::StrCat("use engine type ", kind, ", or remove the ", kind));
  }

  void check_autoscaler(const Read<api::ScaleTarget>& read, const std::vector<std::string>& names) {
    const api::ScaleTargetSpec& spec = read.object->spec;
    const std::string& ns = read.object->meta.ns;
    if (spec.engine.owns_autoscaler()) {
      std::vector<std::string> others = names;
      std::erase(others, read.object->meta.name);
      rival(read, others, "HorizontalPodAutoscaler");
      return;
    }
    if (!spec.engine.name.empty()) {
      const Document* named = find_other(collection_, options_, "HorizontalPodAutoscaler", ns, spec.engine.name);
      if (named && !scales(*named, spec.target_ref)) {
        findings_.add(
            Severity::Warning, "wrong-scaler", *read.document, "spec.engine.horizontalPodAutoscaler.name",
            absl::StrCat("HorizontalPodAutoscaler ", spec.engine.name, " scales ",
                         text_at(named->object(), "/spec/scaleTargetRef/name"), ", not ", spec.target_ref.name),
            "name the autoscaler of the target's own workload");
      }
      return;
    }
    if (names.size() > 1) {
      findings_.add(Severity::Warning, "ambiguous-scaler", *read.document, "spec.targetRef.name",
                    absl::StrCat("HorizontalPodAutoscalers ", absl::StrJoin(names, ", "), " all scale ",
                                 spec.target_ref.name, ", so none would be written (condition AmbiguousScaler)"),
                    "keep one, or name it in spec.engine.horizontalPodAutoscaler.name");
    }
  }

  const Collection& collection_;
  const Options& options_;
  Findings& findings_;
};

}  // namespace

void check_workloads(const Collection& collection, const Options& options, Findings& findings) {
  Workloads workloads(collection, options, findings);
  for (const auto& each : collection.targets) workloads.check(each);
}

}  // namespace headroom::lint
