#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace nimbus::wit {

// The component tooling of rust/tools.h. Input that is wrong gives kInvalidArgument with the
// library's message; kInternal means a bug in it. Nothing keeps a view of its input.

// The world of a component, or an encoded WIT package, as WIT text.
[[nodiscard]] Result<std::string> witText(ByteView component);

// The same as a JSON document: docs/formats/wit-json.md.
[[nodiscard]] Result<std::string> worldJson(ByteView component);

struct WitFile {
  std::string path;
  std::string text;
};

// That document from the files of a `wit` folder: what lies below a folder `deps` belongs to other
// packages, one per file or folder there. Errors begin with "path:line:column: ".
[[nodiscard]] Result<std::string> parseWit(std::span<const WitFile> files);

// Which proposals validation accepts.
enum class Proposals {
  kFinished,  // those that are finished, and those that WASI 0.3 needs
  kAll,       // whatever the library knows
};

enum class FunctionBodies { kValidated, kLeftToTheCompiler };

// Fails for a module or component that is not valid; the message ends with the offset.
[[nodiscard]] Result<void> validate(ByteView binary, Proposals proposals = Proposals::kFinished,
                                    FunctionBodies bodies = FunctionBodies::kValidated);

enum class Preview1Kind {
  kAuto,     // a command if the module exports _start, else a reactor
  kCommand,  // exports wasi:cli/run
  kReactor,  // exports what its embedded world says
  kProxy,    // a reactor that has neither files nor environment nor sockets
};

// A preview 1 core module as a component, through the standard adapter.
[[nodiscard]] Result<Bytes> wrapPreview1(ByteView module, Preview1Kind kind = Preview1Kind::kAuto);

// A core module made for a world of the main package of `files` as a component; an empty `world`
// means the only one.
[[nodiscard]] Result<Bytes> encodeComponent(ByteView module, std::span<const WitFile> files,
                                            std::string_view world);

// A core module in which bindings have left its world, or a command of preview 1, as a component.
[[nodiscard]] Result<Bytes> componentize(ByteView module);

enum class GuestLanguage { kC, kGo };

struct GuestBindingsRequest {
  GuestLanguage language = GuestLanguage::kC;
  std::span<const WitFile> files = {};
  std::string_view world = {};            // of the main package; empty: the only one
  std::string_view package = {};          // Go: the import path of the folder that the files go to
  std::string_view exports_package = {};  // Go: that of the folder with the user's packages
};

// A file of bindings; most are text.
struct GuestFile {
  std::string path;  // relative, without "." and ".."
  std::string contents;
};

// The bindings of a component for a world, in the language that the component is written in.
[[nodiscard]] Result<std::vector<GuestFile>> guestBindings(const GuestBindingsRequest& request);

// WebAssembly text, of a module or a component, as a binary. `path` is for messages.
[[nodiscard]] Result<Bytes> watToWasm(std::string_view text, std::string_view path = {});

// JSON as rust/tools.h describes it; component_info.h reads them.
[[nodiscard]] Result<std::string> classifyJson(ByteView binary);
[[nodiscard]] Result<std::string> metadataJson(ByteView binary);

}  // namespace nimbus::wit
