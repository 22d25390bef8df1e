#include "webhook/review.h"

#include <simdjson.h>

#include <array>
#include <optional>

#include "operator/net/http_server.h"
#include "webhook/json_view.h"
#include "webhook/raw_json.h"
#include "webhook/unique_keys.h"

namespace headroom::webhook {
namespace {

namespace dom = simdjson::dom;
using simdjson::SUCCESS;

static_assert(net::kBodyPadding >= simdjson::SIMDJSON_PADDING);

// A parser takes about eleven bytes for each byte of the largest document that it has read.
constexpr std::size_t kKeptCapacity = 256u << 10;
constexpr std::size_t kShown = 100;  // bytes of a wrong value in a message

std::string quoted(std::string_view value) {
  std::string text = "\"";
  text += value.substr(0, kShown);
  text += '"';
  return text;
}

const char* name_of(dom::element_type type) {
  switch (type) {
    case dom::element_type::OBJECT:
      return "an object";
    case dom::element_type::ARRAY:
      return "a list";
    case dom::element_type::STRING:
      return "a string";
    case dom::element_type::BOOL:
      return "a boolean";
    case dom::element_type::NULL_VALUE:
      return "null";
    case dom::element_type::INT64:
    case dom::element_type::UINT64:
    case dom::element_type::DOUBLE:
      break;
  }
  return "a number";
}

struct TextField {
  std::string_view key;
  std::string_view Review::*member;
};
constexpr TextField kTexts[] = {{"uid", &Review::uid},
                                {"name", &Review::name},
                                {"namespace", &Review::ns},
                                {"subResource", &Review::sub_resource},
                                {"requestSubResource", &Review::request_sub_resource}};

struct OperationName {
  std::string_view name;
  Operation operation;
};
constexpr OperationName kOperations[] = {{"CREATE", Operation::Create},
                                         {"UPDATE", Operation::Update},
                                         {"DELETE", Operation::Delete},
                                         {"CONNECT", Operation::Connect}};

}  // namespace

// Reads on behind a fault, for the uid, and keeps the first one.
struct ReviewReader::Impl {
  Review review;
  std::optional<Error> fault;
  dom::parser parser;
  UniqueKeys keys;
  std::string widened;
  std::string_view body;
  JsonView object, old_object;
  bool has_operation = false;

  void read(const std::string& text) {
    review = {};
    fault.reset();
    has_operation = false;
    body = text;
    dom::element root;
    if (!parse(text, root)) return;
    envelope(root);
    if (review.uid.size() > kLongestUid) {
      fail("request.uid is longer than " + std::to_string(kLongestUid) + " bytes");
      review.uid = {};
    }
    if (fault) return;
    if (const auto repeated = keys.repeated_below(root)) fail("the key " + quoted(*repeated) + " is there twice");
  }

 private:
  bool parse(const std::string& text, dom::element& root) {
    simdjson::error_code problem = parser.parse(text).get(root);
    if (problem != SUCCESS && widen_large_integers(text, widened)) {
      widened.reserve(widened.size() + simdjson::SIMDJSON_PADDING);
      problem = parser.parse(widened).get(root);
    }
    if (problem == SUCCESS) return true;
    if (problem == simdjson::EMPTY) {
      fail("the body is empty");
    } else if (problem == simdjson::DEPTH_ERROR) {
      fail("the JSON is nested deeper than " + std::to_string(simdjson::DEFAULT_MAX_DEPTH) + " levels");
    } else {
      fail(std::string("the body is not JSON in UTF-8 (") + simdjson::error_message(problem) + ")");
    }
    return false;
  }

  void fail(const std::string& problem) {
    if (!fault) {
      fault =
          invalid("not an AdmissionReview: " + problem + "; send what a Kubernetes API server sends to a v1 webhook");
    }
  }

  // Calls visit(key, value, ordinal) for every member that is not null: Go, too, takes null for absent.
  template <class Visit>
  void each(std::string_view where, dom::element value, Visit visit) {
    dom::object members;
    if (value.get(members) != SUCCESS) return wrong_type(where, value, "an object");
    std::size_t ordinal = 0;
    for (auto field = members.begin(); field != members.end(); ++field, ++ordinal) {
      if (const dom::element member = field.value(); !member.is_null()) visit(field.key(), member, ordinal);
    }
  }

  void wrong_type(std::string_view where, dom::element value, const char* wanted) {
    fail(std::string(where) + " is " + name_of(value.type()) + ", not " + wanted);
  }

  void text(std::string_view where, std::string_view key, dom::element value, std::string_view& out) {
    if (value.get(out) == SUCCESS) return;
    wrong_type(std::string(where) + (where.empty() ? "" : ".") + std::string(key), value, "a string");
  }

