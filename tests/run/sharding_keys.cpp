// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <catch2/catch.hpp>
#include <proximal/run/any_knob.hpp>
#include <proximal/run/sft_config.hpp>
#include <proximal/run/sharding_keys.hpp>
#include <set>
#include <string>

using namespace proximal::run;

namespace {
/// Each key is there once, and every flag that a reason names is one of every program.
template <class Keys>
void check_keys(Keys const& keys) {
    SFTConfig config;
    std::set<std::string> ours{"max-restarts"}, names;  // torchrun's
    for (auto const& knob : any_knobs(config)) ours.insert(knob.name);
    for (auto const& row : keys) {
        INFO(row.name);
        CHECK(names.insert(std::string(row.name)).second);
        for (std::size_t at = row.because.find("--"); at != std::string_view::npos;
             at = row.because.find("--", at + 2)) {
            auto const end = std::min(row.because.find_first_not_of("abcdefghijklmnopqrstuvwxyz_-0123456789", at + 2),
                                      row.because.size());
            CHECK(ours.contains(std::string(row.because.substr(at + 2, end - at - 2))));
        }
    }
}
}  // namespace

TEST_CASE("sharding_keys: each stands once, and every flag that a reason names is one") {
    check_keys(proximal::run::detail::deepspeed_keys);
    check_keys(proximal::run::detail::zero_keys);
    check_keys(proximal::run::detail::half_keys);
    check_keys(proximal::run::detail::fsdp_keys);
}
