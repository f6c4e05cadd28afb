#include "net/tls.h"

#include <openssl/pem.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>

#include "base/check.h"
#include "base/sync.h"
#include "net/test_certificates.h"
#include "net/test_support.h"
#include "net/tls_support.h"

namespace nimbus::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using MaybeStream = Result<std::unique_ptr<Stream>>;

// Both ends' view of one handshake.
struct Handshake {
  MaybeStream client = fail(ErrorCode::kInternal, "not run");
  MaybeStream server = fail(ErrorCode::kInternal, "not run");
};

class TlsTest : public ShardTest {
 protected:
  std::shared_ptr<TlsServerContext> server(TlsServerOptions options) {
    auto made = makeTlsServerContext(std::move(options));
    EXPECT_TRUE(made) << made.error().describe();
    return *made;
  }
  std::shared_ptr<TlsServerContext> plainServer() {
    return server({.certificates = {authority_.issue("server", "DNS:server.test")},
                   .client_ca_path = {},
                   .alpn = {}});
  }
  std::shared_ptr<TlsClientContext> client(TlsCertificate identity = {}) {
    return *makeTlsClientContext({.system_roots = false,
                                  .der_roots = {},
                                  .extra_ca_paths = {authority_.caPath()},
                                  .identity = std::move(identity)});
  }

  static Task<void> accept(std::shared_ptr<TlsServerContext> context,
                           std::unique_ptr<Stream> stream, OneShot<MaybeStream>& accepted) {
    accepted.set(co_await context->accept(std::move(stream), seconds(10)));
  }
  static Task<Handshake> handshake(Shard& shard, std::shared_ptr<TlsServerContext> server,
                                   std::shared_ptr<TlsClientContext> client, std::string name,
                                   std::vector<std::string> alpn = {}) {
    StreamPair pair = co_await connectedPair(shard);
    OneShot<MaybeStream> accepted;
    TaskSet tasks;
    tasks.spawn(accept(server, std::move(pair.server), accepted));
    Handshake result;
    result.client = co_await client->connect(std::move(pair.client), name, alpn);
    // TLS 1.3: the client is done before the server judges its certificate. Only a byte of the
    // server shows the verdict; a refused client reads its alert instead.
    co_await tasks.empty();
    result.server = co_await accepted.wait();
    co_return result;
  }
  // The common name of the certificate that a client sees is told by which name it verifies.
  bool verifies(std::shared_ptr<TlsServerContext> server, const std::string& name) {
    bool verified = false;
    run([&](Shard& shard) -> Task<void> {
      const Handshake done = co_await handshake(shard, server, client(), name);
      verified = done.client.has_value();
    });
    return verified;
  }

  TestAuthority authority_;
};

TEST_F(TlsTest, TellsBothEndsWhatWasNegotiated) {
  auto context = server({.certificates = {authority_.issue("server", "DNS:server.test")},
                         .client_ca_path = {},
                         .alpn = {"h2", "http/1.1"}});
  run([&](Shard& shard) -> Task<void> {
    const Handshake done =
        co_await handshake(shard, context, client(), "Server.test.", {"http/1.1", "h2"});
    EXPECT_TRUE(done.client) << done.client.error().describe();
    const PeerInfo& seen = (*done.server)->peer();
    EXPECT_TRUE(seen.tls);
    EXPECT_EQ(seen.alpn, "h2");  // the server's preference
    EXPECT_EQ(seen.server_name, "server.test");
    EXPECT_EQ(seen.client_subject, "");
    EXPECT_TRUE(seen.address.starts_with("127.0.0.1:"));
    EXPECT_EQ((*done.client)->peer().alpn, "h2");
    EXPECT_TRUE((*done.client)->peer().tls);
  });
}

