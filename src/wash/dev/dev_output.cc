#include "wash/dev/dev_output.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/escape.h"

namespace nimbus::wash {
namespace {

using dev::DevEvent;
using Kind = DevEvent::Kind;
using To = LinePrinter::To;

constexpr std::size_t kMostPathsShown = 3;

double milliseconds(Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

std::string readable(Duration duration) {
  const double ms = milliseconds(duration);
  return ms < 1000 ? fmt::format("{:.0f} ms", ms) : fmt::format("{:.1f} s", ms / 1000);
}

bool isProblem(Kind kind) {
  return kind == Kind::kBuildFailed || kind == Kind::kConfigFailed || kind == Kind::kLoadFailed ||
         kind == Kind::kServiceRestarting || kind == Kind::kServiceFailed;
}

std::string pathList(const std::vector<std::string>& paths) {
  std::string text;
  for (std::size_t i = 0; i < std::min(paths.size(), kMostPathsShown); ++i)
    text += (i == 0 ? "" : ", ") + escaped(paths[i]);
  if (paths.size() > kMostPathsShown)
    text += fmt::format(" and {} more", paths.size() - kMostPathsShown);
  return text;
}

std::string reloadText(const DevEvent& event) {
  const dev::ReloadTimes& times = event.times;
  return fmt::format(
      "reloaded in {} + {} build: settled {}, scanned {}, read {}, loaded {}, "
      "swapped {}",
      readable(times.withoutBuild()), readable(times.build), readable(times.settle),
      readable(times.scan), readable(times.read), readable(times.load), readable(times.swap));
}

std::string textOf(const DevEvent& event) {
  switch (event.kind) {
    case Kind::kChanged: return "changed: " + pathList(event.paths);
    case Kind::kBuilding: return fmt::format("building {}", event.component);
    case Kind::kBuilt:
      return fmt::format("built {} in {}", event.component, readable(event.times.build));
    case Kind::kBuildFailed:
      return fmt::format("error: building {}: {}", event.component, event.message);
    case Kind::kConfigFailed: return "error: configuration: " + event.message;
    case Kind::kLoadFailed: return "error: " + event.message;
    case Kind::kServing:
      return event.takes_requests
                 ? "serving"
                 : fmt::format("Running the service {}; nothing serves HTTP", event.component);
    case Kind::kReloaded: return reloadText(event);
    case Kind::kUnchanged:
      return event.message.empty() ? "the build made what is serving already" : event.message;
    case Kind::kWarning: return "warning: " + event.message;
    default: return event.message;
  }
}

std::vector<DataField> timeFields(const dev::ReloadTimes& times) {
  const auto number = [](Duration duration) {
    return fmt::format("{:.3f}", milliseconds(duration));
  };
  return {{"total_ms", number(times.total)}, {"settle_ms", number(times.settle)},
          {"scan_ms", number(times.scan)},   {"build_ms", number(times.build)},
          {"read_ms", number(times.read)},   {"load_ms", number(times.load)},
          {"swap_ms", number(times.swap)}};
}

const LogField* find(std::initializer_list<LogField> fields, std::string_view key) {
  const auto* found = std::ranges::find(fields, key, &LogField::key);
  return found == fields.end() ? nullptr : found;
}

}  // namespace

void DevEventPrinter::serveAt(std::string address, std::optional<std::string> url) {
  address_ = std::move(address);
  url_ = std::move(url);
}

void DevEventPrinter::report(const DevEvent& event) {
  if (format_ == OutputFormat::kJson) return printJson(event);
  printText(event);
}

// Elsewhere than on a screen events tell of builds.
void DevEventPrinter::begin(dev::DevWork work, std::string_view names) {
  const std::string of(names);
  switch (work) {
    case dev::DevWork::kBuild:
      work_ = status_.begin("Building " + of, StatusLine::Elsewhere::kNothing);
      return;
    case dev::DevWork::kCompile: work_ = status_.begin("Compiling " + of); return;
  }
}

void DevEventPrinter::printText(const DevEvent& event) {
  std::string text = textOf(event);
  if (event.kind == Kind::kServing && event.takes_requests)
    text = "Serving at " + url_.value_or(address_);
  const bool problem = isProblem(event.kind) || event.kind == Kind::kWarning;
  lines_.print(problem ? To::kError : To::kOutput, text);
}

void DevEventPrinter::printJson(const DevEvent& event) {
  std::vector<DataField> data{{"event", jsonText(eventName(event.kind))}};
  if (!event.component.empty()) data.emplace_back("component", jsonText(event.component));
  if (event.code) data.emplace_back("code", jsonText(errorCodeName(*event.code)));
  if (!event.paths.empty()) data.emplace_back("paths", jsonList(event.paths));
  if (event.kind == Kind::kServing) {
    if (!event.takes_requests) data.emplace_back("requests", "false");
    data.emplace_back("address", jsonText(address_));
    data.emplace_back("url", url_ ? jsonText(*url_) : "null");
  }
  if (event.generation > 0) data.emplace_back("generation", std::to_string(event.generation));
  if (event.kind == Kind::kReloaded || event.kind == Kind::kServing)
    std::ranges::move(timeFields(event.times), std::back_inserter(data));
  if (event.kind == Kind::kBuilt || event.kind == Kind::kBuildFailed)
    data.emplace_back("build_ms", fmt::format("{:.3f}", milliseconds(event.times.build)));
  std::string line = resultLine(!isProblem(event.kind), textOf(event), data);
  line.pop_back();
  lines_.print(To::kOutput, line);
}

void DevLogger::write(LogLevel level, std::string_view message,
                      std::initializer_list<LogField> fields) {
  const LogField* component = find(fields, "component");
  const LogField* stream = find(fields, "stream");
  if (component != nullptr && stream != nullptr)
    return printGuest(component->value, stream->value, {}, message);
  const LogField* severity = find(fields, "severity");
  if (component != nullptr && severity != nullptr) {
    const LogField* context = find(fields, "context");
    const std::string text = context == nullptr || context->value.empty()
                                 ? std::string(message)
                                 : context->value + ": " + std::string(message);
    return printGuest(component->value, "log", severity->value, text);
  }
  if (rest_.enabled(level)) rest_.write(level, message, fields);
}

void DevLogger::printGuest(std::string_view component, std::string_view stream,
                           std::string_view level, std::string_view message) {
  if (format_ == OutputFormat::kText) {
    const std::string shown = level.empty() ? "" : fmt::format("{} ", level);
    return lines_.print(stream == "stdout" ? To::kOutput : To::kError,
                        fmt::format("{} | {}{}", component, shown, escaped(message)));
  }
  std::vector<DataField> data{{"event", jsonText("output")},
                              {"component", jsonText(component)},
                              {"stream", jsonText(stream)}};
  if (!level.empty()) data.emplace_back("level", jsonText(level));
  std::string safe;
  appendJsonString(safe, message);
  // The message may be no UTF-8, which only this way of writing it takes.
  std::string line = resultLine(true, "", data);
  line.replace(line.find("\"\""), 2, safe);
  line.pop_back();
  lines_.print(To::kOutput, line);
}

void DevRequestPrinter::record(const http::AccessRecord& record) {
  const std::string method = escaped(record.method.empty() ? "-" : record.method);
  const std::string path = escaped(record.path.empty() ? "-" : record.path);
  const std::string text =
      fmt::format("{} {} {} {:.1f} ms{}", method, path, record.status,
                  milliseconds(record.duration), record.complete ? "" : " (cut off)");
  if (format_ == OutputFormat::kText) return lines_.print(To::kOutput, text);
  std::string line =
      resultLine(true, text,
                 {{"event", jsonText("request")},
                  {"method", jsonText(method)},
                  {"path", jsonText(path)},
                  {"status", std::to_string(record.status)},
                  {"duration_ms", fmt::format("{:.3f}", milliseconds(record.duration))},
                  {"complete", record.complete ? "true" : "false"}});
  line.pop_back();
  lines_.print(To::kOutput, line);
}

}  // namespace nimbus::wash
