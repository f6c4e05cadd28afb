#include "base/log.h"

#include <unistd.h>

#include <string>
#include <utility>

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>

#include "base/escape.h"
#include "base/output_queue.h"

namespace nimbus {
namespace {

// Text or JSON, the payload comes ready; `%*` is the level's name in capitals.
constexpr const char* kTextPattern = "%Y-%m-%dT%H:%M:%S.%eZ %* %v";
constexpr const char* kJsonPattern = R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})";

spdlog::level::level_enum toSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kTrace: return spdlog::level::trace;
    case LogLevel::kDebug: return spdlog::level::debug;
    case LogLevel::kInfo: return spdlog::level::info;
    case LogLevel::kWarn: return spdlog::level::warn;
    case LogLevel::kError: return spdlog::level::err;
    case LogLevel::kOff: return spdlog::level::off;
  }
  return spdlog::level::off;
}

std::string_view paddedName(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::trace: return "TRACE";
    case spdlog::level::debug: return "DEBUG";
    case spdlog::level::info: return "INFO ";
    case spdlog::level::warn: return "WARN ";
    default: return "ERROR";
  }
}

class LevelFlag final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& record, const std::tm&,
              spdlog::memory_buf_t& out) override {
    const std::string_view name = paddedName(record.level);
    out.append(name.data(), name.data() + name.size());
  }
  [[nodiscard]] std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<LevelFlag>();
  }
};

std::unique_ptr<spdlog::formatter> makeFormatter(LogFormat format) {
  auto formatter =
      std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc, "\n");
  formatter->add_flag<LevelFlag>('*').set_pattern(format == LogFormat::kText ? kTextPattern
                                                                             : kJsonPattern);
  return formatter;
}

void appendFields(std::string& out, LogFormat format, std::initializer_list<LogField> fields) {
  for (const LogField& field : fields) {
    if (format == LogFormat::kText) {
      out += ' ';
      appendWord(out, field.key);
      out += '=';
      appendWord(out, field.value);
    } else {
      out += ',';
      appendJsonString(out, field.key);
      out += ':';
      appendJsonString(out, field.value);
    }
  }
}

// A guest's line is a message, too: whether something in it could be taken for one of the fields
// that follow, a word and "=", or the fields for a part of it, as after a quotation mark.
bool needsQuotes(std::string_view message) {
  if (message.starts_with('"')) return true;
  constexpr std::string_view kOfKeys =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  for (std::size_t equals = message.find('='); equals != std::string_view::npos;
       equals = message.find('=', equals + 1)) {
    const std::string_view before = message.substr(0, equals);
    const std::size_t key = before.find_last_not_of(kOfKeys) + 1;  // 0 if all are
    if (key < equals && (key == 0 || message[key - 1] == ' ')) return true;
  }
  return false;
}

std::string payloadOf(LogFormat format, std::string_view message,
                      std::initializer_list<LogField> fields) {
  std::string payload;
  if (format == LogFormat::kText) {
    if (needsQuotes(message)) {
      appendWord(payload, message);
    } else {
      appendEscaped(payload, message);
    }
  } else {
    payload = "\"message\":";
    appendJsonString(payload, message);
  }
  appendFields(payload, format, fields);
  return payload;
}

// Writes whole records, through a queue: the log must not stop the process.
class DescriptorSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  DescriptorSink(int descriptor, LogFormat format, const Clock& clock)
      : base_sink(makeFormatter(format)),
        format_(format),
        clock_(clock),
        queue_(descriptor, {.about_lost = [this](std::uint64_t lost) { return aboutLost(lost); }}) {
  }

 private:
  void sink_it_(const spdlog::details::log_msg& record) override {
    line_.clear();
    formatter_->format(record, line_);
    queue_.write({line_.data(), line_.size()});  // a log that is refused has no place to say so
  }
  void flush_() override {}

  std::string aboutLost(std::uint64_t lost) {
    const std::string payload = payloadOf(format_, "records of this log were lost: nobody read it",
                                          {{"records", std::to_string(lost)}});
    spdlog::memory_buf_t line;
    loss_formatter_->format({clock_.wallNow(), {}, {}, spdlog::level::warn, payload}, line);
    return {line.data(), line.size()};
  }

  const LogFormat format_;
  const Clock& clock_;
  const std::unique_ptr<spdlog::formatter> loss_formatter_ = makeFormatter(format_);
  spdlog::memory_buf_t line_;
  OutputQueue queue_;
};

class FunctionSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  FunctionSink(std::function<void(std::string_view)> write, LogFormat format)
      : base_sink(makeFormatter(format)), write_(std::move(write)) {}

 private:
  void sink_it_(const spdlog::details::log_msg& record) override {
    line_.clear();
    formatter_->format(record, line_);
    write_({line_.data(), line_.size()});
  }
  void flush_() override {}

  const std::function<void(std::string_view)> write_;
  spdlog::memory_buf_t line_;
};

class SpdlogLogger final : public Logger {
 public:
  SpdlogLogger(spdlog::sink_ptr sink, LogLevel level, LogFormat format, const Clock& clock)
      : level_(level), format_(format), clock_(clock), logger_("nimbus", std::move(sink)) {
    logger_.set_level(toSpdlog(level));
  }

  [[nodiscard]] bool enabled(LogLevel level) const override {
    return level >= level_ && level != LogLevel::kOff;
  }

  void write(LogLevel level, std::string_view message,
             std::initializer_list<LogField> fields) override {
    const std::string payload = payloadOf(format_, message, fields);
    logger_.log(clock_.wallNow(), spdlog::source_loc{}, toSpdlog(level), payload);
  }

 private:
  const LogLevel level_;
  const LogFormat format_;
  const Clock& clock_;
  spdlog::logger logger_;
};

class NullLogger final : public Logger {
 public:
  [[nodiscard]] bool enabled(LogLevel) const override { return false; }
  void write(LogLevel, std::string_view, std::initializer_list<LogField>) override {}
};

}  // namespace

std::unique_ptr<Logger> makeDescriptorLogger(int descriptor, LogLevel level, LogFormat format,
                                             const Clock& clock) {
  return std::make_unique<SpdlogLogger>(std::make_shared<DescriptorSink>(descriptor, format, clock),
                                        level, format, clock);
}

std::unique_ptr<Logger> makeStderrLogger(LogLevel level, LogFormat format) {
  static const SystemClock kClock;
  return makeDescriptorLogger(STDERR_FILENO, level, format, kClock);
}

std::unique_ptr<Logger> makeLogger(std::function<void(std::string_view line)> write, LogLevel level,
                                   LogFormat format, const Clock& clock) {
  return std::make_unique<SpdlogLogger>(std::make_shared<FunctionSink>(std::move(write), format),
                                        level, format, clock);
}

std::unique_ptr<Logger> makeNullLogger() { return std::make_unique<NullLogger>(); }

}  // namespace nimbus
