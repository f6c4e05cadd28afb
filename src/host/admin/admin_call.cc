#include "host/admin/admin_call.h"

#include <array>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "base/escape.h"
#include "base/text.h"
#include "host/manifest/text_rules.h"

namespace nimbus::host {
namespace {

using Kind = AdminCall::Kind;

struct Route {
  std::string_view method;
  std::string_view path;  // "{}" stands for one segment
  Kind kind;
};

constexpr std::array<Route, 8> kRoutes = {{
    {"POST", "/v1/workloads", Kind::kApply},
    {"GET", "/v1/workloads", Kind::kList},
    {"GET", "/v1/workloads/{}/{}", Kind::kGet},
    {"DELETE", "/v1/workloads/{}/{}", Kind::kRemove},
    {"POST", "/v1/drain", Kind::kDrain},
    {"GET", "/v1/events", Kind::kEvents},
    {"GET", "/v1/host", Kind::kHost},
    {"GET", "/metrics", Kind::kMetrics},
}};

AdminRefusal refusal(std::uint16_t status, ErrorCode code, std::string message) {
  return {.status = status, .code = code, .message = std::move(message), .allow = {}};
}

AdminRefusal badParameter(std::string_view name, std::string_view value) {
  return refusal(400, ErrorCode::kInvalidArgument,
                 fmt::format("the parameter {} cannot be {}", name, inQuotes(value)));
}

std::optional<std::string> percentDecoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i] == '+' ? ' ' : text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hexDigit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hexDigit(text[i + 2]) : -1;
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

// HEAD is GET without the content (RFC 9110 9.3.2).
bool takes(const Route& route, std::string_view method) {
  return route.method == (method == "HEAD" ? "GET" : method);
}

// The segments that stand for "{}", if the path has the pattern's form.
std::optional<std::vector<std::string_view>> match(std::string_view pattern,
                                                   std::string_view path) {
  const auto wanted = split(pattern, '/');
  const auto given = split(path, '/');
  if (wanted.size() != given.size()) return std::nullopt;
  std::vector<std::string_view> captured;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] == "{}")
      captured.push_back(given[i]);
    else if (wanted[i] != given[i])
      return std::nullopt;
  }
  return captured;
}

std::optional<bool> asBoolean(std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  return std::nullopt;
}

bool isWorkloadId(std::string_view text) {
  const auto parts = splitOnce(text, '/');
  return parts && isDnsLabel(parts->first) && isDnsLabel(parts->second);
}

using Setter = std::optional<AdminRefusal> (*)(AdminCall&, std::string_view);

std::optional<AdminRefusal> setWait(AdminCall& call, std::string_view value) {
  const auto wait = asBoolean(value);
  if (!wait) return badParameter("wait", value);
  call.wait = *wait;
  return std::nullopt;
}
std::optional<AdminRefusal> setFollow(AdminCall& call, std::string_view value) {
  const auto follow = asBoolean(value);
  if (!follow) return badParameter("follow", value);
  call.follow = *follow;
  return std::nullopt;
}
std::optional<AdminRefusal> setNamespace(AdminCall& call, std::string_view value) {
  if (!isDnsLabel(value)) return badParameter("namespace", value);
  call.namespace_name = value;
  return std::nullopt;
}
std::optional<AdminRefusal> setWorkload(AdminCall& call, std::string_view value) {
  if (isDnsLabel(value))
    call.workload = fmt::format("default/{}", value);
  else if (isWorkloadId(value))
    call.workload = value;
  else
    return badParameter("workload", value);
  return std::nullopt;
}

Setter setterOf(Kind kind, std::string_view name) {
  if (kind == Kind::kApply && name == "wait") return setWait;
  if (kind == Kind::kList && name == "namespace") return setNamespace;
  if (kind == Kind::kEvents && name == "workload") return setWorkload;
  if (kind == Kind::kEvents && name == "follow") return setFollow;
  return nullptr;
}

