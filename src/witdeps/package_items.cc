#include "witdeps/package_items.h"

#include <cstddef>

#include <fmt/format.h>

#include "base/escape.h"

namespace nimbus::witdeps {
namespace {

bool isWordChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '%' || c == '.';
}

// Words and marks, without comments.
class Words {
 public:
  explicit Words(std::string_view text) : rest_(text) {}

  // Empty at the end.
  std::string_view next() {
    skip();
    if (rest_.empty()) return {};
    std::size_t length = 1;
    while (isWordChar(rest_.front()) && length < rest_.size() && isWordChar(rest_[length]))
      ++length;
    return take(length);
  }
  [[nodiscard]] std::string_view ahead() const { return Words(*this).next(); }

 private:
  std::string_view take(std::size_t length) {
    const std::string_view taken = rest_.substr(0, length);
    rest_.remove_prefix(taken.size());
    return taken;
  }
  void skip() {
    while (!rest_.empty()) {
      if (std::string_view(" \t\r\n").contains(rest_.front())) {
        take(1);
      } else if (rest_.starts_with("//")) {
        take(rest_.find('\n'));
      } else if (rest_.starts_with("/*")) {
        skipBlock();
      } else {
        return;
      }
    }
  }
  // They may be nested.
  void skipBlock() {
    std::size_t depth = 0;
    do {
      const bool opens = rest_.starts_with("/*");
      const bool closes = rest_.starts_with("*/");
      if (opens) ++depth;
      if (closes) --depth;
      take(opens || closes ? 2 : 1);
    } while (depth > 0 && !rest_.empty());
  }

  std::string_view rest_;
};

// Behind "@": `since(version = 0.2.0)`.
void skipGate(Words& words) {
  (void)words.next();
  if (words.ahead() != "(") return;
  while (true) {
    const std::string_view word = words.next();
    if (word.empty() || word == ")") return;
  }
}

// To the ";" or the "}" that ends it. Empty at the end.
std::vector<std::string_view> nextItem(Words& words) {
  std::vector<std::string_view> item;
  std::size_t depth = 0;
  while (true) {
    const std::string_view word = words.next();
    if (word.empty()) return item;
    if (word == "@") {
      skipGate(words);
      continue;
    }
    item.push_back(word);
    if (word == "{") ++depth;
    if (word == "}" && depth > 0) --depth;
    if (depth == 0 && (word == ";" || word == "}")) return item;
  }
}

std::string joined(const std::vector<std::string_view>& words) {
  std::string text;
  for (const std::string_view word : words) {
    if (!text.empty()) text += ' ';
    text += word;
  }
  return text;
}

std::string placeOf(const TextPackage& package) {
  return package.files.empty() ? "" : escaped(package.files.front().path);
}

}  // namespace

PackageItems itemsOf(std::string_view wit) {
  PackageItems items;
  Words words(wit);
  while (true) {
    const std::vector<std::string_view> item = nextItem(words);
    if (item.empty()) return items;
    if (item.front() == "package" && item.back() == ";") continue;
    const std::string name =
        item.size() < 2 ? std::string(item.front()) : fmt::format("{} {}", item[0], item[1]);
    items[item.front() == "use" ? joined(item) : name] += joined(item);
  }
}

PackageItems itemsOf(const TextPackage& package) {
  PackageItems items;
  for (const wit::WitFile& file : package.files)
    for (auto& [name, text] : itemsOf(file.text)) items[name] += text;
  return items;
}

std::vector<std::string> differingItems(const PackageItems& a, const PackageItems& b) {
  std::vector<std::string> differing;
  for (const auto& [name, text] : a) {
    const auto other = b.find(name);
    if (other != b.end() && other->second != text) differing.push_back(name);
  }
  return differing;
}

std::optional<Error> conflictIn(const std::vector<TextPackage>& packages,
                                const wit::PackageRef& package) {
  const TextPackage* first = nullptr;
  for (const TextPackage& text : packages) {
    if (text.about.package != package) continue;
    if (first == nullptr) {
      first = &text;
    } else if (itemsOf(*first) != itemsOf(text)) {
      return Error(ErrorCode::kInvalidArgument,
                   fmt::format("{} is in {} and, with other contents, in {}", package.text(),
                               placeOf(*first), placeOf(text)));
    }
  }
  return std::nullopt;
}

}  // namespace nimbus::witdeps
