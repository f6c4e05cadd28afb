#include "greeter.h"

#include <string>
#include <utility>
#include <vector>

namespace example {
namespace {

namespace api = ::example::greeter::greeter;
namespace wrpc = ::nimbus::wrpc;
using nimbus::Result;
using nimbus::Task;
using Strings = std::vector<std::string>;

// A result of WIT, within the result of the call.
using Greeting = std::expected<std::string, api::Problem>;

Greeting greeting(const api::Person& person) {
  if (person.name.empty()) return std::unexpected(api::Problem{api::Problem::EmptyName{}});
  const auto& language = person.language.value;
  if (const auto* other = std::get_if<api::Language::Other>(&language))
    return std::unexpected(api::Problem{api::Problem::UnknownLanguage{other->value}});
  const bool german = std::holds_alternative<api::Language::German>(language);
  return (german ? "Hallo " : "Hello ") + person.name;
}

// A stream that is made as it is read: for each name that comes in, a greeting goes out.
class Greetings final : public wrpc::StreamSource<std::string> {
 public:
  explicit Greetings(wrpc::StreamReader<std::string> names) : names_(std::move(names)) {}

  nimbus::Eventual<Result<std::optional<Strings>>> read() override {
    CO_TRY(std::optional<Strings> names, co_await names_.read());
    if (!names) co_return std::nullopt;
    for (std::string& name : *names) name = "Hello " + name;
    co_return std::move(names);
  }

 private:
  wrpc::StreamReader<std::string> names_;
};

// One per constructor call; destroyed when the caller drops it.
class Book final : public api::GuestBook {
 public:
  explicit Book(std::string title) { lines_.push_back(std::move(title)); }

  wrpc::Answer<std::uint32_t> sign(const wrpc::CallContext&, api::Person person) override {
    lines_.push_back(std::move(person.name));
    return static_cast<std::uint32_t>(lines_.size() - 1);
  }
  wrpc::Answer<wrpc::StreamReader<std::string>> read(const wrpc::CallContext&) override {
    return wrpc::StreamReader<std::string>(lines_);
  }

 private:
  Strings lines_;
};

class Greeter final : public api::Handler {
 public:
  wrpc::Answer<Greeting> greet(const wrpc::CallContext&, api::Person person) override {
    return Result<Greeting>(greeting(person));
  }
  wrpc::Answer<wrpc::StreamReader<std::string>> greetAll(
      const wrpc::CallContext&, wrpc::StreamReader<std::string> names) override {
    return wrpc::StreamReader<std::string>(std::make_unique<Greetings>(std::move(names)));
  }
  wrpc::Answer<wrpc::Own<api::GuestBook>> newGuestBook(const wrpc::CallContext&,
                                                       std::string_view title) override {
    return std::make_unique<Book>(std::string(title));
  }
};

}  // namespace

std::shared_ptr<api::Handler> makeGreeter() { return std::make_shared<Greeter>(); }

}  // namespace example
