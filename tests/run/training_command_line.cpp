// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/run/reward_config.hpp>
#include <proximal/run/sft_config.hpp>
#include <proximal/run/training_command_line.hpp>

using namespace proximal::run;

TEST_CASE("read_training_command_line: transformers' flags act, and what would do nothing is refused") {
    SFTConfig config;
    auto const given = read_training_command_line(
        config, "about", {"--learning_rate", "1e-3", "--prompt-loss-weight=0", "--max_steps", "7"});
    REQUIRE(given);
    CHECK((config.learning_rate == 1e-3 && config.prompt_loss_weight == 0.0 && config.max_steps == 7));
    CHECK(config.max_grad_norm == 1.0);
    CHECK(training_record(config, *given, {{"doctor", {"no"}}})["provenance"]["max_steps"] == "flag");
    CHECK_FALSE(training_record(config, *given, {{"doctor", {"no"}}}).contains("doctor"));
    auto const idle = [](std::vector<std::string> const& words) {
        SFTConfig fresh;
        read_training_command_line(fresh, "about", words);
    };
    CHECK_THROWS_WITH(idle({"--response_length=4", "--eval_temperature=1"}),
                      "--response_length would do nothing: --eval_generations 0 asks for no answers\n"
                      "--eval_temperature would do nothing: --eval_generations 0 asks for no answers");
    CHECK_THROWS_WITH(idle({"--eval_generations=4"}),
                      Catch::StartsWith("--eval_generations would do nothing: there are no"));
    CHECK_NOTHROW(idle({"--response_length=4", "--eval_generations=4", "--eval_strategy=epoch"}));
    CHECK_NOTHROW(idle({"--response_length=4", "--eval_generations=4", "--eval_on_start"}));
    auto const refused = [](std::vector<std::string> const& words, refused_flags const& idle, char const* sentence) {
        RewardConfig fresh;
        CHECK_THROWS_WITH(read_training_command_line(fresh, "about", words, idle), Catch::Contains(sentence));
    };
    refused({"--num_train_epochs=2", "--max_steps=3"}, {}, "--num_train_epochs would do nothing");
    refused({"--doctor=false"}, {{"doctor", {"its diagnoses are of PPO's metrics"}}}, "diagnoses are of PPO");
    refused({"--center_rewards_coefficient=-1"}, {}, "must be at least 0");
    refused({"--reward_head=random"}, {}, "n_plus, initializer_range");
    refused({"--lr_scheduler_type=cosin"}, {}, "must be one of linear");
    refused({"--kl_coef=1"}, {}, "kl_coef");
    refused({"--batch_scope=world"}, {}, "there is no flag --batch_scope");
    refused({"--fsdp=full_shard", "--optim=adafactor"}, {}, "--optim adafactor keeps sums");
    refused({"--deepspeed={\"zero_optimization\": {\"stage\": 1}}", "--sharding=zero2"}, {}, "give one of them");
}

TEST_CASE("read_training_command_line: --deepspeed and --fsdp become --sharding, and the record says by whom") {
    RewardConfig config;
    auto const given = read_training_command_line(config, "about", {"--fsdp", "full_shard auto_wrap"});
    REQUIRE(given);
    CHECK(config.sharding == "zero3");
    CHECK(given->at("sharding").source == "--fsdp full_shard auto_wrap");
    auto const record = training_record(config, *given);
    CHECK((record["sharding"] == "zero3" && record["fsdp"] == "full_shard auto_wrap"));
    CHECK((record["provenance"]["sharding"] == "--fsdp" && record["provenance"]["fsdp"] == "flag"));
}
