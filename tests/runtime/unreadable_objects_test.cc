#include "operator/runtime/unreadable_objects.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace headroom::runtime {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class UnreadableObjectsTest : public testing::Test {
 protected:
  struct Recorded final : EventRecorder {
    std::vector<std::string> lines;
    EventText last;
    void record(const EventSubject& subject, const EventText& text) override {
      lines.push_back(subject.kind + "/" + subject.key.to_string() + " " + subject.uid + ": " + text.note);
      last = text;
    }
  };

  void refuse(const std::string& name, const std::string& message, bool former_stays = true) {
    unreadable_.refused("headroom.dev/v1alpha1", "ScaleTarget",
                        {{"shop", name}, "uid-" + name, invalid(message), former_stays});
  }

  Recorded events_;
  UnreadableObjects unreadable_{events_};
};

TEST_F(UnreadableObjectsTest, are_told_of_at_once_by_the_leader) {
  unreadable_.lead();
  refuse("web", "spec.replicas.max: must be at least 1, not 0");
  EXPECT_THAT(events_.lines,
              ElementsAre("ScaleTarget/shop/web uid-web: spec.replicas.max: must be at least 1, not 0; a "
                          "former good version stays in force"));
  EXPECT_EQ(events_.last.type, EventText::Type::Warning);
  EXPECT_EQ(events_.last.reason, "Unreadable");
  EXPECT_EQ(events_.last.action, "Read");
}

TEST_F(UnreadableObjectsTest, are_not_said_to_have_a_former_version_where_there_is_none) {
  unreadable_.lead();
  refuse("web", "spec: bad", false);
  EXPECT_THAT(events_.lines,
              ElementsAre("ScaleTarget/shop/web uid-web: spec: bad; nothing is done for it until it can be read"));
}

TEST_F(UnreadableObjectsTest, are_not_told_of_by_a_standby_and_told_of_in_their_last_state_once_it_leads) {
  refuse("web", "first");
  refuse("web", "second");
  refuse("mended", "bad");
  unreadable_.over("ScaleTarget", {"shop", "mended"});
  unreadable_.over("ScaleTarget", {"shop", "never-bad"});
  EXPECT_THAT(events_.lines, IsEmpty());
  unreadable_.lead();
  EXPECT_THAT(events_.lines, ElementsAre("ScaleTarget/shop/web uid-web: second; a former good version stays in force"));
}

TEST_F(UnreadableObjectsTest, wait_in_a_bounded_number) {
  for (int i = 0; i < 1'000; ++i) refuse("t" + std::to_string(i), "bad");
  refuse("t0", "worse");
  unreadable_.lead();
  EXPECT_EQ(events_.lines.size(), 100U);
  EXPECT_THAT(events_.lines, testing::Contains(testing::HasSubstr("uid-t0: worse")));
}

}  // namespace
}  // namespace headroom::runtime
