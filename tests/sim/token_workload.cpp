// Tokens: trees of them, limited uses, renewal, revocation with and without children.
#include <fmt/format.h>

#include "tests/sim/simulation.h"

namespace coffer::sim {

SimRequestPtr Simulation::token_request() {
  for (const auto& request : under_way_)
    if (request->changes_structure) return nullptr;
  SimRequestPtr request;
  const auto& token = model_.tokens[choice_.below(model_.tokens.size())];
  const bool usable = token != model_.tokens.front() && !token->any_unsure() && !token->home->gone;
  if (usable && choice_.below(3) == 0)
    request = token_renewal(token);
  else if (usable && choice_.below(2) == 0)
    request = token_revocation(token);
  else
    request = token_creation();
  request->changes_structure = true;
  return request;
}

SimRequestPtr Simulation::token_creation() {
  const auto where = any_namespace();
  auto request =
      make_request(any_token(*where), where, policy::Operation::update, "auth/token/create");
  token::TokenRequest wanted;
  for (int i = 0; i < 3; ++i)
    if (choice_.below(2) == 0) wanted.policies.push_back(fmt::format("p{}", i));
  if (choice_.below(2) == 0)
    wanted.ttl = Seconds{static_cast<std::int64_t>(5 + choice_.below(200))};
  if (choice_.below(4) == 0) wanted.num_uses = 1 + choice_.below(4);
  wanted.no_parent = choice_.below(4) == 0;
  request->what = "create token in " + where->path;
  auto issued = std::make_shared<std::optional<api::TokenIssued>>();
  request->run = [wanted, issued](api::RequestPort& vault, const api::AdmissionPtr& admission,
                                  auto finish) {
    vault.create_token(admission, wanted, {}, 200, [issued, finish](Result<api::TokenIssued> r) {
      Finish out;
      if (r) {
        out.recorded = r->recorded;
        *issued = std::move(*r);
      } else {
        out.error = r.error();
      }
      finish(out);
    });
  };
  request->learn = [this, issued, where, parent = request->token](const Finish& finish) {
    if (finish.error) return;  // nobody knows the text of a token whose creation got lost
    auto token = std::make_shared<TokenModel>();
    token->text = std::move((*issued)->token);
    token->state = (*issued)->state;
    token->home = where;
    token->accessor = token->state.accessor;
    if (!token->state.parent.is_zero()) token->parent = parent;
    model_.tokens.push_back(token);
  };
  return request;
}

SimRequestPtr Simulation::token_renewal(const TokenPtr& token) {
  auto request = make_request(model_.tokens.front(), token->home, policy::Operation::update,
                              "auth/token/renew");
  request->what = "renew " + token->accessor;
  const Seconds increment{static_cast<std::int64_t>(choice_.below(300))};
  auto renewed = std::make_shared<token::TokenState>();
  const auto text = std::make_shared<SecretBytes>(token->text.clone());
  request->run = [text, increment, renewed](api::RequestPort& vault,
                                            const api::AdmissionPtr& admission, auto finish) {
    api::TokenReference reference;
    reference.token = text->clone();
    vault.renew_token(admission, std::move(reference), increment, 200,
                      [renewed, finish](Result<api::TokenRenewal> r) {
                        Finish out;
                        if (r) {
                          out.recorded = r->recorded;
                          *renewed = r->state;
                        } else {
                          out.error = r.error();
                        }
                        finish(out);
                      });
  };
  token->unsure = true;
  request->withdraw = [token] { token->unsure = false; };
  request->learn = [token, renewed](const Finish& finish) {
    if (finish.is_lost()) return;
    token->unsure = false;
    if (!finish.error) token->state = *renewed;
  };
  return request;
}

SimRequestPtr Simulation::token_revocation(const TokenPtr& token) {
  const bool orphans = choice_.below(4) == 0;
  const bool by_accessor = choice_.below(2) == 0;
  auto request = make_request(model_.tokens.front(), token->home, policy::Operation::update,
                              orphans ? "auth/token/revoke-orphan" : "auth/token/revoke");
  request->what = fmt::format("revoke {} orphans {}", token->accessor, orphans);
  const auto text = std::make_shared<SecretBytes>(token->text.clone());
  request->run = [text, orphans, accessor = by_accessor ? token->accessor : std::string()](
                     api::RequestPort& vault, const api::AdmissionPtr& admission, auto finish) {
    api::TokenReference reference;
    reference.accessor = accessor;
    if (accessor.empty()) reference.token = text->clone();
    vault.revoke_token(admission, std::move(reference), orphans, 204,
                       [finish](Result<api::Changed> changed) {
                         Finish out;
                         if (changed)
                           out.recorded = changed->recorded;
                         else
                           out.error = changed.error();
                         finish(out);
                       });
  };
  token->unsure = true;
  request->withdraw = [token] { token->unsure = false; };
  request->learn = [token, orphans](const Finish& finish) {
    if (finish.is_lost()) return;
    token->unsure = false;
    if (finish.error) return;
    token->state.revoked = true;
    token->state.children_live_on = orphans;
  };
  return request;
}

}  // namespace coffer::sim
