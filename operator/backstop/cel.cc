#include "operator/backstop/cel.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <span>

namespace headroom::backstop {
namespace {

using api::JsonPath;
using Step = JsonPath::Step;

struct Walk {
  const CelPredicate& predicate;
  int depth;  ///< of the next "[*]"
};

std::string any_value(std::span<const Step> steps, const std::string& value, Walk walk) {
  if (steps.empty()) return absl::StrCat("(", value, " != null && ", walk.predicate(value), ")");
  const Step& step = steps.front();
  const std::span<const Step> rest = steps.subspan(1);
  switch (step.kind) {
    case Step::Kind::Member: {
      const std::string key = cel_text(step.name);
      return absl::StrCat("(type(", value, ") == map && ", key, " in ", value, " && ",
                          any_value(rest, absl::StrCat(value, "[", key, "]"), walk), ")");
    }
    case Step::Kind::Index:
      return absl::StrCat("(type(", value, ") == list && size(", value, ") > ", step.index, " && ",
                          any_value(rest, absl::StrCat(value, "[", step.index, "]"), walk), ")");
    case Step::Kind::Each: {
      const std::string each = absl::StrCat("each", walk.depth++);
      return absl::StrCat("(type(", value, ") == list && ", value, ".exists(", each, ", ", any_value(rest, each, walk),
                          "))");
    }
  }
  return "false";
}

std::string satisfied(const api::LabelSelector::Requirement& requirement, const std::string& labels) {
  using Operator = api::LabelSelector::Requirement::Operator;
  const std::string there = absl::StrCat(cel_text(requirement.key), " in ", labels);
  const std::string listed = absl::StrCat("(", there, " && ", labels, "[", cel_text(requirement.key), "] in ",
                                          cel_texts(requirement.values), ")");
  switch (requirement.op) {
    case Operator::In:
      return listed;
    case Operator::NotIn:
      return absl::StrCat("!", listed);
    case Operator::Exists:
      return there;
    case Operator::DoesNotExist:
      return absl::StrCat("!(", there, ")");
  }
  return "false";
}

std::string joined(const std::vector<std::string>& expressions, const char* with, const char* none) {
  if (expressions.empty()) return none;
  if (expressions.size() == 1) return expressions.front();
  return absl::StrCat("(", absl::StrJoin(expressions, with), ")");
}

}  // namespace

std::string cel_text(std::string_view text) {
  std::string literal = "'";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\'' || c == '\\') {
      absl::StrAppend(&literal, "\\", std::string(1, c));
    } else if (byte < 0x20 || byte == 0x7f) {
      absl::StrAppend(&literal, "\\x", absl::Hex(byte, absl::kZeroPad2));
    } else {
      literal.push_back(c);
    }
  }
  return literal + "'";
}

std::string cel_texts(const std::vector<std::string>& texts) {
  return absl::StrCat(
      "[", absl::StrJoin(texts, ", ", [](std::string* out, const std::string& text) { out->append(cel_text(text)); }),
      "]");
}

std::string any_value(const JsonPath& path, const std::string& root, const CelPredicate& predicate, int depth) {
  return any_value(std::span<const Step>(path.steps()), root, {predicate, depth});
}

std::string same_value(const JsonPath& path, const std::string& one, const std::string& other) {
  std::span<const Step> steps(path.steps());
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (steps[i].kind == Step::Kind::Each) steps = steps.first(i);
  }
  const CelPredicate is_there = [](const std::string&) { return std::string("true"); };
  const CelPredicate is_equal = [&](const std::string& value) {
    const CelPredicate equals = [&](const std::string& another) { return absl::StrCat(value, " == ", another); };
    return any_value(steps, other, {equals, 0});
  };
  return absl::StrCat("(", any_value(steps, one, {is_equal, 0}), " || !(", any_value(steps, one, {is_there, 0}), " || ",
                      any_value(steps, other, {is_there, 0}), "))");
}

std::string is_amount(const std::string& value) {
  return absl::StrCat("(type(", value, ") == string ? isQuantity(", value, ") && !quantity(", value,
                      ").isLessThan(quantity('0')) : ((type(", value, ") == int || type(", value, ") == double) && ",
                      value, " >= 0))");
}

std::string amount(const std::string& value) { return absl::StrCat("quantity(string(", value, "))"); }

std::string no_more(const JsonPath& path, const std::string& one, const std::string& other) {
  const CelPredicate within = [&](const std::string& value) {
    const CelPredicate bound = [&](const std::string& former) {
      return all_of({is_amount(value), is_amount(former),
                     absl::StrCat("!", amount(value), ".isGreaterThan(", amount(former), ")")});
    };
    return any_value(path, other, bound);
  };
  const CelPredicate is_there = [](const std::string&) { return std::string("true"); };
  return any_of({any_value(path, one, within), absl::StrCat("!", any_value(path, one, is_there))});
}

std::string selects_labels(const api::LabelSelector& selector, const std::string& root) {
  static const JsonPath path = JsonPath::parse(".metadata.labels").value();
  std::vector<api::LabelSelector::Requirement> requirements = selector.match_expressions;
  for (const auto& [key, value] : selector.match_labels) {
    requirements.push_back({key, api::LabelSelector::Requirement::Operator::In, {value}});
  }
  const auto all = [&](const std::string& labels) {
    std::vector<std::string> terms;
    terms.reserve(requirements.size());
    for (const auto& requirement : requirements) terms.push_back(satisfied(requirement, labels));
    return all_of(terms);
  };
  const std::string there =
      any_value(path, root, [](const std::string& labels) { return absl::StrCat("type(", labels, ") == map"); });
  return absl::StrCat("(", there, " ? ", all(absl::StrCat(root, "['metadata']['labels']")), " : ", all("{}"), ")");
}

std::string satisfies(const api::FieldRequirement& requirement, const std::string& root) {
  using Operator = api::FieldRequirement::Operator;
  const std::string there = any_value(requirement.path, root, [](const std::string&) { return std::string("true"); });
  const auto listed = [&] {
    return any_value(requirement.path, root, [&](const std::string& value) {
      return absl::StrCat("type(", value, ") != map && type(", value, ") != list && string(", value, ") in ",
                          cel_texts(requirement.values));
    });
  };
  switch (requirement.op) {
    case Operator::In:
      return listed();
    case Operator::NotIn:
      return absl::StrCat("!", listed());
    case Operator::Exists:
      return there;
    case Operator::DoesNotExist:
      return absl::StrCat("!", there);
  }
  return "false";
}

std::string all_of(const std::vector<std::string>& expressions) { return joined(expressions, " && ", "true"); }
std::string any_of(const std::vector<std::string>& expressions) { return joined(expressions, " || ", "false"); }

}  // namespace headroom::backstop
