#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "oci/registry.h"

// Receiving blobs.
namespace nimbus::oci {
namespace {

// Attempts are counted anew after so many bytes, so that a large blob comes through a bad line.
constexpr std::uint64_t kGoodProgressBytes = 1 << 20;
constexpr int kMaxRounds = 64;

// Where a Content-Range of a 206 begins (RFC 9110 14.4): "bytes 5-9/10".
std::optional<std::uint64_t> rangeStart(const RegistryAnswer& answer) {
  constexpr std::string_view kUnit = "bytes ";
  const std::string_view field = answer.field("content-range").value_or("");
  if (!field.starts_with(kUnit)) return std::nullopt;
  const auto parts = splitOnce(field.substr(kUnit.size()), '-');
  return parts ? parseDecimal(parts->first) : std::nullopt;
}

Attempt<void> restart(BlobSink& sink, const Watched& watched) {
  if (auto restarted = sink.restart(); !restarted) return useless(std::move(restarted).error());
  watched.at(0);
  return {};
}

}  // namespace

Task<Result<void>> Registry::fetchBlob(Descriptor blob, BlobSink* sink, Progress* progress) {
  if (blob.size > options_.max_blob_bytes) {
    co_return fail(ErrorCode::kResourceExhausted,
                   fmt::format("the artifact has a layer of {} bytes, more than the limit of {}",
                               blob.size, options_.max_blob_bytes));
  }
  const std::string what = reference_.text();
  const Watched watched(progress, Progress::Direction::kDownload, what, sink->size(), blob.size);
  for (int round = 1;; ++round) {
    const std::uint64_t before = sink->size();
    auto fetched = co_await retrying<void>(
        options_.retry, [this, blob, sink, &watched] { return tryBlob(blob, sink, &watched); });
    if (fetched || round == kMaxRounds || sink->size() < before + kGoodProgressBytes)
      co_return fetched;
  }
}

Task<Attempt<void>> Registry::tryBlob(Descriptor blob, BlobSink* sink, const Watched* watched) {
  const std::uint64_t from = sink->size();
  if (from < blob.size) {
    RegistryRequest request{"GET", requester_.urlOf("blobs/" + blob.digest.text()), {}, {}, {}};
    if (from > 0) request.headers.add("range", fmt::format("bytes={}-", from));
    auto answer = co_await requester_.send(std::move(request));
    if (!answer) co_return std::unexpected(std::move(answer).error());
    auto received = co_await receiveBlob(*std::move(answer), blob, sink, watched);
    if (!received) co_return received;
  }
  if (sink->verify()) co_return Attempt<void>();
  if (auto restarted = restart(*sink, *watched); !restarted) co_return restarted;
  Error error(ErrorCode::kProtocol,
              fmt::format("the registry {} sends bytes that have not the digest {}: they are "
                          "damaged or forged",
                          reference_.registry, blob.digest.text()));
  // It may have been the part that was there before.
  if (from > 0) co_return retryLater(std::move(error));
  co_return useless(std::move(error));
}

Task<Attempt<void>> Registry::receiveBlob(RegistryAnswer answer, Descriptor blob, BlobSink* sink,
                                          const Watched* watched) {
  const std::uint16_t status = answer.status();
  const bool goes_on = status == 206 && rangeStart(answer) == sink->size();
  if (status != 200 && status != 206 && status != 416)
    co_return std::unexpected(co_await requester_.refusal(std::move(answer)));
  if (!goes_on && sink->size() > 0) {
    if (auto restarted = restart(*sink, *watched); !restarted) co_return restarted;
  }
  if (!goes_on && status != 200) {
    co_return retryLater(Error(ErrorCode::kProtocol,
                               fmt::format("the registry {} answers {} with another part of the "
                                           "blob than was asked for",
                                           reference_.registry, status)));
  }
  http::BodyReader& body = answer.response->body();
  for (;;) {
    const auto piece = co_await body.read();
    if (!piece || !*piece) {
      if (piece && sink->size() == blob.size) co_return Attempt<void>();
      const std::string message =
          fmt::format("the transfer broke off after {} of {} bytes", sink->size(), blob.size);
      if (piece) co_return retryLater(Error(ErrorCode::kIo, message));
      co_return retryLater(Error(piece.error().code(), message, piece.error()));
    }
    if ((*piece)->size() > blob.size - sink->size()) {
      if (auto restarted = restart(*sink, *watched); !restarted) co_return restarted;
      co_return useless(Error(ErrorCode::kProtocol,
                              fmt::format("the registry {} sends more than the {} bytes that the "
                                          "manifest tells of {}",
                                          reference_.registry, blob.size, blob.digest.text())));
    }
    if (auto kept = sink->append((*piece)->view()); !kept)
      co_return useless(std::move(kept).error());
    watched->at(sink->size());
  }
}

}  // namespace nimbus::oci
