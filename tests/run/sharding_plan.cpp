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

// Three layers of 10 and a root of 7, 37 elements, on 4 processes. As one bucket of 40: slices of 10. zero3 pads a
// layer to 12 and the root to 8: slices of 3 and 2, 11 in all. One all-gather or reduce-scatter of slices of x has each
// process send 4 · 3 · x bytes: 120 of the bucket, 108 of zero3's layers, 24 of its root.
sharded_model const toy{.layers = 3, .layer_parameters = 10, .root_parameters = 7};

// GPT-NeoX: a layer has 12 h² + 13 h parameters, the root an embedding, a head and a norm: 2 v h + 2 h.
sharded_model const pythia_1b{.layers = 16, .layer_parameters = 50'358'272, .root_parameters = 206'049'280};
sharded_model const pythia_7b{.layers = 32, .layer_parameters = 201'379'840, .root_parameters = 413'147'136};
}  // namespace

TEST_CASE("plan_sharding: a toy by hand, with its padding") {
    auto const none = plan(toy, 4, "none"), zero1 = plan(toy, 4, "zero1");
    auto const zero2 = plan(toy, 4, "zero2"), zero3 = plan(toy, 4, "zero3");
    CHECK((none.weights == 4 * 37 && none.gradients == 4 * 37 && none.optimizer_state == 8 * 37));
    CHECK((zero1.weights == 4 * 37 && zero1.gradients == 4 * 37 && zero1.optimizer_state == 8 * 10));
    CHECK((zero2.weights == 4 * 37 && zero2.gradients == 4 * 10 && zero2.optimizer_state == 8 * 10));
    CHECK(zero3.weights == 4 * (3 * 3 + 7));  // the root is whole
    CHECK((zero3.gradients == 4 * 11 && zero3.optimizer_state == 8 * 11));
    CHECK((none.gathered == 0 && zero2.gathered == 0 && zero3.gathered == 4 * 2 * 12));
    CHECK((zero3.generating == 0 && zero3.saving == 4 * 3 * 12 && zero2.saving == 0));
    CHECK(zero3.held() == 64 + 88 + 144);  // it saves: learning needs 44 + 96 beside them
    CHECK(none.held() == 148 + 296 + 148);
    CHECK((none.sent_per_step == 240 && zero1.sent_per_step == 240 && zero2.sent_per_step == 240));
    CHECK(zero3.sent_per_step == 3 * 108 + 2 * 24);
    for (auto const& one : {none, zero1, zero2, zero3}) CHECK(one.least_per_step == 240);
}

TEST_CASE("plan_sharding: micro-batches, steps, and layers that run once more") {
    CHECK((plan(toy, 4, "none", 3).sent_per_step == 240 && plan(toy, 4, "zero1", 3).sent_per_step == 240));
    CHECK(plan(toy, 4, "zero2", 3).sent_per_step == (3 + 1) * 120);
    CHECK(plan(toy, 4, "zero3", 3).sent_per_step == 3 * 3 * 108 + (3 + 1) * 24);
    CHECK(plan(toy, 4, "zero3", 3, 5).sent_per_update == 5 * 1068);
    sharding_inputs again{
        .models = {toy}, .world_size = 4, .sharding = "zero3", .micro_batches = 3, .recomputes = true};
    CHECK(plan_sharding(again).sent_per_step == 3 * 4 * 108 + (3 + 1) * 24);
    again.sharding = "zero2";
    CHECK(plan_sharding(again).sent_per_step == (3 + 1) * 120);  // nothing is gathered
}

