// The festival playbook that the planning tests share: its targets, its phases. The numbers are the worked example of
// the planning rules.
#pragma once

#include "tests/support/builders.h"

namespace headroom::plan {

/// webhook-workers, three services of the ERP, read-replicas; no warm-up anywhere.
testing_support::World playbook_targets();

/// Diwali on 2026-11-08: workers 2x, 5x, 10x; ERP 3x from the day before; read replicas +2 throughout; then 10 % an
/// hour off for workers and ERP, while the read replicas stay until these have left.
testing_support::FestivalBuilder playbook();

}  // namespace headroom::plan
