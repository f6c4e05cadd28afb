#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "capability/keyvalue/nats/nats_keyspace.h"
#include "capability/keyvalue/nats/nats_names.h"
#include "capability/keyvalue/store.h"

namespace nimbus::keyvalue {

// A bucket within the stream of its keyspace. Every call is a task: one request, or some.
class NatsBucket final : public Bucket {
 public:
  NatsBucket(std::shared_ptr<NatsKeyspace> keyspace, std::string_view name);

  Eventual<Result<std::optional<Bytes>>> get(std::string_view key) override;
  Eventual<Result<void>> set(std::string_view key, ByteView value) override;
  Eventual<Result<void>> remove(std::string_view key) override;
  // Costs what get() does.
  Eventual<Result<bool>> exists(std::string_view key) override;
  // The first page costs a reading of all keys of the bucket; see NatsListings.
  Eventual<Result<KeyPage>> listKeys(std::optional<std::uint64_t> cursor) override;
  Eventual<Result<std::uint64_t>> increment(std::string_view key, std::uint64_t delta) override;
  Eventual<Result<Values>> getMany(std::vector<std::string> keys) override;
  // Sets one after the other, some at a time; the first that fails is the last that is begun.
  Eventual<Result<void>> setMany(std::vector<Entry> entries) override;
  Eventual<Result<void>> removeMany(std::vector<std::string> keys) override;

 private:
  [[nodiscard]] Task<Result<NatsEntry>> read(std::string subject);
  [[nodiscard]] Task<Result<std::uint64_t>> write(NatsSubject subject, Bytes value,
                                                  std::optional<std::uint64_t> expected = {});
  [[nodiscard]] Task<Result<std::optional<Bytes>>> getOne(std::string subject);
  [[nodiscard]] Task<Result<void>> setOne(NatsSubject subject, Bytes value);
  [[nodiscard]] Task<Result<void>> removeOne(std::string subject);
  [[nodiscard]] Task<Result<bool>> existsOne(std::string subject);
  [[nodiscard]] Task<Result<std::uint64_t>> add(NatsSubject subject, std::uint64_t delta);
  [[nodiscard]] Task<Result<Values>> getAll(std::vector<std::string> keys);
  [[nodiscard]] Task<Result<void>> setAll(std::vector<Entry> entries);
  [[nodiscard]] Task<Result<void>> removeAll(std::vector<std::string> keys);

  const std::shared_ptr<NatsKeyspace> keyspace_;
  const NatsBucketSubjects subjects_;
};

}  // namespace nimbus::keyvalue
