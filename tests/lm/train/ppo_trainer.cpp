// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <fstream>
#include <proximal/lm/model/forwarding_backbone.hpp>
#include <proximal/lm/model/load_model.hpp>
#include <proximal/lm/reward/model_reward.hpp>
#include <proximal/lm/reward/text_reward.hpp>
#include <proximal/lm/train/ppo_trainer.hpp>
#include <proximal/run/reports.hpp>
#include <proximal/run/stock_ppo.hpp>
#include <proximal/text/bpe_trainer.hpp>

#include "../../support/temporary_folder.hpp"
#include "../../support/tiny_run.hpp"

using namespace proximal;
using namespace proximal::libtorch;
using namespace proximal::text;
using namespace proximal::run;
using namespace proximal::lm;
using support::arguments, support::config_for_words, support::small_config, support::words;

namespace {

struct log_recorder final : trainer_callback {
    std::vector<metrics> logged;
    std::vector<completions_table> tables;
    int begun = 0, saved = 0, ended = 0;
    std::int64_t stop_after = -1;
    void on_train_begin(trainer_state&) override { ++begun; }
    void on_log(trainer_state& state, metrics const& m) override {
        logged.push_back(m);
        state.should_stop = state.update == stop_after;
    }
    void on_completions(trainer_state&, completions_table const& t) override { tables.push_back(t); }
    void on_save(trainer_state&, std::filesystem::path const&) override { ++saved; }
    void on_train_end(trainer_state&) override { ++ended; }
};

/// Counts its forwards.
struct counting_backbone final : forwarding_backbone {
    using forwarding_backbone::forwarding_backbone;
    mutable int forwards = 0;
    at::Tensor forward(token_batch const& tokens, kv_cache* cache) const override {
        return ++forwards, of_->forward(tokens, cache);
    }
};

struct my_loss {
    constexpr auto operator()(Token auto const& token) const { return -token.advantage * token.logprob; }
};
struct reward_to_go {
    template <class Array>
    constexpr experience<Array> operator()(rollout<Array> const& rollout) const {
        auto const undiscounted = [](auto const& reward) { return affine{reward, 1.0}; };
        auto const returns = reverse_scan(undiscounted, select(rollout.value_mask, rollout.rewards, 0.0));
        return {rollout, returns, returns};
    }
};

std::vector<metrics> train_on(PPOv2Config const& config) {
    support::temporary_folder const folder;
    auto given = arguments(config);
    given.config.output_dir = folder.path;
    auto const seen = std::make_shared<log_recorder>();
    given.callbacks = {seen};
    ppo_trainer trainer(stock_ppo(given.config), given);
    trainer.train();
    return seen->logged;
}

}  // namespace

TEST_CASE("ppo_trainer: the whole road, with TRL's 17 metrics, callbacks, tables and saved models") {
    support::temporary_folder const folder;
    auto config = small_config();
    config.output_dir = folder.path;
    auto given = arguments(config);
    auto const seen = std::make_shared<log_recorder>();
    given.callbacks = {seen, std::make_shared<metrics_log>()};
    auto const before = clone(given.policy);
    ppo_trainer trainer(stock_ppo(config), given);
    trainer.train();

    CHECK(trainer.sizes().batch_size == 16);
    REQUIRE(seen->logged.size() == 2);
    for (char const* name : {"eps", "objective/kl", "objective/entropy", "objective/non_score_reward",
                             "objective/rlhf_reward", "objective/scores", "policy/approxkl_avg", "policy/clipfrac_avg",
                             "loss/policy_avg", "loss/value_avg", "val/clipfrac_avg", "policy/entropy_avg", "val/ratio",
                             "val/ratio_var", "val/num_eos_tokens", "lr", "episode"}) {
        INFO(name);
        REQUIRE(seen->logged[1].find(name) != nullptr);
        CHECK(std::isfinite(*seen->logged[1].find(name)));
    }
    CHECK(*seen->logged[0].find("objective/kl") == Approx(0.0).margin(1e-12));  // the reference is the policy at first
    CHECK(*seen->logged[0].find("lr") == 1e-3);
    CHECK(*seen->logged[1].find("lr") == Approx(5e-4));
    CHECK(*seen->logged[1].find("episode") == 32);
    CHECK(*seen->logged[1].find("epoch") == Approx(1.6));
    CHECK(seen->begun + seen->saved + seen->ended == 3);
    REQUIRE(seen->tables.size() == 3);  // the last is of all evaluation prompts, as TRL's script ends
    CHECK(seen->tables[0].rows.size() == 3);
    CHECK(seen->tables[2].rows.size() == 20);

    auto const policy = load_causal_lm(folder.path, at::kDouble);
    auto const trained = trainer.policy().parameters(), loaded = policy.parameters(), untouched = before.parameters();
    for (std::size_t i = 0; i < trained.size(); ++i) {
        CHECK(at::equal(trained[i].tensor, loaded[i].tensor));
        CHECK_FALSE(at::equal(trained[i].tensor, untouched[i].tensor));
    }
    load_sequence_classifier(folder.path / "value_model", at::kDouble);
    CHECK(tokenizer::load(folder.path).size() == support::words().size());
    std::ifstream in(folder.path / "metrics.jsonl");
    CHECK(std::count(std::istreambuf_iterator<char>(in), {}, '\n') == 2);
}

