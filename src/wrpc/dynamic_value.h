#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "wrpc/invoker.h"

namespace nimbus::wrpc {

// A value whose type is known at run time only, as a tree. For tools and tests: calls themselves
// carry bytes.
//
// | WIT | content |
// |---|---|
// | bool, char, string, f32, f64 | bool, char32_t, std::string, float, double |
// | unsigned and signed numbers | std::uint64_t, std::int64_t |
// | list<u8> | Bytes |
// | other lists, records, tuples | std::vector<DynamicValue> |
// | variants, enums | Case |
// | options, results | Case 0 (none, ok) or 1 (some, err) |
// | flags | std::vector<bool>, one per label |
// | resources | Handle |
// | streams and futures | Pending; a stream that is there as its list, a future as Case 1 |
struct DynamicValue {
  struct Case {
    std::uint32_t number = 0;
    std::vector<DynamicValue> payload;  // one value or none
    friend bool operator==(const Case&, const Case&) = default;
  };
  struct Handle {
    Bytes bytes;
    friend bool operator==(const Handle&, const Handle&) = default;
  };
  struct Pending {
    IndexPath path;
    friend bool operator==(const Pending&, const Pending&) = default;
  };

  std::variant<bool, char32_t, std::string, float, double, std::uint64_t, std::int64_t, Bytes,
               std::vector<DynamicValue>, Case, std::vector<bool>, Handle, Pending>
      content;

  friend bool operator==(const DynamicValue&, const DynamicValue&) = default;
};

}  // namespace nimbus::wrpc
