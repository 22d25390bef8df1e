#include "operator/controllers/switches.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "operator/controllers/schedule_switching.h"
#include "tests/controllers/a_schedule.h"

namespace headroom::controllers {
namespace {

using nlohmann::json;
using Kind = SwitchAction::Kind;
using Records = std::map<std::string, SwitchRecord>;

const SwitchPlace kPlace{"local", "shop", "flags"};

/// A ConfigMap as a server would keep it, and the phases that come over it.
class Flags {
 public:
  explicit Flags(std::optional<std::map<std::string, std::string>> data) {
    if (data) object_ = json{{"metadata", {{"name", "flags"}, {"resourceVersion", "1"}}}, {"data", *data}};
  }

  Kind apply(const WantedSwitches& wanted, const Records& remembered = {}) {
    std::optional<SwitchMap> found;
    if (object_) found = switch_map_from_json(*object_);
    const SwitchAction action = plan_switches(found, wanted, remembered);
    last_ = action;
    const json body = switch_write_body(kPlace, found, action);
    switch (action.kind) {
      case Kind::None:
        break;
      case Kind::Create:
        object_ = body;
        break;
      case Kind::Patch:
        object_->merge_patch(body);
        break;
      case Kind::Remove:
        object_.reset();
        break;
    }
    return action.kind;
  }
  void edit(const std::string& key, const json& value) { object_->merge_patch({{"data", {{key, value}}}}); }
  void strip_annotation() { (*object_)["metadata"].erase("annotations"); }

  bool exists() const { return object_.has_value(); }
  std::map<std::string, std::string> data() const { return switch_map_from_json(*object_).data; }
  bool annotated() const { return object_->contains("/metadata/annotations/headroom.dev~1switches"_json_pointer); }
  const SwitchAction& last() const { return last_; }

