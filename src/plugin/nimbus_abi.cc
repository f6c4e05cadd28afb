#include "plugin/nimbus_abi.h"

#include <expected>
#include <utility>

namespace nimbus::plugin {
namespace {

using wrpc::Answer;
using wrpc::CallContext;

class MapDictionary final : public types::Dictionary {
 public:
  explicit MapDictionary(HookContext& map) : map_(map) {}

  Answer<std::optional<std::string>> get(const CallContext& /*context*/,
                                         std::string_view key) override {
    return map_.get(key);
  }
  Answer<std::expected<std::optional<std::string>, std::string>> set(
      const CallContext& /*context*/, std::string_view key, std::string_view value) override {
    auto previous = map_.set(key, std::string(value));
    if (!previous) return wrpc::err(previous.error().describe());
    return *std::move(previous);
  }
  Answer<std::optional<std::string>> delete_(const CallContext& /*context*/,
                                             std::string_view key) override {
    return map_.erase(key);
  }
  Answer<std::vector<std::string>> keys(const CallContext& /*context*/) override {
    return map_.keys();
  }

 private:
  HookContext& map_;
};

ProgramCall callOf(std::string_view program, std::vector<std::string> arguments,
                   const types::ExecOptions& options) {
  ProgramCall call;
  call.program = program;
  call.arguments = std::move(arguments);
  call.input = asText(options.input.view());
  if (options.time_limit_ms) {
    constexpr std::uint64_t kMostMs = 24ULL * 3'600'000;
    call.time_limit = std::chrono::milliseconds(std::min(*options.time_limit_ms, kMostMs));
  }
  return call;
}

types::ExecError errorOf(const Error& error) {
  using types::ExecError;
  switch (error.code()) {
    case ErrorCode::kPermissionDenied: return {ExecError::Denied{error.describe()}};
    case ErrorCode::kNotFound: return {ExecError::NotFound{error.describe()}};
    case ErrorCode::kDeadlineExceeded: return {ExecError::TimedOut{}};
    default: return {ExecError::Failed{error.describe()}};
  }
}

class NimbusRunner final : public types::Runner {
 public:
  explicit NimbusRunner(RunnerServices& services) : services_(services) {}

  Answer<wrpc::Own<types::Dictionary>> context_(const CallContext& /*context*/) override {
    return wrpc::Own<types::Dictionary>(std::make_unique<MapDictionary>(services_.context()));
  }
  Answer<wrpc::Own<types::Dictionary>> config(const CallContext& /*context*/) override {
    return wrpc::Own<types::Dictionary>(std::make_unique<MapDictionary>(services_.config()));
  }
  Answer<std::string> folder(const CallContext& /*context*/) override { return services_.folder(); }
  Answer<std::expected<types::ExecOutput, types::ExecError>> exec(
      const CallContext& /*context*/, std::string_view program, std::vector<std::string> arguments,
      types::ExecOptions options) override {
    return execute(services_.exec(callOf(program, std::move(arguments), options)));
  }
  Answer<std::expected<std::uint32_t, types::ExecError>> start(
      const CallContext& /*context*/, std::string_view program, std::vector<std::string> arguments,
      types::ExecOptions options) override {
    return begin(services_.start(callOf(program, std::move(arguments), options)));
  }
  Answer<bool> stop(const CallContext& /*context*/, std::uint32_t process) override {
    return services_.stop(process);
  }

 private:
  using Executed = std::expected<types::ExecOutput, types::ExecError>;
  static Task<Result<Executed>> execute(Task<Result<ProcessOutcome>> running) {
    auto outcome = co_await std::move(running);
    if (!outcome) co_return Executed(std::unexpect, errorOf(outcome.error()));
    types::ExecOutput output;
    output.exit_status = static_cast<std::uint8_t>(outcome->exit_status);
    output.output = Bytes::take(std::move(outcome->output));
    output.error = Bytes::take(std::move(outcome->error));
    co_return Executed(std::move(output));
  }
  using Begun = std::expected<std::uint32_t, types::ExecError>;
  static Task<Result<Begun>> begin(Task<Result<std::uint32_t>> starting) {
    auto process = co_await std::move(starting);
    if (!process) co_return Begun(std::unexpect, errorOf(process.error()));
    co_return Begun(*process);
  }

  RunnerServices& services_;
};

template <typename T>
Result<T> ownErrors(Result<std::expected<T, std::string>> answer) {
  if (!answer) return std::unexpected(std::move(answer).error());
  if (!*answer) return fail(ErrorCode::kInvalidArgument, std::move(*answer).error());
  if constexpr (std::is_void_v<T>) {
    return {};
  } else {
    return **std::move(answer);
  }
}

class NimbusAbi final : public AbiAdapter {
 public:
  [[nodiscard]] std::string_view typesInterface() const override {
    return "nimbus:wash/types@0.1.0";
  }
  [[nodiscard]] std::string_view pluginInterface() const override {
    return "nimbus:wash/plugin@0.1.0";
  }
  [[nodiscard]] wrpc::Interface serve() const override {
    return types::serve(std::make_shared<types::Handler>());
  }
  [[nodiscard]] const wrpc::ResourceType& runnerType() const override {
    return types::Runner::kType;
  }
  [[nodiscard]] std::unique_ptr<wrpc::Resource> makeRunner(
      RunnerServices& services) const override {
    return std::make_unique<NimbusRunner>(services);
  }

  [[nodiscard]] Task<Result<PluginInfo>> info(ExportCaller& caller) const override {
    PluginInfo info;
    CO_TRY(info.metadata, co_await caller.call<types::Metadata>("info"));
    info.abi = Abi::kNimbus010;
    if (info.metadata.command) info.command_word = info.metadata.name;
    co_return info;
  }
  [[nodiscard]] Task<Result<void>> initialize(ExportCaller& caller, Runner runner) const override {
    co_return ownErrors<void>(
        co_await caller.call<std::expected<void, std::string>>("initialize", std::move(runner)));
  }
  [[nodiscard]] Task<Result<std::string>> run(ExportCaller& caller, Runner runner,
                                              types::Invocation invocation) const override {
    co_return ownErrors<std::string>(co_await caller.call<std::expected<std::string, std::string>>(
        "run", std::move(runner), std::move(invocation)));
  }
  [[nodiscard]] Task<Result<std::string>> hook(ExportCaller& caller, Runner runner,
                                               types::Event event) const override {
    co_return ownErrors<std::string>(co_await caller.call<std::expected<std::string, std::string>>(
        "hook", std::move(runner), std::move(event)));
  }
  [[nodiscard]] Task<Result<std::string>> devRegister(ExportCaller& /*caller*/,
                                                      Runner /*runner*/) const override {
    co_return std::string();
  }
  [[nodiscard]] Task<Result<std::vector<types::Finding>>> check(ExportCaller& caller,
                                                                Runner runner) const override {
    using Findings = std::vector<types::Finding>;
    co_return ownErrors<Findings>(
        co_await caller.call<std::expected<Findings, std::string>>("check", std::move(runner)));
  }
};

}  // namespace

const AbiAdapter& nimbusAbi() {
  static const NimbusAbi kAbi;
  return kAbi;
}

}  // namespace nimbus::plugin
