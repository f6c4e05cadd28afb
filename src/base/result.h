#pragma once

#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace nimbus {

// What kind of failure an Error is, coarse enough for a caller to decide on: retry, report to the
// user, answer with a status.
enum class ErrorCode {
  kInvalidArgument,    // the input is wrong; the message says where and how
  kNotFound,           // the named thing does not exist
  kAlreadyExists,      // the name or route is taken; the message says by whom
  kPermissionDenied,   // policy or the operating system forbids it
  kUnavailable,        // not now: overloaded, draining, the peer is gone; may be retried
  kDeadlineExceeded,   // a time limit passed
  kResourceExhausted,  // a size or count limit was hit
  kCancelled,          // the owner gave up
  kUnsupported,        // well formed, but this build or host cannot do it
  kProtocol,           // a peer broke its protocol
  kTrap,               // a guest trapped
  kIo,                 // the operating system failed; the message has errno's text
  kInternal,           // a bug, or a dependency behaving as its contract forbids
  kProgramFailed,      // a program that was run ended with a failure; what it wrote says why
};

[[nodiscard]] std::string_view errorCodeName(ErrorCode code);

// An expected failure: a code, a message that a user can act on, and what caused it. Cheap to move.
class Error {
 public:
  Error(ErrorCode code, std::string message) : code_(code), message_(std::move(message)) {}
  Error(ErrorCode code, std::string message, Error cause)
      : code_(code),
        message_(std::move(message)),
        cause_(std::make_shared<const Error>(std::move(cause))) {}

  [[nodiscard]] ErrorCode code() const { return code_; }
  [[nodiscard]] const std::string& message() const [[clang::lifetimebound]] { return message_; }
  [[nodiscard]] const Error* cause() const [[clang::lifetimebound]] { return cause_.get(); }

  // The message followed by those of its causes: "cannot read x: permission denied".
  [[nodiscard]] std::string describe() const;

 private:
  ErrorCode code_;
  std::string message_;
  std::shared_ptr<const Error> cause_;
};

template <typename T>
using Result = std::expected<T, Error>;

// `return fail(ErrorCode::kNotFound, "no workload \"x\"");` from a function that returns a Result.
[[nodiscard]] inline std::unexpected<Error> fail(ErrorCode code, std::string message) {
  return std::unexpected(Error(code, std::move(message)));
}
[[nodiscard]] inline std::unexpected<Error> fail(ErrorCode code, std::string message, Error cause) {
  return std::unexpected(Error(code, std::move(message), std::move(cause)));
}

// kIo with "<what>: <text of the errno value>".
[[nodiscard]] std::unexpected<Error> failErrno(std::string_view what, int errno_value);

}  // namespace nimbus

#define NIMBUS_CONCAT_INNER(a, b) a##b
#define NIMBUS_CONCAT(a, b) NIMBUS_CONCAT_INNER(a, b)

#define NIMBUS_TRY_IMPL(result, returning, declaration, ...) \
  auto result = (__VA_ARGS__);                               \
  if (!result) [[unlikely]]                                  \
    returning std::unexpected(std::move(result).error());    \
  declaration = *std::move(result)

// TRY(auto value, expression): binds the value of a Result, or returns its error.
#define TRY(declaration, ...) \
  NIMBUS_TRY_IMPL(NIMBUS_CONCAT(tryResult, __LINE__), return, declaration, __VA_ARGS__)
// The same in a coroutine.
#define CO_TRY(declaration, ...) \
  NIMBUS_TRY_IMPL(NIMBUS_CONCAT(tryResult, __LINE__), co_return, declaration, __VA_ARGS__)

// TRY_VOID(expression): for Result<void>, or where the value is not wanted.
#define TRY_VOID(...)                                      \
  if (auto tryVoid = (__VA_ARGS__); !tryVoid) [[unlikely]] \
  return std::unexpected(std::move(tryVoid).error())
#define CO_TRY_VOID(...)                                   \
  if (auto tryVoid = (__VA_ARGS__); !tryVoid) [[unlikely]] \
  co_return std::unexpected(std::move(tryVoid).error())
