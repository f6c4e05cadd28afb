#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/metrics.h"
#include "http/client.h"
#include "http/server.h"
#include "net/blocking_worker.h"
#include "net/socket.h"
#include "net/test_support.h"
#include "oci/answer.h"
#include "oci/base64.h"
#include "oci/blob_sink.h"
#include "oci/credentials.h"
#include "oci/manifest.h"
#include "oci/reference.h"
#include "oci/registry_options.h"

namespace nimbus::oci {

// What a fake registry says instead of its own answer.
struct ScriptedAnswer {
  std::string match;  // in "METHOD path"
  std::uint16_t status = 200;
  std::vector<std::pair<std::string, std::string>> fields = {};
  std::string content = {};
  enum class End { kWhole, kBrokenOff, kNever, kSilent };
  // Broken off: more was announced. Never: the content is repeated for ever. Silent: no answer.
  End end = End::kWhole;
};

struct SeenRequest {
  std::string line;  // "METHOD path"
  std::string authorization;
  std::string range;  // Range, or Content-Range
  std::string content;
};

// A registry in memory that speaks as much of the distribution specification as clients use, and
// misbehaves as it is told. Lives on one shard.
class FakeRegistry final : public http::Handler {
 public:
  explicit FakeRegistry(net::Shard& shard);

  [[nodiscard]] std::string authority() const { return where_.toString(); }
  std::string addBlob(std::string content);  // its digest
  // A manifest of one layer, under the tag.
  std::string addArtifact(const std::string& tag, const std::string& layer,
                          std::string_view layer_type = kWasmLayerType);
  // Requests seen whose line begins so.
  [[nodiscard]] std::size_t count(std::string_view line) const;

  Task<void> handle(http::ServerRequest& request, http::ResponseWriter& response) override;

  std::map<std::string, std::string> blobs;
  std::map<std::string, std::string> manifests;  // by tag and digest
  std::string manifest_type{kManifestType};
  std::string basic;        // "user:password": wanted of every request
  std::string token_realm;  // wanted: the token "sesame" that a server of this address gives
  std::string token_basic;  // what the token server wants
  bool knows_ranges = true;
  std::deque<ScriptedAnswer> script;
  std::vector<SeenRequest> seen;

 private:
  using Fields = std::vector<std::pair<std::string, std::string>>;
  [[nodiscard]] bool refuses(const SeenRequest& request, http::ResponseWriter& response) const;
  void answer(const SeenRequest& request, http::ResponseWriter& response);
  void answerUpload(const SeenRequest& request, http::ResponseWriter& response);
  void sendBlob(const SeenRequest& request, const std::string& blob,
                http::ResponseWriter& response) const;
  Task<void> play(ScriptedAnswer scripted, http::ResponseWriter& response);
  static void send(http::ResponseWriter& response, std::uint16_t status, const Fields& fields = {},
                   std::string_view content = {});

  std::unique_ptr<Logger> log_ = makeNullLogger();
  MetricRegistry metrics_;
  net::Endpoint where_;
  Event never_;
  std::string uploaded_;
  std::unique_ptr<http::Server> server_;
};

// Credentials in memory.
class FixedCredentials final : public CredentialSource {
 public:
  Result<std::optional<Credential>> find(const std::string& registry) override {
    asked.push_back(registry);
    return credential;
  }
  std::optional<Credential> credential;
  std::vector<std::string> asked;
};

// A blob in memory.
class MemorySink final : public BlobSink {
 public:
  explicit MemorySink(Digest wanted, std::string already = {})
      : content(std::move(already)), wanted_(std::move(wanted)) {}
  [[nodiscard]] std::uint64_t size() const override { return content.size(); }
  Result<void> append(ByteView bytes) override {
    content += asText(bytes);
    return {};
  }
  Result<void> restart() override {
    content.clear();
    return {};
  }
  bool verify() override { return Digest::of(asBytes(content)) == wanted_; }
  std::string content;

 private:
  Digest wanted_;
};

// A fake registry and a client that talks to it, on one shard. Pauses between attempts are noted
// instead of made.
class RegistryTest : public net::ShardTest {
 protected:
  void SetUp() override;
  void TearDown() override;

  [[nodiscard]] Reference reference(std::string_view rest = "app/web:1") const;
  [[nodiscard]] RegistryEnvironment environment();

  std::unique_ptr<FakeRegistry> registry_;
  FixedCredentials credentials_;
  RegistryOptions options_;
  std::vector<Duration> pauses_;
  net::BlockingWorker worker_;
  net::FixedResolver resolver_;
  MetricRegistry metrics_;
  std::unique_ptr<http::Client> client_;
};

}  // namespace nimbus::oci
