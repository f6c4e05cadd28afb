#include "engine/guest_context.h"

#include <array>

#include "base/check.h"
#include "engine/egress_calls.h"
#include "engine/ffi.h"
#include "engine/import_calls.h"
#include "engine/outgoing_request.h"
#include "engine/spare_import_calls.h"

namespace nimbus::engine {
namespace {

// What the engine's callbacks get: lives until the last instance is gone.
struct HostReference {
  net::Shard& shard;
  std::shared_ptr<GuestHost> host;
  std::shared_ptr<const ImportSet> imports;
  std::weak_ptr<SpareImportCalls> spares;  // the context's
};

HostReference& host(void* context) { return *static_cast<HostReference*>(context); }

net::IpAddress addressOf(const std::uint8_t* bytes, std::size_t size) {
  if (size == 4) {
    std::array<std::uint8_t, 4> v4{};
    std::copy_n(bytes, v4.size(), v4.begin());
    return net::IpAddress::fromV4(v4);
  }
  std::array<std::uint8_t, 16> v6{};
  std::copy_n(bytes, v6.size(), v6.begin());
  return net::IpAddress::fromV6(v6);
}

NimbusHostCalls hostCalls(HostReference* reference) {
  NimbusHostCalls calls{};
  calls.context = reference;
  calls.release = [](void* context) { delete static_cast<HostReference*>(context); };
  calls.print = [](void* context, std::int32_t stream, NimbusStr line) {
    host(context).host->print(stream, toView(line));
  };
  calls.socket_allowed = [](void* context, std::int32_t use, const std::uint8_t* bytes,
                            std::size_t size, std::uint16_t port) -> std::int32_t {
    return host(context).host->socketAllowed(static_cast<SocketUse>(use), addressOf(bytes, size),
                                             port);
  };
  calls.lookup_allowed = [](void* context, NimbusStr name) -> std::int32_t {
    return host(context).host->lookupAllowed(toView(name));
  };
  calls.socket_opened = [](void* context, std::int32_t count) -> std::int32_t {
    return static_cast<std::int32_t>(
        host(context).host->socketOpened(static_cast<SocketCount>(count)));
  };
  calls.socket_closed = [](void* context, std::int32_t count) {
    host(context).host->socketClosed(static_cast<SocketCount>(count));
  };
  calls.file_opened = [](void* context) -> std::int32_t {
    return host(context).host->fileOpened();
  };
  calls.file_closed = [](void* context) { host(context).host->fileClosed(); };
  calls.egress_start = [](void* context, NimbusEgress* egress,
                          const NimbusEgressRequest* request) -> void* {
    const HostReference& from = host(context);
    return startOutgoing(from.shard, from.host, from.imports.get(), egress, *request);
  };
  setEgressCalls(calls);
  calls.imports_open = [](void* context) -> void* {
    const HostReference& from = host(context);
    const auto spares = from.spares.lock();
    auto opened = spares ? spares->take() : std::make_unique<ImportCalls>(from.shard, from.imports);
    return opened.release();
  };
  calls.imports_close = [](void* imports) {
    SpareImportCalls::giveBack(std::unique_ptr<ImportCalls>(static_cast<ImportCalls*>(imports)));
  };
  setImportCalls(calls);
  return calls;
}

}  // namespace

PrivateNetwork::PrivateNetwork(std::uint32_t max_inbound) : raw_(nimbus_network_new(max_inbound)) {
  NIMBUS_CHECK(raw_ != nullptr);
}
PrivateNetwork::~PrivateNetwork() { nimbus_network_free(raw_); }

Result<std::unique_ptr<GuestContext>> GuestContext::create(net::Shard& shard,
                                                           const GuestContextOptions& options,
                                                           std::shared_ptr<GuestHost> host) {
  std::vector<NimbusField> environment;
  for (const auto& [name, value] : options.environment) {
    environment.push_back({toStr(name), toStr(value)});
  }
  std::vector<NimbusStr> arguments;
  for (const std::string& argument : options.arguments) arguments.push_back(toStr(argument));
  std::vector<NimbusVolume> volumes;
  for (const GuestVolume& volume : options.volumes) {
    volumes.push_back({toStr(volume.host_path), toStr(volume.guest_path),
                       static_cast<std::uint8_t>(volume.read_only)});
  }
  NimbusContextConfig config{};
  config.environment = environment.data();
  config.environment_count = environment.size();
  config.arguments = arguments.data();
  config.argument_count = arguments.size();
  config.volumes = volumes.data();
  config.volume_count = volumes.size();
  config.max_memory_bytes = options.max_memory_bytes;
  config.max_table_elements = options.max_table_elements;
  config.egress_window_bytes = kEgressWindowBytes;
  config.network = options.network ? options.network->raw() : nullptr;
  config.max_handles = options.max_handles;
  config.stdio = static_cast<std::uint8_t>(options.stdio);
  config.max_lookups = options.max_lookups;
  config.lookup_timeout_ns = static_cast<std::uint64_t>(options.lookup_timeout.count());

  auto spares = std::make_shared<SpareImportCalls>(shard, options.imports);
  const NimbusHostCalls calls =
      hostCalls(new HostReference{shard, std::move(host), options.imports, spares});
  NimbusContext* raw = nimbus_context_new(&config, &calls);
  if (raw == nullptr) return failLast(ErrorCode::kInvalidArgument, "cannot make a guest context");
  return std::unique_ptr<GuestContext>(new GuestContext(raw, {std::move(spares)}));
}

Result<std::unique_ptr<GuestContext>> GuestContext::join(
    std::span<const std::unique_ptr<GuestContext>> parts) {
  std::vector<const NimbusContext*> contexts;
  std::vector<std::shared_ptr<SpareImportCalls>> spares;
  for (const auto& part : parts) {
    contexts.push_back(part->raw());
    spares.insert(spares.end(), part->spares_.begin(), part->spares_.end());
  }
  NimbusContext* raw = nimbus_context_join(contexts.data(), contexts.size());
  if (raw == nullptr) return failLast(ErrorCode::kInternal, "cannot join guest contexts");
  return std::unique_ptr<GuestContext>(new GuestContext(raw, std::move(spares)));
}

GuestContext::~GuestContext() { nimbus_context_free(raw_); }

}  // namespace nimbus::engine
