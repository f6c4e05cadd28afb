#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "oci/digest.h"

namespace nimbus::oci {

// Where an artifact lies: "ghcr.io/acme/web:1.2", "localhost:5000/web@sha256:…". The grammar is
// that of the distribution project, but the registry must be named: a word without a dot or a port
// is far more often a misspelt file than an image of Docker Hub.
struct Reference {
  std::string registry;          // domain[:port], as it was written
  std::string repository;        // path below it
  std::string tag;               // "latest" if neither tag nor digest was given; may be empty
  std::optional<Digest> digest;  // wins over the tag

  // kInvalidArgument with what is wrong.
  [[nodiscard]] static Result<Reference> parse(std::string_view text);

  // The whole reference; parse() gives the same one again.
  [[nodiscard]] std::string text() const;
  // What a registry's API is asked for: the digest, or else the tag.
  [[nodiscard]] std::string_view version() const [[clang::lifetimebound]];
  // The authority that answers for the registry: itself, but for Docker Hub.
  [[nodiscard]] std::string authority() const;

  friend bool operator==(const Reference&, const Reference&) = default;
};

// Whether the text can only be meant as a reference: it begins with a domain, which has a dot or a
// port or is "localhost", and a slash. A file of that name is for the caller to look for first.
[[nodiscard]] bool looksLikeReference(std::string_view text);

}  // namespace nimbus::oci
