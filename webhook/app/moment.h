// The machine's clocks, as the ledger wants them.
#pragma once

#include "operator/limits/escrow.h"

namespace headroom::webhook {

/// Now. Any thread.
limits::Moment machine_moment();

}  // namespace headroom::webhook
