#include "capability/keyvalue/keyvalue.h"

#include <utility>

#include "capability/keyvalue/flat_form.h"
#include "capability/keyvalue/handle_form.h"

namespace nimbus::keyvalue {

std::shared_ptr<wrpc::Invoker> serveKeyValue(std::shared_ptr<Keyspace> keyspace,
                                             wrpc::ServiceOptions options) {
  std::vector<wrpc::Interface> interfaces = handleForm(keyspace);
  for (wrpc::Interface& interface : flatForm(std::move(keyspace)))
    interfaces.push_back(std::move(interface));
  return std::make_shared<wrpc::ServiceInvoker>(std::move(interfaces), options);
}

}  // namespace nimbus::keyvalue
