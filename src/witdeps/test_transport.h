#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "project/test_support.h"
#include "wit/packages.h"
#include "witdeps/transport.h"

namespace nimbus::witdeps {

// What tests keep elsewhere, and what was asked for there.
class FakeTransport final : public Transport {
 public:
  Result<std::optional<Bytes>> cached(const oci::Digest& digest) override {
    const auto found = cache.find(digest.text());
    return found == cache.end() ? std::optional<Bytes>() : std::optional(found->second);
  }
  Result<PulledWasm> pull(const PullOrder& order) override {
    asked.push_back(order.reference.text());
    orders.push_back(order);
    const auto found = artifacts.find(order.reference.text());
    if (found == artifacts.end())
      return fail(ErrorCode::kNotFound, "cannot pull " + order.reference.text() + ": 404");
    const oci::Digest digest = oci::Digest::of(found->second.view());
    cache[digest.text()] = found->second;
    return PulledWasm{found->second, digest};
  }
  Result<Bytes> download(const std::string& url, std::size_t) override {
    asked.push_back(url);
    const auto found = addresses.find(url);
    if (found == addresses.end()) return fail(ErrorCode::kNotFound, url + ": 404");
    return found->second;
  }
  // By a real repository: see tests/cli/wit.test.
  Result<project::GitCheckout> clone(const project::GitSource& source) override {
    asked.push_back(source.url + "#" + source.ref);
    return fail(ErrorCode::kUnavailable, "not in this test");
  }

  std::map<std::string, Bytes> artifacts;  // by reference
  std::map<std::string, Bytes> addresses;  // by URL
  std::map<std::string, Bytes> cache;      // by digest
  std::vector<std::string> asked;
  std::vector<PullOrder> orders;
};

// A binary of the package that the text is of.
inline Bytes encodedText(std::string_view text, std::vector<wit::WitFile> deps = {}) {
  deps.insert(deps.begin(), {"main.wit", std::string(text)});
  auto wasm = wit::encodePackage(deps);
  EXPECT_TRUE(wasm) << wasm.error().describe();
  return wasm.value_or(Bytes());
}

}  // namespace nimbus::witdeps
