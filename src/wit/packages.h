#pragma once

#include <compare>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "wit/tools.h"

namespace nimbus::wit {

// A package as WIT names it: "wasi:http@0.2.3".
struct PackageRef {
  std::string name;     // "wasi:http"
  std::string version;  // "0.2.3"; may be empty

  // kInvalidArgument: of another form; both parts of the name are words of lower-case letters,
  // digits and hyphens.
  [[nodiscard]] static Result<PackageRef> parse(std::string_view text);
  [[nodiscard]] std::string text() const;
  // Whether it is the package of that name, whose version may be left out.
  [[nodiscard]] bool isNamedBy(const PackageRef& other) const;
  // The parts of `name`, before and after the colon.
  [[nodiscard]] std::string_view nameSpace() const [[clang::lifetimebound]];
  [[nodiscard]] std::string_view word() const [[clang::lifetimebound]];

  friend auto operator<=>(const PackageRef&, const PackageRef&) = default;
};

struct PackageNeeds {
  PackageRef package;
  std::vector<PackageRef> needs;  // directly
};

// The main package of the files (parseWit() says which that is), and what it needs. Nothing has to
// be there of that. Errors begin with "path:line:column: ".
[[nodiscard]] Result<PackageNeeds> packageNeeds(std::span<const WitFile> files);

// The package that a binary encodes, with what it needs, which the binary holds too. For a
// component kInvalidArgument.
[[nodiscard]] Result<PackageNeeds> encodedNeeds(ByteView wasm);

struct EncodedPackage {
  std::string name;  // for messages
  Bytes wasm;
};

struct PackageText {
  PackageRef package;
  std::string text;
};

// What the main package of the files needs, directly or not, from the dependencies among the files
// and from the encoded packages; by name, each as one text. A package may be in several of them, as
// binaries hold only what they need of others: all of it is taken, and where two differ, texts go
// before binaries, and those before later ones. kInvalidArgument: something is missing.
[[nodiscard]] Result<std::vector<PackageText>> gatherPackages(
    std::span<const WitFile> files, std::span<const EncodedPackage> encoded);

// The main package of the files as a binary, with what it needs of others.
[[nodiscard]] Result<Bytes> encodePackage(std::span<const WitFile> files);

}  // namespace nimbus::wit
