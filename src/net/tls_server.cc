#include <openssl/err.h>

#include <algorithm>
#include <mutex>

#include "base/check.h"
#include "base/files.h"
#include "base/loadable_file.h"
#include "net/tls.h"
#include "net/tls_stream.h"
#include "net/tls_support.h"

namespace nimbus::net {
namespace {

std::vector<std::string> pathsOf(const TlsServerOptions& options) {
  std::vector<std::string> paths;
  for (const TlsCertificate& files : options.certificates) {
    paths.push_back(files.certificate_path);
    paths.push_back(files.key_path);
  }
  if (!options.client_ca_path.empty()) paths.push_back(options.client_ca_path);
  return paths;
}

std::vector<FileStamp> stampsOf(const TlsServerOptions& options) {
  std::vector<FileStamp> stamps;
  for (const std::string& path : pathsOf(options)) stamps.push_back(stampOf(path));
  return stamps;
}

// Everything read from the files at one time. Never changed once made: handshakes hold the one they
// began with.
struct Generation {
  struct Identity {
    SslContextPtr context;
    std::vector<std::string> names;
  };
  std::vector<Identity> identities;
  std::string alpn;               // encoded
  std::size_t read = 0;           // what it has of files as they are now
  std::vector<Error> unreadable;  // why it has something of the generation before
};

int chooseIdentity(SSL* ssl, int*, void* argument) {
  const auto& generation = *static_cast<const Generation*>(argument);
  const char* asked = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (asked == nullptr) return SSL_TLSEXT_ERR_NOACK;
  const std::string host = normalizedHost(asked);
  const auto choose = [&](auto matches) {
    const auto found = std::ranges::find_if(generation.identities, [&](const auto& identity) {
      return std::ranges::any_of(identity.names, matches);
    });
    if (found == generation.identities.end()) return false;
    SSL_set_SSL_CTX(ssl, found->context.get());
    return true;
  };
  // An exact name wins over a wildcard, wherever it stands in the list.
  if (!choose([&](const std::string& name) { return name == host; })) {
    choose([&](const std::string& name) { return nameCovers(name, host); });
  }
  return SSL_TLSEXT_ERR_OK;
}

int chooseAlpn(SSL*, const unsigned char** chosen, unsigned char* chosen_size,
               const unsigned char* offered, unsigned offered_size, void* argument) {
  const std::string& ours = static_cast<const Generation*>(argument)->alpn;
  unsigned char* out = nullptr;
  const int outcome =
      SSL_select_next_proto(&out, chosen_size, reinterpret_cast<const unsigned char*>(ours.data()),
                            static_cast<unsigned>(ours.size()), offered, offered_size);
  // No protocol in common ends the handshake (RFC 7301 3.2).
  if (outcome != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
  *chosen = out;
  return SSL_TLSEXT_ERR_OK;
}

Result<void> demandClientCertificate(SSL_CTX& context, const std::string& ca_path) {
  TRY_VOID(checkLoadable("the client CA", ca_path, kMaxPemBytes));
  ERR_clear_error();
  STACK_OF(X509_NAME)* names = SSL_load_client_CA_file(ca_path.c_str());
  if (names == nullptr) return failOpenSsl("cannot load the client CA " + ca_path);
  SSL_CTX_set_client_CA_list(&context, names);
  if (SSL_CTX_load_verify_file(&context, ca_path.c_str()) != 1) {
    return failOpenSsl("cannot load the client CA " + ca_path);
  }
  SSL_CTX_set_verify(&context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  return {};
}

Result<void> takeCertificate(SSL_CTX& context, SSL_CTX& before) {
  STACK_OF(X509)* chain = nullptr;
  SSL_CTX_get0_chain_certs(&before, &chain);
  if (SSL_CTX_use_cert_and_key(&context, SSL_CTX_get0_certificate(&before),
                               SSL_CTX_get0_privatekey(&before), chain, 1) != 1) {
    return failOpenSsl("cannot keep a certificate");
  }
  return {};
}

Result<void> takeClientAuthorities(SSL_CTX& context, SSL_CTX& before) {
  STACK_OF(X509_NAME)* names = SSL_dup_CA_list(SSL_CTX_get_client_CA_list(&before));
  if (names == nullptr) return failOpenSsl("cannot keep the client CA");
  SSL_CTX_set_client_CA_list(&context, names);
  SSL_CTX_set1_cert_store(&context, SSL_CTX_get_cert_store(&before));
  SSL_CTX_set_verify(&context, SSL_CTX_get_verify_mode(&before), nullptr);
  return {};
}

// `before`: the identity whose certificate and authorities stay where files do not load; null: that
// is an error.
Result<SslContextPtr> loadContext(const TlsServerOptions& options, const TlsCertificate& files,
                                  SSL_CTX* before, Generation& fresh) {
  TRY(SslContextPtr context, makeSslContext(TLS_server_method()));
  if (auto used = useCertificate(*context, files); used) {
    fresh.read += 1;
  } else {
    if (before == nullptr) return std::unexpected(std::move(used).error());
    fresh.unreadable.push_back(std::move(used).error());
    TRY(context, makeSslContext(TLS_server_method()));  // without what did load
    TRY_VOID(takeCertificate(*context, *before));
  }
  if (options.client_ca_path.empty()) return context;
  if (auto demanded = demandClientCertificate(*context, options.client_ca_path); demanded) {
    fresh.read += 1;
  } else {
    if (before == nullptr) return std::unexpected(std::move(demanded).error());
    if (std::ranges::find(fresh.unreadable, demanded.error().message(), &Error::message) ==
        fresh.unreadable.end())
      fresh.unreadable.push_back(std::move(demanded).error());
    TRY_VOID(takeClientAuthorities(*context, *before));
  }
  return context;
}

Result<Generation::Identity> loadIdentity(const TlsServerOptions& options,
                                          const TlsCertificate& files, SSL_CTX* before,
                                          Generation& generation) {
  TRY(SslContextPtr context, loadContext(options, files, before, generation));
  // Tickets are bound to it; OpenSSL refuses to resume verified clients without.
  constexpr unsigned char kSessionContext[] = "nimbus";
  SSL_CTX_set_session_id_context(context.get(), kSessionContext, sizeof kSessionContext - 1);
  void* argument = &generation;  // read only
  SSL_CTX_set_tlsext_servername_callback(context.get(), chooseIdentity);
  SSL_CTX_set_tlsext_servername_arg(context.get(), argument);
  if (!generation.alpn.empty()) SSL_CTX_set_alpn_select_cb(context.get(), chooseAlpn, argument);
  auto names = subjectAlternativeNames(*SSL_CTX_get0_certificate(context.get()));
  return Generation::Identity{.context = std::move(context), .names = std::move(names)};
}

// `before`: null for the first.
Result<std::shared_ptr<const Generation>> load(const TlsServerOptions& options,
                                               const Generation* before) {
  if (options.certificates.empty()) {
    return fail(ErrorCode::kInvalidArgument, "TLS needs at least one certificate");
  }
  auto generation = std::make_shared<Generation>();
  TRY(generation->alpn, encodeAlpn(options.alpn));
  for (const TlsCertificate& files : options.certificates) {
    SSL_CTX* const known = before == nullptr
                               ? nullptr
                               : before->identities[generation->identities.size()].context.get();
    TRY(auto identity, loadIdentity(options, files, known, *generation));
    generation->identities.push_back(std::move(identity));
  }
  return generation;
}

std::string problemOf(const Generation& generation) {
  std::string problem;
  for (const Error& each : generation.unreadable)
    problem += (problem.empty() ? "" : "; ") + each.message();
  return problem;
}

class ServerContext final : public TlsServerContext {
 public:
  ServerContext(TlsServerOptions options, std::vector<FileStamp> stamps,
                std::shared_ptr<const Generation> generation)
      : options_(std::move(options)),
        stamps_(std::move(stamps)),
        generation_(std::move(generation)) {}

  Result<bool> reloadIfChanged() override {
    std::lock_guard reloading(reload_mutex_);
    // Read before the files, so that a change while they load is seen the next time.
    auto stamps = stampsOf(options_);
    const bool changed = stamps != stamps_;
    // What did not load is tried again: that may have been for want of a descriptor.
    if (!changed && problem_.empty()) return false;
    stamps_ = std::move(stamps);
    const auto fresh = load(options_, currentGeneration().get());
    const std::string problem = fresh ? problemOf(**fresh) : fresh.error().message();
    const bool is_known = std::exchange(problem_, problem) == problem;
    if (!changed && is_known) return false;
    if (!fresh) return std::unexpected(fresh.error());
    // Not without need: sessions are resumed within one generation.
    if ((*fresh)->read > 0) {
      std::lock_guard lock(generation_mutex_);
      generation_ = *fresh;
    }
    if (problem.empty()) return true;
    return fail((*fresh)->unreadable.front().code(), problem);
  }

  Task<Result<std::unique_ptr<Stream>>> accept(std::unique_ptr<Stream> stream,
                                               Duration handshake_timeout) override {
    NIMBUS_CHECK(Shard::current() != nullptr);
    Shard& shard = *Shard::current();
    std::shared_ptr<const Generation> generation = currentGeneration();
    SslPtr ssl(SSL_new(generation->identities.front().context.get()));
    if (ssl == nullptr) co_return failOpenSsl("cannot start TLS");
    SSL_set_accept_state(ssl.get());
    auto tls = std::make_unique<TlsStream>(shard, std::move(ssl), std::move(stream),
                                           std::move(generation));
    bool late = false;
    Timer limit(shard, [&late, &tls] {
      late = true;
      tls->close();
    });
    limit.armAfter(handshake_timeout);
    auto done = co_await tls->handshake();
    if (late) co_return fail(ErrorCode::kDeadlineExceeded, "the TLS handshake took too long");
    CO_TRY_VOID(std::move(done));
    co_return tls;
  }

 private:
  std::shared_ptr<const Generation> currentGeneration() {
    std::lock_guard lock(generation_mutex_);
    return generation_;
  }

  const TlsServerOptions options_;
  std::mutex reload_mutex_;  // one reload at a time; guards what follows
  std::vector<FileStamp> stamps_;
  std::string problem_;  // what of the newest state does not load, and why; empty: all does
  std::mutex generation_mutex_;
  std::shared_ptr<const Generation> generation_;
};

}  // namespace

Result<std::shared_ptr<TlsServerContext>> makeTlsServerContext(TlsServerOptions options) {
  auto stamps = stampsOf(options);
  TRY(auto generation, load(options, nullptr));
  return std::make_shared<ServerContext>(std::move(options), std::move(stamps),
                                         std::move(generation));
}

}  // namespace nimbus::net