TEST_CASE("plan_sharding: the four models of an update; the reward model stays whole") {
    auto policy = toy, reference = toy, critic = toy, reward = toy;
    policy.generates = true;
    reference.passes = critic.passes = reward.passes = 2;
    reference.learns = reward.learns = reward.cuts_layers = false;
    auto const all = [&](char const* sharding) {
        return plan_sharding({.models = {policy, reference, critic, reward},
                              .world_size = 4,
                              .sharding = sharding,
                              .steps = 5,
                              .micro_batches = 3});
    };
    auto const zero2 = all("zero2"), zero3 = all("zero3");
    CHECK((zero2.weights == 4 * 148 && zero3.weights == 3 * 64 + 148));
    CHECK((zero3.gradients == 2 * 44 && zero3.optimizer_state == 2 * 88));
    CHECK(zero3.gathered == 96);     // of one model at a time
    CHECK(zero3.generating == 144);  // the policy's layers, padded
    CHECK(zero3.saving == 144);      // of one model at a time
    CHECK(zero3.sent_per_step == 2 * 1068);
    CHECK(zero3.sent_per_update == 5 * 2 * 1068 + 108 + 2 * 108 + 2 * 108);
    CHECK(zero2.sent_per_update == 5 * 2 * 480);
    CHECK((zero3.least_per_update == 5 * 2 * 240 && all("none").sent_per_update == 5 * 2 * 240));
    CHECK(zero2.held() == 592 + 160 + 80);
    auto const lone = plan_sharding({.models = {policy, reference, reward}, .world_size = 4, .sharding = "zero3"});
    CHECK((lone.saving == 144 && lone.generating == 144));
}

TEST_CASE("plan_sharding: of a model whose layers are not cut zero3 splits what zero2 does") {
    auto model = toy;
    model.cuts_layers = false;
    auto const zero2 = plan(model, 4, "zero2", 3), zero3 = plan(model, 4, "zero3", 3);
    CHECK((zero3.weights == zero2.weights && zero3.gathered == 0 && zero3.saving == 0));
    CHECK((zero3.sent_per_step == zero2.sent_per_step && zero3.held() == zero2.held()));
}

TEST_CASE("plan_sharding: numbers of other widths") {
    auto narrow = toy;
    narrow.bytes = 2;
    auto const half = plan(narrow, 4, "zero3");
    CHECK((half.weights == 32 && half.gradients == 22 && half.optimizer_state == 88 && half.gathered == 48));
    auto const sgd = plan_sharding({.models = {toy}, .world_size = 4, .optimizer_bytes = 0});
    CHECK((sgd.optimizer_state == 0 && sgd.weights == 148));
    auto flat = toy;
    flat.layers = 1;
    CHECK(plan(flat, 4, "zero3").gathered == 4 * 12);  // there is no next layer
}

TEST_CASE("plan_sharding: one process holds all, gathers nothing and sends nothing") {
    auto policy = toy;
    policy.generates = true;
    for (auto const sharding : sharding_stages) {
        auto const one = plan(policy, 1, std::string(sharding).c_str(), 3, 5);
        CHECK((one.weights == 148 && one.gradients == 148 && one.optimizer_state == 296));
        CHECK((one.gathered == 0 && one.generating == 0 && one.saving == 0 && one.held() == 592));
        CHECK((one.sent_per_update == 0 && one.least_per_update == 0));
    }
    CHECK_THROWS_WITH(plan(toy, 1, "zero"), "--sharding zero is not known: choose none, zero1, zero2 or zero3");
}

