// Names that a shell offers while somebody types: of objects in the cluster that is meant. IO.
#pragma once

#include <stop_token>
#include <vector>

#include "operator/api/object.h"
#include "operator/base/result.h"
#include "operator/cli/command.h"

namespace headroom::kube {
class Reader;
}

namespace headroom::cli {

enum class NameKind { Namespace, Target, Schedule, Limit };

/// The names of one kind, of namespaced ones with their namespace: the first page of them, without their contents. `ns`
/// empty: of all namespaces. Empty where they cannot be read, for whatever reason.
std::vector<api::ObjectKey> names_in(kube::Reader& reader, NameKind kind, const std::string& ns, std::stop_token stop);

/// How long a person who has pressed Tab waits.
inline constexpr absl::Duration kPatience = absl::Seconds(1);

/// The same for the cluster and namespace that `flags` mean, a list for each of `kinds`: all of them in at most
/// kPatience, connecting and credentials included. Nobody is asked for anything.
std::vector<std::vector<api::ObjectKey>> names_of(const std::vector<NameKind>& kinds, const GlobalFlags& flags);

}  // namespace headroom::cli
