#include "capability/keyvalue/keyvalue.h"

#include <utility>

#include "capability/keyvalue/flat_form.h"
#include "capability/keyvalue/handle_form.h"

namespace nimbus::keyvalue {

namespace {

std::vector<wrpc::Interface> bothForms(const std::shared_ptr<Keyspace>& keyspace) {
  std::vector<wrpc::Interface> interfaces = handleForm(keyspace);
  for (wrpc::Interface& interface : flatForm(keyspace)) interfaces.push_back(std::move(interface));
  return interfaces;
}

}  // namespace

std::shared_ptr<wrpc::ServiceInvoker> serveKeyValue(std::shared_ptr<Keyspace> keyspace,
                                                    wrpc::ServiceOptions options) {
  return std::make_shared<wrpc::ServiceInvoker>(bothForms(keyspace), options);
}

}  // namespace nimbus::keyvalue
