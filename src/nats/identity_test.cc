// Who we are to a NATS server, and who it is to us.

#include <sys/stat.h>

#include <fstream>

#include <gtest/gtest.h>

#include "nats/connection.h"
#include "nats/test_identity.h"
#include "nats/test_server.h"
#include "net/test_certificates.h"
#include "net/test_support.h"

namespace nimbus::nats {
namespace {

class IdentityTest : public net::ShardTest {
 protected:
  // "" once connected, else why not.
  std::string outcome(const ConnectOptions& options) {
    std::string text;
    run([&](net::Shard& shard) -> Task<void> {
      auto connection = co_await Connection::connect(shard, options, *log_);
      if (connection) co_await (*connection)->close();
      if (!connection) text = connection.error().describe();
    });
    return text;
  }
  std::string write(const std::string& name, std::string_view text) {
    const std::string path = folder_.path() + "/" + name;
    std::ofstream(path) << text;
    return path;
  }

  const std::unique_ptr<Logger> log_ = makeNullLogger();
  const TemporaryFolder folder_;
};

TEST_F(IdentityTest, IsAUserWithAPasswordInAFile) {
  const TestServer server("authorization { user: me, password: \"s ecret\" }");
  ConnectOptions options{.servers = {server.url()}, .user = "me"};
  options.password_file = write("password", "s ecret\nthe rest is ours\n");
  EXPECT_EQ(outcome(options), "");
  options.password_file = write("password", "wrong\n");
  EXPECT_NE(outcome(options).find("Violation"), std::string::npos) << outcome(options);
}

TEST_F(IdentityTest, IsATokenInAFile) {
  const TestServer server("authorization { token: t0ken }");
  ConnectOptions options{.servers = {server.url()}};
  options.token_file = write("token", "t0ken");
  EXPECT_EQ(outcome(options), "");
}

TEST_F(IdentityTest, IsAKeyWithItsSeed) {
  const TestServer server(std::string("authorization { users: [ { nkey: ") + kUserKey + " } ] }");
  ConnectOptions options{.servers = {server.url()}, .nkey = kUserKey};
  options.nkey_seed_file = write("seed", kUserSeed);
  EXPECT_EQ(outcome(options), "");
}

TEST_F(IdentityTest, IsAFileOfCredentials) {
  const TestServer server(kOperatorConfiguration);
  ConnectOptions options{.servers = {server.url()}};
  EXPECT_NE(outcome(options), "");
  options.credentials_file = write("user.creds", kUserCredentials);
  EXPECT_EQ(outcome(options), "");
}

// The server has a certificate of `authority_`, and wants one of whoever connects if told so.
class TlsTest : public IdentityTest {
 protected:
  std::string configuration(bool verify) const {
    return "tls { cert_file: \"" + server_.certificate_path + "\", key_file: \"" +
           server_.key_path + "\", ca_file: \"" + authority_.caPath() +
           "\", verify: " + (verify ? "true" : "false") + " }";
  }

  const net::TestAuthority authority_;
  const net::TlsCertificate server_ = authority_.issue("server", "DNS:localhost");
};

TEST_F(TlsTest, TrustsTheNamedAuthorityOnly) {
  const TestServer server(configuration(false));
  const std::string url = "tls://localhost:" + std::to_string(server.port());
  EXPECT_EQ(outcome({.servers = {url}, .tls = TlsOptions{.ca_file = authority_.caPath()}}), "");
  const net::TestAuthority other("Another");
  EXPECT_NE(outcome({.servers = {url}, .tls = TlsOptions{.ca_file = other.caPath()}}), "");
  EXPECT_NE(outcome({.servers = {url}}), "");  // the system's
  EXPECT_NE(outcome({.servers = {server.url()}}), "");
}

TEST_F(TlsTest, ChecksTheNameOfTheServer) {
  const TestServer server(configuration(false));
  TlsOptions tls{.ca_file = authority_.caPath()};
  EXPECT_NE(outcome({.servers = {server.url()}, .tls = tls}), "");
  tls.expected_host = "localhost";
  EXPECT_EQ(outcome({.servers = {server.url()}, .tls = tls}), "");
  tls.expected_host = "elsewhere";
  EXPECT_NE(outcome({.servers = {server.url()}, .tls = tls}), "");
}

TEST_F(TlsTest, ShowsACertificateOfItsOwn) {
  const TestServer server(configuration(true));
  const std::string url = "tls://localhost:" + std::to_string(server.port());
  TlsOptions tls{.ca_file = authority_.caPath()};
  EXPECT_NE(outcome({.servers = {url}, .tls = tls}), "");
  const net::TlsCertificate mine = authority_.issue("client", "DNS:client");
  tls.certificate_file = mine.certificate_path;
  tls.key_file = mine.key_path;
  EXPECT_EQ(outcome({.servers = {url}, .tls = tls}), "");
}

std::string mistakeIn(const ConnectOptions& options) {
  const auto checked = checkOptions(options);
  return checked ? "" : checked.error().message();
}

TEST(CheckOptions, NamesMistakes) {
  EXPECT_EQ(mistakeIn({}), "");
  EXPECT_EQ(mistakeIn({.servers = {}}), "NATS: no server is named");
  EXPECT_EQ(mistakeIn({.servers = {"http://x"}}),
            "NATS: a server is named as in nats://HOST:4222 or tls://HOST:4222");
  EXPECT_EQ(mistakeIn({.user = "me", .token = "t"}),
            "NATS: only one of a user, a token, credentials and an NKey can say who we are");
  EXPECT_EQ(mistakeIn({.password = "p"}), "NATS: a password needs its user");
  EXPECT_EQ(mistakeIn({.nkey = "U"}),
            "NATS: an NKey is a public key together with the file of its seed");
  EXPECT_EQ(mistakeIn({.token_file = "/none"}),
            "NATS: cannot open /none: No such file or directory");
  EXPECT_EQ(mistakeIn({.credentials_file = "/none"}),
            "NATS: cannot load the credentials in /none: No such file or directory");
  EXPECT_NE(mistakeIn({.tls = TlsOptions{.ca_file = "/none"}}).find("authorities in /none"),
            std::string::npos);
  EXPECT_EQ(mistakeIn({.tls = TlsOptions{.certificate_file = "/c"}}),
            "NATS: a certificate to show needs its key, and the other way round");
}

TEST(CheckOptions, WaitsForNoFifo) {
  const TemporaryFolder folder;
  const std::string pipe = folder.path("pipe");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const std::string why = pipe + ": it is not a regular file";
  EXPECT_EQ(mistakeIn({.token_file = pipe}), "NATS: " + pipe + " is not a regular file");
  EXPECT_EQ(mistakeIn({.user = "me", .password_file = pipe}),
            "NATS: " + pipe + " is not a regular file");
  EXPECT_EQ(mistakeIn({.credentials_file = pipe}), "NATS: cannot load the credentials in " + why);
  EXPECT_EQ(mistakeIn({.nkey = "U", .nkey_seed_file = pipe}),
            "NATS: cannot load the NKey seed in " + why);
  EXPECT_EQ(mistakeIn({.tls = TlsOptions{.ca_file = pipe}}),
            "NATS: cannot load the authorities in " + why);
  EXPECT_EQ(mistakeIn({.tls = TlsOptions{.certificate_file = pipe, .key_file = pipe}}),
            "NATS: cannot load the certificate in " + why);
}

}  // namespace
}  // namespace nimbus::nats