std::optional<AdminRefusal> readQuery(AdminCall& call, std::string_view query) {
  if (query.empty()) return std::nullopt;
  std::set<std::string_view> given;
  for (const std::string_view pair : split(query, '&')) {
    const auto parts = splitOnce(pair, '=');
    const std::string_view name = parts ? parts->first : pair;
    const Setter set = setterOf(call.kind, name);
    if (set == nullptr)
      return refusal(400, ErrorCode::kInvalidArgument,
                     fmt::format("unknown parameter {}", inQuotes(name)));
    if (!given.insert(name).second)
      return refusal(400, ErrorCode::kInvalidArgument,
                     fmt::format("the parameter {} is given more than once", name));
    const auto value = percentDecoded(parts ? parts->second : std::string_view());
    if (!value) return badParameter(name, parts->second);
    if (auto refused = set(call, *value)) return refused;
  }
  return std::nullopt;
}

std::expected<AdminCall, AdminRefusal> makeCall(Kind kind,
                                                const std::vector<std::string_view>& captured,
                                                std::string_view query) {
  AdminCall call;
  call.kind = kind;
  if (captured.size() == 2) {
    if (!isDnsLabel(captured[0]) || !isDnsLabel(captured[1]))
      return std::unexpected(
          refusal(404, ErrorCode::kNotFound,
                  fmt::format("{} and {} are not names of a namespace and a workload",
                              inQuotes(captured[0]), inQuotes(captured[1]))));
    call.workload = fmt::format("{}/{}", captured[0], captured[1]);
  }
  if (auto refused = readQuery(call, query)) return std::unexpected(*std::move(refused));
  return call;
}

}  // namespace

std::expected<AdminCall, AdminRefusal> parseAdminCall(std::string_view method,
                                                      std::string_view target) {
  const auto parts = splitOnce(target, '?');
  const std::string_view path = parts ? parts->first : target;
  std::string allow;
  for (const Route& route : kRoutes) {
    const auto captured = match(route.path, path);
    if (!captured) continue;
    if (takes(route, method)) {
      auto call = makeCall(route.kind, *captured, parts ? parts->second : std::string_view());
      if (call) call->head_only = method == "HEAD";
      return call;
    }
    allow += (allow.empty() ? "" : ", ") + std::string(route.method);
    if (route.method == "GET") allow += ", HEAD";
  }
  if (allow.empty())
    return std::unexpected(
        refusal(404, ErrorCode::kNotFound, fmt::format("there is nothing at {}", inQuotes(path))));
  AdminRefusal refused = refusal(
      405, ErrorCode::kInvalidArgument,
      fmt::format("{} does not take {}; it takes {}", inQuotes(path), inQuotes(method), allow));
  refused.allow = std::move(allow);
  return std::unexpected(std::move(refused));
}

std::uint16_t adminStatus(ErrorCode code) {
  switch (code) {
    case ErrorCode::kNotFound: return 404;
    case ErrorCode::kAlreadyExists:
    case ErrorCode::kCancelled: return 409;
    case ErrorCode::kPermissionDenied: return 403;
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kProtocol:  // of a registry: the workload cannot be had from there
    case ErrorCode::kUnsupported: return 422;
    case ErrorCode::kUnavailable:
    case ErrorCode::kResourceExhausted: return 503;
    case ErrorCode::kDeadlineExceeded: return 504;
    case ErrorCode::kTrap:
    case ErrorCode::kProgramFailed:
    case ErrorCode::kIo:
    case ErrorCode::kInternal: break;
  }
  return 500;
}

ErrorCode errorCodeOf(std::string_view name) {
  for (int code = 0; code <= static_cast<int>(ErrorCode::kProgramFailed); ++code)
    if (errorCodeName(static_cast<ErrorCode>(code)) == name) return static_cast<ErrorCode>(code);
  return ErrorCode::kInternal;
}

}  // namespace nimbus::host
