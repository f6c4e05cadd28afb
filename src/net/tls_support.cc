#include "net/tls_support.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <system_error>

#include "base/loadable_file.h"

namespace nimbus::net {
namespace {

int noPassphrase(char*, int, int, void*) { return 0; }

using NamesPtr = std::unique_ptr<GENERAL_NAMES, OpenSslDeleter<GENERAL_NAMES_free>>;
using BioPtr = std::unique_ptr<BIO, OpenSslDeleter<BIO_free>>;

char toLower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

}  // namespace

std::string takeOpenSslErrors() {
  std::string text;
  std::string of_system;  // what follows it only says that it was handed on
  while (const unsigned long code = ERR_get_error()) {
    if (ERR_SYSTEM_ERROR(code)) {
      of_system = std::generic_category().message(ERR_GET_REASON(code));
      continue;
    }
    const char* reason = ERR_reason_error_string(code);
    std::array<char, 32> number;
    if (reason == nullptr) {
      ERR_error_string_n(code, number.data(), number.size());
      reason = number.data();
    }
    if (!text.empty()) text += ", ";
    text += reason;
  }
  if (!of_system.empty()) return of_system;
  return text.empty() ? "unknown error" : text;
}

std::unexpected<Error> failOpenSsl(std::string_view what) {
  return fail(ErrorCode::kInvalidArgument, std::string(what) + ": " + takeOpenSslErrors());
}

Result<SslContextPtr> makeSslContext(const SSL_METHOD* method) {
  ERR_clear_error();
  SslContextPtr context(SSL_CTX_new(method));
  if (context == nullptr) return failOpenSsl("cannot set up TLS");
  // AEAD with ephemeral keys: what HTTP/2 asks of TLS 1.2 (RFC 9113 9.2.2).
  constexpr const char* kTls12Ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20";
  if (SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) != 1 ||
      SSL_CTX_set_cipher_list(context.get(), kTls12Ciphers) != 1) {
    return failOpenSsl("cannot set up TLS");
  }
  SSL_CTX_set_options(context.get(), SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_default_passwd_cb(context.get(), noPassphrase);
  return context;
}

Result<void> useCertificate(SSL_CTX& context, const TlsCertificate& files) {
  TRY_VOID(checkLoadable("the certificate", files.certificate_path, kMaxPemBytes));
  TRY_VOID(checkLoadable("the private key", files.key_path, kMaxPemBytes));
  ERR_clear_error();
  if (SSL_CTX_use_certificate_chain_file(&context, files.certificate_path.c_str()) != 1) {
    return failOpenSsl("cannot load the certificate " + files.certificate_path);
  }
  if (SSL_CTX_use_PrivateKey_file(&context, files.key_path.c_str(), SSL_FILETYPE_PEM) != 1) {
    return failOpenSsl("cannot load the private key " + files.key_path + " for " +
                       files.certificate_path);
  }
  if (SSL_CTX_check_private_key(&context) != 1) {
    return failOpenSsl("the private key " + files.key_path + " does not belong to " +
                       files.certificate_path);
  }
  return {};
}

Result<std::string> encodeAlpn(const std::vector<std::string>& protocols) {
  std::string wire;
  for (const std::string& protocol : protocols) {
    if (protocol.empty() || protocol.size() > 255) {
      return fail(ErrorCode::kInvalidArgument, "an ALPN protocol name has 1 to 255 bytes");
    }
    wire += static_cast<char>(protocol.size());
    wire += protocol;
  }
  return wire;
}

std::vector<std::string> subjectAlternativeNames(X509& certificate) {
  std::vector<std::string> result;
  const NamesPtr names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int index = 0; names != nullptr && index < sk_GENERAL_NAME_num(names.get()); ++index) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), index);
    if (name->type != GEN_DNS) continue;
    const char* text = reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName));
    const auto size = static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName));
    result.push_back(normalizedHost({text, size}));
  }
  return result;
}

bool nameCovers(std::string_view pattern, std::string_view host) {
  if (!pattern.starts_with("*.")) return pattern == host;
  const std::size_t dot = host.find('.');
  return dot != std::string_view::npos && dot > 0 && host.substr(dot) == pattern.substr(1);
}

std::string subjectOf(X509& certificate) {
  const BioPtr text(BIO_new(BIO_s_mem()));
  if (text == nullptr) return {};
  X509_NAME_print_ex(text.get(), X509_get_subject_name(&certificate), 0, XN_FLAG_RFC2253);
  char* data = nullptr;
  const long size = BIO_get_mem_data(text.get(), &data);
  return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

std::string normalizedHost(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  std::string result(host);
  std::ranges::transform(result, result.begin(), toLower);
  return result;
}

}  // namespace nimbus::net
