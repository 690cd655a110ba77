// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <fstream>
#include <functional>
#include <proximal/lm/model/load_model.hpp>
#include <proximal/lm/train/ppo_trainer.hpp>
#include <proximal/proximal.hpp>
#include <proximal/run/saved_state.hpp>
#include <proximal/run/stock_ppo.hpp>

#include "../../../examples/algorithms/algorithm_named.hpp"
#include "../../support/temporary_folder.hpp"
#include "../../support/tiny_run.hpp"

using namespace proximal;
using namespace proximal::lm;
using namespace proximal::run;

namespace {

struct logs final : trainer_callback {
    std::vector<std::pair<std::int64_t, metrics>> seen;
    void on_log(trainer_state& state, metrics const& m) override { seen.emplace_back(state.update, m); }
    void on_evaluate(trainer_state& state, metrics const& m) override { seen.emplace_back(-state.update, m); }
};

/// Kills the run, as far as a test can: from outside the trainer, in the middle of an update.
struct power_cut : std::runtime_error {
    power_cut() : std::runtime_error("power cut") {}
};
struct cut_at final : trainer_callback {
    std::int64_t update;
    explicit cut_at(std::int64_t u) : update(u) {}
    void on_step_begin(trainer_state& state) override {
        if (state.update == update) throw power_cut();
    }
};

using maker = std::function<trainable()>;

/// A run into a folder, from a checkpoint or from the start; ends early where `cut` says.
struct checkpointed_run {
    std::shared_ptr<logs> log = std::make_shared<logs>();
    std::unique_ptr<ppo_trainer> trainer;
    checkpointed_run(maker const& algorithm, PPOv2Config config, std::filesystem::path const& folder,
                     std::int64_t cut = -1) {
        config.output_dir = folder;
        auto given = support::arguments(config);
        given.callbacks = {log};
        if (cut >= 0) given.callbacks.push_back(std::make_shared<cut_at>(cut));
        trainer = std::make_unique<ppo_trainer>(algorithm(), given);
    }
    saved_state state() const {
        saved_state all;
        state_writer writer(all);
        trainer->visit_state(writer);
        all.erase("trainer/seconds");
        return all;
    }
};

bool same(saved_state const& a, saved_state const& b) {
    if (a.size() != b.size()) return false;
    for (auto const& [name, value] : a) {
        auto const other = b.find(name);
        if (other == b.end()) return false;
        bool const equal = std::visit(
            [&](auto const& x) {
                using Value = std::remove_cvref_t<decltype(x)>;
                auto const* const y = std::get_if<Value>(&other->second);
                if (y == nullptr) return false;
                if constexpr (std::is_same_v<Value, saved_array>) return x.bytes == y->bytes;
                else return x == *y;
            },
            value);
        INFO(name);
        CHECK(equal);
        if (!equal) return false;
    }
    return true;
}

PPOv2Config config_of_four_updates() {
    auto config = support::small_config();
    config.total_episodes = 64;  // four updates of sixteen
    config.temperature = 1.3;
    config.save_strategy = "steps";
    config.save_steps = 2;
    config.eval_strategy = "steps";
    config.eval_steps = 2;
    return config;
}

/// Cut before `cut`, resumed from the last checkpoint, the run is the whole run's: state, metrics, files.
void check_resumed(maker const& algorithm, PPOv2Config const& config, std::int64_t cut) {
    support::temporary_folder const whole_folder, cut_folder;
    checkpointed_run whole(algorithm, config, whole_folder.path);
    whole.trainer->train();
    checkpointed_run first(algorithm, config, cut_folder.path, cut);
    CHECK_THROWS_AS(first.trainer->train(), power_cut);
    auto const last = checkpoint_named("true", cut_folder.path).folder;
    REQUIRE(last.has_value());
    checkpointed_run second(algorithm, config, cut_folder.path);
    second.trainer->resume(*last);
    auto const resumed_at = second.trainer->state().update;
    CHECK(resumed_at == cut);  // an error between updates writes a checkpoint of its own
    second.trainer->train();

    CHECK(same(whole.state(), second.state()));
    std::size_t compared = 0;
    for (auto const& [update, logged] : whole.log->seen) {
        if (std::abs(update) <= resumed_at) continue;
        auto const& [of, other] = second.log->seen.at(compared++);
        REQUIRE(of == update);
        for (auto const& [name, value] : logged) {
            if (run::is_of_the_machine(name)) continue;
            INFO(name << " of update " << update);
            auto const* const again = other.find(name);
            REQUIRE(again != nullptr);
            CHECK((*again == value || (std::isnan(*again) && std::isnan(value))));
        }
    }
    CHECK(compared == second.log->seen.size());
    CHECK(compared > 0);
    auto const bytes = [](std::filesystem::path const& file) {
        std::ifstream in(file, std::ios::binary);
        return std::string(std::istreambuf_iterator<char>(in), {});
    };
    CHECK(bytes(whole_folder.path / "model.safetensors") == bytes(cut_folder.path / "model.safetensors"));
    auto const history = [](std::filesystem::path const& run) {
        return io::read_json(run / "checkpoint-4" / "trainer_state.json")["log_history"].size();
    };
    CHECK(history(whole_folder.path) == history(cut_folder.path));  // nothing lost, nothing twice
}

}  // namespace

