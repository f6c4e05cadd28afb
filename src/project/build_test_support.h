#pragma once

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/test_folder.h"
#include "project/build.h"

// What tests of builds share: a folder with a project and one with programs, and a runner that runs
// none of them. For tests only.
namespace nimbus::project {

// A temporary folder with `project/` and `bin/`, which is PATH; goes away with the test.
class BuildFolder {
 public:
  BuildFolder() {
    std::filesystem::create_directories(root_ / "project");
    std::filesystem::create_directories(root_ / "bin");
  }
  BuildFolder(const BuildFolder&) = delete;
  BuildFolder& operator=(const BuildFolder&) = delete;

  [[nodiscard]] std::filesystem::path project() const { return root_ / "project"; }
  [[nodiscard]] std::filesystem::path bin() const { return root_ / "bin"; }
  [[nodiscard]] std::filesystem::path root() const { return root_; }

  // Below the root, with the folders on the way.
  void write(std::string_view path, std::string_view text) const {
    const std::filesystem::path file = root_ / path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
  }
  // A program on PATH; returns its path.
  std::string program(std::string_view name) const {
    write("bin/" + std::string(name), "#!/bin/false\n");
    const std::filesystem::path file = bin() / name;
    std::filesystem::permissions(file, std::filesystem::perms::owner_all);
    return file.string();
  }

  [[nodiscard]] BuildRequest request() const {
    return {.folder = project().string(), .config = {}, .path_variable = bin().string()};
  }

 private:
  nimbus::TemporaryFolder folder_;
  const std::filesystem::path root_ = folder_.path();
};

// Answers by a function, and remembers what was asked.
class FakeRunner final : public ProcessRunner {
 public:
  using Answer = std::function<Result<ProcessOutcome>(const ProcessSpec&)>;
  explicit FakeRunner(Answer answer) : answer_(std::move(answer)) {}

  Result<ProcessOutcome> run(const ProcessSpec& spec) override {
    calls.push_back(spec.arguments);
    environments.push_back(spec.environment);
    Result<ProcessOutcome> outcome = answer_(spec);
    if (outcome && spec.sink && !outcome->output.empty()) {
      spec.sink(ProcessStream::kOutput, outcome->output);
    }
    return outcome;
  }
  Result<std::unique_ptr<BackgroundProcess>> start(const ProcessSpec&) override {
    return fail(ErrorCode::kUnsupported, "not in this test");
  }

  std::vector<std::vector<std::string>> calls;
  std::vector<std::vector<std::pair<std::string, std::string>>> environments;

 private:
  Answer answer_;
};

// Keeps all that a build tells.
class RecordedProgress final : public BuildProgress {
 public:
  void step(std::string_view what) override { steps.emplace_back(what); }
  void output(ProcessStream, std::string_view chunk) override { text += chunk; }
  void note(std::string_view what) override { notes.emplace_back(what); }

  std::vector<std::string> steps;
  std::vector<std::string> notes;
  std::string text;
};

}  // namespace nimbus::project
