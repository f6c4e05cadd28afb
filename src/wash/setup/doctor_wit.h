#pragma once

#include "project/doctor.h"

namespace nimbus::wash {

// Adds to the request which registries the project's WIT packages come from: those of
// `wit.sources`, and those that the user's configuration of wkg names for packages that the project
// needs; and what is wrong with either. Reads files; asks nobody.
void addWitSources(const project::WitSettings& settings, project::DoctorRequest& request);

}  // namespace nimbus::wash
