#include "engine/import_calls.h"

#include "base/check.h"
#include "base/list_link.h"
#include "engine/ffi.h"
#include "engine/guest_channels.h"

namespace nimbus::engine {
namespace {

// Of one instance. The first call to wait may be as large as a guest's call can be.
constexpr std::size_t kMaxWaitingCalls = 16'384;
constexpr std::size_t kMaxWaitingBytes = 64UL << 20;

}  // namespace

class ImportCalls::Call : private ListLink<ImportCalls::Call> {
 public:
  explicit Call(ImportCalls& owner) : owner_(owner) {}
  ~Call() {
    leave();
    driver_.reset();  // cancels
    if (slot_ != nullptr) nimbus_reply_free(slot_);
  }

  // The context lives here, for as long as the call.
  const wrpc::CallContext& begin(const ImportSet::Function& function,
                                 const wrpc::Consumer& consumer, std::int64_t deadline_ns) {
    function_ = &function;
    rest();
    context_.emplace(consumer, std::nullopt, std::string_view(), function.results.get());
    if (deadline_ns != 0) context_->deadline = TimePoint(Duration(deadline_ns));
    return *context_;
  }

  // The same for parameters that are few; valid until the next begin().
  [[nodiscard]] ByteView keep(ByteView params) {
    params_.assign(params.begin(), params.end());
    return params_;
  }

  // Runs the task until it waits; its result if it does not.
  [[nodiscard]] std::optional<Result<wrpc::Values>> start(Task<Result<wrpc::Values>> waiting) {
    driver_.emplace(drive(*this, std::move(waiting)));
    driver_->start();
    return std::exchange(result_, std::nullopt);
  }

  void suspended(NimbusReplySlot* slot) { slot_ = slot; }

  // It waits.
  void join(std::size_t parameter_bytes) {
    linkAt(owner_.first_);
    parameter_bytes_ = parameter_bytes;
    ++owner_.waiting_calls_;
    owner_.waiting_bytes_ += parameter_bytes_;
  }
  void leave() {
    if (!isListed()) return;
    unlink();
    --owner_.waiting_calls_;
    owner_.waiting_bytes_ -= parameter_bytes_;
  }

  // Lets go of what a use that has ended left.
  void rest() { driver_.reset(); }

  [[nodiscard]] ImportCalls& owner() { return owner_; }

 private:
  friend ListLink<Call>;
  static Task<void> drive(Call& call, Task<Result<wrpc::Values>> waiting) {
    call.complete(co_await std::move(waiting));
  }

  void complete(Result<wrpc::Values> results) {
    if (slot_ == nullptr) {  // still within the guest's call
      result_.emplace(std::move(results));
      return;
    }
    NimbusReplySlot* slot = std::exchange(slot_, nullptr);
    NimbusImportReply reply{};
    // Not the owner's: a handler that is just called may have woken this.
    wrpc::Encoder encoded;
    encoded.become(std::move(results));
    if (owner_.answer(*function_, encoded, reply) == NIMBUS_IMPORT_DONE) {
      nimbus_reply(slot, reply.results, reply.channels);
    } else {
      nimbus_reply_error(slot, reply.error);
    }
    owner_.ended(*this);
  }

