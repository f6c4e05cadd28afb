#include "host/egress/outgoing_errors.h"

namespace nimbus::host {
namespace {

using http::ClientStage;

std::string_view requestErrorCode(ErrorCode code) {
  return code == ErrorCode::kUnsupported ? "HTTP-request-method-invalid"
                                         : "HTTP-request-URI-invalid";
}

std::string_view queueErrorCode(ErrorCode code) {
  switch (code) {
    case ErrorCode::kUnavailable: return "connection-limit-reached";
    case ErrorCode::kDeadlineExceeded: return "connection-timeout";
    case ErrorCode::kUnsupported: return "configuration-error";
    default: return "internal-error";
  }
}

std::string_view connectErrorCode(ErrorCode code) {
  switch (code) {
    case ErrorCode::kDeadlineExceeded: return "connection-timeout";
    case ErrorCode::kUnavailable: return "connection-refused";
    default: return "destination-unavailable";
  }
}

std::string_view answerErrorCode(ErrorCode code) {
  switch (code) {
    case ErrorCode::kDeadlineExceeded: return "HTTP-response-timeout";
    case ErrorCode::kResourceExhausted: return "HTTP-response-header-section-size";
    case ErrorCode::kUnavailable: return "destination-unavailable";
    case ErrorCode::kIo: return "connection-terminated";
    case ErrorCode::kProtocol:
    case ErrorCode::kInvalidArgument: return "HTTP-protocol-error";  // content unlike its length
    default: return "internal-error";
  }
}

}  // namespace

std::string_view outgoingErrorCode(ClientStage stage, const Error& error) {
  const ErrorCode code = error.code();
  if (code == ErrorCode::kCancelled) return "connection-terminated";
  const bool late = code == ErrorCode::kDeadlineExceeded;
  switch (stage) {
    case ClientStage::kCheck: return requestErrorCode(code);
    case ClientStage::kQueue: return queueErrorCode(code);
    case ClientStage::kLookUp: return late ? "DNS-timeout" : "DNS-error";
    case ClientStage::kAddresses:
      return code == ErrorCode::kPermissionDenied ? "destination-IP-prohibited" : "DNS-error";
    case ClientStage::kConnect: return connectErrorCode(code);
    case ClientStage::kHandshake: return late ? "connection-timeout" : "TLS-protocol-error";
    case ClientStage::kCertificate: return "TLS-certificate-error";
    case ClientStage::kAnswer: return answerErrorCode(code);
  }
  return "internal-error";
}

std::string_view outgoingContentErrorCode(const Error& error) {
  return error.code() == ErrorCode::kDeadlineExceeded ? "connection-read-timeout"
                                                      : "HTTP-response-incomplete";
}

}  // namespace nimbus::host
