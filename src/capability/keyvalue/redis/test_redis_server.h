#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <thread>

#include "base/test_folder.h"

namespace nimbus::keyvalue {

// A real redis-server for a test, in a folder of its own, which keeps nothing on disk; ends with
// the object. It listens at a Unix socket, and wherever its configuration says. For tests only.
class TestRedisServer {
 public:
  // `configuration` as redis.conf has it, by lines.
  explicit TestRedisServer(std::string_view configuration = {}) {
    folder_.write("redis.conf", "port 0\nunixsocket " + socket() +
                                    "\nsave \"\"\nappendonly no\ndir " + folder_.path("") +
                                    "\nlogfile " + folder_.path("redis.log") + "\n" +
                                    std::string(configuration));
    start();
  }
  TestRedisServer(const TestRedisServer&) = delete;
  TestRedisServer& operator=(const TestRedisServer&) = delete;
  ~TestRedisServer() { stop(); }

  [[nodiscard]] std::string socket() const { return folder_.path("redis.sock"); }
  [[nodiscard]] std::string url() const { return "unix:" + socket(); }
  [[nodiscard]] std::string path(std::string_view name) const {
    return folder_.path(std::string(name));
  }

  // Kills it, as a crash does.
  void stop() {
    if (process_ <= 0) return;
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
    process_ = -1;
  }
  // With nothing in it.
  void start() {
    ::unlink(folder_.path("redis.log").c_str());
    std::string configuration = folder_.path("redis.conf");
    process_ = ::fork();
    ASSERT_GE(process_, 0);
    if (process_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // a test that crashes takes it along
      ::execlp("redis-server", "redis-server", configuration.c_str(), nullptr);
      ::_exit(127);
    }
    waitUntilItListens();
  }
  void signal(int number) const { ::kill(process_, number); }

 private:
  void waitUntilItListens() {
    for (int attempt = 0; attempt < 2000; ++attempt) {
      if (logText().contains("at " + socket())) return;
      ASSERT_EQ(::waitpid(process_, nullptr, WNOHANG), 0) << "redis-server ended: " << logText();
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    FAIL() << "redis-server does not listen: " << logText();
  }
  [[nodiscard]] std::string logText() const {
    std::ifstream stream(folder_.path("redis.log"));
    return {std::istreambuf_iterator<char>(stream), {}};
  }

  TemporaryFolder folder_;
  pid_t process_ = -1;
};

}  // namespace nimbus::keyvalue
