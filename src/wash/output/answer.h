#pragma once

#include <string_view>
#include <vector>

#include "wash/output/output.h"

namespace nimbus::wash {

// Writes a text that is the whole result, such as a help, as it is, or as JSON with the text as the
// message.
void printAnswer(OutputFormat format, std::string_view text, const std::vector<DataField>& data);

}  // namespace nimbus::wash
