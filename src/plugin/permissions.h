#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "plugin/consent.h"
#include "plugin/grant.h"
#include "plugin/grant_book.h"
#include "plugin/plugin_info.h"

namespace nimbus::plugin {

struct PermissionOptions {
  std::vector<AllowRule> allow;  // for runs where nobody can be asked
  bool allow_shell = false;      // shells and interpreters can be agreed to at all
  std::string path_variable;     // where programs are looked up
  std::string project_folder;    // absolute
};

// One thing that a plugin declares.
struct Need {
  Grant grant;         // a program that is there: by its absolute path; else as it is declared
  std::string reason;  // as the plugin gives it
  bool allowed = false;
  bool present = true;  // false: a program that is not there
};

// How what a plugin declares is settled at its installation: by asking, or by agreeing to all of
// it.
enum class Settling { kAsk, kAgree };

// What one plugin may do: what the user has agreed to, what rules allow, and else what he answers
// now. A plugin that declares what it needs is never asked for more than that. What another process
// adds to the book, or takes back, counts for whatever is asked after it; with what is taken back
// goes what was agreed to for this run. Any thread.
class Permissions {
 public:
  // `agreed`: what was agreed to before. `book` and `consent` outlive it.
  Permissions(PluginIdentity plugin, const PluginInfo& info, PermissionOptions options,
              Agreed agreed, GrantBook& book, Consent& consent)
      : plugin_(std::move(plugin)),
        declares_(info.abi == Abi::kNimbus010),
        declared_(info.metadata.capabilities),
        variables_(variablesOf(info)),
        options_(std::move(options)),
        book_(book),
        consent_(consent),
        agreed_(std::move(agreed)) {}

  // May ask, and blocks meanwhile. kNotFound: there is no such program; kPermissionDenied. Returns
  // the program's absolute path.
  [[nodiscard]] Result<std::string> program(const std::string& name,
                                            const std::vector<std::string>& arguments);
  // A connection by HTTP; `port` is the one it goes to.
  [[nodiscard]] Result<void> host(const std::string& scheme, const std::string& name,
                                  std::uint16_t port);

  // The value of a variable of the environment of `wash`, for a flag that the plugin declares.
  [[nodiscard]] Result<void> variable(const std::string& name);

  struct Folder {
    std::string host_path;
    std::string guest_path;
    bool read_only;
  };
  // As it was when something was asked last. Does not ask.
  [[nodiscard]] std::vector<Folder> folders() const;
  // The entries by which host() agrees without asking, likewise.
  [[nodiscard]] std::vector<std::string> hosts() const;

  // Settles all that the plugin declares and nobody has agreed to yet. Remembers what is agreed to;
  // what is not, is asked for when it is used. Programs that are not there are nobody's to allow,
  // and shells only where options allow for them.
  [[nodiscard]] Result<std::vector<Need>> settleNeeds(Settling how);

 private:
  [[nodiscard]] Result<std::string> lookUp(const std::string& name) const;
  [[nodiscard]] bool granted(const Grant& wanted) const;
  [[nodiscard]] bool covers(const Grant& grant, const Grant& wanted) const;
  [[nodiscard]] Result<void> lookIntoBook();
  [[nodiscard]] std::optional<std::string> declaredReason(const Grant& wanted) const;
  [[nodiscard]] bool allowedByRule(const Grant& wanted) const;
  [[nodiscard]] Result<void> ask(const Grant& wanted, const Grant& remembered,
                                 std::string_view reason);
  [[nodiscard]] Result<void> settle(Need& need, Settling how);
  [[nodiscard]] std::vector<Need> needs() const;
  [[nodiscard]] bool canBeAllowed(const Need& need) const;

  const PluginIdentity plugin_;
  const bool declares_;
  const types::Capabilities declared_;
  const std::vector<std::string> variables_;
  const PermissionOptions options_;
  GrantBook& book_;
  Consent& consent_;
  mutable std::mutex mutex_;  // also makes questions come one at a time
  Agreed agreed_;
  std::vector<Grant> once_;     // agreed to for this run
  std::vector<Grant> refused_;  // in this run
  std::size_t asked_ = 0;
};

}  // namespace nimbus::plugin
