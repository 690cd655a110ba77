// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cmath>
#include <proximal/run/diagnoses.hpp>
#include <proximal/run/saved_state.hpp>
#include <random>

using namespace proximal::run;

namespace {
/// The metrics of a healthy update, with noise.
metrics healthy(int update, std::mt19937_64& random) {
    std::normal_distribution<double> noise;
    metrics m;
    double const kl = 0.05 * update + 0.1 * noise(random), scores = 1.0 + 0.02 * update + 0.3 * noise(random);
    m.set("objective/kl", kl);
    m.set("objective/scores", scores);
    m.set("objective/rlhf_reward", scores - 0.05 * kl);
    m.set("policy/clipfrac_avg", 0.1 + 0.02 * noise(random));
    m.set("loss/value_avg", 0.5);
    m.set("val/ratio", 1.0 + 0.02 * noise(random));
    m.set("val/ratio_var", NAN);  // one micro-batch
    m.set("val/num_eos_tokens", 5.0);
    m.set("objective/response_length", 20.0 - 0.05 * update + noise(random));
    m.set("value/explained_variance", update < 15 ? -0.2 : 0.4);  // a critic needs a while
    m.set("lr", 3e-4 * (1.0 - update / 201.0));
    return m;
}
diagnosed_run const several{.stops_at_eos = true, .steps_on_a_batch = 4};

/// What is found after `updates` healthy updates whose metrics `change(update, metrics)` makes ill.
template <class Change>
std::vector<diagnosis> found_after(int updates, Change const& change, diagnosed_run const& run = several) {
    std::mt19937_64 random(1);
    run_history history;
    for (int update = 1; update <= updates; ++update) {
        auto logged = healthy(update, random);
        change(update, logged);
        history.add(logged);
    }
    return diagnoses(history, run);
}
/// The one sentence of a kind; fails where there is another or none.
template <class Change>
std::string sentence_of(std::string const& kind, int updates, Change const& change,
                        diagnosed_run const& run = several) {
    auto const found = found_after(updates, change, run);
    REQUIRE(found.size() == 1);
    CHECK(found[0].kind == kind);
    return found[0].sentence;
}
}  // namespace

TEST_CASE("diagnoses: a healthy run provokes none at any update, whatever its seed") {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        std::mt19937_64 random(seed);
        run_history history;
        for (int update = 1; update <= 200; ++update) {
            history.add(healthy(update, random));
            history.add(completions_table{{"query", "score"}, {{"a", "1"}, {"b", "2"}, {"c", "1"}, {"d", "1"}}});
            auto const found = diagnoses(history, several);
            INFO("seed " << seed << ", update " << update << (found.empty() ? "" : ": " + found[0].sentence));
            CHECK(found.empty());
        }
    }
}

TEST_CASE("diagnoses: an algorithm without critic, reference or clip misses nothing") {
    run_history history;
    for (int update = 1; update <= 60; ++update) {
        metrics m;
        m.set("objective/scores", 0.1 * (update % 3));
        history.add(m);
        CHECK(diagnoses(history, several).empty());
    }
}

TEST_CASE("diagnoses: ratio_at_start, where one step is made of a batch, or where it is measured") {
    auto const off = [](int, metrics& m) { m.set("val/ratio", 1.0001); };
    CHECK_THAT(sentence_of("ratio_at_start", 1, off, {.steps_on_a_batch = 1}),
               Catch::StartsWith("before the first step the ratio is 1.0001, not 1: ") &&
                   Catch::Contains("the same temperature"));
    CHECK(found_after(1, [](int, metrics& m) { m.set("val/ratio", 1.000009); }, {.steps_on_a_batch = 1}).empty());
    CHECK(found_after(1, off).empty());
    CHECK(found_after(2, off, {.steps_on_a_batch = 1}).empty());
    CHECK_FALSE(sentence_of("ratio_at_start", 7, [](int, metrics& m) { m.set("ratio_at_start", 0.99); }).empty());
    CHECK(found_after(7, [](int, metrics& m) { m.set("ratio_at_start", 1.000001); }).empty());
    CHECK(found_after(7, [](int, metrics& m) { m.set("ratio_at_start", 0.98); }, {.is_mixed = true}).empty());
    CHECK_FALSE(
        sentence_of("ratio_at_start", 7, [](int, metrics& m) { m.set("ratio_at_start", 0.9); }, {.is_mixed = true})
            .empty());
}

