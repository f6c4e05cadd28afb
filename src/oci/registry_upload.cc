#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "oci/registry.h"

// Sending blobs (distribution specification, "Pushing blobs").
namespace nimbus::oci {

// An upload across its attempts.
struct Registry::Upload {
  Descriptor blob;
  Bytes content;
  const Watched& watched;
  std::optional<Url> session;  // where the registry takes the next piece
  std::uint64_t sent = 0;      // bytes that it has

  [[nodiscard]] std::function<void(std::uint64_t)> sender() const {
    return [&watched = watched, before = sent](std::uint64_t bytes) { watched.at(before + bytes); };
  }
  // Takes over where the next piece goes.
  [[nodiscard]] Attempt<void> follow(const RegistryAnswer& answer, const std::string& registry) {
    const auto location = answer.field("location");
    auto next = location ? answer.url.resolve(*location) : std::nullopt;
    // The registry may keep uploads elsewhere, but not where they could be listened to.
    const bool downgrade =
        next && next->scheme == http::Scheme::kHttp && answer.url.scheme == http::Scheme::kHttps;
    if (!next || downgrade) {
      return useless(
          Error(ErrorCode::kProtocol,
                fmt::format("the registry {} does not say where the upload goes on", registry)));
    }
    session = *std::move(next);
    return {};
  }
};

namespace {

// "0-99": of a registry that has a hundred bytes.
std::optional<std::uint64_t> endOfRange(const RegistryAnswer& answer) {
  const auto parts = splitOnce(answer.field("range").value_or(""), '-');
  if (!parts || parts->first != "0") return std::nullopt;
  const auto last = parseDecimal(parts->second);
  return last ? std::optional(*last + 1) : std::nullopt;
}

}  // namespace

Task<Result<bool>> Registry::pushBlob(Descriptor blob, Bytes content, Progress* progress) {
  CO_TRY(const bool there, co_await hasBlob(blob.digest));
  if (there) co_return false;
  const std::string what = reference_.text();
  const Watched watched(progress, Progress::Direction::kUpload, what, 0, blob.size);
  Upload upload{std::move(blob), std::move(content), watched, {}, 0};
  CO_TRY_VOID(
      co_await retrying<void>(options_.retry, [this, &upload] { return tryUpload(&upload); }));
  co_return true;
}

Task<Attempt<void>> Registry::tryUpload(Upload* upload) {
  const std::uint64_t size = upload->content.size();
  if (upload->session) co_await findUploaded(upload);
  if (!upload->session) {
    auto begun = co_await beginUpload(upload);
    if (!begun) co_return begun;
  }
  if (size <= options_.upload_piece_bytes) co_return co_await finishUpload(upload, upload->content);
  while (upload->sent < size) {
    const std::uint64_t count = std::min(options_.upload_piece_bytes, size - upload->sent);
    auto sent = co_await sendPiece(upload, count);
    if (!sent) co_return sent;
  }
  co_return co_await finishUpload(upload, Bytes());
}

Task<Attempt<void>> Registry::beginUpload(Upload* upload) {
  upload->sent = 0;
  upload->watched.at(0);
  auto answer =
      co_await requester_.send({"POST", requester_.urlOf("blobs/uploads/"), {}, Bytes(), {}});
  if (!answer) co_return std::unexpected(std::move(answer).error());
  if (answer->status() != 202)
    co_return std::unexpected(co_await requester_.refusal(*std::move(answer)));
  co_return upload->follow(*answer, reference_.registry);
}

// After a failure: how much of a session has arrived, or that there is none any more.
Task<void> Registry::findUploaded(Upload* upload) {
  const Url session = *std::exchange(upload->session, std::nullopt);
  if (upload->content.size() <= options_.upload_piece_bytes) co_return;
  auto answer = co_await requester_.send({"GET", session, {}, {}, {}});
  if (!answer || answer->status() != 204) co_return;
  const auto end = endOfRange(*answer);
  if (!end || *end > upload->content.size()) co_return;
  upload->sent = *end;
  if (!upload->follow(*answer, reference_.registry)) upload->session = session;
}

Task<Attempt<void>> Registry::sendPiece(Upload* upload, std::uint64_t bytes) {
  RegistryRequest request{
      "PATCH", *upload->session, {}, upload->content.slice(upload->sent, bytes), upload->sender()};
  request.headers.add("content-type", "application/octet-stream");
  request.headers.add("content-range",
                      fmt::format("{}-{}", upload->sent, upload->sent + bytes - 1));
  auto answer = co_await requester_.send(std::move(request));
  if (!answer) co_return std::unexpected(std::move(answer).error());
  if (answer->status() != 202)
    co_return std::unexpected(co_await requester_.refusal(*std::move(answer)));
  upload->sent += bytes;
  co_return upload->follow(*answer, reference_.registry);
}

Task<Attempt<void>> Registry::finishUpload(Upload* upload, Bytes rest) {
  RegistryRequest request{"PUT",
                          upload->session->with("digest", upload->blob.digest.text()),
                          {},
                          std::move(rest),
                          upload->sender()};
  request.headers.add("content-type", "application/octet-stream");
  auto answer = co_await requester_.send(std::move(request));
  if (!answer) co_return std::unexpected(std::move(answer).error());
  if (answer->status() != 201)
    co_return std::unexpected(co_await requester_.refusal(*std::move(answer)));
  co_return Attempt<void>();
}

}  // namespace nimbus::oci
