#pragma once

#include <string>
#include <vector>

namespace nimbus::dev {

// Lines of a .gitignore in `folder`, absolute, for what guests write there. Nothing where the path,
// absolute too, is not below it.

// Of just this path.
[[nodiscard]] std::string pathPattern(const std::string& folder, const std::string& path);

// Of a SQLite database, with the files that SQLite keeps beside it. An empty path is none.
[[nodiscard]] std::vector<std::string> databasePatterns(const std::string& folder,
                                                        const std::string& database);

}  // namespace nimbus::dev