TEST_CASE("plan_sharding: Pythia-1B, whose every piece divides by 512") {
    CHECK(16 * pythia_1b.layer_parameters + pythia_1b.root_parameters == 1'011'781'632);
    CHECK(plan(pythia_1b, 1, "none").held() == 16 * 1'011'781'632LL);  // 4 + 4 + 8 bytes a parameter: 16.2 GB
    struct row {
        std::int64_t world, slice, layers;  // a process's slice of all, and of the layers
    };
    for (auto const [world, slice, layers] :
         {row{8, 126'472'704, 100'716'544}, row{64, 15'809'088, 12'589'568}, row{512, 1'976'136, 1'573'696}}) {
        INFO(world);
        auto const zero1 = plan(pythia_1b, world, "zero1"), zero2 = plan(pythia_1b, world, "zero2");
        auto const zero3 = plan(pythia_1b, world, "zero3");
        CHECK((zero1.weights == 4'047'126'528 && zero1.gradients == 4'047'126'528));
        CHECK(zero1.optimizer_state == 8 * slice);
        CHECK((zero2.weights == 4'047'126'528 && zero2.gradients == 4 * slice && zero2.optimizer_state == 8 * slice));
        CHECK(zero3.weights == 4 * (layers + 206'049'280));
        CHECK((zero3.gradients == 4 * slice && zero3.optimizer_state == 8 * slice));
        CHECK(zero3.gathered == 402'866'176);  // two layers
        CHECK(zero3.saving == 3'222'929'408);  // sixteen
        CHECK(zero1.sent_per_step == 2 * 4 * slice * (world - 1));
        CHECK(zero2.sent_per_step == zero1.sent_per_step);
        CHECK(zero3.sent_per_step == 4 * (2 * slice + layers) * (world - 1));
    }
    CHECK(plan(pythia_1b, 8, "none").sent_per_step == 7'082'471'424);  // 2 x 4.05 GB x 7 / 8
    CHECK(plan(pythia_1b, 8, "zero3").weights == 1'227'063'296);
    CHECK(plan(pythia_1b, 8, "zero3").sent_per_step == 9'902'534'656);
    CHECK(plan(pythia_1b, 64, "zero2", 4).sent_per_step == 19'919'450'880);
    CHECK(plan(pythia_1b, 64, "zero3", 4).sent_per_step == 42'127'448'832);
    CHECK(plan(pythia_1b, 512, "zero2").sent_per_step == 8'078'443'968);
    CHECK(plan(pythia_1b, 512, "zero3").weights == 830'491'904);  // the root is 824 MB of it
}

TEST_CASE("plan_sharding: Pythia-6.9B") {
    CHECK(32 * pythia_7b.layer_parameters + pythia_7b.root_parameters == 6'857'302'016);
    CHECK(plan(pythia_7b, 1, "none").held() == 109'716'832'256);
    CHECK(plan(pythia_7b, 8, "zero1").held() == 61'715'718'144);  // 9 bytes a parameter
    CHECK(plan(pythia_7b, 8, "zero2").held() == 37'715'161'088);  // 5.5
    CHECK(plan(pythia_7b, 8, "zero3").held() == 37'508'587'520);
    CHECK(plan(pythia_7b, 8, "zero3").weights == 4'874'665'984);
    CHECK(plan(pythia_7b, 64, "zero3").weights == 2'055'348'224);
    CHECK(plan(pythia_7b, 512, "zero3").weights == 1'702'933'504);
    CHECK(plan(pythia_7b, 512, "zero3").optimizer_state == 107'145'344);
    CHECK(plan(pythia_7b, 8, "zero3").gathered == 1'611'038'720);
    CHECK(plan(pythia_7b, 64, "zero3").saving == 25'776'619'520);
    CHECK(plan(pythia_7b, 8, "none").sent_per_step == 48'001'114'112);
    CHECK(plan(pythia_7b, 8, "zero3").sent_per_step == 70'555'656'192);
    CHECK(plan(pythia_7b, 64, "zero2", 4).sent_per_step == 5 * 27'000'626'688);
    CHECK(plan(pythia_7b, 64, "zero3", 4).sent_per_step == 312'620'152'320);
    CHECK(plan(pythia_7b, 512, "zero3").sent_per_step == 80'477'545'344);
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
            for (auto const sharding : sharding_stages) {
                auto policy = language, reference = language, critic = language, reward = language;
                std::int64_t const hidden = language.layers == 16 ? 2048 : 4096;
                auto const embedding = (language.root_parameters - 2 * hidden) / 2;
                critic.root_parameters = reward.root_parameters = embedding + 3 * hidden;
                policy.generates = true;
                reference.passes = critic.passes = 4;
                reference.learns = reward.learns = reward.cuts_layers = false;
                auto const one = plan_sharding({.models = {policy, reference, critic, reward},
                                                .world_size = world,
                                                .sharding = std::string(sharding),
                                                .steps = 4,
                                                .micro_batches = 4});
                has(fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} | {} |\n", world, sharding, gb(one.weights),
                                gb(one.gradients), gb(one.optimizer_state), gb(one.gathered), gb(one.generating),
                                gb(one.saving), gb(one.held())));
                if (world != 64)
                    has(fmt::format("| {} | {} | {} | {} | {} | {} | ", name, sharding, gb(one.sent_per_step),
                                    gb(one.least_per_step), gb(one.sent_per_update), gb(one.least_per_update)));
            }
}
