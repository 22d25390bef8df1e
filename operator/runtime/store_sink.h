// The usual ObjectSink: decodes JSON into a typed Store. Part of reflector.h.
#pragma once

namespace headroom::runtime {}  // namespace headroom::runtime
