#include <nats/nats.h>
#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>

#include "base/files.h"
#include "base/loadable_file.h"
#include "base/text.h"
#include "nats/link.h"

namespace nimbus::nats {
namespace {

using OptionsPointer = std::unique_ptr<natsOptions, decltype(&natsOptions_Destroy)>;

// One read brings at most this much, and so much may be collected in a turn without growing.
constexpr int kIoBufferBytes = 64 * 1024;
// We refuse to publish while there is no connection; libnats wants some room all the same.
constexpr int kReconnectBufferBytes = 64 * 1024;
constexpr std::size_t kMaxSecretBytes = 4096;
constexpr std::size_t kMaxFileBytes = 16 << 20;

std::int64_t milliseconds(Duration duration) {
  return std::chrono::ceil<std::chrono::milliseconds>(duration).count();
}

// The first ones start the library's threads, which are to take no signals: who waits for those
// may not have blocked them yet.
natsStatus createOptions(natsOptions** made) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  const natsStatus status = natsOptions_Create(made);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return status;
}

std::unexpected<Error> invalid(std::string message) {
  return fail(ErrorCode::kInvalidArgument, "NATS: " + std::move(message));
}

// The first line of a file.
Result<std::string> secretIn(const std::string& path) {
  auto content = readFile(path, kMaxFileBytes);
  if (!content) return invalid(content.error().message());
  std::string text = *std::move(content);
  text.resize(text.find_first_of("\r\n") == std::string::npos ? text.size()
                                                              : text.find_first_of("\r\n"));
  if (text.empty() || text.size() > kMaxSecretBytes || text.find('\0') != std::string::npos)
    return invalid(path + " does not hold a secret in its first line");
  return text;
}

// One that libnats reads; it would wait for a FIFO.
Result<void> checkFile(std::string_view what, const std::string& path) {
  if (path.empty()) return {};
  const auto loadable = checkLoadable(what, path, kMaxFileBytes);
  return loadable ? Result<void>() : invalid(loadable.error().message());
}

Result<void> checkServers(const std::vector<std::string>& servers) {
  if (servers.empty()) return invalid("no server is named");
  for (const std::string& url : servers) {
    const std::size_t scheme = url.find("://");
    const std::string_view name = std::string_view(url).substr(0, scheme);
    if ((name == "nats" || name == "tls") && scheme + 3 < url.size()) continue;
    return invalid("a server is named as in nats://HOST:4222 or tls://HOST:4222");
  }
  return {};
}

// That one way to say who we are is given, wholly, or none.
Result<void> checkIdentity(const ConnectOptions& options) {
  const bool password = !options.password.empty() || !options.password_file.empty();
  const bool token = !options.token.empty() || !options.token_file.empty();
  const std::array ways = {!options.user.empty(), token, !options.credentials_file.empty(),
                           !options.nkey.empty()};
  if (std::ranges::count(ways, true) > 1)
    return invalid("only one of a user, a token, credentials and an NKey can say who we are");
  if (options.user.empty() && password) return invalid("a password needs its user");
  if (options.nkey.empty() != options.nkey_seed_file.empty())
    return invalid("an NKey is a public key together with the file of its seed");
  if (!options.password.empty() && !options.password_file.empty())
    return invalid("the password is given twice");
  if (!options.token.empty() && !options.token_file.empty())
    return invalid("the token is given twice");
  TRY_VOID(checkFile("the credentials in", options.credentials_file));
  return checkFile("the NKey seed in", options.nkey_seed_file);
}

// Secrets that stand in files, put where libnats wants them.
Result<ConnectOptions> withSecrets(ConnectOptions options) {
  TRY_VOID(checkIdentity(options));
  if (!options.password_file.empty()) {
    TRY(options.password, secretIn(options.password_file));
  }
  if (!options.token_file.empty()) {
    TRY(options.token, secretIn(options.token_file));
  }
  return options;
}

natsStatus setIdentity(natsOptions* to, const ConnectOptions& from) {
  if (!from.user.empty()) {
    return natsOptions_SetUserInfo(to, from.user.c_str(), from.password.c_str());
  }
  if (!from.token.empty()) return natsOptions_SetToken(to, from.token.c_str());
  if (!from.credentials_file.empty()) {
    return natsOptions_SetUserCredentialsFromFiles(to, from.credentials_file.c_str(), nullptr);
  }
  if (!from.nkey.empty()) {
    return natsOptions_SetNKeyFromSeed(to, from.nkey.c_str(), from.nkey_seed_file.c_str());
  }
  return NATS_OK;
}

Result<void> checked(const std::string& what, natsStatus status) {
  if (status == NATS_OK) return {};
  return std::unexpected(describeStatus(what, status));
}

Result<void> setTls(natsOptions* to, const TlsOptions& from) {
  TRY_VOID(checkFile("the authorities in", from.ca_file));
  TRY_VOID(checked("TLS to NATS", natsOptions_SetSecure(to, true)));
  if (!from.ca_file.empty()) {
    TRY_VOID(checked("the authorities in " + from.ca_file,
                     natsOptions_LoadCATrustedCertificates(to, from.ca_file.c_str())));
  }
  if (from.certificate_file.empty() != from.key_file.empty())
    return invalid("a certificate to show needs its key, and the other way round");
  TRY_VOID(checkFile("the certificate in", from.certificate_file));
  TRY_VOID(checkFile("the private key in", from.key_file));
  if (!from.certificate_file.empty()) {
    TRY_VOID(checked("the certificate in " + from.certificate_file + " with its key",
                     natsOptions_LoadCertificatesChain(to, from.certificate_file.c_str(),
                                                       from.key_file.c_str())));
  }
  if (from.expected_host.empty()) return {};
  return checked("the name of the NATS server",
                 natsOptions_SetExpectedHostname(to, from.expected_host.c_str()));
}

natsStatus setServers(natsOptions* to, const ConnectOptions& from) {
  std::vector<const char*> urls;
  for (const std::string& url : from.servers) urls.push_back(url.c_str());
  const natsStatus status = natsOptions_SetServers(to, urls.data(), static_cast<int>(urls.size()));
  return status == NATS_OK ? natsOptions_SetNoRandomize(to, true) : status;
}

natsStatus setConduct(natsOptions* to, const ConnectOptions& from) {
  natsStatus status = natsOptions_SetName(to, from.name.c_str());
  if (status == NATS_OK) status = natsOptions_SetTimeout(to, milliseconds(from.connect_timeout));
  if (status == NATS_OK) status = natsOptions_SetMaxReconnect(to, from.max_reconnects);
  if (status == NATS_OK) {
    status = natsOptions_SetReconnectWait(to, milliseconds(from.reconnect_wait));
  }
  if (status == NATS_OK) status = natsOptions_SetPingInterval(to, milliseconds(from.ping_interval));
  if (status == NATS_OK) status = natsOptions_SetReconnectBufSize(to, kReconnectBufferBytes);
  if (status == NATS_OK) status = natsOptions_SetIOBufSize(to, kIoBufferBytes);
  if (status == NATS_OK) status = natsOptions_SetSendAsap(to, true);
  return status;
}

bool wantsTls(const ConnectOptions& options) {
  for (const std::string_view url : options.servers) {
    if (url.starts_with("tls://")) return true;
  }
  return options.tls.has_value();
}

}  // namespace

