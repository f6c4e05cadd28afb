#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "wit/component_info.h"

namespace nimbus::wash {

// What `wash inspect` tells about a binary.
struct Inspection {
  std::string file;  // as the user named it
  wit::ComponentInfo info;
  std::string wit;     // the world; empty for a core module, which has none
  wit::RunKind runs;   // by `wash run`, which refuses some modules that look like preview 1
  std::string use;     // what kind of thing it is: "serves HTTP (wasi:http/handler@0.3.0)"
  std::string digest;  // "sha256:<hex>"
  std::optional<std::uint64_t> native_code_bytes;  // absent if it is not in the code cache
};

// `native_code_bytes` is the size of what the code cache holds for these bytes, if anything.
// kInvalidArgument if the binary is not valid.
[[nodiscard]] Result<Inspection> inspect(std::string_view file, ByteView binary,
                                         std::optional<std::uint64_t> native_code_bytes);

// The world as WIT, then a summary as WIT comments, so that the whole output is WIT. Control
// characters of the binary are escaped. Ends with a line break.
[[nodiscard]] std::string inspectionText(const Inspection& inspection);

// The object of `-o json`, indented: message, success, and data with wit, imports, exports,
// versions, size, producers, wasi, memory, digest, nativeCodeBytes and more (docs/cli.md). Ends
// with a line break.
[[nodiscard]] std::string inspectionJson(const Inspection& inspection);

// For a binary whose runKind() is kNone: one line that says what it exports and what running it
// would need.
[[nodiscard]] std::string explainNotRunnable(const wit::ComponentInfo& info);

}  // namespace nimbus::wash
