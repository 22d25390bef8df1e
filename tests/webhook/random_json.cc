#include "tests/webhook/random_json.h"

#include <iterator>

namespace headroom::webhook {
namespace {

using Json = nlohmann::ordered_json;

int below(std::mt19937_64& random, int bound) { return static_cast<int>(random() % static_cast<unsigned>(bound)); }

std::string random_text(std::mt19937_64& random) {
  static const char* const kPieces[] = {"a",    "spec", "\"",   "\\",
                                        "\\\"", " ",    "{",    "}",
                                        "[",    "]",    ":",    ",",
                                        "\n",   "\t",   "'",    ".",
                                        "/",    "ü",    "\x01", "\xE2\x82\xAC",
                                        "0",    "-1e5", "null", "\xF0\x9F\x98\x80"};
  std::string text;
  for (int pieces = below(random, 5); pieces > 0; --pieces) text += kPieces[below(random, std::size(kPieces))];
  return text;
}

Json random_value(std::mt19937_64& random, int members, int depth) {
  switch (below(random, depth > 0 ? 8 : 6)) {
    case 0:
      return nullptr;
    case 1:
      return below(random, 2) == 0;
    case 2:
      return static_cast<std::int64_t>(random());
    case 3:
      return static_cast<std::uint64_t>(random());
    case 4:
      return static_cast<double>(static_cast<std::int64_t>(random())) / 1e15;
    case 5:
      return random_text(random);
    case 6:
      return random_object(random, members, depth - 1);
    default: {
      Json list = Json::array();
      for (int i = below(random, members + 1); i > 0; --i) list.push_back(random_value(random, members, depth - 1));
      return list;
    }
  }
}

void write(const Json& value, std::mt19937_64& random, std::string& out) {
  const auto space = [&random, &out] {
    for (int i = below(random, 3); i > 0; --i) out += " \n\t\r"[below(random, 4)];
  };
  const auto separated = [&](char open, char close, const auto& each) {
    out += open;
    for (auto it = value.begin(); it != value.end(); ++it) {
      if (it != value.begin()) out += ',';
      space();
      each(it);
      space();
    }
    space();
    out += close;
  };
  if (value.is_object()) {
    separated('{', '}', [&](const auto& it) {
      out += Json(it.key()).dump();
      space();
      out += ':';
      space();
      write(it.value(), random, out);
    });
  } else if (value.is_array()) {
    separated('[', ']', [&](const auto& it) { write(*it, random, out); });
  } else {
    out += value.dump();
  }
}

}  // namespace

Json random_object(std::mt19937_64& random, int members, int depth) {
  Json object = Json::object();
  for (int i = below(random, members + 1); i > 0; --i) {
    object[random_text(random)] = random_value(random, members, depth);
  }
  return object;
}

std::string spaced_out(const Json& document, std::mt19937_64& random) {
  std::string out;
  write(document, random, out);
  return out;
}

}  // namespace headroom::webhook
