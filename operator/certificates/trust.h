// When a replica may serve a certificate, and which authorities the webhook configuration must carry, so that at every
// moment every API server can verify what every replica serves. A pure state machine, one for all sources of
// certificates; docs of Kubernetes call the field `caBundle`.
//
// API servers learn of a configuration with a delay, replicas of a new certificate with another. So an authority is
// added to the configuration first; a certificate of it is served once every API server must have seen that; and an
// authority leaves only when no replica that lives says that it needs it.
#pragma once

#include <absl/time/time.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "operator/certificates/certificate.h"

namespace headroom::certificates {

struct TrustOptions {
  /// How long an API server may take to use a configuration that it has stored.
  absl::Duration propagation = absl::Seconds(120);
  /// How long what nobody needs stays in the configuration: replicas announce their needs with some delay.
  absl::Duration retention = absl::Seconds(30);
  bool manages_configuration = true;  ///< false: whoever calls this server knows by other ways what to trust
  bool owns_bundle = true;            ///< false: somebody else (cert-manager's cainjector) writes the caBundle
};

/// What the source of certificates has now.
struct Offer {
  Leaf leaf;
  AuthorityIds anchors;            ///< those of `trusted` by which the leaf can be verified; empty: nobody knows
  std::vector<Authority> trusted;  ///< what API servers should trust by the source
};

/// The stored webhook configuration.
struct Carried {
  bool asks = false;              ///< whether it has any entry: without, no API server calls
  std::vector<Authority> by_any;  ///< authorities in any entry's caBundle
  AuthorityIds by_all;            ///< those that are in all of them
};

/// Another replica that lives, as its Lease says.
struct OtherReplica {
  AuthorityIds serving;  ///< its certificate is of these, and it takes calls; empty: it does not yet
  AuthorityIds needs;    ///< must be in the configuration for its sake
};

struct TrustInputs {
  absl::Time now;                        ///< for the validity of certificates
  absl::Duration boot;                   ///< since the machine's start: for waiting; never set back
  std::optional<Offer> offer;            ///< null: the source cannot be read
  std::optional<Carried> configuration;  ///< null: it could not be read
  std::vector<OtherReplica> others;
};

struct TrustState {
  std::optional<Offer> serving;
  /// API servers can verify what is served; until then the replica should get no calls if another one can take them.
  bool settled = false;
  std::map<std::string, absl::Duration> carried_since;   ///< by authority: in every entry, at each look since
  std::map<std::string, absl::Duration> unneeded_since;  ///< of what the configuration carries
};

struct TrustStep {
  TrustState state;
  bool serve = false;  ///< state.serving is another than before: new handshakes shall use it
  /// What every entry's caBundle shall hold, ordered by id; null: leave it.
  std::optional<std::vector<Authority>> bundle;
  bool apply = false;  ///< the configuration does not carry that
};

/// One look at everything. Called every now and then, and at once when something changed.
TrustStep step(TrustState state, const TrustInputs& inputs, const TrustOptions& options);

/// Whether every API server knows the authority by now.
bool known_everywhere(const TrustState& state, const std::string& authority, absl::Duration boot,
                      const TrustOptions& options);

/// What the replica's Lease shall announce.
OtherReplica announced(const TrustState& state, const std::optional<Offer>& offer);

}  // namespace headroom::certificates