// The PEM file's certificate.
std::string derOf(const std::string& path) {
  const std::unique_ptr<std::FILE, decltype([](std::FILE* file) { std::fclose(file); })> file(
      std::fopen(path.c_str(), "r"));
  NIMBUS_CHECK(file != nullptr);
  const CertificatePtr certificate(PEM_read_X509(file.get(), nullptr, nullptr, nullptr));
  NIMBUS_CHECK(certificate != nullptr);
  unsigned char* bytes = nullptr;
  const int size = i2d_X509(certificate.get(), &bytes);
  std::string der(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  return der;
}

TEST_F(TlsTest, AuthoritiesThatAreBroughtAlongAreTrustedBesideThoseOfFiles) {
  const TestAuthority other("Other CA");
  const std::string brought = derOf(authority_.caPath());
  const auto trusting = [&](std::vector<std::string> files) {
    return *makeTlsClientContext({.system_roots = false,
                                  .der_roots = {brought},
                                  .extra_ca_paths = std::move(files),
                                  .identity = {}});
  };
  const auto of_other = server({.certificates = {other.issue("server", "DNS:server.test")},
                                .client_ca_path = {},
                                .alpn = {}});
  const auto connects = [&](std::shared_ptr<TlsServerContext> server,
                            std::shared_ptr<TlsClientContext> client) {
    bool connected = false;
    run([&](Shard& shard) -> Task<void> {
      const Handshake done = co_await handshake(shard, server, client, "server.test");
      connected = done.client.has_value();
    });
    return connected;
  };
  EXPECT_TRUE(connects(plainServer(), trusting({})));
  EXPECT_FALSE(connects(of_other, trusting({})));
  EXPECT_TRUE(connects(plainServer(), trusting({other.caPath()})));
  EXPECT_TRUE(connects(of_other, trusting({other.caPath()})));
}

TEST_F(TlsTest, WithoutAlpnNothingIsNegotiated) {
  auto context = server({.certificates = {authority_.issue("server", "DNS:server.test")},
                         .client_ca_path = {},
                         .alpn = {"h2"}});
  run([&](Shard& shard) -> Task<void> {
    const Handshake done = co_await handshake(shard, context, client(), "server.test");
    EXPECT_EQ((*done.server)->peer().alpn, "");
  });
}

TEST_F(TlsTest, NoProtocolInCommonEndsTheHandshake) {
  auto context = server({.certificates = {authority_.issue("server", "DNS:server.test")},
                         .client_ca_path = {},
                         .alpn = {"h2"}});
  run([&](Shard& shard) -> Task<void> {
    const Handshake done = co_await handshake(shard, context, client(), "server.test", {"spdy/3"});
    EXPECT_EQ(done.server.error().code(), ErrorCode::kProtocol);
    EXPECT_EQ(done.client.error().code(), ErrorCode::kProtocol);
  });
}

TEST_F(TlsTest, TheCertificateIsChosenByTheNameAskedFor) {
  auto context = server({.certificates = {authority_.issue("first", "DNS:first.test"),
                                          authority_.issue("wild", "DNS:*.apps.test"),
                                          authority_.issue("exact", "DNS:one.apps.test,DNS:b.test"),
                                          authority_.issue("upper", "DNS:UPPER.test")},
                         .client_ca_path = {},
                         .alpn = {}});
  EXPECT_TRUE(verifies(context, "first.test"));
  EXPECT_TRUE(verifies(context, "two.apps.test"));
  EXPECT_TRUE(verifies(context, "one.apps.test"));
  EXPECT_TRUE(verifies(context, "b.test"));
  EXPECT_TRUE(verifies(context, "upper.test"));
  EXPECT_FALSE(verifies(context, "apps.test"));
  EXPECT_FALSE(verifies(context, "a.two.apps.test"));
  EXPECT_FALSE(verifies(context, "other.test"));
}

TEST_F(TlsTest, NamesCoverHostsByTheWholeLabel) {
  EXPECT_TRUE(nameCovers("a.test", "a.test"));
  EXPECT_TRUE(nameCovers("*.test", "a.test"));
  EXPECT_FALSE(nameCovers("*.test", "test"));
  EXPECT_FALSE(nameCovers("*.test", ".test"));
  EXPECT_FALSE(nameCovers("*.test", "a.b.test"));
  EXPECT_FALSE(nameCovers("*.test", "atest"));
  EXPECT_FALSE(nameCovers("*", "test"));
}

TEST_F(TlsTest, TheClientRefusesAWrongNameAnUnknownAuthorityAndAnExpiredCertificate) {
  const TestAuthority stranger("Stranger");
  const auto refusal = [this](TlsCertificate files, std::string name) {
    std::optional<Error> error;
    auto context = server({.certificates = {std::move(files)}, .client_ca_path = {}, .alpn = {}});
    run([&](Shard& shard) -> Task<void> {
      const Handshake done = co_await handshake(shard, context, client(), name);
      if (!done.client) error = done.client.error();
      EXPECT_FALSE(done.server);  // the alert reached it
    });
    return error ? error->code() : ErrorCode::kInternal;
  };
  EXPECT_EQ(refusal(authority_.issue("a", "DNS:a.test"), "b.test"), ErrorCode::kPermissionDenied);
  EXPECT_EQ(refusal(stranger.issue("a", "DNS:a.test"), "a.test"), ErrorCode::kPermissionDenied);
  EXPECT_EQ(refusal(authority_.issueExpired("a", "DNS:a.test"), "a.test"),
            ErrorCode::kPermissionDenied);
}

TEST_F(TlsTest, TheClientVerifiesAddressesToo) {
  auto context = server({.certificates = {authority_.issue("server", "IP:127.0.0.1,IP:::1")},
                         .client_ca_path = {},
                         .alpn = {}});
  EXPECT_TRUE(verifies(context, "127.0.0.1"));
  EXPECT_TRUE(verifies(context, "::1"));
  EXPECT_FALSE(verifies(context, "127.0.0.2"));
}

TEST_F(TlsTest, TheClientTakesNoCommonNameForAHostsName) {
  for (const char* alternatives : {"", "IP:127.0.0.1"}) {
    auto context = server({.certificates = {authority_.issue("common.test", alternatives)},
                           .client_ca_path = {},
                           .alpn = {}});
    EXPECT_FALSE(verifies(context, "common.test")) << alternatives;
  }
}

TEST_F(TlsTest, AClientWithoutAServerNameIsRefused) {
  run([this](Shard& shard) -> Task<void> {
    StreamPair pair = co_await connectedPair(shard);
    const auto done = co_await client()->connect(std::move(pair.client), "", {});
    EXPECT_EQ(done.error().code(), ErrorCode::kInvalidArgument);
  });
}

TEST_F(TlsTest, AVerifiedClientIsKnownBySubject) {
  auto context = server({.certificates = {authority_.issue("server", "DNS:server.test")},
                         .client_ca_path = authority_.caPath(),
                         .alpn = {}});
  run([&](Shard& shard) -> Task<void> {
    const Handshake done =
        co_await handshake(shard, context, client(authority_.issue("alice", "")), "server.test");
    EXPECT_TRUE(done.server) << done.server.error().describe();
    EXPECT_EQ((*done.server)->peer().client_subject, "CN=alice");
  });
}

TEST_F(TlsTest, AClientWithoutOrWithAForeignCertificateIsRefusedInTheHandshake) {
  const TestAuthority stranger("Stranger");
  auto context = server({.certificates = {authority_.issue("server", "DNS:server.test")},
                         .client_ca_path = authority_.caPath(),
                         .alpn = {}});
  run([&](Shard& shard) -> Task<void> {
    for (const TlsCertificate& identity :
         {TlsCertificate{}, stranger.issue("mallory", ""), authority_.issueExpired("old", "")}) {
      Handshake done = co_await handshake(shard, context, client(identity), "server.test");
      EXPECT_EQ(done.server.error().code(), ErrorCode::kPermissionDenied);
      if (!done.client) continue;
      std::array<std::uint8_t, 8> buffer;
      EXPECT_FALSE(co_await (*done.client)->read(buffer));
    }
  });
}

TEST_F(TlsTest, ASilentClientRunsIntoTheTimeLimit) {
  auto context = plainServer();
  run([&](Shard& shard) -> Task<void> {
    StreamPair pair = co_await connectedPair(shard);
    const auto done = co_await context->accept(std::move(pair.server), milliseconds(5));
    EXPECT_EQ(done.error().code(), ErrorCode::kDeadlineExceeded);
    EXPECT_EQ(*co_await readToEnd(*pair.client), "");
  });
}

TEST_F(TlsTest, AHandshakeThatIsGivenUpLeavesNothingBehind) {
  auto context = plainServer();
  run([&](Shard& shard) -> Task<void> {
    StreamPair pair = co_await connectedPair(shard);
    OneShot<MaybeStream> accepted;
    {
      TaskSet tasks;
      tasks.spawn(accept(context, std::move(pair.server), accepted));
    }
    EXPECT_EQ(*co_await readToEnd(*pair.client), "");
    EXPECT_FALSE(accepted.ready());
  });
}

TEST_F(TlsTest, PlainTextIsAProtocolError) {
  auto context = plainServer();
  run([&](Shard& shard) -> Task<void> {
    StreamPair pair = co_await connectedPair(shard);
    EXPECT_TRUE(co_await pair.client->writeAll(asBytes("GET / HTTP/1.1\r\nHost: x\r\n\r\n")));
    const auto done = co_await context->accept(std::move(pair.server), seconds(10));
    EXPECT_EQ(done.error().code(), ErrorCode::kProtocol);
  });
}

TEST_F(TlsTest, AStreamCutOffWithoutTheEndOfTlsIsAnErrorNotAnEnd) {
  auto context = plainServer();
  run([&](Shard& shard) -> Task<void> {
    Handshake done = co_await handshake(shard, context, client(), "server.test");
    EXPECT_TRUE(co_await (*done.server)->writeAll(asBytes("half")));
    EXPECT_EQ(*co_await readExactly(**done.client, 4), "half");
    (*done.server)->close();  // says nothing: an aborted answer must not look whole
    std::array<std::uint8_t, 8> buffer;
    EXPECT_TRUE(co_await (*done.client)->readable());
    EXPECT_EQ((co_await (*done.client)->read(buffer)).error().code(), ErrorCode::kIo);
    EXPECT_EQ((co_await (*done.client)->read(buffer)).error().code(), ErrorCode::kIo);
  });
}

TEST_F(TlsTest, AnEarlyAnswerCanBeReadThoughThePeerTakesNoMore) {
  auto context = plainServer();
  run([&](Shard& shard) -> Task<void> {
    Handshake done = co_await handshake(shard, context, client(), "server.test");
    EXPECT_TRUE(co_await (*done.server)->writeAll(asBytes("too large")));
    EXPECT_TRUE(co_await (*done.server)->shutdownWrite());
    EXPECT_EQ(*co_await readExactly(**done.client, 9), "too large");
    std::array<std::uint8_t, 8> buffer;
    EXPECT_EQ(*co_await (*done.client)->read(buffer), 0u);
    done.server->reset();
    const std::string chunk(1024 * 1024, 'x');
    Result<void> written;
    for (int round = 0; round < 64 && written; ++round) {
      written = co_await (*done.client)->writeAll(asBytes(chunk));
    }
    EXPECT_EQ(written.error().code(), ErrorCode::kIo);
    EXPECT_EQ(*co_await (*done.client)->read(buffer), 0u);
  });
}

class TlsReload : public TlsTest {
 protected:
  std::shared_ptr<TlsServerContext> context_ = plainServer();
};

TEST_F(TlsReload, UnchangedFilesAreNotReadAgain) {
  EXPECT_FALSE(*context_->reloadIfChanged());
  EXPECT_FALSE(*context_->reloadIfChanged());
}

TEST_F(TlsReload, NewFilesServeTheNextHandshake) {
  authority_.issue("server", "DNS:renewed.test");
  EXPECT_TRUE(*context_->reloadIfChanged());
  EXPECT_TRUE(verifies(context_, "renewed.test"));
  EXPECT_FALSE(verifies(context_, "server.test"));
  EXPECT_FALSE(*context_->reloadIfChanged());
}

TEST_F(TlsReload, EstablishedConnectionsGoOn) {
  run([this](Shard& shard) -> Task<void> {
    Handshake done = co_await handshake(shard, context_, client(), "server.test");
    authority_.issue("server", "DNS:renewed.test");
    EXPECT_TRUE(*context_->reloadIfChanged());
    EXPECT_TRUE(co_await (*done.server)->writeAll(asBytes("still here")));
    EXPECT_EQ(*co_await readExactly(**done.client, 10), "still here");
  });
}

TEST_F(TlsReload, FilesThatDoNotLoadLeaveTheOldOnesAndSayWhyOnce) {
  authority_.folder().write("server.crt", "not a certificate");
  const auto broken = context_->reloadIfChanged();
  ASSERT_FALSE(broken);
  EXPECT_NE(broken.error().message().find("server.crt"), std::string::npos);
  EXPECT_TRUE(verifies(context_, "server.test"));
  EXPECT_FALSE(*context_->reloadIfChanged());
  authority_.issue("server", "DNS:repaired.test");
  EXPECT_TRUE(*context_->reloadIfChanged());
  EXPECT_TRUE(verifies(context_, "repaired.test"));
}

TEST_F(TlsReload, APairThatDoesNotLoadKeepsNoOtherFromBeingRenewed) {
  const std::string client_ca = authority_.folder().path("client-ca.pem");
  std::filesystem::copy_file(authority_.caPath(), client_ca);
  auto context = server({.certificates = {authority_.issue("one", "DNS:one.test"),
                                          authority_.issue("two", "DNS:two.test")},
                         .client_ca_path = client_ca,
                         .alpn = {}});
  const auto serves = [&](const std::string& name, const TlsCertificate& identity) {
    bool accepted = false;
    run([&](Shard& shard) -> Task<void> {
      const Handshake done = co_await handshake(shard, context, client(identity), name);
      accepted = done.server.has_value();
    });
    return accepted;
  };
  const TlsCertificate alice = authority_.issue("alice", "");
  const TestAuthority stranger("Stranger");
  authority_.folder().write("one.crt", "not a certificate");
  authority_.issue("two", "DNS:renewed.test");
  const auto broken = context->reloadIfChanged();
  ASSERT_FALSE(broken);
  EXPECT_NE(broken.error().message().find("one.crt"), std::string::npos);
  EXPECT_EQ(broken.error().message().find("two.crt"), std::string::npos);
  EXPECT_TRUE(serves("one.test", alice));
  EXPECT_TRUE(serves("renewed.test", alice));
  EXPECT_FALSE(serves("two.test", alice));
  EXPECT_FALSE(*context->reloadIfChanged()) << "told already, and nothing has changed";

  authority_.issue("two", "DNS:again.test");
  EXPECT_FALSE(context->reloadIfChanged()) << "it is told with each change";
  EXPECT_TRUE(serves("again.test", alice));
  EXPECT_FALSE(serves("again.test", {}));

  // Nor does the client CA, whose old authorities go on to be asked for.
  std::filesystem::remove(client_ca);
  authority_.issue("one", "DNS:repaired.test");
  EXPECT_NE(context->reloadIfChanged().error().message().find(client_ca), std::string::npos);
  EXPECT_TRUE(serves("repaired.test", alice));
  EXPECT_FALSE(serves("repaired.test", {}));
  EXPECT_FALSE(serves("repaired.test", stranger.issue("mallory", "")));
}

TEST_F(TlsReload, FilesThatCouldNotBeOpenedAreTriedAgain) {
  authority_.issue("server", "DNS:renewed.test");
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit none{0, limit.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &none);
  const auto failed = context_->reloadIfChanged();
  const auto again = context_->reloadIfChanged();
  ::setrlimit(RLIMIT_NOFILE, &limit);
  EXPECT_FALSE(failed);
  EXPECT_FALSE(again.value()) << "told already";
  EXPECT_TRUE(context_->reloadIfChanged().value());
  EXPECT_TRUE(verifies(context_, "renewed.test"));
}

TEST_F(TlsReload, WhatIsNoFileIsNotWaitedFor) {
  const std::string path = authority_.folder().path("server.crt");
  std::filesystem::remove(path);
  ASSERT_EQ(::mkfifo(path.c_str(), S_IRUSR | S_IWUSR), 0);
  const auto refused = context_->reloadIfChanged();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message(),
            "cannot load the certificate " + path + ": it is not a regular file");
  std::filesystem::remove(path);
  std::filesystem::create_symlink("/dev/zero", path);
  EXPECT_FALSE(context_->reloadIfChanged());
  EXPECT_TRUE(verifies(context_, "server.test"));
}