TEST_CASE("ppo_trainer: a seed fixes the run, another gives another") {
    auto const value = [](std::vector<metrics> const& m) { return *m.at(1).find("loss/value_avg"); };
    auto config = small_config();
    config.num_sample_generations = 0;
    auto const first = value(train_on(config));
    CHECK(value(train_on(config)) == first);
    config.seed = 7;
    CHECK(value(train_on(config)) != first);
}

TEST_CASE("ppo_trainer: no critic and no reference is run where the algorithm reads none") {
    support::temporary_folder const folder;
    auto config = small_config();
    config.output_dir = folder.path;
    auto given = arguments(config);
    auto const critic = std::make_shared<counting_backbone>(given.value_model->body);
    auto const reference = std::make_shared<counting_backbone>(given.ref_policy->body);
    given.value_model->body = critic;
    given.ref_policy->body = reference;
    auto once = given;  // my_loss has no ratio
    once.config.num_ppo_epochs = once.config.num_mini_batches = 1;
    SECTION("neither") {
        ppo_trainer trainer(algorithm{terminal_score{}, reward_to_go{}, my_loss{}}, once);
        auto const logged = trainer.step();
        CHECK(critic->forwards == 0);
        CHECK(reference->forwards == 0);
        CHECK(logged.find("objective/kl") == nullptr);
        CHECK(std::isfinite(*logged.find("objective/rlhf_reward")));
    }
    SECTION("both") {
        ppo_trainer trainer(stock_ppo(config), given);
        trainer.step();
        CHECK(reference->forwards == 4);   // ⌈16 / 5⌉ chunks
        CHECK(critic->forwards == 4 + 8);  // and 2 epochs x 2 mini-batches x 2 micro-batches
    }
    SECTION("a missing one is asked for") {
        given.value_model.reset(), once.value_model.reset();
        CHECK_THROWS_WITH(ppo_trainer(stock_ppo(config), given), Catch::Contains("there is no value_model: give one"));
        ppo_trainer trainer(algorithm{terminal_score{}, reward_to_go{}, my_loss{}}, once);
        trainer.step();
    }
}

