// Files of the code cache. The first byte says what the rest is: a whole file that anybody might
// have written, or code of which a correct file is made and then damaged in one place.

#include <cstddef>
#include <cstdint>
#include <string>

#include "engine/code_cache_file.h"

namespace {

using namespace nimbus;

const engine::CodeKey kKey{.component = {'g', 'u', 'e', 's', 't'},
                           .fingerprint = {'n', 'i', 'm', 'b', 'u', 's'}};
const engine::CodeKey kOther{.component = {'o', 't', 'h', 'e', 'r'},
                             .fingerprint = kKey.fingerprint};

void check(bool holds) {
  if (!holds) __builtin_trap();
}

// Whatever is accepted is exactly what encodeTrailer() would have written for that code.
void checkWhole(ByteView file) {
  const auto code = engine::verifyCodeFile(file, kKey);
  if (!code) return;
  check(!code->empty() && code->size() == file.size() - engine::kTrailerBytes);
  check(asText(file.last(engine::kTrailerBytes)) == asText(engine::encodeTrailer(kKey, *code)));
  check(!engine::verifyCodeFile(file, kOther));
}

void checkDamaged(std::uint8_t where, std::uint8_t flip, ByteView code) {
  std::string file(asText(code));
  file += asText(engine::encodeTrailer(kKey, code));
  check(engine::verifyCodeFile(asBytes(file), kKey).has_value() == !code.empty());
  check(!engine::verifyCodeFile(asBytes(file), kOther));
  if (flip == 0) return;
  // Counted from the end, so that one byte reaches every field of the trailer.
  const std::size_t at = file.size() - 1 - where % file.size();
  file[at] = static_cast<char>(file[at] ^ flip);
  check(!engine::verifyCodeFile(asBytes(file), kKey));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ByteView rest(data + 1, size - 1);
  if (data[0] % 2 == 0) {
    checkWhole(rest);
  } else if (rest.size() >= 2) {
    checkDamaged(rest[0], rest[1], rest.subspan(2));
  }
  return 0;
}
