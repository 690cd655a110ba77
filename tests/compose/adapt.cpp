// SPDX-License-Identifier: Apache-2.0
#include "../support/backends.hpp"

#include <catch2/catch.hpp>

using namespace proximal;
using support::column;

TEMPLATE_TEST_CASE("evaluate_and_adapt: a part learns from the batch as it reaches it, through chains and switches", "",
                   BACKENDS) {
    rollout<TestType> rollout;
    rollout.scores = column<TestType>({1, 5}), rollout.has_eos = column<TestType>({1, 0});
    auto const seen_by = [&](auto shaper) {
        run_and_adapt(shaper, rollout);
        running_moments found;
        auto const look = [&](auto const& self, auto& part) -> void {
            if constexpr (requires { part.seen; }) found = part.seen;
            visit_parts(part, [&](auto& inner) { self(self, inner); });
        };
        look(look, shaper);
        return found;
    };
    CHECK(seen_by(chain(missing_eos_penalty{2.0}, running_scaling{})).mean == Approx(2.0));
    CHECK(seen_by(chain(running_scaling{}, missing_eos_penalty{2.0})).mean == Approx(3.0));
    CHECK(seen_by(chain(chain(missing_eos_penalty{2.0}), chain(optionally(running_scaling{}, true)))).mean ==
          Approx(2.0));
    CHECK(seen_by(chain(optionally(running_scaling{}, false))).count == 0.0);
}
