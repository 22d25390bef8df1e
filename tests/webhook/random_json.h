// JSON documents made from a seed.
#pragma once

#include <nlohmann/json.hpp>
#include <random>
#include <string>

namespace headroom::webhook {

/// An object with up to `members` members, up to `depth` levels deep; keys and texts hold quotes, backslashes, blanks,
/// control characters and letters outside ASCII; numbers are integers of 64 bits and fractions.
nlohmann::ordered_json random_object(std::mt19937_64& random, int members, int depth);

/// The same document with white space between its tokens, at random.
std::string spaced_out(const nlohmann::ordered_json& document, std::mt19937_64& random);

}  // namespace headroom::webhook
