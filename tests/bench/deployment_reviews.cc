#include "tests/bench/deployment_reviews.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "tests/webhook/sample_review.h"

namespace headroom::bench {
namespace {

constexpr std::size_t kNumberDigits = 7, kVersionDigits = 16;
constexpr std::string_view kName = "cart-", kUid = "5b0e3a4c-41e8-4b3a-9d0c-6f3f0";

std::string digits(std::uint64_t value, std::size_t width) {
  std::string text = std::to_string(value);
  return std::string(width - std::min(width, text.size()), '0') + text;
}

template <class Document>
void identify(Document& deployment, std::uint32_t number, std::uint64_t version) {
  const std::string tail = digits(number, kNumberDigits);
  auto& metadata = deployment["metadata"];
  metadata["name"] = std::string(kName) + tail;
  metadata["uid"] = std::string(kUid) + tail;
  metadata["resourceVersion"] = digits(version, kVersionDigits);
}

std::vector<std::size_t> places(const std::string& text, const std::string& wanted) {
  std::vector<std::size_t> found;
  for (auto at = text.find(wanted); at != std::string::npos; at = text.find(wanted, at + 1)) found.push_back(at);
  return found;
}

void overwrite(std::string& text, const std::vector<std::size_t>& at, const std::string& with) {
  for (const std::size_t place : at) text.replace(place, with.size(), with);
}

}  // namespace

nlohmann::json stored_deployment() { return webhook::sample_review()["request"]["object"]; }

void set_identity(nlohmann::json& deployment, std::uint32_t number, std::uint64_t version) {
  identify(deployment, number, version);
}

std::uint32_t number_of(std::string_view name) {
  std::uint32_t number = 0;
  name.remove_prefix(std::min(kName.size(), name.size()));
  std::from_chars(name.data(), name.data() + name.size(), number);
  return number;
}

ReviewRequest::ReviewRequest() {
  // Found again in the text: no other numbers of the review are as long, or have these digits.
  constexpr std::uint32_t kMark = 7'654'321;
  constexpr std::uint64_t kMarkVersion = 1'234'567'890'123'456;
  auto review = webhook::sample_review();
  auto& request = review["request"];
  identify(request["object"], kMark, kMarkVersion);
  identify(request["oldObject"], kMark, kMarkVersion);
  request["name"] = request["object"]["metadata"]["name"];
  const std::string body = review.dump();
  body_size_ = body.size();
  text_ =
      "POST /validate?timeout=5s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: kube-apiserver-admission\r\n"
      "Content-Length: " +
      std::to_string(body.size()) +
      "\r\nAccept: application/json, */*\r\nContent-Type: application/json\r\nAccept-Encoding: gzip\r\n\r\n" + body;
  numbers_ = places(text_, digits(kMark, kNumberDigits));
  versions_ = places(text_, digits(kMarkVersion, kVersionDigits));
}

void ReviewRequest::aim_at(std::uint32_t number, std::uint64_t version) {
  overwrite(text_, numbers_, digits(number, kNumberDigits));
  overwrite(text_, versions_, digits(version, kVersionDigits));
}

}  // namespace headroom::bench
