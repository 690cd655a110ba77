// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>
#include <proximal/run/sharding_plan.hpp>
#include <string>
#include <utility>

using namespace proximal::run;

namespace {
sharding_plan plan(sharded_model const& model, std::int64_t world_size, char const* sharding,
                   std::int64_t micro_batches = 1, std::int64_t steps = 1) {
    return plan_sharding({.models = {model},
                          .world_size = world_size,
                          .sharding = sharding,
                          .steps = steps,
                          .micro_batches = micro_batches});
}

// Two layers of 10 and a root of 7, on 4 processes: slices of 3, 3 and 2, so 8 elements of 27 where none is padding.
sharded_model const toy{.layers = 2, .layer_parameters = 10, .root_parameters = 7};

// GPT-NeoX: a layer has 12 h² + 13 h parameters, the root an embedding, a head and a norm: 2 v h + 2 h.
sharded_model const pythia_1b{.layers = 16, .layer_parameters = 50'358'272, .root_parameters = 206'049'280};
sharded_model const pythia_7b{.layers = 32, .layer_parameters = 201'379'840, .root_parameters = 413'147'136};
}  // namespace

TEST_CASE("plan_sharding: a toy by hand, with its padding") {
    auto const none = plan(toy, 4, "none"), zero1 = plan(toy, 4, "zero1");
    auto const zero2 = plan(toy, 4, "zero2"), zero3 = plan(toy, 4, "zero3");
    CHECK((none.weights == 4 * 27 && none.gradients == 4 * 27 && none.optimizer_state == 8 * 27));
    CHECK((zero1.weights == 4 * 27 && zero1.gradients == 4 * 27 && zero1.optimizer_state == 8 * 8));
    CHECK((zero2.weights == 4 * 27 && zero2.gradients == 4 * 8 && zero2.optimizer_state == 8 * 8));
    CHECK((zero3.weights == 4 * 8 && zero3.gradients == 4 * 8 && zero3.optimizer_state == 8 * 8));
    CHECK((none.gathered == 0 && zero2.gathered == 0 && zero3.gathered == 4 * 12));  // a layer, padded to 12
    CHECK(zero3.held() == 32 + 32 + 64 + 48);
    // A ring's pass: 3 of the 4 slices of 8 elements, 96 bytes.
    CHECK((none.sent_per_step == 192 && zero1.sent_per_step == 192));
    CHECK((zero2.sent_per_step == 192 && zero3.sent_per_step == 288));  // the paper's factor of 1.5
    for (auto const& one : {none, zero1, zero2, zero3}) CHECK(one.least_per_step == 192);
}

TEST_CASE("plan_sharding: micro-batches, steps and passes without gradient") {
    CHECK((plan(toy, 4, "none", 3).sent_per_step == 192 && plan(toy, 4, "zero1", 3).sent_per_step == 192));
    CHECK(plan(toy, 4, "zero2", 3).sent_per_step == 3 * 96 + 96);
    CHECK(plan(toy, 4, "zero3", 3).sent_per_step == 3 * 3 * 96);
    auto generating = toy, frozen = toy;
    generating.passes = 53;  // a token each
    frozen.learns = false, frozen.passes = 2;
    auto const both = [&](char const* sharding) {
        return plan_sharding(
            {.models = {generating, frozen}, .world_size = 4, .sharding = sharding, .steps = 5, .micro_batches = 3});
    };
    CHECK(both("zero3").sent_per_update == 5 * 3 * 3 * 96 + 53 * 96 + 2 * 96);
    CHECK(both("zero2").sent_per_update == 5 * (3 * 96 + 96));  // nothing is gathered
    CHECK((both("zero3").least_per_update == 5 * 192 && both("none").sent_per_update == 5 * 192));
    CHECK((both("zero3").weights == 2 * 32 && both("zero3").gradients == 32 && both("zero2").weights == 2 * 108));
    generating.gathered_whole = true;
    CHECK(both("zero3").sent_per_update == 5 * 3 * 3 * 96 + 96 + 2 * 96);
    CHECK(both("zero3").gathered == 4 * 32);  // the whole policy, padded
}

TEST_CASE("plan_sharding: numbers of other widths") {
    auto narrow = toy;
    narrow.bytes = 2;
    auto const half = plan(narrow, 4, "zero3");
    CHECK((half.weights == 16 && half.gradients == 16 && half.optimizer_state == 64 && half.gathered == 24));
    auto const sgd = plan_sharding({.models = {toy}, .world_size = 4, .optimizer_bytes = 0});
    CHECK((sgd.optimizer_state == 0 && sgd.weights == 108));
}

TEST_CASE("plan_sharding: one process holds all, gathers nothing and sends nothing") {
    for (auto const sharding : sharding_stages) {
        auto const one = plan(toy, 1, std::string(sharding).c_str(), 3, 5);
        CHECK((one.weights == 108 && one.gradients == 108 && one.optimizer_state == 216 && one.gathered == 0));
        CHECK((one.sent_per_update == 0 && one.least_per_update == 0));
    }
    CHECK_THROWS_WITH(plan(toy, 1, "zero"), "--sharding zero is not known: choose none, zero1, zero2 or zero3");
}

