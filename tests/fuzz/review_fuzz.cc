// Any bytes as the body of an admission call: a review whose every value another parser reads alike, or a refusal that
// can be answered. Never a crash.
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "operator/net/http_server.h"
#include "tests/fuzz/require.h"
#include "webhook/answer.h"
#include "webhook/review.h"

namespace {

using headroom::api::JsonPath;
using headroom::fuzz::require;
using headroom::limits::ObjectView;
using Json = nlohmann::json;
using Kind = ObjectView::Scalar::Kind;
using namespace headroom::webhook;

void check_scalar(const ObjectView::Scalar& scalar, const Json& value) {
  switch (scalar.kind) {
    case Kind::Text:
      return require(value.is_string() && value.get_ref<const std::string&>() == scalar.text, "texts read alike");
    case Kind::Number:
      return require(Json::parse(scalar.text) == value, "numbers are given without loss");
    case Kind::Boolean:
      return require(value.is_boolean() && value.dump() == scalar.text, "booleans read alike");
    case Kind::Other:
      return require(value.is_structured(), "what is no scalar has parts");
  }
}

// Every value that a path can name; `left` bounds the work.
void check_values(const ObjectView& view, const Json& value, const std::string& at, int& left) {
  if (left-- <= 0) return;
  if (!at.empty()) {
    const auto path = JsonPath::parse(at);
    if (!path) return;  // too deep or too long, or a key that no path names, and so is what lies below
    int found = 0;
    view.each(path.value(), [&](const ObjectView::Scalar& scalar) {
      ++found;
      check_scalar(scalar, value);
    });
    require(found == (value.is_null() ? 0 : 1), "only null is absent");
  }
  if (value.is_array()) {
    for (std::size_t i = 0; i < value.size(); ++i)
      check_values(view, value[i], at + "[" + std::to_string(i) + "]", left);
  }
  if (!value.is_object()) return;
  for (const auto& [key, inner] : value.items()) {
    // What else a key may hold would read as further steps.
    if (key.find_first_of(at.empty() ? "'[]." : "'[]") != std::string::npos) continue;
    check_values(view, inner, at + (at.empty() ? "." + key : "['" + key + "']"), left);
  }
}

void check_object(const ObjectView* view, const Json& request, const char* key, std::size_t body) {
  const auto sent = request.find(key);
  require((view == nullptr) == (sent == request.end() || sent->is_null()), "an object is there when it was sent");
  if (view == nullptr) return;
  int left = 2000;
  check_values(*view, *sent, "", left);
  require(view->compact_bytes() >= 2 && view->compact_bytes() <= body, "an object is a part of its review");
}

void check_review(const Review& review, const std::string& body) {
  const Json document = Json::parse(body, nullptr, false);
  require(!document.is_discarded(), "what was read is JSON");
  require(document["apiVersion"] == "admission.k8s.io/v1" && document["kind"] == "AdmissionReview",
          "what was read is a review");
  const Json& request = document["request"];
  require(!review.uid.empty() && request["uid"] == review.uid, "a review has its uid");
  require(request["resource"]["resource"] == review.resource.resource, "a review names its resource");
  require(request.value("dryRun", Json()) == Json(true) || !review.dry_run, "a dry run was asked for");
  const bool writes = review.operation == Operation::Create || review.operation == Operation::Update;
  require(!writes || review.object != nullptr, "a write has an object");
  check_object(review.object, request, "object", body.size());
  check_object(review.old_object, request, "oldObject", body.size());
}

void check_answer(std::string_view uid, const std::string& text) {
  Answer answer;
  answer.allowed = text.size() % 2 == 0;
  answer.message = answer.reason = text;
  answer.warnings = {text};
  answer.audit_annotations = {{"text", text}};
  std::string out;
  append_answer(out, uid, answer);
  const Json written = Json::parse(out, nullptr, false);
  require(!written.is_discarded(), "an answer is JSON in UTF-8");
  require(written["response"]["uid"] == uid, "an answer carries the uid");
  require(written["response"]["allowed"] == answer.allowed, "an answer tells the verdict");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static ReviewReader reader;  // as in the server: whatever came before must not matter
  std::string body;
  body.reserve(size + headroom::net::kBodyPadding);
  body.assign(reinterpret_cast<const char*>(data), size);
  const auto review = reader.read(body);
  require(reader.uid().size() <= kLongestUid, "a uid can be sent back");
  const std::string uid(reader.uid());
  if (review) {
    check_review(*review.value(), body);
  } else {
    require(review.error().code == headroom::ErrorCode::InvalidArgument, "a wrong body is the sender's fault");
    require(!review.error().message.empty() && review.error().message.size() < 1000, "a refusal says why, briefly");
    check_answer(uid, review.error().message);
  }
  check_answer(uid, body);
  return 0;
}
