// The pool's threads, Secrets and connections; what is asked when is query_book_test's business.
#include "operator/monitoring/query_pool.h"

#include <gtest/gtest.h>

#include <atomic>

#include "tests/controllers/test_world.h"
#include "tests/monitoring/fake_server.h"

namespace headroom::monitoring {
namespace {

kube::Response vector_of_one(const std::string& value) {
  return {200,
          R"({"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[)" +
              std::to_string(absl::ToUnixSeconds(SystemClock().wall_now())) + ",\"" + value + "\"]}]}}",
          {}};
}

api::Region region_with_metrics(const std::string& name) {
  api::Region region;
  region.meta.name = name;
  region.spec.metrics.emplace();
  region.spec.metrics->url = "https://prometheus." + name + ":9090/prefix";
  return region;
}

struct Pool {
  controllers::TestWorld home;
  OneServer prometheus{[](const kube::Request&, const std::stop_token&) { return vector_of_one("42"); }};
  std::atomic<int> told{0};
  std::unique_ptr<QueryPool> pool;

  QueryPool& start() {
    QueryPoolSurroundings surroundings;
    surroundings.connect = prometheus.factory();
    surroundings.threads = 4;
    surroundings.seed = 1;
    home.options.query_interval = std::chrono::milliseconds(20);
    pool = std::make_unique<QueryPool>(
        QueryPoolHome{*home.world->regions, *home.world->home, home.metrics, home.options.query_interval},
        [this] { ++told; }, std::move(surroundings));
    return *pool;
  }
  QuerySource::Answer await(const std::string& region, const std::function<bool(const QuerySource::Answer&)>& holds) {
    home.server->await([&] { return holds(pool->ask(region, "up")); });
    return pool->ask(region, "up");
  }
};

TEST(QueryPool, answers_in_the_background_and_tells_that_it_has) {
  Pool pool;
  pool.home.load(region_with_metrics("mumbai"));
  pool.start();
  EXPECT_FALSE(pool.pool->ask("mumbai", "up").asked);
  EXPECT_EQ(pool.await("mumbai", [](const auto& answer) { return answer.asked; }).value, 42.0);
  EXPECT_TRUE(pool.home.server->await([&] { return pool.told == 1; }));
  pool.prometheus.server->set_answer([](const kube::Request&, const std::stop_token&) { return vector_of_one("43"); });
  EXPECT_EQ(pool.await("mumbai", [](const auto& answer) { return answer.value == 43.0; }).value, 43.0);
  EXPECT_TRUE(pool.home.server->await([&] { return pool.told == 2; }));
}

TEST(QueryPool, says_at_once_when_there_is_nobody_to_ask) {
  Pool pool;
  api::Region silent;
  silent.meta.name = "silent";
  pool.home.load(silent);
  pool.start();
  EXPECT_NE(pool.pool->ask("nowhere", "up").problem.find("no Region 'nowhere'"), std::string::npos);
  EXPECT_NE(pool.pool->ask("silent", "up").problem.find("spec.metrics"), std::string::npos);
  EXPECT_TRUE(pool.pool->ask("silent", "up").asked);
}

TEST(QueryPool, uses_the_token_and_certificates_of_the_named_secrets_and_reads_a_refused_token_anew) {
  Pool pool;
  api::Region region = region_with_metrics("mumbai");
  region.spec.metrics->auth_secret = api::SecretKeyRef{"headroom-system", "prometheus", "token"};
  region.spec.metrics->ca = api::SecretKeyRef{"headroom-system", "ca", "ca.crt"};
  region.spec.metrics->tenant_header = "X-Scope-OrgID: shop";
  pool.home.load(region);
  pool.home.server->put(controllers::secret_path("headroom-system", "prometheus"), {{"data", {{"token", "b2xkCg=="}}}});
  pool.home.server->put(controllers::secret_path("headroom-system", "ca"), {{"data", {{"ca.crt", "UEVN"}}}});
  pool.start();
  ASSERT_EQ(pool.await("mumbai", [](const auto& answer) { return answer.asked; }).value, 42.0);
  const auto first = pool.prometheus.connections();
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].server, "https://prometheus.mumbai:9090/prefix");
  EXPECT_EQ(first[0].token, "old") << "without the line break that people leave at the end";
  EXPECT_EQ(first[0].ca_pem, "PEM");
  const auto headers = pool.prometheus.server->requests().front().headers;
  ASSERT_EQ(headers.size(), 1U);
  EXPECT_EQ(headers[0].second, "shop");

  pool.prometheus.server->set_answer([&](const kube::Request&, const std::stop_token&) -> Result<kube::Response> {
    return pool.prometheus.connections().back().token == "new" ? vector_of_one("7") : kube::Response{401, "", {}};
  });
  pool.home.server->edit(controllers::secret_path("headroom-system", "prometheus"), {{"data", {{"token", "bmV3"}}}});
  EXPECT_EQ(pool.await("mumbai", [](const auto& answer) { return answer.value == 7.0; }).value, 7.0);
}

TEST(QueryPool, names_the_secret_that_is_missing) {
  Pool pool;
  api::Region region = region_with_metrics("mumbai");
  region.spec.metrics->auth_secret = api::SecretKeyRef{"headroom-system", "prometheus", "token"};
  pool.home.load(region);
  pool.start();
  const auto answer = pool.await("mumbai", [](const auto& given) { return !given.problem.empty(); });
  EXPECT_NE(answer.problem.find("authSecretRef"), std::string::npos) << answer.problem;
  EXPECT_NE(answer.problem.find("headroom-system/prometheus"), std::string::npos) << answer.problem;
}

TEST(QueryPool, a_server_that_does_not_answer_keeps_no_other_region_waiting) {
  Pool pool;
  pool.home.load(region_with_metrics("lost"));
  pool.home.load(region_with_metrics("mumbai"));
  pool.prometheus.server->set_answer(
      [](const kube::Request& request, const std::stop_token& stop) -> Result<kube::Response> {
        if (request.body.find("lost") == std::string::npos) return vector_of_one("42");
        std::mutex mutex;
        std::condition_variable_any never;
        std::unique_lock lock(mutex);
        never.wait(lock, stop, [] { return false; });
        return Error{ErrorCode::Cancelled, "stopped", 0, {}};
      });
  pool.start();
  for (int i = 0; i < 50; ++i) pool.pool->ask("lost", "lost_" + std::to_string(i));
  EXPECT_EQ(pool.await("mumbai", [](const auto& answer) { return answer.asked; }).value, 42.0);
  pool.pool->stop();
}

}  // namespace
}  // namespace headroom::monitoring
