#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/check.h"
#include "base/loadable_file.h"
#include "net/address.h"
#include "net/tls.h"
#include "net/tls_stream.h"
#include "net/tls_support.h"

namespace nimbus::net {
namespace {

// Makes OpenSSL verify that the certificate is for this name or address, and tells the server which
// name is meant (not for addresses: RFC 6066 3).
Result<void> expectName(SSL& ssl, const std::string& name) {
  const std::string host = normalizedHost(name);
  X509_VERIFY_PARAM* expected = SSL_get0_param(&ssl);
  ERR_clear_error();
  if (IpAddress::parse(host)) {
    if (X509_VERIFY_PARAM_set1_ip_asc(expected, host.c_str()) == 1) return {};
    return failOpenSsl("cannot verify the address " + host);
  }
  // Without a name OpenSSL would verify none.
  if (host.empty() || host.find('\0') != std::string::npos) {
    return fail(ErrorCode::kInvalidArgument, "a TLS connection needs the server's name");
  }
  // Only alternative names count: a common name need not be a name of a host (RFC 9525 2).
  X509_VERIFY_PARAM_set_hostflags(
      expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  if (X509_VERIFY_PARAM_set1_host(expected, host.data(), host.size()) != 1 ||
      SSL_set_tlsext_host_name(&ssl, host.c_str()) != 1) {
    return failOpenSsl("\"" + host + "\" is no name of a TLS server");
  }
  return {};
}

Result<void> offerAlpn(SSL& ssl, const std::vector<std::string>& protocols) {
  TRY(const std::string wire, encodeAlpn(protocols));
  if (wire.empty()) return {};
  ERR_clear_error();
  // Zero means success here.
  if (SSL_set_alpn_protos(&ssl, reinterpret_cast<const unsigned char*>(wire.data()),
                          static_cast<unsigned>(wire.size())) != 0) {
    return failOpenSsl("cannot offer protocols by ALPN");
  }
  return {};
}

Result<void> trust(SSL_CTX& context, std::string_view der) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(der.data());
  const CertificatePtr certificate(d2i_X509(nullptr, &bytes, static_cast<long>(der.size())));
  if (certificate == nullptr ||
      X509_STORE_add_cert(SSL_CTX_get_cert_store(&context), certificate.get()) != 1) {
    return failOpenSsl("cannot load the certificate of an authority");
  }
  return {};
}

class ClientContext final : public TlsClientContext {
 public:
  explicit ClientContext(SslContextPtr context) : context_(std::move(context)) {}

  Task<Result<std::unique_ptr<Stream>>> connect(std::unique_ptr<Stream> stream,
                                                std::string server_name,
                                                std::vector<std::string> alpn) override {
    NIMBUS_CHECK(Shard::current() != nullptr);
    ERR_clear_error();
    SslPtr ssl(SSL_new(context_.get()));
    if (ssl == nullptr) co_return failOpenSsl("cannot start TLS");
    SSL_set_connect_state(ssl.get());
    CO_TRY_VOID(expectName(*ssl, server_name));
    CO_TRY_VOID(offerAlpn(*ssl, alpn));
    auto tls =
        std::make_unique<TlsStream>(*Shard::current(), std::move(ssl), std::move(stream), nullptr);
    CO_TRY_VOID(co_await tls->handshake());
    co_return tls;
  }

 private:
  SslContextPtr context_;
};

}  // namespace

Result<std::shared_ptr<TlsClientContext>> makeTlsClientContext(TlsClientOptions options) {
  TRY(SslContextPtr context, makeSslContext(TLS_client_method()));
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  ERR_clear_error();
  if (options.system_roots && SSL_CTX_set_default_verify_paths(context.get()) != 1) {
    return failOpenSsl("cannot load the system's root certificates");
  }
  for (const std::string_view der : options.der_roots) TRY_VOID(trust(*context, der));
  for (const std::string& path : options.extra_ca_paths) {
    TRY_VOID(checkLoadable("the CA certificates", path, kMaxPemBytes));
    if (SSL_CTX_load_verify_file(context.get(), path.c_str()) != 1) {
      return failOpenSsl("cannot load the CA certificates " + path);
    }
  }
  const bool has_identity = !options.identity.certificate_path.empty();
  if (has_identity != !options.identity.key_path.empty()) {
    return fail(ErrorCode::kInvalidArgument, "a TLS identity is a certificate and its key");
  }
  if (has_identity) TRY_VOID(useCertificate(*context, options.identity));
  return std::make_shared<ClientContext>(std::move(context));
}

}  // namespace nimbus::net
