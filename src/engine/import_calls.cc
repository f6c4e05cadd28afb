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
  [[nodiscard]] Eventual<Result<wrpc::Values>> begin(wrpc::Session& session,
                                                     const ImportSet::Function& function,
                                                     const wrpc::Consumer& consumer,
                                                     std::int64_t deadline_ns,
                                                     wrpc::Values&& params) {
    function_ = &function;
    driver_.reset();  // of the last use
    result_.reset();
    context_.emplace(consumer, std::nullopt, std::string_view(), function.results.get());
    if (deadline_ns != 0) context_->deadline = TimePoint(Duration(deadline_ns));
    return session.invoke(*context_, function.id, std::move(params));
  }

  // Runs the task until it waits; its result if it does not.
  [[nodiscard]] std::optional<Result<wrpc::Values>> start(Eventual<Result<wrpc::Values>> waiting) {
    driver_.emplace(drive(*this, std::move(waiting)));
    driver_->start();
    return std::move(result_);
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

  [[nodiscard]] ImportCalls& owner() { return owner_; }

 private:
  friend ListLink<Call>;
  static Task<void> drive(Call& call, Eventual<Result<wrpc::Values>> waiting) {
    call.complete(co_await std::move(waiting));
  }

  void complete(Result<wrpc::Values> results) {
    if (slot_ == nullptr) {  // still within the guest's call
      result_.emplace(std::move(results));
      return;
    }
    NimbusReplySlot* slot = std::exchange(slot_, nullptr);
    NimbusImportReply reply{};
    if (owner_.answer(std::move(results), *function_, reply) == NIMBUS_IMPORT_DONE) {
      nimbus_reply(slot, reply.results, reply.channels);
    } else {
      nimbus_reply_error(slot, reply.error);
    }
    owner_.ended(*this);
  }

  ImportCalls& owner_;
  const ImportSet::Function* function_ = nullptr;
  std::optional<wrpc::CallContext> context_;
  std::optional<Result<wrpc::Values>> result_;
  std::optional<Task<void>> driver_;
  NimbusReplySlot* slot_ = nullptr;
  std::size_t parameter_bytes_ = 0;
};

ImportCalls::ImportCalls(net::Shard& shard, std::shared_ptr<const ImportSet> imports)
    : shard_(shard), imports_(std::move(imports)) {
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

std::unique_ptr<ImportCalls::Call> ImportCalls::newCall() {
  if (spare_) return std::move(spare_);
  return std::make_unique<Call>(*this);
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

NimbusImportStatus ImportCalls::answer(Result<wrpc::Values>&& results,
                                       const ImportSet::Function& function,
                                       NimbusImportReply& reply) {
  if (!results) {
    return refuse("the import " + function.name + " failed: " + results.error().describe(), reply);
  }
  last_.hand(std::move(results->bytes), reply.results);
  reply.channels = lendChannels(*std::move(results));
  return NIMBUS_IMPORT_DONE;
}

NimbusImportStatus ImportCalls::call(std::uint32_t index, NimbusOwnedBytes params,
                                     std::int64_t deadline_ns, NimbusImportReply& reply) {
  wrpc::Values values;
  appendOwned(values.bytes, params);
  values.channels.swap(announced_);
  const ImportSet::Function* function = imports_ ? imports_->function(index) : nullptr;
  if (function == nullptr) return refuse("nothing provides what the component imports", reply);
  const std::size_t parameter_bytes = values.bytes.size();
  if (!mayWait(parameter_bytes)) {
    return refuse("the import " + function->name + " failed: too many calls wait for an answer",
                  reply);
  }
  const wrpc::Consumer& consumer = *imports_->providers()[function->provider].consumer;
  std::unique_ptr<Call> call = newCall();
  auto eventual =
      call->begin(session(function->provider), *function, consumer, deadline_ns, std::move(values));
  if (eventual.ready()) {
    spare_ = std::move(call);
    return answer(eventual.take(), *function, reply);
  }
  if (auto result = call->start(std::move(eventual))) {
    spare_ = std::move(call);
    return answer(*std::move(result), *function, reply);
  }
  call->join(parameter_bytes);
  reply.call = call.release();
  return NIMBUS_IMPORT_PENDING;
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
  calls.imports_close = [](void* imports) { delete static_cast<ImportCalls*>(imports); };
}

}  // namespace nimbus::engine
