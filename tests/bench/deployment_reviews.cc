#include "tests/bench/deployment_reviews.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "tests/webhook/sample_review.h"

namespace headroom::bench {
namespace {

constexpr std::size_t kNumberDigits = 7, kVersionDigits = 16;
constexpr std::string_view kName = "cart-", kUid = "5b0e3a4c-41e8-4b3a-9d0c-6f3f0";

// Right-aligned, over the zeros or digits that stand there.
void put_digits(char* at, std::size_t width, std::uint64_t value) {
  for (char* digit = at + width; digit-- > at; value /= 10) *digit = static_cast<char>('0' + value % 10);
}

std::string digits(std::uint64_t value, std::size_t width) {
  std::string text(width, '0');
  put_digits(text.data(), width, value);
  return text;
}

// Digits of the width that they replace.
template <class Metadata>
void mark(Metadata& metadata, std::uint32_t number, std::uint64_t version) {
  const std::string tail = digits(number, kNumberDigits);
  metadata["name"] = std::string(kName) + tail;
  metadata["uid"] = std::string(kUid) + tail;
  metadata["resourceVersion"] = digits(version, kVersionDigits);
}

std::vector<std::size_t> places(const std::string& text, const std::string& wanted) {
  std::vector<std::size_t> found;
  for (auto at = text.find(wanted); at != std::string::npos; at = text.find(wanted, at + 1)) found.push_back(at);
  return found;
}

}  // namespace

StoredDeployment::StoredDeployment() : object_(webhook::sample_review()["request"]["object"]) {
  auto& metadata = object_["metadata"];
  mark(metadata, 0, 0);
  const auto text = [&](const char* key) { return metadata[key].get_ptr<std::string*>(); };
  name_ = text("name"), uid_ = text("uid"), version_ = text("resourceVersion");
}

void StoredDeployment::become(std::uint32_t number, std::uint64_t version) {
  put_digits(name_->data() + kName.size(), kNumberDigits, number);
  put_digits(uid_->data() + kUid.size(), kNumberDigits, number);
  put_digits(version_->data(), kVersionDigits, version);
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
  mark(request["object"]["metadata"], kMark, kMarkVersion);
  mark(request["oldObject"]["metadata"], kMark, kMarkVersion);
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
  for (const std::size_t place : numbers_) put_digits(&text_[place], kNumberDigits, number);
  for (const std::size_t place : versions_) put_digits(&text_[place], kVersionDigits, version);
}

}  // namespace headroom::bench
