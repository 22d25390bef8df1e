#include "operator/api/scale_limit_status.h"

#include <nlohmann/json.hpp>

#include "operator/api/json_writer.h"
#include "operator/api/scale_limit_names.h"

namespace headroom::api {
namespace {

using nlohmann::json;
using Backstop = ScaleLimitStatus::Backstop;

constexpr EnumName<CrossedThreshold::State> kStates[] = {{CrossedThreshold::State::Crossed, "Crossed"},
                                                         {CrossedThreshold::State::Pending, "Pending"}};
constexpr EnumName<Backstop> kBackstops[] = {{Backstop::Inactive, "Inactive"}, {Backstop::Active, "Active"}};

/// All of a dimension is written in one family, which small and broken numbers do not show.
QuantityFormat format_of(const JsonReader& dimension) {
  for (const char* field : {"hard", "used", "held"}) {
    const QuantityFormat format = dimension.quantity_format(field);
    if (format != QuantityFormat::DecimalSI) return format;
  }
  return QuantityFormat::DecimalSI;
}

DimensionStatus read_dimension(const JsonReader& reader) {
  DimensionStatus dimension;
  dimension.name = reader.required_text("name");
  dimension.used = reader.quantity("used");
  dimension.hard = reader.required_quantity("hard");
  dimension.percent = reader.optional_integer("percent", {.low = 0});
  dimension.level = reader.choice("level", kLimitLevels, dimension.level);
  dimension.held = reader.quantity("held").value_or(dimension.held);
  dimension.format = format_of(reader);
  return dimension;
}

json dimension_json(const DimensionStatus& dimension) {
  json item = {{"name", dimension.name},
               {"hard", dimension.hard.canonical(dimension.format)},
               {"level", to_string(dimension.level)}};
  if (dimension.used) item["used"] = dimension.used->canonical(dimension.format);
  if (dimension.held != Quantity()) item["held"] = dimension.held.canonical(dimension.format);
  put(item, "percent", dimension.percent);
  return item;
}

/// For lists of limits on one line each: the row that is used most. Nothing reads it back.
void put_fullest(json& object, const std::vector<DimensionStatus>& dimensions) {
  const DimensionStatus* fullest = nullptr;
  for (const DimensionStatus& dimension : dimensions) {
    if (!dimension.used || !dimension.percent) continue;
    if (fullest == nullptr || *dimension.percent > *fullest->percent) fullest = &dimension;
  }
  if (fullest == nullptr) return;
  object["fullest"] = {{"dimension", fullest->name},
                       {"used", fullest->used->canonical(fullest->format)},
                       {"hard", fullest->hard.canonical(fullest->format)},
                       {"percent", *fullest->percent}};
}

WriteStop read_stop(const JsonReader& reader) {
  return {reader.required_time("since"), reader.text("dimension"), reader.required_text("reason"),
          reader.text("message")};
}

void put_stop(json& object, const char* field, const Boxed<WriteStop>& stop) {
  if (!stop) return;
  json& item = object[field] = {{"since", time_text(stop->since)}, {"reason", stop->reason}};
  put(item, "dimension", stop->dimension);
  put(item, "message", stop->message);
}

}  // namespace

ScaleLimitStatus read_scale_limit_status(const JsonReader& reader) {
  ScaleLimitStatus status;
  status.observed_generation = reader.counter("observedGeneration");
  status.conditions = reader.conditions("conditions");
  status.level = reader.choice("level", kLimitLevels, status.level);
  reader.list("dimensions", [&](const JsonReader& item) { status.dimensions.push_back(read_dimension(item)); });
  reader.list("thresholds", [&](const JsonReader& item) {
    status.thresholds.push_back({item.required_text("threshold"), item.required_text("dimension"),
                                 item.choice("state", kStates, CrossedThreshold::State::Crossed),
                                 item.required_time("since"), item.time("due")});
  });
  reader.object("paused", [&](const JsonReader& stop) { status.paused = read_stop(stop); });
  reader.object("halted", [&](const JsonReader& stop) { status.halted = read_stop(stop); });
  reader.list("denials", [&](const JsonReader& item) {
    status.denials.push_back({item.required_text("reason"), item.text("dimension"), item.counter("count"),
                              item.text("lastMessage"), item.required_time("lastTime")});
  });
  status.backstop = reader.choice("backstop", kBackstops, status.backstop);
  status.excluded_namespaces = reader.texts("excludedNamespaces");
  return status;
}

json to_json(const ScaleLimitStatus& status) {
  json object = {{"observedGeneration", status.observed_generation},
                 {"conditions", to_json(status.conditions)},
                 {"level", to_string(status.level)},
                 {"backstop", name_of(status.backstop, kBackstops)}};
  put_fullest(object, status.dimensions);
  put_list(object, "dimensions", status.dimensions, dimension_json);
  put_list(object, "thresholds", status.thresholds, [](const CrossedThreshold& crossed) {
    json item = {{"threshold", crossed.threshold},
                 {"dimension", crossed.dimension},
                 {"state", name_of(crossed.state, kStates)},
                 {"since", time_text(crossed.since)}};
    put(item, "due", crossed.due);
    return item;
  });
  put_stop(object, "paused", status.paused);
  put_stop(object, "halted", status.halted);
  put_list(object, "denials", status.denials, [](const DenialStatus& denial) {
    json item = {{"reason", denial.reason}, {"count", denial.count}, {"lastTime", time_text(denial.last_time)}};
    put(item, "dimension", denial.dimension);
    put(item, "lastMessage", denial.last_message);
    return item;
  });
  put_list(object, "excludedNamespaces", status.excluded_namespaces, [](const std::string& name) { return name; });
  return object;
}

}  // namespace headroom::api
