#include "plugin/grant.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <ranges>

#include "base/escape.h"
#include "base/text.h"
#include "host/egress/egress_rules.h"

namespace nimbus::plugin {
namespace {

constexpr std::array kKindNames{std::string_view("program"), std::string_view("host"),
                                std::string_view("read"), std::string_view("write"),
                                std::string_view("env")};

// In small letters. Not all that there are: one that is missing is still asked about, with its
// whole command line.
constexpr std::string_view kShells =
    "ant ash awk bash bazel bun bunx busybox bwrap capsh cargo chpst chroot chrt cmake "
    "corepack cpulimit crontab csh daemonize dart dash dbus-run-session deno doas dotnet ed "
    "elixir emacs env erl ex expect fakeroot fd find firejail fish flatpak-spawn flock gawk "
    "gdb gem ghci git gmake go gradle gradlew groovy guile ionice ipython irb java jruby "
    "jshell julia just ksh ld-linux ld-musl ld.so linux32 linux64 lldb ltrace lua luajit make "
    "mawk meson mksh mvn mvnw nawk ncat nice ninja node nodejs nohup npm npx nsenter numactl "
    "nvim ocaml osascript parallel perf perl php pip pipx pkexec pnpm poetry powershell "
    "prlimit pwsh pypy python r rake raku rlwrap rscript rsync ruby run-parts runuser "
    "rust-script rustup rview scons screen script sed setarch setpriv setsid setuidgid sh "
    "socat softlimit sqlite3 ssh start-stop-daemon stdbuf strace su sudo systemd-run tar "
    "taskset tclsh tcsh time timeout tmux toybox ts-node unshare uv uvx valgrind vi view vim "
    "vimdiff wash watch wish xargs xonsh yarn zsh";

// What may stand behind a name without making it another program's: a version, a variant
// ("perl5.36-x86_64-linux-gnu", "vim.basic").
bool isVariant(std::string_view rest) {
  return rest.empty() || rest.front() == '.' || rest.front() == '-' ||
         (rest.front() >= '0' && rest.front() <= '9');
}

bool isShellName(std::string_view file_name) {
  const std::string name = lowerAscii(file_name);
  return std::ranges::any_of(kShells | std::views::split(' '), [&](const auto& part) {
    const std::string_view shell(part);
    return name.starts_with(shell) && isVariant(std::string_view(name).substr(shell.size()));
  });
}

std::unexpected<Error> badRule(std::string_view text, std::string_view why) {
  return fail(ErrorCode::kInvalidArgument,
              "\"" + escaped(text) + "\": " + std::string(why) +
                  "; expected NAME:program PROGRAM [PATTERN…], NAME:host HOST, NAME:read FOLDER, "
                  "NAME:write FOLDER, NAME:env VARIABLE or NAME:declared");
}

// Splits as a shell does; nullopt if a quote is open.
std::optional<std::vector<std::string>> words(std::string_view text) {
  std::vector<std::string> all;
  std::string word;
  bool in_word = false;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote == 0 && (c == ' ' || c == '\t')) {
      if (in_word) all.push_back(std::exchange(word, {}));
      in_word = false;
      continue;
    }
    in_word = true;
    if (c == quote) {
      quote = 0;
    } else if (quote == 0 && (c == '"' || c == '\'')) {
      quote = c;
    } else if (c == '\\' && quote != '\'' && i + 1 < text.size()) {
      if (text[i + 1] == '*' || text[i + 1] == '\\') word += c;  // the pattern's own
      word += text[++i];
    } else {
      word += c;
    }
  }
  if (quote != 0) return std::nullopt;
  if (in_word) all.push_back(std::move(word));
  return all;
}

}  // namespace

std::string_view kindName(Grant::Kind kind) {
  return kKindNames.at(static_cast<std::size_t>(kind));
}

Result<Grant::Kind> parseKind(std::string_view name) {
  const auto found = std::ranges::find(kKindNames, name);
  if (found != kKindNames.end()) return static_cast<Grant::Kind>(found - kKindNames.begin());
  return fail(ErrorCode::kInvalidArgument, "no kind of permission: " + std::string(name));
}

std::string describe(const Grant& grant) {
  std::string text;
  switch (grant.kind) {
    case Grant::Kind::kProgram: text = "run "; break;
    case Grant::Kind::kHost: text = "connect to "; break;
    case Grant::Kind::kRead: text = "read files in "; break;
    case Grant::Kind::kWrite: text = "read and write files in "; break;
    case Grant::Kind::kVariable: text = "read the environment variable "; break;
  }
  const bool is_folder = grant.kind == Grant::Kind::kRead || grant.kind == Grant::Kind::kWrite;
  if (is_folder && grant.subject == "project") return text + "the project's folder";
  appendWord(text, grant.subject);
  for (const std::string& argument : grant.arguments) {
    text += ' ';
    appendWord(text, argument);
  }
  return text;
}

Result<AllowRule> parseAllowRule(std::string_view text) {
  const auto parts = splitOnce(text, ':');
  if (!parts || parts->first.empty()) return badRule(text, "no plugin is named");
  AllowRule rule;
  rule.plugin = parts->first;
  auto all = words(parts->second);
  if (!all || all->empty()) return badRule(text, "nothing is allowed by it");
  if (all->front() == "declared" && all->size() == 1) {
    rule.declared = true;
    return rule;
  }
  const auto kind = parseKind(all->front());
  if (!kind || all->size() < 2) return badRule(text, "it allows nothing that is known");
  rule.grant.kind = *kind;
  rule.grant.subject = (*all)[1];
  rule.grant.arguments.assign(all->begin() + 2, all->end());
  if (*kind != Grant::Kind::kProgram && all->size() > 2) return badRule(text, "too many words");
  const bool is_folder = *kind == Grant::Kind::kRead || *kind == Grant::Kind::kWrite;
  if (is_folder && !rule.grant.subject.starts_with('/') && rule.grant.subject != "project")
    return badRule(text, "the folder is neither absolute nor `project`");
  if (*kind == Grant::Kind::kHost && !host::HostRule::parse(rule.grant.subject))
    return badRule(text, "no such host can be");
  return rule;
}

bool isShell(std::string_view absolute_path) {
  const std::filesystem::path path(absolute_path);
  if (isShellName(path.filename().string())) return true;
  std::error_code error;
  const std::filesystem::path target = std::filesystem::canonical(path, error);
  return !error && isShellName(target.filename().string());
}

}  // namespace nimbus::plugin
