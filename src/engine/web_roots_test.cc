#include "engine/web_roots.h"

#include <gtest/gtest.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <memory>
#include <set>
#include <string>

#include "net/tls.h"

namespace nimbus::engine {
namespace {

using CertificatePtr = std::unique_ptr<X509, decltype([](X509* each) { X509_free(each); })>;

// Null if there is more than the certificate, or less.
CertificatePtr parse(std::string_view der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const unsigned char* end = at + der.size();
  CertificatePtr certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  return at == end ? std::move(certificate) : nullptr;
}

std::string commonName(X509& certificate) {
  char name[256] = {};
  X509_NAME_get_text_by_NID(X509_get_subject_name(&certificate), NID_commonName, name,
                            sizeof(name));
  return name;
}

TEST(WebRootsTest, AllAreCertificatesOfAuthorities) {
  const std::vector<std::string_view> roots = webRoots();
  EXPECT_GT(roots.size(), 100U);
  std::set<std::string> names;
  for (const std::string_view root : roots) {
    const CertificatePtr certificate = parse(root);
    ASSERT_NE(certificate, nullptr);
    EXPECT_NE(X509_check_ca(certificate.get()), 0) << commonName(*certificate);
    EXPECT_EQ(X509_self_signed(certificate.get(), 1), 1) << commonName(*certificate);
    names.insert(commonName(*certificate));
  }
  EXPECT_TRUE(names.contains("ISRG Root X1"));
}

TEST(WebRootsTest, TlsTakesThemAll) {
  const auto context = net::makeTlsClientContext(
      {.system_roots = false, .der_roots = webRoots(), .extra_ca_paths = {}, .identity = {}});
  EXPECT_TRUE(context) << context.error().describe();
}

}  // namespace
}  // namespace nimbus::engine
