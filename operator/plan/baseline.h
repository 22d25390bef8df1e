// Learned baselines: hourly sizes seen outside overrides, and the size that stands for "normal". Pure.
#pragma once

#include <absl/time/time.h>

#include <optional>

#include "operator/api/scale_target.h"

namespace headroom::plan {

/// Takes the size of the present hour (the hour's largest) unless an override is in force; frozen while one lasts.
/// Keeps thirty days of hours whatever the window, so that a longer window finds them.
void sample_baseline(api::BaselineSamples& samples, int size, bool overridden, absl::Time now,
                     const api::LearnedBaselineSpec& spec);

struct LearnedBaseline {
  int size = 0;
  bool uncertain = true;  ///< less than a day of samples
};

/// The statistic over the newest `window` sampled hours (P95 by nearest rank). Empty without any sample.
std::optional<LearnedBaseline> learned_baseline(const api::BaselineSamples& samples,
                                                const api::LearnedBaselineSpec& spec);

}  // namespace headroom::plan
