#include "operator/runtime/leader_election.h"