TEST_CASE("ppo_trainer: a group is answered in rows in succession, and judged so; no other model is run") {
    support::temporary_folder const folder;
    auto config = small_config();
    config.output_dir = folder.path;
    auto given = arguments(config);
    given.ref_policy.reset(), given.value_model.reset();
    std::vector<finished_episode> seen;
    given.reward_model = [&](std::vector<finished_episode> const& episodes) {
        seen = episodes;
        at::Tensor const scores = at::empty({std::int64_t(episodes.size())}, at::kDouble);
        for (std::size_t i = 0; i < episodes.size(); ++i)
            scores[std::int64_t(i)] = episodes[i].response.empty() ? 0.0 : double(episodes[i].response[0]);
        return scores;
    };
    auto const gspo_algorithm =
        algorithm{terminal_score{}, grpo{4}, gspo{}, over_mini_batch<sequence_mean_token_mean>{}};
    STATIC_REQUIRE_FALSE(needs_reference<decltype(gspo_algorithm)>);
    STATIC_REQUIRE_FALSE(needs_critic<decltype(gspo_algorithm)>);
    ppo_trainer trainer(gspo_algorithm, given);
    auto const before = clone(trainer.policy());
    auto const logged = trainer.step();
    REQUIRE(seen.size() == 16);
    int distinct = 0;
    for (std::size_t i = 0; i < 16; ++i) {
        CHECK(seen[i].query == seen[i / 4 * 4].query);
        distinct += seen[i].response != seen[i / 4 * 4].response;
    }
    CHECK(distinct > 0);  // the draws of a group are its rows' own
    CHECK((seen[0].query != seen[4].query || seen[4].query != seen[8].query));
    CHECK(std::isfinite(*logged.find("loss/policy_avg")));
    CHECK_FALSE(at::equal(trainer.policy().lm_head, before.lm_head));
    CHECK(trainer.state().episode == 16);
    given.config.per_device_train_batch_size = 1, given.config.gradient_accumulation_steps = 3;
    CHECK_THROWS_WITH(ppo_trainer(gspo_algorithm, given),
                      Catch::Contains("a batch of 6 episodes does not divide into groups of 4"));
    CHECK_THROWS_WITH(ppo_trainer(algorithm{drop_flat_groups{2}, grpo{4}, gspo{}}, given),
                      Catch::Contains("--group_size is 2 in one part and 4 in grpo"));
}

TEST_CASE("ppo_trainer: a filter that drops every group leaves the models as they are, one that drops some does not") {
    support::temporary_folder const folder;
    auto config = small_config();
    config.output_dir = folder.path;
    auto given = arguments(config);
    double spread = 0.0;
    given.reward_model = [&](std::vector<finished_episode> const& episodes) {
        at::Tensor const scores = at::zeros({std::int64_t(episodes.size())}, at::kDouble);
        scores[0] = spread;
        return scores;
    };
    ppo_trainer trainer(algorithm{chain(drop_flat_groups{4}, terminal_score{}), grpo{4}, clipped_surrogate{}}, given);
    auto const before = clone(trainer.policy());
    trainer.step();
    CHECK(at::equal(trainer.policy().lm_head, before.lm_head));
    spread = 1.0;
    auto const logged = trainer.step();
    CHECK(std::isfinite(*logged.find("loss/policy_avg")));
    CHECK_FALSE(at::equal(trainer.policy().lm_head, before.lm_head));
}

TEST_CASE("ppo_trainer: what sampled counts as another policy where the algorithm asks; here both say the same") {
    support::temporary_folder const folder;
    auto config = small_config();
    config.output_dir = folder.path;
    auto given = arguments(config);
    auto const policy = std::make_shared<counting_backbone>(given.policy.body);
    given.policy.body = policy;
    ppo_trainer trainer(algorithm{terminal_score{}, chain(gae{}, truncated_importance{}), clipped_surrogate{}}, given);
    auto const prompts = trainer.next().prompts;
    auto const drawn = trainer.generate(prompts);
    auto const batch = assemble(left_padded(prompts, *support::words().pad_token_id()), drawn,
                                {.pad = *support::words().pad_token_id(),
                                 .eos = support::words().eos_token_id(),
                                 .stop = support::words().eos_token_id()});
    int const sampling = policy->forwards;
    auto const recorded = trainer.score(batch, drawn.logprobs).recorded;
    CHECK(policy->forwards == sampling + 4);  // ⌈16 / 5⌉ chunks
    CHECK(at::equal(recorded.behaviour_logprobs.tensor, drawn.logprobs));
    CHECK(at::allclose(importance_ratio(recorded).tensor, at::ones_like(drawn.logprobs), 1e-9, 1e-9));
    CHECK_FALSE(recorded.logprobs.tensor.is_same(drawn.logprobs));
}

