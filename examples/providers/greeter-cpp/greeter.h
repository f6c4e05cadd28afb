#pragma once

#include <memory>

#include "example/greeter/greeter.h"

namespace example {

// What serves example:greeter/greeter. It keeps nothing, so one of it serves all threads.
std::shared_ptr<greeter::greeter::Handler> makeGreeter();

}  // namespace example
