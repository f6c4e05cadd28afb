#include <nats/nats.h>

#include <memory>
#include <string_view>

#include "nats/link.h"

namespace nimbus::nats {
namespace {

using OptionsPointer = std::unique_ptr<natsOptions, decltype(&natsOptions_Destroy)>;

// One read brings at most this much, and so much may be collected in a turn without growing.
constexpr int kIoBufferBytes = 64 * 1024;
// We refuse to publish while there is no connection; libnats wants some room all the same.
constexpr int kReconnectBufferBytes = 64 * 1024;

std::int64_t milliseconds(Duration duration) {
  return std::chrono::ceil<std::chrono::milliseconds>(duration).count();
}

const char* orNull(const std::string& text) { return text.empty() ? nullptr : text.c_str(); }

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

natsStatus setTls(natsOptions* to, const TlsOptions& from) {
  natsStatus status = natsOptions_SetSecure(to, true);
  if (status == NATS_OK && !from.ca_file.empty()) {
    status = natsOptions_LoadCATrustedCertificates(to, from.ca_file.c_str());
  }
  if (status == NATS_OK && !from.certificate_file.empty()) {
    status =
        natsOptions_LoadCertificatesChain(to, from.certificate_file.c_str(), orNull(from.key_file));
  }
  if (status == NATS_OK && !from.expected_host.empty()) {
    status = natsOptions_SetExpectedHostname(to, from.expected_host.c_str());
  }
  return status;
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

Result<natsOptions*> toLibraryOptions(const ConnectOptions& options) {
  if (options.servers.empty()) return fail(ErrorCode::kInvalidArgument, "no NATS server is named");
  natsOptions* raw = nullptr;
  natsStatus status = natsOptions_Create(&raw);
  OptionsPointer made(raw, natsOptions_Destroy);
  if (status == NATS_OK) status = setServers(raw, options);
  if (status == NATS_OK) status = setIdentity(raw, options);
  if (status == NATS_OK) status = setConduct(raw, options);
  if (status == NATS_OK && wantsTls(options)) {
    status = setTls(raw, options.tls.value_or(TlsOptions{}));
  }
  if (status != NATS_OK) {
    return std::unexpected(describeStatus("NATS options", status));
  }
  return made.release();
}

}  // namespace nimbus::nats