TEST_CASE("plan_sharding: Pythia-1B, whose every piece divides by 512") {
    CHECK(16 * pythia_1b.layer_parameters + pythia_1b.root_parameters == 1'011'781'632);
    CHECK(plan(pythia_1b, 1, "none").held() == 16 * 1'011'781'632LL);  // 4 + 4 + 8 bytes a parameter: 16.2 GB
    struct row {
        std::int64_t world, slice;
    };
    for (auto const [world, slice] : {row{8, 126'472'704}, row{64, 15'809'088}, row{512, 1'976'136}}) {
        INFO(world);
        auto const zero1 = plan(pythia_1b, world, "zero1"), zero2 = plan(pythia_1b, world, "zero2");
        auto const zero3 = plan(pythia_1b, world, "zero3");
        CHECK((zero1.weights == 4'047'126'528 && zero1.gradients == 4'047'126'528));
        CHECK(zero1.optimizer_state == 8 * slice);
        CHECK((zero2.weights == 4'047'126'528 && zero2.gradients == 4 * slice && zero2.optimizer_state == 8 * slice));
        CHECK((zero3.weights == 4 * slice && zero3.gradients == 4 * slice && zero3.optimizer_state == 8 * slice));
        CHECK(zero3.gathered == 4 * 206'049'280LL);  // the root: embedding and head
        CHECK(zero1.sent_per_step == 2 * 4 * slice * (world - 1));
        CHECK(zero3.sent_per_step == 3 * 4 * slice * (world - 1));
    }
    CHECK(plan(pythia_1b, 8, "zero1").held() == 9'106'034'688);        // 4 + 4 + 8 / 8 bytes a parameter
    CHECK(plan(pythia_1b, 8, "none").sent_per_step == 7'082'471'424);  // 2 x 4.05 GB x 7 / 8
    CHECK(plan(pythia_1b, 512, "zero2").sent_per_step == 8'078'443'968);
    CHECK(plan(pythia_1b, 64, "zero3").sent_per_step == 11'951'670'528);
}

TEST_CASE("plan_sharding: Pythia-6.9B") {
    CHECK(32 * pythia_7b.layer_parameters + pythia_7b.root_parameters == 6'857'302'016);
    CHECK(plan(pythia_7b, 1, "none").held() == 109'716'832'256);
    CHECK(plan(pythia_7b, 8, "zero1").held() == 61'715'718'144);  // 9 bytes a parameter
    CHECK(plan(pythia_7b, 8, "zero2").held() == 37'715'161'088);  // 5.5 bytes
    CHECK(plan(pythia_7b, 8, "zero3").held() - plan(pythia_7b, 8, "zero3").gathered == 13'714'604'032);  // 2 bytes
    CHECK(plan(pythia_7b, 64, "zero3").weights == 428'581'376);
    CHECK(plan(pythia_7b, 512, "zero3").optimizer_state == 107'145'344);
    CHECK(plan(pythia_7b, 8, "zero3").gathered == 1'652'588'544);
    CHECK(plan(pythia_7b, 8, "none").sent_per_step == 48'001'114'112);
    CHECK(plan(pythia_7b, 64, "zero2", 4).sent_per_step == 5 * 27'000'626'688);
    CHECK(plan(pythia_7b, 512, "zero3").sent_per_step == 3 * 27'375'635'392);  // of 27.43 GB, 511 / 512
}

TEST_CASE("plan_sharding: the rows of docs/scaling.md, which scripts/scaling_model.py writes") {
    std::ifstream in(PROXIMAL_TEST_DATA "/../../docs/scaling.md");
    std::string const page(std::istreambuf_iterator<char>(in), {});
    auto const gb = [](std::int64_t bytes) { return fmt::format("{:.2f}", static_cast<double>(bytes) / 1e9); };
    auto const has = [&](std::string const& row) {
        INFO(row);
        CHECK(page.find("\n" + row) != std::string::npos);
    };
    for (auto const& [name, language] : {std::pair{"Pythia-1B", pythia_1b}, {"Pythia-6.9B", pythia_7b}})
        for (std::int64_t const world : {8, 64, 512})
            for (bool const whole : {true, false})
                for (auto const sharding : sharding_stages) {
                    if (!whole && sharding != "zero3") continue;
                    auto policy = language, reference = language, critic = language, reward = language;
                    std::int64_t const hidden = language.layers == 16 ? 2048 : 4096;
                    auto const embedding = (language.root_parameters - 2 * hidden) / 2;
                    critic.root_parameters = reward.root_parameters = embedding + 3 * hidden;
                    policy.passes = 4 * 53, policy.gathered_whole = whole;
                    reference.passes = critic.passes = reward.passes = 4;
                    reference.learns = reward.learns = false;
                    auto const one = plan_sharding({.models = {policy, reference, critic, reward},
                                                    .world_size = world,
                                                    .sharding = std::string(sharding),
                                                    .steps = 4,
                                                    .micro_batches = 4});
                    auto const word = std::string(sharding) + (whole ? "" : ", layer by layer");
                    has(fmt::format("| {} | {} | {} | {} | {} | {} | {} |\n", world, word, gb(one.weights),
                                    gb(one.gradients), gb(one.optimizer_state), gb(one.gathered), gb(one.held())));
                    if (world != 64)
                        has(fmt::format("| {} | {} | {} | {} | {} | {} | ", name, word, gb(one.sent_per_step),
                                        gb(one.least_per_step), gb(one.sent_per_update), gb(one.least_per_update)));
                }
}