TEST_CASE("ppo_trainer: remax scores a greedy response to every prompt") {
    support::temporary_folder const folder;
    auto config = small_config();
    config.output_dir = folder.path;
    auto given = arguments(config);
    std::vector<std::vector<finished_episode>> asked;
    given.reward_model = [&](std::vector<finished_episode> const& episodes) {
        asked.push_back(episodes);
        return at::ones({std::int64_t(episodes.size())}, at::kDouble);
    };
    ppo_trainer trainer(algorithm{terminal_score{}, remax{}, clipped_surrogate{}}, given);
    auto const before = clone(trainer.policy());
    trainer.step();
    REQUIRE(asked.size() == 2);
    for (std::size_t i = 0; i < 16; ++i) CHECK(asked[0][i].query == asked[1][i].query);
    for (std::size_t i = 0; i < 16; ++i)  // greedy: one prompt, one answer
        for (std::size_t j = 0; j < i; ++j)
            if (asked[1][i].query == asked[1][j].query) CHECK(asked[1][i].response == asked[1][j].response);
    // every score equals its baseline: nothing is learned
    CHECK(at::equal(trainer.policy().lm_head, before.lm_head));
}

TEST_CASE("ppo_trainer: a guard ends an update, or leaves a step out, and says so") {
    auto const steps = [](auto const& guard) {
        support::temporary_folder const folder;
        auto config = small_config();
        config.output_dir = folder.path;
        config.learning_rate = 0.05;
        ppo_trainer trainer(
            algorithm{terminal_score{}, chain(gae{}, whiten{}), clipped_surrogate{}, token_mean{}, guard},
            arguments(config));
        return trainer.step();
    };
    auto const free = steps(guards(target_kl{1e9}, ratio_guard{1e9}));
    CHECK((*free.find("policy/update_stopped") == 0.0 && *free.find("policy/steps_skipped") == 0.0));
    CHECK(*free.find("policy/approxkl_masked") > 1e-6);  // the later steps are off policy
    CHECK(*steps(target_kl{1e-6}).find("policy/update_stopped") == 1.0);
    CHECK(*steps([](step_summary const& s) {
               return s.approxkl > 1e-6 ? verdict::skip : verdict::take;
           }).find("policy/steps_skipped") == 3.0);  // the first of four steps is on policy
    CHECK(steps(unguarded{}).find("policy/steps_skipped") == nullptr);
}

TEST_CASE("ppo_trainer: parts that learn do so from update to update") {
    support::temporary_folder const folder;
    auto config = small_config();
    config.output_dir = folder.path;
    auto given = arguments(config);
    ppo_trainer trainer(
        algorithm{
            chain(running_scaling{}, controlled_kl_penalty<k1>{{.kl_coef = 0.2, .kl_target = 1e-3, .kl_horizon = 80.0}},
                  terminal_score{}),
            gae{}, total(clipped_surrogate{}, clipped_value{})},
        given);
    CHECK(*trainer.step().find("objective/kl_coef") == 0.2);
    auto const second = *trainer.step().find("objective/kl_coef");
    CHECK((second == Approx(0.2 * 1.04) || second == Approx(0.2 * 0.96)));  // 16 of 80 episodes, clipped at 0.2
}

TEST_CASE(
    "ppo_trainer: under over_mini_batch the models learned do not depend on the split; under token_mean they do") {
    auto const learned = [](auto const& mean, int per_device, int accumulation) {
        support::temporary_folder const folder;
        auto config = small_config();
        config.output_dir = folder.path;
        config.per_device_train_batch_size = per_device;
        config.gradient_accumulation_steps = accumulation;
        auto const given = arguments(config);
        ppo_trainer trainer(algorithm{terminal_score{}, gae{}, total(clipped_surrogate{}, clipped_value{}), mean},
                            given);
        trainer.step();
        std::vector<at::Tensor> all;
        for (auto const& parameter : trainer.policy().parameters()) all.push_back(parameter.tensor.detach().flatten());
        return at::cat(all).to(at::kDouble);
    };
    auto const apart = [&](auto const& mean, int micro_batches) {
        return (learned(mean, 8 / micro_batches, micro_batches) - learned(mean, 8, 1))
            .abs()
            .max()
            .template item<double>();
    };
    CHECK(apart(over_mini_batch<>{}, 2) < 1e-9);
    CHECK(apart(over_mini_batch<sequence_mean_token_mean>{}, 4) < 1e-9);
    CHECK(apart(token_mean{}, 4) > 1e-7);
}

