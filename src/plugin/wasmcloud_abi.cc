#include "plugin/wasmcloud_abi.h"

#include <algorithm>
#include <array>
#include <expected>
#include <utility>

#include <fmt/format.h>

#include "base/utf8.h"
#include "wasmcloud/wash_0_0_1/types.h"
#include "wasmcloud/wash_0_0_2/types.h"

namespace nimbus::plugin {
namespace {

using wrpc::Answer;
using wrpc::CallContext;

struct Contract001 {
  using Command = contract::wasmcloud::wash_0_0_1::types::Command;
  using CommandArgument = contract::wasmcloud::wash_0_0_1::types::CommandArgument;
  using Context = contract::wasmcloud::wash_0_0_1::types::Context;
  using Handler = contract::wasmcloud::wash_0_0_1::types::Handler;
  using HookType = contract::wasmcloud::wash_0_0_1::types::HookType;
  using Metadata = contract::wasmcloud::wash_0_0_1::types::Metadata;
  using PluginConfig = contract::wasmcloud::wash_0_0_1::types::PluginConfig;
  using Runner = contract::wasmcloud::wash_0_0_1::types::Runner;
  static constexpr Abi kAbi = Abi::kWasmcloud001;
  static constexpr std::string_view kTypes = "wasmcloud:wash/types@0.0.1";
  static constexpr std::string_view kPlugin = "wasmcloud:wash/plugin@0.0.1";
};

struct Contract002 {
  using Command = contract::wasmcloud::wash_0_0_2::types::Command;
  using CommandArgument = contract::wasmcloud::wash_0_0_2::types::CommandArgument;
  using Context = contract::wasmcloud::wash_0_0_2::types::Context;
  using Handler = contract::wasmcloud::wash_0_0_2::types::Handler;
  using HookType = contract::wasmcloud::wash_0_0_2::types::HookType;
  using Metadata = contract::wasmcloud::wash_0_0_2::types::Metadata;
  using PluginConfig = contract::wasmcloud::wash_0_0_2::types::PluginConfig;
  using Runner = contract::wasmcloud::wash_0_0_2::types::Runner;
  static constexpr Abi kAbi = Abi::kWasmcloud002;
  static constexpr std::string_view kTypes = "wasmcloud:wash/types@0.0.2";
  static constexpr std::string_view kPlugin = "wasmcloud:wash/plugin@0.0.2";
};

wrpc::Interface serveTypes(std::shared_ptr<Contract001::Handler> handler) {
  return contract::wasmcloud::wash_0_0_1::types::serve(std::move(handler));
}
wrpc::Interface serveTypes(std::shared_ptr<Contract002::Handler> handler) {
  return contract::wasmcloud::wash_0_0_2::types::serve(std::move(handler));
}

// A context or a plugin's configuration. Their `set` has no error: one beyond the bounds ends the
// plugin's call.
template <typename Base>
class MapResource final : public Base {
 public:
  explicit MapResource(HookContext& map) : map_(map) {}

  Answer<std::optional<std::string>> get(const CallContext& /*context*/,
                                         std::string_view key) override {
    return map_.get(key);
  }
  Answer<std::optional<std::string>> set(const CallContext& /*context*/, std::string_view key,
                                         std::string_view value) override {
    return map_.set(key, std::string(value));
  }
  Answer<std::optional<std::string>> delete_(const CallContext& /*context*/,
                                             std::string_view key) override {
    return map_.erase(key);
  }
  Answer<std::vector<std::string>> list(const CallContext& /*context*/) override {
    return map_.keys();
  }

 private:
  HookContext& map_;
};

using Executed = std::expected<std::tuple<std::string, std::string>, std::string>;

Task<Result<Executed>> execute(Task<Result<ProcessOutcome>> running) {
  auto outcome = co_await std::move(running);
  if (!outcome) co_return Executed(std::unexpect, outcome.error().describe());
  if (!isUtf8(asBytes(outcome->output)) || !isUtf8(asBytes(outcome->error)))
    co_return Executed(std::unexpect, "the program's output is not UTF-8");
  co_return Executed(std::in_place, std::move(outcome->output), std::move(outcome->error));
}

using Started = std::expected<void, std::string>;

Task<Result<Started>> begin(Task<Result<std::uint32_t>> starting) {
  const auto process = co_await std::move(starting);
  if (!process) co_return Started(std::unexpect, process.error().describe());
  co_return Started();
}

ProgramCall callOf(std::string_view program, std::vector<std::string> arguments) {
  ProgramCall call;
  call.program = program;
  call.arguments = std::move(arguments);
  return call;
}

template <typename Contract>
class BaseRunner : public Contract::Runner {
 public:
  explicit BaseRunner(RunnerServices& services) : services_(services) {}

