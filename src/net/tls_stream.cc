#include "net/tls_stream.h"

#include <openssl/bio.h>
#include <openssl/err.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "net/give_way.h"

namespace nimbus::net {
namespace {

// One record of the largest size and the head of the next.
constexpr std::size_t kInputBytes = 17 * 1024;
// The most that one record carries (RFC 8446 5.1).
constexpr std::size_t kRecordBytes = 16 * 1024;
// Messages without content that may follow one another.
constexpr unsigned kMaxWithoutContent = 32;
// Calls into OpenSSL that brought no content before others have their turn: two for each change of
// keys, which is followed by one for the answer.
constexpr unsigned kWithoutContentPerTurn = 8;
// Beyond this nothing more is read until all of it is sent: a record, and answers of OpenSSL's own.
constexpr std::size_t kMaxUnsentBytes = kRecordBytes + 4 * 1024;

}  // namespace

// OpenSSL's view of the stream below.
struct TlsBio {
  static TlsStream& stream(BIO* bio) { return *static_cast<TlsStream*>(BIO_get_data(bio)); }

  static int read(BIO* bio, char* into, int size) {
    BIO_clear_retry_flags(bio);
    const int count = stream(bio).takeInput(into, size);
    if (count > 0) return count;
    BIO_set_retry_read(bio);
    return -1;
  }
  static int write(BIO* bio, const char* from, int size) {
    BIO_clear_retry_flags(bio);
    stream(bio).send(asBytes({from, static_cast<std::size_t>(size)}));
    return size;
  }
  static long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }
  static int create(BIO* bio) {
    BIO_set_init(bio, 1);
    return 1;
  }

  static const BIO_METHOD* method() {
    static const BIO_METHOD* const instance = [] {
      BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stream");
      NIMBUS_CHECK(made != nullptr);
      BIO_meth_set_read(made, read);
      BIO_meth_set_write(made, write);
      BIO_meth_set_ctrl(made, control);
      BIO_meth_set_create(made, create);
      return made;
    }();
    return instance;
  }
};

TlsStream::TlsStream(Shard& shard, SslPtr ssl, std::unique_ptr<Stream> inner,
                     std::shared_ptr<const void> keep)
    : shard_(shard),
      keep_(std::move(keep)),
      inner_(std::move(inner)),
      ssl_(std::move(ssl)),
      peer_(inner_->peer()) {
  peer_.tls = true;
  BIO* bio = BIO_new(TlsBio::method());
  NIMBUS_CHECK(bio != nullptr);
  BIO_set_data(bio, this);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_clear_mode(ssl_.get(), SSL_MODE_AUTO_RETRY);
  flushed_.set();
}

TlsStream::~TlsStream() = default;

// What OpenSSL's return value asks for. Its errors are those of this thread's queue, so each call
// is preceded by ERR_clear_error().
TlsStream::Step TlsStream::stepAfter(int result) {
  if (!output_.empty()) flushInBackground();
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_NONE: return Step::kDone;
    case SSL_ERROR_ZERO_RETURN: return Step::kEnded;
    case SSL_ERROR_WANT_READ:
      if (!starved_) return Step::kWithoutContent;
      if (!inner_ended_) return Step::kNeedsInput;
      return broke({ErrorCode::kIo, "the peer ended the connection without ending TLS"});
    default: break;
  }
  if (broken_) return Step::kFailed;
  if (!SSL_is_init_finished(ssl_.get())) return broke(handshakeError());
  return broke({ErrorCode::kProtocol, "TLS failed: " + takeOpenSslErrors()});
}

TlsStream::Step TlsStream::broke(Error error) {
  if (!broken_) broken_ = std::move(error);
  return Step::kFailed;
}

Error TlsStream::handshakeError() {
  const long verdict = SSL_get_verify_result(ssl_.get());
  const int reason = ERR_GET_REASON(ERR_peek_error());
  const std::string text = takeOpenSslErrors();
  if (verdict != X509_V_OK) {
    return {ErrorCode::kPermissionDenied, std::string("the peer's certificate is not accepted: ") +
                                              X509_verify_cert_error_string(verdict)};
  }
  if (reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE) {
    return {ErrorCode::kPermissionDenied, "the peer showed no certificate"};
  }
  return {ErrorCode::kProtocol, "the TLS handshake failed: " + text};
}

