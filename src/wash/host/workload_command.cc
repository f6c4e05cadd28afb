// `wash workload …`: manages the workloads of a running host over its administration API.

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include <CLI/CLI.hpp>

#include "base/escape.h"
#include "base/files.h"
#include "base/text.h"
#include "host/admin/admin_client.h"
#include "host/admin/token_file.h"
#include "host/manifest/manifest.h"
#include "net/stoppable.h"
#include "oci/url.h"
#include "wash/command.h"
#include "wash/flags/flag_check.h"
#include "wash/flags/guest_options.h"
#include "wash/host/admin_socket.h"
#include "wash/terminal/interrupt.h"

namespace nimbus::wash {
namespace {

using host::AdminClient;
using host::describeWorkload;
using host::WorkloadView;

// It may stand where nobody reads what it prints.
constexpr std::chrono::seconds kInterruptBound(2);

struct WorkloadFlags {
  std::string address;  // of the API
  std::string token_file;
  std::string timeout;
  std::string argument;
  std::string namespace_name;
  bool no_wait = false;
  bool follow = true;
};

// Of a workload or a namespace: what cannot be one is not asked for. The host knows the rest.
Result<void> checkName(std::string_view name) {
  const bool plain = std::ranges::all_of(name, [](char c) { return c > ' ' && c < 0x7F; });
  if (plain && !name.empty()) return {};
  return fail(ErrorCode::kInvalidArgument, "\"" + std::string(name) + "\" is no name");
}

Result<Duration> parsePatience(std::string_view text) {
  TRY(const Duration patience, parseDuration(text));
  if (patience > Duration::zero()) return patience;
  return fail(ErrorCode::kInvalidArgument, "it must be more than nothing");
}

Result<AdminClient> connect(net::Shard& shard, const WorkloadFlags& flags) {
  std::string address = flags.address;
  if (address.empty()) {
    TRY(const std::string socket, trustedAdminSocket());
    address = "unix:" + socket;
  }
  TRY(const net::Endpoint endpoint, net::Endpoint::parse(address));
  std::optional<std::string> token;
  if (!flags.token_file.empty()) {
    TRY(token, host::readTokenFile(flags.token_file));
  }
  Duration patience = AdminClient::kPatience;
  if (!flags.timeout.empty()) {
    TRY(patience, parsePatience(flags.timeout));
  }
  return AdminClient(shard, endpoint, std::move(token), patience);
}

struct Name {
  std::string namespace_name;
  std::string workload;
};

// "name" or "namespace/name".
Name nameOf(std::string_view argument) {
  const auto parts = splitOnce(argument, '/');
  if (!parts) return {"default", std::string(argument)};
  return {std::string(parts->first), std::string(parts->second)};
}

// What users type is no syntax of a request's target.
std::string inTarget(std::string_view name) { return oci::percentEncoded(name); }

// Of a file, or "-" for standard input, whose relative paths start at the current folder.
Result<host::WorkloadSpec> readManifest(const std::string& argument) {
  constexpr std::size_t kMostBytes = 1 << 20;
  const bool is_input = argument == "-";
  TRY(const std::string text, is_input ? readToEnd(STDIN_FILENO, "standard input", kMostBytes)
                                       : readFile(argument, kMostBytes));
  TRY(const std::filesystem::path path, absolutePath(argument));
  return host::parseManifest(text, is_input ? "standard input" : argument,
                             path.parent_path().string());
}

Task<Result<void>> apply(AdminClient* client, const WorkloadFlags* flags, OutputFormat format) {
  CO_TRY(const host::WorkloadSpec spec, readManifest(flags->argument));
  // Sent with absolute paths: the host does not know this folder.
  const auto wait = flags->no_wait ? AdminClient::Wait::kNo : AdminClient::Wait::kForOutcome;
  CO_TRY(const WorkloadView view, co_await client->apply(host::toJson(spec), wait));
  printResult(format, describeWorkload(view), {{"workload", view.json}});
  co_return Result<void>();
}

Task<Result<void>> list(AdminClient* client, const WorkloadFlags* flags, OutputFormat format) {
  CO_TRY(const auto views, co_await client->list(inTarget(flags->namespace_name)));
  CO_TRY(const std::string state, co_await client->host());
  CO_TRY(const host::ProblemsView problems, host::parseHostProblems(state));
  std::string text;
  for (const WorkloadView& view : views)
    text += (text.empty() ? "" : "\n") + describeWorkload(view);
  if (text.empty()) text = "no workloads";
  for (const std::string& problem : problems.lines) text += "\nproblem: " + problem;
  printResult(format, text,
              {{"workloads", jsonArray(views, [](const WorkloadView& view) { return view.json; })},
               {"problems", problems.json}});
  co_return Result<void>();
}

Task<Result<void>> get(AdminClient* client, const WorkloadFlags* flags, OutputFormat format) {
  const Name name = nameOf(flags->argument);
  CO_TRY(const WorkloadView view,
         co_await client->get(inTarget(name.namespace_name), inTarget(name.workload)));
  printResult(format, describeWorkload(view), {{"workload", view.json}});
  co_return Result<void>();
}

Task<Result<void>> remove(AdminClient* client, const WorkloadFlags* flags, OutputFormat format) {
  const Name name = nameOf(flags->argument);
  CO_TRY_VOID(co_await client->remove(inTarget(name.namespace_name), inTarget(name.workload)));
  printResult(format, "deleted " + name.namespace_name + "/" + name.workload, {});
  co_return Result<void>();
}

Task<Result<void>> events(AdminClient* client, const WorkloadFlags* flags, OutputFormat format) {
  AdminClient::EventQuery query;
  query.workload = inTarget(flags->argument);
  query.follow = flags->follow;
  co_return co_await client->events(query, [format](const host::AdminEvent& event) {
    const bool json = format == OutputFormat::kJson;
    printOutput((json ? withEscapes(host::eventLine(event)) : host::describeEvent(event)) + "\n");
  });
}

using Step = Task<Result<void>> (*)(AdminClient*, const WorkloadFlags*, OutputFormat);

Task<Result<void>> runStep(net::Shard* shard, const WorkloadFlags* flags, OutputFormat format,
                           Step step) {
  CO_TRY(AdminClient client, connect(*shard, *flags));
  co_return co_await step(&client, flags, format);
}

// What a host says of a failure does not look like another line either. JSON has it as it came.
Error shownIn(OutputFormat format, const Error& error) {
  if (format == OutputFormat::kJson) return error;
  std::string text;
  for (const char c : error.describe()) {
    if (c == '\n') {
      text += "\\n";
    } else {
      text += c;
    }
  }
  return {error.code(), std::move(text)};
}

// Runs the step on a shard of its own, unless a signal ends it, and reports its failure.
int perform(const WorkloadFlags& flags, const GlobalOptions& global, Step step) {
  const Interrupt interrupt(kInterruptBound);
  auto shards = net::ShardGroup::start(1);
  if (!shards) return reportFailure(global.format, shards.error());
  const auto done = net::runUnlessStopped<void>(
      **shards, interrupt.token(), "command",
      [&](net::Shard& shard) { return runStep(&shard, &flags, global.format, step); });
  if (done) return kExitOk;
  // What is followed until a signal comes is not broken off by it.
  if (step == events && flags.follow && interrupt.received() &&
      done.error().code() == ErrorCode::kCancelled)
    return interrupt.status();
  return reportFailure(global.format, shownIn(global.format, done.error()), interrupt);
}

CLI::App* addStep(CLI::App& parent, const char* name, const char* help,
                  const std::shared_ptr<WorkloadFlags>& flags, const GlobalOptions& global,
                  Action& action, Step step) {
  CLI::App* command = parent.add_subcommand(name, help);
  command->callback([name, flags, &global, &action, step] {
    action.set(std::string("workload ") + name,
               [flags, &global, step] { return perform(*flags, global, step); });
  });
  return command;
}

}  // namespace

void addWorkloadCommand(CLI::App& app, const GlobalOptions& global, Action& action) {
  CLI::App* command = app.add_subcommand("workload", "Manage the workloads of a running host");
  command->require_subcommand(1);
  command->fallthrough();
  auto flags = std::make_shared<WorkloadFlags>();
  command->add_option("--host", flags->address, "Its administration API: unix:PATH or ADDRESS:PORT")
      ->envname("WASH_ADMIN")
      ->check(acceptedBy(net::Endpoint::parse))
      ->option_text("ADDRESS");
  command->add_option("--token-file", flags->token_file, "Bearer token for an API over TCP")
      ->option_text("FILE");
  command->add_option("--timeout", flags->timeout, "How long the host may keep silent")
      ->check(acceptedBy(parsePatience))
      ->option_text("DURATION (default 30s)");

  CLI::App* applying = addStep(*command, "apply", "Make a workload be as a manifest says", flags,
                               global, action, apply);
  applying->add_option("manifest", flags->argument, "YAML or JSON; -: standard input")->required();
  applying->add_flag("--no-wait", flags->no_wait, "Return before the new generation serves");
  CLI::App* listing = addStep(*command, "list", "List workloads", flags, global, action, list);
  listing->add_option("--namespace", flags->namespace_name, "Only of this namespace")
      ->check(acceptedBy(checkName));
  addStep(*command, "get", "Show one workload", flags, global, action, get)
      ->add_option("name", flags->argument, "[NAMESPACE/]NAME")
      ->required()
      ->check(acceptedBy(checkName));
  addStep(*command, "delete", "Take a workload down", flags, global, action, remove)
      ->add_option("name", flags->argument, "[NAMESPACE/]NAME")
      ->required()
      ->check(acceptedBy(checkName));
  CLI::App* following = addStep(*command, "events", "Follow what happens to workloads", flags,
                                global, action, events);
  following->add_option("workload", flags->argument, "Only of this one: NAMESPACE/NAME")
      ->check(acceptedBy(checkName));
  following->add_flag("--follow,!--no-follow", flags->follow,
                      "Go on until interrupted (default), or print what is remembered");
}

}  // namespace nimbus::wash
