// The certificates that Headroom keeps for itself, shared by its replicas in one Secret: what is the next change to it?
// Pure; keys come from a Mint. Whoever writes first makes the change, the others see it there.
#pragma once

#include <absl/time/time.h>

#include <optional>
#include <string>

#include "operator/certificates/certificate.h"
#include "operator/certificates/trust.h"

namespace headroom::certificates {

/// Authorities are replaced at two thirds of their life, so the third that is left must cover a leaf's whole life.
struct Lifetimes {
  absl::Duration authority = absl::Hours(365 * 24);
  absl::Duration leaf = absl::Hours(90 * 24);
};

/// Certificates are valid from this long before they were made: clocks differ.
inline constexpr absl::Duration kBackdated = absl::Hours(1);

/// Content of the Secret. The leaf is issued by `current`; `next` is only announced to API servers as yet.
struct SelfManaged {
  SigningAuthority current;
  std::optional<SigningAuthority> next;
  Leaf leaf;
  /// Another value of the first asks for new authorities now, of any age: people set it after a leak.
  std::string rotation_asked, rotation_done;
  bool operator==(const SelfManaged&) const = default;
};

/// What a replica serves by it, and has API servers trust.
Offer offer_of(const SelfManaged& content);

/// Makes keys and certificates; the rim of this.
class Mint {
 public:
  virtual ~Mint() = default;
  virtual SigningAuthority authority(absl::Time now) = 0;
  /// Ends with its authority at the latest. `names`: DNS names and IP addresses, with no blanks or commas in them.
  virtual Leaf leaf(const SigningAuthority& issuer, const std::set<std::string>& names, absl::Time now) = 0;
};

struct Circumstances {
  absl::Time now;
  std::set<std::string> names;            ///< that the leaf must be for
  double jitter = 0;                      ///< in [0, 1), of this replica: who looks for a due renewal first
  bool next_is_known = false;             ///< every API server trusts `next`
  std::optional<SelfManaged> remembered;  ///< what this replica has last read
};

/// A change to be stored, if nobody was faster.
struct Change {
  SelfManaged content;
  std::string what;  ///< for the log
};

/// `stored` null: there is no Secret. Null: nothing to do.
std::optional<Change> next_change(const std::optional<SelfManaged>& stored, const Circumstances& circumstances,
                                  Mint& mint);

}  // namespace headroom::certificates
