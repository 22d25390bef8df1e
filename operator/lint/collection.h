// The objects of a set of manifests, taken apart by kind. Internal to this folder.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "operator/lint/lint.h"
#include "operator/manifest/document.h"
#include "operator/validation/snapshot.h"

namespace headroom::lint {

/// A decoded object and where it was read.
template <class T>
struct Read {
  std::shared_ptr<const T> object;
  const manifest::Document* document = nullptr;
};

struct Collection {
  std::vector<Read<api::Region>> regions;
  std::vector<Read<api::ScaleTarget>> targets;
  std::vector<Read<api::FestivalSchedule>> schedules;
  std::vector<Read<api::ScaleLimit>> limits;
  std::vector<const manifest::Document*> others;
  validation::Snapshot snapshot;  ///< of all of them
};

class Findings {
 public:
  Findings(const Options& options, Report& report) : options_(options), report_(report) {}
  void add(Finding finding);
  /// At a field of a document; `at_key`: at its name rather than its value.
  void add(Finding::Severity severity, const char* rule, const manifest::Document& document, const std::string& field,
           std::string message, std::string remedy = "", bool at_key = false);

 private:
  const Options& options_;
  Report& report_;
};

/// The namespace that an object of a namespaced kind lies in.
std::string namespace_of(const manifest::Document& document, const Options& options);
/// Null where there is none.
const manifest::Document* find_other(const Collection& collection, const Options& options, const std::string& kind,
                                     const std::string& ns, const std::string& name);

/// Judges each object for itself, and collects those that the operator could read.
Collection collect(const std::vector<manifest::Document>& documents, const Options& options, Findings& findings,
                   Report& report);
/// Rules that need other objects: those of the webhook.
void check_together(const Collection& collection, const Options& options, Findings& findings);
/// Calendars, and dates that have passed.
void check_dates(const Collection& collection, const Options& options, Findings& findings);
/// Workloads and autoscalers among the files.
void check_workloads(const Collection& collection, const Options& options, Findings& findings);

}  // namespace headroom::lint
