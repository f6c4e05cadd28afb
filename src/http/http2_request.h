#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/message.h"
#include "http/server.h"

namespace nimbus::http {

// Collects the fields of one HTTP/2 request head and judges them. nghttp2 has already refused what
// RFC 9113 8 calls malformed (order and presence of pseudo-header fields, upper case,
// connection-specific fields, `te` other than trailers, characters in names and values); here are
// the limits, and the rules that HTTP/1 has too.
class Http2RequestBuilder {
 public:
  explicit Http2RequestBuilder(const ServerLimits& limits) : limits_(&limits) {}

  // False when so much has come that the peer should be got rid of, not only answered.
  [[nodiscard]] bool add(std::string_view name, std::string_view value);

  // Completes the head. Nothing if it can be served; else the status to answer with.
  [[nodiscard]] std::optional<std::uint16_t> finish(bool tls);

  [[nodiscard]] RequestHead& head() { return head_; }
  // Once they were taken, or nobody will.
  void forgetFields() {
    head_.headers = {};
    cookies_ = {};
  }
  [[nodiscard]] bool expectsContinue() const { return expects_continue_; }
  [[nodiscard]] std::optional<std::uint64_t> contentLength() const { return content_length_; }

 private:
  void addPseudo(std::string_view name, std::string_view value);
  void addRegular(std::string_view name, std::string_view value);
  [[nodiscard]] bool authorityAgrees();
  [[nodiscard]] bool targetValid() const;

  const ServerLimits* limits_;
  RequestHead head_;
  std::string scheme_;
  std::optional<std::string> host_;
  std::string cookies_;
  std::optional<std::uint64_t> content_length_;
  std::size_t head_bytes_ = 0;  // as SETTINGS_MAX_HEADER_LIST_SIZE counts
  std::size_t field_count_ = 0;
  bool too_large_ = false;
  bool conflicting_ = false;
  bool expects_continue_ = false;
  bool unknown_expectation_ = false;
};

}  // namespace nimbus::http
