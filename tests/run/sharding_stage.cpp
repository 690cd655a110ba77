// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/compose/reflect.hpp>
#include <proximal/run/config/distributed_options.hpp>
#include <proximal/run/sharding_stage.hpp>
#include <string>
#include <string_view>
#include <type_traits>

using namespace proximal::run;

TEST_CASE("sharding_stage: the words of --sharding, as DeepSpeed numbers them") {
    static_assert(sharding_stage("none") == 0 && sharding_stage("zero3") == 3);
    std::string words;
    for (std::int64_t stage = 0; auto const word : sharding_stages) {
        CHECK(sharding_stage(word) == stage++);
        words += (words.empty() ? "" : ", ") + std::string(word);
    }
    distributed_options options;
    proximal::visit_knobs(options, [&](std::string_view, auto const& knob, auto&) {
        if constexpr (std::is_same_v<std::remove_cvref_t<decltype(knob.accepts)>, proximal::choices>)
            if (knob.name == "sharding") CHECK(knob.accepts.words == words);
    });
    CHECK_THROWS_WITH(sharding_stage("zero4"), "--sharding zero4 is not known: choose none, zero1, zero2 or zero3");
}
