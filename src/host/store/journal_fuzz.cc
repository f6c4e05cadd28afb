// The files of a journal from outside bytes: whatever is in one, the journal opens, gives back what
// it says it has, takes a change, and says the same after it was opened again.
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "base/bytes.h"
#include "base/check.h"
#include "base/log.h"
#include "host/store/journal.h"
#include "host/store/journal_record.h"
#include "host/store/sealed_line.h"

namespace nimbus::host {
namespace {

using Content = std::map<std::string, std::string>;

const std::string& folder() {
  static const std::string path = [] {
    std::string pattern = "/tmp/nimbus-journal-fuzz-XXXXXX";
    NIMBUS_CHECK(::mkdtemp(pattern.data()) != nullptr);
    return pattern;
  }();
  // What is registered behind the path goes before it.
  static const int kRegistered = std::atexit([] { std::filesystem::remove_all(folder()); });
  NIMBUS_CHECK(kRegistered == 0);
  return path;
}

std::unique_ptr<Journal> openJournal() {
  static const std::unique_ptr<Logger> log = makeNullLogger();
  auto journal = Journal::open(folder(), {.segment_bytes = 500, .slack_bytes = 500}, *log);
  NIMBUS_CHECK(journal.has_value());
  return *std::move(journal);
}

Content contentOf(const Journal& journal) {
  Content content;
  for (const std::string& key : journal.keys()) content[key] = journal.read(key).value();
  return content;
}

void replay(std::string_view bytes) {
  for (const auto& entry : std::filesystem::directory_iterator(folder()))
    std::filesystem::remove(entry.path());
  std::ofstream(folder() + "/journal.0000000003", std::ios::binary) << bytes;
  auto journal = openJournal();
  Content expected = contentOf(*journal);
  NIMBUS_CHECK(journal->commit({{encodePut("new", "[1]"), encodeDrop("a")}}).has_value());
  expected["new"] = "[1]";
  expected.erase("a");
  NIMBUS_CHECK(contentOf(*journal) == expected);
  journal.reset();
  NIMBUS_CHECK(contentOf(*openJournal()) == expected);
}

}  // namespace
}  // namespace nimbus::host

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = nimbus::asText({data, size});
  nimbus::host::replay(bytes);
  // A fuzzer does not guess checksums.
  nimbus::host::replay(nimbus::host::sealLine(bytes));
  return 0;
}
