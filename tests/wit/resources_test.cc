// Resources that give out each other: owned and borrowed, alone and inside other values.

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "bindings_fixture.h"
#include "corpus/resources/graph.h"
#include "corpus/resources/walker.h"

namespace nimbus {
namespace {

namespace graph = ::corpus::resources::graph;
namespace walker = ::corpus::resources::walker;
using wrpc::Answer;
using wrpc::CallContext;
using wrpc::Own;

struct Vertex {
  std::string name;
  std::vector<std::pair<std::shared_ptr<Vertex>, std::uint32_t>> edges;
};
int g_handles = 0;  // objects that handles stand for

class VertexNode final : public graph::Node {
 public:
  explicit VertexNode(std::shared_ptr<Vertex> vertex) : vertex(std::move(vertex)) { ++g_handles; }
  ~VertexNode() override { --g_handles; }
  Answer<std::string> name(const CallContext&) override { return vertex->name; }
  Answer<Own<graph::Edge>> connect_(const CallContext&, Own<graph::Node> to,
                                    std::uint32_t weight) override;
  Answer<std::vector<Own<graph::Edge>>> edges(const CallContext&) override;
  Answer<bool> same(const CallContext&, graph::Node& other) override {
    return vertex == static_cast<VertexNode&>(other).vertex;
  }
  std::shared_ptr<Vertex> vertex;
};

class VertexEdge final : public graph::Edge {
 public:
  VertexEdge(std::shared_ptr<Vertex> to, std::uint32_t weight) : to_(to), weight_(weight) {
    ++g_handles;
  }
  ~VertexEdge() override { --g_handles; }
  Answer<Own<graph::Node>> target(const CallContext&) override {
    return std::make_unique<VertexNode>(to_);
  }
  Answer<std::uint32_t> weight(const CallContext&) override { return weight_; }

 private:
  std::shared_ptr<Vertex> to_;
  std::uint32_t weight_;
};

Answer<Own<graph::Edge>> VertexNode::connect_(const CallContext&, Own<graph::Node> to,
                                              std::uint32_t weight) {
  std::shared_ptr<Vertex> target = static_cast<VertexNode&>(*to).vertex;
  vertex->edges.emplace_back(target, weight);
  return std::make_unique<VertexEdge>(target, weight);
}
Answer<std::vector<Own<graph::Edge>>> VertexNode::edges(const CallContext&) {
  std::vector<Own<graph::Edge>> edges;
  for (const auto& [to, weight] : vertex->edges)
    edges.push_back(std::make_unique<VertexEdge>(to, weight));
  return edges;
}

Own<graph::Node> node(std::string name) {
  return std::make_unique<VertexNode>(std::make_shared<Vertex>(std::move(name)));
}

class Graph final : public graph::Handler {
 public:
  using Found = std::expected<graph::Found, std::string>;
  Answer<Own<graph::Node>> newNode(const CallContext&, std::string_view name) override {
    return node(std::string(name));
  }
  Answer<Own<graph::Node>> nodeRoot(const CallContext&) override { return node("root"); }
  Answer<Found> search(const CallContext& context, graph::Question question) override {
    if (question.limits.empty()) return wrpc::err(std::string("no limits"));
    graph::Found found;
    found.node = std::make_unique<VertexNode>(static_cast<VertexNode&>(*question.start).vertex);
    found.weight = 0;
    for (const wrpc::Borrow<graph::Edge>& limit : question.limits) {
      auto weight = limit->weight(context);
      const std::uint32_t value = weight.take().value();
      found.weight = *found.weight + value;
      auto target = limit->target(context);
      found.path.push_back(std::make_unique<VertexEdge>(
          static_cast<VertexNode&>(*target.take().value()).vertex, value));
    }
    return Found(std::move(found));
  }
  Answer<graph::Place> locate(const CallContext&, Own<graph::Node> node) override {
    if (static_cast<VertexNode&>(*node).vertex->name == "gone") return graph::Place{};
    return graph::Place{graph::Place::Here{std::move(node)}};
  }
  Answer<std::optional<graph::Found>> merge(const CallContext&,
                                            std::vector<graph::Place> places) override {
    std::optional<graph::Found> found;
    for (graph::Place& place : places) {
      auto* const here = std::get_if<graph::Place::Here>(&place.value);
      if (here == nullptr) continue;
      found.emplace();
      found->node = std::move(here->value);
    }
    return found;
  }
  Answer<std::expected<Own<graph::Node>, std::string>> tryMake(const CallContext&,
                                                               std::string_view name) override {
    if (name.empty()) return wrpc::err(std::string("no name"));
    return node(std::string(name));
  }
};

class Walk final : public walker::Walk {
 public:
  explicit Walk(std::shared_ptr<Vertex> at) : at_(std::move(at)) {}
  Answer<std::optional<Own<graph::Node>>> next(const CallContext&) override {
    if (!at_) return std::optional<Own<graph::Node>>();
    auto now = std::make_unique<VertexNode>(at_);
    at_ = at_->edges.empty() ? nullptr : at_->edges[0].first;
    return std::optional<Own<graph::Node>>(std::move(now));
  }