Result<void> TlsStream::usable() const {
  if (closed_) return fail(ErrorCode::kCancelled, "the connection was closed on this side");
  if (broken_) return std::unexpected(*broken_);
  return {};
}

Task<Result<void>> TlsStream::handshake() {
  for (;;) {
    CO_TRY_VOID(usable());
    ERR_clear_error();
    switch (stepAfter(SSL_do_handshake(ssl_.get()))) {
      case Step::kDone: describePeer(); co_return Result<void>{};
      case Step::kNeedsInput: CO_TRY_VOID(co_await fill()); break;
      case Step::kWithoutContent: break;
      case Step::kEnded:
        broke({ErrorCode::kProtocol, "the peer ended TLS in the handshake"});
        break;
      case Step::kFailed: break;
    }
  }
}

void TlsStream::describePeer() {
  const unsigned char* protocol = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &protocol, &size);
  if (size > 0) peer_.alpn.assign(reinterpret_cast<const char*>(protocol), size);
  const char* name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name);
  if (name != nullptr) peer_.server_name = name;
  if (SSL_is_server(ssl_.get()) == 0) return;
  const CertificatePtr certificate(SSL_get1_peer_certificate(ssl_.get()));
  if (certificate != nullptr) peer_.client_subject = subjectOf(*certificate);
}

// Gets more of the peer's bytes, or notes its end: the next call into OpenSSL decides.
Task<Result<void>> TlsStream::fill() {
  if (input_ == nullptr) input_ = std::make_unique_for_overwrite<std::uint8_t[]>(kInputBytes);
  CO_TRY(const std::size_t count, co_await inner_->read({input_.get(), kInputBytes}));
  inner_ended_ = count == 0;
  input_begin_ = 0;
  input_end_ = count;
  starved_ = false;
  co_return Result<void>{};
}

Task<void> TlsStream::handledWithoutContent() {
  const bool another = std::exchange(took_input_, false);
  if (another && ++without_content_ > kMaxWithoutContent) {
    broke({ErrorCode::kProtocol, "too many TLS messages without content"});
    co_return;
  }
  if (++without_content_turn_ >= kWithoutContentPerTurn) {
    without_content_turn_ = 0;
    co_await GiveWay(shard_);
  }
  if (output_.size() > kMaxUnsentBytes) co_await flushed_.wait();
}

Task<Result<std::size_t>> TlsStream::read(std::span<std::uint8_t> into) {
  NIMBUS_CHECK(!into.empty());
  for (;;) {
    CO_TRY_VOID(usable());
    ERR_clear_error();
    std::size_t count = 0;
    switch (stepAfter(SSL_read_ex(ssl_.get(), into.data(), into.size(), &count))) {
      case Step::kDone: without_content_ = 0; co_return count;
      case Step::kEnded: co_return std::size_t{0};
      case Step::kNeedsInput: CO_TRY_VOID(co_await fill()); break;
      case Step::kWithoutContent: co_await handledWithoutContent(); break;
      case Step::kFailed: break;
    }
  }
}

Task<Result<void>> TlsStream::readable() {
  for (;;) {
    if (closed_) co_return usable();
    if (broken_) co_return Result<void>{};  // read() tells
    ERR_clear_error();
    std::uint8_t byte = 0;
    std::size_t count = 0;
    const Step step = stepAfter(SSL_peek_ex(ssl_.get(), &byte, 1, &count));
    if (step == Step::kWithoutContent) {
      co_await handledWithoutContent();
      continue;
    }
    if (step != Step::kNeedsInput) co_return Result<void>{};
    // OpenSSL took everything: the buffer is free while nothing comes.
    input_.reset();
    CO_TRY_VOID(co_await inner_->readable());
    CO_TRY_VOID(co_await fill());
  }
}