TEST_CASE("diagnoses: ratio, above 2 and below a half") {
    CHECK(sentence_of("ratio", 3, [](int, metrics& m) { m.set("val/ratio", 2.5); }) ==
          "val/ratio is 2.5: an update moves the policy too far; lower --learning_rate or --num_ppo_epochs");
    CHECK_FALSE(sentence_of("ratio", 3, [](int, metrics& m) { m.set("val/ratio", 0.4); }).empty());
    CHECK(found_after(3, [](int, metrics& m) { m.set("val/ratio", 1.9); }).empty());
}

TEST_CASE("diagnoses: reward_falls, from one window to the next") {
    auto const falls = [](int update, metrics& m) {
        if (update > 30) m.set("objective/rlhf_reward", *m.find("objective/rlhf_reward") - 0.1 * (update - 30));
    };
    auto const sentence = sentence_of("reward_falls", 60, falls);
    CHECK_THAT(sentence, Catch::StartsWith("objective/rlhf_reward fell from ") &&
                             Catch::Contains("lower --learning_rate") && Catch::Contains("means of 20 updates each"));
    CHECK(found_after(39, falls).empty());
}

TEST_CASE("diagnoses: kl_explodes, above 50 or by growth") {
    CHECK_THAT(
        sentence_of("kl_explodes", 3, [](int, metrics& m) { m.set("objective/kl", 60); }),
        Catch::StartsWith("objective/kl is 60: the policy leaves the reference") && Catch::Contains("raise --kl_coef"));
    CHECK_THAT(
        sentence_of("kl_explodes", 20, [](int update, metrics& m) { m.set("objective/kl", update > 15 ? 9.0 : 1.0); }),
        Catch::StartsWith("objective/kl grew from 1 to 9 within 10 updates"));
    CHECK(found_after(20, [](int update, metrics& m) { m.set("objective/kl", update > 15 ? 4.5 : 1.0); }).empty());
}

TEST_CASE("diagnoses: kl_negative, beyond chance") {
    CHECK_THAT(sentence_of("kl_negative", 5, [](int, metrics& m) { m.set("objective/kl", -1.5); }),
               Catch::StartsWith("objective/kl is -1.5 on average over 5 updates") && Catch::Contains("--temperature"));
    CHECK(found_after(5, [](int, metrics& m) { m.set("objective/kl", -0.9); }).empty());
    CHECK(found_after(5, [](int update, metrics& m) { m.set("objective/kl", update == 5 ? -3.0 : 0.2); }).empty());
}

TEST_CASE("diagnoses: no_eos, where a response ends at EOS") {
    auto const none = [](int, metrics& m) { m.set("val/num_eos_tokens", 0); };
    CHECK_THAT(sentence_of("no_eos", 5, none),
               Catch::StartsWith("no response has ended with EOS in 5 updates: raise --response_length"));
    CHECK(found_after(4, none).empty());
    CHECK(found_after(5, none, {.stops_at_eos = false, .steps_on_a_batch = 4}).empty());
}

