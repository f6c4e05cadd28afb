#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "corpus/large/large.h"
#include "corpus/shapes/shapes.h"

// Handlers of the corpus that give back what they are given.
namespace nimbus {

namespace shapes = ::corpus::shapes::shapes;
namespace large = ::corpus::large::large;

class EchoShapes final : public shapes::Handler {
 public:
  wrpc::Answer<shapes::Numbers> echoNumbers(const wrpc::CallContext&,
                                            shapes::Numbers value) override {
    return value;
  }
  wrpc::Answer<shapes::Outer> echoOuter(const wrpc::CallContext&, shapes::Outer value) override {
    return value;
  }
  wrpc::Answer<shapes::Alias> echoAlias(const wrpc::CallContext&,
                                        shapes::AliasOfAlias value) override {
    return value;
  }
  wrpc::Answer<shapes::Pairs> echoPairs(const wrpc::CallContext&, shapes::Pairs value) override {
    return value;
  }
  wrpc::Answer<shapes::Nested> echoNested(const wrpc::CallContext&, shapes::Nested value) override {
    return value;
  }
  wrpc::Answer<shapes::Results> echoResults(const wrpc::CallContext&,
                                            shapes::Results value) override {
    return value;
  }
  using Texts = std::tuple<std::string, std::optional<std::string>, std::vector<std::string>, Bytes,
                           std::vector<std::int8_t>, char32_t>;
  wrpc::Answer<Texts> texts(const wrpc::CallContext&, std::string_view text,
                            std::optional<std::string> maybe, std::vector<std::string> many,
                            Bytes bytes, std::vector<std::int8_t> signed_, char32_t c) override {
    return Texts(text, std::move(maybe), std::move(many), std::move(bytes), std::move(signed_), c);
  }
  wrpc::Answer<void> nothing(const wrpc::CallContext&) override {
    ++nothings;
    return Result<void>();
  }
  wrpc::Answer<shapes::Empty> unit(const wrpc::CallContext&, shapes::Empty value) override {
    return value;
  }
  wrpc::Answer<std::string> many(const wrpc::CallContext&, std::uint8_t a, std::string_view b,
                                 std::uint8_t c, std::string_view d, std::uint8_t e,
                                 std::string_view f, std::uint8_t g, std::string_view h,
                                 std::uint8_t i, std::string_view j, std::uint8_t k,
                                 std::string_view l, std::uint8_t m, std::string_view n,
                                 std::uint8_t o, std::string_view p) override {
    return fmt::format("{}{}{}{}{}{}{}{}{}{}{}{}{}{}{}{}", a, b, c, d, e, f, g, h, i, j, k, l, m, n,
                       o, p);
  }

  int nothings = 0;
};

class EchoLarge final : public large::Handler {
 public:
  wrpc::Answer<large::TwoHundred> variantOf(const wrpc::CallContext&,
                                            large::TwoHundred value) override {
    return value;
  }
  using AllFlags = std::tuple<large::Hundred, large::One, large::Eight, large::Nine>;
  wrpc::Answer<AllFlags> flagsOf(const wrpc::CallContext&, large::Hundred a, large::One b,
                                 large::Eight c, large::Nine d) override {
    return AllFlags(a, b, c, d);
  }
  wrpc::Answer<large::ThreeHundred> enumOf(const wrpc::CallContext&,
                                           large::ThreeHundred value) override {
    return value;
  }
};

}  // namespace nimbus
