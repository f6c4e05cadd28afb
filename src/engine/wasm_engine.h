#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/result.h"
#include "engine/engine.h"
#include "rust/engine.h"

// RAII over the engines and what they share. Internal to src/engine.
namespace nimbus::engine {

struct BudgetDeleter {
  void operator()(NimbusBudget* budget) const { nimbus_budget_free(budget); }
};
using BudgetHandle = std::unique_ptr<NimbusBudget, BudgetDeleter>;

struct Flavour {
  bool concurrent = false;  // runs WASI 0.3
  // Calls between core modules, so also between composed components, vanish. To compile so takes
  // ten times the memory, for all functions are in it at once, and a third more time.
  bool inlining = false;

  static constexpr std::size_t kCount = 4;
  [[nodiscard]] std::size_t index() const { return (concurrent ? 2U : 0U) + (inlining ? 1U : 0U); }
};

// One Wasmtime engine.
class WasmEngine {
 public:
  [[nodiscard]] static Result<std::unique_ptr<WasmEngine>> create(const EngineOptions& options,
                                                                  Flavour flavour,
                                                                  const NimbusBudget& budget);
  ~WasmEngine() { nimbus_engine_free(raw_); }
  WasmEngine(const WasmEngine&) = delete;
  WasmEngine& operator=(const WasmEngine&) = delete;

  [[nodiscard]] const NimbusEngine* raw() const { return raw_; }
  [[nodiscard]] const std::array<std::uint8_t, 16>& fingerprint() const { return fingerprint_; }
  void tick() const { nimbus_engine_tick(raw_); }

 private:
  explicit WasmEngine(NimbusEngine* raw) : raw_(raw) {
    nimbus_engine_fingerprint(raw_, fingerprint_.data());
  }
  NimbusEngine* raw_;
  std::array<std::uint8_t, 16> fingerprint_{};
};

}  // namespace nimbus::engine
