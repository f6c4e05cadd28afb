#include "base/result.h"

#include <system_error>

namespace nimbus {

std::string_view errorCodeName(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument: return "invalid-argument";
    case ErrorCode::kNotFound: return "not-found";
    case ErrorCode::kAlreadyExists: return "already-exists";
    case ErrorCode::kPermissionDenied: return "permission-denied";
    case ErrorCode::kUnavailable: return "unavailable";
    case ErrorCode::kDeadlineExceeded: return "deadline-exceeded";
    case ErrorCode::kResourceExhausted: return "resource-exhausted";
    case ErrorCode::kCancelled: return "cancelled";
    case ErrorCode::kUnsupported: return "unsupported";
    case ErrorCode::kProtocol: return "protocol";
    case ErrorCode::kTrap: return "trap";
    case ErrorCode::kIo: return "io";
    case ErrorCode::kInternal: return "internal";
    case ErrorCode::kProgramFailed: return "program-failed";
  }
  return "internal";
}

std::string Error::describe() const {
  std::string text = message_;
  for (const Error* error = cause(); error != nullptr; error = error->cause()) {
    text += ": ";
    text += error->message();
  }
  return text;
}

std::unexpected<Error> failErrno(std::string_view what, int errno_value) {
  return fail(ErrorCode::kIo,
              std::string(what) + ": " + std::generic_category().message(errno_value));
}

}  // namespace nimbus
