// What the two halves of the FakePort share.
#pragma once

#include <string>

#include "tests/api/fake_port.h"

namespace coffer::test {

class FakeAdmission final : public api::Admission {
 public:
  std::string token_text;
};

inline const std::string& text_of(const api::AdmissionPtr& admission) {
  return static_cast<const FakeAdmission&>(*admission).token_text;
}

template <class State, class Events>
void apply_events(State& state, const Events& events) {
  for (const auto& event : events) {
    auto next = evolve(std::move(state), event);
    COFFER_CHECK(next.ok());
    state = std::move(next).value();
  }
}

}  // namespace coffer::test