int TlsStream::takeInput(char* into, int size) {
  const std::size_t count = std::min(input_end_ - input_begin_, static_cast<std::size_t>(size));
  if (count > 0) std::memcpy(into, input_.get() + input_begin_, count);
  input_begin_ += count;
  starved_ = count == 0;
  took_input_ |= count > 0;
  return static_cast<int>(count);
}

void TlsStream::send(ByteView bytes) {
  if (write_failed_) return;
  if (output_.empty()) {
    auto taken = inner_->tryWrite(bytes);
    if (!taken) return stopSending(std::move(taken).error());
    bytes = bytes.subspan(*taken);
  }
  if (bytes.empty()) return;
  output_.insert(output_.end(), bytes.begin(), bytes.end());
  flushed_.clear();
}

void TlsStream::stopSending(Error error) {
  write_failed_ = std::move(error);
  output_.clear();
  output_begin_ = 0;
}

Result<void> TlsStream::canWrite() const {
  TRY_VOID(usable());
  if (write_failed_) return std::unexpected(*write_failed_);
  return {};
}

Result<std::size_t> TlsStream::tryWrite(ByteView bytes) {
  TRY_VOID(usable());
  pushOutput();
  TRY_VOID(canWrite());
  std::size_t taken = 0;
  while (taken < bytes.size() && output_.empty()) {
    const ByteView record = bytes.subspan(taken, std::min(kRecordBytes, bytes.size() - taken));
    ERR_clear_error();
    std::size_t count = 0;
    const Step step = stepAfter(SSL_write_ex(ssl_.get(), record.data(), record.size(), &count));
    if (step != Step::kDone) broke({ErrorCode::kIo, "nothing more can be sent over TLS"});
    TRY_VOID(canWrite());
    taken += count;
  }
  return taken;
}

void TlsStream::pushOutput() {
  while (!output_.empty()) {
    auto taken = inner_->tryWrite(ByteView(output_).subspan(output_begin_));
    if (!taken) return stopSending(std::move(taken).error());
    if (*taken == 0) return;
    output_begin_ += *taken;
    if (output_begin_ < output_.size()) continue;
    output_ = std::vector<std::uint8_t>();
    output_begin_ = 0;
  }
}

Task<Result<void>> TlsStream::writable() {
  CO_TRY_VOID(canWrite());
  // With nothing kept back there is room for a record, whatever the transport says.
  co_await flushed_.wait();
  co_return canWrite();
}

void TlsStream::flushInBackground() {
  if (flushing_ || closed_) return;
  flushing_ = true;
  flush_.emplace(flush());
  flush_->start();
}

Task<void> TlsStream::flush() {
  while (!output_.empty()) {
    if (auto ready = co_await inner_->writable(); !ready) stopSending(std::move(ready).error());
    pushOutput();
  }
  flushing_ = false;
  // Waiters are told later: one of them may destroy the stream, and this frame with it.
  shard_.defer(*this);
}

void TlsStream::runDeferred() {
  if (output_.empty() || closed_) flushed_.set();
}

Task<Result<void>> TlsStream::shutdownWrite() {
  CO_TRY_VOID(canWrite());
  // A second call would wait for the peer's.
  if ((SSL_get_shutdown(ssl_.get()) & SSL_SENT_SHUTDOWN) == 0) {
    ERR_clear_error();
    const int result = SSL_shutdown(ssl_.get());
    // 0: ours is sent and the peer's has not come yet, which is all we want.
    if (result < 0 && stepAfter(result) == Step::kFailed) co_return usable();
  }
  if (!output_.empty()) flushInBackground();
  co_await flushed_.wait();
  CO_TRY_VOID(canWrite());
  co_return co_await inner_->shutdownWrite();
}

// No close_notify here: an aborted transfer must not look complete to the peer.
void TlsStream::close() {
  if (closed_) return;
  closed_ = true;
  inner_->close();
  shard_.defer(*this);
}

void TlsStream::reset() {
  inner_->reset();
  close();
}

}  // namespace nimbus::net
