#pragma once

#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "wit/document.h"
#include "wit/tools.h"

namespace nimbus::wit {

// One file of the corpus, as tools see it that have no bindings.
inline Document corpusDocument(const std::string& name) {
  std::ifstream file(WIT_CORPUS "/" + name);
  const std::vector<WitFile> files = {{name, {std::istreambuf_iterator<char>(file), {}}}};
  const Result<std::string> json = parseWit(files);
  EXPECT_TRUE(json) << json.error().message();
  auto document = readDocument(json.value_or(""));
  EXPECT_TRUE(document) << document.error().message();
  return document.value_or(Document());
}

}  // namespace nimbus::wit
