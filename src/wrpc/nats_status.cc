#include "wrpc/nats_status.h"

#include <fmt/format.h>

namespace nimbus::wrpc {
namespace {

// 503 is not among them: NATS has it for "nobody listens".
const char* statusOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kProtocol: return "400";
    case ErrorCode::kPermissionDenied: return "403";
    case ErrorCode::kNotFound: return "404";
    case ErrorCode::kDeadlineExceeded: return "408";
    case ErrorCode::kUnavailable: return "429";
    case ErrorCode::kResourceExhausted: return "413";
    default: return "500";
  }
}

}  // namespace

nats::Connection::Headers statusHeaders(ErrorCode code) { return {{"Status", statusOf(code)}}; }

Result<void> checkStatus(int status) {
  switch (status) {
    case 0: return {};
    case 400: return fail(ErrorCode::kProtocol, "the provider did not understand the call");
    case 403: return fail(ErrorCode::kPermissionDenied, "the provider refused the call");
    case 404: return fail(ErrorCode::kNotFound, "the provider does not know what was called");
    case 408: return fail(ErrorCode::kDeadlineExceeded, "the call took too long");
    case 409: return fail(ErrorCode::kProtocol, "the provider broke off");
    case 413: return fail(ErrorCode::kResourceExhausted, "the call was too much for the provider");
    case 429: return fail(ErrorCode::kUnavailable, "the provider is overloaded");
    case 500: return fail(ErrorCode::kTrap, "the provider failed");
    case 503: return fail(ErrorCode::kNotFound, "nobody serves it");
    default: break;
  }
  if (status >= 200 && status < 300) return {};
  return fail(ErrorCode::kUnavailable, fmt::format("the provider answered with status {}", status));
}

}  // namespace nimbus::wrpc
