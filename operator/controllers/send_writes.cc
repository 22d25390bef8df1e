#include "operator/controllers/send_writes.h"

#include <absl/strings/str_cat.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "operator/controllers/field_path.h"

namespace headroom::controllers {
namespace {

using nlohmann::json;

const char* verb_of(Write::Kind kind) {
  switch (kind) {
    case Write::Kind::Create:
      return "creating ";
    case Write::Kind::Patch:
      return "patching ";
    case Write::Kind::Delete:
      return "deleting ";
  }
  return "";
}

Result<json> send(kube::Writer& writer, const Write& write, const std::stop_token& stop) {
  switch (write.kind) {
    case Write::Kind::Create:
      return writer.create(write.type, write.body, stop);
    case Write::Kind::Patch: {
      kube::WriteOptions options;
      options.subresource = write.subresource;
      return writer.patch(write.type, write.key, kube::PatchType::Merge, write.body, stop, options);
    }
    case Write::Kind::Delete: {
      const kube::Writer::Preconditions only{text_at(write.body, ".metadata.uid"), version_of(write.body)};
      BOOST_OUTCOME_TRYV(writer.remove(write.type, write.key, only, stop));
      return json::object();
    }
  }
  return invalid("no such write");
}

}  // namespace

SentWrites send_writes(kube::Writer& writer, std::vector<Write> writes, const std::string& kind,
                       const api::ObjectKey& key, const std::stop_token& stop) {
  SentWrites sent;
  for (std::size_t i = 0; i < writes.size(); ++i) {
    const Write& write = writes[i];
    Result<json> answer = send(writer, write, stop);
    if (!answer) {
      sent.error = with_context(std::move(answer).error(),
                                absl::StrCat(verb_of(write.kind), write.type.kind, " ", write.key.to_string(),
                                             write.subresource.empty() ? "" : "/", write.subresource));
      return sent;
    }
    ++sent.landed;
    const std::string version = version_of(answer.value());
    if (write.type.kind == kind && write.key == key) {
      if (!version.empty()) sent.versions.push_back(version);
      sent.uid = text_at(answer.value(), ".metadata.uid");
    }
    if (write.then_rebase && i + 1 < writes.size()) writes[i + 1].body["metadata"]["resourceVersion"] = version;
  }
  return sent;
}

}  // namespace headroom::controllers