TEST_CASE("diagnoses: equal_scores, over updates or within tables of samples") {
    CHECK(sentence_of("equal_scores", 5, [](int, metrics& m) { m.set("objective/scores", 1); }) ==
          "objective/scores has been 1 in 5 updates: equal scores teach nothing; check that the reward reads "
          "the response, or where all is solved give harder prompts");
    completions_table const equal{{"query", "score"}, {{"a", "2.000"}, {"b", "2.000"}, {"c", "2.000"}, {"d", "2.000"}}};
    run_history history;
    history.add(equal);
    CHECK(diagnoses(history, several).empty());
    history.add(equal);
    REQUIRE(diagnoses(history, several).size() == 1);
    CHECK_THAT(diagnoses(history, several)[0].sentence,
               Catch::StartsWith("every sample of 2 tables got the score 2.000"));
    history.add(completions_table{{"query", "score"}, {{"a", "1"}, {"b", "2"}, {"c", "2"}, {"d", "2"}}});
    CHECK(diagnoses(history, several).empty());
}

TEST_CASE("diagnoses: critic, not learning for long") {
    auto const none = [](int, metrics& m) { m.set("value/explained_variance", -0.1); };
    CHECK_THAT(sentence_of("critic", 20, none),
               Catch::StartsWith("value/explained_variance has not been above 0 for 20 updates") &&
                   Catch::Contains("--vf_coef"));
    CHECK(found_after(19, none).empty());
}

TEST_CASE("diagnoses: clips_most and clips_none") {
    CHECK_THAT(sentence_of("clips_most", 5, [](int, metrics& m) { m.set("policy/clipfrac_avg", 0.6); }),
               Catch::StartsWith("policy/clipfrac_avg is 0.6 on average over 5 updates") &&
                   Catch::Contains("lower --learning_rate"));
    auto const none = [](int, metrics& m) { m.set("policy/clipfrac_avg", 0); };
    CHECK_THAT(sentence_of("clips_none", 20, none),
               Catch::StartsWith("policy/clipfrac_avg has been 0 for 20 updates: the policy hardly moves"));
    CHECK(found_after(19, none).empty());
    CHECK(found_after(20, none, {.stops_at_eos = true, .steps_on_a_batch = 1}).empty());  // the ratio is 1 then
    CHECK(found_after(180, none).empty());                                                // the rate has fallen
}

TEST_CASE("diagnoses: length_collapses") {
    CHECK_THAT(sentence_of("length_collapses", 30,
                           [](int update, metrics& m) { m.set("objective/response_length", update > 20 ? 4 : 20); }),
               Catch::StartsWith("responses fell from 20 to 4 tokens") && Catch::Contains("read the samples"));
    CHECK(found_after(30, [](int update, metrics& m) {
              m.set("objective/response_length", update > 20 ? 6 : 20);
          }).empty());
}

TEST_CASE("diagnoses: not_finite, by name") {
    CHECK(sentence_of("not_finite", 3, [](int, metrics& m) { m.set("loss/value_avg", NAN); }) ==
          "loss/value_avg is no finite number: lower --learning_rate, set --max_grad_norm, and check that the reward "
          "gives "
          "finite scores");
    CHECK_THAT(sentence_of("not_finite", 3,
                           [](int, metrics& m) {
                               for (char const* name : {"a", "b", "c", "d", "e"}) m.set(name, HUGE_VAL);
                           }),
               Catch::StartsWith("a, b, c and 2 more are no finite numbers: "));
}

TEST_CASE("run_history: what is saved and read back tells the same") {
    std::mt19937_64 random(1);
    run_history history;
    for (int update = 1; update <= 25; ++update) {
        auto logged = healthy(update, random);
        logged.set("policy/clipfrac_avg", 0);
        history.add(logged);
    }
    saved_state saved;
    state_writer writer(saved);
    history.visit_state(writer);
    run_history back;
    state_reader reader(saved);
    back.visit_state(reader);
    reader.finish();
    CHECK(back.updates() == 25);
    CHECK(back.latest("objective/kl", 25) == history.latest("objective/kl", 25));
    CHECK(std::isnan(*back.last("val/ratio_var")));
    CHECK(back.length_at_start() == history.length_at_start());
    REQUIRE(diagnoses(back, several).size() == 1);
    CHECK(diagnoses(back, several)[0].kind == "clips_none");
}
