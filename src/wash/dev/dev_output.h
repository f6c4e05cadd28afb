#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/log.h"
#include "dev/dev_event.h"
#include "http/access_log.h"
#include "wash/output/line_printer.h"
#include "wash/output/output.h"
#include "wash/terminal/status_line.h"

// What `wash dev` prints. As text: what happens and what guests write to their standard output on
// standard output, problems, logs and the rest on standard error. As JSON: an object a line on
// standard output for each event, each of them with `data.event`. What takes long is shown on
// standard error either way.
namespace nimbus::wash {

// The events of a session.
class DevEventPrinter final : public dev::DevReporter {
 public:
  // `status` stands below `lines`.
  DevEventPrinter(LinePrinter& lines, StatusLine& status, OutputFormat format)
      : lines_(lines), status_(status), format_(format) {}

  void report(const dev::DevEvent& event) override;
  void begin(dev::DevWork work, std::string_view names) override;
  void end() override { status_.end(work_); }
  // The address is known from the start, and told with the first generation.
  void serveAt(std::string address, std::optional<std::string> url);

 private:
  void printText(const dev::DevEvent& event);
  void printJson(const dev::DevEvent& event);

  LinePrinter& lines_;
  StatusLine& status_;
  StatusLine::Id work_ = 0;  // that goes on
  const OutputFormat format_;
  std::string address_;
  std::optional<std::string> url_;
};

// A log that prints what guests write under the component's name, and passes on everything else.
class DevLogger final : public Logger {
 public:
  DevLogger(LinePrinter& lines, OutputFormat format, Logger& rest)
      : lines_(lines), format_(format), rest_(rest) {}

  // Guests are heard whatever the level of the log is.
  [[nodiscard]] bool enabled(LogLevel level) const override {
    return level >= LogLevel::kInfo || rest_.enabled(level);
  }
  void write(LogLevel level, std::string_view message,
             std::initializer_list<LogField> fields) override;

 private:
  void printGuest(std::string_view component, std::string_view stream, std::string_view level,
                  std::string_view message);

  LinePrinter& lines_;
  const OutputFormat format_;
  Logger& rest_;
};

// One line for each request: method, path, status, time.
class DevRequestPrinter final : public http::AccessLog {
 public:
  DevRequestPrinter(LinePrinter& lines, OutputFormat format) : lines_(lines), format_(format) {}

  void record(const http::AccessRecord& record) override;
  void flush() override {}
  [[nodiscard]] Result<void> reopen() override { return {}; }

 private:
  LinePrinter& lines_;
  const OutputFormat format_;
};

}  // namespace nimbus::wash
