// The plan of the sample whatsapp-erp against tables worked out by hand from the rules of planning: Diwali of 2027, on
// 29 October, and New Year after it.
#include <gtest/gtest.h>

#include "tests/cli/offline.h"
#include "tests/support/civil.h"

namespace headroom::cli {
namespace {

using testing_support::ist;

struct Row {
  const char* at;  ///< in Kolkata
  int workers, order, inventory, invoice, instances;
};

void expect_rows(const std::vector<Row>& rows, const Forecast& told, const PlanningWorld& world) {
  for (const Row& row : rows) {
    const absl::Time at = ist(row.at);
    EXPECT_EQ(size_at(world, told, "webhook-workers", at), row.workers) << row.at;
    EXPECT_EQ(size_at(world, told, "order-service", at), row.order) << row.at;
    EXPECT_EQ(size_at(world, told, "inventory-service", at), row.inventory) << row.at;
    EXPECT_EQ(size_at(world, told, "invoice-service", at), row.invoice) << row.at;
    EXPECT_EQ(size_at(world, told, "erp-db", at), row.instances) << row.at;
  }
}

TEST(PlanOfWhatsAppErp, for_diwali_2027_is_the_table_made_by_hand) {
  const PlanningWorld world = whatsapp_erp();
  ASSERT_TRUE(world.problems.empty()) << world.problems.front();
  const Forecast told = forecast_of(world, ist("2027-10-20"), ist("2027-11-03"));
  // Instances count the primary. At 07:00 no more than the baseline would be left: the originals return.
  expect_rows({{"2027-10-20 00:00", 10, 10, 5, 5, 4},
               {"2027-10-22 00:00", 10, 10, 5, 5, 4},
               {"2027-10-25 23:59:59", 10, 10, 5, 5, 4},
               {"2027-10-26 00:00", 60, 10, 5, 5, 6},
               {"2027-10-27 23:59:59", 60, 10, 5, 5, 6},
               {"2027-10-28 00:00", 100, 60, 45, 45, 6},
               {"2027-10-29 00:00", 100, 60, 45, 45, 6},
               {"2027-10-31 00:00", 100, 60, 45, 45, 6},
               {"2027-10-31 00:59:59", 100, 60, 45, 45, 6},
               {"2027-10-31 01:00", 90, 54, 41, 41, 6},
               {"2027-10-31 02:00", 80, 48, 36, 36, 6},
               {"2027-10-31 03:00", 70, 42, 32, 32, 6},
               {"2027-10-31 04:00", 60, 36, 27, 27, 6},
               {"2027-10-31 05:00", 50, 30, 23, 23, 6},
               {"2027-10-31 06:00", 40, 24, 18, 18, 6},
               {"2027-10-31 06:59:59", 40, 24, 18, 18, 6},
               {"2027-10-31 07:00", 10, 10, 5, 5, 4},
               {"2027-11-03 00:00", 10, 10, 5, 5, 4}},
              told, world);
}

TEST(PlanOfWhatsAppErp, for_diwali_2027_says_what_caps_the_workers) {
  const PlanningWorld world = whatsapp_erp();
  const Forecast told = forecast_of(world, ist("2027-10-20"), ist("2027-11-03"));
  const plan::Decision* eve = decision_at(world, told, "webhook-workers", ist("2027-10-28 12:00"));
  const plan::Decision* peak = decision_at(world, told, "webhook-workers", ist("2027-10-29 12:00"));
  const plan::Decision* lead_up = decision_at(world, told, "webhook-workers", ist("2027-10-26 12:00"));
  ASSERT_TRUE(eve && peak && lead_up);
  EXPECT_TRUE(eve->capped_by_max);
  EXPECT_EQ(eve->wanted, 150);
  EXPECT_TRUE(peak->capped_by_max);
  EXPECT_EQ(peak->wanted, 300);
  EXPECT_FALSE(lead_up->capped_by_max);
  EXPECT_EQ(spoken_phase(*peak), "diwali-playbook peak");
  // 100 workers and 150 ERP pods are exactly what Mumbai has.
  for (const RegionRoom& room : told.rooms) {
    if (room.region != "mumbai") continue;
    EXPECT_EQ(room.peak, room.hard) << room.dimension;
    EXPECT_EQ(room.capped, absl::ZeroDuration()) << room.dimension;
  }
}

TEST(PlanOfWhatsAppErp, for_new_year_is_the_table_made_by_hand) {
  const PlanningWorld world = whatsapp_erp();
  const Forecast told = forecast_of(world, ist("2027-12-27"), ist("2028-01-05"));
  expect_rows({{"2027-12-27 00:00", 10, 10, 5, 5, 4},
               {"2027-12-28 00:00", 10, 10, 5, 5, 4},  // monitoring begins; it asks for nothing
               {"2027-12-30 23:59:59", 10, 10, 5, 5, 4},
               {"2027-12-31 00:00", 90, 10, 5, 5, 4},
               {"2027-12-31 23:59:59", 90, 10, 5, 5, 4},
               {"2028-01-01 00:00", 100, 10, 5, 5, 4},  // 150, capped
               {"2028-01-02 23:59:59", 100, 10, 5, 5, 4},
               {"2028-01-03 00:00", 10, 10, 5, 5, 4}},
              told, world);
  const plan::Decision* first = decision_at(world, told, "webhook-workers", ist("2028-01-01 12:00"));
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(first->wanted, 150);
}

TEST(PlanOfWhatsAppErp, keeps_the_standby_at_three_tenths_and_never_below_its_own_size) {
  struct StandbyRow {
    const char* at;
    int workers, order, inventory, invoice;
  };
  const PlanningWorld world = whatsapp_erp();
  const Forecast told = forecast_of(world, ist("2027-10-20"), ist("2027-11-03"));
  for (const StandbyRow& row : std::vector<StandbyRow>{{"2027-10-25 23:59:59", 10, 8, 6, 6},
                                                       {"2027-10-26 00:00", 18, 8, 6, 6},
                                                       {"2027-10-28 00:00", 30, 18, 14, 14},
                                                       {"2027-10-31 01:00", 27, 17, 13, 13},
                                                       {"2027-10-31 07:00", 10, 8, 6, 6}}) {
    EXPECT_EQ(size_at(world, told, "chennai-webhook-workers", ist(row.at)), row.workers) << row.at;
    EXPECT_EQ(size_at(world, told, "chennai-order-service", ist(row.at)), row.order) << row.at;
    EXPECT_EQ(size_at(world, told, "chennai-inventory-service", ist(row.at)), row.inventory) << row.at;
    EXPECT_EQ(size_at(world, told, "chennai-invoice-service", ist(row.at)), row.invoice) << row.at;
  }
}

TEST(PlanOfWhatsAppErp, judges_the_clones_of_the_database) {
  const PlanningWorld world = whatsapp_erp();
  const Forecast told = forecast_of(world, ist("2027-10-20"), ist("2027-11-03"), std::nullopt, "diwali-playbook");
  ASSERT_FALSE(told.rises.empty());
  const ReadyForecast& clones = told.rises.front();
  EXPECT_EQ(world.targets[static_cast<std::size_t>(clones.target)].meta.name, "erp-db");
  EXPECT_EQ(clones.phase, "lead-up");
  EXPECT_EQ(clones.clones, 2) << "one at a time";
  EXPECT_TRUE(clones.unknown) << "the sample names no warm-up";
}

}  // namespace
}  // namespace headroom::cli
