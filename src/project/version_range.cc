#include "project/version_range.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/text.h"

namespace nimbus::project {

namespace {

constexpr std::size_t kMaxClauses = 64;

// A version as far as it is said: "1.2.x" and "1.2" have two parts, "*" none.
struct Partial {
  std::vector<unsigned> parts;
  bool wildcard = false;

  // The first that is no longer covered when part `index` may not change: 1.2.3 with 1 gives 1.3.
  [[nodiscard]] ToolVersion after(std::size_t index) const {
    ToolVersion next{{parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(index + 1)}};
    ++next.parts.back();
    return next;
  }
  // The first that is not covered by what is said: 1.2 gives 1.3.
  [[nodiscard]] ToolVersion next() const { return after(parts.size() - 1); }
  [[nodiscard]] ToolVersion first() const { return {parts}; }
};

bool isWild(std::string_view part) { return part == "*" || part == "x" || part == "X"; }

// "1.2.3-beta+5", "v1.2", "1.x", "*": marks of pre-releases and builds are left out.
std::optional<Partial> parsePartial(std::string_view text) {
  if (text.starts_with('v')) text.remove_prefix(1);
  text = text.substr(0, text.find_first_of("-+"));
  Partial partial;
  for (const std::string_view part : split(text, '.')) {
    if (isWild(part)) {
      partial.wildcard = true;
      continue;
    }
    const auto number = parseDecimal(part);
    if (!number || *number > 1'000'000'000 || partial.wildcard || partial.parts.size() == 4)
      return std::nullopt;
    partial.parts.push_back(static_cast<unsigned>(*number));
  }
  return partial;
}

// The operator at the beginning of a text, which is taken away with the spaces around it.
std::string_view takeOperator(std::string_view& text,
                              std::initializer_list<std::string_view> known) {
  text = trim(text);
  for (const std::string_view each : known) {
    if (!text.starts_with(each)) continue;
    text = trim(text.substr(each.size()));
    return each;
  }
  return {};
}

// "> 1.2" is ">1.2": spaces behind operators go, so that the others part the comparators.
std::string withoutSpacesBehindOperators(std::string_view text) {
  std::string result;
  for (const char c : text) {
    const bool behind = !result.empty() && std::string_view("<>=^~").contains(result.back());
    if (c != ' ' || !behind) result += c;
  }
  return result;
}

}  // namespace

bool VersionRange::Interval::contains(const ToolVersion& version) const {
  const bool inside = (!lower || version >= *lower) && (!upper || version < *upper);
  return inside != outside;
}

bool VersionRange::contains(const ToolVersion& version) const {
  return std::ranges::any_of(alternatives_, [&](const Together& all) {
    return std::ranges::all_of(all, [&](const Interval& each) { return each.contains(version); });
  });
}

std::optional<VersionRange> VersionRange::atLeast(std::string_view text) {
  const auto version = takeVersion(text);
  if (!version) return std::nullopt;
  VersionRange range;
  range.alternatives_ = {{Interval{.lower = *version, .upper = std::nullopt}}};
  return range;
}

// https://github.com/npm/node-semver#ranges
std::optional<VersionRange::Interval> VersionRange::npmComparator(std::string_view text) {
  const std::string_view op = takeOperator(text, {">=", "<=", ">", "<", "=", "^", "~>", "~"});
  const auto partial = parsePartial(text);
  if (!partial) return std::nullopt;
  if (partial->parts.empty())
    return op == "<" || op == ">" ? std::nullopt : std::optional(Interval{});
  const ToolVersion first = partial->first();
  if (op == ">=") return Interval{.lower = first, .upper = {}};
  if (op == "<") return Interval{.lower = {}, .upper = first};
  if (op == ">") return Interval{.lower = partial->next(), .upper = {}};
  if (op == "<=") return Interval{.lower = {}, .upper = partial->next()};
  if (op == "^") {
    const auto changed =
        std::ranges::find_if(partial->parts, [](unsigned part) { return part > 0; });
    const auto index = static_cast<std::size_t>(changed - partial->parts.begin());
    return Interval{.lower = first,
                    .upper = partial->after(std::min(index, partial->parts.size() - 1))};
  }
  if (op == "~" || op == "~>")
    return Interval{.lower = first,
                    .upper = partial->after(std::min<std::size_t>(1, partial->parts.size() - 1))};
  return Interval{.lower = first, .upper = partial->next()};
}

std::optional<VersionRange::Together> VersionRange::npmSet(std::string_view text) {
  text = trim(text);
  if (const std::size_t hyphen = text.find(" - "); hyphen != std::string_view::npos) {
    const auto from = npmComparator(">=" + std::string(trim(text.substr(0, hyphen))));
    const auto to = npmComparator("<=" + std::string(trim(text.substr(hyphen + 3))));
    if (!from || !to) return std::nullopt;
    return Together{*from, *to};
  }
  Together together;
  for (const std::string_view piece : split(withoutSpacesBehindOperators(text), ' ')) {
    if (piece.empty()) continue;
    const auto comparator = npmComparator(piece);
    if (!comparator || together.size() == kMaxClauses) return std::nullopt;
    together.push_back(*comparator);
  }
  return together;
}

std::optional<VersionRange> VersionRange::ofNpm(std::string_view text) {
  VersionRange range;
  while (range.alternatives_.size() < kMaxClauses) {
    const std::size_t bar = text.find("||");
    auto together = npmSet(text.substr(0, bar));
    if (!together) return std::nullopt;
    range.alternatives_.push_back(*std::move(together));
    if (bar == std::string_view::npos) return range;
    text.remove_prefix(bar + 2);
  }
  return std::nullopt;
}

// https://packaging.python.org/en/latest/specifications/version-specifiers/
std::optional<VersionRange::Interval> VersionRange::pythonClause(std::string_view text) {
  const std::string_view op = takeOperator(text, {"===", "==", "~=", "!=", "<=", ">=", "<", ">"});
  // "3.13rc1": the mark of a pre-release begins with a letter.
  const auto partial = parsePartial(text.substr(0, text.find_first_of("abcdefghilmnopqrstuvw")));
  if (!partial || partial->parts.empty()) return std::nullopt;
  const bool exact = op == "===" || op == "==" || op == "!=";
  if (op.empty() || (partial->wildcard && !exact)) return std::nullopt;
  const ToolVersion first = partial->first();
  Partial all = *partial;  // 3.12 is 3.12.0
  while (!all.wildcard && all.parts.size() < 3) all.parts.push_back(0);
  if (op == ">=") return Interval{.lower = first, .upper = {}};
  if (op == "<") return Interval{.lower = {}, .upper = first};
  if (op == ">") return Interval{.lower = all.next(), .upper = {}};
  if (op == "<=") return Interval{.lower = {}, .upper = all.next()};
  if (op == "~=") {
    if (partial->parts.size() < 2) return std::nullopt;
    return Interval{.lower = first, .upper = partial->after(partial->parts.size() - 2)};
  }
  return Interval{.lower = first, .upper = all.next(), .outside = op == "!="};
}

std::optional<VersionRange> VersionRange::ofPython(std::string_view text) {
  Together together;
  for (const std::string_view piece : split(text, ',')) {
    if (trim(piece).empty()) continue;
    const auto clause = pythonClause(piece);
    if (!clause || together.size() == kMaxClauses) return std::nullopt;
    together.push_back(*clause);
  }
  VersionRange range;
  range.alternatives_.push_back(std::move(together));
  return range;
}

}  // namespace nimbus::project