TEST_F(TlsReload, NoSideWaitsForAFifoAtItsStart) {
  const std::string pipe = authority_.folder().path("pipe");
  ASSERT_EQ(::mkfifo(pipe.c_str(), S_IRUSR | S_IWUSR), 0);
  const TlsCertificate good = authority_.issue("good", "DNS:good.test");
  const auto server = [](TlsCertificate certificate, std::string client_ca) {
    TlsServerOptions options;
    options.certificates = {std::move(certificate)};
    options.client_ca_path = std::move(client_ca);
    return makeTlsServerContext(std::move(options)).error().message();
  };
  const auto client = [](std::vector<std::string> authorities, TlsCertificate identity) {
    TlsClientOptions options;
    options.extra_ca_paths = std::move(authorities);
    options.identity = std::move(identity);
    return makeTlsClientContext(std::move(options)).error().message();
  };
  const std::string why = " " + pipe + ": it is not a regular file";
  EXPECT_EQ(server({pipe, good.key_path}, ""), "cannot load the certificate" + why);
  EXPECT_EQ(server({good.certificate_path, pipe}, ""), "cannot load the private key" + why);
  EXPECT_EQ(server(good, pipe), "cannot load the client CA" + why);
  EXPECT_EQ(client({pipe}, {}), "cannot load the CA certificates" + why);
  EXPECT_EQ(client({}, {pipe, good.key_path}), "cannot load the certificate" + why);
}

