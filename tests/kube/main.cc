// Tests run with the library set up as the programs have it.
#include <gtest/gtest.h>

#include "operator/kube/cpprest_transport.h"

int main(int argc, char** argv) {
  headroom::kube::initialise_http();
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
