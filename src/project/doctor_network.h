#pragma once

#include "project/doctor.h"

namespace nimbus::project {

// The network of this machine. Blocks; keeps nothing.
class SystemDoctorNetwork final : public DoctorNetwork {
 public:
  [[nodiscard]] Result<void> canListen(const std::string& address) override;
  [[nodiscard]] Result<void> natsAnswers(const std::string& url) override;
};

}  // namespace nimbus::project
