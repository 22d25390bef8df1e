// What every object's metadata has to be, whatever its kind.
#include <absl/strings/str_cat.h>
#include <re2/re2.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>

#include "operator/schema/definitions.h"
#include "operator/schema/node.h"

namespace headroom::schema {
namespace {

using nlohmann::json;

constexpr char kSubdomain[] = "[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
constexpr std::size_t kLongestName = 253, kLongestLabel = 63, kMostAnnotationBytes = std::size_t{256} << 10U;

bool is_subdomain(const std::string& text) {
  static const RE2 pattern(kSubdomain);
  return text.size() <= kLongestName && RE2::FullMatch(text, pattern);
}

bool is_label(const std::string& text) {
  static const RE2 pattern("[a-z0-9]([-a-z0-9]*[a-z0-9])?");
  return text.size() <= kLongestLabel && RE2::FullMatch(text, pattern);
}

bool is_word(const std::string& text) {
  static const RE2 pattern("([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]");
  return text.size() <= kLongestLabel && RE2::FullMatch(text, pattern);
}

/// [prefix/]name
bool is_qualified(const std::string& text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string::npos) return is_word(text);
  return is_subdomain(text.substr(0, slash)) && is_word(text.substr(slash + 1));
}

std::string lower_case(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

class Check {
 public:
  Check(const json& metadata, std::vector<Violation>& violations) : metadata_(metadata), violations_(violations) {}

  void fields() {
    static const std::vector<std::string> kFields = {"annotations",
                                                     "creationTimestamp",
                                                     "deletionGracePeriodSeconds",
                                                     "deletionTimestamp",
                                                     "finalizers",
                                                     "generateName",
                                                     "generation",
                                                     "labels",
                                                     "managedFields",
                                                     "name",
                                                     "namespace",
                                                     "ownerReferences",
                                                     "resourceVersion",
                                                     "selfLink",
                                                     "uid"};
    for (const auto& [name, value] : metadata_.items()) {
      if (std::ranges::find(kFields, name) != kFields.end()) continue;
      const std::string meant = nearest(name, kFields);
      add(Violation::Kind::UnknownField, "metadata." + name, absl::StrCat("unknown field \"metadata.", name, "\""),
          meant.empty() ? "remove it" : absl::StrCat("did you mean ", meant, "?"));
    }
    for (const char* name : {"name", "generateName", "namespace", "uid", "resourceVersion"}) {
      const auto found = metadata_.find(name);
      if (found != metadata_.end() && !found->is_string() && !found->is_null()) {
        add(Violation::Kind::Type, absl::StrCat("metadata.", name), absl::StrCat("must be a text, not ", found->dump()),
            absl::StrCat("quote it: \"", found->dump(), "\""), true);
      }
    }
  }

  void name() {
    const std::string name = text("name"), prefix = text("generateName");
    if (name.empty() && prefix.empty()) {
      if (!has_wrong_type("name")) {
        add(Violation::Kind::Required, "metadata.name", "Required value: name or generateName is required",
            "add a name", true);
      }
    } else if (!name.empty() && !is_subdomain(name)) {
      add(Violation::Kind::Metadata, "metadata.name",
          absl::StrCat(
              "Invalid value: \"", name,
              "\": must be at most 253 lower case letters, digits, '-' or '.', and begin and end with a letter "
              "or digit"),
          lower_case(name) != name && is_subdomain(lower_case(name)) ? "write " + lower_case(name) : "");
    } else if (!prefix.empty() && !is_subdomain(prefix + "0")) {
      add(Violation::Kind::Metadata, "metadata.generateName",
          absl::StrCat("Invalid value: \"", prefix,
                       "\": must begin a name of lower case letters, digits, '-' and '.'"));
    }
  }

  void scope(bool namespaced) {
    const std::string ns = text("namespace");
    if (ns.empty()) return;
    if (!namespaced) {
      add(Violation::Kind::Metadata, "metadata.namespace", "the kind lies in no namespace", "remove the namespace");
    } else if (!is_label(ns)) {
      add(Violation::Kind::Metadata, "metadata.namespace",
          absl::StrCat("Invalid value: \"", ns, "\": must be at most 63 lower case letters, digits or '-'"));
    }
  }

  void maps() {
    std::size_t bytes = 0;
    for (const char* map : {"labels", "annotations"}) {
      const auto found = metadata_.find(map);
      if (found == metadata_.end() || found->is_null()) continue;
      const std::string path = absl::StrCat("metadata.", map);
      if (!found->is_object()) {
        add(Violation::Kind::Type, path, absl::StrCat("must be a map of texts, not ", found->type_name()), "", true);
        continue;
      }
      const bool labels = std::string_view(map) == "labels";
      for (const auto& [key, value] : found->items()) {
        const std::string field = key_path(path, key);
        if (!is_qualified(labels ? key : lower_case(key))) {
          add(Violation::Kind::Metadata, field,
              absl::StrCat("Invalid value: \"", key,
                           "\": a key is a name of at most 63 letters, digits, '-', '_' or '.', ",
                           "perhaps after a DNS name and '/'"));
        }
        if (!value.is_string()) {
          // A null is an empty text to the API server's decoder.
          if (!value.is_null()) {
            add(Violation::Kind::Type, field, absl::StrCat("must be a text, not ", value.dump()),
                absl::StrCat("quote it: \"", value.dump(), "\""), true);
          }
          continue;
        }
        const auto& content = value.get_ref<const std::string&>();
        if (labels && !content.empty() && !is_word(content)) {
          add(Violation::Kind::Metadata, field,
              absl::StrCat("Invalid value: \"", content, "\": a label is at most 63 letters, digits, '-', '_' or '.'"),
              "use an annotation for other texts");
        }
        if (!labels) bytes += key.size() + content.size();
      }
    }
    if (bytes > kMostAnnotationBytes) {
      add(Violation::Kind::Metadata, "metadata.annotations",
          absl::StrCat("Too long: may not be more than ", kMostAnnotationBytes, " bytes"));
    }
  }

  void finalizers() {
    const auto found = metadata_.find("finalizers");
    if (found == metadata_.end() || !found->is_array()) return;
    for (std::size_t i = 0; i < found->size(); ++i) {
      const json& each = (*found)[i];
      if (each.is_string() && is_qualified(each.get<std::string>())) continue;
      add(Violation::Kind::Metadata, element_path("metadata.finalizers", i),
          absl::StrCat("Invalid value: ", each.dump(), ": must be a qualified name, such as example.com/cleanup"));
    }
  }

 private:
  std::string text(const char* name) const {
    const auto found = metadata_.find(name);
    return found != metadata_.end() && found->is_string() ? found->get<std::string>() : "";
  }
  bool has_wrong_type(const char* name) const {
    const auto found = metadata_.find(name);
    return found != metadata_.end() && !found->is_string() && !found->is_null();
  }
  void add(Violation::Kind kind, std::string field, std::string message, std::string remedy = "",
           bool blocking = false) {
    violations_.push_back({kind, std::move(field), std::move(message), std::move(remedy), blocking});
  }

  const json& metadata_;
  std::vector<Violation>& violations_;
};

}  // namespace

void check_metadata(const Definition& definition, const nlohmann::json& object, std::vector<Violation>& violations) {
  static const json kNone = json::object();
  const auto found = object.find("metadata");
  const bool given = found != object.end() && !found->is_null();
  if (given && !found->is_object()) {
    violations.push_back({Violation::Kind::Type, "metadata", absl::StrCat("must be a map, not ", found->type_name()),
                          "write name and namespace below it", true});
    return;
  }
  Check check(given ? *found : kNone, violations);
  check.fields();
  check.name();
  check.scope(definition.namespaced);
  check.maps();
  check.finalizers();
}

}  // namespace headroom::schema