TEST_CASE("ppo_trainer: a callback stops it, and what was learned is saved") {
    support::temporary_folder const folder;
    auto config = small_config();
    config.output_dir = folder.path;
    config.total_episodes = 16 * 50;
    auto given = arguments(config);
    auto const seen = std::make_shared<log_recorder>();
    seen->stop_after = 1;
    given.callbacks = {seen};
    ppo_trainer trainer(stock_ppo(config), given);
    trainer.train();
    CHECK(seen->logged.size() == 1);
    CHECK(std::filesystem::exists(folder.path / "model.safetensors"));
}

TEST_CASE("ppo_trainer: a step that would spoil the models is not taken") {
    support::temporary_folder const folder;
    auto config = small_config();
    config.output_dir = folder.path;
    auto given = arguments(config);
    given.policy.lm_head[0][0] = std::nan("");  // as a damaged file would have it
    given.ref_policy = clone(support::tiny_model(config_for_words()));
    auto const before = clone(given.policy);
    ppo_trainer trainer(stock_ppo(config), given);
    CHECK_THROWS_AS(trainer.train(), non_finite_error);
    auto const now = trainer.policy().parameters(), then = before.parameters();
    for (std::size_t i = 0; i + 1 < now.size(); ++i) CHECK(at::equal(now[i].tensor, then[i].tensor));
}

TEST_CASE("ppo_trainer: what a user froze stays as it is, and has no gradient") {
    auto const config = small_config();
    auto given = arguments(config);
    auto const frozen = given.policy.body->token_embedding();
    set_requires_grad(given.policy, true);
    frozen.set_requires_grad(false);
    given.value_model->score.set_requires_grad(true);  // of the critic the head alone
    auto const before = clone(given.policy);
    auto const critic_before = clone(*given.value_model);
    auto const head = given.value_model->score.detach().clone();
    ppo_trainer trainer(stock_ppo(config), given);
    trainer.step();
    CHECK_FALSE(frozen.requires_grad());
    CHECK_FALSE(frozen.grad().defined());
    CHECK(at::equal(frozen, before.body->token_embedding()));
    auto const now = trainer.policy().parameters(), then = before.parameters();
    for (std::size_t i = 1; i < now.size(); ++i) {
        CAPTURE(now[i].name);
        CHECK_FALSE(at::equal(now[i].tensor, then[i].tensor));
    }
    CHECK_FALSE(at::equal(given.value_model->score, head));
    auto const body = given.value_model->body->parameters(), body_then = critic_before.body->parameters();
    for (std::size_t i = 0; i < body.size(); ++i) {
        CHECK(at::equal(body[i].tensor, body_then[i].tensor));
        CHECK_FALSE(body[i].tensor.grad().defined());
    }
}

