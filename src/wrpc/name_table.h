#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "base/result.h"
#include "wrpc/invoker.h"

namespace nimbus::wrpc {

// The function names that an Invoker without a table of functions was asked for; the ids are its
// FunctionIds. Names stay until the table goes, and only so many are taken: a peer that makes names
// up must not fill the memory. Any thread.
class NameTable {
 public:
  static constexpr std::size_t kMaxNames = 16 * 1024;
  static constexpr std::size_t kMaxNameBytes = 1024;  // of instance and of function

  struct Name {
    std::string instance;
    std::string function;

    [[nodiscard]] FunctionName view() const [[clang::lifetimebound]] {
      return {instance, function};
    }
    friend auto operator<=>(const Name&, const Name&) = default;
  };

  // The same name gives the same id. kInvalidArgument: longer than kMaxNameBytes.
  // kResourceExhausted: there are kMaxNames.
  [[nodiscard]] Result<FunctionId> add(const FunctionName& name);
  // Of an id that add() gave; valid as long as the table.
  [[nodiscard]] const Name& operator[](FunctionId id) const [[clang::lifetimebound]];

 private:
  mutable std::mutex mutex_;
  std::deque<Name> names_;  // by id; their addresses stay
  std::map<Name, FunctionId> ids_;
};

}  // namespace nimbus::wrpc