TEST_CASE("checkpoint: an interrupted run that is resumed is the uninterrupted one, bit for bit") {
    auto const config = config_of_four_updates();
    SECTION("ppo with mini-batches, accumulation, evaluation and samples") {
        check_resumed([&] { return stock_ppo(config); }, config, 3);
    }
    SECTION("grpo") {
        check_resumed([] { return examples::algorithm_named("grpo"); }, config, 2);
    }
    SECTION("parts that learn: adaptive KL, running scaling") {
        check_resumed(
            [] {
                return algorithm{
                    chain(missing_eos_penalty{0.5}, running_scaling{},
                          controlled_kl_penalty<k1>{{.kl_coef = 0.1, .kl_target = 1e-3, .kl_horizon = 200}},
                          terminal_score{}),
                    chain(gae{}, whiten{}), total(clipped_surrogate{}, clipped_value{})};
            },
            config, 3);
    }
    SECTION("every optimizer") {
        for (char const* name : {"sgd", "adafactor", "adagrad", "rmsprop"}) {
            INFO(name);
            auto other = config;
            other.optim = name;
            check_resumed([&] { return stock_ppo(config); }, other, 2);
        }
    }
}

TEST_CASE("checkpoint: its folders are models, and the oldest go above the limit") {
    support::temporary_folder const folder;
    auto config = config_of_four_updates();
    config.save_steps = 1;
    config.save_total_limit = 2;
    checkpointed_run run([&] { return stock_ppo(config); }, config, folder.path);
    run.trainer->train();
    CHECK_FALSE(std::filesystem::exists(folder.path / "checkpoint-2"));
    CHECK(std::filesystem::exists(folder.path / "checkpoint-3"));
    auto const dtype = run.trainer->policy().lm_head.scalar_type();
    auto const saved = load_causal_lm(folder.path / "checkpoint-4", dtype);
    CHECK(saved.lm_head.equal(run.trainer->policy().lm_head));
    CHECK_NOTHROW(load_sequence_classifier(folder.path / "checkpoint-4" / "value_model"));
    CHECK_NOTHROW(text::tokenizer::load(folder.path / "checkpoint-4"));
    auto const state = io::read_json(folder.path / "checkpoint-4" / "trainer_state.json");
    CHECK(state["global_step"] == 4);
    CHECK(state["log_history"].size() == 6);  // four updates, two evaluations
}

TEST_CASE("checkpoint: one of another run is refused, naming all that differs; what may change may") {
    support::temporary_folder const folder;
    auto const config = config_of_four_updates();
    checkpointed_run([&] { return stock_ppo(config); }, config, folder.path).trainer->train();
    auto const saved = folder.path / "checkpoint-2";
    auto const resume = [&](PPOv2Config const& with, maker const& algorithm) {
        support::temporary_folder const elsewhere;
        checkpointed_run other(algorithm, with, elsewhere.path);
        other.trainer->resume(saved);
        return other.trainer->state().update;
    };
    auto const stock = [&] { return trainable(stock_ppo(config)); };
    SECTION("batch sizes and the seed") {
        auto other = config;
        other.seed = 7;
        other.num_mini_batches = 1;
        CHECK_THROWS_WITH(resume(other, stock), Catch::Contains("--num_mini_batches was 2 and is 1") &&
                                                    Catch::Contains("--seed was 42 and is 7"));
    }
    SECTION("an algorithm with other numbers") {
        auto other = config;
        other.kl_coef = 0.5;
        CHECK_THROWS_WITH(resume(other, [&] { return trainable(stock_ppo(other)); }),
                          Catch::Contains("--kl_coef was 0.05 and is 0.5"));
    }
    SECTION("other data, another model") {
        auto given = support::arguments(config);
        given.train_dataset.prompts[3].push_back(1);
        CHECK_THROWS_WITH(ppo_trainer(stock(), given).resume(saved),
                          Catch::Contains("the training data was 20 prompts"));
        given = support::arguments(config);
        at::NoGradGuard const guard;
        given.ref_policy->lm_head.add_(1.0);
        CHECK_THROWS_WITH(ppo_trainer(stock(), given).resume(saved), Catch::Contains("the reference model was"));
    }
    SECTION("a longer run at another rate, logged and saved otherwise") {
        auto other = config;
        other.total_episodes = 320;
        other.learning_rate = 1e-4;
        other.lr_scheduler_type = "constant";
        other.save_steps = 5;
        other.eval_strategy = "no";
        CHECK(resume(other, stock) == 2);
    }
    SECTION("with data that begin anew: ignore_data_skip") {
        auto const next_prompts = [&](bool skip) {
            auto other = config;
            other.ignore_data_skip = skip;
            auto given = support::arguments(other);
            ppo_trainer trainer(stock(), given);
            trainer.resume(saved);
            return trainer.next().prompts;
        };
        auto given = support::arguments(config);
        ppo_trainer fresh(stock(), given);
        auto const first = fresh.next().prompts;
        CHECK(next_prompts(true) == first);
        CHECK(next_prompts(false) != first);
    }
    SECTION("the models alone") {
        std::filesystem::remove(saved / "manifest.json");
        CHECK_THROWS_WITH(resume(config, stock), Catch::Contains("no manifest.json"));
        auto alone = config;
        alone.save_only_model = true;
        support::temporary_folder const other;
        checkpointed_run(stock, alone, other.path).trainer->train();
        checkpointed_run again(stock, alone, other.path);
        CHECK_THROWS_WITH(again.trainer->resume(other.path / "checkpoint-2"),
                          Catch::Contains("holds the models alone"));
    }
    SECTION("damaged files, of their size") {
        for (char const* name : {"state.json", "identity.json", "trainer_state.json", "model.safetensors"}) {
            INFO(name);
            std::ifstream in(saved / name, std::ios::binary);
            std::string const whole(std::istreambuf_iterator<char>(in), {});
            auto damaged = whole;
            damaged[damaged.size() / 2] ^= 1;
            std::ofstream(saved / name, std::ios::binary) << damaged;
            CHECK_THROWS_WITH(resume(config, stock),
                              Catch::Contains(std::string("is damaged: ") + name + " is not what was written"));
            std::ofstream(saved / name, std::ios::binary) << whole;
        }
        CHECK(resume(config, stock) == 2);
    }
}

