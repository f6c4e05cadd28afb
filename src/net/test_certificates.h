#pragma once

#include <memory>
#include <string>
#include <vector>

#include "net/test_support.h"
#include "net/tls.h"

namespace nimbus::net {

// A certificate authority made for one test; writes what it issues into a temporary folder.
class TestAuthority {
 public:
  explicit TestAuthority(const std::string& name = "Test CA");
  ~TestAuthority();

  // PEM of the authority itself.
  [[nodiscard]] std::string caPath() const;

  // A certificate with this common name and these subject alternative names
  // ("DNS:a.example,IP:127.0.0.1"). Issuing a name again overwrites its files.
  TlsCertificate issue(const std::string& common_name, const std::string& alternative_names) const;
  // Ended an hour ago.
  TlsCertificate issueExpired(const std::string& common_name,
                              const std::string& alternative_names) const;

  [[nodiscard]] const TemporaryFolder& folder() const { return folder_; }

 private:
  struct Keys;
  TemporaryFolder folder_;
  std::unique_ptr<Keys> keys_;
};

}  // namespace nimbus::net
