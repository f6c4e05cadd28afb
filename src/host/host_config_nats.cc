#include "host/host_config_reader.h"

// The part of a host's configuration that says which NATS servers are its own.
namespace nimbus::host {
namespace {

nats::TlsOptions readTls(ConfigContext& context, YamlMap map) {
  nats::TlsOptions tls;
  readPath(context, map, "ca", tls.ca_file);
  readPath(context, map, "certificate", tls.certificate_file);
  readPath(context, map, "key", tls.key_file);
  if (const auto name = map.text("serverName")) tls.expected_host = *name;
  map.finish();
  return tls;
}

}  // namespace

void readNats(ConfigContext& context, YamlMap map) {
  nats::ConnectOptions& nats = context.config.nats;
  map.require("servers");
  nats.servers = map.texts("servers");
  if (const auto user = map.text("user")) nats.user = *user;
  readPath(context, map, "passwordFile", nats.password_file);
  readPath(context, map, "tokenFile", nats.token_file);
  readPath(context, map, "credentialsFile", nats.credentials_file);
  if (const auto key = map.text("nkey")) nats.nkey = *key;
  readPath(context, map, "nkeySeedFile", nats.nkey_seed_file);
  if (auto tls = map.map("tls")) nats.tls = readTls(context, *std::move(tls));
  map.finish();
}

}  // namespace nimbus::host
