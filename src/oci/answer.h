#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/task.h"
#include "http/message.h"
#include "oci/attempt.h"

namespace nimbus::oci {

// The content of a message, at most so many bytes: kResourceExhausted beyond.
[[nodiscard]] Task<Result<std::string>> readBounded(http::BodyReader& body, std::size_t max_bytes);

// What a registry says went wrong: `errors` of its JSON (distribution specification, "Error
// Codes"), as "CODE: message; …", escaped and short. Empty if the content is something else.
[[nodiscard]] std::string registryErrors(std::string_view content);

// An answer with a status that is not the one wanted, as an error that says what to do.
// `who`: who answers, such as "the registry ghcr.io"; `login`: the registry to log in to.
[[nodiscard]] Failure refusalOf(const http::ResponseHead& head, std::string_view content,
                                std::string_view who, std::string_view login);

// The same, with the content read from the answer.
[[nodiscard]] Task<Failure> readRefusal(http::ResponseHead head, http::BodyReader* body,
                                        std::string who, std::string login);

}  // namespace nimbus::oci
