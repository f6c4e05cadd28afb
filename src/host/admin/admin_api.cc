#include "host/admin/admin_api.h"

#include <array>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "base/escape.h"
#include "base/text.h"
#include "host/admin/admin_json.h"
#include "host/admin/admin_reply.h"
#include "host/admin/constant_time.h"
#include "host/manifest/text_rules.h"
#include "net/give_way.h"

namespace nimbus::host {
namespace {

constexpr std::size_t kListPage = 100;  // workloads whose status is gathered at once

// Fields that a request has once: of two, somebody on the way may have judged by the other.
constexpr std::array<std::string_view, 3> kSingleFields = {"authorization", "content-type",
                                                           "last-event-id"};

std::optional<AdminRefusal> refusalOfFields(const http::Headers& headers) {
  for (const std::string_view name : kSingleFields)
    if (headers.count(name) > 1)
      return AdminRefusal{.status = 400,
                          .code = ErrorCode::kInvalidArgument,
                          .message = fmt::format("more than one field {}", inQuotes(name)),
                          .allow = {}};
  return std::nullopt;
}

// A body that did not come whole: too large, too slowly, or broken.
std::uint16_t bodyStatus(ErrorCode code) {
  switch (code) {
    case ErrorCode::kResourceExhausted: return 413;
    case ErrorCode::kDeadlineExceeded: return 408;
    default: return 400;
  }
}

}  // namespace

AdminApi::AdminApi(AdminEnvironment environment, AdminOptions options)
    : environment_(std::move(environment)),
      options_(std::move(options)),
      started_(environment_.clock.now()) {}

bool AdminApi::authorized(const http::RequestHead& head) const {
  if (!options_.token) return true;
  const auto credentials = head.headers.find("authorization");
  if (!credentials) return false;
  const auto parts = splitOnce(*credentials, ' ');
  return parts && equalsIgnoringCase(parts->first, "bearer") &&
         equalInConstantTime(trim(parts->second), options_.token());
}

Task<void> AdminApi::handle(http::ServerRequest& request, http::ResponseWriter& response) {
  if (const auto refused = refusalOfFields(request.head.headers)) {
    sendRefusal(response, *refused);
    co_return;
  }
  if (!authorized(request.head)) {
    sendRefusal(response, {.status = 401,
                           .code = ErrorCode::kPermissionDenied,
                           .message = "a valid bearer token is needed",
                           .allow = {}});
    co_return;
  }
  auto call = parseAdminCall(request.head.method, request.head.path);
  if (!call) {
    sendRefusal(response, call.error());
    co_return;
  }
  co_await dispatch(*std::move(call), request, response);
}

Task<void> AdminApi::dispatch(AdminCall call, http::ServerRequest& request,
                              http::ResponseWriter& response) {
  switch (call.kind) {
    case AdminCall::Kind::kApply: co_await apply(std::move(call), request, response); break;
    case AdminCall::Kind::kList: co_await list(std::move(call), response); break;
    case AdminCall::Kind::kRemove: co_await remove(std::move(call), response); break;
    case AdminCall::Kind::kGet:
      if (const auto status = environment_.manager.get(call.workload))
        sendJson(response, 200, statusJson(*status, StatusDetail::kWhole));
      else
        sendError(response, status.error());
      break;
    case AdminCall::Kind::kDrain:
      environment_.manager.startDrain();
      sendJson(response, 202, R"({"phase":"draining"})");
      if (environment_.drain) environment_.drain();
      break;
    case AdminCall::Kind::kEvents: {
      const auto last = request.head.headers.find("last-event-id");
      co_await streamEvents(std::move(call), std::string(last.value_or("")), response);
      break;
    }
    case AdminCall::Kind::kHost: sendHost(response); break;
    case AdminCall::Kind::kMetrics:
      co_await sendMetrics(response, environment_.metrics, environment_.more_metrics);
      break;
  }
}

Task<Result<std::string>> AdminApi::readBody(http::BodyReader& body) {
  const auto too_large = [this] {
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("a manifest has at most {} bytes", options_.max_body_bytes));
  };
  if (body.length().value_or(0) > options_.max_body_bytes) co_return too_large();
  std::string text;
  while (true) {
    CO_TRY(const auto piece, co_await body.read());
    if (!piece) co_return text;
    if (text.size() + piece->size() > options_.max_body_bytes) co_return too_large();
    text.append(piece->text());
  }
}

