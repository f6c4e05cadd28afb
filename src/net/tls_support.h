#pragma once

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/tls.h"

namespace nimbus::net {

// What both sides of TLS need of OpenSSL. Internal to src/net.
template <auto kFree>
struct OpenSslDeleter {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using SslPtr = std::unique_ptr<SSL, OpenSslDeleter<SSL_free>>;
using SslContextPtr = std::unique_ptr<SSL_CTX, OpenSslDeleter<SSL_CTX_free>>;
using CertificatePtr = std::unique_ptr<X509, OpenSslDeleter<X509_free>>;

// Empties this thread's OpenSSL error queue into one line: the system's error if it was one;
// "unknown error" if it is empty.
[[nodiscard]] std::string takeOpenSslErrors();
// kInvalidArgument with `what` and the error queue.
[[nodiscard]] std::unexpected<Error> failOpenSsl(std::string_view what);

// TLS 1.2 and 1.3 with forward secrecy, no compression, no renegotiation, buffers given back when
// idle. Never asks a terminal for a key's passphrase.
[[nodiscard]] Result<SslContextPtr> makeSslContext(const SSL_METHOD* method);

inline constexpr std::size_t kMaxPemBytes = 16 << 20;  // of a file

// Loads chain and key, and checks that they belong together.
[[nodiscard]] Result<void> useCertificate(SSL_CTX& context, const TlsCertificate& files);

// Protocol names as ALPN encodes them (RFC 7301 3.1). kInvalidArgument: empty or over 255 bytes.
[[nodiscard]] Result<std::string> encodeAlpn(const std::vector<std::string>& protocols);

// DNS names of the certificate, in lower case.
[[nodiscard]] std::vector<std::string> subjectAlternativeNames(X509& certificate);

// Whether a certificate's name covers a host name in lower case: equal, or "*.suffix" for exactly
// one label (RFC 6125 6.4.3).
[[nodiscard]] bool nameCovers(std::string_view pattern, std::string_view host);

// RFC 2253 text of the subject: "CN=client,O=Example".
[[nodiscard]] std::string subjectOf(X509& certificate);

// Lower case, without the dot at the end.
[[nodiscard]] std::string normalizedHost(std::string_view host);

}  // namespace nimbus::net
