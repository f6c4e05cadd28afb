#include "wash/output.h"

#include <cstdio>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "base/escape.h"

namespace nimbus::wash {
namespace {

void write(std::FILE* file, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), file);
  std::fflush(file);
}

}  // namespace

std::string jsonText(std::string_view text) {
  return boost::json::serialize(boost::json::string_view(text.data(), text.size()));
}

std::string resultLine(bool success, std::string_view message, const std::vector<DataField>& data) {
  std::string line = "{\"message\":" + jsonText(message) + ",\"success\":";
  line += success ? "true" : "false";
  line += ",\"data\":{";
  for (std::size_t i = 0; i < data.size(); ++i) {
    if (i > 0) line += ',';
    line += jsonText(data[i].first) + ":" + data[i].second;
  }
  line += "}}\n";
  return line;
}

void printResult(OutputFormat format, std::string_view text, const std::vector<DataField>& data) {
  if (format == OutputFormat::kJson) {
    write(stdout, resultLine(true, text, data));
    return;
  }
  write(stdout, std::string(text) + "\n");
}

int reportFailure(OutputFormat format, const Error& error) {
  if (format == OutputFormat::kJson) {
    write(stdout,
          resultLine(false, error.describe(), {{"code", jsonText(errorCodeName(error.code()))}}));
  } else {
    // What peers, guests and other programs said may be part of it.
    std::string line = "error: ";
    appendEscapedLines(line, error.describe());
    write(stderr, line + "\n");
  }
  return kExitFailed;
}

}  // namespace nimbus::wash