TEST_F(TlsReload, AKeyOfAnotherCertificateIsRefused) {
  const TlsCertificate other = authority_.issue("other", "DNS:other.test");
  std::filesystem::rename(other.key_path, authority_.folder().path("server.key"));
  EXPECT_FALSE(context_->reloadIfChanged());
  EXPECT_TRUE(verifies(context_, "server.test"));
}

TEST_F(TlsReload, AMissingFileLeavesTheOldOnes) {
  std::filesystem::remove(authority_.folder().path("server.key"));
  EXPECT_FALSE(context_->reloadIfChanged());
  EXPECT_TRUE(verifies(context_, "server.test"));
}

TEST_F(TlsReload, ASwappedSymbolicLinkIsAChange) {
  const TemporaryFolder mount;
  const TlsCertificate old_files = authority_.issue("old", "DNS:old.test");
  const TlsCertificate new_files = authority_.issue("new", "DNS:new.test");
  const auto point = [&](const TlsCertificate& files) {
    // As Kubernetes does it: a folder of links through one link that is replaced by rename.
    const std::string version = mount.path("..data-" + std::to_string(::rand()));
    std::filesystem::create_directory(version);
    std::filesystem::copy_file(files.certificate_path, version + "/tls.crt");
    std::filesystem::copy_file(files.key_path, version + "/tls.key");
    std::filesystem::create_directory_symlink(version, mount.path("..data_tmp"));
    std::filesystem::rename(mount.path("..data_tmp"), mount.path("..data"));
  };
  point(old_files);
  std::filesystem::create_symlink("..data/tls.crt", mount.path("tls.crt"));
  std::filesystem::create_symlink("..data/tls.key", mount.path("tls.key"));
  auto context = server({.certificates = {{.certificate_path = mount.path("tls.crt"),
                                           .key_path = mount.path("tls.key")}},
                         .client_ca_path = {},
                         .alpn = {}});
  EXPECT_TRUE(verifies(context, "old.test"));
  point(new_files);
  EXPECT_TRUE(*context->reloadIfChanged());
  EXPECT_TRUE(verifies(context, "new.test"));
}

