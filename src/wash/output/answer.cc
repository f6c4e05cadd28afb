#include "wash/output/answer.h"

#include <string>

namespace nimbus::wash {

void printAnswer(OutputFormat format, std::string_view text, const std::vector<DataField>& data) {
  printOutput(format == OutputFormat::kJson ? resultLine(true, text, data) : std::string(text));
}

}  // namespace nimbus::wash
