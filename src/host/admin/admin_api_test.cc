#include "host/admin/admin_api.h"

#include <gmock/gmock.h>

#include "host/admin/admin_client.h"
#include "host/admin/admin_json.h"
#include "host/test_support.h"
#include "http/server.h"
#include "net/socket.h"
#include "net/stream.h"

namespace nimbus::host {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

constexpr std::string_view kManifest =
    "name: hello\ncomponents: [{name: web, file: /w/good}]\nhttp: {routes: [{path: /}]}\n";

// A whole control plane over a fake data plane, with the API on a socket of its own.
struct ApiRig {
  explicit ApiRig(net::Shard& shard, AdminOptions options = {}, http::ServerLimits limits = {})
      : shard(shard), limits(limits) {
    readiness.markReady();
    api.emplace(AdminEnvironment{.shard = shard,
                                 .manager = manager,
                                 .events = events,
                                 .readiness = readiness,
                                 .metrics = metrics,
                                 .clock = clock,
                                 .drain = [this] { ++drains; }},
                std::move(options));
    serve(*api);
  }
  void serve(http::Handler& handler) {
    net::Endpoint where;
    where.unix_path = folder.path("admin" + std::to_string(servers.size()));
    auto sockets = net::listenOn(where, 1);
    EXPECT_TRUE(sockets) << sockets.error().describe();
    endpoint = (*sockets)[0]->boundTo();
    http::ServerOptions options;
    options.limits = limits;
    servers.push_back(
        http::makeServer(shard, std::move((*sockets)[0]), handler, options, *log, metrics));
  }
  AdminClient client(std::optional<std::string> token = {}) const {
    return {shard, endpoint, std::move(token)};
  }
  AdminClient impatientClient() const {
    return {shard, endpoint, {}, std::chrono::milliseconds(20)};
  }
  // Status line, head and content of the answer to a request as text.
  Task<std::string> raw(std::string request) {
    auto stream = co_await net::connectTo(shard, endpoint);
    EXPECT_TRUE(stream);
    co_await (*stream)->writeAll(asBytes(request));
    std::string answer;
    std::array<std::uint8_t, 4096> buffer{};
    while (true) {
      const auto count = co_await (*stream)->read(buffer);
      if (!count || *count == 0) co_return answer;
      answer.append(asText(ByteView(buffer).first(*count)));
    }
  }
  Task<std::string> get(std::string path) {
    co_return co_await raw("GET " + path + " HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
  }

  net::Shard& shard;
  http::ServerLimits limits;
  TemporaryFolder folder;
  FakeRuntime runtime;
  std::unique_ptr<WorkloadStore> store = makeMemoryWorkloadStore();
  FakeClock clock;
  EventLog events{shard, clock, "run1", {.capacity = 8, .heartbeat = std::chrono::milliseconds(5)}};
  Readiness readiness;
  std::unique_ptr<Logger> log = makeNullLogger();
  MetricRegistry metrics;
  WorkloadManager manager{{shard, runtime, *store, events, readiness, *log, metrics, clock}, {}};
  int drains = 0;
  std::optional<AdminApi> api;
  net::Endpoint endpoint;
  std::vector<std::unique_ptr<http::Server>> servers;
};

class AdminApiTest : public ShardTest {};

TEST_F(AdminApiTest, AppliesListsGetsAndDeletes) {
  run([](net::Shard& shard) -> Task<void> {
    ApiRig rig(shard);
    AdminClient client = rig.client();
    const auto applied =
        co_await client.apply(std::string(kManifest), AdminClient::Wait::kForOutcome);
    EXPECT_TRUE(applied) << applied.error().describe();
    EXPECT_EQ(applied->name, "hello");
    EXPECT_EQ(applied->state, "Running");
    EXPECT_EQ(applied->owner, "api");
    EXPECT_EQ(applied->generation, 1U);
    EXPECT_EQ(applied->observed_generation, 1U);
    EXPECT_EQ(applied->serving_generation, 1U);
    EXPECT_THAT(applied->json, HasSubstr(R"("kind":"http-p2")"));
    EXPECT_THAT(applied->json, HasSubstr(R"("file":"/w/good")"));

    const auto all = co_await client.list("");
    EXPECT_EQ(all->size(), 1U);
    EXPECT_EQ(all->at(0).name, "hello");
    EXPECT_EQ((co_await client.get("default", "hello"))->state, "Running");

    EXPECT_TRUE(co_await client.remove("default", "hello"));
    const auto gone = co_await client.get("default", "hello");
    EXPECT_EQ(gone.error().code(), ErrorCode::kNotFound);
    EXPECT_EQ(gone.error().message(), "there is no workload \"default/hello\"");
    EXPECT_TRUE((co_await client.list(""))->empty());
  });
}

TEST_F(AdminApiTest, TellsWhenAnImageIsAskedForAgain) {
  run([](net::Shard& shard) -> Task<void> {
    ApiRig rig(shard);
    rig.runtime.failing_fetches = 1;
    const auto applied = co_await rig.client().apply(
        "name: hello\ncomponents: [{name: web, image: 'r.example/flaky:1'}]\n"
        "http: {routes: [{path: /}]}\n",
        AdminClient::Wait::kForOutcome);
    EXPECT_EQ(applied.error().code(), ErrorCode::kUnavailable);
    const auto status = co_await rig.client().get("default", "hello");
    EXPECT_EQ(status->state, "Error");
    EXPECT_EQ(status->retry_at, formatTime(rig.clock.wallNow() + std::chrono::seconds(10)));
  });
}

TEST_F(AdminApiTest, ListsEveryPageAndOneNamespace) {
  run([](net::Shard& shard) -> Task<void> {
    ApiRig rig(shard);
    for (int i = 0; i < 1100; ++i) {
      WorkloadSpec spec = makeSpec("w" + std::to_string(i));
      if (i % 2 != 0) spec.namespace_name = "odd";
      co_await rig.manager.apply(std::make_shared<const WorkloadSpec>(std::move(spec)),
                                 {.source = ""});
    }
    EXPECT_EQ((co_await rig.client().list(""))->size(), 1100U);
    EXPECT_EQ((co_await rig.client().list("odd"))->size(), 550U);
    EXPECT_EQ((co_await rig.client().list("default"))->size(), 550U);
    EXPECT_EQ((co_await rig.client().list("none"))->size(), 0U);
  });
}

TEST_F(AdminApiTest, AnswersWithTheReasonOfAFailure) {
  run([](net::Shard& shard) -> Task<void> {
    ApiRig rig(shard);
    AdminClient client = rig.client();
    const auto failed = co_await client.apply("name: x\ncomponents: [{name: web, file: /w/bad}]\n",
                                              AdminClient::Wait::kForOutcome);
    EXPECT_EQ(failed.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_EQ(failed.error().message(), "the component is bad");
    EXPECT_EQ((co_await client.get("default", "x"))->reason, "the component is bad");
  });
}

TEST_F(AdminApiTest, WithoutWaitingItAnswersAtOnce) {
  run([](net::Shard& shard) -> Task<void> {
    ApiRig rig(shard);
    rig.runtime.hold = true;
    const auto accepted =
        co_await rig.client().apply(std::string(kManifest), AdminClient::Wait::kNo);
    EXPECT_EQ(accepted->state, "Starting");
    EXPECT_EQ(accepted->observed_generation, 0U);
  });
}

std::string post(std::string_view target, std::string_view body) {
  return "POST " + std::string(target) + " HTTP/1.1\r\nhost: x\r\nconnection: close\r\n" +
         "content-length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

TEST_F(AdminApiTest, AManifestThatStopsComingIsA408) {
  run([](net::Shard& shard) -> Task<void> {
    http::ServerLimits limits;
    limits.body_idle_timeout = std::chrono::milliseconds(20);
    ApiRig rig(shard, {}, limits);
    const std::string answer = co_await rig.raw(
        "POST /v1/workloads HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nname");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 408 "));
    EXPECT_THAT(answer, HasSubstr(R"("code":"deadline-exceeded")"));
  });
}

TEST_F(AdminApiTest, StatusesTellWhatKindOfFailureItIs) {
  run([](net::Shard& shard) -> Task<void> {
    ApiRig rig(shard, {.token = {}, .max_body_bytes = 1000});
    const auto status = [](const std::string& answer) { return answer.substr(9, 3); };
    const auto apply = [&rig](std::string_view body) {
      return rig.raw(post("/v1/workloads", body));
    };
    EXPECT_EQ(status(co_await apply("nmae: x")), "400");
    EXPECT_EQ(status(co_await apply("")), "400");
    EXPECT_EQ(status(co_await apply("name: x\ncomponents: [{name: a, file: relative}]\n")), "400");
    EXPECT_EQ(status(co_await apply("name: x\ncomponents: [{name: a, image: y}]\n")), "400");
    EXPECT_EQ(status(co_await apply("name: x\ncomponents: [{name: a, file: /w/bad}]\n")), "422");
    EXPECT_EQ(status(co_await apply(std::string(1001, ' '))), "413");
    EXPECT_EQ(status(co_await apply(kManifest)), "200");
    EXPECT_EQ(status(co_await apply(
                  "name: y\ncomponents: [{name: a, file: /a}]\nhttp: {routes: [{path: /}]}\n")),
              "409");
    EXPECT_EQ(status(co_await rig.raw(post("/v1/workloads?wait=false", kManifest))), "202");
    EXPECT_EQ(status(co_await rig.get("/v1/workloads/default/none")), "404");
    EXPECT_EQ(status(co_await rig.get("/nothing")), "404");
    EXPECT_EQ(status(co_await rig.get("/v1/events?workload=A")), "400");
    const std::string wrong_method = co_await rig.get("/v1/drain");
    EXPECT_EQ(status(wrong_method), "405");
    EXPECT_THAT(wrong_method, HasSubstr("allow: POST\r\n"));
    EXPECT_THAT(wrong_method, HasSubstr(R"({"error":{"code":"invalid-argument","message":)"));
    rig.manager.startDrain();
    EXPECT_EQ(status(co_await apply("name: z\ncomponents: [{name: a, file: /a}]\n")), "503");
  });
}

TEST_F(AdminApiTest, ATokenIsAskedForOnEveryPath) {
  run([](net::Shard& shard) -> Task<void> {
    ApiRig rig(shard, {.token = [] { return std::string("s3cret"); }});
    EXPECT_TRUE(co_await rig.client("s3cret").list(""));
    for (const std::optional<std::string>& token :
         {std::optional<std::string>(), std::optional<std::string>("s3cre"),
          std::optional<std::string>("s3cret!"), std::optional<std::string>("")}) {
      const auto refused = co_await rig.client(token).list("");
      EXPECT_FALSE(refused);
      if (!refused) EXPECT_EQ(refused.error().code(), ErrorCode::kPermissionDenied);
    }
    EXPECT_THAT(co_await rig.get("/nothing"), StartsWith("HTTP/1.1 401 "));
    EXPECT_THAT(co_await rig.get("/metrics"), HasSubstr("www-authenticate: Bearer\r\n"));
  });
}

TEST_F(AdminApiTest, FieldsThatSayOneThingComeOnce) {
  run([](net::Shard& shard) -> Task<void> {
    ApiRig rig(shard, {.token = [] { return std::string("s3cret"); }});
    const auto ask = [&rig](std::string_view fields) {
      return rig.raw("GET /v1/host HTTP/1.1\r\nhost: x\r\nconnection: close\r\n" +
                     std::string(fields) + "\r\n");
    };
    const std::string good = "authorization: Bearer s3cret\r\n";
    EXPECT_THAT(co_await ask(good), StartsWith("HTTP/1.1 200 "));
    for (const std::string& fields :
         {good + good, good + "Authorization: Bearer other\r\n",
          "authorization: Bearer other\r\n" + good,
          good + "content-type: a/b\r\ncontent-type: c/d\r\n",
          good + "last-event-id: 1\r\nlast-event-id: 2\r\n", good + "host: y\r\n",
          good + "content-length: 0\r\ncontent-length: 0\r\n"})
      EXPECT_THAT(co_await ask(fields), StartsWith("HTTP/1.1 400 ")) << fields;
    EXPECT_THAT(co_await ask(good + good), HasSubstr("more than one field \\\"authorization\\\""));
  });
}

TEST_F(AdminApiTest, DrainTurnsReadinessOffAndTellsTheProcess) {
  run([](net::Shard& shard) -> Task<void> {
    ApiRig rig(shard);
    EXPECT_TRUE(co_await rig.client().drain());
    EXPECT_EQ(rig.drains, 1);
    EXPECT_EQ(rig.readiness.phase(), Readiness::Phase::kDraining);
  });
}

TEST_F(AdminApiTest, DescribesTheHostAndItsMetrics) {
  run([](net::Shard& shard) -> Task<void> {
    ApiRig rig(shard);
    co_await rig.client().apply(std::string(kManifest), AdminClient::Wait::kForOutcome);
    rig.clock.advance(std::chrono::seconds(90));
    const auto host = co_await rig.client().host();
    EXPECT_EQ(*host, R"({"version":")" NIMBUS_VERSION
                     R"(","epoch":"run1","phase":"ready","uptimeSeconds":90,"durable":false,)"
                     R"("workloads":{"starting":0,"running":1,"stopping":0,"error":0},)"
                     R"("problems":[]})");
    EXPECT_THAT(*co_await rig.client().metrics(),
                HasSubstr("nimbus_workloads{state=\"Running\"} 1"));
  });
}

// The kinds of events a client gets; ids and data as well if asked for.
Task<Result<std::vector<std::string>>> remembered(ApiRig& rig, AdminClient::EventQuery query) {
  query.follow = false;
  std::vector<std::string> kinds;
  CO_TRY_VOID(co_await rig.client().events(
      std::move(query), [&kinds](const AdminEvent& event) { kinds.push_back(event.kind); }));
  co_return kinds;
}

TEST_F(AdminApiTest, TellsWhatHappened) {
  run([](net::Shard& shard) -> Task<void> {
    ApiRig rig(shard);
    AdminClient client = rig.client();
    co_await client.apply(std::string(kManifest), AdminClient::Wait::kForOutcome);
    co_await client.apply("name: x\ncomponents: [{name: web, file: /w/bad}]\n",
                          AdminClient::Wait::kForOutcome);
    EXPECT_THAT(*co_await remembered(rig, {}),
                ElementsAre("starting", "running", "starting", "failed"));
    EXPECT_THAT(*co_await remembered(rig, {.workload = "default/x", .last_event_id = ""}),
                ElementsAre("starting", "failed"));
    EXPECT_THAT(*co_await remembered(rig, {.workload = "", .last_event_id = "run1.3"}),
                ElementsAre("failed"));
    EXPECT_THAT(*co_await remembered(rig, {.workload = "", .last_event_id = "run1.4"}), IsEmpty());
  });
}

TEST_F(AdminApiTest, TellsAReaderWhatItMissed) {
  run([](net::Shard& shard) -> Task<void> {
    ApiRig rig(shard);
    for (int i = 0; i < 12; ++i) rig.events.add(EventKind::kProblem, "", 0, "x");
    std::vector<std::string> data;
    co_await rig.client().events(
        {.workload = "", .follow = false, .last_event_id = "run1.2"},
        [&data](const AdminEvent& event) { data.push_back(event.kind + " " + event.data); });
    EXPECT_EQ(data.size(), 9U);
    EXPECT_EQ(data.at(0), R"(missed {"count":2})");
    EXPECT_THAT(data.at(1), HasSubstr(R"("sequence":5)"));
    const auto other_run = co_await remembered(rig, {.workload = "", .last_event_id = "run0.2"});
    EXPECT_EQ(other_run->at(0), "missed");
    EXPECT_EQ(other_run->size(), 9U);
  });
}

Task<void> followEvents(ApiRig& rig, std::vector<std::string>& seen, Event& first, bool& ended) {
  const auto result = co_await rig.client().events({}, [&](const AdminEvent& event) {
    seen.push_back(event.kind);
    first.set();
  });
  EXPECT_TRUE(result) << result.error().describe();
  ended = true;
}

TEST_F(AdminApiTest, EventsAreFollowedUntilTheLogCloses) {
  run([](net::Shard& shard) -> Task<void> {
    ApiRig rig(shard);
    std::vector<std::string> seen;
    Event first;
    bool ended = false;
    TaskSet tasks;
    tasks.spawn(followEvents(rig, seen, first, ended));
    EXPECT_TRUE(co_await rig.client().host());  // the reader's request was there before
    rig.events.add(EventKind::kReady, "", 0, "");
    co_await first.wait();
    rig.events.add(EventKind::kDraining, "", 0, "");
    rig.events.close();
    co_await tasks.empty();
    EXPECT_TRUE(ended);
    EXPECT_THAT(seen, ElementsAre("ready", "draining"));
  });
}

TEST_F(AdminApiTest, ASilentStreamCarriesHeartbeats) {
  run([](net::Shard& shard) -> Task<void> {
    ApiRig rig(shard);
    auto stream = co_await net::connectTo(shard, rig.endpoint);
    co_await (*stream)->writeAll(asBytes("GET /v1/events HTTP/1.1\r\nhost: x\r\n\r\n"));
    std::string answer;
    std::array<std::uint8_t, 4096> buffer{};
    while (!answer.contains(": alive\n\n")) {
      const auto count = co_await (*stream)->read(buffer);
      answer.append(asText(ByteView(buffer).first(count.value_or(0))));
      if (!count || *count == 0) break;
    }
    EXPECT_THAT(answer, HasSubstr("content-type: text/event-stream\r\n"));
    EXPECT_THAT(answer, HasSubstr(": alive\n\n"));
  });
}

// A request for a head alone, answered on a connection that ends after it.
Task<std::string> headOf(ApiRig& rig, std::string path) {
  co_return co_await rig.raw("HEAD " + path + " HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
}

TEST_F(AdminApiTest, HeadIsAnsweredLikeGetWithoutTheContent) {
  run([](net::Shard& shard) -> Task<void> {
    ApiRig rig(shard);
    co_await rig.client().apply(std::string(kManifest), AdminClient::Wait::kForOutcome);
    for (const char* path : {"/v1/workloads", "/v1/workloads/default/hello", "/v1/host", "/metrics",
                             "/v1/events", "/v1/events?follow=false"}) {
      const std::string answer = co_await headOf(rig, path);
      EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 ")) << path;
      EXPECT_THAT(answer, EndsWith("\r\n\r\n")) << path;
      EXPECT_EQ(answer.find("\r\n\r\n"), answer.size() - 4) << path;
    }
    EXPECT_THAT(co_await headOf(rig, "/v1/events"), HasSubstr("text/event-stream"));
    EXPECT_THAT(co_await headOf(rig, "/v1/workloads/default/none"), StartsWith("HTTP/1.1 404 "));
  });
}

TEST_F(AdminApiTest, BoundsTheReadersOfEvents) {
  run([](net::Shard& shard) -> Task<void> {
    ApiRig rig(shard, {.token = {}, .max_event_readers = 0});
    const auto refused = co_await remembered(rig, {});
    EXPECT_EQ(refused.error().code(), ErrorCode::kResourceExhausted);
  });
}

TEST_F(AdminApiTest, ProbesSayWhetherTheHostIsReady) {
  run([](net::Shard& shard) -> Task<void> {
    ApiRig rig(shard);
    Readiness readiness;
    ProbeHandler probe(readiness, rig.metrics);
    rig.serve(probe);
    EXPECT_THAT(co_await rig.get("/livez"), StartsWith("HTTP/1.1 200 "));
    EXPECT_THAT(co_await rig.get("/readyz"), StartsWith("HTTP/1.1 503 "));
    readiness.markReady();
    EXPECT_THAT(co_await rig.get("/readyz?verbose"), StartsWith("HTTP/1.1 200 "));
    readiness.markDraining();
    EXPECT_THAT(co_await rig.get("/readyz"), HasSubstr("draining"));
    EXPECT_THAT(co_await rig.get("/livez"), StartsWith("HTTP/1.1 200 "));
    EXPECT_THAT(co_await rig.get("/metrics"), HasSubstr("# TYPE nimbus_workloads gauge"));
    EXPECT_THAT(co_await rig.get("/v1/workloads"), StartsWith("HTTP/1.1 404 "));
    EXPECT_THAT(co_await rig.raw(post("/livez", "")), StartsWith("HTTP/1.1 405 "));
    rig.servers.pop_back();
  });
}

TEST_F(AdminApiTest, AClientNamesTheHostItCannotReach) {
  run([](net::Shard& shard) -> Task<void> {
    net::Endpoint nowhere;
    nowhere.unix_path = "/nonexistent/admin.sock";
    const auto failed = co_await AdminClient(shard, nowhere).list("");
    EXPECT_EQ(failed.error().code(), ErrorCode::kUnavailable);
    EXPECT_THAT(failed.error().message(), HasSubstr("/nonexistent/admin.sock"));
  });
}

TEST_F(AdminApiTest, AClientSendsNothingThatCouldEndALine) {
  run([](net::Shard& shard) -> Task<void> {
    ApiRig rig(shard);
    EXPECT_EQ((co_await rig.client().get("a b", "c")).error().code(), ErrorCode::kInvalidArgument);
    EXPECT_EQ((co_await rig.client().list("a\r\nx: y")).error().code(),
              ErrorCode::kInvalidArgument);
    EXPECT_EQ((co_await rig.client("t\r\nx: y").list("")).error().code(),
              ErrorCode::kInvalidArgument);
  });
}

TEST(AdminClientParsing, EventsMayComeInAnyPieces) {
  const std::string_view text =
      ": alive\n\nid: r.1\nevent: running\ndata: {\"a\":1}\n\nevent: missed\r\ndata: x\r\n"
      "data: y\r\n\r\ndata: unfinished\n";
  for (std::size_t piece = 1; piece < text.size(); ++piece) {
    std::vector<std::string> seen;
    AdminEventParser parser([&seen](const AdminEvent& event) {
      seen.push_back(event.id + "|" + event.kind + "|" + event.data);
    });
    for (std::size_t at = 0; at < text.size(); at += piece)
      EXPECT_TRUE(parser.feed(text.substr(at, piece)));
    EXPECT_THAT(seen, ElementsAre("r.1|running|{\"a\":1}", "r.1|missed|x\ny"));
  }
}

TEST(AdminClientParsing, AnEventHasABound) {
  AdminEventParser parser([](const AdminEvent&) {});
  const std::string piece(64 * 1024, 'x');
  Result<void> fed;
  for (int i = 0; i < 32 && fed; ++i) fed = parser.feed(piece);
  EXPECT_FALSE(fed);
}

TEST(AdminClientParsing, WorkloadsAreLinesForPeople) {
  const auto view = parseWorkloadView(
      R"({"namespace":"team","name":"shop","owner":"api","state":"Running","generation":3,)"
      R"("observedGeneration":2,"servingGeneration":1,"reason":"it is \"bad\"","retryAt":"T",)"
      R"("service":{"name":"watch","state":"Running"}})");
  ASSERT_TRUE(view);
  EXPECT_EQ(describeWorkload(*view),
            "team/shop  Running  generation 3 (observed 2, serving 1)  owner api\n"
            "  it is \"bad\"\n  tried again at T\n  service watch: Running");
}

TEST(AdminClientParsing, NothingThatAHostSaysOfAWorkloadControlsATerminal) {
  std::string link = R"({"name":"N","links":[{"import":"N","component":"N","how":"N",)"
                     R"("reason":"N"}],"bindings":[{"id":"N","provider":"N","problem":"N"}],)"
                     R"("state":"N","since":"N","reason":"N"})";
  std::string text = R"({"namespace":"N","name":"N","owner":"N","state":"N","reason":"N",)"
                     R"("retryAt":"N","service":)" +
                     link + R"(,"components":[)" + link + "]}";
  const std::string hostile = R"(x\u001b[2Jx\u009bx\rx\nforged\u202e)";
  for (std::size_t at = 0; (at = text.find("\"N\"", at)) != std::string::npos;)
    text.replace(at + 1, 1, hostile);
  const auto view = parseWorkloadView(text);
  ASSERT_TRUE(view);
  const std::string shown = describeWorkload(*view);
  for (const std::string_view control : {"\x1b", "\u009b", "\r", "\nforged", "\u202e"})
    EXPECT_THAT(shown, Not(HasSubstr(control)));
  EXPECT_THAT(shown, StartsWith(R"(x\u{1b}[2Jx\u{9b}x\rx\nforged\u{202e}/x\u{1b}[2J)"));
  EXPECT_EQ(std::ranges::count(shown, '\n'), 3 + 2 * 2) << "a line for each detail\n" << shown;
}

TEST(AdminClientParsing, EventsAreLinesForPeople) {
  const auto line = [](std::string kind, std::string data) {
    return describeEvent({.id = "1", .kind = std::move(kind), .data = std::move(data)});
  };
  EXPECT_EQ(line("failed", R"({"time":"T","kind":"failed","workload":"a/b","generation":3,)"
                           R"("message":"it is\nbad"})"),
            "T  failed  a/b  generation 3: it is\\nbad");
  EXPECT_EQ(line("ready", R"({"time":"T","kind":"ready","message":"1 of 1 workloads serve"})"),
            "T  ready: 1 of 1 workloads serve");
  EXPECT_EQ(line("missed", R"({"count":7})"), "missed: 7 events");
  EXPECT_EQ(line("odd", "no JSON"), "odd  no JSON");
}

TEST(AdminClientParsing, EventsAreLinesOfJson) {
  const auto line = [](std::string data) {
    return eventLine({.id = "1", .kind = "failed", .data = std::move(data)});
  };
  EXPECT_EQ(line(R"({"kind":"failed","message":"it is\nbad"})"),
            R"({"kind":"failed","message":"it is\nbad"})");
  EXPECT_EQ(line("{\"a\":\n1}"), R"({"a":1})");
  EXPECT_EQ(line("\x1b[2J\nno JSON"), R"("\u001b[2J\nno JSON")");
}

TEST(AdminClientParsing, ProblemsOfTheFolderAreListed) {
  const auto problems =
      parseHostProblems(R"({"problems":[{"file":"a.yaml","message":"a.yaml:1: no"}]})");
  ASSERT_TRUE(problems);
  EXPECT_EQ(problems->lines, std::vector<std::string>{"a.yaml:1: no"});
  EXPECT_EQ(problems->json, R"([{"file":"a.yaml","message":"a.yaml:1: no"}])");
}

TEST(AdminClientParsing, RefusesOtherAnswers) {
  for (const std::string_view text : {"", "x", "[]", "{}", "{\"workloads\":{}}", "{\"name\":1}"}) {
    EXPECT_FALSE(parseWorkloadView(text)) << text;
    EXPECT_FALSE(parseWorkloadList(text)) << text;
    EXPECT_FALSE(parseHostProblems(text)) << text;
    EXPECT_EQ(parseAdminError(502, text).message(), "the host answered with status 502");
  }
}

TEST_F(AdminApiTest, AHostThatTakesConnectionsAndNeverAnswersIsGivenUp) {
  run([](net::Shard& shard) -> Task<void> {
    const TemporaryFolder folder;
    net::Endpoint where;
    where.unix_path = folder.path("silent");
    const auto sockets = net::listenOn(where, 1);
    EXPECT_TRUE(sockets);
    AdminClient client(shard, where, {}, std::chrono::milliseconds(20));
    const auto listed = co_await client.list("");
    EXPECT_EQ(listed.error().code(), ErrorCode::kDeadlineExceeded);
    EXPECT_EQ(listed.error().message(),
              "the host at " + where.toString() +
                  " has not answered for 20ms; what was asked for may still happen");
    for (const auto wait : {AdminClient::Wait::kForOutcome, AdminClient::Wait::kNo})
      EXPECT_EQ((co_await client.apply(std::string(kManifest), wait)).error().code(),
                ErrorCode::kDeadlineExceeded);
    EXPECT_EQ((co_await client.remove("default", "hello")).error().code(),
              ErrorCode::kDeadlineExceeded);
    EXPECT_EQ((co_await client.events({}, [](const AdminEvent&) {})).error().code(),
              ErrorCode::kDeadlineExceeded);
    const auto applied = co_await client.apply(std::string(8'000'000, '#'), AdminClient::Wait::kNo);
    EXPECT_THAT(applied.error().message(), HasSubstr("has not taken the request for 20ms"));
  });
}

TEST_F(AdminApiTest, AnApplyThatTakesLongerThanAHostMayBeSilentIsWaitedFor) {
  run([](net::Shard& shard) -> Task<void> {
    ApiRig rig(shard);
    rig.runtime.hold = true;
    TaskSet later;
    later.spawn([](net::Shard& shard, FakeRuntime& runtime) -> Task<void> {
      co_await shard.sleepFor(std::chrono::milliseconds(200));
      runtime.letGo();
    }(shard, rig.runtime));
    const auto applied = co_await rig.impatientClient().apply(std::string(kManifest),
                                                              AdminClient::Wait::kForOutcome);
    EXPECT_EQ(applied->state, "Running");
    co_await later.empty();
  });
}

}  // namespace
}  // namespace nimbus::host
