// The operator's view, in Vault's style: running actors, events of the tenant's log, its hash
// chain. Metadata only; the port asks for sudo.
#include "net/vault_api/handlers.h"

namespace coffer::net::vault {
namespace {

constexpr std::int64_t kEventsDefault = 100;

void write_actor(json::Writer& writer, const api::ActorInfo& actor) {
  writer.begin_object();
  writer.key("busy_ns").unsigned_integer(actor.busy_ns);
  writer.key("id").unsigned_integer(actor.id);
  writer.key("kind").string(actor.kind);
  writer.key("last_error").string(actor.last_error);
  writer.key("mailbox").unsigned_integer(actor.mailbox);
  writer.key("name").string(actor.name);
  writer.key("parent").unsigned_integer(actor.parent);
  writer.key("processed").unsigned_integer(actor.processed);
  writer.key("state").string(actor.state);
  writer.key("tenant").string(actor.tenant);
  writer.end_object();
}

void write_event(json::Writer& writer, const api::EventInfo& event) {
  writer.begin_object();
  writer.key("epoch").unsigned_integer(event.epoch);
  writer.key("events").begin_array();
  for (const auto& item : event.events) {
    writer.begin_object().key("json");
    if (item.json.empty())
      writer.null();
    else
      writer.raw(item.json);
    writer.key("name").string(item.name).end_object();
  }
  writer.end_array();
  writer.key("hash").string(event.hash);
  writer.key("previous_hash").string(event.previous_hash);
  writer.key("sequence").unsigned_integer(event.sequence);
  writer.key("stream").string(event.stream);
  writer.key("time").string(to_rfc3339_nano(event.time));
  writer.end_object();
}

}  // namespace

void sys_actors(Exchange& x, std::string_view) {
  using Actors = std::vector<api::ActorInfo>;
  x.port().list_actors(x.admission(), x.then<Actors>([](Exchange& self, const Actors& actors) {
    self.answer_data(256 * actors.size(), [&](json::Writer& writer) {
      writer.begin_object().key("actors").begin_array();
      for (const auto& actor : actors) write_actor(writer, actor);
      writer.end_array().end_object();
    });
  }));
}

void sys_events(Exchange& x, std::string_view) {
  const auto fields = x.fields();
  COFFER_FIELD(const auto from, x, fields.integer("from"));
  COFFER_FIELD(const auto wanted, x, fields.integer("limit"));
  COFFER_FIELD(auto stream, x, fields.text("stream"));
  if (stream && stream->empty()) stream.reset();
  if (from.value_or(0) < 0)
    return x.refuse(ErrorCode::invalid_argument, "from must not be negative");
  const auto asked = wanted.value_or(0) > 0 ? *wanted : kEventsDefault;
  const auto limit = std::min(static_cast<std::size_t>(asked), x.options().events_max);
  using Events = std::vector<api::EventInfo>;
  x.port().read_events(x.admission(), static_cast<TenantSequence>(from.value_or(0)), limit,
                       std::move(stream), x.then<Events>([](Exchange& self, const Events& events) {
                         self.answer_data(512 * events.size(), [&](json::Writer& writer) {
                           writer.begin_object().key("events").begin_array();
                           for (const auto& event : events) write_event(writer, event);
                           writer.end_array().end_object();
                         });
                       }));
}

void sys_events_verify(Exchange& x, std::string_view) {
  x.port().verify_chain(
      x.admission(), x.then<api::ChainReport>([](Exchange& self, const api::ChainReport& report) {
        self.answer_data(256, [&](json::Writer& writer) {
          writer.begin_object().key("head_hash").string(report.head_hash).key("problem");
          if (report.problem)
            writer.string(*report.problem);
          else
            writer.null();
          writer.key("records").unsigned_integer(report.records).end_object();
        });
      }));
}

}  // namespace coffer::net::vault
