#include "host/egress/outgoing_errors.h"

#include <gtest/gtest.h>

namespace nimbus::host {
namespace {

using http::ClientStage;

std::string_view codeFor(ClientStage stage, ErrorCode code) {
  return outgoingErrorCode(stage, Error(code, "why"));
}

TEST(OutgoingErrors, TellsATimeOutByWhatWasWaitedFor) {
  const auto late = [](ClientStage stage) { return codeFor(stage, ErrorCode::kDeadlineExceeded); };
  EXPECT_EQ(late(ClientStage::kQueue), "connection-timeout");
  EXPECT_EQ(late(ClientStage::kLookUp), "DNS-timeout");
  EXPECT_EQ(late(ClientStage::kConnect), "connection-timeout");
  EXPECT_EQ(late(ClientStage::kHandshake), "connection-timeout");
  EXPECT_EQ(late(ClientStage::kAnswer), "HTTP-response-timeout");
}

TEST(OutgoingErrors, TellsWhatIsMissingByHowFarItCame) {
  const auto gone = [](ClientStage stage) { return codeFor(stage, ErrorCode::kUnavailable); };
  EXPECT_EQ(gone(ClientStage::kQueue), "connection-limit-reached");
  EXPECT_EQ(gone(ClientStage::kLookUp), "DNS-error");
  EXPECT_EQ(gone(ClientStage::kConnect), "connection-refused");
  EXPECT_EQ(gone(ClientStage::kAnswer), "destination-unavailable");
}

TEST(OutgoingErrors, TellsANameThatIsNoneFromAnAddressThatIsForbidden) {
  EXPECT_EQ(codeFor(ClientStage::kLookUp, ErrorCode::kNotFound), "DNS-error");
  EXPECT_EQ(codeFor(ClientStage::kAddresses, ErrorCode::kNotFound), "DNS-error");
  EXPECT_EQ(codeFor(ClientStage::kAddresses, ErrorCode::kPermissionDenied),
            "destination-IP-prohibited");
}

TEST(OutgoingErrors, TellsACertificateFromTheRestOfTls) {
  EXPECT_EQ(codeFor(ClientStage::kCertificate, ErrorCode::kProtocol), "TLS-certificate-error");
  EXPECT_EQ(codeFor(ClientStage::kHandshake, ErrorCode::kProtocol), "TLS-protocol-error");
  EXPECT_EQ(codeFor(ClientStage::kHandshake, ErrorCode::kIo), "TLS-protocol-error");
  EXPECT_EQ(codeFor(ClientStage::kQueue, ErrorCode::kUnsupported), "configuration-error");
}

TEST(OutgoingErrors, TellsWhatIsWrongWithAnAnswer) {
  EXPECT_EQ(codeFor(ClientStage::kAnswer, ErrorCode::kProtocol), "HTTP-protocol-error");
  EXPECT_EQ(codeFor(ClientStage::kAnswer, ErrorCode::kIo), "connection-terminated");
  EXPECT_EQ(codeFor(ClientStage::kAnswer, ErrorCode::kResourceExhausted),
            "HTTP-response-header-section-size");
  EXPECT_EQ(codeFor(ClientStage::kAnswer, ErrorCode::kInternal), "internal-error");
}

TEST(OutgoingErrors, TellsWhatIsWrongWithARequest) {
  EXPECT_EQ(codeFor(ClientStage::kCheck, ErrorCode::kInvalidArgument), "HTTP-request-URI-invalid");
  EXPECT_EQ(codeFor(ClientStage::kCheck, ErrorCode::kUnsupported), "HTTP-request-method-invalid");
}

TEST(OutgoingErrors, SaysThatAnEndFromThisSideIsOne) {
  for (const auto stage : {ClientStage::kQueue, ClientStage::kConnect, ClientStage::kAnswer}) {
    EXPECT_EQ(codeFor(stage, ErrorCode::kCancelled), "connection-terminated");
  }
}

TEST(OutgoingErrors, TellsWhyContentBrokeOff) {
  const auto code = [](ErrorCode kind) { return outgoingContentErrorCode(Error(kind, "why")); };
  EXPECT_EQ(code(ErrorCode::kDeadlineExceeded), "connection-read-timeout");
  EXPECT_EQ(code(ErrorCode::kProtocol), "HTTP-response-incomplete");
  EXPECT_EQ(code(ErrorCode::kIo), "HTTP-response-incomplete");
}

}  // namespace
}  // namespace nimbus::host
