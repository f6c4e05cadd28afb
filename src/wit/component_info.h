#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "wit/interface_name.h"

namespace nimbus::wit {

enum class BinaryKind { kComponent, kModule };

// The WASI that a binary is made for: the newest version among its imports and exports.
enum class WasiLevel {
  kNone,  // names no WASI interface
  kP1,    // a module that imports wasi_snapshot_preview1
  kP2,
  kP3,  // names any wasi:…@0.3.x, drafts included
};
[[nodiscard]] std::string_view wasiLevelName(WasiLevel level);  // "none", "p1", "p2", "p3"

// What a core module's start-up export says it is.
enum class ModuleEntry { kNone, kCommand /* _start */, kReactor /* _initialize */ };

// An import or export of a component; or an export of a module, or a module that it imports from.
struct ExternName {
  std::string name;        // as in the binary: not checked, escape it before printing
  std::string kind;        // "instance", "func", "component", "module", "type", "memory", …
  InterfaceName parts;     // of `implements`, or else of `name`
  std::string implements;  // the interface behind a label; else empty
};

struct MemoryInfo {
  std::uint64_t initial_pages = 0;
  std::optional<std::uint64_t> maximum_pages;
  std::uint64_t page_bytes = 0;
  bool memory64 = false;
  bool shared = false;

  // The most there is if it is more than that.
  [[nodiscard]] std::uint64_t initialBytes() const;
};

// What the binary says of itself; empty where it says nothing. Not checked either.
struct PackageAbout {
  std::string name;
  std::string version;
  std::string description;
  std::string authors;
  std::string licenses;
  std::string source;
  std::string homepage;
  std::string revision;
};

// field -> name -> version, such as "language" -> "Rust" -> "1.95.0".
using Producers = std::map<std::string, std::map<std::string, std::string>>;

// What can be told of a binary without compiling it. Numbers cover all that is inside.
struct ComponentInfo {
  BinaryKind kind = BinaryKind::kComponent;
  WasiLevel wasi = WasiLevel::kNone;
  bool needs_async = false;       // uses component-model async: streams, futures, async functions
  bool has_inner_calls = false;   // components inside lift or lower: calls may cross between them
  bool imports_preview1 = false;  // modules only
  bool carries_world = false;     // modules only: bindings have left its world in it
  ModuleEntry entry = ModuleEntry::kNone;  // modules only
  std::vector<ExternName> imports;
  std::vector<ExternName> exports;

  // Versions of the exports that can be run; empty if absent or not one that the host supports.
  std::string incoming_handler_version;  // wasi:http/incoming-handler, 0.2.x
  std::string handler_version;           // wasi:http/handler, 0.3.x
  std::string run_version;               // wasi:cli/run, 0.2.x or 0.3.x

  std::vector<MemoryInfo> memories;
  std::uint64_t tables = 0;
  std::uint64_t modules = 0;     // core modules
  std::uint64_t components = 0;  // nested ones
  std::uint64_t size_bytes = 0;
  std::map<std::string, std::uint64_t> section_bytes;
  Producers producers;
  PackageAbout about;

  // Needs the engine with component-model async; the other one refuses it.
  [[nodiscard]] bool needsFullEngine() const { return wasi == WasiLevel::kP3 || needs_async; }
  // Sum over all memories; and of the one that has most.
  [[nodiscard]] std::uint64_t initialMemoryBytes() const;
  [[nodiscard]] std::uint64_t largestInitialMemoryBytes() const;
};

// Reads names and custom sections, without validating code: milliseconds. kInvalidArgument if the
// bytes are not WebAssembly, are broken, or nest too deeply to be compiled safely.
[[nodiscard]] Result<ComponentInfo> inspectComponent(ByteView binary);

// How a binary is run. With several of these exports the first in this order wins.
enum class RunKind {
  kHttpP3,
  kHttpP2,
  kCommandP3,
  kCommandP2,
  // A core module that is a command or carries its world: wrap it with wrapPreview1, which may
  // refuse it, and inspect the result.
  kPreview1,
  kNone,
};
[[nodiscard]] RunKind runKind(const ComponentInfo& info);

}  // namespace nimbus::wit
