#include "capability/keyvalue/redis/redis_protocol.h"

#include <hiredis/hiredis.h>

#include <cstdlib>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "base/escape.h"

namespace nimbus::keyvalue {
namespace {

using Kind = RedisReply::Kind;

Kind kindOf(const redisReadTask& task) {
  switch (task.type) {
    case REDIS_REPLY_STATUS: return Kind::kStatus;
    case REDIS_REPLY_ERROR: return Kind::kError;
    default: return Kind::kText;
  }
}

}  // namespace

// What hiredis makes replies with. It owns the outermost one until it hands it over; the others lie
// in the lists of theirs. Null, as from an allocation that failed, ends the reading.
class RedisReader::Builder {
 public:
  static redisReplyObjectFunctions* functions() {
    static redisReplyObjectFunctions all = {
        .createString = [](const redisReadTask* task, char* text, std::size_t size) -> void* {
          RedisReply* reply = of(*task).place(*task, kindOf(*task));
          if (reply != nullptr) reply->text = Bytes::copyOf(std::string_view(text, size));
          return reply;
        },
        .createArray = [](const redisReadTask* task, int count) -> void* {
          return of(*task).placeList(*task, count);
        },
        .createInteger = [](const redisReadTask* task, long long number) -> void* {
          RedisReply* reply = of(*task).place(*task, Kind::kNumber);
          if (reply != nullptr) reply->number = number;
          return reply;
        },
        .createNil = [](const redisReadTask* task) -> void* {
          return of(*task).place(*task, Kind::kNothing);
        },
        .freeObject = [](void* reply) { delete static_cast<RedisReply*>(reply); },
    };
    return &all;
  }

  // For the reply that comes next.
  void begin(std::size_t max_elements) { elements_left_ = max_elements; }
  [[nodiscard]] bool refused() const { return refused_; }

 private:
  static Builder& of(const redisReadTask& task) { return *static_cast<Builder*>(task.privdata); }

  RedisReply* place(const redisReadTask& task, Kind kind) {
    if (task.parent == nullptr)
      return new RedisReply{.kind = kind, .number = 0, .text = {}, .list = {}};
    auto& siblings = static_cast<RedisReply*>(task.parent->obj)->list;
    RedisReply& reply = siblings[static_cast<std::size_t>(task.idx)];
    reply.kind = kind;
    return &reply;
  }

  RedisReply* placeList(const redisReadTask& task, int count) {
    const auto elements = static_cast<std::size_t>(count);
    if (count < 0 || elements > elements_left_) {
      refused_ = true;
      return nullptr;
    }
    elements_left_ -= elements;
    RedisReply* reply = place(task, Kind::kList);
    reply->list.resize(elements);
    return reply;
  }

  std::size_t elements_left_ = 0;
  bool refused_ = false;
};

void RedisReader::Free::operator()(redisReader* reader) const { redisReaderFree(reader); }

RedisReader::RedisReader()
    : builder_(std::make_unique<Builder>()),
      reader_(redisReaderCreateWithFunctions(Builder::functions())) {
  NIMBUS_CHECK(reader_ != nullptr);
  reader_->privdata = builder_.get();
}

RedisReader::~RedisReader() = default;

void RedisReader::feed(ByteView bytes) {
  current_bytes_ += bytes.size();
  // Fails only after an error, which next() has told.
  static_cast<void>(
      redisReaderFeed(reader_.get(), reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

Result<std::optional<RedisReply>> RedisReader::next(const RedisReplyLimits& limits) {
  if (reader_->reply == nullptr) builder_->begin(limits.elements);
  void* raw = nullptr;
  const bool read = redisReaderGetReply(reader_.get(), &raw) == REDIS_OK;
  const std::unique_ptr<RedisReply> reply(static_cast<RedisReply*>(raw));
  if (builder_->refused())
    return fail(ErrorCode::kProtocol,
                fmt::format("a reply of more than {} elements", limits.elements));
  if (!read)
    return fail(ErrorCode::kProtocol, fmt::format("what came is no reply of a Redis server ({})",
                                                  escaped(reader_->errstr)));
  if (reply != nullptr) {
    current_bytes_ = reader_->len - reader_->pos;
    return std::move(*reply);
  }
  if (current_bytes_ > limits.bytes)
    return fail(ErrorCode::kProtocol, fmt::format("a reply of more than {} bytes", limits.bytes));
  return std::nullopt;
}

void appendRedisCommand(std::string& out, std::span<const std::string_view> words) {
  std::vector<const char*> starts;
  std::vector<std::size_t> sizes;
  starts.reserve(words.size());
  sizes.reserve(words.size());
  for (const std::string_view word : words) {
    starts.push_back(word.data());
    sizes.push_back(word.size());
  }
  char* made = nullptr;
  const int size =
      redisFormatCommandArgv(&made, static_cast<int>(words.size()), starts.data(), sizes.data());
  NIMBUS_CHECK(size >= 0 && made != nullptr);
  out.append(made, static_cast<std::size_t>(size));
  redisFreeCommand(made);
}

}  // namespace nimbus::keyvalue
