#include "dev/project_build.h"

namespace nimbus::dev {
namespace {

class Printed final : public project::BuildProgress {
 public:
  explicit Printed(const ProjectBuilder& builder) : builder_(builder) {}
  void step(std::string_view what) override { line(what); }
  void output(ProcessStream, std::string_view chunk) override { builder_.output(chunk); }
  void note(std::string_view text) override { line(text); }

 private:
  void line(std::string_view text) { builder_.output(std::string(text) + "\n"); }

  const ProjectBuilder& builder_;
};

}  // namespace

project::ProjectConfig buildConfigOf(const PlannedProject& project) {
  project::ProjectConfig config = project.config ? *project.config : project::ProjectConfig();
  config.build = project.build;
  return config;
}

Result<Built> buildPlanned(const PlannedProject& project, std::stop_token stop,
                           const ProjectBuilder& builder) {
  project::BuildRequest request{.folder = project.folder, .config = buildConfigOf(project)};
  request.path_variable = builder.path_variable;
  request.wash = builder.wash;
  request.stop = std::move(stop);
  request.fetch_wit = builder.fetch_wit;
  request.is_compiled_next = true;
  Printed progress(builder);
  TRY(const project::BuildOutcome outcome,
      project::buildProject(request, builder.runner, progress));
  return Built{outcome.component_path, outcome.duration};
}

}  // namespace nimbus::dev
