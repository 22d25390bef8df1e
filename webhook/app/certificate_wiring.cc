#include "webhook/app/certificate_wiring.h"

#include <algorithm>
#include <random>
#include <utility>

#include "operator/base/random_seed.h"
#include "operator/certificates/announcement.h"
#include "operator/certificates/issue.h"
#include "webhook/app/certificate_secret_source.h"

namespace headroom::webhook {
namespace {

constexpr std::chrono::milliseconds kShortestLook{100}, kLongestLook{10'000}, kLookAtFiles{2000};

std::vector<certificates::OtherReplica> others_of(const ReplicaLeases& replicas, absl::Duration lease_life,
                                                  const std::string& own_lease) {
  std::vector<certificates::OtherReplica> others;
  for (const ReplicaLeases::Live& one : replicas.live(lease_life)) {
    const auto text = one.announced.find(kCertificatesAnnotation);
    if (one.name == own_lease || text == one.announced.end()) continue;
    others.push_back(certificates::read_announcement(text->second));
  }
  return others;
}

}  // namespace

Result<std::unique_ptr<CertificateKeeper>> make_certificate_keeper(const WebhookOptions& options,
                                                                   const std::string& own_lease,
                                                                   std::shared_ptr<kube::Client> client,
                                                                   CertificateUsers users, runtime::Metrics& metrics) {
  const CertificateOptions& wanted = options.certificates;
  CertificateKeeperOptions keeper;
  keeper.trust.propagation = wanted.propagation;
  keeper.trust.retention = options.escrow.lease_life;
  keeper.trust.manages_configuration = !options.configuration.empty();
  keeper.trust.owns_bundle = options.reached_at.inject_ca_from.empty();
  keeper.configuration = options.configuration;
  keeper.look_every = kLookAtFiles;
  std::unique_ptr<CertificateSource> source;
  if (!wanted.secret.empty()) {
    // Each wait of a rotation ends with a look: an eighth of the wait is late enough.
    keeper.look_every = std::clamp(absl::ToChronoMilliseconds(wanted.propagation / 8), kShortestLook, kLongestLook);
    BOOST_OUTCOME_TRY(names, names_of_address(options.reached_at));
    CertificateSecretOptions secret{options.own_namespace, wanted.secret, names, wanted.lifetimes, keeper.trust, 0};
    std::mt19937_64 random(random_seed());
    secret.jitter = std::uniform_real_distribution<double>(0, 1)(random);
    source = std::make_unique<CertificateSecretSource>(
        client, std::move(secret), std::make_unique<certificates::OpenSslMint>(wanted.lifetimes), users.wall_now);
  } else {
    source = std::make_unique<CertificateFiles>(wanted.directory.empty() ? wanted.files
                                                                         : certificate_directory(wanted.directory));
  }
  CertificateSurroundings surroundings{std::move(users.wall_now), std::move(users.boot_now),
                                       [&replicas = users.replicas, life = options.escrow.lease_life, own_lease] {
                                         return others_of(replicas, life, own_lease);
                                       },
                                       std::move(users.use), std::move(users.bundle_changed)};
  return std::make_unique<CertificateKeeper>(std::move(keeper), std::move(source), std::move(client),
                                             std::move(surroundings), metrics);
}

}  // namespace headroom::webhook
