#include "wash/run/run_http.h"

#include <unistd.h>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "host/calls/guest_lines.h"
#include "host/data_plane.h"
#include "host/deploy/certificate_keeper.h"
#include "host/host_config.h"
#include "wash/flags/flag_check.h"
#include "wash/output/access_log_rotation.h"
#include "wash/output/line_printer.h"
#include "wash/output/served_url.h"
#include "wash/terminal/termination.h"

namespace nimbus::wash {
namespace {

constexpr Duration kDrainBound = std::chrono::seconds(30);

Result<http::ServerOptions> serverOptions(const HttpFlags& flags, http::AccessLog* access_log) {
  http::ServerOptions options;
  options.access_log = access_log;
  if (flags.tls_certificate.empty()) return options;
  TRY(options.tls,
      net::makeTlsServerContext({.certificates = {{flags.tls_certificate, flags.tls_key}},
                                 .client_ca_path = flags.tls_client_ca,
                                 .alpn = {"h2", "http/1.1", "http/1.0"}}));
  return options;
}

// What guests print goes where this program's output goes, but never stops a shard.
class PassingLogger final : public host::GuestLines {
 public:
  explicit PassingLogger(Logger& rest) : rest_(rest) {}

  [[nodiscard]] bool enabled(LogLevel level) const override { return rest_.enabled(level); }
  void write(LogLevel level, std::string_view message,
             std::initializer_list<LogField> fields) override {
    rest_.write(level, message, fields);
  }
  void print(int stream, std::string_view line) override {
    lines_.print(stream == 1 ? LinePrinter::To::kOutput : LinePrinter::To::kError, line);
  }

 private:
  LinePrinter lines_;
  Logger& rest_;
};

host::DataPlaneOptions withFlags(host::DataPlaneOptions options, const HttpFlags& flags) {
  options.shards = flags.shards;
  return options;
}

Result<void> serve(engine::Engine& engine, std::shared_ptr<const engine::Component> component,
                   const host::WorkloadSpec& run_spec, const host::DataPlaneOptions& plane_options,
                   const HttpFlags& flags, const GlobalOptions& global, Logger& rest) {
  PassingLogger log(rest);
  const auto spec = std::make_shared<const host::WorkloadSpec>(run_spec);
  const SystemClock clock;
  MetricRegistry metrics;
  std::unique_ptr<http::AccessLog> access_log;
  if (!flags.access_log.empty()) {
    TRY(access_log,
        http::openAccessLog(flags.access_log, global.log_format, accessLogProblems(log)));
  }
  TRY(const net::Endpoint where, net::Endpoint::parse(flags.address));
  TRY(const http::ServerOptions server, serverOptions(flags, access_log.get()));
  TRY(const auto plane,
      host::DataPlane::create(withFlags(plane_options, flags), engine, log, metrics, clock));
  Termination termination;
  TRY_VOID(plane->openProviders(spec));
  TRY(const auto deployment, plane->runtime().assemble(spec, 1, host::WorkloadCode::of(component)));
  plane->control().runTask(0,
                           [&](net::Shard&) { return plane->runtime().swap(nullptr, deployment); });
  TRY(const net::Endpoint bound, plane->listen(where, server));

  std::optional<host::CertificateKeeper> certificates;
  if (server.tls) certificates.emplace(plane->control(), server.tls, log);
  const auto url = servedUrl(bound, server.tls ? http::Scheme::kHttps : http::Scheme::kHttp);
  const std::string place = url.value_or(bound.toString());
  printResult(global.format, "Serving " + spec->components.front().file + " at " + place,
              {{"address", jsonText(bound.toString())},
               {"url", url ? jsonText(*url) : "null"},
               {"kind", jsonText(engine::kindName(component->kind()))}});
  termination.wait();
  plane->drain(kDrainBound);
  plane->control().runTask(0,
                           [&](net::Shard&) { return plane->runtime().swap(deployment, nullptr); });
  plane->control().runTask(
      0, [&](net::Shard&) { return plane->runtime().retire(deployment, Duration::zero()); });
  return {};
}

}  // namespace

void addHttpFlags(CLI::App& command, HttpFlags& flags) {
  command.add_option("--addr", flags.address, "Where to serve HTTP; port 0 takes a free one")
      ->check(acceptedBy(net::Endpoint::parse))
      ->option_text(
          fmt::format("ADDRESS:PORT|unix:PATH (default {})", project::kDefaultHttpAddress));
  command.add_option("--shards", flags.shards, "Threads that serve; 0: one per core")
      ->check(numberFrom(0, host::kMaxShards));
  CLI::Option* certificate =
      command.add_option("--tls-cert", flags.tls_certificate, "Certificate chain (PEM): serve TLS")
          ->option_text("FILE");
  CLI::Option* key =
      command.add_option("--tls-key", flags.tls_key, "Its key (PEM)")->option_text("FILE");
  certificate->needs(key);
  key->needs(certificate);
  command
      .add_option("--tls-client-ca", flags.tls_client_ca,
                  "Clients must show a certificate of one of these (PEM)")
      ->option_text("FILE")
      ->needs(certificate);
  command
      .add_option("--access-log", flags.access_log, "One line per request; - is standard output")
      ->option_text("FILE");
}

int runHttp(engine::Engine& engine, std::shared_ptr<const engine::Component> component,
            const host::WorkloadSpec& spec, const host::DataPlaneOptions& plane,
            const HttpFlags& flags, const GlobalOptions& global, Logger& log) {
  const auto served = serve(engine, std::move(component), spec, plane, flags, global, log);
  return served ? kExitOk : reportFailure(global.format, served.error());
}

}  // namespace nimbus::wash
