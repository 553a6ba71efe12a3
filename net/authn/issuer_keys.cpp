#include "net/authn/issuer_keys.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <vector>

#include "net/authn/jwk_set.h"

namespace coffer::authn {
namespace {

constexpr std::int64_t kNsPerSecond = 1'000'000'000;

Result<KeySetPtr> read_keys(const std::string& body) {
  COFFER_ASSIGN(ParsedKeySet parsed, parse_jwks(body));
  if (parsed.keys.empty())
    return fail(ErrorCode::invalid_argument, "the issuer's key set has no usable key");
  return KeySetPtr(std::make_shared<const KeySet>(std::move(parsed.keys)));
}

// Gets the keys of an issuer, by way of its metadata where that is asked for.
void fetch_keys(HttpsFetcher& fetcher, const IssuerAddress& issuer, const IssuerKeys::Done& done) {
  const auto take_keys = [done](Result<std::string> body) {
    done(body ? read_keys(*body) : Result<KeySetPtr>(body.error()));
  };
  if (issuer.kind == IssuerAddress::Kind::jwks)
    return fetcher.fetch({issuer.url, issuer.authority_pem}, take_keys);
  const auto take_metadata = [&fetcher, issuer, take_keys, done](Result<std::string> body) {
    if (!body) return done(body.error());
    const auto metadata = parse_provider_metadata(*body, issuer.url);
    if (!metadata) return done(metadata.error());
    fetcher.fetch({metadata->jwks_uri, issuer.authority_pem}, take_keys);
  };
  fetcher.fetch({discovery_url(issuer.url), issuer.authority_pem}, take_metadata);
}

}  // namespace

class IssuerKeys::Table {
 public:
  Table(const Clock& clock, const IssuerLimits& limits) : clock_(clock), limits_(limits) {}

  // What the caller does after the lock is released.
  struct Step {
    std::optional<Result<KeySetPtr>> answer;  // none: `done` waits
    bool must_fetch = false;
  };

  // `tried`: null, or the set in which a key was missing.
  Step ask(const IssuerAddress& issuer, const KeySetPtr& tried, Done& done) {
    const std::lock_guard lock(mutex_);
    const std::int64_t now = clock_.monotonic_ns();
    Entry* entry = find_entry(issuer);
    if (entry == nullptr)
      return {fail(ErrorCode::overloaded, "too many token issuers are in use"), false};
    entry->last_used = ++uses_;
    const KeySetPtr known = usable_keys(*entry, now);
    const bool may_fetch =
        !entry->is_fetching && (!entry->has_tried || now - entry->started_at >= ns(limits_.pause));
    if (known != nullptr && known != tried) {
      const bool is_old = now - entry->fetched_at >= ns(limits_.fresh_for);
      return {Result<KeySetPtr>(known), is_old && may_fetch && start(*entry, now)};
    }
    if (!entry->is_fetching && !may_fetch)
      return {known != nullptr ? Result<KeySetPtr>(known) : Result<KeySetPtr>(entry->last_error),
              false};
    if (entry->waiters.size() >= limits_.waiters_max)
      return {fail(ErrorCode::overloaded, "too many requests wait for this token issuer"), false};
    entry->waiters.push_back(std::move(done));
    return {std::nullopt, may_fetch && start(*entry, now)};
  }

  // Takes what a fetch brought and answers everyone who waited for it.
  void finish(const IssuerAddress& issuer, const Result<KeySetPtr>& fetched) {
    std::vector<Done> waiters;
    std::optional<Result<KeySetPtr>> answer;
    {
      const std::lock_guard lock(mutex_);
      const auto at = entries_.find(issuer);
      COFFER_CHECK(at != entries_.end());  // an entry that is fetching is never evicted
      Entry& entry = at->second;
      const std::int64_t now = clock_.monotonic_ns();
      entry.is_fetching = false;
      if (fetched) {
        entry.keys = *fetched;
        entry.fetched_at = now;
      } else {
        ++failures_;
        entry.last_error = fetched.error();
      }
      const KeySetPtr known = usable_keys(entry, now);
      answer = known != nullptr ? Result<KeySetPtr>(known) : Result<KeySetPtr>(entry.last_error);
      waiters.swap(entry.waiters);
    }
    for (const Done& done : waiters) done(*answer);
  }

