#include "witdeps/world_edit.h"

#include <algorithm>
#include <optional>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "witdeps/wit_tokens.h"

namespace nimbus::witdeps {
namespace {

// An import or something else between the braces of a world.
struct Statement {
  Token place;
  bool is_import = false;
  bool complete = false;  // its end is there
  std::string target;     // of an import: its tokens, "wasi:http/types@0.2.3"
};

struct WorldText {
  std::string_view name;
  std::size_t body = 0;  // after the opening brace
  std::vector<Statement> statements;
};

// Finds worlds and what is in them. Text that is no WIT gives no worlds, or such as nobody means.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text), tokens_(tokensOf(text)) {}

  std::vector<WorldText> worlds() {
    std::vector<WorldText> found;
    std::size_t depth = 0;
    while (at_ < tokens_.size()) {
      if (depth == 0 && word(at_) == "world" && word(at_ + 2) == "{") {
        found.push_back(world());
        continue;
      }
      if (word(at_) == "{") ++depth;
      if (word(at_) == "}" && depth > 0) --depth;
      ++at_;
    }
    return found;
  }

 private:
  [[nodiscard]] std::string_view word(std::size_t index) const {
    return index < tokens_.size() ? tokens_[index].of(text_) : std::string_view();
  }

  WorldText world() {
    WorldText result{word(at_ + 1), tokens_[at_ + 2].end, {}};
    at_ += 3;
    while (at_ < tokens_.size() && word(at_) != "}") result.statements.push_back(statement());
    ++at_;
    return result;
  }

  Statement statement() {
    Statement result{.place = tokens_[at_], .target = {}};
    skipAttributes();
    result.is_import = word(at_) == "import";
    if (result.is_import) ++at_;
    std::size_t depth = 0;
    for (; at_ < tokens_.size(); ++at_) {
      const std::string_view token = word(at_);
      if (depth == 0 && token == "}") return result;  // of the world: something is missing
      result.place.end = tokens_[at_].end;
      if (token == "{") ++depth;
      result.complete =
          (depth == 0 && token == ";") || (token == "}" && --depth == 0 && word(at_ + 1) != ";");
      if (result.complete) break;
      if (result.is_import) result.target += token;
    }
    ++at_;
    return result;
  }

  // "@since(version = 0.2.0)"
  void skipAttributes() {
    while (word(at_) == "@") {
      at_ += 2;
      if (word(at_) != "(") continue;
      while (at_ < tokens_.size() && word(at_) != ")") ++at_;
      ++at_;
    }
  }

  std::string_view text_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
};

// What the import is of; nothing if it is no interface of a package.
std::optional<ImportRef> importOf(const Statement& statement) {
  if (!statement.is_import) return std::nullopt;
  auto import = ImportRef::parse(statement.target);
  if (!import || import->interface.empty()) return std::nullopt;
  return *std::move(import);
}

Result<const WorldText*> choose(const std::vector<WorldText>& worlds, std::string_view name) {
  if (name.empty() && worlds.size() == 1) return &worlds.front();
  const auto found = std::ranges::find(worlds, name, &WorldText::name);
  if (found != worlds.end()) return &*found;
  if (!name.empty()) return fail(ErrorCode::kNotFound, fmt::format("there is no world {}", name));
  if (worlds.empty()) return fail(ErrorCode::kNotFound, "there is no world");
  std::vector<std::string_view> names;
  for (const WorldText& world : worlds) names.push_back(world.name);
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("there are several worlds: {}", fmt::join(names, ", ")));
}

// What is before it on its line.
std::string_view lineBefore(std::string_view text, std::size_t at) {
  const std::size_t newline = at == 0 ? std::string_view::npos : text.rfind('\n', at - 1);
  const std::size_t begin = newline == std::string_view::npos ? 0 : newline + 1;
  return text.substr(begin, at - begin);
}

bool isAllBlank(std::string_view text) { return std::ranges::all_of(text, isBlank); }

// The place with the comments that document it, and with its whole line if nothing else is on it.
Token wholeOf(std::string_view text, Token place) {
  std::string_view before = lineBefore(text, place.begin);
  if (!isAllBlank(before)) return place;
  place.begin -= before.size();
  while (place.begin > 0) {
    before = lineBefore(text, place.begin - 1);
    const std::size_t first = before.find_first_not_of(" \t");
    if (first == std::string_view::npos || !before.substr(first).starts_with("///")) break;
    place.begin -= before.size() + 1;
  }
  const std::size_t newline = std::min(text.find('\n', place.end), text.size());
  if (isAllBlank(text.substr(place.end, newline - place.end)))
    place.end = std::min(newline + 1, text.size());
  return place;
}

}  // namespace

Result<ImportRef> ImportRef::parse(std::string_view text) {
  const std::size_t at = std::min(text.find('@'), text.size());
  const std::size_t slash = text.substr(0, at).find('/');
  if (slash == std::string_view::npos) {
    TRY(wit::PackageRef package, wit::PackageRef::parse(text));
    return ImportRef{std::move(package), {}};
  }
  const std::string_view interface = text.substr(slash + 1, at - slash - 1);
  TRY(wit::PackageRef package,
      wit::PackageRef::parse(fmt::format("{}{}", text.substr(0, slash), text.substr(at))));
  // The same words as in names of packages.
  if (!wit::PackageRef::parse(fmt::format("x:{}", interface)))
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("\"{}\" is no interface, such as wasi:http/types@0.2.3", text.substr(0, 256)));
  return ImportRef{std::move(package), std::string(interface)};
}

std::string ImportRef::text() const {
  std::string result = interface.empty() ? package.name : package.name + "/" + interface;
  return package.version.empty() ? result : result + "@" + package.version;
}

Result<std::string> addImport(std::string_view text, std::string_view world,
                              const ImportRef& import) {
  const std::vector<WorldText> worlds = Scanner(text).worlds();
  TRY(const WorldText* const chosen, choose(worlds, world));
  const std::string line = fmt::format("import {};", import.text());
  const Statement* last = nullptr;
  for (const Statement& statement : chosen->statements) {
    if (!statement.is_import) continue;
    if (statement.target == import.text()) return std::string(text);
    last = &statement;
  }
  if (last != nullptr && !last->complete)
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("\"import {}\" has no end", last->target.substr(0, 256)));
  if (last == nullptr) {
    return fmt::format("{}\n  {}{}", text.substr(0, chosen->body), line, text.substr(chosen->body));
  }
  const std::string_view before = lineBefore(text, last->place.begin);
  const std::string gap = isAllBlank(before) ? fmt::format("\n{}", before) : " ";
  return fmt::format("{}{}{}{}", text.substr(0, last->place.end), gap, line,
                     text.substr(last->place.end));
}

std::string removeImports(std::string_view text, const ImportRef& import) {
  std::string result;
  std::size_t done = 0;
  for (const WorldText& world : Scanner(text).worlds()) {
    for (const Statement& statement : world.statements) {
      const auto found = importOf(statement);
      const bool meant = found && found->package.isNamedBy(import.package) &&
                         (import.interface.empty() || import.interface == found->interface);
      if (!meant) continue;
      const Token place = wholeOf(text, statement.place);
      result += text.substr(done, place.begin - std::min(place.begin, done));
      done = std::max(done, place.end);
    }
  }
  return result.append(text.substr(done));
}

}  // namespace nimbus::witdeps