  Answer<std::expected<wrpc::Own<typename Contract::Context>, std::string>> context_(
      const CallContext& /*context*/) override {
    using Made = std::expected<wrpc::Own<typename Contract::Context>, std::string>;
    return Result<Made>(
        std::make_unique<MapResource<typename Contract::Context>>(services_.context()));
  }
  Answer<std::expected<wrpc::Own<typename Contract::PluginConfig>, std::string>> pluginConfig(
      const CallContext& /*context*/) override {
    using Made = std::expected<wrpc::Own<typename Contract::PluginConfig>, std::string>;
    return Result<Made>(
        std::make_unique<MapResource<typename Contract::PluginConfig>>(services_.config()));
  }
  Answer<Executed> hostExec(const CallContext& /*context*/, std::string_view program,
                            std::vector<std::string> arguments) override {
    return execute(services_.exec(callOf(program, std::move(arguments))));
  }
  Answer<Started> hostExecBackground(const CallContext& /*context*/, std::string_view program,
                                     std::vector<std::string> arguments) override {
    return begin(services_.start(callOf(program, std::move(arguments))));
  }

 protected:
  RunnerServices& services_;
};

using Runner002 = BaseRunner<Contract002>;

class Runner001 final : public BaseRunner<Contract001> {
 public:
  using BaseRunner::BaseRunner;

  Answer<void> output(const CallContext& /*context*/, std::string_view message) override {
    services_.print(1, message);
    return Result<void>();
  }
  Answer<void> structuredOutput(const CallContext& /*context*/, std::vector<std::string> headers,
                                std::vector<std::vector<std::string>> rows) override {
    services_.print(1, fmt::format("{}", fmt::join(headers, "\t")));
    for (const auto& row : rows) services_.print(1, fmt::format("{}", fmt::join(row, "\t")));
    return Result<void>();
  }
  Answer<void> error(const CallContext& /*context*/, std::string_view reason) override {
    services_.print(2, reason);
    return Result<void>();
  }
};

// Hook types by their numbers.
constexpr std::array kHookCommands{"doctor", "build", "oci push", "dev"};
constexpr std::size_t kFirstHook = 1;
constexpr std::size_t kDevRegister = 9;

template <typename HookType>
std::optional<types::Hook> hookOf(HookType type) {
  const auto number = static_cast<std::size_t>(type);
  if (number < kFirstHook || number >= kDevRegister) return std::nullopt;
  const auto phase = (number - kFirstHook) % 2 == 0 ? types::Phase::kBefore : types::Phase::kAfter;
  return types::Hook{phase, kHookCommands.at((number - kFirstHook) / 2)};
}

template <typename HookType>
HookType typeOf(const types::Event& event) {
  const auto found = std::ranges::find(kHookCommands, event.command);
  if (found == kHookCommands.end()) return HookType::kUnknown;
  const auto command = static_cast<std::size_t>(found - kHookCommands.begin());
  const std::size_t phase = event.phase == types::Phase::kBefore ? 0 : 1;
  return static_cast<HookType>(kFirstHook + 2 * command + phase);
}

template <typename Command>
types::Command commandOf(const Command& said) {
  types::Command command{.name = said.name,
                         .description = said.description,
                         .flags = {},
                         .arguments = {},
                         .examples = said.usage};
  for (const auto& [name, argument] : said.flags) {
    types::Flag flag;
    flag.name = name;
    flag.description = argument.description;
    flag.env = argument.env;
    flag.default_ = argument.default_;
    flag.required = !argument.default_;
    command.flags.push_back(std::move(flag));
  }
  for (const auto& said_argument : said.arguments) {
    types::Argument argument;
    argument.name = said_argument.name;
    argument.description = said_argument.description;
    argument.default_ = said_argument.default_;
    argument.required = !said_argument.default_;
    command.arguments.push_back(std::move(argument));
  }
  return command;
}

template <typename Metadata>
PluginInfo infoOf(Metadata said, Abi abi) {
  PluginInfo info;
  info.abi = abi;
  types::Metadata& metadata = info.metadata;
  if (said.command) {
    metadata.command = commandOf(*said.command);
    info.command_word = said.command->name;
  }
  for (const auto& command : said.sub_commands) metadata.sub_commands.push_back(commandOf(command));
  for (const auto type : said.hooks) {
    if (static_cast<std::size_t>(type) == kDevRegister)
      metadata.dev_register = types::DevRegister{.long_lived = false};
    if (auto hook = hookOf(type)) metadata.hooks.push_back(*std::move(hook));
  }
  metadata.name = std::move(said.name);
  metadata.description = std::move(said.description);
  metadata.contact = std::move(said.contact);
  metadata.url = std::move(said.url);
  metadata.license = std::move(said.license);
  metadata.version = std::move(said.version);
  return info;
}

std::optional<std::string> valueIn(const std::vector<types::Given>& given, std::string_view name) {
  const auto found = std::ranges::find(given, name, &types::Given::name);
  if (found == given.end() || found->values.empty()) return std::nullopt;
  return found->values.front();
}

// The record that the plugin itself declared, with the values that were given.
template <typename Metadata>
auto filledIn(Metadata said, const types::Invocation& invocation)
    -> Result<typename decltype(said.sub_commands)::value_type> {
  using Command = typename decltype(said.sub_commands)::value_type;
  std::optional<Command> command;
  if (!invocation.sub_command) {
    command = std::move(said.command);
  } else {
    const auto found =
        std::ranges::find(said.sub_commands, *invocation.sub_command, &Command::name);
    if (found != said.sub_commands.end()) command = std::move(*found);
  }
  if (!command) return fail(ErrorCode::kNotFound, "the plugin does not have this command any more");
  for (auto& [name, argument] : command->flags) argument.value = valueIn(invocation.flags, name);
  for (auto& argument : command->arguments)
    argument.value = valueIn(invocation.arguments, argument.name);
  return *std::move(command);
}

Result<std::string> ownError(Result<std::expected<std::string, std::string>> answer) {
  if (!answer) return std::unexpected(std::move(answer).error());
  if (!*answer) return fail(ErrorCode::kInvalidArgument, std::move(*answer).error());
  return **std::move(answer);
}

template <typename Contract, typename ContractRunner>
class WasmcloudAbi final : public AbiAdapter {
 public:
  [[nodiscard]] std::string_view typesInterface() const override { return Contract::kTypes; }
  [[nodiscard]] std::string_view pluginInterface() const override { return Contract::kPlugin; }
  [[nodiscard]] wrpc::Interface serve() const override {
    return serveTypes(std::make_shared<typename Contract::Handler>());
  }
  [[nodiscard]] const wrpc::ResourceType& runnerType() const override {
    return Contract::Runner::kType;
  }
  [[nodiscard]] std::unique_ptr<wrpc::Resource> makeRunner(
      RunnerServices& services) const override {
    return std::make_unique<ContractRunner>(services);
  }