Error describeStatus(const std::string& what, int status) {
  const auto known = static_cast<natsStatus>(status);
  const std::string message = what + ": " + natsStatus_GetText(known);
  switch (known) {
    case NATS_TIMEOUT: return {ErrorCode::kDeadlineExceeded, message};
    case NATS_NO_RESPONDERS: return {ErrorCode::kNotFound, message};
    case NATS_NOT_PERMITTED:
    case NATS_CONNECTION_AUTH_FAILED: return {ErrorCode::kPermissionDenied, message};
    case NATS_MAX_PAYLOAD: return {ErrorCode::kResourceExhausted, message};
    case NATS_INVALID_ARG:
    case NATS_INVALID_SUBJECT:
    case NATS_ADDRESS_MISSING:
    case NATS_SSL_ERROR:
    case NATS_ERR: return {ErrorCode::kInvalidArgument, message};
    default: return {ErrorCode::kUnavailable, message};
  }
}

Result<natsOptions*> toLibraryOptions(const ConnectOptions& given) {
  TRY_VOID(checkServers(given.servers));
  TRY(const ConnectOptions options, withSecrets(given));
  natsOptions* raw = nullptr;
  TRY_VOID(checked("cannot start the threads of the NATS library", createOptions(&raw)));
  OptionsPointer made(raw, natsOptions_Destroy);
  natsStatus status = setServers(raw, options);
  if (status == NATS_OK) status = setIdentity(raw, options);
  if (status == NATS_OK) status = setConduct(raw, options);
  TRY_VOID(checked("NATS options", status));
  if (wantsTls(options)) TRY_VOID(setTls(raw, options.tls.value_or(TlsOptions{})));
  return made.release();
}

Result<void> checkOptions(const ConnectOptions& options) {
  TRY(natsOptions* const made, toLibraryOptions(options));
  natsOptions_Destroy(made);
  return {};
}

}  // namespace nimbus::nats