TEST_CASE("ppo_trainer: arguments that do not fit are refused in one sentence") {
    auto const refused = [](auto const& change) {
        auto given = arguments(small_config());
        change(given);
        std::string message;
        try {
            ppo_trainer const trainer(stock_ppo(given.config), given);
        } catch (std::exception const& error) {
            message = error.what();
        }
        return message;
    };
    CHECK_THAT(refused([](auto& a) { a.ref_policy = a.policy; }),
               Catch::StartsWith("ref_policy shares gpt_neox.embed_in.weight with policy"));
    CHECK_THAT(refused([](auto& a) { a.value_model->body = a.policy.body; }),
               Catch::StartsWith("value_model shares gpt_neox.embed_in.weight with policy"));
    CHECK_THAT(refused([](auto& a) { a.reward_model = model_reward(*a.value_model); }),
               Catch::StartsWith("reward_model shares gpt_neox.embed_in.weight with value_model"));
    CHECK(refused([](auto& a) { a.reward_model = model_reward(clone(*a.value_model)); }).empty());
    CHECK_THAT(refused([](auto& a) { a.policy = support::tiny_model(config_for_words(), at::kBFloat16); }),
               Catch::StartsWith("the policy's gpt_neox.embed_in.weight is of BFloat16"));
    CHECK_THAT(refused([](auto& a) {
                   auto const half = support::tiny_model(config_for_words(), at::kHalf);
                   a.value_model = make_sequence_classifier(*half.body, half.config, 9);
               }),
               Catch::StartsWith("the value_model's gpt_neox.embed_in.weight is of Half"));
    CHECK_THAT(refused([](auto& a) { a.ref_policy.reset(); }), Catch::Contains("there is no ref_policy"));
    CHECK_THAT(refused([](auto& a) { a.reward_model = nullptr; }), Catch::StartsWith("there is no reward"));
    CHECK_THAT(refused([](auto& a) { a.config.stop_token = "period"; }),
               Catch::Contains("--stop_token must be one of eos, but is 'period'"));
    CHECK_THAT(refused([](auto& a) { a.config.stop_token_id = 3; }), Catch::Contains("exclude each other"));
    CHECK_THAT(refused([](auto& a) { a.config.temperature = 0.0; }), Catch::Contains("--temperature must be above 0"));
    CHECK_THAT(refused([](auto& a) { a.config.missing_eos_penalty = -1.0; }),
               Catch::Contains("--missing_eos_penalty must be at least 0"));
    CHECK_THAT(refused([](auto& a) { a.config.stop_token = {}, a.config.stop_token_id = 9999; }),
               Catch::Contains("is no token of the policy"));
    CHECK_THAT(refused([](auto& a) { a.config.adam_beta1 = 1.0; }), Catch::Contains("--adam_beta1 must be in [0, 1)"));
    CHECK_THAT(refused([](auto& a) { a.config.cliprange = 0.0; }), Catch::Contains("--cliprange"));
    CHECK_THAT(refused([](auto& a) { a.config.lr_scheduler_type = "sometimes"; }),
               Catch::Contains("--lr_scheduler_type"));
    CHECK_THAT(refused([](auto& a) { a.config.per_device_train_batch_size = 30; }),
               Catch::Contains("fewer than one batch"));
    CHECK_THAT(refused([](auto& a) { a.train_dataset.prompts[4].assign(60, 5); }),
               Catch::StartsWith("prompt 5 has 60 tokens"));
    CHECK_THAT(refused([](auto& a) { a.train_dataset.prompts[4] = {100000}; }),
               Catch::Contains("use the policy's tokenizer"));
    CHECK_THAT(refused([](auto& a) { a.tokenizer.add_pad_token("<|endoftext|>"); }),
               Catch::StartsWith("the pad token equals EOS"));
}

TEST_CASE("reward: a model's verdict is that at the last token, in any chunks; a wrong number of scores is refused") {
    auto const body = support::tiny_model();
    auto const judge = make_sequence_classifier(*body.body, body.config, 4);
    std::vector<finished_episode> const episodes{{{1, 2, 3}, {4, 5}}, {{6}, {}}, {{7, 8}, {9, 10, 11}}};
    auto const scores = model_reward(judge)(episodes).scores;
    CHECK(at::allclose(model_reward(judge, 2)(episodes).scores, scores, 1e-12, 1e-12));
    CHECK(at::allclose(scores[0], judge.values(judge.body->forward(pack_tokens({{1, 2, 3, 4, 5}})))[4], 1e-12, 1e-12));
    CHECK(at::allclose(scores[1], judge.values(judge.body->forward(pack_tokens({{6}})))[0], 1e-12, 1e-12));

    support::temporary_folder const folder;
    auto config = small_config();
    auto given = arguments(config);
    given.reward_model = [](auto const&) { return at::zeros({3}); };
    CHECK_THROWS_WITH(ppo_trainer(trainable(stock_ppo(config)), given).step(),
                      Catch::Contains("gave 3 scores for 16 episodes"));
    given.reward_model = [](auto const& e) { return at::full({std::int64_t(e.size())}, std::nan("")); };
    CHECK_THROWS_WITH(ppo_trainer(trainable(stock_ppo(config)), given).step(), Catch::Contains("not finite"));
}
