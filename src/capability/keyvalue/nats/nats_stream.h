#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "base/task.h"
#include "capability/keyvalue/nats/nats_answers.h"
#include "capability/keyvalue/nats/nats_names.h"
#include "capability/keyvalue/nats/nats_requests.h"

namespace nimbus::keyvalue {

// Who answers a read.
enum class NatsReads {
  kDirect,  // any server with a copy, as bytes: right where there is one copy
  kLeader   // the stream's leader, in JSON
};

// A stream by its name: the requests of JetStream's API that concern it. Any shard; outlives its
// calls. Errors: those of NatsRequests::ask() and of nats_answers.h; kNotFound: there is no such
// stream, or no JetStream.
class NatsStream {
 public:
  NatsStream(std::shared_ptr<NatsRequests> requests, std::string name)
      : requests_(std::move(requests)), name_(std::move(name)) {}

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] NatsRequests& requests() const { return *requests_; }

  [[nodiscard]] Task<Result<NatsStreamInfo>> info() const;
  // Of those that the filter lets through, some in their order, after so many.
  [[nodiscard]] Task<Result<NatsSubjects>> subjects(std::string filter, std::uint64_t after) const;
  // The same stream made again is no error; another one of that name is kAlreadyExists.
  [[nodiscard]] Task<Result<NatsStreamInfo>> create(std::string config) const;
  [[nodiscard]] Task<Result<NatsStreamInfo>> update(std::string config) const;

  [[nodiscard]] Task<Result<NatsEntry>> get(NatsReads reads, std::string subject) const;
  // Returns its sequence. With `expected`, only if the last message there has that sequence (0:
  // there is none), else kAlreadyExists.
  [[nodiscard]] Task<Result<std::uint64_t>> put(NatsSubject subject, Bytes value,
                                                std::optional<std::uint64_t> expected = {}) const;
  // All that lies at the subject.
  [[nodiscard]] Task<Result<void>> purge(std::string subject) const;

  // For listing: a consumer of the headers of the last message at each subject of the filter, which
  // the server forgets after some time without a request.
  [[nodiscard]] Task<Result<std::string>> createConsumer(std::string filter) const;
  // Where to ask a consumer for messages, and for its end.
  [[nodiscard]] std::string nextSubject(const std::string& consumer) const;
  [[nodiscard]] std::string deletionSubject(const std::string& consumer) const;

 private:
  [[nodiscard]] Task<Result<nats::Message>> call(std::string_view operation,
                                                 std::string payload) const;

  const std::shared_ptr<NatsRequests> requests_;
  const std::string name_;
};

}  // namespace nimbus::keyvalue
