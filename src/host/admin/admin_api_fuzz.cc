// What the administration API and its client take from outside: requests, answers and event
// streams, and the files of the workload store. The first line of the input is "METHOD target", the
// rest the body; of a request for events, the first line of it is the last-event-id.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"
#include "base/code_point.h"
#include "base/sync.h"
#include "base/task.h"
#include "base/text.h"
#include "host/admin/admin_api.h"
#include "host/admin/admin_call.h"
#include "host/admin/admin_client.h"
#include "host/admin/admin_event_parser.h"
#include "host/control/manager_parts.h"
#include "host/manifest/manifest.h"
#include "host/manifest/text_rules.h"
#include "host/store/workload_store_format.h"
#include "host/workload/runtime.h"
#include "net/shard.h"

namespace nimbus::host {
namespace {

bool isId(std::string_view id) {
  const auto parts = splitOnce(id, '/');
  return parts && isDnsLabel(parts->first) && isDnsLabel(parts->second);
}

void parseCall(std::string_view method, std::string_view target) {
  const auto call = parseAdminCall(method, target);
  if (!call) {
    NIMBUS_CHECK(call.error().status >= 400 && call.error().status < 500);
    NIMBUS_CHECK((call.error().status == 405) == !call.error().allow.empty());
    NIMBUS_CHECK(!firstInvalidUtf8(call.error().message));
    return;
  }
  const bool one = call->kind == AdminCall::Kind::kGet || call->kind == AdminCall::Kind::kRemove;
  NIMBUS_CHECK(one ? isId(call->workload) : call->workload.empty() || isId(call->workload));
}

// The pieces an event stream comes in make no difference.
std::string readEvents(std::string_view text, std::size_t piece_bytes) {
  std::string seen;
  AdminEventParser parser([&seen](const AdminEvent& event) {
    seen += event.id + '\x1f' + event.kind + '\x1f' + event.data + '\x1e';
  });
  while (!text.empty()) {
    const std::string_view piece = text.substr(0, piece_bytes);
    if (!parser.feed(piece)) break;
    text.remove_prefix(piece.size());
  }
  return seen;
}

void parseBody(std::string_view body) {
  static_cast<void>(parseWorkloadView(body));
  static_cast<void>(parseWorkloadList(body));
  static_cast<void>(parseAdminError(500, body));
  static_cast<void>(decodeCounterFile(body));
  NIMBUS_CHECK(readEvents(body, 1) == readEvents(body, body.size() + 1));
  if (auto stored = decodeWorkloadFile(body))
    NIMBUS_CHECK(decodeWorkloadFile(encodeWorkloadFile(*stored)).has_value());
  const auto spec = parseManifest(body, "manifest", "");
  if (!spec) return;
  for (const ComponentSpec& member : spec->members())
    NIMBUS_CHECK(member.file.empty() || member.file.starts_with('/'));
}

// --- the API itself, over a data plane that runs whatever it is given

class AnyDeployment final : public Deployment {
 public:
  AnyDeployment(std::shared_ptr<const WorkloadSpec> spec, std::uint64_t generation)
      : spec_(std::move(spec)), generation_(generation) {}
  [[nodiscard]] const WorkloadSpec& spec() const override { return *spec_; }
  [[nodiscard]] std::uint64_t generation() const override { return generation_; }
  [[nodiscard]] std::vector<ComponentStatus> components() const override { return {}; }
  [[nodiscard]] std::optional<ServiceStatus> service() const override {
    if (!spec_->service) return std::nullopt;
    return ServiceStatus{.component = {}, .progress = {.since = {}}};
  }

 private:
  std::shared_ptr<const WorkloadSpec> spec_;
  std::uint64_t generation_;
};

class AnyRuntime final : public WorkloadRuntime {
 public:
  Task<Result<std::shared_ptr<const WorkloadSpec>>> fetch(std::shared_ptr<const WorkloadSpec> spec,
                                                          Freshness /*freshness*/) override {
    co_return spec;
  }
  Task<Result<std::shared_ptr<Deployment>>> prepare(std::shared_ptr<const WorkloadSpec> spec,
                                                    std::uint64_t generation) override {
    co_return std::make_shared<AnyDeployment>(std::move(spec), generation);
  }
  Task<Result<std::vector<std::shared_ptr<Deployment>>>> prepareTogether(
      std::vector<std::shared_ptr<const WorkloadSpec>> specs, std::uint64_t generation) override {
    std::vector<std::shared_ptr<Deployment>> all;
    for (auto& spec : specs)
      all.push_back(std::make_shared<AnyDeployment>(std::move(spec), generation));
    co_return all;
  }
  Task<void> swapTogether(std::vector<Replacement> /*replacements*/) override { co_return; }
  Task<void> retire(std::shared_ptr<Deployment> /*deployment*/, Duration /*bound*/) override {
    co_return;
  }
  void onServiceNews(std::function<void(const ServiceNews&)> /*tell*/) override {}
  void onEndedNews(std::function<void(const EndedNews&)> /*tell*/) override {}
};

class Answer final : public http::ResponseWriter {
 public:
  void sendHead(const http::ResponseHead& head, std::optional<std::uint64_t> /*length*/) override {
    NIMBUS_CHECK(!head_);
    head_ = head;
  }
  Task<Result<void>> write(Bytes bytes) override { return write(bytes.view()); }
  Task<Result<void>> write(ByteView bytes) override {
    NIMBUS_CHECK(head_ && !ended_);
    content_.append(asText(bytes));
    co_return Result<void>();
  }
  void finish(const http::Headers& /*trailers*/) override {
    NIMBUS_CHECK(head_ && !ended_);
    ended_ = true;
  }
  void sendWhole(const http::ResponseHead& head, ByteView content) override {
    sendHead(head, content.size());
    content_ = asText(content);
    ended_ = true;
  }
  void abort() override { NIMBUS_CHECK(false); }
  [[nodiscard]] bool headSent() const override { return head_.has_value(); }

