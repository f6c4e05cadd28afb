#include "wrpc/nats_subject.h"

#include <limits>

#include <fmt/format.h>

#include "base/text.h"

namespace nimbus::wrpc {
namespace {

constexpr std::string_view kProtocol = "wrpc.0.0.1";
// nats-server refuses control lines of more than 4096 bytes, in which a reply subject also stands.
constexpr std::size_t kMaxSubjectBytes = 2048;

bool allowedInSubject(char c) { return c > ' ' && c < 127 && c != '*' && c != '>'; }

// Whether a name can stand in a subject: no empty token, no wildcard, nothing invisible.
bool isSubject(std::string_view text) {
  if (text.empty() || text.front() == '.' || text.back() == '.') return false;
  if (text.contains("..")) return false;
  for (const char c : text) {
    if (!allowedInSubject(c)) return false;
  }
  return true;
}

std::optional<std::uint32_t> parseIndex(std::string_view token) {
  if (token.size() > 1 && token.front() == '0') return std::nullopt;  // one spelling
  const auto number = parseDecimal(token);
  if (!number || *number > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

}  // namespace

Result<std::string> invocationSubject(std::string_view prefix, const FunctionName& name) {
  std::string subject;
  if (!prefix.empty()) subject.append(prefix).append(".");
  subject.append(kProtocol).append(".");
  if (!name.instance.empty()) subject.append(name.instance).append(".");
  subject.append(name.function);
  if (name.function.empty() || !isSubject(subject) || subject.size() > kMaxSubjectBytes) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("no NATS subject for prefix \"{}\", instance \"{}\", function \"{}\"",
                            prefix, name.instance, name.function));
  }
  return subject;
}

std::string channelSubject(const std::string& root, const IndexPath& path) {
  std::string subject = root;
  for (const std::uint32_t index : path) fmt::format_to(std::back_inserter(subject), ".{}", index);
  return subject;
}

std::optional<ReceivedSubject> parseReceived(std::string_view below_base,
                                             std::string_view direction, std::size_t max_depth) {
  if (below_base.empty()) return ReceivedSubject{};
  if (below_base.front() != '.') return std::nullopt;
  below_base.remove_prefix(1);
  if (!below_base.starts_with(direction)) return std::nullopt;
  below_base.remove_prefix(direction.size());
  ReceivedSubject received{.kind = ReceivedSubject::Kind::kChannel, .path = {}};
  if (below_base.empty()) return received;
  if (below_base.front() != '.') return std::nullopt;
  below_base.remove_prefix(1);
  for (const std::string_view token : split(below_base, '.')) {
    const auto index = parseIndex(token);
    if (!index || received.path.size() >= max_depth) return std::nullopt;
    received.path.push_back(*index);
  }
  return received;
}

}  // namespace nimbus::wrpc
