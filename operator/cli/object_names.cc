#include "operator/cli/object_names.h"

#include <sstream>

#include "operator/base/deadline.h"
#include "operator/base/duration.h"
#include "operator/cli/cluster.h"
#include "operator/kube/client.h"

namespace headroom::cli {
namespace {

void append(std::vector<api::ObjectKey>& names, kube::Reader& reader, const kube::ResourceType& type,
            const std::string& ns, const std::stop_token& stop) {
  kube::ListOptions options;
  options.metadata_only = true;
  const Result<kube::ListPage> page = reader.list(type, type.namespaced ? ns : "", options, stop);
  if (!page) return;
  for (const nlohmann::json& item : page.value().items) names.push_back(api::meta_from_json(item).key());
}

}  // namespace

std::vector<api::ObjectKey> names_in(kube::Reader& reader, NameKind kind, const std::string& ns, std::stop_token stop) {
  std::vector<api::ObjectKey> names;
  switch (kind) {
    case NameKind::Namespace:
      append(names, reader, kube::types::kNamespace, "", stop);
      break;
    case NameKind::Target:
      append(names, reader, kube::types::kScaleTarget, ns, stop);
      break;
    case NameKind::Schedule:
      append(names, reader, kube::types::kFestivalSchedule, ns, stop);
      break;
    case NameKind::Limit:
      append(names, reader, kube::types::kScaleLimit, ns, stop);
      append(names, reader, kube::types::kClusterScaleLimit, "", stop);
      break;
  }
  return names;
}

std::vector<std::vector<api::ObjectKey>> names_of(const std::vector<NameKind>& kinds, const GlobalFlags& flags) {
  const Deadline deadline(absl::ToChronoMilliseconds(kPatience), {});
  std::vector<std::vector<api::ObjectKey>> names(kinds.size());
  GlobalFlags hasty = flags;
  hasty.request_timeout = format_duration(kPatience);
  std::istringstream in;
  std::ostringstream out;
  Console nobody{in, out, out, false, false, {}};
  const Result<Connection> connection = connect({hasty, nobody});
  if (!connection) return names;
  for (std::size_t k = 0; k < kinds.size(); ++k) {
    names[k] = names_in(*connection.value().client, kinds[k], connection.value().ns, deadline.token());
  }
  return names;
}

}  // namespace headroom::cli