  [[nodiscard]] bool ended() const { return ended_; }
  [[nodiscard]] std::uint16_t status() const { return head_ ? head_->status : 0; }
  [[nodiscard]] const std::string& content() const { return content_; }

 private:
  std::optional<http::ResponseHead> head_;
  std::string content_;
  bool ended_ = false;
};

// Content that comes in two pieces and tells no length.
class Halves final : public http::BodyReader {
 public:
  explicit Halves(std::string_view content) : rest_(content), half_(content.size() / 2) {}
  Task<Result<std::optional<Bytes>>> read() override {
    if (rest_.empty()) co_return std::optional<Bytes>();
    const std::string_view piece = rest_.substr(0, half_ == 0 ? rest_.size() : half_);
    half_ = 0;
    rest_.remove_prefix(piece.size());
    co_return Bytes::copyOf(asBytes(piece));
  }
  [[nodiscard]] bool empty() const override { return rest_.empty(); }
  [[nodiscard]] std::optional<std::uint64_t> length() const override { return std::nullopt; }
  [[nodiscard]] const http::Headers& trailers() const override { return trailers_; }

 private:
  std::string_view rest_;
  std::size_t half_;
  http::Headers trailers_;
};

// A control plane with the workload default/a, which serves.
class Plane {
 public:
  explicit Plane(net::Shard& shard) : parts_(shard, "r") { parts_.readiness.markReady(); }

  // How a request is answered, as far as that comes without waiting.
  Task<void> ask(std::string method, std::string target, std::string_view body, Answer* answer,
                 AdminOptions options = {}) {
    AdminApi api({.shard = parts_.shard,
                  .manager = manager_,
                  .events = parts_.events,
                  .readiness = parts_.readiness,
                  .metrics = parts_.metrics,
                  .clock = parts_.clock,
                  .drain = {}},
                 std::move(options));
    Halves content(body);
    http::ServerRequest request{.head = {}, .body = &content};
    request.head.method = std::move(method);
    request.head.path = std::move(target);
    const auto first_line = body.substr(0, body.find('\n'));
    request.head.headers.add("last-event-id", first_line);
    TaskSet serving;
    serving.spawn(api.handle(request, *answer));
    for (int turn = 0; turn < 5; ++turn) {
      OneShot<int> next;
      parts_.shard.post([&next] { next.set(0); });
      co_await next.wait();
    }
    serving.cancelAll();
  }
  [[nodiscard]] std::size_t size() const { return manager_.size(); }

 private:
  ManagerParts parts_;
  AnyRuntime runtime_;
  WorkloadManager manager_{parts_.environment(runtime_), {}};
};

constexpr std::string_view kKnown =
    "name: a\ncomponents: [{name: web, file: /w/a}]\nhttp: {routes: [{path: /}]}\n";

// Whatever is asked, the answer is whole and none of a host that failed, only what was granted has
// changed anything, and what is told next is what is true then.
void checkOutcome(const Plane& plane, const Answer& answer, std::string_view method) {
  const std::uint16_t status = answer.status();
  NIMBUS_CHECK(status == 200 || status == 202 || (status >= 400 && status < 500) || status == 503);
  NIMBUS_CHECK(!firstInvalidUtf8(answer.content()));
  if (status >= 400) {
    NIMBUS_CHECK(answer.ended());
    NIMBUS_CHECK(!parseAdminError(status, answer.content()).message().empty());
  }
  const bool only_asks = method == "GET" || method == "HEAD";
  if (status >= 400 || only_asks) NIMBUS_CHECK(plane.size() == 1);
  if (const auto view = parseWorkloadView(answer.content()); status < 300 && view)
    NIMBUS_CHECK(isId(view->namespace_name + "/" + view->name));
}

Task<void> serve(net::Shard& shard, std::string method, std::string target, std::string_view body) {
  Plane plane(shard);
  Answer known;
  co_await plane.ask("POST", "/v1/workloads", kKnown, &known);
  NIMBUS_CHECK(known.status() == 200);

  Answer stranger;
  co_await plane.ask(method, target, body, &stranger,
                     {.token = [] { return std::string("sesame"); }});
  NIMBUS_CHECK(stranger.status() == 401 && plane.size() == 1);

  Answer answer;
  co_await plane.ask(method, target, body, &answer);
  checkOutcome(plane, answer, method);

  Answer all;
  co_await plane.ask("GET", "/v1/workloads", "", &all);
  const auto list = parseWorkloadList(all.content());
  NIMBUS_CHECK(all.ended() && list && list->size() == plane.size());
}

void askApi(std::string_view method, std::string_view target, std::string_view body) {
  static auto* const shards = [] {
    auto started = net::ShardGroup::start(1);
    NIMBUS_CHECK(started.has_value());
    return started->release();
  }();
  shards->runTask(0, [&](net::Shard& shard) {
    return serve(shard, std::string(method), std::string(target), body);
  });
}

}  // namespace
}  // namespace nimbus::host

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = nimbus::asText({data, size});
  const auto [line, body] =
      nimbus::splitOnce(input, '\n').value_or(std::pair(input, std::string_view()));
  const auto [method, target] =
      nimbus::splitOnce(line, ' ').value_or(std::pair(line, std::string_view()));
  nimbus::host::parseCall(method, target);
  nimbus::host::parseBody(body);
  nimbus::host::askApi(method, target, body);
  return 0;
}
