#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace nimbus::oci {

// The SHA-256 of a blob, as registries name it: "sha256:" and 64 lower-case hexadecimal digits
// (OCI image specification, "Digests"). Other algorithms are not taken.
class Digest {
 public:
  // Nothing if the text is of another form.
  [[nodiscard]] static std::optional<Digest> parse(std::string_view text);
  [[nodiscard]] static Digest of(ByteView bytes);

  [[nodiscard]] const std::string& text() const [[clang::lifetimebound]] { return text_; }
  [[nodiscard]] std::string_view hex() const [[clang::lifetimebound]];

  friend auto operator<=>(const Digest&, const Digest&) = default;

 private:
  friend class Hasher;
  explicit Digest(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

// The digest of bytes that come piece by piece.
class Hasher {
 public:
  Hasher();
  Hasher(const Hasher&) = delete;
  Hasher& operator=(const Hasher&) = delete;
  ~Hasher();

  void add(ByteView bytes);
  void restart();
  // Of all that was added; the next piece begins anew.
  [[nodiscard]] Digest finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace nimbus::oci
