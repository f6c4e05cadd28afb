#include "plugin/permissions.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include "base/escape.h"
#include "base/process.h"
#include "host/egress/egress_rules.h"
#include "plugin/argument_pattern.h"

namespace nimbus::plugin {
namespace {

namespace fs = std::filesystem;

// The request as the one who is asked sees it: arguments as they are.
Grant exactly(const std::string& program, const std::vector<std::string>& arguments) {
  Grant grant{Grant::Kind::kProgram, program, {}};
  for (const std::string& argument : arguments) grant.arguments.push_back(exactPattern(argument));
  return grant;
}

// A wanted host is scheme://name:port, all of them known.
bool coversHost(const std::string& entry, const std::string& wanted) {
  const auto rule = host::HostRule::parse(entry);
  const std::size_t scheme_end = wanted.find("://");
  const std::size_t port_begin = wanted.rfind(':');
  if (!rule || scheme_end == std::string::npos) return false;
  const std::string scheme = wanted.substr(0, scheme_end);
  std::string name = wanted.substr(scheme_end + 3, port_begin - scheme_end - 3);
  if (!rule->scheme.empty() && rule->scheme != scheme) return false;
  if (rule->port && std::to_string(*rule->port) != wanted.substr(port_begin + 1)) return false;
  if (name.starts_with('[') && name.ends_with(']')) name = name.substr(1, name.size() - 2);
  if (const auto address = net::IpAddress::parse(name)) return rule->hosts.coversAddress(*address);
  return rule->hosts.coversName(host::normalizedName(name));
}

// Questions of one run: a plugin that asks on and on gets no more of them.
constexpr std::size_t kMaxQuestions = 32;

constexpr std::string_view kProject = "project";

}  // namespace

Result<std::string> Permissions::lookUp(const std::string& name) const {
  if (name.empty() || name.find('\0') != std::string::npos)
    return fail(ErrorCode::kNotFound, "a program without a name");
  TRY(const std::string found, findProgram(name, options_.path_variable));
  std::error_code error;
  const fs::path absolute = fs::absolute(found, error);
  if (error) return fail(ErrorCode::kIo, escaped(name) + ": " + error.message());
  return absolute.lexically_normal().string();
}

bool Permissions::covers(const Grant& grant, const Grant& wanted) const {
  using Kind = Grant::Kind;
  if (wanted.kind == Kind::kHost)
    return grant.kind == Kind::kHost && coversHost(grant.subject, wanted.subject);
  const bool kind =
      grant.kind == wanted.kind || (grant.kind == Kind::kWrite && wanted.kind == Kind::kRead);
  return kind && grant.subject == wanted.subject &&
         (wanted.kind != Kind::kProgram || matchesArguments(grant.arguments, wanted.arguments));
}

bool Permissions::granted(const Grant& wanted) const {
  const auto covering = [&](const Grant& each) { return covers(each, wanted); };
  return std::ranges::any_of(agreed_.grants, covering) || std::ranges::any_of(once_, covering);
}

Result<void> Permissions::lookIntoBook() {
  if (book_.stamp() == agreed_.as_of) return {};
  TRY(Agreed now, book_.agreedTo(plugin_));
  const bool taken_back = std::ranges::any_of(agreed_.grants, [&](const Grant& each) {
    return std::ranges::find(now.grants, each) == now.grants.end();
  });
  if (taken_back || now.revocation != agreed_.revocation) once_.clear();
  agreed_ = std::move(now);
  return {};
}

std::vector<Need> Permissions::needs() const {
  std::vector<Need> all;
  for (const types::Program& program : declared_.programs) {
    const auto path = lookUp(program.name);
    all.push_back({.grant{Grant::Kind::kProgram, path.value_or(program.name), program.arguments},
                   .reason = program.reason,
                   .present = path.has_value()});
  }
  for (const types::Files& files : declared_.files) {
    const auto kind =
        files.access == types::Access::kWrite ? Grant::Kind::kWrite : Grant::Kind::kRead;
    all.push_back({{kind, files.folder, {}}, files.reason});
  }
  for (const types::Host& host : declared_.hosts)
    all.push_back({{Grant::Kind::kHost, host.host, {}}, host.reason});
  for (const std::string& variable : variables_)
    all.push_back({{Grant::Kind::kVariable, variable, {}}, "for a flag"});
  for (Need& need : all)
    need.allowed = std::ranges::find(agreed_.grants, need.grant) != agreed_.grants.end();
  return all;
}

std::optional<std::string> Permissions::declaredReason(const Grant& wanted) const {
  for (const Need& need : needs()) {
    if (covers(need.grant, wanted)) return need.reason;
  }
  return std::nullopt;
}

bool Permissions::allowedByRule(const Grant& wanted) const {
  return std::ranges::any_of(options_.allow, [&](const AllowRule& rule) {
    if (rule.plugin != plugin_.name) return false;
    if (rule.declared) return declares_ && declaredReason(wanted).has_value();
    Grant grant = rule.grant;
    if (grant.kind == Grant::Kind::kProgram) {
      const auto path = lookUp(grant.subject);
      if (!path) return false;
      grant.subject = *path;
    }
    return covers(grant, wanted);
  });
}

Result<void> Permissions::ask(const Grant& wanted, const Grant& remembered,
                              std::string_view reason) {
  Question question{escaped(plugin_.name), describe(wanted), escaped(reason)};
  const bool refused =
      std::ranges::find(refused_, wanted) != refused_.end() || asked_ >= kMaxQuestions;
  if (!refused) ++asked_;
  const Answer answer = refused ? Answer::kNo : consent_.ask(question);
  if (answer == Answer::kNo) {
    if (!refused) refused_.push_back(wanted);
    return fail(ErrorCode::kPermissionDenied,
                "it may not " + question.wants + ": nobody has agreed to it");
  }
  if (answer == Answer::kOnce) {
    once_.push_back(remembered);
    return {};
  }
  TRY_VOID(book_.add(plugin_, {remembered}));
  agreed_.grants.push_back(remembered);
  return {};
}

Result<std::string> Permissions::program(const std::string& name,
                                         const std::vector<std::string>& arguments) {
  const std::lock_guard lock(mutex_);
  // The system would cut it there: what runs would not be what was matched or agreed to.
  if (std::ranges::any_of(arguments, [](const auto& each) { return each.contains('\0'); })) {
    return fail(ErrorCode::kPermissionDenied,
                "it may not run " + escaped(name) + " with a zero byte in an argument");
  }
  TRY(std::string path, lookUp(name));
  TRY_VOID(lookIntoBook());
  // Matched as it is, and shown as it is.
  const Grant wanted{Grant::Kind::kProgram, path, arguments};
  if (!options_.allow_shell && isShell(path)) {
    return fail(ErrorCode::kPermissionDenied,
                "it may not run " + escaped(path) +
                    ", which runs whatever it is told: --allow-shell allows for that");
  }
  if (granted(wanted) || allowedByRule(wanted)) return path;
  const auto reason = declaredReason(wanted);
  if (declares_ && !reason) {
    return fail(ErrorCode::kPermissionDenied,
                "it may not " + describe(wanted) + ": it does not declare it");
  }
  TRY_VOID(ask(wanted, exactly(path, arguments), reason.value_or("")));
  return path;
}

Result<void> Permissions::host(const std::string& scheme, const std::string& name,
                               std::uint16_t port) {
  const std::lock_guard lock(mutex_);
  TRY_VOID(lookIntoBook());
  const Grant wanted{Grant::Kind::kHost, fmt::format("{}://{}:{}", scheme, name, port), {}};
  if (granted(wanted) || allowedByRule(wanted)) return {};
  const auto reason = declaredReason(wanted);
  if (declares_ && !reason) {
    return fail(ErrorCode::kPermissionDenied,
                "it may not " + describe(wanted) + ": it does not declare it");
  }
  return ask(wanted, wanted, reason.value_or(""));
}

Result<void> Permissions::variable(const std::string& name) {
  const std::lock_guard lock(mutex_);
  TRY_VOID(lookIntoBook());
  const Grant wanted{Grant::Kind::kVariable, name, {}};
  const auto reason = declaredReason(wanted);
  if (!reason) {
    return fail(ErrorCode::kPermissionDenied,
                "it may not " + describe(wanted) + ": it does not declare it");
  }
  if (granted(wanted) || allowedByRule(wanted)) return {};
  return ask(wanted, wanted, *reason);
}

std::vector<Permissions::Folder> Permissions::folders() const {
  const std::lock_guard lock(mutex_);
  std::vector<Folder> all;
  for (const types::Files& files : declared_.files) {
    const Grant write{Grant::Kind::kWrite, files.folder, {}};
    const Grant read{Grant::Kind::kRead, files.folder, {}};
    const bool may_write =
        files.access == types::Access::kWrite && (granted(write) || allowedByRule(write));
    if (!may_write && !granted(read) && !allowedByRule(read)) continue;
    if (files.folder == kProject) {
      all.push_back({options_.project_folder, "/project", !may_write});
    } else {
      all.push_back({files.folder, files.folder, !may_write});
    }
  }
  return all;
}

std::vector<std::string> Permissions::hosts() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> all;
  for (const auto* grants : {&agreed_.grants, &once_})
    for (const Grant& grant : *grants)
      if (grant.kind == Grant::Kind::kHost) all.push_back(grant.subject);
  for (const AllowRule& rule : options_.allow) {
    if (rule.plugin != plugin_.name) continue;
    if (!rule.declared && rule.grant.kind == Grant::Kind::kHost) all.push_back(rule.grant.subject);
    if (rule.declared && declares_)
      for (const types::Host& host : declared_.hosts) all.push_back(host.host);
  }
  return all;
}

bool Permissions::canBeAllowed(const Need& need) const {
  if (need.grant.kind != Grant::Kind::kProgram) return true;
  return need.present && (options_.allow_shell || !isShell(need.grant.subject));
}

Result<void> Permissions::settle(Need& need, Settling how) {
  if (need.allowed || !canBeAllowed(need)) return {};
  if (how == Settling::kAsk) {
    if (asked_++ >= kMaxQuestions) return {};
    const Question question{escaped(plugin_.name), describe(need.grant), escaped(need.reason),
                            Question::Term::kLasting};
    if (consent_.ask(question) == Answer::kNo) return {};
  }
  TRY_VOID(book_.add(plugin_, {need.grant}));
  agreed_.grants.push_back(need.grant);
  need.allowed = true;
  return {};
}

Result<std::vector<Need>> Permissions::settleNeeds(Settling how) {
  const std::lock_guard lock(mutex_);
  std::vector<Need> all = needs();
  for (Need& need : all) TRY_VOID(settle(need, how));
  return all;
}

}  // namespace nimbus::plugin
