#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace nimbus::wrpc {

class ClientSpace;
class Decoder;
class Encoder;
class Resource;
class Session;

// A handle that a session returned.
struct RemoteHandle {
  Session* session = nullptr;
  std::string bytes;
};

// What a generated resource class is, by address. `proxy` makes an object that calls the session
// which the handle came from; an error if the other side does not serve its methods.
struct ResourceType {
  std::string_view name;
  Result<std::unique_ptr<Resource>> (*proxy)(ClientSpace& space, RemoteHandle handle);
};

// The base of the classes that resources of WIT become: implemented by whoever serves the
// interface, and by proxies that call. Destroying it drops the resource. Lives on the shard of its
// session.
class Resource {
 public:
  Resource() = default;
  Resource(const Resource&) = delete;
  Resource& operator=(const Resource&) = delete;
  virtual ~Resource() = default;

  // For a proxy its handle, which moves out when the resource is given away; null for others.
  [[nodiscard]] virtual RemoteHandle* remoteHandle() { return nullptr; }
};

template <typename R>
using Own = std::unique_ptr<R>;

// A resource lent for the time of one call. Null only in values that failed to decode.
template <typename R>
class Borrow {
 public:
  Borrow() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): a parameter of this type takes the resource itself
  Borrow(R& resource) : resource_(&resource) {}
  [[nodiscard]] R* get() const { return resource_; }
  [[nodiscard]] R& operator*() const { return *resource_; }
  [[nodiscard]] R* operator->() const { return resource_; }

 private:
  R* resource_ = nullptr;
};

// Writes and reads the handles among the values of a call: for whoever serves, objects in its
// table, for whoever calls, handles of a session. Failures go to the Encoder and Decoder.
class HandleSpace {
 public:
  HandleSpace() = default;
  HandleSpace(const HandleSpace&) = delete;
  HandleSpace& operator=(const HandleSpace&) = delete;
  virtual ~HandleSpace() = default;

  virtual void writeOwn(Encoder& out, const ResourceType& type,
                        std::unique_ptr<Resource> resource) = 0;
  virtual void writeBorrow(Encoder& out, const ResourceType& type, Resource& resource) = 0;
  // Null after a failure. The type of what is returned is that of `type`.
  [[nodiscard]] virtual std::unique_ptr<Resource> readOwn(Decoder& in,
                                                          const ResourceType& type) = 0;
  [[nodiscard]] virtual Resource* readBorrow(Decoder& in, const ResourceType& type) = 0;
};

}  // namespace nimbus::wrpc