 private:
  std::optional<json> object_;
  SwitchAction last_;
};

WantedSwitches wanted(const std::string& key, const std::string& value, const std::string& schedule = "diwali") {
  return {{key, {value, schedule}}};
}

using Data = std::map<std::string, std::string>;

TEST(Switches, are_set_for_the_phase_and_the_former_value_returns) {
  Flags flags(Data{{"aggregate", "off"}, {"theirs", "x"}});
  EXPECT_EQ(flags.apply(wanted("aggregate", "on")), Kind::Patch);
  EXPECT_EQ(flags.data(), (Data{{"aggregate", "on"}, {"theirs", "x"}}));
  EXPECT_EQ(flags.last().ledger.keys.at("aggregate").former, "off");
  EXPECT_EQ(flags.apply(wanted("aggregate", "on")), Kind::None) << "the second look writes nothing";
  EXPECT_EQ(flags.apply({}), Kind::Patch);
  EXPECT_EQ(flags.data(), (Data{{"aggregate", "off"}, {"theirs", "x"}}));
  EXPECT_FALSE(flags.annotated());
  EXPECT_EQ(flags.apply({}), Kind::None);
}

TEST(Switches, a_key_that_was_not_there_goes_again) {
  Flags flags(Data{{"theirs", "x"}});
  flags.apply(wanted("aggregate", "on"));
  EXPECT_FALSE(flags.last().ledger.keys.at("aggregate").former);
  flags.apply({});
  EXPECT_EQ(flags.data(), (Data{{"theirs", "x"}}));
}

TEST(Switches, a_config_map_that_was_not_there_goes_again_unless_somebody_has_put_something_in) {
  Flags flags(std::nullopt);
  EXPECT_EQ(flags.apply({}), Kind::None);
  EXPECT_EQ(flags.apply(wanted("aggregate", "on")), Kind::Create);
  EXPECT_EQ(flags.data(), (Data{{"aggregate", "on"}}));
  EXPECT_EQ(flags.apply({}), Kind::Remove);
  EXPECT_FALSE(flags.exists());

  Flags shared(std::nullopt);
  shared.apply(wanted("aggregate", "on"));
  shared.edit("theirs", "x");
  EXPECT_EQ(shared.apply({}), Kind::Patch);
  EXPECT_EQ(shared.data(), (Data{{"theirs", "x"}}));
}

TEST(Switches, a_config_map_of_somebody_elses_stays_even_when_it_is_empty) {
  Flags flags(Data{});
  flags.apply(wanted("aggregate", "on"));
  flags.apply({});
  EXPECT_TRUE(flags.exists());
}

TEST(Switches, a_switch_that_was_reverted_is_set_again_but_another_value_is_left_alone) {
  Flags flags(Data{{"aggregate", "off"}});
  flags.apply(wanted("aggregate", "on"));
  flags.edit("aggregate", "off");
  EXPECT_EQ(flags.apply(wanted("aggregate", "on")), Kind::Patch) << "a GitOps tool has put Git's value back";
  EXPECT_EQ(flags.data().at("aggregate"), "on");

  flags.edit("aggregate", "half");
  EXPECT_EQ(flags.apply(wanted("aggregate", "on")), Kind::None);
  EXPECT_EQ(flags.last().left_alone, std::vector<std::string>{"aggregate"});
  EXPECT_EQ(flags.apply({}), Kind::Patch) << "only the annotation goes";
  EXPECT_EQ(flags.data().at("aggregate"), "half") << "a person's choice outlives the phase";
}

TEST(Switches, a_key_that_somebody_has_removed_stays_removed) {
  Flags flags(Data{{"aggregate", "off"}, {"other", "x"}});
  flags.apply(wanted("aggregate", "on"));
  flags.edit("aggregate", nullptr);
  flags.apply(wanted("aggregate", "on"));
  EXPECT_FALSE(flags.data().contains("aggregate"));
  flags.apply({});
  EXPECT_FALSE(flags.data().contains("aggregate"));
}

TEST(Switches, the_next_phases_value_follows_and_the_first_former_value_returns) {
  Flags flags(Data{{"mode", "calm"}});
  flags.apply(wanted("mode", "busy"));
  EXPECT_EQ(flags.apply(wanted("mode", "war")), Kind::Patch);
  EXPECT_EQ(flags.data().at("mode"), "war");
  flags.apply({});
  EXPECT_EQ(flags.data().at("mode"), "calm");
}

TEST(Switches, another_phase_takes_somebodys_value_for_the_former_one) {
  Flags flags(Data{{"mode", "calm"}});
  flags.apply(wanted("mode", "busy"));
  flags.edit("mode", "theirs");
  flags.apply(wanted("mode", "war"));
  EXPECT_EQ(flags.data().at("mode"), "war");
  flags.apply({});
  EXPECT_EQ(flags.data().at("mode"), "theirs");
}

TEST(Switches, a_schedule_that_takes_over_keeps_the_first_former_value) {
  Flags flags(Data{{"mode", "calm"}});
  flags.apply(wanted("mode", "busy", "sale"));
  flags.apply(wanted("mode", "war", "diwali"));
  EXPECT_EQ(flags.last().ledger.keys.at("mode"), (SwitchRecord{"war", "diwali", "calm"}));
  flags.apply(wanted("mode", "busy", "sale"));
  flags.apply({});
  EXPECT_EQ(flags.data().at("mode"), "calm");
}

TEST(Switches, find_the_former_value_in_the_status_when_the_annotation_is_gone) {
  Flags flags(Data{{"mode", "calm"}});
  flags.apply(wanted("mode", "busy"));
  flags.strip_annotation();
  flags.apply({}, {{"mode", {"busy", "diwali", "calm"}}});
  EXPECT_EQ(flags.data().at("mode"), "calm");
}

TEST(Switches, the_annotation_wins_over_the_status) {
  Flags flags(Data{{"mode", "calm"}});
  flags.apply(wanted("mode", "busy"));
  flags.apply({}, {{"mode", {"busy", "diwali", "stale"}}});
  EXPECT_EQ(flags.data().at("mode"), "calm");
}

TEST(Switches, a_config_map_that_somebody_removed_is_made_anew_without_its_past) {
  Flags flags(std::nullopt);
  EXPECT_EQ(flags.apply(wanted("mode", "busy"), {{"mode", {"busy", "diwali", "calm"}}}), Kind::Create);
  EXPECT_FALSE(flags.last().ledger.keys.at("mode").former);
}

TEST(Switches, equal_values_need_no_write_but_are_given_back_as_they_were) {
  Flags flags(Data{{"mode", "busy"}});
  flags.apply(wanted("mode", "busy"));
  EXPECT_EQ(flags.data().at("mode"), "busy");
  flags.apply({});
  EXPECT_EQ(flags.data().at("mode"), "busy");
}

TEST(Switches, do_not_replace_what_is_too_long_to_be_kept) {
  const std::string document(kLongestFormer + 1, 'x');
  Flags flags(Data{{"mode", document}});
  EXPECT_EQ(flags.apply(wanted("mode", "busy")), Kind::None);
  EXPECT_EQ(flags.last().refused, std::vector<std::string>{"mode"});
  EXPECT_EQ(flags.data().at("mode"), document);
}

TEST(Switches, write_with_the_version_that_was_read_as_a_precondition) {
  const SwitchMap found{"uid", "41", {{"mode", "calm"}}, false, std::nullopt};
  const SwitchAction action = plan_switches(found, wanted("mode", "busy"), {});
  EXPECT_EQ(switch_write_body(kPlace, found, action)["metadata"]["resourceVersion"], "41");
}

TEST(SwitchLedger, reads_back_what_it_wrote_and_refuses_what_it_did_not) {
  const SwitchLedger ledger{true, {{"a", {"on", "diwali", "off"}}, {"b.c/d", {"", "sale", std::nullopt}}}};
  const auto read = ledger_from_annotation(to_annotation(ledger));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read.value(), ledger);
  for (const char* text : {"", "null", "[]", "{}", R"({"keys":[]})", R"({"keys":{"a":1}})", R"({"keys":{"a":{}}})"}) {
    EXPECT_FALSE(ledger_from_annotation(text)) << text;
  }
}

api::Switch a_switch(const std::string& key, const std::string& value, std::vector<std::string> regions = {}) {
  return {"flags", key, value, std::move(regions)};
}

TEST(WantedSwitches, go_by_priority_then_by_name_then_by_the_later_phase) {
  const std::vector<SwitchClaimant> claimants = {
      {"zeta", 5, {a_switch("a", "zeta")}},
      {"alpha", 5, {a_switch("a", "alpha"), a_switch("b", "alpha")}},
      {"boss", 9, {a_switch("b", "boss")}},
      {"late", 0, {a_switch("c", "early"), a_switch("c", "late")}},
  };
  const auto all = wanted_switches("shop", claimants);
  ASSERT_EQ(all.size(), 1U);
  const WantedSwitches& local = all.at(kPlace);
  EXPECT_EQ(local.at("a").value, "alpha");
  EXPECT_EQ(local.at("b").value, "boss");
  EXPECT_EQ(local.at("b").schedule, "boss");
  EXPECT_EQ(local.at("c").value, "late");
}

TEST(WantedSwitches, reach_every_named_region) {
  const std::vector<SwitchClaimant> claimants = {{"diwali", 0, {a_switch("a", "on", {"mumbai", "chennai"})}}};
  const auto all = wanted_switches("shop", claimants);
  EXPECT_EQ(all.size(), 2U);
  EXPECT_TRUE(all.contains({"mumbai", "shop", "flags"}));
  EXPECT_TRUE(all.contains({"chennai", "shop", "flags"}));
}

using testing_support::ist;

/// Schedule "diwali" whose phase "peak" switches, as stored, and a plan that knows it.
struct Claims {
  testing_support::FestivalBuilder builder = diwali();
  api::FestivalSchedule schedule;
  PlanSnapshot plan;

