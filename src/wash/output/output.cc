#include "wash/output/output.h"

#include <atomic>
#include <cerrno>
#include <cstdio>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "base/escape.h"

namespace nimbus::wash {
namespace {

// Why standard output took no more, if it did not: the first error number.
std::atomic<int> output_error = 0;

bool write(std::FILE* file, std::string_view text) {
  return std::fwrite(text.data(), 1, text.size(), file) == text.size() && std::fflush(file) == 0;
}

}  // namespace

std::string jsonText(std::string_view text) {
  return boost::json::serialize(boost::json::string_view(text.data(), text.size()));
}

std::string jsonList(const std::vector<std::string>& texts) { return jsonArray(texts, jsonText); }

std::string resultLine(bool success, std::string_view message, const std::vector<DataField>& data) {
  std::string line = "{\"message\":" + jsonText(message) + ",\"success\":";
  line += success ? "true" : "false";
  line += ",\"data\":{";
  for (std::size_t i = 0; i < data.size(); ++i) {
    if (i > 0) line += ',';
    line += jsonText(data[i].first) + ":" + data[i].second;
  }
  line += "}}\n";
  return withEscapes(line);
}

void printOutput(std::string_view text) {
  errno = 0;
  if (write(stdout, text)) return;
  int none = 0;
  output_error.compare_exchange_strong(none, errno != 0 ? errno : EIO);
}

void printResult(OutputFormat format, std::string_view text, const std::vector<DataField>& data) {
  if (format == OutputFormat::kJson) {
    printOutput(resultLine(true, text, data));
    return;
  }
  printOutput(std::string(text) + "\n");
}

int reportFailure(OutputFormat format, const Error& error) {
  if (format == OutputFormat::kJson) {
    printOutput(
        resultLine(false, error.describe(), {{"code", jsonText(errorCodeName(error.code()))}}));
  } else {
    // What peers, guests and other programs said may be part of it.
    std::string line = "error: ";
    appendEscapedLines(line, error.describe());
    write(stderr, line + "\n");
  }
  return kExitFailed;
}

int finishOutput(int status) {
  const int cause = output_error;
  if (cause == 0 || cause == EPIPE) return status;
  const Error lost = failErrno("cannot write to standard output", cause).error();
  const int failed = reportFailure(OutputFormat::kText, lost);
  return status == kExitOk ? failed : status;
}

}  // namespace nimbus::wash
