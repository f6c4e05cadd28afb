#include "bindgen/cpp/names.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <span>

#include "base/text.h"

namespace nimbus::bindgen::cpp {

namespace {

constexpr std::string_view kKeywords[] = {
    "alignas",
    "alignof",
    "and",
    "and_eq",
    "asm",
    "auto",
    "bitand",
    "bitor",
    "bool",
    "break",
    "case",
    "catch",
    "char",
    "char16_t",
    "char32_t",
    "char8_t",
    "class",
    "co_await",
    "co_return",
    "co_yield",
    "compl",
    "concept",
    "const",
    "const_cast",
    "consteval",
    "constexpr",
    "constinit",
    "continue",
    "decltype",
    "default",
    "delete",
    "do",
    "double",
    "dynamic_cast",
    "else",
    "enum",
    "explicit",
    "export",
    "extern",
    "false",
    "float",
    "for",
    "friend",
    "goto",
    "if",
    "inline",
    "int",
    "long",
    "mutable",
    "namespace",
    "new",
    "noexcept",
    "not",
    "not_eq",
    "nullptr",
    "operator",
    "or",
    "or_eq",
    "private",
    "protected",
    "public",
    "register",
    "reinterpret_cast",
    "requires",
    "return",
    "short",
    "signed",
    "sizeof",
    "static",
    "static_assert",
    "static_cast",
    "struct",
    "switch",
    "template",
    "this",
    "thread_local",
    "throw",
    "true",
    "try",
    "typedef",
    "typeid",
    "typename",
    "union",
    "unsigned",
    "using",
    "virtual",
    "void",
    "volatile",
    "wchar_t",
    "while",
    "xor",
    "xor_eq",
    // Macros of the C library and of compilers, and what generated functions call their own.
    "assert",
    "errno",
    "linux",
    "unix",
    "stdin",
    "stdout",
    "stderr",
    "call",
    "context",
    "handler",
    "out",
    "self",
    "connect",
    "serve",
    "wrpc",
};

constexpr std::string_view kTypes[] = {"Handler", "Client"};
// Of ::nimbus::wrpc::Resource.
constexpr std::string_view kFunctions[] = {"remoteHandle"};
// Outermost namespaces that are somebody else's.
constexpr std::string_view kNamespaces[] = {"std", "nimbus", "posix"};

std::string escaped(std::string name, std::span<const std::string_view> reserved) {
  const auto has = [&](std::span<const std::string_view> names) {
    return std::ranges::find(names, name) != names.end();
  };
  if (has(kKeywords) || has(reserved)) name += '_';
  return name;
}

std::string titleCase(std::string_view wit) {
  std::string name;
  for (const std::string_view word : split(wit, '-')) {
    if (word.empty()) continue;
    std::string lowered = lowerAscii(word);
    lowered[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(lowered[0])));
    name += lowered;
  }
  return name;
}

}  // namespace

std::string typeName(std::string_view wit) { return escaped(titleCase(wit), kTypes); }

std::string functionName(std::string_view wit) {
  std::string name = titleCase(wit);
  if (!name.empty()) name[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(name[0])));
  return escaped(std::move(name), kFunctions);
}

std::string variableName(std::string_view wit) {
  std::string name = lowerAscii(wit);
  std::ranges::replace(name, '-', '_');
  return escaped(std::move(name), {});
}

std::string constantName(std::string_view wit) { return "k" + titleCase(wit); }

std::string namespaceName(std::string_view wit) {
  std::string name = lowerAscii(wit);
  std::ranges::replace(name, '-', '_');
  if (name == "wrpc") return name;  // only reserved for variables
  return escaped(std::move(name), kNamespaces);
}

std::string versionName(std::string_view version) {
  std::string name(version);
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return name;
}

std::string NameSet::unique(std::string name) {
  while (!taken_.insert(name).second) name += '_';
  return name;
}

}  // namespace nimbus::bindgen::cpp
