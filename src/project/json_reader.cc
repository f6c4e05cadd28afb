#include "project/json_reader.h"

#include <algorithm>

#include <fmt/format.h>
#include <boost/json/stream_parser.hpp>

namespace nimbus::project {

Result<host::YamlNode> parseJson(std::string_view text, std::string_view file_name,
                                 const host::YamlLimits& limits) {
  if (text.size() > limits.max_bytes)
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("{}: larger than {} bytes", file_name, limits.max_bytes));
  boost::json::parse_options options;
  options.max_depth = limits.max_depth;
  boost::json::stream_parser parser({}, options);
  boost::json::error_code error;
  const std::size_t read = parser.write_some(text.data(), text.size(), error);
  if (!error && read == text.size()) parser.finish(error);
  if (error || read < text.size()) {
    const auto line = 1 + std::ranges::count(text.substr(0, read), '\n');
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}:{}: {}", file_name, line,
                            error ? error.message() : "something behind the document"));
  }
  // JSON is a part of YAML, whose reader knows the lines.
  return host::parseYaml(text, file_name, limits);
}

}  // namespace nimbus::project
