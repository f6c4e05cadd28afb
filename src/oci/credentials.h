#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/process.h"
#include "base/result.h"

namespace nimbus::oci {

// Who asks a registry: a user with a password, or an identity token (a refresh token of OAuth 2)
// that stands for both. Never printed.
struct Credential {
  std::string user;
  std::string password;
  std::string identity_token;  // not empty: used instead of the password

  friend bool operator==(const Credential&, const Credential&) = default;
};

// Where credentials of registries are kept. Any thread.
class CredentialSource {
 public:
  virtual ~CredentialSource() = default;
  // Of a registry as references name it; nothing if none is known. Blocks: it may read files and
  // run programs.
  [[nodiscard]] virtual Result<std::optional<Credential>> find(const std::string& registry) = 0;
};

// Docker's configuration: `credHelpers` and `credsStore` name programs that keep credentials
// (docker-credential-NAME), `auths` holds them itself. The file is read at each look-up.
class DockerCredentials final : public CredentialSource {
 public:
  // `config_path` may name a file that does not exist. `runner` outlives the object.
  DockerCredentials(std::string config_path, ProcessRunner& runner)
      : config_path_(std::move(config_path)), runner_(runner) {}

  // kInvalidArgument: the file is not well formed. Errors of a program are told with its answer.
  [[nodiscard]] Result<std::optional<Credential>> find(const std::string& registry) override;

  // $DOCKER_CONFIG/config.json, or ~/.docker/config.json; empty without either.
  [[nodiscard]] static std::string defaultPath();

 private:
  std::string config_path_;
  ProcessRunner& runner_;
};

// A user at one registry whose password stands in the first line of a file.
struct FileLogin {
  std::string registry;
  std::string user;
  std::string password_file;
};

// Logins that an operator wrote down, and another source for all other registries. The files are
// read at each look-up, so that a password can be changed.
class FileCredentials final : public CredentialSource {
 public:
  // `others` outlives the object.
  FileCredentials(std::vector<FileLogin> logins, CredentialSource& others)
      : logins_(std::move(logins)), others_(others) {}
  [[nodiscard]] Result<std::optional<Credential>> find(const std::string& registry) override;

 private:
  std::vector<FileLogin> logins_;
  CredentialSource& others_;
};

// The answer of a credential program: {"Username": …, "Secret": …}. kProtocol if it is not one.
[[nodiscard]] Result<Credential> parseHelperAnswer(std::string_view answer);

// The credential of a registry in the text of Docker's configuration, and the program to ask first.
struct DockerConfigEntry {
  std::string helper;      // NAME of docker-credential-NAME; empty: none
  std::string server;      // what to ask it for
  bool helper_is_certain;  // named for this registry; else it may not know it
  std::optional<Credential> credential;
};
[[nodiscard]] Result<DockerConfigEntry> parseDockerConfig(std::string_view text,
                                                          const std::string& registry);

}  // namespace nimbus::oci