TEST_CASE("checkpoint: the best model is kept above the limit, found again, and is what the run ends with") {
    support::temporary_folder const folder;
    auto config = config_of_four_updates();
    config.save_steps = 1, config.eval_steps = 1;
    config.save_total_limit = 1;
    config.load_best_model_at_end = true;
    config.metric_for_best_model = "response_length";
    config.greater_is_better = true;
    checkpointed_run run([&] { return stock_ppo(config); }, config, folder.path);
    run.trainer->train();
    double best = 0.0;
    std::int64_t at = 0;
    for (auto const& [update, measured] : run.log->seen)
        if (auto const* const value = measured.find("eval/response_length"); value != nullptr && *value > best)
            best = *value, at = -update;
    CHECK(run.trainer->state().best_metric == best);
    auto const kept = folder.path / ("checkpoint-" + std::to_string(at));
    CHECK(run.trainer->state().best_model_checkpoint == kept);
    CHECK(std::filesystem::exists(kept));
    CHECK(load_causal_lm(kept).lm_head.equal(load_causal_lm(folder.path).lm_head));
}

TEST_CASE("checkpoint: evaluations that cannot be made are refused before the run") {
    auto config = support::small_config();
    auto const refused = [&](PPOv2Config const& with, bool data = true) {
        auto given = support::arguments(with);
        if (!data) given.eval_dataset = {};
        ppo_trainer const trainer(stock_ppo(with), given);
    };
    config.load_best_model_at_end = true;
    CHECK_THROWS_WITH(refused(config), Catch::Contains("--load_best_model_at_end needs evaluations"));
    config.eval_strategy = "epoch", config.save_strategy = "steps";
    CHECK_THROWS_WITH(refused(config), Catch::Contains("give --save_strategy as --eval_strategy"));
    config.eval_strategy = config.save_strategy = "steps";
    config.eval_steps = 3, config.save_steps = 4;
    CHECK_THROWS_WITH(refused(config), Catch::Contains("4 is none of 3"));
    config.save_steps = 6;
    CHECK_NOTHROW(refused(config));
    CHECK_THROWS_WITH(refused(config, false), Catch::Contains("no evaluation data"));
    config.metric_for_best_model = "nonsense";
    CHECK_THROWS_WITH(refused(config),
                      Catch::Contains("an evaluation measures no eval/nonsense; it measures eval/scores"));
    config.metric_for_best_model = "rewards/of_a_part";  // whose names only an evaluation knows
    support::temporary_folder const folder;
    config.output_dir = folder.path;
    config.eval_steps = 1, config.save_steps = 1;
    auto const given = support::arguments(config);
    ppo_trainer trainer(stock_ppo(config), given);
    CHECK_THROWS_WITH(trainer.train(),
                      Catch::Contains("an evaluation measures no eval/rewards/of_a_part; it measures eval/scores"));
    config = support::small_config();
    config.early_stopping_patience = 2;
    CHECK_THROWS_WITH(refused(config), Catch::Contains("--early_stopping_patience needs evaluations"));
}
