#include "project/git_checkout.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/text.h"
#include "project/git_command.h"

namespace nimbus::project {

namespace {

using Configuration = GitCommand::Configuration;

constexpr std::size_t kMaxFiles = 100'000;
constexpr std::size_t kLeastHashDigits = 4;
constexpr std::uint64_t kMaxBytes = std::uint64_t{1} << 30;

Result<void> checkSource(const GitSource& source) {
  if (source.url.empty() || source.url.starts_with('-'))
    return fail(ErrorCode::kInvalidArgument, "\"" + source.url + "\" is no place of a repository");
  if (source.ref.starts_with('-'))
    return fail(ErrorCode::kInvalidArgument, source.ref + " is not a branch, tag or commit");
  return {};
}

// `extra` are options of `git clone`. Paths are read as if they were elsewhere: nothing is linked
// to them.
Result<void> fetchInto(const std::string& folder, const GitSource& source, const GitCommand& git,
                       std::vector<std::string> extra) {
  std::vector<std::string> arguments = {
      "clone", "--quiet", "--no-checkout", "--no-recurse-submodules", "--no-local", "--template="};
  arguments.insert(arguments.end(), extra.begin(), extra.end());
  arguments.insert(arguments.end(), {"--", source.url, folder});
  TRY_VOID(git.run(std::move(arguments), Configuration::kUsers));
  return {};
}

// The commit that `ref` means, of a clone of everything.
Result<std::string> resolve(const std::string& folder, const std::string& ref,
                            const GitCommand& git) {
  for (const std::string& name : {"refs/tags/" + ref, "refs/remotes/origin/" + ref, ref}) {
    auto commit = git.run({"-C", folder, "rev-parse", "--quiet", "--verify", name + "^{commit}"},
                          Configuration::kNone);
    if (commit || commit.error().code() != ErrorCode::kProgramFailed) return commit;
  }
  return fail(ErrorCode::kInvalidArgument, "it has no branch, tag or commit " + ref);
}

// As a commit may be named: by digits of its hash.
bool mayBeCommit(const std::string& ref) {
  return ref.size() >= kLeastHashDigits &&
         std::ranges::all_of(ref, [](char c) { return hexDigit(c) >= 0; });
}

// Brings the repository's objects, and says which commit is meant. Of a branch or a tag the newest
// commit is enough; for another one all of the history may be needed.
Result<std::string> fetchCommit(const std::string& folder, const GitSource& source,
                                const GitCommand& git) {
  std::vector<std::string> shallow = {"--depth=1"};
  if (!source.ref.empty()) shallow.push_back("--branch=" + source.ref);
  const auto fetched = fetchInto(folder, source, git, std::move(shallow));
  if (fetched) return resolve(folder, "HEAD", git);
  if (fetched.error().code() != ErrorCode::kProgramFailed || !mayBeCommit(source.ref))
    return std::unexpected(fetched.error());
  TRY_VOID(fetchInto(folder, source, git, {}));
  return resolve(folder, source.ref, git);
}

// Of a line of `git ls-tree --long`: "100644 blob <id> <size>\t<path>". Nothing for a submodule.
std::optional<std::uint64_t> sizeIn(std::string_view line) {
  const std::string_view before = line.substr(0, line.find('\t'));
  const std::string_view digits = before.substr(before.rfind(' ') + 1);
  std::uint64_t size = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), size);
  return read.ec == std::errc() ? std::optional(size) : std::nullopt;
}

// Before it is written to disk.
Result<void> checkSize(const std::string& folder, const std::string& commit,
                       const GitCommand& git) {
  const auto listing =
      git.run({"-C", folder, "ls-tree", "-r", "--long", commit}, Configuration::kNone);
  if (!listing && listing.error().code() != ErrorCode::kResourceExhausted)
    return std::unexpected(listing.error());
  std::uint64_t bytes = 0;
  std::size_t files = 0;
  if (listing) {
    for (const std::string_view line : split(*listing, '\n')) {
      files += 1;
      bytes += std::min(sizeIn(line).value_or(0), kMaxBytes + 1);
    }
  }
  if (listing && files <= kMaxFiles && bytes <= kMaxBytes) return {};
  return fail(ErrorCode::kResourceExhausted,
              "the repository is too large: more than 100000 files, or a gibibyte of them");
}

}  // namespace

Result<GitCheckout> GitCheckout::clone(const GitSource& source, ProcessRunner& runner,
                                       bool interactive, const std::stop_token& stop) {
  TRY_VOID(checkSource(source));
  TRY(TemporaryFolder temporary, TemporaryFolder::make("wash-"));
  const std::string folder = (temporary.path() / "clone").string();
  const GitCommand git(
      runner, interactive ? GitCommand::Prompts::kAllowed : GitCommand::Prompts::kForbidden, stop);
  TRY(std::string commit, fetchCommit(folder, source, git));
  TRY_VOID(checkSize(folder, commit, git));
  TRY_VOID(git.run({"-C", folder, "reset", "--quiet", "--hard", commit}, Configuration::kNone));
  return GitCheckout(std::move(temporary), folder, std::move(commit));
}

}  // namespace nimbus::project
