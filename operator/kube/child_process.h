// Runs a program to its end, or to ours: output bounded, time bounded. Blocks the calling thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <stop_token>
#include <string>
#include <vector>

#include "operator/base/result.h"

namespace headroom::kube {

struct ChildOutput {
  int exit_code = 0;  ///< 128 + signal when killed by one
  std::string output, errors;
};

/// Whether a child may talk with the person at our terminal.
enum class ChildTerminal {
  None,  ///< its standard input is empty, its errors are collected, its process group is its own
  Ours,  ///< it has our standard input and errors, and our process group, without which it could not read a terminal
};

/// `arguments[0]` is looked up in $PATH unless it has a slash; `environment` ("NAME=value") is all that it gets.
/// NotFound when there is no such program; Timeout, Cancelled and InvalidArgument (more than
/// `most_output` bytes) after killing its process group
/// (with ChildTerminal::Ours itself alone).
Result<ChildOutput> run_child(const std::vector<std::string>& arguments, const std::vector<std::string>& environment,
                              std::size_t most_output, std::chrono::milliseconds timeout, const std::stop_token& stop,
                              ChildTerminal terminal = ChildTerminal::None);

}  // namespace headroom::kube
