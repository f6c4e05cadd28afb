#include "wash/flags/nats_flags.h"

#include <CLI/CLI.hpp>

#include "wash/flags/flag_check.h"

namespace nimbus::wash {
namespace {

bool sayWhoWeAre(const NatsFlags& flags) {
  return !flags.user.empty() || !flags.token_file.empty() || !flags.credentials_file.empty() ||
         !flags.nkey.empty();
}

void takeIdentity(const NatsFlags& flags, nats::ConnectOptions& to) {
  to.user = flags.user;
  to.password = {};
  to.password_file = flags.password_file;
  to.token = {};
  to.token_file = flags.token_file;
  to.credentials_file = flags.credentials_file;
  to.nkey = flags.nkey;
  to.nkey_seed_file = flags.nkey_seed_file;
}

Result<void> checkServer(const std::string& url) { return nats::checkOptions({.servers = {url}}); }

void takeTls(const NatsFlags& flags, nats::ConnectOptions& to) {
  if (flags.tls_ca.empty() && flags.tls_certificate.empty()) return;
  if (!to.tls) to.tls.emplace();
  if (!flags.tls_ca.empty()) to.tls->ca_file = flags.tls_ca;
  if (flags.tls_certificate.empty()) return;
  to.tls->certificate_file = flags.tls_certificate;
  to.tls->key_file = flags.tls_key;
}

}  // namespace

void addNatsFlags(CLI::App& command, NatsFlags& flags) {
  const std::string group = "NATS of providers";
  const auto add = [&](const std::string& name, auto& into, const std::string& text) {
    return command.add_option("--data-nats-" + name, into, text)->group(group);
  };
  add("url", flags.urls, "Servers that nats:PREFIX means; the first that answers is used")
      ->envname("WASH_DATA_NATS_URL")
      ->delimiter(',')
      ->check(acceptedBy(checkServer))
      ->option_text("URL[,URL...] (default nats://127.0.0.1:4222)");
  add("tls-ca", flags.tls_ca, "Authorities to trust instead of the system's, PEM")
      ->envname("WASH_DATA_NATS_TLS_CA")
      ->option_text("FILE");
  auto* certificate = add("tls-cert", flags.tls_certificate, "Certificate shown to the server, PEM")
                          ->envname("WASH_DATA_NATS_TLS_CERT")
                          ->option_text("FILE");
  auto* key = add("tls-key", flags.tls_key, "Its private key, PEM")
                  ->envname("WASH_DATA_NATS_TLS_KEY")
                  ->option_text("FILE");
  certificate->needs(key);
  key->needs(certificate);
  command.add_flag("--data-nats-tls-first", flags.tls_first, "TLS before the server's greeting")
      ->group(group);
  auto* user = add("user", flags.user, "Who we are")->option_text("NAME");
  add("password-file", flags.password_file, "The user's password, the file's first line")
      ->needs(user)
      ->option_text("FILE");
  add("token-file", flags.token_file, "A token, the file's first line")->option_text("FILE");
  add("creds", flags.credentials_file, "Credentials as nsc writes them: JWT and seed")
      ->envname("WASH_DATA_NATS_CREDS")
      ->option_text("FILE");
  auto* nkey = add("nkey", flags.nkey, "Public key of an NKey")->option_text("U...");
  auto* seed = add("nkey-seed", flags.nkey_seed_file, "Its seed")->option_text("FILE");
  nkey->needs(seed);
  seed->needs(nkey);
}

Result<nats::ConnectOptions> natsOptionsOf(const NatsFlags& flags, nats::ConnectOptions settings) {
  if (flags.tls_first)
    return fail(ErrorCode::kUnsupported,
                "--data-nats-tls-first: the NATS client in use begins TLS after the server's "
                "greeting; let the server do so too (handshake_first: auto)");
  if (!flags.urls.empty()) settings.servers = flags.urls;
  if (sayWhoWeAre(flags)) takeIdentity(flags, settings);
  takeTls(flags, settings);
  TRY_VOID(nats::checkOptions(settings));
  return settings;
}

}  // namespace nimbus::wash
