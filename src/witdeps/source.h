#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "oci/digest.h"
#include "project/settings.h"
#include "wit/packages.h"

namespace nimbus::witdeps {

// "./wit/log", "/srv/wit", "wit/log.wit": a folder, a .wit file or an encoded package. Relative
// paths begin at the project's folder.
struct PathSource {
  std::string path;
};
// "git+https://example.com/log.git#v1:wit": what git takes, then perhaps a branch, tag or commit,
// then perhaps a folder in it. "git+" may be left out of what ends in ".git".
struct GitSource {
  std::string url;
  std::string ref;
  std::string folder;
};
// "https://example.com/log.tar.gz#sha256:…": an archive (tar, gzip), a .wit file or an encoded
// package. Without TLS there must be a digest.
struct HttpSource {
  std::string url;
  std::optional<oci::Digest> digest;
};
// "oci://ghcr.io/acme/wit/log" or with a tag or digest at its end. "oci://" may be left out where
// the text can only be meant as a reference.
struct OciSource {
  std::string registry;
  std::string repository;  // may be empty
  std::string version;     // ":1.0" or "@sha256:…"; empty: that of the package
};
using Source = std::variant<PathSource, GitSource, HttpSource, OciSource>;

// kInvalidArgument with what is wrong.
[[nodiscard]] Result<Source> parseSource(std::string_view text);

// An entry of `wit.sources`.
struct ConfiguredSource {
  std::string key;   // "acme:log@1.0.0", "acme:log" or "acme"
  std::string text;  // as it was written
  Source source;
};

// The entry for the package: that of its version goes before that of its name, and that before
// its namespace's. kInvalidArgument: an entry that is none.
[[nodiscard]] Result<std::optional<ConfiguredSource>> sourceFor(const project::StringMap& sources,
                                                                const wit::PackageRef& package);

// Fails with kInvalidArgument for a key or a source that is wrong, naming it.
[[nodiscard]] Result<void> checkSources(const project::StringMap& sources);

}  // namespace nimbus::witdeps
