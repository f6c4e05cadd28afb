#include "oci/test_registry.h"

#include <fmt/format.h>

#include "base/text.h"
#include "net/tls.h"
#include "oci/reference.h"

namespace nimbus::oci {
namespace {

constexpr std::size_t kMaxContentBytes = 64 * 1024 * 1024;
constexpr std::string_view kToken = "Bearer sesame";

std::string fieldOf(const http::ServerRequest& request, std::string_view name) {
  return std::string(request.head.headers.find(name).value_or(""));
}

// What follows the last "/<word>/" of the path, without the query.
std::optional<std::string> after(std::string_view line, std::string_view word) {
  const std::size_t at = line.find(word);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view rest = line.substr(at + word.size());
  return std::string(rest.substr(0, rest.find('?')));
}

}  // namespace

FakeRegistry::FakeRegistry(net::Shard& shard) {
  auto sockets = net::listenOn(*net::Endpoint::parse("127.0.0.1:0"), 1);
  NIMBUS_CHECK(sockets.has_value());
  where_ = sockets->front()->boundTo();
  server_ = http::makeServer(shard, std::move(sockets->front()), *this, {}, *log_, metrics_);
}

std::string FakeRegistry::addBlob(std::string content) {
  const std::string digest = Digest::of(asBytes(content)).text();
  blobs[digest] = std::move(content);
  return digest;
}

std::string FakeRegistry::addArtifact(const std::string& tag, const std::string& layer,
                                      std::string_view layer_type) {
  const Manifest manifest{{std::string(kWasmConfigType), *Digest::parse(addBlob("{}")), 2},
                          {{std::string(layer_type), *Digest::parse(addBlob(layer)), layer.size()}},
                          {}};
  std::string document = toJson(manifest);
  const std::string digest = Digest::of(asBytes(document)).text();
  manifests[digest] = document;
  manifests[tag] = std::move(document);
  return digest;
}

std::size_t FakeRegistry::count(std::string_view line) const {
  return static_cast<std::size_t>(std::ranges::count_if(
      seen, [&](const SeenRequest& request) { return request.line.starts_with(line); }));
}

Task<void> FakeRegistry::handle(http::ServerRequest& request, http::ResponseWriter& response) {
  SeenRequest noted{request.head.method + " " + request.head.path,
                    fieldOf(request, "authorization"),
                    fieldOf(request, "range"),
                    {}};
  if (noted.range.empty()) noted.range = fieldOf(request, "content-range");
  auto content = co_await readBounded(*request.body, kMaxContentBytes);
  noted.content = content ? *content : "broken off";
  seen.push_back(noted);
  if (!script.empty() && noted.line.contains(script.front().match)) {
    ScriptedAnswer scripted = std::move(script.front());
    script.pop_front();
    co_await play(std::move(scripted), response);
    co_return;
  }
  if (!refuses(noted, response)) answer(noted, response);
}

Task<void> FakeRegistry::play(ScriptedAnswer scripted, http::ResponseWriter& response) {
  using End = ScriptedAnswer::End;
  if (scripted.end == End::kSilent) {
    co_await never_.wait();
    co_return;
  }
  if (scripted.end == End::kWhole) {
    send(response, scripted.status, scripted.fields, scripted.content);
    co_return;
  }
  http::ResponseHead head;
  head.status = scripted.status;
  for (const auto& [name, value] : scripted.fields) head.headers.add(name, value);
  const bool broken_off = scripted.end == End::kBrokenOff;
  response.sendHead(head, broken_off ? std::optional(scripted.content.size() + 1) : std::nullopt);
  for (;;) {
    if (!co_await response.write(asBytes(scripted.content))) co_return;
    if (broken_off) co_return response.abort();
  }
}

bool FakeRegistry::refuses(const SeenRequest& request, http::ResponseWriter& response) const {
  const bool token = request.line.contains("/token");
  const std::string& wanted = token ? token_basic : basic;
  if (!wanted.empty() && request.authorization != "Basic " + base64Encoded(wanted)) {
    send(response, 401, {{"www-authenticate", "Basic realm=\"fake\""}},
         R"({"errors":[{"code":"UNAUTHORIZED","message":"who are you?"}]})");
    return true;
  }
  if (!token && !token_realm.empty() && request.authorization != kToken) {
    send(response, 401,
         {{"www-authenticate",
           fmt::format("Bearer realm=\"{}\",service=\"fake\",scope=\"repository:app/web:pull\"",
                       token_realm)}});
    return true;
  }
  return false;
}

void FakeRegistry::answer(const SeenRequest& request, http::ResponseWriter& response) {
  if (request.line.contains("/token"))
    return send(response, 200, {}, R"({"token":"sesame","expires_in":300})");
  if (request.line.contains("/uploads/")) return answerUpload(request, response);
  if (const auto version = after(request.line, "/manifests/")) {
    if (request.line.starts_with("PUT")) {
      manifests[*version] = request.content;
      return send(response, 201);
    }
    const auto found = manifests.find(*version);
    if (found != manifests.end())
      return send(response, 200, {{"content-type", manifest_type}}, found->second);
    return send(response, 404, {},
                R"({"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]})");
  }
  const auto found = blobs.find(after(request.line, "/blobs/").value_or(""));
  if (found == blobs.end())
    return send(response, 404, {}, R"({"errors":[{"code":"BLOB_UNKNOWN"}]})");
  sendBlob(request, found->second, response);
}

