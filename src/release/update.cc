#include "release/update.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/file_lock.h"
#include "base/metrics.h"
#include "http/client.h"
#include "net/resolver.h"
#include "net/shard.h"
#include "net/shard_result.h"
#include "net/stoppable.h"
#include "net/tls.h"
#include "release/download.h"
#include "release/installation.h"

namespace nimbus::release {
namespace {

constexpr Duration kResolveTimeout = std::chrono::seconds(5);

// An HTTP client on a thread of its own.
class Network {
 public:
  // Once a stop is requested, what runs ends with kCancelled.
  static Result<std::unique_ptr<Network>> start(std::stop_token stop) {
    std::unique_ptr<Network> network(new Network(std::move(stop)));
    TRY(network->group_, net::ShardGroup::start(1));
    TRY_VOID(net::resultOn(*network->group_, 0,
                           [&](net::Shard& shard) { return network->connect(shard); }));
    return network;
  }
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;
  ~Network() {
    if (!group_) return;
    group_->runOn(0, [this](net::Shard&) {
      client_.reset();
      resolver_.reset();
    });
  }

  // Runs the task that `make` gives on the shard, to its end or to the stop.
  template <typename T>
  Result<T> run(std::move_only_function<Task<Result<T>>(DownloadEnvironment)> make) {
    return net::runUnlessStopped<T>(*group_, stop_, "download", [&](net::Shard& shard) {
      return make(DownloadEnvironment{shard, *client_});
    });
  }

 private:
  explicit Network(std::stop_token stop) : stop_(std::move(stop)) {}

  Result<void> connect(net::Shard& shard) {
    net::TlsClientOptions options;
    options.system_roots = true;
    TRY(auto tls, net::makeTlsClientContext(std::move(options)));
    TRY(resolver_, net::makeResolver(shard, kResolveTimeout));
    client_ = http::makeClient(shard, *resolver_, std::move(tls), http::ClientLimits(), metrics_);
    return {};
  }

  const std::stop_token stop_;
  MetricRegistry metrics_;
  std::unique_ptr<net::ShardGroup> group_;
  std::unique_ptr<net::Resolver> resolver_;
  std::unique_ptr<http::Client> client_;
};

// The folder of updates in the cache, held by one process at a time.
class UpdateFolder {
 public:
  static Result<UpdateFolder> open(const std::string& cache_folder) {
    const std::string path = cache_folder + "/update";
    std::error_code error;
    std::filesystem::create_directories(cache_folder, error);
    if (error) return failFile("make", cache_folder, error.value());
    TRY_VOID(ensurePrivateFolder(path));
    TRY(std::optional<UniqueFd> lock, tryLockFile(path + "/lock"));
    if (!lock) return fail(ErrorCode::kUnavailable, "another update is under way");
    return UpdateFolder(path, *std::move(lock));
  }

  // An empty file for a download; it has no name that could be found again.
  [[nodiscard]] Result<UniqueFd> makeFile() const {
    std::string name = path_ + "/download-XXXXXX";
    UniqueFd file(::mkostemp(name.data(), O_CLOEXEC));
    if (!file.valid()) return failFile("make a file in", path_, errno);
    ::unlink(name.c_str());
    return file;
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  UpdateFolder(std::string path, UniqueFd lock) : path_(std::move(path)), lock_(std::move(lock)) {}
  std::string path_;
  UniqueFd lock_;
};

Result<Candidate> find(Network& network, const oci::Url& base, const UpdateRequest& request,
                       oci::Progress* progress) {
  const oci::Url index = below(base, "releases.json");
  const oci::Watched watched(progress, oci::Progress::Direction::kDownload, index.plainText());
  TRY(const std::string text, network.run<std::string>([&index](DownloadEnvironment environment) {
    return downloadText(environment, index, kMaxIndexBytes);
  }));
  TRY(const std::vector<Release> releases, parseIndex(text));
  auto found = newestRelease(releases, request.current, request.reach, platformOfBuild());
  if (!found) {
    return fail(ErrorCode::kNotFound,
                fmt::format("{} has no release for {} that wash {} may become", base.plainText(),
                            platformOfBuild(), request.current.text()));
  }
  return *std::move(found);
}

Result<void> checkDigest(const Candidate& found, const UpdateRequest& request) {
  if (!request.digest || *request.digest == found.archive.digest) return {};
  return fail(ErrorCode::kPermissionDenied,
              fmt::format("{} of wash {} has the SHA-256 {}, and not {}, which was given",
                          found.archive.file, found.version.text(), found.archive.digest.hex(),
                          request.digest->hex()));
}

Result<UniqueFd> download(Network& network, const oci::Url& base, const ReleaseArchive& archive,
                          const UpdateFolder& folder, oci::Progress* progress) {
  TRY(UniqueFd file, folder.makeFile());
  TRY_VOID(network.run<void>([&](DownloadEnvironment environment) {
    WantedFile wanted{below(base, archive.file), archive.size, archive.digest};
    return downloadFile(environment, std::move(wanted), &file, folder.path(), progress);
  }));
  if (::lseek(file.get(), 0, SEEK_SET) != 0) return failFile("read", folder.path(), errno);
  return file;
}

}  // namespace

Result<UpdateOutcome> update(const UpdateRequest& request, ProcessRunner& runner,
                             oci::Progress* progress) {
  TRY(const oci::Url base, parseBaseUrl(request.base_url));
  TRY(const auto network, Network::start(request.stop));
  TRY(const Candidate found, find(*network, base, request, progress));
  UpdateOutcome outcome{.target = found.version, .available = found.version > request.current};
  auto installation = findInstallation(request.program, request.current);
  if (installation) outcome.install_path = installation->program;
  if (!outcome.available && !request.force) return outcome;
  TRY_VOID(checkDigest(found, request));
  if (request.dry_run) return outcome;

  if (!installation) return std::unexpected(std::move(installation).error());
  TRY(const UpdateFolder folder, UpdateFolder::open(request.cache_folder));
  TRY(const UniqueFd archive, download(*network, base, found.archive, folder, progress));
  TRY(const Staging staging, Staging::create(*installation));
  TRY_VOID(unpack(archive.get(), found.version, found.archive.platform, staging));
  TRY_VOID(tryOut(staging, found.version, runner));
  const std::string backup = folder.path() + "/wash_backup";
  TRY_VOID(backUp(*installation, backup));
  TRY_VOID(replace(*installation, staging, found.version));
  outcome.backup_path = backup;
  outcome.installed = true;
  return outcome;
}

}  // namespace nimbus::release