  [[nodiscard]] Task<Result<PluginInfo>> info(ExportCaller& caller) const override {
    CO_TRY(auto said, co_await caller.call<typename Contract::Metadata>("info"));
    co_return infoOf(std::move(said), Contract::kAbi);
  }
  [[nodiscard]] Task<Result<void>> initialize(ExportCaller& caller, Runner runner) const override {
    CO_TRY_VOID(ownError(co_await caller.call<Answered>("initialize", std::move(runner))));
    co_return Result<void>();
  }
  [[nodiscard]] Task<Result<std::string>> run(ExportCaller& caller, Runner runner,
                                              types::Invocation invocation) const override {
    CO_TRY(auto said, co_await caller.call<typename Contract::Metadata>("info"));
    CO_TRY(auto command, filledIn(std::move(said), invocation));
    co_return ownError(
        co_await caller.call<Answered>("run", std::move(runner), std::move(command)));
  }
  [[nodiscard]] Task<Result<std::string>> hook(ExportCaller& caller, Runner runner,
                                               types::Event event) const override {
    co_return ownError(co_await caller.call<Answered>("hook", std::move(runner),
                                                      typeOf<typename Contract::HookType>(event)));
  }
  [[nodiscard]] Task<Result<std::string>> devRegister(ExportCaller& caller,
                                                      Runner runner) const override {
    co_return ownError(co_await caller.call<Answered>("hook", std::move(runner),
                                                      Contract::HookType::kDevRegister));
  }
  [[nodiscard]] Task<Result<std::vector<types::Finding>>> check(ExportCaller& /*caller*/,
                                                                Runner /*runner*/) const override {
    co_return std::vector<types::Finding>();
  }

 private:
  using Answered = std::expected<std::string, std::string>;
};

}  // namespace

const AbiAdapter& wasmcloudAbi001() {
  static const WasmcloudAbi<Contract001, Runner001> kAbi;
  return kAbi;
}

const AbiAdapter& wasmcloudAbi002() {
  static const WasmcloudAbi<Contract002, Runner002> kAbi;
  return kAbi;
}

}  // namespace nimbus::plugin
