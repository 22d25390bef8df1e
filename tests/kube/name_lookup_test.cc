#include "operator/kube/name_lookup.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <semaphore>
#include <thread>

namespace headroom::kube {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Addresses = std::vector<std::string>;

const SteadyTime kNow = std::chrono::steady_clock::now();
const SteadyTime kLater = kNow + std::chrono::hours(1);

// A name server that answers when it is told to.
struct NameServer {
  std::counting_semaphore<> may_answer{0}, answered{0};
  std::atomic<int> asked{0};
  std::mutex mutex;
  std::optional<Addresses> answer = Addresses{"10.0.0.1"};  // empty: it fails

  NameLookup::Resolve resolve() {
    return [this](const std::string& host) -> Result<Addresses> {
      ++asked;
      may_answer.acquire();
      const std::lock_guard lock(mutex);
      answered.release();
      if (!answer) return Error{ErrorCode::Unavailable, host + " is unknown", 0, {}};
      return *answer;
    };
  }
  void answer_with(std::optional<Addresses> next) {
    {
      const std::lock_guard lock(mutex);
      answer = std::move(next);
    }
    may_answer.release();
  }
};

TEST(NameLookup, takes_addresses_for_themselves_without_asking) {
  NameServer server;
  for (const char* address : {"10.0.0.1", "fd00::1"}) {
    EXPECT_EQ(NameLookup(address, server.resolve()).addresses(kNow, kNow, {}).value(), Addresses{address});
  }
  EXPECT_EQ(server.asked, 0);
}

TEST(NameLookup, waits_for_the_first_answer_and_asks_once_for_all_who_wait) {
  NameServer server;
  NameLookup lookup("host", server.resolve());
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] { EXPECT_EQ(lookup.addresses(kNow, kLater, {}).value(), Addresses{"10.0.0.1"}); });
  }
  server.may_answer.release();
  threads.clear();
  EXPECT_EQ(lookup.addresses(kNow + seconds(29), kLater, {}).value(), Addresses{"10.0.0.1"});
  EXPECT_EQ(server.asked, 1);
}

TEST(NameLookup, gives_up_at_the_deadline_and_when_it_is_stopped) {
  NameServer silent;
  NameLookup lookup("host", silent.resolve());
  EXPECT_EQ(lookup.addresses(kNow, kNow + milliseconds(1), {}).error().code, ErrorCode::Unavailable);
  std::stop_source stop;
  std::jthread stopper([&] { stop.request_stop(); });
  EXPECT_EQ(lookup.addresses(kNow, kLater, stop.get_token()).error().code, ErrorCode::Cancelled);
  silent.may_answer.release();
  silent.answered.acquire();
  EXPECT_EQ(silent.asked, 1) << "one look-up at a time";
}

TEST(NameLookup, says_why_a_name_has_no_address) {
  NameServer server;
  NameLookup lookup("host", server.resolve());
  server.answer_with(std::nullopt);
  EXPECT_EQ(lookup.addresses(kNow, kLater, {}).error().message, "host is unknown");
  server.answer_with(Addresses{"10.0.0.9"});
  EXPECT_EQ(lookup.addresses(kNow, kLater, {}).value(), Addresses{"10.0.0.9"}) << "a failure is not remembered";
}

TEST(NameLookup, goes_on_with_what_it_knows_while_it_asks_again) {
  NameServer server;
  NameLookup lookup("host", server.resolve());
  server.may_answer.release();
  ASSERT_TRUE(lookup.addresses(kNow, kLater, {}));
  // The name server is silent now; nobody waits for it.
  EXPECT_EQ(lookup.addresses(kNow + seconds(31), kLater, {}).value(), Addresses{"10.0.0.1"});
  EXPECT_EQ(lookup.addresses(kNow + seconds(99), kLater, {}).value(), Addresses{"10.0.0.1"});
  server.answer_with(Addresses{"10.0.0.2"});
  while (lookup.addresses(kNow + seconds(32), kLater, {}).value() != Addresses{"10.0.0.2"}) std::this_thread::yield();
  EXPECT_EQ(server.asked, 2);
}

TEST(NameLookup, asks_again_when_no_address_answered_and_falls_back_on_them) {
  NameServer server;
  NameLookup lookup("host", server.resolve());
  server.may_answer.release();
  ASSERT_TRUE(lookup.addresses(kNow, kLater, {}));
  lookup.distrust();
  server.answer_with(std::nullopt);
  EXPECT_EQ(lookup.addresses(kNow, kLater, {}).value(), Addresses{"10.0.0.1"}) << "better than nothing";
  server.answer_with(Addresses{"10.0.0.2"});
  while (lookup.addresses(kNow, kLater, {}).value() != Addresses{"10.0.0.2"}) std::this_thread::yield();
  EXPECT_EQ(server.asked, 3);
}

TEST(NameLookup, outlives_its_owner_while_the_name_server_is_silent) {
  auto server = std::make_shared<NameServer>();
  {
    NameLookup lookup("host", [server](const std::string& host) { return server->resolve()(host); });
    EXPECT_FALSE(lookup.addresses(kNow, kNow, {}));
  }
  server->may_answer.release();
  server->answered.acquire();
}

TEST(NameLookup, knows_the_systems_names) {
  const auto localhost = NameLookup::resolve_by_system("localhost");
  ASSERT_TRUE(localhost) << localhost.error().message;
  for (const std::string& address : localhost.value())
    EXPECT_TRUE(address == "127.0.0.1" || address == "::1") << address;
}

}  // namespace
}  // namespace headroom::kube
