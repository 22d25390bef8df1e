#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/runtime/reflector.h"
#include "tests/runtime/objects.h"

namespace headroom::runtime {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

const api::ObjectKey kCart{"shop", "cart"}, kSearch{"shop", "search"};

class StoreSinkTest : public testing::Test {
 protected:
  std::shared_ptr<Store<Thing>> store_ = std::make_shared<Store<Thing>>();
  std::vector<std::string> refused_;
  std::string uid_;  ///< of the last one refused, as the next
  bool former_stays_ = false;
  std::vector<api::ObjectKey> over_;
  int decoded_ = 0;
  std::unique_ptr<ObjectSink> sink_ = store_sink<Thing>(
      store_,
      [this](const nlohmann::json& object) {
        ++decoded_;
        return decode_thing(object);
      },
      [this](const RefusedObject& refused) {
        refused_.push_back(refused.key.to_string() + ": " + refused.error.message);
        uid_ = refused.uid;
        former_stays_ = refused.former_stays;
      },
      [this](const api::ObjectKey& key) { over_.push_back(key); });
};

TEST_F(StoreSinkTest, shows_nothing_of_a_list_before_it_is_complete) {
  sink_->listed(thing_object("cart", "1"));
  EXPECT_EQ(store_->size(), 0u);
  EXPECT_FALSE(store_->synced());
  EXPECT_THAT(sink_->commit_listed(), ElementsAre(kCart));
  EXPECT_TRUE(store_->synced());
  EXPECT_NE(store_->get(kCart), nullptr);
}

TEST_F(StoreSinkTest, reports_what_a_relist_added_changed_and_no_longer_has) {
  for (const char* name : {"cart", "search", "login"}) sink_->listed(thing_object(name, "1"));
  sink_->commit_listed();
  sink_->listed(thing_object("cart", "1"));
  sink_->listed(thing_object("search", "2", 7));
  sink_->listed(thing_object("payments", "3"));
  EXPECT_THAT(sink_->commit_listed(),
              UnorderedElementsAre(kSearch, api::ObjectKey{"shop", "payments"}, api::ObjectKey{"shop", "login"}));
  EXPECT_EQ(store_->get({"shop", "login"}), nullptr);
  EXPECT_EQ(store_->get(kSearch)->value, 7);
}

TEST_F(StoreSinkTest, does_not_decode_again_what_has_not_changed) {
  sink_->listed(thing_object("cart", "1"));
  sink_->commit_listed();
  const auto before = store_->get(kCart);
  sink_->listed(thing_object("cart", "1"));
  EXPECT_THAT(sink_->commit_listed(), IsEmpty());
  EXPECT_EQ(decoded_, 1);
  EXPECT_EQ(store_->get(kCart), before);
}

TEST_F(StoreSinkTest, forgets_the_pages_of_a_list_that_was_given_up) {
  sink_->listed(thing_object("cart", "1"));
  sink_->discard_listed();
  sink_->listed(thing_object("search", "1"));
  EXPECT_THAT(sink_->commit_listed(), ElementsAre(kSearch));
}

TEST_F(StoreSinkTest, applies_and_deletes_single_objects) {
  EXPECT_EQ(sink_->applied(thing_object("cart", "1", 3)), kCart);
  EXPECT_EQ(store_->get(kCart)->value, 3);
  EXPECT_EQ(sink_->deleted(thing_object("cart", "2")), kCart);
  EXPECT_EQ(store_->get(kCart), nullptr);
  EXPECT_EQ(sink_->deleted(thing_object("cart", "2")), kCart) << "twice is fine";
}

TEST_F(StoreSinkTest, keeps_the_last_good_copy_of_an_object_that_went_bad) {
  sink_->applied(thing_object("cart", "1", 3));
  sink_->applied(thing_object("cart", "2", -1));
  EXPECT_EQ(store_->get(kCart)->value, 3);
  sink_->listed(thing_object("cart", "2", -1));
  sink_->commit_listed();
  ASSERT_NE(store_->get(kCart), nullptr) << "a relist keeps it, too";
  EXPECT_EQ(store_->get(kCart)->value, 3);
  sink_->applied(thing_object("cart", "3", 4));
  EXPECT_EQ(store_->get(kCart)->value, 4);
}

TEST_F(StoreSinkTest, keeps_out_an_object_that_was_never_good) {
  sink_->listed(thing_object("cart", "1", -1));
  sink_->listed(thing_object("search", "1", 1));
  EXPECT_THAT(sink_->commit_listed(), ElementsAre(kSearch));
  EXPECT_EQ(store_->get(kCart), nullptr);
}

TEST_F(StoreSinkTest, reports_a_bad_object_once_per_version) {
  sink_->applied(thing_object("cart", "1", -1));
  sink_->applied(thing_object("cart", "1", -1));
  sink_->listed(thing_object("cart", "1", -1));
  sink_->discard_listed();
  sink_->listed(thing_object("cart", "1", -1));
  sink_->commit_listed();
  sink_->listed(thing_object("cart", "1", -1));
  sink_->commit_listed();
  EXPECT_THAT(refused_, ElementsAre("shop/cart: data.value: -1 is negative"));
  sink_->applied(thing_object("cart", "2", -2));
  EXPECT_EQ(refused_.size(), 2u);
  sink_->deleted(thing_object("cart", "3", -2));
  sink_->applied(thing_object("cart", "2", -2));
  EXPECT_EQ(refused_.size(), 3u) << "a new life of the name is news";
}

TEST_F(StoreSinkTest, tells_whose_life_a_bad_object_is_and_whether_a_good_copy_stays) {
  nlohmann::json object = thing_object("cart", "1", -1);
  object["metadata"]["uid"] = "uid-cart";
  sink_->applied(object);
  EXPECT_EQ(uid_, "uid-cart");
  EXPECT_FALSE(former_stays_);
  sink_->applied(thing_object("search", "1", 1));
  sink_->applied(thing_object("search", "2", -1));
  EXPECT_TRUE(former_stays_);
}

TEST_F(StoreSinkTest, tells_when_a_bad_object_is_good_again_or_gone) {
  sink_->applied(thing_object("cart", "1", 1));
  sink_->deleted(thing_object("cart", "1", 1));
  EXPECT_THAT(over_, IsEmpty()) << "it was never bad";
  for (const char* name : {"cart", "search", "login", "payments", "queue"}) sink_->applied(thing_object(name, "2", -1));
  sink_->applied(thing_object("cart", "3", 1));
  EXPECT_THAT(over_, ElementsAre(kCart));
  sink_->deleted(thing_object("search", "3", -1));
  EXPECT_THAT(over_, ElementsAre(kCart, kSearch));
  sink_->listed(thing_object("login", "3", 1));
  sink_->listed(thing_object("queue", "2", -1));
  EXPECT_EQ(over_.size(), 2u) << "a list counts once it is complete";
  sink_->commit_listed();
  EXPECT_THAT(
      over_, UnorderedElementsAre(kCart, kSearch, api::ObjectKey{"shop", "login"}, api::ObjectKey{"shop", "payments"}));
}

TEST_F(StoreSinkTest, takes_an_exception_of_the_json_library_for_a_bad_object) {
  nlohmann::json object = thing_object("cart", "1");
  object["data"] = "text";
  sink_->applied(object);
  EXPECT_EQ(store_->size(), 0u);
  EXPECT_EQ(refused_.size(), 1u);
}

TEST_F(StoreSinkTest, keeps_out_objects_without_a_name) {
  for (const char* text : {"{}", "[]", "7", "null", R"({"metadata":[]})", R"({"metadata":{"name":7}})"}) {
    sink_->listed(nlohmann::json::parse(text));
  }
  EXPECT_THAT(sink_->commit_listed(), IsEmpty());
  EXPECT_EQ(refused_.size(), 6u);
  EXPECT_EQ(decoded_, 0);
}

TEST(Store, lets_readers_keep_what_they_got) {
  Store<Thing> store;
  store.apply(kCart, "1", std::make_shared<const Thing>(Thing{1}));
  const auto kept = store.get(kCart);
  const auto all = store.list();
  store.replace({});
  EXPECT_EQ(store.size(), 0u);
  EXPECT_EQ(kept->value, 1);
  EXPECT_EQ(all.size(), 1u);
}

}  // namespace
}  // namespace headroom::runtime