Task<void> AdminApi::apply(AdminCall call, http::ServerRequest& request,
                           http::ResponseWriter& response) {
  const auto text = co_await readBody(*request.body);
  if (!text) {
    sendRefusal(response, {.status = bodyStatus(text.error().code()),
                           .code = text.error().code(),
                           .message = text.error().describe(),
                           .allow = {}});
    co_return;
  }
  auto spec = parseManifest(*text, "manifest", "");
  if (!spec) {
    sendRefusal(response, {.status = 400,
                           .code = spec.error().code(),
                           .message = spec.error().describe(),
                           .allow = {}});
    co_return;
  }
  const auto wait = call.wait ? WorkloadManager::Wait::kForOutcome : WorkloadManager::Wait::kNo;
  const auto status = co_await environment_.manager.apply(
      std::make_shared<const WorkloadSpec>(*std::move(spec)),
      {.owner = WorkloadOwner::kApi, .source = "", .wait = wait});
  if (status) {
    sendJson(response, call.wait ? 200 : 202, statusJson(*status, StatusDetail::kWhole));
  } else if (status.error().code() == ErrorCode::kNotFound) {
    // Here it is not the workload but something it needs that is not found.
    sendRefusal(response, {.status = 422,
                           .code = ErrorCode::kNotFound,
                           .message = status.error().describe(),
                           .allow = {}});
  } else {
    sendError(response, status.error());
  }
}

Task<void> AdminApi::list(AdminCall call, http::ResponseWriter& response) {
  http::ResponseHead head;
  head.headers.add("content-type", "application/json");
  head.headers.add("cache-control", "no-store");
  response.sendHead(head, std::nullopt);
  const std::string prefix = call.namespace_name.empty() ? "" : call.namespace_name + "/";
  std::string text = R"({"workloads":[)";
  std::string after = prefix;
  bool first = true;
  for (bool more = true; more;) {
    const auto page = environment_.manager.list(after, kListPage);
    more = page.size() == kListPage;
    for (const WorkloadStatus& status : page) {
      after = status.spec->id();
      more = more && after.starts_with(prefix);
      if (!after.starts_with(prefix)) break;
      if (!std::exchange(first, false)) text += ',';
      text += statusJson(status, StatusDetail::kSummary);
    }
    if (!co_await response.write(Bytes::take(std::exchange(text, {})))) co_return;
    co_await net::GiveWay(environment_.shard);
  }
  if (co_await response.write(Bytes::ofStatic("]}"))) response.finish({});
}

Task<void> AdminApi::remove(AdminCall call, http::ResponseWriter& response) {
  const auto removed = co_await environment_.manager.remove(call.workload, WorkloadOwner::kApi);
  if (removed)
    sendJson(response, 200, R"({"removed":true})");
  else
    sendError(response, removed.error());
}

void AdminApi::sendHost(http::ResponseWriter& response) {
  HostFacts facts;
  facts.version = NIMBUS_VERSION;
  facts.epoch = environment_.events.epoch();
  facts.phase = environment_.readiness.phase();
  facts.uptime =
      std::chrono::duration_cast<std::chrono::seconds>(environment_.clock.now() - started_);
  facts.durable = environment_.durable;
  facts.counts = environment_.manager.counts();
  if (environment_.folder != nullptr) facts.problems = environment_.folder->problems();
  sendJson(response, 200, hostJson(facts));
}

Task<void> ProbeHandler::handle(http::ServerRequest& request, http::ResponseWriter& response) {
  const std::string_view path =
      std::string_view(request.head.path).substr(0, request.head.path.find('?'));
  if (request.head.method != "GET" && request.head.method != "HEAD") {
    http::Headers allow;
    allow.add("allow", "GET, HEAD");
    http::sendText(response, 405, "only GET and HEAD\n", allow);
  } else if (path == "/livez") {
    http::sendText(response, 200, "alive\n");
  } else if (path == "/readyz") {
    const Readiness::Phase phase = readiness_.phase();
    http::sendText(response, phase == Readiness::Phase::kReady ? 200 : 503,
                   std::string(phaseName(phase)) + "\n");
  } else if (path == "/metrics") {
    co_await sendMetrics(response, metrics_, more_metrics_);
  } else {
    http::sendText(response, 404, "there are /livez, /readyz and /metrics\n");
  }
  co_return;
}

}  // namespace nimbus::host