 private:
  std::shared_ptr<Vertex> at_;
};
class Walker final : public walker::Handler {
 public:
  Answer<Own<walker::Walk>> newWalk(const CallContext&, walker::Node& start) override {
    return std::make_unique<Walk>(static_cast<VertexNode&>(start).vertex);
  }
  Answer<std::string> describe(const CallContext& context, walker::Found found) override {
    auto name = found.node->name(context);
    return name.take().value() + " " + std::to_string(found.path.size());
  }
};

struct Service {
  explicit Service(net::Shard& shard)
      : local(shard, {graph::serve(std::make_shared<Graph>()),
                      walker::serve(std::make_shared<Walker>())}) {}
  wrpc::Local local;
  const CallContext& context = local.context();
  std::unique_ptr<graph::Client> graphs = local.connect<graph::Client>();
  std::unique_ptr<walker::Client> walkers = local.connect<walker::Client>();
};

class ResourceBindings : public net::ShardTest {};

TEST_F(ResourceBindings, GiveOutEachOther) {
  run([](net::Shard& shard) -> Task<void> {
    Service service(shard);
    const CallContext& context = service.context;
    {
      auto a = (co_await service.graphs->newNode(context, "a")).value();
      auto b = (co_await service.graphs->newNode(context, "b")).value();
      EXPECT_EQ(g_handles, 2);
      const auto edge = (co_await a->connect_(context, std::move(b), 7)).value();
      EXPECT_EQ(g_handles, 2) << "b is given away, the edge is new";
      EXPECT_EQ((co_await edge->weight(context)).value(), 7U);
      const auto target = (co_await edge->target(context)).value();
      EXPECT_EQ((co_await target->name(context)).value(), "b");
      EXPECT_FALSE((co_await a->same(context, *target)).value());
      EXPECT_TRUE((co_await a->same(context, *a)).value());
      const auto edges = (co_await a->edges(context)).value();
      EXPECT_EQ(edges.size(), 1U);
      EXPECT_EQ((co_await edges[0]->weight(context)).value(), 7U);
    }
    EXPECT_EQ(g_handles, 0);
  });
}

TEST_F(ResourceBindings, TravelInsideOtherValues) {
  run([](net::Shard& shard) -> Task<void> {
    Service service(shard);
    const CallContext& context = service.context;
    auto a = (co_await service.graphs->nodeRoot(context)).value();
    auto b = (co_await service.graphs->newNode(context, "b")).value();
    const auto edge = (co_await a->connect_(context, std::move(b), 7)).value();
    graph::Question question{.start = *a, .limits = {*edge, *edge}};
    auto found = (co_await service.graphs->search(context, std::move(question))).value().value();
    EXPECT_EQ(found.weight, 14U);
    EXPECT_EQ((co_await found.path[1]->weight(context)).value(), 7U);
    EXPECT_EQ((co_await service.walkers->describe(context, std::move(found))).value(), "root 2");

    graph::Place place = (co_await service.graphs->locate(context, std::move(a))).value();
    std::vector<graph::Place> places;
    places.emplace_back();
    places.push_back(std::move(place));
    auto merged = (co_await service.graphs->merge(context, std::move(places))).value();
    EXPECT_EQ((co_await merged.value().node->name(context)).value(), "root");

    auto gone = (co_await service.graphs->tryMake(context, "gone")).value().value();
    const graph::Place nowhere =
        (co_await service.graphs->locate(context, std::move(gone))).value();
    EXPECT_TRUE(std::holds_alternative<graph::Place::Nowhere>(nowhere.value));
    EXPECT_EQ((co_await service.graphs->tryMake(context, "")).value().error(), "no name");
  });
}

TEST_F(ResourceBindings, CrossTheInterfacesOfOneSession) {
  run([](net::Shard& shard) -> Task<void> {
    Service service(shard);
    const CallContext& context = service.context;
    auto a = (co_await service.graphs->newNode(context, "a")).value();
    auto b = (co_await service.graphs->newNode(context, "b")).value();
    static_cast<void>(co_await a->connect_(context, std::move(b), 1));
    const auto walk = (co_await service.walkers->newWalk(context, *a)).value();
    std::string names;
    while (true) {
      const auto next = (co_await walk->next(context)).value();
      if (!next) break;
      names += (co_await (*next)->name(context)).value();
    }
    EXPECT_EQ(names, "ab");
  });
}

TEST_F(ResourceBindings, StayWithinTheirSession) {
  run([](net::Shard& shard) -> Task<void> {
    Service service(shard);
    Service other(shard);
    const CallContext& context = service.context;
    auto a = (co_await service.graphs->newNode(context, "a")).value();
    auto foreign = (co_await other.graphs->newNode(context, "foreign")).value();
    EXPECT_EQ((co_await a->same(context, *foreign)).error().code(), ErrorCode::kUnsupported);
    VertexNode own(std::make_shared<Vertex>("mine"));
    EXPECT_EQ((co_await a->same(context, own)).error().code(), ErrorCode::kUnsupported);
    // A failed call leaves what it could not give away to whoever gave it.
    EXPECT_EQ((co_await a->connect_(context, std::move(foreign), 1)).error().code(),
              ErrorCode::kUnsupported);
  });
  EXPECT_EQ(g_handles, 0);
}

}  // namespace
}  // namespace nimbus