  ImportCalls& owner_;
  const ImportSet::Function* function_ = nullptr;
  std::optional<wrpc::CallContext> context_;
  std::vector<std::uint8_t> params_;
  std::optional<Result<wrpc::Values>> result_;
  std::optional<Task<void>> driver_;
  NimbusReplySlot* slot_ = nullptr;
  std::size_t parameter_bytes_ = 0;
};

ImportCalls::ImportCalls(net::Shard& shard, std::shared_ptr<const ImportSet> imports,
                         std::weak_ptr<SpareImportCalls> home)
    : shard_(shard), imports_(std::move(imports)), home_(std::move(home)) {
  if (imports_) sessions_.resize(imports_->providers().size());
}

ImportCalls::~ImportCalls() {
  while (first_ != nullptr) delete first_;
}

wrpc::Session& ImportCalls::session(std::size_t provider) {
  std::unique_ptr<wrpc::Session>& session = sessions_[provider];
  if (!session) {
    const ImportSet::Provider& from = imports_->providers()[provider];
    session = from.invoker->open(shard_, from.consumer);
  }
  return *session;
}

std::unique_ptr<ImportCalls::Call> ImportCalls::takeSpare() {
  return spare_ ? std::move(spare_) : std::make_unique<Call>(*this);
}

NimbusImportStatus ImportCalls::refuse(std::string message, NimbusImportReply& reply) {
  last_error_ = std::move(message);
  reply.error = toStr(last_error_);
  return NIMBUS_IMPORT_FAILED;
}

bool ImportCalls::mayWait(std::size_t parameter_bytes) const {
  if (waiting_calls_ == 0) return true;
  return waiting_calls_ < kMaxWaitingCalls && waiting_bytes_ + parameter_bytes <= kMaxWaitingBytes;
}

NimbusImportStatus ImportCalls::answer(const ImportSet::Function& function, wrpc::Encoder& encoded,
                                       NimbusImportReply& reply) {
  if (const auto few = encoded.few()) [[likely]] {
    last_.show(*few, reply.results);
    reply.channels = {};
    return NIMBUS_IMPORT_DONE;
  }
  auto results = std::move(encoded).finish();
  if (!results) {
    encoded.clear();  // what it had got so far
    return refuse("the import " + function.name + " failed: " + results.error().describe(), reply);
  }
  last_.hand(std::move(results->bytes), reply.results);
  reply.channels = lendChannels(*std::move(results));
  return NIMBUS_IMPORT_DONE;
}

// Those that are few are read where they lie; what is large or has channels changes hands.
std::optional<Task<Result<wrpc::Values>>> ImportCalls::begin(Call& call,
                                                             const ImportSet::Function& function,
                                                             const NimbusOwnedBytes& params,
                                                             std::int64_t deadline_ns) {
  const wrpc::Consumer& consumer = *imports_->providers()[function.provider].consumer;
  const wrpc::CallContext& context = call.begin(function, consumer, deadline_ns);
  wrpc::Session& called = session(function.provider);
  results_.clear();
  if (params.release == nullptr && announced_.empty()) [[likely]]
    return called.invokeInto(context, function.id, call.keep({params.data, params.size}), results_);
  wrpc::Values values;
  appendOwned(values.bytes, params);
  values.channels.swap(announced_);
  auto returned = called.invoke(context, function.id, std::move(values));
  if (!returned.ready()) return std::move(returned).intoTask();
  results_.become(returned.take());
  return std::nullopt;
}

NimbusImportStatus ImportCalls::call(std::uint32_t index, const NimbusOwnedBytes& params,
                                     std::int64_t deadline_ns, NimbusImportReply& reply) {
  const ImportSet::Function* function = imports_ ? imports_->function(index) : nullptr;
  if (function == nullptr) {
    giveUp(params);
    return refuse("nothing provides what the component imports", reply);
  }
  if (!mayWait(params.size)) {
    giveUp(params);
    return refuse("the import " + function->name + " failed: too many calls wait for an answer",
                  reply);
  }
  std::unique_ptr<Call> call = takeSpare();
  if (auto waiting = begin(*call, *function, params, deadline_ns)) {
    auto result = call->start(*std::move(waiting));
    if (!result) {
      call->join(params.size);
      reply.call = call.release();
      return NIMBUS_IMPORT_PENDING;
    }
    results_.become(*std::move(result));
  }
  // Another may have ended meanwhile, and be the spare one.
  if (!spare_) spare_ = std::move(call);
  return answer(*function, results_, reply);
}

// Releases parameters that nobody is given.
void ImportCalls::giveUp(const NimbusOwnedBytes& params) {
  ByteChain unused;
  appendOwned(unused, params);
  announced_.clear();
}

void ImportCalls::ended(Call& call) {
  // Its task is still running: it goes when the next call needs the object, or another has ended.
  call.leave();
  spare_.reset(&call);
}

void ImportCalls::announce(const NimbusOutgoing* channels, std::size_t count) {
  announced_ = channelsOf(shard_, channels, count, nullptr);
}

void ImportCalls::dropResource(std::uint32_t import_index, ByteView handle) {
  if (!imports_) return;
  const std::size_t provider = imports_->providerOf(import_index);
  if (provider != ImportSet::kNoProvider) session(provider).drop(handle);
}

bool ImportCalls::renew() {
  if (waiting_calls_ > 0) return false;
  for (const auto& session : sessions_)
    if (session && !session->renew()) return false;
  if (spare_) spare_->rest();
  announced_.clear();
  results_.clear();
  last_ = {};
  last_error_.clear();
  return true;
}

void ImportCalls::suspended(Call& call, NimbusReplySlot* slot) { call.suspended(slot); }

void ImportCalls::cancel(Call& call) { delete &call; }

void setImportCalls(NimbusHostCalls& calls) {
  calls.import_call = [](void* imports, std::uint32_t function, NimbusOwnedBytes params,
                         std::int64_t deadline_ns, NimbusImportReply* reply) -> std::int32_t {
    return static_cast<ImportCalls*>(imports)->call(function, params, deadline_ns, *reply);
  };
  calls.import_suspended = [](void* call, NimbusReplySlot* slot) {
    ImportCalls::suspended(*static_cast<ImportCalls::Call*>(call), slot);
  };
  calls.import_cancel = [](void* call) {
    ImportCalls::cancel(*static_cast<ImportCalls::Call*>(call));
  };
  calls.import_drop = [](void* imports, std::uint32_t import_index, NimbusStr handle) {
    static_cast<ImportCalls*>(imports)->dropResource(import_index, {handle.data, handle.size});
  };
  calls.import_channels = [](void* imports, const NimbusOutgoing* channels, std::size_t count) {
    static_cast<ImportCalls*>(imports)->announce(channels, count);
  };
}

}  // namespace nimbus::engine
