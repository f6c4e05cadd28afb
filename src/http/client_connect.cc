#include "http/client_connect.h"

#include <deque>
#include <optional>
#include <utility>

#include "base/sync.h"
#include "net/socket.h"

namespace nimbus::http {
namespace {

// RFC 8305 8: recommended delay between connection attempts.
constexpr Duration kAttemptDelay = std::chrono::milliseconds(250);

// More addresses than this of one name are not tried.
constexpr std::size_t kMaxAttempts = 16;

// Several attempts at once; the first that succeeds wins. The waiting coroutine is resumed at the
// end of the turn, so that no attempt's frame is on the stack when it destroys them all.
class ConnectRace final : private net::Deferred {
 public:
  ConnectRace(net::Shard& shard, std::vector<net::Endpoint> endpoints)
      : shard_(shard), endpoints_(std::move(endpoints)), delay_(shard, [this] {
          may_start_ = true;
          shard_.defer(*this);
        }) {}

  Task<Result<std::unique_ptr<net::Stream>>> run() {
    for (;;) {
      if (winner_) co_return std::move(*winner_);
      if (next_ < endpoints_.size() && (may_start_ || running_ == 0)) startNext();
      if (running_ == 0 && next_ == endpoints_.size() && !winner_ && last_error_) {
        co_return std::unexpected(*last_error_);
      }
      changed_.clear();
      co_await changed_.wait();
    }
  }

 private:
  void startNext() {
    may_start_ = false;
    running_ += 1;
    attempts_.push_back(attempt(endpoints_[next_++]));
    attempts_.back().start();
    if (next_ < endpoints_.size()) delay_.armAfter(kAttemptDelay);
    // An attempt that ended at once has asked for the next look already.
  }

  Task<void> attempt(net::Endpoint endpoint) {
    auto stream = co_await net::connectTo(shard_, std::move(endpoint));
    running_ -= 1;
    if (!stream) {
      last_error_ = stream.error();
    } else if (!winner_) {
      winner_ = std::move(*stream);
    }
    shard_.defer(*this);
  }

  void runDeferred() override { changed_.set(); }

  net::Shard& shard_;
  std::vector<net::Endpoint> endpoints_;
  std::size_t next_ = 0;
  std::size_t running_ = 0;
  bool may_start_ = true;
  std::optional<std::unique_ptr<net::Stream>> winner_;
  std::optional<Error> last_error_;
  Event changed_;
  net::Timer delay_;
  std::deque<Task<void>> attempts_;  // destroyed first: they use the rest
};

}  // namespace

Result<std::vector<net::Endpoint>> orderAddresses(const std::vector<net::IpAddress>& addresses,
                                                  const ClientTarget& target,
                                                  const AddressCheck& check) {
  std::deque<net::Endpoint> families[2];
  std::optional<Error> refusal;
  for (const net::IpAddress& address : addresses) {
    if (check) {
      if (auto allowed = check(address, target.port); !allowed) {
        if (!refusal) refusal = allowed.error();
        continue;
      }
    }
    families[address.isV4() == addresses.front().isV4() ? 0 : 1].push_back(
        {.address = address, .port = target.port, .unix_path = {}});
  }
  std::vector<net::Endpoint> ordered;
  for (std::size_t turn = 0; !families[0].empty() || !families[1].empty(); ++turn) {
    auto& family = families[turn % 2].empty() ? families[1 - turn % 2] : families[turn % 2];
    ordered.push_back(std::move(family.front()));
    family.pop_front();
    if (ordered.size() == kMaxAttempts) break;
  }
  if (!ordered.empty()) return ordered;
  if (refusal) {
    return fail(ErrorCode::kPermissionDenied,
                "no address of \"" + target.host + "\" may be connected to", *refusal);
  }
  return fail(ErrorCode::kNotFound, "\"" + target.host + "\" has no address");
}

Task<Result<std::unique_ptr<net::Stream>>> connectToFirst(net::Shard& shard,
                                                          std::vector<net::Endpoint> endpoints) {
  ConnectRace race(shard, std::move(endpoints));
  co_return co_await race.run();
}

Task<Result<std::unique_ptr<net::Stream>>> openConnection(net::Shard& shard,
                                                          net::Resolver& resolver,
                                                          ConnectPlan plan) {
  const auto enter = [&plan](ClientStage stage) {
    if (plan.stage != nullptr) *plan.stage = stage;
  };
  enter(ClientStage::kLookUp);
  CO_TRY(const auto addresses, co_await resolver.resolve(plan.target.host));
  enter(ClientStage::kAddresses);
  CO_TRY(auto endpoints, orderAddresses(addresses, plan.target, plan.check));
  enter(ClientStage::kConnect);
  CO_TRY(auto stream, co_await connectToFirst(shard, std::move(endpoints)));
  if (!plan.tls) co_return std::move(stream);
  enter(ClientStage::kHandshake);
  auto secured =
      co_await plan.tls->connect(std::move(stream), plan.target.host, std::move(plan.alpn));
  if (!secured) {
    // Policy alone says kPermissionDenied; a certificate that is not accepted is the peer's fault.
    const bool untrusted = secured.error().code() == ErrorCode::kPermissionDenied;
    if (untrusted) enter(ClientStage::kCertificate);
    const ErrorCode code = untrusted ? ErrorCode::kProtocol : secured.error().code();
    co_return fail(code, "no TLS connection to \"" + plan.target.host + "\"", secured.error());
  }
  co_return std::move(secured);
}

}  // namespace nimbus::http
