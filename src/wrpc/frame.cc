#include "wrpc/frame.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/check.h"

namespace nimbus::wrpc {

Result<bool> HeaderParser::parse(ByteView& input) {
  while (state_ != State::kDone && !input.empty()) {
    if (state_ == State::kInstance || state_ == State::kFunction) {
      const std::size_t count = std::min(missing_, input.size());
      std::string& name = state_ == State::kInstance ? header_.instance : header_.function;
      name += asText(input.first(count));
      input = input.subspan(count);
      missing_ -= count;
      if (missing_ == 0)
        state_ = state_ == State::kInstance ? State::kFunctionLength : State::kDone;
    } else {
      TRY_VOID(parseByte(input.front()));
      input = input.subspan(1);
    }
  }
  return state_ == State::kDone;
}

Result<void> HeaderParser::parseByte(std::uint8_t byte) {
  if (state_ != State::kVersion) return parseLength(byte);
  if (byte != kFramedVersion) {
    return fail(
        ErrorCode::kProtocol,
        fmt::format("version byte {:#04x}; only {:#04x} is spoken here", byte, kFramedVersion));
  }
  state_ = State::kInstanceLength;
  return {};
}

Result<void> HeaderParser::parseLength(std::uint8_t byte) {
  const bool of_instance = state_ == State::kInstanceLength;
  const LebState read = length_.push(byte);
  if (read == LebState::kMore) return {};
  if (read == LebState::kWrong || length_.value() > kMaxNameBytes) {
    return fail(ErrorCode::kProtocol,
                fmt::format("the name of the {} is longer than {} bytes",
                            of_instance ? "instance" : "function", kMaxNameBytes));
  }
  missing_ = length_.value();
  length_.reset();
  if (missing_ > 0) {
    state_ = of_instance ? State::kInstance : State::kFunction;
  } else {
    state_ = of_instance ? State::kFunctionLength : State::kDone;
  }
  return {};
}

Result<std::optional<FrameParser::Part>> FrameParser::next(ByteView& input) {
  while (!input.empty()) {
    if (state_ == State::kData) {
      const ByteView data = input.first(std::min(missing_, input.size()));
      input = input.subspan(data.size());
      missing_ -= data.size();
      if (missing_ == 0) state_ = State::kDepth;
      return Part{path_, data, missing_ == 0};
    }
    const std::uint8_t byte = input.front();
    input = input.subspan(1);
    TRY(const bool at_data, parseHead(byte));
    if (at_data && missing_ == 0) {
      state_ = State::kDepth;
      return Part{path_, {}, true};
    }
  }
  return std::nullopt;
}

Result<bool> FrameParser::parseHead(std::uint8_t byte) {
  const LebState read = number_.push(byte);
  if (read == LebState::kMore) return false;
  if (read == LebState::kWrong) {
    return fail(ErrorCode::kProtocol, "a number in a frame's head does not fit 32 bits");
  }
  const auto number = static_cast<std::uint32_t>(number_.value());
  number_.reset();
  switch (state_) {
    case State::kDepth:
      if (number > kMaxFramePathDepth) {
        return fail(ErrorCode::kProtocol, fmt::format("a frame's path has {} steps, at most {}",
                                                      number, kMaxFramePathDepth));
      }
      path_.clear();
      depth_ = number;
      state_ = depth_ > 0 ? State::kPath : State::kLength;
      return false;
    case State::kPath:
      path_.push_back(number);
      if (path_.size() == depth_) state_ = State::kLength;
      return false;
    case State::kLength:
      missing_ = number;
      state_ = State::kData;
      return true;
    case State::kData: break;
  }
  NIMBUS_CHECK(!"a frame's data has no head");
}

FrameHead::FrameHead(const IndexPath& path, std::uint32_t data_bytes) {
  NIMBUS_CHECK_OP(path.size(), <=, kMaxFramePathDepth);
  append(static_cast<std::uint32_t>(path.size()));
  for (const std::uint32_t step : path) append(step);
  append(data_bytes);
}

std::vector<std::uint8_t> encodeHeader(const FunctionName& name) {
  std::vector<std::uint8_t> header{kFramedVersion};
  for (const std::string_view text : {name.instance, name.function}) {
    std::array<std::uint8_t, kMaxLebBytes> length;
    header.insert(
        header.end(), length.begin(),
        length.begin() + static_cast<std::ptrdiff_t>(writeUleb(text.size(), length.data())));
    header.insert(header.end(), text.begin(), text.end());
  }
  return header;
}

}  // namespace nimbus::wrpc