TEST_F(TlsTest, ContextsRefuseFilesThatDoNotLoad) {
  const auto code = [](const auto& result) {
    return result ? ErrorCode::kInternal : result.error().code();
  };
  const TlsCertificate good = authority_.issue("server", "DNS:server.test");
  const std::string missing = authority_.folder().path("missing");
  EXPECT_EQ(code(makeTlsServerContext({})), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(makeTlsServerContext(
                {.certificates = {{.certificate_path = missing, .key_path = good.key_path}},
                 .client_ca_path = {},
                 .alpn = {}})),
            ErrorCode::kNotFound);
  EXPECT_EQ(code(makeTlsServerContext(
                {.certificates = {good}, .client_ca_path = good.key_path, .alpn = {}})),
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(makeTlsServerContext(
                {.certificates = {good}, .client_ca_path = {}, .alpn = {std::string(256, 'x')}})),
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(
      code(makeTlsClientContext(
          {.system_roots = true, .der_roots = {}, .extra_ca_paths = {missing}, .identity = {}})),
      ErrorCode::kNotFound);
  EXPECT_EQ(code(makeTlsClientContext(
                {.system_roots = true,
                 .der_roots = {},
                 .extra_ca_paths = {},
                 .identity = {.certificate_path = good.certificate_path, .key_path = {}}})),
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(makeTlsClientContext(
                {.system_roots = true, .der_roots = {"x"}, .extra_ca_paths = {}, .identity = {}})),
            ErrorCode::kInvalidArgument);
  EXPECT_TRUE(makeTlsClientContext({}));
}

}  // namespace
}  // namespace nimbus::net