void FakeRegistry::sendBlob(const SeenRequest& request, const std::string& blob,
                            http::ResponseWriter& response) const {
  if (request.range.empty() || !knows_ranges) return send(response, 200, {}, blob);
  const std::size_t from =
      *parseDecimal(trim(*after(request.range, "bytes="))
                        .substr(0, request.range.size() - std::string_view("bytes=").size() - 1));
  if (from >= blob.size()) return send(response, 416);
  send(response, 206,
       {{"content-range", fmt::format("bytes {}-{}/{}", from, blob.size() - 1, blob.size())}},
       blob.substr(from));
}

void FakeRegistry::answerUpload(const SeenRequest& request, http::ResponseWriter& response) {
  const Fields session = {{"location", "/v2/app/web/blobs/uploads/7?state=a"},
                          {"range", fmt::format("0-{}", uploaded_.size() - 1)}};
  if (request.line.starts_with("POST")) {
    uploaded_.clear();
    return send(response, 202, {session[0]});
  }
  if (request.line.starts_with("GET")) return send(response, 204, session);
  uploaded_ += request.content;
  if (request.line.starts_with("PATCH")) return send(response, 202, session);
  const std::string digest = Digest::of(asBytes(uploaded_)).text();
  if (!request.line.ends_with("&digest=sha256%3A" + digest.substr(7)))
    return send(response, 400, {}, R"({"errors":[{"code":"DIGEST_INVALID"}]})");
  blobs[digest] = uploaded_;
  send(response, 201);
}

void FakeRegistry::send(http::ResponseWriter& response, std::uint16_t status, const Fields& fields,
                        std::string_view content) {
  http::ResponseHead head;
  head.status = status;
  for (const auto& [name, value] : fields) head.headers.add(name, value);
  response.sendWhole(head, asBytes(content));
}

namespace {

Task<void> noted(std::vector<Duration>* pauses, Duration pause) {
  pauses->push_back(pause);
  co_return;
}

}  // namespace

void RegistryTest::SetUp() {
  ShardTest::SetUp();
  options_.insecure = true;
  options_.retry.pause = [this](Duration pause) { return noted(&pauses_, pause); };
  group_->runOn(0, [this](net::Shard& shard) {
    registry_ = std::make_unique<FakeRegistry>(shard);
    auto tls = net::makeTlsClientContext(
        {.system_roots = false, .der_roots = {}, .extra_ca_paths = {}, .identity = {}});
    ASSERT_TRUE(tls);
    client_ = http::makeClient(shard, resolver_, *tls, {}, metrics_);
  });
}

void RegistryTest::TearDown() {
  group_->runOn(0, [this](net::Shard&) {
    client_.reset();
    registry_.reset();
  });
  group_.reset();
}

Reference RegistryTest::reference(std::string_view rest) const {
  return *Reference::parse(registry_->authority() + "/" + std::string(rest));
}

RegistryEnvironment RegistryTest::environment() {
  return {(*group_)[0], *client_, worker_, credentials_};
}

}  // namespace nimbus::oci
