#include "operator/lint/lint.h"

#include <algorithm>
#include <tuple>

#include "operator/lint/collection.h"

namespace headroom::lint {

Report lint(const manifest::ReadResult& manifests, const Options& options) {
  Report report;
  Findings findings(options, report);
  for (const manifest::Problem& problem : manifests.problems) {
    const bool error = problem.severity == manifest::Problem::Severity::Error;
    findings.add({error ? Finding::Severity::Error : Finding::Severity::Note, error ? "manifest" : "not-judged", "", "",
                  problem.where, problem.message, problem.remedy});
  }
  const Collection collection = collect(manifests.documents, options, findings, report);
  check_together(collection, options, findings);
  check_dates(collection, options, findings);
  check_workloads(collection, options, findings);
  std::ranges::stable_sort(report.findings, {},
                           [](const Finding& each) { return std::make_tuple(each.where, each.severity, each.field); });
  return report;
}

}  // namespace headroom::lint
