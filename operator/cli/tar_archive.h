// A tar archive, compressed with gzip's container: what `report` writes. Pure.
#pragma once

#include <absl/time/time.h>

#include <string>
#include <utility>
#include <vector>

namespace headroom::cli {

/// Files by path ("report/status.txt", at most 100 bytes) in the order given; ustar, mode 0644, owner root.
std::string tar_archive(const std::vector<std::pair<std::string, std::string>>& files, absl::Time modified);

/// RFC 1952 around `data`.
std::string gzipped(const std::string& data);

}  // namespace headroom::cli
