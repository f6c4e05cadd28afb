#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "wrpc/invoker.h"

namespace nimbus::wrpc {

// Subjects of the NATS dialect (docs/formats/wrpc-nats.md).

// "[<prefix>.]wrpc.0.0.1.[<instance>.]<function>". kInvalidArgument: a name that no subject can
// carry (white space, wildcards, empty parts), or too long.
[[nodiscard]] Result<std::string> invocationSubject(std::string_view prefix,
                                                    const FunctionName& name);

// Ends the reply subject of a call that carries all its parameters and knows where its results end:
// a server of ours then leaves out what tells nothing (docs/formats/wrpc-nats.md, "Brief calls").
inline constexpr std::string_view kBriefSuffix = ".brief";

// The sub-channel at a path below the root channel of a direction: "<root>.0.1".
[[nodiscard]] std::string channelSubject(const std::string& root, const IndexPath& path);

// What a subject below a base means: "<base>" itself is the handshake, "<base>.<direction>" the
// root channel (an empty path), "<base>.<direction>.0.1" a sub-channel.
struct ReceivedSubject {
  enum class Kind { kHandshake, kChannel };
  Kind kind = Kind::kHandshake;
  IndexPath path;
};
// Nothing if the subject is none of these, or the path is deeper than `max_depth`.
[[nodiscard]] std::optional<ReceivedSubject> parseReceived(std::string_view below_base,
                                                           std::string_view direction,
                                                           std::size_t max_depth);

}  // namespace nimbus::wrpc
