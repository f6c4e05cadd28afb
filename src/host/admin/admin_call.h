#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "base/result.h"

namespace nimbus::host {

// A request to the administration API, understood: what is asked for and with which parameters.
// docs/formats/admin-api.md describes them.
struct AdminCall {
  enum class Kind { kApply, kList, kGet, kRemove, kDrain, kEvents, kHost, kMetrics };

  Kind kind = Kind::kHost;
  std::string workload;        // kGet, kRemove: the id; kEvents: only this one, if not empty
  std::string namespace_name;  // kList: only this one, if not empty
  bool wait = true;            // kApply
  bool follow = true;          // kEvents: go on after what is remembered
  bool head_only = false;      // nobody gets the content (RFC 9110 9.3.2)
};

// A request that is answered with an error.
struct AdminRefusal {
  std::uint16_t status = 400;
  ErrorCode code = ErrorCode::kInvalidArgument;
  std::string message;
  std::string allow;  // methods the path has; with 405
};

// `target` is the request target in origin form, "/path?query".
[[nodiscard]] std::expected<AdminCall, AdminRefusal> parseAdminCall(std::string_view method,
                                                                    std::string_view target);

// The status that answers an operation which failed with that code.
[[nodiscard]] std::uint16_t adminStatus(ErrorCode code);

// The reverse of errorCodeName(); kInternal for other text.
[[nodiscard]] ErrorCode errorCodeOf(std::string_view name);

}  // namespace nimbus::host
