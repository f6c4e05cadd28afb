#include "witdeps/package_items.h"

#include <cstddef>

#include <fmt/format.h>

#include "base/escape.h"
#include "witdeps/wit_tokens.h"

namespace nimbus::witdeps {
namespace {

class Words {
 public:
  explicit Words(std::string_view text) : text_(text), tokens_(tokensOf(text)) {}

  // Empty at the end.
  std::string_view next() {
    const std::string_view word = ahead();
    if (!word.empty()) ++at_;
    return word;
  }
  [[nodiscard]] std::string_view ahead() const {
    return at_ < tokens_.size() ? tokens_[at_].of(text_) : std::string_view();
  }

 private:
  std::string_view text_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
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
