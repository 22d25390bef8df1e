#include "tests/plan/playbook.h"

namespace headroom::plan {

using testing_support::a_festival;
using testing_support::a_read_replica;
using testing_support::a_target;
using testing_support::labelled;
using testing_support::named;
using testing_support::with_role;

testing_support::World playbook_targets() {
  testing_support::World world;
  world.add(a_target("webhook-workers").min(10).max(100).baseline(30));
  world.add(a_target("order-service").min(10).max(100).baseline(20).label("part-of", "erp"));
  world.add(a_target("inventory-service").min(5).max(50).baseline(15).label("part-of", "erp"));
  world.add(a_target("invoice-service").min(5).max(50).baseline(15).label("part-of", "erp"));
  world.add(a_read_replica("read-replicas", 3).max_step(1));
  return world;
}

testing_support::FestivalBuilder playbook() {
  const auto workers = named({"webhook-workers"}), erp = labelled("part-of", "erp");
  const auto replicas = with_role(api::Role::ReadReplica);
  return a_festival("diwali")
      .day("2026-11-08")
      .wave("databases", replicas)
      .phase("t-3", "-P3D", "-P1D")
      .multiply(workers, "2")
      .add(replicas, 2)
      .phase("t-1", "-P1D", "P0D")
      .multiply(workers, "5")
      .multiply(erp, "3")
      .add(replicas, 2)
      .phase("d-day", "P0D", "P2D")
      .multiply(workers, "10")
      .multiply(erp, "3")
      .add(replicas, 2)
      .phase("cool-down", "P2D", "P3D")
      .decay(workers, "10")
      .decay(erp, "10");
}

}  // namespace headroom::plan
