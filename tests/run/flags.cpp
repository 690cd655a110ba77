// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/run/flags.hpp>
#include <proximal/run/ppo_config.hpp>

using namespace proximal;
using namespace proximal::run;

namespace {
PPOv2Config parsed(std::vector<std::string> arguments) {
    PPOv2Config config;
    parse_flags(config, "test", std::move(arguments));
    return config;
}
}  // namespace

TEST_CASE("flags: TRL's quick start, spelled as there") {
    auto const config =
        parsed({"--learning_rate", "3e-6", "--num_ppo_epochs", "1", "--num_mini_batches", "1", "--output_dir",
                "models/minimal/ppo", "--per_device_train_batch_size", "64", "--gradient_accumulation_steps", "1",
                "--total_episodes", "10000", "--model_name_or_path", "EleutherAI/pythia-1b-deduped",
                "--missing_eos_penalty", "1.0"});
    CHECK(config.learning_rate == 3e-6);
    CHECK(config.num_ppo_epochs == 1);
    CHECK(config.per_device_train_batch_size == 64);
    CHECK(config.total_episodes == 10000);
    CHECK(config.model_name_or_path == "EleutherAI/pythia-1b-deduped");
    CHECK(config.missing_eos_penalty == 1.0);
    CHECK_FALSE(config.use_cpu);
    CHECK(config.kl_coef == 0.05);
}

TEST_CASE("flags: forms") {
    CHECK(parsed({"--use_cpu"}).use_cpu);
    CHECK(parsed({"--use_cpu", "--seed", "7"}).seed == 7);
    CHECK(parsed({"--use_cpu", "true"}).use_cpu);
    for (auto const* word : {"yes", "True", "ON", "t", "Y", "1"}) CHECK(parsed({"--use_cpu", word}).use_cpu);
    for (auto const* word : {"no", "FALSE", "off", "f", "N", "0"}) CHECK_FALSE(parsed({"--use_cpu", word}).use_cpu);
    CHECK((parsed({"--total_episodes", "1_000_000"}).total_episodes == 1000000 && parsed({"--seed=+3"}).seed == 3));
    CHECK_FALSE(parsed({"--use_cpu=False"}).use_cpu);
    CHECK(parsed({"--learning-rate=1e-4"}).learning_rate == 1e-4);
    CHECK(parsed({"--output_dir", "my-run"}).output_dir == "my-run");
    CHECK(parsed({"--missing_eos_penalty", "-1"}).missing_eos_penalty == -1.0);
    CHECK_FALSE(parsed({"--missing_eos_penalty", "None"}).missing_eos_penalty.has_value());
    CHECK(parsed({"--seed", "1", "--seed", "2"}).seed == 2);
    CHECK(parsed({"--tf32"}).tf32 == true);  // of an optional bool too
    CHECK(parsed({"--tf32", "none"}).tf32 == std::nullopt);
}

TEST_CASE("flags: bad ones are named with the cure") {
    CHECK_THROWS_WITH(parsed({"--learning_rat", "1"}),
                      "there is no flag --learning_rat: did you mean --learning_rate? See --help");
    CHECK_THROWS_WITH(parsed({"--vfcoef=1"}), Catch::Contains("did you mean --vf_coef?"));
    CHECK_THROWS_WITH(parsed({"--learning_rate", "fast"}), "--learning_rate expects a number, not 'fast'");
    CHECK_THROWS_WITH(parsed({"--num_ppo_epochs", "1.5"}), "--num_ppo_epochs expects a whole number, not '1.5'");
    CHECK_THROWS_WITH(parsed({"--seed", "-1"}), "--seed expects a whole number, 0 or more, not '-1'");
    CHECK_THROWS_WITH(parsed({"--total_episodes", "99999999999999999999"}), Catch::Contains("expects a whole number"));
    CHECK_THROWS_WITH(parsed({"--use_cpu", "maybe"}), "--use_cpu expects true or false, not 'maybe'");
    CHECK_THROWS_WITH(parsed({"--seed"}), Catch::Contains("--seed has no value"));
    CHECK_THROWS_WITH(parsed({"--seed", "1", "2"}), Catch::Contains("'2' belongs to no flag"));
    CHECK_THROWS_WITH(parsed({"--"}), Catch::Contains("belongs to no flag"));
    CHECK_THROWS_WITH(parsed({"--zzzzzz", "1"}), "there is no flag --zzzzzz: see --help");
    // One dash: what was meant is said, once, and its value is no stray word.
    CHECK_THROWS_WITH(parsed({"-seed", "1"}), "'-seed' has one dash: write --seed");
    CHECK_THROWS_WITH(parsed({"-seed=1"}), "'-seed' has one dash: write --seed");
    CHECK_THROWS_WITH(parsed({"-seed", "-1"}), "'-seed' has one dash: write --seed");
    CHECK_THROWS_WITH(parsed({"-max-new-tokens", "4"}), "--max_new_tokens is called --response_length here");
    CHECK_THROWS_WITH(parsed({"-5"}), Catch::Contains("'-5' belongs to no flag"));
    CHECK_THROWS_WITH(parsed({"---seed", "1"}), Catch::Contains("'---seed' belongs to no flag"));
    CHECK_THROWS_WITH(parsed({"stray"}), Catch::Contains("'stray' belongs to no flag"));
}

TEST_CASE("flags: names of other libraries are answered; each of ours that an answer names is a flag") {
    CHECK_THROWS_WITH(parsed({"--rloo_k", "4"}), "--rloo_k is called --group_size here");
    CHECK_THROWS_WITH(parsed({"--max-new-tokens=4"}), "--max_new_tokens is called --response_length here");
    CHECK_THROWS_WITH(parsed({"--lora_r", "4"}), Catch::Contains("--lora_r is not supported: all weights are trained"));
    CHECK(find_foreign_flag("data.train_files")->ours == "--dataset_name");
    CHECK(find_foreign_flag("nothing_of_the_kind") == nullptr);
    PPOv2Config config;
    std::set<std::string> ours{"group_size", "kl_loss_coef", "cliprange_low", "cliprange_high", "clip_c"};  // of parts
    for (auto const& knob : any_knobs(config)) ours.insert(knob.name);
    std::set<std::string> const of_others{"max_seq_length", "max_length", "prompt_loss_weight"};  // of sft and reward
    CHECK(find_foreign_flag("max_length", {"max_seq_length", "response_length"})->ours == "--max_seq_length");
    CHECK(find_foreign_flag("max_length", ours)->ours == "--response_length");
    CHECK(find_foreign_flag("max_seq_length", ours) == nullptr);
    CHECK(find_foreign_flag("max_seq_length", {"max_length"})->ours == "--max_length");
    for (auto const& row : proximal::run::detail::foreign_flags) {
        INFO(row.name);
        CHECK_FALSE(ours.contains(std::string(row.name)));  // ours need no answer
        CHECK((!row.ours.empty() || !row.because.empty()));
        for (std::size_t at = row.ours.find("--"); at != std::string_view::npos; at = row.ours.find("--", at + 2)) {
            auto const end =
                std::min(row.ours.find_first_not_of("abcdefghijklmnopqrstuvwxyz_0123456789", at + 2), row.ours.size());
            auto const answer = std::string(row.ours.substr(at + 2, end - at - 2));
            CHECK((ours.contains(answer) || of_others.contains(answer)));
        }
    }
}

TEST_CASE("edit_distance: laws") {
    CHECK(edit_distance("kitten", "sitting") == 3);
    CHECK(edit_distance("", "abc") == 3);
    CHECK(edit_distance("abc", "abc") == 0);
}
