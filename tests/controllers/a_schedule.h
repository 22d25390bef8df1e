// A compiled FestivalSchedule as the schedule controller's tests need it: Diwali on 2026-11-08 in Asia/Kolkata.
#pragma once

#include <memory>
#include <string>

#include "operator/api/festival_schedule.h"
#include "operator/controllers/world.h"
#include "operator/plan/compile.h"
#include "tests/support/builders.h"
#include "tests/support/civil.h"

namespace headroom::controllers {

/// Phases "prepare" (days -3 to -1), "peak" (-1 to 2) and "decay" (2 to 3) of occurrence "diwali", in namespace "shop".
inline testing_support::FestivalBuilder diwali(const std::string& day = "2026-11-08") {
  return testing_support::a_festival("diwali")
      .zone("Asia/Kolkata")
      .day(day)
      .phase("prepare", "-P3D", "-P1D")
      .multiply(testing_support::everything(), "2")
      .phase("peak", "-P1D", "P2D")
      .multiply(testing_support::everything(), "5")
      .phase("decay", "P2D", "P3D")
      .decay(testing_support::everything(), "10");
}

/// The object, as created on 2026-10-01 and never edited since.
inline api::FestivalSchedule as_object(testing_support::FestivalBuilder& builder) {
  api::FestivalSchedule schedule;
  schedule.meta.ns = "shop";
  schedule.meta.name = "diwali";
  schedule.meta.uid = "uid-diwali";
  schedule.meta.resource_version = "1";
  schedule.meta.generation = 1;
  schedule.meta.created = testing_support::ist("2026-10-01");
  schedule.spec = builder.spec();
  return schedule;
}

inline std::shared_ptr<const plan::CompiledSchedule> compiled(const testing_support::FestivalBuilder& builder,
                                                              absl::Time now = testing_support::ist("2026-10-20")) {
  return std::make_shared<const plan::CompiledSchedule>(builder.compile(now).value());
}

}  // namespace headroom::controllers
