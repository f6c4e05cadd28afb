#include "net/test_certificates.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <atomic>

#include "base/check.h"
#include "net/tls_support.h"

namespace nimbus::net {
namespace {

using KeyPtr = std::unique_ptr<EVP_PKEY, OpenSslDeleter<EVP_PKEY_free>>;
constexpr long kHour = 3600;

KeyPtr newKey() {
  KeyPtr key(EVP_EC_gen("P-256"));
  NIMBUS_CHECK(key != nullptr);
  return key;
}

void addExtension(X509& certificate, X509& issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, &issuer, &certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  NIMBUS_CHECK(extension != nullptr);
  X509_add_ext(&certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

CertificatePtr newCertificate(const std::string& common_name, EVP_PKEY& key, long ends_in) {
  static std::atomic<long> serial = 1;
  CertificatePtr certificate(X509_new());
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial++);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -24 * kHour);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), ends_in);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1,
                             0);
  X509_set_pubkey(certificate.get(), &key);
  return certificate;
}

template <typename Writer>
void writePem(const std::string& path, Writer writer) {
  BIO* file = BIO_new_file(path.c_str(), "w");
  NIMBUS_CHECK(file != nullptr);
  NIMBUS_CHECK(writer(file) == 1);
  BIO_free(file);
}

}  // namespace

struct TestAuthority::Keys {
  KeyPtr key;
  CertificatePtr certificate;

  TlsCertificate issue(const TemporaryFolder& folder, const std::string& common_name,
                       const std::string& alternative_names, long ends_in) const {
    const KeyPtr leaf_key = newKey();
    const CertificatePtr leaf = newCertificate(common_name, *leaf_key, ends_in);
    X509_set_issuer_name(leaf.get(), X509_get_subject_name(certificate.get()));
    if (!alternative_names.empty()) {
      addExtension(*leaf, *certificate, NID_subject_alt_name, alternative_names);
    }
    NIMBUS_CHECK(X509_sign(leaf.get(), key.get(), EVP_sha256()) > 0);
    TlsCertificate files{.certificate_path = folder.path(common_name + ".crt"),
                         .key_path = folder.path(common_name + ".key")};
    writePem(files.certificate_path, [&](BIO* to) { return PEM_write_bio_X509(to, leaf.get()); });
    writePem(files.key_path, [&](BIO* to) {
      return PEM_write_bio_PrivateKey(to, leaf_key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
    return files;
  }
};

TestAuthority::TestAuthority(const std::string& name) : keys_(std::make_unique<Keys>()) {
  keys_->key = newKey();
  keys_->certificate = newCertificate(name, *keys_->key, 24 * kHour);
  X509& self = *keys_->certificate;
  X509_set_issuer_name(&self, X509_get_subject_name(&self));
  addExtension(self, self, NID_basic_constraints, "critical,CA:TRUE");
  addExtension(self, self, NID_key_usage, "critical,keyCertSign,cRLSign");
  NIMBUS_CHECK(X509_sign(&self, keys_->key.get(), EVP_sha256()) > 0);
  writePem(caPath(), [&](BIO* to) { return PEM_write_bio_X509(to, &self); });
}

TestAuthority::~TestAuthority() = default;
std::string TestAuthority::caPath() const { return folder_.path("ca.pem"); }

TlsCertificate TestAuthority::issue(const std::string& common_name,
                                    const std::string& alternative_names) const {
  return keys_->issue(folder_, common_name, alternative_names, 24 * kHour);
}

TlsCertificate TestAuthority::issueExpired(const std::string& common_name,
                                           const std::string& alternative_names) const {
  return keys_->issue(folder_, common_name, alternative_names, -kHour);
}

}  // namespace nimbus::net
