// Values between guest memory and the wRPC encoding, compared with the values of Wasmtime itself
// through a codec that shares nothing with ours: a guest is called with what the input chooses, and
// with the input as an encoding. All of it is in src/rust/src/engine/raw/fuzz.rs.

#include <cstddef>
#include <cstdint>

extern "C" void nimbus_fuzz_raw_values(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  nimbus_fuzz_raw_values(data, size);
  return 0;
}