  Claims() {
    builder.spec().phases[1].switches = {a_switch("mode", "war")};
    schedule = as_object(builder);
    schedule.status.switches = {{"mumbai", "flags", "old", "set", std::nullopt}};
    plan.schedules[schedule.meta.key()] = {compiled(builder), {}, {}, {}};
  }
  std::vector<api::Switch> of(const char* civil, const PlanSnapshot* known, const std::string& ns = "shop") const {
    const std::vector schedules = {std::make_shared<const api::FestivalSchedule>(schedule)};
    const auto claimants = switch_claimants(ns, schedules, {}, known, ist(civil));
    return claimants.empty() ? std::vector<api::Switch>() : claimants[0].claims;
  }
};

TEST(SwitchClaimants, claim_what_their_phases_in_force_switch) {
  const Claims claims;
  EXPECT_TRUE(claims.of("2026-11-06", &claims.plan).empty());
  EXPECT_EQ(claims.of("2026-11-08", &claims.plan), std::vector{a_switch("mode", "war")});
  EXPECT_TRUE(claims.of("2026-11-10", &claims.plan).empty());
  EXPECT_TRUE(claims.of("2026-11-08", &claims.plan, "elsewhere").empty());
}

TEST(SwitchClaimants, hold_on_to_what_is_set_while_held_or_not_compiled_and_let_go_when_told) {
  const std::vector<api::Switch> set = {a_switch("old", "set", {"mumbai"})};
  Claims claims;
  EXPECT_EQ(claims.of("2026-11-08", nullptr), set) << "no plan yet";
  claims.schedule.spec.suspend = api::SuspendMode::Hold;
  EXPECT_EQ(claims.of("2026-11-08", &claims.plan), set);
  claims.schedule.spec.suspend = api::SuspendMode::Restore;
  EXPECT_TRUE(claims.of("2026-11-08", &claims.plan).empty());
  claims.schedule.spec.suspend = api::SuspendMode::None;
  claims.schedule.meta.deleted = ist("2026-11-08");
  EXPECT_TRUE(claims.of("2026-11-08", &claims.plan).empty());
}

}  // namespace
}  // namespace headroom::controllers
