#include "oci/challenge.h"

#include <optional>
#include <utility>

#include "base/text.h"
#include "http/headers.h"

namespace nimbus::oci {
namespace {

constexpr std::size_t kMaxFieldBytes = 8 * 1024;

struct Parameter {
  std::string name;  // lower case
  std::string value;
};

// Reads the grammar of RFC 9110 11.6.1:
//   challenge = scheme [ 1*SP ( token68 / [ parameter *( OWS "," OWS parameter ) ] ) ]
// where the comma between two challenges looks like that between two parameters.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  [[nodiscard]] bool atEnd() const { return rest_.empty(); }

  void skipSpace() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t'))
      rest_.remove_prefix(1);
  }
  // Any number of empty list elements; false if there was no comma.
  bool skipCommas() {
    bool any = false;
    skipSpace();
    while (take(',')) {
      any = true;
      skipSpace();
    }
    return any;
  }
  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  std::optional<std::string_view> token() {
    std::size_t size = 0;
    while (size < rest_.size() && http::isToken(rest_.substr(size, 1))) ++size;
    if (size == 0) return std::nullopt;
    return advance(size);
  }

  // A name and "=" and its value; nothing, and nothing read, if something else comes.
  std::optional<Parameter> parameter() {
    const std::string_view before = rest_;
    if (auto name = token()) {
      skipSpace();
      if (take('=')) {
        skipSpace();
        if (auto value = rest_.starts_with('"') ? quoted() : plain())
          return Parameter{lowerAscii(*name), *std::move(value)};
      }
    }
    rest_ = before;
    return std::nullopt;
  }

  // Letters, digits and "-._~+/", then any number of "="; where a parameter could not be read.
  bool skipToken68() {
    const std::size_t size = rest_.find_first_of(" \t,");
    const std::string_view text = rest_.substr(0, size);
    const std::string_view body = text.substr(0, text.find_last_not_of('=') + 1);
    if (body.empty()) return false;
    for (const char c : body) {
      const char lower = lowerAscii(c);
      const bool plain = (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9');
      if (!plain && !std::string_view("-._~+/").contains(c)) return false;
    }
    advance(text.size());
    return true;
  }

 private:
  std::string_view advance(std::size_t size) {
    const std::string_view read = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return read;
  }

  std::optional<std::string> plain() {
    const auto text = token();
    return text ? std::optional(std::string(*text)) : std::nullopt;
  }

  std::optional<std::string> quoted() {
    std::string value;
    for (std::size_t i = 1; i < rest_.size(); ++i) {
      if (rest_[i] == '"') {
        advance(i + 1);
        return value;
      }
      if (rest_[i] == '\\' && ++i == rest_.size()) break;
      const auto byte = static_cast<unsigned char>(rest_[i]);
      if (byte < 0x20 && byte != '\t') break;
      value += rest_[i];
    }
    return std::nullopt;
  }

  std::string_view rest_;
};

std::unexpected<Error> malformed() {
  return fail(ErrorCode::kProtocol, "the registry's WWW-Authenticate field is not well formed");
}

// The parameters of one challenge; whatever cannot be a parameter is for the caller.
Result<void> readParameters(Reader& reader, Challenge& challenge) {
  struct Known {
    std::string_view name;
    std::string* into;
    bool seen = false;
  };
  Known known[] = {
      {"realm", &challenge.realm}, {"service", &challenge.service}, {"scope", &challenge.scope}};
  for (;;) {
    Reader ahead = reader;
    ahead.skipCommas();
    auto parameter = ahead.parameter();
    if (!parameter) return {};
    for (Known& one : known) {
      if (one.name != parameter->name) continue;
      if (one.seen) return malformed();  // which one counts?
      one.seen = true;
      *one.into = std::move(parameter->value);
    }
    ahead.skipSpace();
    reader = ahead;
    if (reader.atEnd()) return {};
    Reader comma = reader;
    if (!comma.skipCommas()) return malformed();
  }
}

}  // namespace

Result<std::vector<Challenge>> parseChallenges(std::string_view value) {
  if (value.size() > kMaxFieldBytes) return malformed();
  std::vector<Challenge> challenges;
  Reader reader(value);
  for (;;) {
    reader.skipCommas();
    if (reader.atEnd()) break;
    const auto scheme = reader.token();
    if (!scheme) return malformed();
    const bool basic = equalsIgnoringCase(*scheme, "basic");
    const bool bearer = equalsIgnoringCase(*scheme, "bearer");
    Challenge challenge;
    challenge.scheme = bearer ? Challenge::Scheme::kBearer : Challenge::Scheme::kBasic;
    if (reader.take(' ')) {
      reader.skipSpace();
      Reader probe = reader;
      if (!probe.atEnd() && !probe.parameter()) {
        if (!reader.skipToken68()) return malformed();
      } else {
        TRY_VOID(readParameters(reader, challenge));
      }
    }
    Reader end = reader;
    if (!end.skipCommas() && !end.atEnd()) return malformed();
    if (basic || bearer) challenges.push_back(std::move(challenge));
  }
  return challenges;
}

}  // namespace nimbus::oci