  void envelope(dom::element root) {
    if (!root.is_object()) return wrong_type("the document", root, "an object");
    std::string_view version, kind;
    bool requested = false;
    each("the document", root, [&](std::string_view key, dom::element value, std::size_t ordinal) {
      if (key == "apiVersion") return text("", key, value, version);
      if (key == "kind") return text("", key, value, kind);
      if (key != "request") return;
      requested = true;
      each("request", value, [&](std::string_view field, dom::element content, std::size_t inner) {
        request_field(field, content, {ordinal, inner});
      });
    });
    // What is no review at all shall not be blamed for its parts.
    if (version != "admission.k8s.io/v1" || kind != "AdmissionReview") {
      fault.reset();
      return fail("apiVersion " + quoted(version) + " and kind " + quoted(kind) +
                  " are not \"admission.k8s.io/v1\" and \"AdmissionReview\"");
    }
    if (!requested) return fail("request is missing");
    complete();
  }

  void request_field(std::string_view key, dom::element value, std::array<std::size_t, 2> place) {
    for (const TextField& field : kTexts) {
      if (key == field.key) return text("request", key, value, review.*field.member);
    }
    if (key == "object") return object_field("request.object", value, place, object, review.object);
    if (key == "oldObject") return object_field("request.oldObject", value, place, old_object, review.old_object);
    if (key == "resource") return resource("request.resource", value, review.resource);
    if (key == "requestResource") return resource("request.requestResource", value, review.request_resource);
    if (key == "kind") return kind_field(value);
    if (key == "operation") return operation(value);
    if (key == "userInfo") return user(value);
    if (key == "dryRun" && value.get(review.dry_run) != SUCCESS) wrong_type("request.dryRun", value, "a boolean");
  }

  void object_field(const char* where, dom::element value, std::array<std::size_t, 2> place, JsonView& view,
                    const limits::ObjectView*& out) {
    if (!value.is_object()) return wrong_type(where, value, "an object");
    view.look_at(value, body, place);
    out = &view;
  }

  void resource(std::string_view where, dom::element value, GroupVersionResource& out) {
    each(where, value, [&](std::string_view key, dom::element part, std::size_t) {
      if (key == "group") text(where, key, part, out.group);
      if (key == "version") text(where, key, part, out.version);
      if (key == "resource") text(where, key, part, out.resource);
    });
  }

  void kind_field(dom::element value) {
    each("request.kind", value, [&](std::string_view key, dom::element part, std::size_t) {
      if (key == "group") text("request.kind", key, part, review.kind.group);
      if (key == "version") text("request.kind", key, part, review.kind.version);
      if (key == "kind") text("request.kind", key, part, review.kind.kind);
    });
  }

  void user(dom::element value) {
    each("request.userInfo", value, [&](std::string_view key, dom::element part, std::size_t) {
      if (key == "username") text("request.userInfo", key, part, review.username);
    });
  }

  void operation(dom::element value) {
    std::string_view name;
    if (value.get(name) != SUCCESS) return wrong_type("request.operation", value, "a string");
    for (const OperationName& known : kOperations) {
      if (name != known.name) continue;
      review.operation = known.operation;
      has_operation = true;
      return;
    }
    fail("request.operation is " + quoted(name) + ", not CREATE, UPDATE, DELETE or CONNECT");
  }

  void complete() {
    if (review.uid.empty()) return fail("request.uid is missing");
    if (!has_operation) return fail("request.operation is missing");
    if (review.resource.resource.empty() || review.resource.version.empty()) {
      return fail("request.resource needs a version and a resource");
    }
    if (review.request_resource.resource.empty()) review.request_resource = review.resource;
    const bool writes = review.operation == Operation::Create || review.operation == Operation::Update;
    if (writes && review.object == nullptr) return fail("request.object is missing in a CREATE or UPDATE");
    if (review.operation == Operation::Update && review.old_object == nullptr) {
      return fail("request.oldObject is missing in an UPDATE");
    }
  }
};

ReviewReader::ReviewReader() : impl_(std::make_unique<Impl>()) {}
ReviewReader::~ReviewReader() = default;

Result<const Review*> ReviewReader::read(const std::string& body) {
  impl_->read(body);
  if (impl_->fault) return *impl_->fault;
  return &impl_->review;
}

std::string_view ReviewReader::uid() const { return impl_->review.uid; }

void ReviewReader::trim() {
  if (impl_->parser.capacity() > kKeptCapacity) impl_ = std::make_unique<Impl>();
}

}  // namespace headroom::webhook
