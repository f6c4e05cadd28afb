#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace nimbus::nats {

// A real nats-server for a test, on loopback and a port of its own choosing; ends with the object.
// It gets its configuration by a file in a folder that goes with it.
class TestServer {
 public:
  // `configuration` as nats-server's own files have it, e.g. "authorization {token: secret}".
  explicit TestServer(std::string_view configuration = {}, int port = -1) {
    folder_ = std::filesystem::temp_directory_path() / "nimbus-nats-XXXXXX";
    EXPECT_NE(::mkdtemp(folder_.data()), nullptr);
    std::ofstream(path("server.conf")) << "ports_file_dir: " << folder_ << "\n" << configuration;
    start(port);
  }
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;
  ~TestServer() {
    stop();
    std::filesystem::remove_all(folder_);
  }

  // "nats://127.0.0.1:PORT"; with user info as given: url("me:secret@").
  [[nodiscard]] std::string url(std::string_view user_info = {}) const {
    return "nats://" + std::string(user_info) + "127.0.0.1:" + std::to_string(port_);
  }
  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] std::string path(std::string_view name) const {
    return folder_ + "/" + std::string(name);
  }

  // Kills it, as a crash does.
  void stop() {
    if (process_ <= 0) return;
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
    process_ = -1;
  }
  // On the port it had.
  void restart() {
    stop();
    start(port_);
  }
  void signal(int number) const { ::kill(process_, number); }

 private:
  void start(int port) {
    const std::string configuration = path("server.conf");
    const std::string log = path("server.log");
    const std::string number = std::to_string(port);
    std::vector<std::string> words = {"nats-server", "-a",          "127.0.0.1", "-p", number,
                                      "-c",          configuration, "-l",        log};
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    const char* program =
        std::filesystem::exists("/usr/sbin/nats-server") ? "/usr/sbin/nats-server" : "nats-server";
    process_ = ::fork();
    ASSERT_GE(process_, 0);
    if (process_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // a test that crashes takes it along
      ::execvp(program, arguments.data());
      ::_exit(127);
    }
    waitUntilItListens();
  }

  // The server says so in its log; its port stands in a file that it writes before.
  void waitUntilItListens() {
    const std::string ports = path("nats-server_" + std::to_string(process_) + ".ports");
    for (int attempt = 0; attempt < 2000; ++attempt) {
      if (const auto port = portIn(ports)) {
        port_ = *port;
        return;
      }
      ASSERT_EQ(::waitpid(process_, nullptr, WNOHANG), 0) << "nats-server ended: " << logText();
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    FAIL() << "nats-server does not listen: " << logText();
  }

  // {"nats":["nats://127.0.0.1:41235"]}
  static std::optional<int> portIn(const std::string& file) {
    std::ifstream stream(file);
    const std::string text{std::istreambuf_iterator<char>(stream), {}};
    const auto end = text.find("\"]");
    const auto colon = text.rfind(':', end);
    if (end == std::string::npos || colon == std::string::npos) return std::nullopt;
    return std::atoi(text.c_str() + colon + 1);
  }

  [[nodiscard]] std::string logText() const {
    std::ifstream stream(path("server.log"));
    return {std::istreambuf_iterator<char>(stream), {}};
  }

  std::string folder_;
  pid_t process_ = -1;
  int port_ = 0;
};

}  // namespace nimbus::nats
