#include "webhook/app/moment.h"

#include <absl/time/clock.h>

#include <ctime>

namespace headroom::webhook {

limits::Moment machine_moment() {
  timespec boot{};
  clock_gettime(CLOCK_BOOTTIME, &boot);
  return {absl::DurationFromTimespec(boot), absl::Now()};
}

}  // namespace headroom::webhook
