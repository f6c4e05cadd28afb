#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>

namespace nimbus::bindgen::cpp {

// WIT's kebab-case in the cases of C++: "list-keys" as "ListKeys", "listKeys", "list_keys". Words
// in capitals are lowered first. C++ keywords, and names that mean something in generated code, get
// "_" at their end.
[[nodiscard]] std::string typeName(std::string_view wit);
[[nodiscard]] std::string functionName(std::string_view wit);
[[nodiscard]] std::string variableName(std::string_view wit);
// An enumerator or number of something: "kListKeys".
[[nodiscard]] std::string constantName(std::string_view wit);
[[nodiscard]] std::string namespaceName(std::string_view wit);
// A version as part of a name: "0.2.0-draft" as "0_2_0_draft".
[[nodiscard]] std::string versionName(std::string_view version);

// Names of one scope: the first to come has its name, the next one gets "_" at its end.
class NameSet {
 public:
  [[nodiscard]] std::string unique(std::string name);

 private:
  std::set<std::string, std::less<>> taken_;
};

}  // namespace nimbus::bindgen::cpp