  [[nodiscard]] IssuerCounts counts() const {
    const std::lock_guard lock(mutex_);
    return {fetches_, failures_, entries_.size()};
  }

 private:
  struct Entry {
    KeySetPtr keys;               // null: never fetched with success
    std::int64_t fetched_at = 0;  // monotonic, of `keys`
    std::int64_t started_at = 0;  // of the last fetch
    bool has_tried = false;
    bool is_fetching = false;
    Error last_error{ErrorCode::unavailable, "the issuer's keys are not known"};
    std::uint64_t last_used = 0;
    std::vector<Done> waiters;
  };

  static std::int64_t ns(Seconds span) noexcept { return span.count * kNsPerSecond; }

  [[nodiscard]] KeySetPtr usable_keys(const Entry& entry, std::int64_t now) const {
    return now - entry.fetched_at < ns(limits_.stale_max) ? entry.keys : nullptr;
  }

  bool start(Entry& entry, std::int64_t now) {
    entry.is_fetching = entry.has_tried = true;
    entry.started_at = now;
    ++fetches_;
    return true;
  }

  // The entry, made when there is room or another one may go; null when there is none.
  Entry* find_entry(const IssuerAddress& issuer) {
    if (const auto at = entries_.find(issuer); at != entries_.end()) return &at->second;
    if (entries_.size() >= limits_.issuers_max && !evict_one()) return nullptr;
    return &entries_[issuer];
  }

  bool evict_one() {
    auto oldest = entries_.end();
    for (auto at = entries_.begin(); at != entries_.end(); ++at) {
      if (at->second.is_fetching) continue;
      if (oldest == entries_.end() || at->second.last_used < oldest->second.last_used) oldest = at;
    }
    if (oldest == entries_.end()) return false;
    entries_.erase(oldest);
    return true;
  }

  const Clock& clock_;
  const IssuerLimits limits_;
  mutable std::mutex mutex_;
  std::map<IssuerAddress, Entry> entries_;
  std::uint64_t uses_ = 0;
  std::uint64_t fetches_ = 0;
  std::uint64_t failures_ = 0;
};

IssuerKeys::IssuerKeys(const Clock& clock, const IssuerLimits& limits,
                       const FetchLimits& fetch_limits)
    : table_(std::make_shared<Table>(clock, limits)),
      fetcher_(std::make_unique<HttpsFetcher>(fetch_limits)) {}

IssuerKeys::~IssuerKeys() {
  fetcher_->stop();
}

void IssuerKeys::find(const IssuerAddress& issuer, Done done) {
  find_newer(issuer, nullptr, std::move(done));
}

void IssuerKeys::find_newer(const IssuerAddress& issuer, const KeySetPtr& tried, Done done) {
  const Table::Step step = table_->ask(issuer, tried, done);
  if (step.must_fetch) {
    fetch_keys(*fetcher_, issuer, [table = table_, issuer](const Result<KeySetPtr>& fetched) {
      table->finish(issuer, fetched);
    });
  }
  if (step.answer) done(*step.answer);
}

void IssuerKeys::find_metadata(const IssuerAddress& issuer, MetadataDone done) {
  COFFER_CHECK(issuer.kind == IssuerAddress::Kind::discovery);
  fetcher_->fetch({discovery_url(issuer.url), issuer.authority_pem},
                  [issuer, done = std::move(done)](Result<std::string> body) {
                    done(body ? parse_provider_metadata(*body, issuer.url)
                              : Result<ProviderMetadata>(body.error()));
                  });
}

IssuerCounts IssuerKeys::counts() const {
  return table_->counts();
}

}  // namespace coffer::authn
